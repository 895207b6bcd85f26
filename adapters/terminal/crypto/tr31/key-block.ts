/**
 * Wrapping and unwrapping of keys: ANSI X9.143 (TR-31:2018), clause 6. Versions A and C are there for keys that come from
 * old systems; new ones should be wrapped as D.
 *
 *     header │ optional blocks │ encrypted (bits of the key │ key │ random fill) │ MAC over all of it
 */
import { randomBytes } from 'node:crypto';
import { aesDecryptCbc, aesEncryptCbc, isAesKey } from '../aes.ts';
import { concat, copyOf, equalInConstantTime, parseHex, toHex, wipe } from '../bytes.ts';
import { aesCmac, tdesCmac } from '../mac.ts';
import { TripleDes } from '../triple-des.ts';
import {
  blockBytesOf,
  readHeader,
  refuse,
  type Tr31Error,
  type Tr31Header,
  type Tr31Result,
  type Tr31Version,
  writeHeader,
} from './header.ts';

export interface WrapOptions {
  /** The key is filled up to so many bytes, so that its block does not tell its length. */
  readonly maskedBytes?: number;
  /** Makes the fill; given only so that published vectors can be repeated. */
  readonly random?: (count: number) => Uint8Array;
}

interface DerivedKeys {
  readonly encryption: Uint8Array;
  readonly mac: Uint8Array;
}

const ENCRYPTION_VARIANT = 0x45;
const MAC_VARIANT = 0x4d;
/** Keys are announced in bits, in two bytes. */
const LENGTH_BYTES = 2;
const KEY_BYTES_MAX = 512;

/** The key in a block, after the header and the MAC over everything were checked. The caller wipes it after use. */
export function unwrapKey(kbpk: Uint8Array, block: string): Tr31Result<{ header: Tr31Header; key: Uint8Array }> {
  const read = readHeader(block);
  if (!read.ok) return read;
  const { header, headerLength } = read;
  const { version } = header;
  const wrong = protectionKeyProblem(version, kbpk);
  if (wrong !== undefined) return wrong;
  const macBytes = macBytesOf(version);
  const body = parseHex(block.slice(headerLength));
  const blockBytes = blockBytesOf(version);
  if (body === undefined) return refuse('characters', 'the key and the MAC of a key block are hex digits');
  const encrypted = body.subarray(0, Math.max(0, body.length - macBytes));
  const mac = body.subarray(encrypted.length);
  if (encrypted.length === 0 || encrypted.length % blockBytes !== 0) {
    const expected = `whole blocks of ${blockBytes} bytes and a MAC of ${macBytes}`;
    return refuse('length', `after the header come ${expected}, not ${body.length} bytes`);
  }
  const headerBytes = Buffer.from(block.slice(0, headerLength), 'latin1');
  const keys = deriveKeys(version, kbpk);
  const clear = decrypt(version, keys.encryption, encrypted, version === 'B' || version === 'D' ? mac : headerBytes);
  const message = concat(headerBytes, version === 'B' || version === 'D' ? clear : encrypted);
  const expected = macOf(version, keys.mac, message);
  const isRight = equalInConstantTime(expected, mac);
  wipe(keys.encryption, keys.mac, message, expected);
  if (!isRight) {
    wipe(clear);
    return refuse('mac', 'the MAC is wrong: another protection key, or the block was changed');
  }
  const bits = ((clear[0] ?? 0) << 8) | (clear[1] ?? 0);
  const length = bits / 8;
  const isWhole = bits > 0 && bits % 8 === 0 && LENGTH_BYTES + length <= clear.length;
  const key = isWhole ? copyOf(clear, LENGTH_BYTES, LENGTH_BYTES + length) : new Uint8Array(0);
  const room = clear.length - LENGTH_BYTES;
  wipe(clear);
  if (!isWhole) return refuse('key', `the block says ${bits} bits of key and has room for ${room * 8}`);
  const mismatch = keyLengthProblem(header.algorithm, key.length);
  if (mismatch === undefined) return { ok: true, header, key };
  wipe(key);
  return mismatch;
}

/** A key block around a key. */
export function wrapKey(
  kbpk: Uint8Array,
  header: Tr31Header,
  key: Uint8Array,
  { maskedBytes = 0, random = randomBytes }: WrapOptions = {},
): Tr31Result<{ block: string }> {
  const { version } = header;
  const wrong = protectionKeyProblem(version, kbpk) ?? keyLengthProblem(header.algorithm, key.length);
  if (wrong !== undefined) return wrong;
  const blockBytes = blockBytesOf(version);
  const macBytes = macBytesOf(version);
  const filled = Math.max(key.length, Math.min(maskedBytes, KEY_BYTES_MAX));
  const clear = new Uint8Array(Math.ceil((LENGTH_BYTES + filled) / blockBytes) * blockBytes);
  const start = writeHeader(header, 2 * (clear.length + macBytes));
  if (!start.ok) return start;
  const fill = random(clear.length - LENGTH_BYTES - key.length);
  clear[0] = (8 * key.length) >> 8;
  clear[1] = 8 * key.length;
  clear.set(key, LENGTH_BYTES);
  clear.set(fill.subarray(0, clear.length - LENGTH_BYTES - key.length), LENGTH_BYTES + key.length);
  const headerBytes = Buffer.from(start.text, 'latin1');
  const keys = deriveKeys(version, kbpk);
  let encrypted: Uint8Array;
  let mac: Uint8Array;
  if (version === 'B' || version === 'D') {
    const message = concat(headerBytes, clear);
    mac = macOf(version, keys.mac, message);
    encrypted = encrypt(version, keys.encryption, clear, mac);
    wipe(message);
  } else {
    encrypted = encrypt(version, keys.encryption, clear, headerBytes);
    mac = macOf(version, keys.mac, concat(headerBytes, encrypted));
  }
  wipe(clear, keys.encryption, keys.mac);
  return { ok: true, block: start.text + toHex(encrypted) + toHex(mac) };
}

