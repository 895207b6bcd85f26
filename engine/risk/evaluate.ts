/**
 * Runs the compiled rules over a payment. Of the live rules that hit, those that cannot be overridden decide first; then a rule that
 * approves, or an exemption of the payer, overrules the others; then these decide. The most severe outcome is the one.
 */
import type { CompiledRules } from './compile.ts';
import { SHADOW_HIT } from './decision.ts';
import type { Facts } from './facts.ts';
import { Outcomes } from './rule-set.ts';

/** Lists of subjects that are managed at run time. */
export interface ListLookup {
  /** Whether the id at word `at` is in the list. */
  has(list: string, subjects: Uint32Array, at: number): boolean;
}

const NONE = new Uint16Array(0);

/** Filled again for each payment. */
export interface Decision {
  outcome: number;
  /** Places of the rules that hit; SHADOW_HIT marks those that only watch. */
  readonly hits: Uint16Array;
  hitCount: number;
}

/** What the features say of a payment. */
export interface FeatureValues {
  /** Of the feature at a place: a whole number. */
  get(place: number): number;
}

export function newDecision(hitsMax: number): Decision {
  return { outcome: Outcomes.approve, hits: new Uint16Array(hitsMax), hitCount: 0 };
}

/**
 * @param values of the compiled features, by their places
 * @param isExempt whether the payer is exempt from the rule at a place
 */
export function evaluate(
  { rules, byChannel }: CompiledRules,
  facts: Facts,
  values: FeatureValues,
  lists: ListLookup,
  isExempt: (rule: number) => boolean,
  decision: Decision,
): void {
  const applying = byChannel[facts.channel] ?? NONE;
  let firm: number = Outcomes.approve;
  let soft: number = Outcomes.approve;
  let isApproved = false;
  decision.hitCount = 0;
  for (let place = 0; place < applying.length; place++) {
    const index = applying[place] as number;
    const rule = rules[index] as CompiledRules['rules'][number];
    if (!rule.hits(facts, values, lists)) continue;
    const { isShadow, outcome, overridable } = rule;
    if (decision.hitCount < decision.hits.length) {
      decision.hits[decision.hitCount++] = isShadow ? index | SHADOW_HIT : index;
    }
    if (isShadow) continue;
    if (outcome === Outcomes.approve) isApproved = true;
    else if (!overridable) firm = Math.max(firm, outcome);
    else if (!isExempt(index)) soft = Math.max(soft, outcome);
  }
  decision.outcome = isApproved ? firm : Math.max(firm, soft);
}
