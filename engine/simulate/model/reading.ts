/** Reads, and what they must show: as the reference stands at that point of the batch, or stood at a time before. */
import { decodeLookupAccounts, encodeLookupAccounts } from '../../../protocol/codecs/account-codec.ts';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import type { HistoryPage } from '../../../protocol/codecs/history-codec.ts';
import {
  decodeBalancesAt,
  decodeQueryHistory,
  decodeTrialBalance,
  encodeBalancesAt,
  encodeQueryHistory,
  encodeTrialBalance,
} from '../../../protocol/codecs/reading-codec.ts';
import {
  decodeLookupTransfers,
  encodeLookupTransfers,
  type TransferEntry,
} from '../../../protocol/codecs/transfer-codec.ts';
import type { ModelAccount } from './reference-book.ts';
import { F, type ReferenceLedger } from './reference-ledger.ts';

export type Read =
  | { readonly what: 'accounts' | 'transfers'; readonly ids: readonly bigint[] }
  | { readonly what: 'history'; readonly accountId: bigint; readonly order: 'newestFirst' | 'oldestFirst' }
  | { readonly what: 'balanceAt'; readonly accountId: bigint; readonly at: bigint }
  | { readonly what: 'trial' };

const PAGE = 30;
const ID = { requestId: 1 };

/** As the operator asks, who may see everything. */
export function readFrame(read: Read): Uint8Array {
  switch (read.what) {
    case 'accounts':
      return encodeLookupAccounts(read.ids, ID);
    case 'transfers':
      return encodeLookupTransfers(read.ids, ID);
    case 'history':
      return encodeQueryHistory({ accountId: read.accountId, order: read.order, limit: PAGE }, ID);
    case 'balanceAt':
      return encodeBalancesAt({ accountId: read.accountId, at: read.at }, ID);
    case 'trial':
      return encodeTrialBalance({}, ID);
  }
}

/** What a balance was in the past: each account's after every batch that changed it. */
export class Past {
  readonly #ledger: ReferenceLedger;
  readonly #balances = new Map<bigint, { readonly account: ModelAccount; readonly at: bigint }[]>();

  constructor(ledger: ReferenceLedger) {
    this.#ledger = ledger;
  }

  /** After a batch. */
  note(): void {
    for (const [id, account] of this.#ledger.book.accounts) {
      const known = this.#balances.get(id) ?? [];
      if (known.at(-1)?.account === account) continue;
      known.push({ account, at: this.#ledger.now });
      this.#balances.set(id, known);
    }
  }

  /** Posted credits minus posted debits at a time, itself included. */
  balanceAt(id: bigint, at: bigint): bigint {
    if (at >= this.#ledger.now) return balanceOf(this.#ledger.account(id));
    const found = this.#balances.get(id)?.findLast((entry) => entry.at <= at);
    return found === undefined ? 0n : balanceOf(found.account);
  }
}

function balanceOf({ creditsPosted, debitsPosted }: ModelAccount): bigint {
  return creditsPosted - debitsPosted;
}

/** What a reply shows and what it must show, as lists that must be equal. */
export function readingOf(
  read: Read,
  frame: Uint8Array,
  ledger: ReferenceLedger,
  past: Past,
): { readonly got: readonly unknown[]; readonly expected: readonly unknown[] } {
  const reply = openReply(frame);
  switch (read.what) {
    case 'accounts': {
      const got = decodeLookupAccounts(reply).map(({ name, account }) => [name, account && account4(account)]);
      const expected = read.ids.map((id) => {
        const account = ledger.book.accounts.get(id);
        return account === undefined ? ['accountNotFound', undefined] : ['ok', account4(account)];
      });
      return { got, expected };
    }
    case 'transfers': {
      const got = decodeLookupTransfers(reply).map(({ name, entry }) => [name, ...(entry ? seen(entry) : [])]);
      const expected = read.ids.map((id) => {
        const known = ledger.decided.get(id);
        if (known === undefined) return ['transferNotFound'];
        const { institution, content, timestamp, name } = known;
        return ['ok', name, institution, id, content.pendingId, timestamp];
      });
      return { got, expected };
    }
    case 'history':
      return historyOf(read, decodeQueryHistory(reply), ledger);
    case 'balanceAt': {
      const { name, balance } = decodeBalancesAt(reply);
      return { got: [name, balance], expected: ['ok', past.balanceAt(read.accountId, read.at)] };
    }
    case 'trial': {
      const got = decodeTrialBalance(reply).ledgers.map((sums) => [sums.ledger, ...account4(sums)]);
      return { got, expected: trialOf(ledger) };
    }
  }
}

type Sums = Pick<ModelAccount, 'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted'>;

function account4({ debitsPending, debitsPosted, creditsPending, creditsPosted }: Sums): bigint[] {
  return [debitsPending, debitsPosted, creditsPending, creditsPosted];
}

function seen({ name, institution, transfer }: TransferEntry): unknown[] {
  return [name, institution, transfer.id, transfer.pendingId, transfer.timestamp];
}

function trialOf({ book }: ReferenceLedger): unknown[][] {
  const sums = new Map<number, bigint[]>();
  for (const account of book.accounts.values()) {
    const so = sums.get(account.ledger) ?? [0n, 0n, 0n, 0n];
    sums.set(
      account.ledger,
      account4(account).map((value, side) => value + (so[side] ?? 0n)),
    );
  }
  return [...sums].sort(([a], [b]) => a - b).map(([ledger, four]) => [ledger, ...four]);
}

/**
 * The balances of a page follow from each other, from nothing on or down from what the account has now: a missing, doubled or
 * foreign entry breaks the row.
 */
function historyOf(
  { accountId, order }: Extract<Read, { what: 'history' }>,
  { entries }: HistoryPage,
  ledger: ReferenceLedger,
): { readonly got: bigint[]; readonly expected: bigint[] } {
  const got = entries.map((entry) => after(entry, accountId));
  const expected: bigint[] = [];
  let balance = order === 'oldestFirst' ? 0n : balanceOf(ledger.account(accountId));
  for (const entry of entries) {
    const effect = effectOf(entry, accountId);
    if (order === 'oldestFirst') balance += effect;
    expected.push(balance);
    if (order === 'newestFirst') balance -= effect;
  }
  // All of it fits the page: then it begins with nothing.
  if (order === 'newestFirst' && entries.length < PAGE) {
    got.push(0n);
    expected.push(balance);
  }
  return { got, expected };
}

function after({ transfer, debitBalanceAfter, creditBalanceAfter }: TransferEntry, accountId: bigint): bigint {
  return transfer.debitAccountId === accountId ? debitBalanceAfter : creditBalanceAfter;
}

function effectOf({ transfer: { flags, amount, debitAccountId } }: TransferEntry, accountId: bigint): bigint {
  // What is held or let go moves nothing. An expiry carries the flag of a void, and one of its own.
  if ((flags & (F.pending | F.void)) !== 0) return 0n;
  return debitAccountId === accountId ? -amount : amount;
}
