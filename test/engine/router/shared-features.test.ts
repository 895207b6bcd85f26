// Risk features by keys that are not the payer's, over several partitions: the same answers as with one, each thing counted once,
// whatever is repeated or cut off; and exactly, where a rule wants it, also for payments that are decided at the same time.
import { describe, expect, it } from 'vitest';
import { newFacts } from '../../../engine/risk/facts.ts';
import { ClearingKinds } from '../../../engine/worker/clearing-commands.ts';
import { restoreSnapshot, takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { PartitionState } from '../../../engine/worker/state.ts';
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { Code } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { mapIndexes } from '../../support/memory-partition.ts';
import { expectRecovered } from '../../support/recovered.ts';
import { randomWords } from '../storage/support.ts';

const SEED = Number(process.env.SEED ?? 20_261_124);
const CNY = { ledger: 156, code: 1 };
const PAYERS = Array.from({ length: 12 }, (_, n) => BigInt(100 + n));
const PAYEES = Array.from({ length: 6 }, (_, n) => BigInt(200 + n));
const [SHOP = 0n] = PAYEES;
const WAYS = [
  [1, false],
  [2, false],
  [2, true],
  [3, false],
  [3, true],
] as const;

const reason = { en: 'Because.', zh: '因为。' };
const rule = (id: string, fields: object) => ({ id, outcome: 'decline', reason, ...fields });
const velocity = (id: string, fields: object) => rule(id, { kind: 'velocity', window: '1h', ...fields });
const set = (...rules: object[]) => ({ version: 'trial', rules });
const CONTEXT = { channel: 'wallet' } as const;

async function opened(partitions: number, rules: object, echoes = false): Promise<Bank> {
  const bank = new Bank(partitions, undefined, echoes);
  await bank.accounts(2, ...[...PAYERS, ...PAYEES].map((id) => ({ id, ...CNY })));
  expect(await bank.activateRules(1, rules as Record<string, unknown>)).toMatchObject({ code: 0 });
  await bank.rest();
  return bank;
}

let next = 1n;
const pay = (bank: Bank, payer: bigint, payee: bigint, over: object = {}): Promise<PaymentResult> =>
  bank.pay(2, 'sale', { id: next++, payerAccountId: payer, payeeAccountId: payee, amount: 10n, ...CNY, ...over });

/** Values of the features of a payment, by name. */
async function seen(bank: Bank, id: bigint): Promise<Record<string, number>> {
  const { explanation } = await bank.explainPayment(1, id);
  return Object.fromEntries((explanation?.features ?? []).map(({ name, value }) => [name, value]));
}

/** Entries that no other partition has confirmed. */
const waiting = (bank: Bank) => bank.partitions.reduce((sum, { state }) => sum + state.risk.shared.waiting, 0);

describe.each(WAYS)('over %i partitions (messages twice: %s)', (partitions, echoes) => {
  it('counts by payee what any payer pays', async () => {
    const bank = await opened(partitions, set(velocity('busy', { measure: 'count', by: 'payee', above: 5 })), echoes);
    const names: string[] = [];
    for (const payer of PAYERS.slice(0, 7)) {
      names.push((await pay(bank, payer, SHOP)).name);
      await bank.rest();
    }
    expect(names).toEqual([...Array<string>(5).fill('ok'), 'declinedByRisk', 'declinedByRisk']);
    expect(waiting(bank)).toBe(0);
    expectRecovered(bank.partitions);
  });

  it('measures sum, maximum, members and declines by any key', async () => {
    const features = {
      spentAt: { measure: 'sum', by: 'merchant', window: '1h' },
      mostFrom: { measure: 'max', by: 'ip', window: '1h' },
      payersOn: { measure: 'distinct', of: 'payer', by: 'device', window: '1h' },
      cardsAt: { measure: 'distinct', of: 'card', by: 'payee', window: '1h' },
      declinesOf: { measure: 'count', by: 'card', window: '1h', counts: 'declines' },
      failuresOn: { measure: 'count', by: 'device', window: '1h', counts: 'authenticationFailed' },
      together: { measure: 'count', by: ['device', 'ip'], window: '1h' },
    };
    const rules = [
      rule('never', {
        kind: 'cel',
        when: Object.keys(features)
          .map((name) => `${name} > 100000`)
          .join(' || '),
      }),
      rule('blocked', { kind: 'mcc', block: ['7995'] }),
    ];
    const bank = await opened(partitions, { version: 'trial', features, rules }, echoes);
    const context = { ...CONTEXT, device: 31n, ip: 32n, card: 33n, mcc: 5411 };
    const amounts = [10n, 40n, 25n, 7n, 13n];
    for (const [index, amount] of amounts.entries()) {
      const card = index % 2 === 0 ? 33n : 34n;
      await pay(bank, PAYERS[index % 4]!, SHOP, { amount, risk: { ...context, card } });
      await bank.rest();
    }
    await pay(bank, PAYERS[5]!, SHOP, { risk: { ...context, mcc: 7995 } });
    const failed = { accountId: PAYERS[6]!, device: 31n, kind: 'authenticationFailed' } as const;
    expect(await bank.signals(2, { id: 900n, ...failed }, { id: 901n, ...failed })).toEqual(['ok', 'ok']);
    await bank.rest();
    const { name } = await pay(bank, PAYERS[7]!, SHOP, { amount: 1n, risk: context });
    expect(name).toBe('ok');
    const values = Object.values(await seen(bank, next - 1n));
    expect(values).toEqual([96, 40, 5, 2, 1, 2, 6]);
    await bank.rest();
    expectRecovered(bank.partitions);
  });

  it('goes on after a restart, and after the power was cut at any batch', async () => {
    const rules = set(velocity('busy', { measure: 'count', by: 'payee', above: 1000 }));
    for (let fuel = 0; fuel < 24; fuel += partitions) {
      const before = await opened(partitions, rules, echoes);
      before.fuel = fuel;
      for (const payer of PAYERS) void pay(before, payer, SHOP);
      for (let turn = 0; turn < 60; turn++) await new Promise((resolve) => setImmediate(resolve));
      const bank = new Bank(partitions, before.partitions, echoes);
      await bank.rest();
      const decided = bank.partitions.flatMap(({ journal }) => [...journal.batches(0)]).length;
      expect(decided).toBeGreaterThan(0);
      const found = await bank.lookupPayments(1, ...PAYERS.map((_, index) => next - BigInt(index + 1)));
      const paid = found.filter(({ view }) => view !== undefined).length;
      expect((await pay(bank, PAYERS[0]!, SHOP)).name).toBe('ok');
      expect(Object.values(await seen(bank, next - 1n)), `fuel ${fuel}`).toEqual([paid + 1]);
      await bank.rest();
      expect(waiting(bank)).toBe(0);
      expectRecovered(bank.partitions);
    }
  });

  it('exactly: of payments that are decided at the same time no more stay within the limit', async () => {
    const rules = set(velocity('last', { measure: 'sum', by: 'payee', above: { CNY: '0.50' }, exact: true }));
    const bank = await opened(partitions, rules, echoes);
    const results = await Promise.all(PAYERS.map((payer) => pay(bank, payer, SHOP)));
    const names = results.map(({ name }) => name);
    expect(names.filter((name) => name === 'ok').length).toBeLessThanOrEqual(5);
    expect(names.filter((name) => name !== 'ok' && name !== 'declinedByRisk')).toEqual([]);
    await bank.rest();
    // Those that were declined are under way no more.
    const [, , , got = 0] = await bank.balances(SHOP);
    const room = 50 - got;
    for (let index = 0; index < room / 10; index++) {
      expect((await pay(bank, PAYERS[index]!, SHOP)).name).toBe('ok');
      await bank.rest();
    }
    expect((await pay(bank, PAYERS[0]!, SHOP)).name).toBe('declinedByRisk');
    expectRecovered(bank.partitions);
  });
});

describe('read exactly', () => {
  const TWO = new Bank(2);
  const [here = 0n, alsoHere = 0n] = PAYERS.filter((id) => TWO.homeOf(id) === 0);
  const shop = PAYEES.find((id) => TWO.homeOf(id) === 1) ?? 0n;
  const local = PAYERS.find((id) => TWO.homeOf(id) === 1) ?? 0n;

  it.each([
    ['count', { above: 1 }],
    ['max', { above: { CNY: '0.05' } }],
    ['distinct', { of: 'payer', above: 1 }],
  ])('%s: what another partition has asked for counts, until it is decided or too old', async (measure, fields) => {
    const bank = await opened(2, set(velocity('it', { measure, by: 'payee', exact: true, ...fields })));
    const reserved = () => bank.partitions[1]!.state.risk.features.reserved.size;
    const { now } = bank;
    // Asked for, and then the partition of the payer has no power.
    bank.partitions[0]!.partition.run = () => new Promise(() => undefined);
    void pay(bank, here, shop);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(reserved()).toBe(1);
    expect((await pay(bank, local, shop, { amount: 4n })).name).toBe('declinedByRisk');
    bank.now = now + 10_000_000 - 1;
    expect((await pay(bank, local, shop, { amount: 4n })).name).toBe('declinedByRisk');
    bank.now = now + 10_000_000;
    expect((await pay(bank, local, shop, { amount: 4n })).name).toBe('ok');
  });

  it('a payment that asks again stands for itself once', async () => {
    const bank = await opened(2, set(velocity('it', { measure: 'count', by: 'payee', exact: true, above: 1 })));
    const id = next++;
    const again = () => pay(bank, here, shop, { id });
    const answers = await Promise.all([again(), again()]);
    expect(answers.map(({ name }) => name)).toEqual(['ok', 'ok']);
    await bank.rest();
    expect((await pay(bank, alsoHere, shop)).name).toBe('declinedByRisk');
  });

  it('one that is decided counts once, and one that is declined no more', async () => {
    const rules = set(
      velocity('it', { measure: 'count', by: 'payee', exact: true, above: 2 }),
      rule('blocked', { kind: 'mcc', block: ['7995'] }),
    );
    const bank = await opened(2, rules);
    const blocked = await pay(bank, here, shop, { risk: { ...CONTEXT, mcc: 7995 } });
    expect(blocked.name).toBe('declinedByRisk');
    expect((await pay(bank, here, shop)).name).toBe('ok');
    await bank.rest();
    expect((await pay(bank, alsoHere, shop)).name).toBe('ok');
    await bank.rest();
    expect((await pay(bank, local, shop)).name).toBe('declinedByRisk');
  });

  it('only what has the same key counts, and each member once', async () => {
    const distinct = { measure: 'distinct', of: 'payer', by: 'payee', exact: true, above: 2 };
    const bank = await opened(2, set(velocity('it', distinct)));
    const [, otherShop = 0n] = PAYEES.filter((id) => bank.homeOf(id) === 1);
    bank.partitions[0]!.partition.run = () => new Promise(() => undefined);
    for (const payer of [here, here, here]) void pay(bank, payer, shop);
    for (const payer of [here, alsoHere]) void pay(bank, payer, otherShop);
    for (let turn = 0; turn < 20; turn++) await new Promise((resolve) => setImmediate(resolve));
    expect(bank.partitions[1]!.state.risk.features.reserved.size).toBe(5);
    expect((await pay(bank, local, shop)).name).toBe('ok');
    expect((await pay(bank, local, otherShop)).name).toBe('declinedByRisk');
  });

  it('a payment that was not taken may be sent again', async () => {
    const bank = await opened(2, set(velocity('it', { measure: 'count', by: 'payee', exact: true, above: 1 })));
    const lane = bank.lanes[0]!;
    const submit = lane.submit.bind(lane);
    lane.submit = () => Code.busy;
    const id = next++;
    await expect(pay(bank, here, shop, { id })).rejects.toThrow('kind 255');
    lane.submit = submit;
    expect((await pay(bank, here, shop, { id })).name).toBe('ok');
  });

  it('not more than can be reserved', async () => {
    const bank = await opened(2, set(velocity('it', { measure: 'count', by: 'payee', exact: true, above: 50_000 })));
    const { reserved } = bank.partitions[1]!.state.risk.features;
    const facts = Object.assign(newFacts(), { now: bank.now });
    for (let id = 1; id <= 10_000; id++) expect(reserved.add(Uint32Array.of(id, 0, 0, 9), 0, facts)).toBe(true);
    await expect(pay(bank, here, shop)).rejects.toThrow('kind 255');
    bank.now += 10_000_000;
    expect((await pay(bank, here, shop)).name).toBe('ok');
    await bank.rest();
    expect(reserved.size).toBe(0);
  });

  it('is for other keys than the payer, and for payments', async () => {
    const bank = new Bank(1);
    const mistakes = async (fields: object) => {
      const rules = set(velocity('it', { measure: 'count', above: 1, exact: true, ...fields }));
      return (await bank.activateRules(1, rules)).mistakes;
    };
    expect(await mistakes({ by: 'payer' })).toEqual([expect.stringContaining('exact: is for other keys')]);
    expect(await mistakes({ by: ['payee', 'payer'] })).toEqual([expect.stringContaining('exact: is for other keys')]);
    expect(await mistakes({ by: 'payee', counts: 'declines' })).toEqual([
      expect.stringContaining('counts of payments'),
    ]);
  });
});

describe('when another partition does not keep up', () => {
  it('nothing is decided that it would have to count', async () => {
    const rules = set(
      velocity('busy', { measure: 'count', by: 'payee', above: 1000 }),
      rule('asks', { kind: 'cel', when: 'amount == 99', outcome: 'step_up' }),
    );
    const bank = await opened(2, rules);
    const payer = PAYERS.find((id) => bank.homeOf(id) === 0) ?? 0n;
    const here = PAYEES.find((id) => bank.homeOf(id) === 0) ?? 0n;
    const far = PAYEES.find((id) => bank.homeOf(id) === 1) ?? 0n;
    const lane = bank.lanes[1]!;
    const submit = lane.submit.bind(lane);
    const held: (() => void)[] = [];
    lane.submit = (envelope, body, sink) => {
      if (envelope.kind !== ClearingKinds.receiveCounts) return submit(envelope, body, sink);
      const copy = body.slice();
      held.push(() => submit(envelope, copy, sink));
      return 0;
    };
    await pay(bank, payer, here, { amount: 99n });
    const challenged = next - 1n;
    expect((await pay(bank, payer, far)).name).toBe('ok');
    bank.now += 2_000_000;
    expect((await pay(bank, payer, here)).name).toBe('ok');
    bank.now += 1;
    expect((await pay(bank, payer, here)).name).toBe('busy');
    const signal = { accountId: payer, device: 0n, kind: 'bound' } as const;
    expect(await bank.signals(2, { id: 910n, ...signal })).toEqual(['busy']);
    expect((await bank.confirm(2, 911n, challenged)).name).toBe('busy');
    for (const go of held) go();
    await bank.rest();
    expect((await pay(bank, payer, here)).name).toBe('ok');
    expect(await bank.signals(2, { id: 910n, ...signal })).toEqual(['ok']);
    expect((await bank.confirm(2, 911n, challenged)).name).toBe('ok');
    await bank.rest();
    expectRecovered(bank.partitions);
  });
});

it('the keys of payers are kept where they live, and nowhere else', async () => {
  const bank = await opened(
    2,
    set(
      velocity('of-payer', { measure: 'count', by: 'payer', above: 1000 }),
      velocity('of-payee', { measure: 'count', by: 'payee', above: 1000 }),
    ),
  );
  for (const payer of PAYERS) for (const payee of PAYEES) await pay(bank, payer, payee);
  await bank.rest();
  for (const [partition, { state }] of bank.partitions.entries()) {
    const kept = [...PAYERS, ...PAYEES].filter((id) => bank.homeOf(id) === partition).length;
    expect(state.risk.features.rows).toBe(kept);
  }
});

it('what waits for another partition is in a checkpoint', async () => {
  const bank = await opened(2, set(velocity('busy', { measure: 'count', by: 'payee', above: 1000 })));
  const lane = bank.lanes[1]!;
  const submit = lane.submit.bind(lane);
  lane.submit = (...request) => (request[0].kind === ClearingKinds.receiveCounts ? 0 : submit(...request));
  for (const payer of PAYERS) await pay(bank, payer, PAYEES.find((id) => bank.homeOf(id) === 1) ?? 0n);
  await bank.rest();
  for (const { state, journal, options } of bank.partitions) {
    const again = new PartitionState(options, journal, mapIndexes());
    again.events.start(new ArrayBuffer(0), journal.nextLsn);
    restoreSnapshot(again, new Map(Object.entries(takeSnapshot(state))));
    const { shared } = state.risk;
    expect(again.risk.shared.waiting).toBe(shared.waiting);
    expect(again.risk.shared.save()).toEqual(shared.save());
    expect(again.risk.shared.take()?.length ?? 0).toBe(shared.waiting === 0 ? 0 : 32 + 128 * shared.waiting);
  }
  expect(waiting(bank)).toBeGreaterThan(0);
});

describe('random payments', () => {
  it(`are seen as with one partition (SEED=${SEED})`, async () => {
    const features = {
      byPayee: { measure: 'count', by: 'payee', window: '1h' },
      byDevice: { measure: 'sum', by: 'device', window: '1h' },
      payers: { measure: 'distinct', of: 'payer', by: 'ip', window: '1h' },
      own: { measure: 'count', by: 'payer', window: '1h' },
    };
    const when = 'byPayee % 4 == 3 || byDevice > 400';
    const rules = { version: 'trial', features, rules: [rule('some', { kind: 'cel', when })] };
    const run = async (partitions: number): Promise<unknown[]> => {
      const random = randomWords(SEED);
      const bank = await opened(partitions, rules);
      const told: unknown[] = [];
      for (let step = 0; step < 60; step++) {
        const pick = <T>(from: readonly T[]): T => from[random() % from.length] as T;
        const risk = { ...CONTEXT, device: BigInt(random() % 4), ip: BigInt(random() % 3), mcc: random() % 2 };
        const id = BigInt(5000 + step);
        bank.now += random() % 90_000_000;
        const { name } = await pay(bank, pick(PAYERS), pick(PAYEES), { id, amount: BigInt(1 + (random() % 50)), risk });
        told.push(name, Object.values(await seen(bank, id)));
        await bank.rest();
      }
      expect(waiting(bank)).toBe(0);
      return told;
    };
    const one = await run(1);
    expect(one).toContain('declinedByRisk');
    expect(await run(2)).toEqual(one);
    expect(await run(3)).toEqual(one);
  });
});

it('the longest reference goes along with the readings', async () => {
  const bank = await opened(2, set(velocity('busy', { measure: 'count', by: 'payee', above: 1000 })));
  const payer = PAYERS.find((id) => bank.homeOf(id) === 0) ?? 0n;
  const far = PAYEES.find((id) => bank.homeOf(id) === 1) ?? 0n;
  const reference = 'r'.repeat(LIMITS.referenceBytesMax);
  expect((await pay(bank, payer, far, { reference, risk: CONTEXT })).name).toBe('ok');
  const [found] = await bank.lookupPayments(1, next - 1n);
  expect(found?.view?.payment.reference).toBe(reference);
});
