/**
 * Delivers change streams to webhook endpoints: for each endpoint and partition a loop of its own, which reads a page from the
 * journal, notes durably what it will send, sends it, and notes durably that it is there.
 *
 *   read ─▶ claim (durable) ─▶ POST ─┬─ 2xx ─▶ cursor moves on (durable)
 *     ▲                        ▲     └─ else ─▶ pause, longer each time ─┬─ attempts left
 *     │                        └─────────────────────────────────────────┘
 *     └────────────────── dead-letter list, cursor moves on ◀── none left
 *
 * At least once, in order per endpoint and partition: a crash repeats at most what was under way, with the same id and body.
 * A loop holds one page, whatever its receiver does, and no loop waits for another.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { WebhookBody } from '../../protocol/webhook.ts';
import type { JournalChanges } from '../stream/journal-changes.ts';
import { Poster } from './post.ts';
import type { DeadLetter, DeliveryState, StoredEndpoint, WebhookStore } from './webhook-store.ts';

export interface DispatcherSettings {
  /** How often journals are looked at when there is nothing. */
  readonly pollMs: number;
  /** How often endpoints that were added, removed or told to send again are looked for. */
  readonly endpointsMs: number;
  readonly timeoutMs: number;
  /** The first pause after a failure; each further one is twice as long, up to `backoffMsMax`. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  /** Of one delivery. */
  readonly changesMax: number;
  readonly bytesMax: number;
  readonly userAgent: string;
  readonly nowMs: () => number;
  /** 0 ≤ x < 1 */
  readonly random: () => number;
}

export const DISPATCHER_DEFAULTS = {
  pollMs: 25,
  endpointsMs: 500,
  timeoutMs: 10_000,
  backoffMsMin: 5000,
  backoffMsMax: 3_600_000,
  changesMax: 100,
  bytesMax: 131_072,
} as const;

/** Never what was sent, nor where to. */
export interface DispatcherNote {
  readonly event: 'delivery failed' | 'delivery given up' | 'endpoint held: its dead-letter list is full' | 'error';
  readonly endpoint: string;
  readonly partition: number;
  readonly attempts: number;
  readonly reason: string;
}

export interface EndpointFigures {
  readonly endpoint: string;
  readonly deliveries: number;
  readonly failures: number;
  /** Bytes of journals that it has not been through. */
  readonly lagBytes: number;
  readonly deadLetters: number;
}

/** Part of each pause that is random. */
const JITTER = 0.5;
/** Cursors over changes that are not the endpoint's are written down after so much of the journal: 1 MiB. */
const IDLE_UNITS_MAX = 65_536;
const LSN_UNIT_BYTES = 16;
const NOTES_MAX = 100;
const ERROR_PAUSE_MS = 1000;

interface Runner {
  readonly endpoint: StoredEndpoint;
  readonly abort: AbortController;
  readonly poster: Poster;
  readonly cursors: number[];
  done: Promise<unknown>;
  deliveries: number;
  failures: number;
}

export class Dispatcher {
  readonly #store: WebhookStore;
  readonly #streams: readonly JournalChanges[];
  readonly #settings: DispatcherSettings;
  readonly #runners = new Map<string, Runner>();
  readonly #abort = new AbortController();
  #notes: DispatcherNote[] = [];
  #watching: Promise<void> = Promise.resolve();

  /** @param streams one for each partition, in order */
  constructor(store: WebhookStore, streams: readonly JournalChanges[], settings: DispatcherSettings) {
    this.#store = store;
    this.#streams = streams;
    this.#settings = settings;
  }

  start(): void {
    this.#store.prune();
    this.#watching = this.#watch();
  }

  /** Ends what is under way: it is repeated after the next start. Resolves when nothing runs any more. */
  async stop(): Promise<void> {
    this.#abort.abort();
    await this.#watching;
    await Promise.all([...this.#runners.values()].map((runner) => this.#end(runner)));
  }

  figures(): EndpointFigures[] {
    const ends = this.#streams.map((stream) => stream.end());
    return [...this.#runners.values()].map(({ endpoint, deliveries, failures, cursors }) => ({
      endpoint: endpoint.id,
      deliveries,
      failures,
      lagBytes: LSN_UNIT_BYTES * ends.reduce((sum, end, at) => sum + Math.max(0, end - (cursors[at] ?? 0)), 0),
      deadLetters: this.#store.deadCount(endpoint.id),
    }));
  }

  /** What happened since the last call; bounded. */
  notes(): DispatcherNote[] {
    const notes = this.#notes;
    this.#notes = [];
    return notes;
  }

