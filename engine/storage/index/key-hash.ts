/** Hashes of 128-bit keys, given as four u32 words, least significant first, and the words of a key as a value. */

/** A key: w0 (least significant) … w3 (most significant), each u32. */
export type KeyWords = readonly [number, number, number, number];

/** Separates the second hash of a filter from the first. */
const SECOND = 0x9e3779b9;

/**
 * Murmur3 over the four words. The seed is drawn once per data directory, so that a client cannot choose ids that
 * collide.
 *
 * @returns a signed 32-bit hash
 */
export function hashKey(w0: number, w1: number, w2: number, w3: number, seed: number): number {
  let h = seed | 0;
  h = mix(h, w0);
  h = mix(h, w1);
  h = mix(h, w2);
  h = mix(h, w3);
  return finish(h ^ 16);
}

/** A second hash, independent of `hashKey` with the same seed. */
export function hashKeyAgain(w0: number, w1: number, w2: number, w3: number, seed: number): number {
  return hashKey(w3, w2, w1, w0, seed ^ SECOND);
}

/** Murmur3's finaliser: every bit of the input changes every bit of the output. */
export function finish(value: number): number {
  let h = value;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

function mix(h: number, word: number): number {
  let k = Math.imul(word, 0xcc9e2d51);
  k = Math.imul((k << 15) | (k >>> 17), 0x1b873593);
  const next = h ^ k;
  return (Math.imul((next << 13) | (next >>> 19), 5) + 0xe6546b64) | 0;
}
