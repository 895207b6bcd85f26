import { describe, expect, it } from 'vitest';
import { type ExternalRow, readExternal } from '../../../engine/reconcile/external-statement.ts';
import { normalReference, type OwnEntry, type Report, reconcile } from '../../../engine/reconcile/reconcile.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const PLAIN = { columns: {}, minorUnits: 2, isMirrored: false };
const ID = '0198c0de0000700080000000000000aa';

let line = 1;
const row = (reference: string, amount: number, day = 10, direction: 'debit' | 'credit' = 'credit'): ExternalRow => {
  return { line: ++line, reference, day, direction, amount: BigInt(amount) };
};
const entry = (id: string, amount: number, day = 10, ...more: string[]): OwnEntry => {
  return { id, references: [id, ...more], day, direction: 'credit', amount: BigInt(amount) };
};

/** Reference or id of each, by kind. */
function shape(report: Report): Record<string, unknown> {
  const row = ({ reference }: ExternalRow): string => reference;
  const own = ({ id }: OwnEntry): string => id;
  return Object.fromEntries(
    Object.entries({
      matched: report.matched.map((pair) => `${row(pair.row)}=${own(pair.entry)} ${pair.by}`),
      different: report.differentAmount.map((pair) => `${row(pair.row)}=${own(pair.entry)}`),
      missingHere: report.missingHere.map(row),
      missingThere: report.missingThere.map(own),
      duplicateHere: report.duplicateHere.map(own),
      duplicateThere: report.duplicateThere.map(row),
    }).filter(([, list]) => list.length > 0),
  );
}

describe('reconcile', () => {
  it.each<[string, ExternalRow[], OwnEntry[], object]>([
    ['nothing with nothing', [], [], {}],
    ['by the id', [row('a', 5)], [entry('a', 5)], { matched: ['a=a reference'] }],
    [
      'by a further reference, whatever the day',
      [row('Order-1', 5, 99)],
      [entry('a', 5, 10, 'order-1')],
      { matched: ['Order-1=a reference'] },
    ],
    ['missing on either side', [row('a', 5)], [entry('b', 6)], { missingHere: ['a'], missingThere: ['b'] }],
    ['another amount', [row('a', 5)], [entry('a', 6)], { different: ['a=a'] }],
    [
      'another direction is another booking',
      [row('a', 5, 10, 'debit')],
      [entry('a', 5)],
      { missingHere: ['a'], missingThere: ['a'] },
    ],
    [
      'twice in the statement',
      [row('a', 5), row('a', 5)],
      [entry('a', 5)],
      { matched: ['a=a reference'], duplicateThere: ['a'] },
    ],
    [
      'twice in the account',
      [row('o', 5)],
      [entry('a', 5, 10, 'o'), entry('b', 5, 11, 'o')],
      { matched: ['o=a reference'], duplicateHere: ['b'] },
    ],
    [
      'a reference of two bookings',
      [row('o', 5), row('o', 5)],
      [entry('a', 5, 10, 'o'), entry('b', 5, 11, 'o')],
      { matched: ['o=a reference', 'o=b reference'] },
    ],
    [
      'the parts of one payment, in another order',
      [row('o', 7), row('o', 5)],
      [entry('a', 5, 10, 'o'), entry('b', 7, 10, 'o')],
      { matched: ['o=a reference', 'o=b reference'] },
    ],
    [
      'the right amount before another',
      [row('o', 6), row('o', 5)],
      [entry('a', 5, 10, 'o')],
      { matched: ['o=a reference'], missingHere: ['o'] },
    ],
    ['by amount on the same day', [row('', 5)], [entry('a', 5)], { matched: ['=a amountAndDate'] }],
    ['by amount within the window', [row('theirs', 5, 13)], [entry('a', 5)], { matched: ['theirs=a amountAndDate'] }],
    [
      'not beyond the window',
      [row('theirs', 5, 14)],
      [entry('a', 5)],
      { missingHere: ['theirs'], missingThere: ['a'] },
    ],
    [
      'the nearest day first',
      [row('x', 5, 10), row('y', 5, 12)],
      [entry('b', 5, 12), entry('a', 5, 9)],
      { matched: ['y=b amountAndDate', 'x=a amountAndDate'] },
    ],
    [
      'a reference takes its entry before an amount does',
      [row('', 5), row('a', 5)],
      [entry('a', 5)],
      { matched: ['a=a reference'], missingHere: [''] },
    ],
  ])('%s', (_, rows, entries, expected) => {
    expect(shape(reconcile(rows, entries, 3))).toEqual(expected);
  });

  it('takes a UUID for its id', () => {
    expect(normalReference(' 0198C0DE-0000-7000-8000-0000000000AA ')).toBe(ID);
  });

  it('puts every row and every entry in exactly one place', () => {
    const seed = runSeed();
    const next = randomWords(seed);
    const below = (bound: number): number => next() % bound;
    for (let round = 0; round < 200; round++) {
      const rows = Array.from({ length: below(20) }, () =>
        row(['', 'a', 'b', 'c', 'z'][below(5)]!, below(4), below(8)),
      );
      const entries = Array.from({ length: below(20) }, (_, n) =>
        entry(`id${n}`, below(4), below(8), 'abcd'[below(4)]!),
      );
      const report = reconcile(rows, entries, below(3));
      const pairs = [...report.matched, ...report.differentAmount];
      const seenRows = [...pairs.map((pair) => pair.row), ...report.missingHere, ...report.duplicateThere];
      const seenEntries = [...pairs.map((pair) => pair.entry), ...report.missingThere, ...report.duplicateHere];
      expect(new Set(seenRows), `SEED=${seed}`).toEqual(new Set(rows));
      expect(seenRows.length).toBe(rows.length);
      expect(new Set(seenEntries), `SEED=${seed}`).toEqual(new Set(entries));
      expect(seenEntries.length).toBe(entries.length);
      for (const { row, entry } of report.matched)
        expect([row.amount, row.direction]).toEqual([entry.amount, entry.direction]);
      for (const { row, entry } of report.differentAmount) expect(row.amount).not.toBe(entry.amount);
    }
  });

  it('compares 50,000 equal rows in reasonable time', { timeout: 10_000 }, () => {
    const rows = Array.from({ length: 50_000 }, (_, n) => row('same', 1, n % 100));
    const entries = Array.from({ length: 50_000 }, (_, n) => entry(`id${n}`, 1, (n * 7) % 100));
    expect(reconcile(rows, entries, 3).matched).toHaveLength(50_000);
  });
});

