/** Payments and chains whose accounts live in several partitions: decided as in one, all or none, whatever happens in between. */
import { describe, expect, it } from 'vitest';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import {
  type Act,
  ALL,
  CNY,
  expectSettled,
  furnished,
  OFFERS,
  outcome,
  PAYEES,
  PAYERS,
  perform,
  START_FUNDS,
  TREASURY,
  Traffic,
} from '../../support/joint-traffic.ts';

const SEED = Number(process.env.SEED ?? 20_261_123);

function idOf({ payment, operation, chain }: Act): bigint | undefined {
  return payment?.id ?? operation?.id ?? chain?.[0]?.id;
}

const REFUSED_FIRST = [
  'exceedsCredits',
  'creditAccountNotFound',
  'accountsMustHaveTheSameLedger',
  // What its debit side refused is not known where its credit account lives.
  'originalTransferNotFound',
  'originalTransferNotPosted',
];

/** When several things are wrong with a chain, several partitions name what the debit side says: it is asked first. */
function isJudgedFirst(one: unknown, several: unknown): boolean {
  const refusal = (result: unknown): string | undefined =>
    Array.isArray(result) ? REFUSED_FIRST.find((name) => result.flat().includes(name)) : undefined;
  const place = (result: unknown): number =>
    Array.isArray(result) ? result.findIndex(([name]) => REFUSED_FIRST.includes(name)) : 0;
  const [a, b] = [refusal(one), refusal(several)];
  return a !== undefined && b !== undefined && (a !== b || place(one) !== place(several));
}

/** What clients can see of the accounts, without the ids that the engine gives. */
async function visible(bank: Bank): Promise<unknown> {
  const seen: unknown[] = [];
  for (const id of ALL) {
    const { entries } = await bank.history(1, id);
    const moves = entries.map(
      ({ transfer: { amount, debitAccountId, creditAccountId, flags, userData128, userData32 } }) =>
        [flags, amount, debitAccountId, creditAccountId, userData128, userData32].join(' '),
    );
    seen.push([id, await bank.balances(id), moves.sort()]);
  }
  return seen;
}

describe('payments and chains between partitions', () => {
  it('are decided as in one partition: results, standings, balances, histories', async () => {
    const banks = await Promise.all([1, 2, 3, 4].map((count) => furnished(count)));
    const traffics = banks.map(() => new Traffic(SEED));
    const told = new Map<string, number>();
    const judgedFirst = new Set<bigint | undefined>();
    for (let step = 0; step < 700; step++) {
      const [one, ...others] = await Promise.all(
        banks.map(async (bank, which) => {
          const act = (traffics[which] as Traffic).next();
          const result = await perform(bank, act);
          if (step % 10 === 9) await bank.pass(1);
          return { act, result, name: String((result as { name?: string }).name) };
        }),
      );
      const name = one?.name ?? '';
      told.set(name, (told.get(name) ?? 0) + 1);
      for (const [n, other] of others.entries()) {
        if (isJudgedFirst(one?.result, other.result)) judgedFirst.add(idOf(other.act));
        if (judgedFirst.has(idOf(other.act))) continue;
        expect(other, `seed ${SEED}, step ${step}, ${n + 2} partitions`).toEqual(one);
      }
    }
    await Promise.all(banks.map((bank) => bank.pass(10)));
    const [one, ...others] = await Promise.all(banks.map((bank) => visible(bank)));
    for (const other of others) expect(other).toEqual(one);
    for (const bank of banks) {
      expectWhole(bank);
      expect(between(bank).every((sum) => sum === 0)).toBe(true);
      expect(bank.partitions.every(({ state }) => state.ledger.clearing.prepared.size === 0)).toBe(true);
    }
    expect(judgedFirst.size).toBeLessThan(60);
    for (const expected of ['ok', 'payeeAccountNotFound', 'currencyMismatch'])
      expect(told.get(expected)).toBeGreaterThan(0);
  });

  it('survive a power cut after any batch: nothing answered is lost, nothing is moved twice', async () => {
    for (let fuel = 1; fuel < 90; fuel += 3) {
      const bank = await furnished(3);
      const traffic = new Traffic(SEED + fuel);
      const acts = Array.from({ length: 40 }, () => traffic.next());
      const answered = new Map<number, unknown>();
      bank.fuel = fuel;
      for (const [index, act] of acts.entries()) {
        void perform(bank, act).then((result) => answered.set(index, outcome(result)));
        if (index % 5 === 4) await new Promise((resolve) => setImmediate(resolve));
      }
      for (let turn = 0; turn < 80; turn++) await new Promise((resolve) => setImmediate(resolve));

      const again = new Bank(3, bank.partitions);
      again.now = bank.now;
      await again.rest();
      for (const [index, result] of answered) {
        const repeated = outcome(await perform(again, acts[index] as Act));
        expect(repeated, `seed ${SEED + fuel}, ${index}`).toEqual(result);
      }
      for (const act of acts) await perform(again, act);
      await again.pass(10);
      expectSettled(again);
    }
  });

  it('that are asked for all at once take their turns, and money is neither made nor lost', async () => {
    for (const partitions of [2, 3]) {
      const bank = await furnished(partitions);
      const traffic = new Traffic(SEED + partitions);
      for (let round = 0; round < 12; round++) {
        const acts = Array.from({ length: 50 }, () => traffic.next());
        const results = await Promise.all(acts.map((act) => perform(bank, act)));
        expect(results.length).toBe(50);
        // Whoever asks again hears the same.
        for (const [index, act] of acts.entries()) {
          expect(outcome(await perform(bank, act)), `round ${round}`).toEqual(outcome(results[index]));
        }
        await bank.pass(1);
      }
      await bank.pass(10);
      expectSettled(bank);
      let total = 0;
      for (const id of [TREASURY, ...ALL]) {
        const [, debits = 0, , credits = 0] = await bank.balances(id);
        total += credits - debits;
      }
      expect(total).toBe(0);
    }
  });

  it('wait their turn: the second capture finds what the first has left', async () => {
    const bank = await furnished(2);
    const payer = PAYERS.find((id) => bank.homeOf(id) === 0) as bigint;
    const payee = PAYEES.find((id, n) => bank.homeOf(id) === 1 && n < 5) as bigint;
    const payment = { id: 9n, payerAccountId: payer, payeeAccountId: payee, amount: 1000n, ledger: CNY };
    // Both are sent before the payment is answered.
    const all = await Promise.all([
      bank.pay(2, 'authorise', payment),
      bank.operate(2, 'capture', { id: 1n, paymentId: 9n, amount: 600n }),
      bank.operate(2, 'capture', { id: 2n, paymentId: 9n, amount: 600n }),
      bank.operate(2, 'void', { id: 3n, paymentId: 9n }),
      bank.operate(2, 'capture', { id: 4n, paymentId: 9n, amount: 1n }),
      bank.pay(2, 'authorise', payment),
    ]);
    expect(all.map(({ name, replayed }) => [name, replayed])).toEqual([
      ['ok', false],
      ['ok', false],
      ['exceedsAuthorisedAmount', false],
      ['ok', false],
      ['paymentAlreadyCaptured', false],
      ['ok', true],
    ]);
    await bank.rest();
    const [held, debits] = await bank.balances(payer);
    expect([held, debits]).toEqual([0, 600]);
    // Who is paid may see the payment, though it lives with the payer.
    const [found] = await bank.lookupPayments(3, 9n);
    expect(found?.name).toBe('ok');
    const [hidden] = await bank.lookupPayments(4, 9n);
    expect(hidden?.name).not.toBe('ok');
  });
});

