/**
 * From ids to rows of a table: open addressing with linear probing, at most half full, with backward-shift deletion, so that it
 * never fills with tombstones.
 *
 * It grows a little with every insertion instead of all at once: the larger table takes what is new, and
 * some entries of the smaller one each time, until that is empty.
 */
import { hashId } from '../hash-id.ts';

const INITIAL_SLOTS = 2048;
/** Slots of the smaller table that an insertion looks at: it is empty when the larger one is a quarter of the way to half full. */
const MOVES = 8;
export const NO_ROW = -1;

export class IdTable {
  readonly #seed: number;
  /** Row + 1; 0 = free. */
  #slots = new Uint32Array(INITIAL_SLOTS);
  #count = 0;
  /** The smaller table while its entries are moved; those below the cursor have been. */
  #old: Uint32Array | undefined;
  #cursor = 0;

  /** @param seed u32 of the data directory */
  constructor(seed: number) {
    this.#seed = seed;
  }

  /** Row of the id, or NO_ROW. `ids` has four words a row. */
  find(ids: Uint32Array, w0: number, w1: number, w2: number, w3: number): number {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = hashId(w0, w1, w2, w3, this.#seed) & mask;
    for (;;) {
      const entry = slots[slot] as number;
      if (entry === 0) break;
      const at = (entry - 1) << 2;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return entry - 1;
      slot = (slot + 1) & mask;
    }
    if (this.#old === undefined) return NO_ROW;
    return (this.#old[this.#locate(this.#old, ids, w0, w1, w2, w3)] as number) - 1;
  }

  /** Adds a row, whose id is in `ids` and new. */
  add(ids: Uint32Array, row: number): void {
    if ((this.#count + 1) * 2 > this.#slots.length) this.#grow(ids);
    this.#insert(ids, row);
    this.#count++;
    if (this.#old !== undefined) this.#move(ids, MOVES);
  }

  /** Removes a row that was added; its id is still in `ids`. */
  remove(ids: Uint32Array, row: number): void {
    const at = row << 2;
    const w0 = ids[at] as number;
    const w1 = ids[at + 1] as number;
    const w2 = ids[at + 2] as number;
    const w3 = ids[at + 3] as number;
    const slot = this.#locate(this.#slots, ids, w0, w1, w2, w3);
    if (this.#slots[slot] !== 0) this.#unlink(this.#slots, ids, slot);
    else if (this.#old !== undefined) this.#unlink(this.#old, ids, this.#locate(this.#old, ids, w0, w1, w2, w3));
    this.#count--;
  }

  /** Makes an empty table ready for so many rows at once: for opening, when nobody waits for a batch. */
  reserve(rows: number): void {
    let slots = INITIAL_SLOTS;
    while (slots < rows * 2) slots *= 2;
    if (slots > this.#slots.length) this.#slots = new Uint32Array(slots);
  }

  #grow(ids: Uint32Array): void {
    if (this.#old !== undefined) this.#move(ids, Number.POSITIVE_INFINITY);
    this.#old = this.#slots;
    this.#cursor = 0;
    this.#slots = new Uint32Array(this.#old.length * 2);
  }

  /** Moves what is in the next `steps` slots of the smaller table. */
  #move(ids: Uint32Array, steps: number): void {
    const old = this.#old;
    if (old === undefined) return;
    for (let left = steps; left > 0 && this.#cursor < old.length; left--) {
      const entry = old[this.#cursor] as number;
      if (entry === 0) {
        this.#cursor++;
      } else {
        // The hole may be filled by an entry from behind: the cursor stays until it is free.
        this.#unlink(old, ids, this.#cursor);
        this.#insert(ids, entry - 1);
      }
    }
    if (this.#cursor === old.length) this.#old = undefined;
  }

  #insert(ids: Uint32Array, row: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let slot = this.#hash(ids, row) & mask;
    while (slots[slot] !== 0) slot = (slot + 1) & mask;
    slots[slot] = row + 1;
  }

  /** The slot that holds this id, or the free one where it would go. */
  #locate(slots: Uint32Array, ids: Uint32Array, w0: number, w1: number, w2: number, w3: number): number {
    const mask = slots.length - 1;
    let slot = hashId(w0, w1, w2, w3, this.#seed) & mask;
    for (;;) {
      const entry = slots[slot] as number;
      if (entry === 0) return slot;
      const at = (entry - 1) << 2;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return slot;
      slot = (slot + 1) & mask;
    }
  }

  #unlink(slots: Uint32Array, ids: Uint32Array, start: number): void {
    const mask = slots.length - 1;
    let hole = start;
    let next = (hole + 1) & mask;
    for (;;) {
      const entry = slots[next] as number;
      if (entry === 0) break;
      const home = this.#hash(ids, entry - 1) & mask;
      // The entry may move into the hole when its home does not lie cyclically between hole (exclusive) and next.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        slots[hole] = entry;
        hole = next;
      }
      next = (next + 1) & mask;
    }
    slots[hole] = 0;
  }

  #hash(ids: Uint32Array, row: number): number {
    const at = row << 2;
    return hashId(ids[at] as number, ids[at + 1] as number, ids[at + 2] as number, ids[at + 3] as number, this.#seed);
  }
}
