import { describe, expect, it } from 'vitest';
import { PairPicker, Random } from '../../bench/load/random.ts';
import { TimeOrderedIds } from '../../bench/load/time-ordered-ids.ts';
import { isClientId } from '../../protocol/ids.ts';

function write(ids: TimeOrderedIds): bigint {
  const words = new Uint32Array(4);
  ids.write(words, 0);
  return words.reduceRight((id, word) => (id << 32n) | BigInt(word), 0n);
}

describe('time-ordered ids', () => {
  it('grow strictly, within a millisecond and from one to the next', () => {
    const ids = new TimeOrderedIds(new Random(1));
    let last = 0n;
    for (let ms = 1_790_000_000_000; ms < 1_790_000_000_050; ms++) {
      ids.at(ms);
      for (let n = 0; n < 500; n++) {
        const id = write(ids);
        expect(id > last).toBe(true);
        last = id;
      }
    }
  });

  it('go on growing when the clock goes back', () => {
    const ids = new TimeOrderedIds(new Random(1));
    ids.at(1_790_000_000_001);
    const before = write(ids);
    ids.at(1_790_000_000_000);
    expect(write(ids) > before).toBe(true);
  });

  it('are UUIDv7 of their millisecond, and ids that a client may use', () => {
    const ids = new TimeOrderedIds(new Random(1));
    ids.at(0x0190_a5e0_c0de);
    const id = write(ids);
    expect(id >> 80n).toBe(0x0190_a5e0_c0den);
    expect((id >> 76n) & 0xfn).toBe(7n);
    expect((id >> 62n) & 3n).toBe(2n);
    expect(isClientId(id)).toBe(true);
  });
});

describe('accounts of a transfer', () => {
  const SAMPLES = 100_000;
  const COUNT = 100;

  function shares(distribution: 'uniform' | 'zipf' | 'hot'): number[] {
    const pair = new PairPicker(distribution, COUNT, new Random(7));
    const uses = new Array<number>(COUNT).fill(0);
    let alike = 0;
    for (let n = 0; n < SAMPLES; n++) {
      pair.next();
      if (pair.debit === pair.credit) alike++;
      uses[pair.debit]!++;
      uses[pair.credit]!++;
    }
    expect(alike).toBe(0);
    return uses.map((count) => count / SAMPLES / 2);
  }

  it('uniform: each is used alike', () => {
    for (const share of shares('uniform')) expect(share).toBeCloseTo(1 / COUNT, 2);
  });

  it('zipf: the first is used about twice as often as the second', () => {
    const [first = 0, second = 1] = shares('zipf');
    expect(first / second).toBeGreaterThan(1.7);
    expect(first / second).toBeLessThan(2.3);
  });

  it('hot: half of all sides are one of two accounts', () => {
    const [first = 0, second = 0] = shares('hot');
    expect(first + second).toBeGreaterThan(0.48);
    expect(first + second).toBeLessThan(0.53);
  });

  it('two accounts are enough, one is not', () => {
    expect(() => new PairPicker('uniform', 1, new Random(1))).toThrow(RangeError);
    const pair = new PairPicker('hot', 2, new Random(1));
    for (let n = 0; n < 100; n++) {
      pair.next();
      expect(pair.debit + pair.credit).toBe(1);
    }
  });
});
