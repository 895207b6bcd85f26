/**
 * The risk rules of a partition, between a payment and the ledger:
 *
 *   describe: the facts of the payment ─▶ assess: features read, rules evaluated ─▶ decision, kept with the payment ─▶ count
 *
 * Everything is a function of the journal: features are counted from the payments in it, and rule sets are switched by events of it.
 * Without a rule set nothing is looked at, kept or counted.
 */

import { formatId } from '../../protocol/ids.ts';
import { PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity } from '../entity/entities.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { EventLog } from '../ledger/events.ts';
import type { Ledger, PartitionPlace } from '../ledger/ledger.ts';
import { idAt } from '../ledger/words.ts';
import { PaymentField } from '../payment/event.ts';
import { OPENING_RULES_MAX } from './cases.ts';
import { type CompiledRules, compile } from './compile.ts';
import { contextIn, DecisionBuffer, encodeDecision, HITS_MAX, readDecision } from './decision.ts';
import { type DescribedPayment, describePayment, describeSignal } from './describe.ts';
import { type Decision, evaluate, newDecision } from './evaluate.ts';
import { Counted, type Facts, newFacts } from './facts.ts';
import { type FeatureBounds, FeatureStore } from './features.ts';
import type { Readings } from './readings.ts';
import type { Registry } from './registry.ts';
import { keyOf } from './reservations.ts';
import { Outcomes, type RuleSet } from './rule-set.ts';
import { readCounted, SharedCounts } from './shared-counts.ts';

/** A rule set in force. */
export interface ActiveRules {
  readonly rules: CompiledRules;
  /** Position of the event that put it into force. */
  readonly lsn: number;
}

/** How full the features are. */
export interface RiskFigures {
  /** Keys of all tables. */
  readonly keys: number;
  /** Keys that had to make room, and counts that found none, since the rules first asked for them. */
  readonly evicted: number;
  readonly dropped: number;
  /** What was counted for other partitions, and these have not confirmed. */
  readonly waiting: number;
}

/** What a partition keeps of risk. */
export class RiskState {
  readonly features: FeatureStore;
  /** What is counted for other partitions, and by them. */
  readonly shared: SharedCounts;
  /** Lists, exemptions and freezes. */
  readonly registry: Registry;
  #active: ActiveRules | undefined;

  constructor(options: FeatureBounds & { readonly place: PartitionPlace }, registry: Registry) {
    this.registry = registry;
    this.features = new FeatureStore(options);
    this.shared = new SharedCounts(options.place.partition, options.place.partitions);
  }

  get active(): ActiveRules | undefined {
    return this.#active;
  }

  get figures(): RiskFigures {
    const { rows, evicted, dropped } = this.features;
    return { keys: rows, evicted, dropped, waiting: this.shared.waiting };
  }

  /** Puts a checked rule set into force; features that it shares with the one before go on. */
  activate(ruleSet: RuleSet, lsn: number): void {
    const rules = compile(ruleSet);
    this.#active = { rules, lsn };
    this.features.use(rules.features);
  }

  /** Ids of the rules of the set that was put into force at `lsn`, in their order. */
  idsOf(lsn: number, events: EventLog): readonly string[] {
    if (lsn === this.#active?.lsn) return this.#active.rules.rules.map(({ id }) => id);
    return decodeEntity<{ ruleSet: RuleSet }>(events.read(lsn)).ruleSet.rules.map(({ id }) => id);
  }

  deactivate(): void {
    this.#active = undefined;
    this.features.use([]);
  }
}

export class Risk {
  /** Whether nothing is counted: for a dry run. */
  readonly isDry: boolean;
  /** Bytes of the decision on the payment that was described last; 0 = no rules looked at it. */
  decisionBytes = 0;
  readonly #state: RiskState;
  readonly #ledger: Ledger;
  readonly #facts: Facts = newFacts();
  readonly #decision: Decision = newDecision(HITS_MAX);
  readonly #encoded = new DecisionBuffer();

  #payer = NO_ACCOUNT;
  #described: DescribedPayment | undefined;
  /** Whether the features were read for the facts as they are. */
  #wasRead = false;
  /** Made once: a payment allocates nothing. */
  readonly #isExempt = (rule: number): boolean => {
    const id = this.#rules?.rules.rules[rule]?.id;
    return id !== undefined && this.#state.registry.exemptions.isExempt(this.#payer, id, this.#ledger.now);
  };

  constructor(state: RiskState, ledger: Ledger, isDry = false) {
    this.#state = state;
    this.#ledger = ledger;
    this.isDry = isDry;
  }

  /** Whether payments of the payer with this index are stopped. */
  isFrozen(payer: number): boolean {
    return this.#state.registry.freezes.isFrozen(payer, this.#ledger.now);
  }

