/** What the risk rules are told at run time: bodies of the commands for lists and exemptions, and of their replies; also those of outbox-bodies.ts. */
import {
  type Checked,
  type Field,
  flag,
  idText,
  integer,
  list,
  matching,
  object,
  type ObjectOf,
  oneOf,
  optional,
  text,
} from './body-fields.ts';
import { LIMITS } from './limits.ts';
import {
  CHANGE_ORDER_FIELDS,
  counters,
  GET_COUNTERS_FIELDS,
  order,
  PAY_COUNTER_FIELDS,
  PAY_ORDER_FIELDS,
  PUT_COUNTERS_FIELDS,
  PUT_ORDER_FIELDS,
  qrPayment,
  READ_ORDER_FIELDS,
  REFUND_ORDER_FIELDS,
} from './order-bodies.ts';
import {
  CHANGE_OUTBOX_FIELDS,
  LIST_OUTBOX_FIELDS,
  OUTBOX_LIMITS,
  outboxEntry,
  PUT_OUTBOX_FIELDS,
  REMOVE_OUTBOX_FIELDS,
} from './outbox-bodies.ts';

/** Names of lists, and ids of rules. */
export const riskName = matching(
  /^[a-z0-9][a-z0-9-]{0,63}$/,
  'a name: 1 to 64 of a-z 0-9 - that begins with a letter or digit',
);
const microseconds = integer(0, Number.MAX_SAFE_INTEGER);

/** Bounds of what is kept, by partition. */
export const REGISTRY_LIMITS = {
  lists: 64,
  membersPerList: 100_000,
  changesPerMessage: 1000,
  exemptions: 100_000,
  freezes: 100_000,
  freezesPerAccount: 16,
  openCases: 100_000,
  commentsPerCase: 100,
  commentBytes: 500,
  rulesPerCase: 32,
} as const;

export const PUT_RISK_LIST_FIELDS = {
  name: riskName,
  /** Keys of subjects: account ids, or what `subjectId` makes of devices, addresses and cards. */
  add: list(idText(), REGISTRY_LIMITS.changesPerMessage),
  /** Taken away before the others are added. */
  remove: list(idText(), REGISTRY_LIMITS.changesPerMessage),
};

export const GET_RISK_LIST_FIELDS = {
  /** Left out = the names and sizes of all lists. */
  name: optional(riskName),
  cursor: microseconds,
  limit: integer(1, LIMITS.pageEntriesMax),
};

export const PUT_RISK_EXEMPTION_FIELDS = {
  /** The payer. */
  accountId: idText(),
  rule: riskName,
  /** Microseconds since 1970; 0 = ends it now. */
  until: microseconds,
};

export const READ_ACCOUNT_RISK_FIELDS = { accountId: idText() };

const reason = object({ en: text(1, 256), zh: text(1, 256) }, 'refused');

export const PUT_FREEZE_FIELDS = {
  /** Chosen by the caller: the same again changes nothing. Also that of the transfer that blocks received money. */
  id: idText(),
  /** The payer that is stopped, or the payee whose money is blocked. */
  accountId: idText(),
  /** sender: no payments of this payer; at most 30 minutes, 60 at night (22:00 to 06:00). received: at most 72 hours. */
  kind: oneOf('sender', 'received'),
  reason,
  /** Microseconds since 1970. */
  until: microseconds,
  /** Where it is night: minutes east of UTC. Left out = 480. */
  utcOffsetMinutes: optional(integer(-720, 840)),
  paymentId: optional(idText()),
  /** With received: who gets the money if it is returned, and at most how much is blocked, in minor units. */
  payerAccountId: optional(idText()),
  amount: optional(integer(1, LIMITS.amountMax)),
};

export const END_FREEZE_FIELDS = {
  id: idText(),
  accountId: idText(),
  /** return: of received money, to the payer. */
  decision: oneOf('release', 'return'),
};

const ruleIds = list(riskName, REGISTRY_LIMITS.rulesPerCase);
const person = text(1, 32);

export const OPEN_CASE_FIELDS = { paymentId: idText(), rules: ruleIds };

export const CHANGE_CASE_FIELDS = {
  paymentId: idText(),
  /** Who does it, in the caller's terms. */
  by: person,
  assignee: optional(person),
  comment: optional(text(1, REGISTRY_LIMITS.commentBytes)),
  analysed: optional(flag()),
  /** release: the payment was right (disagreed with the rules). return: it was not (agreed). The money follows. */
  decision: optional(oneOf('release', 'return')),
};

