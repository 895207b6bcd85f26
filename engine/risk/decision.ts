/**
 * What the rules decided of a payment, as it stands at the end of the payment's first version:
 *
 *   decision := RISK_DECISION (16) ‖ value of each feature (i64) ‖ rules that hit (u16), padded to 16
 *
 * A rule is told by its place in the rule set, with the highest bit set when it only watches (shadow).
 */
import { LIMITS } from '../../protocol/limits.ts';
import { layout } from '../../protocol/layout.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { PaymentFlags } from '../../protocol/records.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import {
  endOfReference,
  JOINT_PAYMENT_BYTES,
  newPaymentEventBytes,
  PaymentEventFlags,
  PaymentField,
} from '../payment/event.ts';
import { paymentFlags } from '../payment/validate.ts';

export const RISK_DECISION = layout('riskDecision', 16, {
  /** Position of the rule set that decided. */
  ruleSet: [0, 'u64'],
  /** An Outcomes value. */
  outcome: [8, 'u8'],
  hits: [9, 'u8'],
  features: [10, 'u8'],
  /** The payer's tier at that time. */
  tier: [11, 'u8'],
  reserved: [12, 'u32'],
});

/** Most that one rule set may ask for, and most rules that are kept of those that hit. */
export const FEATURES_MAX = 48;
export const HITS_MAX = 32;
export const SHADOW_HIT = 0x8000;

/** Words of RISK_DECISION. */
const DecisionWord = { ruleSet: 0, outcomeHitsFeaturesTier: 2, values: RISK_DECISION.size >> 2 } as const;

export function decisionBytes(features: number, hits: number): number {
  return (RISK_DECISION.size + features * 8 + hits * 2 + 15) & ~15;
}

/** The longest first version of a payment. */
export const NEW_PAYMENT_BYTES_MAX =
  newPaymentEventBytes(LIMITS.referenceBytesMax) +
  RISK_CONTEXT.size +
  decisionBytes(FEATURES_MAX, HITS_MAX) +
  JOINT_PAYMENT_BYTES;

/** A decision as it was taken. */
export interface StoredDecision {
  /** Position of the rule set. */
  readonly ruleSet: number;
  readonly outcome: number;
  readonly tier: number;
  /** By place in the rule set's features. */
  readonly values: readonly number[];
  readonly hits: readonly { readonly rule: number; readonly isShadow: boolean }[];
}

/** What is to be kept of a decision. */
export interface TakenDecision {
  readonly ruleSet: number;
  readonly outcome: number;
  readonly tier: number;
  readonly values: Float64Array;
  readonly featureCount: number;
  readonly hits: Uint16Array;
  readonly hitCount: number;
}

/** Writes a decision from word `at` on: `decisionBytes` of it. */
export function writeDecision(words: Uint32Array, at: number, decision: TakenDecision): void {
  const { ruleSet, outcome, tier, values, featureCount, hits, hitCount } = decision;
  const bytes = decisionBytes(featureCount, hitCount);
  words.fill(0, at, at + (bytes >> 2));
  writeU64(words, at + DecisionWord.ruleSet, ruleSet);
  words[at + DecisionWord.outcomeHitsFeaturesTier] = outcome | (hitCount << 8) | (featureCount << 16) | (tier << 24);
  for (let index = 0; index < featureCount; index++) {
    writeU64(words, at + DecisionWord.values + index * 2, values[index] as number);
  }
  const first = at + DecisionWord.values + featureCount * 2;
  for (let index = 0; index < hitCount; index++) {
    const word = first + (index >> 1);
    words[word] = (words[word] as number) | ((hits[index] as number) << ((index & 1) * 16));
  }
}

/** Word of the RISK_CONTEXT in the first version at word `at`; 0 = it has none. */
export function contextIn(words: Uint32Array, at: number): number {
  const hasContext = (paymentFlags(words, at + PaymentField.id) & PaymentFlags.riskContext) !== 0;
  return hasContext ? at + (endOfReference(words, at) >> 2) : 0;
}

/** The decision in the first version at word `at`; undefined when no rules looked at it. */
export function readDecision(words: Uint32Array, at: number): StoredDecision | undefined {
  const flags = ((words[at] as number) >>> 8) & 0xff;
  if ((flags & PaymentEventFlags.assessed) === 0) return undefined;
  const contextBytes = contextIn(words, at) === 0 ? 0 : RISK_CONTEXT.size;
  const from = at + ((endOfReference(words, at) + contextBytes) >> 2);
  const head = words[from + DecisionWord.outcomeHitsFeaturesTier] as number;
  const featureCount = (head >>> 16) & 0xff;
  const first = from + DecisionWord.values + featureCount * 2;
  return {
    ruleSet: readU64(words, from + DecisionWord.ruleSet),
    outcome: head & 0xff,
    tier: head >>> 24,
    values: Array.from({ length: featureCount }, (_, index) => readI64(words, from + DecisionWord.values + index * 2)),
    hits: Array.from({ length: (head >>> 8) & 0xff }, (_, index) => {
      const hit = ((words[first + (index >> 1)] as number) >>> ((index & 1) * 16)) & 0xffff;
      return { rule: hit & ~SHADOW_HIT, isShadow: (hit & SHADOW_HIT) !== 0 };
    }),
  };
}

/** Features are whole numbers; a `last` that there was not is -1. */
function readI64(words: Uint32Array, at: number): number {
  return ((words[at + 1] as number) | 0) * 0x1_0000_0000 + (words[at] as number);
}
