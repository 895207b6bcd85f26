/** The key indexes of a partition and the checkpoint that they rest on. */
import type { Checkpoint, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import type { IndexEnvironment } from '../storage/checkpoint/environment.ts';
import { KeyIndex } from '../storage/index/key-index.ts';
import type { FrozenMemtable } from '../storage/index/memtable.ts';
import type { IndexName } from './state.ts';
import { INDEX_NAMES } from './state.ts';

/**
 * One record puts at most this many entries into an index. A payment has up to four accounts (payer, payee, campaign, fees), and
 * each may reach an entry that the index of histories takes.
 */
const ENTRIES_PER_RECORD: Readonly<Record<IndexName, number>> = {
  transfers: 1,
  resolutions: 1,
  payments: 1,
  operations: 1,
  references: 1,
  entities: 1,
  histories: 4,
  changes: 1,
};
/** Share of a memtable that starts a checkpoint: the rest is room for what comes while it is written. */
const FILLING = 0.75;

export interface IndexOptions {
  readonly path: string;
  /** Instead of the LMDB environment in `path`. */
  readonly environment?: IndexEnvironment;
  readonly hashSeed: number;
  /** Entries of each memtable. */
  readonly memtableBound: number;
  readonly filterBytesMax: number;
  readonly cachePages?: number;
}

export class PartitionIndexes {
  readonly byName: Readonly<Record<IndexName, KeyIndex>>;
  readonly store: CheckpointStore;
  #checkpointId = 0;

  constructor(options: IndexOptions) {
    const { hashSeed, memtableBound } = options;
    this.store = new CheckpointStore(options);
    this.byName = {
      transfers: new KeyIndex({ memtableBound, hashSeed }),
      resolutions: new KeyIndex({ memtableBound, hashSeed }),
      payments: new KeyIndex({ memtableBound, hashSeed }),
      operations: new KeyIndex({ memtableBound, hashSeed }),
      references: new KeyIndex({ memtableBound, hashSeed }),
      entities: new KeyIndex({ memtableBound, hashSeed }),
      // An empty memtable must take any batch. The system gives the memory only as it is written.
      histories: new KeyIndex({ memtableBound: memtableBound * ENTRIES_PER_RECORD.histories, hashSeed }),
      changes: new KeyIndex({ memtableBound, hashSeed }),
    };
  }

  /** Id of the checkpoint whose segments are installed; 0 = none. */
  get checkpointId(): number {
    return this.#checkpointId;
  }

  /** Pages of segments that look-ups have read from LMDB since the partition was opened. */
  get pageReads(): number {
    return this.store.pageReads;
  }

  /** Entries in memory, by index. */
  get entries(): Readonly<Record<IndexName, number>> {
    const { transfers, resolutions, payments, operations, references, entities, histories, changes } = this.byName;
    return {
      transfers: inMemory(transfers),
      resolutions: inMemory(resolutions),
      payments: inMemory(payments),
      operations: inMemory(operations),
      references: inMemory(references),
      entities: inMemory(entities),
      histories: inMemory(histories),
      changes: inMemory(changes),
    };
  }

  hasRoom(records: number): boolean {
    for (const name of INDEX_NAMES) {
      const index = this.byName[name];
      if (index.memtableCount + records * ENTRIES_PER_RECORD[name] > index.memtableBound) return false;
    }
    return true;
  }

  /** Whether some memtable is full enough to be written out. */
  get filling(): boolean {
    for (const name of INDEX_NAMES) {
      const index = this.byName[name];
      if (index.memtableCount >= index.memtableBound * FILLING) return true;
    }
    return false;
  }

  freeze(): Record<string, FrozenMemtable> {
    const frozen: Record<string, FrozenMemtable> = {};
    for (const name of INDEX_NAMES) {
      const table = this.byName[name].freeze();
      if (table !== undefined) frozen[name] = table;
    }
    return frozen;
  }

  install(written: CheckpointWritten): void {
    this.#open(written.manifest.id, this.store.openSegments(written.manifest, written.built));
  }

  /** Takes the segments of a checkpoint; what a replay puts for positions before it is passed over. */
  installNewest({ manifest }: Checkpoint): void {
    this.#open(manifest.id, this.store.openSegments(manifest));
    for (const name of INDEX_NAMES) this.byName[name].storedUpTo(manifest.lsn);
  }

  close(): Promise<void> {
    return this.store.close();
  }

  #open(id: number, segments: ReturnType<CheckpointStore['openSegments']>): void {
    for (const name of INDEX_NAMES) this.byName[name].install(segments.get(name) ?? []);
    this.#checkpointId = id;
  }
}

function inMemory(index: KeyIndex): number {
  return index.memtableCount + index.frozenCount;
}