describe('reading a statement', () => {
  const read = (text: string, options: object = {}): object[] =>
    readExternal(text, { ...PLAIN, ...options }).map(({ line: _, ...rest }) => rest);
  const credit = { reference: 'a', day: 20_484, direction: 'credit', amount: 1250n };

  it.each([
    ['reference,date,amount,direction\na,2026-01-31,12.50,credit', [credit]],
    ['Date,ID,Amount\r\n2026-01-31T23:59:59Z,a,12.5\r\n', [credit]],
    ['date,id,amount\n2026-01-31,a,-12.50', [{ ...credit, direction: 'debit' }]],
    ['date,id,amount,direction\n2026-01-31,a,-12.50,D', [credit]],
    ['date,id,amount,direction\n2026-01-31,a,+12.50,CR', [credit]],
    ['date,amount\n2026-01-31,12.50', [{ ...credit, reference: '' }]],
    ['type,date,id,amount\nopening,,,1.00\nentry,2026-01-31,a,12.50\nclosing,,,13.50', [credit]],
  ])('%j', (text, expected) => {
    expect(read(text)).toEqual(expected);
  });

  it('turns a mirrored one round, and takes columns from a map', () => {
    const text = 'Booked;Our ref;Sum;DC\n2026-01-31;a;12.50;debit\n';
    const columns = { date: 'booked', reference: 'our ref', amount: 'SUM', direction: 'dc' };
    expect(read(text, { columns, isMirrored: true, separator: ';' })).toEqual([credit]);
  });

  it.each([
    ['', 'line 1, column 1: the file is empty'],
    ['id,amount\n', 'line 1, column 1: no column for the date: map it, for example date=id'],
    ['id,date,amount,Amount\n', 'two columns are called "Amount"'],
    ['date,amount\n2026-01-31\n', 'line 2, column 1: 1 fields, where the header names 2'],
    ['date,amount\n2026-02-30,1\n', 'line 2, column 1: date (column 1 of the table): "2026-02-30" is not a day'],
    ['date,amount\n31.01.2026,1\n', '"31.01.2026" is not a day as 2026-01-31'],
    ['date,amount\n2026-01-31,"1,50"\n', 'line 2, column 1: amount (column 2 of the table): "1,50" is not an amount'],
    ['date,amount\n2026-01-31,1.505\n', 'at most 2 decimals'],
    ['date,amount,direction\n2026-01-31,1,up\n', '"up" is neither debit nor credit'],
    ['date,amount\n2026-01-31,"1\n', 'line 2, column 12: this quote is never closed'],
  ])('refuses %j', (text, problem) => {
    expect(() => read(text)).toThrow(problem);
  });

  it('refuses a map that names no column', () => {
    const options = { columns: { direction: 'DC' } };
    expect(() => read('date,amount\n', options)).toThrow('no column for the direction');
  });
});
