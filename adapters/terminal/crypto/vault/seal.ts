/**
 * Data that is kept encrypted: AES in Galois/Counter Mode (NIST SP 800-38D), with 16 bytes of tag.
 *
 *     [nonce 12][tag 16][ciphertext]
 *
 * Nonces are random: one key is good for 2³² seals (SP 800-38D, 8.3).
 */
import { type CipherGCMTypes, createCipheriv, createDecipheriv, randomBytes } from 'node:crypto';

const NONCE_BYTES = 12;
const TAG_BYTES = 16;

/** @param key 16, 24 or 32 bytes */
export function seal(key: Uint8Array, plain: Uint8Array, context: string): Uint8Array {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(algorithmOf(key), key, nonce).setAAD(Buffer.from(context));
  const content = Buffer.concat([cipher.update(plain), cipher.final()]);
  return Buffer.concat([nonce, cipher.getAuthTag(), content]);
}

/** Undefined for what was sealed under another key or for another context, and for what was changed. */
export function unseal(key: Uint8Array, sealed: Uint8Array, context: string): Uint8Array | undefined {
  if (sealed.length < NONCE_BYTES + TAG_BYTES) return undefined;
  const options = { authTagLength: TAG_BYTES };
  const decipher = createDecipheriv(algorithmOf(key), key, sealed.subarray(0, NONCE_BYTES), options)
    .setAAD(Buffer.from(context))
    .setAuthTag(sealed.subarray(NONCE_BYTES, NONCE_BYTES + TAG_BYTES));
  try {
    return Buffer.concat([decipher.update(sealed.subarray(NONCE_BYTES + TAG_BYTES)), decipher.final()]);
  } catch {
    return undefined;
  }
}

function algorithmOf({ length }: Uint8Array): CipherGCMTypes {
  return length === 32 ? 'aes-256-gcm' : length === 24 ? 'aes-192-gcm' : 'aes-128-gcm';
}
