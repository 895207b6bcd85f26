/**
 * A blocked Bloom filter: a key sets six bits in one block of 64 bytes, a cache line. About 10 bits a key; 1 key in 80
 * that was never put seems to be there.
 */
import { finish } from '../../hash-id.ts';

export const BLOCK_WORDS = 16;
/** 512 bits ÷ 51 keys = 10 bits a key. */
const KEYS_PER_BLOCK = 51;

/** Blocks of a filter for so many keys; at least one. */
export function blocksFor(keys: number): number {
  return Math.max(1, Math.ceil(keys / KEYS_PER_BLOCK));
}

/** The block of a key, by its first hash: upper bits of hash × blocks, without a division. */
export function blockOf(hash: number, blocks: number): number {
  return Math.floor(((hash >>> 0) * blocks) / 0x1_0000_0000);
}

/** Sets the bits of a key in the block at word `at`. `a` and `b` are its two hashes. */
export function setBits(words: Uint32Array, at: number, a: number, b: number): void {
  const c = finish(a ^ (b >>> 7));
  for (let shift = 0; shift <= 18; shift += 9) {
    const p = (b >>> shift) & 511;
    words[at + (p >>> 5)] = (words[at + (p >>> 5)] as number) | (1 << (p & 31));
    const q = (c >>> shift) & 511;
    words[at + (q >>> 5)] = (words[at + (q >>> 5)] as number) | (1 << (q & 31));
  }
}

/**
 * 1 when the block at word `at` has all the bits of a key, 0 when it was certainly never put. Without a branch, so that the
 * processor can wait for the blocks of several filters at the same time.
 */
export function hasBits(words: Uint32Array, at: number, a: number, b: number): number {
  const c = finish(a ^ (b >>> 7));
  return (
    bit(words, at, b & 511) &
    bit(words, at, c & 511) &
    bit(words, at, (b >>> 9) & 511) &
    bit(words, at, (c >>> 9) & 511) &
    bit(words, at, (b >>> 18) & 511) &
    bit(words, at, (c >>> 18) & 511)
  );
}

function bit(words: Uint32Array, at: number, position: number): number {
  return ((words[at + (position >>> 5)] as number) >>> (position & 31)) & 1;
}
