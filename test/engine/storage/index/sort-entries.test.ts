// The order is that of the keys as unsigned 128-bit numbers, whatever their distribution.
import { describe, expect, it } from 'vitest';
import { ENTRY_WORDS, type FrozenMemtable } from '../../../../engine/storage/index/memtable.ts';
import { sortedOrder } from '../../../../engine/storage/index/sort-entries.ts';
import { type Key, randomKey, randomWords, runSeed, timeKey } from '../support.ts';

function tableOf(keys: readonly Key[]): FrozenMemtable {
  const unique = [...new Map(keys.map((key) => [key.join(), key])).values()];
  const words = new Uint32Array(unique.length * ENTRY_WORDS);
  for (const [i, key] of unique.entries()) words.set(key, i * ENTRY_WORDS);
  return { words, count: unique.length };
}

function numberAt({ words }: FrozenMemtable, entry: number): bigint {
  return [3, 2, 1, 0].reduce((sum, word) => (sum << 32n) | BigInt(words[entry * ENTRY_WORDS + word]!), 0n);
}

const DISTRIBUTIONS: Record<string, (random: () => number, i: number) => Key> = {
  random: randomKey,
  'time-ordered with out-of-order clocks': (random, i) => timeKey(1.7e12 + (i >> 3) + (random() % 50), random),
  'small numbers, falling': (_, i) => [5000 - i, 0, 0, 0],
  'equal but for the lowest word, with one outlier': (random, i) =>
    i === 7 ? [0, 0, 0, 0] : [random(), 9, 9, 0xffff_ffff],
  'equal in all but one bit of the highest word': (random, i) => [i, 0, 0, random() & 0x8000_0000],
  'differing in each word a little': (random) => [random() & 3, random() & 7, random() & 7, (random() & 3) << 14],
  'four levels of outliers': (random, i) => {
    const level = i % 4;
    return [random(), level > 0 ? 1 : random(), level > 1 ? 1 : random(), level > 2 ? 1 : random()];
  },
  ascending: (_, i) => [i, 0, 1, 0],
};

describe('sorting entries', () => {
  it.each(Object.keys(DISTRIBUTIONS))('%s', (name) => {
    const seed = runSeed();
    const random = randomWords(seed);
    for (const count of [1, 2, 13, 5000]) {
      const table = tableOf(Array.from({ length: count }, (_, i) => DISTRIBUTIONS[name]!(random, i)));
      const numbers = [...sortedOrder(table)].map((entry) => numberAt(table, entry));
      const expected = Array.from({ length: table.count }, (_, i) => numberAt(table, i)).sort((a, b) =>
        a < b ? -1 : 1,
      );
      expect(numbers, `SEED=${seed}`).toEqual(expected);
    }
  });
});
