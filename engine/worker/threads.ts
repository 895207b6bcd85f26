/**
 * The threads of the engine: for each partition a Piscina pool of one pinned thread, and one ordinary pool for heavy work that
 * is neither transport nor decision.
 */
import { Piscina } from 'piscina';
import type { CheckpointRequest, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import type { BackgroundJob } from './background.ts';
import type { BatchBounds } from './batch.ts';
import type { OpenOptions } from './open.ts';
import type { BatchResult } from './partition.ts';
import type { PartitionAnswer, PartitionOpened, PartitionTask } from './partition-worker.ts';

/** More than the batches under way, so that the news of a checkpoint always gets through to a partition that waits for it. */
const TASKS_PER_THREAD = 12;

/** One partition's thread. */
export class PartitionThread {
  readonly #pool: Piscina<PartitionTask, PartitionAnswer>;

  constructor() {
    this.#pool = new Piscina({
      filename: new URL('./partition-worker.js', import.meta.url).href,
      minThreads: 1,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      concurrentTasksPerWorker: TASKS_PER_THREAD,
      maxQueue: 16,
      // A worker that sleeps on Atomics.wait between tasks would not hear that a flush is done.
      atomics: 'disabled',
      closeTimeout: 10_000,
    });
  }

  /** Opens the partition; `buffers` are the batches that `run` names by their place. Rejects when it cannot be recovered. */
  async open(
    options: OpenOptions,
    buffers: readonly SharedArrayBuffer[],
    bounds: BatchBounds,
  ): Promise<PartitionOpened> {
    return (await this.#pool.run({ type: 'open', options, buffers, bounds })) as PartitionOpened;
  }

  run(slot: number, timestamp: number): Promise<BatchResult> {
    return this.#pool.run({ type: 'batch', slot, timestamp }) as Promise<BatchResult>;
  }

  /** Resolves to the next checkpoint when that is due at once. */
  install(written: CheckpointWritten): Promise<CheckpointRequest | undefined> {
    return this.#pool.run({ type: 'install', written }) as Promise<CheckpointRequest | undefined>;
  }

  /** Closes the partition by message, then ends the thread: a thread that is terminated inside LMDB would hang the process. */
  async close(): Promise<void> {
    await this.#pool.run({ type: 'close' });
    await this.#pool.destroy();
  }
}

/** The pool for checkpoints and merges. */
export class BackgroundThreads {
  readonly #pool: Piscina<BackgroundJob, CheckpointWritten | boolean>;
  /** Partitions whose housekeeping is under way. */
  readonly #kept = new Set<string>();
  #closing = false;

  constructor() {
    this.#pool = new Piscina({
      filename: new URL('./background.js', import.meta.url).href,
      minThreads: 0,
      maxThreads: 1,
      idleTimeout: Number.POSITIVE_INFINITY,
      maxQueue: 256,
      atomics: 'disabled',
    });
  }

  /** Writes a checkpoint of the partition whose index environment is at `path`. Merges follow it, a step at a time. */
  async checkpoint(path: string, hashSeed: number, request: CheckpointRequest): Promise<CheckpointWritten> {
    const job = { type: 'checkpoint', store: { path, hashSeed }, request } as const;
    return (await this.#pool.run(job)) as CheckpointWritten;
  }

  /**
   * Merges and removes what is due since a partition's last checkpoint. Checkpoints that come meanwhile go in between. Resolves
   * when nothing is left, at once when it is under way already. Rejects when the index cannot be written.
   */
  async housekeeping(path: string): Promise<void> {
    if (this.#kept.has(path)) return;
    this.#kept.add(path);
    try {
      while (!this.#closing && (await this.#pool.run({ type: 'housekeeping', path })) === true);
    } finally {
      this.#kept.delete(path);
    }
  }

  /** Waits for what is being written, and ends the threads. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#pool.threads.length > 0) await this.#pool.run({ type: 'end' });
    await this.#pool.close();
  }
}
