/** The thread that reads change streams: a Piscina pool of one, started when somebody first reads. */
import { Piscina } from 'piscina';
import type { ChangesPage, ChangesRequest } from '../gateway.ts';
import type { StreamOptions, StreamTask } from './stream-worker.ts';

/** Reads that may wait for the thread; more than the readers that there may be at once. */
const QUEUE_MAX = 65_536;

export class StreamThread {
  readonly #options: StreamOptions;
  #pool: Piscina<StreamTask, ChangesPage | undefined> | undefined;

  constructor(options: StreamOptions) {
    this.#options = options;
  }

  async read(request: Omit<ChangesRequest, 'waitMs'>): Promise<ChangesPage> {
    this.#pool ??= new Piscina({
      filename: new URL('./stream-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: QUEUE_MAX,
      atomics: 'disabled',
      closeTimeout: 10_000,
    });
    const answer = await this.#pool.run({ type: 'read', options: this.#options, request });
    if (answer === undefined) throw new Error('the reader of change streams gave no answer');
    return answer;
  }

  /** Closes the journals by message, then ends the thread: one that is terminated inside LMDB would hang the process. */
  async close(): Promise<void> {
    const pool = this.#pool;
    this.#pool = undefined;
    if (pool === undefined) return;
    await pool.run({ type: 'close' });
    await pool.destroy();
  }
}
