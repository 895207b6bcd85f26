// Every known-good code: all that it says, the same text again, and every way to misread one character of it.
import { describe, expect, it } from 'vitest';
import { type Decoded, decodeOk } from './decoding.ts';
import { decodeQr } from '../../../../adapters/qr/codec/decode.ts';
import { documentOf } from '../../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../../adapters/qr/codec/encode.ts';
import { valueAt } from '../../../../adapters/qr/codec/merchant-code.ts';
import { decodeMerchant } from '../../../../adapters/qr/codec/merchant-decode.ts';
import { reencodeMerchant } from '../../../../adapters/qr/codec/merchant-encode.ts';
import { KNOWN_PAYLOADS } from './known-payloads.ts';
import { naiveCrc } from './make-code.ts';

describe.each(KNOWN_PAYLOADS)('$name', ({ text, profile, says, fields, order, warnings }) => {
  it('says what it says', () => {
    const document = documentOf(decodeOk(text));
    expect(document).toMatchObject({ valid: true, kind: 'merchant', profile, ...says, lengthUnit: 'characters' });
    expect(document.fields).toEqual(fields);
    expect(document.order.filter((path) => !path.includes('.')).join(' ')).toBe(order);
    expect(document.warnings.map(({ code, path }) => `${code} ${path}`)).toEqual(warnings);
  });

  it('says the same when its profile is forced', () => {
    expect(decodeOk(text, profile)).toEqual(decodeOk(text));
  });

  it('is the same text again, from its fields and from its JSON', () => {
    const read = decodeMerchant(text);
    if (!read.ok) throw new Error(read.error.message);
    const written = reencodeMerchant(read.value);
    expect(written).toEqual(read);
    const json: unknown = JSON.parse(JSON.stringify(documentOf(read.value)));
    expect(encodeQr(json)).toEqual(read);
  });

  it('is the same text again with a lower-case checksum, which only lenient schemes take', () => {
    const lower = text.slice(0, -4) + text.slice(-4).toLowerCase();
    const read = decodeMerchant(lower);
    if (lower === text) return;
    if (profile === 'emvco') {
      const offset = [...text].length - 4 + lower.slice(-4).search(/[a-f]/);
      expect(read).toMatchObject({ ok: false, error: { code: 'lowerCaseCrc', path: '63', offset } });
      return;
    }
    if (!read.ok) throw new Error(read.error.message);
    expect(read.value.warnings.map(({ code }) => code)).toContain('lowerCaseCrc');
    expect(read.value.crc).toBe(lower.slice(-4));
    expect(reencodeMerchant(read.value)).toEqual(read);
    expect(encodeQr(JSON.parse(JSON.stringify(documentOf(read.value))))).toEqual(read);
  });

  it('is refused with any character changed, or explained by a warning', () => {
    const substitutes = ['0', '1', '9', 'A', 'a', ' ', '.', '6', '\u0000', '京', '\ud800', '😀'];
    let refused = 0;
    for (let at = 0; at < text.length; at++) {
      const bits = Array.from({ length: 8 }, (_, bit) => String.fromCharCode(text.charCodeAt(at) ^ (1 << bit)));
      for (const other of [...bits, ...substitutes]) {
        if (other === text[at]) continue;
        const changed = text.slice(0, at) + other + text.slice(at + 1);
        const result = decodeQr(changed);
        if (result.ok) {
          // Nothing but the case of a letter of the checksum can be another and still fit.
          expect(changed.toUpperCase(), changed).toBe(text.toUpperCase());
          expect(at).toBeGreaterThanOrEqual(text.length - 4);
          expect((result.value as Decoded).warnings.map(({ code }) => code)).toContain('lowerCaseCrc');
          continue;
        }
        refused++;
        expect(result.error.message.length, changed).toBeGreaterThan(10);
        expect(result.error.offset).toBeLessThanOrEqual(changed.length);
      }
    }
    expect(refused).toBeGreaterThan(text.length * 15);
  });

  it('is refused with any byte of its UTF-8 changed', () => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length; at++) {
      for (let bit = 0; bit < 8; bit++) {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ (1 << bit);
        const result = decodeQr(changed.toString('utf8'));
        if (result.ok) expect(changed.toString('utf8').toUpperCase()).toBe(text.toUpperCase());
      }
    }
  });

  it('is refused when it is cut anywhere', () => {
    for (let end = 0; end < text.length; end++) expect(decodeQr(text.slice(0, end)).ok, String(end)).toBe(false);
  });

  it('has the checksum that a naive computation finds', () => {
    expect(text.slice(-4)).toBe(naiveCrc(text.slice(0, -4)));
  });
});

describe('a value by its path', () => {
  const vietqr = decodeMerchant(KNOWN_PAYLOADS[4]!.text);
  it.each([
    ['00', '01'],
    ['38.00', 'A000000727'],
    ['38.01', '00069704150113001100193241 8'.replace(' ', '')],
    ['38.01.01', '0011001932418'],
    ['38.09', undefined],
    ['38.01.01.00', undefined],
    ['99', undefined],
  ])('%s is %s', (path, value) => {
    expect(vietqr.ok && valueAt(vietqr.value, path)).toBe(value);
  });
});
