// How a code's scheme is known: by the identifiers of its accounts, or by its form; and what a forced profile says.
import { describe, expect, it } from 'vitest';
import { PROFILE_NAMES } from '../../../../adapters/qr/codec/profiles.ts';
import { decodeOk, errorOf } from './decoding.ts';
import { KNOWN_CONSUMER, KNOWN_PAYLOADS } from './known-payloads.ts';
import { type Parts, plainWith } from './make-code.ts';

const UPI = 'upi://pay?pa=chai@bank&pn=Chai';
/** 17 digits and their check digit, computed by hand. */
const OWN_BARCODE = '881234567890123457';

function account(
  guid: string,
  more: Parts = [
    ['01', 'x'],
    ['02', 'x'],
    ['25', 'x'],
  ],
  country = 'CN',
  id = '26',
): string {
  return plainWith({ '26': undefined, [id]: [['00', guid], ...more], '58': country });
}

describe('found by itself', () => {
  it.each<readonly [text: string, profile: string, account: string | null]>([
    [account('br.gov.bcb.pix'), 'pix', '26'],
    [account('BR.GOV.BCB.PIX', [['25', 'x']], 'BR', '51'), 'pix', '51'],
    [account('A000000677010111'), 'promptpay', '26'],
    [account('A000000677010112', [['01', 'biller']], 'TH', '30'), 'promptpay', '30'],
    [account('a000000677010114', [['04', 'x']]), 'promptpay', '26'],
    [account('A000000727', [['01', '0002AB']]), 'vietqr', '26'],
    [account('SG.PAYNOW'), 'paynow', '26'],
    [account('sg.com.nets', []), 'paynow', '26'],
    [account('SG.SGQR', []), 'paynow', '26'],
    [account('ID.CO.QRIS.WWW', [['02', 'x']], 'ID', '51'), 'qris', '51'],
    [account('ID.CO.BRI.WWW'), 'qris', '26'],
    [account('hk.com.hkicl', [['04', 'a@b.hk']]), 'hkfps', '26'],
    [account('jp.or.paymentsjapan', []), 'jpqr', '26'],
    [account('someone@bank', [], 'KH', '30'), 'khqr', '30'],
    [account('someone@bank', [], 'CN'), 'emvco', null],
    [
      account('com.sluice.pay', [
        ['01', 'S'],
        ['02', 'cafe'],
      ]),
      'sluice',
      '26',
    ],
    [
      account('com.sluice.pay', [
        ['01', 'O'],
        ['02', '0190f2c4'],
        ['03', '7'],
      ]),
      'sluice',
      '26',
    ],
    [
      account('com.sluice.payments', [
        ['01', 'S'],
        ['02', 'cafe'],
      ]),
      'emvco',
      null,
    ],
    [account('br.gov.bcb.pi'), 'emvco', null],
    [account('br.gov.bcb.pix2'), 'emvco', null],
    [account('A00000067'), 'emvco', null],
    [account('bsg.paynow'), 'emvco', null],
    // An identifier outside the account templates belongs to no account.
    [
      plainWith({
        '80': [
          ['00', 'br.gov.bcb.pix'],
          ['01', 'x'],
        ],
      }),
      'emvco',
      null,
    ],
    [plainWith({ '04': 'br.gov.bcb.pix' }), 'emvco', null],
    // The switch's own account wins, then the order of the profiles, whatever the order of the text.
    [
      plainWith({
        '27': [
          ['00', 'br.gov.bcb.pix'],
          ['01', 'x'],
        ],
        '51': [
          ['00', 'com.sluice.pay'],
          ['01', 'S'],
          ['02', 'cafe'],
        ],
      }),
      'sluice',
      '51',
    ],
    [
      plainWith({
        '26': [['00', 'SG.SGQR']],
        '27': [
          ['00', 'SG.PAYNOW'],
          ['02', '+65'],
        ],
      }),
      'paynow',
      '27',
    ],
  ])('%s is %s', (text, profile, template) => {
    expect(decodeOk(text)).toMatchObject({ kind: 'merchant', profile, account: template });
  });

  it.each([
    [UPI, 'uri', 'upi'],
    [UPI.replace('upi://pay', 'UPI://PAY'), 'uri', 'upi'],
    [KNOWN_CONSUMER, 'consumer', 'cpm'],
    ['100000000000000000', 'barcode', 'wechat'],
    ['159999999999999999', 'barcode', 'wechat'],
    ['2500000000000000', 'barcode', 'alipay'],
    ['280000000000000000', 'barcode', 'alipay'],
    ['309999999999999999999999', 'barcode', 'alipay'],
    ['6200000000000000000', 'barcode', 'unionpay'],
    [OWN_BARCODE, 'barcode', 'sluice'],
  ])('%s is %s, %s', (text, kind, profile) => {
    expect(decodeOk(text)).toMatchObject({ kind, profile });
    expect(decodeOk(text, profile)).toEqual(decodeOk(text));
  });
});

