// A copy made in pieces while rows change is what a copy at once would have been.
import { describe, expect, it } from 'vitest';
import { TableCopy } from '../../../engine/ledger/table-copy.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const ROWS = 6000;

function bytesOf(array: Uint32Array | Float64Array | Uint16Array, values: number): Buffer {
  return Buffer.from(array.slice(0, values).buffer);
}

describe('TableCopy', () => {
  it('shows the moment at which it began, whatever changes and in whatever pieces it is made', () => {
    const seed = runSeed();
    const random = randomWords(seed);
    const ids = new Uint32Array(ROWS * 4);
    const amounts = new Float64Array(ROWS);
    const codes = new Uint16Array(ROWS);
    // Does not change, so nothing of it is saved.
    const owners = Uint32Array.from({ length: ROWS }, () => random());
    const columns = [
      { array: ids, width: 4 },
      { array: owners, width: 1, isFixed: true },
      { array: amounts, width: 1 },
      { array: codes, width: 1 },
    ];
    const copy = new TableCopy();
    let savedAndCopied = 0;
    const change = (count: number): void => {
      // Mostly some hot rows, which change more than once.
      const row = random() % (random() % 2 === 0 ? Math.min(50, count) : count);
      copy.before(row);
      ids[row * 4 + (random() % 4)] = random();
      amounts[row] = random() * 2 ** 20;
      codes[row] = random() & 0xffff;
    };
    for (let round = 0; round < 30; round++) {
      // Rows are added from one copy to the next, and while one is under way.
      let count = Math.min(ROWS, 1 + round * 200 + (random() % 200));
      for (let i = 0; i < 500; i++) change(count);
      const expected = [
        bytesOf(ids, count * 4),
        bytesOf(owners, count),
        bytesOf(amounts, count),
        bytesOf(codes, count),
      ];
      copy.begin(columns, count);
      while (!copy.isDone) {
        count = Math.min(ROWS, count + (random() % 3));
        for (let i = random() % 400; i > 0; i--) change(count);
        savedAndCopied += copy.advance(random() % 3000);
      }
      for (let i = 0; i < 100; i++) change(count);
      const taken = copy.take().map((bytes) => Buffer.from(bytes));
      expect(taken, `SEED=${seed} round ${round}`).toEqual(expected);
    }
    expect(savedAndCopied).toBeGreaterThan(50_000);
  });

  it('of an empty table is done at once', () => {
    const copy = new TableCopy();
    copy.begin([{ array: new Uint16Array(8), width: 1 }], 0);
    expect(copy.isDone).toBe(true);
    expect(copy.take().map(({ length }) => length)).toEqual([0]);
    copy.before(3);
    expect(copy.advance(1)).toBe(0);
  });

  it('gives nothing before it is done', () => {
    const copy = new TableCopy();
    copy.begin([{ array: new Uint16Array(2000), width: 1 }], 2000);
    copy.advance(1);
    expect(() => copy.take()).toThrow('not done');
  });

  it('is right when a column has another type than in the copy before', () => {
    const copy = new TableCopy();
    const whole = Uint32Array.from({ length: 8 }, (_, index) => index);
    const half = Float64Array.from({ length: 8 }, (_, index) => index / 2);
    for (const array of [whole, half, whole]) {
      copy.begin([{ array, width: 1 }], 8);
      copy.advance(8);
      expect(Buffer.from(copy.take()[0]!)).toEqual(bytesOf(array, 8));
    }
  });
});
