/** AES DUKPT on the receiving side: ANSI X9.24-3:2017, clause 6. */
import { aesEncrypt, isAesKey } from '../aes.ts';
import { copyOf, wipe } from '../bytes.ts';
import { counterProblem, type Derived } from './counter.ts';

/** What a working key is for, with its code in the derivation data (6.2.1, table 1). */
export const AES_DUKPT_USES = {
  keyEncryption: 0x0002,
  pin: 0x1000,
  macRequest: 0x2000,
  macResponse: 0x2001,
  macBoth: 0x2002,
  dataRequest: 0x3000,
  dataResponse: 0x3001,
  dataBoth: 0x3002,
} as const;

export type AesDukptUse = keyof typeof AES_DUKPT_USES;

/** Types of working keys, with their codes and lengths in bits (6.2.1, tables 2 and 3), and their strength in bits. */
export const AES_DUKPT_KEY_TYPES = {
  tdes2: { code: 0, bits: 128, strength: 80 },
  tdes3: { code: 1, bits: 192, strength: 112 },
  aes128: { code: 2, bits: 128, strength: 128 },
  aes192: { code: 3, bits: 192, strength: 192 },
  aes256: { code: 4, bits: 256, strength: 256 },
} as const;

export type AesDukptKeyType = keyof typeof AES_DUKPT_KEY_TYPES;

/** Key serial numbers have twelve bytes: the initial key's id (8) and the counter (4). */
const KSN_BYTES = 12;
const ID_BYTES = 8;
const ONES_MAX = 16;
const DERIVATION = 0x8000;
const INITIAL = 0x8001;

/** The initial key of a device (IK), as long as the base derivation key; the counter of the KSN does not matter. */
export function aesInitialKey(bdk: Uint8Array, ksn: Uint8Array): Derived<Uint8Array> {
  const type = typeOf(bdk);
  if (type === undefined) {
    return { ok: false, problem: `a base derivation key of AES DUKPT has 16, 24 or 32 bytes, not ${bdk.length}` };
  }
  if (ksn.length !== KSN_BYTES) {
    return { ok: false, problem: `a key serial number of AES DUKPT has 12 bytes, not ${ksn.length}` };
  }
  return { ok: true, keys: deriveKey(bdk, INITIAL, type, ksn.subarray(0, ID_BYTES)) };
}

/**
 * A working key of the transaction that the KSN counts; by default as long as the base key. A stronger type than the base
 * key is refused: it would only look stronger. TDES keys come without parity.
 */
export function aesWorkingKey(
  bdk: Uint8Array,
  ksn: Uint8Array,
  use: AesDukptUse,
  keyType?: AesDukptKeyType,
): Derived<Uint8Array> {
  const initial = aesInitialKey(bdk, ksn);
  if (!initial.ok) return initial;
  const type = typeOf(bdk) ?? 'aes128';
  const workingType = keyType ?? type;
  if (AES_DUKPT_KEY_TYPES[workingType].strength > AES_DUKPT_KEY_TYPES[type].strength) {
    return { ok: false, problem: `keys of type ${workingType} cannot come from a base key of ${bdk.length} bytes` };
  }
  const counter = aesCounter(ksn);
  const problem = counterProblem(counter, ONES_MAX);
  if (problem !== undefined) return { ok: false, problem };

  // 6.3.3: from the leftmost one bit of the counter on, a derivation for each one bit over those so far.
  const context = copyOf(ksn, 4);
  const view = new DataView(context.buffer);
  let key = initial.keys;
  let walked = 0;
  for (let bit = 31; bit >= 0; bit--) {
    const mask = (1 << bit) >>> 0;
    if ((counter & mask) === 0) continue;
    walked = (walked | mask) >>> 0;
    view.setUint32(4, walked);
    const next = deriveKey(key, DERIVATION, type, context);
    wipe(key);
    key = next;
  }
  const working = deriveKey(key, AES_DUKPT_USES[use], workingType, context);
  wipe(key);
  return { ok: true, keys: working };
}

/** The transaction counter of a key serial number. */
export function aesCounter(ksn: Uint8Array): number {
  return Buffer.from(ksn.buffer, ksn.byteOffset, ksn.byteLength).readUInt32BE(ID_BYTES);
}

/** 6.2: AES in ECB over as many blocks of derivation data as the new key needs. `context` has eight bytes. */
function deriveKey(key: Uint8Array, use: number, type: AesDukptKeyType, context: Uint8Array): Uint8Array {
  const { code, bits } = AES_DUKPT_KEY_TYPES[type];
  const blocks = Math.ceil(bits / 128);
  const data = Buffer.alloc(16 * blocks);
  for (let block = 0; block < blocks; block++) {
    const at = 16 * block;
    data[at] = 1;
    data[at + 1] = block + 1;
    data.writeUInt16BE(use, at + 2);
    data.writeUInt16BE(code, at + 4);
    data.writeUInt16BE(bits, at + 6);
    data.set(context, at + 8);
  }
  const encrypted = aesEncrypt(key, data);
  const derived = copyOf(encrypted, 0, bits / 8);
  wipe(encrypted);
  return derived;
}

function typeOf(key: Uint8Array): AesDukptKeyType | undefined {
  if (!isAesKey(key)) return undefined;
  return key.length === 16 ? 'aes128' : key.length === 24 ? 'aes192' : 'aes256';
}
