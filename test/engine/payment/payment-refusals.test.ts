/** How payments and their operations are refused, remembered and shown. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { AccountPaymentInput } from '../../../protocol/codecs/payment-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { type Desk, operationRequest, SECOND } from '../../support/desk.ts';
import { BANK, LIMITED, OFFER, PAYEE, PAYER, payment, Shop, tariff, UNTOUCHED } from '../../support/shop.ts';

const MAX = BigInt(Number.MAX_SAFE_INTEGER);

let shop: Shop;
let desk: Desk;

beforeEach(async () => {
  shop = await Shop.open();
  ({ desk } = shop);
});

it("does not spend another institution's campaign", async () => {
  const stranger = { ...payment, id: 450n, payerAccountId: PAYEE, payeeAccountId: PAYER, campaignId: OFFER };
  const result = await desk.pay(3, 'sale', stranger);
  expect(result.name).toBe('campaignNotFound');
  expect(await shop.standing(OFFER)).toEqual([250, 0]);
});

describe('declines, in order', () => {
  it.each<readonly [ResultName, Partial<AccountPaymentInput>]>([
    ['payerAccountNotFound', { payerAccountId: 99n, payeeAccountId: 98n }],
    ['payerAccountForbidden', { payerAccountId: 22n, payeeAccountId: 98n }],
    ['payeeAccountNotFound', { payeeAccountId: 98n, ledger: 840 }],
    ['currencyMismatch', { payeeAccountId: 21n, campaignId: 97n }],
    ['currencyMismatch', { ledger: 840, campaignId: 97n }],
    ['campaignNotFound', { campaignId: 97n, payeeAccountId: 23n }],
    ['campaignNotFound', { campaignId: BANK, payeeAccountId: 23n }],
    ['campaignNotApplicable', { campaignId: OFFER, amount: 99n, payeeAccountId: 23n }],
    ['campaignNotApplicable', { campaignId: OFFER, payerAccountId: OFFER }],
    ['campaignNotApplicable', { campaignId: OFFER, payeeAccountId: OFFER }],
    ['tariffNotFound', { payeeAccountId: 23n, amount: 99_999n }],
    ['insufficientFunds', { amount: 10_001n }],
    ['payeeCannotReceive', { payeeAccountId: 22n }],
    ['campaignExhausted', { campaignId: OFFER, amount: 2510n }],
  ])('%s %#', async (name, change) => {
    for (const [index, kind] of (['sale', 'authorise'] as const).entries()) {
      const {
        code,
        payment: state,
        ...result
      } = await desk.pay(2, kind, { ...payment, ...change, id: 400n + BigInt(index) });
      expect(result.name).toBe(name);
      expect(state).toMatchObject({
        state: 'declined',
        operation: kind,
        code,
        captured: 0n,
        discount: 0n,
        expiresAt: 0n,
      });
      const again = await desk.pay(2, kind, { ...payment, ...change, id: 400n + BigInt(index) });
      expect(again).toMatchObject({ name, replayed: true, payment: state });
      for (const [op, operation] of (['capture', 'void', 'refund'] as const).entries()) {
        const after = await desk.operate(2, operation, {
          id: BigInt(500 + index * 10 + op),
          paymentId: 400n + BigInt(index),
        });
        expect(after.name).toBe('paymentDeclined');
      }
    }
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('a fee that the payee cannot bear declines the sale or the capture, and the capture may come again', async () => {
    await desk.accounts(3, { id: 24n, ledger: 156, code: 1, flags: LIMITED, tariff: 1 });
    await desk.putTariff(3, { ...tariff, feeAccountId: formatId(22n) });
    expect((await desk.pay(2, 'sale', payment)).name).toBe('payeeCannotReceive');
    expect((await desk.pay(2, 'authorise', { ...payment, id: 101n })).name).toBe('ok');
    const refused = await desk.operate(2, 'capture', { id: 1n, paymentId: 101n });
    expect(refused.name).toBe('payeeCannotReceive');
    expect(refused.payment).toMatchObject({ state: 'authorised', captured: 0n, version: 1 });
    expect(await shop.all()).toMatchObject({ payer: [10_000, 1000], payee: [0, 0] });
    await desk.transfers(3, { id: 9n, debitAccountId: 22n, creditAccountId: 23n, amount: 100n, ledger: 156, code: 1 });
    expect((await desk.operate(2, 'capture', { id: 2n, paymentId: 101n })).name).toBe('ok');
  });

  it('insufficientFundsToRefund and payeeCannotReceive leave the payment as it was', async () => {
    await desk.pay(2, 'sale', payment);
    await desk.transfers(3, {
      id: 9n,
      debitAccountId: PAYEE,
      creditAccountId: BANK,
      amount: 993n,
      ledger: 156,
      code: 1,
    });
    const refused = await desk.operate(2, 'refund', { id: 1n, paymentId: 100n });
    expect(refused.name).toBe('insufficientFundsToRefund');
    expect(refused.payment).toMatchObject({ refunded: 0n, feeRefunded: 0n, version: 1 });
    expect(await shop.all()).toMatchObject({ payee: [0, 0], fees: [7, 0] });
    await desk.transfers(3, { id: 8n, debitAccountId: 22n, creditAccountId: 23n, amount: 5n, ledger: 156, code: 1 });
    await desk.pay(3, 'sale', { ...payment, id: 101n, payerAccountId: 22n, amount: 1000n });
    await desk.transfers(1, {
      id: 7n,
      debitAccountId: BANK,
      creditAccountId: 22n,
      amount: 1005n,
      ledger: 156,
      code: 1,
    });
    expect((await desk.operate(3, 'refund', { id: 2n, paymentId: 101n })).name).toBe('payeeCannotReceive');
  });

  it('pendingTableFull is not remembered', async () => {
    for (let id = 600n; id < 605n; id++)
      await desk.pay(2, 'authorise', { ...payment, id, amount: 1n, expiresAfterS: 1 });
    expect((await desk.pay(2, 'authorise', payment)).name).toBe('pendingTableFull');
    expect((await desk.pay(2, 'sale', { ...payment, id: 101n })).name).toBe('ok');
    await desk.pass(1);
    expect((await desk.pay(2, 'authorise', payment)).name).toBe('ok');
  });
});

describe('an operation', () => {
  it('on an unknown payment, or one of another institution, tells nothing of a payment and is remembered', async () => {
    await desk.pay(2, 'authorise', payment);
    for (const [index, operation] of (['capture', 'void', 'refund'] as const).entries()) {
      const id = BigInt(1 + index * 2);
      const unknown = await desk.operate(2, operation, { id, paymentId: 99n });
      const foreign = await desk.operate(3, operation, { id: id + 1n, paymentId: 100n });
      expect([unknown.name, unknown.payment]).toEqual(['paymentNotFound', undefined]);
      expect([foreign.name, foreign.payment]).toEqual(['paymentForbidden', undefined]);
      expect(await desk.operate(2, operation, { id, paymentId: 99n })).toEqual({ ...unknown, replayed: true });
      const bytes = await desk.one(operationRequest(3, operation, { id: id + 1n, paymentId: 100n }));
      expect([...bytes.subarray(32)]).toEqual(Array(96).fill(0));
      expect((await desk.operate(1, operation, { id: id + 1n, paymentId: 100n })).name).toBe(
        'existsWithDifferentOwner',
      );
    }
    await desk.pay(2, 'sale', { ...payment, id: 99n });
    expect((await desk.operate(2, 'refund', { id: 5n, paymentId: 99n })).name).toBe('paymentNotFound');
    expect((await desk.operate(1, 'capture', { id: 50n, paymentId: 100n })).payment?.state).toBe('captured');
  });

  it('answers the same again after everything else has happened', async () => {
    const authorised = await desk.pay(2, 'authorise', payment);
    const captured = await desk.operate(2, 'capture', { id: 1n, paymentId: 100n, amount: 10n });
    const refused = await desk.operate(2, 'capture', { id: 2n, paymentId: 100n, amount: 991n });
    expect(refused.name).toBe('exceedsAuthorisedAmount');
    const voided = await desk.operate(2, 'void', { id: 3n, paymentId: 100n });
    const refunded = await desk.operate(2, 'refund', { id: 4n, paymentId: 100n, amount: 3n });
    desk.now += SECOND;
    const same = (first: object): object => ({ ...first, replayed: true });
    expect(await desk.pay(2, 'authorise', payment)).toEqual(same(authorised));
    expect(await desk.operate(2, 'capture', { id: 1n, paymentId: 100n, amount: 10n })).toEqual(same(captured));
    expect(await desk.operate(2, 'capture', { id: 2n, paymentId: 100n, amount: 991n })).toEqual(same(refused));
    expect(await desk.operate(2, 'void', { id: 3n, paymentId: 100n })).toEqual(same(voided));
    expect(await desk.operate(2, 'refund', { id: 4n, paymentId: 100n, amount: 3n })).toEqual(same(refunded));
  });

  it('is seen by its maker, by the owners of its accounts and by the operator', async () => {
    await desk.pay(2, 'sale', payment);
    for (const institution of [1, 2, 3]) expect((await desk.lookupPayments(institution, 100n))[0]?.name).toBe('ok');
    expect((await desk.lookupPayments(4, 100n, 101n)).map(({ name }) => name)).toEqual([
      'paymentForbidden',
      'paymentNotFound',
    ]);
  });

  it('large amounts stay exact', async () => {
    const half = MAX / 2n;
    const free = { ledger: 156, code: 1 };
    await desk.accounts(2, { id: 50n, ...free }, { id: 51n, ...free, tariff: 1 });
    await desk.putTariff(2, { ...tariff, basisPoints: 9999, fixed: 0 });
    const { payment: state } = await desk.pay(2, 'sale', {
      ...payment,
      payerAccountId: 50n,
      payeeAccountId: 51n,
      amount: half,
    });
    expect(state?.feeCharged).toBe((half * 9999n + 5000n) / 10_000n);
    const odd = MAX / 3n;
    const part = await desk.operate(2, 'refund', { id: 1n, paymentId: 100n, amount: odd });
    expect(part.payment?.feeRefunded).toBe(((state?.feeCharged ?? 0n) * odd) / half);
  });
});
