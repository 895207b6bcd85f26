/** What payers, payees and shops are told when an account of a payment is frozen or closed. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountChangeFields, type AccountStateName, AccountStates } from '../../../protocol/records.ts';
import type { Desk } from '../../support/desk.ts';
import { FEES, OFFER, PAYEE, PAYER, payment, Shop, withOffer } from '../../support/shop.ts';

let shop: Shop;
let desk: Desk;
let next: bigint;

beforeEach(async () => {
  shop = await Shop.open();
  ({ desk } = shop);
  next = 5000n;
});

async function set(accountId: bigint, state: AccountStateName): Promise<void> {
  const record = { id: next++, accountId, fields: AccountChangeFields.state, state: AccountStates[state] };
  expect(await desk.changes(1, record)).toEqual(['ok']);
}

async function operate(name: 'capture' | 'void' | 'refund', amount = 0n): Promise<string> {
  return (await desk.operate(2, name, { id: next++, paymentId: payment.id, amount })).name;
}

describe('a new payment', () => {
  it.each([
    [PAYER, 'frozenForDebits', 'payerAccountFrozen'],
    [PAYER, 'frozen', 'payerAccountFrozen'],
    [PAYER, 'closing', 'payerAccountClosed'],
    [PAYEE, 'frozen', 'payeeCannotReceive'],
    [PAYEE, 'closing', 'payeeCannotReceive'],
    [OFFER, 'frozen', 'campaignNotApplicable'],
    [OFFER, 'closing', 'campaignNotApplicable'],
  ] as const)('account %i %s: %s', async (account, state, name) => {
    await set(account, state);
    for (const [index, kind] of (['sale', 'authorise'] as const).entries()) {
      expect((await desk.pay(2, kind, { ...withOffer, id: 700n + BigInt(index) })).name).toBe(name);
    }
    expect(await shop.standing(PAYER)).toEqual([10_000, 0]);
  });

  it('payeeCannotReceive where the fee cannot be taken or given', async () => {
    await set(FEES, 'closed');
    expect((await desk.pay(2, 'sale', payment)).name).toBe('payeeCannotReceive');
    await set(FEES, 'open');
    await set(PAYEE, 'frozenForDebits');
    expect((await desk.pay(2, 'sale', { ...payment, id: 101n })).name).toBe('payeeCannotReceive');
  });
});

describe('what follows an authorisation', () => {
  it.each([
    [PAYER, 'frozenForDebits', 'payerAccountFrozen'],
    [PAYER, 'frozen', 'payerAccountFrozen'],
    [PAYER, 'closing', 'ok'],
    [PAYEE, 'frozen', 'payeeCannotReceive'],
    [PAYEE, 'closing', 'ok'],
    [OFFER, 'frozen', 'campaignNotApplicable'],
    [OFFER, 'closing', 'ok'],
    [FEES, 'closed', 'payeeCannotReceive'],
  ] as const)('account %i %s: a capture is answered %s, a void goes', async (account, state, name) => {
    await desk.pay(2, 'authorise', withOffer);
    await set(account, state);
    expect(await operate('capture', 500n)).toBe(name);
    expect(await operate('void')).toBe('ok');
    expect((await shop.standing(PAYER))[1]).toBe(0);
  });
});

describe('a refund', () => {
  it.each([
    [PAYEE, 'frozenForDebits', 'payeeCannotRefund'],
    [PAYEE, 'frozen', 'payeeCannotRefund'],
    [PAYEE, 'closing', 'payeeCannotRefund'],
    [PAYER, 'frozen', 'payeeCannotReceive'],
    [PAYER, 'frozenForDebits', 'ok'],
    [FEES, 'frozen', 'payeeCannotRefund'],
  ] as const)('account %i %s: %s', async (account, state, name) => {
    await desk.pay(2, 'sale', payment);
    await set(account, state);
    expect(await operate('refund', 300n)).toBe(name);
  });
});
