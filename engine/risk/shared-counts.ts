/**
 * What partitions count for each other. A key by which payments of many payers are counted (a payee, device, address, card) has one
 * home, and the others tell it what they have counted under the key:
 *
 *   payer's partition: count ─▶ queue for the home ─ numbered messages ─▶ home: event, count ─ how far ─▶ queue shortened
 *
 * The queues follow from the journal: replay fills them again. What a home has taken follows from its own journal, so a message
 * that comes twice is counted once, and what was not confirmed before a stop is sent again with the first batch. When a home falls behind, the payments that
 * would have to be counted there are not decided: nothing grows without a bound, and no count is older than `STALE_AFTER_MICROS`.
 */
import { layout } from '../../protocol/layout.ts';
import { EVENT_PREFIX_BYTES, type EventLog, EventTypes } from '../ledger/events.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { type Facts, Subjects } from './facts.ts';

/** One thing that was counted. Subjects that are not known are zero. */
const COUNTED = layout('counted', 128, {
  /** Zero when it was no payment. */
  paymentId: [0, 'u128'],
  payer: [16, 'u128'],
  payee: [32, 'u128'],
  device: [48, 'u128'],
  ip: [64, 'u128'],
  card: [80, 'u128'],
  amount: [96, 'u64'],
  /** When it was counted where it was decided, microseconds since 1970. */
  timestamp: [104, 'u64'],
  ledger: [112, 'u32'],
  mcc: [116, 'u16'],
  channel: [118, 'u8'],
  /** A Counted value. */
  counted: [119, 'u8'],
  /** Where it was is counted by payer only. */
  reserved: [120, 'u64'],
});

/** What a message begins with; so does the event that it becomes. */
export const COUNTS_HEAD = layout('countsHead', 32, {
  from: [0, 'u32'],
  to: [4, 'u32'],
  /** Number of the first that follows: each pair of partitions counts from 0. */
  first: [8, 'u64'],
  count: [16, 'u32'],
  reserved: [20, 'u32'],
  reserved64: [24, 'u64'],
});

const COUNTED_WORDS = COUNTED.size >> 2;
const HEAD_WORDS = COUNTS_HEAD.size >> 2;
const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
const HeadWord = { from: 0, to: 1, first: 2, count: 4 } as const;
const CountedWord = {
  paymentId: 0,
  payer: 4,
  payee: 8,
  device: 12,
  ip: 16,
  card: 20,
  amount: 24,
  timestamp: 26,
  ledger: 28,
  mccChannelCounted: 29,
  reserved: 30,
} as const;

/** Entries of one message. */
export const COUNTS_PER_MESSAGE = 1024;
/** Entries that wait for one home; what is decided meanwhile waits too. */
export const WAITING_MAX = 65_536;
const FIRST_CAPACITY = 256;
/** So old may be what a home has not counted yet. */
export const STALE_AFTER_MICROS = 2_000_000;

/** Bytes of a message, and of the event without its prefix. */
export function countsBytes(count: number): number {
  return COUNTS_HEAD.size + count * COUNTED.size;
}

/** Partition for which the message is that begins at byte `at`, where it came from, and its bytes. */
export function countsRoute(message: DataView, at: number): { readonly to: number; readonly count: number } {
  return {
    to: message.getUint32(at + HeadWord.to * 4, true),
    count: message.getUint32(at + HeadWord.count * 4, true),
  };
}

/** What waits to be counted in one other partition, oldest first. */
class CountsQueue {
  /** Numbers of the oldest that waits, of the next to be sent, and of the next to come. */
  first = 0;
  sent = 0;
  next = 0;
  #words = new Uint32Array(FIRST_CAPACITY * COUNTED_WORDS);

