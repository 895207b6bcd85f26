/**
 * Transfers that the engine itself makes: the legs of payments and the expiry of clients' holds. Their ids are given by the
 * engine and say where they are stored:  word 3 = ffffffff, word 2 = partition, words 1 and 0 = position.
 */
import { TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { whyNotPosted } from './account-states.ts';
import { ENGINE_ID_WORD3, EventTypes, TRANSFER_EVENT_BYTES } from './events.ts';
import { NO_HOLD } from './holds.ts';
import { find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { LEG_EVENT_BYTES, LegEventWord, packOrigin } from './leg-event.ts';
import { TransferWord, writeU64 } from './words.ts';

const RECORD_WORDS = TRANSFER.size >> 2;
const MICROS_PER_SECOND = 1_000_000;

/** Moves `amount` at once, if the balances allow it. `version`: first word of the version of the payment that does it. */
export function postLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
): number {
  const code = ledger.judge(debit, credit, amount, false);
  if (code === Code.ok) moveLeg(ledger, version, role, debit, credit, amount);
  return code;
}

/** The same for a leg that goes with the posting of a hold: an account that is being closed takes part in it. */
export function postFollowingLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
): number {
  const frozen = whyNotPosted(ledger.accounts, debit, credit);
  const code = frozen === Code.ok ? ledger.judgeAmount(debit, credit, amount, false) : frozen;
  if (code === Code.ok) moveLeg(ledger, version, role, debit, credit, amount);
  return code;
}

/** The same for a leg that was judged before. */
export function moveLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
): void {
  const event = writeLeg(ledger, version, role, debit, credit, amount, 0, 0);
  ledger.books.transfer(debit, credit, amount);
  ledger.chain(event, ledger.events.lsnOf(event), debit, credit);
}

/** Holds `amount` for `timeoutS` seconds, if the balances allow it. Where it is stored names it. */
export function holdLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
  timeoutS: number,
): number {
  const code = ledger.judge(debit, credit, amount, true);
  if (code === Code.ok) pendLeg(ledger, version, role, debit, credit, amount, timeoutS);
  return code;
}

/** The same for a leg that was judged before. */
export function pendLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
  timeoutS: number,
): void {
  const event = writeLeg(ledger, version, role, debit, credit, amount, TransferFlags.pending, timeoutS);
  const lsn = ledger.events.lsnOf(event);
  const deadline = ledger.now + timeoutS * MICROS_PER_SECOND;
  reserveLeg(ledger, lsn, debit, credit, amount, deadline);
  ledger.chain(event, lsn, debit, credit);
}

/** Reserves what the pending leg at `lsn` holds. */
export function reserveLeg(
  ledger: Ledger,
  lsn: number,
  debit: number,
  credit: number,
  amount: number,
  deadline: number,
): void {
  const { legId } = ledger;
  writeEngineId(legId, 0, ledger.place.partition, lsn);
  ledger.books.reserve(legId, 0, debit, credit, amount, deadline, 0);
}

/** Posts `amount` of the hold made at `holdLsn` and releases `released` more of it. Both may be 0, then nothing is written. */
export function settleLeg(
  ledger: Ledger,
  version: number,
  role: number,
  holdLsn: number,
  amount: number,
  released: number,
  isExpiry: boolean,
): void {
  if (amount === 0 && released === 0) return;
  const { holds } = ledger;
  const slot = findLegHold(ledger, holdLsn);
  if (slot === NO_HOLD) throw new Error('the hold of an open payment is gone');
  const debit = holds.debit[slot] as number;
  const credit = holds.credit[slot] as number;
  const keeps = amount + released < (holds.remaining[slot] as number);
  let flags: number = amount > 0 ? TransferFlags.postPending : TransferFlags.voidPending;
  if (keeps) flags |= TransferFlags.keepRemainder;
  if (isExpiry) flags |= TransferFlags.expired;
  const event = writeLeg(ledger, version, role, debit, credit, amount > 0 ? amount : released, flags, holdLsn);
  ledger.books.settle(slot, amount, released);
  ledger.chain(event, ledger.events.lsnOf(event), debit, credit);
}

/** Writes the id that the engine gives to what is stored at `lsn` of a partition. */
export function writeEngineId(words: Uint32Array, at: number, partition: number, lsn: number): void {
  writeU64(words, at, lsn);
  words[at + 2] = partition;
  words[at + 3] = ENGINE_ID_WORD3;
}

/** Slot of the hold that the leg at `lsn` made, or NO_HOLD. */
export function findLegHold(ledger: Ledger, lsn: number): number {
  return ledger.holds.find(lsn >>> 0, Math.floor(lsn / 0x1_0000_0000), ledger.place.partition, ENGINE_ID_WORD3);
}

