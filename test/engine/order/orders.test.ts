// Orders: paid once, whoever tries, wherever he lives and whatever is cut off.
import { describe, expect, it } from 'vitest';
import { formatId, partyAccountId } from '../../../protocol/ids.ts';
import { ORDER_LIMITS, orderId, tipOf } from '../../../protocol/order-bodies.ts';
import type { PutOrderBody, RegistryBodies, StoredOrder } from '../../../protocol/registry-bodies.ts';
import type { ResultName } from '../../../protocol/results.ts';
import type { RegistryResult } from '../../../protocol/codecs/registry-codec.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { expectRecovered } from '../../support/recovered.ts';
import { id, LEDGER, nextId, opened, PAYER, PAYERS, POOR, SHOP, WALLET } from './support.ts';

const MINUTE = 60_000_000;

function terms(bank: Bank, over: Partial<PutOrderBody> = {}): PutOrderBody {
  return {
    ...{ handle: 'teahouse', ledger: LEDGER, number: `T-${nextId()}`, amount: 1250, title: 'Longjing' },
    expiresAt: bank.now + 15 * MINUTE,
    ...over,
  };
}

async function ordered(bank: Bank, over: Partial<PutOrderBody> = {}): Promise<StoredOrder> {
  const made = await bank.registry(SHOP, 'putOrder', terms(bank, over));
  expect(made.name).toBe('ok');
  return made.order!;
}

function pay(bank: Bank, order: StoredOrder, over: Partial<RegistryBodies['payOrder']> = {}): Promise<RegistryResult> {
  const payment = { id: order.id, paymentId: id(), payerAccountId: formatId(PAYER), tip: 0 };
  return bank.registry(WALLET, 'payOrder', { ...payment, ...over });
}

async function read(bank: Bank, order: StoredOrder, institution = SHOP): Promise<StoredOrder | undefined> {
  return (await bank.registry(institution, 'readOrder', { id: order.id })).order;
}

async function received(bank: Bank): Promise<number | undefined> {
  return (await bank.balances(partyAccountId(SHOP, 'teahouse', LEDGER)))[3];
}

async function settled(bank: Bank): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expectRecovered(bank.partitions);
}

const STEP_UP = {
  version: 'trial',
  rules: [
    {
      ...{ id: 'large', kind: 'cel', when: 'amount > 100000', outcome: 'step_up' },
      reason: { en: 'Because.', zh: '因为。' },
    },
  ],
};

