/**
 * The commands for what several partitions carry out together: see ledger/joint.ts.
 *
 *   carryOutPart   PART_MESSAGE, TRANSFER × n      →  PART_ANSWER, PART_BALANCES × m    to a partition that takes part
 *   collectPart    PART_ANSWER, PART_BALANCES × m  →  SETTLEMENT × k                    back to the one that decides
 */
import { COMMANDS } from '../../protocol/commands.ts';
import { layout } from '../../protocol/layout.ts';
import { TRANSFER } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EventTypes, SETTLED_EVENT_BYTES, TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import {
  collect,
  concludeJoint,
  jointAt,
  modeOf,
  type Progress,
  participantsOf,
  settleChain,
  settleJoint,
  takesPart,
} from '../ledger/joint.ts';
import { type JointEvent, JointKinds, jointEventBytes, partEventBytes, RECORD_WORDS } from '../ledger/joint-event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { carryOutPart, PartModes } from '../ledger/parts.ts';
import { writeBalances } from '../ledger/results.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { jointCommand, jointResult, settlePayment } from '../payment/joint-payments.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import type { Weight } from './batch.ts';
import { ClearingKinds, SETTLEMENT_BYTES, SettlementWord, writeDecision, writeOutcome } from './clearing-commands.ts';
import type { CommandState } from './dispatch.ts';

/** What a partition is asked to do; the TRANSFER records follow. */
const PART_MESSAGE = layout('partMessage', 48, {
  /** Position of the request in the partition that decides. */
  lsn: [0, 'u64'],
  from: [8, 'u32'],
  to: [12, 'u32'],
  institution: [16, 'u32'],
  /** PartModes. */
  mode: [20, 'u16'],
  /** JointFlags. */
  flags: [22, 'u16'],
  count: [24, 'u32'],
  /** Records of the whole, and of this part: what the answer, and the part, can take of a batch. */
  total: [28, 'u32'],
  share: [32, 'u32'],
  reserved32: [36, 'u32'],
  /** Position of the joint event that the answer is about: the request, an order, or a conclusion. */
  event: [40, 'u64'],
});

/** What came of it; PART_BALANCES × count follow. */
const PART_ANSWER = layout('partAnswer', 48, {
  /** As in PART_MESSAGE; so are `from` and `total`. */
  event: [0, 'u64'],
  from: [8, 'u32'],
  /** The partition that answers. */
  peer: [12, 'u32'],
  code: [16, 'u16'],
  /** Place of the record that was refused. */
  culprit: [18, 'u16'],
  total: [20, 'u32'],
  count: [24, 'u32'],
  reserved32: [28, 'u32'],
  reservedA: [32, 'u64'],
  reservedB: [40, 'u64'],
});

/** Balances of a credit account after its transfer, as in BALANCES; zeros where they are not the institution's to see. */
const PART_BALANCES = layout('partBalances', 40, {
  place: [0, 'u32'],
  reserved: [4, 'u32'],
  debitsPending: [8, 'u64'],
  debitsPosted: [16, 'u64'],
  creditsPending: [24, 'u64'],
  creditsPosted: [32, 'u64'],
});

export const MessageWord = {
  lsn: 0,
  from: 2,
  to: 3,
  institution: 4,
  modeAndFlags: 5,
  count: 6,
  total: 7,
  share: 8,
  event: 10,
  records: 12,
} as const;
export const AnswerWord = { event: 0, from: 2, peer: 3, codeAndCulprit: 4, total: 5, count: 6, balances: 12 } as const;
const BALANCES_WORDS = PART_BALANCES.size >> 2;

/** Words of an answer with the balances of this many accounts. */
export function answerWords(count: number): number {
  return AnswerWord.balances + count * BALANCES_WORDS;
}

/** Makes a message that asks to prepare a part one that asks to carry it out at once: what is only rehearsed needs no conclusion. */
export function rehearsedAtOnce(message: Uint32Array): void {
  const modeAndFlags = message[MessageWord.modeAndFlags] as number;
  if ((modeAndFlags & 0xffff) !== PartModes.prepare) return;
  message[MessageWord.modeAndFlags] = PartModes.complete | (modeAndFlags & ~0xffff);
}

/** How a message travels: its length, where it goes, and what it takes of a batch. */
export interface Travel {
  readonly bytes: number;
  readonly to: number;
  readonly weight: number;
}

/** Of the message at byte `at`. */
export function travelOf(messages: DataView, at: number): Travel {
  const count = messages.getUint32(at + PART_MESSAGE.at.count, true);
  return {
    bytes: PART_MESSAGE.size + count * TRANSFER.size,
    to: messages.getUint32(at + PART_MESSAGE.at.to, true),
    weight: messages.getUint32(at + PART_MESSAGE.at.share, true),
  };
}

