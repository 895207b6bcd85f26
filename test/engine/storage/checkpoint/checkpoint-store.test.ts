// A checkpoint is there as a whole or not at all, and what no kept checkpoint lists takes no room.
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { openIndexEnvironment } from '../../../../engine/storage/checkpoint/environment.ts';
import { storedSegments } from '../../../../engine/storage/checkpoint/orphans.ts';
import { KeyIndex } from '../../../../engine/storage/index/key-index.ts';
import { type FrozenMemtable, Memtable } from '../../../../engine/storage/index/memtable.ts';
import { PageKind, pageKey } from '../../../../engine/storage/index/page.ts';
import { randomKey, randomWords, request, section, withFolder } from '../support.ts';

const hashSeed = 3;

function table(count: number, seed: number): FrozenMemtable {
  const random = randomWords(seed);
  const memtable = new Memtable({ bound: count, hashSeed });
  for (let i = 1; i <= count; i++) memtable.put(...randomKey(random), i);
  return memtable.freeze();
}

describe('checkpoint store', () => {
  it('gives back what was written, after opening again', () =>
    withFolder(async (path) => {
      const sections = {
        accounts: section(700_001, (at) => at * 7),
        timers: section(3, (at) => at),
        empty: new Uint8Array(0),
      };
      const writer = new CheckpointStore({ path, hashSeed });
      const previousHash = new Uint8Array(32).map((_, i) => i);
      const written = writer.write(
        request({
          lsn: 5000,
          sequence: 17,
          timestamp: 99,
          previousHash,
          sections,
          frozen: { transfers: table(1000, 1) },
        }),
      );
      await writer.close();

      const store = new CheckpointStore({ path, hashSeed });
      const { checkpoint, damage } = store.newest();
      expect(damage).toEqual([]);
      expect(checkpoint?.manifest).toEqual(written.manifest);
      expect(checkpoint?.manifest).toMatchObject({ lsn: 5000, sequence: 17, timestamp: 99, hashSeed });
      expect(checkpoint?.manifest.previousHash).toBe(Buffer.from(previousHash).toString('hex'));
      expect([...checkpoint!.sections.keys()]).toEqual(['accounts', 'timers', 'empty']);
      expect(Buffer.from(sections.accounts).equals(checkpoint!.sections.get('accounts')!)).toBe(true);
      expect(checkpoint!.sections.get('timers')).toEqual(new Uint8Array([0, 1, 2]));
      expect(store.verifyCheckpoints()).toMatchObject({ checkpoints: 1, segments: 1, entries: 1000, findings: [] });
      await store.close();
    }));

  it('has no checkpoint in a new folder', () =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed });
      expect(store.newest()).toEqual({ checkpoint: undefined, damage: [] });
      expect(store.all()).toEqual({ manifests: [], damage: [] });
      expect(() => store.write(request({ base: 4 }))).toThrow('no checkpoint 4');
      expect(() => store.write(request({ previousHash: new Uint8Array(31) }))).toThrow('32 bytes');
      await store.close();
    }));

  it('keeps the new checkpoint and its base, with all that they list', () =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2 });
      let base = 0;
      for (let round = 1; round <= 6; round++) {
        const frozen = { keys: table(500, round) };
        base = store.write(request({ base, frozen, lsn: 1000 * round, sections: { s: section(10, () => round) } }))
          .manifest.id;
        expect(store.all().manifests.map(({ lsn }) => lsn)).toEqual(
          round > 1 ? [1000 * round, 1000 * (round - 1)] : [1000],
        );
        expect(store.verifyCheckpoints().findings).toEqual([]);
      }
      const environment = openIndexEnvironment(path);
      const listed = store.all().manifests.flatMap(({ indexes }) => indexes.keys!.map(({ id }) => id));
      expect(new Set(storedSegments(environment))).toEqual(new Set(listed));
      await environment.close();
    }));

  it.each(['section', 'fences', 'manifest'] as const)('falls back to the one before when its %s is damaged', (part) =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed });
      const writeAt = (lsn: number, base: number) => {
        const sections = { s: section(9, () => lsn / 1000) };
        return store.write(request({ base, lsn, sections, frozen: { keys: table(400, lsn) } })).manifest;
      };
      const first = writeAt(1000, 0);
      const second = writeAt(2000, first.id);
      const environment = openIndexEnvironment(path);
      const damage = {
        section: { where: 'checkpoint', checkpointLsn: 2000, section: 's', chunk: 0, problem: 'is missing' },
        fences: { where: 'index', checkpointLsn: 2000, index: 'keys', part: 'fences', page: 0, problem: 'is missing' },
        manifest: { where: 'checkpoint', checkpointLsn: 2000, section: 'manifest', problem: 'is not a manifest' },
      }[part];
      if (part === 'section') await environment.sections.remove([second.id, 0, 0]);
      if (part === 'fences') await environment.pages.remove(pageKey(second.indexes.keys![0]!.id, PageKind.fences, 0));
      if (part === 'manifest') await environment.manifests.put([second.id, 2000], Buffer.from('no manifest at all'));

      const reader = new CheckpointStore({ path, hashSeed });
      const newest = reader.newest();
      expect(newest.checkpoint?.manifest).toEqual(first);
      expect(newest.checkpoint?.sections.get('s')).toEqual(new Uint8Array(9).fill(1));
      expect(newest.damage).toEqual([expect.objectContaining(damage)]);

      const third = writeAt(2000, first.id);
      expect(store.all()).toEqual({ manifests: [third, first], damage: [] });
      expect(store.verifyCheckpoints().findings).toEqual([]);
      await environment.close();
    }),
  );

  it(
    'does not grow on disk while what it keeps does not grow',
    () =>
      withFolder(async (path) => {
        const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 3 });
        const frozen = { keys: table(30_000, 1) };
        const sections = { accounts: section(3_000_000, (at) => at) };
        const sizes: number[] = [];
        let base = 0;
        for (let round = 0; round < 40; round++) {
          base = store.write(request({ base, frozen, sections })).manifest.id;
          sizes.push(statSync(join(path, 'data.mdb')).size);
        }
        expect(store.verifyCheckpoints().findings).toEqual([]);
        // Two checkpoints of 3 MB, segments of the same 30,000 keys at 27 bytes, and room for those being written.
        expect(sizes.at(-1)! / 2 ** 20).toBeLessThan(48);
        expect(sizes.at(-1)! / sizes[19]!).toBeLessThan(1.3);
        await store.close();
      }),
    30_000,
  );

  it('leaves out what a chain that failed has put behind its end, and finds the rest', () =>
    withFolder(async (path) => {
      const memtable = new Memtable({ bound: 10, hashSeed });
      const lsns = [998, 1000, 999, 2 ** 33, 1001, 7];
      for (const [key, lsn] of lsns.entries()) memtable.put(key, 0, 0, 1, lsn);
      const behind = new Memtable({ bound: 1, hashSeed });
      behind.put(1, 0, 0, 1, 1000);
      const store = new CheckpointStore({ path, hashSeed });
      const frozen = { keys: memtable.freeze(), others: behind.freeze() };
      const { manifest } = store.write(request({ lsn: 1000, frozen }));
      expect(manifest.indexes.others).toEqual([]);
      const index = new KeyIndex({ memtableBound: 1, hashSeed });
      index.install(store.openSegments(manifest).get('keys') ?? []);
      expect(lsns.map((_, key) => index.get(key, 0, 0, 1))).toEqual([998, 0, 999, 0, 0, 7]);
      expect(store.verifyCheckpoints()).toMatchObject({ findings: [] });
      await store.close();
    }));

  it('merges no segment beyond the largest size', () =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2, segmentEntriesMax: 1000 });
      let base = 0;
      for (let round = 0; round < 9; round++) {
        base = store.write(request({ base, frozen: { keys: table(300, round + 1) } })).manifest.id;
      }
      const segments = store.all().manifests[0]!.indexes.keys!;
      expect(Math.max(...segments.map(({ entries }) => entries))).toBeLessThanOrEqual(1000);
      expect(segments.reduce((sum, { entries }) => sum + entries, 0)).toBe(2700);
      await store.close();
    }));

  it('puts merges off when asked to, and makes up for it', () =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2 });
      let base = 0;
      const counts: number[] = [];
      for (let round = 0; round < 7; round++) {
        const part = { base, frozen: { keys: table(30, round + 1) }, merge: round === 6 };
        const { manifest } = store.write(request(part));
        base = manifest.id;
        counts.push(manifest.indexes.keys!.length);
      }
      expect(counts).toEqual([1, 2, 3, 4, 5, 6, 1]);
      expect(store.verifyCheckpoints()).toMatchObject({ findings: [] });
      await store.close();
    }));

  it('leaves a damaged segment out of merges and throws where a look-up needs the page', () =>
    withFolder(async (path) => {
      const store = new CheckpointStore({ path, hashSeed, mergeFanIn: 2 });
      const environment = openIndexEnvironment(path);
      const index = new KeyIndex({ memtableBound: 10, hashSeed });
      index.put(1, 1, 1, 1, 8);
      const first = store.write(request({ frozen: { keys: index.freeze()! } }));
      const { id } = first.manifest.indexes.keys![0]!;
      const page = Buffer.from(environment.pages.getBinary(pageKey(id, PageKind.entries, 0))!);
      page[30] = page[30]! ^ 4;
      await environment.pages.put(pageKey(id, PageKind.entries, 0), page);
      const second = store.write(request({ base: first.manifest.id, frozen: { keys: table(10, 5) } }));
      expect(second.manifest.indexes.keys).toHaveLength(2);
      expect(second.damage).toEqual([
        expect.objectContaining({ where: 'index', segment: id, part: 'entries', page: 0 }),
      ]);
      index.install(store.openSegments(second.manifest, second.built).get('keys')!);
      expect(() => index.get(1, 1, 1, 1)).toThrow('checksum does not match');
      await environment.close();
    }));
});
