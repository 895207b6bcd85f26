/**
 * queryHistory: HISTORY_FILTER    → RESULT, PAGE, then PAGE.count × (TRANSFER_OUTCOME, TRANSFER)
 * balancesAt:   BALANCE_QUERY     → RESULT, BALANCE_AT, TRANSFER_OUTCOME, TRANSFER
 * trialBalance: TRIAL_QUERY       → RESULT, PAGE, then PAGE.count × TRIAL_BALANCE
 * aggregate:    AGGREGATE_QUERY   → RESULT, PAGE, then PAGE.count × AGGREGATE
 */
import type { CommandName } from '../commands.ts';
import type { FieldTable, Layout } from '../layout.ts';
import {
  AGGREGATE,
  AGGREGATE_QUERY,
  BALANCE_AT,
  BALANCE_QUERY,
  HISTORY_FILTER,
  HistoryFlags,
  TRIAL_BALANCE,
  TRIAL_QUERY,
} from '../reading-records.ts';
import { RESULT } from '../records.ts';
import { buildFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { type HistoryPage, PAGE_BYTES, PAGE_LIMIT_DEFAULT, type Page, readPage } from './history-codec.ts';
import { readRecord, type Visible, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';
import { ENTRY_BYTES, readEntry, type TransferEntry } from './transfer-codec.ts';

type Filter = Visible<(typeof HISTORY_FILTER)['fields']>;

/** Which entries of an account, in which order. Filters that are left out, or zero, let everything pass. */
export interface HistoryFilter extends Partial<Omit<Filter, 'flags' | 'accountId'>> {
  readonly accountId: bigint;
  /** `newestFirst` when left out. */
  readonly order?: 'newestFirst' | 'oldestFirst';
  /** Only entries that debit the account, or only those that credit it. */
  readonly side?: 'debit' | 'credit';
}

export interface BalanceQuery {
  readonly accountId: bigint;
  /** µs since 1970, itself included; left out = now. */
  readonly at?: bigint;
}

export interface BalanceAt extends Result {
  /** Posted credits minus posted debits. */
  readonly balance: bigint;
  /** How many entries the account had by then. */
  readonly entries: bigint;
  readonly ledger: number;
  /** The entry that made the balance; undefined when there was none yet. */
  readonly entry: TransferEntry | undefined;
}

export interface TrialQuery {
  readonly cursor?: bigint;
  /** 1 … 1000; 100 when left out. */
  readonly limit?: number;
}

export type TrialBalance = Visible<(typeof TRIAL_BALANCE)['fields']>;

export interface TrialPage extends Page {
  readonly ledgers: readonly TrialBalance[];
}

export interface AggregateQuery {
  readonly accountId: bigint;
  readonly cursor?: bigint;
  /** 1 … 1000; 100 when left out. */
  readonly limit?: number;
  /** µs since 1970: entries at this time or later. */
  readonly from?: bigint;
  /** µs since 1970: entries before this time. */
  readonly to?: bigint;
}

export type Aggregate = Visible<(typeof AGGREGATE)['fields']>;

export interface AggregatePage extends Page {
  readonly sums: readonly Aggregate[];
}

/** @throws EncodeError */
export function encodeQueryHistory(filter: HistoryFilter, options: FrameOptions): Uint8Array<ArrayBuffer> {
  const { order, side, ...fields } = filter;
  const flags =
    (order === 'oldestFirst' ? HistoryFlags.oldestFirst : 0) |
    (side === 'debit' ? HistoryFlags.debits : 0) |
    (side === 'credit' ? HistoryFlags.credits : 0);
  return recordFrame(
    'queryHistory',
    HISTORY_FILTER,
    { ...fields, flags, limit: fields.limit ?? PAGE_LIMIT_DEFAULT },
    options,
  );
}

/** @throws DecodeError */
export function decodeQueryHistory(reply: Reply): HistoryPage {
  const { page, rows } = readRows(reply, 'queryHistory', ENTRY_BYTES, readEntry);
  return { ...page, entries: rows };
}

/** @throws EncodeError */
export function encodeBalancesAt(query: BalanceQuery, options: FrameOptions): Uint8Array<ArrayBuffer> {
  return recordFrame('balancesAt', BALANCE_QUERY, query, options);
}

/** @throws DecodeError */
export function decodeBalancesAt(reply: Reply): BalanceAt {
  expectReply(reply, 'balancesAt');
  const { timestamp: _, ...balance } = readRecord(BALANCE_AT, reply.body, RESULT.size);
  const at = RESULT.size + BALANCE_AT.size;
  expectEnd(reply, at + ENTRY_BYTES);
  const entry = balance.entries === 0n ? undefined : readEntry(reply.body, at);
  return { ...readResult(reply.body, 0), ...balance, entry };
}

/** @throws EncodeError */
export function encodeTrialBalance(query: TrialQuery, options: FrameOptions): Uint8Array<ArrayBuffer> {
  return recordFrame('trialBalance', TRIAL_QUERY, { ...query, limit: query.limit ?? PAGE_LIMIT_DEFAULT }, options);
}

/** @throws DecodeError */
export function decodeTrialBalance(reply: Reply): TrialPage {
  const read = (view: DataView, at: number): TrialBalance => readRecord(TRIAL_BALANCE, view, at);
  const { page, rows } = readRows(reply, 'trialBalance', TRIAL_BALANCE.size, read);
  return { ...page, ledgers: rows };
}

/** @throws EncodeError */
export function encodeAggregate(query: AggregateQuery, options: FrameOptions): Uint8Array<ArrayBuffer> {
  return recordFrame('aggregate', AGGREGATE_QUERY, { ...query, limit: query.limit ?? PAGE_LIMIT_DEFAULT }, options);
}

/** @throws DecodeError */
export function decodeAggregate(reply: Reply): AggregatePage {
  const read = (view: DataView, at: number): Aggregate => readRecord(AGGREGATE, view, at);
  const { page, rows } = readRows(reply, 'aggregate', AGGREGATE.size, read);
  return { ...page, sums: rows };
}

function recordFrame<F extends FieldTable>(
  command: CommandName,
  shape: Layout<F>,
  record: Parameters<typeof writeRecord<F>>[3],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildFrame(command, options, { count: 1, bodyBytes: shape.size }, (body) => {
    writeRecord(shape, body, 0, record, 'query');
  });
}

function readRows<T>(
  reply: Reply,
  command: CommandName,
  rowBytes: number,
  read: (view: DataView, at: number) => T,
): { readonly page: Page; readonly rows: readonly T[] } {
  expectReply(reply, command);
  const page = readPage(reply);
  expectEnd(reply, PAGE_BYTES + reply.count * rowBytes);
  return {
    page,
    rows: Array.from({ length: reply.count }, (_, index) => read(reply.body, PAGE_BYTES + index * rowBytes)),
  };
}
