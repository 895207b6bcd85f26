/**
 * Fixed little-endian record layouts as data.
 *
 * One description serves the codecs, the specification page, the schema hash, and (through `at`) the
 * hot paths that read fields by offset without decoding the record.
 */

export type FieldType = 'u8' | 'u16' | 'u32' | 'u64' | 'i64' | 'u128';

/** What a decoded field is in TypeScript: whole words fit a number, wider ones are exact bigints. */
export type FieldValue<T extends FieldType> = T extends 'u8' | 'u16' | 'u32' ? number : bigint;

export type FieldTable = Readonly<Record<string, readonly [offset: number, type: FieldType]>>;

export type RecordOf<F extends FieldTable> = { [K in keyof F]: FieldValue<F[K][1]> };

export interface Layout<F extends FieldTable> {
  readonly name: string;
  /** Bytes of one record. */
  readonly size: number;
  readonly fields: F;
  /** Byte offset of each field. */
  readonly at: { readonly [K in keyof F]: number };
}

const WIDTH: Readonly<Record<FieldType, number>> = { u8: 1, u16: 2, u32: 4, u64: 8, i64: 8, u128: 16 };

/**
 * Declares a layout. Fields must be in ascending order, naturally aligned (u128 to 8) and inside `size`;
 * a wrong table throws when the module loads.
 */
export function layout<const F extends FieldTable>(name: string, size: number, fields: F): Layout<F> {
  let end = 0;
  for (const [field, [offset, type]] of Object.entries(fields)) {
    const width = WIDTH[type];
    if (offset < end || offset % Math.min(width, 8) !== 0 || offset + width > size) {
      throw new Error(`layout ${name}: field ${field} at ${offset} overlaps, is unaligned or leaves the record`);
    }
    end = offset + width;
  }
  const at = Object.fromEntries(Object.entries(fields).map(([field, [offset]]) => [field, offset]));
  return { name, size, fields, at: at as Layout<F>['at'] };
}

const MASK_64 = 0xffff_ffff_ffff_ffffn;

/** Reads a u128 at `offset`: low 64 bits first. */
export function readU128(view: DataView, offset: number): bigint {
  return (view.getBigUint64(offset + 8, true) << 64n) | view.getBigUint64(offset, true);
}

/** Writes a u128 at `offset`: low 64 bits first. */
export function writeU128(view: DataView, offset: number, value: bigint): void {
  view.setBigUint64(offset, value & MASK_64, true);
  view.setBigUint64(offset + 8, value >> 64n, true);
}

/** How each type is read and written; DataView does not check that a value fits. */
export const READERS: Readonly<Record<FieldType, (view: DataView, offset: number) => number | bigint>> = {
  u8: (view, offset) => view.getUint8(offset),
  u16: (view, offset) => view.getUint16(offset, true),
  u32: (view, offset) => view.getUint32(offset, true),
  u64: (view, offset) => view.getBigUint64(offset, true),
  i64: (view, offset) => view.getBigInt64(offset, true),
  u128: readU128,
};

export const WRITERS: Readonly<Record<FieldType, (view: DataView, offset: number, value: number | bigint) => void>> = {
  u8: (view, offset, value) => view.setUint8(offset, Number(value)),
  u16: (view, offset, value) => view.setUint16(offset, Number(value), true),
  u32: (view, offset, value) => view.setUint32(offset, Number(value), true),
  u64: (view, offset, value) => view.setBigUint64(offset, BigInt(value), true),
  i64: (view, offset, value) => view.setBigInt64(offset, BigInt(value), true),
  u128: (view, offset, value) => writeU128(view, offset, BigInt(value)),
};

/** Decodes the record that starts at `offset`. The caller has checked that `size` bytes are there. */
export function decodeRecord<F extends FieldTable>(shape: Layout<F>, view: DataView, offset: number): RecordOf<F> {
  const out: Record<string, number | bigint> = {};
  for (const [field, [at, type]] of Object.entries(shape.fields)) out[field] = READERS[type](view, offset + at);
  return out as RecordOf<F>;
}

/** Encodes the given fields at `offset`; fields left out and reserved bytes become zero. */
export function encodeRecord<F extends FieldTable>(
  shape: Layout<F>,
  view: DataView,
  offset: number,
  record: Partial<RecordOf<F>>,
): void {
  new Uint8Array(view.buffer, view.byteOffset + offset, shape.size).fill(0);
  // Not Object.entries: it makes a list of lists for each record.
  for (const field in shape.fields) {
    const value = record[field];
    const place = shape.fields[field];
    if (value !== undefined && place !== undefined) WRITERS[place[1]](view, offset + place[0], value);
  }
}
