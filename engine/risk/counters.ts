/**
 * What is counted for one feature, by row of its key table. `value` says how it stands at the time of a payment, that payment
 * included where it counts; it changes nothing, so that what is kept is a function of what was counted alone.
 */
import type { Column } from '../ledger/table-copy.ts';
import type { Facts } from './facts.ts';
import { Subjects } from './facts.ts';
import type { FeatureDefinition } from './feature.ts';
import { kilometresBetween } from './great-circle.ts';
import { Periods } from './periods.ts';
import { type Surroundings, WindowLists } from './window-lists.ts';

export interface Counter {
  /** By row. */
  readonly columns: readonly Column[];
  readonly lists: WindowLists | undefined;
  /** `row` < 0: nothing was counted under the key. `counts`: whether this payment does. */
  value(row: number, facts: Facts, counts: boolean): number;
  /** Returns whether there was room. */
  add(row: number, facts: Facts, around: Surroundings): boolean;
  /** Forgets a row. */
  clear(row: number): void;
  /** All that is kept of a row, in one form whichever cells it has. */
  describe(row: number): readonly number[];
}

export interface CounterSize {
  readonly rows: number;
  readonly cells: number;
}

export function counterOf(definition: FeatureDefinition, size: CounterSize): Counter {
  const { measure, window } = definition;
  if (measure === 'last') return new Last(size);
  if (measure === 'speed') return new Speed(size);
  if (window.kind === 'calendar') return new PeriodTotals(measure, new Periods(window), size);
  if (window.kind === 'always') throw new Error(`${definition.name} has no window`);
  if (measure === 'max') return new SlidingMaximum(window.micros, size);
  if (measure === 'distinct') return new SlidingDistinct(definition, window.micros, size);
  return new SlidingTotals(measure === 'count', window.micros, size);
}

/** Count or sum over a sliding window: a total, and what each bucket has of it. */
class SlidingTotals implements Counter {
  readonly columns: readonly Column[];
  readonly lists: WindowLists;
  readonly #isCount: boolean;
  readonly #total: Float64Array;

  constructor(isCount: boolean, micros: number, { rows, cells }: CounterSize) {
    this.#isCount = isCount;
    this.#total = new Float64Array(rows);
    this.lists = new WindowLists(micros, rows, cells, (row, cell) => {
      this.#total[row] = (this.#total[row] as number) - (this.lists.cells.value[cell] as number);
    });
    this.columns = [column(this.lists.head), column(this.lists.tail), column(this.#total)];
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const own = counts ? this.#amount(facts) : 0;
    if (row < 0) return own;
    const { bucket, next, value } = this.lists.cells;
    const first = this.lists.firstBucket(facts.now);
    let total = this.#total[row] as number;
    let cell = this.lists.head[row] as number;
    while (cell !== 0 && (bucket[cell] as number) < first) {
      total -= value[cell] as number;
      cell = next[cell] as number;
    }
    return total + own;
  }

  add(row: number, facts: Facts, around: Surroundings): boolean {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, facts.now);
    let cell = lists.tail[row] as number;
    if (cell === 0 || cells.bucket[cell] !== lists.bucketOf(facts.now)) {
      cell = lists.append(row, facts.now, around);
      if (cell === 0) return false;
    }
    cells.change(cell);
    const amount = this.#amount(facts);
    cells.value[cell] = (cells.value[cell] as number) + amount;
    this.#total[row] = (this.#total[row] as number) + amount;
    return true;
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    return describeCells(this.lists, row, (cell) => [this.lists.cells.value[cell] as number]);
  }

  #amount({ amount }: Facts): number {
    return this.#isCount ? 1 : amount;
  }
}

/** The largest amount in a sliding window: that of each bucket. */
class SlidingMaximum implements Counter {
  readonly columns: readonly Column[];
  readonly lists: WindowLists;

  constructor(micros: number, { rows, cells }: CounterSize) {
    this.lists = new WindowLists(micros, rows, cells, () => undefined);
    this.columns = [column(this.lists.head), column(this.lists.tail)];
  }

