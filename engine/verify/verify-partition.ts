/**
 * Proves one partition from its first batch on:
 *
 *   journal ─▶ form, CRC, hash chain ─▶ replay into an empty state ─▶ books balanced, limits kept     (each batch)
 *                                              │                 └──▶ equal to the checkpoint         (at its position)
 *                                              └─ each key put ─────▶ found through the segments      (newest checkpoint)
 *   index ──▶ manifests, chunks, pages
 *
 * Memory: accounts, open holds, and the fences and filters of the segments. Nothing grows with what is stored.
 */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type BatchHeader, LSN_UNIT_BYTES } from '../journal/header.ts';
import type { ClearingStanding } from '../ledger/clearing.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import type { Manifest } from '../storage/checkpoint/manifest.ts';
import { StorageDamageError } from '../storage/index/page.ts';
import type { PartitionStorage } from '../storage/partition-storage.ts';
import { type Finding, type VerifiedBatch, verifyJournal } from '../storage/verify-journal.ts';
import { Replayer } from '../worker/recovery.ts';
import { PartitionState } from '../worker/state.ts';
import { BooksCheck } from './books-check.ts';
import { CheckpointCheck } from './checkpoint-check.ts';
import { IndexCheck } from './index-check.ts';

export interface VerifyPartitionOptions {
  readonly journalPath: string;
  readonly indexPath: string;
  /** Instead of the environments in the two folders; closed at the end. */
  readonly storage?: PartitionStorage;
  readonly partition: number;
  readonly partitions: number;
  readonly hashSeed: number;
  readonly onFinding: (finding: Finding) => void;
  /** Entries of the index, then LSNs of the journal: done and to be done. */
  readonly onProgress?: (done: number, total: number, part: 'index' | 'journal') => void;
}

export interface PartitionCounts {
  readonly batches: number;
  readonly events: number;
  readonly accounts: number;
  /** Pending transfers and authorisations that are open. */
  readonly holds: number;
  readonly checkpoints: number;
  readonly segments: number;
  readonly segmentEntries: number;
  /** Keys of the journal that were looked up in the segments. */
  readonly keysLookedUp: number;
  /** How the partition stands with each other one, when the whole journal could be replayed. */
  readonly clearing: readonly ClearingStanding[];
}

/** More than any configuration allows: what was stored once must fit. */
const TABLE_MAX = 2 ** 31;
/** Memory for the filters of the segments. */
const FILTER_BYTES_MAX = 64 * 2 ** 20;

/**
 * Reads a partition that nothing writes to, and reports everything that is wrong. Throws when an environment cannot be
 * opened; a damaged page of a B-tree can end the process: see storage/guarded.ts.
 */
export async function verifyPartition(options: VerifyPartitionOptions): Promise<PartitionCounts> {
  const store = openStore(options);
  try {
    return await new PartitionCheck(options, store).run();
  } finally {
    await store?.close();
  }
}

/** Undefined when no switch has run on the directory yet. */
function openStore({ indexPath, hashSeed, storage }: VerifyPartitionOptions): CheckpointStore | undefined {
  if (storage !== undefined) {
    return new CheckpointStore({ path: indexPath, hashSeed, cachePages: 16, environment: storage.index });
  }
  if (!existsSync(join(indexPath, 'data.mdb'))) return undefined;
  return new CheckpointStore({ path: indexPath, hashSeed, filterBytesMax: FILTER_BYTES_MAX, readOnly: true });
}

class PartitionCheck {
  readonly #options: VerifyPartitionOptions;
  readonly #store: CheckpointStore | undefined;
  readonly #state: PartitionState;
  readonly #replayer: Replayer;
  readonly #indexes: IndexCheck;
  readonly #books: BooksCheck;
  #checkpoints: CheckpointCheck | undefined;
  /** Where the next batch must begin; undefined when the replay cannot go on. */
  #nextLsn: number | undefined = 0;
  #batch: BatchHeader | undefined;

