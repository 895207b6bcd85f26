// TDES DUKPT: X9.24-1:2009 annex A.4, and the key register that a device walks through, done the naive way.
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import {
  tdesCounter,
  tdesInitialKey,
  tdesTransactionKeys,
} from '../../../../../adapters/terminal/crypto/dukpt/tdes-dukpt.ts';
import { hex, SeededBytes } from '../../../../support/seeded-bytes.ts';
import { tdes, xorOf } from '../reference.ts';

const SEED = 924001;
const BDK = hex('0123456789ABCDEFFEDCBA9876543210');

function keysOf(ksn: string) {
  const derived = tdesTransactionKeys(BDK, hex(ksn));
  if (!derived.ok) expect.fail(derived.problem);
  return derived.keys;
}

describe('TDES DUKPT', () => {
  it('has the initial key of the standard, whatever the counter', () => {
    for (const ksn of ['FFFF9876543210E00000', 'FFFF9876543210E00001', 'FFFF9876543210FFFFFF', '9876543210E00001']) {
      const derived = tdesInitialKey(BDK, hex(ksn));
      expect(derived.ok && toHex(derived.keys)).toBe('6AC292FAA1315B4D858AB3A3D7D5933A');
    }
  });

  it.each([
    ['FFFF9876543210E00001', '042666B49184CF5C68DE9628D0397B36'],
    ['FFFF9876543210E00002', 'C46551CEF9FD244FAA9AD834130D3B38'],
    ['FFFF9876543210E00003', '0DF3D9422ACA561A47676D07AD6BAD05'],
  ])('has the PIN key of the standard for %s', (ksn, pin) => {
    expect(toHex(keysOf(ksn).pin)).toBe(pin);
  });

  it('tells the uses of keys apart', () => {
    const keys = keysOf('FFFF9876543210E00001');
    // X9.24-1:2009 A.4.1: the variants of the same transaction's key.
    expect(toHex(keys.macRequest)).toBe('042666B4918430A368DE9628D03984C9');
    expect(toHex(keys.macResponse)).toBe('042666B46E84CFA368DE96282F397BC9');
    expect(toHex(keys.dataRequest)).toBe('448D3F076D8304036A55A3D7E0055A78');
    expect(toHex(keys.transaction)).toBe('042666B49184CFA368DE9628D0397BC9');
    expect(new Set(Object.values(keys).map(toHex)).size).toBe(6);
  });

  it(`is what a device gets that derives its keys step by step, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    let compared = 0;
    for (let run = 0; run < 300; run++) {
      const bdk = random.bytes(16);
      const ksn = random.bytes(10);
      const derived = tdesTransactionKeys(bdk, ksn);
      const counter = tdesCounter(ksn);
      const ones = counter.toString(2).replaceAll('0', '').length;
      expect(derived.ok).toBe(counter !== 0 && ones <= 10);
      if (!derived.ok) continue;
      compared++;
      expect(toHex(derived.keys.pin)).toBe(toHex(naivePinKey(bdk, ksn, counter)));
    }
    expect(compared).toBeGreaterThan(100);
  });

  it.each([
    [BDK, 'FFFF9876543210E00000', 'the counter of the KSN is 0: the first transaction has 1'],
    [BDK, 'FFFF9876543210E007FF', 'the counter of the KSN has 11 one bits: devices use counters with at most 10'],
    [BDK, 'FFFF9876543210', 'a key serial number of TDES DUKPT has 8 to 10 bytes, not 7'],
    [BDK, 'FFFFFF9876543210E00001', 'a key serial number of TDES DUKPT has 8 to 10 bytes, not 11'],
    [BDK.subarray(8), 'FFFF9876543210E00001', 'a base derivation key of TDES DUKPT has 16 bytes, not 8'],
  ])('refuses %#', (bdk, ksn, problem) => {
    expect(tdesTransactionKeys(bdk, hex(ksn))).toEqual({ ok: false, problem });
  });

  it('takes the largest counter with ten one bits', () => {
    expect(tdesTransactionKeys(BDK, hex('FFFF9876543210FFE000')).ok).toBe(true);
  });
});

function naivePinKey(bdk: Uint8Array, ksn: Uint8Array, counter: number): Buffer {
  const mask = hex('C0C0C0C000000000C0C0C0C000000000');
  const serial = Buffer.from(ksn);
  serial.writeUInt8((serial[7] ?? 0) & 0xe0, 7);
  serial.writeUInt16BE(0, 8);
  let key = Buffer.concat([tdes(bdk, serial.subarray(0, 8)), tdes(xorOf(bdk, mask), serial.subarray(0, 8))]);
  let register = serial.readBigUInt64BE(2);
  for (let bit = 20; bit >= 0; bit--) {
    if (((counter >> bit) & 1) === 0) continue;
    register |= 1n << BigInt(bit);
    const bytes = Buffer.alloc(8);
    bytes.writeBigUInt64BE(register);
    const half = (of: Uint8Array): Buffer =>
      xorOf(tdes(of.subarray(0, 8), xorOf(bytes, of.subarray(8))), of.subarray(8));
    key = Buffer.concat([half(xorOf(key, mask)), half(key)]);
  }
  return xorOf(key, hex('00000000000000FF00000000000000FF'));
}
