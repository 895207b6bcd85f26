/**
 * What is counted for one feature, by row of its key table. `value` says how it stands at the time of a payment, that payment
 * included where it counts; it changes nothing, so that what is kept is a function of what was counted alone.
 */
import { hashId } from '../hash-id.ts';
import type { Facts } from './facts.ts';
import { Subjects } from './facts.ts';
import type { FeatureDefinition } from './feature.ts';
import { kilometresBetween } from './great-circle.ts';
import { Periods } from './periods.ts';
import { Slots } from './slots.ts';
import { LIST_SLOTS, type Surroundings, WindowLists } from './window-lists.ts';

/** A minute, as rule files have it at least. Below 25 s the numbers of buckets would not fit into 32 bits. */
const WINDOW_MICROS_MIN = 60_000_000;
/** Behind the list: the sum of its cells, or how many there are. */
const TOTAL = LIST_SLOTS;
const LENGTH = LIST_SLOTS;

export interface Counter {
  /** What it keeps by row. */
  readonly slots: Slots;
  readonly lists: WindowLists | undefined;
  /** `row` < 0: nothing was counted under the key. `counts`: whether this payment does. */
  value(row: number, facts: Facts, counts: boolean): number;
  add(row: number, facts: Facts, around: Surroundings): void;
  /** Forgets a row. */
  clear(row: number): void;
  /** All that is kept of a row, in one form whichever cells it has. */
  describe(row: number): readonly number[];
}

/** @param cells that it may have in all its lists */
export function counterOf(definition: FeatureDefinition, cells: number): Counter {
  const { measure, window } = definition;
  if (measure === 'last') return new Last();
  if (measure === 'speed') return new Speed();
  if (window.kind === 'calendar') return new PeriodTotals(measure, new Periods(window));
  if (window.kind === 'always') throw new Error(`${definition.name} has no window`);
  if (window.kind === 'sliding' && window.micros < WINDOW_MICROS_MIN)
    throw new Error(`the window of ${definition.name} is too short`);
  if (measure === 'max') return new SlidingMaximum(window.micros, cells);
  if (measure === 'distinct') return new SlidingDistinct(definition, window.micros, cells);
  return new SlidingTotals(measure === 'count', window.micros, cells);
}

/** Count or sum over a sliding window: a total, and what each bucket has of it. */
class SlidingTotals implements Counter {
  readonly slots = new Slots(LIST_SLOTS + 1);
  readonly lists: WindowLists;
  readonly #isCount: boolean;

  constructor(isCount: boolean, micros: number, cells: number) {
    this.#isCount = isCount;
    this.lists = new WindowLists(micros, this.slots, cells, (row, cell) => {
      const { next, value } = this.lists.cells;
      const total = this.slots.get(row, TOTAL);
      const isExact = total <= Number.MAX_SAFE_INTEGER;
      const rest = isExact ? total - (value[cell] as number) : this.#sumFrom(next[cell] as number);
      this.slots.set(row, TOTAL, rest);
    });
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const own = counts ? this.#amount(facts) : 0;
    if (row < 0) return own;
    const { bucket, next, value } = this.lists.cells;
    const first = this.lists.firstBucket(facts.now);
    let total = this.slots.get(row, TOTAL);
    if (total > Number.MAX_SAFE_INTEGER) return this.#sumFrom(this.lists.firstIn(row, facts.now)) + own;
    let cell = this.lists.head(row);
    while (cell !== 0 && (bucket[cell] as number) < first) {
      total -= value[cell] as number;
      cell = next[cell] as number;
    }
    return total + own;
  }

  add(row: number, facts: Facts, around: Surroundings): void {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, facts.now);
    let cell = lists.tail(row);
    if (cell === 0 || cells.bucket[cell] !== lists.bucketOf(facts.now)) {
      cell = lists.append(row, facts.now, around);
      if (cell === 0) return;
    }
    cells.change(cell);
    const amount = this.#amount(facts);
    cells.value[cell] = (cells.value[cell] as number) + amount;
    this.slots.set(row, TOTAL, this.slots.get(row, TOTAL) + amount);
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

