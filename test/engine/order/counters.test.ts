// Counters: a code that hangs there and is paid by many, of low trust; that of a person only where it hangs.
import { describe, expect, it } from 'vitest';
import type { RegistryResult } from '../../../protocol/codecs/registry-codec.ts';
import { formatId, partyAccountId } from '../../../protocol/ids.ts';
import type { RegistryBodies } from '../../../protocol/registry-bodies.ts';
import type { ResultName } from '../../../protocol/results.ts';
import type { Bank } from '../../support/bank.ts';
import { expectRecovered } from '../../support/recovered.ts';
import { id, LEDGER, opened, PAYER, PAYERS, SHOP, WALLET } from './support.ts';

describe('a counter', () => {
  const HERE = { latitude: 31_230_000, longitude: 121_470_000 };
  const COUNTERS = [
    { counter: 'till-1', name: 'Entrance', state: 'open' },
    { counter: 'till-2', name: '', state: 'closed' },
    { counter: 'table-3', name: '', state: 'open', place: HERE, tip: { kind: 'percent', value: 1000 } },
  ] as const;
  const body = (handle: string) => ({ handle, city: 'SHANGHAI', country: 'CN', counters: [...COUNTERS] });

  async function withCounters(): Promise<Bank> {
    const bank = await opened();
    for (const handle of ['cafe', 'dan']) {
      expect((await bank.registry(WALLET, 'putCounters', body(handle))).name).toBe('ok');
    }
    return bank;
  }

  function payAt(bank: Bank, over: Partial<RegistryBodies['payCounter']> = {}): Promise<RegistryResult> {
    const where = { handle: 'cafe', counter: 'till-1', isRemote: false };
    const payment = { paymentId: id(), payerAccountId: formatId(PAYER), ledger: LEDGER, amount: 300, tip: 0 };
    return bank.registry(WALLET, 'payCounter', { ...where, ...payment, ...over });
  }

  it('is paid by many, as they like', async () => {
    const bank = await withCounters();
    expect(await payAt(bank)).toMatchObject({ name: 'ok', payment: { state: 'captured' } });
    expect((await payAt(bank, { payerAccountId: formatId(PAYERS[1]!), amount: 400 })).name).toBe('ok');
    expect((await payAt(bank, { counter: 'table-3', tip: 30 })).name).toBe('ok');
    expect((await bank.balances(partyAccountId(WALLET, 'cafe', LEDGER)))[3]).toBe(1030);
    expectRecovered(bank.partitions);
  });

  it.each<[ResultName, Partial<RegistryBodies['payCounter']>]>([
    ['countersNotFound', { handle: 'nobody' }],
    ['counterNotFound', { counter: 'till-9' }],
    ['counterClosed', { counter: 'till-2' }],
    ['tipDiffers', { counter: 'table-3', tip: 29 }],
    ['tipDiffers', { tip: 1 }],
    ['personalCodeNotRemote', { handle: 'dan', isRemote: true }],
    [
      'counterTooFarAway',
      { handle: 'dan', counter: 'table-3', tip: 30, risk: { place: { ...HERE, latitude: HERE.latitude + 20_000 } } },
    ],
    [
      'amountOutOfRange',
      { handle: 'cafe', amount: Number.MAX_SAFE_INTEGER, counter: 'table-3', tip: 900_719_925_474_099 },
    ],
    ['ok', { handle: 'dan' }],
    ['ok', { handle: 'dan', counter: 'table-3', tip: 30, risk: { place: HERE } }],
    ['ok', { handle: 'cafe', isRemote: true }],
  ])('answers %s', async (name, over) => {
    const bank = await withCounters();
    expect((await payAt(bank, over)).name).toBe(name);
  });

  it('is of tier D, whatever the payer has shown', async () => {
    const bank = await withCounters();
    const limit = { id: 'barcode', kind: 'limit', per: 'day', codeTiers: { D: { CNY: '5.00' } }, outcome: 'decline' };
    await bank.activateRules(1, { version: 'trial', rules: [{ ...limit, reason: { en: 'Because.', zh: '因为。' } }] });
    const paymentId = id();
    expect((await payAt(bank, { paymentId, risk: { codeTier: 1, device: id() } })).name).toBe('ok');
    expect((await payAt(bank, { amount: 201 })).name).toBe('declinedByRisk');
    const { explanation } = await bank.explainPayment(1, BigInt(`0x${paymentId}`));
    expect(explanation?.context).toMatchObject({ codeTier: 4, channel: 'qr', mcc: 5814 });
  });

  it('belongs to a party, once each, and can be changed', async () => {
    const bank = await withCounters();
    expect((await bank.registry(WALLET, 'putCounters', body('nobody'))).name).toBe('partyNotFound');
    const twice = { ...body('cafe'), counters: [COUNTERS[0], COUNTERS[0]] };
    expect((await bank.registry(WALLET, 'putCounters', twice)).name).toBe('malformedBody');
    const before = await bank.registry(WALLET, 'getCounters', { handle: 'cafe' });
    bank.now += 1;
    expect(await bank.registry(WALLET, 'putCounters', body('cafe'))).toEqual(before);
    const fewer = { ...body('cafe'), counters: [COUNTERS[2]] };
    expect((await bank.registry(WALLET, 'putCounters', fewer)).counters?.counters).toEqual([COUNTERS[2]]);
    expect((await payAt(bank)).name).toBe('counterNotFound');
    expect((await bank.registry(SHOP, 'getCounters', { handle: 'cafe' })).name).toBe('countersNotFound');
  });
});