  get #rules(): ActiveRules | undefined {
    return this.#state.active;
  }

  /** Takes down what is known of a payment. `payer`: index of its account, or NO_ACCOUNT. */
  describe(payment: DescribedPayment, payer: number): void {
    this.decisionBytes = 0;
    this.#wasRead = false;
    this.#described = payment;
    if (this.#rules === undefined) return;
    const tier = payer === NO_ACCOUNT ? 0 : (this.#ledger.accounts.tier[payer] as number);
    describePayment(this.#facts, payment, this.#ledger.now, tier);
  }

  /** Whether other partitions have to count first what was counted for them: then nothing may be decided that is counted there. */
  get isBehind(): boolean {
    const { features, shared } = this.#state;
    return features.sharedBy !== 0 && shared.isBehind(this.#ledger.now);
  }

  /**
   * Has the rules look at the payment that was described; an Outcomes value.
   *
   * @param readings what other partitions say of features whose keys they keep
   */
  assess(payer: number, readings?: Readings): number {
    this.#payer = payer;
    const active = this.#rules;
    if (active === undefined) return Outcomes.approve;
    const { rules } = active;
    const { features, registry } = this.#state;
    features.look(this.#facts, readings);
    this.#wasRead = true;
    evaluate(rules, this.#facts, features, registry.lists, this.#isExempt, this.#decision);
    const { outcome, hits, hitCount } = this.#decision;
    this.decisionBytes = encodeDecision(this.#encoded, {
      ruleSet: active.lsn,
      outcome,
      tier: this.#facts.tier,
      values: features.values,
      taken: features.taken,
      takenCount: features.takenCount,
      hits,
      hitCount,
    });
    return this.#decision.outcome;
  }

  /** Writes the decision from word `at` on, if there is one. */
  writeDecision(words: Uint32Array, at: number): void {
    const { words: encoded } = this.#encoded;
    for (let word = 0; word * 4 < this.decisionBytes; word++) words[at + word] = encoded[word] as number;
  }

  /** Counts the payment that was described, by the state (PaymentStates) that it got into. */
  count(state: number): void {
    if (this.isDry || this.#rules === undefined) return;
    if (state === PaymentStates.challenged) return;
    const counted = state === PaymentStates.declined ? Counted.declines : Counted.payments;
    this.#state.features.count(this.#facts, counted, this.#wasRead);
    this.#wasRead = false;
    this.#tell(counted, this.#described?.words, this.#described?.at ?? 0);
  }

  /** Opens a case for the payment whose first version is at word `at`, if the rules want it reviewed. */
  openCase(words: Uint32Array, at: number): void {
    const decision = this.isDry ? undefined : readDecision(words, at);
    if (decision?.outcome !== Outcomes.review) return;
    const paymentId = formatId(idAt(words, at + PaymentField.id));
    const live = decision.hits.filter(({ isShadow }) => !isShadow).map(({ rule }) => rule);
    const rules = this.#state.idsOf(decision.ruleSet, this.#ledger.events);
    const named = live.flatMap((rule) => rules[rule] ?? []).slice(0, OPENING_RULES_MAX);
    this.#state.registry.cases.open(words[at + 2] as number, paymentId, named);
  }

  /** Counts a challenged payment that is confirmed. */
  countConfirmed(payment: DescribedPayment): void {
    this.describe(payment, NO_ACCOUNT);
    this.count(PaymentStates.captured);
  }

  /** Counts the payment whose first version is at word `at`, and which got into `state`: for recovery. */
  replay(words: Uint32Array, at: number, state: number): void {
    if (this.#rules === undefined) return;
    this.describe({ words, at: at + PaymentField.id, contextAt: contextIn(words, at) }, NO_ACCOUNT);
    this.count(state);
  }

  /** Counts the RISK_SIGNAL at word `at`. */
  countSignal(words: Uint32Array, at: number): void {
    if (this.isDry || this.#rules === undefined) return;
    const counted = describeSignal(this.#facts, words, at, this.#ledger.now);
    this.#state.features.count(this.#facts, counted);
    this.#tell(counted, undefined, 0);
  }

  /** Has other partitions count what was counted last. The payment's id is at word `idAt`; no words: it is none. */
  #tell(counted: number, words: Uint32Array | undefined, idAt: number): void {
    const { features, shared } = this.#state;
    if (features.sharedBy === 0) return;
    for (const home of features.elsewhere) shared.add(home, this.#facts, counted, words, idAt);
  }

  /** Counts the event whose first word is `at`: what another partition has decided. */
  countOfOthers(words: Uint32Array, at: number): void {
    const { features, shared } = this.#state;
    shared.forEach(words, at, (entry) => {
      const counted = readCounted(this.#facts, words, entry, this.#ledger.now);
      features.reserved.end(words, entry);
      if (this.#rules !== undefined) features.countOfOthers(this.#facts, counted);
    });
  }

  /**
   * Answers another partition what the features say of a payment whose keys are kept here.
   *
   * @param payment as it was sent, with a RISK_CONTEXT
   * @param isExact whether it is reserved, for those who ask after it
   * @param out where the readings go: their head is at word `at`, with a count of 0
   * @returns a result code
   */
  answer(payment: DescribedPayment, isExact: boolean, out: Uint32Array, at: number): number {
    const { features } = this.#state;
    if (this.#rules === undefined || features.sharedBy === 0) return Code.ok;
    describePayment(this.#facts, payment, this.#ledger.now, 0);
    features.answer(this.#facts, out, at, keyOf(payment.words, payment.at));
    if (!isExact) return Code.ok;
    return features.reserved.add(payment.words, payment.at, this.#facts) ? Code.ok : Code.busy;
  }
}
