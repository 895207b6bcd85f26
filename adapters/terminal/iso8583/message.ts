/** A message, or the fields inside a field: what was read keeps its bytes, what is set gets new ones when it is encoded. */
import type { CompiledBody, CompiledField, CompiledSpec } from './compile-spec.ts';
import { type Encoded, encodeFields, encodeMessage } from './encode.ts';
import { textOf } from './field-text.ts';

/** What a field can be set to: text, binary data (hex when it is given as text), or the fields of a field. */
export type FieldInput = string | Uint8Array | FieldSet;

/** A field as it stands on the wire: length from `head`, data in `start … end`, `units` digits, characters or bytes. */
export class WireField {
  readonly field: CompiledField;
  readonly bytes: Buffer;
  readonly head: number;
  readonly start: number;
  readonly end: number;
  readonly units: number;

  constructor(field: CompiledField, bytes: Buffer, head: number, start: number, end: number, units: number) {
    this.field = field;
    this.bytes = bytes;
    this.head = head;
    this.start = start;
    this.end = end;
    this.units = units;
  }
}

/** A view of the bitmap that was read, as long as the same fields are there. */
export type WireBitmap = { readonly bytes: Buffer; readonly start: number; readonly end: number };

/** One more than the highest field of the first bitmap. */
const FIRST_BITMAP = 65;

export class FieldSet {
  readonly body: CompiledBody;
  readonly #held: (WireField | FieldInput | undefined)[];
  #bitmap: WireBitmap | undefined;

  constructor(body: CompiledBody) {
    this.body = body;
    // Most messages have no field above 64; it grows for one that has.
    this.#held = new Array(Math.min(FIRST_BITMAP, body.fields.length));
  }

  has(number: number): boolean {
    return this.#held[number] !== undefined;
  }

  /** Numbers of the fields that are there, ascending. */
  numbers(): number[] {
    const found: number[] = [];
    for (let number = 1; number < this.#held.length; number++) if (this.#held[number] !== undefined) found.push(number);
    return found;
  }

  /** The highest number of a field that is there; 0 when there is none. */
  get last(): number {
    let number = this.#held.length - 1;
    while (number > 0 && this.#held[number] === undefined) number--;
    return Math.max(number, 0);
  }

  /** Digits or characters; binary data as upper-case hex. A track has `=` as its separator when it came in BCD. */
  text(number: number): string | undefined {
    const held = this.#held[number];
    if (held instanceof WireField) return textOf(held);
    if (held === undefined || typeof held === 'string') return held;
    const bytes = this.bytes(number);
    return bytes === undefined ? undefined : Buffer.from(bytes).toString('hex').toUpperCase();
  }

  /** Binary data; a view of the message where it came raw. Text as Latin-1. */
  bytes(number: number): Uint8Array | undefined {
    const held = this.#held[number];
    if (held === undefined || held instanceof Uint8Array) return held;
    if (held instanceof WireField) {
      const { encoding } = held.field;
      if (encoding === 'raw') return held.bytes.subarray(held.start, held.end);
      return Buffer.from(textOf(held), encoding === 'hex' ? 'hex' : 'latin1');
    }
    if (typeof held === 'string') return Buffer.from(held, isBinary(this.body.fields[number]) ? 'hex' : 'latin1');
    const encoded = encodeFields(held);
    return encoded.ok ? encoded.bytes : undefined;
  }

  /** Any value is taken here; `encode` says when one does not fit. */
  set(number: number, value: FieldInput | WireField): this {
    if (this.#held[number] === undefined) this.#bitmap = undefined;
    this.#held[number] = value;
    return this;
  }

  /** Takes over what another message has for a number, as it stands there; nothing when it has none. Of the same specification. */
  echo(number: number, from: FieldSet): this {
    const held = from.held(number);
    return held === undefined ? this : this.set(number, held);
  }

  delete(number: number): this {
    if (this.#held[number] === undefined) return this;
    this.#bitmap = undefined;
    this.#held[number] = undefined;
    return this;
  }

  /** For the encoder: what is held for a number, and the bitmap that still holds. */
  held(number: number): WireField | FieldInput | undefined {
    return this.#held[number];
  }

  /** Fields that are there have smaller numbers. */
  get limit(): number {
    return this.#held.length;
  }

  get wireBitmap(): WireBitmap | undefined {
    return this.#bitmap;
  }

  /** For the decoder. */
  hold(number: number, wire: WireField): void {
    this.#held[number] = wire;
  }

  /** For the decoder: the bitmap of exactly the fields that are held. */
  keepBitmap(bitmap: WireBitmap): void {
    this.#bitmap = bitmap;
  }
}

export class Message extends FieldSet {
  readonly spec: CompiledSpec;
  /** Four digits, `0200`. */
  mti: string;

  constructor(spec: CompiledSpec, mti: string) {
    super(spec.body);
    this.spec = spec;
    this.mti = mti;
  }

  /** The bytes of the message, without frame. Fields that were read and not set again come back as they were. */
  encode(): Encoded {
    return encodeMessage(this);
  }

  /**
   * The same content in another specification; whether it fits there is what its `encode` says. A message type of this
   * specification's version becomes one of the other's: 0200 → 1200. Fields of fields go as their bytes.
   */
  translate(spec: CompiledSpec): Message {
    const isOwn = this.mti.startsWith(this.spec.version);
    const copy = new Message(spec, isOwn ? spec.version + this.mti.slice(1) : this.mti);
    for (const number of this.numbers()) {
      const value = isBinary(this.body.fields[number]) ? this.bytes(number) : this.text(number);
      if (value !== undefined) copy.set(number, value);
    }
    return copy;
  }
}

export function isBinary(field: CompiledField | undefined): boolean {
  return field !== undefined && (field.type === 'b' || field.type === 'tlv' || field.type === 'fields');
}
