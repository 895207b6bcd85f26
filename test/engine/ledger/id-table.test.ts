// Whatever is added and removed in whatever order, every id is found at its row, and no other; also while the table grows.
import { describe, expect, it } from 'vitest';
import { IdTable, NO_ROW } from '../../../engine/ledger/id-table.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const ROWS = 40_000;

describe('IdTable', () => {
  it('agrees with a map through growth and removals', () => {
    const seed = runSeed();
    const random = randomWords(seed);
    const ids = new Uint32Array(ROWS * 4);
    const table = new IdTable(seed >>> 0);
    const rows = new Map<string, number>();
    const free = Array.from({ length: ROWS }, (_, row) => ROWS - 1 - row);
    const key = (row: number): string => ids.subarray(row * 4, row * 4 + 4).join();
    const find = (row: number): number =>
      table.find(ids, ...([...ids.subarray(row * 4, row * 4 + 4)] as [number, number, number, number]));
    const check = (): void => {
      for (const [id, row] of rows) {
        const words = id.split(',').map(Number) as [number, number, number, number];
        if (table.find(ids, ...words) !== row) throw new Error(`SEED=${seed}: ${id} is not found at ${row}`);
      }
    };
    for (let step = 0; step < 90_000; step++) {
      // It grows at first, then stays as large, then shrinks.
      const adds = step < 50_000 ? 8 : step < 70_000 ? 5 : 2;
      if (random() % 10 < adds && free.length > 0) {
        const row = free.pop() as number;
        ids.set([random(), random(), random() % 3, 7], row * 4);
        expect(find(row)).toBe(NO_ROW);
        table.add(ids, row);
        rows.set(key(row), row);
      } else if (rows.size > 0) {
        const row = random() % ROWS;
        const id = key(row);
        if (rows.get(id) !== row) continue;
        table.remove(ids, row);
        rows.delete(id);
        expect(find(row)).toBe(NO_ROW);
        free.push(row);
      }
      if (step % 10_000 === 0) check();
    }
    check();
    expect(rows.size).toBeGreaterThan(1000);
  });

  it('takes many rows at once when that was reserved', () => {
    const table = new IdTable(5);
    const ids = Uint32Array.from({ length: 20_000 * 4 }, (_, at) => at);
    table.reserve(20_000);
    for (let row = 0; row < 20_000; row++) table.add(ids, row);
    for (let row = 0; row < 20_000; row++) {
      expect(table.find(ids, row * 4, row * 4 + 1, row * 4 + 2, row * 4 + 3)).toBe(row);
    }
    expect(table.find(ids, 1, 1, 1, 1)).toBe(NO_ROW);
  });
});
