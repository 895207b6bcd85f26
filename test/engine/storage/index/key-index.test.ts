// A phantom may be, a hole never: a key that was put is found, with its newest LSN, wherever it has got to.
import { describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { KeyIndex } from '../../../../engine/storage/index/key-index.ts';
import { type Key, randomKey, randomWords, request, runSeed, timeKey, withFolder } from '../support.ts';

const hashSeed = 77;

/** An index with its store, doing what a partition does at a checkpoint. */
class Harness {
  store: CheckpointStore;
  index: KeyIndex;
  base = 0;
  lsn = 1;
  readonly options: ConstructorParameters<typeof CheckpointStore>[0];
  readonly memtableBound: number;

  constructor(path: string, memtableBound: number, options: object = {}) {
    this.options = { path, hashSeed, ...options };
    this.memtableBound = memtableBound;
    this.store = new CheckpointStore(this.options);
    this.index = new KeyIndex({ memtableBound, hashSeed });
  }

  put(key: Key): number {
    this.index.put(...key, this.lsn);
    return this.lsn++;
  }

  checkpoint(whileFrozen: () => void = () => undefined): void {
    const frozen = this.index.freeze();
    const lsn = this.lsn;
    whileFrozen();
    const part = { base: this.base, lsn, frozen: frozen === undefined ? {} : { keys: frozen } };
    const { manifest, built, damage } = this.store.write(request(part));
    expect(damage).toEqual([]);
    this.base = manifest.id;
    this.index.install(this.store.openSegments(manifest, built).get('keys') ?? []);
  }

  /** Closes, opens, and puts again what came after the checkpoint, as replay does. */
  async reopen(since: ReadonlyMap<string, { key: Key; lsn: number }>): Promise<void> {
    await this.store.close();
    this.store = new CheckpointStore(this.options);
    this.index = new KeyIndex({ memtableBound: this.memtableBound, hashSeed });
    const { checkpoint, damage } = this.store.newest();
    expect(damage).toEqual([]);
    this.base = checkpoint?.manifest.id ?? 0;
    if (checkpoint !== undefined) {
      this.index.install(this.store.openSegments(checkpoint.manifest).get('keys') ?? []);
    }
    for (const { key, lsn } of since.values()) this.index.put(...key, lsn);
  }
}

describe('key index', () => {
  it('agrees with a Map over random puts, overwrites, freezes, merges and reopenings', async () => {
    const seed = runSeed();
    const random = randomWords(seed);
    await withFolder(async (path) => {
      const harness = new Harness(path, 1500, { mergeFanIn: 3, cachePages: 4, filterBytesMax: 6000 });
      const model = new Map<string, { key: Key; lsn: number }>();
      const sinceCheckpoint = new Map<string, { key: Key; lsn: number }>();
      const keys: Key[] = [];
      const put = (): void => {
        const known = keys.length > 0 && random() % 3 === 0;
        const kind = random() % 3;
        let key: Key = kind === 0 ? randomKey(random) : timeKey(1.7e12 + harness.lsn, random);
        if (kind === 2) key = [random() % 20_000, 0, 0, 0];
        if (known) key = keys[random() % keys.length]!;
        const entry = { key, lsn: harness.put(key) };
        keys.push(key);
        model.set(key.join(), entry);
        sinceCheckpoint.set(key.join(), entry);
      };
      const check = (): void => {
        for (let i = 0; i < 400; i++) {
          const key = keys[random() % keys.length]!;
          expect(harness.index.get(...key), `SEED=${seed} key ${key}`).toBe(model.get(key.join())!.lsn);
          expect(harness.index.get(random(), 1, 2, random()), `SEED=${seed}`).toBe(0);
        }
      };
      for (let round = 0; round < 60; round++) {
        for (let i = random() % 1400; i > 0; i--) put();
        if (keys.length > 0) check();
        if (random() % 5 === 0) await harness.reopen(sinceCheckpoint);
        sinceCheckpoint.clear();
        harness.checkpoint(() => {
          for (let i = random() % 100; i > 0; i--) put();
          if (keys.length > 0) check();
        });
      }
      const wrong = [...model.values()].filter(({ key, lsn }) => harness.index.get(...key) !== lsn);
      expect(wrong, `SEED=${seed}`).toEqual([]);
      expect(harness.index.segmentCount).toBeLessThan(12);
      expect(harness.store.filterBytes).toBeLessThanOrEqual(6000);
      expect(harness.store.verifyCheckpoints().findings).toEqual([]);
      await harness.store.close();
    });
  }, 60_000);

  it('gives the newest LSN of a key that is in memtable, frozen table, segments and merged segments', () =>
    withFolder(async (path) => {
      const harness = new Harness(path, 10, { mergeFanIn: 4 });
      const key: Key = [1, 2, 3, 0xffff_fff0];
      for (let round = 0; round < 30; round++) {
        const frozen = harness.put(key);
        harness.checkpoint(() => {
          expect(harness.index.get(...key)).toBe(frozen);
          const newer = harness.put(key);
          expect(harness.index.get(...key)).toBe(newer);
        });
        expect(harness.index.get(...key)).toBe(harness.lsn - 1);
      }
      harness.checkpoint();
      expect(harness.index.get(...key)).toBe(harness.lsn - 1);
      await harness.store.close();
    }));

  it('reads no page for a time-ordered id that was never put', () =>
    withFolder(async (path) => {
      const random = randomWords(5);
      const harness = new Harness(path, 2000);
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 2000; i++) harness.put(timeKey(1.7e12 + round * 10_000 + i, random));
        harness.checkpoint();
      }
      const before = harness.store.pageReads;
      for (let i = 0; i < 5000; i++) expect(harness.index.get(...timeKey(1.7e12 + 100_000 + i, random))).toBe(0);
      expect(harness.store.pageReads - before).toBe(0);
      await harness.store.close();
    }));

  it('reads a page for at most 2 % of random ids that were never put, per segment', () =>
    withFolder(async (path) => {
      const random = randomWords(6);
      const harness = new Harness(path, 20_000, { cachePages: 1 });
      for (let i = 0; i < 20_000; i++) harness.put(randomKey(random));
      harness.checkpoint();
      const before = harness.store.pageReads;
      for (let i = 0; i < 20_000; i++) harness.index.get(...randomKey(random));
      expect(harness.store.pageReads - before).toBeLessThanOrEqual(400);
      await harness.store.close();
    }));

  it('keeps filters within their budget, newest first, and finds everything without them', () =>
    withFolder(async (path) => {
      const random = randomWords(7);
      const keys: Key[] = [];
      const harness = new Harness(path, 5000, { filterBytesMax: 15_000, cachePages: 2 });
      for (let round = 0; round < 5; round++) {
        for (let i = 0; i < 5000; i++) {
          const key = randomKey(random);
          keys.push(key);
          harness.put(key);
        }
        harness.checkpoint();
        expect(harness.store.filterBytes).toBeLessThanOrEqual(15_000);
      }
      expect(harness.store.filterBytes).toBeGreaterThan(10_000);
      expect(keys.filter((key, i) => harness.index.get(...key) !== i + 1)).toEqual([]);
      await harness.store.close();
    }));

  it('freezes one table at a time, and none that is empty', () =>
    withFolder(async (path) => {
      const harness = new Harness(path, 10);
      expect(harness.index.freeze()).toBeUndefined();
      harness.put([1, 0, 0, 0]);
      expect(harness.index.freeze()?.count).toBe(1);
      harness.put([2, 0, 0, 0]);
      expect(harness.index.freeze()).toBeUndefined();
      expect([harness.index.frozenCount, harness.index.memtableCount]).toEqual([1, 1]);
      await harness.store.close();
    }));
});