describe.each([1, 2])('an order, in %i partition(s)', (partitions) => {
  it('is paid once, and says by what', async () => {
    const bank = await opened(partitions);
    const order = await ordered(bank);
    expect(order).toMatchObject({ state: 'open', id: formatId(orderId(SHOP, 'teahouse', order.number)) });
    const paymentId = id();
    const paid = await pay(bank, order, { paymentId });
    expect(paid).toMatchObject({ name: 'ok', order: { state: 'paid' }, payment: { id: paymentId, state: 'captured' } });
    expect(await pay(bank, order, { paymentId })).toMatchObject({ name: 'ok', order: { state: 'paid', paymentId } });
    expect((await pay(bank, order)).name).toBe('orderPaid');
    expect(await read(bank, order)).toMatchObject({ state: 'paid', paymentId, payerAccountId: formatId(PAYER) });
    const [found] = await bank.lookupPayments(WALLET, BigInt(`0x${paymentId}`));
    expect(found?.view?.payment.reference).toBe(order.number);
    expect(await received(bank)).toBe(1250);
    await settled(bank);
  });

  it('is paid once by many at once', async () => {
    const bank = await opened(partitions, partitions > 1);
    const order = await ordered(bank);
    const attempts = Array.from({ length: 64 }, (_, n) =>
      pay(bank, order, { payerAccountId: formatId(PAYERS[n % PAYERS.length]!) }),
    );
    const names = (await Promise.all(attempts)).map(({ name }) => name);
    expect(names.filter((name) => name === 'ok')).toHaveLength(1);
    expect(names.filter((name) => name !== 'ok' && name !== 'orderBeingPaid' && name !== 'orderPaid')).toEqual([]);
    expect(await received(bank)).toBe(1250);
    await settled(bank);
  });

  it('is free again when a payment failed', async () => {
    const bank = await opened(partitions);
    const order = await ordered(bank);
    const failed = await pay(bank, order, { payerAccountId: formatId(POOR) });
    expect(failed).toMatchObject({
      name: 'insufficientFunds',
      order: { state: 'open' },
      payment: { state: 'declined' },
    });
    expect(failed.order?.paymentId).toBeUndefined();
    expect((await pay(bank, order, { payerAccountId: formatId(9999n) })).name).toBe('payerAccountNotFound');
    expect((await pay(bank, order)).name).toBe('ok');
  });

  it('is paying while its payer has to confirm, and goes on with him', async () => {
    const bank = await opened(partitions);
    await bank.activateRules(1, STEP_UP);
    const order = await ordered(bank, { amount: 200_000 });
    const paymentId = id();
    expect(await pay(bank, order, { paymentId })).toMatchObject({
      ...{ name: 'challengeRequired', order: { state: 'paying' }, payment: { state: 'challenged' } },
    });
    expect((await pay(bank, order)).name).toBe('orderBeingPaid');
    expect((await bank.registry(SHOP, 'changeOrder', { id: order.id, action: 'close' })).name).toBe('orderBeingPaid');
    expect((await bank.confirm(WALLET, nextId(), BigInt(`0x${paymentId}`))).name).toBe('ok');
    expect(await read(bank, order)).toMatchObject({ state: 'paid' });
  });

  it('is free again when its payer does not want to, or lets the time pass', async () => {
    const bank = await opened(partitions);
    await bank.activateRules(1, STEP_UP);
    const order = await ordered(bank, { amount: 200_000 });
    const [first, second] = [id(), id()];
    await pay(bank, order, { paymentId: first });
    await bank.operate(WALLET, 'void', { id: nextId(), paymentId: BigInt(`0x${first}`) });
    expect((await read(bank, order))?.state).toBe('open');
    await pay(bank, order, { paymentId: second });
    expect((await read(bank, order))?.state).toBe('paying');
    await bank.pass(301);
    expect((await read(bank, order))?.state).toBe('open');
  });

  it('is free again when whoever claimed it was never heard of, and his payment cannot come any more', async () => {
    const bank = await opened(partitions);
    const order = await ordered(bank);
    const lost = id();
    const claim = { id: order.id, action: 'claim', paymentId: lost, payerAccountId: formatId(PAYER), tip: 0 } as const;
    expect((await bank.registry(1, 'changeOrder', claim)).order?.state).toBe('paying');
    bank.now += ORDER_LIMITS.claimMicros - 1_000;
    expect((await pay(bank, order)).name).toBe('orderBeingPaid');
    bank.now += 1_000_000;
    expect((await pay(bank, order, { payerAccountId: formatId(PAYERS[1]!) })).name).toBe('ok');
    const late = {
      id: BigInt(`0x${lost}`),
      payerAccountId: PAYER,
      payeeAccountId: partyAccountId(SHOP, 'teahouse', LEDGER),
    };
    expect((await bank.pay(WALLET, 'sale', { ...late, amount: 1250n, ledger: LEDGER })).name).not.toBe('ok');
    expect(await received(bank)).toBe(1250);
    await settled(bank);
  });

  it('is settled by whoever looks when the one who paid was cut off', async () => {
    const bank = await opened(partitions);
    const order = await ordered(bank);
    const paymentId = id();
    const claim = { id: order.id, action: 'claim', paymentId, payerAccountId: formatId(PAYER), tip: 0 } as const;
    await bank.registry(1, 'changeOrder', claim);
    const payee = partyAccountId(SHOP, 'teahouse', LEDGER);
    const payment = { id: BigInt(`0x${paymentId}`), payerAccountId: PAYER, payeeAccountId: payee, amount: 1250n };
    expect((await bank.pay(WALLET, 'sale', { ...payment, ledger: LEDGER })).name).toBe('ok');
    expect((await pay(bank, order)).name).toBe('orderPaid');
    expect((await read(bank, order))?.state).toBe('paid');
  });

  it('is refunded by its number, by its payee only, and no more than was paid', async () => {
    const bank = await opened(partitions);
    const order = await ordered(bank);
    const refund = (over: Partial<RegistryBodies['refundOrder']> = {}, institution = SHOP) =>
      bank.registry(institution, 'refundOrder', { id: order.id, refundId: id(), amount: 250, ...over });
    expect((await refund()).name).toBe('orderNotPaid');
    await pay(bank, order);
    expect((await refund({}, WALLET)).name).toBe('orderNotFound');
    const refundId = id();
    expect((await refund({ refundId })).name).toBe('ok');
    expect((await refund({ refundId })).name).toBe('ok');
    expect((await refund({ amount: 1001 })).name).toBe('exceedsCapturedAmount');
    expect((await refund({ amount: 0 })).name).toBe('ok');
    expect((await bank.balances(partyAccountId(SHOP, 'teahouse', LEDGER))).slice(1, 4)).toEqual([1250, 0, 1250]);
    expect((await read(bank, order))?.state).toBe('paid');
    await settled(bank);
  });

  it('that was paid stays so after a power cut, and an open one can be paid', async () => {
    const before = await opened(partitions);
    const [paid, open] = [await ordered(before), await ordered(before)];
    await pay(before, paid);
    await before.rest();
    const bank = new Bank(partitions, before.partitions);
    bank.now = before.now;
    expect((await pay(bank, paid)).name).toBe('orderPaid');
    expect((await pay(bank, open)).name).toBe('ok');
  });
});

