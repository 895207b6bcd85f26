/**
 * From the issuer's master key to the key of one card, to that of one transaction, and to cryptograms under it. All of it
 * on words in buffers that are made once: a verification costs some microseconds and no garbage. Sources: EMV 4.4 Book 2,
 * annexes A1.3 (session keys) and A1.4 (master keys, options A and B), clauses 8.1 and 8.2; M/Chip; JR/T 0025.7.
 */
import { createHash } from 'node:crypto';
import { toHex } from '../bytes.ts';
import { type Block, chain, crypt, expandDoubleKey, TRIPLE, withOddParity, readWord } from '../des.ts';
import { absorb, writeBlock, writeWord } from '../triple-des.ts';
import type { SessionKind } from './schemes.ts';

/** Option A takes the rightmost 16 digits of PAN and PSN; option B hashes them, for PANs of more than 16 digits. */
export type Derivation = 'a' | 'b';

/** The card that a key is derived for. */
export interface CardIdentity {
  /** 12 to 19 digits. */
  readonly pan: string;
  /** Two digits; `00` when the card has none. */
  readonly psn: string;
}

const DOUBLE_KEY_BYTES = 16;

/** A prepared issuer master key (IMK-AC). Shows nothing of the key, neither as JSON nor when it is inspected. */
export class IssuerKey {
  readonly #schedule = new Int32Array(TRIPLE);
  readonly #derivation: Derivation;

  /** Throws RangeError unless the key has 16 bytes, which callers check before. */
  constructor(key: Uint8Array, derivation: Derivation = 'a') {
    if (key.length !== DOUBLE_KEY_BYTES) throw new RangeError(`an issuer master key has 16 bytes, not ${key.length}`);
    const words = Int32Array.of(readWord(key, 0), readWord(key, 4), readWord(key, 8), readWord(key, 12));
    expandDoubleKey(words, this.#schedule);
    words.fill(0);
    this.#derivation = derivation;
  }

  /** Writes the master key of a card into four words: 3DES(IMK, Y) ‖ 3DES(IMK, ~Y), with odd parity. */
  deriveMaster(card: CardIdentity, key: Int32Array, block: Block): void {
    const digits = this.#derivation === 'b' && card.pan.length > 16 ? hashedDigits(card) : rightmostDigits(card);
    const high = packed(digits, 0);
    const low = packed(digits, 8);
    block[0] = high;
    block[1] = low;
    deriveHalf(this.#schedule, block, key, 0);
    block[0] = ~high;
    block[1] = ~low;
    deriveHalf(this.#schedule, block, key, 2);
  }
}

/** The keys of one card and transaction at a time; `prepare` replaces them. */
export class CardKeys {
  readonly #masterKey = new Int32Array(4);
  readonly #sessionKey = new Int32Array(4);
  readonly #master = new Int32Array(TRIPLE);
  readonly #session = new Int32Array(TRIPLE);
  readonly #block: Block = new Int32Array(2);

  /** `atc` has two bytes; `un`, the unpredictable number, four: only M/Chip session keys depend on it. */
  prepare(issuer: IssuerKey, card: CardIdentity, session: SessionKind, atc: Uint8Array, un: Uint8Array): void {
    issuer.deriveMaster(card, this.#masterKey, this.#block);
    expandDoubleKey(this.#masterKey, this.#master);
    const key = this.#sessionKey;
    if (session === 'master') {
      key.set(this.#masterKey);
      this.#session.set(this.#master);
      return;
    }
    const count = ((atc[0] as number) << 8) | (atc[1] as number);
    const low = session === 'mchip' ? readWord(un, 0) : 0;
    if (session === 'pboc') {
      this.#deriveSession(0, count, 0);
      this.#deriveSession(0, ~count & 0xffff, 2);
    } else {
      this.#deriveSession((count << 16) | 0xf000, low, 0);
      this.#deriveSession((count << 16) | 0x0f00, low, 2);
    }
    expandDoubleKey(key, this.#session);
  }

  /** ISO/IEC 9797-1 algorithm 3 under the session key over the first `length` bytes, whole blocks; valid until the next call. */
  mac(data: Uint8Array, length: number): Block {
    const block = this.#block.fill(0);
    const last = length - 8;
    chain(this.#session, data, last, block);
    absorb(block, data, last);
    crypt(this.#session, 3, block);
    return block;
  }

  /** ARPC method 1: 3DES of the cryptogram ⊕ the response code (two bytes) and six zeros. Eight bytes. */
  response(cryptogram: Uint8Array, code: Uint8Array, under: 'master' | 'session'): Uint8Array {
    const block = this.#block.fill(0);
    absorb(block, cryptogram, 0);
    block[0] = (block[0] as number) ^ (((code[0] as number) << 24) | ((code[1] as number) << 16));
    crypt(under === 'master' ? this.#master : this.#session, 3, block);
    const arpc = new Uint8Array(8);
    writeBlock(block, arpc, 0);
    return arpc;
  }

  /** Hex of the session key: for tools and their tests only. */
  revealSessionKey(): string {
    const bytes = new Uint8Array(DOUBLE_KEY_BYTES);
    for (const [at, word] of this.#sessionKey.entries()) writeWord(word, bytes, 4 * at);
    return toHex(bytes);
  }

  /** Overwrites the keys. */
  wipe(): void {
    for (const words of [this.#masterKey, this.#sessionKey, this.#master, this.#session, this.#block]) words.fill(0);
  }

  #deriveSession(high: number, low: number, at: number): void {
    this.#block[0] = high;
    this.#block[1] = low;
    deriveHalf(this.#master, this.#block, this.#sessionKey, at);
  }
}

function deriveHalf(schedule: Int32Array, block: Block, key: Int32Array, at: number): void {
  crypt(schedule, 3, block);
  key[at] = withOddParity(block[0] as number);
  key[at + 1] = withOddParity(block[1] as number);
}

function rightmostDigits({ pan, psn }: CardIdentity): string {
  return (pan + psn).slice(-16).padStart(16, '0');
}

/** Option B: the first 16 decimal digits of SHA-1; when there are fewer, its letters follow as A = 0 … F = 5. */
function hashedDigits({ pan, psn }: CardIdentity): string {
  const digits = pan + psn;
  const even = digits.length % 2 === 0 ? digits : `0${digits}`;
  const hash = createHash('sha1').update(even, 'hex').digest('hex');
  const decimals = hash.replace(/\D/g, '');
  const letters = hash.replace(/\d/g, '').replace(/./g, (letter) => String(Number.parseInt(letter, 16) - 10));
  return (decimals + letters).slice(0, 16);
}

/** Eight decimal digits as a word of four-bit digits. */
function packed(digits: string, from: number): number {
  let word = 0;
  for (let at = from; at < from + 8; at++) word = (word << 4) | (digits.charCodeAt(at) & 15);
  return word;
}
