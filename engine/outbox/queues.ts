/** Entries in the order in which they came, by queue: where each is in the journal, and what can be asked without reading it. */
import { placeOf } from '../sorted-numbers.ts';

export interface Place {
  readonly queue: string;
  /** Position of the newest version. */
  readonly lsn: number;
  readonly institution: number;
  readonly state: 'armed' | 'due' | 'expired';
  /** Of the body. */
  readonly bytes: number;
}

export class Queues {
  /** By number. */
  readonly #places = new Map<number, Place>();
  /** Numbers of each queue, ascending. */
  readonly #numbers = new Map<string, number[]>();
  armed = 0;
  due = 0;
  bytes = 0;

  get size(): number {
    return this.#places.size;
  }

  get(number: number): Place | undefined {
    return this.#places.get(number);
  }

  add(number: number, place: Place): void {
    this.#places.set(number, place);
    const numbers = this.#numbers.get(place.queue) ?? [];
    numbers.splice(placeOf(numbers, number), 0, number);
    this.#numbers.set(place.queue, numbers);
    this.#count(place, 1);
  }

  /** Whether it was there. */
  remove(number: number): boolean {
    const place = this.#places.get(number);
    if (place === undefined) return false;
    this.#places.delete(number);
    const numbers = this.#numbers.get(place.queue) ?? [];
    numbers.splice(placeOf(numbers, number), 1);
    if (numbers.length === 0) this.#numbers.delete(place.queue);
    this.#count(place, -1);
    return true;
  }

  /** The one that was added first. */
  removeOldest(): void {
    for (const number of this.#places.keys()) {
      this.remove(number);
      return;
    }
  }

  /** Entries of a queue with greater numbers. */
  *after(queue: string, cursor: number): Generator<{ readonly number: number; readonly place: Place }> {
    const numbers = this.#numbers.get(queue) ?? [];
    for (let at = placeOf(numbers, cursor + 1); at < numbers.length; at++) {
      const number = numbers[at] as number;
      yield { number, place: this.#places.get(number) as Place };
    }
  }

  /** Positions of all, in the order in which they were added. */
  positions(): number[] {
    return Array.from(this.#places.values(), ({ lsn }) => lsn);
  }

  #count({ state, bytes }: Place, change: 1 | -1): void {
    this.bytes += change * bytes;
    if (state === 'armed') this.armed += change;
    if (state === 'due') this.due += change;
  }
}
