/**
 * What a rule set would have decided of the payments in a journal: each is put to it with the features that it would have counted by
 * then, from what really became of the payments before. Nothing is changed.
 */
import { formatId } from '../../protocol/ids.ts';
import { AccountChangeFields, PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import type { PutRiskListBody } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity } from '../entity/entities.ts';
import { EntityTables, tableOf } from '../entity/event.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { EVENT_PREFIX_BYTES, EventTypes, eventView } from '../ledger/events.ts';
import { AccountWord, ChangeWord, idAt, PaymentWord, readU64 } from '../ledger/words.ts';
import { LinkField, NewPaymentField, PaymentField, StateField } from '../payment/event.ts';
import { type CompiledRules, compile } from './compile.ts';
import { contextIn, HITS_MAX, readDecision, SHADOW_HIT } from './decision.ts';
import { describePayment, describeSignal } from './describe.ts';
import { type Decision, evaluate, newDecision } from './evaluate.ts';
import { Counted, type Facts, newFacts } from './facts.ts';
import { FeatureStore } from './features.ts';
import { ListMembers } from './lists.ts';
import { OUTCOME_NAMES, Outcomes, type RuleSet } from './rule-set.ts';

/** A payment that the rule set would have decided otherwise. */
export interface ChangedPayment {
  readonly paymentId: string;
  /** Microseconds since 1970. */
  readonly at: number;
  readonly was: string;
  readonly wouldBe: string;
  /** Ids of the live rules that hit. */
  readonly rules: readonly string[];
}

export interface ReplayedRules {
  readonly payments: number;
  readonly changed: number;
  /** `was → would be`, and how many. */
  readonly changes: Readonly<Record<string, number>>;
  /** By id of the rule: payments that it hits. */
  readonly hits: Readonly<Record<string, number>>;
  /** The first of those that change. */
  readonly examples: readonly ChangedPayment[];
}

export interface ReplayBounds {
  /** Only payments from here, and before there, are decided; those before are counted. Microseconds since 1970. */
  readonly from: number;
  readonly to: number;
  readonly examplesMax: number;
}

const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
const SUBJECTS_MAX = 1_000_000;
const CELLS_MAX = 4_000_000;

/** One partition's journal, batch after batch. */
export class RuleReplay {
  readonly #rules: CompiledRules;
  readonly #bounds: ReplayBounds;
  readonly #lists = new ListMembers(0);
  readonly #features = new FeatureStore({ hashSeed: 0, subjectsMax: SUBJECTS_MAX, cellsMax: CELLS_MAX });
  readonly #facts: Facts = newFacts();
  readonly #decision: Decision = newDecision(HITS_MAX);
  /** Accounts whose tier was ever stated. */
  readonly #tiers = new Map<string, number>();
  /** First versions that may be confirmed later, as they stand: by position. */
  readonly #challenged = new Map<number, Uint32Array>();
  readonly #report = { payments: 0, changed: 0, changes: new Map<string, number>(), hits: new Map<string, number>() };
  readonly #examples: ChangedPayment[] = [];

  constructor(ruleSet: RuleSet, bounds: ReplayBounds) {
    this.#rules = compile(ruleSet);
    this.#bounds = bounds;
    this.#features.use(this.#rules.features);
  }

  get report(): ReplayedRules {
    const { payments, changed, changes, hits } = this.#report;
    return {
      payments,
      changed,
      changes: Object.fromEntries(changes),
      hits: Object.fromEntries(hits),
      examples: this.#examples,
    };
  }

  /** Takes the next batch of the journal. */
  batch(bytes: Uint8Array): void {
    const { timestamp, lsn } = readBatchHeader(bytes);
    // Views of the journal need not be aligned to words; a copy is.
    const words = new Uint32Array(bytes.length >> 2);
    new Uint8Array(words.buffer).set(bytes);
    for (let offset = BATCH_HEADER_BYTES; offset < bytes.length; ) {
      const at = offset >> 2;
      this.#event(words, at, lsn + offset / LSN_UNIT_BYTES, timestamp);
      offset += words[at + 1] as number;
    }
  }

