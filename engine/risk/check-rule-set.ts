/** Whether a rule set can be put into force: the same check at the edge, on the command line and in the partition. Pure. */
import { compile } from './compile.ts';
import { Conditions } from './conditions.ts';
import { CONDITION_CHARACTERS_MAX, RULES_MAX, type RuleSet, ruleSetSchema } from './rule-set.ts';

export interface RuleMistake {
  /** Where: keys and places from the top. */
  readonly path: readonly (string | number)[];
  readonly message: string;
  /** At which character of the text there; absent: all of it. */
  readonly offset?: number;
}

export type CheckedRuleSet = { readonly ruleSet: RuleSet } | { readonly errors: readonly RuleMistake[] };

/** The rule set with every default filled in, or all of its mistakes. */
export function checkRuleSet(value: unknown): CheckedRuleSet {
  const parsed = ruleSetSchema.safeParse(value);
  const twice = idsTwice(value);
  if (!parsed.success) {
    const misshapen = parsed.error.issues.flatMap((issue) => mistakesOf(issue, []));
    return { errors: [...misshapen, ...twice, ...wrongConditions(value)] };
  }
  const mistakes = [...twice, ...compile(parsed.data).mistakes];
  return mistakes.length > 0 ? { errors: mistakes } : { ruleSet: parsed.data };
}

/** Of anything: by the places of its rules, the rules that are objects. */
function rulesIn(value: unknown): readonly (readonly [number, object])[] {
  const rules = isObject(value) && 'rules' in value && Array.isArray(value.rules) ? value.rules : [];
  return rules.slice(0, RULES_MAX).flatMap((rule: unknown, index) => (isObject(rule) ? [[index, rule] as const] : []));
}

function idsTwice(value: unknown): RuleMistake[] {
  const seen = new Set<unknown>();
  return rulesIn(value).flatMap(([index, rule]) => {
    if (!('id' in rule) || typeof rule.id !== 'string') return [];
    const isTwice = seen.has(rule.id);
    seen.add(rule.id);
    return isTwice ? [{ path: ['rules', index, 'id'], message: `${rule.id} is there twice` }] : [];
  });
}

/** What is wrong with the conditions of a set that has other mistakes; nothing while it is not known which features there are. */
function wrongConditions(value: unknown): RuleMistake[] {
  const features = ruleSetSchema.shape.features.safeParse(isObject(value) && 'features' in value ? value.features : {});
  if (!features.success) return [];
  const named = Object.keys(features.data).map((name, place) => ({ name, place }));
  const conditions = new Conditions(named, 0);
  return rulesIn(value).flatMap(([index, rule]) => {
    if (!('kind' in rule && rule.kind === 'cel' && 'when' in rule && typeof rule.when === 'string')) return [];
    if (rule.when.length > CONDITION_CHARACTERS_MAX) return [];
    const condition = conditions.compile(rule.when);
    if (typeof condition === 'function') return [];
    return [{ path: ['rules', index, 'when'], message: condition.problem, offset: condition.offset }];
  });
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

interface Issue {
  readonly code?: string | undefined;
  readonly path: readonly PropertyKey[];
  readonly message: string;
  readonly keys?: readonly string[];
}

/** One for each key that should not be there: each has a line of its own. */
function mistakesOf(issue: Issue, above: readonly PropertyKey[]): RuleMistake[] {
  const path = [...above, ...issue.path].map((step) => (typeof step === 'number' ? step : String(step)));
  if (issue.code !== 'unrecognized_keys') return [{ path, message: issue.message }];
  return (issue.keys ?? []).map((key) => ({ path: [...path, key], message: 'is not known here' }));
}
