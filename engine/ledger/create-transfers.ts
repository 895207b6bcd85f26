/**
 * The createTransfers message: each record on its own, or chains of linked records that succeed or fail together.
 *
 *   message := { single | chain }      chain := linked-record { linked-record } record-without-the-flag
 *
 * For each record: shape (pure, not remembered) → idempotency → state. What reaches the last step is written to the journal
 * with its outcome, refused or not, and answers the same for ever.
 */

import { ResultFlags, TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { compareTransfer } from './compare.ts';
import { type ChainMember, beginChain, memberTried, openForChain, tooMuchHeld } from './chain-members.ts';
import { beginCrossing, isPassing } from './crossings.ts';
import { LSN_PER_TRANSFER } from './events.ts';
import { NO_HOLD } from './holds.ts';
import { transferTime } from './imported.ts';
import { find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import type { ResultWriter } from './results.ts';
import { transferFlags, validateTransfer } from './validate.ts';
import { TransferWord } from './words.ts';

/** Records of one message, in the batch's shared buffer. */
export interface RecordsMessage {
  readonly words: Uint32Array;
  /** First word of the first record. */
  readonly start: number;
  readonly count: number;
  readonly institution: number;
}

const RECORD_WORDS = TRANSFER.size >> 2;
const STORED_TIMESTAMP = (TransferEventWord.record + TransferWord.timestamp) * 4;

export function createTransfers(ledger: Ledger, message: RecordsMessage, results: ResultWriter): void {
  const { words, start, count } = message;
  const holder = holderOf(ledger, message);
  if (holder !== 0) return results.waitFor(count, holder);
  const expected = count === 0 ? 0 : transferFlags(words, start) & TransferFlags.imported;
  for (let first = 0; first < count; ) {
    let last = first;
    while (last < count && isLinked(words, start + last * RECORD_WORDS)) last++;
    if (last === first) createOne(ledger, message, first, expected, results);
    else createChain(ledger, message, first, Math.min(last, count - 1), expected, results);
    first = last + 1;
  }
}

/** Position of the chain under way that ends or reverts what a new record of the message names; 0 = none. */
function holderOf(ledger: Ledger, { words, start, count }: RecordsMessage): number {
  const { locks } = ledger.clearing;
  for (let index = 0; index < count && !locks.empty; index++) {
    const at = start + index * RECORD_WORDS;
    const holder = locks.holderOf(words, at + TransferWord.pendingId);
    if (holder !== 0 && findTransfer(ledger, words, at) === 0) return holder;
  }
  return 0;
}

/** Whether a record names what a chain before it, in the same message, ends or reverts. */
function isLocked(ledger: Ledger, words: Uint32Array, at: number): boolean {
  return ledger.clearing.locks.holderOf(words, at + TransferWord.pendingId) !== 0;
}

function isLinked(words: Uint32Array, at: number): boolean {
  return (transferFlags(words, at) & TransferFlags.linked) !== 0;
}

/** @param expected as in validateTransfer */
function createOne(
  ledger: Ledger,
  message: RecordsMessage,
  index: number,
  expected: number,
  results: ResultWriter,
): void {
  const { words, institution } = message;
  const at = message.start + index * RECORD_WORDS;
  const malformed = validateTransfer(words, at, expected);
  if (malformed !== Code.ok) return results.set(index, ledger.now, malformed, 0);
  const known = findTransfer(ledger, words, at);
  if (known !== 0) return replay(ledger, message, index, known, results);
  if (isLocked(ledger, words, at)) return results.set(index, ledger.now, Code.busy, 0);

  const code = ledger.decide(words, at, institution);
  if (code === Code.crossesPartitions && ledger.credit !== NO_ACCOUNT) {
    return results.postpone(index, beginCrossing(ledger, words, at, institution));
  }
  if (!isPassing(code)) {
    const lsn = ledger.record(words, at, institution, code);
    // Only what ends a hold can be waiting for another partition.
    if (ledger.hold !== NO_HOLD && ledger.clearing.unfinished.has(lsn)) return results.postpone(index, lsn);
  }
  results.set(index, transferTime(ledger, words, at), code, 0);
  results.balances(index, ledger, institution, ledger.debit, ledger.credit);
}

function findTransfer(ledger: Ledger, words: Uint32Array, at: number): number {
  return find(ledger.tables.transfers, words, at);
}

/** Answers a record whose id was decided before: the first answer again, or which field differs. */
function replay(ledger: Ledger, message: RecordsMessage, index: number, lsn: number, results: ResultWriter): void {
  const { words } = message;
  const at = message.start + index * RECORD_WORDS;
  const stored = ledger.events.read(lsn);
  // Another institution learns nothing of a transfer but that the id is taken.
  if (stored.getUint32(8, true) !== message.institution) {
    return results.set(index, ledger.now, Code.existsWithDifferentOwner, 0);
  }
  const difference = compareTransfer(words, at, stored);
  if (difference !== Code.ok) return results.set(index, ledger.now, difference, 0);
  if (ledger.clearing.unfinished.has(lsn)) return results.postpone(index, lsn);
  const timestamp = Number(stored.getBigUint64(STORED_TIMESTAMP, true));
  results.set(index, timestamp, stored.getUint16(2, true), ResultFlags.replayed);
  // The stored record also names an account that the request left out.
  const debit = storedAccount(ledger, stored, TransferWord.debitAccountId);
  const credit = storedAccount(ledger, stored, TransferWord.creditAccountId);
  results.balances(index, ledger, message.institution, debit, credit);
}

function storedAccount(ledger: Ledger, stored: DataView, field: number): number {
  const word = (index: number): number => stored.getUint32((TransferEventWord.record + field + index) * 4, true);
  return ledger.accounts.find(word(0), word(1), word(2), word(3));
}

/** Records first … last are linked. They are decided in order; the first refusal undoes those before it. */
function createChain(
  ledger: Ledger,
  message: RecordsMessage,
  first: number,
  last: number,
  expected: number,
  results: ResultWriter,
): void {
  const { words, start } = message;
  const open = isLinked(words, start + last * RECORD_WORDS);
  for (let index = first; index <= last; index++) {
    const isEnd = open && index === last;
    const malformed = isEnd
      ? Code.linkedEventChainOpen
      : validateTransfer(words, start + index * RECORD_WORDS, expected);
    if (malformed !== Code.ok) return refuseChain(ledger, first, last, index, malformed, results);
  }
  let known = 0;
  let holds = 0;
  for (let index = first; index <= last; index++) {
    const at = start + index * RECORD_WORDS;
    if (findTransfer(ledger, words, at) !== 0) known++;
    if ((transferFlags(words, at) & TransferFlags.pending) !== 0) holds++;
  }
  if (known === last - first + 1) return replayChain(ledger, message, first, last, results);
  for (let index = first; index <= last; index++) {
    if (isLocked(ledger, words, start + index * RECORD_WORDS)) {
      return refuseChain(ledger, first, last, index, Code.busy, results);
    }
  }
  // Asked beforehand, because this refusal is the one that is not remembered: it may not come up half-way.
  if (holds > ledger.holds.capacityMax - ledger.holds.count) {
    return refuseChain(ledger, first, last, first, Code.pendingTableFull, results);
  }
  const members = last - first + 1;
  if (openForChain(ledger, words, start + first * RECORD_WORDS, members)) {
    // Each member is held until the other partitions have answered.
    const hasRoom = members <= ledger.holds.capacityMax - ledger.holds.count && !ledger.clearing.full;
    if (!hasRoom) return refuseChain(ledger, first, last, first, Code.pendingTableFull, results);
  }
  decideChain(ledger, message, first, last, results);
}

function refuseChain(
  ledger: Ledger,
  first: number,
  last: number,
  culprit: number,
  code: number,
  results: ResultWriter,
): void {
  for (let index = first; index <= last; index++) {
    results.set(index, ledger.now, index === culprit ? code : Code.linkedEventFailed, 0);
  }
}

function replayChain(
  ledger: Ledger,
  message: RecordsMessage,
  first: number,
  last: number,
  results: ResultWriter,
): void {
  for (let index = first; index <= last; index++) {
    const lsn = findTransfer(ledger, message.words, message.start + index * RECORD_WORDS);
    replay(ledger, message, index, lsn, results);
  }
}

function decideChain(
  ledger: Ledger,
  message: RecordsMessage,
  first: number,
  last: number,
  results: ResultWriter,
): void {
  const { words, start, institution } = message;
  const { undo } = ledger.books;
  const { clearing } = ledger;
  const { end, count } = ledger.events;
  const sent = clearing.outbox.length;
  const fresh = new Set<number>();
  const { awaiting } = results;
  const goBack = (): void => {
    results.awaiting = awaiting;
    undo.rollback();
    ledger.events.rewind(end, count);
    clearing.rewind(sent);
  };
  const refuse = (culprit: number, code: number): void => {
    for (let rest = culprit; rest <= last; rest++) {
      if (findTransfer(ledger, words, start + rest * RECORD_WORDS) === 0) fresh.add(rest);
    }
    recordFailure(ledger, message, { first, last, culprit, code, fresh }, results);
  };
  let crosses = false;
  let cannotWait = false;
  const members: ChainMember[] = [];
  undo.begin();
  for (let index = first; index <= last; index++) {
    const at = start + index * RECORD_WORDS;
    const known = findTransfer(ledger, words, at);
    const judged = known !== 0 ? whyNotFresh(ledger, message, at, known) : ledger.decide(words, at, institution);
    const isSent = judged === Code.crossesPartitions && ledger.credit !== NO_ACCOUNT;
    crosses ||= isSent;
    // What takes as much as an account elsewhere owes is not known before that is asked; what has a time of its own may lose it.
    const isOwed = isSent && (transferFlags(words, at) & TransferFlags.balancingCredit) !== 0;
    cannotWait ||= isOwed || (transferFlags(words, at) & TransferFlags.imported) !== 0;
    const code = isSent ? Code.ok : judged;
    const refused = code === Code.ok && crosses && cannotWait ? Code.crossesPartitions : code;
    if (refused !== Code.ok) {
      goBack();
      return refuse(index, refused);
    }
    fresh.add(index);
    const lsn = ledger.record(words, at, institution, Code.ok);
    if (ledger.place.partitions > 1) members.push(memberTried(ledger, lsn));
    if (clearing.unfinished.has(lsn)) {
      results.postpone(index, lsn);
      continue;
    }
    results.set(index, transferTime(ledger, words, at), Code.ok, 0);
    results.balances(index, ledger, institution, ledger.debit, ledger.credit);
  }
  if (!crosses) return undo.commit();
  goBack();
  const beyond = tooMuchHeld(ledger, members);
  if (beyond !== undefined) return refuse(first + beyond, Code.crossesPartitions);
  // The results come when the other partitions have answered.
  const lsn = beginChain(ledger, members, institution);
  for (let index = first; index <= last; index++) results.postpone(index, lsn + (index - first) * LSN_PER_TRANSFER);
}

/** A member of a chain that is not new: other content, or decided apart from this chain. */
function whyNotFresh(ledger: Ledger, message: RecordsMessage, at: number, lsn: number): number {
  const stored = ledger.events.read(lsn);
  if (stored.getUint32(8, true) !== message.institution) return Code.existsWithDifferentOwner;
  const difference = compareTransfer(message.words, at, stored);
  return difference === Code.ok ? Code.existsOutsideChain : difference;
}

interface ChainFailure {
  readonly first: number;
  readonly last: number;
  readonly culprit: number;
  readonly code: number;
  /** Members whose id was new: they are remembered as refused. */
  readonly fresh: ReadonlySet<number>;
}

function recordFailure(ledger: Ledger, message: RecordsMessage, failure: ChainFailure, results: ResultWriter): void {
  const { words, start, institution } = message;
  const seen = new Set<string>();
  for (let index = failure.first; index <= failure.last; index++) {
    const code = index === failure.culprit ? failure.code : Code.linkedEventFailed;
    const at = start + index * RECORD_WORDS;
    const id = words.subarray(at, at + 4).join();
    if (failure.fresh.has(index) && !seen.has(id)) {
      ledger.record(words, at, institution, code);
      seen.add(id);
    }
    results.set(index, transferTime(ledger, words, at), code, 0);
  }
}
