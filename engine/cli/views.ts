/** Accounts, entries and payments as they are shown: JSON for programs, rows for people. Amounts in JSON are minor units. */
import type { Account } from '../../protocol/codecs/account-codec.ts';
import type { PaymentResult, PaymentStatus } from '../../protocol/codecs/payment-codec.ts';
import type { PaymentView } from '../../protocol/codecs/payment-query-codec.ts';
import type { TransferEntry } from '../../protocol/codecs/transfer-codec.ts';
import { formatId } from '../../protocol/ids.ts';
import { type AccountStateName, AccountStates, TransferFlags } from '../../protocol/records.ts';
import { resultName } from '../../protocol/results.ts';
import { formatMinor, formatMoney, ledgerName } from './arguments.ts';
import { type Column, details, formatTime, table } from './output.ts';

export type JsonView = Readonly<Record<string, unknown>>;

/** Posted credits minus posted debits: what the account holds. */
export function balanceOf(account: Account): bigint {
  return account.creditsPosted - account.debitsPosted;
}

function stateOf({ state }: Account): AccountStateName | undefined {
  return (Object.keys(AccountStates) as AccountStateName[]).find((name) => AccountStates[name] === state);
}

/** @param blocked what open freezes of received money block, as far as it was asked for */
export function accountJson(account: Account, handle?: string, blocked?: bigint): JsonView {
  return {
    ...(handle === undefined ? {} : { handle }),
    id: formatId(account.id),
    currency: ledgerName(account.ledger),
    balance: balanceOf(account),
    pendingOut: account.debitsPending,
    ...(blocked === undefined ? {} : { blocked }),
    pendingIn: account.creditsPending,
    debitsPosted: account.debitsPosted,
    creditsPosted: account.creditsPosted,
    creditLimit: account.creditLimit,
    state: stateOf(account),
    tariff: account.tariff,
    tier: account.tier,
    owner: account.owner,
    flags: account.flags,
    code: account.code,
    createdAt: formatTime(account.timestamp),
  };
}

const MONEY_COLUMNS: readonly Column[] = [
  { title: 'BALANCE', align: 'right' },
  { title: 'HELD', align: 'right' },
  { title: 'CURRENCY' },
];

const BLOCKED_COLUMN: Column = { title: 'BLOCKED', align: 'right' };

export interface ShownAccount {
  readonly account: Account;
  readonly handle: string;
  /** Of what is held, what freezes of received money block. */
  readonly blocked?: bigint;
}

/** One row per account, with the name of its party where that is known. */
export function accountTable(accounts: readonly ShownAccount[]): string {
  const hasBlocked = accounts.some(({ blocked = 0n }) => blocked > 0n);
  const rows = accounts.map(({ account, handle, blocked = 0n }) => [
    handle,
    formatMinor(balanceOf(account), account.ledger),
    formatMinor(account.debitsPending, account.ledger),
    ledgerName(account.ledger),
    formatId(account.id),
    ...(hasBlocked ? [formatMinor(blocked, account.ledger)] : []),
  ]);
  const columns = [{ title: 'NAME' }, ...MONEY_COLUMNS, { title: 'ID' }, ...(hasBlocked ? [BLOCKED_COLUMN] : [])];
  return table(columns, rows);
}

export function entryJson(entry: TransferEntry): JsonView {
  const { transfer } = entry;
  return {
    id: formatId(transfer.id),
    debitAccountId: formatId(transfer.debitAccountId),
    creditAccountId: formatId(transfer.creditAccountId),
    amount: transfer.amount,
    currency: ledgerName(transfer.ledger),
    kind: transferKind(transfer.flags),
    code: transfer.code,
    result: { code: entry.code, name: entry.name },
    debitBalanceAfter: entry.debitBalanceAfter,
    creditBalanceAfter: entry.creditBalanceAfter,
    ...(transfer.pendingId === 0n ? {} : { pendingId: formatId(transfer.pendingId) }),
    ...(transfer.userData128 === 0n ? {} : { userData128: formatId(transfer.userData128) }),
    institution: entry.institution,
    at: formatTime(transfer.timestamp),
  };
}

/** The history of one account, newest first: signed amounts and the balance after each. */
export function historyTable(entries: readonly TransferEntry[], accountId: bigint): string {
  const rows = entries.map((entry) => {
    const { transfer } = entry;
    const isDebit = transfer.debitAccountId === accountId;
    const after = isDebit ? entry.debitBalanceAfter : entry.creditBalanceAfter;
    return [
      formatTime(transfer.timestamp),
      formatMinor(isDebit ? -transfer.amount : transfer.amount, transfer.ledger),
      formatMinor(after, transfer.ledger),
      ledgerName(transfer.ledger),
      transferKind(transfer.flags),
      formatId(isDebit ? transfer.creditAccountId : transfer.debitAccountId),
      formatId(transfer.id),
    ];
  });
  const money: Column[] = [
    { title: 'AMOUNT', align: 'right' },
    { title: 'BALANCE', align: 'right' },
    { title: 'CURRENCY' },
  ];
  return table([{ title: 'AT' }, ...money, { title: 'KIND' }, { title: 'OTHER ACCOUNT' }, { title: 'ID' }], rows);
}

