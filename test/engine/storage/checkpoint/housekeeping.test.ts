// Between checkpoints, merges and removals go on in steps: every key is found at any moment, and nothing is left behind.
import { describe, expect, it } from 'vitest';
import { type CheckpointRequest, CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { openIndexEnvironment } from '../../../../engine/storage/checkpoint/environment.ts';
import { type Manifest, stateOf } from '../../../../engine/storage/checkpoint/manifest.ts';
import { storedSegments } from '../../../../engine/storage/checkpoint/orphans.ts';
import { KeyIndex } from '../../../../engine/storage/index/key-index.ts';
import { type Key, randomWords, request, runSeed, section, timeKey, withFolder } from '../support.ts';

const hashSeed = 31;
const BOUND = 4000;

function drain(store: CheckpointStore): number {
  let steps = 0;
  while (store.step()) steps++;
  return steps;
}

describe('housekeeping', () => {
  it('agrees with a Map, whenever a checkpoint comes between and whenever the store is opened again', async () => {
    const seed = runSeed();
    const random = randomWords(seed);
    await withFolder(async (path) => {
      const options = { path, hashSeed, mergeFanIn: 3, inSteps: true };
      const expected = new Map<string, { key: Key; lsn: number }>();
      let writer = new CheckpointStore(options);
      let reader = new CheckpointStore({ path, hashSeed });
      let index = new KeyIndex({ memtableBound: BOUND, hashSeed });
      let base = 0;
      let lsn = 1;
      let deepest = 0;
      const check = (): void => {
        for (const { key, lsn: at } of expected.values()) {
          if (index.get(...key) !== at) throw new Error(`SEED=${seed}: ${key} is not found at ${at}`);
        }
      };
      for (let round = 0; round < 60; round++) {
        const count = random() % 5 === 0 ? BOUND : 1 + (random() % 400);
        for (let i = 0; i < count; i++) {
          // Some keys come again with a newer position.
          const key = timeKey(1e12 + (random() % 20_000), randomWords(random() % 50));
          index.put(...key, lsn);
          expected.set(key.join(), { key, lsn: lsn++ });
        }
        const frozen = index.freeze();
        const job = request({ base, lsn, frozen: frozen === undefined ? {} : { keys: frozen } });
        const written = writer.write(job);
        expect(written.damage).toEqual([]);
        if (random() % 2 === 0) for (let steps = random() % 4; steps > 0; steps--) writer.step();
        base = written.manifest.id;
        index.install(reader.openSegments(written.manifest, written.built).get('keys') ?? []);
        for (let steps = random() % 8; steps > 0; steps--) writer.step();
        deepest = Math.max(deepest, ...(written.manifest.indexes.keys ?? []).map(({ level }) => level));
        if (round % 6 === 0) check();
        if (round % 20 === 19) {
          // Unfinished merges are forgotten.
          await writer.close();
          await reader.close();
          writer = new CheckpointStore(options);
          reader = new CheckpointStore({ path, hashSeed });
          index = new KeyIndex({ memtableBound: BOUND, hashSeed });
          index.install(reader.openSegments(written.manifest).get('keys') ?? []);
          check();
        }
      }
      expect(deepest).toBeGreaterThan(1);
      // Twice: what is merged now is listed by the next checkpoint, and its inputs go after the one behind that.
      let manifest = writer.write(request({ base, lsn })).manifest;
      for (let again = 0; again < 3; again++) {
        drain(writer);
        const written = writer.write(request({ base: manifest.id, lsn: lsn++ }));
        manifest = written.manifest;
        index.install(reader.openSegments(manifest, written.built).get('keys') ?? []);
      }
      drain(writer);
      check();
      const listed = Object.values(manifest.indexes).flat();
      const environment = openIndexEnvironment(path);
      expect(storedSegments(environment)).toEqual(listed.map(({ id }) => id).sort((a, b) => a - b));
      await environment.close();
      const perLevel = new Map<number, number>();
      for (const { level } of listed) perLevel.set(level, (perLevel.get(level) ?? 0) + 1);
      expect(Math.max(...perLevel.values())).toBeLessThan(3);
      expect(writer.verifyCheckpoints()).toMatchObject({ checkpoints: 2, findings: [] });
      await writer.close();
      await reader.close();
    });
  }, 60_000);

  it('writes a large state between checkpoints, and lists it when all of it is there', async () => {
    await withFolder(async (path) => {
      const options = { path, hashSeed, inSteps: true };
      let writer = new CheckpointStore(options);
      const environment = openIndexEnvironment(path);
      const owners = (): (number | undefined)[] => {
        environment.refresh();
        return [...new Set([...environment.sections.getKeys()].map(([id]) => id))];
      };
      let base = 0;
      const checkpoint = (lsn: number, state: Partial<CheckpointRequest> = {}): Manifest => {
        const { sections: _, ...plain } = request({ base, lsn });
        const { manifest } = writer.write({ ...plain, ...state });
        base = manifest.id;
        return manifest;
      };
      // Two transactions of chunks.
      const large = (value: number): Record<string, Uint8Array> => ({ state: section(9_000_000, () => value) });
      expect(stateOf(checkpoint(10))).toEqual({ id: 0, lsn: 0 });
      expect(stateOf(checkpoint(20, { sections: large(1) }))).toEqual({ id: 2, lsn: 20 });
      expect(stateOf(checkpoint(30, { sections: large(2), stateLsn: 25 }))).toEqual({ id: 2, lsn: 20 });
      writer.step();
      expect(stateOf(checkpoint(40))).toEqual({ id: 2, lsn: 20 });
      drain(writer);
      expect(owners()).toEqual([2, 3]);
      expect(stateOf(checkpoint(50))).toEqual({ id: 3, lsn: 25 });
      expect(
        writer
          .newest()
          .checkpoint?.sections.get('state')
          ?.every((byte) => byte === 2),
      ).toBe(true);
      expect(stateOf(checkpoint(60))).toEqual({ id: 3, lsn: 25 });
      drain(writer);
      expect(owners()).toEqual([3]);
      // A crash on the way loses that state, and only that.
      checkpoint(70, { sections: large(3), stateLsn: 65 });
      writer.step();
      expect(owners()).toEqual([3, 7]);
      await writer.close();
      writer = new CheckpointStore(options);
      expect(stateOf(checkpoint(80))).toEqual({ id: 3, lsn: 25 });
      drain(writer);
      expect(owners()).toEqual([3]);
      expect(writer.verifyCheckpoints()).toMatchObject({ checkpoints: 2, findings: [] });
      await environment.close();
      await writer.close();
    });
  });

  it('has nothing to do where nothing was written, and leaves merges to `write` unless asked', async () => {
    await withFolder(async (path) => {
      const stepped = new CheckpointStore({ path, hashSeed, inSteps: true });
      expect(stepped.step()).toBe(false);
      await stepped.close();
      const plain = new CheckpointStore({ path, hashSeed });
      plain.write(request());
      expect(plain.step()).toBe(false);
      await plain.close();
    });
  });
});
