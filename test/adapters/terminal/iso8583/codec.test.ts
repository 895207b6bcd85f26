// Two messages known field by field, the odd forms seen in the wild, and what is said about messages that are wrong.
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type CompiledSpec, compileSpec } from '../../../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage, innerFields } from '../../../../adapters/terminal/iso8583/decode.ts';
import { FieldSet, Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { describeProblem } from '../../../../adapters/terminal/iso8583/problem.ts';
import { SHIPPED_SPECS, shippedSpec } from '../../../../adapters/terminal/iso8583/shipped-specs.ts';
import { readSpecFile } from '../../../../adapters/terminal/iso8583/spec-file.ts';
import { messageOf, viewFields } from '../../../../adapters/terminal/iso8583/view.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');

function specOf(document: unknown): CompiledSpec {
  const read = readSpecFile(document, shippedSpec);
  if (!read.ok) throw new Error(JSON.stringify(read.mistakes));
  const compiled = compileSpec(read.spec);
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.mistakes));
  return compiled.spec;
}
const custom = (base: string, fields: object = {}, other: object = {}) =>
  specOf({ name: 'test', extends: base, fields, ...other });
const ASCII = custom('iso87-ascii');
const BCD = custom('iso87-bcd');
const MIXED = specOf(JSON.parse(readFileSync(new URL('mixed.json', import.meta.url), 'utf8')));

const SIGN_ON = '0800823A0000000000000400000000000000042009061390000109061304200420001';
const PURCHASE = hex(
  '30313030f23c248128e09a00000000000000010031363432373635353535353535353535353530303030303030303030' +
    '303030373737303030373031313131383434303030313233313331383434303730313139303206433930313032303631' +
    '32333435363337343237363535353535353535353535353d313233343536373839303132333435363738393039383736' +
    '353433323130303130303030303332313132303030303030303030303033342020202020202020202020202020202020' +
    '202020202020202020202020202054657374207465787464300102030405060708313233343030303030303030303030' +
    '303032339a063231303732309f020c303030303030303030353031303137416e6f7468657220746573742074657874',
);

function again(spec: CompiledSpec, bytes: Uint8Array): Message {
  const result = decodeMessage(spec, bytes);
  expect(result.ok ? '' : describeProblem(result.problem)).toBe('');
  expect(result.message.encode()).toEqual({ ok: true, bytes: Buffer.from(bytes) });
  return result.message;
}

describe('known messages', () => {
  it('sign-on', () => {
    const message = again(ASCII, Buffer.from(SIGN_ON));
    expect(message.mti).toBe('0800');
    expect(Object.fromEntries(viewFields(message, false))).toEqual({
      ...{ 7: '0420090613', 11: '900001', 12: '090613', 13: '0420', 15: '0420', 70: '001' },
    });
  });

  it('purchase in a mixed specification, unmasked and masked', () => {
    const message = again(MIXED, PURCHASE);
    const open = Object.fromEntries(viewFields(message, true));
    expect(open).toMatchObject({ 2: '4276555555555555', 4: '000000077700', 19: '643', 22: '901', 32: '123456' });
    expect(open).toMatchObject({ 35: '4276555555555555=12345678901234567890', 37: '987654321001', 49: '643' });
    expect(open).toMatchObject({ 52: '0102030405060708', 120: 'Another test text' });
    expect([...(open[55] as Map<string, string>)]).toEqual([
      ['9A', '210720'],
      ['9F02', '000000000501'],
    ]);
    const shown = Object.fromEntries(viewFields(message, false));
    expect(shown).toMatchObject({ 2: '427655******5555', 35: '*'.repeat(37), 52: '*'.repeat(16) });
    const made = messageOf(MIXED, '0100', viewFields(message, true));
    expect(made.ok && made.message.encode()).toEqual({ ok: true, bytes: PURCHASE });
  });
});

/** A message of one field: message type, bitmap, and the field as given. */
function single(number: number, field: string, isAscii = false): Buffer {
  const bits = Buffer.alloc(number > 64 ? 16 : 8);
  bits[(number - 1) >> 3] = 0x80 >> ((number - 1) & 7);
  if (number > 64) bits[0] = bits[0]! | 0x80;
  const head = isAscii ? Buffer.from(`0200${bits.toString('hex').toUpperCase()}`) : Buffer.concat([hex('0200'), bits]);
  return Buffer.concat([head, hex(field)]);
}

interface Odd {
  readonly what: string;
  readonly number: number;
  readonly field: string;
  readonly text: string;
  readonly change?: object;
  /** Not what setting the text would write. */
  readonly odd?: true;
}