export function entryDetails(entry: TransferEntry): string {
  const { transfer } = entry;
  return details([
    ['transfer', formatId(transfer.id)],
    ['kind', transferKind(transfer.flags)],
    ['result', `${entry.name} (${entry.code})`],
    ['amount', formatMoney(transfer.amount, transfer.ledger)],
    ['from', formatId(transfer.debitAccountId)],
    ['to', formatId(transfer.creditAccountId)],
    ['from had after', formatMoney(entry.debitBalanceAfter, transfer.ledger)],
    ['to had after', formatMoney(entry.creditBalanceAfter, transfer.ledger)],
    ['at', formatTime(transfer.timestamp)],
  ]);
}

function transferKind(flags: number): string {
  if ((flags & TransferFlags.expired) !== 0) return 'expired';
  if ((flags & TransferFlags.pending) !== 0) return 'pending';
  if ((flags & TransferFlags.postPending) !== 0) return 'post';
  if ((flags & TransferFlags.revert) !== 0) return 'revert';
  return (flags & TransferFlags.voidPending) === 0 ? 'transfer' : 'void';
}

/** The answer to a payment command: what was decided, and where the payment stands. */
export function paymentResultJson(id: bigint, ledger: number | undefined, result: PaymentResult): JsonView {
  const status = result.payment;
  return {
    id: formatId(id),
    ...(ledger === undefined ? {} : { currency: ledgerName(ledger) }),
    code: result.code,
    name: result.name,
    retry: result.retry,
    replayed: result.replayed,
    ...(result.dryRun ? { dryRun: true } : {}),
    ...(status === undefined ? {} : { payment: statusJson(status) }),
  };
}

function statusJson(status: PaymentStatus): JsonView {
  const { createdAt, updatedAt, expiresAt, ...amounts } = status;
  return {
    ...amounts,
    name: resultName(status.code),
    createdAt: formatTime(createdAt),
    updatedAt: formatTime(updatedAt),
    expiresAt: expiresAt === 0n ? null : formatTime(expiresAt),
  };
}

type Line = readonly [name: string, value: string];

/** Where a payment stands, after a command changed it. */
export function statusDetails(id: bigint, status: PaymentStatus, ledger: number): string {
  return details([['payment', formatId(id)], ...statusLines(status, ledger)]);
}

/** Lines that would say zero are left out. */
function statusLines(status: PaymentStatus, ledger: number): Line[] {
  const money = (name: string, minor: bigint): Line[] => (minor === 0n ? [] : [[name, formatMoney(minor, ledger)]]);
  return [
    ['state', status.state === 'declined' ? `declined: ${status.name} (${status.code})` : status.state],
    ...money('captured', status.captured),
    ...money('discount', status.discount),
    ...money('fee', status.feeCharged),
    ...money('refunded', status.refunded),
    ...money('fee given back', status.feeRefunded),
    ...money('released', status.released),
    ...(status.expiresAt === 0n ? [] : [['expires', formatTime(status.expiresAt)] as const]),
  ];
}

export function paymentJson(view: PaymentView): JsonView {
  const { payment, status } = view;
  return {
    id: formatId(payment.id),
    reference: payment.reference,
    payerAccountId: formatId(payment.payerAccountId),
    payeeAccountId: formatId(payment.payeeAccountId),
    amount: payment.amount,
    currency: ledgerName(payment.ledger),
    ...(payment.campaignId === 0n ? {} : { campaignId: formatId(payment.campaignId) }),
    ...statusJson(status),
  };
}

export function paymentDetails(view: PaymentView): string {
  const { payment, status } = view;
  return details([
    ['payment', formatId(payment.id)],
    ['amount', formatMoney(payment.amount, payment.ledger)],
    ['from', formatId(payment.payerAccountId)],
    ['to', formatId(payment.payeeAccountId)],
    ['reference', payment.reference === '' ? '-' : payment.reference],
    ...statusLines(status, payment.ledger),
    ['created', formatTime(status.createdAt)],
    ['last changed', `${formatTime(status.updatedAt)} (${status.operation}, version ${status.version})`],
  ]);
}

export function paymentTable(views: readonly PaymentView[]): string {
  const rows = views.map(({ payment, status }) => [
    formatTime(status.createdAt),
    status.state,
    formatMinor(payment.amount, payment.ledger),
    formatMinor(status.captured, payment.ledger),
    formatMinor(status.refunded, payment.ledger),
    ledgerName(payment.ledger),
    payment.reference === '' ? '-' : payment.reference,
    formatId(payment.id),
  ]);
  const columns: Column[] = [
    { title: 'CREATED' },
    { title: 'STATE' },
    { title: 'AMOUNT', align: 'right' },
    { title: 'CAPTURED', align: 'right' },
    { title: 'REFUNDED', align: 'right' },
    { title: 'CURRENCY' },
    { title: 'REFERENCE' },
    { title: 'ID' },
  ];
  return table(columns, rows);
}
