/** Payments and chains whose accounts live in several partitions: decided as in one, all or none, whatever happens in between. */
import { describe, expect, it } from 'vitest';
import { formatId } from '../../../protocol/ids.ts';
import { AccountFlags, PaymentOperationFlags, TransferFlags } from '../../../protocol/records.ts';
import { resultName } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import type { CodelessPayment, RawTransfer } from '../../support/desk.ts';
import { randomWords } from '../storage/support.ts';

const { linked, pending } = TransferFlags;
const SEED = Number(process.env.SEED ?? 20_261_123);
const CNY = 156;
const TREASURY = 1n;
const LIMITED = AccountFlags.debitsMustNotExceedCredits;
const PAYERS = Array.from({ length: 6 }, (_, n) => BigInt(1000 + n));
const PAYEES = Array.from({ length: 6 }, (_, n) => BigInt(2000 + n));
const FEES = Array.from({ length: 3 }, (_, n) => BigInt(3000 + n));
const OFFERS = Array.from({ length: 3 }, (_, n) => BigInt(4000 + n));
const ALL = [...PAYERS, ...PAYEES, ...FEES, ...OFFERS];
const START_FUNDS = 20_000n;

async function furnished(partitions: number, echoes = false): Promise<Bank> {
  const bank = new Bank(partitions, undefined, echoes);
  const cny = { ledger: CNY, code: 1 };
  await bank.accounts(1, { id: TREASURY, ...cny });
  await bank.accounts(1, ...FEES.map((id) => ({ id, ...cny })));
  await bank.accounts(2, ...[...PAYERS, ...OFFERS].map((id) => ({ id, ...cny, flags: LIMITED })));
  for (const [n, id] of PAYEES.entries()) {
    // One in four has no tariff, one another currency's.
    await bank.accounts(3, { id, ledger: n === 5 ? 840 : CNY, code: 1, flags: LIMITED, tariff: n % 4 });
  }
  for (const [n, id] of FEES.entries()) {
    const terms = { basisPoints: 60, fixed: 1, minimum: 2, maximum: 0, feeAccountId: formatId(id) };
    expect(resultName(await bank.putTariff(3, { number: n + 1, ...terms }))).toBe('ok');
  }
  for (const [n, id] of OFFERS.entries()) {
    const terms = {
      basisPoints: n === 2 ? 10_000 : 1000,
      fixed: 0,
      maximum: 0,
      minimumAmount: 50,
      startsAt: 0,
      endsAt: 0,
    };
    expect(resultName(await bank.putCampaign(2, { accountId: formatId(id), ...terms }))).toBe('ok');
  }
  let id = 1n;
  for (const account of [...PAYERS, ...OFFERS]) {
    const move = { debitAccountId: TREASURY, creditAccountId: account, amount: START_FUNDS, ...cny };
    expect(await bank.transfers(1, { ...move, id: id++ })).toEqual(['ok']);
  }
  return bank;
}

interface Act {
  readonly what: 'sale' | 'authorise' | 'capture' | 'void' | 'refund' | 'chain';
  readonly payment?: CodelessPayment;
  readonly operation?: { id: bigint; paymentId: bigint; amount?: bigint; flags?: number };
  readonly chain?: readonly RawTransfer[];
}

/** What clients ask: payments and their operations, chains, repeats, conflicts. */
class Traffic {
  readonly #random: () => number;
  readonly #sent: Act[] = [];
  readonly #payments: bigint[] = [];
  #next = 10_000n;

  constructor(seed: number) {
    this.#random = randomWords(seed);
  }

  next(): Act {
    const dice = this.#below(100);
    const old = this.#sent[this.#below(this.#sent.length)];
    if (dice < 6 && old !== undefined) return old;
    if (dice < 9 && old?.payment !== undefined) {
      return { ...old, payment: { ...old.payment, amount: old.payment.amount + 1n } };
    }
    const act = dice < 45 ? this.#pay() : dice < 80 ? this.#operation() : this.#chain();
    this.#sent.push(act);
    return act;
  }

