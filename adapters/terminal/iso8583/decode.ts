/**
 * Reading a message: message type, bitmaps, then each field that they announce. One pass finds where every field begins
 * and ends and checks its bytes; texts are made when somebody asks for them.
 */
import { checkTlv } from '../tlv/tlv.ts';
import { EBCDIC_HEX_VALUES, HEX_VALUES } from './charset.ts';
import type { CompiledBody, CompiledField, CompiledSpec } from './compile-spec.ts';
import { FieldSet, Message, WireField } from './message.ts';
import { count, describeByte, type Iso8583Problem } from './problem.ts';

export type Decoded =
  | { readonly ok: true; readonly message: Message }
  /** `message` has what was read before the problem. */
  | { readonly ok: false; readonly problem: Iso8583Problem; readonly message: Message };

/**
 * Reads one message without frame. The message keeps views of `bytes`: give it a copy when they will be overwritten.
 */
export function decodeMessage(spec: CompiledSpec, bytes: Uint8Array): Decoded {
  const buffer = Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  const message = new Message(spec, '');
  const decoder = new Decoder(buffer);
  const at = decoder.mti(message);
  if (at >= 0) decoder.body(message, at, buffer.length);
  const { problem } = decoder;
  return problem === undefined ? { ok: true, message } : { ok: false, problem, message };
}

/** The fields inside a field of type `fields`; `undefined` when it is not there or is none. They are a copy of what is held. */
export function innerFields(fields: FieldSet, number: number): FieldSet | undefined {
  const held = fields.held(number);
  if (held instanceof FieldSet) return held;
  const inner = fields.body.fields[number]?.inner;
  const bytes = fields.bytes(number);
  if (inner === undefined || bytes === undefined) return undefined;
  const result = new FieldSet(inner);
  const decoder = new Decoder(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length));
  decoder.body(result, 0, bytes.length);
  return decoder.problem === undefined ? result : undefined;
}

class Decoder {
  readonly #bytes: Buffer;
  problem: Iso8583Problem | undefined;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  /** Where the bitmap begins, or -1. */
  mti(message: Message): number {
    const bytes = this.#bytes;
    const form = message.spec.mti;
    const size = form === 'bcd' ? 2 : 4;
    if (bytes.length < size) return this.#fail('mti', 0, count(size, 'byte'), `${count(bytes.length, 'byte')} left`);
    const zone = form === 'ebcdic' ? 0xf0 : 0x30;
    let mti = '';
    for (let at = 0; at < size; at++) {
      const byte = bytes[at] as number;
      const isDigits = form === 'bcd' ? isBcd(byte) : byte >= zone && byte <= zone + 9;
      if (!isDigits) return this.#fail('mti', at, `4 digits in ${form.toUpperCase()}`, describeByte(byte));
      mti += form === 'bcd' ? `${byte >> 4}${byte & 0xf}` : String(byte - zone);
    }
    message.mti = mti;
    return size;
  }

