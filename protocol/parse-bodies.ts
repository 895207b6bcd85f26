/**
 * From untrusted values (decoded MessagePack or JSON) to the bodies of bodies.ts. Each parse function returns the body,
 * or the path of the first wrong field. The tables are part of the specification page and of the schema hash.
 */
import type {
  ActivateRulesBody,
  CampaignBody,
  ChangesReply,
  ExplainPaymentBody,
  GetPartyBody,
  HelloBody,
  HelloReply,
  ListPartiesBody,
  PartyBody,
  ReadChangesBody,
  RichReply,
  RiskExplanation,
  TariffBody,
} from './bodies.ts';
import {
  type Checked,
  either,
  type Field,
  flag,
  idText,
  integer,
  list,
  map,
  matching,
  object,
  oneOf,
  optional,
  text,
} from './body-fields.ts';
import type { Change } from './changes.ts';
import { SCOPES } from './commands.ts';
import { LIMITS } from './limits.ts';

const U32_MAX = 0xffff_ffff;
const amount = integer(0, LIMITS.amountMax);
const microseconds = integer(0, Number.MAX_SAFE_INTEGER);
const basisPoints = integer(0, 10_000);
const handle = matching(
  /^[a-z0-9][a-z0-9._-]{0,63}$/,
  'a handle: 1 to 64 of a-z 0-9 . _ - that begins with a letter or digit',
);

export const HELLO_FIELDS = { key: text(1, 256), client: optional(text(0, 128)) };

export const PARTY_FIELDS = {
  handle,
  kind: oneOf('customer', 'merchant', 'house'),
  name: text(0, 128),
  /** ISO 4217 numeric codes have three digits. */
  ledgers: list(integer(1, 999), 64, true),
  mcc: integer(0, 9999),
};

export const GET_PARTY_FIELDS = { handle };

export const LIST_PARTIES_FIELDS = { cursor: microseconds, limit: integer(1, LIMITS.pageEntriesMax) };

export const TARIFF_FIELDS = {
  number: integer(1, 65_535),
  basisPoints,
  fixed: amount,
  minimum: amount,
  maximum: amount,
  feeAccountId: idText(),
};

export const CAMPAIGN_FIELDS = {
  accountId: idText(),
  basisPoints,
  fixed: amount,
  maximum: amount,
  minimumAmount: amount,
  startsAt: microseconds,
  endsAt: microseconds,
};

export const ACTIVATE_RULES_FIELDS = { ruleSet: optional(map<Record<string, unknown>>('a rule set')) };

export const EXPLAIN_PAYMENT_FIELDS = { paymentId: idText() };

export const HELLO_REPLY_FIELDS = {
  server: text(0, 256),
  institution: integer(0, U32_MAX),
  institutionName: text(0, 256),
  scopes: list(oneOf(...SCOPES), SCOPES.length),
  partitions: integer(1, U32_MAX),
  inFlightMax: integer(1, U32_MAX),
};

export const STORED_PARTY_FIELDS = { ...PARTY_FIELDS, institution: integer(0, U32_MAX), updatedAt: microseconds };

const storedParty = object(STORED_PARTY_FIELDS, 'dropped');

export const RICH_REPLY_FIELDS = {
  code: integer(0, 65_535),
  party: optional(storedParty),
  parties: optional(list(storedParty, LIMITS.pageEntriesMax)),
  nextCursor: optional(microseconds),
  explanation: optional(map<RiskExplanation>('what the risk rules decided of a payment')),
  mistakes: optional(list(text(0, 512), 100)),
};

export const READ_CHANGES_FIELDS = {
  partition: integer(0, U32_MAX),
  cursor: either(microseconds, oneOf('now')),
  limit: integer(1, LIMITS.pageEntriesMax),
  waitMs: integer(0, LIMITS.changesWaitMsMax),
};

/** What every change has; the part that is named by its type, or `body`, comes with it as it is. */
export const CHANGE_FIELDS = {
  id: text(1, 64),
  /** One of CHANGE_TYPES; a newer server may have more. */
  type: text(1, 32),
  partition: integer(0, U32_MAX),
  position: microseconds,
  cursor: microseconds,
  decidedAt: text(1, 64),
  institution: integer(0, U32_MAX),
  result: text(1, 128),
};

const changeHead = object(CHANGE_FIELDS, 'dropped');

