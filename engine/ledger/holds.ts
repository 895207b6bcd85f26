/**
 * Open pending transfers of a partition: what is held, between whom, until when. A hold leaves the table when it is
 * posted in full, voided or expired; its end is then found through the `resolutions` index.
 *
 * Slots are reused through a free list. Like those of the accounts, the columns are reserved at full size.
 */
import { IdTable } from './id-table.ts';
import type { Column } from './table-copy.ts';
import { TableCopy } from './table-copy.ts';

/** Columns that a checkpoint saves: each is one section of the checkpoint. */
export const HOLD_COLUMNS = ['ids', 'debit', 'credit', 'remaining', 'deadline', 'code'] as const;
export type HoldColumn = (typeof HOLD_COLUMNS)[number];

const INITIAL_CAPACITY = 1024;
/** Tables up to this size are reserved; larger ones (verify, which knows no bound) grow by doubling. */
const RESERVED_MAX = 2 ** 27;
export const NO_HOLD = -1;

export class Holds {
  readonly capacityMax: number;
  /** Of what a checkpoint saves. */
  readonly copy = new TableCopy();
  count = 0;

  ids: Uint32Array;
  debit: Uint32Array;
  credit: Uint32Array;
  /** Minor units still held; 0 marks a free slot. */
  remaining: Float64Array;
  /** Microseconds since 1970; 0 = never expires. */
  deadline: Float64Array;
  code: Uint16Array;

  readonly #table: IdTable;
  #free: number[] = [];
  /** Slots below this were used at least once. */
  #used = 0;

  constructor(options: { readonly capacityMax: number; readonly hashSeed: number }) {
    const { capacityMax, hashSeed } = options;
    const capacity = capacityMax <= RESERVED_MAX ? capacityMax : INITIAL_CAPACITY;
    this.capacityMax = capacityMax;
    this.#table = new IdTable(hashSeed);
    this.ids = new Uint32Array(capacity * 4);
    this.debit = new Uint32Array(capacity);
    this.credit = new Uint32Array(capacity);
    this.remaining = new Float64Array(capacity);
    this.deadline = new Float64Array(capacity);
    this.code = new Uint16Array(capacity);
  }

  get full(): boolean {
    return this.count >= this.capacityMax;
  }

  /** Slots that may hold something: iterate below this and skip those with nothing remaining. */
  get extent(): number {
    return this.#used;
  }

  find(w0: number, w1: number, w2: number, w3: number): number {
    return this.#table.find(this.ids, w0, w1, w2, w3);
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
    this.copy.before(slot);
    const at = slot << 2;
    this.ids[at] = w0;
    this.ids[at + 1] = w1;
    this.ids[at + 2] = w2;
    this.ids[at + 3] = w3;
    this.debit[slot] = debit;
    this.credit[slot] = credit;
    this.remaining[slot] = amount;
    this.deadline[slot] = deadline;
    this.code[slot] = code;
    this.#table.add(this.ids, slot);
    this.count++;
    return slot;
  }

  remove(slot: number): void {
    this.copy.before(slot);
    this.#table.remove(this.ids, slot);
    this.remaining[slot] = 0;
    this.#free.push(slot);
    this.count--;
  }

  /** Changes what is left of a hold; not to 0. */
  setRemaining(slot: number, amount: number): void {
    this.copy.before(slot);
    this.remaining[slot] = amount;
  }

  /** Begins the copy that a checkpoint saves: all slots below `extent`, free ones as well. */
  beginCopy(): void {
    const columns: Column[] = HOLD_COLUMNS.map((name) => ({ array: this[name], width: name === 'ids' ? 4 : 1 }));
    this.copy.begin(columns, this.#used);
  }

  #grow(): void {
    if (!this.copy.isDone) throw new Error('a table that grows by doubling cannot be copied meanwhile');
    const capacity = this.debit.length * 2;
    const ids = new Uint32Array(capacity * 4);
    ids.set(this.ids);
    this.ids = ids;
    this.debit = widened(this.debit, new Uint32Array(capacity));
    this.credit = widened(this.credit, new Uint32Array(capacity));
    this.remaining = widened(this.remaining, new Float64Array(capacity));
    this.deadline = widened(this.deadline, new Float64Array(capacity));
    this.code = widened(this.code, new Uint16Array(capacity));
  }
}

function widened<T extends Uint32Array | Float64Array | Uint16Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
