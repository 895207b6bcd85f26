import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { EncodeError } from '../../protocol/codecs/codec-error.ts';
import { readRecord, writeId, writeRecord } from '../../protocol/codecs/record-codec.ts';
import { decodeRecord, encodeRecord, type FieldType, layout } from '../../protocol/layout.ts';
import { LAYOUTS } from './support/schema.ts';

const BITS: Readonly<Record<FieldType, number>> = { u8: 8, u16: 16, u32: 32, u64: 64, i64: 64, u128: 128 };

function anyOf(type: FieldType): fc.Arbitrary<number | bigint> {
  if (type === 'i64') return fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n });
  const max = 2n ** BigInt(BITS[type]) - 1n;
  return BITS[type] <= 32 ? fc.nat(Number(max)) : fc.bigInt({ min: 0n, max });
}

describe.each(LAYOUTS)('record $name', (shape) => {
  const fields = Object.entries(shape.fields);
  const anyRecord = fc.record(Object.fromEntries(fields.map(([name, [, type]]) => [name, anyOf(type)])));

  it('comes back as it was written, and nothing around it changes', () => {
    fc.assert(
      fc.property(anyRecord, fc.nat(9), (record, offset) => {
        const bytes = new Uint8Array(shape.size + 20).fill(0xee);
        const view = new DataView(bytes.buffer);
        encodeRecord(shape, view, offset, record);
        expect(decodeRecord(shape, view, offset)).toEqual(record);
        expect(bytes.subarray(0, offset).every((byte) => byte === 0xee)).toBe(true);
        expect(bytes.subarray(offset + shape.size).every((byte) => byte === 0xee)).toBe(true);
      }),
      { numRuns: 30 },
    );
  });

  it('is not written with a value outside its field', () => {
    const view = new DataView(new ArrayBuffer(shape.size));
    for (const [name, [, type]] of fields) {
      const bits = BigInt(BITS[type]);
      const wrong = type === 'i64' ? [2n ** 63n, -(2n ** 63n) - 1n, 1] : [2n ** bits, -1n, bits > 32n ? 1 : 0.5];
      for (const value of bits > 32n ? wrong : wrong.map(Number)) {
        expect(() => writeRecord(shape, view, 0, { [name]: value }, 'record'), `${name} = ${value}`).toThrow(
          EncodeError,
        );
      }
    }
    expect(() => writeRecord(shape, view, 0, { toString: 1 } as never, 'record')).toThrow('record.toString');
  });
});

describe('layout', () => {
  it.each([
    ['overlap', { a: [0, 'u64'], b: [4, 'u32'] }],
    ['go backwards', { a: [8, 'u64'], b: [0, 'u32'] }],
    ['are not aligned', { a: [2, 'u32'] }],
    ['leave the record', { a: [8, 'u128'] }],
  ] as const)('refuses fields that %s', (_, fields) => {
    expect(() => layout('wrong', 16, fields)).toThrow('layout wrong');
  });
});

describe('reading', () => {
  it('leaves out reserved fields and refuses to leave the body', () => {
    const shape = layout('sample', 16, { a: [0, 'u32'], reservedX: [8, 'u64'] });
    const view = new DataView(new ArrayBuffer(20));
    expect(Object.keys(readRecord(shape, view, 4))).toEqual(['a']);
    expect(() => readRecord(shape, view, 5)).toThrow('ends inside a sample');
  });

  it('ids are neither zero nor wider than 128 bits', () => {
    const view = new DataView(new ArrayBuffer(16));
    for (const id of [0n, -1n, 2n ** 128n]) expect(() => writeId(view, 0, id, 'ids[0]')).toThrow('ids[0]');
  });
});
