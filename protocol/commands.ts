/**
 * Every request that a client can send. Numbers are never reused.
 *
 * `body` says how the body is made: `records` of `recordBytes` each (count = how many), one `record` that may be
 * followed by a tail (count = 1), or a MessagePack map (`rich`, count = its bytes).
 */
import { PAYMENT_CANCELLATION } from './cancellation.ts';
import { MODULE_COMMANDS } from './module-commands.ts';
import { AGGREGATE_QUERY, BALANCE_QUERY, HISTORY_FILTER, TRIAL_QUERY } from './reading-records.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  END_CHAIN,
  HISTORY_QUERY,
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_QUERY,
  TRANSFER,
} from './records.ts';

import { RISK_SIGNAL } from './risk.ts';

export type BodyForm = 'none' | 'records' | 'record' | 'rich';

export interface CommandSpec {
  readonly kind: number;
  readonly body: BodyForm;
  /** Bytes of a record; 0 for `none` and `rich`. */
  readonly recordBytes: number;
  /** What the caller's key must be allowed to do. */
  readonly scope: Scope;
  readonly summary: string;
}

/** What an API key may do. */
export const SCOPES = ['read', 'pay', 'ledger', 'admin'] as const;
export type Scope = (typeof SCOPES)[number];

export const COMMANDS = {
  hello: {
    kind: 0x01,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'Authenticate the connection with an API key.',
  },
  ping: {
    kind: 0x02,
    body: 'none',
    recordBytes: 0,
    scope: 'read',
    summary: 'Answer at once; nothing is stored.',
  },
  createAccounts: {
    kind: 0x10,
    body: 'records',
    recordBytes: ACCOUNT.size,
    scope: 'ledger',
    summary: 'Open accounts.',
  },
  createTransfers: {
    kind: 0x11,
    body: 'records',
    recordBytes: TRANSFER.size,
    scope: 'ledger',
    summary: 'Move money: at once, or in two phases.',
  },
  lookupAccounts: {
    kind: 0x12,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'Accounts with their balances, by id.',
  },
  lookupTransfers: {
    kind: 0x13,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'Transfers with their outcome, by id.',
  },
  accountHistory: {
    kind: 0x14,
    body: 'record',
    recordBytes: HISTORY_QUERY.size,
    scope: 'read',
    summary: 'Entries of an account, newest first, paged.',
  },
  changeAccounts: {
    kind: 0x15,
    body: 'records',
    recordBytes: ACCOUNT_CHANGE.size,
    scope: 'ledger',
    summary: 'Freeze, close or reopen accounts, and set their credit limits.',
  },
  queryHistory: {
    kind: 0x16,
    body: 'record',
    recordBytes: HISTORY_FILTER.size,
    scope: 'read',
    summary: 'Entries of an account that match a filter, in either order, paged.',
  },
  balancesAt: {
    kind: 0x17,
    body: 'record',
    recordBytes: BALANCE_QUERY.size,
    scope: 'read',
    summary: 'Posted balance of an account at a past time.',
  },
  trialBalance: {
    kind: 0x18,
    body: 'record',
    recordBytes: TRIAL_QUERY.size,
    scope: 'read',
    summary: 'Sums over all accounts, by ledger, paged.',
  },
  aggregate: {
    kind: 0x19,
    body: 'record',
    recordBytes: AGGREGATE_QUERY.size,
    scope: 'read',
    summary: 'What was posted on an account, by day and code, paged.',
  },
  revert: {
    kind: 0x1a,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'pay',
    summary: 'Undo a payment: release what is held and give back what is left of what was captured.',
  },
  endChain: {
    kind: 0x1b,
    body: 'record',
    recordBytes: END_CHAIN.size,
    scope: 'ledger',
    summary: 'Post or void every pending transfer of a linked chain, all or none.',
  },
  sale: {
    kind: 0x20,
    body: 'record',
    recordBytes: PAYMENT.size,
    scope: 'pay',
    summary: 'Authorise and capture a payment in one step.',
  },
  authorise: {
    kind: 0x21,
    body: 'record',
    recordBytes: PAYMENT.size,
    scope: 'pay',
    summary: 'Hold the money of a payment.',
  },
  capture: {
    kind: 0x22,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'pay',
    summary: 'Take held money, in whole or in part.',
  },
  void: {
    kind: 0x23,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'pay',
    summary: 'Release what is held and not captured.',
  },
  refund: {
    kind: 0x24,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'pay',
    summary: 'Give captured money back, in whole or in part.',
  },
  release: {
    kind: 0x28,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'admin',
    summary: 'Let a payment go on that a risk rule holds.',
  },
  confirm: {
    kind: 0x29,
    body: 'record',
    recordBytes: PAYMENT_OPERATION.size,
    scope: 'pay',
    summary: 'Let a challenged payment go on, with the proof of its payer.',
  },
  cancelPayment: {
    kind: 0x2a,
    body: 'record',
    recordBytes: PAYMENT_CANCELLATION.size,
    scope: 'pay',
    summary: 'Undo a payment, in whole or in part; one that has not come yet will be declined.',
  },
  lookupPayments: {
    kind: 0x25,
    body: 'records',
    recordBytes: 16,
    scope: 'read',
    summary: 'Payments as they stand, by id.',
  },
  queryPayments: {
    kind: 0x26,
    body: 'record',
    recordBytes: PAYMENT_QUERY.size,
    scope: 'read',
    summary: 'Payments by reference, account or state, newest first, paged.',
  },
  putParty: {
    kind: 0x30,
    body: 'rich',
    recordBytes: 0,
    scope: 'ledger',
    summary: 'Register or change a customer or merchant.',
  },
  getParty: { kind: 0x31, body: 'rich', recordBytes: 0, scope: 'read', summary: 'One party by its handle.' },
  listParties: {
    kind: 0x32,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'Parties of the institution, newest first, paged.',
  },
  putTariff: { kind: 0x33, body: 'rich', recordBytes: 0, scope: 'admin', summary: 'Set a fee schedule.' },
  putCampaign: {
    kind: 0x34,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Set the terms of a discount campaign.',
  },
  activateRules: {
    kind: 0x50,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Put a risk rule set into force, or end the one that is.',
  },
  explainPayment: {
    kind: 0x51,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'What the risk rules saw of a payment, and what they decided.',
  },
  reportSignals: {
    kind: 0x52,
    body: 'records',
    recordBytes: RISK_SIGNAL.size,
    scope: 'pay',
    summary: 'Tell the risk rules of failed authentications and bound devices.',
  },
  putRiskList: {
    kind: 0x53,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Add members to a list that risk rules name, and remove some.',
  },
  getRiskList: {
    kind: 0x54,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'The members of a list of the risk rules, paged; or all lists.',
  },
  putRiskExemption: {
    kind: 0x55,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Except a payer from a risk rule until a time.',
  },
  putFreeze: {
    kind: 0x56,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Stop a payer for a short while, or block money that was received.',
  },
  endFreeze: {
    kind: 0x57,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'End a freeze: release what is blocked, or return it.',
  },
  openCase: {
    kind: 0x58,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Open a case about a payment.',
  },
  changeCase: {
    kind: 0x59,
    body: 'rich',
    recordBytes: 0,
    scope: 'admin',
    summary: 'Assign, comment, analyse or decide a case.',
  },
  readCases: {
    kind: 0x5a,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'Open cases, newest first, paged; or one case.',
  },
  readAccountRisk: {
    kind: 0x5b,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'What risk keeps of an account.',
  },
  ...MODULE_COMMANDS,
  readChanges: {
    kind: 0x40,
    body: 'rich',
    recordBytes: 0,
    scope: 'read',
    summary: 'What happened in a partition, from a cursor on; waits for news.',
  },
} as const satisfies Readonly<Record<string, CommandSpec>>;

export type CommandName = keyof typeof COMMANDS;

/** Commands that FrameFlags.dryRun goes with. */
const DRY_RUNS: ReadonlySet<CommandName> = new Set([
  'createAccounts',
  'createTransfers',
  'changeAccounts',
  'endChain',
  'sale',
  'authorise',
  'capture',
  'void',
  'refund',
  'revert',
  'cancelPayment',
]);

export function mayRunDry(command: CommandName): boolean {
  return DRY_RUNS.has(command);
}

const BY_KIND: readonly (CommandName | undefined)[] = Array.from({ length: 256 }, (_, kind) =>
  (Object.keys(COMMANDS) as CommandName[]).find((name) => COMMANDS[name].kind === kind),
);

/** The command of a frame's kind byte; undefined for kinds that do not exist. */
export function commandOfKind(kind: number): CommandName | undefined {
  return BY_KIND[kind];
}
