/**
 * MessagePack bodies of the rich commands: one map with text keys. A subset of the format is accepted, so that what a
 * body means does not depend on a library: nil, booleans, integers, floats, UTF-8 text, arrays and maps with text keys,
 * nested at most `DEPTH_MAX` deep. Binary and extension types are refused. If a key repeats, the last one counts.
 */
import { Packr } from 'msgpackr';
import { isUtf8 } from './utf8.ts';

const DEPTH_MAX = 8;

/** 64-bit integers come out as numbers: exact when safe, and otherwise so large that no field accepts them. */
const packr = new Packr({ useRecords: false, variableMapSize: true, int64AsType: 'number' });

/** Encodes plain maps, arrays, text, numbers and booleans. */
export function encodeMessagePack(value: Readonly<Record<string, unknown>> | object): Uint8Array {
  return packr.encode(value);
}

/** Reads one whole map. Undefined when the bytes are anything else; never throws. */
export function decodeMessagePack(bytes: Uint8Array): Readonly<Record<string, unknown>> | undefined {
  if (!isMap(bytes) || skipValue(bytes, 0, DEPTH_MAX) !== bytes.length) return undefined;
  // A copy: the library keeps a view on what it reads, and the bytes may lie in a shared buffer.
  return packr.decode(bytes.slice());
}

function isMap(bytes: Uint8Array): boolean {
  const lead = bytes[0] ?? 0;
  return (lead & 0xf0) === 0x80 || lead === 0xde || lead === 0xdf;
}

/** Where the value at `at` ends; −1 when it is cut off, too deep or of a refused type. */
function skipValue(bytes: Uint8Array, at: number, depth: number): number {
  const lead = bytes[at];
  if (lead === undefined || depth === 0) return -1;
  const next = at + 1;
  if (lead < 0x80 || lead >= 0xe0) return next;
  if (lead < 0x90) return skipItems(bytes, next, lead & 0x0f, true, depth);
  if (lead < 0xa0) return skipItems(bytes, next, lead & 0x0f, false, depth);
  if (lead < 0xc0) return skipText(bytes, next, lead & 0x1f);
  switch (lead) {
    case 0xc0: // nil
    case 0xc2: // false
    case 0xc3: // true
      return next;
    case 0xcc: // uint 8
    case 0xd0: // int 8
      return skipBytes(bytes, next, 1);
    case 0xcd:
    case 0xd1:
      return skipBytes(bytes, next, 2);
    case 0xca: // float 32
    case 0xce:
    case 0xd2:
      return skipBytes(bytes, next, 4);
    case 0xcb: // float 64
    case 0xcf:
    case 0xd3:
      return skipBytes(bytes, next, 8);
    case 0xd9:
      return skipText(bytes, next + 1, readLength(bytes, next, 1));
    case 0xda:
      return skipText(bytes, next + 2, readLength(bytes, next, 2));
    case 0xdb:
      return skipText(bytes, next + 4, readLength(bytes, next, 4));
    case 0xdc:
      return skipItems(bytes, next + 2, readLength(bytes, next, 2), false, depth);
    case 0xdd:
      return skipItems(bytes, next + 4, readLength(bytes, next, 4), false, depth);
    case 0xde:
      return skipItems(bytes, next + 2, readLength(bytes, next, 2), true, depth);
    case 0xdf:
      return skipItems(bytes, next + 4, readLength(bytes, next, 4), true, depth);
    default:
      return -1;
  }
}

function skipItems(bytes: Uint8Array, start: number, count: number, isMapping: boolean, depth: number): number {
  // A count beyond what is left ends at the first item that is not there: nothing is made before all is looked at.
  if (count < 0) return -1;
  let at = start;
  for (let item = 0; item < count; item++) {
    if (isMapping) {
      if (!isText(bytes[at] ?? 0)) return -1;
      at = skipValue(bytes, at, depth);
      if (at < 0) return -1;
    }
    at = skipValue(bytes, at, depth - 1);
    if (at < 0) return -1;
  }
  return at;
}

function isText(lead: number): boolean {
  return (lead & 0xe0) === 0xa0 || (lead >= 0xd9 && lead <= 0xdb);
}

function skipBytes(bytes: Uint8Array, at: number, length: number): number {
  return length < 0 || at + length > bytes.length ? -1 : at + length;
}

function skipText(bytes: Uint8Array, at: number, length: number): number {
  const end = skipBytes(bytes, at, length);
  return end >= 0 && isUtf8(bytes, at, end) ? end : -1;
}

/** A big-endian length of `width` bytes; −1 when it is cut off. */
function readLength(bytes: Uint8Array, at: number, width: number): number {
  if (at + width > bytes.length) return -1;
  let value = 0;
  for (let i = 0; i < width; i++) value = value * 256 + (bytes[at + i] as number);
  return value;
}
