/** Exemptions: a rule does not count for a payer until a time. They live where the payer lives. */
import { deriveId } from '../../protocol/ids.ts';
import { type PutRiskExemptionBody, REGISTRY_LIMITS } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables } from '../entity/event.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';

interface Exemption {
  /** µs. */
  readonly until: number;
  /** Position of the event that gave it. */
  readonly lsn: number;
}

const NONE: ReadonlyMap<string, Exemption> = new Map();

export class Exemptions {
  readonly #ledger: Ledger;
  readonly #entities: Entities;
  /** By index of the account, by rule. */
  readonly #byAccount = new Map<number, Map<string, Exemption>>();
  #count = 0;

  constructor(ledger: Ledger, entities: Entities) {
    this.#ledger = ledger;
    this.#entities = entities;
  }

  /** Whether a rule does not count for the payer with this index. */
  isExempt(account: number, rule: string, now: number): boolean {
    if (this.#count === 0) return false;
    const exemption = this.#byAccount.get(account)?.get(rule);
    return exemption !== undefined && exemption.until > now;
  }

  put(institution: number, body: PutRiskExemptionBody): number {
    const { now } = this.#ledger;
    const account = this.#entities.accountOf(body.accountId);
    if (account === NO_ACCOUNT) return Code.accountNotFound;
    if (!this.#ledger.mayDebit(account, institution)) return Code.accountForbidden;
    if (body.until !== 0 && body.until <= now) return Code.untilMustBeInFuture;
    const known = this.#byAccount.get(account)?.get(body.rule);
    if ((known?.until ?? 0) === body.until) return Code.ok;
    if (known === undefined && this.#isFull(now)) return Code.riskRegistryFull;
    const key = wordsOf(deriveId('riskExemption', body.accountId, body.rule));
    this.apply(body, this.#entities.write(EntityTables.exemption, key, institution, body));
    return Code.ok;
  }

  /** Carries out what an event at `lsn` says; for decisions and for replay. */
  apply({ accountId, rule, until }: PutRiskExemptionBody, lsn: number): void {
    const account = this.#entities.accountOf(accountId);
    const rules = this.#byAccount.get(account) ?? new Map<string, Exemption>();
    const isKnown = rules.has(rule);
    if (!isKnown && until !== 0 && this.#count >= REGISTRY_LIMITS.exemptions) this.#sweep(this.#ledger.now);
    if (until === 0) {
      if (rules.delete(rule)) this.#count--;
    } else {
      rules.set(rule, { until, lsn });
      if (!isKnown) this.#count++;
    }
    if (rules.size === 0) this.#byAccount.delete(account);
    else this.#byAccount.set(account, rules);
  }

  /** Those of an account that count, in the order in which they were given. */
  of(account: number): { readonly rule: string; readonly until: number }[] {
    const { now } = this.#ledger;
    const rules = [...(this.#byAccount.get(account) ?? NONE)];
    return rules.flatMap(([rule, { until }]) => (until > now ? [{ rule, until }] : []));
  }

  /** Positions of the events that gave those that are kept. */
  save(): number[] {
    return [...this.#byAccount.values()].flatMap((rules) => [...rules.values()].map(({ lsn }) => lsn));
  }

  /** What is over makes room only when an event is written, so that a replay comes to the same. */
  #isFull(now: number): boolean {
    if (this.#count < REGISTRY_LIMITS.exemptions) return false;
    for (const rules of this.#byAccount.values()) {
      for (const { until } of rules.values()) if (until <= now) return false;
    }
    return true;
  }

  /** Forgets what is over. A function of the state and the time of the batch, so that a replay forgets the same. */
  #sweep(now: number): void {
    for (const [account, rules] of this.#byAccount) {
      for (const [rule, { until }] of rules) if (until <= now && rules.delete(rule)) this.#count--;
      if (rules.size === 0) this.#byAccount.delete(account);
    }
  }
}
