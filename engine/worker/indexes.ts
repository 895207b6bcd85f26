/** The key indexes of a partition and the checkpoint that they rest on. */
import type { Checkpoint, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import { KeyIndex } from '../storage/index/key-index.ts';
import type { FrozenMemtable } from '../storage/index/memtable.ts';
import type { IndexName } from './state.ts';
import { INDEX_NAMES } from './state.ts';

/** One record puts at most this many entries into one index. */
const ENTRIES_PER_RECORD = 1;
/** Share of a memtable that starts a checkpoint: the rest is room for what comes while it is written. */
const FILLING = 0.75;

export interface IndexOptions {
  readonly path: string;
  readonly hashSeed: number;
  /** Entries of each memtable. */
  readonly memtableBound: number;
  readonly filterBytesMax: number;
}

export class PartitionIndexes {
  readonly byName: Readonly<Record<IndexName, KeyIndex>>;
  readonly store: CheckpointStore;
  #checkpointId = 0;

  constructor(options: IndexOptions) {
    const { path, hashSeed, filterBytesMax, memtableBound } = options;
    this.store = new CheckpointStore({ path, hashSeed, filterBytesMax });
    this.byName = {
      transfers: new KeyIndex({ memtableBound, hashSeed }),
      resolutions: new KeyIndex({ memtableBound, hashSeed }),
      payments: new KeyIndex({ memtableBound, hashSeed }),
      operations: new KeyIndex({ memtableBound, hashSeed }),
      references: new KeyIndex({ memtableBound, hashSeed }),
      entities: new KeyIndex({ memtableBound, hashSeed }),
      changes: new KeyIndex({ memtableBound, hashSeed }),
    };
  }

  /** Id of the checkpoint whose segments are installed; 0 = none. */
  get checkpointId(): number {
    return this.#checkpointId;
  }

  /** Entries in memory, by index. */
  get entries(): Readonly<Record<IndexName, number>> {
    const { transfers, resolutions, payments, operations, references, entities, changes } = this.byName;
    return {
      transfers: inMemory(transfers),
      resolutions: inMemory(resolutions),
      payments: inMemory(payments),
      operations: inMemory(operations),
      references: inMemory(references),
      entities: inMemory(entities),
      changes: inMemory(changes),
    };
  }

  hasRoom(records: number): boolean {
    for (const name of INDEX_NAMES) {
      const index = this.byName[name];
      if (index.memtableCount + records * ENTRIES_PER_RECORD > index.memtableBound) return false;
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

  installNewest(checkpoint: Checkpoint): void {
    this.#open(checkpoint.manifest.id, this.store.openSegments(checkpoint.manifest));
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
