/**
 * Time-ordered ids as clients make them (UUIDv7, RFC 9562 section 5.7), written as the four little-endian words of a
 * record: 48 bits of milliseconds, then a counter, then 32 random bits. A few nanoseconds each.
 */
import type { Random } from './random.ts';

const COUNTER_LOW_BITS = 30;
const COUNTER_LOW_MASK = 2 ** COUNTER_LOW_BITS - 1;

export class TimeOrderedIds {
  readonly #random: Random;
  #milliseconds = -1;
  #counter = 0;
  #word3 = 0;
  #word2 = 0;

  constructor(random: Random) {
    this.#random = random;
  }

  /** Sets the time of the ids that follow: milliseconds since 1970. A clock that goes back is not followed. */
  at(milliseconds: number): void {
    if (milliseconds <= this.#milliseconds) return;
    this.#milliseconds = milliseconds;
    this.#counter = 0;
    this.#word3 = Math.floor(milliseconds / 0x1_0000);
    this.#word2 = ((milliseconds % 0x1_0000) << 16) | 0x7000;
  }

  /** Writes the next id at a word, larger than every one before it. */
  write(words: Uint32Array, at: number): void {
    const counter = this.#counter++;
    words[at] = this.#random.next();
    words[at + 1] = 0x8000_0000 | (counter & COUNTER_LOW_MASK);
    words[at + 2] = this.#word2 | (counter >>> COUNTER_LOW_BITS);
    words[at + 3] = this.#word3;
  }
}
