/**
 * The worker file of the background pool: long work that is neither the transports' nor a partition's. The pool has one thread;
 * what is kept here is its own.
 */
import {
  type CheckpointRequest,
  CheckpointStore,
  type CheckpointStoreOptions,
  type CheckpointWritten,
} from '../storage/checkpoint/checkpoint-store.ts';

/** Writes a checkpoint of a partition, without the merges that are due. */
export interface CheckpointJob {
  readonly type: 'checkpoint';
  readonly store: CheckpointStoreOptions;
  readonly request: CheckpointRequest;
}

/**
 * Does a short piece of merging and removing for a partition whose checkpoint was written; answers whether there is more. Short,
 * so that the next checkpoint, for which batches may be waiting, has its turn soon.
 */
export interface HousekeepingJob {
  readonly type: 'housekeeping';
  readonly path: string;
}

/** Closes what is open, before the thread ends. */
export interface EndJob {
  readonly type: 'end';
}

export type BackgroundJob = CheckpointJob | HousekeepingJob | EndJob;

/** By path. A store that is forgotten with its thread loses unfinished merges only. */
const stores = new Map<string, CheckpointStore>();

/** Runs one job; Piscina calls it. Its thread is busy until the job is done. */
export default async function task(job: BackgroundJob): Promise<CheckpointWritten | boolean> {
  switch (job.type) {
    case 'checkpoint':
      return storeOf(job.store).write(job.request);
    case 'housekeeping':
      return stores.get(job.path)?.step() ?? false;
    case 'end':
      await Promise.all([...stores.values()].map((store) => store.close()));
      stores.clear();
      return false;
  }
}

function storeOf(options: CheckpointStoreOptions): CheckpointStore {
  const known = stores.get(options.path);
  if (known !== undefined) return known;
  const store = new CheckpointStore({ ...options, cachePages: 1, inSteps: true });
  stores.set(options.path, store);
  return store;
}
