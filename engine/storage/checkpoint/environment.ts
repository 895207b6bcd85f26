/** The LMDB environment of a partition's indexes and checkpoints. */
import { type Database, open } from 'lmdb';

/** One database: what of lmdb-js is used of it. */
export interface IndexTable<K> {
  getBinary(key: K): Buffer | undefined;
  /** The view is good until the next read. */
  getBinaryFast(key: K): Buffer | undefined;
  putSync(key: K, bytes: Uint8Array): unknown;
  removeSync(key: K): unknown;
  /** From `start` up to, not including, `end`; all when there is no range. */
  getKeys(range?: { readonly start?: K; readonly end?: K; readonly limit?: number }): Iterable<K>;
}

/** The databases in it. All values are binary and carry a checksum. */
export interface IndexEnvironment {
  /** Pages of segments; key: `pageKey`. */
  readonly pages: IndexTable<number>;
  /** Chunks of state sections; key: [id of the checkpoint that they were written for, section, chunk]. */
  readonly sections: IndexTable<number[]>;
  /** Manifests; key: [checkpoint id, LSN]. */
  readonly manifests: IndexTable<number[]>;
  /** Runs `write` in one durable transaction. */
  transaction(write: () => void): void;
  /** Lets reads see what other threads have committed. */
  refresh(): void;
  close(): Promise<void>;
}

/** The same with all that lmdb-js can do. */
export interface LmdbEnvironment extends IndexEnvironment {
  readonly pages: Database<Uint8Array, number>;
  readonly sections: Database<Uint8Array, number[]>;
  readonly manifests: Database<Uint8Array, number[]>;
}

/**
 * Address space, not memory or disk: 64 GiB, after which LMDB grows it by itself. Reserved at once, because each growth
 * leaves the map before in place and what was read through it counts twice in the process's resident memory.
 */
const MAP_BYTES = 2 ** 36;

/**
 * Opens the environment in a folder; unless `readOnly`, it is made when it is not there. The threads of a process share
 * it: one writes at a time, and each reads its own snapshot. Throws what LMDB says.
 */
export function openIndexEnvironment(path: string, readOnly = false): LmdbEnvironment {
  // Without overlapping sync, what a reader sees is durable.
  const root = open({ path, readOnly, overlappingSync: false, noSubdir: false, maxDbs: 8, mapSize: MAP_BYTES });
  const pages = root.openDB<Uint8Array, number>({ name: 'pages', encoding: 'binary' });
  const sections = root.openDB<Uint8Array, number[]>({ name: 'sections', encoding: 'binary' });
  const manifests = root.openDB<Uint8Array, number[]>({ name: 'manifests', encoding: 'binary' });
  return {
    pages,
    sections,
    manifests,
    transaction: (write) => root.transactionSync(write),
    refresh: () => root.resetReadTxn(),
    close: () => root.close(),
  };
}