const RIGHT_F = { side: 'right', nibble: 'F' };
const ODD: readonly Odd[] = [
  { what: 'empty PAN', number: 2, field: '00', text: '' },
  { what: 'empty acquirer', number: 32, field: '00', text: '' },
  { what: 'odd variable digits', number: 32, field: '05 123450', text: '12345' },
  { what: 'odd variable digits with another pad', number: 32, field: '05 12345F', text: '12345', odd: true },
  { what: 'pad F', number: 32, field: '05 12345F', text: '12345', change: { pad: RIGHT_F } },
  { what: 'pad left', number: 32, field: '05 012345', text: '12345', change: { pad: { side: 'left' } } },
  { what: 'fixed pad left', number: 19, field: '0643', text: '643' },
  { what: 'fixed pad right', number: 19, field: '6430', text: '643', change: { pad: { side: 'right' } } },
  { what: 'fixed with a stray pad', number: 19, field: 'F643', text: '643', odd: true },
  { what: 'track with D', number: 35, field: '09 1234D56780', text: '1234=5678' },
  { what: 'signed amount', number: 28, field: '44 00000125', text: 'D00000125' },
  {
    what: 'bytes counted, pad F',
    number: 32,
    field: '03 12345F',
    text: '12345',
    change: { prefix: { unit: 'bytes' }, pad: RIGHT_F },
  },
  {
    what: 'bytes counted, even',
    number: 32,
    field: '02 1234',
    text: '1234',
    change: { prefix: { unit: 'bytes' }, pad: RIGHT_F },
  },
  {
    what: 'binary length',
    number: 32,
    field: '0B 123456789010',
    text: '12345678901',
    change: { prefix: { encoding: 'binary' } },
  },
  {
    what: 'binary length of two bytes',
    number: 63,
    field: '0003 414243',
    text: 'ABC',
    change: { prefix: { encoding: 'binary' } },
  },
  {
    what: 'nibbles of binary',
    number: 55,
    field: '0016 9A03210720 9C0100',
    text: '9A032107209C0100',
    change: { length: 255, prefix: { unit: 'nibbles' } },
  },
  { what: 'EBCDIC text', number: 39, field: 'F0F5', text: '05', change: { encoding: 'ebcdic' } },
  {
    what: 'EBCDIC digits and length',
    number: 32,
    field: 'F0F3 F1F2F3',
    text: '123',
    change: { encoding: 'ebcdic', pad: null, prefix: { encoding: 'ebcdic', unit: 'digits' } },
  },
  { what: 'EBCDIC track', number: 35, field: '04 F1F27EF3', text: '12=3', change: { encoding: 'ebcdic', pad: null } },
  { what: 'text that is UTF-8', number: 44, field: '02 C3A9', text: '\u00c3\u00a9' },
  {
    what: 'hex in lower case',
    number: 52,
    field: '61626364'.repeat(4),
    text: 'ABCD'.repeat(4),
    odd: true,
    change: { encoding: 'hex' },
  },
];

describe('forms seen in the wild', () => {
  it.each(ODD)('$what', ({ number, field, text, change, odd }) => {
    const spec = custom('iso87-bcd', change === undefined ? {} : { [number]: change });
    const bytes = single(number, field);
    const message = again(spec, bytes);
    expect(message.text(number)).toBe(text);
    if (odd !== true) expect(new Message(spec, '0200').set(number, text).encode()).toEqual({ ok: true, bytes });
    // What was not touched stays, whatever is added.
    const more = message.set(3, '1').encode();
    expect(more.ok && decodeMessage(spec, more.bytes).message.text(number)).toBe(text);
  });

  it('chip data with filler, long lengths and private tags; 500 bytes of it', () => {
    again(BCD, single(55, '0014 00 9A8103210720 DF810101AA FF00'));
    again(BCD, single(55, `0500 DF8101 8201EE${'AB'.repeat(494)}`));
  });

  it('an empty second bitmap, and a bitmap in lower case', () => {
    again(BCD, hex('0200 A000000000000000 0000000000000000 000000'));
    again(ASCII, Buffer.from('02002000000000000000000000'));
    const lower = Buffer.from('02000000000000000001aabbccddeeff0011');
    expect(again(ASCII, lower).text(64)).toBe('AABBCCDDEEFF0011');
    again(ASCII, Buffer.from(`0200000000000a000000${'R'.repeat(12)}05`));
  });
});

interface Wrong {
  readonly what: string;
  readonly bytes: Buffer;
  readonly spec?: CompiledSpec;
  readonly problem: readonly [field: string, offset: number, expected: string, found: string];
}

