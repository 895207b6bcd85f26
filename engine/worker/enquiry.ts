/**
 * What a dry run asks of other partitions, and what it makes of their answers: see rehearsal.ts.
 *
 *   rehearse   ENQUIRY, crossing messages, part messages   →  ENQUIRY, CROSSING_ANSWER × n, part answers     to each other partition
 *   the command again, in front of it: ANSWERS, then the reply of each                                        back to the first
 *
 * The messages are those that the command itself would send (clearing-commands.ts, joint-commands.ts). What was rehearsed there is
 * taken back, so nobody has to be told what became of it: parts are carried out at once, and their answers stand for the commit too.
 */
import { layout } from '../../protocol/layout.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { TransferFlags } from '../../protocol/records.ts';
import { ENGINE_ID_WORD3, SETTLED_EVENT_BYTES, TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import { NO_HOLD } from '../ledger/holds.ts';
import { jointAt, participantsOf } from '../ledger/joint.ts';
import { jointEventBytes, partEventBytes, RECORD_WORDS } from '../ledger/joint-event.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { TransferEventWord } from '../ledger/ledger.ts';
import { LEG_EVENT_BYTES } from '../ledger/leg-event.ts';
import { transferFlags } from '../ledger/validate.ts';
import { readU64, TransferWord, writeU64 } from '../ledger/words.ts';
import { paymentEventBytes } from '../payment/event.ts';
import { ReplyArea } from '../query/reply-area.ts';
import type { Weight } from './batch.ts';
import {
  ANSWER_BYTES,
  ClearingKinds,
  CROSSING_BYTES,
  crossingMessage,
  HeadWord,
  receiveCrossings,
  SETTLEMENT_BYTES,
  settleCrossings,
} from './clearing-commands.ts';
import type { CommandState } from './dispatch.ts';
import {
  AnswerWord,
  answerWords,
  carryOutPartCommand,
  collectPartCommand,
  MessageWord,
  partMessages,
  rehearsedAtOnce,
} from './joint-commands.ts';

/** Of a question, and of its answer; the messages, or the answers to them, follow in this order. */
const ENQUIRY = layout('enquiry', 16, {
  crossings: [0, 'u32'],
  parts: [4, 'u32'],
  /** Of an answer: who answers. */
  partition: [8, 'u32'],
  /** Of an answer: all of it. */
  bytes: [12, 'u32'],
});

/** In front of a command whose dry run goes on with the answers, which follow. */
const ANSWERS = layout('answers', 16, {
  /** With this head. */
  bytes: [0, 'u32'],
  /** How often the others were asked. */
  round: [4, 'u32'],
  reserved: [8, 'u64'],
});

const EnquiryWord = { crossings: 0, parts: 1, partition: 2, bytes: 3 } as const;
const ENQUIRY_WORDS = ENQUIRY.size >> 2;
const CROSSING_WORDS = CROSSING_BYTES >> 2;
const ENDS = TransferFlags.postPending | TransferFlags.voidPending;

/**
 * Added to the positions that a dry run would have used, in what others are asked: by the time it is asked they may belong to
 * something real. No journal becomes as long.
 */
const REHEARSED_LSN = 2 ** 52;

/** What is written when a record is settled, its chain concluded, and a payment's version made: in a dry run behind all else. */
const SETTLED_BYTES = TRANSFER_EVENT_BYTES + 2 * SETTLED_EVENT_BYTES + jointEventBytes(0, 0);
const PAYMENT_BYTES = paymentEventBytes(LIMITS.referenceBytesMax) + 5 * LEG_EVENT_BYTES;

/** A question to one partition. */
export interface Enquiry {
  readonly to: number;
  /** TRANSFER records in it: what it takes of a batch. */
  readonly count: number;
  readonly body: Uint8Array;
}

/** What one partition has to be asked: positions of crossings and endings, and of joint events. */
interface Asked {
  readonly crossings: number[];
  readonly joints: number[];
}
export type AskedByPeer = ReadonlyMap<number, Asked>;

/** Who has to be asked about what a dry run has begun. */
export function sortAsked(ledger: Ledger, crossings: readonly number[], joints: readonly number[]): AskedByPeer {
  const asked = new Map<number, Asked>();
  const of = (peer: number): Asked => {
    const known = asked.get(peer) ?? { crossings: [], joints: [] };
    asked.set(peer, known);
    return known;
  };
  for (const lsn of crossings) of(creditHome(ledger, lsn)).crossings.push(lsn);
  for (const lsn of joints) for (const peer of participantsOf(ledger, jointAt(ledger, lsn))) of(peer).joints.push(lsn);
  return asked;
}

function creditHome({ events, clearing }: Ledger, lsn: number): number {
  const event = events.read(lsn);
  const field = TransferEventWord.record + TransferWord.creditAccountId;
  return clearing.homeOf(
    Uint32Array.from([0, 1, 2, 3], (word) => event.getUint32((field + word) * 4, true)),
    0,
  );
}

/** @param begun positions from here on are the dry run's */
export function enquiriesOf(ledger: Ledger, asked: AskedByPeer, begun: number): Enquiry[] {
  const parts = new Map<number, Uint32Array[]>([...asked.keys()].map((peer) => [peer, []]));
  for (const lsn of new Set([...asked.values()].flatMap(({ joints }) => joints))) {
    for (const message of partMessages(ledger, lsn)) {
      rehearsedAtOnce(message);
      parts.get(message[MessageWord.to] as number)?.push(message);
    }
  }
  return [...asked].map(([to, { crossings, joints }]) => {
    const messages = [...crossings.map((lsn) => crossingMessage(ledger, lsn)), ...(parts.get(to) ?? [])];
    const words = new Uint32Array(messages.reduce((sum, { length }) => sum + length, ENQUIRY_WORDS));
    words[EnquiryWord.crossings] = crossings.length;
    words[EnquiryWord.parts] = joints.length;
    let at = ENQUIRY_WORDS;
    let count = 0;
    for (const [index, message] of messages.entries()) {
      const isCrossing = index < crossings.length;
      moveAway(ledger, message, isCrossing, begun);
      count += isCrossing ? 1 : (message[MessageWord.count] as number);
      words.set(message, at);
      at += message.length;
    }
    return { to, count, body: new Uint8Array(words.buffer) };
  });
}

/** Gives the message and its records positions that nothing real can have. */
function moveAway({ place }: Ledger, message: Uint32Array, isCrossing: boolean, begun: number): void {
  for (const field of isCrossing ? [HeadWord.lsn] : [MessageWord.lsn, MessageWord.event]) {
    writeU64(message, field, readU64(message, field) + REHEARSED_LSN);
  }
  const first = isCrossing ? CROSSING_WORDS - RECORD_WORDS : MessageWord.records;
  for (let at = first; at < message.length; at += RECORD_WORDS) {
    const isOwn = message[at + 3] === ENGINE_ID_WORD3 && message[at + 2] === place.partition;
    if (isOwn && readU64(message, at) >= begun) writeU64(message, at, readU64(message, at) + REHEARSED_LSN);
  }
}

/** Rehearses what another partition would send. */
export function answerEnquiry({ ledger }: CommandState, words: Uint32Array, start: number, reply: ReplyArea): void {
  const head = reply.take(ENQUIRY.size) >> 2;
  const crossings = words[start + EnquiryWord.crossings] as number;
  const parts = words[start + EnquiryWord.parts] as number;
  let at = start + ENQUIRY_WORDS;
  for (let n = 0; n < crossings; n++, at += CROSSING_WORDS) {
    if (canFollow(ledger, words, at + CROSSING_WORDS - RECORD_WORDS, 1)) {
      receiveCrossings(ledger, { words, start: at, count: 1 }, reply);
    } else {
      agree(reply, ANSWER_BYTES);
    }
  }
  for (let n = 0; n < parts; n++) {
    const count = words[at + MessageWord.count] as number;
    if (canFollow(ledger, words, at + MessageWord.records, count))
      carryOutPartCommand(ledger, { words, start: at }, reply);
    else agree(reply, answerWords(0) * 4);
    at += MessageWord.records + count * RECORD_WORDS;
  }
  reply.words[head + EnquiryWord.crossings] = crossings;
  reply.words[head + EnquiryWord.parts] = parts;
  reply.words[head + EnquiryWord.partition] = ledger.place.partition;
  reply.words[head + EnquiryWord.bytes] = reply.end - head * 4;
  reply.close(1);
}

/**
 * Whether the holds that the records end are here, or made by a record before, and as large. They are when such messages are real;
 * since a dry run was begun they may have ended. The partition that decides then finds that out for itself.
 */
function canFollow(ledger: Ledger, words: Uint32Array, first: number, count: number): boolean {
  /** What is left of each hold, by its id. */
  const left = new Map<string, number>();
  for (let at = first; at < first + count * RECORD_WORDS; at += RECORD_WORDS) {
    const flags = transferFlags(words, at);
    const amount = readU64(words, at + TransferWord.amount);
    if ((flags & TransferFlags.pending) !== 0) left.set(idKey(words, at), amount);
    if ((flags & ENDS) === 0) continue;
    const key = idKey(words, at + TransferWord.pendingId);
    const slot = ledger.findHold(words, at);
    const remaining = left.get(key) ?? (slot === NO_HOLD ? 0 : (ledger.holds.remaining[slot] as number));
    if (remaining === 0 || amount > remaining) return false;
    left.set(key, (flags & TransferFlags.keepRemainder) === 0 ? 0 : remaining - amount);
  }
  return true;
}

function idKey(words: Uint32Array, at: number): string {
  return words.subarray(at, at + 4).join();
}

/** An answer of nothing but zeros: `ok`, with balances that nobody may see. */
function agree(reply: ReplyArea, bytes: number): void {
  const at = reply.take(bytes) >> 2;
  reply.words.fill(0, at, at + bytes / 4);
}

/** Joins the replies of others, to go in front of the command. */
export function joinAnswers(replies: readonly Uint8Array[], round: number): Uint8Array {
  const bytes = replies.reduce((sum, { length }) => sum + length, ANSWERS.size);
  // What follows begins at a multiple of 16, as every body does.
  const all = new Uint8Array((bytes + 15) & ~15);
  const view = new DataView(all.buffer);
  view.setUint32(ANSWERS.at.bytes, all.length, true);
  view.setUint32(ANSWERS.at.round, round, true);
  let at = ANSWERS.size;
  for (const reply of replies) {
    all.set(reply, at);
    at += reply.length;
  }
  return all;
}

/** Bytes that stand in front of the command whose body begins at `at`, and how often others were asked for them. */
export function readAnswers(body: DataView, at: number): { readonly bytes: number; readonly round: number } {
  return {
    bytes: body.getUint32(at + ANSWERS.at.bytes, true),
    round: body.getUint32(at + ANSWERS.at.round, true),
  };
}

interface Answered {
  readonly asked: Asked;
  /** Words where the next answers begin. */
  crossing: number;
  part: number;
}

/**
 * Goes on with what a dry run has begun as if the answers had come for it: by the commands that take real ones. Returns the
 * settlements, one after another; undefined when something else was asked.
 *
 * @param bytes of the answers, which begin at word `start`
 */
export function settleRehearsed(
  state: CommandState,
  asked: AskedByPeer,
  words: Uint32Array,
  start: number,
  bytes: number,
): Uint32Array | undefined {
  const answered = matchAnswers(asked, words, start + (ANSWERS.size >> 2), start + (bytes >> 2));
  if (answered === undefined) return undefined;
  const { ledger } = state;
  const { joints } = ledger.clearing;
  const crossings = [...asked.values()].flatMap((of) => of.crossings).sort(ascending);
  const requests = [...new Set([...asked.values()].flatMap((of) => of.joints))].sort(ascending);
  const most = requests.reduce((sum, lsn) => sum + jointAt(ledger, lsn).count, crossings.length);
  ledger.events.makeRoom(most * SETTLED_BYTES + requests.length * PAYMENT_BYTES);
  const area = new ReplyArea();
  const room = 64 + most * SETTLEMENT_BYTES;
  area.target(new ArrayBuffer(room), 0, room);
  area.open(0, 0, 0, 0);
  const first = area.end;
  for (const lsn of crossings) {
    const of = answered.get(creditHome(ledger, lsn));
    if (of === undefined) throw new Error('a rehearsed crossing has no answer');
    writeU64(words, of.crossing, lsn);
    settleCrossings(ledger, { words, start: of.crossing, count: 1 }, area);
    of.crossing += ANSWER_BYTES >> 2;
  }
  for (const lsn of requests) {
    const known = joints.length;
    const answers: number[] = [];
    for (const [peer, of] of answered) {
      if (!of.asked.joints.includes(lsn)) continue;
      words[of.part + AnswerWord.peer] = peer;
      answers.push(of.part);
      of.part += answerWords(words[of.part + AnswerWord.count] as number);
    }
    collectFrom(state, lsn, answers, words, area);
    // Several others had to prepare it: their answers stand for what they would say to the conclusion.
    const conclusion = joints.length > known ? joints.pop() : undefined;
    if (conclusion !== undefined) collectFrom(state, conclusion, answers, words, area);
  }
  return area.words.slice(first >> 2, area.end >> 2);
}

function collectFrom(
  state: CommandState,
  lsn: number,
  answers: readonly number[],
  words: Uint32Array,
  area: ReplyArea,
): void {
  for (const start of answers) {
    writeU64(words, start + AnswerWord.event, lsn);
    collectPartCommand(state, { words, start }, area);
  }
}

/** The answers of those who were asked. Undefined when they were asked something else: the dry run has gone another way since. */
function matchAnswers(
  asked: AskedByPeer,
  words: Uint32Array,
  start: number,
  end: number,
): Map<number, Answered> | undefined {
  const answered = new Map<number, Answered>();
  for (let at = start; at < end && words[at + EnquiryWord.bytes] !== 0; ) {
    const peer = words[at + EnquiryWord.partition] as number;
    const crossings = words[at + EnquiryWord.crossings] as number;
    const of = asked.get(peer);
    if (of?.crossings.length !== crossings || of.joints.length !== words[at + EnquiryWord.parts]) return undefined;
    const crossing = at + ENQUIRY_WORDS;
    answered.set(peer, { asked: of, crossing, part: crossing + crossings * (ANSWER_BYTES >> 2) });
    at += (words[at + EnquiryWord.bytes] as number) >> 2;
  }
  return answered.size === asked.size ? answered : undefined;
}

function ascending(a: number, b: number): number {
  return a - b;
}

/** What a question takes of a batch at most, with this many records: each alone in its message. */
export function enquiryWeight(kind: number, count: number): Weight | undefined {
  if (kind !== ClearingKinds.rehearse) return undefined;
  return {
    records: count,
    journalBytes: count * (partEventBytes(0) + TRANSFER_EVENT_BYTES),
    replyBytes: 32 + ENQUIRY.size + count * Math.max(ANSWER_BYTES, answerWords(1) * 4),
  };
}
