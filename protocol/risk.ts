/** What the caller of a payment tells of its circumstances, for the risk rules. */
import { layout } from './layout.ts';

/** Follows the PAYMENT when its flags say so, before the reference. What is not known is zero. */
export const RISK_CONTEXT = layout('riskContext', 64, {
  /** The payer's device, as the caller names it: a keyed hash, never a raw serial number. */
  device: [0, 'u128'],
  /** Where the request came from: a keyed hash of the address. */
  ip: [16, 'u128'],
  /** The token of the card that was used; never the PAN. */
  card: [32, 'u128'],
  /** Of the device or terminal, in 1e-6 degrees, north and east positive: two's complement. */
  latitude: [48, 'u32'],
  longitude: [52, 'u32'],
  /** ISO 3166-1 alpha-2 as two ASCII bytes, the first in the high byte. */
  country: [56, 'u16'],
  /** ISO 18245 merchant category. */
  mcc: [58, 'u16'],
  /** A Channels value. */
  channel: [60, 'u8'],
  /** How a barcode payment was verified, by PBoC tier: 1 = A … 4 = D. */
  codeTier: [61, 'u8'],
  /** RiskContextFlags. */
  flags: [62, 'u8'],
  reserved: [63, 'u8'],
});

export const RiskContextFlags = {
  /** Latitude and longitude are known. */
  location: 1 << 0,
} as const;

/** The way by which a payment came. */
export const Channels = {
  unknown: 0,
  wallet: 1,
  cardPresent: 2,
  contactless: 3,
  qr: 4,
  ecommerce: 5,
  social: 6,
  crossBorder: 7,
  cash: 8,
} as const;
export type ChannelName = keyof typeof Channels;

/** ISO 3166-1 alpha-2 as in RISK_CONTEXT; undefined when it is not two capital letters. */
export function countryNumber(alpha2: string): number | undefined {
  return /^[A-Z]{2}$/.test(alpha2) ? (alpha2.charCodeAt(0) << 8) | alpha2.charCodeAt(1) : undefined;
}

/** And back; empty for 0. */
export function countryText(country: number): string {
  return country === 0 ? '' : String.fromCharCode(country >>> 8, country & 0xff);
}

/** Something that happened to a payer outside of payments, for the risk rules. */
export const RISK_SIGNAL = layout('riskSignal', 64, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  accountId: [16, 'u128'],
  /** As in RISK_CONTEXT; 0 = not known. */
  device: [32, 'u128'],
  /** When it was taken down; sent as zero. */
  timestamp: [48, 'u64'],
  /** A Signals value. */
  kind: [56, 'u8'],
  reserved8: [57, 'u8'],
  reserved16: [58, 'u16'],
  reserved32: [60, 'u32'],
});

export const Signals = {
  /** A PIN, password or biometric check of the payer failed. */
  authenticationFailed: 1,
  /** A first device was bound to the account. */
  bound: 2,
  /** Another device took the place of the one before, or the credentials were reset. */
  rebound: 3,
} as const;
export type SignalName = keyof typeof Signals;
