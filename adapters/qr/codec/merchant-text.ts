/**
 * The outer form of a merchant-presented code: its characters, its checksum, its tree of fields.
 *
 *     text     = field…
 *     field    = id length value         id, length: two digits; length counts the characters of the value
 *     template = a field whose value is field… itself
 *
 * Source: EMVCo QRCPS-MPM 1.1, 3.2 and 4.7.3. One pass over the character codes checks them and computes the checksum;
 * the fields are places in the text, and nothing is cut out of it.
 */
import { CRC16_START, crc16Byte, crc16Pair } from './crc16.ts';
import type { QrErrorCode } from './findings.ts';

/** Characters of any payment code that is looked at: the largest QR symbol holds 4,296 letters and digits. */
export const QR_LENGTH_MAX = 4096;

/** Digits of the checksum, the end of the text. */
export const CRC_LENGTH = 4;

/** A field as places in the text; indexes are UTF-16 units. */
export interface TlvNode {
  readonly id: number;
  /** Of the id. */
  readonly at: number;
  /** Of the value: from, and to (not included). */
  readonly from: number;
  readonly to: number;
  /** Of a template. */
  readonly parts: readonly TlvNode[] | undefined;
  /** Why a template has no parts. */
  readonly fault: TlvFault | undefined;
}

export interface TlvFault {
  readonly code: QrErrorCode;
  readonly path: string;
  readonly at: number;
  readonly message: string;
}

export type LengthUnit = 'characters' | 'bytes';

export interface CheckedText {
  /** Index of a character that no code has; −1 when there is none. */
  readonly badAt: number;
  readonly isAscii: boolean;
  /** Some characters are two UTF-16 units. */
  readonly hasPairs: boolean;
  /** Checksum of all but the last four characters. */
  readonly crc: number;
}

/**
 * Characters that may not be in a code: controls (C0, DEL, C1), half a surrogate pair (it has no UTF-8 form), and the marks
 * that reverse the direction of text, with which a name shows other than it is.
 */
function isBad(unit: number): boolean {
  return (
    unit < 0x20 ||
    (unit >= 0x7f && unit <= 0x9f) ||
    (unit >= 0xd800 && unit <= 0xdfff) ||
    (unit >= 0x202a && unit <= 0x202e) ||
    (unit >= 0x2066 && unit <= 0x2069)
  );
}

/** Checks every character, and computes the checksum over their UTF-8 bytes. */
export function checkText(text: string): CheckedText {
  const crcEnd = text.length - CRC_LENGTH;
  let crc = CRC16_START;
  let at = 0;
  // Two at a time, as long as they are printable ASCII: nearly all of nearly all codes.
  for (; at + 1 < crcEnd; at += 2) {
    const first = text.charCodeAt(at);
    const second = text.charCodeAt(at + 1);
    if (!isPlain(first) || !isPlain(second)) break;
    crc = crc16Pair(crc, first, second);
  }
  let isAscii = true;
  let hasPairs = false;
  for (; at < text.length; at++) {
    const unit = text.charCodeAt(at);
    let point = unit;
    if (!isPlain(unit)) {
      isAscii = false;
      if ((unit & 0xfc00) === 0xd800) point = text.codePointAt(at) ?? unit;
      if (isBad(point)) return { badAt: at, isAscii, hasPairs, crc };
    }
    if (at < crcEnd) crc = crcOfPoint(crc, point);
    if (point > 0xffff) {
      hasPairs = true;
      at++;
    }
  }
  return { badAt: -1, isAscii, hasPairs, crc };
}

function isPlain(unit: number): boolean {
  return unit >= 0x20 && unit < 0x7f;
}

function crcOfPoint(crc: number, point: number): number {
  if (point < 0x80) return crc16Byte(crc, point);
  if (point < 0x800) return crc16Byte(crc16Byte(crc, 0xc0 | (point >> 6)), trailing(point));
  if (point < 0x10000) {
    return crc16Byte(crc16Byte(crc16Byte(crc, 0xe0 | (point >> 12)), trailing(point >> 6)), trailing(point));
  }
  const head = crc16Byte(crc16Byte(crc, 0xf0 | (point >> 18)), trailing(point >> 12));
  return crc16Byte(crc16Byte(head, trailing(point >> 6)), trailing(point));
}

function trailing(bits: number): number {
  return 0x80 | (bits & 0x3f);
}

/** Where a template stands decides which of its ids are templates themselves. */
const Levels = { top: 0, additional: 1, inner: 2 } as const;
type Level = (typeof Levels)[keyof typeof Levels];

function isTemplate(level: Level, id: number): boolean {
  if (level === Levels.top) return (id >= 26 && id <= 51) || id === 62 || id === 64 || id >= 80;
  return level === Levels.additional && id >= 50;
}

