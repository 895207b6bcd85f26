// Cryptograms and answers: the vectors of each scheme, and a naive implementation over node:crypto for random cards.
import { createHash } from 'node:crypto';
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import { IssuerKey } from '../../../../../adapters/terminal/crypto/emv/card-keys.ts';
import { makeCryptogram, makeResponse } from '../../../../../adapters/terminal/crypto/emv/cryptogram.ts';
import { isScheme, rulesOf, SCHEME_NAMES, type Scheme } from '../../../../../adapters/terminal/crypto/emv/schemes.ts';
import { hex, SeededBytes } from '../../../../support/seeded-bytes.ts';
import { algorithm3, odd, padded, tdes, xorOf } from '../reference.ts';

const SEED = 20260420;
const DATA = hex('000000010000000000001000084000000010800840980704001111111158003456A08003242000');

function keysOf(scheme: Scheme) {
  const imk = hex('12345678'.repeat(4));
  return { scheme, imk, pan: '1234567890123456', psn: '00', atc: hex('3456'), un: hex('11111111') };
}

describe('cryptogram', () => {
  it.each([
    ['visa-cvn10', '26C8A1042D1CAF3E', 'DCE992BCE398C264F7858AFD4C4A324A'],
    ['mchip-cvn16', 'AC8074C9E62EE6EF', '68E9A15BBCF283EF0164F7E6C44C4325'],
    ['mchip-cvn17', 'AC8074C9E62EE6EF', '68E9A15BBCF283EF0164F7E6C44C4325'],
    ['visa-cvn18', '55BE45DD2C9E0CBF', 'F2A75194C2B954A4163E9886BCA45473'],
    ['visa-cvn22', '55BE45DD2C9E0CBF', 'F2A75194C2B954A4163E9886BCA45473'],
    ['mchip-cvn20', '55BE45DD2C9E0CBF', 'F2A75194C2B954A4163E9886BCA45473'],
    ['mchip-cvn21', '55BE45DD2C9E0CBF', 'F2A75194C2B954A4163E9886BCA45473'],
  ] as const)('of %s', (scheme, arqc, sessionKey) => {
    const made = makeCryptogram(keysOf(scheme), DATA);
    expect([toHex(made.arqc), made.sessionKey]).toEqual([arqc, sessionKey]);
  });

  it.each(SCHEME_NAMES)(`of %s is the naive one for random cards, seed ${SEED}`, (scheme) => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 100; run++) {
      const keys = {
        scheme,
        imk: random.bytes(16),
        pan: random.digits(random.between(12, 19)),
        psn: random.digits(2),
        atc: random.bytes(2),
        un: random.bytes(4),
        derivation: random.pick(['a', 'b'] as const),
      };
      const data = random.bytes(random.between(1, 72));
      const made = makeCryptogram(keys, data);
      const { session } = naiveKeys(keys);
      const expected = algorithm3(session, padded(data, rulesOf(scheme).padding === 2 ? 0x80 : 0));
      expect([toHex(made.arqc), made.sessionKey]).toEqual([toHex(expected), toHex(session)]);
    }
  });
});

