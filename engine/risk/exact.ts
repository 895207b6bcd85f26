/** What a feature says when the payments that are under way in other partitions count too. */
import { Counted, type Facts, Subjects } from './facts.ts';
import { type Feature, isPerCurrency, passes, readFeature } from './kept-feature.ts';

/**
 * @param facts of the payment that asks, whose key was looked up last
 * @param value what the feature says without the others
 * @param counts whether this payment is counted in it
 */
export function withReserved(
  feature: Feature,
  facts: Facts,
  value: number,
  counts: boolean,
  others: Iterable<Facts>,
): number {
  const { definition } = feature;
  if (feature.counted !== Counted.payments) return value;
  let total = value;
  const without = new Float64Array(2);
  const members = new Set(counts ? [memberOf(feature, facts)] : []);
  for (const other of others) {
    if (!hasSameKey(feature, facts, other) || !passes(feature, other)) continue;
    if (definition.measure === 'count') total++;
    else if (definition.measure === 'sum') total += other.amount;
    else if (definition.measure === 'max') total = Math.max(total, other.amount);
    else if (!members.has(memberOf(feature, other))) {
      members.add(memberOf(feature, other));
      // Unless it is among those that were counted. At the most that a feature says, nothing is added.
      readFeature(feature, other, false, without, 0);
      readFeature(feature, other, true, without, 1);
      total += (without[1] as number) - (without[0] as number);
    }
  }
  return total;
}

function hasSameKey({ definition }: Feature, one: Facts, other: Facts): boolean {
  if (isPerCurrency(definition) && one.ledger !== other.ledger) return false;
  return definition.by.every((subject) => subjectIn(one, Subjects[subject]) === subjectIn(other, Subjects[subject]));
}

function memberOf({ definition }: Feature, facts: Facts): string {
  return subjectIn(facts, Subjects[definition.of ?? 'payee']);
}

function subjectIn({ subjects }: Facts, subject: number): string {
  return subjects.subarray(subject * 4, subject * 4 + 4).join();
}
