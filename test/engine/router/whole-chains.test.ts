/** endChain with several partitions: that of the debit account decides, and what is elsewhere follows it, once, whatever happens. */
import { describe, expect, it } from 'vitest';
import { AccountChangeFields, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { changesRequest, endChainRequest, type RawTransfer, reply } from '../../support/desk.ts';
import { dryRun, withoutDryRun } from '../../support/dry-run.ts';

const { linked, pending, postPending, voidPending } = TransferFlags;
const CNY = 156;
const ACCOUNTS = Array.from({ length: 24 }, (_, n) => BigInt(1000 + n));
const ECHOES = [false, true];

interface Town {
  readonly bank: Bank;
  /** Accounts of the partition that decides: who pays, and another. */
  readonly from: bigint;
  readonly near: bigint;
  /** Two accounts of each other partition. */
  readonly far: readonly bigint[];
}

async function town(partitions: number, echoes = false): Promise<Town> {
  const bank = new Bank(partitions, undefined, echoes);
  for (const id of ACCOUNTS) await bank.accounts(2, { id, ledger: CNY, code: 1 });
  const at = (partition: number): bigint[] => ACCOUNTS.filter((id) => bank.homeOf(id) === partition).slice(0, 2);
  const [from = 0n, near = 0n] = at(0);
  const far = Array.from({ length: partitions - 1 }, (_, other) => at(other + 1)).flat();
  return { bank, from, near, far };
}

/** A chain of holds 1, 2, … of 10, 20, …, to an account near by and to all others. */
function holds({ from, near, far }: Town, first = 1n): RawTransfer[] {
  return [near, ...far].map((creditAccountId, index) => ({
    id: first + BigInt(index),
    debitAccountId: from,
    creditAccountId,
    amount: BigInt(10 * (index + 1)),
    ledger: CNY,
    code: 1,
    flags: pending | (index < far.length ? linked : 0),
  }));
}

async function settled(bank: Bank): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expect(bank.partitions.every(({ state }) => state.ledger.clearing.unfinished.size === 0)).toBe(true);
}

const sumOf = (items: readonly RawTransfer[]): number =>
  items.reduce((sum, { amount = 0n }) => sum + Number(amount), 0);

describe.each([2, 3])('over %i partitions', (partitions) => {
  it.each(ECHOES)('a chain that crosses is posted on all sides (messages twice: %s)', async (echoes) => {
    const there = await town(partitions, echoes);
    const { bank, from } = there;
    const items = holds(there);
    expect(new Set(await bank.transfers(2, ...items))).toEqual(new Set(['ok']));
    const request = { id: 800n, pendingId: items.at(-1)?.id ?? 0n, debitAccountId: from, flags: postPending };
    const first = await bank.endChain(2, request);
    expect(first).toMatchObject({ name: 'ok', members: items.length });
    expect(await bank.endChain(2, request)).toEqual({ ...first, replayed: true });
    await settled(bank);
    // What the other partitions confirm is not counted as if somebody had asked for it.
    expect([...bank.outcomes].filter(([name]) => !name.startsWith('createAccounts')).sort()).toEqual([
      ['createTransfers ok', items.length],
      ['endChain ok', 2],
    ]);
    expect(await bank.balances(from)).toEqual([0, sumOf(items), 0, 0]);
    for (const { creditAccountId = 0n, amount = 0n } of items) {
      expect(await bank.balances(creditAccountId)).toEqual([0, 0, 0, Number(amount)]);
      const { entries } = await bank.history(2, creditAccountId);
      expect(entries[0]).toMatchObject({ institution: 2, transfer: { flags: postPending, amount, creditAccountId } });
    }
  });

  it.each(ECHOES)('a chain that crosses is voided on all sides (messages twice: %s)', async (echoes) => {
    const there = await town(partitions, echoes);
    const { bank, from } = there;
    const items = holds(there);
    await bank.transfers(2, ...items);
    const request = { id: 800n, pendingId: 1n, debitAccountId: from, flags: voidPending };
    expect(await bank.endChain(2, request)).toMatchObject({ name: 'ok', members: items.length });
    await settled(bank);
    for (const id of [from, ...items.map(({ creditAccountId = 0n }) => creditAccountId)]) {
      expect(await bank.balances(id)).toEqual([0, 0, 0, 0]);
    }
    expect(bank.partitions.map(({ state }) => state.ledger.holds.count)).toEqual(bank.partitions.map(() => 0));
  });

  it('chains one after the other are told apart where they were settled', async () => {
    const there = await town(partitions);
    const { bank, from } = there;
    const [one, other] = [holds(there, 1n), holds(there, 101n)];
    await Promise.all([bank.transfers(2, ...one), bank.transfers(2, ...other)]);
    const request = { id: 800n, pendingId: 101n, debitAccountId: from, flags: postPending };
    expect(await bank.endChain(2, request)).toMatchObject({ name: 'ok', members: other.length });
    await settled(bank);
    expect(await bank.balances(from)).toEqual([sumOf(one), sumOf(other), 0, 0]);
  });
});

