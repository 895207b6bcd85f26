/**
 * Lists of numbers by time: the non-empty buckets of a feature's windows, one list a row, oldest first. Cells are kept in columns and
 * found by their number; 0 = none. The columns are reserved at full size: the system gives memory as cells are used.
 */
import { type Column, TableCopy } from '../ledger/table-copy.ts';

export class Cells {
  /** Number of the bucket, and whatever the feature keeps for it: a number, or two words. */
  readonly bucket: Uint32Array;
  readonly value: Float64Array;
  readonly words: Uint32Array;
  readonly next: Uint32Array;
  readonly copy = new TableCopy();
  /** Cells below this were used at least once. */
  used = 1;
  #free = 0;

  constructor(capacity: number) {
    this.bucket = new Uint32Array(capacity);
    this.value = new Float64Array(capacity);
    this.words = new Uint32Array(this.value.buffer);
    this.next = new Uint32Array(capacity);
  }

  get full(): boolean {
    return this.#free === 0 && this.used === this.bucket.length;
  }

  /** A cell that is in no list. There is room. */
  take(bucket: number): number {
    const cell = this.#free === 0 ? this.used++ : this.#free;
    this.change(cell);
    if (cell === this.#free) this.#free = this.next[cell] as number;
    this.bucket[cell] = bucket;
    this.value[cell] = 0;
    this.next[cell] = 0;
    return cell;
  }

  give(cell: number): void {
    this.change(cell);
    this.next[cell] = this.#free;
    this.#free = cell;
  }

  /** Call before a cell changes. */
  change(cell: number): void {
    this.copy.before(cell);
  }

  columns(): Column[] {
    return [
      { array: this.bucket, width: 1 },
      { array: this.value, width: 1 },
      { array: this.next, width: 1 },
    ];
  }

  beginCopy(): void {
    this.copy.begin(this.columns(), this.used);
  }

  /** Fills empty cells from the columns of a copy. */
  restore(columns: readonly Uint8Array[]): void {
    this.columns().forEach(({ array }, index) => {
      const saved = columns[index] as Uint8Array;
      new Uint8Array(array.buffer, 0, saved.length).set(saved);
      this.used = Math.max(1, saved.length / array.BYTES_PER_ELEMENT);
    });
  }

  /** Frees every cell that is in none of the lists of the first `rows` rows: after `restore`. `head`: first cell of a row. */
  freeAllBut(rows: number, head: (row: number) => number): void {
    const isListed = new Uint8Array(this.used);
    for (let row = 0; row < rows; row++) {
      for (let cell = head(row); cell !== 0; cell = this.next[cell] as number) isListed[cell] = 1;
    }
    this.#free = 0;
    for (let cell = this.used - 1; cell > 0; cell--) {
      if (isListed[cell] === 1) continue;
      this.next[cell] = this.#free;
      this.#free = cell;
    }
  }
}