  /** Makes room for one more and returns where it goes. The oldest goes when there are too many: it was confirmed, see `isFull`. */
  push(): { readonly words: Uint32Array; readonly at: number } {
    if (this.next - this.first === WAITING_MAX) this.first++;
    this.sent = Math.max(this.sent, this.first);
    if (this.next - this.first === this.#capacity) this.#grow();
    return { words: this.#words, at: this.#place(this.next++) };
  }

  get isFull(): boolean {
    return this.next - this.first === WAITING_MAX;
  }

  /** When the oldest that waits was counted, microseconds since 1970; Infinity = nothing waits. */
  get oldest(): number {
    if (this.first === this.next) return Number.POSITIVE_INFINITY;
    return readU64(this.#words, this.#place(this.first) + CountedWord.timestamp);
  }

  copy(number: number, out: Uint32Array, at: number): void {
    const from = this.#place(number);
    for (let word = 0; word < COUNTED_WORDS; word++) out[at + word] = this.#words[from + word] as number;
  }

  /** What waits, as it is kept. */
  save(): Uint8Array {
    const waiting = new Uint32Array((this.next - this.first) * COUNTED_WORDS);
    for (let number = this.first; number < this.next; number++) {
      this.copy(number, waiting, (number - this.first) * COUNTED_WORDS);
    }
    return new Uint8Array(waiting.buffer);
  }

  restore(next: number, waiting: Uint8Array): void {
    const words = new Uint32Array(waiting.slice().buffer);
    this.next = next - words.length / COUNTED_WORDS;
    this.first = this.next;
    this.sent = this.next;
    for (let at = 0; at < words.length; at += COUNTED_WORDS) {
      const place = this.push();
      place.words.set(words.subarray(at, at + COUNTED_WORDS), place.at);
    }
  }

  get #capacity(): number {
    return this.#words.length / COUNTED_WORDS;
  }

  #place(number: number): number {
    return (number % this.#capacity) * COUNTED_WORDS;
  }

  #grow(): void {
    const larger = new Uint32Array(this.#words.length * 2);
    const capacity = this.#capacity * 2;
    for (let number = this.first; number < this.next; number++) {
      this.copy(number, larger, (number % capacity) * COUNTED_WORDS);
    }
    this.#words = larger;
  }
}

export class SharedCounts {
  readonly partition: number;
  readonly #queues: readonly CountsQueue[];
  readonly #taken: number[];

  constructor(partition: number, partitions: number) {
    this.partition = partition;
    this.#queues = Array.from({ length: partitions }, () => new CountsQueue());
    this.#taken = Array.from({ length: partitions }, () => 0);
  }

  /** Whether nothing may be decided now that would have to be counted elsewhere. `now`: microseconds since 1970. */
  isBehind(now: number): boolean {
    for (let home = 0; home < this.#queues.length; home++) {
      const queue = this.#queues[home] as CountsQueue;
      if (queue.isFull || now - queue.oldest > STALE_AFTER_MICROS) return true;
    }
    return false;
  }

  /** Entries that are not confirmed. */
  get waiting(): number {
    return this.#queues.reduce((sum, { first, next }) => sum + next - first, 0);
  }

  /** Notes what was counted for the partition `home`. The payment's id stands at word `idAt` of `words`; undefined = no payment. */
  add(home: number, facts: Facts, counted: number, words: Uint32Array | undefined, idAt: number): void {
    const { words: out, at } = (this.#queues[home] as CountsQueue).push();
    for (let word = 0; word < 4; word++) {
      out[at + CountedWord.paymentId + word] = words === undefined ? 0 : (words[idAt + word] as number);
    }
    writeFacts(facts, counted, out, at);
  }

  /** What was not sent yet, as messages one after another; undefined when there is nothing. */
  take(): Uint8Array | undefined {
    const waiting = this.#queues.map(({ sent, next }) => next - sent);
    const messages = waiting.map((count) => Math.ceil(count / COUNTS_PER_MESSAGE));
    const heads = messages.reduce((sum, count) => sum + count, 0);
    if (heads === 0) return undefined;
    const entries = waiting.reduce((sum, count) => sum + count, 0);
    const words = new Uint32Array(heads * HEAD_WORDS + entries * COUNTED_WORDS);
    let at = 0;
    for (const [home, queue] of this.#queues.entries()) {
      while (queue.sent < queue.next) at = this.#writeMessage(queue, home, words, at);
    }
    return new Uint8Array(words.buffer);
  }

  /** Partition `home` has taken everything below this number. */
  confirm(home: number, taken: number): void {
    const queue = this.#queues[home];
    if (queue === undefined || taken > queue.next) return;
    queue.first = Math.max(queue.first, taken);
    queue.sent = Math.max(queue.sent, queue.first);
  }

  /** How far this partition has got with what `from` counted for it. */
  takenFrom(from: number): number {
    return this.#taken[from] ?? 0;
  }

  /**
   * Takes the message whose head is at word `at`: writes what of it is new as an event. Returns the event's first word; 0 when there
   * is nothing new. The caller has the event counted.
   */
  receive(events: EventLog, words: Uint32Array, at: number): number {
    const from = words[at + HeadWord.from] as number;
    const first = readU64(words, at + HeadWord.first);
    const count = words[at + HeadWord.count] as number;
    const known = Math.min(count, Math.max(0, this.takenFrom(from) - first));
    if (known === count) return 0;
    const event = events.append(EventTypes.counts, 0, 0, EVENT_PREFIX_BYTES + countsBytes(count - known), 0);
    const out = events.words;
    const head = event + PREFIX_WORDS;
    for (let word = 0; word < HEAD_WORDS; word++) out[head + word] = words[at + word] as number;
    writeU64(out, head + HeadWord.first, first + known);
    out[head + HeadWord.count] = count - known;
    const source = at + HEAD_WORDS + known * COUNTED_WORDS;
    const target = head + HEAD_WORDS;
    for (let word = 0; word < (count - known) * COUNTED_WORDS; word++)
      out[target + word] = words[source + word] as number;
    return event;
  }

  /** Goes through the entries of the event whose first word is `at`, and notes that they were taken. */
  forEach(words: Uint32Array, at: number, visit: (entry: number) => void): void {
    const head = at + PREFIX_WORDS;
    const from = words[head + HeadWord.from] as number;
    const count = words[head + HeadWord.count] as number;
    this.#taken[from] = readU64(words, head + HeadWord.first) + count;
    for (let index = 0; index < count; index++) visit(head + HEAD_WORDS + index * COUNTED_WORDS);
  }

  /**
   * For a checkpoint; undefined when nothing was ever counted for others or by them.
   *
   *   (f64 each) by partition: counted for it, of these not confirmed, taken of its ‖ COUNTED of all that is not confirmed
   */
  save(): Uint8Array | undefined {
    if (this.#taken.every((taken) => taken === 0) && this.#queues.every(({ next }) => next === 0)) return undefined;
    const heads = this.#queues.flatMap(({ first, next }, at) => [next, next - first, this.#taken[at] ?? 0]);
    const parts = [new Uint8Array(Float64Array.from(heads).buffer), ...this.#queues.map((queue) => queue.save())];
    const section = new Uint8Array(parts.reduce((sum, { length }) => sum + length, 0));
    parts.reduce((at, part) => {
      section.set(part, at);
      return at + part.length;
    }, 0);
    return section;
  }

  restore(section: Uint8Array): void {
    const heads = headsOf(section, this.#queues.length);
    let at = heads.byteLength;
    for (const [home, queue] of this.#queues.entries()) {
      const [next = 0, waiting = 0, taken = 0] = heads.subarray(home * SAVED_HEAD, (home + 1) * SAVED_HEAD);
      queue.restore(next, section.subarray(at, at + waiting * COUNTED.size));
      at += waiting * COUNTED.size;
      this.#taken[home] = taken;
    }
  }

  #writeMessage(queue: CountsQueue, home: number, words: Uint32Array, start: number): number {
    const count = Math.min(COUNTS_PER_MESSAGE, queue.next - queue.sent);
    words[start + HeadWord.from] = this.partition;
    words[start + HeadWord.to] = home;
    writeU64(words, start + HeadWord.first, queue.sent);
    words[start + HeadWord.count] = count;
    let at = start + HEAD_WORDS;
    for (let index = 0; index < count; index++) {
      queue.copy(queue.sent++, words, at);
      at += COUNTED_WORDS;
    }
    return at;
  }
}

/** Numbers by partition at the beginning of a saved section. */
const SAVED_HEAD = 3;

function headsOf(section: Uint8Array, partitions: number): Float64Array {
  return new Float64Array(section.slice(0, partitions * SAVED_HEAD * 8).buffer);
}

/** What of a saved section is the same however much was confirmed: two states that are compared need no more. */
export function canonicalCounts(section: Uint8Array): Uint8Array {
  // The heads say how many entries follow them, and so where they end.
  const all = new Float64Array(section.slice().buffer);
  const canonical: number[] = [];
  let waiting = 0;
  for (let at = 0; at + waiting * (COUNTED.size / 8) < all.length; at += SAVED_HEAD) {
    waiting += all[at + 1] as number;
    canonical.push(all[at] as number, all[at + 2] as number);
  }
  return new Uint8Array(Float64Array.from(canonical).buffer);
}

function writeFacts(facts: Facts, counted: number, out: Uint32Array, at: number): void {
  const { subjects, mcc, channel } = facts;
  copySubject(subjects, Subjects.payer * 4, out, at + CountedWord.payer);
  copySubject(subjects, Subjects.payee * 4, out, at + CountedWord.payee);
  copySubject(subjects, Subjects.device * 4, out, at + CountedWord.device);
  copySubject(subjects, Subjects.ip * 4, out, at + CountedWord.ip);
  copySubject(subjects, Subjects.card * 4, out, at + CountedWord.card);
  writeU64(out, at + CountedWord.amount, facts.amount);
  writeU64(out, at + CountedWord.timestamp, facts.now);
  out[at + CountedWord.ledger] = facts.ledger;
  out[at + CountedWord.mccChannelCounted] = mcc | (channel << 16) | (counted << 24);
  writeU64(out, at + CountedWord.reserved, 0);
}

/** Takes down the entry at word `at` as counted at `now`; returns the Counted value. */
export function readCounted(facts: Facts, words: Uint32Array, at: number, now: number): number {
  const last = words[at + CountedWord.mccChannelCounted] as number;
  facts.now = now;
  facts.amount = readU64(words, at + CountedWord.amount);
  facts.ledger = words[at + CountedWord.ledger] as number;
  facts.code = 0;
  facts.tier = 0;
  facts.codeTier = 0;
  facts.country = 0;
  facts.mcc = last & 0xffff;
  facts.channel = (last >>> 16) & 0xff;
  facts.hasLocation = false;
  const { subjects } = facts;
  copySubject(words, at + CountedWord.payer, subjects, Subjects.payer * 4);
  copySubject(words, at + CountedWord.payee, subjects, Subjects.payee * 4);
  copySubject(words, at + CountedWord.device, subjects, Subjects.device * 4);
  copySubject(words, at + CountedWord.ip, subjects, Subjects.ip * 4);
  copySubject(words, at + CountedWord.card, subjects, Subjects.card * 4);
  if (facts.mcc === 0) subjects.fill(0, Subjects.merchant * 4, Subjects.merchant * 4 + 4);
  else copySubject(words, at + CountedWord.payee, subjects, Subjects.merchant * 4);
  return last >>> 24;
}

function copySubject(from: Uint32Array, at: number, to: Uint32Array, word: number): void {
  for (let index = 0; index < 4; index++) to[word + index] = from[at + index] as number;
}
