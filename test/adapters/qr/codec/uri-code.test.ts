// UPI's URI: what it says, the same text again, and each rule.
import { describe, expect, it } from 'vitest';
import { documentOf } from '../../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../../adapters/qr/codec/encode.ts';
import { decodeUri, encodeUri } from '../../../../adapters/qr/codec/uri-code.ts';
import { decodeOk, errorOf, warningsOf } from './decoding.ts';

const START = 'upi://pay?';
const PAYEE = 'pa=chai.shop@bank&pn=Chai%20Shop';

describe('a code', () => {
  const text = `${START}${PAYEE}&mc=5812&tr=ORDER-1&tn=Tea%20%26%20cake&am=20.00&cu=INR&mode=16&orgid=000000&purpose=00&sign=MEUC+a/b==`;

  it('says what it says', () => {
    expect(documentOf(decodeOk(text))).toEqual({
      valid: true,
      profile: 'upi',
      kind: 'uri',
      pointOfInitiation: 'dynamic',
      amount: '20.00',
      amountMinor: 2000,
      currency: '356',
      country: null,
      merchantName: 'Chai Shop',
      merchantCity: null,
      postalCode: null,
      mcc: '5812',
      tip: null,
      crc: null,
      account: null,
      fields: {
        pa: 'chai.shop@bank',
        pn: 'Chai Shop',
        mc: '5812',
        tr: 'ORDER-1',
        tn: 'Tea & cake',
        am: '20.00',
        cu: 'INR',
        mode: '16',
        orgid: '000000',
        purpose: '00',
        sign: 'MEUC+a/b==',
      },
      order: ['pa', 'pn', 'mc', 'tr', 'tn', 'am', 'cu', 'mode', 'orgid', 'purpose', 'sign'],
      lengthUnit: 'characters',
      warnings: [],
    });
    expect(decodeOk(text)).toMatchObject({ address: 'chai.shop@bank', isSigned: true });
  });

  it('is the same text again, as it was escaped', () => {
    for (const one of [text, `${START}pa=a%40b&pn=%43af%C3%A9+x`]) {
      const read = decodeUri(one);
      if (!read.ok) throw new Error(read.error.message);
      expect(encodeUri(read.value.parameters)).toEqual(read);
    }
  });

  it('is escaped where it has to be when it is written anew', () => {
    const made = encodeUri([
      { name: 'pa', value: 'a@b' },
      { name: 'pn', value: 'Tea & Cake = 5%' },
      // Not what the value says: written anew.
      { name: 'tn', value: 'x', raw: 'y' },
      { name: 'tr', value: 'q&am=1', raw: 'q&am=1' },
    ]);
    expect(made).toMatchObject({
      ok: true,
      value: { text: `${START}pa=a@b&pn=Tea%20%26%20Cake%20%3D%205%25&tn=x&tr=q%26am%3D1` },
    });
  });

  it.each([
    ['01', 'static'],
    ['02', 'static'],
    ['15', 'dynamic'],
    ['22', 'dynamic'],
    ['04', null],
  ])('of mode %s is %s', (mode, pointOfInitiation) => {
    expect(decodeOk(`${START}${PAYEE}&mode=${mode}`)).toMatchObject({ pointOfInitiation });
  });
});

describe('each rule', () => {
  it.each<readonly [rule: string, query: string, code: string, path: string, offset: number]>([
    ['pa there', 'pn=A', 'missingField', 'pa', 14],
    ['pa filled', 'pa=&pn=A', 'missingField', 'pa', 18],
    ['pa an address', 'pa=chai&pn=A', 'badValue', 'pa', 13],
    ['pn there', 'pa=a@b', 'missingField', 'pn', 16],
    ['name', 'pa=a@b&=x', 'badId', '', 17],
    ['name of known characters', 'pa=a@b&p n=x', 'badId', '', 17],
    ['name twice', 'pa=a@b&pn=A&pa=c@d', 'duplicateField', 'pa', 22],
    ['escape', 'pa=a@b&pn=%4', 'badEscape', 'pn', 20],
    ['escape of UTF-8', 'pa=a@b&pn=%FF', 'badEscape', 'pn', 20],
    ['escaped control character', 'pa=a@b&pn=A%1B[31m', 'badCharacter', 'pn', 20],
    ['control character', 'pa=a@b&pn=A\n', 'badCharacter', '', 21],
    ['currency', 'pa=a@b&pn=A&cu=USD', 'badCurrency', 'cu', 25],
    ['category', 'pa=a@b&pn=A&mc=58', 'badValue', 'mc', 25],
    ['amount', 'pa=a@b&pn=A&am=1,00', 'badAmount', 'am', 26],
    ['amount decimals', 'pa=a@b&pn=A&am=1.005', 'badDecimals', 'am', 29],
    ['amount sign', 'pa=a@b&pn=A&am=-1', 'badAmount', 'am', 25],
    ['least amount', 'pa=a@b&pn=A&mam=x', 'badAmount', 'mam', 26],
    ['nothing', '', 'badId', '', 10],
  ])('%s', (_, query, code, path, offset) => {
    const error = errorOf(START + query);
    expect([error.code, error.path, error.offset]).toEqual([code, path, offset]);
  });

  it.each<readonly [query: string, code: string, path: string]>([
    [`${PAYEE}&am=`, 'emptyField', 'am'],
    [`${PAYEE}&am=0`, 'zeroAmount', 'am'],
    [`${PAYEE}&sign=abc&am=5`, 'wrongOrder', 'sign'],
  ])('%s is only worth a warning', (query, code, path) => {
    expect(warningsOf(START + query)).toMatchObject([{ code, path }]);
  });
});

describe('from JSON', () => {
  it('by names', () => {
    const made = encodeQr({
      profile: 'upi',
      merchantName: 'Chai Shop',
      amount: '20.00',
      mcc: '5812',
      fields: { pa: 'chai@bank' },
    });
    expect(made).toMatchObject({
      ok: true,
      value: { text: `${START}pa=chai@bank&pn=Chai%20Shop&mc=5812&am=20.00&cu=INR` },
    });
  });

  it('from its own document', () => {
    const read = decodeOk(`${START}${PAYEE}&am=5&cu=INR&sign=q`);
    expect(encodeQr(JSON.parse(JSON.stringify(documentOf(read))))).toEqual({ ok: true, value: read });
  });

  it.each<readonly [input: object, code: string, path: string]>([
    [{ fields: { pa: 'a@b', pn: 'A', am: '1' }, amount: '2' }, 'conflict', 'am'],
    [{ fields: { pa: { x: 'y' } } }, 'badTemplate', 'pa'],
    [{ fields: { pa: 'a@b', pn: 'A', 'x&y': '1' } }, 'badId', 'x&y'],
    [{ fields: { pa: 'a@b', pn: 'A\ud800' } }, 'badCharacter', 'pn'],
  ])('%j: %s', (input, code, path) => {
    expect(encodeQr({ profile: 'upi', ...input })).toMatchObject({ ok: false, error: { code, path } });
  });
});
