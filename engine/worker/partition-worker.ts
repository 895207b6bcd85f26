/**
 * The Piscina worker file of a partition's thread. The pool has this one thread, so what is kept here is the partition's own;
 * tasks arrive in order and overlap only while they wait for a flush.
 */
import type { CheckpointRequest, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import type { BatchBounds } from './batch.ts';
import { Batch } from './batch.ts';
import type { OpenOptions, RecoveryReport } from './open.ts';
import { openPartition } from './open.ts';
import type { BatchResult, Partition, PartitionFigures } from './partition.ts';

export type PartitionTask =
  | {
      readonly type: 'open';
      readonly options: OpenOptions;
      readonly buffers: readonly SharedArrayBuffer[];
      readonly bounds: BatchBounds;
    }
  | { readonly type: 'batch'; readonly slot: number; readonly timestamp: number }
  | { readonly type: 'install'; readonly written: CheckpointWritten }
  | { readonly type: 'close' };

export type PartitionAnswer = PartitionOpened | BatchResult | CheckpointRequest | undefined;

export interface PartitionOpened {
  readonly report: RecoveryReport;
  readonly figures: PartitionFigures;
}

let partition: Partition | undefined;
let batches: readonly Batch[] = [];

function opened(): Partition {
  if (partition === undefined) throw new Error('the partition is not open');
  return partition;
}

/** Runs one task; Piscina calls it. */
export default async function task(work: PartitionTask): Promise<PartitionAnswer> {
  switch (work.type) {
    case 'batch': {
      const batch = batches[work.slot];
      if (batch === undefined) throw new Error(`no batch slot ${work.slot}`);
      return opened().run(batch, work.timestamp);
    }
    case 'open': {
      batches = work.buffers.map((buffer) => new Batch(buffer, work.bounds));
      const { partition: made, report } = await openPartition(work.options);
      partition = made;
      return { report, figures: made.figures };
    }
    case 'install':
      return opened().install(work.written);
    case 'close':
      await opened().close();
      partition = undefined;
      return undefined;
  }
}
