/** The revert of a payment: a void of what is held, a refund of what is left, or both, in one version. */
import { beforeEach, describe, expect, it } from 'vitest';
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { Bank } from '../../support/bank.ts';
import { type Desk, operationRequest, paymentRequest, reply, SECOND } from '../../support/desk.ts';
import { memoryPartition, replayed } from '../../support/memory-partition.ts';
import { BANK, OFFER, PAYEE, PAYER, payment, Shop, UNTOUCHED, withOffer } from '../../support/shop.ts';

let shop: Shop;
let desk: Desk;

beforeEach(async () => {
  shop = await Shop.open();
  ({ desk } = shop);
});

function revert(id = 900n, institution = 2): Promise<PaymentResult> {
  return desk.operate(institution, 'revert', { id, paymentId: 100n });
}

describe('the revert of a payment', () => {
  it('voids what is only held', async () => {
    await desk.pay(2, 'authorise', withOffer);
    const result = await revert();
    expect(result).toMatchObject({ name: 'ok', payment: { state: 'voided', operation: 'revert', released: 1000n } });
    expect(await shop.all()).toEqual(UNTOUCHED);
    expect(shop.memory.state.ledger.holds.count).toBe(0);
  });

  it('gives back all of a sale, with its fee and its discount', async () => {
    await desk.pay(2, 'sale', withOffer);
    expect(await revert()).toMatchObject({ name: 'ok', payment: { state: 'captured', refunded: 1000n, version: 2 } });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('gives back what is left after a refund', async () => {
    await desk.pay(2, 'sale', withOffer);
    await desk.operate(2, 'refund', { id: 800n, paymentId: 100n, amount: 333n });
    expect(await revert()).toMatchObject({ name: 'ok', payment: { refunded: 1000n, version: 3 } });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('does both at once for what was captured in part, in one version', async () => {
    await desk.pay(2, 'authorise', withOffer);
    await desk.operate(2, 'capture', { id: 800n, paymentId: 100n, amount: 401n });
    await desk.operate(2, 'refund', { id: 801n, paymentId: 100n, amount: 7n });
    const result = await revert();
    expect(result.payment).toMatchObject({ state: 'captured', captured: 401n, refunded: 401n, released: 599n });
    expect(result.payment).toMatchObject({ operation: 'revert', version: 4, expiresAt: 0n });
    expect(await shop.all()).toEqual(UNTOUCHED);
    expect(await revert()).toMatchObject({ ...result, replayed: true });
    // The timers of the holds find nothing.
    await desk.pass(700_000);
    expect(await shop.all()).toEqual(UNTOUCHED);
    const again = replayed(shop.memory);
    expect(again.ledger.accounts.debitsPosted).toEqual(shop.memory.state.ledger.accounts.debitsPosted);
    const [found] = await desk.lookupPayments(2, 100n);
    expect(found?.view?.lastOperation).toMatchObject({ id: 900n, paymentId: 100n });
  });

  it('does nothing when the merchant cannot pay it back', async () => {
    await desk.pay(2, 'authorise', withOffer);
    await desk.operate(2, 'capture', { id: 800n, paymentId: 100n, amount: 400n });
    const before = await shop.all();
    const spend = { id: 50n, debitAccountId: PAYEE, creditAccountId: BANK, amount: 300n, ledger: 156, code: 1 };
    await desk.transfers(3, spend);
    expect(await revert()).toMatchObject({ name: 'insufficientFundsToRefund', payment: { state: 'authorised' } });
    expect((await shop.all()).payer).toEqual(before.payer);
    expect(await shop.standing(OFFER)).toEqual(before.offer);
    await desk.transfers(1, { ...spend, id: 51n, debitAccountId: BANK, creditAccountId: PAYEE });
    expect(await revert(901n)).toMatchObject({ name: 'ok' });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('is done once', async () => {
    await desk.pay(2, 'sale', payment);
    expect(await revert()).toMatchObject({ name: 'ok' });
    expect(await revert(901n)).toMatchObject({ name: 'exceedsCapturedAmount' });
    expect(await desk.operate(2, 'refund', { id: 900n, paymentId: 100n })).toMatchObject({
      name: 'existsWithDifferentOperation',
    });
    desk = Object.assign(desk, { partition: memoryPartition({ holdsMax: 6 }, shop.memory.journal).partition });
    expect(await revert()).toMatchObject({ name: 'ok', replayed: true });
    expect(await revert(902n)).toMatchObject({ name: 'exceedsCapturedAmount' });
  });

  it('is refused when there is nothing to undo, and to others', async () => {
    expect(await revert(890n)).toMatchObject({ name: 'paymentNotFound', payment: undefined });
    await desk.pay(2, 'sale', { ...payment, amount: 20_000n });
    expect(await revert(891n)).toMatchObject({ name: 'paymentDeclined' });
    for (const [id, end] of [
      [200n, 'void'],
      [201n, 'expiry'],
    ] as const) {
      await desk.pay(2, 'authorise', { ...payment, id, expiresAfterS: 5 });
      if (end === 'void') await desk.operate(2, 'void', { id: 810n, paymentId: id });
      else desk.now += 6 * SECOND;
      const result = await desk.operate(2, 'revert', { id: 820n + id, paymentId: id });
      expect(result.name).toBe(end === 'void' ? 'paymentAlreadyVoided' : 'paymentExpired');
    }
    await desk.pay(2, 'sale', { ...payment, id: 300n });
    const forbidden = await desk.operate(3, 'revert', { id: 830n, paymentId: 300n });
    expect(forbidden).toMatchObject({ name: 'paymentForbidden', payment: undefined });
    const amount = await desk.one(operationRequest(2, 'revert', { id: 831n, paymentId: 300n, amount: 1n }));
    expect(reply.payment(amount, 'revert').name).toBe('amountMustBeZero');
    const flags = await desk.one(operationRequest(2, 'revert', { id: 832n, paymentId: 300n, flags: 1 }));
    expect(reply.payment(flags, 'revert').name).toBe('flagsReserved');
    expect(await shop.standing(PAYER)).toEqual([9000, 0]);
  });
});

describe('the revert of a payment between partitions', () => {
  it('refunds or voids, but not both at once', async () => {
    const bank = new Bank(2);
    const ids = [1n, 2n, 3n, 4n, 5n, 6n];
    await bank.accounts(1, ...ids.map((id) => ({ id, ledger: 156, code: 1 })));
    const [payer = 0n, payee = 0n] = [0, 1].map((home) => ids.find((id) => bank.homeOf(id) === home));
    const between = { payerAccountId: payer, payeeAccountId: payee, amount: 100n, ledger: 156 };
    const pay = async (kind: 'sale' | 'authorise', id: bigint): Promise<PaymentResult> =>
      reply.payment(await bank.ask(paymentRequest(1, kind, { ...between, id })), kind);
    const operate = async (kind: 'capture' | 'revert', id: bigint, paymentId: bigint, amount = 0n) =>
      reply.payment(await bank.ask(operationRequest(1, kind, { id, paymentId, amount })), kind);
    for (const [kind, id] of [
      ['sale', 100n],
      ['authorise', 101n],
      ['authorise', 102n],
    ] as const) {
      expect(await pay(kind, id)).toMatchObject({ name: 'ok' });
    }
    expect(await operate('capture', 200n, 102n, 40n)).toMatchObject({ name: 'ok' });
    expect(await operate('revert', 201n, 100n)).toMatchObject({ name: 'ok', payment: { refunded: 100n } });
    expect(await operate('revert', 202n, 101n)).toMatchObject({ name: 'ok', payment: { state: 'voided' } });
    expect(await operate('revert', 203n, 102n)).toMatchObject({ name: 'crossesPartitions' });
    expect(await operate('revert', 204n, 100n)).toMatchObject({ name: 'exceedsCapturedAmount' });
    await bank.rest();
    expect(await bank.balances(payer)).toEqual([60, 140, 0, 100]);
    expect(await bank.balances(payee)).toEqual([0, 100, 60, 140]);
    const { entries } = await bank.history(1, payee);
    expect(entries.every(({ transfer }) => [payer, payee].includes(transfer.debitAccountId))).toBe(true);
    const seen = await bank.history(1, payer);
    expect(seen.entries.every(({ transfer }) => [payer, payee].includes(transfer.creditAccountId))).toBe(true);
  });
});
