/**
 * What a store does between checkpoints, in short steps, so that no checkpoint waits for it: it writes large states, removes what
 * no manifest lists and merges segments. A merged segment takes its inputs' place in the next checkpoint, and a state that of the
 * one before; until then they are orphans that are spared, and a crash loses nothing but the work.
 */
import { SegmentMerge } from '../index/merge.ts';
import { StorageDamageError } from '../index/page.ts';
import type { BuiltSegment, SegmentMeta } from '../index/segment-writer.ts';
import type { IndexEnvironment } from './environment.ts';
import type { Manifest, SectionInfo } from './manifest.ts';
import { orphanRemovals } from './orphans.ts';
import { PageBatch } from './page-batch.ts';
import { sectionSteps } from './sections.ts';
import { nextMerge, type TierLimits } from './tiers.ts';

/** Entries that a step moves: what a checkpoint waits for at most. */
const ENTRIES_PER_STEP = 32_768;

/** A segment that could not be read for a merge. */
export interface MergeDamage {
  readonly error: StorageDamageError;
  readonly index: string;
}

interface Merged {
  readonly index: string;
  readonly inputs: readonly SegmentMeta[];
  readonly built: BuiltSegment;
}

/** A state whose sections are stored. */
interface StoredState {
  readonly id: number;
  readonly lsn: number;
  readonly sections: SectionInfo[];
}

interface Running {
  readonly index: string;
  readonly inputs: readonly SegmentMeta[];
  readonly id: number;
  readonly merge: SegmentMerge;
  readonly pages: PageBatch;
}

export class Housekeeping {
  readonly #environment: IndexEnvironment;
  readonly #limits: TierLimits;
  readonly #hashSeed: number;
  /** Segments that could not be read. */
  readonly #spared = new Set<number>();
  readonly #damage: MergeDamage[] = [];
  /** A state that is being written: its id, its position, and the writing. */
  #writing: { readonly id: number; readonly lsn: number; readonly steps: Generator<void, SectionInfo[]> } | undefined;
  #written: StoredState | undefined;
  #removals: Generator<void> | undefined;
  #running: Running | undefined;
  #merged: Merged[] = [];

  constructor(environment: IndexEnvironment, options: TierLimits & { readonly hashSeed: number }) {
    this.#environment = environment;
    this.#limits = options;
    this.#hashSeed = options.hashSeed;
  }

  /** Segments that no manifest lists yet. */
  get unlisted(): number[] {
    const merged = this.#merged.map(({ built }) => built.meta.id);
    return this.#running === undefined ? merged : [...merged, this.#running.id];
  }

  /** What is to be removed has changed. */
  listsChanged(kept: readonly Manifest[]): void {
    const states = [this.#writing, this.#written].flatMap((state) => state?.id ?? []);
    this.#removals = orphanRemovals(this.#environment, kept, { segments: this.unlisted, states });
  }

  /** Begins to write a state, under the id of the checkpoint that it came with. */
  beginState(id: number, lsn: number, sections: Readonly<Record<string, Uint8Array>>): void {
    this.#writing = { id, lsn, steps: sectionSteps(this.#environment, id, sections) };
  }

  /** A state that was written since it was last asked for. */
  takeState(): StoredState | undefined {
    const state = this.#written;
    this.#written = undefined;
    return state;
  }

  /** Does the next piece of work. False when there is none. `firstId`: above every segment that there is. */
  step(indexes: Manifest['indexes'], firstId: () => number): boolean {
    this.#environment.refresh();
    if (this.#writing !== undefined) {
      const { id, lsn, steps } = this.#writing;
      const { done, value } = steps.next();
      if (done !== true) return true;
      this.#written = { id, lsn, sections: value };
      this.#writing = undefined;
      return true;
    }
    if (this.#removals !== undefined) {
      if (this.#removals.next().done === true) this.#removals = undefined;
      return true;
    }
    this.#running ??= this.#begin(indexes, firstId);
    if (this.#running === undefined) return false;
    this.#advance(this.#running);
    return true;
  }

  /** Puts the merged segments into the lists of the next checkpoint; those whose inputs are not there any more are dropped. */
  apply(index: string, segments: readonly SegmentMeta[]): readonly SegmentMeta[] {
    let now = segments;
    for (const { inputs, built } of this.#merged.filter((merged) => merged.index === index)) {
      const from = now.findIndex(({ id }) => id === inputs[0]?.id);
      if (inputs.every(({ id }, at) => now[from + at]?.id === id)) {
        now = [...now.slice(0, from), built.meta, ...now.slice(from + inputs.length)];
      }
    }
    return now;
  }

  /** Call when a checkpoint with the merged segments exists; hands over what they are in memory, and the damage met. */
  published(): { readonly built: BuiltSegment[]; readonly damage: MergeDamage[] } {
    const built = this.#merged.map((merged) => merged.built);
    this.#merged = [];
    return { built, damage: this.#damage.splice(0) };
  }

  #begin(indexes: Manifest['indexes'], firstId: () => number): Running | undefined {
    for (const [index, listed] of Object.entries(indexes)) {
      const segments = this.apply(index, listed);
      const due = nextMerge(segments, this.#limits, this.#spared);
      if (due === undefined) continue;
      const inputs = segments.slice(due.from, due.to);
      const id = Math.max(firstId(), ...this.unlisted.map((unlisted) => unlisted + 1));
      const pages = new PageBatch(this.#environment);
      const output = { id, level: (inputs[0]?.level ?? 0) + 1, hashSeed: this.#hashSeed };
      try {
        return { index, inputs, id, pages, merge: new SegmentMerge(inputs, output, this.#environment.pages, pages) };
      } catch (error) {
        this.#met(error, index);
      }
    }
    return undefined;
  }

  #advance({ index, inputs, merge, pages }: Running): void {
    try {
      if (!merge.step(ENTRIES_PER_STEP)) return;
      const built = merge.finish();
      pages.flush();
      this.#merged.push({ index, inputs, built });
    } catch (error) {
      // What can be read of a damaged segment still is: it stays one by itself.
      this.#met(error, index);
    }
    this.#running = undefined;
  }

  #met(error: unknown, index: string): void {
    if (!(error instanceof StorageDamageError)) throw error;
    this.#spared.add(error.segment);
    this.#damage.push({ error, index });
  }
}
