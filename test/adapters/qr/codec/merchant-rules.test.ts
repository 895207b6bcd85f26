// One row for each rule of merchant-presented codes: what breaks it, and what is said about it.
import { describe, expect, it } from 'vitest';
import { decodeOk, errorOf } from './decoding.ts';
import { byteLengths, lowerCrc, plainWith, sealed, tlv, topPlace } from './make-code.ts';

const LONG = 'x'.repeat(26);

describe('a code to the letter', () => {
  it('is valid as it is, with no warning', () => {
    expect(decodeOk(plainWith({}))).toMatchObject({
      profile: 'emvco',
      amount: null,
      tip: null,
      account: null,
      warnings: [],
    });
  });

  type Row = readonly [rule: string, text: string, code: string, path: string, offset: number];
  const rows: readonly Row[] = [
    ['id', sealed('0002010A'), 'badId', '', 6],
    ['id at the end', '000201x', 'badId', '', 6],
    ['id cut', '0002010', 'badId', '', 6],
    ['length', sealed(`${tlv([['00', '01']])}59x4AB`), 'badLength', '59', 8],
    ['length cut', '000201590', 'badLength', '59', 8],
    ['value cut', '0002015914BEST', 'truncated', '59', 8],
    ['value beyond its template', plainWith({ '26': '0014D15600000000' }), 'truncated', '26.00', 18],
    [
      'id twice',
      sealed(
        tlv([
          ['00', '01'],
          ['59', 'A'],
          ['59', 'A'],
        ]),
      ),
      'duplicateField',
      '59',
      11,
    ],
    [
      'id twice in a template',
      plainWith({
        '26': [
          ['00', 'A'],
          ['01', 'B'],
          ['01', 'C'],
        ],
      }),
      'duplicateField',
      '26.01',
      26,
    ],
    [
      '00 first',
      sealed(
        tlv([
          ['01', '11'],
          ['00', '01'],
        ]),
      ),
      'wrongOrder',
      '01',
      0,
    ],
    ['00 is 01', plainWith({ '00': '02' }), 'badValue', '00', 4],
    ['00 empty', sealed('0000'), 'emptyField', '00', 0],
    [
      '63 there',
      tlv([
        ['00', '01'],
        ['59', 'AB'],
      ]),
      'missingField',
      '63',
      12,
    ],
    ['63 last', `${plainWith({})}9904AAAA`, 'wrongOrder', '63', plainWith({}).indexOf('6304')],
    ['63 four digits', '0002016303ABC', 'badCrc', '63', 10],
    ['63 hexadecimal', '0002016304ABCG', 'badCrc', '63', 10],
    ['63 right', '00020163040000', 'crcMismatch', '63', 10],
    ['63 capitals', lowerCrc(plainWith({ '59': 'A' })), 'lowerCaseCrc', '63', -1],
    ['01', plainWith({ '01': '13' }), 'badValue', '01', 10],
    ['01 empty', plainWith({ '01': '' }), 'emptyField', '01', 6],
    ['account there', plainWith({ '26': undefined }), 'missingField', '', -2],
    ['account without identifier', plainWith({ '26': [['05', 'A']] }), 'missingField', '26.00', 12],
    [
      'account with an empty identifier',
      plainWith({
        '26': [
          ['00', ''],
          ['05', 'A'],
        ],
      }),
      'missingField',
      '26.00',
      12,
    ],
    ['account with a long identifier', plainWith({ '26': [['00', 'G'.repeat(33)]] }), 'longValue', '26.00', 20],
    ['account empty', plainWith({ '26': '' }), 'emptyField', '26', 12],
    ['account not fields', plainWith({ '26': 'hello' }), 'badId', '26', 16],
    ['52 there', plainWith({ '52': undefined }), 'missingField', '52', -2],
    ['52 four', plainWith({ '52': '411' }), 'badValue', '52', -3],
    ['52 digits', plainWith({ '52': '411A' }), 'badValue', '52', -3],
    ['53 there', plainWith({ '53': undefined }), 'missingField', '53', -2],
    ['53 three digits', plainWith({ '53': '0156' }), 'badValue', '53', -3],
    ['53 digits', plainWith({ '53': 'CNY' }), 'badValue', '53', -3],
    ['53 known', plainWith({ '53': '001' }), 'badCurrency', '53', -3],
    ['53 of money', plainWith({ '53': '959' }), 'badCurrency', '53', -3],
    ['58 there', plainWith({ '58': undefined }), 'missingField', '58', -2],
    ['58 capitals', plainWith({ '58': 'cn' }), 'badValue', '58', -3],
    ['58 two', plainWith({ '58': 'CHN' }), 'badValue', '58', -3],
    ['59 there', plainWith({ '59': undefined }), 'missingField', '59', -2],
    ['59 at most 25', plainWith({ '59': LONG }), 'longValue', '59', -3],
    ['59 filled', plainWith({ '59': '' }), 'emptyField', '59', -4],
    ['60 there', plainWith({ '60': undefined }), 'missingField', '60', -2],
    ['60 at most 15', plainWith({ '60': 'x'.repeat(16) }), 'longValue', '60', -3],
    ['61 at most 10', plainWith({ '61': 'x'.repeat(11) }), 'longValue', '61', -3],
    ['54 a comma', plainWith({ '54': '98,73' }), 'badAmount', '54', -5],
    ['54 at most 13', plainWith({ '54': '1'.repeat(14) }), 'longValue', '54', -3],
    ['54 decimals', plainWith({ '54': '98.731' }), 'badDecimals', '54', -6],
    ['54 noughts too many', plainWith({ '54': '98.730' }), 'badDecimals', '54', -3],
    ['54 zero', plainWith({ '54': '0.00' }), 'zeroAmount', '54', -3],
    ['54 too large', plainWith({ '53': '048', '54': '9999999999999' }), 'amountTooLarge', '54', -3],
    ['54 empty', plainWith({ '54': '' }), 'emptyField', '54', -4],
    ['55 known', plainWith({ '55': '04' }), 'badValue', '55', -3],
    ['55 missing', plainWith({ '56': '1.00' }), 'missingField', '55', -7],
    ['55 missing for 57', plainWith({ '57': '5' }), 'missingField', '55', -8],
    ['56 missing', plainWith({ '55': '02' }), 'missingField', '56', -9],
    ['57 missing', plainWith({ '55': '03' }), 'missingField', '57', -9],
    ['56 with 01', plainWith({ '55': '01', '56': '1' }), 'unexpectedField', '56', -7],
    ['57 with 01', plainWith({ '55': '01', '57': '1' }), 'unexpectedField', '57', -8],
    ['57 with 02', plainWith({ '55': '02', '56': '1', '57': '1' }), 'unexpectedField', '57', -8],
    ['56 with 03', plainWith({ '55': '03', '56': '1', '57': '1' }), 'unexpectedField', '56', -7],
    ['56 an amount', plainWith({ '55': '02', '56': '1,5' }), 'badAmount', '56', -10],
    ['56 not zero', plainWith({ '55': '02', '56': '0' }), 'zeroAmount', '56', -11],
    ['57 below 100', plainWith({ '55': '03', '57': '100' }), 'badValue', '57', -12],
    ['57 above 0', plainWith({ '55': '03', '57': '0.00' }), 'badValue', '57', -12],
    ['57 at most 5', plainWith({ '55': '03', '57': '010.00' }), 'badValue', '57', -12],
    ['57 a number', plainWith({ '55': '03', '57': '5%' }), 'badValue', '57', -12],
    ['62 fields', plainWith({ '62': 'hello' }), 'badId', '62', -3],
    ['62 filled', plainWith({ '62': [['01', '']] }), 'emptyField', '62.01', -3],
    ['62 at most 25', plainWith({ '62': [['05', LONG]] }), 'longValue', '62.05', -13],
    ['62.09 letters', plainWith({ '62': [['09', 'AMX']] }), 'badValue', '62.09', -13],
    ['62.09 each once', plainWith({ '62': [['09', 'AA']] }), 'badValue', '62.09', -13],
    ['62.50 a template', plainWith({ '62': [['50', '605514328356']] }), 'truncated', '62.50.60', -14],
    ['62.50 with identifier', plainWith({ '62': [['50', [['01', 'A']]]] }), 'missingField', '62.50.00', -3],
    ['64 language', plainWith({ '64': [['01', 'A']] }), 'missingField', '64.00', -4],
    ['64 name', plainWith({ '64': [['00', 'ZH']] }), 'missingField', '64.01', -4],
    [
      '64 language of two letters',
      plainWith({
        '64': [
          ['00', 'ZHO'],
          ['01', 'A'],
        ],
      }),
      'badValue',
      '64.00',
      -13,
    ],
    [
      '64 name at most 25',
      plainWith({
        '64': [
          ['00', 'ZH'],
          ['01', LONG],
        ],
      }),
      'longValue',
      '64.01',
      -15,
    ],
    [
      '64 city at most 15',
      plainWith({
        '64': [
          ['00', 'ZH'],
          ['01', 'A'],
          ['02', LONG],
        ],
      }),
      'longValue',
      '64.02',
      -16,
    ],
    [
      '64 name filled',
      plainWith({
        '64': [
          ['00', 'ZH'],
          ['01', ''],
        ],
      }),
      'emptyField',
      '64.01',
      -17,
    ],
    ['64 fields', plainWith({ '64': 'x' }), 'badId', '64', -3],
    ['80 with identifier', plainWith({ '80': [['01', 'A']] }), 'missingField', '80.00', -4],
    ['99 fields', plainWith({ '99': '????' }), 'badId', '99', -3],
    ['lengths in characters', byteLengths('caf\u00e9'), 'byteLengths', '', 0],
    ['control character', sealed('000201\u001b[31m'), 'badCharacter', '', 6],
    ['DEL', sealed('000201\u007f'), 'badCharacter', '', 6],
    ['C1', sealed('000201\u0085'), 'badCharacter', '', 6],
    ['half a pair', sealed('000201\ud83d'), 'badCharacter', '', 6],
    ['the other half', sealed('000201\ude00'), 'badCharacter', '', 6],
    ['reversed direction', plainWith({ '59': 'A\u202eB' }), 'badCharacter', '', -18],
    ['isolated direction', plainWith({ '59': 'A\u2066B' }), 'badCharacter', '', -19],
    ['length', '0'.repeat(4097), 'tooLong', '', 4096],
  ];

  /** Places that depend on what stands before, by what they are the place of. */
  const places: Readonly<Record<number, (text: string, path: string) => number>> = {
    [-1]: (text) => text.length - 4 + text.slice(-4).search(/[a-f]/),
    [-2]: (text) => text.length - 8,
    [-3]: (text, path) => topPlace(text, path) + 4,
    [-4]: (text, path) => topPlace(text, path),
    [-5]: (text) => text.indexOf(','),
    [-6]: (text) => text.indexOf('98.731') + 5,
    [-7]: (text) => topPlace(text, '56'),
    [-8]: (text) => topPlace(text, '57'),
    [-9]: (text) => topPlace(text, '55'),
    [-10]: (text) => text.indexOf(','),
    [-11]: (text) => topPlace(text, '56') + 4,
    [-12]: (text) => topPlace(text, '57') + 4,
    [-13]: (text, path) => topPlace(text, path) + 8,
    [-14]: (text) => topPlace(text, '62') + 10,
    [-15]: (text) => topPlace(text, '64') + 14,
    [-16]: (text) => topPlace(text, '64') + 19,
    [-17]: (text) => topPlace(text, '64') + 10,
    [-18]: (text) => text.indexOf('\u202e'),
    [-19]: (text) => text.indexOf('\u2066'),
  };

  it.each(rows)('%s', (_, text, code, path, offset) => {
    const error = errorOf(text);
    const place = offset < 0 ? (places[offset] as (text: string, path: string) => number)(text, path) : offset;
    expect({ code: error.code, path: error.path, offset: error.offset }).toEqual({ code, path, offset: place });
    expect(error.message).toMatch(/\w{2}/);
  });
});
