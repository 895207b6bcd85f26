/** Cancellations in several partitions: the payment, and what comes before it, is where its payer lives. */
import { describe, expect, it } from 'vitest';
import { cancellationRequest } from '../../../engine/simulate/model/requests.ts';
import type { CancellationInput, PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { reply } from '../../support/desk.ts';
import { dryRun } from '../../support/dry-run.ts';
import { expectRecovered } from '../../support/recovered.ts';

const ACCOUNTS = Array.from({ length: 24 }, (_, n) => BigInt(1000 + n));

interface Town {
  readonly bank: Bank;
  /** In partition 0. */
  readonly payer: bigint;
  /** In partition 1. */
  readonly payee: bigint;
}

async function town(echoes = false): Promise<Town> {
  const bank = new Bank(2, undefined, echoes);
  const [payer = 0n, payee = 0n] = [0, 1].map((home) => ACCOUNTS.find((id) => bank.homeOf(id) === home));
  await bank.accounts(2, { id: payer, ledger: 156, code: 1 }, { id: payee, ledger: 156, code: 1 });
  return { bank, payer, payee };
}

async function cancel({ bank, payer }: Town, changes: Partial<CancellationInput> = {}): Promise<PaymentResult> {
  const cancellation = { id: 900n, paymentId: 100n, payerAccountId: payer, ...changes };
  return reply.payment(await bank.ask(cancellationRequest(2, cancellation)), 'cancelPayment');
}

function pay({ bank, payer, payee }: Town, kind: 'sale' | 'authorise', id = 100n): Promise<PaymentResult> {
  return bank.pay(2, kind, { id, payerAccountId: payer, payeeAccountId: payee, amount: 100n, ledger: 156 });
}

async function settled({ bank }: Town): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expectRecovered(bank.partitions);
}