describe('between two partitions', () => {
  it('what the debit side decides is followed, whatever became of the credit account', async () => {
    const there = await town(2);
    const { bank, from, far } = there;
    await bank.transfers(2, ...holds(there));
    const change = { id: 1n, accountId: far[0] ?? 0n, fields: AccountChangeFields.state, state: AccountStates.frozen };
    expect(reply.accounts(await bank.ask(changesRequest(1, [change])))[0]?.name).toBe('ok');
    const request = { id: 800n, pendingId: 1n, debitAccountId: from, flags: postPending };
    expect(await bank.endChain(2, request)).toMatchObject({ name: 'ok', members: 3 });
    await settled(bank);
    expect(await bank.balances(far[0] ?? 0n)).toEqual([0, 0, 0, 20]);
  });

  it('is a chain of one for a hold that crosses alone', async () => {
    const there = await town(2);
    const { bank, from, far } = there;
    const [, second = {}] = holds(there);
    await bank.transfers(2, { ...second, flags: pending });
    const request = { id: 800n, pendingId: 2n, debitAccountId: from, flags: postPending };
    expect(await bank.endChain(2, request)).toMatchObject({ name: 'ok', members: 1 });
    await settled(bank);
    expect(await bank.balances(far[0] ?? 0n)).toEqual([0, 0, 0, 20]);
  });

  it('a dry run is answered like it, and tells the other partition nothing', async () => {
    const there = await town(2);
    const { bank, from } = there;
    await bank.transfers(2, ...holds(there));
    await bank.rest();
    const lsns = bank.partitions.map(({ journal }) => journal.nextLsn);
    const request = endChainRequest(2, { id: 800n, pendingId: 1n, debitAccountId: from, flags: postPending });
    const dry = await bank.ask(dryRun(request));
    await bank.rest();
    expect(bank.partitions.map(({ journal }) => journal.nextLsn)).toEqual(lsns);
    expect(withoutDryRun(dry, 'endChain')).toEqual(await bank.ask(request));
    await settled(bank);
  });

  it('survives a power cut after any batch', async () => {
    let answered = 0;
    let unfinished = 0;
    for (let fuel = 0; fuel < 8; fuel++) {
      const there = await town(2);
      const { bank, from, far } = there;
      const items = holds(there);
      await bank.transfers(2, ...items);
      await bank.rest();
      bank.fuel = fuel;
      const request = { id: 800n, pendingId: 2n, debitAccountId: from, flags: postPending };
      let told: string | undefined;
      void bank.endChain(2, request).then(({ name }) => {
        told = name;
      });
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      expectWhole(bank);
      const again = new Bank(2, bank.partitions);
      again.now = bank.now;
      if (again.partitions[0]?.state.ledger.clearing.unfinished.size !== 0) unfinished++;
      await again.rest();
      const first = await again.endChain(2, request);
      expect(first).toMatchObject({ name: 'ok', members: 3, ...(told === undefined ? {} : { replayed: true }) });
      if (told !== undefined) answered++;
      await settled(again);
      expect(await again.balances(from)).toEqual([0, 60, 0, 0]);
      expect(await again.balances(far[1] ?? 0n)).toEqual([0, 0, 0, 30]);
    }
    // Some cuts came before the answer, and some when the other partition had not heard of it.
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(8);
    expect(unfinished).toBeGreaterThan(0);
  });
});