  value(row: number, { now, amount }: Facts, counts: boolean): number {
    let most = counts ? amount : 0;
    if (row < 0) return most;
    const { next, value } = this.lists.cells;
    for (let cell = this.lists.firstIn(row, now); cell !== 0; cell = next[cell] as number) {
      most = Math.max(most, value[cell] as number);
    }
    return most;
  }

  add(row: number, { now, amount }: Facts, around: Surroundings): boolean {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, now);
    let cell = lists.tail[row] as number;
    if (cell === 0 || cells.bucket[cell] !== lists.bucketOf(now)) {
      cell = lists.append(row, now, around);
      if (cell === 0) return false;
    }
    cells.change(cell);
    cells.value[cell] = Math.max(cells.value[cell] as number, amount);
    return true;
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    return describeCells(this.lists, row, (cell) => [this.lists.cells.value[cell] as number]);
  }
}

/**
 * Different members in a sliding window, the one seen last at the end of the list. No more are kept than `upTo` + 1, and of these the
 * newest: enough to say whether there are more than `upTo`. A member is known by 64 bits of its id.
 */
class SlidingDistinct implements Counter {
  readonly columns: readonly Column[];
  readonly lists: WindowLists;
  readonly #length: Uint32Array;
  readonly #most: number;
  readonly #member: number;

