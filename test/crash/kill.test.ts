// kill -9 under load, ten times in a row: no answered request is lost or answered otherwise, none is posted twice, and the
// data directory is whole after each.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { runSeed } from '../engine/storage/support.ts';
import { CrashSeries } from './support/rounds.ts';

function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-crash-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data');
}

describe('kill -9 under load', () => {
  it.each([
    ['as configured', 10, []],
    // So that kills land in checkpoints and merges.
    ['with many checkpoints', 10, ['--checkpoint-every-bytes', '1MiB', '--index-memory-entries', '16384']],
    ['with two partitions', 4, ['--partitions', '2', '--checkpoint-every-bytes', '1MiB']],
  ])('loses nothing and posts nothing twice, %s', async (_, rounds, flags) => {
    const seed = runSeed();
    const series = new CrashSeries(dataFolder(), seed, flags);
    let answered = 0;
    let unanswered = 0;
    for (let round = 0; round < rounds; round++) {
      const running = await series.start();
      const counts = await series.load(running, async (random) => {
        await pause(50 + (random() % 350));
        await running.end('SIGKILL');
      });
      answered += counts.answered;
      unanswered += counts.unanswered;
      expect(await series.verify(), `SEED=${seed} round ${round}`).toMatchObject({ ok: true, findings: [] });
    }
    const last = await series.start();
    expect(await last.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const v = await series.verify(); console.log(answered, unanswered, JSON.stringify(v));
    expect(v, `SEED=${seed}`).toMatchObject({ ok: true });
    // The test would prove nothing if the kills came between requests.
    expect(answered).toBeGreaterThan(rounds * 100);
    expect(unanswered).toBeGreaterThan(rounds);
  });
});
