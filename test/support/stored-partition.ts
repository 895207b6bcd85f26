/** A partition over real LMDB, with a background that writes its checkpoints when it is told to. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { CheckpointRequest } from '../../engine/storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../../engine/storage/checkpoint/checkpoint-store.ts';
import { type Opened, type OpenOptions, openPartition } from '../../engine/worker/open.ts';
import { STATE } from './memory-partition.ts';

export function storedOptions(folder: string, options: Partial<OpenOptions> = {}): OpenOptions {
  const journalPath = join(folder, 'journal');
  const indexPath = join(folder, 'index');
  for (const path of [journalPath, indexPath]) mkdirSync(path, { recursive: true });
  return {
    ...STATE,
    journalPath,
    indexPath,
    recordsMax: 64,
    memtableBound: 1100,
    filterBytesMax: 1024 * 1024,
    journalBytesMax: 1024 * 1024,
    checkpointEveryBytes: 64 * 1024,
    ...options,
  };
}

export function openStored(options: OpenOptions): Promise<Opened> {
  return openPartition(options);
}

/** What the background thread does with a request. */
export async function writeCheckpoint(options: OpenOptions, opened: Opened, request: CheckpointRequest): Promise<void> {
  const store = new CheckpointStore({ path: options.indexPath, hashSeed: options.hashSeed, cachePages: 1 });
  try {
    let next: CheckpointRequest | undefined = request;
    while (next !== undefined) next = await opened.partition.install(store.write(next));
  } finally {
    await store.close();
  }
}
