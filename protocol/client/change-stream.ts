/** The change stream of a partition as an async iterator: page after page, waiting at the end for what comes. */
import type { ReadChangesBody } from '../bodies.ts';
import type { Change } from '../changes.ts';
import type { ChangesResult } from '../codecs/rich-codec.ts';
import { resultSpec } from '../results.ts';
import { RequestTimeoutError } from './client-error.ts';

export interface ChangesOptions {
  /** 0 when left out. */
  readonly partition?: number;
  /** A cursor (that of a change, or `stream.cursor`), 'start', or 'now': only what comes from here on. 'start' when left out. */
  readonly from?: number | 'start' | 'now';
  /** Changes asked for at once. 500 when left out. */
  readonly pageMax?: number;
  /** Go on for ever and wait for news; else the stream ends at what is durable now. On when left out. */
  readonly follow?: boolean;
}

/** The stream cannot go on: the server says that there is no such partition or cursor. */
export class ChangeStreamError extends Error {
  override readonly name = 'ChangeStreamError';
  readonly code: number;

  constructor(code: number) {
    super(`${resultSpec(code).en} (${code})`);
    this.code = code;
  }
}

type ReadPage = (body: ReadChangesBody) => Promise<ChangesResult>;

const PAGE_MAX = 500;

/**
 * Every change once and in order, also over connections that break: what was asked last is asked again from the same cursor.
 * Ends when `stop` is called or the loop is left. Errors are those of the client's calls; a new stream from `cursor` goes on
 * without a gap. Not for two loops at once.
 */
export class ChangeStream implements AsyncIterableIterator<Change> {
  readonly #read: ReadPage;
  readonly #partition: number;
  readonly #limit: number;
  readonly #waitMs: number;
  #cursor: number | 'now';
  /** Where the page ends that is handed out. */
  #pageEnd: number | 'now';
  #page: readonly Change[] = [];
  #at = 0;
  #atEnd = false;
  #isStopped = false;
  #stop: () => void = () => undefined;
  readonly #stopped: Promise<void>;

  /** @param waitMs how long the server is to wait for news; with `follow` */
  constructor(read: ReadPage, options: ChangesOptions, waitMs: number) {
    const { partition = 0, from = 'start', pageMax = PAGE_MAX, follow = true } = options;
    this.#read = read;
    this.#partition = partition;
    this.#limit = pageMax;
    this.#waitMs = follow ? waitMs : 0;
    this.#cursor = from === 'start' ? 0 : from;
    this.#pageEnd = this.#cursor;
    this.#stopped = new Promise((resolve) => {
      this.#stop = resolve;
    });
  }

  /** Where a new stream goes on after what this one has given; 'now' as long as it does not know. */
  get cursor(): number | 'now' {
    return this.#cursor;
  }

  async next(): Promise<IteratorResult<Change, undefined>> {
    while (!this.#isStopped) {
      const change = this.#page[this.#at];
      if (change !== undefined) {
        this.#at++;
        this.#cursor = change.cursor;
        return { done: false, value: change };
      }
      this.#cursor = this.#pageEnd;
      if (this.#waitMs === 0 && this.#atEnd) break;
      await this.#turn();
    }
    return { done: true, value: undefined };
  }

  /** Ends the stream at once; a `next` that waits resolves to the end. */
  stop(): void {
    this.#isStopped = true;
    this.#stop();
  }

  /** Called when a loop is left. */
  return(): Promise<IteratorResult<Change, undefined>> {
    this.stop();
    return Promise.resolve({ done: true, value: undefined });
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  async #turn(): Promise<void> {
    const reading = this.#read({
      partition: this.#partition,
      cursor: this.#cursor,
      limit: this.#limit,
      waitMs: this.#waitMs,
    }).catch((error: unknown) => {
      // A page that came too late is asked for again: reading changes nothing.
      if (error instanceof RequestTimeoutError) return undefined;
      throw error;
    });
    const page = await Promise.race([reading, this.#stopped]);
    if (this.#isStopped) {
      reading.catch(() => undefined);
      return;
    }
    if (page === undefined) return;
    if (page.code !== 0) throw new ChangeStreamError(page.code);
    this.#page = page.changes;
    this.#at = 0;
    this.#pageEnd = page.nextCursor;
    this.#atEnd = page.atEnd;
  }
}
