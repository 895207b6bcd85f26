/**
 * When the state is copied for the checkpoints of a partition, and in what pieces.
 *
 *   small: at once, with each checkpoint                           state = checkpoint
 *   large: begun when due ─ a piece after each batch ─ handed to the next checkpoint, written between checkpoints,
 *          listed by a later one                                    state ≤ checkpoint; what lies between is replayed
 *
 * A memtable is full after 200,000 transfers or so, and copying and writing 5 million accounts takes longer than that: if each
 * checkpoint waited for it, batches waited for room for up to 2.5 s.
 */
import { LSN_UNIT_BYTES } from '../journal/header.ts';
import { type Sections, SNAPSHOT_ROW_BYTES, SnapshotInSteps } from './snapshot.ts';
import type { PartitionState } from './state.ts';

/** Accounts and holds that are copied at once: 7 MB. */
const COPIED_AT_ONCE_MAX = 65_536;
/** Of a larger state, rows that are copied after each batch: so many, and so many for each of its records (8,190: 7.6 MB). */
const COPIED_PER_BATCH = 8192;
const COPIED_PER_RECORD = 8;

export interface StateCopyBounds {
  /** Journal bytes from one copy of a large state to the next, at most. */
  readonly checkpointEveryBytes: number;
  /** Rows up to which the state is copied at once; default 65,536. */
  readonly copiedAtOnceMax?: number;
}

export class StateCopies {
  /** Rows copied since the partition was opened. */
  copied = 0;
  readonly #state: PartitionState;
  readonly #bounds: StateCopyBounds;
  readonly #snapshot: SnapshotInSteps;
  /** Position of the copy begun last; of the state that the partition was opened from, before the first. */
  #lsn: number;
  #isCopying = false;
  /** A large state that is copied and waits for the next checkpoint. */
  #ready: Sections | undefined;
  /** Whether the copy's memory is being written by the background. */
  #isHandedOver = false;

  /** @param lsn position of the newest state that a checkpoint has; 0 = none has */
  constructor(state: PartitionState, bounds: StateCopyBounds, lsn: number) {
    this.#state = state;
    this.#bounds = bounds;
    this.#snapshot = new SnapshotInSteps(state);
    this.#lsn = lsn;
  }

  /** Goes on with the copy of a large state; begins one when it is due. `lsn`: end of the batch, which had so many records. */
  afterBatch(lsn: number, records: number): void {
    if (!this.#isCopying) {
      const isFree = !this.#isHandedOver && this.#ready === undefined;
      if (!isFree || this.#isSmall || !isStateDue(this.#state, this.#bounds, (lsn - this.#lsn) * LSN_UNIT_BYTES))
        return;
      this.#begin(lsn);
    }
    this.#ready = this.#advance(COPIED_PER_BATCH + COPIED_PER_RECORD * records);
  }

  /** What the checkpoint at `lsn` takes along. Nothing: then it keeps the state of the one before. */
  take(lsn: number): { readonly sections: Sections; readonly stateLsn: number } | undefined {
    if (this.#isSmall) {
      this.#begin(lsn);
      this.#ready = this.#advance(Number.POSITIVE_INFINITY);
    }
    const sections = this.#ready;
    if (sections === undefined) return undefined;
    this.#ready = undefined;
    this.#isHandedOver = true;
    return { sections, stateLsn: this.#lsn };
  }

  /** A checkpoint has the state at `stateLsn`. */
  written(stateLsn: number): void {
    if (this.#isHandedOver && stateLsn === this.#lsn) this.#isHandedOver = false;
  }

  get #isSmall(): boolean {
    return rowsOf(this.#state) <= (this.#bounds.copiedAtOnceMax ?? COPIED_AT_ONCE_MAX);
  }

  #begin(lsn: number): void {
    this.#snapshot.begin();
    this.#isCopying = true;
    this.#lsn = lsn;
  }

  #advance(rows: number): Sections | undefined {
    const before = this.#snapshot.copied;
    const sections = this.#snapshot.advance(rows);
    this.copied += this.#snapshot.copied - before;
    if (sections !== undefined) this.#isCopying = false;
    return sections;
  }
}

/**
 * Whether a checkpoint should have the state anew, so many journal bytes after the last one that did. A small one always; a
 * large one when the journal has grown by as much as it takes itself, so that its copies double what is written at most.
 */
export function isStateDue(state: PartitionState, bounds: StateCopyBounds, journalBytes: number): boolean {
  const rows = rowsOf(state);
  if (rows <= (bounds.copiedAtOnceMax ?? COPIED_AT_ONCE_MAX)) return true;
  return journalBytes >= Math.min(bounds.checkpointEveryBytes, rows * SNAPSHOT_ROW_BYTES);
}

function rowsOf({ ledger, risk }: PartitionState): number {
  return ledger.accounts.count + ledger.holds.extent + risk.features.rows;
}