  constructor({ of, upTo = 1 }: FeatureDefinition, micros: number, { rows, cells }: CounterSize) {
    this.#length = new Uint32Array(rows);
    this.#most = upTo + 1;
    this.#member = Subjects[of ?? 'payee'] * 4;
    this.lists = new WindowLists(micros, rows, cells, (row) => {
      this.#length[row] = (this.#length[row] as number) - 1;
    });
    this.columns = [column(this.lists.head), column(this.lists.tail), column(this.#length)];
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const own = counts && this.#isKnown(facts) ? 1 : 0;
    if (row < 0) return own;
    const { next } = this.lists.cells;
    let members = 0;
    let isMember = false;
    for (let cell = this.lists.firstIn(row, facts.now); cell !== 0; cell = next[cell] as number) {
      members++;
      isMember ||= own === 1 && this.#isSame(cell, facts);
    }
    return Math.min(this.#most, isMember ? members : members + own);
  }

  add(row: number, facts: Facts, around: Surroundings): boolean {
    if (!this.#isKnown(facts)) return true;
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, facts.now);
    let before = 0;
    let cell = lists.head[row] as number;
    while (cell !== 0 && !this.#isSame(cell, facts)) {
      before = cell;
      cell = cells.next[cell] as number;
    }
    if (cell !== 0) {
      lists.unlink(row, before, cell);
      cells.bucket[cell] = lists.bucketOf(facts.now);
      lists.link(row, cell);
      return true;
    }
    if (this.#length[row] === this.#most) lists.dropFirst(row);
    cell = lists.append(row, facts.now, around);
    if (cell === 0) return false;
    cells.words[cell * 2] = facts.subjects[this.#member] as number;
    cells.words[cell * 2 + 1] = facts.subjects[this.#member + 1] as number;
    this.#length[row] = (this.#length[row] as number) + 1;
    return true;
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    const { words } = this.lists.cells;
    return describeCells(this.lists, row, (cell) => [words[cell * 2] as number, words[cell * 2 + 1] as number]);
  }

  #isKnown({ subjects }: Facts): boolean {
    const at = this.#member;
    return (
      ((subjects[at] as number) |
        (subjects[at + 1] as number) |
        (subjects[at + 2] as number) |
        (subjects[at + 3] as number)) !==
      0
    );
  }

  #isSame(cell: number, { subjects }: Facts): boolean {
    const { words } = this.lists.cells;
    return words[cell * 2] === subjects[this.#member] && words[cell * 2 + 1] === subjects[this.#member + 1];
  }
}

/** Count, sum or largest amount of a day, month or year. */
class PeriodTotals implements Counter {
  readonly columns: readonly Column[];
  readonly lists = undefined;
  readonly #measure: string;
  readonly #periods: Periods;
  readonly #total: Float64Array;
  readonly #period: Uint32Array;

  constructor(measure: string, periods: Periods, { rows }: CounterSize) {
    this.#measure = measure;
    this.#periods = periods;
    this.#total = new Float64Array(rows);
    this.#period = new Uint32Array(rows);
    this.columns = [column(this.#total), column(this.#period)];
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const period = this.#periods.of(facts.now);
    const before = row >= 0 && this.#period[row] === period ? (this.#total[row] as number) : 0;
    return counts ? this.#with(before, facts) : before;
  }

  add(row: number, facts: Facts): boolean {
    this.#total[row] = this.value(row, facts, true);
    this.#period[row] = this.#periods.of(facts.now);
    return true;
  }

  clear(row: number): void {
    this.#total[row] = 0;
    this.#period[row] = 0;
  }

  describe(row: number): number[] {
    return [this.#total[row] as number, this.#period[row] as number];
  }

  #with(before: number, { amount }: Facts): number {
    if (this.#measure === 'max') return Math.max(before, amount);
    return before + (this.#measure === 'count' ? 1 : amount);
  }
}

/** When there was one last. */
class Last implements Counter {
  readonly columns: readonly Column[];
  readonly lists = undefined;
  /** Microseconds since 1970; 0 = never. */
  readonly #at: Float64Array;

  constructor({ rows }: CounterSize) {
    this.#at = new Float64Array(rows);
    this.columns = [column(this.#at)];
  }

  value(row: number, { now }: Facts): number {
    const at = row < 0 ? 0 : (this.#at[row] as number);
    return at === 0 ? -1 : now - at;
  }

  add(row: number, { now }: Facts): boolean {
    this.#at[row] = now;
    return true;
  }

  clear(row: number): void {
    this.#at[row] = 0;
  }

  describe(row: number): number[] {
    return [this.#at[row] as number];
  }
}

const MICROS_PER_HOUR = 3_600_000_000;
/** Nearer than this is no travel: places are not known better. */
const NEAR_KM = 1;
/** What is told when there was no time at all between two places. */
const SPEED_MAX = 1_000_000;

/** Where and when it was last. */
class Speed implements Counter {
  readonly columns: readonly Column[];
  readonly lists = undefined;
  /** Microseconds since 1970; 0 = the place is not known. */
  readonly #at: Float64Array;
  readonly #latitude: Float64Array;
  readonly #longitude: Float64Array;

  constructor({ rows }: CounterSize) {
    this.#at = new Float64Array(rows);
    this.#latitude = new Float64Array(rows);
    this.#longitude = new Float64Array(rows);
    this.columns = [column(this.#at), column(this.#latitude), column(this.#longitude)];
  }

  value(row: number, { now, hasLocation, latitude, longitude }: Facts): number {
    if (row < 0 || this.#at[row] === 0 || !hasLocation) return 0;
    const km = kilometresBetween(this.#latitude[row] as number, this.#longitude[row] as number, latitude, longitude);
    if (km < NEAR_KM) return 0;
    const hours = (now - (this.#at[row] as number)) / MICROS_PER_HOUR;
    return hours === 0 ? SPEED_MAX : Math.min(SPEED_MAX, Math.floor(km / hours));
  }

  add(row: number, { now, hasLocation, latitude, longitude }: Facts): boolean {
    if (!hasLocation) return true;
    this.#at[row] = now;
    this.#latitude[row] = latitude;
    this.#longitude[row] = longitude;
    return true;
  }

  clear(row: number): void {
    this.#at[row] = 0;
  }

  describe(row: number): number[] {
    return [this.#at[row] as number, this.#latitude[row] as number, this.#longitude[row] as number];
  }
}

function column(array: Column['array']): Column {
  return { array, width: 1 };
}

function describeCells(lists: WindowLists, row: number, content: (cell: number) => readonly number[]): number[] {
  const { bucket, next } = lists.cells;
  const described: number[] = [];
  for (let cell = lists.head[row] as number; cell !== 0; cell = next[cell] as number) {
    described.push(bucket[cell] as number, ...content(cell));
  }
  return described;
}
