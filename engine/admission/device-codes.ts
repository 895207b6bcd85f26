/**
 * The codes that enrolled devices make without a connection: 89, the device's number (8 digits), a one-time password (7 digits), a check digit.
 * The password is HOTP (RFC 4226) with HMAC-SHA-256 as in RFC 6238, under a key that is the device's own:
 *
 *   key := HMAC-SHA-256(master key, "sluice device code" ‖ number)        given to the device once, when it is enrolled
 *   password := truncate(HMAC-SHA-256(key, counter as 8 bytes)) mod 10^7
 */
import { createHmac } from 'node:crypto';
import { checkDigitOf } from '../../protocol/check-digit.ts';
import { codeDeviceNumber, DEVICE_PREFIX, PAYER_CODE_LIMITS } from '../../protocol/payer-codes.ts';

const PASSWORDS = 10_000_000;
const PASSWORD_DIGITS = 7;
const LABEL = 'sluice device code';

/** Key of the device with this token: 32 bytes. */
export function deviceKey(master: Uint8Array, token: bigint): Uint8Array {
  return createHmac('sha256', master).update(LABEL).update(codeDeviceNumber(token)).digest();
}

/** What a device shows, by its key and its counter, 1 for the first: 18 digits. */
export function deviceCode(key: Uint8Array, token: bigint, counter: number): string {
  const digits = `${DEVICE_PREFIX}${codeDeviceNumber(token)}${passwordText(key, counter)}`;
  return digits + checkDigitOf(digits);
}

/**
 * The counter of a code, of those that are looked at: up to a window above the highest that was used, and as far below, so that a code that
 * comes again is told from a wrong one. Undefined when the code is none of them.
 */
export function counterOfCode(key: Uint8Array, digits: string, highest: number): number | undefined {
  const shown = Number(digits.slice(-1 - PASSWORD_DIGITS, -1));
  const { counterWindow } = PAYER_CODE_LIMITS;
  for (let step = 1; step <= counterWindow; step++) {
    if (password(key, highest + step) === shown) return highest + step;
  }
  for (let counter = highest; counter > 0 && counter > highest - counterWindow; counter--) {
    if (password(key, counter) === shown) return counter;
  }
  return undefined;
}

function passwordText(key: Uint8Array, counter: number): string {
  return String(password(key, counter)).padStart(PASSWORD_DIGITS, '0');
}

/** RFC 4226, 5.3. */
function password(key: Uint8Array, counter: number): number {
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac('sha256', key).update(message).digest();
  const at = (mac[mac.length - 1] as number) & 0x0f;
  return (mac.readUInt32BE(at) & 0x7fff_ffff) % PASSWORDS;
}
