// Which range a card number belongs to: the narrowest that has it, by comparison with looking at every range.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type CardRange, CardRanges } from '../../../../adapters/terminal/processing/card-ranges.ts';

const range = (from: string, to?: string): CardRange => ({
  from,
  ...(to === undefined ? {} : { to }),
  entryModes: ['chip'],
});

function table(...ranges: CardRange[]): CardRanges {
  const made = CardRanges.of(ranges);
  if ('problem' in made) throw new Error(made.problem);
  return made;
}

describe('card ranges', () => {
  it('find by the first digits, the narrowest range first, and nothing beside them', () => {
    const ranges = table(range('4'), range('42', '43'), range('4276'), range('62'), range('428'));
    const found = (pan: string): string | undefined => ranges.find(pan)?.from;
    expect(['4111111111111111', '4200000000000000', '4399999999999999', '4276555555555555'].map(found)).toEqual([
      ...['4', '42', '42', '4276'],
    ]);
    expect(['4277000000000000', '4280000000000000', '4289999999999999999', '4290000000000000'].map(found)).toEqual([
      ...['42', '428', '428', '42'],
    ]);
    expect(['3999999999999999', '5000000000000000', '6199999999999999', '6200000000000000'].map(found)).toEqual([
      ...[undefined, undefined, undefined, '62'],
    ]);
  });

  it.each<[string, CardRange[]]>([
    ['it ends (41) before it begins (42)', [range('42', '41')]],
    ['it overlaps the range from 41 without being inside it', [range('41', '43'), range('42', '44')]],
    ['the range from 42 is there twice', [range('42'), range('42')]],
  ])('say %s', (problem, ranges) => {
    expect(CardRanges.of(ranges)).toMatchObject({ problem });
  });

  it('agree with a search through all of them', () => {
    const prefix = fc.stringMatching(/^[45][0-9]{0,3}$/);
    const pan = fc.stringMatching(/^[3-6][0-9]{15}$/);
    fc.assert(
      fc.property(fc.uniqueArray(prefix, { maxLength: 12 }), pan, (prefixes, number) => {
        const expected = prefixes.filter((text) => number.startsWith(text)).sort((a, b) => b.length - a.length)[0];
        expect(table(...prefixes.map((text) => range(text))).find(number)?.from).toBe(expected);
      }),
    );
  });
});
