/** What must hold of partitions that work together. */
import { expect } from 'vitest';
import type { Bank } from './bank.ts';
import { replayed } from './memory-partition.ts';

/** Posted on both clearing accounts of each pair and ledger: what is between them. */
export function between(bank: Bank): number[] {
  const sums = new Map<string, number>();
  for (const [from, { state }] of bank.partitions.entries()) {
    for (const { peer, ledger, posted } of state.ledger.clearing.positions()) {
      const key = `${Math.min(from, peer)}-${Math.max(from, peer)}:${ledger}`;
      sums.set(key, (sums.get(key) ?? 0) + posted);
    }
  }
  return [...sums.values()];
}

/** The books of every partition balance, and a replay of its journal gives the same state. */
export function expectWhole(bank: Bank): void {
  for (const memory of bank.partitions) {
    const { accounts, holds, clearing } = memory.state.ledger;
    const again = replayed(memory).ledger;
    for (const side of ['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted', 'headLsn'] as const) {
      expect([...again.accounts[side].subarray(0, accounts.count)]).toEqual([
        ...accounts[side].subarray(0, accounts.count),
      ]);
    }
    expect(again.holds.count).toBe(holds.count);
    expect([...again.clearing.unfinished]).toEqual([...clearing.unfinished]);
    expect([...again.clearing.requests]).toEqual([...clearing.requests]);
    expect([...again.clearing.prepared]).toEqual([...clearing.prepared]);
    const sum = (side: 'debitsPosted' | 'creditsPosted'): number =>
      accounts[side].subarray(0, accounts.count).reduce((total, value) => total + value, 0);
    expect(sum('debitsPosted')).toBe(sum('creditsPosted'));
  }
}
