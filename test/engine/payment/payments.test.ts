/** The life of a payment: what each operation does to the books, and how each is refused. */
import { beforeEach, describe, expect, it } from 'vitest';
import { PaymentOperationFlags } from '../../../protocol/records.ts';
import { type Desk, operationRequest, paymentRequest, reply, SECOND, START } from '../../support/desk.ts';
import { campaign, PAYER, payment, Shop, tariff, UNTOUCHED, withOffer } from '../../support/shop.ts';

let shop: Shop;
let desk: Desk;

beforeEach(async () => {
  shop = await Shop.open();
  ({ desk } = shop);
});

describe('a sale', () => {
  it('moves the amount, the discount and the fee, to the unit', async () => {
    const { name, payment: state } = await desk.pay(2, 'sale', withOffer);
    expect(name).toBe('ok');
    expect(state).toMatchObject({ state: 'captured', operation: 'sale', version: 1, captured: 1000n, expiresAt: 0n });
    expect(state).toMatchObject({ discount: 100n, discountCaptured: 100n, feeCharged: 7n, released: 0n });
    expect(await shop.all()).toEqual({ payer: [9100, 0], payee: [993, 0], fees: [7, 0], offer: [150, 0] });
  });

  it('refunded in parts and then in full gives everything back, the fee and the discount too', async () => {
    await desk.pay(2, 'sale', withOffer);
    const first = await desk.operate(2, 'refund', { id: 1n, paymentId: 100n, amount: 333n });
    expect(first.payment).toMatchObject({
      refunded: 333n,
      discountRefunded: 33n,
      feeRefunded: 2n,
      state: 'captured',
      version: 2,
    });
    expect(await shop.all()).toEqual({ payer: [9400, 0], payee: [662, 0], fees: [5, 0], offer: [183, 0] });
    // The rest needs 667 but there are 662 and 5 of fee that come back first.
    expect((await desk.operate(2, 'refund', { id: 2n, paymentId: 100n })).payment).toMatchObject({
      refunded: 1000n,
      feeRefunded: 7n,
    });
    expect(await shop.all()).toEqual(UNTOUCHED);
    for (const amount of [0n, 1n]) {
      const over = await desk.operate(2, 'refund', { id: 3n + amount, paymentId: 100n, amount });
      expect(over.name).toBe('exceedsCapturedAmount');
      expect(over.payment).toMatchObject({ refunded: 1000n, version: 3, name: 'exceedsCapturedAmount' });
    }
  });

  it('can be paid by the campaign alone', async () => {
    await desk.putCampaign(2, { ...campaign, basisPoints: 10_000, minimumAmount: 0 });
    expect((await desk.pay(2, 'sale', { ...withOffer, amount: 50n })).payment).toMatchObject({ discount: 50n });
    expect(await shop.all()).toMatchObject({ payer: [10_000, 0], offer: [200, 0] });
    expect((await desk.pay(2, 'authorise', { ...withOffer, id: 101n, amount: 60n })).name).toBe('ok');
    expect((await desk.operate(2, 'capture', { id: 1n, paymentId: 101n, amount: 30n })).payment).toMatchObject({
      discountCaptured: 30n,
    });
    expect((await desk.operate(2, 'refund', { id: 2n, paymentId: 101n, amount: 30n })).payment).toMatchObject({
      discountRefunded: 30n,
    });
    expect((await desk.operate(2, 'void', { id: 3n, paymentId: 101n })).payment).toMatchObject({ state: 'captured' });
    expect(await shop.all()).toMatchObject({ payer: [10_000, 0], offer: [200, 0] });
  });
});

