/**
 * BER-TLV as EMV uses it (EMV 4.3 book 3, annex B; ISO/IEC 7816-4): tags of 1 to 4 bytes, lengths in the short form and
 * the long forms 81 and 82, filler bytes 00 and FF between the objects. What was read is given back byte for byte:
 * unknown tags, their order, filler, and lengths that could have been shorter.
 */

/** A tag as the number that its bytes make, for example 0x9F26; 4-byte tags are unsigned. */
export type Tag = number;

export interface TlvProblem {
  /** The object it is about, in hex; none when the tag itself could not be read. */
  readonly tag: string | undefined;
  /** From the start of the bytes that were parsed. */
  readonly offset: number;
  readonly expected: string;
  readonly found: string;
}

export type TlvResult =
  | { readonly ok: true; readonly tlv: Tlv }
  /** `tlv` has the objects before the one that could not be read. */
  | { readonly ok: false; readonly problem: TlvProblem; readonly tlv: Tlv };

/** A data object that was put in. */
interface Item {
  readonly tag: Tag;
  readonly value: Uint8Array;
}

/** Where one data object stands in the bytes that were parsed. */
interface Place {
  readonly tag: Tag;
  /** Of the filler before it. */
  readonly head: number;
  readonly start: number;
  readonly end: number;
}

const TAG_BYTES_MAX = 4;
/** What a length in the long form 82 can say. */
const VALUE_BYTES_MAX = 0xffff;

/** Reads data objects of one level; values of constructed ones stay bytes. Keeps views of `bytes`, copies nothing. */
export function parseTlv(bytes: Uint8Array): TlvResult {
  const places: Place[] = [];
  const problem = scan(bytes, 0, bytes.length, places);
  // What was read before the problem; the tail is filler, of which there is none then.
  const tail = problem === undefined ? (places.at(-1)?.end ?? 0) : bytes.length;
  const tlv = new Tlv(bytes, places, tail);
  return problem === undefined ? { ok: true, tlv } : { ok: false, problem, tlv };
}

/** What is wrong with the data objects in `start … end`; undefined when nothing is. Offsets are from `start`. */
export function checkTlv(bytes: Uint8Array, start: number, end: number): TlvProblem | undefined {
  return scan(bytes, start, end, undefined);
}

/** Walks over the data objects of one level, and notes where each stands. */
function scan(bytes: Uint8Array, start: number, end: number, places: Place[] | undefined): TlvProblem | undefined {
  let at = start;
  let head = start;
  while (at < end) {
    if (isFiller(bytes, at, end)) {
      at++;
      continue;
    }
    const tagStart = at;
    let tag = bytes[at++] as number;
    if ((tag & 0x1f) === 0x1f) {
      let more = true;
      while (more) {
        if (at >= end)
          return problemAt(undefined, tagStart - start, 'a whole tag', `the end after ${at - tagStart} bytes`);
        if (at - tagStart >= TAG_BYTES_MAX)
          return problemAt(undefined, tagStart - start, 'a tag of 4 bytes at most', 'a longer one');
        const next = bytes[at++] as number;
        tag = tag * 256 + next;
        more = next >= 0x80;
      }
    }
    const lengthAt = at;
    if (at >= end) return problemAt(tag, at - start, 'a length', 'the end');
    let length = bytes[at++] as number;
    if (length >= 0x80) {
      const width = length - 0x80;
      if (width !== 1 && width !== 2) {
        return problemAt(tag, lengthAt - start, 'a length in the short form, 81 or 82', `byte ${hexByte(length)}`);
      }
      if (at + width > end) return problemAt(tag, lengthAt - start, `a length of ${width} more bytes`, 'the end');
      length = bytes[at++] as number;
      if (width === 2) length = length * 256 + (bytes[at++] as number);
    }
    if (length > end - at) return problemAt(tag, at - start, `${length} bytes`, `${end - at} bytes left`);
    places?.push({ tag, head, start: at, end: at + length });
    at += length;
    head = at;
  }
  return undefined;
}

function problemAt(tag: Tag | undefined, offset: number, expected: string, found: string): TlvProblem {
  return { tag: tag === undefined ? undefined : tagName(tag), offset, expected, found };
}

/**
 * Finds a tag of the first level without allocating anything but the view that is returned. `undefined` when it is not
 * there or what stands before it cannot be read.
 */
export function findTag(bytes: Uint8Array, wanted: Tag): Uint8Array | undefined {
  let at = 0;
  while (at < bytes.length) {
    if (isFiller(bytes, at, bytes.length)) {
      at++;
      continue;
    }
    let tag = bytes[at++] as number;
    if ((tag & 0x1f) === 0x1f) {
      for (let count = 1, more = true; more; count++) {
        if (count >= TAG_BYTES_MAX) return undefined;
        const next = bytes[at++];
        if (next === undefined) return undefined;
        tag = tag * 256 + next;
        more = next >= 0x80;
      }
    }
    let length = bytes[at++];
    if (length === undefined || length > 0x82 || length === 0x80) return undefined;
    if (length > 0x80) {
      const isLong = length === 0x82;
      length = bytes[at++] ?? bytes.length;
      if (isLong) length = length * 256 + (bytes[at++] ?? 0);
    }
    if (length > bytes.length - at) return undefined;
    if (tag === wanted) return bytes.subarray(at, at + length);
    at += length;
  }
  return undefined;
}