describe('what no scheme has', () => {
  it.each<readonly [text: string, code: string]>([
    ['', 'empty'],
    ['hello', 'unknownFormat'],
    ['https://example.com/pay?pa=a@b', 'unknownFormat'],
    [' 000201', 'unknownFormat'],
    ['\ufeff000201', 'unknownFormat'],
    ['upi:pay?pa=a@b', 'unknownFormat'],
    ['upi://mandate?pa=a@b&pn=A', 'unknownFormat'],
    // One digit short or long, one below or above each prefix.
    ['10000000000000000', 'unknownFormat'],
    ['1000000000000000000', 'unknownFormat'],
    ['099999999999999999', 'unknownFormat'],
    ['160000000000000000', 'unknownFormat'],
    ['249999999999999999', 'unknownFormat'],
    ['310000000000000000', 'unknownFormat'],
    ['250000000000000', 'unknownFormat'],
    ['2500000000000000000000000', 'unknownFormat'],
    ['620000000000000000', 'unknownFormat'],
    ['6100000000000000000', 'unknownFormat'],
    ['6300000000000000000', 'unknownFormat'],
    [`${OWN_BARCODE.slice(0, -1)}9`, 'badCheckDigit'],
    ['00020', 'truncated'],
    ['1002015802CN', 'wrongOrder'],
    ['1'.repeat(5000), 'tooLong'],
    [`upi://pay?${'a'.repeat(5000)}`, 'tooLong'],
  ])('%s: %s', (text, code) => {
    expect(errorOf(text).code).toBe(code);
  });
});

describe('a forced profile', () => {
  const plain = plainWith({});
  it.each<readonly [profile: string, text: string, code: string, message: RegExp]>([
    ['pix', plain, 'profileMismatch', /"br\.gov\.bcb\.pix"$/],
    ['pix', KNOWN_PAYLOADS[8]!.text, 'profileMismatch', /it is a qris code$/],
    ['khqr', account('someone@bank', [], 'CN'), 'profileMismatch', /khqr/],
    ['emvco', KNOWN_PAYLOADS[3]!.text, 'missingField', /52/],
    ['emvco', KNOWN_PAYLOADS[7]!.text, 'longValue', /62\.01/],
    ['emvco', UPI, 'profileMismatch', /a UPI code/],
    ['upi', plain, 'profileMismatch', /a merchant-presented code/],
    ['upi', 'pa=a@b', 'unknownFormat', /upi:\/\/pay/],
    ['cpm', plain, 'profileMismatch', /merchant-presented/],
    ['cpm', '####', 'badBase64', /Base64/],
    ['cpm', 'AAAA', 'badId', /tag/],
    ['wechat', '10000000000000000', 'badLength', /18 digits, not 17/],
    ['wechat', '200000000000000000', 'badValue', /begins with 10 to 15, not with 20/],
    ['wechat', '1000000000000000x0', 'badCharacter', /digits only/],
    ['alipay', '100000000000000000', 'badValue', /25 to 30/],
    ['unionpay', '6200000000000000', 'badLength', /19 digits, not 16/],
    ['sluice', '100000000000000000', 'badValue', /begins with 88/],
    ['sluice', OWN_BARCODE.slice(0, -1), 'badLength', /18/],
    ['sluice', 'hello', 'badId', /two digits/],
    ['sluice', UPI, 'profileMismatch', /UPI/],
    ['constructor', plain, 'unknownProfile', /there are sluice, pix/],
    ['toString', plain, 'unknownProfile', /emvco/],
  ])('%s of %s: %s', (profile, text, code, message) => {
    const error = errorOf(text, profile);
    expect(error.code).toBe(code);
    expect(error.message).toMatch(message);
  });

  it('is one of these', () => {
    expect([...PROFILE_NAMES].sort()).toEqual([
      'alipay',
      'cpm',
      'emvco',
      'hkfps',
      'jpqr',
      'khqr',
      'paynow',
      'pix',
      'promptpay',
      'qris',
      'sluice',
      'unionpay',
      'upi',
      'vietqr',
      'wechat',
    ]);
  });

  it('emvco takes an account of another scheme that keeps to the letter', () => {
    expect(decodeOk(KNOWN_PAYLOADS[2]!.text, 'emvco')).toMatchObject({ profile: 'emvco', account: null });
  });
});

describe("a scheme's own account says who is paid", () => {
  it.each<readonly [name: string, text: string, path: string, code: string]>([
    ['pix without key and address', account('br.gov.bcb.pix', [['02', 'note']]), '26.01', 'missingField'],
    ['pix with an empty key', account('br.gov.bcb.pix', [['01', '']]), '26.01', 'missingField'],
    ['promptpay', account('A000000677010111', [['09', 'x']]), '26.01', 'missingField'],
    ['vietqr', account('A000000727', [['02', 'QRIBFTTA']]), '26.01', 'missingField'],
    ['vietqr whose account is no template', account('A000000727', [['01', '970415']]), '26.01.97', 'truncated'],
    ['paynow', account('SG.PAYNOW', [['01', '0']]), '26.02', 'missingField'],
    ['qris', account('ID.CO.QRIS.WWW', [['03', 'UMI']]), '26.01', 'missingField'],
    ['hkfps', account('hk.com.hkicl', [['01', '004']]), '26.02', 'missingField'],
    ['sluice without kind', account('com.sluice.pay', [['02', 'cafe']]), '26.01', 'missingField'],
    [
      'sluice of an unknown kind',
      account('com.sluice.pay', [
        ['01', 'X'],
        ['02', 'cafe'],
      ]),
      '26.01',
      'badValue',
    ],
    ['sluice without handle', account('com.sluice.pay', [['01', 'S']]), '26.02', 'missingField'],
    [
      'sluice with a handle that is none',
      account('com.sluice.pay', [
        ['01', 'S'],
        ['02', 'Café!'],
      ]),
      '26.02',
      'badValue',
    ],
  ])('%s', (_, text, path, code) => {
    const error = errorOf(text);
    expect([error.code, error.path]).toEqual([code, path]);
    expect(error.offset).toBeGreaterThan(11);
  });
});
