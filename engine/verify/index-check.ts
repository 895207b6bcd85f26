/**
 * Whether what the journal says can be found again through the segments of a checkpoint. Takes the place of a partition's
 * indexes during a replay: it remembers nothing of what is put, and looks each key up instead.
 */
import type { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import type { Manifest } from '../storage/checkpoint/manifest.ts';
import { KeyIndex } from '../storage/index/key-index.ts';
import { StorageDamageError } from '../storage/index/page.ts';
import type { Indexes, IndexName } from '../worker/state.ts';
import { INDEX_NAMES } from '../worker/state.ts';

/** Newer versions found ahead of the replay that are remembered until it gets there; further ones are not. */
const AHEAD_MAX = 100_000;

export type IndexReport = (index: IndexName, lsn: number, problem: string) => void;

/** One per index; `get` is never asked for by a replay. */
class ForgettingIndex {
  /** Keys that were looked up. */
  checked = 0;
  readonly #name: IndexName;
  readonly #report: IndexReport;
  #stored: KeyIndex | undefined;
  #endLsn = 0;
  /** Key → position at which the segments say that its newest version is. */
  readonly #ahead = new Map<string, number>();

  constructor(name: IndexName, report: IndexReport) {
    this.#name = name;
    this.#report = report;
  }

  /** Looks up in `stored` what is put for positions before `endLsn`. */
  compareWith(stored: KeyIndex, endLsn: number): void {
    this.#stored = stored;
    this.#endLsn = endLsn;
  }

  get(): number {
    return 0;
  }

  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    if (this.#stored === undefined || lsn >= this.#endLsn) return;
    const found = this.#find(this.#stored, w0, w1, w2, w3);
    if (found === undefined) return;
    this.checked++;
    const key = this.#ahead.size > 0 || found > lsn ? `${w0},${w1},${w2},${w3}` : '';
    if (found > lsn) {
      if (this.#ahead.size < AHEAD_MAX || this.#ahead.has(key)) this.#ahead.set(key, found);
    } else {
      this.#ahead.delete(key);
      if (found < lsn) this.#report(this.#name, lsn, found === 0 ? 'a key is not found' : 'an older version is found');
    }
  }

  /** After the whole journal: what was found ahead must have come. */
  finish(): void {
    for (const lsn of this.#ahead.values()) this.#report(this.#name, lsn, 'the journal has no such version of a key');
    this.#ahead.clear();
  }

  /** Undefined when a page is damaged, which the check of the pages names. */
  #find(stored: KeyIndex, w0: number, w1: number, w2: number, w3: number): number | undefined {
    try {
      return stored.get(w0, w1, w2, w3);
    } catch (error) {
      if (error instanceof StorageDamageError) return undefined;
      throw error;
    }
  }
}

export class IndexCheck {
  readonly indexes: Indexes;
  readonly #all: readonly ForgettingIndex[];

  constructor(report: IndexReport) {
    const of = (name: IndexName): ForgettingIndex => new ForgettingIndex(name, report);
    const indexes = {
      transfers: of('transfers'),
      resolutions: of('resolutions'),
      payments: of('payments'),
      operations: of('operations'),
      references: of('references'),
      entities: of('entities'),
      histories: of('histories'),
      changes: of('changes'),
    };
    this.indexes = indexes;
    this.#all = INDEX_NAMES.map((name) => indexes[name]);
  }

  get checked(): number {
    return this.#all.reduce((sum, { checked }) => sum + checked, 0);
  }

  /** Compares with a checkpoint. Throws StorageDamageError or RangeError when its segments cannot be opened. */
  compareWith(store: CheckpointStore, manifest: Manifest): void {
    const segments = store.openSegments(manifest);
    for (const [at, name] of INDEX_NAMES.entries()) {
      const stored = new KeyIndex({ memtableBound: 1, hashSeed: manifest.hashSeed });
      stored.install(segments.get(name) ?? []);
      this.#all[at]?.compareWith(stored, manifest.lsn);
    }
  }

  finish(): void {
    for (const index of this.#all) index.finish();
  }
}
