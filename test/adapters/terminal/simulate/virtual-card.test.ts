// A card of test keys: its cryptograms are those that the verification accepts, with every scheme, and it knows its issuer.
import { describe, expect, it } from 'vitest';
import { newAtcWindow } from '../../../../adapters/terminal/crypto/emv/atc-window.ts';
import { IssuerKey } from '../../../../adapters/terminal/crypto/emv/card-keys.ts';
import { SCHEME_NAMES, type Scheme } from '../../../../adapters/terminal/crypto/emv/schemes.ts';
import { ArqcVerifier } from '../../../../adapters/terminal/crypto/emv/verify.ts';
import { decodePinBlock, pinOf } from '../../../../adapters/terminal/crypto/pin/pin-block.ts';
import { type TapRequest, VirtualCard } from '../../../../adapters/terminal/simulate/virtual-card.ts';
import { parseTlv, Tlv } from '../../../../adapters/terminal/tlv/tlv.ts';
import { hex } from '../../../support/seeded-bytes.ts';

const IMK = hex('0123456789ABCDEFFEDCBA9876543210');
const PIN_KEY = hex('00112233445566778899AABBCCDDEEFF');
const PAN = '4761739001010119';

const REQUEST: TapRequest = {
  amountMinor: 1250,
  otherAmountMinor: 500,
  currency: '156',
  country: '156',
  date: '261123',
  type: '09',
  unpredictableNumber: hex('DEADBEEF'),
  contactless: true,
  cdcvm: false,
};

function cardOf(scheme: Scheme, atc = 0, pan = PAN): VirtualCard {
  return new VirtualCard({ scheme, pan, psn: '01', expiry: '2912', imk: IMK, atc });
}

function tapped(card: VirtualCard, changes: Partial<TapRequest> = {}) {
  const tap = card.tap({ ...REQUEST, ...changes });
  if (!tap.ok) return expect.fail(tap.problem);
  const parsed = parseTlv(tap.fields.get(55) as Uint8Array);
  expect(parsed.ok).toBe(true);
  const { tlv: tags } = parsed;
  return { ...tap, tags, request: { pan: card.pan, psn: '01', tags } };
}

const verifier = new ArqcVerifier();
const issuer = new IssuerKey(IMK);
const CODES = { arc: hex('3030'), csu: hex('00820000'), proprietary: hex('0102') };

describe.each(SCHEME_NAMES)('%s', (scheme) => {
  it('makes cryptograms that are accepted, each counter once', () => {
    const card = cardOf(scheme, 41);
    let atcWindow = newAtcWindow(41);
    for (const [count, contactless] of [true, false, true].entries()) {
      const { request, atc } = tapped(card, { contactless });
      const result = verifier.verify(issuer, { ...request, scheme, atcWindow });
      expect([result.verdict, atc, result.atc]).toEqual(['ok', 42 + count, 42 + count]);
      atcWindow = result.atcWindow ?? expect.fail('no window');
      expect(verifier.verify(issuer, { ...request, atcWindow }).verdict).toBe('atcReplayed');
    }
    expect(card.atc).toBe(44);
  });

  it('knows the answer of its issuer from any other', () => {
    const card = cardOf(scheme);
    const { request } = tapped(card);
    const { response } = verifier.verify(issuer, { ...request, codes: CODES });
    const tag91 = response?.ok ? response.tag91 : expect.fail('no answer');
    const answer = (proof: Uint8Array) => new Tlv().set(0x8a, hex('3030')).set(0x91, proof).encode();
    expect(card.checkAnswer(answer(tag91))).toBe('right');
    for (let at = 0; at < tag91.length; at++) {
      const changed = tag91.slice();
      changed[at] = (changed[at] ?? 0) ^ 1;
      expect(card.checkAnswer(answer(changed)), String(at)).toBe('wrong');
    }
    expect(card.checkAnswer(answer(tag91.slice(0, 3)))).toBe('wrong');
    expect(card.checkAnswer(new Tlv().set(0x8a, hex('3030')).encode())).toBe('missing');
    expect(card.checkAnswer(undefined)).toBe('missing');
    // An answer to an earlier tap is none to this one.
    tapped(card, { unpredictableNumber: hex('00000001') });
    expect(card.checkAnswer(answer(tag91))).toBe('wrong');
  });
});

describe('a tap', () => {
  it('gives the fields of the message', () => {
    const { fields, tags } = tapped(cardOf('visa-cvn18'));
    expect([2, 14, 22, 23, 35].map((number) => fields.get(number))).toEqual([
      PAN,
      '2912',
      '071',
      '001',
      `${PAN}=29122010000000000`,
    ]);
    expect(fields.has(52)).toBe(false);
    const needed =
      '9F26 9F27 9F10 9F37 9F36 95 9A 9C 9F02 5F2A 82 9F1A 9F03 9F33 9F34 9F35 9F1E 84 9F09 9F41 5F34 9F66 9F6E';
    expect(needed.split(' ').filter((tag) => !tags.has(Number.parseInt(tag, 16)))).toEqual([]);
    expect(Buffer.from(tags.get(0x9f02) ?? []).toString('hex')).toBe('000000001250');
    const contact = tapped(cardOf('visa-cvn18'), { contactless: false });
    expect([contact.fields.get(22), contact.tags.has(0x9f66)]).toEqual(['051', false]);
  });

  it('says how the holder was verified, and takes a PIN online', () => {
    const method = (changes: Partial<TapRequest>) => {
      const { tags } = tapped(cardOf('mchip-cvn17'), changes);
      return Buffer.from(tags.get(0x9f34) ?? [])
        .toString('hex')
        .toUpperCase();
    };
    const pin = { digits: pinOf('1234') ?? new Uint8Array(), key: PIN_KEY };
    expect([method({}), method({ cdcvm: true }), method({ pin })]).toEqual(['1F0302', '010002', '020300']);
    const { fields } = tapped(cardOf('mchip-cvn17'), { pin });
    const decoded = decodePinBlock(0, fields.get(52) as Uint8Array, PAN, PIN_KEY);
    expect(decoded.ok && [...decoded.value]).toEqual([1, 2, 3, 4]);
  });

  it('keeps track 2 within its length for the longest card number', () => {
    const { fields } = tapped(cardOf('visa-cvn10', 0, '4761739001010119999'));
    expect(String(fields.get(35))).toMatch(/^4761739001010119999=2912201\d+$/);
    expect(String(fields.get(35)).length).toBeLessThanOrEqual(37);
  });

  it('is not made when the counter is used up, or the PIN is none; the counter then stands', () => {
    const card = cardOf('pboc', 65_534);
    expect(card.tap({ ...REQUEST, pin: { digits: Uint8Array.of(1), key: PIN_KEY } })).toMatchObject({ ok: false });
    expect(tapped(card).atc).toBe(65_535);
    expect(card.tap(REQUEST)).toEqual({ ok: false, problem: 'the transaction counter of the card is used up' });
  });
});
