/**
 * Free conditions in CEL (the Common Expression Language), over the facts of a payment and the features that the rule set names. They
 * are parsed and checked with types when the rule set is; what is not one of these variables, or not a yes or no, is a mistake.
 */
import { type ASTNode, TypeError as ConditionTypeError, Environment, ParseError } from '@marcbachmann/cel-js';
import { currencyOfNumeric } from '../../protocol/currencies.ts';
import { Channels, countryText } from '../../protocol/risk.ts';
import type { RuleMistake } from './check-rule-set.ts';
import type { RuleTest } from './compile.ts';
import type { Facts } from './facts.ts';
import { localMinute } from './units.ts';

const MINUTES_PER_HOUR = 60;
const CHANNEL_NAMES = Object.keys(Channels).sort((a, b) => numberOf(a) - numberOf(b));
/** With FUNCTIONS, what bounds the time of a condition. */
const LIMITS = { maxAstNodes: 200, maxDepth: 32, maxListElements: 100, maxMapEntries: 0, maxCallArguments: 4 };

/**
 * All that a condition may call. Macros over lists can be nested until they take minutes, a pattern can take seconds for one text, and
 * times of day in named zones are another's on another version of Node: none of that has a place where payments are decided.
 */
const FUNCTIONS: ReadonlySet<string> = new Set([
  'size',
  'int',
  'double',
  'string',
  'contains',
  'startsWith',
  'endsWith',
]);

/** What is wrong with a condition, and at which character of it. */
export interface ConditionProblem {
  readonly problem: string;
  readonly offset: number;
}

/** What a condition knows beside features. */
const VARIABLES: Readonly<Record<string, { readonly type: string; readonly of: (facts: Facts) => unknown }>> = {
  /** Minor units. */
  amount: { type: 'int', of: ({ amount }) => BigInt(amount) },
  /** ISO 4217, as `CNY`. */
  currency: { type: 'string', of: ({ ledger }) => currencyOfNumeric(ledger)?.alphabetic ?? '' },
  channel: { type: 'string', of: ({ channel }) => CHANNEL_NAMES[channel] ?? 'unknown' },
  /** 0 = none. */
  mcc: { type: 'int', of: ({ mcc }) => BigInt(mcc) },
  /** ISO 3166-1 alpha-2; empty = not known. */
  country: { type: 'string', of: ({ country }) => countryText(country) },
  tier: { type: 'int', of: ({ tier }) => BigInt(tier) },
  /** 1 = A … 4 = D, 0 = no barcode payment. */
  codeTier: { type: 'int', of: ({ codeTier }) => BigInt(codeTier) },
  code: { type: 'int', of: ({ code }) => BigInt(code) },
  hasLocation: { type: 'bool', of: ({ hasLocation }) => hasLocation },
};

export class Conditions {
  /** Features that cannot have the name that they have. */
  readonly mistakes: readonly RuleMistake[];
  readonly #environment: Environment;
  readonly #named: readonly { readonly name: string; readonly place: number }[];
  readonly #utcOffsetMinutes: number;

  /** @param named features by the names that conditions have for them, and their places in the values */
  constructor(named: readonly { readonly name: string; readonly place: number }[], utcOffsetMinutes: number) {
    this.#utcOffsetMinutes = utcOffsetMinutes;
    const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
    for (const [name, { type }] of Object.entries(VARIABLES)) environment.registerVariable(name, type);
    environment.registerVariable('hour', 'int');
    this.#named = named.filter(({ name }) => register(environment, name));
    this.mistakes = named
      .filter((feature) => !this.#named.includes(feature))
      .map(({ name }) => ({
        path: ['features', name],
        message: `${name} is the name of something else in conditions`,
      }));
    this.#environment = environment;
  }

  /** The condition as a function, or what is wrong with it. */
  compile(text: string): RuleTest | ConditionProblem {
    try {
      const parsed = this.#environment.parse(text);
      const checked = parsed.check();
      if (!checked.valid) return problemOf(checked.error);
      if (checked.type !== 'bool') return { problem: `gives ${checked.type}, and must give bool`, offset: 0 };
      const foreign = foreignCall(parsed.ast);
      if (foreign !== undefined) return foreign;
      return this.#test(parsed, text);
    } catch (error) {
      return problemOf(error);
    }
  }

  #test(condition: (context: Record<string, unknown>) => unknown, text: string): RuleTest {
    const context: Record<string, unknown> = {};
    // A whole number costs an allocation here, so only what the condition may ask for is made.
    const isNamed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
    const named = this.#named.filter(({ name }) => isNamed(name));
    const variables = Object.entries(VARIABLES).filter(([name]) => isNamed(name));
    const hasHour = isNamed('hour');
    return (facts, values) => {
      for (let index = 0; index < named.length; index++) {
        const { name, place } = named[index] as { readonly name: string; readonly place: number };
        context[name] = BigInt(values.get(place));
      }
      for (let index = 0; index < variables.length; index++) {
        const [name, { of }] = variables[index] as (typeof variables)[number];
        context[name] = of(facts);
      }
      if (hasHour) {
        context.hour = BigInt(Math.floor(localMinute(facts.now, this.#utcOffsetMinutes) / MINUTES_PER_HOUR));
      }
      try {
        return condition(context) === true;
      } catch {
        // A division by zero, or a number out of range: it says nothing of the payment.
        return false;
      }
    };
  }
}

/** Makes a feature known by its name; false when the language, or another variable, has it. */
function register(environment: Environment, name: string): boolean {
  if (environment.hasVariable(name)) return false;
  try {
    environment.registerVariable(name, 'int');
    // `true`, `null` and `in` can be registered, but never meant.
    return environment.parse(name).ast.op === 'id';
  } catch {
    return false;
  }
}

/** The first call of what is not among FUNCTIONS. */
function foreignCall(node: ASTNode): ConditionProblem | undefined {
  if (node.op === 'call' || node.op === 'rcall') {
    const name = node.args[0];
    const known = [...FUNCTIONS].join(', ');
    if (!FUNCTIONS.has(name)) return { problem: `cannot call ${name}, only ${known}`, offset: node.range.start };
  }
  for (const child of nodesIn(node.args)) {
    const found = foreignCall(child);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Nodes among the operands of a node: these are nodes, texts, values, or lists of such. */
function nodesIn(operands: unknown): ASTNode[] {
  if (Array.isArray(operands)) return operands.flatMap(nodesIn);
  return isNode(operands) ? [operands] : [];
}

function isNode(operand: unknown): operand is ASTNode {
  return typeof operand === 'object' && operand !== null && 'op' in operand;
}

function problemOf(error: unknown): ConditionProblem {
  const message = error instanceof Error ? error.message : String(error);
  // The rest shows the text, which whoever asks has.
  const problem = message.split('\n')[0] ?? message;
  return { problem, offset: isRanged(error) ? (error.range?.start ?? 0) : 0 };
}

function isRanged(error: unknown): error is { readonly range?: { readonly start: number } } {
  return error instanceof ParseError || error instanceof ConditionTypeError;
}

function numberOf(name: string): number {
  return Object.entries(Channels).find(([other]) => other === name)?.[1] ?? 0;
}