/** Gives back what is held under a position, if anything is. */
export function releaseLegHold(ledger: Ledger, lsn: number): void {
  const slot = findLegHold(ledger, lsn);
  if (slot !== NO_HOLD) ledger.books.settle(slot, 0, ledger.holds.remaining[slot] as number);
}

/** Ends the client's pending transfer whose timer came up; nothing happens when it has ended or its time is not yet up. */
export function expireHold(ledger: Ledger, w0: number, w1: number, w2: number, w3: number): void {
  const { holds, clearing } = ledger;
  const slot = holds.find(w0, w1, w2, w3);
  if (slot === NO_HOLD) return;
  const deadline = holds.deadline[slot] as number;
  if (deadline === 0 || deadline > ledger.now) return;
  // A chain under way ends it, or leaves it: then it is reminded again.
  if (clearing.locks.holderOf(holds.ids, slot << 2) !== 0) return;
  const credit = holds.credit[slot] as number;
  const lsn = endHold(ledger, slot);
  if (clearing.isClearing(credit)) clearing.begin(lsn, credit, 0, 0);
}

/** Gives back what a client's pending transfer holds, because its time is up; returns the position of the event. */
export function endHold(ledger: Ledger, slot: number): number {
  const institution = ledger.accounts.owner[ledger.holds.debit[slot] as number] as number;
  return endWhole(ledger, slot, TransferFlags.voidPending | TransferFlags.expired, institution);
}

/**
 * Posts or gives back all that a client's pending transfer holds, under an id of the engine's; returns the position of the event.
 *
 * @param flags of the transfer that does it: postPending or voidPending, and what else it says
 * @param institution who asked for it
 */
export function endWhole(ledger: Ledger, slot: number, flags: number, institution: number): number {
  const { holds, events } = ledger;
  const debit = holds.debit[slot] as number;
  const credit = holds.credit[slot] as number;
  const remaining = holds.remaining[slot] as number;
  const event = writeEnding(ledger, slot, flags, institution);
  const lsn = events.lsnOf(event);
  const posted = (flags & TransferFlags.postPending) !== 0 ? remaining : 0;
  ledger.books.settle(slot, posted, remaining - posted);
  ledger.chain(event, lsn, debit, credit);
  ledger.resolve(event + TransferEventWord.record);
  return lsn;
}

function writeLeg(
  ledger: Ledger,
  version: number,
  role: number,
  debit: number,
  credit: number,
  amount: number,
  flags: number,
  hold: number,
): number {
  const { events, accounts } = ledger;
  const institution = events.words[version + 2] as number;
  const event = events.append(EventTypes.leg, role, Code.ok, LEG_EVENT_BYTES, institution);
  const { words } = events;
  words[event + LegEventWord.originAndFlags] = packOrigin((event - version) >> 2, flags);
  writeU64(words, event + LegEventWord.debitAccount, accounts.createdLsn[debit] as number);
  writeU64(words, event + LegEventWord.creditAccount, accounts.createdLsn[credit] as number);
  writeU64(words, event + LegEventWord.amount, amount);
  writeU64(words, event + LegEventWord.hold, hold);
  return event;
}

/** The post or void of what is left of the client's hold in `slot`. */
function writeEnding(ledger: Ledger, slot: number, flags: number, institution: number): number {
  const { events, holds, tables } = ledger;
  const id = slot << 2;
  const event = events.append(EventTypes.transfer, 0, Code.ok, TRANSFER_EVENT_BYTES, institution);
  const { words } = events;
  const record = event + TransferEventWord.record;
  words.fill(0, event + TransferEventWord.previousOfDebit, record + RECORD_WORDS);
  writeEngineId(words, record, ledger.place.partition, events.lsnOf(event));
  // The accounts are taken from the pending transfer: the hold may be on a clearing account.
  const original = events.read(find(tables.transfers, holds.ids, id));
  for (let word = 0; word < 4; word++) {
    for (const field of [TransferWord.debitAccountId, TransferWord.creditAccountId]) {
      words[record + field + word] = original.getUint32((TransferEventWord.record + field + word) * 4, true);
    }
    words[record + TransferWord.pendingId + word] = holds.ids[id + word] as number;
  }
  writeU64(words, record + TransferWord.amount, holds.remaining[slot] as number);
  words[record + TransferWord.ledger] = original.getUint32((TransferEventWord.record + TransferWord.ledger) * 4, true);
  words[record + TransferWord.code] = (holds.code[slot] as number) | (flags << 16);
  writeU64(words, record + TransferWord.timestamp, ledger.now);
  return event;
}
