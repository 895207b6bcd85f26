/**
 * Triple DES over bytes: ECB and CBC of whole blocks under a prepared key. A single-length key K works as K|K|K, that is
 * DES; a double-length one as K1|K2|K1.
 */
import { type Block, chain, crypt, expandKey, readWord, TRIPLE } from './des.ts';
import { type Padding, TDES_BLOCK as BLOCK } from './padding.ts';

const ZERO = new Uint8Array(BLOCK);

/** A prepared key. It holds schedules only and shows nothing of them, neither as JSON nor when it is inspected. */
export class TripleDes {
  readonly #encrypts = new Int32Array(TRIPLE);
  readonly #decrypts = new Int32Array(TRIPLE);
  readonly #block: Block = new Int32Array(2);
  readonly #tail = new Uint8Array(BLOCK);

  /** `key` has 8, 16 or 24 bytes. Throws RangeError for another length, which callers check before. */
  constructor(key: Uint8Array) {
    if (key.length !== 8 && key.length !== 16 && key.length !== 24) {
      throw new RangeError(`a DES key has 8, 16 or 24 bytes, not ${key.length}`);
    }
    for (let stage = 0; stage < 3; stage++) {
      const at = (8 * stage) % key.length;
      const high = readWord(key, at);
      const low = readWord(key, at + 4);
      expandKey(high, low, this.#encrypts, stage, stage === 1);
      expandKey(high, low, this.#decrypts, 2 - stage, stage !== 1);
    }
  }

  /** ECB of whole blocks into a new array. */
  encrypt(data: Uint8Array): Uint8Array {
    return this.#each(this.#encrypts, 3, data);
  }

  /** ECB of whole blocks into a new array. */
  decrypt(data: Uint8Array): Uint8Array {
    return this.#each(this.#decrypts, 3, data);
  }

  /** CBC of whole blocks into a new array. */
  encryptCbc(data: Uint8Array, iv: Uint8Array = ZERO): Uint8Array {
    const result = new Uint8Array(data.length);
    const block = this.#block;
    block[0] = readWord(iv, 0);
    block[1] = readWord(iv, 4);
    for (let at = 0; at < data.length; at += BLOCK) {
      absorb(block, data, at);
      crypt(this.#encrypts, 3, block);
      writeBlock(block, result, at);
    }
    return result;
  }

  /** CBC of whole blocks into a new array. */
  decryptCbc(data: Uint8Array, iv: Uint8Array = ZERO): Uint8Array {
    const result = this.decrypt(data);
    for (let at = 0; at < result.length; at++) {
      result[at] = (result[at] ?? 0) ^ ((at < BLOCK ? iv[at] : data[at - BLOCK]) ?? 0);
    }
    return result;
  }

  /** ISO/IEC 9797-1 algorithm 3: CBC with K1 over the padded message, and all three stages for the last block. */
  retailMac(message: Uint8Array, padding: Padding): Uint8Array {
    const block = this.#block;
    block[0] = 0;
    block[1] = 0;
    const { length } = message;
    const least = padding === 2 ? length + 1 : Math.max(length, 1);
    const last = Math.ceil(least / BLOCK) * BLOCK - BLOCK;
    chain(this.#encrypts, message, last, block);
    const tail = this.#tail.fill(0);
    for (let at = last; at < length; at++) tail[at - last] = message[at] as number;
    if (padding === 2) tail[length - last] = 0x80;
    absorb(block, tail, 0);
    crypt(this.#encrypts, 3, block);
    const result = new Uint8Array(BLOCK);
    writeBlock(block, result, 0);
    return result;
  }

  /** Overwrites the schedules; the key cannot be used any more. */
  wipe(): void {
    this.#encrypts.fill(0);
    this.#decrypts.fill(0);
    this.#block.fill(0);
    this.#tail.fill(0);
  }

  #each(schedule: Int32Array, stages: number, data: Uint8Array): Uint8Array {
    const result = new Uint8Array(data.length);
    const block = this.#block;
    for (let at = 0; at < data.length; at += BLOCK) {
      block[0] = readWord(data, at);
      block[1] = readWord(data, at + 4);
      crypt(schedule, stages, block);
      writeBlock(block, result, at);
    }
    return result;
  }
}

/** Big-endian. */
export function writeWord(word: number, bytes: Uint8Array, at: number): void {
  bytes[at] = word >>> 24;
  bytes[at + 1] = word >>> 16;
  bytes[at + 2] = word >>> 8;
  bytes[at + 3] = word;
}

/** block ⊕ the eight bytes at `at`, into the block. */
export function absorb(block: Block, bytes: Uint8Array, at: number): void {
  block[0] = (block[0] as number) ^ readWord(bytes, at);
  block[1] = (block[1] as number) ^ readWord(bytes, at + 4);
}

export function writeBlock(block: Block, bytes: Uint8Array, at: number): void {
  writeWord(block[0] as number, bytes, at);
  writeWord(block[1] as number, bytes, at + 4);
}

/** Sets the parity bits of a key in place, as keys are written down. */
export function setOddParity(key: Uint8Array): Uint8Array {
  for (let at = 0; at < key.length; at++) {
    const byte = key[at] ?? 0;
    let ones = 0;
    for (let bit = 1; bit < 8; bit++) ones += (byte >> bit) & 1;
    key[at] = (byte & 0xfe) | (~ones & 1);
  }
  return key;
}
