/** Amounts as people type and read them, exact in both directions: text ↔ minor units, without floating point. */
import { LIMITS } from '../../protocol/limits.ts';

export type ParsedAmount =
  | { readonly ok: true; readonly minor: bigint }
  | { readonly ok: false; readonly problem: string };

const AMOUNT = /^(\d+)(?:\.(\d+))?$/;

/**
 * Reads `12.50` as 1250 when the currency has two decimals. Signs, separators, exponents and more decimals than the
 * currency has are refused: nothing is rounded.
 */
export function parseAmount(text: string, minorUnits: number): ParsedAmount {
  const match = AMOUNT.exec(text.trim());
  if (match === null) {
    return {
      ok: false,
      problem: `"${text}" is not an amount: write digits and one point, for example ${example(minorUnits)}`,
    };
  }
  const [, whole = '', decimals = ''] = match;
  if (decimals.length > minorUnits) {
    const allowed = minorUnits === 0 ? 'no decimals' : `at most ${minorUnits} decimals`;
    return {
      ok: false,
      problem: `"${text}" is too exact: this currency has ${allowed}, for example ${example(minorUnits)}`,
    };
  }
  const minor = BigInt(whole + decimals.padEnd(minorUnits, '0'));
  if (minor > BigInt(LIMITS.amountMax)) {
    return {
      ok: false,
      problem: `"${text}" is too large: the most is ${formatAmount(BigInt(LIMITS.amountMax), minorUnits)}`,
    };
  }
  return { ok: true, minor };
}

/** Writes minor units with the currency's decimals: 1250 → `12.50`, −5 → `-0.05`. */
export function formatAmount(minor: bigint, minorUnits: number): string {
  const digits = (minor < 0n ? -minor : minor).toString().padStart(minorUnits + 1, '0');
  const sign = minor < 0n ? '-' : '';
  if (minorUnits === 0) return sign + digits;
  return `${sign}${digits.slice(0, -minorUnits)}.${digits.slice(-minorUnits)}`;
}

function example(minorUnits: number): string {
  return formatAmount(125n * 10n ** BigInt(Math.max(minorUnits - 1, 0)), minorUnits);
}
