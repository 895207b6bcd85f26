/** Cuts a failing episode down: delta debugging over its steps, then over the commands of its batches. */
import { type Failure, runEpisode } from './simulate.ts';
import type { Episode, Step } from './steps.ts';
import { Tally } from './tally.ts';

/** Runs that a search may take. */
const RUNS_MAX = 600;

/** The shortest episode found that still fails, and how; any failure counts. */
export async function shrink(first: Failure): Promise<Failure> {
  const search = new Search({ ...first, episode: upTo(first.episode, first.at) });
  // What is under way at the end may take its end to fail.
  if (!(await search.fails(search.best.episode.steps))) search.best = first;
  await search.reduce(search.best.episode.steps, (steps) => steps);
  for (let at = search.best.episode.steps.length - 1; at >= 0; at--) {
    const { steps } = search.best.episode;
    const step = steps[at];
    if ((step?.type !== 'batch' && step?.type !== 'round') || step.commands.length < 2) continue;
    const withCommands = (commands: typeof step.commands): Step[] => steps.with(at, { ...step, commands });
    await search.reduce(step.commands, withCommands);
  }
  return search.best;
}

function upTo(episode: Episode, at: number): Episode {
  return { ...episode, steps: episode.steps.slice(0, at + 1) };
}

class Search {
  best: Failure;
  #runs = 0;

  constructor(best: Failure) {
    this.best = best;
  }

  async fails(steps: readonly Step[]): Promise<boolean> {
    if (this.#runs++ >= RUNS_MAX) return false;
    const { failure } = await runEpisode({ ...this.best.episode, steps }, new Tally());
    if (failure === undefined) return false;
    this.best = { ...failure, episode: upTo(failure.episode, failure.at) };
    return true;
  }

  /** Leaves out ever smaller parts of a list as long as the episode still fails. */
  async reduce<T>(all: readonly T[], stepsWith: (items: readonly T[]) => readonly Step[]): Promise<void> {
    let items = all;
    for (let size = Math.ceil(items.length / 2); size >= 1; size = size === 1 ? 0 : Math.ceil(size / 2)) {
      for (let start = 0; start < items.length; ) {
        const rest = [...items.slice(0, start), ...items.slice(start + size)];
        if (await this.fails(stepsWith(rest))) items = rest;
        else start += size;
      }
    }
  }
}
