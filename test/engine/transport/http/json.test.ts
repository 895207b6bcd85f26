import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseJson } from '../../../../engine/transport/http/json.ts';

const fault = (text: string) => {
  const result = parseJson(text);
  return 'fault' in result ? result.fault : undefined;
};

describe('parseJson', () => {
  it.each([
    ['{"a":[1,-2,true,false,null,"x\\n\\u00e9"]}', { a: [1, -2, true, false, null, 'x\né'] }],
    [' \t\r\n{ } ', {}],
    ['[]', []],
    ['9007199254740991', 9007199254740991],
    ['9007199254740992', 9007199254740992n],
    ['18446744073709551615', 18446744073709551615n],
    ['"\\ud83d\\ude00"', '😀'],
    ['{"constructor":1,"toString":2}', { constructor: 1, toString: 2 }],
  ])('reads %s', (text, value) => {
    expect(parseJson(text)).toEqual({ value });
  });

  it.each([
    ['', 'a value is expected', 0, ''],
    ['{"a":1.0}', 'a number must be whole', 5, 'a'],
    ['{"a":[1,1e2]}', 'a number must be whole', 8, 'a.1'],
    ['-0', 'a number must be whole', 0, ''],
    ['01', 'something follows', 1, ''],
    ['+1', 'a value is expected', 0, ''],
    [`${'9'.repeat(41)}`, 'too long', 0, ''],
    ['{"a":1,"a":2}', 'given twice', 7, 'a'],
    ['{"a":{"__proto__":1}}', 'unknown field', 6, 'a.__proto__'],
    ['{"a":1,}', 'a field name', 7, ''],
    ['{"a" 1}', '":" is expected', 5, 'a'],
    ['{"a":1 "b"}', '"," or "}"', 7, ''],
    ['[1 2]', '"," or "]"', 3, ''],
    ['[1,]', 'a value is expected', 3, '1'],
    ['"a', 'not closed', 2, ''],
    ['"a\nb"', 'control character', 2, ''],
    ['"\\x"', 'escape', 0, ''],
    ['tru', 'a value is expected', 0, ''],
    ['{} {}', 'something follows', 3, ''],
    ['NaN', 'a value is expected', 0, ''],
    ['['.repeat(17), 'nested deeper than 16', 16, '0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0'],
  ])('refuses %s', (text, detail, position, field) => {
    expect(fault(text)).toMatchObject({ detail: expect.stringContaining(detail), position, field, notUnicode: false });
  });

  it('refuses half a surrogate pair as text that is not Unicode', () => {
    expect(fault('{"a":"\\ud83d"}')).toMatchObject({ notUnicode: true, field: 'a' });
  });

  it('bounds the fields of an object', () => {
    const object = Object.fromEntries(Array.from({ length: 65 }, (_, i) => [`f${i}`, i]));
    expect(fault(JSON.stringify(object))?.detail).toContain('more than 64');
  });

  it('invariant: agrees with JSON.parse wherever both read', () => {
    const value = fc.letrec((tie) => ({
      any: fc.oneof(
        { maxDepth: 4 },
        fc.maxSafeInteger().map((n) => n + 0),
        fc.string({ unit: 'binary' }).filter((text) => !/[\ud800-\udfff]/u.test(text)),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('any'), { maxLength: 5 }),
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tie('any'),
          { maxKeys: 5 },
        ),
      ),
    })).any;
    fc.assert(
      fc.property(value, fc.constantFrom(undefined, 1, '\t'), (json, space) => {
        const text = JSON.stringify(json, undefined, space);
        expect(parseJson(text)).toEqual({ value: JSON.parse(text) });
      }),
    );
  });

  it('invariant: what JSON.parse refuses is refused, and nothing throws', () => {
    const noise = fc.string({ unit: fc.constantFrom(...'{}[]",:\\0123456789-+.eEtrufalsn \n\u0001'), maxLength: 40 });
    fc.assert(
      fc.property(noise, (text) => {
        const mine = parseJson(text);
        let theirs: unknown;
        try {
          theirs = JSON.parse(text);
        } catch {
          expect(mine).toHaveProperty('fault');
          return;
        }
        if ('value' in mine && typeof mine.value !== 'bigint') expect(mine.value).toEqual(theirs);
      }),
      { numRuns: 2000 },
    );
  });
});
