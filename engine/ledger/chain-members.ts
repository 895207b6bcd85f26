/**
 * The members of a chain that waits for other partitions: see joint.ts. Each was tried, and keeps what the trial found. What moves
 * money holds it; what posts, voids or reverts a transfer locks that one, so that nobody else does and no timer does either.
 */
import { LIMITS } from '../../protocol/limits.ts';
import { TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { clearingAccount } from './clearing.ts';
import { EventTypes, LSN_PER_TRANSFER, TRANSFER_EVENT_BYTES } from './events.ts';
import { NO_HOLD } from './holds.ts';
import { enter } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { reserveLeg } from './legs.ts';
import { transferFlags } from './validate.ts';
import { TransferWord } from './words.ts';

const { linked, postPending, voidPending, revert } = TransferFlags;
const ENDS = postPending | voidPending;
const RECORD_WORDS = TRANSFER.size >> 2;

export interface ChainMember {
  /** With what the engine has filled in. */
  readonly record: Uint32Array;
  /** As in the prefix of a transfer event. */
  readonly filledIn: number;
  readonly debit: number;
  readonly credit: number;
  readonly amount: number;
}

/** The member that the trial has just recorded at `lsn`. */
export function memberTried(ledger: Ledger, lsn: number): ChainMember {
  const { words, baseLsn } = ledger.events;
  const record = ((lsn - baseLsn) << 2) + TransferEventWord.record;
  const { debit, credit, amount, filledIn } = ledger;
  return { record: words.slice(record, record + RECORD_WORDS), filledIn, debit, credit, amount };
}

/**
 * Place of the member by which an account would be held for more than it can count, if there is one: what others release stays
 * held until the end. To be asked after the trial was taken back.
 */
export function tooMuchHeld({ accounts }: Ledger, members: readonly ChainMember[]): number | undefined {
  const { debitsPending, debitsPosted, creditsPending, creditsPosted } = accounts;
  const debits = new Map<number, number>();
  const credits = new Map<number, number>();
  const place = members.findIndex(({ record, debit, credit, amount }) => {
    if ((transferFlags(record, 0) & ENDS) !== 0) return false;
    const given = debits.get(debit) ?? (debitsPending[debit] as number) + (debitsPosted[debit] as number);
    const taken = credits.get(credit) ?? (creditsPending[credit] as number) + (creditsPosted[credit] as number);
    debits.set(debit, given + amount);
    credits.set(credit, taken + amount);
    return amount > LIMITS.amountMax - given || amount > LIMITS.amountMax - taken;
  });
  return place === -1 ? undefined : place;
}

/**
 * Begins a chain of which a member crosses at least: each is held, also those that do not cross, and the others are asked. It was
 * tried before. Returns the position of the first; the members follow it.
 */
export function beginChain(ledger: Ledger, members: readonly ChainMember[], institution: number): number {
  const { clearing, events, tables } = ledger;
  const first = events.nextLsn;
  for (const { record, filledIn, debit, credit, amount } of members) {
    const event = events.append(EventTypes.crossing, filledIn, Code.ok, TRANSFER_EVENT_BYTES, institution);
    const { words } = events;
    words.fill(0, event + TransferEventWord.previousOfDebit, event + TransferEventWord.record);
    words.set(record, event + TransferEventWord.record);
    const lsn = events.lsnOf(event);
    holdMember(ledger, lsn, transferFlags(record, 0), debit, credit, amount);
    lock(ledger, record, lsn);
    enter(tables.transfers, record, 0, lsn);
  }
  clearing.joints.push(first);
  return first;
}

/** Notes that the crossing at `lsn` is under way, and holds what it moves: for decisions and for replay. */
export function holdMember(
  ledger: Ledger,
  lsn: number,
  flags: number,
  debit: number,
  credit: number,
  amount: number,
): void {
  const { clearing } = ledger;
  // What it ends is held already.
  if ((flags & ENDS) === 0) reserveLeg(ledger, lsn, debit, credit, amount, 0);
  const isOffered = clearing.isClearing(credit) && (flags & voidPending) === 0;
  clearing.unfinished.set(lsn, { account: credit, offered: isOffered ? amount : 0, posted: 0 });
}

function lock({ clearing: { locks } }: Ledger, record: Uint32Array, lsn: number): void {
  if ((transferFlags(record, 0) & (ENDS | revert)) === 0) return;
  if (locks.holderOf(record, TransferWord.pendingId) === 0) locks.hold(record, TransferWord.pendingId, lsn);
}

/** Locks again what chains under way end or revert: after a start, before anything is decided. */
export function lockUnfinished(ledger: Ledger): void {
  const { clearing, events } = ledger;
  const record = new Uint32Array(RECORD_WORDS);
  /** Where the next member of a chain would be. */
  let next = 0;
  for (const lsn of clearing.unfinished.keys()) {
    const event = events.read(lsn);
    if (event.getUint8(0) !== EventTypes.crossing) continue;
    for (let word = 0; word < RECORD_WORDS; word++) {
      record[word] = event.getUint32((TransferEventWord.record + word) * 4, true);
    }
    const isLinked = (transferFlags(record, 0) & linked) !== 0;
    // A single revert locks nothing: the other partition says which of two is the first.
    if (isLinked || lsn === next) lock(ledger, record, lsn);
    next = isLinked ? lsn + LSN_PER_TRANSFER : 0;
  }
}

/** Frees what a member of a chain that is settled has locked; a timer that came up meanwhile is set again. */
export function unlock(ledger: Ledger, record: Uint32Array): void {
  if ((transferFlags(record, 0) & (ENDS | revert)) === 0) return;
  const { books, clearing, holds } = ledger;
  clearing.locks.free(record, TransferWord.pendingId);
  const slot = ledger.findHold(record, 0);
  // A dry run sets no timers.
  if (slot === NO_HOLD || books.undo.recording) return;
  if ((holds.deadline[slot] as number) <= ledger.now) books.undo.scheduleExpiry(slot);
}

/**
 * Opens the clearing accounts that a chain needs, before it is tried: an account cannot be taken back. Returns whether it may cross,
 * if it is allowed.
 */
export function openForChain(ledger: Ledger, words: Uint32Array, start: number, count: number): boolean {
  if (ledger.place.partitions === 1) return false;
  let crosses = false;
  for (let index = 0; index < count; index++) {
    const at = start + index * RECORD_WORDS;
    const flags = transferFlags(words, at);
    const debit = ledger.findAccount(words, at + TransferWord.debitAccountId);
    const currency = words[at + TransferWord.ledger] as number;
    // Theirs is there since the transfer that they name; a revert need not say where it goes.
    crosses ||= (flags & revert) !== 0;
    if ((flags & (ENDS | revert)) !== 0 || debit === NO_ACCOUNT || ledger.accounts.ledger[debit] !== currency) continue;
    if (!ledger.isElsewhere(words, at + TransferWord.creditAccountId)) continue;
    clearingAccount(ledger, ledger.clearing.homeOf(words, at + TransferWord.creditAccountId), currency);
    crosses = true;
  }
  return crosses;
}
