// A decision as it stands at the end of a payment's first version: what goes in comes out.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newPaymentEventBytes, PaymentEventFlags, PaymentField } from '../../../engine/payment/event.ts';
import {
  contextIn,
  DecisionBuffer,
  decisionBytesMax,
  encodeDecision,
  FEATURES_MAX,
  HITS_MAX,
  NEW_PAYMENT_BYTES_MAX,
  readDecision,
  SHADOW_HIT,
} from '../../../engine/risk/decision.ts';
import { PaymentFlags } from '../../../protocol/records.ts';
import { RISK_CONTEXT } from '../../../protocol/risk.ts';
import { runSeed } from '../storage/support.ts';

const MAX = Number.MAX_SAFE_INTEGER;

/** A first version with this decision, from word `at` on. */
function eventWith(
  decision: Parameters<typeof encodeDecision>[1],
  at: number,
  reference: number,
  hasContext: boolean,
): Uint32Array {
  const words = new Uint32Array((NEW_PAYMENT_BYTES_MAX >> 2) + at).fill(0xffff_ffff);
  const buffer = new DecisionBuffer();
  const bytes = encodeDecision(buffer, decision);
  words[at] = PaymentEventFlags.assessed << 8;
  words[at + PaymentField.referenceLength] = reference;
  words[at + PaymentField.code] = (hasContext ? PaymentFlags.riskContext : 0) << 16;
  const tail = at + ((newPaymentEventBytes(reference) + (hasContext ? RISK_CONTEXT.size : 0)) >> 2);
  words.set(buffer.words.subarray(0, bytes >> 2), tail);
  return words;
}

describe('a decision in the journal', () => {
  it('comes out as it went in, wherever it stands', () => {
    const seed = runSeed();
    const value = fc.oneof(
      fc.integer({ min: -(2 ** 52), max: MAX }),
      fc.constantFrom(0, -1, 63, 64, 127, 128, 2 ** 31, 2 ** 32, MAX, -(2 ** 52)),
    );
    fc.assert(
      fc.property(
        fc.array(value, { maxLength: FEATURES_MAX }),
        fc.array(fc.tuple(fc.nat(255), fc.boolean()), { maxLength: HITS_MAX }),
        fc.nat(4),
        fc.nat(3),
        fc.nat(64),
        fc.boolean(),
        (values, hits, outcome, tier, reference, hasContext) => {
          // Some of them, in another order.
          const places = values.map((_, place) => values.length - 1 - place).filter((place) => place % 3 !== 1);
          const marked = hits.map(([rule, isShadow]) => (isShadow ? rule | SHADOW_HIT : rule));
          const taken = {
            ruleSet: 2 ** 40 + 3,
            outcome,
            tier,
            values: Float64Array.from(values),
            taken: Uint8Array.from(places),
            takenCount: places.length,
          };
          const words = eventWith(
            { ...taken, hits: Uint16Array.from(marked), hitCount: hits.length },
            4,
            reference,
            hasContext,
          );
          expect(readDecision(words, 4)).toEqual({
            ruleSet: 2 ** 40 + 3,
            outcome,
            tier,
            features: places.map((place) => ({ place, value: values[place]! + 0 })),
            hits: hits.map(([rule, isShadow]) => ({ rule, isShadow })),
          });
          expect(contextIn(words, 4) !== 0).toBe(hasContext);
        },
      ),
      { seed, numRuns: 500 },
    );
  });

  it('takes no more than is counted with', () => {
    const buffer = new DecisionBuffer();
    const values = new Float64Array(FEATURES_MAX).fill(MAX);
    const hits = new Uint16Array(HITS_MAX).fill(0xffff);
    const taken = Uint8Array.from({ length: FEATURES_MAX }, (_, place) => place);
    const all = { ruleSet: 1, outcome: 4, tier: 3, values, taken, takenCount: FEATURES_MAX, hits, hitCount: HITS_MAX };
    expect(encodeDecision(buffer, all)).toBe(decisionBytesMax(FEATURES_MAX, HITS_MAX));
    expect(encodeDecision(buffer, { ...all, takenCount: 0, hitCount: 0 })).toBe(16);
  });

  it('is not there when no rules looked at the payment', () => {
    expect(readDecision(new Uint32Array(200), 0)).toBeUndefined();
  });
});
