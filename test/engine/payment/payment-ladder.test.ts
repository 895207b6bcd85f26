/** The shape of payments and operations, and ids that were used before: one row per result, in order of precedence. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { RecordOf } from '../../../protocol/layout.ts';
import { PAYMENT, PAYMENT_OPERATION, PaymentOperationFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { cast } from '../../support/cast.ts';
import { Desk, records, reply } from '../../support/desk.ts';

type RawPayment = Partial<RecordOf<(typeof PAYMENT)['fields']>>;
type RawOperation = Partial<RecordOf<(typeof PAYMENT_OPERATION)['fields']>>;
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const ENGINE = 0xffff_ffffn << 96n;

let desk: Desk;

beforeEach(async () => {
  desk = new Desk();
  await cast(desk);
});

async function pay(kind: 'sale' | 'authorise', raw: RawPayment, reference = '', institution = 2): Promise<string> {
  const request = records(institution, kind, PAYMENT, [{ ...raw, referenceLength: reference.length }]);
  const body = new Uint8Array(request.body.length + reference.length);
  body.set(request.body);
  body.set(new TextEncoder().encode(reference), request.body.length);
  return reply.payment(await desk.one({ ...request, body }), kind).name;
}

async function operate(kind: 'capture' | 'void' | 'refund', raw: RawOperation, institution = 2): Promise<string> {
  return reply.payment(await desk.one(records(institution, kind, PAYMENT_OPERATION, [raw])), kind).name;
}

function later<T>(rows: readonly (readonly [ResultName, T])[], name: ResultName): T[] {
  return rows.slice(rows.findIndex(([other]) => other === name) + 1).map(([, broken]) => broken);
}

const base: RawPayment = { id: 100n, payerAccountId: 4n, payeeAccountId: 3n, amount: 10n, ledger: 156, code: 1 };
const SHAPE: readonly (readonly [ResultName, RawPayment])[] = [
  ['timestampMustBeZero', { timestamp: 1n }],
  ['reservedField', { payerCounter: 1n << 63n }],
  ['flagsReserved', { flags: 2 }],
  ['idMustNotBeZero', { id: 0n }],
  ['idReserved', { id: ENGINE }],
  ['debitAccountIdMustNotBeZero', { payerAccountId: 0n }],
  ['creditAccountIdMustNotBeZero', { payeeAccountId: 0n }],
  ['accountsMustBeDifferent', { payeeAccountId: 4n }],
  ['timeoutReservedForPendingTransfer', { expiresAfterS: 1 }],
  ['amountMustNotBeZero', { amount: 0n }],
  ['ledgerMustNotBeZero', { ledger: 0 }],
  ['codeMustNotBeZero', { code: 0 }],
];

describe('the shape of a payment', () => {
  it.each(['payerAccountId', 'payeeAccountId', 'campaignId'])('idReserved for %s', async (field) => {
    expect(await pay('sale', { ...base, [field]: ENGINE })).toBe('idReserved');
  });

  it.each(SHAPE)('%s, before all that comes after it', async (name, broken) => {
    expect(await pay('sale', { ...base, ...broken })).toBe(name);
    expect(await pay('sale', Object.assign({}, base, ...later(SHAPE, name).reverse(), broken))).toBe(name);
  });

  it.each([
    ['reserved16', 1],
    ['payerCounter', 1n],
  ] as const)('%s is reserved', async (field, value) => {
    expect(await pay('authorise', { ...base, [field]: value })).toBe('reservedField');
  });

  it('amountOutOfRange, before ledgerMustNotBeZero', async () => {
    expect(await pay('sale', { ...base, amount: MAX + 1n, ledger: 0 })).toBe('amountOutOfRange');
  });
});

const operation: RawOperation = { id: 1n, paymentId: 100n, amount: 5n };
const OPERATION_SHAPE: readonly (readonly [ResultName, RawOperation])[] = [
  ['timestampMustBeZero', { timestamp: 1n }],
  ['reservedField', { institution: 2 }],
  ['flagsReserved', { flags: 2 }],
  ['idMustNotBeZero', { id: 0n }],
  ['idReserved', { id: ENGINE }],
  ['amountOutOfRange', { amount: MAX + 1n }],
];

describe('the shape of an operation', () => {
  it.each(OPERATION_SHAPE)('%s, before all that comes after it', async (name, broken) => {
    for (const kind of ['capture', 'refund'] as const) {
      expect(await operate(kind, { ...operation, ...broken })).toBe(name);
      expect(await operate(kind, Object.assign({}, operation, ...later(OPERATION_SHAPE, name).reverse(), broken))).toBe(
        name,
      );
    }
  });

  it.each(['proofLength', 'reserved32', 'institution', 'reserved'] as const)('%s is reserved', async (field) => {
    expect(await operate('capture', { ...operation, [field]: 1 })).toBe('reservedField');
  });

  it('names a payment, and a void no amount and nothing but a capture the flag', async () => {
    expect(await operate('capture', { ...operation, paymentId: 0n, amount: MAX + 1n })).toBe('idMustNotBeZero');
    expect(await operate('void', { ...operation, amount: MAX + 1n })).toBe('amountMustBeZero');
    const flags = PaymentOperationFlags.final;
    expect(await operate('void', { ...operation, amount: 0n, flags })).toBe('flagsReserved');
    expect(await operate('refund', { ...operation, flags })).toBe('flagsReserved');
    expect(await operate('capture', { ...operation, flags })).toBe('paymentNotFound');
  });
});

describe('an id that was used before', () => {
  const changes: readonly (readonly [ResultName, RawPayment])[] = [
    ['existsWithDifferentPayer', { payerAccountId: 2n }],
    ['existsWithDifferentPayee', { payeeAccountId: 1n }],
    ['existsWithDifferentAmount', { amount: 11n }],
    ['existsWithDifferentCampaign', { campaignId: 1n << 127n }],
    ['existsWithDifferentUserData64', { userData64: 1n << 63n }],
    ['existsWithDifferentExpiry', { expiresAfterS: 9 }],
    ['existsWithDifferentLedger', { ledger: 840 }],
    ['existsWithDifferentCode', { code: 2 }],
  ];

  it.each(changes)('%s, before all that comes after it', async (name, change) => {
    expect(await pay('authorise', base)).toBe('ok');
    expect(await pay('authorise', { ...base, ...change })).toBe(name);
    expect(await pay('authorise', Object.assign({}, base, ...later(changes, name), change), 'x')).toBe(name);
    const sale = name === 'existsWithDifferentExpiry' ? {} : change;
    expect(await pay('sale', { ...base, ...sale }, 'x')).toBe('existsWithDifferentOperation');
    expect(await pay('sale', { ...base, ...sale }, 'x', 3)).toBe('existsWithDifferentOwner');
  });

  it('existsWithDifferentReference: another length, another byte anywhere', async () => {
    const reference = 'a'.repeat(64);
    expect(await pay('sale', base, reference)).toBe('ok');
    for (const other of [
      '',
      'a'.repeat(63),
      `b${'a'.repeat(63)}`,
      `${'a'.repeat(63)}b`,
      `${'a'.repeat(40)}b${'a'.repeat(23)}`,
    ]) {
      expect(await pay('sale', base, other)).toBe('existsWithDifferentReference');
    }
    expect(await pay('sale', base, reference)).toBe('ok');
  });

  it('of an operation: owner, operation, payment, amount, flags', async () => {
    await pay('authorise', base);
    expect(await operate('capture', operation)).toBe('ok');
    const all = { ...operation, paymentId: 101n, amount: 4n, flags: 1 };
    expect(await operate('capture', all, 3)).toBe('existsWithDifferentOwner');
    expect(await operate('refund', { ...all, flags: 0 })).toBe('existsWithDifferentOperation');
    expect(await operate('capture', all)).toBe('existsWithDifferentPayment');
    expect(await operate('capture', { ...all, paymentId: 100n })).toBe('existsWithDifferentAmount');
    expect(await operate('capture', { ...operation, flags: 1 })).toBe('existsWithDifferentFlags');
    expect(await operate('capture', operation)).toBe('ok');
    expect(await desk.balances(4n)).toEqual([5, 5, 0, 0]);
  });

  it('ids of transfers, payments and operations do not clash; a payment elsewhere crossesPartitions', async () => {
    await desk.transfers(2, { id: 1n, debitAccountId: 4n, creditAccountId: 3n, amount: 1n, ledger: 156, code: 1 });
    expect(await pay('authorise', { ...base, id: 1n })).toBe('ok');
    expect(await operate('capture', { ...operation, id: 1n, paymentId: 1n })).toBe('ok');
  });
});
