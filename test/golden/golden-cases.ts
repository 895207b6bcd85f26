/** What the golden vectors show. After a change that bumps PROTOCOL_VERSION: `npx tsx test/golden/write-golden.ts`. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import type { CommandName } from '../../protocol/commands.ts';
import {
  AccountFlags,
  AccountStates,
  PaymentOperationFlags,
  ResultFlags,
  TransferFlags,
} from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { cardCases } from './card-cases.ts';
import { chainCases } from './chain-cases.ts';
import { CHANGE } from './golden-change.ts';
import { partyCases } from './party-cases.ts';
import { payerCodeCases } from './payer-code-cases.ts';
import { readingCases } from './reading-cases.ts';
import { ORDER_CASES } from './order-cases.ts';
import { OUTBOX_CASES } from './outbox-cases.ts';
import { REGISTRY_CASES } from './registry-cases.ts';
import { riskCases } from './risk-cases.ts';
import { SESSION_CASES } from './session-cases.ts';
import { undoCases } from './undo-cases.ts';

export interface GoldenCase {
  readonly name: string;
  readonly command: CommandName;
  readonly checksum?: boolean;
  readonly balances?: boolean;
  readonly input: unknown;
  readonly value?: unknown;
  readonly refusal?: { readonly code: number; readonly index: number; readonly detail: string };
}

const id = (n: number): bigint => 0x01930000_0000_7000_8000_000000000000n + BigInt(n);
const T = 1_760_000_000_000_000n;
const CNY = 156;
const PAYER = id(0xa1);
const MERCHANT = id(0xa2);

const account = {
  id: PAYER,
  debitsPending: 0n,
  debitsPosted: 2500n,
  creditsPending: 0n,
  creditsPosted: 10_000n,
  creditLimit: 0n,
  userData128: 7n,
  userData64: 0n,
  userData32: 0,
  ledger: CNY,
  code: 10,
  flags: AccountFlags.debitsMustNotExceedCredits,
  tariff: 0,
  tier: 3,
  state: AccountStates.open,
  owner: 2,
  timestamp: T,
};

const transfer = {
  id: id(1),
  debitAccountId: PAYER,
  creditAccountId: MERCHANT,
  amount: 2500n,
  pendingId: 0n,
  userData128: 0n,
  userData64: 42n,
  userData32: 0,
  timeoutS: 0,
  ledger: CNY,
  code: 1,
  flags: 0,
  timestamp: T + 5n,
};

const entry = {
  transfer,
  code: Code.ok,
  name: 'ok',
  institution: 2,
  debitBalanceAfter: 7500n,
  creditBalanceAfter: -100n,
};

const status = {
  code: Code.ok,
  version: 1,
  captured: 2500n,
  refunded: 0n,
  released: 0n,
  discount: 300n,
  discountCaptured: 300n,
  discountRefunded: 0n,
  feeCharged: 15n,
  feeRefunded: 0n,
  createdAt: T + 9n,
  updatedAt: T + 9n,
  expiresAt: 0n,
  name: 'ok',
  state: 'captured',
  operation: 'sale',
};

const payment = {
  id: id(2),
  payerAccountId: PAYER,
  payeeAccountId: MERCHANT,
  amount: 2500n,
  payerCode: 0n,
  payerCounter: 0n,
  campaignId: id(0xc1),
  userData64: 0n,
  expiresAfterS: 0,
  ledger: CNY,
  code: 1,
  timestamp: T + 9n,
  reference: '订单-2026-0001',
};

const refusal = { code: Code.insufficientFunds, name: 'insufficientFunds' };
const declined = { ...status, ...refusal, state: 'declined', captured: 0n };
const party = { handle: 'blue-bottle', kind: 'merchant', name: 'Blue Bottle 蓝瓶', ledgers: [156, 840], mcc: 5814 };
const storedParty = { ...party, institution: 2, updatedAt: Number(T) };
const ok = resultOfCode(Code.ok, T);
const lookupOk = resultOfCode(Code.ok);
const rich = { ...lookupOk, party: undefined, parties: [], nextCursor: 0, explanation: undefined, mistakes: [] };

export const GOLDEN_CASES: Readonly<Record<string, readonly GoldenCase[]>> = {
  session: SESSION_CASES,
  accounts: [
    {
      name: 'open two accounts; the second id is taken',
      command: 'createAccounts',
      input: [
        { id: PAYER, userData128: 7n, ledger: CNY, code: 10, flags: AccountFlags.debitsMustNotExceedCredits },
        { id: MERCHANT, creditLimit: 500n, ledger: CNY, code: 20, tariff: 3, tier: 2 },
      ],
      value: [ok, resultOfCode(Code.existsWithDifferentLedger, T - 1000n)],
    },
    {
      name: 'freeze one account, close another, and set a credit limit',
      command: 'changeAccounts',
      input: [
        { id: id(31), accountId: PAYER, state: 'frozenForDebits' },
        { id: id(32), accountId: MERCHANT, state: 'closed' },
        { id: id(33), accountId: MERCHANT, state: 'open', creditLimit: 700n, tier: 1 },
      ],
      value: [ok, resultOfCode(Code.accountBalanceNotZero, T + 3n), ok],
    },
    {
      name: 'look up an account that is there and one that is not',
      command: 'lookupAccounts',
      checksum: true,
      input: [PAYER, id(0xdead)],
      value: [
        { ...lookupOk, account },
        { ...resultOfCode(Code.accountNotFound), account: undefined },
      ],
    },
    {
      name: 'history, one entry and more to come',
      command: 'accountHistory',
      input: { accountId: PAYER, cursor: 9007n, limit: 1 },
      value: { ...lookupOk, nextCursor: 8123n, entries: [entry] },
    },
  ],
  reading: readingCases({ payer: PAYER, merchant: MERCHANT, time: T, currency: CNY, entry }),
  transfers: [
    {
      name: 'one transfer',
      command: 'createTransfers',
      input: [
        {
          id: id(1),
          debitAccountId: PAYER,
          creditAccountId: MERCHANT,
          amount: 2500n,
          userData64: 42n,
          ledger: CNY,
          code: 1,
        },
      ],
      value: [{ ...resultOfCode(Code.ok, T + 5n), balances: undefined }],
    },
    {
      name: 'a pending transfer and its post, with balances; the first is a replay',
      command: 'createTransfers',
      balances: true,
      input: [
        {
          id: id(3),
          debitAccountId: PAYER,
          creditAccountId: MERCHANT,
          amount: 1000n,
          timeoutS: 600,
          ledger: CNY,
          code: 1,
          flags: TransferFlags.pending,
        },
        { id: id(4), amount: 400n, pendingId: id(3), flags: TransferFlags.postPending },
      ],
      value: [
        { ...resultOfCode(Code.ok, T + 6n, ResultFlags.replayed), balances: balances(1000n, 2500n) },
        { ...resultOfCode(Code.ok, T + 7n), balances: balances(0n, 2900n) },
      ],
    },
    {
      name: 'a message that is refused as a whole',
      command: 'createTransfers',
      input: [{ id: id(5), debitAccountId: PAYER, creditAccountId: MERCHANT, amount: 1n, ledger: CNY, code: 1 }],
      refusal: { code: Code.busy, index: 0, detail: '' },
    },
    ...chainCases({ id, payer: PAYER, time: T }),
    {
      name: 'look up a transfer that is there and one that is not',
      command: 'lookupTransfers',
      input: [id(1), id(0xdead)],
      value: [
        { ...lookupOk, entry },
        { ...resultOfCode(Code.transferNotFound), entry: undefined },
      ],
    },
  ],
  payments: [
    {
      name: 'a sale with a campaign and a reference',
      command: 'sale',
      input: {
        id: id(2),
        payerAccountId: PAYER,
        payeeAccountId: MERCHANT,
        amount: 2500n,
        campaignId: id(0xc1),
        ledger: CNY,
        code: 1,
        reference: '订单-2026-0001',
      },
      value: { ...resultOfCode(Code.ok, T + 9n), payment: status },
    },
    {
      name: 'a sale that is declined',
      command: 'sale',
      checksum: true,
      input: { id: id(6), payerAccountId: PAYER, payeeAccountId: MERCHANT, amount: 99_999n, ledger: CNY, code: 5411 },
      value: { ...resultOfCode(Code.insufficientFunds, T + 10n), payment: declined },
    },
    {
      name: 'authorise for an hour',
      command: 'authorise',
      input: {
        id: id(7),
        payerAccountId: PAYER,
        payeeAccountId: MERCHANT,
        amount: 500n,
        expiresAfterS: 3600,
        ledger: CNY,
        code: 5411,
      },
      value: {
        ...resultOfCode(Code.ok, T + 11n),
        payment: {
          ...status,
          state: 'authorised',
          operation: 'authorise',
          captured: 0n,
          expiresAt: T + 3_600_000_011n,
        },
      },
    },
    {
      name: 'capture a part, the last one',
      command: 'capture',
      input: { id: id(8), paymentId: id(7), amount: 300n, flags: PaymentOperationFlags.final },
      value: {
        ...resultOfCode(Code.ok, T + 12n),
        payment: { ...status, operation: 'capture', version: 2, captured: 300n, released: 200n },
      },
    },
    {
      name: 'void of a payment that does not exist',
      command: 'void',
      input: { id: id(9), paymentId: id(0xdead) },
      value: { ...resultOfCode(Code.paymentNotFound, T + 13n), payment: undefined },
    },
    {
      name: 'refund all',
      command: 'refund',
      input: { id: id(10), paymentId: id(2) },
      value: {
        ...resultOfCode(Code.ok, T + 14n),
        payment: {
          ...status,
          operation: 'refund',
          version: 2,
          refunded: 2500n,
          discountRefunded: 300n,
          feeRefunded: 15n,
        },
      },
    },
    ...undoCases({ id, status, time: T }),
    {
      name: 'look up a payment that is there and one that is not',
      command: 'lookupPayments',
      input: [id(2), id(0xdead)],
      value: [
        { ...lookupOk, view: { payment, status, lastOperation: undefined } },
        { ...resultOfCode(Code.paymentNotFound), view: undefined },
      ],
    },
    {
      name: 'payments by reference and state',
      command: 'queryPayments',
      input: { limit: 10, reference: '订单-2026-0001', state: 'captured' },
      value: {
        ...lookupOk,
        nextCursor: 0n,
        payments: [
          {
            payment,
            status: { ...status, version: 2, operation: 'refund' },
            lastOperation: { id: id(10), paymentId: id(2), amount: 0n, flags: 0, timestamp: T + 14n, institution: 2 },
          },
        ],
      },
    },
  ],
  parties: partyCases({ rich, party, storedParty, time: T }),
  cards: cardCases({ id, account: PAYER, payee: MERCHANT, time: T }),
  'payer-codes': payerCodeCases({ id, account: PAYER, payee: MERCHANT, time: T }),
  risk: riskCases({ rich, payment: id(0x51), account: PAYER }),
  registry: REGISTRY_CASES,
  outbox: OUTBOX_CASES,
  orders: ORDER_CASES,
  changes: [
    {
      name: 'the change stream from a cursor: a transfer, and more to come',
      command: 'readChanges',
      input: { partition: 0, cursor: 4711, limit: 1, waitMs: 0 },
      value: { ...lookupOk, timestamp: 0n, changes: [CHANGE], nextCursor: 4722, atEnd: false },
    },
    {
      name: 'only what comes, and nothing came while it waited',
      command: 'readChanges',
      input: { partition: 0, cursor: 'now', limit: 1000, waitMs: 30_000 },
      value: { ...lookupOk, timestamp: 0n, changes: [], nextCursor: 4722, atEnd: true },
    },
  ],
};

function balances(pending: bigint, posted: bigint): object {
  return {
    debitDebitsPending: pending,
    debitDebitsPosted: posted,
    debitCreditsPending: 0n,
    debitCreditsPosted: 10_000n,
    creditDebitsPending: 0n,
    creditDebitsPosted: 0n,
    creditCreditsPending: pending,
    creditCreditsPosted: posted,
  };
}
