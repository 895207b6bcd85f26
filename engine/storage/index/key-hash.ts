/** The second hash of a key, for filters, and the words of a key as a value. */
import { hashId } from '../../hash-id.ts';

/** A key: w0 (least significant) … w3 (most significant), each u32. */
export type KeyWords = readonly [number, number, number, number];

/** Separates the second hash of a filter from the first. */
const SECOND = 0x9e3779b9;

/** A hash independent of `hashId` with the same seed. Signed. */
export function hashKeyAgain(w0: number, w1: number, w2: number, w3: number, seed: number): number {
  return hashId(w3, w2, w1, w0, seed ^ SECOND);
}