describe('answer', () => {
  it.each([
    ['visa-cvn10', '26C8A1042D1CAF3E', { arc: hex('3030') }, '98DE7C7B3D80A831', '98DE7C7B3D80A8313030'],
    ['mchip-cvn16', 'AC8074C9E62EE6EF', { arc: hex('0012') }, '5B5B712F9A644774', '5B5B712F9A6447740012'],
    ['mchip-cvn17', 'AC8074C9E62EE6EF', { arc: hex('0012') }, '5B5B712F9A644774', '5B5B712F9A6447740012'],
    ['mchip-cvn20', '55BE45DD2C9E0CBF', { arc: hex('0012') }, '01BAE8DE6A0DE9E0', '01BAE8DE6A0DE9E00012'],
    ['mchip-cvn21', '55BE45DD2C9E0CBF', { arc: hex('0012') }, '01BAE8DE6A0DE9E0', '01BAE8DE6A0DE9E00012'],
    ['visa-cvn18', '55BE45DD2C9E0CBF', { csu: hex('00120000') }, 'B4C698B6', 'B4C698B600120000'],
    ['visa-cvn22', '55BE45DD2C9E0CBF', { csu: hex('00120000') }, 'B4C698B6', 'B4C698B600120000'],
  ] as const)('of %s to %s', (scheme, arqc, codes, arpc, tag91) => {
    const response = makeResponse(keysOf(scheme), hex(arqc), codes);
    if (!response.ok) expect.fail(response.problem);
    expect([toHex(response.arpc), toHex(response.tag91)]).toEqual([arpc, tag91]);
  });

  it(`is the naive one for random cards, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 200; run++) {
      const scheme = random.pick(SCHEME_NAMES);
      const [imk, atc, un, arqc] = [random.bytes(16), random.bytes(2), random.bytes(4), random.bytes(8)];
      const keys = { scheme, imk, pan: random.digits(16), psn: random.digits(2), atc, un };
      const { master, session } = naiveKeys({ ...keys, derivation: 'a' });
      const codes = { arc: random.bytes(2), csu: random.bytes(4), proprietary: random.bytes(random.between(0, 8)) };
      const rules = rulesOf(scheme);
      const message = Buffer.concat([arqc, codes.csu, codes.proprietary]);
      const expected =
        rules.arpc === 1
          ? tdes(
              rules.arpcKey === 'master' ? master : session,
              xorOf(arqc, Buffer.concat([codes.arc, Buffer.alloc(6)])),
            )
          : algorithm3(session, padded(message, 0x80)).subarray(0, 4);
      const response = makeResponse(keys, arqc, codes);
      if (!response.ok) expect.fail(response.problem);
      expect(toHex(response.arpc)).toBe(toHex(expected));
      const after = rules.arpc === 1 ? codes.arc : message.subarray(8);
      expect(toHex(response.tag91)).toBe(toHex(expected) + toHex(after));
    }
  });

  it.each([
    ['visa-cvn10', { csu: hex('00120000') }, 'visa-cvn10 answers with a response code (ARC) of 2 bytes'],
    ['visa-cvn10', { arc: hex('303030') }, 'visa-cvn10 answers with a response code (ARC) of 2 bytes'],
    ['visa-cvn18', { arc: hex('3030') }, 'visa-cvn18 answers with a card status update (CSU) of 4 bytes'],
    ['visa-cvn18', { csu: hex('0012') }, 'visa-cvn18 answers with a card status update (CSU) of 4 bytes'],
    [
      'visa-cvn22',
      { csu: hex('00120000'), proprietary: new Uint8Array(9) },
      'at most 8 bytes of proprietary data, not 9',
    ],
  ] as const)('of %s without what it needs is refused', (scheme, codes, problem) => {
    expect(makeResponse(keysOf(scheme), new Uint8Array(8), codes)).toEqual({ ok: false, problem });
  });
});

describe('issuer key', () => {
  it.each([8, 15, 24])('of %i bytes is refused', (length) => {
    expect(() => new IssuerKey(new Uint8Array(length))).toThrow(RangeError);
  });

  it('shows nothing of itself', () => {
    const key = new IssuerKey(hex('12345678'.repeat(4)));
    expect([JSON.stringify(key), inspect(key, { showHidden: true })]).toEqual(['{}', 'IssuerKey {}']);
  });

  it('knows the names of schemes', () => {
    expect([isScheme('pboc'), isScheme('visa-cvn1'), isScheme('toString')]).toEqual([true, false, false]);
  });
});

interface NaiveKeys {
  readonly scheme: Scheme;
  readonly imk: Uint8Array;
  readonly pan: string;
  readonly psn: string;
  readonly atc: Uint8Array;
  readonly un: Uint8Array;
  readonly derivation: 'a' | 'b';
}

function naiveKeys({ scheme, imk, pan, psn, atc, un, derivation }: NaiveKeys) {
  const digits = pan + psn;
  const hash = createHash('sha1').update(Buffer.from(digits.padStart(digits.length + (digits.length % 2), '0'), 'hex'));
  const letters = [...hash.digest('hex')];
  const numbers = letters.filter((one) => one < 'a');
  const rest = letters.filter((one) => one >= 'a').map((one) => 'abcdef'.indexOf(one));
  const chosen =
    derivation === 'b' && pan.length > 16 ? [...numbers, ...rest].join('').slice(0, 16) : digits.slice(-16);
  const y = Buffer.from(chosen.padStart(16, '0'), 'hex');
  const inverse = (bytes: Uint8Array): Buffer => Buffer.from(bytes.map((byte) => byte ^ 0xff));
  const master = odd(Buffer.concat([tdes(imk, y), tdes(imk, inverse(y))]));
  const halves = {
    master: undefined,
    common: ['F0', '0F'].map((byte) => Buffer.concat([atc, hex(`${byte}0000000000`)])),
    mchip: ['F0', '0F'].map((byte) => Buffer.concat([atc, hex(`${byte}00`), un])),
    pboc: [atc, inverse(atc)].map((count) => Buffer.concat([Buffer.alloc(6), count])),
  }[rulesOf(scheme).session];
  const session = halves === undefined ? master : odd(tdes(master, Buffer.concat(halves)));
  return { master, session };
}
