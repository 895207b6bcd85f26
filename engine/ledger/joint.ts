/**
 * What several partitions carry out together, all or none: a chain of transfers of which one crosses at least, or the legs of a
 * payment. The partition that was asked decides. It tries its own side first, then holds it, and asks the others:
 *
 *   one other                       request ── complete ──▶ done, or refused                     ──▶ settled
 *   several                         request ── prepare ──▶ each holds its side, or refuses
 *                                   conclusion ── commit, abort ──▶ each moves it, or gives back  ──▶ settled
 *   what need not be asked          order ── follow ──▶ done                                     ──▶ settled
 *
 * Its own side moves when it is settled, last of all: until then nobody can build on what another partition may not have. What is
 * unfinished is sent again after a start; the others know what they have done.
 *
 * The request of a chain is its `crossing` events, one after another, named by the first; of a payment a `joint` event.
 */
import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { type JointEffect, sideOf } from './clearing.ts';
import { endCrossing, recordCrossing, writeSettled } from './crossings.ts';
import { unlock } from './chain-members.ts';
import { EventTypes, LSN_PER_TRANSFER } from './events.ts';
import {
  type JointEvent,
  JointKinds,
  JointWord,
  jointEventBytes,
  PLACE_WORD,
  RECORD_WORDS,
  readJoint,
} from './joint-event.ts';
import type { Ledger } from './ledger.ts';
import { TransferEventWord } from './ledger.ts';
import { reserveLeg } from './legs.ts';
import { PartModes } from './parts.ts';
import { transferFlags } from './validate.ts';
import { readU64, TransferWord, writeU64 } from './words.ts';

const ENDS = TransferFlags.postPending | TransferFlags.voidPending;

/** Who was asked and has not answered, and what the others said. In memory only: after a start all are asked again. */
export interface Progress {
  readonly missing: Set<number>;
  code: number;
  culprit: number;
  /** By place: four u64, the balances of a credit account elsewhere. */
  readonly balances: Map<number, Uint32Array>;
}

export interface JointAnswer {
  readonly peer: number;
  readonly code: number;
  readonly culprit: number;
  /** [place, balances] */
  readonly balances: readonly (readonly [number, Uint32Array])[];
}

/** Whether the crossing event is a member of a chain that another follows. */
function isLinked(event: DataView): boolean {
  const flags = event.getUint16((TransferEventWord.record + TransferWord.flags) * 4 + 2, true);
  return (flags & TransferFlags.linked) !== 0;
}

/** The request, order or conclusion at a position. A conclusion has the records of its request. */
export function jointAt(ledger: Ledger, lsn: number): JointEvent {
  const event = ledger.events.read(lsn);
  if (event.getUint8(0) === EventTypes.crossing) return chainAt(ledger, lsn);
  const joint = readJoint(event);
  if (joint.kind !== JointKinds.conclusion) return joint;
  const { records, count, flags, institution } = jointAt(ledger, joint.about);
  return { ...joint, records, count, flags, institution };
}

/** Members of the chain whose first is at `lsn`. */
export function chainMembers(ledger: Ledger, lsn: number): number[] {
  const members = [lsn];
  for (let at = lsn; isLinked(ledger.events.read(at)); members.push(at)) at += LSN_PER_TRANSFER;
  return members;
}

function chainAt(ledger: Ledger, lsn: number): JointEvent {
  const members = chainMembers(ledger, lsn);
  const records = new Uint32Array(members.length * RECORD_WORDS);
  let institution = 0;
  for (const [place, member] of members.entries()) {
    const event = ledger.events.read(member);
    const at = place * RECORD_WORDS;
    institution = event.getUint32(8, true);
    for (let word = 0; word < TransferWord.timestamp; word++) {
      records[at + word] = event.getUint32((TransferEventWord.record + word) * 4, true);
    }
    records[at + PLACE_WORD] = place;
  }
  const none = { code: Code.ok, flags: 0, about: 0, culprit: 0, draft: new Uint32Array(0) };
  return { ...none, kind: JointKinds.request, institution, count: members.length, records };
}

/** The other partitions that hold a side of a record. */
export function participantsOf(ledger: Ledger, { records, count }: JointEvent): Set<number> {
  const others = new Set<number>();
  for (let index = 0; index < count; index++) {
    const at = index * RECORD_WORDS;
    others.add(ledger.clearing.homeOf(records, at + TransferWord.debitAccountId));
    others.add(ledger.clearing.homeOf(records, at + TransferWord.creditAccountId));
  }
  others.delete(ledger.place.partition);
  return others;
}

