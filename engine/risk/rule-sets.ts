/** Which rule set is in force, and what one decided of a payment: the commands activateRules and explainPayment. */
import type { ActivateRulesBody, ExplainPaymentBody, RichReply, RiskExplanation } from '../../protocol/bodies.ts';
import { formatId, parseId } from '../../protocol/ids.ts';
import { decodeRecord } from '../../protocol/layout.ts';
import { Code } from '../../protocol/results.ts';
import { type ChannelName, Channels, countryText, RISK_CONTEXT, RiskContextFlags } from '../../protocol/risk.ts';
import { decodeEntity, type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables } from '../entity/event.ts';
import type { EventLog } from '../ledger/events.ts';
import { LinkField } from '../payment/event.ts';
import type { Payments } from '../payment/payments.ts';
import { readView64 } from '../payment/version.ts';
import { checkRuleSet } from './check-rule-set.ts';
import { compile } from './compile.ts';
import { contextIn, readDecision, type StoredDecision } from './decision.ts';
import type { RiskState } from './risk.ts';
import { OUTCOME_NAMES, type RuleSet } from './rule-set.ts';

/** Mistakes that an answer names; a rule file can be checked for all of them. */
const MISTAKES_MAX = 20;
const MISTAKE_CHARACTERS_MAX = 200;

export class RuleSets {
  readonly #state: RiskState;
  readonly #entities: Entities;
  readonly #events: EventLog;
  /** The rule set explained last, which most often is the one in force. */
  #explained: { readonly lsn: number; readonly ruleSet: RuleSet; readonly features: readonly string[] } | undefined;

  constructor(state: RiskState, entities: Entities, events: EventLog) {
    this.#state = state;
    this.#entities = entities;
    this.#events = events;
  }

  /** Puts a rule set into force from the next payment on; without one, ends the rules. */
  activate(institution: number, { ruleSet }: ActivateRulesBody): RichReply {
    const checked = ruleSet === undefined ? undefined : checkRuleSet(ruleSet);
    if (checked !== undefined && 'errors' in checked) {
      const told = checked.errors.slice(0, MISTAKES_MAX).map(({ path, message }) => `${path.join('.')}: ${message}`);
      return { code: Code.ruleSetInvalid, mistakes: told.map((text) => text.slice(0, MISTAKE_CHARACTERS_MAX)) };
    }
    const body: { readonly ruleSet?: RuleSet } = checked === undefined ? {} : { ruleSet: checked.ruleSet };
    const lsn = this.#entities.put(EntityTables.ruleSet, ['ruleSet'], institution, body);
    this.#use(body.ruleSet, lsn);
    return { code: Code.ok };
  }

  /** Applies the stored event at `lsn`: for recovery. */
  replay(event: DataView, lsn: number): void {
    this.#use(decodeEntity<{ ruleSet?: RuleSet }>(event).ruleSet, lsn);
  }

  /** Position of the rule set in force; 0 = none. */
  get inForce(): number {
    return this.#state.active?.lsn ?? 0;
  }

  explain(payments: Payments, institution: number, { paymentId }: ExplainPaymentBody): RichReply {
    const lsn = payments.find(wordsOf(parseId(paymentId) ?? 0n), 0);
    if (lsn === 0) return { code: Code.paymentNotFound };
    const newest = payments.versions.read(lsn);
    if (!payments.maySee(newest, institution)) return { code: Code.paymentForbidden };
    const words = this.#copy(readView64(newest, LinkField.firstVersion) || lsn);
    const decision = readDecision(words, 0);
    return decision === undefined
      ? { code: Code.decisionNotFound }
      : { code: Code.ok, explanation: this.#explanation(paymentId, words, decision) };
  }

  /** @param ruleSet was checked before it was stored */
  #use(ruleSet: RuleSet | undefined, lsn: number): void {
    if (ruleSet === undefined) this.#state.deactivate();
    else this.#state.activate(ruleSet, lsn);
  }

  #explanation(paymentId: string, words: Uint32Array, decision: StoredDecision): RiskExplanation {
    const { ruleSet, features } = this.#ruleSetAt(decision.ruleSet);
    return {
      paymentId,
      ruleSet: ruleSet.version,
      outcome: OUTCOME_NAMES[decision.outcome] ?? 'unknown',
      tier: decision.tier,
      context: readContext(words),
      features: decision.features.map(({ place, value }) => ({ name: features[place] ?? '', value })),
      rules: decision.hits.flatMap(({ rule, isShadow }) => {
        const hit = ruleSet.rules[rule];
        if (hit === undefined) return [];
        const { id, outcome, overridable, reason } = hit;
        return [{ id, outcome, overridable, shadow: isShadow, reason }];
      }),
    };
  }

  #ruleSetAt(lsn: number) {
    if (this.#explained?.lsn !== lsn) {
      const { ruleSet } = decodeEntity<{ ruleSet: RuleSet }>(this.#events.read(lsn));
      this.#explained = { lsn, ruleSet, features: compile(ruleSet).features.map(({ name }) => name) };
    }
    return this.#explained;
  }

  #copy(lsn: number): Uint32Array {
    const event = this.#events.read(lsn);
    const words = new Uint32Array(event.byteLength >> 2);
    new Uint8Array(words.buffer).set(new Uint8Array(event.buffer, event.byteOffset, event.byteLength));
    return words;
  }
}

/** The circumstances that the first version at word 0 was sent with. */
function readContext(words: Uint32Array): RiskExplanation['context'] {
  const at = contextIn(words, 0);
  const view =
    at === 0 ? new DataView(new ArrayBuffer(RISK_CONTEXT.size)) : new DataView(words.buffer, words.byteOffset + at * 4);
  const { channel, mcc, country, codeTier, device, ip, card, latitude, longitude, flags } = decodeRecord(
    RISK_CONTEXT,
    view,
    0,
  );
  const hasLocation = (flags & RiskContextFlags.location) !== 0;
  return {
    channel: nameOf(Channels, channel) as ChannelName,
    mcc,
    country: countryText(country),
    codeTier,
    device: device === 0n ? '' : formatId(device),
    ip: ip === 0n ? '' : formatId(ip),
    card: card === 0n ? '' : formatId(card),
    latitude: hasLocation ? latitude | 0 : null,
    longitude: hasLocation ? longitude | 0 : null,
  };
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? 'unknown';
}
