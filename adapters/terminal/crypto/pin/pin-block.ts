/**
 * PIN blocks of ISO 9564-1: formats 0 and 3 (eight bytes, triple DES) and 4 (sixteen bytes, AES). A PIN is held as bytes
 * with a digit each, never as text, so that it can be overwritten after use.
 */
import { randomBytes } from 'node:crypto';
import { aesDecrypt, aesEncrypt, isAesKey } from '../aes.ts';
import { copyOf, wipe, xor } from '../bytes.ts';
import { TripleDes } from '../triple-des.ts';

export const PIN_BLOCK_FORMATS = [0, 3, 4] as const;
export type PinBlockFormat = (typeof PIN_BLOCK_FORMATS)[number];

export type PinBlockResult<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly problem: string };

/** Digits of a PIN, a byte each. Whoever has it wipes it. */
export type Pin = Uint8Array;

const PIN_MIN = 4;
const PIN_MAX = 12;
const PAN = /^\d{12,19}$/;
const FILL_0 = 0xf;
const FILL_4 = 0xa;

/** Digits as bytes; undefined unless they are 4 to 12 decimal digits. */
export function pinOf(text: string): Pin | undefined {
  return /^\d{4,12}$/.test(text) ? Uint8Array.from(text, (digit) => digit.charCodeAt(0) - 48) : undefined;
}

/**
 * A block under a key (16 or 24 bytes of triple DES, 16, 24 or 32 of AES for format 4), or in clear without one. Format 4
 * in clear is the PIN field alone. `random` makes fill digits; given only so that published vectors can be repeated.
 */
export function encodePinBlock(
  format: PinBlockFormat,
  pin: Pin,
  pan: string,
  key: Uint8Array | undefined,
  random: (count: number) => Uint8Array = randomBytes,
): PinBlockResult<Uint8Array> {
  const problem = inputProblem(format, pan, key);
  if (problem !== undefined) return { ok: false, problem };
  if (!isPin(pin)) return { ok: false, problem: 'a PIN has 4 to 12 digits' };
  const field = pinField(format, pin, random);
  if (format === 4) {
    if (key === undefined) return { ok: true, value: field };
    const inner = aesEncrypt(key, field);
    const masked = xor(inner, panField4(pan));
    const block = aesEncrypt(key, masked);
    wipe(field, inner, masked);
    return { ok: true, value: block };
  }
  const clear = xor(field, panField(pan));
  wipe(field);
  if (key === undefined) return { ok: true, value: clear };
  const cipher = new TripleDes(key);
  const block = cipher.encrypt(clear);
  cipher.wipe();
  wipe(clear);
  return { ok: true, value: block };
}

/**
 * The PIN in a block. Every digit of the block is checked, so that a wrong key, PAN or format is told from a PIN with
 * all likelihood; the message does not say which digit is wrong, as that would tell about the PIN.
 */
export function decodePinBlock(
  format: PinBlockFormat,
  block: Uint8Array,
  pan: string,
  key: Uint8Array | undefined,
): PinBlockResult<Pin> {
  const problem = inputProblem(format, pan, key);
  if (problem !== undefined) return { ok: false, problem };
  const bytes = format === 4 ? 16 : 8;
  if (block.length !== bytes) {
    return { ok: false, problem: `a PIN block of format ${format} has ${bytes} bytes, not ${block.length}` };
  }
  const field = format === 4 ? openField4(block, pan, key) : openField(block, pan, key);
  const pin = readField(format, field);
  wipe(field);
  return pin === undefined
    ? { ok: false, problem: `this is no PIN block of format ${format}: wrong key, account number or format` }
    : { ok: true, value: pin };
}

function openField(block: Uint8Array, pan: string, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined) return xor(block, panField(pan));
  const cipher = new TripleDes(key);
  const clear = cipher.decrypt(block);
  cipher.wipe();
  const field = xor(clear, panField(pan));
  wipe(clear);
  return field;
}

function openField4(block: Uint8Array, pan: string, key: Uint8Array | undefined): Uint8Array {
  if (key === undefined) return copyOf(block);
  const masked = aesDecrypt(key, block);
  const inner = xor(masked, panField4(pan));
  const field = aesDecrypt(key, inner);
  wipe(masked, inner);
  return field;
}

/** Control digit, length, PIN, fill: F in format 0, random A to F in format 3, A and eight random bytes in format 4. */
function pinField(format: PinBlockFormat, pin: Pin, random: (count: number) => Uint8Array): Uint8Array {
  const field = new Uint8Array(format === 4 ? 16 : 8);
  const fill = format === 3 ? random(14) : undefined;
  setDigit(field, 0, format);
  setDigit(field, 1, pin.length);
  for (let at = 0; at < 14; at++) {
    const filler = fill === undefined ? (format === 4 ? FILL_4 : FILL_0) : 10 + ((fill[at] ?? 0) % 6);
    setDigit(field, 2 + at, pin[at] ?? filler);
  }
  if (format === 4) field.set(random(8), 8);
  return field;
}

function readField(format: PinBlockFormat, field: Uint8Array): Pin | undefined {
  const length = digitAt(field, 1);
  if (digitAt(field, 0) !== format || length < PIN_MIN || length > PIN_MAX) return undefined;
  const pin = new Uint8Array(length);
  let wrong = 0;
  for (let at = 0; at < 14; at++) {
    const digit = digitAt(field, 2 + at);
    if (at < length) {
      pin[at] = digit;
      wrong += digit > 9 ? 1 : 0;
    } else if (format === 3) wrong += digit < 10 ? 1 : 0;
    else wrong += digit === (format === 4 ? FILL_4 : FILL_0) ? 0 : 1;
  }
  if (wrong === 0) return pin;
  wipe(pin);
  return undefined;
}

/** Four zeros, then the twelve rightmost digits without the check digit. */
function panField(pan: string): Uint8Array {
  return Buffer.from(`0000${pan.slice(-13, -1).padStart(12, '0')}`, 'hex');
}

/** Number of digits above twelve, the digits, zeros. */
function panField4(pan: string): Uint8Array {
  return Buffer.from(`${pan.length - 12}${pan}`.padEnd(32, '0'), 'hex');
}

function inputProblem(format: PinBlockFormat, pan: string, key: Uint8Array | undefined): string | undefined {
  if (!PAN.test(pan)) return 'the account number must be 12 to 19 digits';
  if (key === undefined) return undefined;
  if (format === 4)
    return isAesKey(key) ? undefined : `format 4 needs an AES key of 16, 24 or 32 bytes, not ${key.length}`;
  return key.length === 16 || key.length === 24
    ? undefined
    : `format ${format} needs a triple DES key of 16 or 24 bytes, not ${key.length}`;
}

function isPin(pin: Pin): boolean {
  return pin.length >= PIN_MIN && pin.length <= PIN_MAX && pin.every((digit) => digit <= 9);
}

function digitAt(field: Uint8Array, at: number): number {
  const byte = field[at >> 1] ?? 0;
  return at % 2 === 0 ? byte >> 4 : byte & 15;
}

function setDigit(field: Uint8Array, at: number, digit: number): void {
  field[at >> 1] = (field[at >> 1] ?? 0) | (at % 2 === 0 ? digit << 4 : digit);
}
