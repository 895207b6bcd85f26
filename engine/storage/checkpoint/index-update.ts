/** Turning frozen memtables into segments and merging tiers, before they are published. */
import { entriesBefore, type FrozenMemtable } from '../index/memtable.ts';
import { mergeSegments } from '../index/merge.ts';
import { StorageDamageError } from '../index/page.ts';
import { type BuiltSegment, type SegmentMeta, writeFrozen } from '../index/segment-writer.ts';
import type { IndexEnvironment } from './environment.ts';
import { PageBatch } from './page-batch.ts';
import { nextMerge, type TierLimits } from './tiers.ts';

export class IndexUpdate {
  /** Segments that could not be read for a merge. */
  readonly damage: { readonly error: StorageDamageError; readonly index: string }[] = [];
  readonly #environment: IndexEnvironment;
  readonly #limits: TierLimits;
  readonly #hashSeed: number;
  /** Position of the checkpoint. */
  readonly #lsn: number;
  readonly #batch: PageBatch;
  readonly #built = new Map<number, BuiltSegment>();
  #nextId: number;

  constructor(
    environment: IndexEnvironment,
    options: TierLimits & { readonly hashSeed: number; readonly firstId: number; readonly lsn: number },
  ) {
    this.#environment = environment;
    this.#limits = options;
    this.#hashSeed = options.hashSeed;
    this.#lsn = options.lsn;
    this.#nextId = options.firstId;
    this.#batch = new PageBatch(environment);
  }

  /**
   * Stores what is new in an index and, with `merge`, merges what is due.
   *
   * @param segments of the checkpoint before, newest first
   * @returns the segments of the index now, newest first
   */
  apply(
    index: string,
    segments: readonly SegmentMeta[],
    frozen: FrozenMemtable | undefined,
    merge: boolean,
  ): SegmentMeta[] {
    const now = [...segments];
    const fresh = frozen === undefined ? undefined : entriesBefore(frozen, this.#lsn);
    if (fresh !== undefined && fresh.count > 0) {
      const plan = { id: this.#nextId++, index, hashSeed: this.#hashSeed };
      now.unshift(this.#keep(writeFrozen(plan, fresh, this.#batch)));
    }
    const spared = new Set<number>();
    for (;;) {
      const due = merge ? nextMerge(now, this.#limits, spared) : undefined;
      if (due === undefined) return now;
      const inputs = now.slice(due.from, due.to);
      const merged = this.#merge(inputs, index, spared);
      if (merged !== undefined) now.splice(due.from, inputs.length, merged);
    }
  }

  /** Those of the new segments that the lists still have. */
  built(indexes: Readonly<Record<string, readonly SegmentMeta[]>>): BuiltSegment[] {
    return Object.values(indexes)
      .flat()
      .flatMap((meta) => this.#built.get(meta.id) ?? []);
  }

  /** Undefined when an input is damaged: it stays a segment by itself, so that what can be read of it still is. */
  #merge(inputs: readonly SegmentMeta[], index: string, spared: Set<number>): SegmentMeta | undefined {
    const output = { id: this.#nextId++, level: (inputs[0]?.level ?? 0) + 1, hashSeed: this.#hashSeed };
    this.#environment.refresh();
    try {
      const built = this.#keep(mergeSegments(inputs, output, this.#environment.pages, this.#batch));
      for (const { id } of inputs) this.#built.delete(id);
      return built;
    } catch (error) {
      if (!(error instanceof StorageDamageError)) throw error;
      this.#batch.discard();
      this.damage.push({ error, index });
      spared.add(error.segment);
      return undefined;
    }
  }

  #keep(built: BuiltSegment): SegmentMeta {
    this.#batch.flush();
    this.#built.set(built.meta.id, built);
    return built.meta;
  }
}
