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

interface CounterOf<K extends string> {
  readonly kind: K;
  /** What it keeps by row. */
  readonly slots: Slots;
  readonly lists: WindowLists | undefined;
  /**
   * Writes what it says to `out[at]`: a number that is returned would be put on the heap, for each feature of each payment.
   *
   * @param row < 0: nothing was counted under the key
   * @param counts whether this payment does
   */
  read(row: number, facts: Facts, counts: boolean, out: Float64Array, at: number): void;
  add(row: number, facts: Facts, around: Surroundings): void;
  /** Forgets a row. */
  clear(row: number): void;
  /** All that is kept of a row, in one form whichever cells it has. */
  describe(row: number): readonly number[];
}

export type Counter = SlidingTotals | SlidingMaximum | SlidingDistinct | PeriodTotals | Last | Speed;
export type CounterKind = Counter['kind'];
export type CounterNamed<K extends CounterKind> = Extract<Counter, { readonly kind: K }>;

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
class SlidingTotals implements CounterOf<'totals'> {
  readonly kind = 'totals';
  readonly slots = new Slots(LIST_SLOTS + 1);
  readonly lists: WindowLists;
  readonly #isCount: boolean;

  constructor(isCount: boolean, micros: number, cells: number) {
    this.#isCount = isCount;
    this.lists = new WindowLists(micros, this.slots, cells, (row, cell) => {
      const { cells } = this.lists;
      const total = this.slots.get(row, TOTAL);
      const isExact = total <= Number.MAX_SAFE_INTEGER;
      const rest = isExact ? total - cells.value(cell) : this.#sumFrom(cells.next(cell));
      this.slots.set(row, TOTAL, rest);
    });
  }

  read(row: number, facts: Facts, counts: boolean, out: Float64Array, at: number): void {
    const own = counts ? this.#amount(facts) : 0;
    out[at] = row < 0 ? own : own + this.#total(row, facts.now);
  }

  #total(row: number, now: number): number {
    const { cells } = this.lists;
    const first = this.lists.firstBucket(now);
    let total = this.slots.get(row, TOTAL);
    if (total > Number.MAX_SAFE_INTEGER) return this.#sumFrom(this.lists.firstIn(row, now));
    let cell = this.lists.head(row);
    while (cell !== 0 && cells.bucket(cell) < first) {
      total -= cells.value(cell);
      cell = cells.next(cell);
    }
    return total;
  }

  add(row: number, facts: Facts, around: Surroundings): void {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, facts.now);
    let cell = lists.tail(row);
    if (cell === 0 || cells.bucket(cell) !== lists.bucketOf(facts.now)) {
      cell = lists.append(row, facts.now, around);
      if (cell === 0) return;
    }
    cells.change(cell);
    const amount = this.#amount(facts);
    cells.setValue(cell, cells.value(cell) + amount);
    this.slots.set(row, TOTAL, this.slots.get(row, TOTAL) + amount);
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    return describeCells(this.lists, row, (cell) => [this.lists.cells.value(cell)]);
  }

  #amount({ amount }: Facts): number {
    return this.#isCount ? 1 : amount;
  }

  /** From scratch: what is taken from a sum that was rounded would leave an error behind. Only sums of declines get so large. */
  #sumFrom(first: number): number {
    const { cells } = this.lists;
    let sum = 0;
    for (let cell = first; cell !== 0; cell = cells.next(cell)) sum += cells.value(cell);
    return sum;
  }
}

/** The largest amount in a sliding window: that of each bucket. */
class SlidingMaximum implements CounterOf<'maximum'> {
  readonly kind = 'maximum';
  readonly slots = new Slots(LIST_SLOTS);
  readonly lists: WindowLists;

  constructor(micros: number, cells: number) {
    this.lists = new WindowLists(micros, this.slots, cells, () => undefined);
  }

  read(row: number, { now, amount }: Facts, counts: boolean, out: Float64Array, at: number): void {
    let most = counts ? amount : 0;
    const { cells } = this.lists;
    for (let cell = row < 0 ? 0 : this.lists.firstIn(row, now); cell !== 0; cell = cells.next(cell)) {
      most = Math.max(most, cells.value(cell));
    }
    out[at] = most;
  }

