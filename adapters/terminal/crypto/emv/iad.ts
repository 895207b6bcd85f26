/** Tag 9F10, the issuer application data: which scheme made the cryptogram, and where its card verification results are. */
import type { Scheme } from './schemes.ts';

export type IssuerApplicationData =
  | {
      readonly ok: true;
      readonly scheme: Scheme;
      /** The bytes that follow 9F36 in the data of the cryptogram: from `tailFrom` up to `tailTo`. */
      readonly tailFrom: number;
      readonly tailTo: number;
      /** Card verification results, without a length byte. */
      readonly cvrFrom: number;
      readonly cvrTo: number;
      /** Byte with the type of the first GENERATE AC in its bits 6 and 5; -1 where the scheme has none. */
      readonly decisionAt: number;
    }
  | { readonly ok: false; readonly problem: string };

const IAD_BYTES_MAX = 32;
/** M/Chip Advance: with 8 or 16 bytes of counters, with or without the ATC of the last online transaction. */
const MCHIP_BYTES: readonly number[] = [18, 20, 26, 28];

/** By the cryptogram version number in M/Chip's second byte. */
const MCHIP_VERSIONS: ReadonlyMap<number, Scheme> = new Map([
  [0x10, 'mchip-cvn16'],
  [0x11, 'mchip-cvn17'],
  [0x14, 'mchip-cvn20'],
  [0x15, 'mchip-cvn21'],
]);

/**
 * Finds the scheme and its parts. `06 DKI CVN 03…` is Visa, `1F 22 DKI…` Visa CVN 22, `07 DKI 01 03…` PBOC and UnionPay,
 * `DKI CVN` with 18, 20, 26 or 28 bytes M/Chip. With `expected`, only that scheme is accepted.
 */
export function readIssuerApplicationData(iad: Uint8Array, expected?: Scheme): IssuerApplicationData {
  const scheme = schemeOf(iad);
  if (scheme === undefined) {
    return { ok: false, problem: `the IAD (9F10) of ${iad.length} bytes has no cryptogram version that is known` };
  }
  if (expected !== undefined && scheme !== expected) {
    return { ok: false, problem: `the IAD (9F10) is of ${scheme}, expected ${expected}` };
  }
  switch (scheme) {
    case 'visa-cvn10':
    case 'pboc':
      return { ok: true, scheme, tailFrom: 3, tailTo: 7, cvrFrom: 4, cvrTo: 7, decisionAt: 4 };
    case 'visa-cvn18':
      return { ok: true, scheme, tailFrom: 0, tailTo: iad.length, cvrFrom: 4, cvrTo: 7, decisionAt: 4 };
    case 'visa-cvn22':
      return { ok: true, scheme, tailFrom: 0, tailTo: iad.length, cvrFrom: 3, cvrTo: 8, decisionAt: -1 };
    case 'mchip-cvn16':
    case 'mchip-cvn20':
      return { ok: true, scheme, tailFrom: 2, tailTo: 8, cvrFrom: 2, cvrTo: 8, decisionAt: 2 };
    case 'mchip-cvn17':
    case 'mchip-cvn21':
      // The results and the counters stand apart in the IAD; the caller joins them, leaving out the dynamic number.
      return { ok: true, scheme, tailFrom: 2, tailTo: iad.length, cvrFrom: 2, cvrTo: 8, decisionAt: 2 };
  }
}

function schemeOf(iad: Uint8Array): Scheme | undefined {
  const { length } = iad;
  if (length > IAD_BYTES_MAX) return undefined;
  if (length >= 7 && iad[0] === 0x06 && iad[3] === 0x03) {
    if (iad[2] === 0x0a) return 'visa-cvn10';
    if (iad[2] === 0x12) return 'visa-cvn18';
  }
  if (length === 32 && iad[0] === 0x1f && iad[1] === 0x22) return 'visa-cvn22';
  if (length >= 8 && iad[0] === 0x07 && iad[2] === 0x01 && iad[3] === 0x03) return 'pboc';
  return MCHIP_BYTES.includes(length) ? MCHIP_VERSIONS.get(iad[1] ?? 0) : undefined;
}