/** Whether a partition holds a side of the record at word `at`. */
export function takesPart(ledger: Ledger, records: Uint32Array, at: number, partition: number): boolean {
  const { clearing } = ledger;
  return (
    clearing.homeOf(records, at + TransferWord.debitAccountId) === partition ||
    clearing.homeOf(records, at + TransferWord.creditAccountId) === partition
  );
}

/** What the others are asked to do about the joint event. */
export function modeOf(joint: JointEvent, participants: number): number {
  if (joint.kind === JointKinds.order) return PartModes.follow;
  if (joint.kind === JointKinds.conclusion) return joint.code === Code.ok ? PartModes.commit : PartModes.abort;
  return participants === 1 ? PartModes.complete : PartModes.prepare;
}

/** Writes a joint event, which the others have to answer; returns its position. */
export function writeJoint(ledger: Ledger, joint: JointEvent): number {
  const { events, clearing } = ledger;
  const length = jointEventBytes(joint.count, joint.draft.length * 4);
  const event = events.append(EventTypes.joint, joint.kind, joint.code, length, joint.institution);
  const { words } = events;
  words.fill(0, event + JointWord.countAndFlags, event + JointWord.records);
  words[event + JointWord.countAndFlags] = joint.count | (joint.flags << 16);
  words[event + JointWord.draftBytes] = joint.draft.length * 4;
  writeU64(words, event + JointWord.about, joint.about);
  words[event + JointWord.culprit] = joint.culprit;
  words.set(joint.records, event + JointWord.records);
  words.set(joint.draft, event + JointWord.records + joint.records.length);
  const lsn = events.lsnOf(event);
  const about = joint.kind === JointKinds.conclusion ? joint.about : 0;
  noteJoint(ledger, lsn, joint.kind, about, joint.records, 0, joint.count);
  clearing.joints.push(lsn);
  return lsn;
}

/** Takes one partition's answer about the joint event at `lsn`; undefined while others are missing, or when it is finished. */
export function collect(ledger: Ledger, lsn: number, answer: JointAnswer): Progress | undefined {
  const { clearing } = ledger;
  if (!clearing.unfinished.has(lsn)) return undefined;
  const known = clearing.progress.get(lsn);
  // An answer that comes again when all have answered.
  if (known === undefined && clearing.isConcluded(lsn)) return undefined;
  const progress = known ?? newProgress(participantsOf(ledger, jointAt(ledger, lsn)));
  clearing.progress.set(lsn, progress);
  if (!progress.missing.delete(answer.peer)) return undefined;
  if (answer.code !== Code.ok && (progress.code === Code.ok || answer.culprit < progress.culprit)) {
    progress.code = answer.code;
    progress.culprit = answer.culprit;
  }
  for (const [place, balances] of answer.balances) progress.balances.set(place, balances);
  if (progress.missing.size > 0) return undefined;
  clearing.progress.delete(lsn);
  return progress;
}

function newProgress(missing: Set<number>): Progress {
  return { missing, code: Code.ok, culprit: 0, balances: new Map() };
}

/** Decides about a request that several have prepared, or refused: they are told. */
export function concludeJoint(ledger: Ledger, lsn: number, joint: JointEvent, verdict: Progress): void {
  const none = { flags: 0, count: 0, records: new Uint32Array(0), draft: new Uint32Array(0) };
  const { institution } = joint;
  const { code, culprit } = verdict;
  writeJoint(ledger, { ...none, kind: JointKinds.conclusion, code, culprit, institution, about: lsn });
}

/** Ends what is unfinished about an order or a conclusion. */
export function settleJoint(ledger: Ledger, lsn: number, institution: number): void {
  ledger.clearing.finish(lsn);
  writeSettled(ledger, lsn, institution);
}

/**
 * Moves the chain whose first member is at `lsn`, or records why it was refused.
 *
 * @param settled told of each member, right after it: its place, its request and its transfer
 */
