/**
 * Which answer belongs to which request, on a connection where many are under way. What was asked is remembered for a
 * while after its end, so that a late or second answer is known for what it is:
 *
 *     request ─▶ under way ─▶ answered ─▶ forgotten       a second answer: duplicate
 *                    └─────▶ timed out ─▶ forgotten       an answer: late, handed on once
 */
import type { Message } from '../iso8583/message.ts';
import type { LinkClock } from './clock.ts';
import { exchangeOf } from './codes.ts';

export interface MuxConfig {
  /** Requests under way at once. */
  readonly window: number;
  /** Fields that requests and answers share. */
  readonly fields: readonly number[];
  /** Other fields for some message types; the type of the original request, such as 0420. */
  readonly byType: Readonly<Record<string, readonly number[]>>;
}

export interface MuxEvents {
  /** An answer after the timeout of its request. */
  late(answer: Message, request: Message): void;
  duplicate(answer: Message): void;
  unmatched(answer: Message): void;
}

/** `timeout`: nothing is known of what became of the request. */
export type MuxResult = Message | 'timeout';

type Ended = { readonly kind: 'answered' } | { readonly kind: 'timedOut'; readonly request: Message };

interface UnderWay {
  readonly request: Message;
  readonly done: (result: MuxResult) => void;
  readonly cancel: () => void;
}

/** Requests that are remembered after their end. */
const ENDED_MAX = 4096;

export class Mux {
  readonly #config: MuxConfig;
  readonly #clock: LinkClock;
  readonly #events: MuxEvents;
  readonly #underWay = new Map<string, UnderWay>();
  /** In the order of their end. */
  readonly #ended = new Map<string, Ended>();
  readonly #fieldsByExchange: ReadonlyMap<string, readonly number[]>;
  #onEmpty: (() => void) | undefined;

  constructor(config: MuxConfig, clock: LinkClock, events: MuxEvents) {
    this.#config = config;
    this.#clock = clock;
    this.#events = events;
    this.#fieldsByExchange = new Map(Object.entries(config.byType).map(([mti, fields]) => [exchangeOf(mti), fields]));
  }

  get size(): number {
    return this.#underWay.size;
  }

  /**
   * Waits for the answer to a request. `full`: the window is; `collision`: one with the same key is under way, so that
   * their answers could not be told apart. In both cases the request must not be sent.
   */
  expect(request: Message, timeoutMs: number): Promise<MuxResult> | 'full' | 'collision' {
    if (this.#underWay.size >= this.#config.window) return 'full';
    const key = this.#keyOf(request);
    if (this.#underWay.has(key)) return 'collision';
    return new Promise((done) => {
      const cancel = this.#clock.after(timeoutMs, () => {
        this.#end(key, { kind: 'timedOut', request });
        done('timeout');
      });
      this.#underWay.set(key, { request, done, cancel });
    });
  }

  /** Takes back a request that was not sent. Its promise is never kept. */
  withdraw(request: Message): void {
    const key = this.#keyOf(request);
    this.#underWay.get(key)?.cancel();
    this.#underWay.delete(key);
    this.#tellEmpty();
  }

  /** Hands an answer to whom it is for. */
  answer(answer: Message): void {
    const key = this.#keyOf(answer);
    const waiting = this.#underWay.get(key);
    if (waiting !== undefined) {
      waiting.cancel();
      this.#end(key, { kind: 'answered' });
      waiting.done(answer);
      return;
    }
    const ended = this.#ended.get(key);
    if (ended === undefined) return this.#events.unmatched(answer);
    if (ended.kind === 'answered') return this.#events.duplicate(answer);
    this.#ended.set(key, { kind: 'answered' });
    this.#events.late(answer, ended.request);
  }

  /** Resolves when nothing is under way any more. */
  empty(): Promise<void> {
    if (this.#underWay.size === 0) return Promise.resolve();
    return new Promise((done) => {
      this.#onEmpty = done;
    });
  }

  /** Ends all that is under way as if it had timed out. */
  abandon(): void {
    for (const [key, { request, done, cancel }] of [...this.#underWay]) {
      cancel();
      this.#end(key, { kind: 'timedOut', request });
      done('timeout');
    }
  }

  #end(key: string, how: Ended): void {
    this.#underWay.delete(key);
    this.#ended.set(key, how);
    if (this.#ended.size > ENDED_MAX) {
      const [oldest] = this.#ended.keys();
      if (oldest !== undefined) this.#ended.delete(oldest);
    }
    this.#tellEmpty();
  }

  #tellEmpty(): void {
    if (this.#underWay.size > 0) return;
    this.#onEmpty?.();
    this.#onEmpty = undefined;
  }

  /** Fixed text comes padded from some peers and not from others. */
  #keyOf(message: Message): string {
    const exchange = exchangeOf(message.mti);
    const fields = this.#fieldsByExchange.get(exchange) ?? this.#config.fields;
    return `${exchange}|${fields.map((number) => (message.text(number) ?? '').trimEnd()).join('|')}`;
  }
}
