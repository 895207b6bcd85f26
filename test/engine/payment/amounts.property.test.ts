/** Whatever the terms: the parts add up, nothing is negative, and a full refund gives back exactly everything. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { discountOn, discountShare, feeOn, mulDivFloor, splitRefund } from '../../../engine/payment/amounts.ts';
import { referenceDiscount, referenceFee } from '../../../engine/simulate/model/reference-amounts.ts';

const MAX = Number.MAX_SAFE_INTEGER;
const amount = fc.oneof(
  fc.integer({ min: 1, max: 10_000 }),
  fc.integer({ min: 1, max: MAX }),
  fc.integer({ min: MAX - 9, max: MAX }),
);
const optional = fc.oneof(fc.constant(0), amount);
const basisPoints = fc.oneof(fc.integer({ min: 0, max: 10_000 }), fc.constant(10_000));
const tariff = fc
  .record({ basisPoints, fixed: optional, minimum: optional, maximum: optional })
  .map((terms) => ({ ...terms, maximum: terms.maximum === 0 ? 0 : Math.max(terms.maximum, terms.minimum) }));
const none = { number: 1, feeAccountId: '', accountId: '' };
const RUNS = { numRuns: 2000 };

describe('amounts of payments', () => {
  it('⌊a × b / c⌋ is exact', () => {
    fc.assert(
      fc.property(amount, amount, amount, (a, b, c) => {
        const exact = (BigInt(a) * BigInt(b)) / BigInt(c);
        fc.pre(exact <= BigInt(MAX));
        expect(mulDivFloor(a, b, c)).toBe(Number(exact));
      }),
      RUNS,
    );
  });

  it('a fee is that of the specification, and never more than the amount', () => {
    fc.assert(
      fc.property(amount, tariff, (captured, terms) => {
        const fee = feeOn(captured, terms);
        expect(BigInt(fee)).toBe(referenceFee(BigInt(captured), { ...none, ...terms }));
        expect(fee).toBeLessThanOrEqual(captured);
        expect(feeOn(0, terms)).toBe(0);
        if (captured < MAX) expect(feeOn(captured + 1, terms) - fee).toBeOneOf([0, 1]);
      }),
      RUNS,
    );
  });

  it('a discount is that of the specification, in its time and from its least amount on', () => {
    const window = fc.record({ startsAt: fc.nat(10), endsAt: fc.nat(10), minimumAmount: optional });
    fc.assert(
      fc.property(amount, tariff, window, fc.nat(12), (paid, { minimum: _, ...terms }, times, now) => {
        const discount = discountOn(paid, { ...terms, ...times }, now);
        const expected = referenceDiscount(BigInt(paid), { ...none, ...terms, ...times }, BigInt(now));
        expect(discount === undefined ? undefined : BigInt(discount)).toBe(expected);
        if (discount !== undefined) expect(discount).toBeLessThanOrEqual(paid);
      }),
      RUNS,
    );
  });

  it('captures and refunds in any parts and order add up, and everything comes back', () => {
    const steps = fc.array(fc.tuple(fc.boolean(), fc.double({ min: 0, max: 1, noNaN: true })), { maxLength: 20 });
    fc.assert(
      fc.property(amount, fc.double({ min: 0, max: 1, noNaN: true }), tariff, steps, (total, share, terms, parts) => {
        const discount = Math.min(total, Math.floor(total * share));
        const state = {
          captured: 0,
          refunded: 0,
          discountCaptured: 0,
          discountRefunded: 0,
          feeCharged: 0,
          feeRefunded: 0,
        };
        const back = { payer: 0, campaign: 0, fee: 0 };
        const refund = (wanted: number): void => {
          const split = splitRefund(state, wanted);
          expect(split.payer + split.campaign).toBe(wanted);
          for (const part of Object.values(split)) expect(part).toBeGreaterThanOrEqual(0);
          back.payer += split.payer;
          back.campaign += split.campaign;
          back.fee += split.fee;
          state.refunded += wanted;
          state.discountRefunded += split.campaign;
          state.feeRefunded += split.fee;
          expect(back.campaign).toBeLessThanOrEqual(state.discountCaptured);
          expect(back.payer).toBeLessThanOrEqual(state.captured - state.discountCaptured);
          expect(back.fee).toBeLessThanOrEqual(state.feeCharged);
        };
        for (const [isCapture, size] of parts) {
          const room = isCapture ? total - state.captured : state.captured - state.refunded;
          const wanted = Math.min(room, Math.ceil(room * size));
          if (wanted === 0) continue;
          if (!isCapture) {
            refund(wanted);
            continue;
          }
          const next = discountShare(discount, state.captured + wanted, total);
          expect(next - state.discountCaptured).toBeGreaterThanOrEqual(0);
          expect(next - state.discountCaptured).toBeLessThanOrEqual(wanted);
          state.captured += wanted;
          state.discountCaptured = next;
          state.feeCharged = Math.max(state.feeCharged, feeOn(state.captured, terms));
        }
        if (state.captured > state.refunded) refund(state.captured - state.refunded);
        expect(back).toEqual({
          payer: state.captured - state.discountCaptured,
          campaign: state.discountCaptured,
          fee: state.captured === 0 ? 0 : state.feeCharged,
        });
        if (state.captured === total) expect(state.discountCaptured).toBe(discount);
      }),
      RUNS,
    );
  });
});
