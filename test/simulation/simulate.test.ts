/** The simulator runs clean, and what it says can be had again: same seed, same state; a failure becomes a short list that fails. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { shrink } from '../../engine/simulate/shrink.ts';
import { runEpisode, simulate } from '../../engine/simulate/simulate.ts';
import { makeEpisode, parseEpisode, type Step, stringifyEpisode } from '../../engine/simulate/steps.ts';
import { Tally } from '../../engine/simulate/tally.ts';

const PROGRAM = fileURLToPath(new URL('../../engine/cli/sluice.js', import.meta.url));
/** SEED runs one of the random ones again. */
const RANDOM_SEED = Number(process.env.SEED ?? Math.floor(Math.random() * 2 ** 31));

function sluice(...words: string[]) {
  const { status, stdout, stderr } = spawnSync(process.execPath, [PROGRAM, 'simulate', ...words], { encoding: 'utf8' });
  return { status, stdout, stderr };
}

describe('simulated runs', () => {
  it.each([101, 102, RANDOM_SEED, RANDOM_SEED + 1])('seed %i finds nothing', { timeout: 60_000 }, async (seed) => {
    const { failure, tally } = await simulate(seed, 3_000);
    expect(failure?.message, `SEED=${seed} npx vitest run --project simulation`).toBeUndefined();
    expect(tally.steps).toBe(3_000);
    expect(tally.recoveries).toBe(tally.crashes);
    expect(tally.verifications).toBeGreaterThan(0);
  });

  it.each([
    [2, 201],
    [2, RANDOM_SEED],
    [3, RANDOM_SEED],
    [4, 202],
  ])('%i partitions, seed %i, find nothing', { timeout: 60_000 }, async (partitions, seed) => {
    const { failure, tally } = await simulate(seed, 1_500, partitions);
    const again = `sluice simulate --seed ${seed} --steps 1500 --partitions ${partitions}`;
    expect(failure?.message, again).toBeUndefined();
    expect(tally.steps).toBe(1_500);
    expect(tally.crashes).toBeGreaterThan(0);
    expect(tally.results.crossesPartitions ?? 0).toBeLessThan(tally.results.ok ?? 0);
  });

  it('with several partitions end in the same state again', async () => {
    const runs = await Promise.all([simulate(9, 600, 3), simulate(9, 600, 3)]);
    expect(runs[0].stateHash).toMatch(/^[0-9a-f]{64}$/);
    expect(runs[1].stateHash).toBe(runs[0].stateHash);
  });

  it('end in the same state in every process', async () => {
    const { stateHash } = await simulate(7, 1_000);
    const first = JSON.parse(sluice('--seed', '7', '--steps', '1000', '--json').stdout);
    const second = JSON.parse(sluice('--seed', '7', '--steps', '1000', '--json').stdout);
    expect([first.stateHash, second.stateHash]).toEqual([stateHash, stateHash]);
    expect(first).toMatchObject({ seed: 7, steps: 1_000, commands: expect.any(Object), results: expect.any(Object) });
    const other = await simulate(8, 1_000);
    expect(other.stateHash).not.toBe(stateHash);
  });
});

describe('a failing run', () => {
  /** The reference believes every campaign, and is lost when a payment names one whose account does not exist. */
  const terms = { basisPoints: 1000, fixed: 1, maximum: 0, minimumAmount: 0, startsAt: 0, endsAt: 0 };
  const impossible: Step = {
    type: 'batch',
    jump: 0n,
    commands: [{ type: 'campaign', institution: 2, campaign: { ...terms, accountId: `${'0'.repeat(30)}63` } }],
  };

  it('is cut down to what fails, and the list can be kept and run again', { timeout: 60_000 }, async () => {
    const sound = makeEpisode(6, 200);
    const payment = {
      type: 'batch',
      jump: 0n,
      commands: [
        {
          type: 'sale',
          institution: 1,
          payment: {
            id: 9_999_999n,
            payerAccountId: 1n,
            payeeAccountId: 2n,
            amount: 10n,
            campaignId: 99n,
            userData64: 0n,
            expiresAfterS: 0,
            ledger: 156,
            code: 7,
            reference: '',
          },
        },
      ],
    } as const;
    const steps = [
      ...sound.steps.slice(0, 40),
      impossible,
      ...sound.steps.slice(40),
      payment,
      ...sound.steps.slice(0, 3),
    ];
    const { failure } = await runEpisode({ ...sound, steps }, new Tally());
    if (failure === undefined) throw new Error('it does not fail');
    const shortest = await shrink(failure);
    expect(shortest.episode.steps.length).toBeLessThan(5);
    const text = stringifyEpisode(shortest.episode);
    expect(parseEpisode(text)).toEqual(shortest.episode);
    const folder = mkdtempSync(join(tmpdir(), 'sluice-replay-'));
    try {
      const path = join(folder, 'failure.json');
      writeFileSync(path, text);
      expect(sluice('--replay', path)).toMatchObject({ status: 1, stderr: expect.stringContaining('step ') });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});
