/**
 * Codes that a payer shows to be paid from: one-time codes that the switch gives, and the codes that an enrolled device makes by itself
 * when it has no connection. Both are 18 digits with a check digit (ISO/IEC 7812-1, annex B); a one-time code begins with 88, a
 * device's with 89.
 */
import { hasCheckDigit, weighedSum } from './check-digit.ts';
import { ENGINE_ID_PREFIX } from './ids.ts';
import { layout } from './layout.ts';

/** A one-time code: what is asked for, and what became of it. */
export const PAYER_CODE = layout('payerCode', 96, {
  /** The code, as `payerCodeToken` makes it of the digits. The switch draws it; sent as zero. */
  token: [0, 'u128'],
  /** Who pays with it. */
  accountId: [16, 'u128'],
  /** The payer's device, as in RISK_CONTEXT. A new code of an account on a device takes the place of the one before. */
  device: [32, 'u128'],
  /** The payment that it was used for. Sent as zero. */
  paymentId: [48, 'u128'],
  /** Payments of more wait until the payer has confirmed them; minor units. */
  unconfirmedMax: [64, 'u64'],
  /** When it was given. Sent as zero. */
  timestamp: [72, 'u64'],
  /** Institution that asked for it, one that may debit the account. Sent as zero. */
  owner: [80, 'u32'],
  /** How long it is good, 1 … 60 seconds. */
  lifetimeS: [84, 'u16'],
  /** How the payer was verified when the code was shown, by PBoC tier: 1 = A … 4 = D. */
  codeTier: [86, 'u8'],
  reserved8: [87, 'u8'],
  reserved: [88, 'u64'],
});

/** A device that makes codes by itself: what is asked for, and what was seen of it. */
export const CODE_DEVICE = layout('codeDevice', 128, {
  /** The device's number, as `codeDeviceToken` makes it. The switch draws it: zero to enrol a device; else the one to change. */
  token: [0, 'u128'],
  accountId: [16, 'u128'],
  /** As in RISK_CONTEXT. */
  device: [32, 'u128'],
  /** Payments of more wait until the payer has confirmed them; minor units. */
  unconfirmedMax: [48, 'u64'],
  /** Payments of more are refused; minor units, 0 = none are. */
  amountMax: [56, 'u64'],
  /** Highest counter of a code that was used. Sent as zero. */
  counter: [64, 'u64'],
  /** When this version was made. Sent as zero. */
  timestamp: [72, 'u64'],
  /** Institution that enrolled it. Sent as zero. */
  owner: [80, 'u32'],
  /** Wrong codes since the last right one. Sent as zero. */
  failures: [84, 'u8'],
  /** A CodeDeviceStates value. */
  state: [85, 'u8'],
  /** As in PAYER_CODE. */
  codeTier: [86, 'u8'],
  /** Set by the switch for a device that is new; sent as zero. */
  enrols: [87, 'u8'],
  /** The device's key, in two halves, in the one reply to its enrolment; it is kept nowhere, and zero else. */
  keyA: [88, 'u128'],
  keyB: [104, 'u128'],
  reserved: [120, 'u64'],
});

export const CodeDeviceStates = {
  active: 1,
  /** Its codes are refused: it was lost, or showed too many wrong ones. Made active again, it begins anew. */
  blocked: 2,
} as const;
export type CodeDeviceStateName = keyof typeof CodeDeviceStates;

export const PAYER_CODE_LIMITS = {
  /** Seconds. */
  lifetimeMax: 60,
  /** How far the counter of a device's code may be above the highest that was used. */
  counterWindow: 20,
  /** Wrong codes after which a device is blocked. */
  failuresMax: 5,
} as const;

const DIGITS = 18;
/** How codes begin: those that the switch gives, those that a device makes. */
export const ONE_TIME_PREFIX = 88;
export const DEVICE_PREFIX = 89;
/** A device's number has eight digits; what follows in its codes is one-time password and check digit. */
export const DEVICE_NUMBERS = 100_000_000;
const AFTER_NUMBER = 10n ** 8n;

/** The token of 18 digits; undefined when they are no code of a payer. */
export function payerCodeToken(digits: string): bigint | undefined {
  return /^8[89]\d{16}$/.test(digits) && hasCheckDigit(digits) ? tokenOf(BigInt(digits)) : undefined;
}

/** Codes are read and made in two halves of digits that are exact as numbers: 8, and 10 of which the last checks all. */
const LOW_UNIT = 10_000_000_000;
const HIGH_UNIT = 1_000_000;

/** Of which kind the code is whose token is the id at `offset`, by its prefix; undefined when its check digit is wrong, or it is none. */
export function payerCodeKindAt(view: DataView, offset: number): number | undefined {
  const place = (view.getUint32(offset, true) ^ view.getUint32(offset + 4, true)) >>> 0;
  const isToken = view.getUint32(offset + 12, true) === ENGINE_ID_PREFIX && view.getUint32(offset + 8, true) === place;
  if (!isToken) return undefined;
  const number = view.getBigUint64(offset, true);
  const high = Number(number / BIG_LOW_UNIT);
  if (high < ONE_TIME_PREFIX * HIGH_UNIT || high >= (DEVICE_PREFIX + 1) * HIGH_UNIT) return undefined;
  const low = Number(number % BIG_LOW_UNIT);
  const isRight = (weighedSum(low, false) + weighedSum(high, false)) % 10 === 0;
  return isRight ? Math.floor(high / HIGH_UNIT) : undefined;
}

/**
 * Writes the token of the one-time code with these digits behind its prefix, and the check digit that belongs to them.
 *
 * @param high below 10^6
 * @param low below 10^9
 */
export function writeOneTimeCode(view: DataView, offset: number, high: number, low: number): void {
  const first = ONE_TIME_PREFIX * HIGH_UNIT + high;
  const sum = weighedSum(low, true) + weighedSum(first, false);
  const number = BigInt(first) * BIG_LOW_UNIT + BigInt(low * 10 + ((10 - (sum % 10)) % 10));
  view.setBigUint64(offset, number, true);
  view.setUint32(offset + 8, view.getUint32(offset, true) ^ view.getUint32(offset + 4, true), true);
  view.setUint32(offset + 12, ENGINE_ID_PREFIX, true);
}

const BIG_LOW_UNIT = BigInt(LOW_UNIT);

/** The digits of a code's token. */
export function payerCodeDigits(token: bigint): string {
  return String(token & 0xffff_ffff_ffff_ffffn).padStart(DIGITS, '0');
}

/** The token by which the device is known that made a code. */
export function deviceOfCode(token: bigint): bigint {
  return tokenOf((token & 0xffff_ffff_ffff_ffffn) / AFTER_NUMBER);
}

/** The token of the device with a number of eight digits. */
export function codeDeviceToken(number: number): bigint {
  return tokenOf(BigInt(DEVICE_PREFIX * DEVICE_NUMBERS + number));
}

/** Eight digits. */
export function codeDeviceNumber(token: bigint): string {
  return String(Number(token & 0xffff_ffff_ffff_ffffn) % DEVICE_NUMBERS).padStart(8, '0');
}

/**
 * Ids that only the switch gives: the number, then a word that says where it lives (see engine/hash-id.ts), which follows from the
 * number, so that whoever reads the digits finds it.
 */
function tokenOf(number: bigint): bigint {
  const place = (number ^ (number >> 32n)) & 0xffff_ffffn;
  return (BigInt(ENGINE_ID_PREFIX) << 96n) | (place << 64n) | number;
}