describe('an order', () => {
  it('with the same number is the same, or another one', async () => {
    const bank = await opened();
    const body = terms(bank);
    const [first, again] = [await bank.registry(SHOP, 'putOrder', body), await bank.registry(SHOP, 'putOrder', body)];
    expect(again).toEqual(first);
    const others = [
      { amount: 1 },
      { title: '' },
      { expiresAt: body.expiresAt + 1 },
      { tip: { kind: 'ask', value: 0 } },
    ] as const;
    for (const other of others) {
      expect((await bank.registry(SHOP, 'putOrder', { ...body, ...other })).name).toBe('orderExistsDifferently');
    }
    await pay(bank, first.order!);
    expect((await bank.registry(SHOP, 'putOrder', body)).order?.state).toBe('paid');
  });

  it('ends with its time, to the microsecond, and when it is closed', async () => {
    const bank = await opened();
    const order = await ordered(bank);
    const late = await ordered(bank);
    bank.now = order.expiresAt - 1;
    expect((await pay(bank, order)).name).toBe('ok');
    bank.now = late.expiresAt;
    expect((await read(bank, late))?.state).toBe('expired');
    expect((await pay(bank, late)).name).toBe('orderExpired');
    const closed = await ordered(bank);
    const close = (institution: number) =>
      bank.registry(institution, 'changeOrder', { id: closed.id, action: 'close' });
    expect((await close(WALLET)).name).toBe('orderNotFound');
    expect((await close(SHOP)).order?.state).toBe('closed');
    expect((await close(SHOP)).order?.state).toBe('closed');
    expect((await pay(bank, closed)).name).toBe('orderClosed');
    expect((await bank.registry(SHOP, 'changeOrder', { id: order.id, action: 'close' })).name).toBe('orderPaid');
  });

  it.each<[ResultName, (now: number) => Partial<PutOrderBody>]>([
    ['orderTimeInvalid', (now) => ({ expiresAt: now })],
    ['orderTimeInvalid', (now) => ({ expiresAt: now + ORDER_LIMITS.lifetimeMicrosMax + 1_000 })],
    ['payeeAccountNotFound', () => ({ handle: 'nobody' })],
    ['payeeAccountNotFound', () => ({ ledger: 840 })],
  ])('is refused: %s', async (name, over) => {
    const bank = await opened();
    expect((await bank.registry(SHOP, 'putOrder', terms(bank, over(bank.now)))).name).toBe(name);
  });

  it('that nobody has made is not found, whatever is asked of it', async () => {
    const bank = await opened(2);
    const none = { id: id() };
    expect((await bank.registry(SHOP, 'readOrder', none)).name).toBe('orderNotFound');
    expect((await bank.registry(SHOP, 'changeOrder', { ...none, action: 'close' })).name).toBe('orderNotFound');
    expect((await pay(bank, none as StoredOrder)).name).toBe('orderNotFound');
    expect((await bank.registry(SHOP, 'refundOrder', { ...none, refundId: id(), amount: 0 })).name).toBe(
      'orderNotFound',
    );
  });

  it('is claimed and settled by the switch alone', async () => {
    const bank = await opened();
    const order = await ordered(bank);
    for (const action of ['claim', 'settle', 'fail'] as const) {
      const change = { id: order.id, action, paymentId: id(), payerAccountId: formatId(PAYER), tip: 0 };
      expect((await bank.registry(SHOP, 'changeOrder', change)).name).toBe('forbidden');
    }
    await bank.registry(1, 'changeOrder', { id: order.id, action: 'settle', paymentId: id() });
    expect((await read(bank, order))?.state).toBe('open');
  });

  it('is not freed or settled by a payment that does not claim it', async () => {
    const bank = await opened();
    const order = await ordered(bank);
    const [first, second] = [id(), id()];
    const change = (action: 'claim' | 'settle' | 'fail', paymentId: string) =>
      bank.registry(1, 'changeOrder', { id: order.id, action, paymentId, payerAccountId: formatId(PAYER), tip: 0 });
    await change('claim', first);
    for (const action of ['settle', 'fail'] as const) {
      expect((await change(action, second)).order).toMatchObject({ state: 'paying', paymentId: first });
    }
    expect((await change('fail', first)).order?.state).toBe('open');
  });

  it('is free again when its payment was given back before anybody had settled it', async () => {
    const bank = await opened();
    const order = await ordered(bank);
    const paymentId = id();
    const claim = { id: order.id, action: 'claim', paymentId, payerAccountId: formatId(PAYER), tip: 0 } as const;
    await bank.registry(1, 'changeOrder', claim);
    const payment = {
      id: BigInt(`0x${paymentId}`),
      payerAccountId: PAYER,
      payeeAccountId: BigInt(`0x${order.accountId}`),
    };
    await bank.pay(WALLET, 'sale', { ...payment, amount: 1250n, ledger: LEDGER });
    await bank.operate(WALLET, 'refund', { id: nextId(), paymentId: payment.id });
    expect((await read(bank, order))?.state).toBe('open');
    expect((await pay(bank, order)).name).toBe('ok');
  });

  it('is settled as soon as its payer has confirmed, without anybody looking', async () => {
    const bank = await opened();
    await bank.activateRules(1, STEP_UP);
    const order = await ordered(bank, { amount: 200_000 });
    const paymentId = id();
    await pay(bank, order, { paymentId });
    await bank.confirm(WALLET, nextId(), BigInt(`0x${paymentId}`));
    const stored = bank.partitions[0]?.state.orders.read(order.id);
    expect(stored?.order?.state).toBe('paid');
  });

  it('tells who pays it to its payee alone', async () => {
    const bank = await opened();
    const order = await ordered(bank);
    await pay(bank, order);
    const told = await read(bank, order, WALLET);
    expect(told).toMatchObject({ state: 'paid', amount: 1250 });
    expect([told?.paymentId, told?.payerAccountId]).toEqual([undefined, undefined]);
  });

  it('takes the tip that it asks for, and no other', async () => {
    const bank = await opened();
    const fixed = await ordered(bank, { tip: { kind: 'fixed', value: 100 } });
    expect((await pay(bank, fixed, { tip: 99 })).name).toBe('tipDiffers');
    expect((await pay(bank, fixed, { tip: 100 })).order?.tipped).toBe(100);
    const percent = await ordered(bank, { amount: 1250, tip: { kind: 'percent', value: 1000 } });
    expect((await pay(bank, percent, { tip: 125 })).name).toBe('ok');
    const ask = await ordered(bank, { tip: { kind: 'ask', value: 0 } });
    expect((await pay(bank, ask, { tip: 7 })).name).toBe('ok');
    const none = await ordered(bank);
    expect((await pay(bank, none, { tip: 1 })).name).toBe('tipDiffers');
    expect(await received(bank)).toBe(1350 + 1375 + 1257);
  });
});

describe('tips', () => {
  it('are rounded half up, and exact', () => {
    expect(tipOf(undefined, 100)).toBe(0);
    expect(tipOf({ kind: 'ask', value: 0 }, 100)).toBeUndefined();
    expect(tipOf({ kind: 'fixed', value: 7 }, 100)).toBe(7);
    expect([49, 50, 149, 150].map((amount) => tipOf({ kind: 'percent', value: 100 }, amount))).toEqual([0, 1, 1, 2]);
    expect(tipOf({ kind: 'percent', value: 10_000 }, Number.MAX_SAFE_INTEGER)).toBe(Number.MAX_SAFE_INTEGER);
  });
});
