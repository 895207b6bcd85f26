/**
 * Payments that another partition has read exactly and not decided yet. To others who ask they count as if they were carried out, so
 * that two of them cannot both stay within a limit. One ends when it is told how it was decided, or after `ENDS_AFTER_MICROS`.
 *
 * They are in no journal: a payment that was not decided when the power failed was not answered, and will be asked for again.
 */
import { type Facts, newFacts } from './facts.ts';

/** At most so many; then nothing more is read exactly until some end. */
export const RESERVATIONS_MAX = 10_000;
/** Longer than any answer takes. */
export const ENDS_AFTER_MICROS = 10_000_000;

interface Reservation {
  readonly facts: Facts;
  readonly endsAt: number;
}

export class Reservations {
  /** By payment id; those that end first come first. */
  readonly #byId = new Map<string, Reservation>();

  get size(): number {
    return this.#byId.size;
  }

  /** Reserves what the payment whose id is at word `at` would count; false when there is no room. */
  add(words: Uint32Array, at: number, facts: Facts): boolean {
    this.#end(facts.now);
    const key = keyOf(words, at);
    if (this.#byId.size >= RESERVATIONS_MAX && !this.#byId.has(key)) return false;
    const copy = Object.assign(newFacts(), facts, { subjects: facts.subjects.slice() });
    this.#byId.delete(key);
    this.#byId.set(key, { facts: copy, endsAt: facts.now + ENDS_AFTER_MICROS });
    return true;
  }

  /** The payment was decided. */
  end(words: Uint32Array, at: number): void {
    if (this.#byId.size > 0) this.#byId.delete(keyOf(words, at));
  }

  /** Facts of those under way at `now` but the payment's own, as of that time. */
  *others(now: number, own: string): Generator<Facts> {
    for (const [key, { facts, endsAt }] of this.#byId) {
      if (key === own || endsAt <= now) continue;
      facts.now = now;
      yield facts;
    }
  }

  #end(now: number): void {
    for (const [key, { endsAt }] of this.#byId) {
      if (endsAt > now) return;
      this.#byId.delete(key);
    }
  }
}

/** The id at a word, as reservations know it. */
export function keyOf(words: Uint32Array, at: number): string {
  return `${words[at]},${words[at + 1]},${words[at + 2]},${words[at + 3]}`;
}
