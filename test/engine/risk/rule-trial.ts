import { checkRuleSet } from '../../../engine/risk/check-rule-set.ts';
import { type CompiledRules, compile } from '../../../engine/risk/compile.ts';
import { evaluate, newDecision } from '../../../engine/risk/evaluate.ts';
import {
  Counted,
  type CountedName,
  type Facts,
  newFacts,
  type SubjectName,
  Subjects,
} from '../../../engine/risk/facts.ts';
import { FeatureStore } from '../../../engine/risk/features.ts';
import { OUTCOME_NAMES, Outcomes } from '../../../engine/risk/rule-set.ts';
import { currencyOfAlphabetic } from '../../../protocol/currencies.ts';
import { type ChannelName, Channels, countryNumber } from '../../../protocol/risk.ts';

/** A payment of a trial; what is not said is the same for all. */
export interface TrialPayment extends Partial<Record<SubjectName, number>> {
  /** Milliseconds since 1970. */
  readonly at?: number;
  /** Minor units. */
  readonly amount?: number;
  readonly currency?: string;
  readonly channel?: ChannelName;
  readonly country?: string;
  readonly mcc?: number;
  readonly tier?: number;
  readonly codeTier?: number;
  /** Degrees. */
  readonly place?: readonly [latitude: number, longitude: number];
}

const DEFAULTS = { payer: 1, payee: 2 };

/** Rules by themselves: from their file's form to the decision, with the features that they count, and without a partition. */
export class RuleTrial {
  readonly lists = new Map<string, readonly number[]>();
  readonly #compiled: CompiledRules;
  readonly #features = new FeatureStore({ hashSeed: 7, subjectsMax: 1000, cellsMax: 20_000 });
  readonly #decision = newDecision(32);

  /** @param rules `id`, `outcome` and `reason` are given to those that have none; a whole set stands for itself */
  constructor(...rules: readonly object[]) {
    const [first = {}] = rules;
    const checked = checkRuleSet('rules' in first ? first : ruleSetOf(rules));
    if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
    this.#compiled = compile(checked.ruleSet);
    this.#features.use(this.#compiled.features);
  }

  /** Whether a rule hits; the payment is not counted. */
  hits(payment: TrialPayment): boolean {
    this.#decide(factsOf(payment));
    return this.#decision.hitCount > 0;
  }

  /** Decides a payment and counts what has become of it. */
  pay(payment: TrialPayment): string {
    const facts = factsOf(payment);
    this.#decide(facts);
    const { outcome } = this.#decision;
    this.#features.count(facts, outcome === Outcomes.decline ? Counted.declines : Counted.payments);
    return OUTCOME_NAMES[outcome] ?? '';
  }

  signal(kind: CountedName, payment: TrialPayment): void {
    this.#features.count(factsOf({ ...payment, payee: 0 }), Counted[kind]);
  }

  #decide(facts: Facts): void {
    this.#features.look(facts);
    const lists = {
      has: (list: string, subjects: Uint32Array, at: number) => this.lists.get(list)?.includes(subjects[at]!) === true,
    };
    evaluate(this.#compiled, facts, this.#features, lists, () => false, this.#decision);
  }
}

function ruleSetOf(rules: readonly object[]): object {
  const reason = { en: 'Because.', zh: '因为。' };
  const named = rules.map((rule, index) => ({ id: `rule-${index}`, outcome: 'decline', reason, ...rule }));
  return { version: 'trial', utcOffset: '+08:00', rules: named };
}

function factsOf(payment: TrialPayment): Facts {
  const { at = 0, amount = 100, currency = 'CNY', channel = 'unknown', country = '', place } = payment;
  const facts = Object.assign(newFacts(), {
    now: at * 1000,
    amount,
    ledger: currencyOfAlphabetic(currency)?.numeric ?? 0,
    channel: Channels[channel],
    country: countryNumber(country) ?? 0,
    mcc: payment.mcc ?? 0,
    tier: payment.tier ?? 0,
    codeTier: payment.codeTier ?? 0,
    hasLocation: place !== undefined,
    latitude: (place?.[0] ?? 0) * 1_000_000,
    longitude: (place?.[1] ?? 0) * 1_000_000,
  });
  const named: Partial<Record<SubjectName, number>> = { ...DEFAULTS, ...payment };
  for (const [name, word] of Object.entries(Subjects)) facts.subjects[word * 4] = named[name as SubjectName] ?? 0;
  return facts;
}
