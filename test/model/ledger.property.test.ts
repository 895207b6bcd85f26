/**
 * Whatever clients send, the engine answers like the reference, holds the same balances, and its books balance; and replaying
 * its journal leads to the same state.
 */
import { describe, expect, it } from 'vitest';
import type { Command } from '../../engine/simulate/model/command.ts';
import { HostileCommands } from '../../engine/simulate/model/hostile-commands.ts';
import { takeSnapshot } from '../../engine/worker/snapshot.ts';
import type { PartitionState } from '../../engine/worker/state.ts';
import { randomWords, runSeed } from '../engine/storage/support.ts';
import { Desk } from '../support/desk.ts';
import { memoryPartition, replayed } from '../support/memory-partition.ts';
import { DeskComparison } from './desk-comparison.ts';

const STEPS = Number(process.env.STEPS ?? 6_000);
/** A new ledger after so many, so that balances at the limit do not block everything for ever. */
const STEPS_PER_LEDGER = 1_500;
/** Small enough that the table of holds is full at times, large enough that mostly it is not. */
const HOLDS_MAX = [30, 300];

function sections(state: PartitionState): Record<string, string> {
  const kept = Object.entries(takeSnapshot(state)).filter(([name]) => !name.startsWith('timers.'));
  return Object.fromEntries(kept.map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
}

async function run(seed: number, steps: number): Promise<DeskComparison> {
  const holdsMax = HOLDS_MAX[seed % HOLDS_MAX.length] ?? 300;
  const memory = memoryPartition({ holdsMax });
  const comparison = new DeskComparison(new Desk(memory.partition), memory.state, holdsMax);
  const commands = new HostileCommands(randomWords(seed), 2);
  await comparison.begin();
  for (let step = 0; step < steps; ) {
    const count = 1 + commands.below(commands.below(4) === 0 ? 6 : 1);
    const batch: Command[] = Array.from({ length: count }, () => commands.command());
    try {
      await comparison.batch(batch, commands.jump());
    } catch (error) {
      const command = `SEED=${seed} STEPS=${step + count} npx vitest run --project property test/model`;
      throw new Error(`at step ${step} of seed ${seed}: ${String(error)}\nagain: ${command}`, { cause: error });
    }
    step += count;
  }
  expect(sections(replayed(memory)), `replay of seed ${seed}`).toEqual(sections(memory.state));
  return comparison;
}

describe('the ledger and payments against the reference', () => {
  it(`agree on ${STEPS} hostile commands`, { timeout: 3_600_000 }, async () => {
    const first = runSeed();
    const seen = new Map<string, number>();
    for (let done = 0, round = 0; done < STEPS; done += STEPS_PER_LEDGER, round++) {
      const comparison = await run(first + round, Math.min(STEPS_PER_LEDGER, STEPS - done));
      for (const [name, count] of comparison.seen) seen.set(name, (seen.get(name) ?? 0) + count);
    }
    if (process.env.SEEN !== undefined) console.log([...seen].sort((a, b) => b[1] - a[1]).join('\n'));
    // A run in which little succeeds shows little.
    if (STEPS >= 6_000) expect(seen.get('ok')).toBeGreaterThan(STEPS / 10);
  });
});