  /** Reads bitmap and fields, which must end at `end`. False: `problem` says why. */
  body(target: FieldSet, start: number, end: number): boolean {
    const { body } = target;
    const bits = this.#bitmap(body, start, end);
    if (bits === undefined) return false;
    let at = start + (body.bitmap === 'raw' ? bits.length : 2 * bits.length);
    const bitmap = { bytes: this.#bytes, start, end: at };
    for (let index = 0; index < bits.length; index++) {
      let byte = bits[index] as number;
      if (index === 0 && !body.isSingle) byte &= 0x7f;
      for (let number = index * 8 + 1; byte !== 0; number++, byte = (byte << 1) & 0xff) {
        if (byte < 0x80) continue;
        const field = body.fields[number];
        if (field === undefined) {
          return this.#fail(String(number), at, 'no such field in this specification', 'its bit is set') >= 0;
        }
        at = this.#field(field, at, end, target);
        if (at < 0) return false;
      }
    }
    target.keepBitmap(bitmap);
    if (at < end) return this.#fail('end', at, 'no more bytes', count(end - at, 'more byte')) >= 0;
    return true;
  }

  /** The bytes of the bitmaps: 8, or 16 when the first bit says so. */
  #bitmap(body: CompiledBody, start: number, end: number): Uint8Array | undefined {
    const bytes = this.#bytes;
    const isRaw = body.bitmap === 'raw';
    const width = isRaw ? 8 : 16;
    if (end - start < width) {
      this.#fail('bitmap', start, count(width, 'byte'), `${count(end - start, 'byte')} left`);
      return undefined;
    }
    const values = body.bitmap === 'hex' ? HEX_VALUES : EBCDIC_HEX_VALUES;
    const first = isRaw ? (bytes[start] as number) >= 0x80 : (values[bytes[start] as number] as number) >= 8;
    const isDouble = first && !body.isSingle;
    const stop = start + (isDouble ? 2 * width : width);
    if (stop > end) {
      this.#fail(
        'bitmap',
        start + width,
        `${width} bytes of the second bitmap`,
        `${count(end - start - width, 'byte')} left`,
      );
      return undefined;
    }
    if (isRaw) return bytes.subarray(start, stop);
    const bits = new Uint8Array((stop - start) >> 1);
    for (let at = start; at < stop; at++) {
      const value = values[bytes[at] as number] as number;
      if (value > 15) {
        this.#fail('bitmap', at, 'a hex character', describeByte(bytes[at] as number));
        return undefined;
      }
      const index = (at - start) >> 1;
      bits[index] = ((bits[index] as number) << 4) | value;
    }
    return bits;
  }

  /** Where the next field begins, or -1. */
  #field(field: CompiledField, head: number, end: number, target: FieldSet): number {
    const bytes = this.#bytes;
    const { prefixBytes, encoding, length } = field;
    const start = head + prefixBytes;
    let size: number;
    let units = field.type === 'x+n' ? length + 1 : length;
    if (prefixBytes === 0) {
      size = fixedBytes(field);
    } else {
      if (start > end) {
        return this.#fail(
          field.path,
          head,
          `a length of ${count(prefixBytes, 'byte')}`,
          `${count(end - head, 'byte')} left`,
        );
      }
      const said = readLength(field.prefixEncoding, bytes, head, start);
      if (said < 0) {
        return this.#fail(
          field.path,
          head - said - 1,
          `a length in ${field.prefixEncoding} digits`,
          describeByte(bytes[head - said - 1] as number),
        );
      }
      const inNibbles = field.unit === 'nibbles';
      if (encoding === 'bcd') {
        size = field.unit === 'bytes' ? said : (said + 1) >> 1;
        units = field.unit === 'bytes' ? 2 * said : said;
      } else {
        size = inNibbles && encoding !== 'hex' ? said / 2 : said;
        units = encoding === 'hex' ? size / 2 : size;
        if (!Number.isInteger(units) || !Number.isInteger(size)) {
          return this.#fail(field.path, head, 'an even length', String(said));
        }
      }
    }
    const stop = start + size;
    if (stop > end) return this.#fail(field.path, start, count(size, 'byte'), `${count(end - start, 'byte')} left`);
    if (encoding === 'bcd' && field.unit === 'bytes' && prefixBytes > 0 && size > 0 && field.padNibble > 9) {
      const spare = field.padsLeft ? (bytes[start] as number) >> 4 : (bytes[stop - 1] as number) & 0xf;
      if (spare === field.padNibble) units--;
    }
    // A PAN of one digit too many is still a PAN: the length is all that is told.
    if (units > length && prefixBytes > 0) {
      return this.#fail(field.path, head, `a length of ${length} at most`, String(units));
    }
    if (!this.#check(field, start, stop, units)) return -1;
    if (field.type === 'tlv' && !this.#tlv(field, start, stop)) return -1;
    if (field.inner !== undefined && !this.#inner(field, start, stop)) return -1;
    target.hold(field.number, new WireField(field, bytes, head, start, stop, units));
    return stop;
  }

  /** Whether each byte is one that the type allows. Text may be any byte: peers put UTF-8 and binary data there. */
  #check(field: CompiledField, start: number, stop: number, units: number): boolean {
    const { type, encoding } = field;
    let at = start;
    if (type === 'x+n') {
      const sign = this.#bytes[at] as number;
      const isEbcdic = encoding === 'ebcdic';
      if (sign !== (isEbcdic ? 0xc3 : 0x43) && sign !== (isEbcdic ? 0xc4 : 0x44)) {
        return this.#badByte(field, at, 'the sign C or D');
      }
      at++;
    }
    if (encoding === 'hex') {
      for (; at < stop; at++)
        if (HEX_VALUES[this.#bytes[at] as number] === 255) return this.#badByte(field, at, 'a hex character');
      return true;
    }
    if (type === 'z' && encoding !== 'bcd') {
      for (; at < stop; at++)
        if (!isTrack(this.#bytes[at] as number, encoding)) return this.#badByte(field, at, 'a character of a track');
      return true;
    }
    if (type !== 'n' && type !== 'x+n') return true;
    if (encoding === 'bcd') return this.#checkBcd(field, at, stop, type === 'n' ? units : units - 1);
    const zone = encoding === 'ebcdic' ? 0xf0 : 0x30;
    for (; at < stop; at++) {
      const byte = this.#bytes[at] as number;
      if (byte < zone || byte > zone + 9) return this.#badByte(field, at, `a digit in ${encoding.toUpperCase()}`);
    }
    return true;
  }

  /** The spare half byte may be anything: it comes back as it was. */
  #checkBcd(field: CompiledField, start: number, stop: number, digits: number): boolean {
    const hasSpare = digits < 2 * (stop - start);
    for (let at = start; at < stop; at++) {
      let byte = this.#bytes[at] as number;
      if (hasSpare && field.padsLeft && at === start) byte &= 0x0f;
      if (hasSpare && !field.padsLeft && at === stop - 1) byte &= 0xf0;
      if (!isBcd(byte)) return this.#badByte(field, at, 'two digits in BCD');
    }
    return true;
  }

  #tlv({ path, encoding }: CompiledField, start: number, stop: number): boolean {
    if (encoding !== 'raw') return true;
    const problem = checkTlv(this.#bytes, start, stop);
    if (problem === undefined) return true;
    const { tag, offset, expected, found } = problem;
    return this.#fail(tag === undefined ? path : `${path}.${tag}`, start + offset, expected, found) >= 0;
  }

  #inner({ inner, path }: CompiledField, start: number, stop: number): boolean {
    if (inner === undefined || this.body(new FieldSet(inner), start, stop)) return true;
    const { problem } = this;
    if (problem !== undefined && !problem.field.startsWith(`${path}.`)) {
      this.problem = { ...problem, field: `${path}.${problem.field}` };
    }
    return false;
  }

  #badByte({ path, mask }: CompiledField, at: number, expected: string): boolean {
    const found = mask === 'none' ? describeByte(this.#bytes[at] as number) : 'another byte (not shown)';
    return this.#fail(path, at, expected, found) >= 0;
  }

  #fail(field: string, offset: number, expected: string, found: string): -1 {
    this.problem = { field, offset, expected, found };
    return -1;
  }
}

/** Bytes of a field without prefix. */
export function fixedBytes({ encoding, type, length }: CompiledField): number {
  const sign = type === 'x+n' ? 1 : 0;
  if (encoding === 'bcd') return sign + ((length + 1) >> 1);
  return encoding === 'hex' ? 2 * length : sign + length;
}

/** The length, or -1 - n when byte n of it is no digit. */
function readLength(encoding: CompiledField['prefixEncoding'], bytes: Buffer, start: number, end: number): number {
  let value = 0;
  for (let at = start; at < end; at++) {
    const byte = bytes[at] as number;
    if (encoding === 'binary') {
      value = value * 256 + byte;
    } else if (encoding === 'bcd') {
      if (!isBcd(byte)) return start - at - 1;
      value = value * 100 + (byte >> 4) * 10 + (byte & 0xf);
    } else {
      const digit = byte - (encoding === 'ebcdic' ? 0xf0 : 0x30);
      if (digit < 0 || digit > 9) return start - at - 1;
      value = value * 10 + digit;
    }
  }
  return value;
}

function isBcd(byte: number): boolean {
  return (byte & 0xf) <= 9 && byte <= 0x99;
}

/** The stripe's set 30 to 3F, and D, which some write for `=`. */
function isTrack(byte: number, encoding: string): boolean {
  if (encoding === 'ascii') return (byte >= 0x30 && byte <= 0x3f) || byte === 0x44;
  return (
    byte >= 0xf0 ||
    byte === 0xc4 ||
    byte === 0x7e ||
    byte === 0x7a ||
    byte === 0x5e ||
    byte === 0x4c ||
    byte === 0x6e ||
    byte === 0x6f
  );
}
