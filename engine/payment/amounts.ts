/**
 * The arithmetic of payments: fees, discounts and their shares of partial captures and refunds. Integers of minor units up to
 * 2^53 − 1; every split adds up to the unit.
 */

/** Terms of a fee schedule; see TariffBody. */
export interface FeeTerms {
  readonly basisPoints: number;
  readonly fixed: number;
  readonly minimum: number;
  /** 0 = no maximum. */
  readonly maximum: number;
}

/** Terms of a discount; see CampaignBody. */
export interface DiscountTerms {
  readonly basisPoints: number;
  readonly fixed: number;
  /** 0 = no cap. */
  readonly maximum: number;
  readonly minimumAmount: number;
  readonly startsAt: number;
  /** 0 = open-ended. */
  readonly endsAt: number;
}

const BASIS = 10_000;

/** ⌊a × b / c⌋ exactly, for 0 ≤ a, b ≤ 2^53 − 1 and c ≥ 1 where the result is in range. */
export function mulDivFloor(a: number, b: number, c: number): number {
  const product = a * b;
  if (product <= Number.MAX_SAFE_INTEGER) return Math.floor(product / c);
  return Number((BigInt(a) * BigInt(b)) / BigInt(c));
}

/** Fee on a captured total of `captured`; never more than it. Non-decreasing, and grows by at most 1 per unit. */
export function feeOn(captured: number, terms: FeeTerms): number {
  if (captured === 0) return 0;
  const share = captured * terms.basisPoints;
  const rate =
    share <= Number.MAX_SAFE_INTEGER - BASIS
      ? Math.floor((share + BASIS / 2) / BASIS)
      : Number((BigInt(captured) * BigInt(terms.basisPoints) + BigInt(BASIS / 2)) / BigInt(BASIS));
  const wanted = Math.max(rate + terms.fixed, terms.minimum);
  const capped = terms.maximum > 0 ? Math.min(wanted, terms.maximum) : wanted;
  return Math.min(capped, captured);
}

/** What a campaign pays of `amount` at `now` (µs); undefined when it does not apply. */
export function discountOn(amount: number, terms: DiscountTerms, now: number): number | undefined {
  if (now < terms.startsAt || (terms.endsAt !== 0 && now >= terms.endsAt)) return undefined;
  if (amount < terms.minimumAmount) return undefined;
  const wanted = mulDivFloor(amount, terms.basisPoints, BASIS) + terms.fixed;
  const capped = terms.maximum > 0 ? Math.min(wanted, terms.maximum) : wanted;
  return Math.min(capped, amount);
}

/** The campaign's part of the first `captured` of `amount`: pro rata, rounded down, the whole discount at the end. */
export function discountShare(discount: number, captured: number, amount: number): number {
  return captured === amount ? discount : mulDivFloor(discount, captured, amount);
}

export interface RefundSplit {
  /** Back to the payer. */
  readonly payer: number;
  /** Back to the campaign. */
  readonly campaign: number;
  /** Back from the fee account to the payee. */
  readonly fee: number;
}

/** What was captured and what has been refunded of it so far. */
export interface RefundBasis {
  readonly captured: number;
  readonly refunded: number;
  readonly discountCaptured: number;
  readonly discountRefunded: number;
  readonly feeCharged: number;
  readonly feeRefunded: number;
}

/**
 * Splits a refund of `amount` (1 … captured − refunded) pro rata over payer and campaign; the fee comes back pro rata too.
 * When everything is refunded, everything has come back exactly.
 */
export function splitRefund(basis: RefundBasis, amount: number): RefundSplit {
  const total = basis.refunded + amount;
  const discountLeft = basis.discountCaptured - basis.discountRefunded;
  const payerLeft = basis.captured - basis.refunded - discountLeft;
  const discountDue = mulDivFloor(basis.discountCaptured, total, basis.captured) - basis.discountRefunded;
  const campaign = clamp(discountDue, Math.max(0, amount - payerLeft), Math.min(amount, discountLeft));
  const feeDue = mulDivFloor(basis.feeCharged, total, basis.captured) - basis.feeRefunded;
  const fee = clamp(feeDue, 0, basis.feeCharged - basis.feeRefunded);
  return { payer: amount - campaign, campaign, fee };
}

function clamp(value: number, low: number, high: number): number {
  return Math.min(Math.max(value, low), high);
}
