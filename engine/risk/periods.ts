/** Calendar days, months and years at a fixed offset from UTC, as numbers. */

const MICROS_PER_MINUTE = 60_000_000;
const MICROS_PER_DAY = 86_400_000_000;

export interface PeriodSpec {
  readonly period: 'day' | 'month' | 'year';
  readonly utcOffsetMinutes: number;
}

export class Periods {
  readonly #spec: PeriodSpec;
  /** The period asked for last: from, to, number. */
  #from = 0;
  #to = 0;
  #number = 0;

  constructor(spec: PeriodSpec) {
    this.#spec = spec;
  }

  /** Number of the period that a time (microseconds since 1970) is in: the same for all of it, different for any other. */
  of(now: number): number {
    if (now >= this.#from && now < this.#to) return this.#number;
    const offset = this.#spec.utcOffsetMinutes * MICROS_PER_MINUTE;
    const day = Math.floor((now + offset) / MICROS_PER_DAY);
    this.#from = day * MICROS_PER_DAY - offset;
    this.#to = this.#from + MICROS_PER_DAY;
    this.#number = this.#numberOf(day);
    return this.#number;
  }

  #numberOf(day: number): number {
    const date = new Date(day * (MICROS_PER_DAY / 1000));
    if (this.#spec.period === 'day') return day;
    const year = date.getUTCFullYear();
    return this.#spec.period === 'year' ? year : year * 12 + date.getUTCMonth();
  }
}