  #pay(): Act {
    const id = this.#next++;
    this.#payments.push(id);
    const isSale = this.#below(2) === 0;
    const hasOffer = this.#below(3) === 0;
    const expiry = !isSale && this.#below(3) === 0 ? { expiresAfterS: 3 } : {};
    const payment = {
      id,
      payerAccountId: this.#one(PAYERS),
      payeeAccountId: this.#below(25) === 0 ? 77n : this.#one(PAYEES),
      amount: BigInt(1 + this.#below(3000)),
      ledger: CNY,
      ...(hasOffer ? { campaignId: this.#one(OFFERS) } : {}),
      ...expiry,
    };
    return { what: isSale ? 'sale' : 'authorise', payment };
  }

  #operation(): Act {
    const what = (['capture', 'capture', 'void', 'refund', 'refund'] as const)[this.#below(5)] ?? 'capture';
    const paymentId = this.#payments[Math.max(0, this.#payments.length - 1 - this.#below(12))] ?? 5n;
    const part = what !== 'void' && this.#below(2) === 0 ? { amount: BigInt(1 + this.#below(900)) } : {};
    const last = what === 'capture' && this.#below(4) === 0 ? { flags: PaymentOperationFlags.final } : {};
    return { what, operation: { id: this.#next++, paymentId, ...part, ...last } };
  }

  /** Credits are anywhere, debits in one place: that is what a chain may be. */
  #chain(): Act {
    const length = 2 + this.#below(4);
    const home = this.#one(PAYERS);
    const chain = Array.from({ length }, (_, n) => {
      const creditAccountId = this.#one(ALL.filter((id) => id !== home));
      const isHold = this.#below(4) === 0;
      return {
        id: this.#next++,
        debitAccountId: home,
        creditAccountId: this.#below(30) === 0 ? 77n : creditAccountId,
        amount: BigInt(1 + this.#below(4000)),
        ledger: CNY,
        code: 1,
        flags: (n < length - 1 ? linked : 0) | (isHold ? pending : 0),
        timeoutS: isHold && this.#below(2) === 0 ? 4 : 0,
      };
    });
    return { what: 'chain', chain };
  }

  #one(ids: readonly bigint[]): bigint {
    return ids[this.#below(ids.length)] as bigint;
  }

  #below(limit: number): number {
    return limit === 0 ? 0 : this.#random() % limit;
  }
}

async function perform(bank: Bank, { what, payment, operation, chain }: Act): Promise<unknown> {
  if (chain !== undefined) {
    const results = await bank.results(2, ...chain);
    // The first answer again has the balances of now, and of an account elsewhere none.
    return results.map(({ name, replayed, balances }) => [name, replayed, replayed ? undefined : balances]);
  }
  const result =
    payment === undefined
      ? await bank.operate(2, what as 'capture', operation ?? { id: 1n, paymentId: 1n })
      : await bank.pay(2, what as 'sale', payment);
  return { name: result.name, replayed: result.replayed, payment: result.payment };
}

function idOf({ payment, operation, chain }: Act): bigint | undefined {
  return payment?.id ?? operation?.id ?? chain?.[0]?.id;
}

const REFUSED_FIRST = ['exceedsCredits', 'creditAccountNotFound', 'accountsMustHaveTheSameLedger'];

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
    expect(judgedFirst.size).toBeLessThan(40);
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

describe('chains between partitions', () => {
  const chainOf = (
    bank: Bank,
    home: number,
    length: number,
    first: bigint,
    change: Partial<RawTransfer> = {},
  ): RawTransfer[] => {
    const debitAccountId = PAYERS.find((id) => bank.homeOf(id) === home) as bigint;
    const others = [...PAYERS, ...FEES].filter((id) => id !== debitAccountId);
    return Array.from({ length }, (_, n) => ({
      id: first + BigInt(n),
      debitAccountId,
      creditAccountId: others[n % others.length] as bigint,
      amount: 1n,
      ledger: CNY,
      code: 1,
      ...change,
      flags: (change.flags ?? 0) | (n < length - 1 ? linked : 0),
    }));
  };

  it('may be as long as a message', async () => {
    const bank = await furnished(3);
    const chain = chainOf(bank, 0, 8190, 100_000n);
    const names = await bank.transfers(2, ...chain);
    expect(new Set(names)).toEqual(new Set(['ok']));
    const last = chain.at(-1) as RawTransfer;
    const failing = chain.map((member) => ({ ...member, id: (member.id ?? 0n) + 10_000n }));
    failing[8189] = { ...last, id: 118_189n, creditAccountId: 77n };
    const refused = await bank.transfers(2, ...failing);
    expect(refused.filter((name) => name === 'linkedEventFailed')).toHaveLength(8189);
    expect(refused.at(-1)).toBe('creditAccountNotFound');
    await bank.rest();
    expectSettled(bank);
  });

  it('of posts and voids end everything or nothing, wherever it is held', async () => {
    for (const partitions of [1, 2, 3]) {
      const bank = await furnished(partitions);
      const held = chainOf(bank, 0, 4, 100n, { flags: pending });
      expect(await bank.transfers(2, ...held)).toEqual(['ok', 'ok', 'ok', 'ok']);
      const ends = held.map(({ id = 0n, debitAccountId = 0n }, n) => ({
        id: id + 100n,
        debitAccountId,
        pendingId: n === 3 ? 99n : id,
        flags: (n % 2 === 0 ? TransferFlags.postPending : TransferFlags.voidPending) | (n < 3 ? linked : 0),
      }));
      const failed = ['linkedEventFailed', 'linkedEventFailed', 'linkedEventFailed', 'pendingTransferNotFound'];
      expect(await bank.transfers(2, ...ends)).toEqual(failed);
      const whole = ends.map((end, n) => ({ ...end, id: end.id + 100n, pendingId: 100n + BigInt(n) }));
      expect(await bank.transfers(2, ...whole)).toEqual(['ok', 'ok', 'ok', 'ok']);
      await bank.rest();
      expectSettled(bank);
      expect(await bank.balances(held[0]?.debitAccountId ?? 0n)).toEqual([0, 2, 0, Number(START_FUNDS)]);
    }
  });

  it('that end a hold and cross as well are refused', async () => {
    const bank = await furnished(2);
    const home = 0;
    const [hold] = chainOf(bank, home, 1, 100n, { flags: pending });
    expect(await bank.transfers(2, hold ?? {})).toEqual(['ok']);
    const debitAccountId = hold?.debitAccountId ?? 0n;
    const far = PAYERS.find((id) => bank.homeOf(id) !== home) as bigint;
    const move = { debitAccountId, creditAccountId: far, amount: 1n, ledger: CNY, code: 1 };
    const end = { debitAccountId, pendingId: 100n, flags: TransferFlags.voidPending };
    expect(await bank.transfers(2, { ...move, id: 101n, flags: linked }, { ...end, id: 102n })).toEqual([
      'linkedEventFailed',
      'crossesPartitions',
    ]);
    await bank.rest();
    expectSettled(bank);
  });
});

function outcome(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(([name]) => name);
  const { name, payment } = result as { name: string; payment?: { state: string } };
  return [name, payment?.state];
}

function expectSettled(bank: Bank): void {
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  for (const { state } of bank.partitions) {
    const { clearing } = state.ledger;
    expect([clearing.unfinished.size, clearing.requests.size, clearing.prepared.size]).toEqual([0, 0, 0]);
  }
}