  constructor(options: VerifyPartitionOptions, store: CheckpointStore | undefined) {
    const { partition, partitions, hashSeed } = options;
    this.#options = options;
    this.#store = store;
    this.#indexes = new IndexCheck((index, lsn, problem) => {
      this.#find('index', `${index}: ${problem}`, { lsn });
    });
    this.#state = new PartitionState(
      { partition, partitions, hashSeed, accountsMax: TABLE_MAX, holdsMax: TABLE_MAX },
      NO_EVENTS,
      this.#indexes.indexes,
    );
    this.#replayer = new Replayer(this.#state);
    this.#books = new BooksCheck(this.#state, (problem) => this.#find('books', problem, this.#place()));
  }

  async run(): Promise<PartitionCounts> {
    const { journalPath, partition, onFinding, onProgress, storage } = this.#options;
    const stored = this.#verifyStore();
    const journal = await verifyJournal({
      path: journalPath,
      ...(storage === undefined ? {} : { store: storage.batches }),
      partition,
      onFinding,
      onBatch: (batch) => this.#replay(batch),
      onProgress: (done, total) => onProgress?.(done, total, 'journal'),
    });
    if (this.#nextLsn === journal.nextLsn) {
      this.#books.finish();
      this.#indexes.finish();
    }
    this.#checkpoints?.finish(journal.findings > 0 ? undefined : journal.nextLsn);
    const { accounts, holds, clearing } = this.#state.ledger;
    return {
      batches: journal.batches,
      events: journal.events,
      accounts: accounts.count,
      holds: holds.count,
      checkpoints: stored.checkpoints,
      segments: stored.segments,
      segmentEntries: stored.entries,
      keysLookedUp: this.#indexes.checked,
      clearing: this.#nextLsn === journal.nextLsn ? clearing.standing() : [],
    };
  }

  /** The pages by themselves; sets up what the replay will be compared with. */
  #verifyStore(): { readonly checkpoints: number; readonly segments: number; readonly entries: number } {
    const store = this.#store;
    if (store === undefined) return { checkpoints: 0, segments: 0, entries: 0 };
    const report = store.verifyCheckpoints((done, total) => this.#options.onProgress?.(done, total, 'index'));
    for (const { where, problem, checkpointLsn, ...place } of report.findings) {
      const part = Object.entries(place).map(([name, value]) => `${name} ${value}`);
      this.#find(where, `${part.join(', ')}: ${problem}`, { lsn: checkpointLsn });
    }
    const { manifests } = store.all();
    const find = (manifest: Manifest, problem: string): void => {
      this.#find('checkpoint', problem, { lsn: manifest.lsn });
    };
    this.#checkpoints = new CheckpointCheck(store, manifests, find);
    const [newest] = manifests;
    try {
      if (newest !== undefined) this.#indexes.compareWith(store, newest);
    } catch (error) {
      // Damaged pages were named above.
      if (!(error instanceof StorageDamageError) && newest !== undefined) find(newest, `segments: ${textOf(error)}`);
    }
    return report;
  }

  #replay({ header, bytes }: VerifiedBatch): void {
    // Behind a damaged or missing batch the state is not known any more; the batches are still checked one by one.
    if (header.lsn !== this.#nextLsn) this.#nextLsn = undefined;
    if (this.#nextLsn === undefined) return;
    this.#batch = header;
    try {
      this.#replayer.apply(bytes);
    } catch (error) {
      this.#nextLsn = undefined;
      return this.#find('replay', `${textOf(error)}; what follows could not be replayed`, this.#place());
    }
    this.#nextLsn = header.lsn + header.length / LSN_UNIT_BYTES;
    this.#books.afterBatch(bytes);
    this.#checkpoints?.afterBatch(this.#state, header, bytes);
    // Nothing expires in a replay; reminders whose time has come would only pile up.
    const { timers } = this.#state.ledger.tables;
    while (timers.next <= header.timestamp) timers.pop();
  }

  #place(): Partial<Finding> {
    return this.#batch === undefined ? {} : { sequence: this.#batch.sequence, lsn: this.#batch.lsn };
  }

  #find(where: string, problem: string, place: Partial<Finding>): void {
    this.#options.onFinding({ partition: this.#options.partition, where, ...place, problem });
  }
}

/** A replay reads nothing that was stored before. */
const NO_EVENTS = {
  read: (lsn: number): never => {
    throw new Error(`the event at ${lsn} was asked for during a replay`);
  },
};

function textOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
