/** The hash of 128-bit ids, given as four u32 words, least significant first. */
import { ENGINE_ID_PREFIX } from '../protocol/ids.ts';

/**
 * Murmur3's body and finaliser over the four words. `seed` is drawn once per data directory, so that a client cannot
 * choose ids that collide.
 *
 * @returns a signed 32-bit hash
 */
export function hashId(w0: number, w1: number, w2: number, w3: number, seed: number): number {
  let h = seed | 0;
  h = mix(h, w0);
  h = mix(h, w1);
  h = mix(h, w2);
  h = mix(h, w3);
  return finish(h ^ 16);
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

/**
 * Partition of an account. Fixed for ever: it decides where an account lives on disk, so it takes no seed. An id that the engine
 * gave says itself where it lives.
 */
export function partitionOfAccount(w0: number, w1: number, w2: number, w3: number, partitions: number): number {
  if (partitions === 1) return 0;
  return (w3 === ENGINE_ID_PREFIX ? w2 : hashId(w0, w1, w2, w3, 0) >>> 0) % partitions;
}