export const READ_CASES_FIELDS = {
  /** Left out = open cases of the institution, newest first, without their comments. */
  paymentId: optional(idText()),
  cursor: microseconds,
  limit: integer(1, LIMITS.pageEntriesMax),
};

const freeze = object(
  {
    ...PUT_FREEZE_FIELDS,
    institution: integer(0, 0xffff_ffff),
    /** ISO 4217 numeric code of the account. */
    ledger: integer(0, 0xffff_ffff),
    state: oneOf('open', 'released', 'returned'),
    /** Of received money that was asked for: what the account had. */
    blocked: optional(integer(0, LIMITS.amountMax)),
  },
  'dropped',
);
const comment = object({ at: microseconds, by: person, text: text(1, REGISTRY_LIMITS.commentBytes) }, 'dropped');
const riskCase = object(
  {
    /** The case has the id of its payment. */
    paymentId: idText(),
    institution: integer(0, 0xffff_ffff),
    rules: ruleIds,
    state: oneOf('open', 'analysed', 'agreed', 'disagreed'),
    /** Empty = nobody. */
    assignee: text(0, 32),
    comments: list(comment, REGISTRY_LIMITS.commentsPerCase),
    openedAt: microseconds,
    /** Of the partition's cases. */
    number: microseconds,
  },
  'dropped',
);

const listSummary = object({ name: riskName, size: integer(0, REGISTRY_LIMITS.membersPerList) }, 'dropped');
const exemption = object({ rule: riskName, until: microseconds }, 'dropped');

export const REGISTRY_REPLY_FIELDS = {
  code: integer(0, 65_535),
  lists: optional(list(listSummary, REGISTRY_LIMITS.lists)),
  members: optional(list(idText(), LIMITS.pageEntriesMax)),
  nextCursor: optional(microseconds),
  exemptions: optional(list(exemption, LIMITS.pageEntriesMax)),
  freeze: optional(freeze),
  freezes: optional(list(freeze, REGISTRY_LIMITS.freezesPerAccount)),
  case: optional(riskCase),
  cases: optional(list(riskCase, LIMITS.pageEntriesMax)),
  entry: optional(outboxEntry),
  entries: optional(list(outboxEntry, OUTBOX_LIMITS.pageEntries)),
  order: optional(order),
  counters: optional(counters),
  payment: optional(qrPayment),
};

export type PutRiskListBody = ObjectOf<typeof PUT_RISK_LIST_FIELDS>;
export type GetRiskListBody = ObjectOf<typeof GET_RISK_LIST_FIELDS>;
export type PutRiskExemptionBody = ObjectOf<typeof PUT_RISK_EXEMPTION_FIELDS>;
export type PutFreezeBody = ObjectOf<typeof PUT_FREEZE_FIELDS>;
export type EndFreezeBody = ObjectOf<typeof END_FREEZE_FIELDS>;
export type OpenCaseBody = ObjectOf<typeof OPEN_CASE_FIELDS>;
export type ChangeCaseBody = ObjectOf<typeof CHANGE_CASE_FIELDS>;
export type ReadCasesBody = ObjectOf<typeof READ_CASES_FIELDS>;
export type PutOutboxBody = ObjectOf<typeof PUT_OUTBOX_FIELDS>;
export type ChangeOutboxBody = ObjectOf<typeof CHANGE_OUTBOX_FIELDS>;
export type RemoveOutboxBody = ObjectOf<typeof REMOVE_OUTBOX_FIELDS>;
export type ListOutboxBody = ObjectOf<typeof LIST_OUTBOX_FIELDS>;
export type PutOrderBody = ObjectOf<typeof PUT_ORDER_FIELDS>;
export type ReadOrderBody = ObjectOf<typeof READ_ORDER_FIELDS>;
export type ChangeOrderBody = ObjectOf<typeof CHANGE_ORDER_FIELDS>;
export type PayOrderBody = ObjectOf<typeof PAY_ORDER_FIELDS>;
export type RefundOrderBody = ObjectOf<typeof REFUND_ORDER_FIELDS>;
export type PutCountersBody = ObjectOf<typeof PUT_COUNTERS_FIELDS>;
export type GetCountersBody = ObjectOf<typeof GET_COUNTERS_FIELDS>;
export type PayCounterBody = ObjectOf<typeof PAY_COUNTER_FIELDS>;
/** An order as it stands. */
export type StoredOrder = NonNullable<RegistryReply['order']>;
/** The counters of a party. */
export type StoredCounters = NonNullable<RegistryReply['counters']>;
/** An entry of a queue as it stands. */
export type OutboxEntry = NonNullable<RegistryReply['entry']>;
/** A freeze as it stands. */
export type StoredFreeze = NonNullable<RegistryReply['freeze']>;
/** A case as it stands. */
export type StoredCase = NonNullable<RegistryReply['case']>;
export type ReadAccountRiskBody = ObjectOf<typeof READ_ACCOUNT_RISK_FIELDS>;
/** Reply of each of these commands: the result code, and what was asked for when it is `ok`. */
export type RegistryReply = ObjectOf<typeof REGISTRY_REPLY_FIELDS>;

