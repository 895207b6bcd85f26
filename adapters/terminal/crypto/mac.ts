/** Message authentication codes of fields 64 and 128, of cryptograms and of key blocks. */
import { aesEncrypt, aesEncryptCbc } from './aes.ts';
import { equalInConstantTime, wipe } from './bytes.ts';
import { type Padding, pad, TDES_BLOCK } from './padding.ts';
import { TripleDes } from './triple-des.ts';

const AES_BLOCK = 16;

/** Retail MAC, ISO/IEC 9797-1 algorithm 3 with DES: eight bytes. The key has 16 bytes (K‖K′). */
export function retailMac(key: Uint8Array, message: Uint8Array, padding: Padding): Uint8Array {
  const cipher = new TripleDes(key);
  const mac = cipher.retailMac(message, padding);
  cipher.wipe();
  return mac;
}

/** CMAC with triple DES (NIST SP 800-38B, ISO/IEC 9797-1 algorithm 5): eight bytes. The key has 16 or 24 bytes. */
export function tdesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const cipher = new TripleDes(key);
  const subkey = cipher.encrypt(new Uint8Array(TDES_BLOCK));
  const masked = masking(message, subkey, 0x1b);
  const mac = cipher.encryptCbc(masked).slice(-TDES_BLOCK);
  cipher.wipe();
  wipe(subkey, masked);
  return mac;
}

/** CMAC with AES (NIST SP 800-38B, RFC 4493): sixteen bytes. The key has 16, 24 or 32 bytes. */
export function aesCmac(key: Uint8Array, message: Uint8Array): Uint8Array {
  const zero = new Uint8Array(AES_BLOCK);
  const subkey = aesEncrypt(key, zero);
  const masked = masking(message, subkey, 0x87);
  const mac = aesEncryptCbc(key, masked, zero).slice(-AES_BLOCK);
  wipe(subkey, masked);
  return mac;
}

/** A MAC that may be cut short, as in field 64: at least four bytes, compared in constant time. */
export function macMatches(computed: Uint8Array, received: Uint8Array): boolean {
  return received.length >= 4 && equalInConstantTime(computed.subarray(0, received.length), received);
}

/**
 * SP 800-38B 6.2: the last block is masked with the subkey doubled once when it is whole, and padded and masked with the
 * subkey doubled twice when it is not.
 */
function masking(message: Uint8Array, subkey: Uint8Array, polynomial: number): Uint8Array {
  const blockBytes = subkey.length;
  double(subkey, polynomial);
  const isWhole = message.length > 0 && message.length % blockBytes === 0;
  if (!isWhole) double(subkey, polynomial);
  const masked = pad(message, isWhole ? 1 : 2, blockBytes);
  const last = masked.length - blockBytes;
  for (let at = 0; at < blockBytes; at++) masked[last + at] = (masked[last + at] ?? 0) ^ (subkey[at] ?? 0);
  return masked;
}

/** Multiplies by x in the field of the block, in place and without a branch on the secret. */
function double(block: Uint8Array, polynomial: number): void {
  const carry = (block[0] ?? 0) >> 7;
  for (let at = 0; at < block.length; at++) block[at] = ((block[at] ?? 0) << 1) | ((block[at + 1] ?? 0) >> 7);
  const last = block.length - 1;
  block[last] = (block[last] ?? 0) ^ (-carry & polynomial);
}
