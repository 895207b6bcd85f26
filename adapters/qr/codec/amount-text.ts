/**
 * Amounts as codes write them: digits, and at most one point that stands behind a digit (`98.73`, `98`, `98.`; EMVCo
 * QRCPS-MPM, field 54). No sign, no separator of thousands, no comma. Nothing is rounded and no floating point is used.
 */
import { LIMITS } from '../../../protocol/limits.ts';

/** Characters of an amount. */
export const AMOUNT_LENGTH_MAX = 13;

export type AmountReading =
  /** `excess`: decimals beyond the currency's, all of them 0. */
  | { readonly ok: true; readonly minor: number; readonly excess: number }
  | {
      readonly ok: false;
      readonly code: 'badAmount' | 'badDecimals' | 'amountTooLarge';
      /** Index in the text. */
      readonly at: number;
      readonly message: string;
    };

const ZERO = 0x30;
const NINE = 0x39;
const POINT = 0x2e;

/** Reads the amount between two places of a text, in units of `10^-decimals`. Longer than 13 characters is the caller's to refuse. */
export function readAmountText(text: string, from: number, to: number, decimals: number): AmountReading {
  let minor = 0;
  let point = -1;
  let seen = 0;
  let excess = 0;
  for (let at = from; at < to; at++) {
    const unit = text.charCodeAt(at);
    if (unit === POINT && point < 0 && at > from) {
      point = at;
      continue;
    }
    if (unit < ZERO || unit > NINE) return bad('badAmount', at, 'an amount is digits with at most one point');
    if (point >= 0 && seen === decimals) {
      if (unit !== ZERO) return bad('badDecimals', at, `the currency has ${decimalsText(decimals)}`);
      excess++;
      continue;
    }
    if (point >= 0) seen++;
    minor = minor * 10 + (unit - ZERO);
  }
  if (from === to) return bad('badAmount', from, 'an amount has at least one digit');
  for (; seen < decimals; seen++) minor *= 10;
  if (minor > LIMITS.amountMax) return bad('amountTooLarge', from, `the most is ${LIMITS.amountMax} minor units`);
  return { ok: true, minor, excess };
}

function bad(
  code: 'badAmount' | 'badDecimals' | 'amountTooLarge',
  at: number,
  message: string,
): AmountReading & { ok: false } {
  return { ok: false, code, at, message };
}

function decimalsText(decimals: number): string {
  if (decimals === 0) return 'no decimals';
  return decimals === 1 ? 'one decimal' : `${decimals} decimals`;
}
