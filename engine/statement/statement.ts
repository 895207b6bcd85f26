/**
 * The statement of an account over a time: opening balance, what was posted (oldest first), closing balance. Both balances are
 * asked for first, so what is posted meanwhile does not get in. Entries come page by page: memory does not grow with their number.
 *
 * Holds and releases are not bookings, so they are left out. What is shown adds up from the opening to the closing balance, entry
 * by entry; where it does not, the reader gets an error instead of an end.
 */
import type { HistoryPage } from '../../protocol/codecs/history-codec.ts';
import type { BalanceAt, BalanceQuery, HistoryFilter } from '../../protocol/codecs/reading-codec.ts';
import type { Result } from '../../protocol/codecs/result-codec.ts';
import type { TransferEntry } from '../../protocol/codecs/transfer-codec.ts';
import { TransferFlags } from '../../protocol/records.ts';

/** Where a statement is read from: the client, or the engine itself. */
export interface StatementSource {
  balancesAt(query: BalanceQuery): Promise<BalanceAt>;
  queryHistory(filter: HistoryFilter): Promise<HistoryPage>;
}

/** Times in µs since 1970. */
export interface StatementQuery {
  readonly accountId: bigint;
  /** Left out = from the first entry on. */
  readonly from?: bigint | undefined;
  /** The first moment that is not in it; left out = now. */
  readonly to?: bigint | undefined;
}

/** One booking, as the owner of the account sees it. */
export interface Booking {
  readonly entry: TransferEntry;
  readonly direction: 'debit' | 'credit';
  readonly amount: bigint;
  /** Posted balance of the account after it. */
  readonly balance: bigint;
  /** The account on the other side. */
  readonly counterpart: bigint;
}

export interface Statement {
  readonly accountId: bigint;
  readonly ledger: number;
  readonly opening: bigint;
  readonly closing: bigint;
  readonly from: bigint | undefined;
  readonly to: bigint | undefined;
  /** To be read once. Throws StatementError. */
  readonly bookings: AsyncIterable<Booking>;
}

/** A page could not be had, or the bookings do not add up: the second is damage or a bug. */
export class StatementError extends Error {
  override readonly name = 'StatementError';
  readonly result: Result | undefined;

  constructor(message: string, result?: Result) {
    super(message);
    this.result = result;
  }
}

/** Entries of one page. */
const PAGE_ENTRIES = 1000;

/** Reads both balances; the bookings follow when they are asked for. @returns the refusal when the account cannot be read */
export async function openStatement(source: StatementSource, query: StatementQuery): Promise<Statement | Result> {
  const { accountId, from, to } = query;
  const closing = await source.balancesAt({ accountId, at: to === undefined ? 0n : to - 1n });
  if (closing.code !== 0) return closing;
  const isWhole = from === undefined || from === 0n;
  // A time of 0 would mean now: before the first moment there is nothing.
  const opening = isWhole || from === 1n ? undefined : await source.balancesAt({ accountId, at: from - 1n });
  if (opening !== undefined && opening.code !== 0) return opening;
  const balances = { opening: opening?.balance ?? 0n, closing: closing.balance };
  const entries = closing.entries - (opening?.entries ?? 0n);
  const bookings = bookingsOf(source, query, balances, entries);
  return { accountId, ledger: closing.ledger, ...balances, from, to, bookings };
}

export function isStatement(value: Statement | Result): value is Statement {
  return 'bookings' in value;
}

async function* bookingsOf(
  source: StatementSource,
  { accountId, from }: StatementQuery,
  { opening, closing }: { readonly opening: bigint; readonly closing: bigint },
  entries: bigint,
): AsyncGenerator<Booking, void, undefined> {
  let balance = opening;
  let cursor = 0n;
  for (let left = entries; left > 0n; ) {
    const filter = { accountId, cursor, limit: PAGE_ENTRIES, order: 'oldestFirst' } as const;
    const page = await source.queryHistory(from === undefined ? filter : { ...filter, from });
    if (page.code !== 0) throw new StatementError(page.message.en, page);
    for (const entry of page.entries.slice(0, Number(left))) {
      left--;
      const booking = bookingOf(entry, accountId);
      if (booking === undefined) continue;
      balance += booking.direction === 'credit' ? booking.amount : -booking.amount;
      if (balance !== booking.balance) throw doesNotAddUp(accountId, balance, booking.balance);
      yield booking;
    }
    cursor = page.nextCursor;
    if (cursor === 0n && left > 0n) throw new StatementError('the history ends before its last entry');
  }
  if (balance !== closing) throw doesNotAddUp(accountId, balance, closing);
}

function doesNotAddUp(accountId: bigint, sum: bigint, balance: bigint): StatementError {
  return new StatementError(`the entries of ${accountId.toString(16)} add up to ${sum}, not to ${balance}`);
}

/** The entry as a booking on this account; undefined when it only held or released money. */
export function bookingOf(entry: TransferEntry, accountId: bigint): Booking | undefined {
  const { transfer } = entry;
  if ((transfer.flags & (TransferFlags.pending | TransferFlags.voidPending)) !== 0) return undefined;
  const isDebit = transfer.debitAccountId === accountId;
  return {
    entry,
    direction: isDebit ? 'debit' : 'credit',
    amount: transfer.amount,
    balance: isDebit ? entry.debitBalanceAfter : entry.creditBalanceAfter,
    counterpart: isDebit ? transfer.creditAccountId : transfer.debitAccountId,
  };
}
