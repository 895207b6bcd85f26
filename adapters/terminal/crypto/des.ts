/**
 * DES and triple DES on blocks of two 32-bit words (FIPS PUB 46-3, ISO/IEC 18033-3), made for few blocks under ever new
 * keys: a cipher object of node:crypto costs some 5 µs before its first block, a key schedule here 0.2 µs and a block
 * 0.2 µs. Held by `bench/micro`.
 *
 * A schedule is an Int32Array with 32 words per DES stage; `crypt` runs stages one after the other. Triple DES encryption
 * is the stages encrypt K1, decrypt K2, encrypt K3; decryption is the same words with the rounds in the reverse order.
 * Table look-ups leave traces in the processor's cache: where an attacker may run code on the same machine, keys belong
 * into an HSM.
 */
import { CHOOSE_C, CHOOSE_D, ROUND_KEY_C, ROUND_KEY_D, SUBSTITUTE, TURNS } from './des-tables.ts';

/** Words of the schedule of one DES stage. */
export const STAGE = 32;
/** Words of the schedule of triple DES. */
export const TRIPLE = 3 * STAGE;

/** Two big-endian words that `crypt` changes in place. */
export type Block = Int32Array;

/**
 * Expands a DES key of two words into stage number `stage` of a schedule, to encrypt or to decrypt. Parity bits do not
 * matter.
 */
export function expandKey(high: number, low: number, schedule: Int32Array, stage: number, decrypts: boolean): void {
  let c = chosen(CHOOSE_C, high, low);
  let d = chosen(CHOOSE_D, high, low);
  for (let round = 0; round < 16; round++) {
    const turn = TURNS[round] as number;
    c = ((c << turn) | (c >>> (28 - turn))) & 0xfffffff;
    d = ((d << turn) | (d >>> (28 - turn))) & 0xfffffff;
    const first =
      (ROUND_KEY_C[c >>> 21] as number) |
      (ROUND_KEY_C[128 + ((c >>> 14) & 127)] as number) |
      (ROUND_KEY_C[256 + ((c >>> 7) & 127)] as number) |
      (ROUND_KEY_C[384 + (c & 127)] as number);
    const second =
      (ROUND_KEY_D[d >>> 21] as number) |
      (ROUND_KEY_D[128 + ((d >>> 14) & 127)] as number) |
      (ROUND_KEY_D[256 + ((d >>> 7) & 127)] as number) |
      (ROUND_KEY_D[384 + (d & 127)] as number);
    const at = stage * STAGE + 2 * (decrypts ? 15 - round : round);
    schedule[at] = (first & 0xffff0000) | (second >>> 16);
    schedule[at + 1] = (first << 16) | (second & 0xffff);
  }
}

function chosen(table: Int32Array, high: number, low: number): number {
  return (
    (table[high >>> 25] as number) |
    (table[128 + ((high >>> 17) & 127)] as number) |
    (table[256 + ((high >>> 9) & 127)] as number) |
    (table[384 + ((high >>> 1) & 127)] as number) |
    (table[512 + (low >>> 25)] as number) |
    (table[640 + ((low >>> 17) & 127)] as number) |
    (table[768 + ((low >>> 9) & 127)] as number) |
    (table[896 + ((low >>> 1) & 127)] as number)
  );
}

/** Expands a double-length key (K1 in words 0 and 1, K2 in 2 and 3) for triple DES encryption. */
export function expandDoubleKey(key: Int32Array, schedule: Int32Array): void {
  expandKey(key[0] as number, key[1] as number, schedule, 0, false);
  expandKey(key[2] as number, key[3] as number, schedule, 1, true);
  schedule.copyWithin(2 * STAGE, 0, STAGE);
}

/** The block at hand between the initial and the final permutation, its halves rotated as the rounds want them. Zeros when there is none. */
const halves = new Int32Array(2);

/** Runs the first `stages` stages of a schedule over a block. */
export function crypt(schedule: Int32Array, stages: number, block: Block): void {
  enter(block[0] as number, block[1] as number);
  // Final and initial permutation cancel out between stages.
  for (let stage = 0; stage < stages; stage++) runStage(schedule, stage);
  leave(block);
}

