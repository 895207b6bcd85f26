/** What happens around a lane besides payments: figures to the metrics, checkpoints to the background, failures to the top. */
import type { Logger } from 'pino';
import { commandOfKind } from '../../protocol/commands.ts';
import type { Health } from '../observe/health.ts';
import type { SwitchMetrics } from '../observe/metrics.ts';
import type { CheckpointRequest, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import type { BatchResult } from '../worker/partition.ts';
import type { BackgroundThreads, PartitionThread } from '../worker/threads.ts';
import type { LaneObserver } from './lane.ts';

const NS_PER_MS = 1e6;
const LSN_UNIT_BYTES = 16;

export interface ObserverParts {
  readonly metrics: SwitchMetrics;
  readonly health: Health;
  readonly log: Logger;
  readonly background: BackgroundThreads;
  readonly hashSeed: number;
  /** Called when a batch is durable, with where the journal ends. */
  readonly advanced: (partition: number, nextLsn: number) => void;
  /** Called when a partition cannot go on. */
  readonly fail: (error: unknown) => void;
}

export class LaneObservers {
  readonly #parts: ObserverParts;
  readonly #checkpoints = new Set<Promise<void>>();
  #stopping = false;

  constructor(parts: ObserverParts) {
    this.#parts = parts;
  }

  /** Begins no checkpoint any more, and resolves when those under way are written and installed. */
  async stop(): Promise<void> {
    this.#stopping = true;
    await Promise.all(this.#checkpoints);
  }

  forPartition(partition: number, thread: PartitionThread, indexPath: string): LaneObserver {
    const { metrics, health, log, fail, advanced } = this.#parts;
    const failed = (error: unknown): void => {
      log.fatal({ partition, err: error }, 'the partition cannot go on');
      health.journalFailed(error instanceof Error ? error.message : String(error));
      fail(error);
    };
    return {
      batchDone: (result, batch) => {
        metrics.batchDone({
          partition,
          records: batch.records,
          bytes: batch.inputBytes,
          decisionNs: result.decisionMs * NS_PER_MS,
          flushNs: result.flushMs * NS_PER_MS,
          waitNs: batch.waitMs * NS_PER_MS,
        });
        this.#figures(partition, result);
        advanced(partition, result.figures.nextLsn);
        if (result.checkpoint === undefined || this.#stopping) return;
        const written = this.#checkpoint(partition, thread, indexPath, result.checkpoint, failed).catch(failed);
        this.#checkpoints.add(written);
        void written.finally(() => this.#checkpoints.delete(written));
      },
      queueDepth: (batches) => metrics.queueDepth(partition, batches),
      failed,
    };
  }

  #figures(partition: number, { outcomes, figures }: BatchResult): void {
    const { metrics } = this.#parts;
    for (const [kind, code, count] of outcomes) {
      const command = commandOfKind(kind);
      if (command !== undefined) metrics.outcome(command, code, count);
    }
    const { accounts, holds, crossings, clearing, nextLsn, indexEntries, indexPageReads, riskFeatures, outbox } =
      figures;
    metrics.partitionFigures(partition, {
      accounts,
      openHolds: holds,
      crossings,
      clearing,
      journalBytes: nextLsn * LSN_UNIT_BYTES,
      indexEntries,
      indexPageReads,
      riskFeatures,
      outbox,
    });
  }

  /** Merges beside the batches; an index that cannot be written would fail at the next checkpoint as well. */
  #keepHouse(indexPath: string, failed: (error: unknown) => void): void {
    if (!this.#stopping) void this.#parts.background.housekeeping(indexPath).catch(failed);
  }

  async #checkpoint(
    partition: number,
    thread: PartitionThread,
    indexPath: string,
    first: CheckpointRequest,
    failed: (error: unknown) => void,
  ): Promise<void> {
    const { background, hashSeed, metrics, log } = this.#parts;
    let request: CheckpointRequest | undefined = first;
    while (request !== undefined) {
      const { lsn } = request;
      const started = performance.now();
      const written: CheckpointWritten = await background.checkpoint(indexPath, hashSeed, request);
      for (const finding of written.damage) log.error({ partition, finding }, 'damage found while merging');
      request = await thread.install(written);
      this.#keepHouse(indexPath, failed);
      const seconds = (performance.now() - started) / 1000;
      metrics.checkpointDone(seconds);
      log.debug({ partition, lsn, seconds }, 'checkpoint written');
    }
  }
}