/** Reads fields. Depth is bounded by the levels: text, template, template in field 62 (or in an account). */
export class TlvReader {
  readonly #text: string;
  /** One of what the lengths count is one UTF-16 unit. */
  readonly #isFlat: boolean;
  readonly #unit: LengthUnit;
  /** Why the last `read` answered undefined. */
  fault: TlvFault | undefined = undefined;

  constructor(text: string, isFlat: boolean, unit: LengthUnit) {
    this.#text = text;
    this.#isFlat = isFlat;
    this.#unit = unit;
  }

  /** All fields of the text, with their templates. */
  readText(): readonly TlvNode[] | undefined {
    return this.#read(0, this.#text.length, Levels.top, '');
  }

  /** The fields of one value. */
  readInner(node: TlvNode, path: string): readonly TlvNode[] | undefined {
    return this.#read(node.from, node.to, Levels.inner, path);
  }

  #read(from: number, to: number, level: Level, parent: string): readonly TlvNode[] | undefined {
    const text = this.#text;
    const nodes: TlvNode[] = [];
    for (let at = from; at < to; ) {
      const left = to - at;
      const id = left < 2 ? -1 : twoDigits(text, at);
      if (id < 0) {
        const found = left < 2 ? 'one character' : 'something else';
        return this.#fail('badId', parent, at, `two digits are expected here, the id of a field; found ${found}`);
      }
      const length = left < 4 ? -1 : twoDigits(text, at + 2);
      if (length < 0) {
        const path = pathOf(parent, id);
        return this.#fail('badLength', path, at + 2, 'two digits are expected here, the length of the field');
      }
      const end = this.#end(at + 4, length, to);
      if (end < 0) {
        const path = pathOf(parent, id);
        return this.#fail('truncated', path, at + 2, this.#tooShort(path, length, at + 4, to));
      }
      for (let index = 0; index < nodes.length; index++) {
        if (nodes[index]?.id === id) {
          const path = pathOf(parent, id);
          return this.#fail('duplicateField', path, at, `field ${path} is there twice`);
        }
      }
      nodes.push(this.#node(id, at, end, level, parent));
      at = end;
    }
    return nodes;
  }

  #node(id: number, at: number, to: number, level: Level, parent: string): TlvNode {
    const from = at + 4;
    if (!isTemplate(level, id)) return { id, at, from, to, parts: undefined, fault: undefined };
    const below = level === Levels.top && id === 62 ? Levels.additional : Levels.inner;
    const parts = this.#read(from, to, below, pathOf(parent, id));
    const fault = parts === undefined ? this.fault : undefined;
    return { id, at, from, to, parts, fault };
  }

  /** Where a value ends, or −1 when the text does not have so much, or the end would split a character. */
  #end(from: number, length: number, to: number): number {
    if (this.#isFlat) return from + length <= to ? from + length : -1;
    let at = from;
    for (let left = length; left > 0; ) {
      if (at >= to) return -1;
      const point = this.#text.codePointAt(at) ?? 0;
      left -= this.#unit === 'bytes' ? utf8Length(point) : 1;
      if (left < 0) return -1;
      at += point > 0xffff ? 2 : 1;
    }
    return at <= to ? at : -1;
  }

  #tooShort(path: string, length: number, from: number, to: number): string {
    const rest = this.#text.slice(from, to);
    const left = this.#unit === 'bytes' ? Buffer.byteLength(rest) : countCharacters(this.#text, from, to);
    const where = path.includes('.') ? 'its template' : 'the text';
    return `field ${path} says it has ${length} ${this.#unit}, but ${where} has only ${left} more`;
  }

  #fail(code: QrErrorCode, path: string, at: number, message: string): undefined {
    this.fault = { code, path, at, message };
  }
}

export function countCharacters(text: string, from: number, to: number): number {
  let count = to - from;
  for (let at = from; at < to; at++) if ((text.charCodeAt(at) & 0xfc00) === 0xdc00) count--;
  return count;
}

function utf8Length(point: number): number {
  if (point < 0x80) return 1;
  if (point < 0x800) return 2;
  return point < 0x10000 ? 3 : 4;
}

function twoDigits(text: string, at: number): number {
  const tens = text.charCodeAt(at) - 0x30;
  const ones = text.charCodeAt(at + 1) - 0x30;
  return tens >= 0 && tens <= 9 && ones >= 0 && ones <= 9 ? tens * 10 + ones : -1;
}

/** `26`, `26.02`. */
export function pathOf(parent: string, id: number): string {
  const digits = id < 10 ? `0${id}` : String(id);
  return parent === '' ? digits : `${parent}.${digits}`;
}