const INNER = custom('iso87-ascii', {
  127: {
    ...{ name: 'Private', type: 'fields', length: 999_999, encoding: 'raw' },
    prefix: { digits: 6, encoding: 'ascii', unit: 'bytes' },
    inner: {
      bitmap: 'raw',
      single: true,
      fields: {
        1: { name: 'First', type: 'n', length: 2, encoding: 'ascii' },
        25: {
          name: 'Long',
          type: 'ans',
          length: 9999,
          encoding: 'ascii',
          prefix: { digits: 4, encoding: 'ascii', unit: 'bytes' },
        },
      },
    },
  },
});

const WRONG: readonly Wrong[] = [
  { what: 'nothing', bytes: hex(''), problem: ['mti', 0, '2 bytes', '0 bytes left'] },
  { what: 'type', bytes: hex('020A'), problem: ['mti', 1, '4 digits in BCD', 'byte 0A'] },
  { what: 'bitmap cut', bytes: hex('0200 70'), problem: ['bitmap', 2, '8 bytes', '1 byte left'] },
  {
    what: 'second bitmap cut',
    bytes: hex('0200 F000000000000000 00'),
    problem: ['bitmap', 10, '8 bytes of the second bitmap', '1 byte left'],
  },
  {
    what: 'bitmap no hex',
    spec: ASCII,
    bytes: Buffer.from('0200000000000000000G'),
    problem: ['bitmap', 19, 'a hex character', 'byte 47 ("G")'],
  },
  { what: 'cut', bytes: single(3, '1234'), problem: ['3', 10, '3 bytes', '2 bytes left'] },
  { what: 'no digit', bytes: single(3, '12A456'), problem: ['3', 11, 'two digits in BCD', 'byte A4'] },
  {
    what: 'no digit in text',
    spec: ASCII,
    bytes: single(3, '31323341 3536', true),
    problem: ['3', 23, 'a digit in ASCII', 'byte 41 ("A")'],
  },
  {
    what: 'PAN not shown',
    spec: ASCII,
    bytes: single(2, '3032 3141', true),
    problem: ['2', 23, 'a digit in ASCII', 'another byte (not shown)'],
  },
  { what: 'too long', bytes: single(2, '20 12345678901234567890'), problem: ['2', 10, 'a length of 19 at most', '20'] },
  { what: 'no length', bytes: single(2, '1F'), problem: ['2', 10, 'a length in bcd digits', 'byte 1F'] },
  { what: 'length cut', bytes: single(48, '00'), problem: ['48', 10, 'a length of 2 bytes', '1 byte left'] },
  { what: 'data cut', bytes: single(48, '0003 4142'), problem: ['48', 12, '3 bytes', '2 bytes left'] },
  { what: 'sign', bytes: single(28, '45 00000125'), problem: ['28', 10, 'the sign C or D', 'byte 45 ("E")'] },
  {
    what: 'track',
    spec: ASCII,
    bytes: single(35, '3031 41', true),
    problem: ['35', 22, 'a character of a track', 'another byte (not shown)'],
  },
  {
    what: 'unknown field',
    spec: custom('iso87-bcd', { 3: null }),
    bytes: single(3, '000000'),
    problem: ['3', 10, 'no such field in this specification', 'its bit is set'],
  },
  { what: 'chip data', bytes: single(55, '0005 9F26 05 0000'), problem: ['55.9F26', 15, '5 bytes', '2 bytes left'] },
  {
    what: 'more',
    bytes: Buffer.concat([single(3, '000000'), hex('0000')]),
    problem: ['end', 13, 'no more bytes', '2 more bytes'],
  },
  {
    what: 'inner',
    spec: INNER,
    bytes: single(127, '303030303133 0000008000000000 30303242', true),
    problem: ['127', 42, '13 bytes', '12 bytes left'],
  },
  {
    what: 'inner field',
    spec: INNER,
    bytes: single(127, '303030303133 0000008000000000 3030303242', true),
    problem: ['127.25', 54, '2 bytes', '1 byte left'],
  },
  {
    what: 'inner number',
    spec: INNER,
    bytes: single(127, '303030303130 8000000000000000 3041', true),
    problem: ['127.1', 51, 'a digit in ASCII', 'byte 41 ("A")'],
  },
];

