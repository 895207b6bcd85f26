/**
 * The keys by which a group of features counts: an id for each row, made of one subject of a payment or of two. Rows are never given
 * back; when the table is full, a hand goes round it and takes the row that was used longest ago among the next few.
 */
import { hashId } from '../hash-id.ts';
import { IdTable } from '../ledger/id-table.ts';
import type { Facts } from './facts.ts';

export const NO_ROW = -1;
/** The payment does not have what the key is made of. */
export const NO_KEY = -2;

/** Rows that the hand looks at to find the one that goes. */
const LOOKED_AT = 16;

export class KeyTable {
  readonly ids: Uint32Array;
  /** When something was counted under the key last, microseconds since 1970. */
  readonly touched: Float64Array;
  used = 0;
  hand = 0;
  /** Rows that were taken from one key for another. */
  evicted = 0;
  readonly #capacity: number;
  readonly #table: IdTable;
  readonly #subjects: readonly number[];
  readonly #perCurrency: boolean;
  readonly #key = new Uint32Array(4);

  constructor(options: {
    readonly capacity: number;
    readonly hashSeed: number;
    /** Places in Facts.subjects: one or two. */
    readonly subjects: readonly number[];
    /** Whether the currency is part of the key: amounts of several currencies cannot be added. */
    readonly perCurrency: boolean;
  }) {
    this.#capacity = options.capacity;
    this.#table = new IdTable(options.hashSeed);
    // A table of pairs grows all the time, and to move its entries costs more than they do: it is there whole from the beginning.
    if (options.subjects.length > 1) this.#table.reserve(options.capacity);
    this.#subjects = options.subjects;
    this.#perCurrency = options.perCurrency;
    this.ids = new Uint32Array(options.capacity * 4);
    this.touched = new Float64Array(options.capacity);
  }

  /** Row of the payment's key; NO_ROW when nothing was counted under it. */
  find(facts: Facts): number {
    if (!this.#makeKey(facts)) return NO_KEY;
    const key = this.#key;
    return this.#table.find(this.ids, key[0] as number, key[1] as number, key[2] as number, key[3] as number);
  }

  /**
   * Adds the key that `find` did not find. `clear`: is told of a row that is taken from another key, before it is.
   */
  add(clear: (row: number) => void): number {
    const isFull = this.used === this.#capacity;
    const row = isFull ? this.#oldest() : this.used++;
    if (isFull) {
      clear(row);
      this.#table.remove(this.ids, row);
      this.evicted++;
    }
    for (let word = 0; word < 4; word++) this.ids[row * 4 + word] = this.#key[word] as number;
    this.#table.add(this.ids, row);
    return row;
  }

  /** Makes the table of the first `used` rows, whose ids have been filled in. */
  restore(used: number, hand: number): void {
    this.used = used;
    this.hand = hand;
    this.#table.reserve(used);
    for (let row = 0; row < used; row++) this.#table.add(this.ids, row);
  }

  #oldest(): number {
    let oldest = this.hand;
    for (let step = 0; step < LOOKED_AT; step++) {
      const row = (this.hand + step) % this.#capacity;
      if ((this.touched[row] as number) < (this.touched[oldest] as number)) oldest = row;
    }
    this.hand = (this.hand + LOOKED_AT) % this.#capacity;
    return oldest;
  }

  /** Whether the payment has all that the key is made of. */
  #makeKey({ subjects, ledger }: Facts): boolean {
    const key = this.#key;
    const [first = 0, second] = this.#subjects;
    if (isZero(subjects, first * 4)) return false;
    for (let word = 0; word < 4; word++) key[word] = subjects[first * 4 + word] as number;
    if (second !== undefined) {
      if (isZero(subjects, second * 4)) return false;
      this.#join(subjects, first * 4, second * 4);
    }
    if (this.#perCurrency) key[3] = (key[3] as number) ^ Math.imul(ledger, 0x9e37_79b1);
    return true;
  }

  /** Makes a key of the ids at two words: 64 bits of a hash of each. */
  #join(ids: Uint32Array, one: number, other: number): void {
    const key = this.#key;
    key[0] = hashAt(ids, one, 1);
    key[1] = hashAt(ids, one, 2);
    key[2] = hashAt(ids, other, 3);
    key[3] = hashAt(ids, other, 4);
  }
}

function isZero(ids: Uint32Array, at: number): boolean {
  return ((ids[at] as number) | (ids[at + 1] as number) | (ids[at + 2] as number) | (ids[at + 3] as number)) === 0;
}

function hashAt(ids: Uint32Array, at: number, seed: number): number {
  return hashId(ids[at] as number, ids[at + 1] as number, ids[at + 2] as number, ids[at + 3] as number, seed);
}
