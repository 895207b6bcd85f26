/**
 * One-time codes of digits that a payer shows: those of China's wallets, and the switch's own. They say nothing but whose
 * they are; only their issuer knows what they stand for.
 */
import { hasCheckDigit } from '../../../protocol/check-digit.ts';
import { type QrResult, refuse } from './findings.ts';
import { BARCODE_PROFILE_NAMES, BARCODE_PROFILES, type BarcodeProfile, type BarcodeProfileName } from './profiles.ts';

export interface BarcodeCode {
  readonly kind: 'barcode';
  readonly profile: BarcodeProfileName;
  readonly digits: string;
}

/** Reads digits. Messages name their number and the first two, never more: a code is as good as money while it lives. */
export function decodeBarcode(text: string, forced?: BarcodeProfileName): QrResult<BarcodeCode> {
  const bad = /\D/.exec(text);
  if (bad !== null) return refuse('badCharacter', '', bad.index, 'a one-time code has digits only');
  const profile = forced ?? BARCODE_PROFILE_NAMES.find((name) => hasForm(text, BARCODE_PROFILES[name]));
  if (profile === undefined) {
    const message = `${text.length} digits that begin with ${text.slice(0, 2)} are the code of no scheme that is known here`;
    return refuse('unknownFormat', '', 0, message);
  }
  const { title, lengthMin, lengthMax, prefixMin, prefixMax, hasCheckDigit: isChecked } = BARCODE_PROFILES[profile];
  if (text.length < lengthMin || text.length > lengthMax) {
    const lengths = lengthMin === lengthMax ? String(lengthMin) : `${lengthMin} to ${lengthMax}`;
    const at = Math.min(text.length, lengthMax);
    return refuse('badLength', '', at, `a code of ${title} has ${lengths} digits, not ${text.length}`);
  }
  const prefix = Number(text.slice(0, 2));
  if (prefix < prefixMin || prefix > prefixMax) {
    const prefixes = prefixMin === prefixMax ? String(prefixMin) : `${prefixMin} to ${prefixMax}`;
    return refuse('badValue', '', 0, `a code of ${title} begins with ${prefixes}, not with ${text.slice(0, 2)}`);
  }
  if (isChecked && !hasCheckDigit(text)) {
    const message = 'the last digit, a check digit, does not belong to the others: one was misread or mistyped';
    return refuse('badCheckDigit', '', text.length - 1, message);
  }
  return { ok: true, value: { kind: 'barcode', profile, digits: text } };
}

function hasForm(text: string, { lengthMin, lengthMax, prefixMin, prefixMax }: BarcodeProfile): boolean {
  const prefix = Number(text.slice(0, 2));
  return text.length >= lengthMin && text.length <= lengthMax && prefix >= prefixMin && prefix <= prefixMax;
}
