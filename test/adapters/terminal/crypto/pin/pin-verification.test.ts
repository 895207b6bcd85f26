// PVV, IBM 3624 offset and CVV against published values and a naive implementation.
import { describe, expect, it } from 'vitest';
import { pinOf } from '../../../../../adapters/terminal/crypto/pin/pin-block.ts';
import {
  CHIP_SERVICE_CODE,
  cardVerificationValue,
  cvvMatches,
  ibmPinMatches,
  ibmPinOffset,
  pinVerificationValue,
  pvvMatches,
} from '../../../../../adapters/terminal/crypto/pin/pin-verification.ts';
import { hex, SeededBytes } from '../../../../support/seeded-bytes.ts';
import { tdes, xorOf } from '../reference.ts';

const SEED = 3624;
const KEY = hex('0123456789ABCDEFFEDCBA9876543210');

function pin(text: string): Uint8Array {
  return pinOf(text) ?? expect.fail('no PIN');
}

describe('CVV', () => {
  // IBM z/OS ICSF, example of the VISA CVV service.
  it('is the published one', () => {
    expect(cardVerificationValue(KEY, '4123456789012345', '8701', '101')).toBe('561');
    expect(cvvMatches(KEY, '4123456789012345', '8701', '101', '561')).toBe(true);
    expect(cvvMatches(KEY, '4123456789012345', '8701', '101', '562')).toBe(false);
    expect(cvvMatches(KEY, '4123456789012345', '8701', CHIP_SERVICE_CODE, '561')).toBe(false);
  });

  it(`is the naive one, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 100; run++) {
      const key = random.bytes(16);
      const [pan, expiry, service] = [random.digits(random.between(12, 19)), random.digits(4), random.digits(3)];
      const blocks = hex((pan + expiry + service).padEnd(32, '0'));
      const first = tdes(key.subarray(0, 8), blocks.subarray(0, 8));
      const expected = decimals(tdes(key, xorOf(first, blocks.subarray(8)))).slice(0, 3);
      expect(cardVerificationValue(key, pan, expiry, service)).toBe(expected);
    }
  });
});

describe('PVV', () => {
  it(`is the naive one, and that of its PIN only, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 100; run++) {
      const key = random.bytes(16);
      const [pan, digits, index] = [random.digits(16), random.digits(random.between(4, 12)), random.between(0, 6)];
      const input = hex(pan.slice(4, 15) + index + digits.slice(0, 4));
      const expected = decimals(tdes(key, input)).slice(0, 4);
      expect(pinVerificationValue(key, pin(digits), pan, index)).toBe(expected);
      expect(pvvMatches(key, pin(digits), pan, index, expected)).toBe(true);
      expect(pvvMatches(key, pin(digits), pan, index, expected.slice(0, 3))).toBe(false);
    }
  });
});

describe('IBM 3624 offset', () => {
  it(`makes the PIN out of the natural one, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 100; run++) {
      const key = random.bytes(16);
      const [data, digits] = [random.digits(16), random.digits(random.between(4, 12))];
      const natural = [...tdes(key, hex(data)).toString('hex')].map((digit) => Number.parseInt(digit, 16) % 10);
      const offset = ibmPinOffset(key, pin(digits), data);
      expect([...offset].map((digit, at) => (Number(digit) + (natural[at] ?? 0)) % 10).join('')).toBe(digits);
      expect(ibmPinMatches(key, pin(digits), data, offset)).toBe(true);
      expect(ibmPinMatches(key, pin(digits), data, `${(Number(offset[0]) + 1) % 10}${offset.slice(1)}`)).toBe(false);
      expect(ibmPinMatches(key, pin(digits), data, offset.slice(1))).toBe(false);
    }
  });

  it('takes another decimalisation table', () => {
    const table = '9876543210987654';
    const offset = ibmPinOffset(KEY, pin('1234'), '4123456789012345', table);
    expect(offset).not.toBe(ibmPinOffset(KEY, pin('1234'), '4123456789012345'));
    expect(ibmPinMatches(KEY, pin('1234'), '4123456789012345', offset, table)).toBe(true);
  });
});

function decimals(block: Buffer): string {
  const digits = block.toString('hex');
  const letters = [...digits.replace(/\d/g, '')].map((letter) => Number.parseInt(letter, 16) - 10);
  return digits.replace(/\D/g, '') + letters.join('');
}
