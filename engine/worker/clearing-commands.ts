/**
 * The commands by which partitions speak to each other. They never come from a client: their kinds are in no frame that a
 * transport lets pass. All go through lanes and batches like every other command, so every step is durable before the next.
 *
 *   receiveCrossings   CROSSING × n  →  CROSSING_ANSWER × n     to the partition of the credit side
 *   settleCrossings    CROSSING_ANSWER × n  →  SETTLEMENT × n   back to that of the debit side
 *   resendCrossings    nothing  →  nothing                      after a start: puts what is unfinished into the batch's messages
 *
 * Two more are in joint-commands.ts, one for dry runs in enquiry.ts, those of the risk rules in count-commands.ts. `locateOperation` is the router's question where an operation goes: payment id, operation id → RESULT.
 */
import { COMMANDS } from '../../protocol/commands.ts';
import { layout } from '../../protocol/layout.ts';
import { PAYMENT_STATE, RESULT, TRANSFER, TransferFlags } from '../../protocol/records.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { whyNotBeyond } from '../ledger/balancing.ts';
import { receiveCrossing, settleCrossing } from '../ledger/crossings.ts';
import { ENGINE_ID_WORD3, FilledIn, SETTLED_EVENT_BYTES, TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import { resendAll } from '../ledger/joint.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { TransferEventWord } from '../ledger/ledger.ts';
import { writeBalances } from '../ledger/results.ts';
import { transferFlags } from '../ledger/validate.ts';
import { readU64, TransferWord, writeU64 } from '../ledger/words.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import type { Weight } from './batch.ts';

export const ClearingKinds = {
  receiveCrossings: 0x70,
  settleCrossings: 0x71,
  resendCrossings: 0x72,
  carryOutPart: 0x73,
  collectPart: 0x74,
  locateOperation: 0x75,
  rehearse: 0x76,
  receiveCounts: 0x77,
  confirmCounts: 0x78,
  readFeatures: 0x79,
} as const;

/** A transfer on its way; the TRANSFER record follows. */
const CROSSING_HEAD = layout('crossingHead', 32, {
  /** Position of the event in the partition of the debit side: names the crossing. */
  lsn: [0, 'u64'],
  from: [8, 'u32'],
  to: [12, 'u32'],
  /** Who asked for it. */
  institution: [16, 'u32'],
  /** Of a transfer of what the credit account owes: the answer when that is more than is held; 0 = then it moves what is held. */
  beyond: [20, 'u32'],
  /** What is held for it; its record says what was asked for. */
  held: [24, 'u64'],
});
export const CROSSING_BYTES = CROSSING_HEAD.size + TRANSFER.size;

/** What became of the credit side. */
const CROSSING_ANSWER = layout('crossingAnswer', 64, {
  lsn: [0, 'u64'],
  from: [8, 'u32'],
  code: [12, 'u16'],
  reserved: [14, 'u16'],
  /** Balances of the credit account after it, as in BALANCES; zeros where they are not the institution's to see. */
  debitsPending: [16, 'u64'],
  debitsPosted: [24, 'u64'],
  creditsPending: [32, 'u64'],
  creditsPosted: [40, 'u64'],
  /** What it moved; says nothing of a refusal. */
  moved: [48, 'u64'],
  reserved64: [56, 'u64'],
});
export const ANSWER_BYTES = CROSSING_ANSWER.size;

/** The result that a client waits for: lsn u64, command kind u32, pad u32, RESULT, BALANCES or PAYMENT_STATE. */
export const SETTLEMENT_BYTES = 16 + RESULT.size + PAYMENT_STATE.size;

export const HeadWord = { lsn: 0, from: 2, to: 3, institution: 4, beyond: 5, held: 6 } as const;
const AnswerWord = { lsn: 0, from: 2, code: 3, balances: 4, moved: 12 } as const;
export const SettlementWord = { lsn: 0, kind: 2, result: 4, debitBalances: 8, creditBalances: 16 } as const;

/** Word of a settlement that holds the code of its RESULT, in the lower half. */
export const SETTLEMENT_CODE_WORD = SettlementWord.result + (RESULT.at.code >> 2);

/** Partition for which a message is, and that an answer goes back to; the message or answer begins at byte `at`. */
export function targetOf(messages: DataView, at: number): number {
  return messages.getUint32(at + CROSSING_HEAD.at.to, true);
}
export function originOf(answers: DataView, at: number): number {
  return answers.getUint32(at + CROSSING_ANSWER.at.from, true);
}

export interface ClearingCommand {
  readonly words: Uint32Array;
  readonly start: number;
  readonly count: number;
}

/** Takes the messages of other partitions. */
export function receiveCrossings(ledger: Ledger, command: ClearingCommand, reply: ReplyArea): void {
  for (let index = 0; index < command.count; index++) {
    const { words } = command;
    const head = command.start + (index * CROSSING_BYTES) / 4;
    const institution = words[head + HeadWord.institution] as number;
    const from = words[head + HeadWord.from] as number;
    const origin = {
      institution,
      peer: from,
      lsn: readU64(words, head + HeadWord.lsn),
      held: readU64(words, head + HeadWord.held),
      beyond: words[head + HeadWord.beyond] as number,
    };
    const code = receiveCrossing(ledger, words, head + CROSSING_HEAD.size / 4, origin);
    const at = reply.take(ANSWER_BYTES) >> 2;
    reply.words.fill(0, at, at + ANSWER_BYTES / 4);
    reply.words[at] = words[head] as number;
    reply.words[at + 1] = words[head + 1] as number;
    reply.words[at + AnswerWord.from] = from;
    reply.words[at + AnswerWord.code] = code;
    writeU64(reply.words, at + AnswerWord.moved, ledger.amount);
    const { credit } = ledger;
    if (credit !== NO_ACCOUNT && ledger.mayDebit(credit, institution)) {
      writeBalances(reply.words, at + AnswerWord.balances, ledger.accounts, credit);
    }
  }
  reply.close(command.count);
}

/** Takes the answers of other partitions. */
export function settleCrossings(ledger: Ledger, command: ClearingCommand, reply: ReplyArea): void {
  const { words } = command;
  let settled = 0;
  for (let index = 0; index < command.count; index++) {
    const answer = command.start + (index * ANSWER_BYTES) / 4;
    const crossing = readU64(words, answer);
    const code = (words[answer + AnswerWord.code] as number) & 0xffff;
    const lsn = settleCrossing(ledger, crossing, code, readU64(words, answer + AnswerWord.moved));
    if (lsn === 0 || !isAwaited(ledger, lsn)) continue;
    settled++;
    const at = reply.take(SETTLEMENT_BYTES) >> 2;
    reply.words.fill(0, at, at + SETTLEMENT_BYTES / 4);
    writeU64(reply.words, at + SettlementWord.lsn, crossing);
    reply.words[at + SettlementWord.kind] = COMMANDS.createTransfers.kind;
    writeDecision(ledger, lsn, reply.words, at);
    const balances = answer + AnswerWord.balances;
    reply.words.set(words.subarray(balances, balances + 8), at + SettlementWord.creditBalances);
  }
  reply.close(settled);
}

/** Whether a reply waits for the other side of the transfer at `lsn`: not when it ran out, or was ended with its chain. */
function isAwaited({ events }: Ledger, lsn: number): boolean {
  const event = events.read(lsn);
  if ((event.getUint8(1) & FilledIn.wholeChain) !== 0) return false;
  return event.getUint32((TransferEventWord.record + 3) * 4, true) !== ENGINE_ID_WORD3;
}

/** RESULT, and the balances of the debit account, of the transfer at `lsn`, into the settlement at word `at`. */
export function writeDecision(ledger: Ledger, lsn: number, words: Uint32Array, at: number): void {
  const event = ledger.events.read(lsn);
  const word = (index: number): number => event.getUint32(index * 4, true);
  writeOutcome(event, words, at);
  const id = TransferEventWord.record + TransferWord.debitAccountId;
  const debit = ledger.accounts.find(word(id), word(id + 1), word(id + 2), word(id + 3));
  if (debit !== NO_ACCOUNT && ledger.mayDebit(debit, word(2))) {
    writeBalances(words, at + SettlementWord.debitBalances, ledger.accounts, debit);
  }
}

/** RESULT of a transfer event, into the settlement at word `at`. */
export function writeOutcome(event: DataView, words: Uint32Array, at: number): void {
  const timestamp = (TransferEventWord.record + TransferWord.timestamp) * 4;
  words[at + SettlementWord.result] = event.getUint32(timestamp, true);
  words[at + SettlementWord.result + 1] = event.getUint32(timestamp + 4, true);
  words[at + SettlementWord.result + 2] = event.getUint16(2, true);
}

/** Sends again what was not confirmed before the partition stopped. */
export function resendCrossings(ledger: Ledger, _command: ClearingCommand, reply: ReplyArea): void {
  resendAll(ledger);
  reply.close(0);
}

/** The messages of the batch just decided, and forgets that they are to be sent. Undefined when there are none. */
export function takeMessages(ledger: Ledger): Uint8Array | undefined {
  const { outbox } = ledger.clearing;
  if (outbox.length === 0) return undefined;
  const words = new Uint32Array((outbox.length * CROSSING_BYTES) / 4);
  for (const [index, lsn] of outbox.entries()) writeMessage(ledger, lsn, words, (index * CROSSING_BYTES) / 4);
  outbox.length = 0;
  return new Uint8Array(words.buffer);
}

/** The message about what is at `lsn`. */
export function crossingMessage(ledger: Ledger, lsn: number): Uint32Array {
  const words = new Uint32Array(CROSSING_BYTES / 4);
  writeMessage(ledger, lsn, words, 0);
  return words;
}

function writeMessage(ledger: Ledger, lsn: number, words: Uint32Array, at: number): void {
  const { clearing, events, place } = ledger;
  const event = events.read(lsn);
  const sent = at + CROSSING_HEAD.size / 4;
  for (let word = 0; word < TransferWord.timestamp; word++) {
    words[sent + word] = event.getUint32((TransferEventWord.record + word) * 4, true);
  }
  writeU64(words, at + HeadWord.lsn, lsn);
  words[at + HeadWord.from] = place.partition;
  words[at + HeadWord.to] = clearing.homeOf(words, sent + TransferWord.creditAccountId);
  words[at + HeadWord.institution] = event.getUint32(8, true);
  if ((transferFlags(words, sent) & TransferFlags.imported) !== 0) {
    for (const word of [TransferWord.timestamp, TransferWord.timestamp + 1]) {
      words[sent + word] = event.getUint32((TransferEventWord.record + word) * 4, true);
    }
  }
  if ((transferFlags(words, sent) & TransferFlags.balancingCredit) === 0) return;
  // The other side compares what the client asked for: that is in the reserved field here.
  const held = readU64(words, sent + TransferWord.amount);
  const debit = ledger.findAccount(words, sent + TransferWord.debitAccountId);
  const asked = TransferEventWord.record + TransferWord.reserved;
  for (let word = 0; word < 2; word++) {
    words[sent + TransferWord.amount + word] = event.getUint32((asked + word) * 4, true);
  }
  writeU64(words, at + HeadWord.held, held);
  words[at + HeadWord.beyond] = whyNotBeyond(ledger, transferFlags(words, sent), debit, held);
}

/** What a clearing command takes of a batch at most. */
export function clearingWeight(kind: number, count: number): Weight | undefined {
  switch (kind) {
    case ClearingKinds.receiveCrossings: {
      const journalBytes = count * TRANSFER_EVENT_BYTES;
      return { records: count, journalBytes, replyBytes: 32 + count * ANSWER_BYTES };
    }
    case ClearingKinds.settleCrossings: {
      const journalBytes = count * (TRANSFER_EVENT_BYTES + SETTLED_EVENT_BYTES);
      return { records: count, journalBytes, replyBytes: 32 + count * SETTLEMENT_BYTES };
    }
    case ClearingKinds.resendCrossings:
    case ClearingKinds.locateOperation:
      return { records: 1, journalBytes: 0, replyBytes: 64 };
    default:
      return undefined;
  }
}
