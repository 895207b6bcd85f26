/** Records as plain objects, with checks that DataView does not make: it would wrap −1 to 2^64 − 1 in silence. */
import {
  type FieldTable,
  type FieldType,
  type FieldValue,
  type Layout,
  decodeRecord,
  encodeRecord,
  type RecordOf,
  writeU128,
} from '../layout.ts';
import { DecodeError, EncodeError } from './codec-error.ts';

/** A record without its reserved fields. */
export type Visible<F extends FieldTable> = {
  readonly [K in keyof F as K extends `reserved${string}` ? never : K]: FieldValue<F[K][1]>;
};

const BIG_MAX = { u64: 2n ** 64n - 1n, i64: 2n ** 63n - 1n, u128: 2n ** 128n - 1n } as const;
const WORD_MAX = { u8: 0xff, u16: 0xffff, u32: 0xffff_ffff } as const;

/**
 * Writes `record` at `offset`; fields that it leaves out become zero.
 * @throws EncodeError for a field that is not of the layout or a value outside its field.
 */
export function writeRecord<F extends FieldTable>(
  shape: Layout<F>,
  view: DataView,
  offset: number,
  record: Partial<RecordOf<F>>,
  path: string,
): void {
  for (const [name, value] of Object.entries(record)) {
    if (value === undefined) continue;
    const field = Object.hasOwn(shape.fields, name) ? shape.fields[name] : undefined;
    if (field === undefined) throw new EncodeError(`${path}.${name}`, `is not a field of ${shape.name}`);
    const wrong = whyUnfit(field[1], value);
    if (wrong !== undefined) throw new EncodeError(`${path}.${name}`, wrong);
  }
  encodeRecord(shape, view, offset, record);
}

function whyUnfit(type: FieldType, value: unknown): string | undefined {
  switch (type) {
    case 'u8':
    case 'u16':
    case 'u32':
      if (typeof value !== 'number' || !Number.isInteger(value)) return 'must be a whole number';
      return value < 0 || value > WORD_MAX[type] ? `must be 0 … ${WORD_MAX[type]}` : undefined;
    case 'u64':
    case 'i64':
    case 'u128':
      if (typeof value !== 'bigint') return 'must be a bigint';
      return value < (type === 'i64' ? -BIG_MAX.i64 - 1n : 0n) || value > BIG_MAX[type]
        ? `must fit ${type}`
        : undefined;
  }
}

/** An id that is not left out: 1 … 2^128 − 1. @throws EncodeError */
export function writeId(view: DataView, offset: number, id: bigint, path: string): void {
  const wrong = whyUnfit('u128', id) ?? (id === 0n ? 'must not be zero' : undefined);
  if (wrong !== undefined) throw new EncodeError(path, wrong);
  writeU128(view, offset, id);
}

/** Decodes the record at `offset` without its reserved fields. @throws DecodeError when it is cut off. */
export function readRecord<F extends FieldTable>(shape: Layout<F>, view: DataView, offset: number): Visible<F> {
  needBytes(view, offset, shape.size, shape.name);
  const record: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(decodeRecord(shape, view, offset))) {
    if (!name.startsWith('reserved')) record[name] = value;
  }
  return record as Visible<F>;
}

/** @throws DecodeError when `view` has fewer than `length` bytes from `offset` on. */
export function needBytes(view: DataView, offset: number, length: number, what: string): void {
  if (offset + length > view.byteLength) {
    throw new DecodeError(`the reply ends inside a ${what}: ${view.byteLength} bytes, ${offset + length} needed`);
  }
}
