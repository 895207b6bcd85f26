/**
 * Free conditions in CEL (the Common Expression Language), over the facts of a payment and the features that the rule set names. They
 * are parsed and checked with types when the rule set is; what is not one of these variables, or not a yes or no, is a mistake.
 */
import { Environment } from '@marcbachmann/cel-js';
import { currencyOfNumeric } from '../../protocol/currencies.ts';
import { Channels, countryText } from '../../protocol/risk.ts';
import type { RuleTest } from './compile.ts';
import type { Facts } from './facts.ts';
import { localMinute } from './units.ts';

const MINUTES_PER_HOUR = 60;
const CHANNEL_NAMES = Object.keys(Channels).sort((a, b) => numberOf(a) - numberOf(b));
/** Bounds the time of a condition: there is nothing in it to loop over. */
const LIMITS = { maxAstNodes: 200, maxDepth: 32, maxListElements: 100, maxMapEntries: 0, maxCallArguments: 4 };

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
  readonly #environment: Environment;
  readonly #named: readonly { readonly name: string; readonly place: number }[];
  readonly #utcOffsetMinutes: number;

  /** @param named features by the names that conditions have for them, and their places in the values */
  constructor(named: readonly { readonly name: string; readonly place: number }[], utcOffsetMinutes: number) {
    this.#named = named;
    this.#utcOffsetMinutes = utcOffsetMinutes;
    const environment = new Environment({ unlistedVariablesAreDyn: false, limits: LIMITS });
    for (const [name, { type }] of Object.entries(VARIABLES)) environment.registerVariable(name, type);
    environment.registerVariable('hour', 'int');
    for (const { name } of named) if (!isTaken(name)) environment.registerVariable(name, 'int');
    this.#environment = environment;
  }

  /** The condition as a function, or what is wrong with it. */
  compile(text: string): RuleTest | { readonly problem: string } {
    const clash = this.#named.find(({ name }) => isTaken(name));
    if (clash !== undefined) return { problem: `the feature ${clash.name} has the name of something else` };
    try {
      const parsed = this.#environment.parse(text);
      const checked = parsed.check();
      if (!checked.valid) return { problem: firstLine(checked.error) };
      if (checked.type !== 'bool') return { problem: `gives ${checked.type}, and must give bool` };
      return this.#test(parsed, text);
    } catch (error) {
      return { problem: firstLine(error) };
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
        context[name] = BigInt(values[place] as number);
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

function isTaken(name: string): boolean {
  return Object.hasOwn(VARIABLES, name) || name === 'hour';
}

function firstLine(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.split('\n')[0] ?? message;
}

function numberOf(name: string): number {
  return Object.entries(Channels).find(([other]) => other === name)?.[1] ?? 0;
}
