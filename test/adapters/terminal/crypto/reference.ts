/** A second, naive implementation over the ciphers of node:crypto: what the fast one is compared with. */
import { createCipheriv } from 'node:crypto';

export function tdes(key: Uint8Array, data: Uint8Array, mode: 'ecb' | 'cbc' = 'ecb'): Buffer {
  const parts = key.length === 8 ? [key, key, key] : key.length === 16 ? [key, key.subarray(0, 8)] : [key];
  const iv = mode === 'cbc' ? Buffer.alloc(8) : null;
  return createCipheriv(`des-ede3-${mode}`, Buffer.concat(parts), iv).setAutoPadding(false).update(data);
}

/** ISO/IEC 9797-1 algorithm 3: all but the last block by single DES in CBC, the last by triple DES. */
export function algorithm3(key: Uint8Array, padded: Uint8Array): Buffer {
  const last = padded.length - 8;
  const before = last === 0 ? Buffer.alloc(8) : tdes(key.subarray(0, 8), padded.subarray(0, last), 'cbc').subarray(-8);
  return tdes(key, xorOf(before, padded.subarray(last)));
}

export function padded(message: Uint8Array, first: number): Buffer {
  const started = first === 0 ? message : Buffer.concat([message, Uint8Array.of(first)]);
  return Buffer.concat([started, Buffer.alloc((8 - (started.length % 8)) % 8)]);
}

export function xorOf(a: Uint8Array, b: Uint8Array): Buffer {
  return Buffer.from(a.map((byte, at) => byte ^ (b[at] ?? 0)));
}

export function odd(key: Uint8Array): Buffer {
  return Buffer.from(
    key.map((byte) => {
      const ones = [...(byte >> 1).toString(2)].filter((bit) => bit === '1').length;
      return (byte & 0xfe) | (ones % 2 === 0 ? 1 : 0);
    }),
  );
}
