/** The accounts that the workloads move money between. */
import { partitionOfAccount } from '../engine/hash-id.ts';
import type { IdWords } from './load/jobs.ts';

/** Every workload is in euro. */
export const LEDGER = 978;
export const CURRENCY = 'EUR';

export interface BenchAccount {
  readonly id: bigint;
  readonly words: IdWords;
}

/** Upper half of the ids: a time-ordered id of 2026-01-01, so that an id of a record reads like any other. */
const UPPER = 0x019b_766d_d400_7000n;
const LOWER = 0x8000_0000_0000_0000n;

/** An account by its number, from 0. */
export function benchAccount(number: number): BenchAccount {
  const low = LOWER | BigInt(number);
  const word = (value: bigint): number => Number(BigInt.asUintN(32, value));
  return {
    id: (UPPER << 64n) | low,
    words: [word(low), word(low >> 32n), word(UPPER), word(UPPER >> 32n)],
  };
}

/**
 * The first `count` accounts from number `from` on, by the partition that keeps them. A transfer stays inside one group:
 * what is measured is the speed of a partition, times their number.
 */
export function benchAccounts(count: number, partitions: number, from = 0): BenchAccount[][] {
  const groups: BenchAccount[][] = Array.from({ length: partitions }, () => []);
  for (let number = from; number < from + count; number++) {
    const account = benchAccount(number);
    groups[partitionOfAccount(...account.words, partitions)]?.push(account);
  }
  return groups;
}
