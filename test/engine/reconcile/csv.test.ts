import { describe, expect, it } from 'vitest';
import { CsvError, readCsv } from '../../../engine/reconcile/csv.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const rows = (text: string, separator?: string): (readonly string[])[] =>
  [...readCsv(text, separator)].map(({ fields }) => fields);

describe('what is read', () => {
  it.each([
    ['', []],
    ['a', [['a']]],
    [
      'a,b\r\nc,d\r\n',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    [
      'a,b\nc,d',
      [
        ['a', 'b'],
        ['c', 'd'],
      ],
    ],
    ['\ufeffa,b\n', [['a', 'b']]],
    ['\ufeff"a",b\n', [['a', 'b']]],
    [
      'a,,\n,,b',
      [
        ['a', '', ''],
        ['', '', 'b'],
      ],
    ],
    ['"a,b","c\r\nd","e""f",""', [['a,b', 'c\r\nd', 'e"f', '']]],
    ['""""', [['"']]],
    ['a\n\nb\n', [['a'], [''], ['b']]],
    [' a , b ', [[' a ', ' b ']]],
    ['中文,é\n', [['中文', 'é']]],
  ])('%j', (text, expected) => {
    expect(rows(text)).toEqual(expected);
  });

  it('has another separator when told so', () => {
    expect(rows('a;b,c\n', ';')).toEqual([['a', 'b,c']]);
  });

  it('says on which line each record begins, also after fields of several lines', () => {
    expect([...readCsv('a\n"b\n\nb"\r\nc')].map(({ line }) => line)).toEqual([1, 2, 5]);
  });

  it('is what any table was before it was written', () => {
    const seed = runSeed();
    const next = randomWords(seed);
    const parts = ['a', '"', ',', '\n', '\r\n', ' ', 'é', ''];
    for (let round = 0; round < 300; round++) {
      const table = Array.from({ length: 1 + (next() % 4) }, () =>
        Array.from({ length: 2 }, () =>
          Array.from({ length: next() % 4 }, () => parts[next() % parts.length]).join(''),
        ),
      );
      const text = table
        .map((fields) => fields.map((field) => `"${field.replaceAll('"', '""')}"`).join(','))
        .join('\r\n');
      expect(rows(text), `SEED=${seed}`).toEqual(table);
    }
  });
});

describe('what is refused, with its place', () => {
  it.each([
    ['a,b"c\n', 1, 4, 'a quote inside a field'],
    ['x,y\na,"b"c\n', 2, 6, 'something follows'],
    ['x\n"a\nb', 2, 1, 'never closed'],
    ['"a\n\nb" ,c', 3, 3, 'something follows'],
    ['a\rb', 1, 2, 'carriage return'],
    ['a,b\nc,d\r', 2, 4, 'carriage return'],
    ['\ufeff"a"b', 1, 4, 'something follows'],
  ])('%j at line %i, column %i', (text, line, column, problem) => {
    const read = (): unknown => rows(text);
    expect(read).toThrow(CsvError);
    expect(read).toThrow(`line ${line}, column ${column}: `);
    expect(read).toThrow(problem);
  });
});
