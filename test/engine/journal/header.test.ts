import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  BATCH_HEADER,
  batchHash,
  checkBatch,
  checkEvents,
  NO_HASH,
  readBatchHeader,
  sealBatch,
} from '../../../engine/journal/header.ts';
import { decodeRecord } from '../../../protocol/layout.ts';
import { makeBatch } from './make-batch.ts';

const INFO = { lsn: 77, sequence: 5, timestamp: 1_700_000_000_000_123, eventCount: 3, partition: 2 };

function sealed(events = 3, eventBytes = 32): Uint8Array {
  const bytes = makeBatch(events, eventBytes, 9);
  sealBatch(bytes, bytes.length, { ...INFO, eventCount: events, previousHash: createHash('sha256').digest() });
  return bytes;
}

describe('sealBatch', () => {
  it('writes the header at its offsets', () => {
    const bytes = sealed();
    const record = decodeRecord(BATCH_HEADER, new DataView(bytes.buffer), 0);
    expect(record).toMatchObject({
      magic: 0x314a4c53,
      version: 1,
      headerBytes: 128,
      lsn: 77n,
      sequence: 5n,
      timestamp: 1_700_000_000_000_123n,
      length: 128 + 96,
      eventCount: 3,
      partition: 2,
    });
    expect(Buffer.from(bytes.subarray(0, 4)).toString()).toBe('SLJ1');
    expect(Buffer.from(bytes.subarray(48, 80)).toString('hex')).toBe(createHash('sha256').digest('hex'));
    expect(bytes.subarray(80, 128).every((byte) => byte === 0)).toBe(true);
  });

  it('has the CRC-32C of the batch with that field zero, bit by bit', () => {
    const bytes = sealed();
    const { crc } = readBatchHeader(bytes);
    bytes.fill(0, 44, 48);
    let value = 0xffff_ffff;
    for (const byte of bytes) {
      value ^= byte;
      for (let bit = 0; bit < 8; bit++) value = (value >>> 1) ^ (value & 1 ? 0x82f6_3b78 : 0);
    }
    expect(crc).toBe((value ^ 0xffff_ffff) >>> 0);
  });

  it('overwrites whatever stood in the header before and nothing behind the length', () => {
    const bytes = new Uint8Array(512).fill(0xee);
    bytes.set(makeBatch(3, 32, 9));
    bytes.fill(0xee, 0, 128);
    sealBatch(bytes, 224, { ...INFO, previousHash: createHash('sha256').digest() });
    expect(bytes.subarray(0, 224)).toEqual(sealed());
    expect(bytes.subarray(224).every((byte) => byte === 0xee)).toBe(true);
  });

  it.each([
    ['a length that is no multiple of 16', 200, {}],
    ['a length below the header', 112, {}],
    ['a length beyond the buffer', 240, {}],
    ['a negative timestamp', 224, { timestamp: -1 }],
    ['an LSN that is no integer', 224, { lsn: 0.5 }],
    ['a sequence above 2^53', 224, { sequence: 2 ** 53 }],
    ['a short hash', 224, { previousHash: new Uint8Array(31) }],
  ])('throws at %s', (_, length, change) => {
    const bytes = makeBatch(3, 32, 9);
    expect(() => sealBatch(bytes, length, { ...INFO, previousHash: NO_HASH, ...change })).toThrow(RangeError);
  });
});

describe('checkBatch', () => {
  it('accepts what sealBatch made, also off the start of a buffer', () => {
    const wide = new Uint8Array(1000);
    wide.set(sealed(), 24);
    const expected = { lsn: 77, sequence: 5, partition: 2, timestampMin: INFO.timestamp };
    expect(checkBatch(wide.subarray(24, 24 + 224), expected)).toEqual({ ok: true });
  });

  it.each([
    ['lsn', 8, { lsn: 78 }],
    ['sequence', 16, { sequence: 6 }],
    ['partition', 40, { partition: 3 }],
    ['timestamp', 24, { timestampMin: INFO.timestamp + 1 }],
    ['chain', 48, { previousHash: NO_HASH }],
  ])('names a wrong %s', (error, offset, expected) => {
    expect(checkBatch(sealed(), expected)).toMatchObject({ ok: false, error, offset });
  });

  it.each([
    ['short', 0, (bytes: Uint8Array) => bytes.subarray(0, 127)],
    ['length', 32, (bytes: Uint8Array) => bytes.subarray(0, 208)],
    ['magic', 0, (bytes: Uint8Array) => bytes.fill(0, 0, 1)],
    ['version', 4, (bytes: Uint8Array) => bytes.fill(2, 4, 5)],
    ['version', 4, (bytes: Uint8Array) => bytes.fill(64, 6, 7)],
    ['crc', 44, (bytes: Uint8Array) => bytes.fill(0xaa, 200, 201)],
    ['crc', 44, (bytes: Uint8Array) => bytes.fill(1, 127, 128)],
  ])('names a damaged batch: %s at %i', (error, offset, damage) => {
    expect(checkBatch(damage(sealed()))).toMatchObject({ ok: false, error, offset });
  });

  it('finds every flipped bit', () => {
    const good = sealed(2, 16);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3] = (bad[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      expect(checkBatch(bad).ok, `bit ${bit}`).toBe(false);
    }
  });

  it('is total: any bytes get a verdict', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), fc.boolean(), (noise, withMagic) => {
        const bytes = noise.slice();
        if (withMagic) bytes.set(sealed(0).subarray(0, Math.min(8, bytes.length)));
        expect(checkBatch(bytes).ok).toBe(false);
      }),
    );
  });
});

describe('checkEvents', () => {
  it('accepts events of different lengths', () => {
    const bytes = makeBatch(6, 16, 1);
    new DataView(bytes.buffer).setUint32(128 + 4, 48, true);
    sealBatch(bytes, bytes.length, { ...INFO, eventCount: 4, previousHash: NO_HASH });
    expect(checkEvents(bytes)).toBeUndefined();
  });

  it.each([
    ['zero', 0, 160],
    ['no multiple of 16', 24, 160],
    ['beyond the batch', 96, 160],
    ['2^32 − 16', 0xffff_fff0, 160],
  ])('names an event whose length is %s', (_, length, offset) => {
    const bytes = sealed();
    new DataView(bytes.buffer).setUint32(160 + 4, length, true);
    expect(checkEvents(bytes)?.offset).toBe(offset);
  });

  it('compares their number with the header', () => {
    const bytes = makeBatch(3, 32, 9);
    sealBatch(bytes, bytes.length, { ...INFO, eventCount: 4, previousHash: NO_HASH });
    expect(checkEvents(bytes)).toMatchObject({ offset: 36 });
  });
});

it('the hash is SHA-256 of the whole batch', () => {
  expect(Buffer.from(batchHash(sealed()))).toEqual(createHash('sha256').update(sealed()).digest());
});
