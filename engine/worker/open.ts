/**
 * Opening a partition: newest whole checkpoint, then the journal after it.
 *
 * A crash in the middle of anything leaves a journal that ends with the last durable batch and at least one checkpoint that is
 * whole or none at all; everything else is rebuilt from these two.
 */
import { batchHash, checkBatch, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { JournalError, LmdbJournal } from '../journal/journal.ts';
import type { Checkpoint } from '../storage/checkpoint/checkpoint-store.ts';
import { type Manifest, stateOf } from '../storage/checkpoint/manifest.ts';
import type { PartitionStorage } from '../storage/partition-storage.ts';
import { CheckedSource } from './checked-source.ts';
import { PartitionIndexes } from './indexes.ts';
import type { PartitionBounds } from './partition.ts';
import { batchEntriesMax, Partition } from './partition.ts';
import { Replayer } from './recovery.ts';
import { missingSection, restoreSnapshot, takeSnapshot } from './snapshot.ts';
import type { StateOptions } from './state.ts';
import { PartitionState } from './state.ts';
import { isStateDue } from './state-copies.ts';

export interface OpenOptions extends StateOptions, PartitionBounds {
  /** Folders of the partition's two LMDB environments. */
  readonly journalPath: string;
  readonly indexPath: string;
  readonly memtableBound: number;
  readonly filterBytesMax: number;
  /** Pages of segments that look-ups keep; the store's own number unless it is given. */
  readonly cachePages?: number;
}

export interface Opened {
  readonly partition: Partition;
  readonly state: PartitionState;
  readonly report: RecoveryReport;
}

export interface RecoveryReport {
  /** Position of the checkpoint that was loaded; 0 = none. */
  readonly checkpointLsn: number;
  readonly batchesReplayed: number;
  readonly eventsReplayed: number;
  readonly milliseconds: number;
  /** What was wrong with checkpoints that were passed over. */
  readonly damage: readonly string[];
}

/**
 * Opens or creates the partition, in the folders of the options unless `storage` is given. Throws JournalError,
 * StorageDamageError or ReplayError when it cannot be trusted.
 */
export async function openPartition(options: OpenOptions, storage?: PartitionStorage): Promise<Opened> {
  const started = performance.now();
  const { journalPath, indexPath, partition, memtableBound, recordsMax } = options;
  if (memtableBound < batchEntriesMax(recordsMax)) {
    throw new RangeError(`memtables of ${memtableBound} entries cannot take a batch of ${recordsMax} records`);
  }
  const place = { path: journalPath, partition };
  const journal = storage === undefined ? await LmdbJournal.open(place) : LmdbJournal.over(storage.batches, place);
  const environment = storage === undefined ? {} : { environment: storage.index };
  const indexes = new PartitionIndexes({ ...options, path: indexPath, ...environment });
  const source = new CheckedSource(journal, partition);
  const state = new PartitionState(options, source, indexes.byName);
  // Everything that replay reads is older than what comes next.
  state.events.start(new ArrayBuffer(0), journal.nextLsn);

  const { checkpoint, damage } = indexes.store.newest();
  const from = checkpoint === undefined ? NOTHING : restore(checkpoint, state, journal, indexes);
  const replayed = replay(options, state, journal, indexes, from);
  source.trust();
  return {
    state,
    partition: new Partition({ state, journal, indexes, bounds: options, ...replayed.from }),
    report: {
      checkpointLsn: from.stateLsn,
      batchesReplayed: replayed.batches,
      eventsReplayed: replayed.events,
      milliseconds: performance.now() - started,
      damage: damage.map((finding) => JSON.stringify(finding)),
    },
  };
}

/** Where a checkpoint is, and the state that it has. */
interface CheckpointPlace {
  readonly checkpointLsn: number;
  readonly stateLsn: number;
}

const NOTHING: CheckpointPlace = { checkpointLsn: 0, stateLsn: 0 };

/** Takes what a checkpoint has; the replay goes on from the position of its state. */
function restore(
  { manifest, sections }: Checkpoint,
  state: PartitionState,
  journal: LmdbJournal,
  indexes: PartitionIndexes,
): CheckpointPlace {
  const stored = stateOf(manifest);
  // What an older version left out of its checkpoints is in the journal: that is replayed from its start.
  if (stored.id !== 0 && missingSection(sections) !== undefined) return NOTHING;
  checkAgainstJournal(manifest, journal);
  indexes.installNewest({ manifest, sections });
  if (stored.id !== 0) restoreSnapshot(state, sections);
  return { checkpointLsn: manifest.lsn, stateLsn: stored.lsn };
}

/** A checkpoint ahead of its journal means that durable batches are gone: opening would lose them silently. */
function checkAgainstJournal(manifest: Manifest, journal: LmdbJournal): void {
  if (manifest.lsn > journal.nextLsn) {
    throw new Error(
      `the checkpoint is at position ${manifest.lsn}, but the journal ends at ${journal.nextLsn}: batches are missing`,
    );
  }
}

interface Replayed {
  readonly batches: number;
  readonly events: number;
  /** The newest checkpoint now. */
  readonly from: CheckpointPlace;
}

/** Replays the batches from the state on; writes a checkpoint on the way whenever the memtables fill up. */
function replay(
  options: OpenOptions,
  state: PartitionState,
  journal: LmdbJournal,
  indexes: PartitionIndexes,
  start: CheckpointPlace,
): Replayed {
  const replayer = new Replayer(state);
  const end = journal.nextLsn;
  const room = batchEntriesMax(options.recordsMax);
  let batches = 0;
  let events = 0;
  let from = start;
  let next = from.stateLsn;
  while (next < end) {
    let last = next;
    for (const { lsn, bytes } of journal.batches(next, end)) {
      last = lsn;
      const verdict = checkBatch(bytes, { lsn, partition: options.partition });
      if (!verdict.ok) throw new JournalError(`the batch at LSN ${lsn} is damaged: ${verdict.detail}`);
      next = lsn + bytes.length / LSN_UNIT_BYTES;
      events += replayer.apply(bytes);
      batches++;
      if (!indexes.hasRoom(room)) break;
    }
    // Also at the end: the first batch finds room.
    if (!indexes.hasRoom(room)) {
      const isDue = isStateDue(state, options, (next - from.stateLsn) * LSN_UNIT_BYTES);
      writeCheckpoint(state, journal, indexes, last, isDue);
      from = { checkpointLsn: next, stateLsn: isDue ? next : from.stateLsn };
    }
  }
  return { batches, events, from };
}

/** Writes a checkpoint after the batch at `lastLsn`, in this thread: nothing else runs yet. With the state, or that of before. */
function writeCheckpoint(
  state: PartitionState,
  journal: LmdbJournal,
  indexes: PartitionIndexes,
  lastLsn: number,
  withState: boolean,
): void {
  const [last] = journal.batches(lastLsn, lastLsn + 1);
  if (last === undefined) throw new Error(`the batch at position ${lastLsn} is gone`);
  const { sequence, length } = readBatchHeader(last.bytes);
  const written = indexes.store.write({
    base: indexes.checkpointId,
    lsn: lastLsn + length / LSN_UNIT_BYTES,
    sequence: sequence + 1,
    previousHash: batchHash(last.bytes),
    timestamp: state.ledger.now,
    frozen: indexes.freeze(),
    ...(withState ? { sections: takeSnapshot(state) } : {}),
  });
  indexes.install(written);
}