/** Of an answer. */
export function travelBack(answer: DataView): Travel {
  return {
    bytes: answer.byteLength,
    to: answer.getUint32(PART_ANSWER.at.from, true),
    weight: answer.getUint32(PART_ANSWER.at.total, true),
  };
}

export interface JointCommand {
  readonly words: Uint32Array;
  readonly start: number;
}

/** The messages of the batch just decided, one after another. Undefined when there are none. */
export function takeParts(ledger: Ledger): Uint8Array | undefined {
  const { joints } = ledger.clearing;
  if (joints.length === 0) return undefined;
  const messages = joints.splice(0).flatMap((lsn) => partMessages(ledger, lsn));
  const length = messages.reduce((sum, words) => sum + words.length, 0);
  const all = new Uint32Array(length);
  let at = 0;
  for (const words of messages) {
    all.set(words, at);
    at += words.length;
  }
  return new Uint8Array(all.buffer);
}

/** What the joint event at `lsn` asks of each other partition. */
export function partMessages(ledger: Ledger, lsn: number): Uint32Array[] {
  const joint = jointAt(ledger, lsn);
  const participants = participantsOf(ledger, joint);
  const mode = modeOf(joint, participants.size);
  const isConclusion = joint.kind === JointKinds.conclusion;
  return [...participants].map((to) => {
    const places = Array.from({ length: joint.count }, (_, place) => place * RECORD_WORDS).filter((at) =>
      takesPart(ledger, joint.records, at, to),
    );
    // Who has prepared it knows the records.
    const sent = isConclusion ? [] : places;
    const words = new Uint32Array(MessageWord.records + sent.length * RECORD_WORDS);
    writeU64(words, MessageWord.lsn, isConclusion ? joint.about : lsn);
    words[MessageWord.from] = ledger.place.partition;
    words[MessageWord.to] = to;
    words[MessageWord.institution] = joint.institution;
    words[MessageWord.modeAndFlags] = mode | (joint.flags << 16);
    words[MessageWord.count] = sent.length;
    words[MessageWord.total] = joint.count;
    words[MessageWord.share] = places.length;
    writeU64(words, MessageWord.event, lsn);
    for (const [index, at] of sent.entries()) {
      const record = MessageWord.records + index * RECORD_WORDS;
      words.set(joint.records.subarray(at, at + RECORD_WORDS), record);
    }
    return words;
  });
}

/** Carries out this partition's part. */
export function carryOutPartCommand(ledger: Ledger, command: JointCommand, reply: ReplyArea): void {
  const { words, start } = command;
  const modeAndFlags = words[start + MessageWord.modeAndFlags] as number;
  const institution = words[start + MessageWord.institution] as number;
  const { code, culprit, credits } = carryOutPart(ledger, {
    lsn: readU64(words, start + MessageWord.lsn),
    peer: words[start + MessageWord.from] as number,
    institution,
    mode: modeAndFlags & 0xffff,
    flags: modeAndFlags >>> 16,
    count: words[start + MessageWord.count] as number,
    words,
    at: start + MessageWord.records,
  });
  const at = reply.take(PART_ANSWER.size + credits.length * PART_BALANCES.size) >> 2;
  reply.words.fill(0, at, at + AnswerWord.balances + credits.length * BALANCES_WORDS);
  writeU64(reply.words, at + AnswerWord.event, readU64(words, start + MessageWord.event));
  reply.words[at + AnswerWord.from] = words[start + MessageWord.from] as number;
  reply.words[at + AnswerWord.peer] = ledger.place.partition;
  reply.words[at + AnswerWord.codeAndCulprit] = code | (culprit << 16);
  reply.words[at + AnswerWord.total] = words[start + MessageWord.total] as number;
  reply.words[at + AnswerWord.count] = credits.length;
  for (const [index, { place, balances }] of credits.entries()) {
    const entry = at + AnswerWord.balances + index * BALANCES_WORDS;
    reply.words[entry] = place;
    reply.words.set(balances, entry + 2);
  }
  reply.close(1);
}