describe('what partitions say to each other', () => {
  it('may come twice: everything happens once', async () => {
    const banks = [await furnished(1), await furnished(2, true), await furnished(3, true)];
    const traffics = banks.map(() => new Traffic(SEED + 5));
    for (let step = 0; step < 150; step++) {
      const [one, ...others] = await Promise.all(
        banks.map(async (bank, which) => outcome(await perform(bank, (traffics[which] as Traffic).next()))),
      );
      const isSure = !REFUSED_FIRST.some((name) => String(one).includes(name));
      for (const other of others) if (isSure) expect(other, `seed ${SEED + 5}, step ${step}`).toEqual(one);
    }
    for (const bank of banks) {
      await bank.pass(10);
      expectSettled(bank);
    }
  });

  it('is held for meanwhile: nobody spends it twice', async () => {
    for (let turns = 0; turns < 10; turns++) {
      const bank = await furnished(3);
      const payer = PAYERS[0] as bigint;
      const payee = PAYEES.find((id, n) => bank.homeOf(id) !== bank.homeOf(payer) && n < 5) as bigint;
      const sale = { id: 9n, payerAccountId: payer, payeeAccountId: payee, amount: START_FUNDS - 1n, ledger: CNY };
      const near = ALL.find((id) => id !== payer && bank.homeOf(id) === bank.homeOf(payer)) as bigint;
      const move = { id: 8n, debitAccountId: payer, creditAccountId: near, amount: 2n, ledger: CNY, code: 1 };
      const paid = bank.pay(2, 'sale', sale);
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      const moved = bank.transfers(2, move);
      const names = [(await paid).name, ...(await moved)].sort();
      expect([
        ['exceedsCredits', 'ok'],
        ['insufficientFunds', 'ok'],
      ]).toContainEqual(names);
    }
  });

  it('tells whose a campaign elsewhere is: others get no offer', async () => {
    for (const partitions of [1, 2, 3, 4]) {
      const bank = await furnished(partitions);
      await bank.accounts(3, { id: 5000n, ledger: CNY, code: 1 });
      const payment = { payerAccountId: 5000n, payeeAccountId: PAYEES[0] as bigint, amount: 500n, ledger: CNY };
      for (const [n, campaignId] of OFFERS.entries()) {
        expect((await bank.pay(3, 'sale', { ...payment, id: BigInt(900 + n), campaignId })).name).toBe(
          'campaignNotFound',
        );
      }
    }
  });
});
