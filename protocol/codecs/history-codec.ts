/** accountHistory: HISTORY_QUERY → RESULT, PAGE, then PAGE.count × (TRANSFER_OUTCOME, TRANSFER), newest first. */
import { HISTORY_QUERY, PAGE, RESULT } from '../records.ts';
import { DecodeError } from './codec-error.ts';
import { buildFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';
import { ENTRY_BYTES, readEntry, type TransferEntry } from './transfer-codec.ts';

/** Entries of a page when the caller does not say. */
export const PAGE_LIMIT_DEFAULT = 100;

export interface HistoryInput {
  readonly accountId: bigint;
  /** `nextCursor` of the page before; left out = start with the newest. */
  readonly cursor?: bigint;
  /** 1 … 1000; 100 when left out. */
  readonly limit?: number;
}

export interface Page extends Result {
  /** Cursor of the next page; 0 = there is none. */
  readonly nextCursor: bigint;
}

export interface HistoryPage extends Page {
  readonly entries: readonly TransferEntry[];
}

/** @throws EncodeError */
export function encodeAccountHistory(query: HistoryInput, options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildFrame('accountHistory', options, { count: 1, bodyBytes: HISTORY_QUERY.size }, (body) => {
    writeRecord(HISTORY_QUERY, body, 0, { ...query, limit: query.limit ?? PAGE_LIMIT_DEFAULT }, 'query');
  });
}

/** @throws DecodeError */
export function decodeAccountHistory(reply: Reply): HistoryPage {
  expectReply(reply, 'accountHistory');
  const page = readPage(reply);
  expectEnd(reply, PAGE_BYTES + reply.count * ENTRY_BYTES);
  const entries = Array.from({ length: reply.count }, (_, index) =>
    readEntry(reply.body, PAGE_BYTES + index * ENTRY_BYTES),
  );
  return { ...page, entries };
}

/** RESULT and PAGE, before the entries of every page. */
export const PAGE_BYTES = RESULT.size + PAGE.size;

/** @throws DecodeError when it is cut off or its counts differ. */
export function readPage(reply: Reply): Page {
  const result = readResult(reply.body, 0);
  const { nextCursor, count } = readRecord(PAGE, reply.body, RESULT.size);
  if (count !== reply.count) throw new DecodeError(`the page says ${count} entries, its header ${reply.count}`);
  return { ...result, nextCursor };
}
