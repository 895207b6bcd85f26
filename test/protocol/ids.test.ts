import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  deriveId,
  ENGINE_ID_PREFIX,
  formatId,
  idFromNumber,
  isClientId,
  newId,
  parseId,
  partyAccountId,
} from '../../protocol/ids.ts';

describe('ids', () => {
  it('any but zero goes to text and back, with and without dashes, in either case', () => {
    fc.assert(
      fc.property(fc.bigInt({ min: 1n, max: 2n ** 128n - 1n }), (id) => {
        const text = formatId(id);
        expect(text).toMatch(/^[0-9a-f]{32}$/);
        expect(parseId(text)).toBe(id);
        expect(parseId(text.toUpperCase())).toBe(id);
        expect(parseId(text.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-'))).toBe(id);
      }),
    );
  });

  it.each([
    '',
    '0'.repeat(32),
    '1',
    'g'.repeat(32),
    `${'1'.repeat(32)}\n`,
    '1'.repeat(33),
    '0193-0000000000700080000000000000c1',
  ])('are not read from %o', (text) => {
    expect(parseId(text)).toBeUndefined();
  });

  it('of clients end where those of the engine begin', () => {
    const first = BigInt(ENGINE_ID_PREFIX) << 96n;
    expect([0n, 1n, first - 1n, first, 2n ** 128n - 1n].map(isClientId)).toEqual([false, true, true, false, false]);
  });

  it('that are new are UUIDv7 in ascending order', () => {
    const ids = Array.from({ length: 100 }, newId);
    expect(ids).toEqual([...new Set(ids)].sort((a, b) => (a < b ? -1 : 1)));
    for (const id of ids) expect(formatId(id)).toMatch(/^.{12}7.{3}[89ab]/);
  });

  it('from names are the SHA-256 of the parts with their lengths, the upper bit cleared', () => {
    const parts = ['account', '2', 'ada', '156'];
    const hash = createHash('sha256');
    for (const part of parts) {
      const length = Buffer.alloc(4);
      length.writeUInt32BE(Buffer.byteLength(part));
      hash.update(length).update(part);
    }
    const first = BigInt(`0x${hash.digest('hex').slice(0, 32)}`);
    expect(partyAccountId(2, 'ada', 156)).toBe(first & (2n ** 127n - 1n));
    expect(deriveId('ab', 'c')).not.toBe(deriveId('a', 'bc'));
  });

  it('from numbers are those numbers', () => {
    expect(idFromNumber(7)).toBe(7n);
    for (const value of [0, -1, 1.5, 2 ** 53]) expect(() => idFromNumber(value)).toThrow(RangeError);
  });
});
