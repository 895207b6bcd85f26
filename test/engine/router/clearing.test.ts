/** Transfers between partitions: what one partition decides, several decide alike, and a power cut anywhere loses nothing. */
import { describe, expect, it } from 'vitest';
import { AccountChangeFields, AccountFlags, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { changesRequest, type RawTransfer, reply } from '../../support/desk.ts';
import { randomWords } from '../storage/support.ts';

const { pending, postPending, voidPending, keepRemainder, balancingDebit, balancingCredit } = TransferFlags;
const BALANCES = [balancingDebit, balancingCredit, balancingDebit | balancingCredit];
const SEED = Number(process.env.SEED ?? 20_261_123);
const CNY = 156;
const ACCOUNTS = Array.from({ length: 12 }, (_, n) => BigInt(1000 + n));
const TREASURY = 1n;

async function furnished(partitions: number): Promise<Bank> {
  const bank = new Bank(partitions);
  await bank.accounts(1, { id: TREASURY, ledger: CNY, code: 1 });
  for (const [n, id] of ACCOUNTS.entries()) {
    const flags = n % 3 === 0 ? AccountFlags.debitsMustNotExceedCredits : 0;
    const limited = n % 5 === 4 ? AccountFlags.creditsMustNotExceedDebits : flags;
    await bank.accounts(2, { id, ledger: n === 11 ? 840 : CNY, code: 1, flags: limited });
  }
  let id = 1n;
  for (const [n, account] of ACCOUNTS.slice(0, 11).entries()) {
    // Some begin with nothing, and soon owe.
    if (n > 6 && n % 3 !== 0) continue;
    const move = { debitAccountId: TREASURY, creditAccountId: account, amount: 1000n, ledger: CNY, code: 1 };
    await bank.transfers(1, { ...move, id: id++ });
  }
  return bank;
}

describe('account states between partitions', () => {
  it('stop a transfer on either side, and give the money back', async () => {
    const bank = await furnished(2);
    const [from = 0n, to = 0n] = [0, 1].map((home) =>
      ACCOUNTS.slice(0, 9).find((id, n) => n % 3 !== 0 && n % 5 !== 4 && bank.homeOf(id) === home),
    );
    const set = async (id: bigint, accountId: bigint, state: number): Promise<void> => {
      const change = { id, accountId, fields: AccountChangeFields.state, state };
      const frame = await bank.ask(changesRequest(1, [change]));
      expect(reply.accounts(frame).map(({ name }) => name)).toEqual(['ok']);
    };
    const move = { debitAccountId: from, creditAccountId: to, amount: 10n, ledger: CNY, code: 1 };
    await set(1n, to, AccountStates.frozen);
    expect(await bank.transfers(2, { ...move, id: 900n })).toEqual(['creditAccountFrozen']);
    await set(2n, to, AccountStates.open);
    expect(await bank.transfers(2, { ...move, id: 901n, flags: pending })).toEqual(['ok']);
    const post = { debitAccountId: from, pendingId: 901n, flags: postPending };
    await set(3n, from, AccountStates.frozen);
    expect(await bank.transfers(2, { ...move, id: 902n })).toEqual(['debitAccountFrozen']);
    expect(await bank.transfers(2, { ...post, id: 903n })).toEqual(['debitAccountFrozen']);
    await set(4n, from, AccountStates.open);
    // What the debit side decides is followed, whatever became of the credit account.
    await set(5n, to, AccountStates.frozen);
    expect(await bank.transfers(2, { ...post, id: 904n })).toEqual(['ok']);
    await bank.rest();
    expect(await bank.balances(from)).toEqual([0, 10, 0, 1000]);
    expect(await bank.balances(to)).toEqual([0, 0, 0, 1010]);
  });
});

/** Records as a client sends them: movements, holds, endings, repeats, conflicts, strangers. */
class Traffic {
  readonly #random: () => number;
  readonly #sent: RawTransfer[] = [];
  readonly #holds: RawTransfer[] = [];
  #next = 10_000n;

  constructor(seed: number) {
    this.#random = randomWords(seed);
  }

  next(): RawTransfer {
    const dice = this.#below(100);
    const old = this.#sent[this.#below(this.#sent.length)];
    if (dice < 8 && old !== undefined) return old;
    if (dice < 12 && old !== undefined) return { ...old, amount: (old.amount ?? 0n) + 1n };
    const made = dice < 40 ? this.#ending() : undefined;
    const record = made ?? this.#movement();
    this.#sent.push(record);
    return record;
  }

  #movement(): RawTransfer {
    const debitAccountId = this.#account();
    const others = ACCOUNTS.filter((id) => id !== debitAccountId);
    const unknown = this.#below(20) === 0;
    const creditAccountId = unknown ? 77n : (others[this.#below(others.length)] as bigint);
    const isHold = this.#below(3) === 0;
    const flags = isHold ? pending : 0;
    const timeoutS = isHold && this.#below(3) === 0 ? 5 : 0;
    const amount = BigInt(1 + this.#below(400));
    const balances = this.#below(4) === 0 ? (BALANCES[this.#below(3)] as number) : 0;
    const same = { debitAccountId, creditAccountId, amount, ledger: CNY, code: 1, timeoutS };
    const record = { id: this.#next++, ...same, flags: flags | balances };
    if (isHold) this.#holds.push(record);
    return record;
  }

  #ending(): RawTransfer | undefined {
    const hold = this.#holds[this.#below(this.#holds.length)];
    if (hold?.id === undefined || hold.debitAccountId === undefined) return undefined;
    const how = this.#below(4);
    const flags = [postPending, postPending | keepRemainder, voidPending, postPending][how] as number;
    const amount = flags === voidPending || how === 3 ? 0n : BigInt(1 + this.#below(200));
    const same = { creditAccountId: hold.creditAccountId as bigint, ledger: CNY, code: 1 };
    const named = this.#below(2) === 0 ? same : {};
    return { id: this.#next++, debitAccountId: hold.debitAccountId, pendingId: hold.id, amount, flags, ...named };
  }

  #account(): bigint {
    return ACCOUNTS[this.#below(11)] as bigint;
  }

  #below(limit: number): number {
    return limit === 0 ? 0 : this.#random() % limit;
  }
}

/** When both sides refuse a transfer, several partitions name what the debit side says: it is asked first. */
const CREDIT_SIDE = ['creditAccountNotFound', 'accountsMustHaveTheSameLedger', 'exceedsDebits'];
const DEBIT_SIDE = ['exceedsCredits'];

type Results = readonly (readonly (string | boolean)[])[] | undefined;

function isJudgedFirst(one: Results, several: Results): boolean {
  return CREDIT_SIDE.includes(String(one?.[0]?.[0])) && DEBIT_SIDE.includes(String(several?.[0]?.[0]));
}

function isExpiry([flags]: readonly [number, ...unknown[]]): boolean {
  return (flags & TransferFlags.expired) !== 0;
}

/** What clients can see of the accounts. */
async function visible(bank: Bank): Promise<unknown> {
  const seen: unknown[] = [];
  for (const id of ACCOUNTS) {
    const { entries } = await bank.history(2, id);
    const moves = entries.map(
      ({ transfer: { amount, debitAccountId, creditAccountId, flags, pendingId } }) =>
        [flags, amount, debitAccountId, creditAccountId, pendingId] as const,
    );
    // Holds of different partitions that run out at the same time may do so in any order.
    const ranOut = moves.filter((move) => isExpiry(move)).map(String);
    seen.push([id, await bank.balances(id), moves.filter((move) => !isExpiry(move)), ranOut.sort()]);
  }
  return seen;
}

describe('transfers between partitions', () => {
  it('are decided as in one partition, in results, balances and histories', async () => {
    const banks = await Promise.all([1, 2, 3].map((count) => furnished(count)));
    const traffics = banks.map(() => new Traffic(SEED));
    let owed = 0;
    for (let step = 0; step < 600; step++) {
      const [one, ...others] = await Promise.all(
        banks.map(async (bank, which) => {
          const record = (traffics[which] as Traffic).next();
          const result = await bank.results(2, record);
          if (step % 10 === 9) await bank.pass(2);
          if (result[0]?.name === 'ok' && ((record.flags ?? 0) & balancingCredit) !== 0) owed++;
          return { record, results: result.map(({ name, replayed: again }) => [name, again]) };
        }),
      );
      for (const other of others) {
        if (isJudgedFirst(one?.results, other.results)) continue;
        expect(other, `seed ${SEED}, step ${step}`).toEqual(one);
      }
    }
    await Promise.all(banks.map((bank) => bank.pass(10)));
    const [one, ...others] = await Promise.all(banks.map((bank) => visible(bank)));
    for (const other of others) expect(other).toEqual(one);
    for (const bank of banks) {
      expectWhole(bank);
      expect(between(bank).every((sum) => sum === 0)).toBe(true);
    }
    expect(between(banks[2] as Bank).length).toBeGreaterThan(1);
    expect(owed).toBeGreaterThan(12);
  });

  it('survive a power cut after any batch: nothing answered is lost, nothing is posted twice', async () => {
    for (let fuel = 1; fuel < 60; fuel += 2) {
      const bank = await furnished(2);
      const traffic = new Traffic(SEED + fuel);
      const records = Array.from({ length: 40 }, () => traffic.next());
      const answered = new Map<number, string>();
      bank.fuel = fuel;
      for (const [index, record] of records.entries()) {
        void bank.transfers(2, record).then(([name]) => answered.set(index, name as string));
        if (index % 8 === 7) await new Promise((resolve) => setImmediate(resolve));
      }
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));

      const again = new Bank(2, bank.partitions);
      again.now = bank.now;
      await again.rest();
      for (const [index, name] of answered) {
        const repeated = await again.transfers(2, records[index] as RawTransfer);
        expect(repeated, `seed ${SEED + fuel}, ${index}`).toEqual([name]);
      }
      for (const record of records) await again.transfers(2, record);
      await again.pass(10);
      expectWhole(again);
      expect(between(again).every((sum) => sum === 0)).toBe(true);
      expect(again.partitions.every(({ state }) => state.ledger.clearing.unfinished.size === 0)).toBe(true);
    }
  });
});
