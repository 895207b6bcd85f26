// While another thread writes a checkpoint, look-ups find everything; afterwards they find it in the new segments.
import { fileURLToPath } from 'node:url';
import { Piscina } from 'piscina';
import { describe, expect, it } from 'vitest';
import { CheckpointStore, type CheckpointWritten } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { KeyIndex } from '../../../engine/storage/index/key-index.ts';
import type { BackgroundJob } from '../../../engine/worker/background.ts';
import { keyOfLsn, request, section, withFolder } from '../storage/support.ts';

const WORKER = fileURLToPath(new URL('../../../engine/worker/background.ts', import.meta.url));

describe('background pool', () => {
  it(
    'writes checkpoints beside a thread that looks up and puts',
    () =>
      withFolder(async (path) => {
        const pool = new Piscina<BackgroundJob, CheckpointWritten>({
          filename: WORKER,
          maxThreads: 2,
          execArgv: ['--import', 'tsx'],
        });
        const options = { path, hashSeed: 21, mergeFanIn: 2, cachePages: 2 };
        const store = new CheckpointStore(options);
        const index = new KeyIndex({ memtableBound: 6000, hashSeed: 21 });
        let lsn = 1;
        let base = 0;
        const put = (): void => {
          index.put(...keyOfLsn(lsn), lsn);
          lsn++;
        };
        const holes: number[] = [];
        const lookUp = (at: number): void => {
          if (index.get(...keyOfLsn(at)) !== at) holes.push(at);
        };
        for (let round = 0; round < 12; round++) {
          for (let i = 0; i < 3000; i++) put();
          const keys = index.freeze()!;
          const sections = { state: section(300_000, (at) => at + round) };
          const job = request({ base, lsn, frozen: { keys }, sections });
          let written: CheckpointWritten | undefined;
          const running = pool.run({ type: 'checkpoint', store: options, request: job }).then((result) => {
            written = result;
          });
          for (let turn = 0; written === undefined; turn++) {
            for (let i = 0; i < 50; i++) lookUp(1 + ((turn * 7919 + i * 104_729) % (lsn - 1)));
            if (index.memtableCount < 2500) put();
            await new Promise(setImmediate);
          }
          await running;
          base = written.manifest.id;
          index.install(store.openSegments(written.manifest, written.built).get('keys')!);
          for (let at = 1; at < lsn; at += 7) lookUp(at);
        }
        expect(holes).toEqual([]);
        expect(store.verifyCheckpoints()).toMatchObject({ checkpoints: 2, findings: [] });
        const { checkpoint } = store.newest();
        expect(checkpoint!.manifest.id).toBe(base);
        expect(checkpoint!.sections.get('state')!.every((byte, at) => byte === ((at + 11) & 255))).toBe(true);
        await pool.close();
        await store.close();
      }),
    60_000,
  );
});
