/** What happens to several partitions, as data: rounds of commands, what is flushed and delivered meanwhile, and crashes. */
import { TownCommands } from './model/town-commands.ts';
import { randomWords } from './random.ts';
import type { Episode, Step } from './steps.ts';

const HOLDS_MAX = 2000;

/** Decides everything that will happen, with `commands` commands in it. */
export function makeTownEpisode(seed: number, commands: number, partitions: number): Episode {
  const random = randomWords(seed);
  const town = new TownCommands(random);
  const below = (limit: number): number => random() % limit;
  const steps: Step[] = [];
  const crash = (): Step => ({
    type: 'powerCut',
    kept: Array.from({ length: partitions }, () => below(5)),
    torn: below(3) === 0 ? below(1000) / 1000 : 0,
    isLate: below(2) === 0,
  });
  const event = (): Step => {
    const kind = below(1000);
    const partition = below(partitions);
    if (kind < 6) return crash();
    if (kind < 8) return { type: 'writeError', isClaimed: below(2) === 0, partition };
    if (kind < 25) return { type: 'merge', partition, ...(below(20) === 0 ? { crashAt: below(3) } : {}) };
    if (kind < 60) return { type: 'checkpoint', partition, ...(below(6) === 0 ? { crashAt: below(8) } : {}) };
    if (kind < 450) return { type: 'flush', partition, count: 1 + below(3) };
    return { type: 'deliver', link: below(partitions * partitions), count: 1 + below(3), again: below(5) === 0 };
  };
  for (let made = 0; made < commands; ) {
    const round = town.round(commands - made);
    steps.push({ type: 'round', jump: town.jump(), commands: round });
    made += round.length;
    for (let left = below(3) === 0 ? below(16) : below(4); left > 0; left--) steps.push(event());
    steps.push({ type: 'rest' });
  }
  steps.push(crash(), { type: 'rest' }, { type: 'verify' });
  return { seed, partitions, holdsMax: HOLDS_MAX, mergesInSteps: below(2) === 0, steps };
}