  /** Starts and ends runners as endpoints come and go, and sends dead letters again that somebody asked for. */
  async #watch(): Promise<void> {
    while (!this.#abort.signal.aborted) {
      const endpoints = this.#store.endpoints();
      for (const runner of this.#runners.values()) {
        if (!endpoints.some(({ id }) => id === runner.endpoint.id)) void this.#end(runner);
      }
      for (const endpoint of endpoints) if (!this.#runners.has(endpoint.id)) this.#begin(endpoint);
      await sleep(this.#settings.endpointsMs, this.#abort.signal);
    }
  }

  #begin(endpoint: StoredEndpoint): void {
    const { timeoutMs, userAgent, nowMs } = this.#settings;
    const abort = new AbortController();
    const runner: Runner = {
      endpoint,
      abort,
      poster: new Poster({ timeoutMs, userAgent, nowMs }),
      cursors: this.#streams.map(({ partition }) => this.#store.state(endpoint.id, partition).cursor),
      deliveries: 0,
      failures: 0,
      done: Promise.resolve(),
    };
    const loops = [...this.#streams.map((stream) => this.#deliver(runner, stream)), this.#resend(runner)];
    runner.done = Promise.all(loops);
    this.#runners.set(endpoint.id, runner);
  }

  async #end(runner: Runner): Promise<void> {
    this.#runners.delete(runner.endpoint.id);
    runner.abort.abort();
    await runner.done;
    runner.poster.close();
  }

