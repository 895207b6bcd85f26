/** The cancellation of a payment: undone when it is there, and declined when it comes later, for ever. */
import { beforeEach, describe, expect, it } from 'vitest';
import { cancellationRequest } from '../../../engine/simulate/model/requests.ts';
import type { CancellationInput, PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { PaymentOperationFlags } from '../../../protocol/records.ts';
import { dryRun } from '../../support/dry-run.ts';
import { Desk, operationRequest, paymentRequest, reply, SECOND } from '../../support/desk.ts';
import { memoryPartition } from '../../support/memory-partition.ts';
import { expectRecovered } from '../../support/recovered.ts';
import { BANK, PAYEE, PAYER, payment, Shop, UNTOUCHED, withOffer } from '../../support/shop.ts';

const RESERVED = 0xffff_ffffn << 96n;

let shop: Shop;
let desk: Desk;

beforeEach(async () => {
  shop = await Shop.open();
  ({ desk } = shop);
});

async function cancel(changes: Partial<CancellationInput> = {}, institution = 2, at = desk): Promise<PaymentResult> {
  const cancellation = { id: 900n, paymentId: 100n, payerAccountId: PAYER, ...changes };
  return reply.payment(await at.one(cancellationRequest(institution, cancellation)), 'cancelPayment');
}

const DECLINED = { state: 'declined', operation: 'cancel', name: 'cancelledBefore', version: 1, captured: 0n } as const;

describe('the cancellation of a payment that has not come', () => {
  it('declines it when it comes, whatever it says, for ever', async () => {
    const cancelled = await cancel();
    expect(cancelled).toMatchObject({ name: 'ok', replayed: false, payment: DECLINED });
    const sale = await desk.pay(2, 'sale', withOffer);
    expect(sale).toMatchObject({ name: 'cancelledBefore', replayed: true, payment: cancelled.payment });
    const other = { ...payment, amount: 7n, payeeAccountId: 99n, reference: 'other' };
    expect(await desk.pay(2, 'authorise', other)).toMatchObject({ name: 'cancelledBefore', payment: DECLINED });
    expect(await shop.all()).toEqual(UNTOUCHED);
    const again = new Desk(memoryPartition({ holdsMax: 6 }, shop.memory.journal).partition);
    again.now = desk.now + SECOND;
    expect(await again.pay(2, 'sale', withOffer)).toEqual(sale);
    expect(await cancel({}, 2, again)).toEqual({ ...cancelled, replayed: true });
    expectRecovered([shop.memory]);
  });

  it('is kept even when the payment follows in the same batch', async () => {
    const [, sale] = await desk.batch([
      cancellationRequest(2, { id: 900n, paymentId: 100n, payerAccountId: PAYER }),
      paymentRequest(2, 'sale', payment),
    ]);
    expect(reply.payment(sale as Uint8Array, 'sale')).toMatchObject({ name: 'cancelledBefore', payment: DECLINED });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('is found by its id, and by nobody else; nothing can follow it', async () => {
    await cancel();
    const [found] = await desk.lookupPayments(2, 100n);
    expect(found?.view).toMatchObject({
      payment: { id: 100n, payerAccountId: PAYER, payeeAccountId: 0n, amount: 0n },
      status: DECLINED,
      lastOperation: { id: 900n, paymentId: 100n },
    });
    expect((await desk.lookupPayments(3, 100n))[0]?.name).toBe('paymentForbidden');
    expect((await desk.queryPayments(2, {})).payments).toEqual([]);
    expect(await desk.pay(3, 'sale', payment)).toMatchObject({ name: 'existsWithDifferentOwner', payment: undefined });
    for (const [id, name] of ['capture', 'void', 'refund', 'revert', 'release'].entries()) {
      const operation = { id: 910n + BigInt(id), paymentId: 100n };
      const result = await desk.operate(2, name as 'capture', operation);
      expect(result.name, name).toBe(name === 'release' ? 'paymentNotHeld' : 'paymentDeclined');
    }
    expect((await cancel({ id: 901n })).name).toBe('paymentDeclined');
    expect((await desk.pay(2, 'sale', payment)).name).toBe('cancelledBefore');
    expectRecovered([shop.memory]);
  });

  it('leaves nothing when it is only rehearsed', async () => {
    const request = cancellationRequest(2, { id: 900n, paymentId: 100n, payerAccountId: PAYER });
    const rehearsed = reply.payment(await desk.one(dryRun(request)), 'cancelPayment');
    expect(rehearsed).toMatchObject({ name: 'ok', dryRun: true, payment: DECLINED });
    expect(await desk.pay(2, 'sale', payment)).toMatchObject({ name: 'ok' });
  });
});

describe('the cancellation of a payment that is there', () => {
  it('gives back all of a sale, and releases what is held', async () => {
    await desk.pay(2, 'sale', withOffer);
    await desk.pay(2, 'authorise', { ...withOffer, id: 101n });
    expect(await cancel()).toMatchObject({ name: 'ok', payment: { operation: 'cancel', refunded: 1000n, version: 2 } });
    const voided = await cancel({ id: 901n, paymentId: 101n });
    expect(voided).toMatchObject({ name: 'ok', payment: { state: 'voided', operation: 'cancel', released: 1000n } });
    expect(await shop.all()).toEqual(UNTOUCHED);
    expect((await cancel({ id: 902n })).name).toBe('exceedsCapturedAmount');
    expect((await cancel({ id: 903n, paymentId: 101n })).name).toBe('paymentAlreadyVoided');
    expectRecovered([shop.memory]);
  });

  it('refunds a part of what was captured', async () => {
    await desk.pay(2, 'sale', payment);
    expect(await cancel({ amount: 300n })).toMatchObject({ name: 'ok', payment: { captured: 1000n, refunded: 300n } });
    expect((await cancel({ id: 901n, amount: 701n })).name).toBe('exceedsCapturedAmount');
    expect(await cancel({ id: 902n, amount: 700n })).toMatchObject({ name: 'ok', payment: { refunded: 1000n } });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('captures what is left when less is cancelled than is held', async () => {
    await desk.pay(2, 'authorise', payment);
    const result = await cancel({ amount: 400n });
    expect(result).toMatchObject({ name: 'ok', payment: { state: 'captured', captured: 600n, released: 400n } });
    expect(await shop.standing(PAYER)).toEqual([9400, 0]);
    expect(shop.memory.state.ledger.holds.count).toBe(0);
    const [found] = await desk.lookupPayments(2, 100n);
    expect(found?.view?.lastOperation).toMatchObject({ id: 900n, flags: PaymentOperationFlags.tookRest });
    expect(await cancel({ amount: 400n })).toEqual({ ...result, replayed: true });
    expect((await desk.operate(2, 'capture', { id: 800n, paymentId: 100n })).name).toBe('paymentAlreadyCaptured');
    expectRecovered([shop.memory]);
  });

  it('releases first, then refunds: each amount as far as it goes', async () => {
    const captured = { captured: 400n, released: 600n };
    for (const [n, [amount, expected]] of (
      [
        [599n, { captured: 401n, released: 599n, refunded: 0n }],
        [600n, { ...captured, refunded: 0n }],
        [601n, { ...captured, refunded: 1n }],
        [1000n, { ...captured, refunded: 400n }],
        [0n, { ...captured, refunded: 400n }],
      ] as const
    ).entries()) {
      const id = 110n + BigInt(n);
      await desk.pay(2, 'authorise', { ...payment, id });
      await desk.operate(2, 'capture', { id: 800n + id, paymentId: id, amount: 400n });
      expect((await cancel({ id: 700n + id, paymentId: id, amount: 1001n })).name).toBe('exceedsCapturedAmount');
      const result = await cancel({ id: 900n + id, paymentId: id, amount });
      expect(result, String(amount)).toMatchObject({ name: 'ok', payment: { state: 'captured', ...expected } });
    }
    expect(shop.memory.state.ledger.holds.count).toBe(0);
    expectRecovered([shop.memory]);
  });

  it('that is open does nothing when the payee cannot pay it back', async () => {
    await desk.pay(2, 'authorise', payment);
    await desk.operate(2, 'capture', { id: 800n, paymentId: 100n, amount: 400n });
    const spend = { debitAccountId: PAYEE, creditAccountId: BANK, amount: 300n, ledger: 156, code: 1 };
    await desk.transfers(3, { ...spend, id: 50n });
    const before = await shop.all();
    expect(await cancel()).toMatchObject({ name: 'insufficientFundsToRefund', payment: { state: 'authorised' } });
    expect(await shop.all()).toEqual(before);
    expectRecovered([shop.memory]);
  });

  it('meets a capture of the same batch in the order in which they come', async () => {
    const capture = operationRequest(2, 'capture', { id: 800n, paymentId: 100n });
    const cancellation = cancellationRequest(2, { id: 900n, paymentId: 100n, payerAccountId: PAYER });
    await desk.pay(2, 'authorise', payment);
    const [first, second] = await desk.batch([capture, cancellation]);
    expect(reply.payment(first as Uint8Array, 'capture').name).toBe('ok');
    expect(reply.payment(second as Uint8Array, 'cancelPayment')).toMatchObject({ payment: { refunded: 1000n } });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });
});

describe('a cancellation', () => {
  it('that comes again gets its first answer, and with other content what differs', async () => {
    await desk.pay(2, 'sale', payment);
    const first = await cancel({ amount: 10n });
    desk.now += SECOND;
    expect(await cancel({ amount: 10n })).toEqual({ ...first, replayed: true });
    expect((await cancel({ amount: 11n })).name).toBe('existsWithDifferentAmount');
    expect((await cancel({ amount: 10n, payerAccountId: PAYEE })).name).toBe('existsWithDifferentPayer');
    expect((await cancel({ amount: 10n, paymentId: 101n })).name).toBe('existsWithDifferentPayment');
    expect((await cancel({ amount: 10n }, 3)).name).toBe('existsWithDifferentOwner');
    const refund = await desk.operate(2, 'refund', { id: 900n, paymentId: 100n, amount: 10n });
    expect(refund.name).toBe('existsWithDifferentOperation');
    const taken = await cancel({ id: 901n, paymentId: 102n });
    expect(taken).toMatchObject({ name: 'ok', payment: DECLINED });
    expect((await cancel({ id: 901n, paymentId: 102n, payerAccountId: PAYEE })).name).toBe('existsWithDifferentPayer');
  });

  it('is for the one who made the payment, or the operator, and names its payer', async () => {
    await desk.pay(2, 'sale', payment);
    const forbidden = await cancel({}, 3);
    expect(forbidden).toMatchObject({ name: 'paymentForbidden', payment: undefined });
    expect(await cancel({}, 3)).toEqual({ ...forbidden, replayed: true });
    const wrong = await cancel({ id: 901n, payerAccountId: PAYEE });
    expect(wrong).toMatchObject({ name: 'existsWithDifferentPayer', payment: { state: 'captured', refunded: 0n } });
    expect(await cancel({ id: 901n, payerAccountId: PAYEE })).toEqual({ ...wrong, replayed: true });
    expect(await cancel({ id: 902n }, 1)).toMatchObject({ name: 'ok' });
    expect(await shop.all()).toEqual(UNTOUCHED);
  });

  it('is refused for what it is alone: nothing is kept of it', async () => {
    for (const [changes, name] of [
      [{ id: 0n }, 'idMustNotBeZero'],
      [{ id: RESERVED }, 'idReserved'],
      [{ paymentId: 0n }, 'idMustNotBeZero'],
      [{ paymentId: RESERVED }, 'idReserved'],
      [{ payerAccountId: 0n }, 'debitAccountIdMustNotBeZero'],
      [{ payerAccountId: RESERVED }, 'idReserved'],
      [{ amount: 2n ** 53n }, 'amountOutOfRange'],
    ] as const) {
      expect((await cancel(changes)).name, name).toBe(name);
    }
    const raw = cancellationRequest(2, { id: 900n, paymentId: 100n, payerAccountId: PAYER });
    for (const [byte, name] of [
      [40, 'flagsReserved'],
      [42, 'reservedField'],
      [44, 'reservedField'],
      [48, 'timestampMustBeZero'],
      [56, 'reservedField'],
    ] as const) {
      const body = raw.body.slice();
      body[byte] = PaymentOperationFlags.tookRest;
      expect(reply.payment(await desk.one({ ...raw, body }), 'cancelPayment').name, String(byte)).toBe(name);
    }
    expect((await desk.pay(2, 'sale', payment)).name).toBe('ok');
  });
});
