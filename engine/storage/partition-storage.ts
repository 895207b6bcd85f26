/** The two stores of a partition, where they are not the LMDB environments in its folders. */
import type { BatchStorage } from '../journal/batch-store.ts';
import type { IndexEnvironment } from './checkpoint/environment.ts';

export interface PartitionStorage {
  readonly batches: BatchStorage;
  readonly index: IndexEnvironment;
}
