/** The one way in for every text that a camera or a person reads from a code. Never throws; takes bounded time. */
import { type BarcodeCode, decodeBarcode } from './barcode.ts';
import { CONSUMER_START, type ConsumerCode, decodeConsumer } from './consumer-code.ts';
import { type QrResult, refuse } from './findings.ts';
import type { MerchantCode } from './merchant-code.ts';
import { decodeMerchant } from './merchant-decode.ts';
import { QR_LENGTH_MAX } from './merchant-text.ts';
import {
  BARCODE_PROFILES,
  type BarcodeProfileName,
  isProfileName,
  MERCHANT_PROFILES,
  type MerchantProfileName,
  PROFILE_NAMES,
} from './profiles.ts';
import { decodeUri, type UriCode } from './uri-code.ts';

export type QrCode = MerchantCode | ConsumerCode | BarcodeCode | UriCode;
export type QrKind = QrCode['kind'];

const UPI_START = /^upi:/i;
const FIELD_START = /^\d\d/;
/** No one-time code begins with 00; every merchant code does. */
const ONE_TIME = /^(?!00)\d+$/;

/** @param profile what the text has to be; undefined: whatever it is found to be */
export function decodeQr(text: string, profile?: string): QrResult<QrCode> {
  if (profile !== undefined && !isProfileName(profile)) {
    const message = `there is no profile "${profile}"; there are ${PROFILE_NAMES.join(', ')}`;
    return refuse('unknownProfile', '', 0, message);
  }
  if (text === '') return refuse('empty', '', 0, 'there is nothing to read');
  if (text.length > QR_LENGTH_MAX) {
    return refuse('tooLong', '', QR_LENGTH_MAX, `a code has at most ${QR_LENGTH_MAX} characters, not ${text.length}`);
  }
  const found = kindOf(text);
  if (profile === undefined) {
    // Two digits may be the id of a field that was misread: what is wrong with it says more than "unknown".
    const kind = found ?? (FIELD_START.test(text) ? 'merchant' : undefined);
    return kind === undefined ? unknown() : decodeKind(text, kind, undefined);
  }
  const kinds = kindsOf(profile);
  if (found !== undefined && !kinds.includes(found)) {
    return refuse('profileMismatch', '', 0, `the text is ${KIND_NAMES[found]}, not one of the profile ${profile}`);
  }
  return decodeKind(text, found ?? kinds[0] ?? 'merchant', profile);
}

/** For people, with an article. */
export const KIND_NAMES = {
  merchant: 'a merchant-presented code',
  consumer: 'a consumer-presented code',
  barcode: 'a one-time code of digits',
  uri: 'a UPI code',
} as const satisfies Readonly<Record<QrKind, string>>;

/** What a text looks like at its beginning. */
function kindOf(text: string): QrKind | undefined {
  if (UPI_START.test(text)) return 'uri';
  if (text.startsWith(CONSUMER_START)) return 'consumer';
  if (ONE_TIME.test(text)) return 'barcode';
  return text.startsWith('00') ? 'merchant' : undefined;
}

function kindsOf(profile: string): readonly QrKind[] {
  if (profile === 'cpm') return ['consumer'];
  if (profile === 'upi') return ['uri'];
  const kinds: QrKind[] = [];
  if (isMerchantProfile(profile)) kinds.push('merchant');
  if (isBarcodeProfile(profile)) kinds.push('barcode');
  return kinds;
}

function decodeKind(text: string, kind: QrKind, profile: string | undefined): QrResult<QrCode> {
  switch (kind) {
    case 'merchant':
      return decodeMerchant(text, profile !== undefined && isMerchantProfile(profile) ? profile : undefined);
    case 'barcode':
      return decodeBarcode(text, profile !== undefined && isBarcodeProfile(profile) ? profile : undefined);
    case 'consumer':
      return decodeConsumer(text);
    case 'uri':
      return decodeUri(text);
  }
}

function isMerchantProfile(name: string): name is MerchantProfileName {
  return Object.hasOwn(MERCHANT_PROFILES, name);
}

function isBarcodeProfile(name: string): name is BarcodeProfileName {
  return Object.hasOwn(BARCODE_PROFILES, name);
}

function unknown(): QrResult<never> {
  const message =
    'this is no payment code: those begin with 000201 (merchant), hQVDUFY (consumer), upi:// or are 16 to 24 digits';
  return refuse('unknownFormat', '', 0, message);
}