  /** From scratch: what is taken from a sum that was rounded would leave an error behind. Only sums of declines get so large. */
  #sumFrom(first: number): number {
    const { next, value } = this.lists.cells;
    let sum = 0;
    for (let cell = first; cell !== 0; cell = next[cell] as number) sum += value[cell] as number;
    return sum;
  }
}

/** The largest amount in a sliding window: that of each bucket. */
class SlidingMaximum implements Counter {
  readonly slots = new Slots(LIST_SLOTS);
  readonly lists: WindowLists;

  constructor(micros: number, cells: number) {
    this.lists = new WindowLists(micros, this.slots, cells, () => undefined);
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

  add(row: number, { now, amount }: Facts, around: Surroundings): void {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, now);
    let cell = lists.tail(row);
    if (cell === 0 || cells.bucket[cell] !== lists.bucketOf(now)) {
      cell = lists.append(row, now, around);
      if (cell === 0) return;
    }
    cells.change(cell);
    cells.value[cell] = Math.max(cells.value[cell] as number, amount);
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
 * newest: enough to say whether there are more than `upTo`. A member is known by a hash of 64 bits: ids that
 * count upwards in their upper half would all be the same by the lower one.
 */
class SlidingDistinct implements Counter {
  readonly slots = new Slots(LIST_SLOTS + 1);
  readonly lists: WindowLists;
  readonly #most: number;
  readonly #member: number;
  /** Hash of the member that is looked for. */
  #low = 0;
  #high = 0;

  constructor({ of, upTo = 1 }: FeatureDefinition, micros: number, cells: number) {
    this.#most = upTo + 1;
    this.#member = Subjects[of ?? 'payee'] * 4;
    this.lists = new WindowLists(micros, this.slots, cells, (row) => {
      this.slots.set(row, LENGTH, this.slots.get(row, LENGTH) - 1);
    });
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const own = counts && this.#takeMember(facts) ? 1 : 0;
    if (row < 0) return own;
    const { next } = this.lists.cells;
    let members = 0;
    let isMember = false;
    for (let cell = this.lists.firstIn(row, facts.now); cell !== 0; cell = next[cell] as number) {
      members++;
      isMember ||= own === 1 && this.#isSame(cell);
    }
    return Math.min(this.#most, isMember ? members : members + own);
  }

  add(row: number, facts: Facts, around: Surroundings): void {
    if (!this.#takeMember(facts)) return;
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, facts.now);
    let before = 0;
    let cell = lists.head(row);
    while (cell !== 0 && !this.#isSame(cell)) {
      before = cell;
      cell = cells.next[cell] as number;
    }
    if (cell !== 0) {
      lists.unlink(row, before, cell);
      cells.bucket[cell] = lists.bucketOf(facts.now);
      lists.link(row, cell);
      return;
    }
    if (this.slots.get(row, LENGTH) === this.#most) lists.dropFirst(row);
    cell = lists.append(row, facts.now, around);
    if (cell === 0) return;
    cells.words[cell * 2] = this.#low;
    cells.words[cell * 2 + 1] = this.#high;
    this.slots.set(row, LENGTH, this.slots.get(row, LENGTH) + 1);
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    const { words } = this.lists.cells;
    return describeCells(this.lists, row, (cell) => [words[cell * 2] as number, words[cell * 2 + 1] as number]);
  }

  /** Returns whether the payment has a member. */
  #takeMember({ subjects }: Facts): boolean {
    const w0 = subjects[this.#member] as number;
    const w1 = subjects[this.#member + 1] as number;
    const w2 = subjects[this.#member + 2] as number;
    const w3 = subjects[this.#member + 3] as number;
    if ((w0 | w1 | w2 | w3) === 0) return false;
    this.#low = hashId(w0, w1, w2, w3, 1) >>> 0;
    this.#high = hashId(w0, w1, w2, w3, 2) >>> 0;
    return true;
  }

  #isSame(cell: number): boolean {
    const { words } = this.lists.cells;
    return words[cell * 2] === this.#low && words[cell * 2 + 1] === this.#high;
  }
}

/** Count, sum or largest amount of a day, month or year. */
class PeriodTotals implements Counter {
  /** The total, and the number of its period. */
  readonly slots = new Slots(2);
  readonly lists = undefined;
  readonly #measure: string;
  readonly #periods: Periods;

  constructor(measure: string, periods: Periods) {
    this.#measure = measure;
    this.#periods = periods;
  }

  value(row: number, facts: Facts, counts: boolean): number {
    const period = this.#periods.of(facts.now);
    const before = row >= 0 && this.slots.get(row, 1) === period ? this.slots.get(row, 0) : 0;
    return counts ? this.#with(before, facts) : before;
  }

  add(row: number, facts: Facts): void {
    this.slots.set(row, 0, this.value(row, facts, true));
    this.slots.set(row, 1, this.#periods.of(facts.now));
  }

  clear(row: number): void {
    this.slots.set(row, 0, 0);
    this.slots.set(row, 1, 0);
  }

  describe(row: number): number[] {
    return [this.slots.get(row, 0), this.slots.get(row, 1)];
  }

  #with(before: number, { amount }: Facts): number {
    if (this.#measure === 'max') return Math.max(before, amount);
    return before + (this.#measure === 'count' ? 1 : amount);
  }
}

/** When there was one last: microseconds since 1970; 0 = never. */
class Last implements Counter {
  readonly slots = new Slots(1);
  readonly lists = undefined;

  value(row: number, { now }: Facts): number {
    const at = row < 0 ? 0 : this.slots.get(row, 0);
    return at === 0 ? -1 : now - at;
  }

  add(row: number, { now }: Facts): void {
    this.slots.set(row, 0, now);
  }

  clear(row: number): void {
    this.slots.set(row, 0, 0);
  }

  describe(row: number): number[] {
    return [this.slots.get(row, 0)];
  }
}

const MICROS_PER_HOUR = 3_600_000_000;
/** Nearer than this is no travel: places are not known better. */
const NEAR_KM = 1;
/** What is told when there was no time at all between two places. */
const SPEED_MAX = 1_000_000;

/** When it was last (microseconds since 1970; 0 = the place is not known), and where. */
class Speed implements Counter {
  readonly slots = new Slots(3);
  readonly lists = undefined;

  value(row: number, { now, hasLocation, latitude, longitude }: Facts): number {
    const at = row < 0 ? 0 : this.slots.get(row, 0);
    if (at === 0 || !hasLocation) return 0;
    const km = kilometresBetween(this.slots.get(row, 1), this.slots.get(row, 2), latitude, longitude);
    if (km < NEAR_KM) return 0;
    const hours = (now - at) / MICROS_PER_HOUR;
    return hours === 0 ? SPEED_MAX : Math.min(SPEED_MAX, Math.floor(km / hours));
  }

  add(row: number, { now, hasLocation, latitude, longitude }: Facts): void {
    if (!hasLocation) return;
    this.slots.set(row, 0, now);
    this.slots.set(row, 1, latitude);
    this.slots.set(row, 2, longitude);
  }

  clear(row: number): void {
    for (let slot = 0; slot < this.slots.count; slot++) this.slots.set(row, slot, 0);
  }

  describe(row: number): number[] {
    return [this.slots.get(row, 0), this.slots.get(row, 1), this.slots.get(row, 2)];
  }
}

function describeCells(lists: WindowLists, row: number, content: (cell: number) => readonly number[]): number[] {
  const { bucket, next } = lists.cells;
  const described: number[] = [];
  for (let cell = lists.head(row); cell !== 0; cell = next[cell] as number) {
    described.push(bucket[cell] as number, ...content(cell));
  }
  return described;
}
