/**
 * The endChain command: posts or voids every pending transfer of a linked chain, all or none. Members that are not pending are left
 * alone; each that is gets a transfer of its own, the named one under the client's id, the others under ids of the engine.
 *
 *   shape (pure, not remembered) → idempotency → the named transfer, as for its post or void → the chain → its other members
 *
 * Everything is judged before anything moves: no member's ending can stand in the way of another's.
 *
 * The transfer events of a chain follow each other in the journal, all but the last with the flag `linked`, also when it waited for
 * other partitions. Only the partition that decided it has the debit accounts: parts of chains that others keep are no chains.
 */
import { LIMITS } from '../../protocol/limits.ts';
import { CHAIN_ENDED, RESULT, ResultFlags, TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { whyNotPosted } from './account-states.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { EventTypes, FilledIn, LSN_PER_TRANSFER, TRANSFER_EVENT_BYTES } from './events.ts';
import { NO_HOLD } from './holds.ts';
import { find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { endWhole } from './legs.ts';
import { flagsOfEvent, howEnded } from './pending.ts';
import { AWAITS_TURN } from './results.ts';
import { transferFlags, validateEndChain } from './validate.ts';
import { ChainEndedWord, EndChainWord, TransferWord, writeU64 } from './words.ts';

/** An END_CHAIN record, at word `at`. */
export interface EndChainRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
}

/** Where RESULT and CHAIN_ENDED go. */
interface Target {
  readonly words: Uint32Array;
  readonly at: number;
}

interface Verdict {
  readonly code: number;
  /** Holds of the other members, when it is `ok`. */
  readonly others: readonly number[];
  /** Position of the other member that was refused; 0 = none. */
  readonly culprit: number;
}

const { linked, pending, postPending } = TransferFlags;
const RECORD_WORDS = TRANSFER.size >> 2;
const TWO_32 = 0x1_0000_0000;

export function endChain(ledger: Ledger, request: EndChainRequest, target: Target): void {
  target.words.fill(0, target.at, target.at + ((RESULT.size + CHAIN_ENDED.size) >> 2));
  const malformed = validateEndChain(request.words, request.at);
  if (malformed !== Code.ok) return answer(target, ledger.now, malformed, 0);
  const { institution } = request;
  const record = endingOf(request);
  const known = find(ledger.tables.transfers, record, 0);
  if (known !== 0) return replay(ledger, record, institution, known, target);

  const holder = holderOf(ledger, record);
  if (holder !== 0) return answer(target, holder, AWAITS_TURN, 0);
  const { code, others, culprit } = judge(ledger, record, institution);
  const lsn = ledger.record(record, 0, institution, code);
  const members = code === Code.ok ? others.length + 1 : 0;
  mark(ledger, lsn, code === Code.ok ? members : culprit);
  for (const slot of others) endOther(ledger, slot, transferFlags(record, 0), institution);
  answer(target, ledger.now, code, 0);
  tell(ledger, target, members, culprit);
}

/** The post or void of the named transfer, as a TRANSFER record. */
function endingOf({ words, at }: EndChainRequest): Uint32Array {
  const record = new Uint32Array(RECORD_WORDS);
  for (let word = 0; word < 4; word++) {
    record[word] = words[at + word] as number;
    record[TransferWord.debitAccountId + word] = words[at + EndChainWord.debitAccountId + word] as number;
    record[TransferWord.pendingId + word] = words[at + EndChainWord.pendingId + word] as number;
  }
  record[TransferWord.flags] = (words[at + EndChainWord.flags] as number) << 16;
  return record;
}

/** Notes in the event at `lsn`, of this batch, that it is about a whole chain. */
function mark({ events }: Ledger, lsn: number, detail: number): void {
  const event = (lsn - events.baseLsn) << 2;
  const { words } = events;
  words[event] = (words[event] as number) | (FilledIn.wholeChain << 8);
  writeU64(words, event + TransferEventWord.record + TransferWord.reserved, detail);
}

function endOther(ledger: Ledger, slot: number, flags: number, institution: number): void {
  const { holds, clearing } = ledger;
  const credit = holds.credit[slot] as number;
  const posted = (flags & postPending) !== 0 ? (holds.remaining[slot] as number) : 0;
  const lsn = endWhole(ledger, slot, flags, institution);
  if (clearing.isClearing(credit)) clearing.begin(lsn, credit, 0, posted);
}

/** Position of another chain under way that ends a member of the named one; 0 = none. */
function holderOf(ledger: Ledger, record: Uint32Array): number {
  const { locks } = ledger.clearing;
  const named = locks.empty ? 0 : find(ledger.tables.transfers, record, TransferWord.pendingId);
  if (named === 0) return 0;
  const id = new Uint32Array(4);
  for (const lsn of chainOf(ledger, named)) {
    const event = ledger.events.read(lsn);
    for (let word = 0; word < 4; word++) id[word] = wordAt(event, word);
    const holder = locks.holderOf(id, 0);
    if (holder !== 0) return holder;
  }
  return 0;
}

/** What the ledger found of the named transfer stays in it, for `record`. */
function judge(ledger: Ledger, record: Uint32Array, institution: number): Verdict {
  const refused = (code: number, culprit = 0): Verdict => ({ code, others: [], culprit });
  const code = ledger.decide(record, 0, institution);
  if (code !== Code.ok) return refused(code);
  const named = find(ledger.tables.transfers, record, TransferWord.pendingId);
  const members = chainOf(ledger, named);
  if (members.length > LIMITS.chainMembersMax) return refused(Code.chainTooLong);
  const others: number[] = [];
  const id = new Uint32Array(4);
  for (const lsn of members) {
    const event = ledger.events.read(lsn);
    if (lsn === named || (flagsOfEvent(event) & pending) === 0) continue;
    for (let word = 0; word < 4; word++) id[word] = wordAt(event, word);
    const isOwn = ledger.mayDebit(debitAccountOf(ledger, event), institution);
    const slot = ledger.holds.find(id[0] as number, id[1] as number, id[2] as number, id[3] as number);
    const why = isOwn ? whyNotEnded(ledger, slot, id, record) : Code.debitAccountForbidden;
    if (why !== Code.ok) return refused(why, lsn);
    others.push(slot);
  }
  return { code: Code.ok, others, culprit: 0 };
}

/** Why what is left of the member `id` cannot be ended, or `ok`: as for a post or void of its own. In order of precedence. */
function whyNotEnded(ledger: Ledger, slot: number, id: Uint32Array, record: Uint32Array): number {
  if (slot === NO_HOLD) return howEnded(ledger, id, 0);
  const { holds, accounts } = ledger;
  const deadline = holds.deadline[slot] as number;
  // Whether the timer has fired already makes no difference to the answer.
  if (deadline !== 0 && deadline <= ledger.now) return Code.pendingTransferExpired;
  if ((transferFlags(record, 0) & postPending) === 0) return Code.ok;
  return whyNotPosted(accounts, holds.debit[slot] as number, holds.credit[slot] as number);
}

/** Positions of the chain of which the transfer at `lsn` is a member, in order; that of a single transfer is itself. */
function chainOf(ledger: Ledger, lsn: number): number[] {
  const { chainMembersMax } = LIMITS;
  const members = [lsn];
  for (let at = lsn - LSN_PER_TRANSFER; members.length <= chainMembersMax && isFollowed(ledger, at); ) {
    members.push(at);
    at -= LSN_PER_TRANSFER;
  }
  members.reverse();
  for (let at = lsn; members.length <= chainMembersMax && isFollowed(ledger, at); ) {
    at += LSN_PER_TRANSFER;
    members.push(at);
  }
  return members;
}

/** Whether a transfer of a chain is at `lsn`, that the next one belongs to. Anything else may be there, also the middle of an event. */
function isFollowed(ledger: Ledger, lsn: number): boolean {
  const event = ledger.events.readUntrusted(lsn, EventTypes.transfer, TRANSFER_EVENT_BYTES);
  if (event === undefined || event.getUint16(2, true) !== Code.ok) return false;
  return (flagsOfEvent(event) & linked) !== 0 && debitAccountOf(ledger, event) !== NO_ACCOUNT;
}

/** Index of the debit account of a transfer event, or NO_ACCOUNT when it is elsewhere. */
function debitAccountOf(ledger: Ledger, event: DataView): number {
  const word = (index: number): number => wordAt(event, TransferWord.debitAccountId + index);
  return ledger.accounts.find(word(0), word(1), word(2), word(3));
}

/** Answers an id that was used before: the first answer again, or which field differs. */
function replay(ledger: Ledger, record: Uint32Array, institution: number, lsn: number, target: Target): void {
  const stored = ledger.events.read(lsn);
  const difference = compare(record, institution, stored);
  if (difference !== Code.ok) return answer(target, ledger.now, difference, 0);
  const code = stored.getUint16(2, true);
  const detail = wordAt(stored, TransferWord.reserved) + wordAt(stored, TransferWord.reserved + 1) * TWO_32;
  const timestamp = wordAt(stored, TransferWord.timestamp) + wordAt(stored, TransferWord.timestamp + 1) * TWO_32;
  answer(target, timestamp, code, ResultFlags.replayed);
  tell(ledger, target, code === Code.ok ? detail : 0, code === Code.ok ? 0 : detail);
}

function compare(record: Uint32Array, institution: number, stored: DataView): number {
  // Another institution learns nothing but that the id is taken.
  if (stored.getUint32(8, true) !== institution) return Code.existsWithDifferentOwner;
  const isChain = (stored.getUint8(1) & FilledIn.wholeChain) !== 0;
  if (!isChain || flagsOfEvent(stored) !== transferFlags(record, 0)) return Code.existsWithDifferentFlags;
  const differs = (field: number): boolean =>
    [0, 1, 2, 3].some((word) => record[field + word] !== wordAt(stored, field + word));
  if (differs(TransferWord.pendingId)) return Code.existsWithDifferentPendingId;
  return differs(TransferWord.debitAccountId) ? Code.existsWithDifferentDebitAccountId : Code.ok;
}

function answer({ words, at }: Target, timestamp: number, code: number, flags: number): void {
  writeU64(words, at, timestamp);
  words[at + 2] = code | (flags << 16);
}

/** @param culprit position of the member that was refused; 0 = none */
function tell(ledger: Ledger, { words, at }: Target, members: number, culprit: number): void {
  const ended = at + (RESULT.size >> 2);
  words[ended + ChainEndedWord.members] = members;
  if (culprit === 0) return;
  const event = ledger.events.read(culprit);
  for (let word = 0; word < 4; word++) words[ended + ChainEndedWord.refusedById + word] = wordAt(event, word);
}

/** A word of the TRANSFER record in a transfer event. */
function wordAt(event: DataView, word: number): number {
  return event.getUint32((TransferEventWord.record + word) * 4, true);
}
