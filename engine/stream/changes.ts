/**
 * Who reads change streams, on the transport's thread: at most so many at once, each a page under way in the stream thread or
 * parked until its partition has something new.
 *
 *   read ─▶ stream thread ─┬─ changes, or no time left ─▶ answer
 *              ▲           └─ nothing ─▶ parked ─┬─ time is up ─▶ answer: nothing
 *              └────────── a batch is durable ◀──┘
 */
import { Code } from '../../protocol/results.ts';
import type { ChangeReader, ChangesPage, ChangesRequest } from '../gateway.ts';

export interface ChangesSettings {
  /** Reads a page in another thread. */
  readonly readPage: (request: Omit<ChangesRequest, 'waitMs'>) => Promise<ChangesPage>;
  /** Where each partition's journal ends. */
  readonly ends: readonly number[];
  /** Requests at once, over all transports. */
  readonly readersMax?: number;
  /** Gets what can only be a bug or a broken disk; the reader gets `internalError`. */
  readonly onError: (error: unknown) => void;
}

const READERS_MAX = 4096;
/** A reader for whom nothing was in the last batches does not look again sooner: foreign traffic costs it little. */
const LOOK_AGAIN_MS = 5;

function refused(code: number): ChangesPage {
  return { code, body: new Uint8Array(0), count: 0, nextCursor: 0 };
}

interface Waiting {
  readonly request: ChangesRequest;
  readonly answer: (page: ChangesPage) => void;
  /** performance.now() */
  readonly deadline: number;
  cursor: number | 'now';
  /** The last page, with nothing in it: the answer when the time is up. */
  last: ChangesPage;
  timer: NodeJS.Timeout | undefined;
  isDone: boolean;
}

export class Changes implements ChangeReader {
  readonly #settings: ChangesSettings;
  readonly #readersMax: number;
  readonly #ends: number[];
  readonly #parked: readonly Set<Waiting>[];
  readonly #readers = new Set<Waiting>();
  #isClosed = false;

  constructor(settings: ChangesSettings) {
    this.#settings = settings;
    this.#readersMax = settings.readersMax ?? READERS_MAX;
    this.#ends = [...settings.ends];
    this.#parked = settings.ends.map(() => new Set<Waiting>());
  }

  /** Requests without an answer. */
  get readers(): number {
    return this.#readers.size;
  }

  read(request: ChangesRequest, answer: (page: ChangesPage) => void): () => void {
    const waiting: Waiting = {
      request,
      answer,
      deadline: performance.now() + request.waitMs,
      cursor: request.cursor,
      last: refused(Code.shuttingDown),
      timer: undefined,
      isDone: false,
    };
    const code = this.#whyNot();
    this.#readers.add(waiting);
    if (code === Code.ok) this.#look(waiting);
    else queueMicrotask(() => this.#finish(waiting, refused(code)));
    return () => this.#end(waiting);
  }

  /** A batch of a partition is durable; its journal ends at `end` or will soon. */
  advanced(partition: number, end: number): void {
    this.#ends[partition] = end;
    const parked = this.#parked[partition];
    if (parked === undefined || parked.size === 0) return;
    for (const waiting of [...parked]) {
      if (waiting.cursor !== 'now' && waiting.cursor >= end) continue;
      parked.delete(waiting);
      clearTimeout(waiting.timer);
      this.#look(waiting);
    }
  }

  /** Answers all who wait with what they have, and takes nobody any more. */
  close(): void {
    this.#isClosed = true;
    for (const waiting of [...this.#readers]) this.#finish(waiting, waiting.last);
  }

  #whyNot(): number {
    if (this.#isClosed) return Code.shuttingDown;
    return this.#readers.size >= this.#readersMax ? Code.tooManyReaders : Code.ok;
  }

  #look(waiting: Waiting): void {
    const { waitMs: _, ...request } = waiting.request;
    this.#settings.readPage({ ...request, cursor: waiting.cursor }).then(
      (page) => this.#looked(waiting, page),
      (error: unknown) => {
        if (waiting.isDone) return;
        this.#settings.onError(error);
        this.#finish(waiting, refused(Code.internalError));
      },
    );
  }

  #looked(waiting: Waiting, page: ChangesPage): void {
    if (waiting.isDone) return;
    const leftMs = waiting.deadline - performance.now();
    waiting.last = page;
    if (page.code !== Code.ok || page.count > 0 || leftMs <= 0) return this.#finish(waiting, waiting.last);
    waiting.cursor = page.nextCursor;
    const { partition } = waiting.request;
    if (page.nextCursor < (this.#ends[partition] ?? 0)) {
      waiting.timer = setTimeout(() => this.#look(waiting), Math.min(LOOK_AGAIN_MS, leftMs));
      return;
    }
    waiting.timer = setTimeout(() => this.#finish(waiting, waiting.last), leftMs);
    this.#parked[partition]?.add(waiting);
  }

  #finish(waiting: Waiting, page: ChangesPage): void {
    if (waiting.isDone) return;
    this.#end(waiting);
    waiting.answer(page);
  }

  #end(waiting: Waiting): void {
    waiting.isDone = true;
    clearTimeout(waiting.timer);
    this.#parked[waiting.request.partition]?.delete(waiting);
    this.#readers.delete(waiting);
  }
}
