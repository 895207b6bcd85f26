/**
 * Transfers that the engine itself makes: the legs of payments and the expiry of holds. Their ids are given by the engine and
 * say where they are stored, so they need no index:  word 3 = ffffffff, word 2 = partition, words 1 and 0 = position.
 */
import { TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { ENGINE_ID_WORD3, EventTypes, TRANSFER_EVENT_BYTES } from './events.ts';
import { NO_HOLD } from './holds.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { TransferWord, writeU64 } from './words.ts';

/** Whose doing a leg is: its institution, user data and code. */
export interface LegOrigin {
  /** Words that hold the 128-bit id of the payment, and where. Becomes userData128. */
  readonly words: Uint32Array;
  readonly idAt: number;
  readonly institution: number;
  readonly code: number;
}

/** Part that a leg plays in its payment; stored in userData32. Never reuse a number. */
export const LegRoles = { payer: 1, campaign: 2, fee: 3 } as const;

const RECORD_WORDS = TRANSFER.size >> 2;
const MICROS_PER_SECOND = 1_000_000;

/** Moves `amount` at once, if the balances allow it. */
export function postLeg(
  ledger: Ledger,
  origin: LegOrigin,
  role: number,
  debit: number,
  credit: number,
  amount: number,
): number {
  const code = ledger.judge(debit, credit, amount, false);
  if (code !== Code.ok) return code;
  const event = writeLeg(ledger, origin, role, debit, credit, amount, 0);
  ledger.books.transfer(debit, credit, amount);
  ledger.chain(event, ledger.events.lsnOf(event), debit, credit);
  return Code.ok;
}

/** Holds `amount` for `timeoutS` seconds, if the balances allow it. Where it is stored names it. */
export function holdLeg(
  ledger: Ledger,
  origin: LegOrigin,
  role: number,
  debit: number,
  credit: number,
  amount: number,
  timeoutS: number,
): number {
  const code = ledger.judge(debit, credit, amount, true);
  if (code !== Code.ok) return code;
  const event = writeLeg(ledger, origin, role, debit, credit, amount, TransferFlags.pending);
  const { words } = ledger.events;
  const record = event + TransferEventWord.record;
  words[record + TransferWord.timeoutS] = timeoutS;
  const deadline = ledger.now + timeoutS * MICROS_PER_SECOND;
  ledger.books.reserve(words, record, debit, credit, amount, deadline, origin.code);
  ledger.chain(event, ledger.events.lsnOf(event), debit, credit);
  return Code.ok;
}

/** Posts `amount` of the hold made at `holdLsn` and releases `released` more of it. Both may be 0, then nothing is written. */
export function settleLeg(
  ledger: Ledger,
  origin: LegOrigin,
  role: number,
  holdLsn: number,
  amount: number,
  released: number,
  isExpiry: boolean,
): void {
  if (amount === 0 && released === 0) return;
  const { holds } = ledger;
  const slot = holds.find(lsnLow(holdLsn), lsnHigh(holdLsn), ledger.place.partition, ENGINE_ID_WORD3);
  if (slot === NO_HOLD) throw new Error('the hold of an open payment is gone');
  const debit = holds.debit[slot] as number;
  const credit = holds.credit[slot] as number;
  const keeps = amount + released < (holds.remaining[slot] as number);
  let flags: number = amount > 0 ? TransferFlags.postPending : TransferFlags.voidPending;
  if (keeps) flags |= TransferFlags.keepRemainder;
  if (isExpiry) flags |= TransferFlags.expired;
  const event = writeLeg(ledger, origin, role, debit, credit, amount > 0 ? amount : released, flags);
  const { words } = ledger.events;
  writeEngineId(words, event + TransferEventWord.record + TransferWord.pendingId, ledger.place.partition, holdLsn);
  ledger.books.settle(slot, amount, released);
  ledger.chain(event, ledger.events.lsnOf(event), debit, credit);
}

/** Ends the client's pending transfer whose timer came up; nothing happens when it has ended or its time is not yet up. */
export function expireHold(ledger: Ledger, w0: number, w1: number, w2: number, w3: number): void {
  const { holds, accounts, events } = ledger;
  const slot = holds.find(w0, w1, w2, w3);
  if (slot === NO_HOLD) return;
  const deadline = holds.deadline[slot] as number;
  if (deadline === 0 || deadline > ledger.now) return;
  const debit = holds.debit[slot] as number;
  const credit = holds.credit[slot] as number;
  const remaining = holds.remaining[slot] as number;
  const origin = {
    words: NO_ID,
    idAt: 0,
    institution: accounts.owner[debit] as number,
    code: holds.code[slot] as number,
  };
  const flags = TransferFlags.voidPending | TransferFlags.expired;
  const event = writeLeg(ledger, origin, 0, debit, credit, remaining, flags);
  const pendingAt = event + TransferEventWord.record + TransferWord.pendingId;
  events.words[pendingAt] = w0;
  events.words[pendingAt + 1] = w1;
  events.words[pendingAt + 2] = w2;
  events.words[pendingAt + 3] = w3;
  ledger.books.settle(slot, 0, remaining);
  ledger.chain(event, events.lsnOf(event), debit, credit);
  ledger.resolve(event + TransferEventWord.record);
}

const NO_ID = new Uint32Array(4);

function writeLeg(
  ledger: Ledger,
  origin: LegOrigin,
  role: number,
  debit: number,
  credit: number,
  amount: number,
  flags: number,
): number {
  const { events, accounts } = ledger;
  const event = events.append(EventTypes.transfer, 0, Code.ok, TRANSFER_EVENT_BYTES, origin.institution);
  const { words } = events;
  const record = event + TransferEventWord.record;
  words.fill(0, event + TransferEventWord.previousOfDebit, record + RECORD_WORDS);
  writeEngineId(words, record, ledger.place.partition, events.lsnOf(event));
  for (let word = 0; word < 4; word++) {
    words[record + TransferWord.debitAccountId + word] = accounts.ids[(debit << 2) + word] as number;
    words[record + TransferWord.creditAccountId + word] = accounts.ids[(credit << 2) + word] as number;
    words[record + TransferWord.userData128 + word] = origin.words[origin.idAt + word] as number;
  }
  writeU64(words, record + TransferWord.amount, amount);
  words[record + TransferWord.userData32] = role;
  words[record + TransferWord.ledger] = accounts.ledger[debit] as number;
  words[record + TransferWord.code] = origin.code | (flags << 16);
  writeU64(words, record + TransferWord.timestamp, ledger.now);
  return event;
}

function writeEngineId(words: Uint32Array, at: number, partition: number, lsn: number): void {
  writeU64(words, at, lsn);
  words[at + 2] = partition;
  words[at + 3] = ENGINE_ID_WORD3;
}

function lsnLow(lsn: number): number {
  return lsn >>> 0;
}

function lsnHigh(lsn: number): number {
  return Math.floor(lsn / 0x1_0000_0000);
}