  add(row: number, { now, amount }: Facts, around: Surroundings): void {
    const { lists } = this;
    const { cells } = lists;
    lists.expire(row, now);
    let cell = lists.tail(row);
    if (cell === 0 || cells.bucket(cell) !== lists.bucketOf(now)) {
      cell = lists.append(row, now, around);
      if (cell === 0) return;
    }
    cells.change(cell);
    cells.setValue(cell, Math.max(cells.value(cell), amount));
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    return describeCells(this.lists, row, (cell) => [this.lists.cells.value(cell)]);
  }
}

/**
 * Different members in a sliding window, the one seen last at the end of the list. No more are kept than `upTo` + 1, and of these the
 * newest: enough to say whether there are more than `upTo`. A member is known by a hash of 64 bits: ids that
 * count upwards in their upper half would all be the same by the lower one.
 */
class SlidingDistinct implements CounterOf<'distinct'> {
  readonly kind = 'distinct';
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

  read(row: number, facts: Facts, counts: boolean, out: Float64Array, at: number): void {
    const own = counts && this.#takeMember(facts) ? 1 : 0;
    const { cells } = this.lists;
    let members = 0;
    let isMember = false;
    for (let cell = row < 0 ? 0 : this.lists.firstIn(row, facts.now); cell !== 0; cell = cells.next(cell)) {
      members++;
      isMember ||= own === 1 && this.#isSame(cell);
    }
    out[at] = Math.min(this.#most, isMember ? members : members + own);
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
      cell = cells.next(cell);
    }
    if (cell !== 0) {
      lists.unlink(row, before, cell);
      cells.setBucket(cell, lists.bucketOf(facts.now));
      lists.link(row, cell);
      return;
    }
    if (this.slots.get(row, LENGTH) === this.#most) lists.dropFirst(row);
    cell = lists.append(row, facts.now, around);
    if (cell === 0) return;
    cells.setWords(cell, this.#low, this.#high);
    this.slots.set(row, LENGTH, this.slots.get(row, LENGTH) + 1);
  }

  clear(row: number): void {
    this.lists.clear(row);
  }

  describe(row: number): number[] {
    const { cells } = this.lists;
    return describeCells(this.lists, row, (cell) => [cells.low(cell), cells.high(cell)]);
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
    const { cells } = this.lists;
    return cells.low(cell) === this.#low && cells.high(cell) === this.#high;
  }
}

/** Count, sum or largest amount of a day, month or year. */
class PeriodTotals implements CounterOf<'period'> {
  readonly kind = 'period';
  /** The total, and the number of its period. */
  readonly slots = new Slots(2);
  readonly lists = undefined;
  readonly #measure: string;
  readonly #periods: Periods;

  constructor(measure: string, periods: Periods) {
    this.#measure = measure;
    this.#periods = periods;
  }

  read(row: number, facts: Facts, counts: boolean, out: Float64Array, at: number): void {
    const before = row < 0 ? 0 : this.#total(row, this.#periods.of(facts.now));
    out[at] = counts ? this.#with(before, facts) : before;
  }

  add(row: number, facts: Facts): void {
    const period = this.#periods.of(facts.now);
    this.slots.set(row, 0, this.#with(this.#total(row, period), facts));
    this.slots.set(row, 1, period);
  }

  #total(row: number, period: number): number {
    return this.slots.get(row, 1) === period ? this.slots.get(row, 0) : 0;
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
class Last implements CounterOf<'last'> {
  readonly kind = 'last';
  readonly slots = new Slots(1);
  readonly lists = undefined;

  read(row: number, { now }: Facts, _counts: boolean, out: Float64Array, at: number): void {
    const last = row < 0 ? 0 : this.slots.get(row, 0);
    out[at] = last === 0 ? -1 : now - last;
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
class Speed implements CounterOf<'speed'> {
  readonly kind = 'speed';
  readonly slots = new Slots(3);
  readonly lists = undefined;

  read(row: number, facts: Facts, _counts: boolean, out: Float64Array, at: number): void {
    const last = row < 0 ? 0 : this.slots.get(row, 0);
    out[at] = last === 0 || !facts.hasLocation ? 0 : this.#speed(row, facts, last);
  }

  #speed(row: number, { now, latitude, longitude }: Facts, last: number): number {
    const km = kilometresBetween(this.slots.get(row, 1), this.slots.get(row, 2), latitude, longitude);
    if (km < NEAR_KM) return 0;
    const hours = (now - last) / MICROS_PER_HOUR;
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
  const { cells } = lists;
  const described: number[] = [];
  for (let cell = lists.head(row); cell !== 0; cell = cells.next(cell)) {
    described.push(cells.bucket(cell), ...content(cell));
  }
  return described;
}