export function settleChain(
  ledger: Ledger,
  lsn: number,
  code: number,
  culprit: number,
  settled: (place: number, request: number, transfer: number) => void,
): void {
  const { clearing } = ledger;
  const members = chainMembers(ledger, lsn).map((member) => endCrossing(ledger, member, new Uint32Array(RECORD_WORDS)));
  const sent = clearing.outbox.length;
  for (const [place, member] of members.entries()) {
    const refused = place === culprit ? code : Code.linkedEventFailed;
    settled(place, member.lsn, recordCrossing(ledger, member, code === Code.ok ? Code.ok : refused));
  }
  // What ended a hold on a clearing account was carried out there as well. Behind all members, which follow each other.
  for (const done of clearing.outbox.splice(sent)) settleJoint(ledger, done, members[0]?.institution ?? 0);
  for (const { record } of members) unlock(ledger, record);
}

/** Sends again whatever was not confirmed: after a start. */
export function resendAll(ledger: Ledger): void {
  const { clearing, events } = ledger;
  /** Where the next member of a chain would be. */
  let next = 0;
  const concluded = new Set([...clearing.requests.values()].map(({ about }) => about));
  for (const lsn of clearing.unfinished.keys()) {
    const event = events.read(lsn);
    const type = event.getUint8(0);
    const isMember = type === EventTypes.crossing && (lsn === next || isLinked(event));
    const isFirst = lsn !== next;
    next = type === EventTypes.crossing && isLinked(event) ? lsn + LSN_PER_TRANSFER : 0;
    if (!isMember && type !== EventTypes.joint) clearing.outbox.push(lsn);
    else if ((isFirst || type === EventTypes.joint) && !concluded.has(lsn)) clearing.joints.push(lsn);
  }
}

/**
 * Holds what a payment's request moves here, each record under the id that its place gives: position + 1 + place. The clearing
 * accounts are there.
 */
export function holdRequest(ledger: Ledger, words: Uint32Array, from: number, count: number, lsn: number): void {
  for (let place = 0; place < count; place++) {
    const at = from + place * RECORD_WORDS;
    if ((transferFlags(words, at) & ENDS) !== 0 || !isBookedHere(ledger, words, at)) continue;
    const debit = sideOf(ledger, words, at, TransferWord.debitAccountId);
    const credit = sideOf(ledger, words, at, TransferWord.creditAccountId);
    reserveLeg(ledger, lsn + 1 + place, debit, credit, readU64(words, at + TransferWord.amount), 0);
  }
}

/**
 * Whether the partition that decides books a record: what moves within another partition is none of its business, but a hold is,
 * since its timer is here.
 */
export function isBookedHere(ledger: Ledger, words: Uint32Array, at: number): boolean {
  const { clearing, place } = ledger;
  const debit = clearing.homeOf(words, at + TransferWord.debitAccountId);
  const credit = clearing.homeOf(words, at + TransferWord.creditAccountId);
  const isHold = (transferFlags(words, at) & (ENDS | TransferFlags.pending)) !== 0;
  return isHold || debit !== credit || debit === place.partition;
}

/** Applies the joint event whose first word is `at`: for recovery. */
export function replayJoint(ledger: Ledger, words: Uint32Array, at: number, lsn: number): void {
  const kind = ((words[at] as number) >>> 8) & 0xff;
  const count = (words[at + JointWord.countAndFlags] as number) & 0xffff;
  const about = kind === JointKinds.conclusion ? readU64(words, at + JointWord.about) : 0;
  noteJoint(ledger, lsn, kind, about, words, at + JointWord.records, count);
  if (kind === JointKinds.request) holdRequest(ledger, words, at + JointWord.records, count, lsn);
}

function noteJoint(
  ledger: Ledger,
  lsn: number,
  kind: number,
  about: number,
  words: Uint32Array,
  from: number,
  count: number,
): void {
  const effects: JointEffect[] = [];
  const { clearing, place } = ledger;
  for (let index = 0; index < count; index++) {
    const at = from + index * RECORD_WORDS;
    const amount =
      (transferFlags(words, at) & TransferFlags.voidPending) === 0 ? readU64(words, at + TransferWord.amount) : 0;
    const currency = words[at + TransferWord.ledger] as number;
    const debit = clearing.homeOf(words, at + TransferWord.debitAccountId);
    const credit = clearing.homeOf(words, at + TransferWord.creditAccountId);
    if (debit === credit || (transferFlags(words, at) & TransferFlags.pending) !== 0) continue;
    if (debit !== place.partition) effects.push({ peer: debit, ledger: currency, credited: 0, debited: amount });
    if (credit !== place.partition) effects.push({ peer: credit, ledger: currency, credited: amount, debited: 0 });
  }
  const places = kind === JointKinds.request ? count : 0;
  clearing.joint(lsn, { kind, about, places, effects });
}
