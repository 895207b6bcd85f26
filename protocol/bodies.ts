/** MessagePack bodies (maps with these keys) of the rich commands and of their replies. */
import type { Change } from './changes.ts';
import type { Scope } from './commands.ts';

export interface HelloBody {
  /** The API key. */
  readonly key: string;
  /** Name and version of the calling program, for the log. */
  readonly client?: string;
}

export interface HelloReply {
  readonly server: string;
  readonly institution: number;
  readonly institutionName: string;
  readonly scopes: readonly Scope[];
  readonly partitions: number;
  /** Requests that this connection may have unanswered at once. */
  readonly inFlightMax: number;
}

export type PartyKind = 'customer' | 'merchant' | 'house';

/** A named customer, merchant or house role of an institution. Its accounts are `partyAccountId(…)`. */
export interface PartyBody {
  /** 1–64 of a-z 0-9 . _ -; unique in the institution; not a personal datum (no phone numbers or names). */
  readonly handle: string;
  readonly kind: PartyKind;
  /** Trading name of a merchant, shown to payers; empty for customers. At most 128 bytes. */
  readonly name: string;
  /** ISO 4217 numeric codes of the currencies in which the party has an account. At most 64. */
  readonly ledgers: readonly number[];
  /** ISO 18245 merchant category; 0 = none. */
  readonly mcc: number;
}

export interface StoredParty extends PartyBody {
  readonly institution: number;
  /** Microseconds since 1970. */
  readonly updatedAt: number;
}

export interface GetPartyBody {
  readonly handle: string;
}

export interface ListPartiesBody {
  /** `nextCursor` of the page before; 0 = the newest. */
  readonly cursor: number;
  readonly limit: number;
}

/** fee(c) = min(c, max(minimum, round-half-up(c × basisPoints / 10000) + fixed)), capped by maximum when it is > 0. */
export interface TariffBody {
  /** 1–65535. */
  readonly number: number;
  /** 0–10000. */
  readonly basisPoints: number;
  /** Minor units. */
  readonly fixed: number;
  readonly minimum: number;
  /** 0 = no maximum. */
  readonly maximum: number;
  /** Account that receives the fees; its ledger is the only one that the tariff serves. */
  readonly feeAccountId: string;
}

/** Discount on a payment of at least `minimumAmount`: amount × basisPoints / 10000 floored, plus `fixed`, capped. */
export interface CampaignBody {
  /** The funding account; its available balance is the budget. 32 hex digits. */
  readonly accountId: string;
  readonly basisPoints: number;
  readonly fixed: number;
  /** Most that one payment gets; 0 = no cap but the amount itself. */
  readonly maximum: number;
  readonly minimumAmount: number;
  /** Microseconds since 1970; 0 = open-ended. */
  readonly startsAt: number;
  readonly endsAt: number;
}

export interface ActivateRulesBody {
  /** A rule set as in a rule file, read from YAML or JSON; left out = no rules from now on. */
  readonly ruleSet?: Readonly<Record<string, unknown>>;
}

export interface ExplainPaymentBody {
  /** 32 hex digits. */
  readonly paymentId: string;
}

/** What the risk rules saw of a payment and decided, and which rule set it was. */
export interface RiskExplanation {
  readonly paymentId: string;
  /** As the rule set calls itself. */
  readonly ruleSet: string;
  readonly outcome: string;
  /** The payer's tier at that time. */
  readonly tier: number;
  readonly context: {
    readonly channel: string;
    readonly mcc: number;
    readonly country: string;
    readonly codeTier: number;
    readonly device: string;
    readonly ip: string;
    readonly card: string;
    /** In 1e-6 degrees; nil = not known. */
    readonly latitude: number | null;
    readonly longitude: number | null;
  };
  readonly features: readonly { readonly name: string; readonly value: number }[];
  readonly rules: readonly {
    readonly id: string;
    readonly outcome: string;
    readonly overridable: boolean;
    /** It only watches. */
    readonly shadow: boolean;
    readonly reason: { readonly en: string; readonly zh: string };
  }[];
}

/** Reply of every rich command but hello: the result code, and what was asked for when it is `ok`. */
export interface RichReply {
  readonly code: number;
  readonly party?: StoredParty;
  readonly parties?: readonly StoredParty[];
  readonly nextCursor?: number;
  readonly explanation?: RiskExplanation;
  /** With `ruleSetInvalid`: where, and what is wrong there. */
  readonly mistakes?: readonly string[];
}

export interface ReadChangesBody {
  readonly partition: number;
  /** `nextCursor` of the page before, or `cursor` of a change; 0 = from the start, 'now' = only what comes. */
  readonly cursor: number | 'now';
  /** Most changes of one page. */
  readonly limit: number;
  /** How long to wait when there is nothing, in milliseconds; 0 = answer at once. */
  readonly waitMs: number;
}

/** A page of the change stream. May hold fewer changes than `limit`, also none, before the end. */
export interface ChangesReply {
  readonly code: number;
  readonly changes?: readonly Change[];
  readonly nextCursor?: number;
  /** Whether this was all that is durable. */
  readonly atEnd?: boolean;
}