  /** The loop of an endpoint in one partition. */
  async #deliver(runner: Runner, stream: JournalChanges): Promise<void> {
    const { signal } = runner.abort;
    const { partition } = stream;
    let state = this.#resumed(runner, stream);
    // Loops begin one by one, not all in the turn in which the switch starts.
    await sleep(0, signal);
    while (!signal.aborted) {
      try {
        state = await this.#step(runner, stream, state);
      } catch (error) {
        this.#note(runner, partition, 'error', state.attempts, error instanceof Error ? error.message : String(error));
        await sleep(ERROR_PAUSE_MS, signal);
        state = this.#resumed(runner, stream);
      }
      runner.cursors[partition] = state.cursor;
    }
  }

  /** How far the endpoint is. In a directory that was restored it may be ahead of the journal: then it goes on at the end. */
  #resumed(runner: Runner, stream: JournalChanges): DeliveryState {
    const state = this.#store.state(runner.endpoint.id, stream.partition);
    const end = stream.end();
    if (state.cursor <= end && (state.until ?? 0) <= end) return state;
    const cursor = Math.min(state.cursor, end);
    this.#note(
      runner,
      stream.partition,
      'error',
      state.attempts,
      `the journal ends before ${state.until ?? state.cursor}`,
    );
    return { cursor, attempts: 0, nextAtMs: 0 };
  }

  /** Waits, or delivers a page. Returns how far the endpoint is now. */
  async #step(runner: Runner, stream: JournalChanges, state: DeliveryState): Promise<DeliveryState> {
    const { pollMs, nowMs } = this.#settings;
    const { signal } = runner.abort;
    const { partition } = stream;
    const { id: endpoint } = runner.endpoint;
    const waitMs = state.nextAtMs - nowMs();
    // A clock that was set back must not hold an endpoint for longer than the longest pause.
    if (waitMs > 0) {
      await sleep(Math.min(waitMs, this.#settings.backoffMsMax), signal);
      return signal.aborted || state.nextAtMs <= nowMs() ? state : { ...state, nextAtMs: 0 };
    }
    const page = await this.#page(runner, stream, state.cursor, state.until);
    if (page.changes.length === 0) {
      if (page.atEnd) await sleep(pollMs, signal);
      else await sleep(0, signal);
      return this.#passedOver(endpoint, partition, state, page.nextCursor);
    }
    let claimed = state;
    if (state.until === undefined) {
      claimed = { ...state, until: page.nextCursor };
      await this.#store.putState(endpoint, partition, claimed);
    }
    const until = page.nextCursor;
    const id = idOf(endpoint, partition, state.cursor, until);
    const body: WebhookBody = { type: 'changes', partition, changes: page.changes };
    const error = await this.#post(runner, id, body);
    if (signal.aborted && error !== undefined) return claimed;
    if (error !== undefined) return this.#failed(runner, partition, { ...claimed, until }, error);
    const next: DeliveryState = { cursor: until, attempts: 0, nextAtMs: 0 };
    await this.#store.putState(endpoint, partition, next);
    return next;
  }

  /** Moves over what is not the endpoint's, and writes that down from time to time only. */
  async #passedOver(endpoint: string, partition: number, state: DeliveryState, cursor: number): Promise<DeliveryState> {
    if (cursor === state.cursor) return state;
    const next: DeliveryState = { cursor, attempts: 0, nextAtMs: 0 };
    const durable = this.#store.state(endpoint, partition).cursor;
    if (cursor - durable > IDLE_UNITS_MAX) await this.#store.putState(endpoint, partition, next);
    return next;
  }

  async #failed(
    runner: Runner,
    partition: number,
    state: DeliveryState & { readonly until: number },
    error: string,
  ): Promise<DeliveryState> {
    const { id: endpoint, attemptsMax } = runner.endpoint;
    const { nowMs } = this.#settings;
    const attempts = state.attempts + 1;
    const { cursor, until } = state;
    if (attempts >= attemptsMax) {
      const id = idOf(endpoint, partition, cursor, until);
      const letter: DeadLetter = {
        id,
        endpoint,
        partition,
        cursor,
        until,
        attempts,
        error,
        atMs: nowMs(),
        retry: false,
      };
      const isBuried = await this.#store.bury(letter);
      const event = isBuried ? 'delivery given up' : 'endpoint held: its dead-letter list is full';
      this.#note(runner, partition, event, attempts, error);
      if (isBuried) return { cursor: until, attempts: 0, nextAtMs: 0 };
    } else {
      this.#note(runner, partition, 'delivery failed', attempts, error);
    }
    const next: DeliveryState = { cursor, until, attempts, nextAtMs: nowMs() + this.#backoffMs(attempts), error };
    await this.#store.putState(endpoint, partition, next);
    return next;
  }

  /** Sends again what somebody asked for, one after another, each once. */
  async #resend(runner: Runner): Promise<void> {
    const { signal } = runner.abort;
    while (!signal.aborted) {
      await sleep(this.#settings.endpointsMs, signal);
      for (const letter of this.#store.dead(runner.endpoint.id)) {
        if (signal.aborted) return;
        if (letter.retry) await this.#resendOne(runner, letter);
      }
    }
  }

  async #resendOne(runner: Runner, letter: DeadLetter): Promise<void> {
    const { partition, cursor, until, id, attempts } = letter;
    try {
      const stream = this.#streams[partition];
      if (stream === undefined) throw new Error(`there is no partition ${partition}`);
      const { changes } = await this.#page(runner, stream, cursor, until);
      const error = await this.#post(runner, id, { type: 'changes', partition, changes });
      if (runner.abort.signal.aborted && error !== undefined) return;
      if (error !== undefined) this.#note(runner, partition, 'delivery failed', attempts + 1, error);
      await this.#store.settle(letter, error, this.#settings.nowMs());
    } catch (error) {
      this.#note(runner, partition, 'error', attempts, error instanceof Error ? error.message : String(error));
    }
  }

  #page(runner: Runner, stream: JournalChanges, cursor: number, until: number | undefined) {
    const { institution, types } = runner.endpoint;
    return stream.read({
      institution,
      cursor,
      countMax: this.#settings.changesMax,
      bytesMax: this.#settings.bytesMax,
      ...(types.length === 0 ? {} : { types }),
      ...(until === undefined ? {} : { until }),
    });
  }

  async #post(runner: Runner, id: string, body: WebhookBody): Promise<string | undefined> {
    const { url, secret } = runner.endpoint;
    const error = await runner.poster.post({ url, secret, id, body: JSON.stringify(body) }, runner.abort.signal);
    if (error === undefined) runner.deliveries++;
    else runner.failures++;
    return error;
  }

  #backoffMs(attempts: number): number {
    const { backoffMsMin, backoffMsMax, random } = this.#settings;
    return Math.min(backoffMsMax, backoffMsMin * 2 ** (attempts - 1)) * (1 - JITTER * random());
  }

  #note(runner: Runner, partition: number, event: DispatcherNote['event'], attempts: number, reason: string): void {
    if (this.#notes.length >= NOTES_MAX) return;
    this.#notes.push({ event, endpoint: runner.endpoint.id, partition, attempts, reason });
  }
}

/** The same for the same changes, whoever asks. */
function idOf(endpoint: string, partition: number, cursor: number, until: number): string {
  return `msg_${endpoint.slice(3)}_${partition}_${cursor}_${until}`;
}

/** Resolves after a time, or as soon as the signal says so. */
async function sleep(milliseconds: number, signal: AbortSignal): Promise<void> {
  await pause(milliseconds, undefined, { signal }).catch(() => undefined);
}
