/**
 * The buckets of a sliding window that are not empty, as one list of cells a row, oldest first. What is over leaves when something is
 * counted in the row; when all cells are in use, a hand goes round the rows and takes what is over from them. When nothing is, the row
 * itself gives its oldest bucket: a burst of today must be seen even if it costs what was a month ago.
 */
import { Cells } from './cells.ts';
import { BUCKETS_PER_WINDOW } from './feature.ts';
import type { Slots } from './slots.ts';

/** Slots of a row that a list takes. */
const HEAD = 0;
const TAIL = 1;
export const LIST_SLOTS = 2;

/** Rows that are looked at for cells that are over, when all are in use: each may cost a miss of the cache. */
const SWEPT_ROWS = 16;

/** The rest of the table. */
export interface Surroundings {
  /** Rows in use. */
  readonly rows: number;
  /** Called before a row changes that is not the one being counted. */
  change(row: number): void;
  /** Called when something is not counted, or is forgotten, because all cells are in use. */
  drop(): void;
}

export class WindowLists {
  readonly cells: Cells;
  /** Places in the rows: numbers of the first and the last cell; 0 = the list is empty. */
  readonly slots: Slots;
  hand = 0;
  readonly #bucketMicros: number;
  /** The time that was asked for last, and its bucket. */
  #now = 0;
  #bucket = 0;
  /** Told of each cell that is over, and of the row that had it. */
  readonly #leave: (row: number, cell: number) => void;

  constructor(micros: number, slots: Slots, cells: number, leave: (row: number, cell: number) => void) {
    this.#bucketMicros = micros / BUCKETS_PER_WINDOW;
    this.cells = new Cells(cells);
    this.slots = slots;
    this.#leave = leave;
  }

  head(row: number): number {
    return this.slots.get(row, HEAD);
  }

  tail(row: number): number {
    return this.slots.get(row, TAIL);
  }

  bucketOf(now: number): number {
    // All payments of a batch have one time.
    if (now !== this.#now) {
      this.#now = now;
      this.#bucket = Math.floor(now / this.#bucketMicros);
    }
    return this.#bucket;
  }

  /** The first bucket of the window at `now`. */
  firstBucket(now: number): number {
    return this.bucketOf(now) - (BUCKETS_PER_WINDOW - 1);
  }

  /** First cell of the row that is in the window at `now`. */
  firstIn(row: number, now: number): number {
    const { cells } = this;
    const first = this.firstBucket(now);
    let cell = this.head(row);
    while (cell !== 0 && cells.bucket(cell) < first) cell = cells.next(cell);
    return cell;
  }

  /** Takes the cells that are over from the row. */
  expire(row: number, now: number): void {
    const first = this.firstBucket(now);
    for (let cell = this.head(row); cell !== 0 && this.cells.bucket(cell) < first; cell = this.head(row)) {
      this.dropFirst(row);
    }
  }

  /** Takes the oldest cell from the row. */
  dropFirst(row: number): void {
    const cell = this.head(row);
    const next = this.cells.next(cell);
    this.#leave(row, cell);
    this.slots.set(row, HEAD, next);
    if (next === 0) this.slots.set(row, TAIL, 0);
    this.cells.give(cell);
  }

  /**
   * A new cell for the bucket of `now`, at the end of the row's list; 0 when there is no room. The first of the list may leave for it.
   */
  append(row: number, now: number, around: Surroundings): number {
    const { cells } = this;
    for (let step = 0; cells.full && step < SWEPT_ROWS; step++) {
      this.hand = (this.hand + 1) % around.rows;
      if (this.hand === row || this.head(this.hand) === 0) continue;
      around.change(this.hand);
      this.expire(this.hand, now);
    }
    if (cells.full) {
      around.drop();
      if (this.head(row) === 0) return 0;
      this.dropFirst(row);
    }
    const cell = cells.take(this.bucketOf(now));
    this.link(row, cell);
    return cell;
  }

  /** Puts a cell that is in no list at the end of the row's. */
  link(row: number, cell: number): void {
    const { cells } = this;
    const last = this.tail(row);
    if (last === 0) this.slots.set(row, HEAD, cell);
    else {
      cells.change(last);
      cells.setNext(last, cell);
    }
    this.slots.set(row, TAIL, cell);
  }

  /** Takes `cell`, which follows `before` (0: it is the first), from the row without giving it back. */
  unlink(row: number, before: number, cell: number): void {
    const { cells } = this;
    const next = cells.next(cell);
    if (before === 0) this.slots.set(row, HEAD, next);
    else {
      cells.change(before);
      cells.setNext(before, next);
    }
    if (next === 0) this.slots.set(row, TAIL, before);
    cells.change(cell);
    cells.setNext(cell, 0);
  }

  clear(row: number): void {
    while (this.head(row) !== 0) this.dropFirst(row);
  }
}
