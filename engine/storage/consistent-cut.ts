/**
 * One moment for all partitions of a backup. Each environment is copied as of a moment of its own, and money may have gone from one
 * partition to another in between: it would be in both copies, or in none.
 *
 * A partition sends what its journal has made durable, and the other one's batch that takes it has a later timestamp, by the same
 * clock. So all batches up to one timestamp, in every partition, are a state that was: whatever one of them has received, another
 * has sent. The timestamp is taken before the first copy; what the copies have beyond it is removed.
 */
import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { BatchStore } from '../journal/batch-store.ts';
import { LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { LmdbJournal } from '../journal/journal.ts';
import { openIndexEnvironment } from './checkpoint/environment.ts';
import type { DataDirectory, PartitionPaths } from './directory.ts';

/** Timestamp (µs) of the newest batch of all partitions; 0 when there is none. */
export async function newestTimestamp({ partitions }: DataDirectory): Promise<number> {
  let newest = 0;
  for (const [partition, { journal: path }] of partitions.entries()) {
    if (!existsSync(join(path, 'data.mdb'))) continue;
    const journal = await LmdbJournal.open({ path, partition, readOnly: true });
    newest = Math.max(newest, journal.lastTimestamp);
    await journal.close();
  }
  return newest;
}

/** Removes the batches of a copied partition that are later than `timestamp`, and the checkpoints that rest on them. */
export async function cutOff({ journal, index }: PartitionPaths, timestamp: number): Promise<void> {
  if (!existsSync(join(journal, 'data.mdb'))) return;
  const store = BatchStore.open(journal, false);
  let end = 0;
  try {
    for (let last = store.last(); last !== undefined; last = store.last()) {
      const bytes = store.get(last)?.bytes;
      if (bytes === undefined) throw new Error(`the batch at ${last} is gone`);
      const header = readBatchHeader(bytes);
      end = last + header.length / LSN_UNIT_BYTES;
      if (header.timestamp <= timestamp) break;
      store.removeLast(last);
      end = last;
    }
  } finally {
    await store.close();
  }
  rmSync(join(journal, 'lock.mdb'), { force: true });
  if (!existsSync(join(index, 'data.mdb'))) return;
  const environment = openIndexEnvironment(index);
  try {
    const later = [...environment.manifests.getKeys()].filter(([, lsn = 0]) => lsn > end);
    environment.transaction(() => {
      for (const key of later) environment.manifests.removeSync(key);
    });
  } finally {
    await environment.close();
  }
  rmSync(join(index, 'lock.mdb'), { force: true });
}