describe('an authorisation', () => {
  it('holds the parts of payer and campaign, and charges no fee yet', async () => {
    const { payment: state } = await desk.pay(2, 'authorise', { ...withOffer, expiresAfterS: 60 });
    expect(state).toMatchObject({ state: 'authorised', discount: 100n, captured: 0n, feeCharged: 0n });
    expect(state?.expiresAt).toBe(BigInt(START + 60 * SECOND));
    expect(await shop.all()).toEqual({ payer: [10_000, 900], payee: [0, 0], fees: [0, 0], offer: [250, 100] });
  });

  it('captured in three parts takes what one capture would take', async () => {
    await desk.pay(2, 'authorise', withOffer);
    for (const [id, amount] of [
      [1n, 333n],
      [2n, 333n],
      [3n, 0n],
    ] as const) {
      expect((await desk.operate(2, 'capture', { id, paymentId: 100n, amount })).name).toBe('ok');
    }
    const [found] = await desk.lookupPayments(2, 100n);
    expect(found?.view?.status).toMatchObject({
      state: 'captured',
      captured: 1000n,
      discountCaptured: 100n,
      feeCharged: 7n,
      version: 4,
      expiresAt: 0n,
    });
    expect(found?.view?.lastOperation).toMatchObject({ id: 3n, institution: 2 });
    expect(await shop.all()).toEqual({ payer: [9100, 0], payee: [993, 0], fees: [7, 0], offer: [150, 0] });
    expect((await desk.operate(2, 'capture', { id: 4n, paymentId: 100n })).name).toBe('paymentAlreadyCaptured');
    expect((await desk.operate(2, 'void', { id: 5n, paymentId: 100n })).name).toBe('paymentAlreadyCaptured');
  });

  it('a final capture releases the rest', async () => {
    await desk.pay(2, 'authorise', withOffer);
    const flags = PaymentOperationFlags.final;
    const { payment: state } = await desk.operate(2, 'capture', { id: 1n, paymentId: 100n, amount: 500n, flags });
    expect(state).toMatchObject({
      state: 'captured',
      captured: 500n,
      released: 500n,
      discountCaptured: 50n,
      feeCharged: 4n,
    });
    expect(await shop.all()).toEqual({ payer: [9550, 0], payee: [496, 0], fees: [4, 0], offer: [200, 0] });
  });

  it.each(['void', 'expiry'] as const)('ends by %s: everything goes back; what was captured stays', async (how) => {
    const end = async (id: bigint, paymentId: bigint): Promise<unknown> =>
      how === 'void' ? desk.operate(2, 'void', { id, paymentId }) : desk.pass(5);
    await desk.pay(2, 'authorise', { ...withOffer, expiresAfterS: 5 });
    await end(1n, 100n);
    expect(await shop.all()).toEqual(UNTOUCHED);
    await desk.pay(2, 'authorise', { ...withOffer, id: 101n, expiresAfterS: 5 });
    await desk.operate(2, 'capture', { id: 2n, paymentId: 101n, amount: 10n });
    await end(3n, 101n);
    const [whole, part] = await desk.lookupPayments(2, 100n, 101n);
    const state = how === 'void' ? 'voided' : 'expired';
    expect(whole?.view?.status).toMatchObject({ state, released: 1000n, expiresAt: 0n, captured: 0n });
    expect(part?.view?.status).toMatchObject({
      state: 'captured',
      released: 990n,
      captured: 10n,
      discountCaptured: 1n,
    });
    expect(await shop.all()).toMatchObject({ payer: [9991, 0], offer: [249, 0] });
    const after = how === 'void' ? 'paymentAlreadyVoided' : 'paymentExpired';
    for (const [index, operation] of (['capture', 'void', 'refund'] as const).entries()) {
      expect((await desk.operate(2, operation, { id: BigInt(70 + index), paymentId: 100n })).name).toBe(after);
    }
    expect((await desk.operate(2, 'refund', { id: 80n, paymentId: 101n })).name).toBe('ok');
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('expires at its microsecond, by default after seven days', async () => {
    await desk.pay(2, 'authorise', payment);
    desk.now += 604_800 * SECOND - 1;
    await desk.batch([]);
    expect(await shop.standing(PAYER)).toEqual([10_000, 1000]);
    desk.now += 1;
    expect((await desk.operate(2, 'capture', { id: 1n, paymentId: 100n })).name).toBe('paymentExpired');
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('keeps the tariff and the discount that it was made with', async () => {
    await desk.pay(2, 'authorise', withOffer);
    await desk.putTariff(3, { ...tariff, basisPoints: 5000 });
    await desk.putCampaign(2, { ...campaign, basisPoints: 1 });
    expect((await desk.operate(2, 'capture', { id: 1n, paymentId: 100n })).payment).toMatchObject({
      feeCharged: 7n,
      discountCaptured: 100n,
    });
  });
});

describe('a refund', () => {
  it('gives back what was captured, never more, also while the authorisation is open', async () => {
    await desk.pay(2, 'authorise', withOffer);
    expect((await desk.operate(2, 'refund', { id: 1n, paymentId: 100n })).name).toBe('paymentNotCaptured');
    await desk.operate(2, 'capture', { id: 2n, paymentId: 100n, amount: 400n });
    expect((await desk.operate(2, 'refund', { id: 3n, paymentId: 100n, amount: 401n })).name).toBe(
      'exceedsCapturedAmount',
    );
    expect((await desk.operate(2, 'refund', { id: 4n, paymentId: 100n })).payment).toMatchObject({
      state: 'authorised',
      refunded: 400n,
    });
    expect((await desk.operate(2, 'capture', { id: 5n, paymentId: 100n })).payment).toMatchObject({ captured: 1000n });
    expect((await desk.operate(2, 'refund', { id: 6n, paymentId: 100n, amount: 601n })).name).toBe(
      'exceedsCapturedAmount',
    );
    expect((await desk.operate(2, 'refund', { id: 7n, paymentId: 100n, amount: 600n })).name).toBe('ok');
    expect(await shop.all()).toEqual(UNTOUCHED);
  });
});

describe('races', () => {
  it.each([
    [
      ['capture', 'void'],
      ['ok', 'paymentAlreadyCaptured'],
    ],
    [
      ['void', 'capture'],
      ['ok', 'paymentAlreadyVoided'],
    ],
    [
      ['void', 'void'],
      ['ok', 'paymentAlreadyVoided'],
    ],
    [
      ['capture', 'capture'],
      ['ok', 'paymentAlreadyCaptured'],
    ],
  ] as const)('%s in one batch and over two: %s', async (operations, expected) => {
    for (const [round, apart] of [false, true].entries()) {
      const paymentId = 200n + BigInt(round);
      await desk.pay(2, 'authorise', { ...payment, id: paymentId });
      const requests = operations.map((name, index) =>
        operationRequest(2, name, { id: paymentId * 10n + BigInt(index), paymentId }),
      );
      const frames = apart
        ? [await desk.one(requests[0] as never), await desk.one(requests[1] as never)]
        : await desk.batch(requests);
      expect(frames.map((frame, index) => reply.payment(frame, operations[index] as never).name)).toEqual(expected);
    }
  });

  it('an authorisation and all that follows may share a batch', async () => {
    const frames = await desk.batch([
      paymentRequest(2, 'authorise', withOffer),
      operationRequest(2, 'capture', { id: 1n, paymentId: 100n, amount: 400n }),
      operationRequest(2, 'refund', { id: 2n, paymentId: 100n }),
      operationRequest(2, 'void', { id: 3n, paymentId: 100n }),
    ]);
    const names = ['authorise', 'capture', 'refund', 'void'] as const;
    expect(frames.map((frame, index) => reply.payment(frame, names[index] as never).name)).toEqual([
      'ok',
      'ok',
      'ok',
      'ok',
    ]);
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('a campaign never gives more than its budget', async () => {
    const names: string[] = [];
    const sales = Array.from({ length: 4 }, (_, index) =>
      paymentRequest(2, 'sale', { ...withOffer, id: 300n + BigInt(index) }),
    );
    for (const frame of await desk.batch(sales)) names.push(reply.payment(frame, 'sale').name);
    expect(names).toEqual(['ok', 'ok', 'campaignExhausted', 'campaignExhausted']);
    expect(await shop.all()).toMatchObject({ offer: [50, 0], payer: [8200, 0] });
    expect((await desk.pay(2, 'authorise', { ...withOffer, id: 310n, amount: 500n })).name).toBe('ok');
    expect((await desk.pay(2, 'sale', { ...withOffer, id: 311n, amount: 100n })).name).toBe('campaignExhausted');
  });
});
