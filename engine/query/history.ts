/** Entries of an account that match a filter, in either order, and what was posted by day and code. */
import { LIMITS } from '../../protocol/limits.ts';
import { AGGREGATE, AGGREGATE_QUERY, HISTORY_FILTER, HistoryFlags } from '../../protocol/reading-records.ts';
import { PAGE, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { type Ledger, TransferEventWord } from '../ledger/ledger.ts';
import { isZeroId, readU64, TransferWord } from '../ledger/words.ts';
import { readView64 } from '../payment/version.ts';
import { copyEntry, type IdsQuery, isDebitOf, whyHidden, writePage } from './accounts.ts';
import { decidedAt, type Histories } from './histories.ts';
import type { ReplyArea } from './reply-area.ts';

const RECORD = TransferEventWord.record;
/** Entries that one page may look at to find those that match: bounds the time of a query. */
const VISITS_MAX = 4096;
const MICROS_PER_DAY = 86_400_000_000;

const FilterWord = {
  accountId: HISTORY_FILTER.at.accountId >> 2,
  cursor: HISTORY_FILTER.at.cursor >> 2,
  limit: HISTORY_FILTER.at.limit >> 2,
  /** Lower half: code; upper half: flags. */
  codeAndFlags: HISTORY_FILTER.at.code >> 2,
  from: HISTORY_FILTER.at.from >> 2,
  to: HISTORY_FILTER.at.to >> 2,
  counterpartId: HISTORY_FILTER.at.counterpartId >> 2,
  userData128: HISTORY_FILTER.at.userData128 >> 2,
  userData64: HISTORY_FILTER.at.userData64 >> 2,
  userData32: HISTORY_FILTER.at.userData32 >> 2,
  reserved: HISTORY_FILTER.at.reserved32 >> 2,
  end: HISTORY_FILTER.size >> 2,
} as const;

const { debits, credits, oldestFirst } = HistoryFlags;
const FLAGS_KNOWN = debits | credits | oldestFirst;

/** Entries of the account that a page is about, by ordinal: `first` … `end` − 1, and where this page starts. */
interface Stretch {
  readonly first: number;
  readonly end: number;
  /** Ordinal that the cursor names; undefined without one. */
  readonly start: number | undefined;
}

/** Reply: RESULT, PAGE, then the entries. A cursor is the ordinal of the next entry to look at, plus one: 0 is none. */
export function queryHistory(ledger: Ledger, histories: Histories, query: IdsQuery, reply: ReplyArea): void {
  const { words, start: at } = query;
  const account = ledger.findAccount(words, at + FilterWord.accountId);
  const flags = (words[at + FilterWord.codeAndFlags] as number) >>> 16;
  const limit = words[at + FilterWord.limit] as number;
  const isForward = (flags & oldestFirst) !== 0;
  const range = { from: readU64(words, at + FilterWord.from), to: readU64(words, at + FilterWord.to), limit };
  const cursor = readU64(words, at + FilterWord.cursor);
  let code = whyHidden(ledger, account, query.institution);
  if (code === Code.ok) code = whyMalformed(words, at, flags);
  if (code === Code.ok) code = whyNoPage(histories, account, range, cursor);
  reply.result(ledger.now, code);
  const page = reply.end;
  reply.zeros(PAGE.size);
  if (code !== Code.ok) return reply.close(0);

  const matches = matcher(ledger, account, words, at);
  let count = 0;
  let visits = 0;
  let next = 0;
  const visit = (entry: DataView, ordinal: number): boolean => {
    if (count === limit || visits === VISITS_MAX) {
      next = ordinal + 1;
      return false;
    }
    visits++;
    if (matches(entry)) {
      copyEntry(ledger, entry, query.institution, reply);
      count++;
    }
    return true;
  };
  const { first, end, start } = stretchOf(histories, account, range, cursor);
  if (isForward) histories.forward(account, Math.max(first, start ?? first), end, visit);
  else histories.backward(account, Math.min(end - 1, start ?? end - 1), first - 1, visit);
  writePage(reply, page, next, count);
  reply.close(count);
}

function whyMalformed(words: Uint32Array, at: number, flags: number): number {
  if ((flags & ~FLAGS_KNOWN) !== 0) return Code.flagsReserved;
  for (let word = FilterWord.reserved; word < FilterWord.end; word++) {
    if (words[at + word] !== 0) return Code.reservedField;
  }
  return Code.ok;
}

interface Range {
  readonly from: number;
  /** 0 = no end. */
  readonly to: number;
  readonly limit: number;
}

function whyNoPage(histories: Histories, account: number, { from, to, limit }: Range, cursor: number): number {
  if (limit < 1 || limit > LIMITS.pageEntriesMax) return Code.limitOutOfRange;
  if (to !== 0 && to <= from) return Code.timeRangeEmpty;
  return cursor <= histories.count(account) ? Code.ok : Code.cursorInvalid;
}

function stretchOf(histories: Histories, account: number, { from, to }: Range, cursor: number): Stretch {
  const first = histories.firstFrom(account, from);
  const end = to === 0 ? histories.count(account) : histories.firstFrom(account, to);
  return { first, end, start: cursor === 0 ? undefined : cursor - 1 };
}

function matcher(ledger: Ledger, account: number, words: Uint32Array, at: number): (entry: DataView) => boolean {
  const code = (words[at + FilterWord.codeAndFlags] as number) & 0xffff;
  const sides = ((words[at + FilterWord.codeAndFlags] as number) >>> 16) & (debits | credits);
  const hasSide = sides === debits || sides === credits;
  const hasCounterpart = !isZeroId(words, at + FilterWord.counterpartId);
  const same = (entry: DataView, field: number, wanted: number, count: number): boolean => {
    for (let word = 0; word < count; word++) {
      if (entry.getUint32((RECORD + field + word) * 4, true) !== words[at + wanted + word]) return false;
    }
    return true;
  };
  const userData = [
    [TransferWord.userData128, FilterWord.userData128, 4],
    [TransferWord.userData64, FilterWord.userData64, 2],
    [TransferWord.userData32, FilterWord.userData32, 1],
  ] as const;
  const wanted = userData.filter(([, field, count]) => {
    return words.subarray(at + field, at + field + count).some((word) => word !== 0);
  });
  return (entry) => {
    if (code !== 0 && code !== codeOf(entry)) return false;
    if (hasSide || hasCounterpart) {
      const isDebit = isDebitOf(ledger, entry, account);
      if (hasSide && isDebit !== (sides === debits)) return false;
      const other = isDebit ? TransferWord.creditAccountId : TransferWord.debitAccountId;
      if (hasCounterpart && !same(entry, other, FilterWord.counterpartId, 4)) return false;
    }
    return wanted.every(([field, asked, count]) => same(entry, field, asked, count));
  };
}

function codeOf(entry: DataView): number {
  return entry.getUint16((RECORD + TransferWord.code) * 4, true);
}

const AggregateWord = {
  accountId: AGGREGATE_QUERY.at.accountId >> 2,
  cursor: AGGREGATE_QUERY.at.cursor >> 2,
  from: AGGREGATE_QUERY.at.from >> 2,
  to: AGGREGATE_QUERY.at.to >> 2,
  limit: AGGREGATE_QUERY.at.limit >> 2,
  reserved: AGGREGATE_QUERY.at.reserved >> 2,
} as const;

/** What was posted with one code on one day. Sums stay below 2^53: they are parts of a balance side. */
interface Sums {
  readonly day: number;
  readonly code: number;
  debitCount: number;
  creditCount: number;
  debits: number;
  credits: number;
}

/** Reply: RESULT, PAGE, then AGGREGATEs in order of day and code. Only what was posted counts, not what was held or released. */
export function aggregate(ledger: Ledger, histories: Histories, query: IdsQuery, reply: ReplyArea): void {
  const { words, start: at } = query;
  const account = ledger.findAccount(words, at + AggregateWord.accountId);
  const limit = words[at + AggregateWord.limit] as number;
  const range = { from: readU64(words, at + AggregateWord.from), to: readU64(words, at + AggregateWord.to), limit };
  const cursor = readU64(words, at + AggregateWord.cursor);
  let code = whyHidden(ledger, account, query.institution);
  if (code === Code.ok && words[at + AggregateWord.reserved] !== 0) code = Code.reservedField;
  if (code === Code.ok) code = whyNoPage(histories, account, range, cursor);
  reply.result(ledger.now, code);
  const page = reply.end;
  reply.zeros(PAGE.size);
  if (code !== Code.ok) return reply.close(0);

  const rows = new Map<number, Sums>();
  let visits = 0;
  let next = 0;
  const { first, end, start } = stretchOf(histories, account, range, cursor);
  histories.forward(account, Math.max(first, start ?? first), end, (entry, ordinal) => {
    const day = Math.floor(decidedAt(entry) / MICROS_PER_DAY);
    const key = day * 0x1_0000 + codeOf(entry);
    const isNew = isPosted(entry) && !rows.has(key);
    if (visits === VISITS_MAX || (isNew && rows.size === limit)) {
      next = ordinal + 1;
      return false;
    }
    visits++;
    if (isPosted(entry)) add(sumsOf(rows, key, day), isDebitOf(ledger, entry, account), entry);
    return true;
  });
  const sorted = [...rows.entries()].sort(([a], [b]) => a - b);
  for (const [, sums] of sorted) writeSums(sums, reply);
  writePage(reply, page, next, rows.size);
  reply.close(rows.size);
}

function isPosted(entry: DataView): boolean {
  const flags = entry.getUint16((RECORD + TransferWord.code) * 4 + 2, true);
  return (flags & (TransferFlags.pending | TransferFlags.voidPending)) === 0;
}

function sumsOf(rows: Map<number, Sums>, key: number, day: number): Sums {
  const known = rows.get(key);
  if (known !== undefined) return known;
  const fresh = { day, code: key & 0xffff, debitCount: 0, creditCount: 0, debits: 0, credits: 0 };
  rows.set(key, fresh);
  return fresh;
}

function add(sums: Sums, isDebit: boolean, entry: DataView): void {
  const amount = readView64(entry, RECORD + TransferWord.amount);
  if (isDebit) {
    sums.debitCount++;
    sums.debits += amount;
  } else {
    sums.creditCount++;
    sums.credits += amount;
  }
}

function writeSums(sums: Sums, reply: ReplyArea): void {
  const at = reply.end;
  reply.zeros(AGGREGATE.size);
  const { view } = reply;
  view.setUint32(at + AGGREGATE.at.day, sums.day, true);
  view.setUint16(at + AGGREGATE.at.code, sums.code, true);
  view.setUint32(at + AGGREGATE.at.debitCount, sums.debitCount, true);
  view.setUint32(at + AGGREGATE.at.creditCount, sums.creditCount, true);
  view.setBigUint64(at + AGGREGATE.at.debits, BigInt(sums.debits), true);
  view.setBigUint64(at + AGGREGATE.at.credits, BigInt(sums.credits), true);
}
