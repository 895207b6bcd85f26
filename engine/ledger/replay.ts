/**
 * Recovery: applies the outcomes that the journal holds, and checks each against the state that it meets. It never decides
 * again; anything that does not fit is damage or a bug, and stops the replay.
 */

import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { holdMember } from './chain-members.ts';
import { applyChange } from './change-accounts.ts';
import { isForeignId, sideOf } from './clearing.ts';
import { addAccount } from './create-accounts.ts';
import { SettledWord } from './crossings.ts';
import { EVENT_PREFIX_BYTES } from './events.ts';
import { countEntry } from './histories.ts';
import { NO_HOLD } from './holds.ts';
import { enter } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { accountOpenedAt, LegEventWord, legFlags } from './leg-event.ts';
import { findLegHold, releaseLegHold, reserveLeg } from './legs.ts';
import { isReservedId, transferFlags } from './validate.ts';
import { ChangeWord, readU64, TransferWord } from './words.ts';

const { pending, postPending, voidPending, keepRemainder, revert } = TransferFlags;
const MICROS_PER_SECOND = 1_000_000;
const TWO_32 = 0x1_0000_0000;

/** An event does not fit the state: the journal is damaged, or the code has changed its meaning. */
export class ReplayError extends Error {
  readonly lsn: number;

  constructor(lsn: number, problem: string) {
    super(`replay at position ${lsn}: ${problem}`);
    this.name = 'ReplayError';
    this.lsn = lsn;
  }
}

/** Applies the account event whose first word is `at`. */
export function replayAccount(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const record = at + (EVENT_PREFIX_BYTES >> 2);
  if (ledger.findAccount(words, record) !== NO_ACCOUNT) throw new ReplayError(lsn, 'the account exists already');
  addAccount(ledger, words, record, lsn);
}

/** Applies the account change whose event's first word is `at`. */
export function replayAccountChange(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const record = at + (EVENT_PREFIX_BYTES >> 2);
  enter(ledger.tables.changes, words, record, lsn);
  if ((words[at] as number) >>> 16 !== Code.ok) return;
  const account = ledger.findAccount(words, record + ChangeWord.accountId);
  if (account === NO_ACCOUNT) throw new ReplayError(lsn, 'the account of the change is missing');
  applyChange(ledger.accounts, words, record, account);
}

/** Applies the transfer event whose first word is `at`. */
export function replayTransfer(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const record = at + TransferEventWord.record;
  const { transfers } = ledger.tables;
  // An id of this partition's own is a position; one of another's stands for an id that is taken here.
  if (!isReservedId(words, record) || words[record + 2] !== ledger.place.partition) {
    enter(transfers, words, record, lsn);
  }
  const code = (words[at] as number) >>> 16;
  if (code !== Code.ok) return;
  const debit = sideOf(ledger, words, record, TransferWord.debitAccountId);
  const credit = sideOf(ledger, words, record, TransferWord.creditAccountId);
  if (debit === NO_ACCOUNT || credit === NO_ACCOUNT)
    throw new ReplayError(lsn, 'an account of the transfer is missing');
  checkHistories(ledger, words, at, debit, credit, lsn);
  applyTransfer(ledger, words, record, debit, credit, lsn);
  chain(ledger, words, at, debit, credit, lsn);
}

/** Applies the crossing event whose first word is `at`. */
export function replayCrossing(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const record = at + TransferEventWord.record;
  enter(ledger.tables.transfers, words, record, lsn);
  const debit = ledger.findAccount(words, record + TransferWord.debitAccountId);
  const credit = sideOf(ledger, words, record, TransferWord.creditAccountId);
  if (debit === NO_ACCOUNT || credit === NO_ACCOUNT) {
    throw new ReplayError(lsn, 'an account of the transfer is missing');
  }
  holdMember(ledger, lsn, transferFlags(words, record), debit, credit, readU64(words, record + TransferWord.amount));
}

/** Applies the settled event whose first word is `at`. */
export function replaySettled(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const settled = readU64(words, at + SettledWord.lsn);
  const places = ledger.clearing.requests.get(settled)?.places ?? 0;
  if (!ledger.clearing.finish(settled)) throw new ReplayError(lsn, 'what is settled was not under way');
  for (let place = 0; place <= places; place++) releaseLegHold(ledger, settled + place);
}