/**
 * CBC with the first stage of a schedule over the whole blocks before `end`; `block` has the state before and after. Between two blocks the
 * permutations cancel out too: what is absorbed is permuted, and the state stays as it is.
 */
export function chain(schedule: Int32Array, bytes: Uint8Array, end: number, block: Block): void {
  enter(block[0] as number, block[1] as number);
  for (let at = 0; at < end; at += 8) {
    const left = halves[0] as number;
    const right = halves[1] as number;
    enter(readWord(bytes, at), readWord(bytes, at + 4));
    halves[0] = (halves[0] as number) ^ left;
    halves[1] = (halves[1] as number) ^ right;
    runStage(schedule, 0);
  }
  leave(block);
}

/** Sixteen rounds, and the exchange of the halves after them. */
function runStage(schedule: Int32Array, stage: number): void {
  let l = halves[0] as number;
  let r = halves[1] as number;
  for (let at = stage * STAGE, end = at + STAGE; at < end; at += 4) {
    l ^= mixed(r, schedule[at] as number, schedule[at + 1] as number);
    r ^= mixed(l, schedule[at + 2] as number, schedule[at + 3] as number);
  }
  halves[0] = r;
  halves[1] = l;
}

/** The initial permutation, as exchanges of bits between the halves. */
function enter(high: number, low: number): void {
  let l = high;
  let r = low;
  let t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  t = ((l >>> 16) ^ r) & 0x0000ffff;
  r ^= t;
  l ^= t << 16;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  t = ((l >>> 1) ^ r) & 0x55555555;
  r ^= t;
  l ^= t << 1;
  halves[0] = (l << 1) | (l >>> 31);
  halves[1] = (r << 1) | (r >>> 31);
}

/** The final permutation, the inverse of `enter`. Nothing of the block stays here: it may be a PIN or a key. */
function leave(block: Block): void {
  const left = halves[0] as number;
  const right = halves[1] as number;
  halves[0] = 0;
  halves[1] = 0;
  let l = (left >>> 1) | (left << 31);
  let r = (right >>> 1) | (right << 31);
  let t = ((l >>> 1) ^ r) & 0x55555555;
  r ^= t;
  l ^= t << 1;
  t = ((r >>> 8) ^ l) & 0x00ff00ff;
  l ^= t;
  r ^= t << 8;
  t = ((r >>> 2) ^ l) & 0x33333333;
  l ^= t;
  r ^= t << 2;
  t = ((l >>> 16) ^ r) & 0x0000ffff;
  r ^= t;
  l ^= t << 16;
  t = ((l >>> 4) ^ r) & 0x0f0f0f0f;
  r ^= t;
  l ^= t << 4;
  block[0] = l;
  block[1] = r;
}

/** The round function; the first key word is for groups 1, 3, 5, 7 of the half, the second for 2, 4, 6, 8. */
function mixed(half: number, keyOdd: number, keyEven: number): number {
  const odd = ((half >>> 4) | (half << 28)) ^ keyOdd;
  const even = half ^ keyEven;
  return (
    (SUBSTITUTE[(odd >>> 24) & 63] as number) |
    (SUBSTITUTE[64 + ((even >>> 24) & 63)] as number) |
    (SUBSTITUTE[128 + ((odd >>> 16) & 63)] as number) |
    (SUBSTITUTE[192 + ((even >>> 16) & 63)] as number) |
    (SUBSTITUTE[256 + ((odd >>> 8) & 63)] as number) |
    (SUBSTITUTE[320 + ((even >>> 8) & 63)] as number) |
    (SUBSTITUTE[384 + (odd & 63)] as number) |
    (SUBSTITUTE[448 + (even & 63)] as number)
  );
}

/** A word with the lowest bit of each byte set so that the byte has an odd number of one bits. */
export function withOddParity(word: number): number {
  const bits = word & 0xfefefefe;
  let fold = bits ^ (bits >>> 4);
  fold ^= fold >>> 2;
  fold ^= fold >>> 1;
  return bits | (~fold & 0x01010101);
}

/** Big-endian. */
export function readWord(bytes: Uint8Array, at: number): number {
  return (
    ((bytes[at] as number) << 24) |
    ((bytes[at + 1] as number) << 16) |
    ((bytes[at + 2] as number) << 8) |
    (bytes[at + 3] as number)
  );
}
