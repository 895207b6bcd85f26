/** Whether a partition can be made again from what it has written. */
import { expect } from 'vitest';
import { canonicalSections, takeSnapshot } from '../../engine/worker/snapshot.ts';
import { type MemoryPartition, memoryPartition, replayed } from './memory-partition.ts';

/** Whether recovery from the journal, and from a copy of the state, ends where the partition stands. */
export function expectRecovered(partitions: readonly MemoryPartition[]): void {
  for (const memory of partitions) {
    const plain = (sections: Record<string, Uint8Array>) =>
      [...canonicalSections(new Map(Object.entries(sections)))].filter(([name]) => !name.startsWith('timers.'));
    const live = plain({ ...takeSnapshot(memory.state) });
    expect(plain({ ...takeSnapshot(replayed(memory)) })).toEqual(live);
    const again = memoryPartition(memory.options, memory.journal);
    expect(plain({ ...takeSnapshot(again.state) })).toEqual(live);
  }
}
