/** The worker file of the background pool: long work that is neither the transports' nor a partition's. */
import {
  type CheckpointRequest,
  CheckpointStore,
  type CheckpointStoreOptions,
  type CheckpointWritten,
} from '../storage/checkpoint/checkpoint-store.ts';

/** Writes a checkpoint of a partition, with the index segments that are due. */
export interface CheckpointJob {
  readonly type: 'checkpoint';
  readonly store: CheckpointStoreOptions;
  readonly request: CheckpointRequest;
}

export type BackgroundJob = CheckpointJob;

/** Runs one job; Piscina calls it. Its thread is busy until the job is done. */
export default async function task(job: BackgroundJob): Promise<CheckpointWritten> {
  const store = new CheckpointStore({ ...job.store, cachePages: 1 });
  try {
    return store.write(job.request);
  } finally {
    await store.close();
  }
}
