/** What happens in a life, as data: made from a seed, run, cut down to what fails, and kept in files. */
import { type Command, HostileCommands } from './model/hostile-commands.ts';
import { randomWords } from './random.ts';

export type Step =
  /** One batch, `jump` µs after the one before. */
  | { readonly type: 'batch'; readonly jump: bigint; readonly commands: readonly Command[] }
  /** The oldest writes under way reach the disk. */
  | { readonly type: 'flush'; readonly count: number }
  /** Writes the checkpoint that was asked for; the process ends before transaction `crashAt`, when there is one. */
  | { readonly type: 'checkpoint'; readonly crashAt?: number }
  /** The process ends; of the writes under way `kept` survive, and of the next the share `torn`. */
  | { readonly type: 'crash'; readonly kept: number; readonly torn: number }
  /** One byte of a copy of the disk changes: `where` and `at` are taken modulo what is there. */
  | { readonly type: 'damage'; readonly where: number; readonly at: number; readonly xor: number }
  /** The whole disk is proved by the engine's own verify. */
  | { readonly type: 'verify' };

export interface Episode {
  readonly seed: number;
  readonly holdsMax: number;
  readonly steps: readonly Step[];
}

/** Small enough that the table of holds is full at times, large enough that mostly it is not. */
const HOLDS_MAX = [30, 300];

/** Decides everything that will happen, with `commands` commands in it. */
export function makeEpisode(seed: number, commands: number): Episode {
  const random = randomWords(seed);
  const hostile = new HostileCommands(random);
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
    if (below(1000) < 5) steps.push({ type: 'crash', kept: below(4), torn: below(3) === 0 ? below(1000) / 1000 : 0 });
    if (below(1000) < 1) steps.push({ type: 'damage', where: random(), at: random(), xor: 1 << below(8) });
  }
  steps.push({ type: 'crash', kept: below(4), torn: 0 }, { type: 'verify' });
  return { seed, holdsMax, steps };
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
