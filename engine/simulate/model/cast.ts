/** The accounts of one partition. */
import type { ModelAccount } from './reference-book.ts';
import { A, MAX } from './reference-ledger.ts';

export interface CastAccount extends Pick<ModelAccount, 'id' | 'ledger' | 'owner' | 'flags' | 'creditLimit'> {
  readonly tariff: number;
  /** Absent = 0. */
  readonly tier?: number;
}

const cny = 156;
export const usd = 840;

/** Accounts 1 … 13. */
export const CAST: readonly CastAccount[] = [
  { id: 1n, ledger: cny, owner: 1, flags: 0, creditLimit: 0n, tariff: 0 },
  { id: 2n, ledger: cny, owner: 2, flags: A.debitLimited, creditLimit: 0n, tariff: 0 },
  { id: 3n, ledger: cny, owner: 2, flags: A.debitLimited, creditLimit: 5000n, tariff: 1 },
  { id: 4n, ledger: cny, owner: 3, flags: A.debitLimited, creditLimit: 0n, tariff: 1 },
  { id: 5n, ledger: cny, owner: 3, flags: A.creditLimited, creditLimit: 0n, tariff: 0 },
  { id: 6n, ledger: cny, owner: 2, flags: A.debitLimited, creditLimit: 0n, tariff: 0 },
  { id: 7n, ledger: cny, owner: 3, flags: 0, creditLimit: 0n, tariff: 2, tier: 3 },
  { id: 8n, ledger: usd, owner: 2, flags: 0, creditLimit: 0n, tariff: 1 },
  { id: 9n, ledger: usd, owner: 3, flags: A.debitLimited, creditLimit: MAX, tariff: 0 },
  { id: 10n, ledger: cny, owner: 2, flags: 0, creditLimit: 0n, tariff: 3 },
  { id: 11n, ledger: cny, owner: 1, flags: 0, creditLimit: 0n, tariff: 0 },
  { id: 12n, ledger: cny, owner: 2, flags: A.debitLimited, creditLimit: 0n, tariff: 0 },
  { id: 13n, ledger: usd, owner: 2, flags: 0, creditLimit: 0n, tariff: 0 },
];

export const CAMPAIGNS = [6n, 12n, 13n];

/** By account: the others of its ledger. */
export const PARTNERS = new Map(
  CAST.map(({ id, ledger }) => [id, CAST.filter((other) => other.id !== id && other.ledger === ledger)]),
);
