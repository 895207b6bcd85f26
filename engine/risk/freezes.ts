/**
 * Freezes: a payer is stopped for a short while, or money that somebody received is blocked. The money itself is a pending transfer
 * with the id of the freeze, made at the edge (risk-gate.ts), which ends by itself at the same time. They live where their
 * account lives.
 */
import { deriveId } from '../../protocol/ids.ts';
import type { EndFreezeBody, PutFreezeBody, RegistryReply, StoredFreeze } from '../../protocol/registry-bodies.ts';
import { REGISTRY_LIMITS } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity, type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables } from '../entity/event.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';

interface Open {
  readonly freeze: StoredFreeze;
  readonly lsn: number;
}

const MINUTE = 60_000_000;
const DAY_MINUTES = 24 * 60;
const NIGHT_FROM = 22 * 60;
const NIGHT_TO = 6 * 60;
/** China Standard Time. */
const UTC_OFFSET_DEFAULT = 480;

export class Freezes {
  readonly #ledger: Ledger;
  readonly #entities: Entities;
  /** Those that were not ended, by index of the account, by id. Those whose time is over leave when another event comes. */
  readonly #byAccount = new Map<number, Map<string, Open>>();
  #count = 0;

  constructor(ledger: Ledger, entities: Entities) {
    this.#ledger = ledger;
    this.#entities = entities;
  }

  /** Whether payments of the payer with this index are refused. */
  isFrozen(account: number, now: number): boolean {
    if (this.#count === 0) return false;
    const freezes = this.#byAccount.get(account);
    if (freezes === undefined) return false;
    for (const { freeze } of freezes.values()) if (freeze.kind === 'sender' && freeze.until > now) return true;
    return false;
  }

  put(institution: number, body: PutFreezeBody): RegistryReply {
    const { now } = this.#ledger;
    const account = this.#entities.accountOf(body.accountId);
    if (account === NO_ACCOUNT) return { code: Code.accountNotFound };
    if (!this.#ledger.mayDebit(account, institution)) return { code: Code.accountForbidden };
    const known = this.#find(body.id);
    if (known !== undefined) {
      return isSame(known, body) ? { code: Code.ok, freeze: known } : { code: Code.freezeExistsDifferently };
    }
    const isReceived = body.kind === 'received';
    if (isReceived && (body.payerAccountId === undefined || body.amount === undefined)) {
      return { code: Code.malformedBody };
    }
    if (body.until <= now) return { code: Code.untilMustBeInFuture };
    if (body.until - now > longest(body, now)) return { code: Code.freezeTooLong };
    const live = this.of(account).length;
    if (live >= REGISTRY_LIMITS.freezesPerAccount || this.#isFull(now)) return { code: Code.riskRegistryFull };
    const ledger = this.#ledger.accounts.ledger[account] as number;
    const freeze: StoredFreeze = { ...body, institution, ledger, state: 'open' };
    this.#write(freeze);
    return { code: Code.ok, freeze };
  }

  /** Ends it for good. The money must have gone its way before. */
  end(institution: number, { id, accountId, decision }: EndFreezeBody): RegistryReply {
    const account = this.#entities.accountOf(accountId);
    const freeze = this.#find(id);
    if (account === NO_ACCOUNT || freeze === undefined || freeze.accountId !== accountId) {
      return { code: Code.freezeNotFound };
    }
    if (!this.#ledger.mayDebit(account, institution)) return { code: Code.accountForbidden };
    const state = decision === 'release' ? 'released' : 'returned';
    if (freeze.state === state) return { code: Code.ok, freeze };
    if (freeze.state !== 'open') return { code: Code.freezeExistsDifferently };
    if (freeze.kind === 'sender' && decision === 'return') return { code: Code.malformedBody };
    const ended: StoredFreeze = { ...freeze, state };
    this.#write(ended);
    return { code: Code.ok, freeze: ended };
  }

  /** Applies a version that an event holds; for decisions and for replay. */
  apply(freeze: StoredFreeze, lsn: number): void {
    if (this.#count >= REGISTRY_LIMITS.freezes) this.#sweep();
    const account = this.#entities.accountOf(freeze.accountId);
    const freezes = this.#byAccount.get(account) ?? new Map<string, Open>();
    const { now } = this.#ledger;
    for (const [id, open] of freezes) {
      if ((open.freeze.until <= now || id === freeze.id) && freezes.delete(id)) this.#count--;
    }
    if (freeze.state === 'open') {
      freezes.set(freeze.id, { freeze, lsn });
      this.#count++;
    }
    if (freezes.size === 0) this.#byAccount.delete(account);
    else this.#byAccount.set(account, freezes);
  }

  /** Those of an account that are in force, oldest first. */
  of(account: number): StoredFreeze[] {
    const { now } = this.#ledger;
    const freezes = [...(this.#byAccount.get(account)?.values() ?? [])];
    return freezes.flatMap(({ freeze }) => (freeze.until > now ? [freeze] : []));
  }

  /** Positions of the events of those that are kept. */
  save(): number[] {
    return [...this.#byAccount.values()].flatMap((freezes) => [...freezes.values()].map(({ lsn }) => lsn));
  }

  #find(id: string): StoredFreeze | undefined {
    const lsn = this.#entities.find(keyOf(id));
    return lsn === 0 ? undefined : decodeEntity<StoredFreeze>(this.#ledger.events.read(lsn));
  }

  #write(freeze: StoredFreeze): void {
    this.apply(freeze, this.#entities.write(EntityTables.freeze, keyOf(freeze.id), freeze.institution, freeze));
  }

  /** What is over makes room only when an event is written, so that a replay comes to the same. */
  #isFull(now: number): boolean {
    if (this.#count < REGISTRY_LIMITS.freezes) return false;
    for (const freezes of this.#byAccount.values()) {
      for (const { freeze } of freezes.values()) if (freeze.until <= now) return false;
    }
    return true;
  }

  #sweep(): void {
    const { now } = this.#ledger;
    for (const [account, freezes] of this.#byAccount) {
      for (const [id, { freeze }] of freezes) if (freeze.until <= now && freezes.delete(id)) this.#count--;
      if (freezes.size === 0) this.#byAccount.delete(account);
    }
  }
}

/** µs */
function longest({ kind, utcOffsetMinutes = UTC_OFFSET_DEFAULT }: PutFreezeBody, now: number): number {
  if (kind === 'received') return 72 * 60 * MINUTE;
  const minute = (((Math.floor(now / MINUTE) + utcOffsetMinutes) % DAY_MINUTES) + DAY_MINUTES) % DAY_MINUTES;
  return (minute >= NIGHT_FROM || minute < NIGHT_TO ? 60 : 30) * MINUTE;
}

function isSame(known: StoredFreeze, body: PutFreezeBody): boolean {
  const { institution: _i, ledger: _l, state: _s, blocked: _b, ...terms } = known;
  return JSON.stringify(terms) === JSON.stringify(body);
}

function keyOf(id: string): Uint32Array {
  return wordsOf(deriveId('freeze', id));
}
