/** What happens in a life, as data: made from a seed, run, cut down to what fails, and kept in files. */
import type { Command } from './model/command.ts';
import { HostileCommands } from './model/hostile-commands.ts';
import { randomWords } from './random.ts';
import { CHAIN_ENDS_PER_BATCH } from './settings.ts';

export type Step =
  /** One batch, `jump` µs after the one before. */
  | { readonly type: 'batch'; readonly jump: bigint; readonly commands: readonly Command[] }
  /** The oldest writes under way reach the disk, of the first partition unless one is named. */
  | { readonly type: 'flush'; readonly count: number; readonly partition?: number }
  /** Writes the checkpoint that was asked for; the process ends before transaction `crashAt`, when there is one. */
  | { readonly type: 'checkpoint'; readonly crashAt?: number; readonly partition?: number }
  /** Does a piece of the merging that is due; the process ends before transaction `crashAt`. */
  | { readonly type: 'merge'; readonly crashAt?: number; readonly partition?: number }
  /** The oldest write under way fails, and with it the process. When `isClaimed`, the storage calls it written. */
  | { readonly type: 'writeError'; readonly isClaimed: boolean; readonly partition?: number }
  /** The process ends; of the writes under way `kept` survive, and of the next the share `torn`. */
  | { readonly type: 'crash'; readonly kept: number; readonly torn: number }
  /** One byte of a copy of the disk changes: `where` and `at` are taken modulo what is there. */
  | { readonly type: 'damage'; readonly where: number; readonly at: number; readonly xor: number }
  /** The whole disk is proved by the engine's own verify. */
  | { readonly type: 'verify' }
  /** Commands for several partitions, `jump` µs after the round before, which has come to rest. */
  | { readonly type: 'round'; readonly jump: bigint; readonly commands: readonly Command[] }
  /** The oldest messages of a direction between two partitions arrive, and once more later when `again`. */
  | { readonly type: 'deliver'; readonly link: number; readonly count: number; readonly again: boolean }
  /** The process ends; `kept` is for each partition. When `isLate`, messages under way still arrive, after the next start. */
  | {
      readonly type: 'powerCut';
      readonly kept: readonly number[];
      readonly torn: number;
      readonly isLate: boolean;
    }
  /** Everything that is under way comes to its end, and is compared. */
  | { readonly type: 'rest' };

export interface Episode {
  readonly seed: number;
  /** 1 unless it is there. */
  readonly partitions?: number;
  readonly holdsMax: number;
  /** Whether merges are steps of their own. */
  readonly mergesInSteps?: boolean;
  readonly steps: readonly Step[];
}

/** Small enough that the table of holds is full at times, large enough that mostly it is not. */
const HOLDS_MAX = [30, 300];

/** Decides everything that will happen, with `commands` commands in it. */
export function makeEpisode(seed: number, commands: number): Episode {
  const random = randomWords(seed);
  const hostile = new HostileCommands(random, CHAIN_ENDS_PER_BATCH);
  const below = (limit: number): number => random() % limit;
  const steps: Step[] = [];
  const holdsMax = HOLDS_MAX[below(HOLDS_MAX.length)] ?? 300;
  for (let made = 0; made < commands; ) {
    const count = Math.min(commands - made, 1 + below(below(3) === 0 ? 24 : 6));
    steps.push({
      type: 'batch',
      jump: hostile.jump(),
      commands: Array.from({ length: count }, () => hostile.command()),
    });
    made += count;
    if (below(100) < 55) steps.push({ type: 'flush', count: 1 + below(4) });
    if (below(100) < 6) steps.push({ type: 'checkpoint', ...(below(6) === 0 ? { crashAt: below(8) } : {}) });
    if (below(100) < 8) steps.push({ type: 'merge', ...(below(30) === 0 ? { crashAt: below(3) } : {}) });
    if (below(1000) < 3) steps.push({ type: 'writeError', isClaimed: below(2) === 0 });
    if (below(1000) < 5) steps.push({ type: 'crash', kept: below(4), torn: below(3) === 0 ? below(1000) / 1000 : 0 });
    if (below(1000) < 1) steps.push({ type: 'damage', where: random(), at: random(), xor: 1 << below(8) });
  }
  steps.push({ type: 'crash', kept: below(4), torn: 0 }, { type: 'verify' });
  return { seed, holdsMax, mergesInSteps: below(2) === 0, steps };
}

/** Bigints as `"123n"`: no other text of a step looks like that. */
export function stringifyEpisode(episode: Episode): string {
  return JSON.stringify(episode, (_, value: unknown) => (typeof value === 'bigint' ? `${value}n` : value), 1);
}

export function parseEpisode(text: string): Episode {
  const parsed: Episode = JSON.parse(text, (_, value: unknown) =>
    typeof value === 'string' && /^\d+n$/.test(value) ? BigInt(value.slice(0, -1)) : value,
  );
  if (!Array.isArray(parsed.steps)) throw new Error('it has no list of steps');
  return parsed;
}
