// kill -9 under load, ten times in a row: no answered request is lost or answered otherwise, none is posted twice, and the
// data directory is whole after each.
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runSeed } from '../engine/storage/support.ts';
import { dataFolder } from '../support/switch.ts';
import { CrashSeries } from './support/rounds.ts';

/** So that kills land in checkpoints and merges. */
const TIGHT = ['--checkpoint-every-bytes', '1MiB', '--index-memory-entries', '32768'];
/** A checkpoint of either kind for every few thousand records. */
const BUSY = ['--checkpoint-every-bytes', '1MiB', '--index-memory-entries', '16384'];

/** Keys that an index had to have on disk. */
const LOOKED_UP_MIN = 1000;

describe('kill -9 under load', () => {
  it.each([
    ['every second time with many checkpoints', 10, [[], TIGHT]],
    ['with checkpoints and merges all the time', 8, [BUSY]],
    ['with two partitions', 3, [['--partitions', '2', ...TIGHT]]],
    ['with three partitions', 3, [['--partitions', '3', ...TIGHT]]],
  ])('loses nothing and posts nothing twice, %s', async (_, rounds, flags) => {
    const seed = runSeed();
    const series = new CrashSeries(dataFolder(), seed);
    let answered = 0;
    let unanswered = 0;
    let lookedUp = 0;
    // On a slow machine the first rounds may not fill a memtable: a few more, so that there is a checkpoint to be found.
    for (let round = 0; round < rounds || (lookedUp <= LOOKED_UP_MIN && round < rounds * 5); round++) {
      const running = await series.start(flags[round % flags.length]);
      const counts = await series.load(running, async (random) => {
        await pause(50 + (random() % 350));
        await running.end('SIGKILL');
      });
      answered += counts.answered;
      unanswered += counts.unanswered;
      const report = await series.verify();
      expect(report, `SEED=${seed} round ${round}`).toMatchObject({ ok: true, findings: [] });
      lookedUp = Number(report.keysLookedUp);
    }
    const last = await series.start(flags[0]);
    expect(await last.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const report = await series.verify();
    expect(report, `SEED=${seed}`).toMatchObject({ ok: true, checkpoints: expect.any(Number) });
    // The test would prove nothing if the kills came between requests, or if there were no checkpoints.
    expect(report.keysLookedUp).toBeGreaterThan(LOOKED_UP_MIN);
    expect(answered).toBeGreaterThan(rounds * 50);
    expect(unanswered).toBeGreaterThan(rounds);
  });
});