  #event(words: Uint32Array, at: number, lsn: number, now: number): void {
    const record = at + PREFIX_WORDS;
    const isOk = (words[at] as number) >>> 16 === Code.ok;
    switch ((words[at] as number) & 0xff) {
      case EventTypes.newPayment:
        return this.#payment(words, at, lsn, now);
      case EventTypes.payment:
        return this.#version(words, at, now);
      case EventTypes.signal:
        if (isOk) this.#features.count(this.#facts, describeSignal(this.#facts, words, record, now));
        return;
      case EventTypes.account:
        return this.#tier(words, record + AccountWord.id, (words[record + AccountWord.tier] as number) >>> 24);
      case EventTypes.accountChange: {
        const fields = words[record + ChangeWord.fields] as number;
        if (!isOk || (fields & AccountChangeFields.tier) === 0) return;
        return this.#tier(words, record + ChangeWord.accountId, fields >>> 24);
      }
      case EventTypes.entity: {
        const event = eventView(new Uint8Array(words.buffer), at * 4);
        if (tableOf(event) === EntityTables.listChange) this.#lists.apply(decodeEntity<PutRiskListBody>(event));
        return;
      }
      default:
        return;
    }
  }

  #tier(words: Uint32Array, at: number, tier: number): void {
    const id = words.subarray(at, at + 4).join();
    if (tier !== 0 || this.#tiers.has(id)) this.#tiers.set(id, tier);
  }

  #payment(words: Uint32Array, at: number, lsn: number, now: number): void {
    const state = (words[at + NewPaymentField.state] as number) & 0xff;
    this.#describe(words, at, now);
    const was = outcomeOf(words, at, state);
    if (was !== undefined && now >= this.#bounds.from && now < this.#bounds.to) this.#decide(words, at, now, was);
    if (state === PaymentStates.challenged)
      this.#challenged.set(lsn, words.slice(at, at + (words[at + 1] as number) / 4));
    else this.#features.count(this.#facts, state === PaymentStates.declined ? Counted.declines : Counted.payments);
  }

  #decide(words: Uint32Array, at: number, now: number, was: number): void {
    const { rules } = this.#rules;
    this.#features.look(this.#facts);
    evaluate(this.#rules, this.#facts, this.#features, this.#lists, () => false, this.#decision);
    const { outcome, hits, hitCount } = this.#decision;
    const report = this.#report;
    report.payments++;
    const hitRules = [...hits.subarray(0, hitCount)].map((hit) => ({
      id: rules[hit & ~SHADOW_HIT]?.id ?? '',
      isShadow: (hit & SHADOW_HIT) !== 0,
    }));
    for (const { id } of hitRules) increment(report.hits, id);
    if (outcome === was) return;
    report.changed++;
    const [before, after] = [OUTCOME_NAMES[was] ?? 'unknown', OUTCOME_NAMES[outcome] ?? 'unknown'];
    increment(report.changes, `${before} → ${after}`);
    if (this.#examples.length >= this.#bounds.examplesMax) return;
    this.#examples.push({
      paymentId: formatId(idAt(words, at + PaymentField.id)),
      at: now,
      was: before,
      wouldBe: after,
      rules: hitRules.filter(({ isShadow }) => !isShadow).map(({ id }) => id),
    });
  }

  /** A challenged payment that was confirmed counts from then on. */
  #version(words: Uint32Array, at: number, now: number): void {
    const first = readU64(words, at + LinkField.firstVersion);
    const challenged = this.#challenged.get(first);
    const isOk = (words[at] as number) >>> 16 === Code.ok;
    if (challenged === undefined || !isOk) return;
    this.#challenged.delete(first);
    const operation = ((words[at + StateField.state] as number) >>> 8) & 0xff;
    if (operation !== PaymentOperations.confirm) return;
    this.#describe(challenged, 0, now);
    this.#features.count(this.#facts, Counted.payments);
  }

  #describe(words: Uint32Array, at: number, now: number): void {
    const payment = { words, at: at + PaymentField.id, contextAt: contextIn(words, at) };
    const payer = at + PaymentField.id + PaymentWord.payerAccountId;
    describePayment(this.#facts, payment, now, this.#tiers.get(words.subarray(payer, payer + 4).join()) ?? 0);
  }
}

/** What the rules in force decided; of a payment that the ledger declined before any rule could, undefined. */
function outcomeOf(words: Uint32Array, at: number, state: number): number | undefined {
  const decision = readDecision(words, at);
  if (decision !== undefined) return decision.outcome;
  return state === PaymentStates.declined ? undefined : Outcomes.approve;
}

function increment(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}
