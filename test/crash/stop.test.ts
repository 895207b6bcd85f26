// SIGTERM under load, and death during the very first start.
import { once } from 'node:events';
import { setTimeout as pause } from 'node:timers/promises';
import { describe, expect, it } from 'vitest';
import { runSeed } from '../engine/storage/support.ts';
import { dataFolder, spawnSwitch, startSwitch, until } from '../support/switch.ts';
import { CrashSeries } from './support/rounds.ts';

const isStopping = ({ msg }: Record<string, unknown>): boolean => msg === 'stopping: draining';
const isComplaint = ({ level }: Record<string, unknown>): boolean => Number(level) >= 50;

describe('SIGTERM under load', () => {
  it.each([1, 2])('ends with 0 and loses nothing that was answered, %i partition(s)', async (partitions) => {
    const seed = runSeed();
    const series = new CrashSeries(dataFolder(), seed);
    const flags = ['--partitions', String(partitions), '--checkpoint-every-bytes', '1MiB'];
    for (let round = 0; round < 3; round++) {
      const running = await series.start(flags);
      const { answered } = await series.load(running, async (random) => {
        await pause(100 + (random() % 200));
        expect(await running.end('SIGTERM'), `SEED=${seed} round ${round}`).toEqual({ code: 0, signal: null });
      });
      expect(answered).toBeGreaterThan(50);
      expect(running.log.filter(isComplaint)).toEqual([]);
      expect(await series.verify(), `SEED=${seed} round ${round}`).toMatchObject({ ok: true, findings: [] });
    }
    await (await series.start(flags)).end('SIGTERM');
  });

  it('ends at once with the second signal, and loses nothing either', async () => {
    const series = new CrashSeries(dataFolder(), runSeed());
    const running = await series.start();
    await series.load(running, async () => {
      await pause(100);
      running.child.kill('SIGTERM');
      await until(() => running.log.some(isStopping), 'it drains');
      expect(await running.end('SIGTERM')).toEqual({ code: null, signal: 'SIGTERM' });
    });
    expect(await series.verify()).toMatchObject({ ok: true, findings: [] });
    await (await series.start()).end('SIGTERM');
  });
});

describe('a first start that is killed', () => {
  it('leaves a directory on which the next start succeeds', async () => {
    const began = performance.now();
    const whole = await startSwitch(dataFolder(), ['--sandbox']);
    const startMs = performance.now() - began;
    await whole.end('SIGKILL');
    const steps = 5;
    for (let step = 1; step <= steps; step++) {
      const dataDir = dataFolder();
      const child = spawnSwitch(dataDir, ['--sandbox']);
      const ended = once(child, 'exit');
      await pause((startMs * (step + 0.5)) / steps);
      child.kill('SIGKILL');
      await ended;
      const again = await startSwitch(dataDir, ['--sandbox']);
      expect(await again.end('SIGTERM'), `killed in step ${step}`).toEqual({ code: 0, signal: null });
      const series = new CrashSeries(dataDir, step);
      expect(await series.verify(), `killed in step ${step}`).toMatchObject({ ok: true, findings: [] });
    }
  });
});
