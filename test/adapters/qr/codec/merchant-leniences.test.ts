// What is allowed in merchant-presented codes, and what national schemes put up with.
import { describe, expect, it } from 'vitest';
import { errorOf, decodeOk, warningsOf } from './decoding.ts';
import { byteLengths, lowerCrc, type Parts, pixWith, plainWith, sealed, tlv, topPlace } from './make-code.ts';

const LONG = 'x'.repeat(26);

describe('what is allowed', () => {
  it.each([
    ['98.73', 9873],
    ['98', 9800],
    ['98.', 9800],
    ['98.7', 9870],
    ['0098.73', 9873],
    ['0.01', 1],
    ['9999999999999', 999999999999900],
  ])('the amount %s is %d minor units', (amount, amountMinor) => {
    expect(decodeOk(plainWith({ '54': amount }))).toMatchObject({ amount, amountMinor, warnings: [] });
  });

  it.each([
    ['392', '98', 98],
    ['414', '1.234', 1234],
    ['990', '1.2345', 12345],
  ])('in currency %s the amount %s is %d minor units', (currency, amount, amountMinor) => {
    expect(decodeOk(plainWith({ '53': currency, '54': amount }))).toMatchObject({ currency, amount, amountMinor });
  });

  it.each([
    [{ '55': '01' }, { kind: 'prompt' }],
    [
      { '55': '02', '56': '1.50' },
      { kind: 'fixed', amount: '1.50', amountMinor: 150 },
    ],
    [
      { '55': '03', '57': '12.5' },
      { kind: 'percentage', percent: '12.5', basisPoints: 1250 },
    ],
    [
      { '55': '03', '57': '99.99' },
      { kind: 'percentage', percent: '99.99', basisPoints: 9999 },
    ],
    [
      { '55': '03', '57': '00.01' },
      { kind: 'percentage', percent: '00.01', basisPoints: 1 },
    ],
  ])('tip %j', (changes, tip) => {
    expect(decodeOk(plainWith({ ...changes, '54': '10' }))).toMatchObject({ tip });
  });

  it.each(['A', 'M', 'E', 'AM', 'EMA'])('field 62.09 %s', (value) => {
    expect(warningsOf(plainWith({ '62': [['09', value]] }))).toEqual([]);
  });

  it('fields in any order between 00 and 63', () => {
    const parts: Parts = [
      ['00', '01'],
      ['60', 'B'],
      ['53', '156'],
      ['59', 'A'],
      ['58', 'CN'],
      ['52', '0000'],
      ['02', '4'],
      ['01', '12'],
    ];
    expect(decodeOk(sealed(tlv(parts)))).toMatchObject({
      pointOfInitiation: 'dynamic',
      merchantName: 'A',
      warnings: [],
    });
  });

  it('one account of cards alone', () => {
    expect(decodeOk(plainWith({ '26': undefined, '04': '5413330089010434' }))).toMatchObject({ profile: 'emvco' });
  });

  it('characters of two UTF-16 units count once, in lengths and in offsets', () => {
    const name = '😀'.repeat(25);
    expect(decodeOk(plainWith({ '59': name }))).toMatchObject({ merchantName: name, warnings: [] });
    const error = errorOf(plainWith({ '59': '😀😀', '60': 'x'.repeat(16) }));
    expect(error).toMatchObject({ code: 'longValue', path: '60' });
    // 4 of the id and length of 60, behind a name of two characters.
    expect(error.offset).toBe(topPlace(plainWith({ '59': 'ab', '60': 'x'.repeat(16) }), '60') + 4);
  });

  it('reserved fields, passed over with a warning', () => {
    const text = plainWith({
      '65': 'A',
      '62': [
        ['00', 'C'],
        ['10', 'B'],
        ['49', 'D'],
      ],
      '79': 'E',
    });
    expect(warningsOf(text).map(({ code, path }) => `${code} ${path}`)).toEqual([
      'reservedField 62.00',
      'reservedField 62.10',
      'reservedField 62.49',
      'reservedField 65',
      'reservedField 79',
    ]);
  });

  it('the largest identifier and the largest values', () => {
    const changes = {
      '26': [['00', 'G'.repeat(32)]] as Parts,
      '60': 'x'.repeat(15),
      '61': 'x'.repeat(10),
      '62': [['05', LONG.slice(1)]] as Parts,
    };
    expect(warningsOf(plainWith(changes))).toEqual([]);
  });
});

describe('a national scheme puts up with', () => {
  it.each<readonly [what: string, text: string, code: string, path: string]>([
    ['a lower-case checksum', lowerCrc(pixWith({ '59': 'B' })), 'lowerCaseCrc', '63'],
    ['lengths in bytes', byteLengths('caf\u00e9', pixWith), 'byteLengths', ''],
    ['a long name', pixWith({ '59': LONG }), 'longValue', '59'],
    ['a long city', pixWith({ '60': 'x'.repeat(16) }), 'longValue', '60'],
    ['a long reference', pixWith({ '62': [['05', LONG]] }), 'longValue', '62.05'],
    ['an empty category', pixWith({ '52': '' }), 'emptyField', '52'],
    ['an empty amount', pixWith({ '54': '' }), 'emptyField', '54'],
    ['an empty reference', pixWith({ '62': [['05', '']] }), 'emptyField', '62.05'],
    ['an amount of zero', pixWith({ '54': '0.00' }), 'zeroAmount', '54'],
    ['noughts behind the last decimal', pixWith({ '54': '1.500' }), 'badDecimals', '54'],
    ['additional data that is no template', pixWith({ '62': [['50', 'hello']] }), 'badTemplate', '62.50'],
    ['a foreign account that is no template', pixWith({ '27': 'hello' }), 'badTemplate', '27'],
    ['a foreign account without identifier', pixWith({ '27': [['01', 'A']] }), 'missingField', '27.00'],
    ['a country that is not its own', pixWith({ '58': 'AR' }), 'foreignCountry', '58'],
    ['a currency that is not its own', pixWith({ '53': '840' }), 'foreignCurrency', '53'],
  ])('%s', (_, text, code, path) => {
    expect(warningsOf(text).map((warning) => `${warning.code} ${warning.path}`)).toEqual([`${code} ${path}`]);
    expect(decodeOk(text)).toMatchObject({ profile: 'pix' });
  });

  it('not with what matters', () => {
    expect(errorOf(pixWith({ '52': undefined })).code).toBe('missingField');
    expect(errorOf(pixWith({ '54': '1.501' })).code).toBe('badDecimals');
    expect(errorOf(pixWith({ '53': '' })).code).toBe('emptyField');
    expect(errorOf(pixWith({ '01': '' })).code).toBe('emptyField');
    expect(errorOf(pixWith({ '58': '' })).code).toBe('emptyField');
  });

  it('not with a length in bytes that splits a character', () => {
    const whole = byteLengths('\u00e9\u00e9', pixWith);
    expect(warningsOf(whole)).toMatchObject([{ code: 'byteLengths' }]);
    // Told as a reader of characters sees it, who gets lost behind the name.
    expect(errorOf(sealed(whole.slice(0, -8).replace('5904', '5903'))).code).toBe('badLength');
  });

  it('an empty amount is none, and zero is one that asks', () => {
    expect(decodeOk(pixWith({ '54': '' }))).toMatchObject({ amount: null, amountMinor: null });
    expect(decodeOk(pixWith({ '54': '0.00' }))).toMatchObject({ amount: '0.00', amountMinor: 0 });
  });
});
