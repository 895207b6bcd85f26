/** The steps of a transfer between two partitions: see clearing.ts for the whole. */
import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { balanceReceived } from './balancing.ts';
import { clearingAccount } from './clearing.ts';
import { compareTransfer } from './compare.ts';
import { EventTypes, FilledIn, SETTLED_EVENT_BYTES } from './events.ts';
import { NO_HOLD } from './holds.ts';
import { putInOrder, whyNotImportedTo } from './imported.ts';
import { enter, find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { endHold, findLegHold, reserveLeg, writeEngineId } from './legs.ts';
import { isReverted, leaveOut } from './revert.ts';
import { transferFlags } from './validate.ts';
import { readU64, TransferWord, writeU64 } from './words.ts';

const { pending, postPending, voidPending, balancingCredit, revert, imported, expired } = TransferFlags;
const ENDS = postPending | voidPending;

/** Words of a settled event. */
export const SettledWord = { lsn: 4, reserved: 6 } as const;

/** Judges the debit side of the transfer at word `at`, whose credit account lives elsewhere, as `judgeTowards` does. */
export function judgeCrossing(ledger: Ledger, words: Uint32Array, at: number): number {
  const currency = words[at + TransferWord.ledger] as number;
  if (currency !== ledger.accounts.ledger[ledger.debit]) return Code.transferMustHaveTheSameLedgerAsAccounts;
  return judgeTowards(ledger, ledger.clearing.homeOf(words, at + TransferWord.creditAccountId));
}

/**
 * Judges whether `ledger.debit` can send `ledger.amount` to the partition `peer`: `crossesPartitions` with `ledger.credit` set to the
 * clearing account when it may go there.
 */
export function judgeTowards(ledger: Ledger, peer: number): number {
  const { clearing, debit } = ledger;
  const currency = ledger.accounts.ledger[debit] as number;
  if (clearing.full) return Code.pendingTableFull;
  const credit = clearingAccount(ledger, peer, currency);
  if (credit === NO_ACCOUNT) return Code.accountTableFull;
  const code = ledger.judge(debit, credit, ledger.amount, true);
  if (code !== Code.ok) return code;
  ledger.credit = credit;
  return Code.crossesPartitions;
}

/** Holds what `judgeCrossing` let pass until the other partition has answered; returns the position of the event. */
export function beginCrossing(ledger: Ledger, words: Uint32Array, at: number, institution: number): number {
  const event = ledger.write(words, at, institution, Code.ok, EventTypes.crossing);
  const lsn = ledger.events.lsnOf(event);
  reserveLeg(ledger, lsn, ledger.debit, ledger.credit, ledger.amount, 0);
  enter(ledger.tables.transfers, words, at, lsn);
  ledger.clearing.begin(lsn, ledger.credit, ledger.amount, 0);
  return lsn;
}

/** Where a received transfer comes from. */
export interface CrossingOrigin {
  /** Who asked for it. */
  readonly institution: number;
  /** The partition of its debit side, and its position there. */
  readonly peer: number;
  readonly lsn: number;
  /** Of a transfer of what the credit account owes: what is held for it there, and what is answered when that is too little. */
  readonly held: number;
  readonly beyond: number;
}

/**
 * Carries out the credit side of the TRANSFER record at word `at`, which another partition sends, or refuses it; a record that came
 * before gets its first answer. `ledger.amount` is what it moves, if it is not refused.
 */
export function receiveCrossing(ledger: Ledger, words: Uint32Array, at: number, origin: CrossingOrigin): number {
  ledger.take(NO_ACCOUNT, NO_ACCOUNT, readU64(words, at + TransferWord.amount));
  if ((transferFlags(words, at) & expired) !== 0) return followExpiry(ledger, words, at);
  const ends = (transferFlags(words, at) & ENDS) !== 0;
  let answer = firstAnswer(ledger, words, at);
  if (answer?.isOther === true && ends) {
    // Somebody here uses the id for something else. What was decided there must be followed all the same.
    writeEngineId(words, at, origin.peer, origin.lsn);
    answer = firstAnswer(ledger, words, at);
  }
  if (answer !== undefined) return answer.code;
  const code = ends ? findEnded(ledger, words, at) : judgeReceived(ledger, words, at, origin);
  // Also that there was no room: the other side takes it as final, and a message that comes again may not be carried out then.
  ledger.record(words, at, origin.institution, code);
  return code;
}

/** Whether a refusal says nothing of the transfer, so that it is not remembered. */
export function isPassing(code: number): boolean {
  return code === Code.pendingTableFull || code === Code.accountTableFull || code === Code.busy;
}

interface FirstAnswer {
  readonly code: number;
  /** The id belongs to something else; `code` says what differs. */
  readonly isOther: boolean;
}

function firstAnswer(ledger: Ledger, words: Uint32Array, at: number): FirstAnswer | undefined {
  const known = find(ledger.tables.transfers, words, at);
  if (known === 0) return undefined;
  const stored = ledger.events.read(known);
  const difference = compareTransfer(words, at, stored);
  if (difference !== Code.ok) return { code: difference, isOther: true };
  ledger.amount = Number(stored.getBigUint64((TransferEventWord.record + TransferWord.amount) * 4, true));
  return { code: stored.getUint16(2, true), isOther: false };
}

function judgeReceived(ledger: Ledger, words: Uint32Array, at: number, origin: CrossingOrigin): number {
  const credit = ledger.findAccount(words, at + TransferWord.creditAccountId);
  if (credit === NO_ACCOUNT) return Code.creditAccountNotFound;
  const currency = words[at + TransferWord.ledger] as number;
  if (ledger.accounts.ledger[credit] !== currency) return Code.accountsMustHaveTheSameLedger;
  const debit = clearingAccount(ledger, origin.peer, currency);
  if (debit === NO_ACCOUNT) return Code.accountTableFull;
  const flags = transferFlags(words, at);
  // All reverts of a transfer come here, where its debit account lives: of two under way the first is the one.
  const isRevert = (flags & revert) !== 0;
  if (isRevert && isReverted(ledger, words, at + TransferWord.pendingId)) return Code.originalTransferAlreadyReverted;
  if ((flags & imported) !== 0) {
    const code = whyNotImportedTo(ledger, words, at, credit, origin.institution);
    if (code !== Code.ok) return code;
  }
  const takesOwed = (flags & balancingCredit) !== 0;
  ledger.take(debit, credit, ledger.amount, takesOwed ? FilledIn.balanced : 0);
  if (takesOwed) {
    const code = balanceReceived(ledger, origin.held, origin.beyond);
    if (code !== Code.ok) return code;
  }
  return ledger.judge(debit, credit, ledger.amount, (flags & pending) !== 0);
}

/** What ends a hold is not judged again: the debit side has decided it, on the same hold. */
function findEnded(ledger: Ledger, words: Uint32Array, at: number): number {
  takeHold(ledger, words, at, ledger.amount);
  return Code.ok;
}

/** Says to the ledger what the post or void at word `at` ends. It was decided on the same hold, so that is there. */
export function takeHold(ledger: Ledger, words: Uint32Array, at: number, amount: number, filledIn = 0): void {
  const hold = ledger.findHold(words, at);
  if (hold === NO_HOLD) throw new Error('what was decided ends a hold that is not here');
  const { debit, credit } = ledger.holds;
  ledger.take(debit[hold] as number, credit[hold] as number, amount, filledIn);
  ledger.hold = hold;
}

/** The timer of a hold came up in the partition of its debit side. A hold that is gone has heard of it before. */
function followExpiry(ledger: Ledger, words: Uint32Array, at: number): number {
  const hold = ledger.findHold(words, at);
  if (hold !== NO_HOLD) endHold(ledger, hold);
  return Code.ok;
}

/**
 * Takes the other partition's answer to what is at `lsn`: a crossing becomes a transfer, or a refusal. Returns the position of the
 * transfer; 0 when this was settled before.
 *
 * @param moved what the credit side moved: less than is held here, when it takes what its account owes
 */
export function settleCrossing(ledger: Ledger, lsn: number, code: number, moved: number): number {
  if (!ledger.clearing.finish(lsn)) return 0;
  const original = ledger.events.read(lsn);
  if (original.getUint8(0) === EventTypes.crossing) {
    const ended = endCrossing(ledger, lsn, ledger.clearing.record);
    const takesOwed = (transferFlags(ended.record, 0) & balancingCredit) !== 0;
    if (takesOwed && code === Code.ok && !(moved > 0 && moved <= ended.amount)) {
      throw new Error('another partition took more than is held for it');
    }
    return recordCrossing(ledger, takesOwed ? { ...ended, amount: moved } : ended, code);
  }
  writeSettled(ledger, lsn, original.getUint32(8, true));
  return lsn;
}

/** A crossing that holds nothing any more. */
export interface EndedCrossing {
  readonly lsn: number;
  readonly institution: number;
  readonly record: Uint32Array;
  readonly debit: number;
  readonly credit: number;
  readonly amount: number;
  /** As in the prefix of a transfer event. */
  readonly filledIn: number;
}

/** Gives back what the crossing at `lsn` holds. `record`: where its TRANSFER record is written to. */
export function endCrossing(ledger: Ledger, lsn: number, record: Uint32Array): EndedCrossing {
  const { events, books, holds, clearing } = ledger;
  clearing.finish(lsn);
  const original = events.read(lsn);
  const institution = original.getUint32(8, true);
  // With the time: an imported one has its own.
  for (let word = 0; word < TransferWord.reserved; word++) {
    record[word] = original.getUint32((TransferEventWord.record + word) * 4, true);
  }
  const filledIn = original.getUint8(1);
  const moved = readU64(record, TransferWord.amount);
  // What was asked for, as the client sent it.
  leaveOut(record, filledIn);
  if (filledIn === FilledIn.balanced) {
    for (let word = 0; word < 2; word++) {
      const asked = TransferEventWord.record + TransferWord.reserved + word;
      record[TransferWord.amount + word] = original.getUint32(asked * 4, true);
    }
  }
  if ((transferFlags(record, 0) & ENDS) !== 0) {
    // It holds nothing of its own: what it ends is held, and locked.
    writeSettled(ledger, lsn, institution);
    return { lsn, institution, record, debit: NO_ACCOUNT, credit: NO_ACCOUNT, amount: moved, filledIn };
  }
  const slot = findLegHold(ledger, lsn);
  if (slot === NO_HOLD) throw new Error('a transfer between partitions holds nothing');
  const debit = holds.debit[slot] as number;
  const credit = holds.credit[slot] as number;
  const amount = holds.remaining[slot] as number;
  writeSettled(ledger, lsn, institution);
  books.settle(slot, 0, amount);
  return { lsn, institution, record, debit, credit, amount, filledIn };
}

/** Carries out a crossing that was ended, or records why it was refused; returns the position of the event. */
export function recordCrossing(ledger: Ledger, ended: EndedCrossing, code: number): number {
  const { record, debit } = ended;
  const flags = transferFlags(record, 0);
  if (code === Code.ok && (flags & ENDS) !== 0) {
    takeHold(ledger, record, 0, ended.amount, ended.filledIn);
  } else {
    const follows = code === Code.ok && (flags & imported) !== 0;
    ledger.take(debit, ended.credit, ended.amount, follows ? putInOrder(ledger, record, debit) : ended.filledIn);
  }
  return ledger.record(record, 0, ended.institution, code);
}

/** Notes that what is at `lsn` is not under way any more. */
export function writeSettled({ events }: Ledger, lsn: number, institution: number): void {
  const settled = events.append(EventTypes.settled, 0, Code.ok, SETTLED_EVENT_BYTES, institution);
  writeU64(events.words, settled + SettledWord.lsn, lsn);
  writeU64(events.words, settled + SettledWord.reserved, 0);
}