/** Body of each command. */
export interface RegistryBodies {
  readonly putRiskList: PutRiskListBody;
  readonly getRiskList: GetRiskListBody;
  readonly putRiskExemption: PutRiskExemptionBody;
  readonly readAccountRisk: ReadAccountRiskBody;
  readonly putFreeze: PutFreezeBody;
  readonly endFreeze: EndFreezeBody;
  readonly openCase: OpenCaseBody;
  readonly changeCase: ChangeCaseBody;
  readonly readCases: ReadCasesBody;
  readonly putOutbox: PutOutboxBody;
  readonly changeOutbox: ChangeOutboxBody;
  readonly removeOutbox: RemoveOutboxBody;
  readonly listOutbox: ListOutboxBody;
  readonly putOrder: PutOrderBody;
  readonly readOrder: ReadOrderBody;
  readonly changeOrder: ChangeOrderBody;
  readonly payOrder: PayOrderBody;
  readonly refundOrder: RefundOrderBody;
  readonly putCounters: PutCountersBody;
  readonly getCounters: GetCountersBody;
  readonly payCounter: PayCounterBody;
}
export type RegistryCommand = keyof RegistryBodies;

const FIELDS: { readonly [C in RegistryCommand]: Field<RegistryBodies[C]> } = {
  putRiskList: object(PUT_RISK_LIST_FIELDS, 'refused'),
  getRiskList: object(GET_RISK_LIST_FIELDS, 'refused'),
  putRiskExemption: object(PUT_RISK_EXEMPTION_FIELDS, 'refused'),
  readAccountRisk: object(READ_ACCOUNT_RISK_FIELDS, 'refused'),
  putFreeze: object(PUT_FREEZE_FIELDS, 'refused'),
  endFreeze: object(END_FREEZE_FIELDS, 'refused'),
  openCase: object(OPEN_CASE_FIELDS, 'refused'),
  changeCase: object(CHANGE_CASE_FIELDS, 'refused'),
  readCases: object(READ_CASES_FIELDS, 'refused'),
  putOutbox: object(PUT_OUTBOX_FIELDS, 'refused'),
  changeOutbox: object(CHANGE_OUTBOX_FIELDS, 'refused'),
  removeOutbox: object(REMOVE_OUTBOX_FIELDS, 'refused'),
  listOutbox: object(LIST_OUTBOX_FIELDS, 'refused'),
  putOrder: object(PUT_ORDER_FIELDS, 'refused'),
  readOrder: object(READ_ORDER_FIELDS, 'refused'),
  changeOrder: object(CHANGE_ORDER_FIELDS, 'refused'),
  payOrder: object(PAY_ORDER_FIELDS, 'refused'),
  refundOrder: object(REFUND_ORDER_FIELDS, 'refused'),
  putCounters: object(PUT_COUNTERS_FIELDS, 'refused'),
  getCounters: object(GET_COUNTERS_FIELDS, 'refused'),
  payCounter: object(PAY_COUNTER_FIELDS, 'refused'),
};

export function isRegistryCommand(name: string): name is RegistryCommand {
  return Object.hasOwn(FIELDS, name);
}

export function parseRegistryBody<C extends RegistryCommand>(command: C, value: unknown): Checked<RegistryBodies[C]> {
  return FIELDS[command].check(value, '');
}

const reply: Field<RegistryReply> = object(REGISTRY_REPLY_FIELDS, 'dropped');

/** For clients: keys of a newer server are dropped. */
export function parseRegistryReply(value: unknown): Checked<RegistryReply> {
  return reply.check(value, '');
}
