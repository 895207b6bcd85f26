/**
 * Open pending transfers of a partition: what is held, between whom, until when. A hold leaves the table when it is
 * posted in full, voided or expired; its end is then found through the `resolutions` index.
 *
 * Slots are reused through a free list; the hash table uses backward-shift deletion, so it never fills with tombstones.
 */
import { hashId } from '../hash-id.ts';

const INITIAL_CAPACITY = 1024;
export const NO_HOLD = -1;

export class Holds {
  readonly capacityMax: number;
  count = 0;

  ids = new Uint32Array(INITIAL_CAPACITY * 4);
  debit = new Uint32Array(INITIAL_CAPACITY);
  credit = new Uint32Array(INITIAL_CAPACITY);
  /** Minor units still held; 0 marks a free slot. */
  remaining = new Float64Array(INITIAL_CAPACITY);
  /** Microseconds since 1970; 0 = never expires. */
  deadline = new Float64Array(INITIAL_CAPACITY);
  code = new Uint16Array(INITIAL_CAPACITY);

  readonly #seed: number;
  #slots = new Uint32Array(INITIAL_CAPACITY * 2);
  #free: number[] = [];
  /** Slots below this were used at least once. */
  #used = 0;

  constructor(options: { readonly capacityMax: number; readonly hashSeed: number }) {
    this.capacityMax = options.capacityMax;
    this.#seed = options.hashSeed;
  }

  get full(): boolean {
    return this.count >= this.capacityMax;
  }

  /** Slots that may hold something: iterate below this and skip those with nothing remaining. */
  get extent(): number {
    return this.#used;
  }

  find(w0: number, w1: number, w2: number, w3: number): number {
    const at = this.#locate(w0, w1, w2, w3);
    return (this.#slots[at] as number) - 1;
  }

  /** Adds a hold; the caller has checked that the id is new, that there is room and that `amount` > 0. */
  add(
    w0: number,
    w1: number,
    w2: number,
    w3: number,
    debit: number,
    credit: number,
    amount: number,
    deadline: number,
    code: number,
  ): number {
    const slot = this.#free.pop() ?? this.#used++;
    if (slot === this.debit.length) this.#grow();
    this.ids.set([w0, w1, w2, w3], slot << 2);
    this.debit[slot] = debit;
    this.credit[slot] = credit;
    this.remaining[slot] = amount;
    this.deadline[slot] = deadline;
    this.code[slot] = code;
    this.#slots[this.#locate(w0, w1, w2, w3)] = slot + 1;
    this.count++;
    return slot;
  }

  remove(slot: number): void {
    const ids = this.ids;
    const at = slot << 2;
    this.#unlink(this.#locate(ids[at] as number, ids[at + 1] as number, ids[at + 2] as number, ids[at + 3] as number));
    this.remaining[slot] = 0;
    this.#free.push(slot);
    this.count--;
  }

  /** Table position that holds this id, or the free one where it would go. */
  #locate(w0: number, w1: number, w2: number, w3: number): number {
    const slots = this.#slots;
    const ids = this.ids;
    const mask = slots.length - 1;
    let position = hashId(w0, w1, w2, w3, this.#seed) & mask;
    for (;;) {
      const entry = slots[position] as number;
      if (entry === 0) return position;
      const at = (entry - 1) << 2;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return position;
      position = (position + 1) & mask;
    }
  }

  #unlink(start: number): void {
    const slots = this.#slots;
    const mask = slots.length - 1;
    let hole = start;
    let next = (hole + 1) & mask;
    for (;;) {
      const entry = slots[next] as number;
      if (entry === 0) break;
      const home = this.#home(entry - 1);
      // The entry may move into the hole when its home does not lie cyclically between hole (exclusive) and next.
      if (((next - home) & mask) >= ((next - hole) & mask)) {
        slots[hole] = entry;
        hole = next;
      }
      next = (next + 1) & mask;
    }
    slots[hole] = 0;
  }

  #home(slot: number): number {
    const ids = this.ids;
    const at = slot << 2;
    const hash = hashId(
      ids[at] as number,
      ids[at + 1] as number,
      ids[at + 2] as number,
      ids[at + 3] as number,
      this.#seed,
    );
    return hash & (this.#slots.length - 1);
  }

  #grow(): void {
    const capacity = this.debit.length * 2;
    const ids = new Uint32Array(capacity * 4);
    ids.set(this.ids);
    this.ids = ids;
    this.debit = widened(this.debit, new Uint32Array(capacity));
    this.credit = widened(this.credit, new Uint32Array(capacity));
    this.remaining = widened(this.remaining, new Float64Array(capacity));
    this.deadline = widened(this.deadline, new Float64Array(capacity));
    this.code = widened(this.code, new Uint16Array(capacity));
    this.#slots = new Uint32Array(capacity * 2);
    for (let slot = 0; slot < this.#used; slot++) {
      if (this.remaining[slot] === 0) continue;
      const at = slot << 2;
      const position = this.#locate(
        ids[at] as number,
        ids[at + 1] as number,
        ids[at + 2] as number,
        ids[at + 3] as number,
      );
      this.#slots[position] = slot + 1;
    }
  }
}

function widened<T extends Uint32Array | Float64Array | Uint16Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
