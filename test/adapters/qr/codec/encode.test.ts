// Codes from names and fields: what is put where, what the profile adds, and what is refused.
import { describe, expect, it } from 'vitest';
import { documentOf } from '../../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../../adapters/qr/codec/encode.ts';
import { encodeMerchant } from '../../../../adapters/qr/codec/merchant-encode.ts';
import { decodeOk } from './decoding.ts';
import { KNOWN_PAYLOADS } from './known-payloads.ts';
import { sealed, tlv } from './make-code.ts';

function textOf(input: unknown): string {
  const made = encodeQr(input);
  if (!made.ok) throw new Error(`${made.error.code} ${made.error.path}: ${made.error.message}`);
  return made.value.kind === 'barcode' ? made.value.digits : made.value.text;
}

const NAMES = {
  pointOfInitiation: 'dynamic',
  mcc: '5812',
  currency: 'CNY',
  amount: '98.73',
  tip: { kind: 'percentage', percent: '10' },
  country: 'CN',
  merchantName: '咖啡',
  merchantCity: '北京',
  postalCode: '100000',
};

describe('a merchant code', () => {
  it('from names: fields by their ids, the checksum at the end', () => {
    const text = textOf({ ...NAMES, fields: { '26': { '05': 'X', '00': 'com.example' } } });
    expect(text).toBe(
      sealed(
        tlv([
          ['00', '01'],
          ['01', '12'],
          [
            '26',
            [
              ['00', 'com.example'],
              ['05', 'X'],
            ],
          ],
          ['52', '5812'],
          ['53', '156'],
          ['54', '98.73'],
          ['55', '03'],
          ['57', '10'],
          ['58', 'CN'],
          ['59', '咖啡'],
          ['60', '北京'],
          ['61', '100000'],
        ]),
      ),
    );
  });

  it('in the order that is wanted; what it does not name comes behind', () => {
    const fields = { '26': { '00': 'com.example', '05': 'X' }, '62': { '05': 'R' } };
    const text = textOf({ ...NAMES, tip: null, fields, order: ['00', '60', '26', '26.05', '26.00', '63'] });
    expect(
      text.startsWith(
        `000201${tlv([
          ['60', '北京'],
          [
            '26',
            [
              ['05', 'X'],
              ['00', 'com.example'],
            ],
          ],
          ['01', '12'],
          ['52', '5812'],
        ])}`,
      ),
    ).toBe(true);
    expect(text.slice(-8, -4)).toBe('6304');
  });

  it.each([
    ['pix', { '26': { '01': 'key' } }, 'br.gov.bcb.pix', 'BR', '986'],
    ['promptpay', { '29': { '01': '0066801234567' } }, 'A000000677010111', 'TH', '764'],
    ['vietqr', { '38': { '01': { '00': '970415', '01': '1' } } }, 'A000000727', 'VN', '704'],
    ['paynow', { '26': { '02': '+6590901234' } }, 'SG.PAYNOW', 'SG', '702'],
    ['qris', { '51': { '02': 'ID1' } }, 'ID.CO.QRIS.WWW', 'ID', '360'],
    ['jpqr', { '26': { '01': '1' } }, 'jp.or.paymentsjapan', 'JP', '392'],
  ])('of %s needs no identifier, country, currency and category', (profile, fields, guid, country, currency) => {
    const text = textOf({ profile, merchantName: 'A', merchantCity: 'B', fields });
    expect(text).toContain(guid);
    const mcc = profile === 'promptpay' || profile === 'vietqr' ? null : '0000';
    expect(documentOf(decodeOk(text))).toMatchObject({ profile, country, currency, mcc, pointOfInitiation: null });
  });

  it('of a scheme with several currencies needs one', () => {
    const input = { profile: 'hkfps', merchantName: 'A', merchantCity: 'HK', fields: { '26': { '02': '1234567' } } };
    expect(encodeQr(input)).toMatchObject({ ok: false, error: { code: 'missingField', path: '53' } });
    expect(textOf({ ...input, currency: 'hkd' })).toContain('5303344');
  });

  it('keeps a foreign account as it is when the scheme has another', () => {
    const fields = { '26': { '02': 'x', '00': 'sg.com.nets' } };
    expect(
      documentOf(decodeOk(textOf({ profile: 'paynow', merchantName: 'A', merchantCity: 'B', fields }))),
    ).toMatchObject({
      fields: { '26': { '00': 'sg.com.nets', '02': 'x' } },
    });
    // 26 is not the scheme's here: it gets no identifier of its own.
    const other = { '26': { '01': 'x' }, '30': { '00': 'SG.PAYNOW', '02': '+65' } };
    const made = encodeQr({ profile: 'paynow', merchantName: 'A', merchantCity: 'B', fields: other });
    expect(made).toMatchObject({
      ok: true,
      value: { account: '30', warnings: [{ code: 'missingField', path: '26.00' }] },
    });
  });

  it('takes its tip from each kind', () => {
    const fields = { '04': '5413330089010434' };
    expect(textOf({ ...NAMES, tip: { kind: 'prompt' }, fields })).toContain('55020158');
    expect(textOf({ ...NAMES, tip: { kind: 'fixed', amount: '1.5' }, fields })).toContain('55020256031.558');
    expect(textOf({ ...NAMES, tip: { kind: 'percentage', percent: '1.5' }, fields })).toContain('55020357031.558');
  });

  it('computes a checksum anew that does not belong to the fields any more', () => {
    const document = documentOf(decodeOk(KNOWN_PAYLOADS[2]!.text));
    const fields = { ...document.fields, '59': 'Beltrano' };
    const { merchantName: _, ...rest } = document;
    const made = decodeOk(textOf({ ...rest, fields }));
    expect(made).toMatchObject({ merchantName: 'Beltrano' });
  });

  it('with lengths in bytes, where its document says so', () => {
    const body = `${tlv([
      ['00', '01'],
      [
        '26',
        [
          ['00', 'br.gov.bcb.pix'],
          ['01', 'key'],
        ],
      ],
      ['52', '0000'],
      ['53', '986'],
      ['58', 'BR'],
    ])}5905café6001B`;
    const code = decodeOk(sealed(body));
    expect(code).toMatchObject({ lengthUnit: 'bytes', merchantName: 'café', merchantCity: 'B' });
    expect(textOf(JSON.parse(JSON.stringify(documentOf(code))))).toBe(sealed(body));
  });

  const ACCOUNT = { '04': '5413330089010434' };
  it.each<readonly [what: string, input: unknown, code: string, path: string]>([
    ['no object', 'text', 'badValue', ''],
    ['an unknown key', { ...NAMES, colour: 'red' }, 'badValue', ''],
    ['an amount as a number', { ...NAMES, amount: 98.73 }, 'badValue', 'amount'],
    ['an unknown profile', { ...NAMES, profile: 'venmo' }, 'badValue', 'profile'],
    ['a profile of another kind', { ...NAMES, kind: 'merchant', profile: 'wechat' }, 'profileMismatch', 'profile'],
    ['a currency that is none', { ...NAMES, currency: 'ABC' }, 'badCurrency', 'currency'],
    ['two amounts', { ...NAMES, fields: { ...ACCOUNT, '54': '98.74' } }, 'conflict', '54'],
    ['two names', { ...NAMES, fields: { ...ACCOUNT, '59': { '00': 'x' } } }, 'conflict', '59'],
    ['two currencies', { ...NAMES, fields: { ...ACCOUNT, '53': '840' } }, 'conflict', '53'],
    ['an id that is none', { ...NAMES, fields: { '4': 'x' } }, 'badId', '4'],
    ['an inner id that is none', { ...NAMES, fields: { '26': { xx: 'x' } } }, 'badId', '26.xx'],
    ['a list', { ...NAMES, fields: { '26': [{ '00': 'x' }] } }, 'badTemplate', '26'],
    ['fields too deep', { fields: { '26': { '01': { '01': { '01': 'x' } } } } }, 'badValue', 'fields.26'],
    ['a value too long', { ...NAMES, fields: { ...ACCOUNT, '62': { '50': 'x'.repeat(100) } } }, 'longValue', '62.50'],
    ['a template too long', { ...NAMES, fields: { '26': { '00': 'x', '01': 'y'.repeat(95) } } }, 'longValue', '26'],
    ['what its profile refuses', { ...NAMES, amount: '1,5', fields: ACCOUNT }, 'badAmount', '54'],
    ['control characters', { ...NAMES, merchantName: 'A\u0007', fields: ACCOUNT }, 'badCharacter', ''],
    ['half a pair', { ...NAMES, merchantName: 'A\ud83d', fields: ACCOUNT }, 'badCharacter', ''],
    ['nothing', {}, 'missingField', ''],
  ])('is not made of %s', (_, input, code, path) => {
    expect(encodeQr(input)).toMatchObject({ ok: false, error: { code, path } });
  });

  it('takes templates three deep and no deeper', () => {
    const deep = { id: '26', value: [{ id: '01', value: [{ id: '01', value: [{ id: '01', value: 'x' }] }] }] };
    expect(encodeMerchant({ fields: [deep] })).toMatchObject({
      ok: false,
      error: { code: 'badTemplate', path: '26.01.01' },
    });
    expect(encodeMerchant({ fields: [{ id: 'x', value: '' }] })).toMatchObject({
      ok: false,
      error: { code: 'badId', path: 'x' },
    });
  });
});

describe('a one-time code', () => {
  it('is its digits', () => {
    expect(textOf({ fields: { digits: '100000000000000000' } })).toBe('100000000000000000');
    expect(textOf(documentOf(decodeOk('6200000000000000000')))).toBe('6200000000000000000');
  });

  it.each<readonly [input: object, code: string]>([
    [{ profile: 'wechat', kind: 'barcode' }, 'missingField'],
    [{ profile: 'wechat', fields: { digits: '620000000000000000' } }, 'badValue'],
    [{ profile: 'pix', fields: { digits: '100000000000000000' } }, 'profileMismatch'],
    [{ fields: { digits: '1' } }, 'unknownFormat'],
  ])('%j: %s', (input, code) => {
    expect(encodeQr(input)).toMatchObject({ ok: false, error: { code } });
  });
});
