/**
 * Reverts: the linked reverse of a posted transfer, at most once. "Once" is in the `resolutions` index, under the id of the
 * original, which is no pending transfer's. A chain that fails takes its reverts back but not their entries there, so an entry
 * counts only when the revert is where it says.
 */
import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { judgeTowards } from './crossings.ts';
import { EventTypes, FilledIn, TRANSFER_EVENT_BYTES } from './events.ts';
import { find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { transferFlags } from './validate.ts';
import { isZeroId, readU64, TransferWord, writeU64 } from './words.ts';

const { pending, voidPending, expired, revert } = TransferFlags;
/** What moved nothing, or must not be turned round once more. */
const NOT_REVERTIBLE = pending | voidPending | expired | revert;

/**
 * Judges the revert at word `at` and notes in the ledger what it moves. In order of precedence. Only the owner of the account that it
 * debits, or the operator, may revert. That account is in this partition; the other one can be elsewhere, see `judgeTowards`.
 */
export function decideRevert(ledger: Ledger, words: Uint32Array, at: number, institution: number): number {
  const debitAt = at + TransferWord.debitAccountId;
  const namesDebit = !isZeroId(words, debitAt);
  ledger.amount = 0;
  ledger.debit = namesDebit ? ledger.findAccount(words, debitAt) : NO_ACCOUNT;
  if (namesDebit) {
    if (ledger.debit === NO_ACCOUNT) {
      return ledger.isElsewhere(words, debitAt) ? Code.crossesPartitions : Code.debitAccountNotFound;
    }
    if (!ledger.mayDebit(ledger.debit, institution)) return Code.debitAccountForbidden;
  }
  const lsn = find(ledger.tables.transfers, words, at + TransferWord.pendingId);
  if (lsn === 0) return Code.originalTransferNotFound;
  const original = ledger.events.read(lsn);
  // What other partitions have not answered yet is not known to anybody.
  if (original.getUint8(0) !== EventTypes.transfer) return Code.originalTransferNotFound;
  if (original.getUint16(2, true) !== Code.ok) return Code.originalTransferNotPosted;
  if (((wordAt(original, TransferWord.flags) >>> 16) & NOT_REVERTIBLE) !== 0) return Code.originalTransferNotPosted;

  const debit = accountAt(ledger, original, TransferWord.creditAccountId);
  const credit = accountAt(ledger, original, TransferWord.debitAccountId);
  if (namesDebit && debit !== ledger.debit) return Code.originalTransferHasDifferentDebitAccountId;
  if (debit === NO_ACCOUNT) return Code.crossesPartitions;
  ledger.debit = debit;
  if (!ledger.mayDebit(debit, institution)) return Code.debitAccountForbidden;
  const different = differenceFrom(original, words, at);
  if (different !== Code.ok) return different;
  const amount = wordAt(original, TransferWord.amount) + wordAt(original, TransferWord.amount + 1) * 0x1_0000_0000;
  if (isReverted(ledger, words, at + TransferWord.pendingId)) return Code.originalTransferAlreadyReverted;
  ledger.amount = amount;
  ledger.filledIn = leftOut(words, at);
  if (credit === NO_ACCOUNT) {
    return judgeTowards(ledger, ledger.clearing.homeOf(idAt(original, TransferWord.debitAccountId), 0));
  }
  ledger.credit = credit;
  return ledger.judge(debit, credit, amount, false);
}

/** The first field in which the revert at word `at` contradicts the transfer that it reverts, beside its debit account. */
function differenceFrom(original: DataView, words: Uint32Array, at: number): number {
  const creditAt = at + TransferWord.creditAccountId;
  const ledger = words[at + TransferWord.ledger] as number;
  const code = (words[at + TransferWord.code] as number) & 0xffff;
  if (!isZeroId(words, creditAt)) {
    for (let word = 0; word < 4; word++) {
      if (words[creditAt + word] !== wordAt(original, TransferWord.debitAccountId + word)) {
        return Code.originalTransferHasDifferentCreditAccountId;
      }
    }
  }
  if (ledger !== 0 && ledger !== wordAt(original, TransferWord.ledger)) return Code.originalTransferHasDifferentLedger;
  if (code !== 0 && code !== (wordAt(original, TransferWord.code) & 0xffff)) {
    return Code.originalTransferHasDifferentCode;
  }
  if (readU64(words, at + TransferWord.amount) === 0) return Code.ok;
  for (const word of [TransferWord.amount, TransferWord.amount + 1]) {
    if (words[at + word] !== wordAt(original, word)) return Code.originalTransferHasDifferentAmount;
  }
  return Code.ok;
}

/** Whether the transfer whose id is at word `idAt` was reverted in this partition. */
export function isReverted(ledger: Ledger, words: Uint32Array, idAt: number): boolean {
  const lsn = find(ledger.tables.resolutions, words, idAt);
  if (lsn === 0) return false;
  const event = ledger.events.readUntrusted(lsn, EventTypes.transfer, TRANSFER_EVENT_BYTES);
  if (event === undefined || event.getUint16(2, true) !== Code.ok) return false;
  if (((wordAt(event, TransferWord.flags) >>> 16) & revert) === 0) return false;
  for (let word = 0; word < 4; word++) {
    if (wordAt(event, TransferWord.pendingId + word) !== words[idAt + word]) return false;
  }
  return true;
}

/** FilledIn: what the request leaves to the engine. */
function leftOut(words: Uint32Array, at: number): number {
  let filledIn = 0;
  if (isZeroId(words, at + TransferWord.debitAccountId)) filledIn |= FilledIn.debitAccountId;
  if (isZeroId(words, at + TransferWord.creditAccountId)) filledIn |= FilledIn.creditAccountId;
  if (readU64(words, at + TransferWord.amount) === 0) filledIn |= FilledIn.amount;
  if (words[at + TransferWord.ledger] === 0) filledIn |= FilledIn.ledger;
  if (((words[at + TransferWord.code] as number) & 0xffff) === 0) filledIn |= FilledIn.code;
  return filledIn;
}

/** Makes a record again what the client sent, of which the engine has filled in these fields: FilledIn. */
export function leaveOut(record: Uint32Array, filledIn: number): void {
  const { debitAccountId, creditAccountId } = TransferWord;
  if ((filledIn & FilledIn.debitAccountId) !== 0) record.fill(0, debitAccountId, debitAccountId + 4);
  if ((filledIn & FilledIn.creditAccountId) !== 0) record.fill(0, creditAccountId, creditAccountId + 4);
  if ((filledIn & FilledIn.amount) !== 0) writeU64(record, TransferWord.amount, 0);
  if ((filledIn & FilledIn.ledger) !== 0) record[TransferWord.ledger] = 0;
  if ((filledIn & FilledIn.code) !== 0) record[TransferWord.code] = (transferFlags(record, 0) << 16) >>> 0;
}

/** Puts what the request left out into the revert's record at word `record` of the batch. */
export function fillInRevert(ledger: Ledger, record: number): void {
  const { accounts, debit, events, tables } = ledger;
  const { words } = events;
  const original = events.read(find(tables.transfers, words, record + TransferWord.pendingId));
  words.set(idAt(original, TransferWord.creditAccountId), record + TransferWord.debitAccountId);
  words.set(idAt(original, TransferWord.debitAccountId), record + TransferWord.creditAccountId);
  writeU64(words, record + TransferWord.amount, ledger.amount);
  words[record + TransferWord.ledger] = accounts.ledger[debit] as number;
  const code = wordAt(original, TransferWord.code) & 0xffff;
  words[record + TransferWord.code] = code | (transferFlags(words, record) << 16);
}

/** A word of the TRANSFER record in a transfer event. */
function wordAt(event: DataView, word: number): number {
  return event.getUint32((TransferEventWord.record + word) * 4, true);
}

function idAt(event: DataView, field: number): Uint32Array {
  return Uint32Array.from([0, 1, 2, 3], (word) => wordAt(event, field + word));
}

function accountAt(ledger: Ledger, event: DataView, field: number): number {
  const word = (index: number): number => wordAt(event, field + index);
  return ledger.accounts.find(word(0), word(1), word(2), word(3));
}