/** Applies the leg of a payment whose event's first word is `at`. */
export function replayLeg(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const { accounts, books } = ledger;
  const debit = accountOpenedAt(accounts, readU64(words, at + LegEventWord.debitAccount));
  const credit = accountOpenedAt(accounts, readU64(words, at + LegEventWord.creditAccount));
  if (debit === NO_ACCOUNT || credit === NO_ACCOUNT) throw new ReplayError(lsn, 'an account of the leg is missing');
  checkHistories(ledger, words, at, debit, credit, lsn);
  const flags = legFlags(words[at + LegEventWord.originAndFlags] as number);
  const amount = readU64(words, at + LegEventWord.amount);
  const hold = readU64(words, at + LegEventWord.hold);
  if ((flags & pending) !== 0) {
    reserveLeg(ledger, lsn, debit, credit, amount, ledger.now + hold * MICROS_PER_SECOND);
  } else if ((flags & (postPending | voidPending)) !== 0) {
    settle(ledger, findLegHold(ledger, hold), flags, amount, lsn);
  } else {
    books.transfer(debit, credit, amount);
  }
  chain(ledger, words, at, debit, credit, lsn);
}

function checkHistories(
  ledger: Ledger,
  words: Uint32Array,
  at: number,
  debit: number,
  credit: number,
  lsn: number,
): void {
  const { headLsn } = ledger.accounts;
  if (
    readU64(words, at + TransferEventWord.previousOfDebit) !== headLsn[debit] ||
    readU64(words, at + TransferEventWord.previousOfCredit) !== headLsn[credit]
  ) {
    throw new ReplayError(lsn, 'the history of an account does not continue here');
  }
}

/** Puts the event at the head of both histories, and checks the balances that it left. */
function chain(ledger: Ledger, words: Uint32Array, at: number, debit: number, credit: number, lsn: number): void {
  const { headLsn } = ledger.accounts;
  headLsn[debit] = lsn;
  headLsn[credit] = lsn;
  countEntry(ledger.tables.histories, ledger.accounts, debit, lsn);
  if (credit !== debit) countEntry(ledger.tables.histories, ledger.accounts, credit, lsn);
  checkBalance(ledger, debit, words, at + TransferEventWord.debitBalanceAfter, lsn);
  checkBalance(ledger, credit, words, at + TransferEventWord.creditBalanceAfter, lsn);
}

function applyTransfer(
  ledger: Ledger,
  words: Uint32Array,
  record: number,
  debit: number,
  credit: number,
  lsn: number,
): void {
  const flags = transferFlags(words, record);
  const amount = readU64(words, record + TransferWord.amount);
  if ((flags & pending) !== 0) {
    const timeoutS = words[record + TransferWord.timeoutS] as number;
    const timestamp = readU64(words, record + TransferWord.timestamp);
    const hasTimer = timeoutS !== 0 && !ledger.clearing.isClearing(debit);
    const deadline = hasTimer ? timestamp + timeoutS * MICROS_PER_SECOND : 0;
    const code = (words[record + TransferWord.code] as number) & 0xffff;
    ledger.books.reserve(words, record, debit, credit, amount, deadline, code);
  } else if ((flags & (postPending | voidPending)) !== 0) {
    endHold(ledger, words, record, flags, amount, lsn);
    if (ledger.clearing.isClearing(credit) && !isForeignId(words, record, ledger.place.partition)) {
      const posted = (flags & postPending) !== 0 ? amount : 0;
      ledger.clearing.unfinished.set(lsn, { account: credit, offered: 0, posted });
    }
  } else {
    ledger.books.transfer(debit, credit, amount);
    if ((flags & revert) !== 0) enter(ledger.tables.resolutions, words, record + TransferWord.pendingId, lsn);
  }
}

function endHold(ledger: Ledger, words: Uint32Array, record: number, flags: number, amount: number, lsn: number): void {
  const at = record + TransferWord.pendingId;
  const w0 = words[at] as number;
  const w1 = words[at + 1] as number;
  const w2 = words[at + 2] as number;
  const w3 = words[at + 3] as number;
  const kept = settle(ledger, ledger.holds.find(w0, w1, w2, w3), flags, amount, lsn);
  if (kept === 0) ledger.tables.resolutions.put(w0, w1, w2, w3, lsn);
}

/** Posts or releases what is held in `slot`; returns what stays pending. */
function settle(ledger: Ledger, slot: number, flags: number, amount: number, lsn: number): number {
  if (slot === NO_HOLD) throw new ReplayError(lsn, 'the pending transfer is not held');
  const remaining = ledger.holds.remaining[slot] as number;
  if (amount > remaining) throw new ReplayError(lsn, 'more is ended than was held');
  const posted = (flags & postPending) !== 0 ? amount : 0;
  const kept = (flags & keepRemainder) !== 0 ? remaining - amount : 0;
  ledger.books.settle(slot, posted, remaining - posted - kept);
  return kept;
}

function checkBalance(ledger: Ledger, account: number, words: Uint32Array, at: number, lsn: number): void {
  const { creditsPosted, debitsPosted } = ledger.accounts;
  const stored = ((words[at + 1] as number) | 0) * TWO_32 + (words[at] as number);
  if ((creditsPosted[account] as number) - (debitsPosted[account] as number) !== stored) {
    throw new ReplayError(lsn, 'the balance after the transfer is not the one that was recorded');
  }
}
