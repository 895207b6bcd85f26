/**
 * Lists of numbers by time: the non-empty buckets of a feature's windows, one list a row, oldest first. Cells are found by their
 * number; 0 = none. They are reserved at full size: the system gives memory as cells are used. What a cell keeps stands together:
 *
 *   cell := bucket u32 ‖ next u32 ‖ whatever the feature keeps: a number (f64), or two words
 */
import { type Column, TableCopy } from '../ledger/table-copy.ts';

const CELL_WORDS = 4;
const BUCKET = 0;
const NEXT = 1;
const KEPT = 2;

export class Cells {
  readonly #words: Uint32Array;
  readonly #numbers: Float64Array;
  readonly #capacity: number;
  readonly copy = new TableCopy();
  /** Cells below this were used at least once. */
  used = 1;
  #free = 0;

  constructor(capacity: number) {
    this.#words = new Uint32Array(capacity * CELL_WORDS);
    this.#numbers = new Float64Array(this.#words.buffer);
    this.#capacity = capacity;
  }

  get full(): boolean {
    return this.#free === 0 && this.used === this.#capacity;
  }

  /** Number of its bucket. */
  bucket(cell: number): number {
    return this.#words[cell * CELL_WORDS + BUCKET] as number;
  }

  setBucket(cell: number, bucket: number): void {
    this.#words[cell * CELL_WORDS + BUCKET] = bucket;
  }

  /** The cell after it in its list. */
  next(cell: number): number {
    return this.#words[cell * CELL_WORDS + NEXT] as number;
  }

  setNext(cell: number, next: number): void {
    this.#words[cell * CELL_WORDS + NEXT] = next;
  }

  value(cell: number): number {
    return this.#numbers[cell * (CELL_WORDS / 2) + KEPT / 2] as number;
  }

  setValue(cell: number, value: number): void {
    this.#numbers[cell * (CELL_WORDS / 2) + KEPT / 2] = value;
  }

  low(cell: number): number {
    return this.#words[cell * CELL_WORDS + KEPT] as number;
  }

  high(cell: number): number {
    return this.#words[cell * CELL_WORDS + KEPT + 1] as number;
  }

  /** Keeps two words instead of a number. */
  setWords(cell: number, low: number, high: number): void {
    this.#words[cell * CELL_WORDS + KEPT] = low;
    this.#words[cell * CELL_WORDS + KEPT + 1] = high;
  }

  /** A cell that is in no list. There is room. */
  take(bucket: number): number {
    const cell = this.#free === 0 ? this.used++ : this.#free;
    this.change(cell);
    if (cell === this.#free) this.#free = this.next(cell);
    this.setBucket(cell, bucket);
    this.setNext(cell, 0);
    this.setValue(cell, 0);
    return cell;
  }

  give(cell: number): void {
    this.change(cell);
    this.setNext(cell, this.#free);
    this.#free = cell;
  }

  /** Call before a cell changes. */
  change(cell: number): void {
    this.copy.before(cell);
  }

  columns(): Column[] {
    return [{ array: this.#words, width: CELL_WORDS }];
  }

  beginCopy(): void {
    this.copy.begin(this.columns(), this.used);
  }

  /** Fills empty cells from the column of a copy. */
  restore(saved: Uint8Array): void {
    new Uint8Array(this.#words.buffer, 0, saved.length).set(saved);
    this.used = Math.max(1, saved.length / (CELL_WORDS * 4));
  }

  /** Frees every cell that is in none of the lists of the first `rows` rows: after `restore`. `head`: first cell of a row. */
  freeAllBut(rows: number, head: (row: number) => number): void {
    const isListed = new Uint8Array(this.used);
    for (let row = 0; row < rows; row++) {
      for (let cell = head(row); cell !== 0; cell = this.next(cell)) isListed[cell] = 1;
    }
    this.#free = 0;
    for (let cell = this.used - 1; cell > 0; cell--) {
      if (isListed[cell] === 1) continue;
      this.setNext(cell, this.#free);
      this.#free = cell;
    }
  }
}
