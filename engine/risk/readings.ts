/**
 * What features say whose key lives in another partition: asked there before a payment is decided, and sent along with it.
 *
 *   question := READINGS_HEAD (16) ‖ PAYMENT (128) ‖ RISK_CONTEXT (64, zeros when there is none)
 *   readings := READINGS_HEAD (16) ‖ READING × n
 *
 * A feature is known by a hash of its name: while another rule set is put into force, partitions may for a moment keep other features.
 */
import { deriveId } from '../../protocol/ids.ts';
import { layout } from '../../protocol/layout.ts';
import { PAYMENT } from '../../protocol/records.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { FEATURES_MAX } from './decision.ts';

export const READINGS_HEAD = layout('readingsHead', 16, {
  /** Readings that follow. In a question: ReadingFlags. */
  count: [0, 'u32'],
  /** Of an answer: a result code; only with `ok` there are readings. */
  code: [4, 'u32'],
  reserved: [8, 'u64'],
});

const READING = layout('reading', 16, {
  feature: [0, 'u64'],
  /** A whole number, not negative: -1 of a feature that has none is not told. */
  value: [8, 'u64'],
});

export const ReadingFlags = {
  /** Some rule wants it exactly: what others have asked for and not decided yet counts too. */
  exact: 1,
} as const;

export const QUESTION_BYTES = READINGS_HEAD.size + PAYMENT.size + RISK_CONTEXT.size;
export const READINGS_BYTES_MAX = READINGS_HEAD.size + FEATURES_MAX * READING.size;

const HEAD_WORDS = READINGS_HEAD.size >> 2;
const READING_WORDS = READING.size >> 2;

/** Readings in memory. */
export interface Readings {
  readonly words: Uint32Array;
  /** Word of the READINGS_HEAD. */
  readonly at: number;
}

/** What a feature is known by: two words. */
export type FeatureHash = readonly [low: number, high: number];

export function featureHash(name: string): FeatureHash {
  const id = deriveId('feature', name);
  return [Number(id & 0xffff_ffffn), Number((id >> 32n) & 0xffff_ffffn)];
}

/** What was read of a feature; undefined when nothing was. */
export function findReading({ words, at }: Readings, [low, high]: FeatureHash): number | undefined {
  const count = words[at] as number;
  for (let index = 0; index < count; index++) {
    const reading = at + HEAD_WORDS + index * READING_WORDS;
    if (words[reading] === low && words[reading + 1] === high) return readU64(words, reading + 2);
  }
  return undefined;
}

/** Adds a reading behind those that the head at word `at` has. */
export function addReading(words: Uint32Array, at: number, [low, high]: FeatureHash, value: number): void {
  const count = words[at] as number;
  const reading = at + HEAD_WORDS + count * READING_WORDS;
  words[reading] = low;
  words[reading + 1] = high;
  writeU64(words, reading + 2, value);
  words[at] = count + 1;
}

/** Words of readings, head and all. */
export function readingsWords({ words, at }: Readings): number {
  return HEAD_WORDS + (words[at] as number) * READING_WORDS;
}

/** Puts the readings of several answers behind one head. The answers begin with their heads. */
export function joinReadings(answers: readonly Uint8Array[]): Uint8Array {
  const readings = answers.map((answer) => answer.subarray(READINGS_HEAD.size));
  const bytes = readings.reduce((sum, { length }) => sum + length, READINGS_HEAD.size);
  const joined = new Uint8Array(bytes);
  const count = (bytes - READINGS_HEAD.size) / READING.size;
  new DataView(joined.buffer).setUint32(READINGS_HEAD.at.count, count, true);
  let at: number = READINGS_HEAD.size;
  for (const part of readings) {
    joined.set(part, at);
    at += part.length;
  }
  return joined;
}
