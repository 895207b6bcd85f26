/** AES over whole blocks by node:crypto (FIPS PUB 197), without padding. Keys have 16, 24 or 32 bytes. */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import { copyOf } from './bytes.ts';

type Mode = 'ecb' | 'cbc';

export function isAesKey(key: Uint8Array): boolean {
  return key.length === 16 || key.length === 24 || key.length === 32;
}

/** ECB into a new array. */
export function aesEncrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return copyOf(createCipheriv(name(key, 'ecb'), key, null).setAutoPadding(false).update(data));
}

/** ECB into a new array. */
export function aesDecrypt(key: Uint8Array, data: Uint8Array): Uint8Array {
  return copyOf(createDecipheriv(name(key, 'ecb'), key, null).setAutoPadding(false).update(data));
}

/** CBC into a new array. */
export function aesEncryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  return copyOf(createCipheriv(name(key, 'cbc'), key, iv).setAutoPadding(false).update(data));
}

/** CBC into a new array. */
export function aesDecryptCbc(key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  return copyOf(createDecipheriv(name(key, 'cbc'), key, iv).setAutoPadding(false).update(data));
}

function name(key: Uint8Array, mode: Mode): string {
  return `aes-${key.length * 8}-${mode}`;
}
