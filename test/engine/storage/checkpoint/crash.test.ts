// Whenever a writer is killed, the checkpoint that it said it had written, or the one after it, is there and whole.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { CheckpointStore } from '../../../../engine/storage/checkpoint/checkpoint-store.ts';
import { KeyIndex } from '../../../../engine/storage/index/key-index.ts';
import { keyOfLsn, randomWords, runSeed, withFolder } from '../support.ts';

const hashSeed = 5;
const COUNT = 3000;
const WRITER = fileURLToPath(new URL('write-loop.ts', import.meta.url));

/** Runs the writer and kills it some time after its first checkpoint; the last LSN that it said. */
async function killedWriter(path: string, mode: string, afterMs: number): Promise<number> {
  const child = spawn(process.execPath, ['--import', 'tsx', WRITER, path, String(COUNT), mode], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const ended = once(child, 'exit');
  let last = 0;
  for await (const line of createInterface({ input: child.stdout })) {
    if (last === 0) setTimeout(() => child.kill('SIGKILL'), afterMs);
    last = Number(line);
  }
  const [, signal] = await ended;
  expect(signal).toBe('SIGKILL');
  return last;
}

describe('a writer that is killed', () => {
  it.each(['at once', 'in steps'])(
    'leaves the old checkpoint or the new one, whole; merges %s',
    async (mode) => {
      const seed = runSeed();
      const random = randomWords(seed);
      let levels = 0;
      await withFolder(async (path) => {
        for (let round = 0; round < 8; round++) {
          const said = await killedWriter(path, mode, random() % 120);
          const store = new CheckpointStore({ path, hashSeed });
          const { checkpoint, damage } = store.newest();
          expect(damage, `SEED=${seed}`).toEqual([]);
          const { manifest, sections } = checkpoint!;
          expect([said, said + COUNT], `SEED=${seed}`).toContain(manifest.lsn);
          const state = sections.get('state')!;
          expect(state.every((byte, at) => byte === ((at ^ (manifest.lsn & 255)) & 255))).toBe(true);

          const index = new KeyIndex({ memtableBound: 1, hashSeed });
          index.install(store.openSegments(manifest).get('keys')!);
          const holes: number[] = [];
          for (let lsn = 1; lsn < manifest.lsn; lsn++) if (index.get(...keyOfLsn(lsn)) !== lsn) holes.push(lsn);
          expect(holes, `SEED=${seed}`).toEqual([]);
          expect(store.verifyCheckpoints().findings, `SEED=${seed}`).toEqual([]);
          levels = Math.max(levels, ...manifest.indexes.keys!.map(({ level }) => level));
          await store.close();
        }
      });
      expect(levels).toBeGreaterThan(0);
    },
    120_000,
  );
});
