/** Writing a message. What was read and not changed is copied; the rest is checked and laid out by its specification. */
import { HEX_VALUES, TO_EBCDIC } from './charset.ts';
import type { CompiledField } from './compile-spec.ts';
import { fixedBytes } from './decode.ts';
import { type FieldInput, FieldSet, isBinary, type Message, WireField } from './message.ts';
import { count, type Iso8583Problem } from './problem.ts';

export type Encoded =
  | { readonly ok: true; readonly bytes: Buffer }
  | { readonly ok: false; readonly problem: Iso8583Problem };

/** The bytes of a message without frame. */
export function encodeMessage(message: Message): Encoded {
  const form = message.spec.mti;
  const { mti } = message;
  const encoder = new Encoder(4 + boundOf(message));
  if (!/^[0-9]{4}$/.test(mti)) encoder.fail('mti', 'four digits', count(mti.length, 'other character'));
  else if (form === 'bcd') encoder.digits(mti, true, 0);
  else encoder.text(mti, form === 'ebcdic');
  encoder.body(message);
  return encoder.result();
}

/** Bitmap and fields alone, as they stand inside a field. */
export function encodeFields(fields: FieldSet): Encoded {
  const encoder = new Encoder(boundOf(fields));
  encoder.body(fields);
  return encoder.result();
}

/** Never less than what the fields take. */
function boundOf(fields: FieldSet): number {
  let bound = 32;
  for (let number = 1; number < fields.limit; number++) {
    const held = fields.held(number);
    if (held === undefined) continue;
    if (held instanceof WireField) {
      bound += held.end - held.head;
      continue;
    }
    const field = fields.body.fields[number];
    const size = held instanceof FieldSet ? boundOf(held) : 2 * held.length;
    bound += 8 + size + (field === undefined || field.prefixBytes > 0 ? 0 : fixedBytes(field));
  }
  return bound;
}

class Encoder {
  readonly #target: Buffer;
  #at = 0;
  #problem: Iso8583Problem | undefined;

  constructor(bound: number) {
    this.#target = Buffer.allocUnsafe(bound);
  }

  result(): Encoded {
    if (this.#problem !== undefined) return { ok: false, problem: this.#problem };
    return { ok: true, bytes: this.#target.subarray(0, this.#at) };
  }

  body(fields: FieldSet): void {
    this.#bitmap(fields);
    for (let number = 1; number < fields.limit && this.#problem === undefined; number++) {
      const held = fields.held(number);
      if (held === undefined) continue;
      const field = fields.body.fields[number];
      if (field === undefined) this.fail(String(number), 'no such field in this specification', 'a value');
      else if (held instanceof WireField) this.#copy(held.bytes, held.head, held.end);
      else this.#field(field, held);
    }
  }

  #bitmap(fields: FieldSet): void {
    const wire = fields.wireBitmap;
    if (wire !== undefined) {
      this.#copy(wire.bytes, wire.start, wire.end);
      return;
    }
    const { body } = fields;
    const bits = Buffer.alloc(16);
    for (let number = 1; number < fields.limit; number++) {
      if (fields.held(number) === undefined) continue;
      const index = (number - 1) >> 3;
      bits[index] = (bits[index] as number) | (0x80 >> ((number - 1) & 7));
      if (number > 64) bits[0] = (bits[0] as number) | 0x80;
    }
    const size = !body.isSingle && (bits[0] as number) >= 0x80 ? 16 : 8;
    if (body.bitmap === 'raw') this.#copy(bits, 0, size);
    else this.text(bits.toString('hex', 0, size).toUpperCase(), body.bitmap === 'hex-ebcdic');
  }

  #field(field: CompiledField, value: FieldInput): void {
    if (value instanceof FieldSet) {
      const inner = encodeFields(value);
      if (inner.ok) this.#binary(field, inner.bytes);
      else this.fail(`${field.number}.${inner.problem.field}`, inner.problem.expected, inner.problem.found);
    } else if (isBinary(field)) {
      const bytes = typeof value === 'string' ? hexBytes(value) : value;
      if (bytes === undefined) this.fail(field.path, 'an even number of hex characters', 'other text');
      else this.#binary(field, bytes);
    } else {
      this.#characters(field, typeof value === 'string' ? value : Buffer.from(value).toString('latin1'));
    }
  }

  #binary(field: CompiledField, bytes: Uint8Array): void {
    const isHex = field.encoding === 'hex';
    const size = isHex ? 2 * bytes.length : bytes.length;
    if (!this.#length(field, bytes.length, field.unit === 'nibbles' && !isHex ? 2 * size : size)) return;
    if (isHex) this.text(Buffer.from(bytes).toString('hex').toUpperCase(), false);
    else this.#copy(bytes, 0, bytes.length);
  }

