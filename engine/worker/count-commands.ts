/**
 * The commands by which partitions count for each other: see risk/shared-counts.ts and risk/readings.ts.
 *
 *   receiveCounts  COUNTS_HEAD, COUNTED × n                    →  COUNTS_TAKEN   to the home of keys, from where it was decided
 *   confirmCounts  COUNTS_TAKEN                                →  nothing        back
 *   readFeatures   READINGS_HEAD, PAYMENT, RISK_CONTEXT        →  READINGS_HEAD, READING × n     before a payment is decided
 */
import { layout } from '../../protocol/layout.ts';
import { PAYMENT } from '../../protocol/records.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import { READINGS_BYTES_MAX, READINGS_HEAD, ReadingFlags, readingsWords } from '../risk/readings.ts';
import { countsBytes } from '../risk/shared-counts.ts';
import type { Weight } from './batch.ts';
import { ClearingKinds } from './clearing-commands.ts';
import type { CommandState } from './dispatch.ts';

/** How far a partition has got with what another counted for it. */
const COUNTS_TAKEN = layout('countsTaken', 16, {
  /** Who counted, and who took it. */
  from: [0, 'u32'],
  to: [4, 'u32'],
  /** Everything below this number was taken. */
  taken: [8, 'u64'],
});

const HEAD_WORDS = READINGS_HEAD.size >> 2;
const FRAME_ROOM = 32;

interface CountCommand {
  readonly words: Uint32Array;
  readonly start: number;
}

/** Partition that waits for this confirmation. */
export function confirmedTo(taken: Uint8Array): number {
  return new DataView(taken.buffer, taken.byteOffset).getUint32(COUNTS_TAKEN.at.from, true);
}

export function receiveCounts(state: CommandState, { words, start }: CountCommand, reply: ReplyArea): void {
  const { shared } = state.risk;
  const event = shared.receive(state.events, words, start);
  if (event !== 0) state.payments.risk.countOfOthers(state.events.words, event);
  const from = words[start] as number;
  const at = reply.take(COUNTS_TAKEN.size) >> 2;
  reply.words[at] = from;
  reply.words[at + 1] = shared.partition;
  writeU64(reply.words, at + 2, shared.takenFrom(from));
  reply.close(1);
}

export function confirmCounts({ risk }: CommandState, { words, start }: CountCommand, reply: ReplyArea): void {
  risk.shared.confirm(words[start + 1] as number, readU64(words, start + 2));
  reply.close(0);
}

export function readFeatures({ payments }: CommandState, { words, start }: CountCommand, reply: ReplyArea): void {
  const at = reply.take(READINGS_BYTES_MAX) >> 2;
  reply.words.fill(0, at, at + HEAD_WORDS);
  const record = start + HEAD_WORDS;
  const payment = { words, at: record, contextAt: record + (PAYMENT.size >> 2) };
  const isExact = ((words[start] as number) & ReadingFlags.exact) !== 0;
  reply.words[at + 1] = payments.risk.answer(payment, isExact, reply.words, at);
  reply.end = (at + readingsWords({ words: reply.words, at })) * 4;
  reply.close(1);
}

/** What a command of these kinds takes of a batch at most. */
export function countWeight(kind: number, count: number): Weight | undefined {
  switch (kind) {
    case ClearingKinds.receiveCounts:
      return {
        records: count,
        journalBytes: EVENT_PREFIX_BYTES + countsBytes(count),
        replyBytes: FRAME_ROOM + COUNTS_TAKEN.size,
      };
    case ClearingKinds.confirmCounts:
      return { records: 1, journalBytes: 0, replyBytes: FRAME_ROOM };
    case ClearingKinds.readFeatures:
      return { records: 1, journalBytes: 0, replyBytes: FRAME_ROOM + READINGS_BYTES_MAX };
    default:
      return undefined;
  }
}
