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
import { type Guard, guardsOf, type NumberOf } from './guards.ts';
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

/** Whole numbers that a condition knows beside features and the hour. */
const NUMBERS: Readonly<Record<string, (facts: Facts) => number>> = {
  /** Minor units. */
  amount: ({ amount }) => amount,
  /** 0 = none. */
  mcc: ({ mcc }) => mcc,
  tier: ({ tier }) => tier,
  /** 1 = A … 4 = D, 0 = no barcode payment. */
  codeTier: ({ codeTier }) => codeTier,
  code: ({ code }) => code,
};
const HOUR = 'hour';

/** What else it knows. */
const VARIABLES: Readonly<Record<string, { readonly type: string; readonly of: (facts: Facts) => unknown }>> = {
  /** ISO 4217, as `CNY`. */
  currency: { type: 'string', of: ({ ledger }) => currencyOfNumeric(ledger)?.alphabetic ?? '' },
  channel: { type: 'string', of: ({ channel }) => CHANNEL_NAMES[channel] ?? 'unknown' },
  /** ISO 3166-1 alpha-2; empty = not known. */
  country: { type: 'string', of: ({ country }) => countryText(country) },
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
    for (const name of [...Object.keys(NUMBERS), HOUR]) environment.registerVariable(name, 'int');
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
      return this.#test(parsed, parsed.ast, text);
    } catch (error) {
      return problemOf(error);
    }
  }

  #test(condition: (context: Record<string, unknown>) => unknown, ast: ASTNode, text: string): RuleTest {
    const { guards, isWhole } = guardsOf(ast, (name) => this.#numberOf(name));
    const isAsked = this.#evaluation(condition, text);
    return (facts, values) => {
      for (let index = 0; index < guards.length; index++) {
        if (guards[index]?.(facts, values) === false) return false;
      }
      return isWhole || isAsked(facts, values);
    };
  }

  #evaluation(condition: (context: Record<string, unknown>) => unknown, text: string): Guard {
    const context: Record<string, unknown> = {};
    // A whole number costs an allocation here, so only what the condition may ask for is made.
    const isNamed = (name: string): boolean => new RegExp(`\\b${name}\\b`).test(text);
    const names = [...this.#named.map(({ name }) => name), ...Object.keys(NUMBERS), HOUR].filter(isNamed);
    const numbers = names.map((name) => ({ name, of: this.#numberOf(name) }));
    const variables = Object.entries(VARIABLES).filter(([name]) => isNamed(name));
    return (facts, values) => {
      for (const { name, of } of numbers) context[name] = BigInt(of?.(facts, values) ?? 0);
      for (const [name, { of }] of variables) context[name] = of(facts);
      try {
        return condition(context) === true;
      } catch {
        // A division by zero, or a number out of range: it says nothing of the payment.
        return false;
      }
    };
  }

  /** The whole number of this name; undefined when there is none. */
  #numberOf(name: string): NumberOf | undefined {
    const feature = this.#named.find((named) => named.name === name);
    if (feature !== undefined) return (_facts, values) => values.get(feature.place);
    if (name === HOUR) return ({ now }) => Math.floor(localMinute(now, this.#utcOffsetMinutes) / MINUTES_PER_HOUR);
    return NUMBERS[name];
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
