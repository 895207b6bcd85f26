// PIN blocks: vectors, what they are for random PINs, and every block that is refused.
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../../adapters/terminal/crypto/bytes.ts';
import {
  decodePinBlock,
  encodePinBlock,
  PIN_BLOCK_FORMATS,
  type PinBlockFormat,
  pinOf,
} from '../../../../../adapters/terminal/crypto/pin/pin-block.ts';
import { hex, SeededBytes } from '../../../../support/seeded-bytes.ts';

const SEED = 9564;

function encode(format: PinBlockFormat, pin: string, pan: string, key?: string, fill?: string): string {
  const random = fill === undefined ? undefined : () => hex(fill);
  const result = encodePinBlock(
    format,
    pinOf(pin) ?? new Uint8Array(),
    pan,
    key === undefined ? key : hex(key),
    random,
  );
  return result.ok ? toHex(result.value) : result.problem;
}

function decode(format: PinBlockFormat, block: string, pan: string, key?: string): string {
  const result = decodePinBlock(format, hex(block), pan, key === undefined ? key : hex(key));
  return result.ok ? result.value.join('') : result.problem;
}

/** A field of format 0 as a block for the account number of these tests. */
function blockOf(field: string): string {
  return (BigInt(`0x${field}`) ^ 0x555555123456n).toString(16).padStart(16, '0');
}

describe('PIN block', () => {
  it.each([
    [0, '1234', '5555555551234567', undefined, undefined, '041261AAAAEDCBA9'],
    [0, '1234', '4012345678909', undefined, undefined, '041274EDCBA9876F'],
    [0, '1234', '4012345678909', '042666B49184CF5C68DE9628D0397B36', undefined, '1B9C1845EB993A7A'],
    // Fill digits count from A.
    [3, '1234', '5555555551234567', undefined, '0001020304050001020304050001', '341261BAFEDFDBFD'],
    [4, '1234', '5555555551234567', undefined, '2F69ADDE2E9E7ACE', '441234AAAAAAAAAA2F69ADDE2E9E7ACE'],
    // X9.24-3:2017, supplement: PIN keys of transactions 1 and 2.
    [
      4,
      '1234',
      '4111111111111111',
      'AF8CB133A78F8DC2D1359F18527593FB',
      '2F69ADDE2E9E7ACE',
      'A912150391AB65A67E52883D81CE2D15',
    ],
    [
      4,
      '1234',
      '4111111111111111',
      'D30BDC73EC9714B000BEC66BDB7B6D09',
      '2F69ADDE2E9E7ACE',
      '52A00503BD34BA1383F6A7EE9FE2547F',
    ],
  ] as const)('of format %i of %s and %s', (format, pin, pan, key, fill, expected) => {
    const block = encode(format, pin, pan, key, fill);
    expect(block).toBe(expected);
    expect(decode(format, block, pan, key)).toBe(pin);
  });

  it.each(PIN_BLOCK_FORMATS)(`of format %i round-trips and tells a wrong key or PAN, seed ${SEED}`, (format) => {
    const random = new SeededBytes(SEED);
    let mistaken = 0;
    for (let run = 0; run < 200; run++) {
      const pin = random.digits(random.between(4, 12));
      const pan = random.digits(random.between(12, 19));
      const key = toHex(random.bytes(16));
      const block = encode(format, pin, pan, key);
      expect(decode(format, block, pan, key)).toBe(pin);
      const otherPan = `${pan.slice(0, 3)}${(Number(pan[3]) + 1) % 10}${pan.slice(4)}`;
      const wrong = [decode(format, block, pan, toHex(random.bytes(16))), decode(format, block, otherPan, key)];
      mistaken += wrong.filter((text) => /^\d+$/.test(text)).length;
    }
    // A PAN that differs left of its last thirteen digits is not part of formats 0 and 3, nor are digits under the PIN.
    expect(mistaken).toBeLessThan(format === 4 ? 2 : 200);
  });

  it('fills formats 3 and 4 at random', () => {
    for (const format of [3, 4] as const) {
      expect(encode(format, '1234', '5555555551234567')).not.toBe(encode(format, '1234', '5555555551234567'));
    }
  });

  it.each([
    [0, '141261AAAAEDCBA9', 'the control digit'],
    [0, '031261AAAAEDCBA9', 'a length below 4'],
    [0, '0D1261AAAAEDCBA9', 'a length above 12'],
    // Thirteen decimal digits, that is 0D1234567890123F before the account number is added.
    [0, blockOf('0D1234567890123F'), 'a length above 12'],
    [0, '041261AAAAEDCBA8', 'the fill'],
    [0, '04B261AAAAEDCBA9', 'no decimal digit'],
    [3, '041261AAAAEDCBA9', 'the control digit'],
    [3, '341261AA5BFEDABC', 'the fill'],
    [4, '441234AAAAAAAAAB2F69ADDE2E9E7ACE', 'the fill'],
    [4, '041234AAAAAAAAAA2F69ADDE2E9E7ACE', 'the control digit'],
  ] as const)('of format %i is refused as %s for %s', (format, block, _) => {
    expect(decode(format, block, '5555555551234567')).toBe(
      `this is no PIN block of format ${format}: wrong key, account number or format`,
    );
  });

  it('is refused with what was expected', () => {
    const pan = '5555555551234567';
    expect(decode(0, '041261AAAAEDCB', pan)).toBe('a PIN block of format 0 has 8 bytes, not 7');
    expect(decode(4, '041261AAAAEDCBA9', pan)).toBe('a PIN block of format 4 has 16 bytes, not 8');
    expect(encode(0, '1234', '55555')).toBe('the account number must be 12 to 19 digits');
    expect(encode(0, '1234', pan, '0011')).toBe('format 0 needs a triple DES key of 16 or 24 bytes, not 2');
    expect(encode(4, '1234', pan, '0011')).toBe('format 4 needs an AES key of 16, 24 or 32 bytes, not 2');
    for (const pin of ['123', '1234567890123', '12a4', '']) {
      expect(encode(0, pin, pan)).toBe('a PIN has 4 to 12 digits');
    }
  });
});
