/** TDES DUKPT on the receiving side: ANSI X9.24-1:2009, annex A. */
import { copyOf, wipe, xor } from '../bytes.ts';
import { TripleDes } from '../triple-des.ts';
import { counterProblem, type Derived } from './counter.ts';

export interface TdesTransactionKeys {
  /** The key that the others are variants of; nothing is enciphered with it. */
  readonly transaction: Uint8Array;
  readonly pin: Uint8Array;
  readonly macRequest: Uint8Array;
  readonly macResponse: Uint8Array;
  readonly dataRequest: Uint8Array;
  readonly dataResponse: Uint8Array;
}

/** Key serial numbers have ten bytes; the rightmost 21 bits count. Shorter ones are filled with FF on the left. */
const KSN_BYTES = 10;
const KSN_BYTES_MIN = 8;
const KEY_BYTES = 16;
const COUNTER_BITS = 21;
const ONES_MAX = 10;
/** What is added to both halves of a base key or a register, X9.24-1 A.2. */
const VARIANT = Buffer.from('C0C0C0C000000000C0C0C0C000000000', 'hex');
/** The byte of each half of the transaction's key that a working key differs in, from the left (X9.24-1, table A-1). */
const VARIANT_AT = { pin: 7, macRequest: 6, macResponse: 4, dataRequest: 5, dataResponse: 3 } as const;

/** The initial key of a device (IPEK), sixteen bytes as they come, without parity: the counter of the KSN does not matter. */
export function tdesInitialKey(bdk: Uint8Array, ksn: Uint8Array): Derived<Uint8Array> {
  const problem = sizeProblem(bdk, ksn);
  if (problem !== undefined) return { ok: false, problem };
  const device = withoutCounter(filled(ksn)).subarray(0, 8);
  const variant = xor(bdk, VARIANT);
  const keys = new Uint8Array(KEY_BYTES);
  keys.set(oneBlock(bdk, device), 0);
  keys.set(oneBlock(variant, device), 8);
  wipe(variant);
  return { ok: true, keys: keys };
}

/** The keys of the transaction that the KSN counts. */
export function tdesTransactionKeys(bdk: Uint8Array, ksn: Uint8Array): Derived<TdesTransactionKeys> {
  const initial = tdesInitialKey(bdk, ksn);
  if (!initial.ok) return initial;
  const counter = tdesCounter(ksn);
  const problem = counterProblem(counter, ONES_MAX);
  if (problem !== undefined) return { ok: false, problem };
  const key = derive(initial.keys, ksn, counter);
  wipe(initial.keys);
  const keys = {
    transaction: copyOf(key),
    pin: variantOf(key, VARIANT_AT.pin),
    macRequest: variantOf(key, VARIANT_AT.macRequest),
    macResponse: variantOf(key, VARIANT_AT.macResponse),
    dataRequest: dataKey(key, VARIANT_AT.dataRequest),
    dataResponse: dataKey(key, VARIANT_AT.dataResponse),
  };
  wipe(key);
  return { ok: true, keys };
}

/** The transaction counter of a key serial number. */
export function tdesCounter(ksn: Uint8Array): number {
  const [high = 0, middle = 0, low = 0] = ksn.subarray(ksn.length - 3);
  return ((high & 0x1f) << 16) | (middle << 8) | low;
}

/** X9.24-1 A.3: one non-reversible key generation for each one bit of the counter, from the left. */
function derive(initial: Uint8Array, ksn: Uint8Array, counter: number): Uint8Array {
  const key = copyOf(initial);
  const register = registerOf(ksn);
  for (let bit = COUNTER_BITS - 1; bit >= 0; bit--) {
    if ((counter & (1 << bit)) === 0) continue;
    const at = 7 - (bit >> 3);
    register[at] = (register[at] ?? 0) | (1 << (bit & 7));
    const variant = xor(key, VARIANT);
    const right = generated(key, register);
    const left = generated(variant, register);
    key.set(left, 0);
    key.set(right, 8);
    wipe(variant, left, right);
  }
  return key;
}

/** The register ⊕ the right half, encrypted by DES under the left half, ⊕ the right half again. */
function generated(key: Uint8Array, register: Uint8Array): Uint8Array {
  const right = key.subarray(8);
  return xor(oneBlock(key.subarray(0, 8), xor(register, right)), right);
}

function variantOf(key: Uint8Array, at: number): Uint8Array {
  const variant = copyOf(key);
  for (const half of [0, 8]) variant[half + at] = (variant[half + at] ?? 0) ^ 0xff;
  return variant;
}

/** Data keys pass a one-way step: each half is encrypted under the whole. */
function dataKey(key: Uint8Array, at: number): Uint8Array {
  const variant = variantOf(key, at);
  const data = oneBlock(variant, variant);
  wipe(variant);
  return data;
}

function oneBlock(key: Uint8Array, data: Uint8Array): Uint8Array {
  const cipher = new TripleDes(key);
  const encrypted = cipher.encrypt(data);
  cipher.wipe();
  return encrypted;
}

function filled(ksn: Uint8Array): Uint8Array {
  const whole = new Uint8Array(KSN_BYTES).fill(0xff);
  whole.set(ksn, KSN_BYTES - ksn.length);
  return whole;
}

function withoutCounter(ksn: Uint8Array): Uint8Array {
  ksn[7] = (ksn[7] ?? 0) & 0xe0;
  ksn[8] = 0;
  ksn[9] = 0;
  return ksn;
}

/** The rightmost eight bytes with a counter of zero. */
function registerOf(ksn: Uint8Array): Uint8Array {
  return copyOf(withoutCounter(filled(ksn)), 2);
}

function sizeProblem(bdk: Uint8Array, ksn: Uint8Array): string | undefined {
  if (bdk.length !== KEY_BYTES) return `a base derivation key of TDES DUKPT has 16 bytes, not ${bdk.length}`;
  return ksn.length < KSN_BYTES_MIN || ksn.length > KSN_BYTES
    ? `a key serial number of TDES DUKPT has 8 to 10 bytes, not ${ksn.length}`
    : undefined;
}
