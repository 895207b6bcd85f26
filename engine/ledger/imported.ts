/**
 * Records with a time of their own: history that is brought in from another system. The time is kept as it is sent, as long as the
 * entries of every account stay in the order of their times: all that reads by time rests on it.
 */
import { AccountFlags, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EVENT_PREFIX_BYTES, EventTypes, FilledIn } from './events.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { AccountWord, fitsRange, readU64, TransferWord, writeU64 } from './words.ts';

/** When the TRANSFER record at word `at` was or is decided, µs: its own time, or that of the batch. */
export function transferTime(ledger: Ledger, words: Uint32Array, at: number): number {
  const isImported = ((words[at + TransferWord.flags] as number) >>> 16) & TransferFlags.imported;
  return isImported === 0 ? ledger.now : readU64(words, at + TransferWord.timestamp);
}

/** The same for an ACCOUNT record. */
export function accountTime(ledger: Ledger, words: Uint32Array, at: number): number {
  const isImported = ((words[at + AccountWord.flags] as number) >>> 16) & AccountFlags.imported;
  return isImported === 0 ? ledger.now : readU64(words, at + AccountWord.timestamp);
}

/** Shape of the time at word `at` of an imported record. */
export function validateImportedTime(words: Uint32Array, at: number): number {
  const isZero = ((words[at] as number) | (words[at + 1] as number)) === 0;
  return isZero || !fitsRange(words, at) ? Code.importedEventTimestampOutOfRange : Code.ok;
}

/**
 * Why the imported TRANSFER record at word `at` may not move money between two accounts of this partition, or `ok`. Who changes the
 * past of an account must be its owner, on both sides, or the operator.
 */
export function whyNotImported(
  ledger: Ledger,
  words: Uint32Array,
  at: number,
  credit: number,
  institution: number,
): number {
  // What ends a hold between partitions is followed there unasked, whatever its time.
  if (ledger.clearing.isClearing(credit)) return Code.crossesPartitions;
  const code = whyNotImportedTo(ledger, words, at, credit, institution);
  return code === Code.ok ? whyNotImportedFor(ledger, words, at, ledger.debit) : code;
}

/** The same of its credit account alone: where that lives, if the debit account is elsewhere. */
export function whyNotImportedTo(
  ledger: Ledger,
  words: Uint32Array,
  at: number,
  credit: number,
  institution: number,
): number {
  return ledger.mayDebit(credit, institution) ? whyNotImportedFor(ledger, words, at, credit) : Code.accountForbidden;
}

/** Why the record's time does not go with an account of this partition, or `ok`. */
export function whyNotImportedFor(ledger: Ledger, words: Uint32Array, at: number, account: number): number {
  const time = readU64(words, at + TransferWord.timestamp);
  if (time > ledger.now) return Code.importedEventTimestampMustNotAdvance;
  return time < newestTime(ledger, account) ? Code.importedEventTimestampMustNotRegress : Code.ok;
}

/**
 * Puts the time of an imported record, which another partition has accepted, behind entries that its debit account got meanwhile;
 * what was sent goes to the reserved field. Somebody has used the account at the same time: in order there is nothing to put off.
 * Returns FilledIn.
 */
export function putInOrder(ledger: Ledger, record: Uint32Array, debit: number): number {
  const sent = readU64(record, TransferWord.timestamp);
  const newest = newestTime(ledger, debit);
  if (newest <= sent) return 0;
  writeU64(record, TransferWord.reserved, sent);
  writeU64(record, TransferWord.timestamp, newest);
  return FilledIn.time;
}

/** Time of an account's newest entry, or of its opening when it has none. */
function newestTime(ledger: Ledger, account: number): number {
  const { accounts, events } = ledger;
  const head = accounts.headLsn[account] as number;
  if (head === 0) {
    const opened = events.read(accounts.createdLsn[account] as number);
    return timeAt(opened, EVENT_PREFIX_BYTES + AccountWord.timestamp * 4);
  }
  const entry = events.read(head);
  // A leg has no time of its own; it is never imported, so it has that of its batch.
  if (entry.getUint8(0) === EventTypes.leg) return events.batchTimeOf(head) ?? ledger.now;
  return timeAt(entry, (TransferEventWord.record + TransferWord.timestamp) * 4);
}

function timeAt(event: DataView, offset: number): number {
  return Number(event.getBigUint64(offset, true));
}