/** Data objects in their order. Also an empty one to build from: `new Tlv().set(0x9f02, amount).encode()`. */
export class Tlv {
  readonly #bytes: Uint8Array;
  /** What was read, as it stands in the bytes; and what was put in. */
  readonly #items: (Place | Item)[];
  /** Where the filler after the last object begins. */
  readonly #tail: number;

  constructor(bytes: Uint8Array = NOTHING, places: readonly Place[] = [], tail = 0) {
    this.#bytes = bytes;
    this.#items = [...places];
    this.#tail = tail;
  }

  /** How many objects there are, repeated tags counted each time. */
  get size(): number {
    return this.#items.length;
  }

  has(tag: Tag): boolean {
    return this.#indexOf(tag) >= 0;
  }

  /** Value of the first object with this tag. */
  get(tag: Tag): Uint8Array | undefined {
    const item = this.#items[this.#indexOf(tag)];
    return item === undefined ? undefined : this.#value(item);
  }

  /** Replaces the first object with this tag where it stands, or adds one at the end. */
  set(tag: Tag, value: Uint8Array): this {
    const at = this.#indexOf(tag);
    if (at < 0) return this.add(tag, value);
    this.#items[at] = itemOf(tag, value);
    return this;
  }

  /** Adds an object at the end, also when the tag is there already. Throws for a number that is no tag, and for a value too long. */
  add(tag: Tag, value: Uint8Array): this {
    this.#items.push(itemOf(tag, value));
    return this;
  }

  /** Takes out every object with this tag. */
  delete(tag: Tag): this {
    for (let at = this.#items.length - 1; at >= 0; at--) if (this.#items[at]?.tag === tag) this.#items.splice(at, 1);
    return this;
  }

  *entries(): IterableIterator<readonly [tag: Tag, value: Uint8Array]> {
    for (const item of this.#items) yield [item.tag, this.#value(item)];
  }

  /** What was read comes back as it was; what was put in gets the shortest length. Values have 65,535 bytes at most. */
  encode(): Uint8Array {
    const parts = this.#items.map((item) =>
      'value' in item ? encodeObject(item.tag, item.value) : this.#bytes.subarray(item.head, item.end),
    );
    return Buffer.concat([...parts, this.#bytes.subarray(this.#tail)]);
  }

  #indexOf(tag: Tag): number {
    const items = this.#items;
    for (let at = 0; at < items.length; at++) if (items[at]?.tag === tag) return at;
    return -1;
  }

  #value(item: Place | Item): Uint8Array {
    return 'value' in item ? item.value : this.#bytes.subarray(item.start, item.end);
  }
}

const NOTHING = new Uint8Array(0);

/** `9F26`. */
export function tagName(tag: Tag): string {
  const text = tag.toString(16).toUpperCase();
  return text.length % 2 === 1 ? `0${text}` : text;
}

/** The tag that a hex text names; `undefined` when it is not exactly one tag. */
export function parseTag(text: string): Tag | undefined {
  if (!/^(?:[0-9a-f]{2}){1,4}$/i.test(text)) return undefined;
  const tag = Number.parseInt(text, 16);
  return isTag(tag) && tagName(tag).length === text.length ? tag : undefined;
}

/** Whether the value is data objects itself (bit 6 of the first byte). */
export function isConstructed(tag: Tag): boolean {
  return (tagBytes(tag)[0] ?? 0) % 64 >= 32;
}

function isTag(tag: Tag): boolean {
  if (!Number.isInteger(tag) || tag <= 0 || tag > 0xffffffff) return false;
  if (tag < 0x100) return (tag & 0x1f) !== 0x1f;
  const bytes = tagBytes(tag);
  if (isFiller([...bytes, 0], 0, bytes.length + 1)) return false;
  if (((bytes[0] ?? 0) & 0x1f) !== 0x1f) return false;
  return bytes.slice(1).every((byte, index) => byte >= 0x80 === index < bytes.length - 2);
}

/**
 * 00 is always filler. FF is filler too, but not where the private templates FF81xx of the contactless kernels begin;
 * `FF 81 04` is filler before tag 81 (amount, binary), which has 4 bytes.
 */
function isFiller(bytes: ArrayLike<number>, at: number, end: number): boolean {
  const byte = bytes[at];
  if (byte === 0) return true;
  return byte === 0xff && !(bytes[at + 1] === 0x81 && bytes[at + 2] !== 0x04 && at + 2 < end);
}

function tagBytes(tag: Tag): number[] {
  if (tag < 0x100) return [tag];
  if (tag < 0x10000) return [tag >> 8, tag & 0xff];
  const bytes: number[] = [];
  for (let rest = tag; rest > 0; rest = Math.floor(rest / 256)) bytes.unshift(rest % 256);
  return bytes;
}

function itemOf(tag: Tag, value: Uint8Array): Item {
  if (!isTag(tag)) throw new RangeError(`${tag} is not a BER-TLV tag`);
  if (value.length > VALUE_BYTES_MAX)
    throw new RangeError(`${value.length} bytes are too many for tag ${tagName(tag)}`);
  return { tag, value };
}

function encodeObject(tag: Tag, value: Uint8Array): Uint8Array {
  const { length } = value;
  const head = tagBytes(tag);
  if (length >= 0x100) head.push(0x82, length >> 8, length & 0xff);
  else if (length >= 0x80) head.push(0x81, length);
  else head.push(length);
  const bytes = Buffer.allocUnsafe(head.length + length);
  bytes.set(head);
  bytes.set(value, head.length);
  return bytes;
}

function hexByte(byte: number): string {
  return byte.toString(16).toUpperCase().padStart(2, '0');
}
