/** What the risk rules are told at run time: bodies of the commands for lists and exemptions, and of their replies. */
import {
  type Checked,
  type Field,
  idText,
  integer,
  list,
  matching,
  object,
  type ObjectOf,
  optional,
} from './body-fields.ts';
import { LIMITS } from './limits.ts';

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

const listSummary = object({ name: riskName, size: integer(0, REGISTRY_LIMITS.membersPerList) }, 'dropped');
const exemption = object({ rule: riskName, until: microseconds }, 'dropped');

export const REGISTRY_REPLY_FIELDS = {
  code: integer(0, 65_535),
  lists: optional(list(listSummary, REGISTRY_LIMITS.lists)),
  members: optional(list(idText(), LIMITS.pageEntriesMax)),
  nextCursor: optional(microseconds),
  exemptions: optional(list(exemption, LIMITS.pageEntriesMax)),
};

export type PutRiskListBody = ObjectOf<typeof PUT_RISK_LIST_FIELDS>;
export type GetRiskListBody = ObjectOf<typeof GET_RISK_LIST_FIELDS>;
export type PutRiskExemptionBody = ObjectOf<typeof PUT_RISK_EXEMPTION_FIELDS>;
export type ReadAccountRiskBody = ObjectOf<typeof READ_ACCOUNT_RISK_FIELDS>;
/** Reply of each of these commands: the result code, and what was asked for when it is `ok`. */
export type RegistryReply = ObjectOf<typeof REGISTRY_REPLY_FIELDS>;

/** Body of each command. */
export interface RegistryBodies {
  readonly putRiskList: PutRiskListBody;
  readonly getRiskList: GetRiskListBody;
  readonly putRiskExemption: PutRiskExemptionBody;
  readonly readAccountRisk: ReadAccountRiskBody;
}
export type RegistryCommand = keyof RegistryBodies;

const FIELDS: { readonly [C in RegistryCommand]: Field<RegistryBodies[C]> } = {
  putRiskList: object(PUT_RISK_LIST_FIELDS, 'refused'),
  getRiskList: object(GET_RISK_LIST_FIELDS, 'refused'),
  putRiskExemption: object(PUT_RISK_EXEMPTION_FIELDS, 'refused'),
  readAccountRisk: object(READ_ACCOUNT_RISK_FIELDS, 'refused'),
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