/** The first bytes of an encrypted block of zeros (DES), or of the CMAC of one (AES): tells keys apart, and nothing else. */
export function checkValue(algorithm: string, key: Uint8Array): string | undefined {
  const isTdes = algorithm === 'T' || algorithm === 'D';
  if (isTdes && (key.length === 8 || key.length === 16 || key.length === 24)) {
    const cipher = new TripleDes(key);
    const value = toHex(cipher.encrypt(new Uint8Array(8)).subarray(0, 3));
    cipher.wipe();
    return value;
  }
  return algorithm === 'A' && isAesKey(key) ? toHex(aesCmac(key, new Uint8Array(16)).subarray(0, 5)) : undefined;
}

function macBytesOf(version: Tr31Version): number {
  return version === 'D' ? 16 : version === 'B' ? 8 : 4;
}

function protectionKeyProblem(version: Tr31Version, kbpk: Uint8Array): Tr31Error | undefined {
  const { length } = kbpk;
  if (version === 'D') {
    return isAesKey(kbpk)
      ? undefined
      : refuse('protectionKey', `version D needs a protection key of 16, 24 or 32 bytes, not ${length}`);
  }
  return length === 16 || length === 24
    ? undefined
    : refuse('protectionKey', `version ${version} needs a protection key of 16 or 24 bytes, not ${length}`);
}

function keyLengthProblem(algorithm: string, length: number): Tr31Error | undefined {
  const allowed: Readonly<Record<string, readonly number[]>> = { A: [16, 24, 32], T: [16, 24], D: [8] };
  const lengths = allowed[algorithm];
  if (lengths === undefined ? length > 0 && length <= KEY_BYTES_MAX : lengths.includes(length)) return undefined;
  const expected = lengths?.join(', ') ?? `1 to ${KEY_BYTES_MAX}`;
  return refuse('key', `a key of algorithm ${algorithm} has ${expected} bytes, not ${length}`);
}

/** 6.1.2 and 6.1.3: variants of the protection key, or keys by CMAC in counter mode. */
function deriveKeys(version: Tr31Version, kbpk: Uint8Array): DerivedKeys {
  if (version === 'A' || version === 'C') {
    return {
      encryption: kbpk.map((byte) => byte ^ ENCRYPTION_VARIANT),
      mac: kbpk.map((byte) => byte ^ MAC_VARIANT),
    };
  }
  return { encryption: derived(version, kbpk, 0), mac: derived(version, kbpk, 1) };
}

function derived(version: 'B' | 'D', kbpk: Uint8Array, use: number): Uint8Array {
  const { length } = kbpk;
  const input = new Uint8Array(8);
  input[2] = use;
  // 2-key and 3-key triple DES are 0 and 1; AES with 128, 192 and 256 bits 2, 3 and 4.
  input[5] = version === 'B' ? (length - 16) / 8 : 2 + (length - 16) / 8;
  input[6] = (8 * length) >> 8;
  input[7] = 8 * length;
  const blocks: Uint8Array[] = [];
  for (let done = 0, counter = 1; done < length; done += blockBytesOf(version), counter++) {
    input[0] = counter;
    blocks.push(version === 'B' ? tdesCmac(kbpk, input) : aesCmac(kbpk, input));
  }
  const all = concat(...blocks);
  const key = copyOf(all, 0, length);
  wipe(all, ...blocks);
  return key;
}

function macOf(version: Tr31Version, key: Uint8Array, message: Uint8Array): Uint8Array {
  if (version === 'D') return aesCmac(key, message);
  if (version === 'B') return tdesCmac(key, message);
  const cipher = new TripleDes(key);
  const last = cipher.encryptCbc(message).subarray(-8);
  cipher.wipe();
  return copyOf(last, 0, 4);
}

/** The start vector is the MAC in versions B and D, the start of the header in A and C. */
function encrypt(version: Tr31Version, key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  if (version === 'D') return aesEncryptCbc(key, data, iv.subarray(0, 16));
  const cipher = new TripleDes(key);
  const encrypted = cipher.encryptCbc(data, iv.subarray(0, 8));
  cipher.wipe();
  return encrypted;
}

function decrypt(version: Tr31Version, key: Uint8Array, data: Uint8Array, iv: Uint8Array): Uint8Array {
  if (version === 'D') return aesDecryptCbc(key, data, iv.subarray(0, 16));
  const cipher = new TripleDes(key);
  const clear = cipher.decryptCbc(data, iv.subarray(0, 8));
  cipher.wipe();
  return clear;
}
