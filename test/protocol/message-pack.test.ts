import fc from 'fast-check';
import { Packr, pack } from 'msgpackr';
import { describe, expect, it } from 'vitest';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';

const bytes = (...values: number[]): Uint8Array => Uint8Array.from(values);
const nested = (depth: number): object => (depth === 0 ? {} : { a: nested(depth - 1) });

describe('decodeMessagePack', () => {
  it('reads back any map of plain values', () => {
    const { tree } = fc.letrec<{ tree: unknown; map: object }>((tie) => ({
      map: fc.dictionary(
        fc.string().filter((key) => key !== '__proto__'),
        tie('tree'),
        { noNullPrototype: true },
      ),
      tree: fc.oneof(
        { depthSize: 'small', maxDepth: 4 },
        fc.maxSafeInteger(),
        fc.string(),
        fc.boolean(),
        fc.constant(null),
        fc.array(tie('tree'), { maxLength: 4 }),
        tie('map'),
      ),
    }));
    fc.assert(
      fc.property(
        fc.dictionary(
          fc.string().filter((key) => key !== '__proto__'),
          tree,
          { noNullPrototype: true },
        ),
        (value) => {
          const read = decodeMessagePack(encodeMessagePack(value));
          expect(read).toEqual(JSON.parse(JSON.stringify(value)));
        },
      ),
    );
  });

  it.each([
    ['nothing', bytes()],
    ['an integer', bytes(0x01)],
    ['a list', bytes(0x90)],
    ['bytes after the map', bytes(0x80, 0x00)],
    ['a map cut off', bytes(0x81, 0xa1, 0x61)],
    ['a key that is a number', bytes(0x81, 0x01, 0x01)],
    ['a key that is a map', bytes(0x81, 0x80, 0x01)],
    ['text that is not UTF-8', bytes(0x81, 0xa1, 0x61, 0xa1, 0xff)],
    ['binary', bytes(0x81, 0xa1, 0x61, 0xc4, 0x01, 0x00)],
    ['an extension', bytes(0x81, 0xa1, 0x61, 0xd4, 0x01, 0x00)],
    ['a timestamp', bytes(0x81, 0xa1, 0x61, 0xd6, 0xff, 0, 0, 0, 0)],
    ['the byte that is never used', bytes(0x81, 0xa1, 0x61, 0xc1)],
    ['a record of msgpackr', new Packr({ useRecords: true, structures: [] }).encode({ a: 1 })],
    ['a Map with a number as key', pack(new Map([[1, 2]]))],
    ['a list of four billion', bytes(0x81, 0xa1, 0x61, 0xdd, 0xff, 0xff, 0xff, 0xff)],
    ['a map of four billion', bytes(0xdf, 0xff, 0xff, 0xff, 0xff)],
    ['text of four billion', bytes(0x81, 0xa1, 0x61, 0xdb, 0xff, 0xff, 0xff, 0xff)],
    ['a length cut off', bytes(0xde, 0x00)],
    ['nine maps deep', encodeMessagePack(nested(8))],
  ])('refuses %s', (_, input) => {
    expect(decodeMessagePack(input)).toBeUndefined();
  });

  it('reads eight maps deep', () => {
    expect(decodeMessagePack(encodeMessagePack(nested(7)))).toEqual(nested(7));
  });

  it('reads integers of 64 bits: exact when safe, never a safe integer that was not sent', () => {
    const u64 = (value: bigint): number => {
      const view = new DataView(new ArrayBuffer(8));
      view.setBigUint64(0, value);
      return decodeMessagePack(bytes(0x81, 0xa1, 0x61, 0xcf, ...new Uint8Array(view.buffer)))?.a as number;
    };
    expect(u64(1_760_000_000_000_000n)).toBe(1_760_000_000_000_000);
    expect(u64(BigInt(Number.MAX_SAFE_INTEGER))).toBe(Number.MAX_SAFE_INTEGER);
    for (const value of [2n ** 53n, 2n ** 53n + 1n, 2n ** 64n - 1n])
      expect(Number.isSafeInteger(u64(value))).toBe(false);
  });

  it('does not follow __proto__, and reads from a shared buffer', () => {
    const hostile = bytes(0x81, 0xa9, ...new TextEncoder().encode('__proto__'), 0x81, 0xa1, 0x61, 0x01);
    const value = decodeMessagePack(hostile);
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype);
    expect((value as { a?: unknown }).a).toBeUndefined();
    const shared = new Uint8Array(new SharedArrayBuffer(4));
    shared.set([0x81, 0xa1, 0x61, 0x07]);
    expect(decodeMessagePack(shared)).toEqual({ a: 7 });
    expect('dataView' in shared, 'the library leaves nothing on the bytes of the caller').toBe(false);
  });
});