/** Takes a part's answer; with the last one it is decided. */
export function collectPartCommand(state: CommandState, command: JointCommand, reply: ReplyArea): void {
  const { ledger } = state;
  const { words, start } = command;
  const lsn = readU64(words, start + AnswerWord.event);
  const codeAndCulprit = words[start + AnswerWord.codeAndCulprit] as number;
  const balances = Array.from({ length: words[start + AnswerWord.count] as number }, (_, index) => {
    const entry = start + AnswerWord.balances + index * BALANCES_WORDS;
    return [words[entry] as number, words.slice(entry + 2, entry + BALANCES_WORDS)] as const;
  });
  const peer = words[start + AnswerWord.peer] as number;
  const answer = { peer, code: codeAndCulprit & 0xffff, culprit: codeAndCulprit >>> 16, balances };
  const verdict = collect(ledger, lsn, answer);
  reply.close(verdict === undefined ? 0 : decide(state, lsn, verdict, reply));
}

/** Returns how many settlements it wrote. */
function decide(state: CommandState, lsn: number, verdict: Progress, reply: ReplyArea): number {
  const { ledger, payments } = state;
  const joint = jointAt(ledger, lsn);
  if (joint.kind === JointKinds.order) {
    settleJoint(ledger, lsn, joint.institution);
    return writePaymentResult(state, lsn, joint, Code.ok, reply);
  }
  if (joint.kind === JointKinds.request && participantsOf(ledger, joint).size > 1) {
    concludeJoint(ledger, lsn, joint, verdict);
    return 0;
  }
  let { code, culprit } = verdict;
  let request = lsn;
  if (joint.kind === JointKinds.conclusion) {
    settleJoint(ledger, lsn, joint.institution);
    request = joint.about;
    code = joint.code;
    culprit = joint.culprit;
  }
  if (ledger.events.read(request).getUint8(0) === EventTypes.crossing) {
    return settleWholeChain(ledger, request, { ...verdict, code, culprit }, reply);
  }
  const whole = jointAt(ledger, request);
  settlePayment(payments, request, whole, code, culprit);
  return writePaymentResult(state, request, whole, code, reply);
}

function takeSettlement(reply: ReplyArea, lsn: number, kind: number): number {
  const at = reply.take(SETTLEMENT_BYTES) >> 2;
  reply.words.fill(0, at, at + SETTLEMENT_BYTES / 4);
  writeU64(reply.words, at + SettlementWord.lsn, lsn);
  reply.words[at + SettlementWord.kind] = kind;
  return at;
}

/** Settles a chain and writes the result of each member. */
function settleWholeChain(ledger: Ledger, first: number, verdict: Progress, reply: ReplyArea): number {
  let members = 0;
  settleChain(ledger, first, verdict.code, verdict.culprit, (place, request, transfer) => {
    const at = takeSettlement(reply, request, COMMANDS.createTransfers.kind);
    members++;
    const event = ledger.events.read(transfer);
    if (event.getUint16(2, true) !== Code.ok) return writeOutcome(event, reply.words, at);
    const institution = event.getUint32(8, true);
    const { credit } = ledger;
    writeDecision(ledger, transfer, reply.words, at);
    const balances = verdict.balances.get(place);
    if (balances !== undefined) reply.words.set(balances, at + SettlementWord.creditBalances);
    else if (ledger.mayDebit(credit, institution)) {
      writeBalances(reply.words, at + SettlementWord.creditBalances, ledger.accounts, credit);
    }
  });
  return members;
}

function writePaymentResult(
  state: CommandState,
  lsn: number,
  joint: JointEvent,
  code: number,
  reply: ReplyArea,
): number {
  const kind = jointCommand(state.payments, joint);
  if (kind === undefined) return 0;
  const at = takeSettlement(reply, lsn, kind);
  jointResult(state.payments, joint, code, { words: reply.words, at: at + SettlementWord.result });
  return 1;
}

/** @param paymentBytes most that a payment command writes beside its joint event */
export function jointWeight(kind: number, count: number, paymentBytes: number): Weight | undefined {
  switch (kind) {
    case ClearingKinds.carryOutPart: {
      // What is prepared keeps its records, what is carried out makes transfers.
      const journalBytes = partEventBytes(0) + count * TRANSFER_EVENT_BYTES;
      const replyBytes = 32 + PART_ANSWER.size + count * PART_BALANCES.size;
      return { records: Math.max(count, 1), journalBytes, replyBytes };
    }
    case ClearingKinds.collectPart: {
      // Twice: a member, and what it ended elsewhere.
      const settled = count * (TRANSFER_EVENT_BYTES + 2 * SETTLED_EVENT_BYTES);
      const journalBytes = paymentBytes + 2 * SETTLED_EVENT_BYTES + jointEventBytes(0, 0) + settled;
      return { records: Math.max(count, 1), journalBytes, replyBytes: 32 + count * SETTLEMENT_BYTES };
    }
    default:
      return undefined;
  }
}
