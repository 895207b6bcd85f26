import { describe, expect, it, onTestFinished } from 'vitest';
import { BatchStore } from '../../../engine/journal/batch-store.ts';
import { temporaryFolder } from './support.ts';

function openStore(path = temporaryFolder()): BatchStore {
  const store = BatchStore.open(path, false);
  onTestFinished(() => store.close());
  return store;
}

const blob = (length: number, fill: number) => new Uint8Array(length).fill(fill);

describe('BatchStore', () => {
  it('writes nothing when the batch before is not there, and says so', async () => {
    const store = openStore();
    expect(await store.put(0, blob(160, 1), undefined)).toBe(true);
    expect(await store.put(30, blob(160, 2), 10)).toBe(false);
    expect(store.get(30)).toBeUndefined();
    // The one that the journal would have made behind it, under way at the same time.
    const both = [store.put(50, blob(160, 3), 40), store.put(60, blob(160, 4), 50), store.put(10, blob(160, 5), 0)];
    expect(await Promise.all(both)).toEqual([false, false, true]);
    expect([...store.keys()]).toEqual([0, 10]);
    expect(store.count()).toBe(2);
  });

  it('writes nothing at or before the last key', async () => {
    const store = openStore();
    await store.put(0, blob(160, 1), undefined);
    await store.put(10, blob(160, 2), 0);
    expect(await store.put(10, blob(160, 3), 0)).toBe(false);
    expect(await store.put(5, blob(160, 3), 0)).toBe(false);
    expect(store.get(10)?.bytes).toEqual(Buffer.from(blob(160, 2)));
    expect(store.get(5)).toBeUndefined();
  });

  it('finds the greatest start at or below an LSN', async () => {
    const store = openStore();
    expect(store.floor(5)).toBeUndefined();
    expect(store.last()).toBeUndefined();
    let previous: number | undefined;
    for (const lsn of [0, 10, 300, 70_000, 2 ** 31, 2 ** 40, 2 ** 52]) {
      expect(await store.put(lsn, blob(160, 1), previous)).toBe(true);
      store.changed();
      previous = lsn;
    }
    expect(store.last()).toBe(2 ** 52);
    expect([0, 9, 10, 299, 2 ** 31 - 1, 2 ** 31, 2 ** 40 + 1, 2 ** 53 - 1].map((lsn) => store.floor(lsn))).toEqual([
      0,
      0,
      10,
      10,
      70_000,
      2 ** 31,
      2 ** 40,
      2 ** 52,
    ]);
    expect([...store.keys()]).toEqual([0, 10, 300, 70_000, 2 ** 31, 2 ** 40, 2 ** 52]);
  });

  it('reads many batches of every size in any order', async () => {
    const path = temporaryFolder();
    const store = openStore(path);
    const starts: number[] = [];
    const sizes = Array.from({ length: 300 }, (_, n) => 16 * (1 + ((n * n * 7) % 700)));
    const puts: Promise<boolean>[] = [];
    let lsn = 0;
    for (const [n, size] of sizes.entries()) {
      puts.push(store.put(lsn, blob(size, n & 0xff), starts.at(-1)));
      starts.push(lsn);
      lsn += size / 16;
    }
    expect(new Set(await Promise.all(puts))).toEqual(new Set([true]));
    store.changed();
    for (let n = 0; n < 3000; n++) {
      const at = (n * 7919) % 300;
      const inside = (starts[at] ?? 0) + ((n * 31) % (sizes[at]! / 16));
      const batch = n % 2 === 0 ? store.covering(inside)! : store.get(starts[at]!)!;
      expect(batch.lsn).toBe(starts[at]);
      expect(batch.bytes.length).toBe(sizes[at]);
      expect(batch.bytes[0]).toBe(at & 0xff);
      expect(batch.bytes.at(-1)).toBe(at & 0xff);
    }
  });
});
