// DES and triple DES against published vectors and against node:crypto.
import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../adapters/terminal/crypto/bytes.ts';
import { withOddParity } from '../../../../adapters/terminal/crypto/des.ts';
import { setOddParity, TripleDes } from '../../../../adapters/terminal/crypto/triple-des.ts';
import { hex, SeededBytes } from '../../../support/seeded-bytes.ts';
import { algorithm3, odd, tdes } from './reference.ts';

const SEED = 20261123;

describe('DES', () => {
  // NBS Special Publication 500-20: the worked example, and rows of the tests of permutations and substitutions.
  it.each([
    ['133457799BBCDFF1', '0123456789ABCDEF', '85E813540F0AB405'],
    ['0101010101010101', '95F8A5E5DD31D900', '8000000000000000'],
    ['8001010101010101', '0000000000000000', '95A8D72813DAA94D'],
    ['7CA110454A1A6E57', '01A1D6D039776742', '690F5B0D9A26939B'],
  ])('%s over %s is %s', (key, plain, expected) => {
    const cipher = new TripleDes(hex(key));
    expect(toHex(cipher.encrypt(hex(plain)))).toBe(expected);
    expect(toHex(cipher.decrypt(hex(expected)))).toBe(plain);
  });

  it(`is that of node:crypto on 10,000 random keys and messages, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 10_000; run++) {
      const key = random.bytes(random.pick([8, 16, 24]));
      const data = random.bytes(8 * random.between(1, 8));
      const cipher = new TripleDes(key);
      const encrypted = cipher.encrypt(data);
      if (!tdes(key, data).equals(encrypted)) expect.fail(`ECB differs in run ${run}`);
      if (!tdes(key, data, 'cbc').equals(cipher.encryptCbc(data))) expect.fail(`CBC differs in run ${run}`);
      if (!Buffer.from(data).equals(cipher.decrypt(encrypted))) expect.fail(`decryption differs in run ${run}`);
      const iv = random.bytes(8);
      const chained = cipher.encryptCbc(data, iv);
      if (!Buffer.from(data).equals(cipher.decryptCbc(chained, iv))) expect.fail(`CBC back differs in run ${run}`);
      if (key.length === 16 && !algorithm3(key, data).equals(cipher.retailMac(data, 1))) {
        expect.fail(`MAC differs in run ${run}`);
      }
    }
  });

  it(`does not look at parity bits, and sets them odd, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let run = 0; run < 200; run++) {
      const key = random.bytes(16);
      const withParity = odd(key);
      expect(setOddParity(key.slice())).toEqual(new Uint8Array(withParity));
      expect(withOddParity(Buffer.from(key).readInt32BE(0))).toBe(withParity.readInt32BE(0));
      const block = random.bytes(8);
      expect(new TripleDes(withParity).encrypt(block)).toEqual(new TripleDes(key).encrypt(block));
    }
  });

  it.each([0, 7, 15, 17, 32])('refuses a key of %i bytes', (length) => {
    expect(() => new TripleDes(new Uint8Array(length))).toThrow(RangeError);
  });

  it('shows nothing of its key', () => {
    const cipher = new TripleDes(hex('0123456789ABCDEF'));
    expect(JSON.stringify(cipher)).toBe('{}');
    expect(inspect(cipher, { showHidden: true, depth: 9 })).toBe('TripleDes {}');
  });

  it('is of no use after wiping', () => {
    const key = hex('0123456789ABCDEFFEDCBA9876543210');
    const cipher = new TripleDes(key);
    const before = cipher.encrypt(new Uint8Array(8));
    cipher.wipe();
    expect(cipher.encrypt(new Uint8Array(8))).not.toEqual(before);
  });
});
