import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { BatchCache } from '../../../engine/journal/batch-cache.ts';

describe('BatchCache', () => {
  it('a batch may be forgotten, a wrong one is never given (against a plain list)', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 12 }),
        fc.array(fc.tuple(fc.boolean(), fc.integer({ min: 0, max: 99 })), { maxLength: 200 }),
        (capacity, steps) => {
          const cache = new BatchCache(capacity);
          const added = new Set<number>();
          for (const [isAdd, batch] of steps) {
            const start = batch * 10;
            // Batches of length 1 … 10 with holes between them.
            const end = start + 1 + (batch % 10);
            if (isAdd) {
              cache.add({ start, end, address: batch + 1000 });
              added.add(batch);
              expect(cache.find(start)).toEqual({ start, end, address: batch + 1000 });
            } else {
              const lsn = start + (batch % 10);
              const found = cache.find(lsn);
              if (found !== undefined) {
                expect(added.has(batch)).toBe(true);
                expect(found).toEqual({ start, end, address: batch + 1000 });
              }
              expect(cache.find(end === start + 10 ? -1 : end)).toBeUndefined();
            }
            expect(cache.size).toBeLessThanOrEqual(capacity);
          }
        },
      ),
    );
  });

  it('forgets nothing before it is full', () => {
    const cache = new BatchCache(100);
    const order = Array.from({ length: 100 }, (_, n) => (n * 37) % 100);
    for (const n of order) cache.add({ start: n * 4, end: n * 4 + 4, address: n + 1 });
    for (const n of order) expect(cache.find(n * 4 + 3)).toEqual({ start: n * 4, end: n * 4 + 4, address: n + 1 });
  });

  it('makes room by dropping what was not used', () => {
    const cache = new BatchCache(8);
    for (let n = 0; n < 8; n++) cache.add({ start: n, end: n + 1, address: n + 1 });
    cache.add({ start: 8, end: 9, address: 9 });
    const kept = [0, 1, 2, 3, 4, 5, 6, 7].filter((n) => cache.find(n) !== undefined);
    expect(kept.length).toBe(4);
    for (let n = 9; cache.size < 8; n++) cache.add({ start: n, end: n + 1, address: n + 1 });
    cache.add({ start: 100, end: 101, address: 7 });
    expect(cache.find(100)).toBeDefined();
    expect(cache.size).toBeLessThan(8);
  });
});
