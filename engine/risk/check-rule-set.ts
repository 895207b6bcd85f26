/** Whether a rule set can be put into force: the same check at the edge, on the command line and in the partition. Pure. */
import { compile } from './compile.ts';
import { type RuleSet, ruleSetSchema } from './rule-set.ts';

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
  if (!parsed.success) return { errors: parsed.error.issues.flatMap((issue) => mistakesOf(issue, [])) };
  const compiled = compile(parsed.data);
  return compiled.mistakes.length > 0 ? { errors: compiled.mistakes } : { ruleSet: parsed.data };
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
