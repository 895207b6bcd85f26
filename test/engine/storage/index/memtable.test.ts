// A key that was put is found with its newest LSN; a key that was not put is absent.
import { describe, expect, it } from 'vitest';
import { Memtable } from '../../../../engine/storage/index/memtable.ts';
import { type Key, randomKey, randomWords, runSeed } from '../support.ts';

describe('memtable', () => {
  it('agrees with a Map over random puts and overwrites, through every size it grows to', () => {
    const seed = runSeed();
    const random = randomWords(seed);
    const table = new Memtable({ bound: 150_000, hashSeed: random() });
    const model = new Map<string, number>();
    const keys: Key[] = [];
    for (let step = 0; step < 200_000; step++) {
      const fresh = model.size < 150_000 && (keys.length === 0 || random() % 4 !== 0);
      const key: Key = fresh ? randomKey(random) : keys[random() % keys.length]!;
      if (fresh) keys.push(key);
      const lsn = 1 + random() * 2 ** 20 + step;
      table.put(...key, lsn);
      model.set(key.join(), lsn);
    }
    expect(table.count, `SEED=${seed}`).toBe(model.size);
    const wrong = keys.filter((key) => table.get(...key) !== model.get(key.join()));
    expect(wrong, `SEED=${seed}`).toEqual([]);
    const phantoms = keys.filter(([w0, w1, w2, w3]) => table.get(w0, w1, w2, w3 ^ 1) !== 0);
    expect(phantoms, `SEED=${seed}`).toEqual([]);
  });

  it('tells keys apart that differ in one word, also above 2^31', () => {
    const table = new Memtable({ bound: 16, hashSeed: 1 });
    const big = 0xffff_ffff;
    const keys: Key[] = [
      [0, 0, 0, 0],
      [big, 0, 0, 0],
      [0, big, 0, 0],
      [0, 0, big, 0],
      [0, 0, 0, big],
      [big, big, big, big],
    ];
    for (const [i, key] of keys.entries()) table.put(...key, i + 1);
    expect(keys.map((key) => table.get(...key))).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('keeps LSNs up to 2^53 − 1 and refuses others', () => {
    const table = new Memtable({ bound: 4, hashSeed: 1 });
    table.put(1, 2, 3, 4, Number.MAX_SAFE_INTEGER);
    expect(table.get(1, 2, 3, 4)).toBe(Number.MAX_SAFE_INTEGER);
    for (const lsn of [0, -1, 2 ** 53, Number.NaN]) expect(() => table.put(1, 2, 3, 4, lsn)).toThrow(RangeError);
  });

  it('refuses a new key when full, and still overwrites', () => {
    const table = new Memtable({ bound: 3, hashSeed: 9 });
    for (let i = 1; i <= 3; i++) table.put(i, 0, 0, 0, i);
    expect(() => table.put(4, 0, 0, 0, 4)).toThrow(RangeError);
    table.put(2, 0, 0, 0, 20);
    expect([1, 2, 3, 4].map((i) => table.get(i, 0, 0, 0))).toEqual([1, 20, 3, 0]);
  });

  it.each([1000, 98_305, 786_432, 1_000_000])('takes at most 40 bytes an entry at full (%i)', (bound) => {
    const table = new Memtable({ bound, hashSeed: 9 });
    for (let i = 0; i < bound; i++) table.put(i, 0, 0, 0, 1);
    expect(table.bytes / bound).toBeLessThanOrEqual(40);
  });

  it('is empty after clear, and freezes in order of insertion on shared memory', () => {
    const table = new Memtable({ bound: 8, hashSeed: 9 });
    table.put(5, 6, 7, 8, 9);
    const { words, count } = table.freeze();
    expect(count).toBe(1);
    expect([...words]).toEqual([5, 6, 7, 8, 9, 0]);
    expect(words.buffer).toBeInstanceOf(SharedArrayBuffer);
    table.clear();
    expect([table.count, table.get(5, 6, 7, 8)]).toEqual([0, 0]);
  });
});