/** Only what all changes have is looked at: a newer server may say more, and of kinds that this client does not know. */
const change: Field<Change> = {
  accepts: `map of ${Object.keys(CHANGE_FIELDS).join(', ')}, and the part of its type`,
  optional: false,
  check(value, path) {
    const head = changeHead.check(value, path);
    return head.ok ? { ok: true, value: { ...(value as Change), ...head.value } as Change } : head;
  },
};

export const CHANGES_REPLY_FIELDS = {
  code: integer(0, 65_535),
  changes: optional(list(change, LIMITS.pageEntriesMax)),
  nextCursor: optional(microseconds),
  atEnd: optional(flag()),
};

const hello: Field<HelloBody> = object(HELLO_FIELDS, 'refused');
const party: Field<PartyBody> = object(PARTY_FIELDS, 'refused');
const getParty: Field<GetPartyBody> = object(GET_PARTY_FIELDS, 'refused');
const listParties: Field<ListPartiesBody> = object(LIST_PARTIES_FIELDS, 'refused');
const tariff: Field<TariffBody> = object(TARIFF_FIELDS, 'refused');
const campaign: Field<CampaignBody> = object(CAMPAIGN_FIELDS, 'refused');
const activateRules: Field<ActivateRulesBody> = object(ACTIVATE_RULES_FIELDS, 'refused');
const explainPayment: Field<ExplainPaymentBody> = object(EXPLAIN_PAYMENT_FIELDS, 'refused');
const readChanges: Field<ReadChangesBody> = object(READ_CHANGES_FIELDS, 'refused');
const changesReply: Field<ChangesReply> = object(CHANGES_REPLY_FIELDS, 'dropped');
const helloReply: Field<HelloReply> = object(HELLO_REPLY_FIELDS, 'dropped');
const richReply: Field<RichReply> = object(RICH_REPLY_FIELDS, 'dropped');

export function parseHelloBody(value: unknown): Checked<HelloBody> {
  return hello.check(value, '');
}

/** Also refuses a name on a customer: names of people are personal data and have no place here. */
export function parsePartyBody(value: unknown): Checked<PartyBody> {
  const checked = party.check(value, '');
  if (checked.ok && checked.value.kind === 'customer' && checked.value.name !== '') {
    return { ok: false, path: 'name', message: 'must be empty for a customer' };
  }
  return checked;
}

export function parseGetPartyBody(value: unknown): Checked<GetPartyBody> {
  return getParty.check(value, '');
}

export function parseListPartiesBody(value: unknown): Checked<ListPartiesBody> {
  return listParties.check(value, '');
}

/** Also refuses a maximum (when there is one) below the minimum. */
export function parseTariffBody(value: unknown): Checked<TariffBody> {
  const checked = tariff.check(value, '');
  if (checked.ok && checked.value.maximum > 0 && checked.value.maximum < checked.value.minimum) {
    return { ok: false, path: 'maximum', message: 'must not be less than the minimum' };
  }
  return checked;
}

/** Also refuses an end (when there is one) that is not after the start. */
export function parseCampaignBody(value: unknown): Checked<CampaignBody> {
  const checked = campaign.check(value, '');
  if (checked.ok && checked.value.endsAt > 0 && checked.value.endsAt <= checked.value.startsAt) {
    return { ok: false, path: 'endsAt', message: 'must be after startsAt' };
  }
  return checked;
}

/** The rule set itself is checked by engine/risk/check-rule-set.ts. */
export function parseActivateRulesBody(value: unknown): Checked<ActivateRulesBody> {
  return activateRules.check(value, '');
}

export function parseExplainPaymentBody(value: unknown): Checked<ExplainPaymentBody> {
  return explainPayment.check(value, '');
}

/** For clients: keys of a newer server are dropped. */
export function parseHelloReply(value: unknown): Checked<HelloReply> {
  return helloReply.check(value, '');
}

/** For clients: keys of a newer server are dropped. */
export function parseRichReply(value: unknown): Checked<RichReply> {
  return richReply.check(value, '');
}

export function parseReadChangesBody(value: unknown): Checked<ReadChangesBody> {
  return readChanges.check(value, '');
}

/** For clients: keys of a newer server are dropped, except in the changes. */
export function parseChangesReply(value: unknown): Checked<ChangesReply> {
  return changesReply.check(value, '');
}
