// Consumer-presented codes: the published one, each rule, and that card data is never shown.
import { describe, expect, it } from 'vitest';
import { isTag, readBer } from '../../../../adapters/qr/codec/ber-tlv.ts';
import { decodeConsumer, encodeConsumer, maskedValue } from '../../../../adapters/qr/codec/consumer-code.ts';
import { documentOf } from '../../../../adapters/qr/codec/document.ts';
import { encodeQr } from '../../../../adapters/qr/codec/encode.ts';
import { KNOWN_CONSUMER } from './known-payloads.ts';

const FORMAT = '85054350563031';
const AID = '4F07A0000000555555';
/** A test number of a card brand, whose check digit fits. */
const PAN = '5A085413330089010434';

/** Naive: lengths below 128 only. */
function inside(tag: string, hex: string): string {
  return tag + (hex.length / 2).toString(16).padStart(2, '0') + hex;
}

function code(hex: string): string {
  return Buffer.from(hex, 'hex').toString('base64');
}

const PLAIN = code(FORMAT + inside('61', AID + PAN));

function decoded(text: string) {
  const result = decodeConsumer(text);
  if (!result.ok) throw new Error(result.error.message);
  return result.value;
}

describe('the published code', () => {
  it('says what it says, account and track masked', () => {
    const document = documentOf(decoded(KNOWN_CONSUMER));
    expect(document).toMatchObject({
      valid: true,
      profile: 'cpm',
      kind: 'consumer',
      pointOfInitiation: null,
      amount: null,
      crc: null,
      fields: { '85': '4350563031', '61': { '4F': 'A0000000555555', '57': '123456******3458' } },
      order: ['85', '61', '61.4F', '61.57'],
    });
    expect(document.warnings).toMatchObject([{ code: 'badCheckDigit', path: '61.57', offset: 24 }]);
    expect(JSON.stringify(document)).not.toContain('1234567890123458');
    expect(JSON.stringify(document)).not.toContain('1911220');
  });

  it('has its applications', () => {
    expect(decoded(KNOWN_CONSUMER).applications).toEqual(['A0000000555555']);
  });

  it('is the same text again', () => {
    expect(encodeConsumer(decoded(KNOWN_CONSUMER).fields)).toEqual(decodeConsumer(KNOWN_CONSUMER));
  });

  it('cannot be made of its masked document', () => {
    const made = encodeQr(JSON.parse(JSON.stringify(documentOf(decoded(KNOWN_CONSUMER)))));
    expect(made).toMatchObject({ ok: false, error: { code: 'badValue', path: '61.57' } });
  });
});

describe('what is allowed', () => {
  it.each<readonly [what: string, hex: string, applications: readonly string[]]>([
    ['one application with its number', FORMAT + inside('61', AID + PAN), ['A0000000555555']],
    [
      'two applications',
      FORMAT + inside('61', AID + PAN) + inside('61', `4F05A000000333${PAN}`),
      ['A0000000555555', 'A000000333'],
    ],
    ['the number in common', FORMAT + inside('61', AID) + inside('62', PAN), ['A0000000555555']],
    [
      'opaque and unknown objects',
      `${FORMAT}${inside('61', `${AID}${PAN}6303FFFFFF9F2501AB`)}DF8101020102${inside('64', '00')}`,
      ['A0000000555555'],
    ],
    [
      'lengths of two bytes',
      `${FORMAT}6181${(0x90).toString(16)}${AID}${PAN}63${(0x90 - 21).toString(16)}${'00'.repeat(0x90 - 21)}`,
      ['A0000000555555'],
    ],
  ])('%s', (_, hex, applications) => {
    const read = decoded(code(hex));
    expect(read.applications).toEqual(applications);
    expect(read.warnings).toEqual([]);
    expect(encodeConsumer(read.fields)).toEqual({ ok: true, value: read });
  });
});

