/** BER-TLV with tags of up to three bytes and lengths of up to two (ISO/IEC 8825-1; EMV book 3, annex B). */

/** A data object as places in the bytes. */
export interface BerNode {
  /** Upper-case hexadecimal: `5A`, `9F26`. */
  readonly tag: string;
  /** Of the tag. */
  readonly at: number;
  readonly value: Uint8Array;
}

/** What is written. */
export interface BerObject {
  readonly tag: string;
  readonly value: Uint8Array;
}

export type BerReading =
  | { readonly ok: true; readonly nodes: readonly BerNode[] }
  | {
      readonly ok: false;
      readonly code: 'badId' | 'badLength' | 'truncated';
      readonly at: number;
      readonly message: string;
    };

const TAG_BYTES_MAX = 3;
const TAG = /^(?:[0-9A-F]{2}){1,3}$/;

/** Reads the objects beside each other. `base` is where the bytes begin in the whole, for the places in answers. */
export function readBer(bytes: Uint8Array, base: number): BerReading {
  const nodes: BerNode[] = [];
  for (let at = 0; at < bytes.length; ) {
    const tagBytes = tagLength(bytes, at);
    if (tagBytes === 0) return bad('badId', base + at, 'this is not a tag of one to three bytes');
    const length = readLength(bytes, at + tagBytes);
    if (length === undefined) {
      return bad('badLength', base + at + tagBytes, 'a length is written in its shortest form, in at most three bytes');
    }
    const from = at + tagBytes + length.bytes;
    const tag = hex(bytes.subarray(at, at + tagBytes));
    if (from + length.value > bytes.length) {
      const left = Math.max(bytes.length - from, 0);
      return bad('truncated', base + at, `tag ${tag} says it has ${length.value} bytes, but only ${left} are left`);
    }
    nodes.push({ tag, at: base + at, value: bytes.subarray(from, from + length.value) });
    at = from + length.value;
  }
  return { ok: true, nodes };
}

/** Writes objects one after the other. Tags were checked with `isTag`. */
export function writeBer(objects: readonly BerObject[]): Uint8Array {
  return Buffer.concat(
    objects.flatMap(({ tag, value }) => [Buffer.from(tag, 'hex'), Buffer.from(lengthBytes(value.length)), value]),
  );
}

/** Whether hexadecimal digits (upper-case) are one whole tag. */
export function isTag(text: string): boolean {
  if (!TAG.test(text)) return false;
  const bytes = Buffer.from(text, 'hex');
  return tagLength(bytes, 0) === bytes.length;
}

/** Upper-case hexadecimal digits. */
export function hex(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('hex').toUpperCase();
}

/** Bytes of the tag at a place; 0 when it is none. The low five bits all set: more follow, as long as the high bit is. */
function tagLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at];
  if (first === undefined || first === 0) return 0;
  if ((first & 0x1f) !== 0x1f) return 1;
  for (let count = 2; count <= TAG_BYTES_MAX; count++) {
    const next = bytes[at + count - 1];
    if (next === undefined) return 0;
    if ((next & 0x80) === 0) return count;
  }
  return 0;
}

function readLength(bytes: Uint8Array, at: number): { readonly value: number; readonly bytes: number } | undefined {
  const first = bytes[at];
  if (first === undefined) return undefined;
  if (first < 0x80) return { value: first, bytes: 1 };
  const low = bytes[at + 1];
  if (first === 0x81 && low !== undefined && low >= 0x80) return { value: low, bytes: 2 };
  const lower = bytes[at + 2];
  if (first === 0x82 && low !== undefined && lower !== undefined && low > 0)
    return { value: low * 256 + lower, bytes: 3 };
  return undefined;
}

function lengthBytes(length: number): number[] {
  if (length < 0x80) return [length];
  return length < 0x100 ? [0x81, length] : [0x82, length >> 8, length & 0xff];
}

function bad(code: 'badId' | 'badLength' | 'truncated', at: number, message: string): BerReading {
  return { ok: false, code, at, message };
}
