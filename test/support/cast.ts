/** The accounts that most ledger tests use. */
import { AccountFlags } from '../../protocol/records.ts';
import { resultName } from '../../protocol/results.ts';
import type { Desk } from './desk.ts';

export function nameOf(code: number): string {
  return resultName(code) ?? String(code);
}

/** Accounts: 1 operator's, 2 and 4 institution 2's, 3 institution 3's; 5 in another currency, 6 only takes what it gave. */
export async function cast(desk: Desk): Promise<void> {
  const cny = { ledger: 156, code: 1 };
  await desk.accounts(1, { id: 1n, ...cny });
  await desk.accounts(2, { id: 2n, ...cny, flags: AccountFlags.debitsMustNotExceedCredits }, { id: 4n, ...cny });
  await desk.accounts(3, { id: 3n, ...cny }, { id: 5n, ledger: 840, code: 1 });
  await desk.accounts(3, { id: 6n, ...cny, flags: AccountFlags.creditsMustNotExceedDebits });
}
