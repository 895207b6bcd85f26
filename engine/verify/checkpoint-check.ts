/** Compares each kept checkpoint with the journal where it was taken, and its state with that of the replay at its position. */
import { type BatchHeader, batchHash, LSN_UNIT_BYTES } from '../journal/header.ts';
import { ACCOUNT_COLUMNS } from '../ledger/accounts.ts';
import type { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import { type Manifest, stateOf } from '../storage/checkpoint/manifest.ts';
import { canonicalSections, takeSnapshot } from '../worker/snapshot.ts';
import type { PartitionState } from '../worker/state.ts';
import { idOf } from './books-check.ts';

export type CheckpointReport = (manifest: Manifest, problem: string) => void;

/** Something to be compared when the replay is at a position. */
interface Place {
  readonly lsn: number;
  readonly manifest: Manifest;
  compare(state: PartitionState, header: BatchHeader, batch: Uint8Array): void;
}

export class CheckpointCheck {
  readonly #store: CheckpointStore;
  readonly #report: CheckpointReport;
  /** Still ahead of the replay, by position. */
  #ahead: Place[];
  /** States that were compared. */
  compared = 0;

  constructor(store: CheckpointStore, manifests: readonly Manifest[], report: CheckpointReport) {
    this.#store = store;
    this.#report = report;
    this.#ahead = manifests
      .flatMap((manifest, index) => this.#places(manifest, manifests.slice(0, index)))
      .sort((a, b) => a.lsn - b.lsn);
  }

  /** After a batch was applied. */
  afterBatch(state: PartitionState, header: BatchHeader, batch: Uint8Array): void {
    const end = header.lsn + header.length / LSN_UNIT_BYTES;
    for (;;) {
      const [next] = this.#ahead;
      if (next === undefined || next.lsn > end) return;
      this.#ahead.shift();
      if (next.lsn < end) this.#report(next.manifest, `position: no batch ends at ${next.lsn}`);
      else next.compare(state, header, batch);
    }
  }

  /** @param nextLsn end of the journal; undefined when the replay did not get there */
  finish(nextLsn: number | undefined): void {
    if (nextLsn === undefined) return;
    for (const { manifest, lsn } of this.#ahead) {
      this.#report(manifest, `position: it is at ${lsn}, the journal ends at ${nextLsn}`);
    }
  }

  /** Several checkpoints may have one state: that is compared once. */
  #places(manifest: Manifest, others: readonly Manifest[]): Place[] {
    const { id, lsn } = stateOf(manifest);
    const position: Place = {
      lsn: manifest.lsn,
      manifest,
      compare: (_, header, batch) => this.#comparePosition(manifest, header, batch),
    };
    if (id === 0 || others.some((other) => stateOf(other).id === id)) return [position];
    return [position, { lsn, manifest, compare: (state) => this.#compareState(manifest, state) }];
  }

  #comparePosition(manifest: Manifest, header: BatchHeader, batch: Uint8Array): void {
    const report = (problem: string): void => this.#report(manifest, problem);
    if (manifest.previousHash !== Buffer.from(batchHash(batch)).toString('hex')) {
      report('chain: its hash is not that of the batch before it');
    }
    if (manifest.sequence !== header.sequence + 1)
      report(`sequence: it is ${manifest.sequence}, not ${header.sequence + 1}`);
    if (manifest.timestamp < header.timestamp) report('timestamp: it is before that of its last batch');
  }

  #compareState(manifest: Manifest, state: PartitionState): void {
    const report = (problem: string): void => this.#report(manifest, problem);
    const saved = this.#store.sections(manifest);
    if (saved === undefined) return;
    const sections = canonicalSections(saved);
    this.compared++;
    const snapshot = takeSnapshot(state);
    if (sections.has('joint') && snapshot.joint === undefined)
      report('state: nothing is under way with other partitions');
    for (const [name, replayed] of Object.entries(snapshot)) {
      // Timers hold reminders that no longer matter, so they may differ.
      if (name.startsWith('timers.')) continue;
      const stored = sections.get(name);
      if (stored === undefined) report(`state: there is no section ${name}`);
      else if (Buffer.compare(stored, replayed) !== 0) report(`state: ${differenceOf(name, stored, replayed, state)}`);
    }
  }
}

function differenceOf(name: string, stored: Uint8Array, replayed: Uint8Array, state: PartitionState): string {
  if (stored.length !== replayed.length) {
    return `section ${name} has ${stored.length} bytes, the replay of the journal makes ${replayed.length}`;
  }
  const at = stored.findIndex((byte, index) => byte !== replayed[index]);
  const column = ACCOUNT_COLUMNS.find((known) => name === `accounts.${known}`);
  const { accounts } = state.ledger;
  const width = column === undefined ? 0 : replayed.length / accounts.count;
  const place = width === 0 ? `byte ${at}` : `account ${idOf(accounts, Math.floor(at / width))}`;
  return `section ${name} differs from the replay of the journal at ${place}`;
}