describe('problems', () => {
  it.each(WRONG)('$what', ({ bytes, spec, problem }) => {
    const [field, offset, expected, found] = problem;
    const result = decodeMessage(spec ?? BCD, bytes);
    expect(result).toMatchObject({ ok: false, problem: { field, offset, expected, found } });
  });

  it('keep what was read', () => {
    const { ok, message } = decodeMessage(ASCII, Buffer.from(SIGN_ON.slice(0, -1)));
    expect([ok, message.mti, message.numbers()]).toEqual([false, '0800', [7, 11, 12, 13, 15]]);
  });

  it.each([
    [3, '1234567', 'a length of 6', '7'],
    [3, '12A', 'digits', 'another character'],
    [2, '12345678901234567890', 'a length of 19 at most', '20'],
    [52, '0102', 'a length of 8', '2'],
    [52, 'xx', 'an even number of hex characters', 'other text'],
    [28, '00000001', 'the sign C or D', 'another character'],
    [35, '12A', 'characters of a track: digits and =', 'another character'],
    [44, '\u20ac', 'characters of Latin-1', 'another character'],
    [130, '', 'no such field in this specification', 'a value'],
  ])('field %i set to %j', (number, value, expected, found) => {
    const problem = { field: String(number), expected, found };
    expect(new Message(BCD, '0200').set(number, value).encode()).toMatchObject({ ok: false, problem });
  });

  it('of a message type', () => {
    expect(new Message(BCD, '02').encode()).toMatchObject({ ok: false, problem: { field: 'mti' } });
  });
});

describe('messages', () => {
  it('have fields inside fields', () => {
    const message = new Message(INNER, '0200').set(
      127,
      new FieldSet(INNER.body.fields[127]!.inner!).set(25, '<x/>').set(1, '7'),
    );
    const encoded = message.encode();
    expect(encoded.ok && encoded.bytes.subarray(36).toString('latin1')).toBe(
      `000018${Buffer.from('8000008000000000', 'hex').toString('latin1')}070004<x/>`,
    );
    const read = again(INNER, (encoded as { bytes: Buffer }).bytes);
    const inner = innerFields(read, 127)!;
    expect([inner.text(1), inner.text(25), innerFields(read, 3)]).toEqual(['07', '<x/>', undefined]);
    const changed = read.set(127, inner.set(25, 'y').delete(1)).encode();
    expect(changed.ok && innerFields(again(INNER, changed.bytes), 127)!.numbers()).toEqual([25]);
  });

  it('are translated to another specification', () => {
    const message = decodeMessage(MIXED, PURCHASE).message.set(55, '9A03210720').translate(BCD);
    const encoded = message.encode();
    const back = again(BCD, (encoded as { bytes: Buffer }).bytes)
      .translate(MIXED)
      .encode();
    expect(back).toEqual(decodeMessage(MIXED, PURCHASE).message.set(55, '9A03210720').encode());
    expect(new Message(BCD, '0200').set(3, '1').translate(custom('iso93-bcd')).mti).toBe('1200');
  });

  it('mask a PAN and a template with a track in chip data', () => {
    const chip =
      '5A08 427655555555555F 5708 427655555555555D 9F0201 00 770A 5708 427655555555555D E103 9F0100'.replaceAll(
        ' ',
        '',
      );
    const view = viewFields(new Message(BCD, '0200').set(55, chip), false).get('55');
    expect(Object.fromEntries(view as Map<string, string>)).toEqual({
      ...{ '5A': '427655*****5555F', 57: '*'.repeat(16), '9F02': '00', 77: '*'.repeat(20), E1: '9F0100' },
    });
    expect(viewFields(new Message(BCD, '0200').set(55, '57FF4276'), false).get('55')).toBe('********');
  });
});

describe('specification files', () => {
  it('of the switch compile', () => {
    for (const name of SHIPPED_SPECS) {
      const spec = custom(name);
      expect([spec.body.fields.filter(Boolean).length, shippedSpec(name)!.name]).toEqual([127, name]);
    }
  });

  it.each([
    [{ extends: 'iso87' }, 'extends'],
    [{ name: 'a', extends: 'iso87-bcd', fields: { 2: { mood: 1 } } }, 'fields.2'],
    [{ name: 'a', extends: 'iso87-bcd', fields: { 2: { prefix: { unit: 'bits' } } } }, 'fields.2.prefix.unit'],
    [{ name: 'a', extends: 'iso87-bcd', fields: { x: {} } }, 'fields.x'],
    [[], ''],
  ])('%j', (document, path) => {
    const read = readSpecFile(document, shippedSpec);
    expect(!read.ok && read.mistakes[0]?.path).toBe(path);
  });

  it.each([
    [{ 2: { encoding: 'raw' } }, 'encoding of type n must be ascii or ebcdic or bcd'],
    [{ 41: { pad: { side: 'left', nibble: '0' } } }, 'pad belongs to encoding bcd'],
    [{ 48: { length: 1000 } }, 'length 1000 does not fit into a prefix that ends at 999'],
    [{ 55: { prefix: null } }, 'type tlv must have a prefix'],
    [{ 48: { type: 'fields', encoding: 'raw' } }, 'inner belongs to type fields, and only to it'],
    [{ 129: { name: 'x', type: 'n', length: 1, encoding: 'bcd' } }, 'must be a field from 2 to 128'],
  ])('%j does not fit together', (fields, message) => {
    expect(() => custom('iso87-bcd', fields)).toThrow(message);
  });
});
