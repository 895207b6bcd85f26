/** A whole run: episodes one after another, each with a seed of its own, until enough commands were decided. */
import { createHash } from 'node:crypto';
import type { Batch } from '../worker/batch.ts';
import { Life } from './life.ts';
import { derivedSeed } from './random.ts';
import { type Episode, makeEpisode } from './steps.ts';
import { Tally } from './tally.ts';
import { Town } from './town.ts';
import { makeTownEpisode } from './town-steps.ts';

/** A new ledger after so many commands: balances at the limit would block everything in the end. */
const COMMANDS_PER_EPISODE = 1_500;

/** An episode that failed, and where. */
export interface Failure {
  readonly episode: Episode;
  /** Of the episode's steps. */
  readonly at: number;
  readonly message: string;
}

export interface RunReport {
  readonly tally: Tally;
  readonly stateHash: string;
  readonly failure: Failure | undefined;
}

/** Runs `commands` commands from a seed; stops at the first failure. */
export async function simulate(seed: number, commands: number, partitions = 1): Promise<RunReport> {
  const tally = new Tally();
  const hash = createHash('sha256');
  const batches: Batch[] = [];
  for (let number = 0; tally.steps < commands; number++) {
    const left = Math.min(COMMANDS_PER_EPISODE, commands - tally.steps);
    const own = derivedSeed(seed, number);
    const episode = partitions === 1 ? makeEpisode(own, left) : makeTownEpisode(own, left, partitions);
    const { failure, stateHash } = await runEpisode(episode, tally, batches);
    if (failure !== undefined) return { tally, stateHash: '', failure };
    hash.update(stateHash);
  }
  return { tally, stateHash: hash.digest('hex'), failure: undefined };
}

/** Runs one episode from its first step; `batches` is memory to use again. */
export async function runEpisode(
  episode: Episode,
  tally: Tally,
  batches: Batch[] = [],
): Promise<{ readonly stateHash: string; readonly failure: Failure | undefined }> {
  const life = (episode.partitions ?? 1) === 1 ? new Life(episode, tally, batches) : new Town(episode, tally, batches);
  let at = 0;
  try {
    await life.begin();
    for (; at < episode.steps.length; at++) {
      const step = episode.steps[at];
      if (step !== undefined) await life.step(step);
    }
    return { stateHash: await life.end(), failure: undefined };
  } catch (error) {
    const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
    return { stateHash: '', failure: { episode, at, message } };
  }
}
