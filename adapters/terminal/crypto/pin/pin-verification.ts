/**
 * Verification of PINs by values that do not tell the PIN: the Visa PIN verification value (PVV) and the IBM 3624 offset;
 * and the card verification value (CVV, iCVV) of the magnetic stripe and its image in the chip.
 */
import { equalInConstantTime, wipe } from '../bytes.ts';
import { TripleDes } from '../triple-des.ts';
import type { Pin } from './pin-block.ts';

/** 0 to 9 for each hex digit of an encrypted block; this table is the usual one, where A to F become 0 to 5. */
export const DECIMALISATION = '0123456789012345';

/**
 * PVV: 3DES under the pair of PIN verification keys (16 bytes) of eleven digits of the PAN without its check digit, the
 * key index and the first four digits of the PIN; four digits, of which decimal ones come first.
 */
export function pinVerificationValue(key: Uint8Array, pin: Pin, pan: string, keyIndex: number): string {
  const input = new Uint8Array(8);
  const digits = [...digitsOf(pan.slice(-12, -1)), keyIndex, ...pin.subarray(0, 4)];
  for (const [at, digit] of digits.entries()) input[at >> 1] = ((input[at >> 1] ?? 0) << 4) | digit;
  digits.fill(0);
  const value = decimalsFirst(encryptOnce(key, input), 4);
  wipe(input);
  return value;
}

/** Whether a PIN is the one of a PVV. */
export function pvvMatches(key: Uint8Array, pin: Pin, pan: string, keyIndex: number, pvv: string): boolean {
  return sameText(pinVerificationValue(key, pin, pan, keyIndex), pvv);
}

/**
 * IBM 3624: the natural PIN is the encrypted validation data (16 digits, often of the PAN) by the decimalisation table; the
 * offset is what has to be added to each digit of it, modulo 10, to get the PIN. As many digits as the PIN has.
 */
export function ibmPinOffset(key: Uint8Array, pin: Pin, validationData: string, table = DECIMALISATION): string {
  const natural = naturalPin(key, validationData, table, pin.length);
  let offset = '';
  for (const [at, digit] of pin.entries()) offset += (digit - (natural[at] ?? 0) + 10) % 10;
  wipe(natural);
  return offset;
}

/** Whether a PIN is the one of an offset; an offset shorter than the PIN is wrong. */
export function ibmPinMatches(
  key: Uint8Array,
  pin: Pin,
  validationData: string,
  offset: string,
  table = DECIMALISATION,
): boolean {
  return sameText(ibmPinOffset(key, pin, validationData, table), offset);
}

/**
 * CVV: three digits from PAN, expiry (four digits, in the order of the card: YYMM on the stripe) and service code, under a
 * pair of card verification keys (16 bytes). The value of the chip's track image (iCVV) is that with service code 999.
 */
export function cardVerificationValue(key: Uint8Array, pan: string, expiry: string, serviceCode: string): string {
  const data = Buffer.from(`${pan}${expiry}${serviceCode}`.padEnd(32, '0'), 'hex');
  const first = encryptOnce(key.subarray(0, 8), data.subarray(0, 8));
  for (let at = 0; at < 8; at++) first[at] = (first[at] ?? 0) ^ (data[8 + at] ?? 0);
  return decimalsFirst(encryptOnce(key, first), 3);
}

/** Service code of the iCVV. */
export const CHIP_SERVICE_CODE = '999';

export function cvvMatches(key: Uint8Array, pan: string, expiry: string, serviceCode: string, cvv: string): boolean {
  return sameText(cardVerificationValue(key, pan, expiry, serviceCode), cvv);
}

function naturalPin(key: Uint8Array, validationData: string, table: string, length: number): Uint8Array {
  const encrypted = encryptOnce(key, Buffer.from(validationData.padEnd(16, '0').slice(0, 16), 'hex'));
  const natural = new Uint8Array(length);
  for (let at = 0; at < length; at++) {
    const byte = encrypted[at >> 1] ?? 0;
    natural[at] = table.charCodeAt(at % 2 === 0 ? byte >> 4 : byte & 15) - 48;
  }
  wipe(encrypted);
  return natural;
}

/** Decimal digits from left to right, then letters as digits from A = 0, until there are enough. */
function decimalsFirst(encrypted: Uint8Array, count: number): string {
  const digits = [...encrypted].flatMap((byte) => [byte >> 4, byte & 15]);
  wipe(encrypted);
  return [...digits.filter((digit) => digit < 10), ...digits.filter((digit) => digit > 9).map((digit) => digit - 10)]
    .slice(0, count)
    .join('');
}

function encryptOnce(key: Uint8Array, block: Uint8Array): Uint8Array {
  const cipher = new TripleDes(key);
  const encrypted = cipher.encrypt(block);
  cipher.wipe();
  return encrypted;
}

function digitsOf(text: string): number[] {
  return Array.from(text, Number);
}

function sameText(computed: string, given: string): boolean {
  return equalInConstantTime(Buffer.from(computed), Buffer.from(given));
}
