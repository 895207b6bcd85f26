/** A partition as it runs in the engine, over Maps and a journal in memory. */
import { hashId } from '../../engine/hash-id.ts';
import type { KeyIndex } from '../../engine/ledger/key-index.ts';
import { type IndexKeeper, Partition } from '../../engine/worker/partition.ts';
import { Replayer } from '../../engine/worker/recovery.ts';
import { type Indexes, PartitionState, type StateOptions } from '../../engine/worker/state.ts';
import { MemoryJournal } from './memory-journal.ts';

export class MapIndex implements KeyIndex {
  readonly entries = new Map<string, number>();

  get(...key: [number, number, number, number]): number {
    return this.entries.get(key.join()) ?? 0;
  }

  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    this.entries.set([w0, w1, w2, w3].join(), lsn);
  }
}

export function mapIndexes(): Indexes {
  return {
    transfers: new MapIndex(),
    resolutions: new MapIndex(),
    payments: new MapIndex(),
    operations: new MapIndex(),
    references: new MapIndex(),
    entities: new MapIndex(),
    histories: new MapIndex(),
    changes: new MapIndex(),
  };
}

/** Always has room and never makes a checkpoint. */
const NO_CHECKPOINTS: IndexKeeper = {
  hasRoom: () => true,
  filling: false,
  checkpointId: 0,
  pageReads: 0,
  freeze: () => ({}),
  install: () => undefined,
  close: () => Promise.resolve(),
  entries: {
    transfers: 0,
    resolutions: 0,
    payments: 0,
    operations: 0,
    references: 0,
    entities: 0,
    histories: 0,
    changes: 0,
  },
};

export const STATE: StateOptions = {
  partition: 0,
  partitions: 1,
  hashSeed: hashId(1, 2, 3, 4, 5) >>> 0,
  accountsMax: 10_000,
  holdsMax: 10_000,
  riskBounds: { subjectsMax: 1000, cellsMax: 10_000 },
};

export interface MemoryPartition {
  readonly partition: Partition;
  readonly state: PartitionState;
  readonly journal: MemoryJournal;
  readonly options: StateOptions;
}

/** @param journal what the partition has done before; replayed first */
export function memoryPartition(
  options: Partial<StateOptions> = {},
  journal: MemoryJournal = new MemoryJournal(options.partition ?? STATE.partition),
): MemoryPartition {
  const all = { ...STATE, ...options };
  const state = replay(journal, all);
  const bounds = { journalBytesMax: 4 * 1024 * 1024, recordsMax: 8190, checkpointEveryBytes: Number.MAX_SAFE_INTEGER };
  const partition = new Partition({ state, journal, indexes: NO_CHECKPOINTS, bounds, checkpointLsn: 0, stateLsn: 0 });
  return { partition, state, journal, options: all };
}

/** A second state, made by replaying the journal of the first. */
export function replayed({ journal, options }: MemoryPartition): PartitionState {
  return replay(journal, options);
}

function replay(journal: MemoryJournal, options: StateOptions): PartitionState {
  const state = new PartitionState(options, journal, mapIndexes());
  state.events.start(new ArrayBuffer(0), journal.nextLsn);
  const replayer = new Replayer(state);
  for (const { bytes } of journal.batches(0)) replayer.apply(bytes);
  return state;
}
