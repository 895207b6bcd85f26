/**
 * Payments that wait for the payer's proof. Nothing is held for them, so they are no holds; all wait equally long, so they come
 * to their end in the order in which they began.
 */
import { LIMITS } from '../../protocol/limits.ts';

const MICROS = LIMITS.challengeSeconds * 1_000_000;
/** Open ones of a partition: 300 s at 3,000 a second. */
const OPEN_MAX = 1_000_000;

export class Challenges {
  /** By position of the payment's first version: when it ends, microseconds since 1970. Earliest first. */
  readonly #open = new Map<number, number>();
  /** Whether nothing is kept: for a dry run. */
  readonly #isDry: boolean;

  constructor(isDry: boolean) {
    this.#isDry = isDry;
  }

  get hasRoom(): boolean {
    return this.#open.size < OPEN_MAX;
  }

  /** Microseconds; Infinity = none is open. */
  get next(): number {
    for (const deadline of this.#open.values()) return deadline;
    return Number.POSITIVE_INFINITY;
  }

  /** Opens the one of the payment whose first version is at `lsn`. */
  open(lsn: number, now: number): void {
    if (!this.#isDry) this.#open.set(lsn, now + MICROS);
  }

  close(lsn: number): void {
    if (!this.#isDry) this.#open.delete(lsn);
  }

  /** Takes the one that ends next. */
  take(): number {
    for (const lsn of this.#open.keys()) {
      this.#open.delete(lsn);
      return lsn;
    }
    throw new Error('no challenge is open');
  }

  /** [position, end] each, as one array. */
  snapshot(): Float64Array {
    return Float64Array.from([...this.#open].flat());
  }

  restore(saved: Float64Array): void {
    for (let at = 0; at < saved.length; at += 2) this.#open.set(saved[at] as number, saved[at + 1] as number);
  }
}