describe('each rule', () => {
  it.each<readonly [rule: string, text: string, error: string, path: string]>([
    ['alphabet', 'hQVD_', 'badBase64', ''],
    ['padding', KNOWN_CONSUMER.slice(0, -1), 'badBase64', ''],
    ['no bits to spare', `${KNOWN_CONSUMER.slice(0, -2)}9=`, 'badBase64', ''],
    ['line break', `${PLAIN}\n`, 'badBase64', ''],
    ['85 first', code(inside('61', AID + PAN) + FORMAT), 'wrongOrder', '61'],
    ['version', code(`85054350563032${inside('61', AID + PAN)}`), 'badValue', '85'],
    ['an application', code(FORMAT), 'missingField', '61'],
    ['4F there', code(FORMAT + inside('61', PAN)), 'missingField', '61.4F'],
    ['4F at least 5', code(FORMAT + inside('61', `4F04A0000000${PAN}`)), 'badLength', '61.4F'],
    ['4F at most 16', code(FORMAT + inside('61', `4F11${'A0'.repeat(17)}${PAN}`)), 'badLength', '61.4F'],
    ['57 or 5A there', code(FORMAT + inside('61', AID)), 'missingField', '61.5A'],
    ['5A digits', code(FORMAT + inside('61', `${AID}5A0854133300890104AB`)), 'badValue', '61.5A'],
    ['5A at least 8', code(FORMAT + inside('61', `${AID}5A03541333`)), 'badValue', '61.5A'],
    ['57 form', code(FORMAT + inside('61', `${AID}57085413330089010434`)), 'badValue', '61.57'],
    [
      '57 at most 19',
      code(FORMAT + inside('61', `${AID}57145413330089010434D251220100000000000000F`.padEnd(62, '0'))),
      'badValue',
      '61.57',
    ],
    [
      '57 with an account of at least 8',
      code(FORMAT + inside('61', `${AID}57081234567D25122010`)),
      'badValue',
      '61.57',
    ],
    [
      '57 of 20 bytes',
      code(FORMAT + inside('61', `${AID}57145413330089010434D2512201${'0'.repeat(16)}`)),
      'badValue',
      '61.57',
    ],
    ['tag of four whole bytes', code(`${FORMAT}9F81810101AA`), 'badId', ''],
    ['tag twice in a template', code(FORMAT + inside('61', AID + AID + PAN)), 'duplicateField', '61.4F'],
    ['62 twice', code(FORMAT + inside('61', AID + PAN) + inside('62', '') + inside('62', '')), 'duplicateField', '62'],
    ['tag zero', code(`${FORMAT}00`), 'badId', ''],
    ['tag of four bytes', code(`${FORMAT}9F81818101`), 'badId', ''],
    ['tag cut', code(`${FORMAT}9F`), 'badId', ''],
    ['length cut', code(`${FORMAT}61`), 'badLength', ''],
    ['length not shortest', code(`${FORMAT}618101AA`), 'badLength', ''],
    ['length not shortest, of two', code(`${FORMAT}6182007F`), 'badLength', ''],
    ['length indefinite', code(`${FORMAT}6180`), 'badLength', ''],
    ['value cut', code(`${FORMAT}6105AA`), 'truncated', ''],
  ])('%s', (_, text, error, path) => {
    const result = decodeConsumer(text);
    expect(result).toMatchObject({ ok: false, error: { code: error, path } });
    if (result.ok) return;
    expect(result.error.offset).toBeLessThanOrEqual(text.length);
    expect(result.error.message).not.toMatch(/541333/);
  });

  it('tells the character in which an object begins', () => {
    // 7 bytes of format, 2 of the template, 9 of the application: the number begins in byte 18, character 24.
    const result = decodeConsumer(code(FORMAT + inside('61', `${AID}5A03541333`)));
    expect(!result.ok && result.error.offset).toBe(24);
  });

  it('too long', () => {
    expect(decodeConsumer('A'.repeat(4100))).toMatchObject({ ok: false, error: { code: 'tooLong' } });
  });
});

describe('what is shown of a value', () => {
  it.each<readonly [tag: string, hex: string, shown: string]>([
    ['5A', '5413330089010434', '541333******0434'],
    ['5A', '123456789012345F', '123456*****2345'],
    ['57', '5413330089010434D25122010000', '541333******0434'],
    ['5A', '12345678', '123456**'.slice(0, 6)],
    ['57', 'FFFF', '****'],
    ['56', '42', '**'],
    ['99', '0123456789ABCDEF', '****************'],
    ['9F6B', '0102', '****'],
    ['9F1F', '0102', '****'],
    ['9F20', '0102', '****'],
    ['4F', 'A0000003', 'A0000003'],
    ['63', 'AB', 'AB'],
  ])('%s %s: %s', (tag, hex, shown) => {
    expect(maskedValue(tag, Buffer.from(hex, 'hex'))).toBe(shown);
  });
});

describe('from JSON', () => {
  const fields = {
    '85': '4350563031',
    '61': [
      { '5a': '5413330089010434', '4f': 'A0000000555555' },
      { '4F': 'A000000333', '5A': '5413330089010434' },
    ],
  };

  it('in the order that is wanted', () => {
    const order = ['85', '61', '61.4f', '61.5a', '61', '61.4F', '61.5A'];
    const made = encodeQr({ profile: 'cpm', fields, order });
    expect(made).toMatchObject({
      ok: true,
      value: { text: code(FORMAT + inside('61', AID + PAN) + inside('61', `4F05A000000333${PAN}`)) },
    });
  });

  it.each<readonly [what: string, fields: unknown, error: string, path: string]>([
    ['a tag that is none', { '85': '4350563031', '00': 'AA' }, 'badId', '00'],
    ['a tag that is two', { '85': '4350563031', '5A5A': 'AA' }, 'badId', '5A5A'],
    ['half a byte', { '85': '4350563031', '61': { '4F': 'A00' } }, 'badValue', '61.4F'],
    ['templates too deep', { '85': '4350563031', '61': { '62': { '4F': 'A0' } } }, 'badTemplate', '61.62'],
    ['an inner tag that is none', { '85': '4350563031', '61': { zz: 'A0' } }, 'badId', '61.ZZ'],
  ])('%s', (_, tree, error, path) => {
    const order = Object.keys(tree as object).sort((one) => (one === '85' ? -1 : 1));
    expect(encodeQr({ profile: 'cpm', fields: tree, order })).toMatchObject({
      ok: false,
      error: { code: error, path },
    });
  });
});

describe('tags', () => {
  it.each([
    ['5A', true],
    ['9F26', true],
    ['DF8101', true],
    ['00', false],
    ['9F', false],
    ['5A5A', false],
    ['9F8181', false],
    ['5a', false],
    ['5', false],
    ['', false],
  ])('%s: %s', (tag, isOne) => expect(isTag(tag)).toBe(isOne));

  it('and places count from where the bytes begin in the whole', () => {
    expect(readBer(Buffer.from('5A0112', 'hex'), 7)).toMatchObject({ ok: true, nodes: [{ tag: '5A', at: 7 }] });
    expect(readBer(Buffer.from('5A0512', 'hex'), 7)).toMatchObject({ ok: false, at: 7 });
  });
});
