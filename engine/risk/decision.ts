/**
 * What the rules decided of a payment, as it stands at the end of the payment's first version:
 *
 *   decision := RISK_DECISION (16) ‖ rules that hit (u16 each) ‖ features that were asked for: place (u8), value (1 to 8 bytes),
 *               padded to 16
 *
 * A rule is told by its place in the rule set, with the highest bit set when it only watches (shadow).
 */

import { layout } from '../../protocol/layout.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { PaymentFlags } from '../../protocol/records.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
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
const DecisionWord = { ruleSet: 0, outcomeHitsFeaturesTier: 2, reserved: 3 } as const;

/** A whole number from -2^52 to 2^53 - 1 takes seven bits a byte, smallest first, the sign in the lowest bit: most features are small. */
const VALUE_BYTES_MAX = 8;

/** Most that a decision takes. */
export function decisionBytesMax(features: number, hits: number): number {
  return padded(RISK_DECISION.size + hits * 2 + features * (1 + VALUE_BYTES_MAX));
}

function padded(bytes: number): number {
  return (bytes + 15) & ~15;
}

/** The longest first version of a payment. */
export const NEW_PAYMENT_BYTES_MAX =
  newPaymentEventBytes(LIMITS.referenceBytesMax) +
  RISK_CONTEXT.size +
  decisionBytesMax(FEATURES_MAX, HITS_MAX) +
  JOINT_PAYMENT_BYTES;

/** A decision as it was taken. */
export interface StoredDecision {
  /** Position of the rule set. */
  readonly ruleSet: number;
  readonly outcome: number;
  readonly tier: number;
  /** What rules asked for, with the place in the rule set's features. */
  readonly features: readonly { readonly place: number; readonly value: number }[];
  readonly hits: readonly { readonly rule: number; readonly isShadow: boolean }[];
}

/** What is to be kept of a decision. */
export interface TakenDecision {
  readonly ruleSet: number;
  readonly outcome: number;
  readonly tier: number;
  /** By place, and the places that are to be kept. */
  readonly values: Float64Array;
  readonly taken: Uint8Array;
  readonly takenCount: number;
  readonly hits: Uint16Array;
  readonly hitCount: number;
}

/** Writes a decision into `out`, from its start; returns how many bytes, a multiple of 16. */
export function encodeDecision(out: DecisionBuffer, decision: TakenDecision): number {
  const { ruleSet, outcome, tier, values, taken, takenCount, hits, hitCount } = decision;
  const { words, bytes } = out;
  writeU64(words, DecisionWord.ruleSet, ruleSet);
  words[DecisionWord.outcomeHitsFeaturesTier] = outcome | (hitCount << 8) | (takenCount << 16) | (tier << 24);
  words[DecisionWord.reserved] = 0;
  let at = RISK_DECISION.size;
  for (let index = 0; index < hitCount; index++) {
    bytes[at++] = (hits[index] as number) & 0xff;
    bytes[at++] = (hits[index] as number) >>> 8;
  }
  for (let index = 0; index < takenCount; index++) {
    const place = taken[index] as number;
    bytes[at++] = place;
    at = writeValue(bytes, at, values[place] as number);
  }
  const end = padded(at);
  while (at < end) bytes[at++] = 0;
  return end;
}

/** Where a decision is made before it goes into the event. */
export class DecisionBuffer {
  readonly words = new Uint32Array(decisionBytesMax(FEATURES_MAX, HITS_MAX) >> 2);
  readonly bytes = new Uint8Array(this.words.buffer);
}

function writeValue(bytes: Uint8Array, at: number, value: number): number {
  // Magnitudes up to 2^53 and a sign are more than the 32 bits of an integer here: division, not shifts.
  let rest = value < 0 ? -2 * value - 1 : 2 * value;
  let end = at;
  while (rest >= 128) {
    bytes[end++] = (rest % 128) | 128;
    rest = Math.floor(rest / 128);
  }
  bytes[end++] = rest;
  return end;
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
  const hitCount = (head >>> 8) & 0xff;
  const bytes = new Uint8Array(words.buffer, words.byteOffset + from * 4);
  const hits = Array.from({ length: hitCount }, (_, index) => {
    const at = RISK_DECISION.size + index * 2;
    const hit = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
    return { rule: hit & ~SHADOW_HIT, isShadow: (hit & SHADOW_HIT) !== 0 };
  });
  return {
    ruleSet: readU64(words, from + DecisionWord.ruleSet),
    outcome: head & 0xff,
    tier: head >>> 24,
    features: readFeatures(bytes, RISK_DECISION.size + hitCount * 2, (head >>> 16) & 0xff),
    hits,
  };
}

function readFeatures(bytes: Uint8Array, start: number, count: number): StoredDecision['features'] {
  let at = start;
  return Array.from({ length: count }, () => {
    const place = bytes[at++] as number;
    let value = 0;
    let unit = 1;
    let byte: number;
    do {
      byte = bytes[at++] as number;
      value += (byte & 127) * unit;
      unit *= 128;
    } while (byte >= 128);
    return { place, value: value % 2 === 1 ? -(value + 1) / 2 : value / 2 };
  });
}