describe('a cancellation in two partitions', () => {
  it('that comes first waits for the payment where it will come', async () => {
    const there = await town();
    expect(await cancel(there)).toMatchObject({ name: 'ok', payment: { state: 'declined', name: 'cancelledBefore' } });
    expect(await pay(there, 'sale')).toMatchObject({ name: 'cancelledBefore', payment: { operation: 'cancel' } });
    expect(await cancel(there)).toMatchObject({ name: 'ok', replayed: true });
    expect((await cancel(there, { payerAccountId: there.payee })).name).toBe('existsWithDifferentPayer');
    const [known] = there.bank.partitions;
    expect(there.bank.homeOf(there.payer)).toBe(0);
    expect(known?.state.payments.find(Uint32Array.of(100, 0, 0, 0), 0)).toBeGreaterThan(0);
    expect(await there.bank.balances(there.payer)).toEqual([0, 0, 0, 0]);
    await settled(there);
  });

  it.each([false, true])('undoes what several partitions made (messages twice: %s)', async (echoes) => {
    const there = await town(echoes);
    const { bank, payer, payee } = there;
    await pay(there, 'sale');
    await pay(there, 'authorise', 101n);
    await pay(there, 'authorise', 102n);
    await pay(there, 'sale', 103n);
    expect(await cancel(there)).toMatchObject({ name: 'ok', payment: { refunded: 100n } });
    const voided = await cancel(there, { id: 901n, paymentId: 101n });
    expect(voided).toMatchObject({ name: 'ok', payment: { state: 'voided', operation: 'cancel' } });
    const rest = await cancel(there, { id: 902n, paymentId: 102n, amount: 30n });
    expect(rest).toMatchObject({ name: 'ok', payment: { state: 'captured', captured: 70n, released: 30n } });
    expect(await cancel(there, { id: 902n, paymentId: 102n, amount: 30n })).toEqual({ ...rest, replayed: true });
    const part = await cancel(there, { id: 903n, paymentId: 103n, amount: 40n });
    expect(part).toMatchObject({ name: 'ok', payment: { refunded: 40n } });
    await settled(there);
    expect(await bank.balances(payer)).toEqual([0, 270, 0, 140]);
    expect(await bank.balances(payee)).toEqual([0, 140, 0, 270]);
    for (const account of [payer, payee]) {
      const { entries } = await bank.history(2, account);
      const parties = entries.flatMap(({ transfer }) => [transfer.debitAccountId, transfer.creditAccountId]);
      expect(new Set(parties)).toEqual(new Set([payer, payee]));
      const net = entries.reduce((sum, { transfer }) => {
        if (transfer.flags !== 0 && (transfer.flags & 4) === 0) return sum;
        return sum + (transfer.debitAccountId === payer ? transfer.amount : -transfer.amount);
      }, 0n);
      expect(net).toBe(130n);
    }
  });

  it('takes the fee on what it captures, gives it back, and names both sides of it', async () => {
    const there = await town();
    const { bank, payer } = there;
    const fees = ACCOUNTS.find((id) => id !== payer && bank.homeOf(id) === 0) ?? 0n;
    const payee = ACCOUNTS.find((id) => id !== there.payee && bank.homeOf(id) === 1) ?? 0n;
    await bank.accounts(2, { id: fees, ledger: 156, code: 1 }, { id: payee, ledger: 156, code: 1, tariff: 1 });
    const terms = { number: 1, basisPoints: 1000, fixed: 0, minimum: 0, maximum: 0, feeAccountId: formatId(fees) };
    expect(await bank.putTariff(2, terms)).toBe(0);
    await pay({ ...there, payee }, 'authorise');
    const rest = await cancel(there, { amount: 30n });
    expect(rest.payment).toMatchObject({ captured: 70n, released: 30n, feeCharged: 7n });
    const back = await cancel(there, { id: 901n, amount: 70n });
    expect(back.payment).toMatchObject({ refunded: 70n, feeRefunded: 7n });
    await settled(there);
    const { entries } = await bank.history(2, fees);
    expect(entries.map(({ transfer }) => [transfer.debitAccountId, transfer.creditAccountId, transfer.amount])).toEqual(
      [
        [fees, payee, 7n],
        [payee, fees, 7n],
      ],
    );
  });

  it('does not release and refund at once', async () => {
    const there = await town();
    await pay(there, 'authorise');
    await there.bank.operate(2, 'capture', { id: 800n, paymentId: 100n, amount: 40n });
    expect((await cancel(there)).name).toBe('crossesPartitions');
    expect((await cancel(there, { id: 901n, amount: 60n })).payment).toMatchObject({ captured: 40n, released: 60n });
    expect((await cancel(there, { id: 902n })).payment).toMatchObject({ refunded: 40n });
    await settled(there);
    expect(await there.bank.balances(there.payer)).toEqual([0, 40, 0, 40]);
  });

  it('waits for the payment that is under way, and for a capture', async () => {
    const there = await town();
    const [sale, cancelled] = await Promise.all([pay(there, 'sale'), cancel(there)]);
    expect(sale).toMatchObject({ name: 'ok', payment: { captured: 100n } });
    expect(cancelled).toMatchObject({ name: 'ok', payment: { operation: 'cancel', refunded: 100n } });
    await pay(there, 'authorise', 101n);
    const [captured, after] = await Promise.all([
      there.bank.operate(2, 'capture', { id: 801n, paymentId: 101n }),
      cancel(there, { id: 901n, paymentId: 101n }),
    ]);
    expect(captured).toMatchObject({ name: 'ok', payment: { captured: 100n } });
    expect(after).toMatchObject({ name: 'ok', payment: { refunded: 100n } });
    await settled(there);
    expect(await there.bank.balances(there.payer)).toEqual([0, 200, 0, 200]);
  });

  it('can be rehearsed: nothing is done', async () => {
    const there = await town();
    const rehearse = async (amount: bigint) => {
      const request = cancellationRequest(2, { id: 900n, paymentId: 100n, payerAccountId: there.payer, amount });
      return reply.payment(await there.bank.ask(dryRun(request)), 'cancelPayment');
    };
    expect(await rehearse(0n)).toMatchObject({ name: 'ok', dryRun: true, payment: { state: 'declined' } });
    await pay(there, 'authorise');
    expect(await rehearse(0n)).toMatchObject({ name: 'ok', dryRun: true, payment: { state: 'voided' } });
    expect(await rehearse(30n)).toMatchObject({ name: 'ok', dryRun: true, payment: { captured: 70n } });
    expect(await cancel(there, { amount: 30n })).toMatchObject({ name: 'ok', replayed: false });
    expect(await rehearse(31n)).toMatchObject({ name: 'existsWithDifferentAmount' });
    await settled(there);
    expect(await there.bank.balances(there.payer)).toEqual([0, 70, 0, 0]);
  });

  it('finds a payment whose payer it does not name rightly, when it is there', async () => {
    const there = await town();
    await pay(there, 'sale');
    const wrong = await cancel(there, { payerAccountId: there.payee });
    expect(wrong).toMatchObject({ name: 'existsWithDifferentPayer', payment: { state: 'captured' } });
  });

  it('survives a power cut after any batch: either the payment was undone, or it is declined', async () => {
    const seen = new Set<string>();
    for (let fuel = 0; fuel < 12; fuel++) {
      const there = await town();
      await there.bank.rest();
      there.bank.fuel = fuel;
      let told: PaymentResult | undefined;
      void pay(there, 'sale').catch(() => undefined);
      void cancel(there).then((result) => {
        told = result;
      });
      for (let turn = 0; turn < 40; turn++) await new Promise((resolve) => setImmediate(resolve));
      const bank = new Bank(2, there.bank.partitions);
      bank.now = there.bank.now;
      await bank.rest();
      const again = { ...there, bank };
      const result = await cancel(again);
      expect(result.name).toBe('ok');
      if (told !== undefined) expect(result).toEqual({ ...told, replayed: true });
      const sale = await pay(again, 'sale');
      seen.add(`${result.payment?.state} ${sale.name} ${told === undefined ? 'untold' : 'told'}`);
      await settled(again);
      const [pending, debits, , credits] = await bank.balances(there.payer);
      expect([pending, (debits ?? 0) - (credits ?? 0)]).toEqual([0, 0]);
    }
    expect([...seen].sort()).toEqual(['captured ok told', 'captured ok untold', 'declined cancelledBefore untold']);
  });
});
