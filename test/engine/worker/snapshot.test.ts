// A snapshot copied after several more batches is the state as it was when it began, after commands of every kind.
import { describe, expect, it } from 'vitest';
import { HostileCommands } from '../../../engine/simulate/model/hostile-commands.ts';
import { canonicalSections, restoreSnapshot, SnapshotInSteps, takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { PartitionState } from '../../../engine/worker/state.ts';
import { DeskComparison } from '../../model/desk-comparison.ts';
import { Desk } from '../../support/desk.ts';
import { mapIndexes, memoryPartition } from '../../support/memory-partition.ts';
import { randomWords, runSeed } from '../storage/support.ts';

function plain(sections: Iterable<readonly [string, Uint8Array]>): Record<string, string> {
  return Object.fromEntries([...sections].map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
}

describe('SnapshotInSteps', () => {
  it('is the state at which it began, and restores it', { timeout: 60_000 }, async () => {
    const seed = runSeed();
    const random = randomWords(seed);
    const { partition, state, journal, options } = memoryPartition({ holdsMax: 200 });
    const commands = new HostileCommands(random, 1);
    const comparison = new DeskComparison(new Desk(partition), state, 200);
    await comparison.begin();
    const snapshot = new SnapshotInSteps(state);
    const batches = async (count: number): Promise<void> => {
      for (let done = 0; done < count; done++) {
        const some = Array.from({ length: 1 + commands.below(8) }, () => commands.command());
        await comparison.batch(some, commands.jump());
      }
    };
    let changed = 0;
    for (let round = 0; round < 40; round++) {
      await batches(1 + commands.below(12));
      const expected = plain(Object.entries(takeSnapshot(state)));
      snapshot.begin();
      await batches(commands.below(12));
      const sections = snapshot.advance(Number.POSITIVE_INFINITY);
      if (sections === undefined) throw new Error('nothing was left to be copied');
      const stored = new Map(Object.entries(sections));
      expect(plain(canonicalSections(stored)), `SEED=${seed} round ${round}`).toEqual(expected);
      const restored = new PartitionState(options, journal, mapIndexes());
      restored.events.start(new ArrayBuffer(0), journal.nextLsn);
      restoreSnapshot(restored, stored);
      const again = plain(Object.entries(takeSnapshot(restored)));
      // Reminders may lie in another order.
      for (const name of ['timers.deadline', 'timers.keys']) {
        delete again[name];
        delete expected[name];
      }
      expect(again, `SEED=${seed} round ${round}`).toEqual(expected);
      if (plain(Object.entries(takeSnapshot(state)))['accounts.headLsn'] !== expected['accounts.headLsn']) changed++;
    }
    expect(changed).toBeGreaterThan(20);
  });
});
