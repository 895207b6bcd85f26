// Retail MAC and CMAC: published vectors, and a naive implementation over node:crypto.
import { describe, expect, it } from 'vitest';
import { toHex } from '../../../../adapters/terminal/crypto/bytes.ts';
import { aesCmac, macMatches, retailMac, tdesCmac } from '../../../../adapters/terminal/crypto/mac.ts';
import { pad } from '../../../../adapters/terminal/crypto/padding.ts';
import { hex, SeededBytes } from '../../../support/seeded-bytes.ts';
import { algorithm3, padded } from './reference.ts';

const SEED = 97971;

describe('retail MAC', () => {
  const key = hex('0123456789ABCDEFFEDCBA9876543210');

  // ISO/IEC 9797-1:2011, annex B, examples of algorithm 3.
  it.each([
    ['Now is the time for all ', 1, 'A1C72E74EA3FA9B6'],
    ['Now is the time for it', 1, '2E2B1428CC78254F'],
    ['Now is the time for all ', 2, 'E9086230CA3BE796'],
    ['Now is the time for it', 2, '5A692CE64F404145'],
  ] as const)('of "%s" with padding %i', (message, padding, expected) => {
    expect(toHex(retailMac(key, Buffer.from(message), padding))).toBe(expected);
  });

  it(`is the naive one for all lengths up to 80, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let length = 1; length <= 80; length++) {
      const randomKey = random.bytes(16);
      const message = random.bytes(length);
      expect(toHex(retailMac(randomKey, message, 1))).toBe(toHex(algorithm3(randomKey, padded(message, 0))));
      expect(toHex(retailMac(randomKey, message, 2))).toBe(toHex(algorithm3(randomKey, padded(message, 0x80))));
    }
  });
});

describe('padding', () => {
  it.each([
    [0, 1, 8],
    [0, 2, 8],
    [7, 1, 8],
    [7, 2, 8],
    [8, 1, 8],
    [8, 2, 16],
    [9, 1, 16],
  ] as const)('of %i bytes by method %i makes %i', (length, padding, expected) => {
    const message = new Uint8Array(length).fill(0xff);
    const block = pad(message, padding);
    expect(block.length).toBe(expected);
    expect(block.subarray(0, length)).toEqual(message);
    const rest = [...block.subarray(length)];
    expect(rest).toEqual(rest.map((_, at) => (padding === 2 && at === 0 ? 0x80 : 0)));
  });
});

describe('CMAC', () => {
  const message = `6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
    30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710`.replace(/\s/g, '');

  // NIST SP 800-38B, appendix D, as corrected in 2016.
  it.each([
    ['2b7e151628aed2a6abf7158809cf4f3c', 0, 'bb1d6929e95937287fa37d129b756746'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 16, '070a16b46b4d4144f79bdd9dd04a287c'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 40, 'dfa66747de9ae63030ca32611497c827'],
    ['2b7e151628aed2a6abf7158809cf4f3c', 64, '51f0bebf7e3b9d92fc49741779363cfe'],
    ['8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b', 0, 'd17ddf46adaacde531cac483de7a9367'],
    ['8e73b0f7da0e6452c810f32b809079e562f8ead2522c6b7b', 40, '8a1de5be2eb31aad089a82e6ee908b0e'],
    ['603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 0, '028962f61b7bf89efc6b551f4667d983'],
    ['603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4', 64, 'e1992190549f6ed5696a2c056c315410'],
  ])('AES under %s over %i bytes', (key, length, expected) => {
    expect(toHex(aesCmac(hex(key), hex(message).subarray(0, length)))).toBe(expected.toUpperCase());
  });

  it.each([
    ['8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5', 0, 'b7a688e122ffaf95'],
    ['8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5', 8, '8e8f293136283797'],
    ['8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5', 20, '743ddbe0ce2dc2ed'],
    ['8aa83bf8cbda10620bc1bf19fbb6cd58bc313d4a371ca8b5', 32, '33e6b1092400eae5'],
    ['4cf15134a2850dd58a3d10ba80570d384cf15134a2850dd5', 0, 'bd2ebf9a3ba00361'],
    ['4cf15134a2850dd58a3d10ba80570d38', 20, '62dd1b471902bd4e'],
    ['4cf15134a2850dd58a3d10ba80570d38', 32, '31b1e431dabc4eb8'],
  ])('triple DES under %s over %i bytes', (key, length, expected) => {
    expect(toHex(tdesCmac(hex(key), hex(message).subarray(0, length)))).toBe(expected.toUpperCase());
  });
});

describe('comparing', () => {
  it.each([
    ['A1C72E74EA3FA9B6', true],
    ['A1C72E74', true],
    ['A1C72E', false],
    ['', false],
    ['A1C72E75', false],
    ['A1C72E74EA3FA9B7', false],
    ['A1C72E74EA3FA9B600', false],
  ])('with %s is %s', (received, expected) => {
    expect(macMatches(hex('A1C72E74EA3FA9B6'), hex(received))).toBe(expected);
  });
});