  /** Fixed numbers get zeros in front and fixed text spaces behind. */
  #characters(field: CompiledField, given: string): void {
    const { type, encoding, length, prefixBytes, padsLeft, padNibble } = field;
    const isSigned = type === 'x+n';
    let value = given;
    if (prefixBytes === 0 && value.length < length && !isSigned && type !== 'z') {
      value = type === 'n' ? value.padStart(length, '0') : value.padEnd(length, ' ');
    }
    const wrong = wrongCharacters(type, value);
    if (wrong !== undefined) {
      this.fail(field.path, wrong, 'another character');
      return;
    }
    const isBcd = encoding === 'bcd';
    const units = isSigned ? value.length - 1 : value.length;
    const said =
      isBcd && field.unit === 'bytes' ? (units + 1) >> 1 : field.unit === 'nibbles' && !isBcd ? 2 * units : units;
    if (!this.#length(field, units, said)) return;
    if (!isBcd) {
      this.text(value, encoding === 'ebcdic');
    } else {
      if (isSigned) this.text(value.slice(0, 1), false);
      this.digits(isSigned ? value.slice(1) : value, padsLeft, padNibble);
    }
  }

  /** Writes the prefix, or checks the length of a fixed field. False: it does not fit. */
  #length(
    { path, length, prefixBytes, prefixEncoding, prefixMax }: CompiledField,
    units: number,
    said: number,
  ): boolean {
    if (prefixBytes === 0) {
      if (units === length) return true;
      this.fail(path, `a length of ${length}`, String(units));
      return false;
    }
    if (units > length || said > prefixMax) {
      this.fail(path, `a length of ${length} at most`, String(units));
      return false;
    }
    const zone = prefixEncoding === 'ebcdic' ? 0xf0 : 0x30;
    let rest = said;
    for (let at = this.#at + prefixBytes - 1; at >= this.#at; at--) {
      if (prefixEncoding === 'binary') {
        this.#target[at] = rest & 0xff;
        rest = Math.floor(rest / 256);
      } else if (prefixEncoding === 'bcd') {
        this.#target[at] = (Math.floor((rest % 100) / 10) << 4) | (rest % 10);
        rest = Math.floor(rest / 100);
      } else {
        this.#target[at] = zone + (rest % 10);
        rest = Math.floor(rest / 10);
      }
    }
    this.#at += prefixBytes;
    return true;
  }

  text(value: string, isEbcdic: boolean): void {
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      this.#target[this.#at++] = isEbcdic ? (TO_EBCDIC[code] as number) : code;
    }
  }

  /** Characters 30 to 3F and D as half bytes, and a spare one when their number is odd. */
  digits(value: string, padsLeft: boolean, padNibble: number): void {
    const isOdd = value.length % 2 === 1;
    let high = isOdd && padsLeft ? padNibble : -1;
    for (let index = 0; index < value.length; index++) {
      const code = value.charCodeAt(index);
      const nibble = code === 0x44 ? 13 : code & 0xf;
      if (high < 0) {
        high = nibble;
      } else {
        this.#target[this.#at++] = (high << 4) | nibble;
        high = -1;
      }
    }
    if (high >= 0) this.#target[this.#at++] = (high << 4) | padNibble;
  }

  #copy(bytes: Uint8Array, start: number, end: number): void {
    this.#target.set(start === 0 && end === bytes.length ? bytes : bytes.subarray(start, end), this.#at);
    this.#at += end - start;
  }

  fail(field: string, expected: string, found: string): void {
    this.#problem ??= { field, offset: this.#at, expected, found };
  }
}

/** What was expected, when a value has a character that its type does not allow. */
function wrongCharacters(type: CompiledField['type'], value: string): string | undefined {
  const start = type === 'x+n' ? 1 : 0;
  if (type === 'x+n' && value[0] !== 'C' && value[0] !== 'D') return 'the sign C or D';
  for (let at = start; at < value.length; at++) {
    const code = value.charCodeAt(at);
    if (type === 'n' || type === 'x+n') {
      if (code < 0x30 || code > 0x39) return 'digits';
    } else if (type === 'z') {
      if ((code < 0x30 || code > 0x3f) && code !== 0x44) return 'characters of a track: digits and =';
    } else if (code > 0xff) {
      return 'characters of Latin-1';
    }
  }
  return undefined;
}

function hexBytes(text: string): Buffer | undefined {
  if (text.length % 2 === 1) return undefined;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff || HEX_VALUES[code] === 255) return undefined;
  }
  return Buffer.from(text, 'hex');
}
