/** Transfers of what a credit account elsewhere owes: as much as with one partition, once, whatever happens. */
import { describe, expect, it } from 'vitest';
import { FrameFlags } from '../../../protocol/frame.ts';
import { AccountChangeFields, AccountFlags, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { changesRequest, type RawTransfer, reply, transfersRequest } from '../../support/desk.ts';
import { dryRun, withoutDryRun } from '../../support/dry-run.ts';

const { linked, pending, postPending, voidPending, balancingDebit, balancingCredit } = TransferFlags;
const BOTH = balancingDebit | balancingCredit;
const ACCOUNTS = Array.from({ length: 40 }, (_, n) => BigInt(1000 + n));
const CNY = { ledger: 156, code: 1 };
/** The largest amount, and the most that is taken of what is owed elsewhere: see balancing.ts. */
const ALL = 2n ** 53n - 1n;
const HELD_MAX = 2n ** 40n;

interface Town {
  readonly bank: Bank;
  /** Has 50 and may not spend more; has no limit; owes 40; another of the first's partition. */
  readonly payer: bigint;
  readonly bottomless: bigint;
  readonly debtor: bigint;
  readonly other: bigint;
}

/** With one partition the same accounts, all in it. */
async function town(partitions: number, echoes = false): Promise<Town> {
  const bank = new Bank(partitions, undefined, echoes);
  const three = new Bank(3);
  const two = new Bank(2);
  // Apart in two partitions and in three.
  const apart = (place: number): bigint[] =>
    ACCOUNTS.filter((id) => two.homeOf(id) === Math.min(place, 1) && three.homeOf(id) === place);
  const [payer = 0n, bottomless = 0n, other = 0n] = apart(0);
  const [debtor = 0n] = apart(1);
  const limited = { ...CNY, flags: AccountFlags.debitsMustNotExceedCredits };
  await bank.accounts(2, { id: payer, ...limited }, { id: bottomless, ...CNY }, { id: other, ...CNY });
  await bank.accounts(2, { id: debtor, ...CNY });
  const names = [
    ...(await bank.transfers(2, { id: 1n, debitAccountId: other, creditAccountId: payer, amount: 50n, ...CNY })),
    ...(await bank.transfers(2, { id: 2n, debitAccountId: debtor, creditAccountId: other, amount: 40n, ...CNY })),
  ];
  expect(names).toEqual(['ok', 'ok']);
  return { bank, payer, bottomless, debtor, other };
}

async function settled(bank: Bank): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expect(bank.partitions.every(({ state }) => state.ledger.clearing.unfinished.size === 0)).toBe(true);
}

type Part = Partial<RawTransfer>;
const sweepOf = ({ payer, debtor }: Town, part: Part): RawTransfer => ({
  id: 100n,
  debitAccountId: payer,
  creditAccountId: debtor,
  amount: 1000n,
  flags: balancingCredit,
  ...CNY,
  ...part,
});

const PARTITIONS = [1, 2, 3];
const WAYS = [
  [1, false],
  [2, false],
  [2, true],
  [3, true],
] as const;

describe.each(WAYS)('over %i partitions (messages twice: %s), a transfer of what is owed', (partitions, echoes) => {
  it.each([
    ['what is owed', balancingCredit, 1000n, 40],
    ['what is owed, of all there is', balancingCredit, ALL, 40],
    ['the less of both', BOTH, 1000n, 40],
    ['the amount, when there is more', BOTH, 7n, 7],
  ])('moves %s', async (_, flags, amount, moved) => {
    const there = await town(partitions, echoes);
    const { bank, payer, debtor } = there;
    const request = sweepOf(there, { flags, amount });
    const rehearsed = await bank.ask(dryRun(transfersRequest(2, [request], FrameFlags.balances)));
    const [first] = await bank.results(2, request);
    expect(first).toMatchObject({ name: 'ok', replayed: false });
    const said = reply.transfers(withoutDryRun(rehearsed, 'createTransfers'));
    expect(said).toMatchObject([{ name: 'ok', balances: first?.balances }]);
    expect(await bank.results(2, request)).toMatchObject([{ name: 'ok', replayed: true, timestamp: first?.timestamp }]);
    expect(await bank.transfers(2, { ...request, amount: BigInt(moved) + 1n })).toEqual(['existsWithDifferentAmount']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, moved, 0, 50]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, moved]);
    for (const id of [payer, debtor]) {
      const { entries } = await bank.history(2, id);
      expect(entries[0]?.transfer).toMatchObject({ id: 100n, amount: BigInt(moved), flags });
    }
  });

  it('moves what the debit account has, when more is owed and it says so, and is refused otherwise', async () => {
    const there = await town(partitions, echoes);
    const { bank, payer, debtor, other } = there;
    const spent = { id: 3n, debitAccountId: payer, creditAccountId: other, amount: 30n, ...CNY };
    expect(await bank.transfers(2, spent)).toEqual(['ok']);
    expect(await bank.transfers(2, sweepOf(there, {}))).toEqual(['exceedsCredits']);
    expect(await bank.transfers(2, sweepOf(there, {}))).toEqual(['exceedsCredits']);
    expect(await bank.transfers(2, sweepOf(there, { id: 101n, flags: BOTH }))).toEqual(['ok']);
    expect(await bank.transfers(2, sweepOf(there, { id: 102n, flags: BOTH }))).toEqual(['exceedsCredits']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 50, 0, 50]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, 20]);
  });

  it('is refused when nothing is owed, and gives back what it held', async () => {
    const there = await town(partitions, echoes);
    const { bank, payer, debtor, bottomless } = there;
    expect(await bank.transfers(2, sweepOf(there, { debitAccountId: bottomless, amount: ALL }))).toEqual(['ok']);
    for (const [id, flags] of [
      [101n, balancingCredit],
      [102n, BOTH],
    ] as const) {
      const request = sweepOf(there, { id, flags });
      expect(await bank.transfers(2, request)).toEqual(['exceedsDebits']);
      expect(await bank.results(2, request)).toMatchObject([{ name: 'exceedsDebits', replayed: true }]);
      expect(await bank.transfers(2, { ...request, amount: 999n })).toEqual(['existsWithDifferentAmount']);
    }
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 0, 0, 50]);
    expect(await bank.balances(bottomless)).toEqual([0, 40, 0, 0]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, 40]);
  });

  it('holds what is owed, to be posted in part, in full, or given back', async () => {
    const there = await town(partitions, echoes);
    const { bank, payer, debtor } = there;
    expect(await bank.transfers(2, sweepOf(there, { flags: pending | balancingCredit }))).toEqual(['ok']);
    expect(await bank.balances(payer)).toEqual([40, 0, 0, 50]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 40, 0]);
    // What is held counts.
    expect(await bank.transfers(2, sweepOf(there, { id: 101n }))).toEqual(['exceedsDebits']);
    const end = { debitAccountId: payer, pendingId: 100n };
    expect(await bank.transfers(2, { ...end, id: 102n, amount: 41n, flags: postPending })).toEqual([
      'exceedsPendingTransferAmount',
    ]);
    expect(await bank.transfers(2, { ...end, id: 103n, amount: 25n, flags: postPending })).toEqual(['ok']);
    expect(await bank.transfers(2, sweepOf(there, { id: 104n, flags: pending | BOTH, timeoutS: 5 }))).toEqual(['ok']);
    expect(await bank.balances(debtor)).toEqual([0, 40, 15, 25]);
    await bank.pass(6);
    expect(await bank.transfers(2, sweepOf(there, { id: 105n, flags: pending | BOTH }))).toEqual(['ok']);
    const ends = { ...end, pendingId: 105n };
    expect(await bank.transfers(2, { ...ends, id: 106n, flags: voidPending })).toEqual(['ok']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 25, 0, 50]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, 25]);
  });

  it('is refused while the credit account takes nothing, after it was asked what it owes', async () => {
    const there = await town(partitions, echoes);
    const { bank, payer, debtor } = there;
    const change = { id: 1n, accountId: debtor, fields: AccountChangeFields.state, state: AccountStates.frozen };
    expect(reply.accounts(await bank.ask(changesRequest(1, [change])))[0]?.name).toBe('ok');
    expect(await bank.transfers(2, sweepOf(there, {}))).toEqual(['creditAccountFrozen']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 0, 0, 50]);
  });
});

describe('between partitions, what is owed', () => {
  it('is moved by as many as ask at once, each for all there is', async () => {
    const there = await town(2, true);
    const { bank, bottomless, debtor, other } = there;
    const asked = Array.from({ length: 60 }, (_, n) =>
      sweepOf(there, { id: 200n + BigInt(n), debitAccountId: bottomless, amount: ALL }),
    );
    const plain = { id: 300n, debitAccountId: other, creditAccountId: debtor, amount: 5n, ...CNY };
    const names = await bank.transfers(2, ...asked, plain);
    expect(names).toEqual(['ok', ...Array.from({ length: 59 }, () => 'exceedsDebits'), 'ok']);
    await settled(bank);
    expect(await bank.balances(bottomless)).toEqual([0, 40, 0, 0]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, 45]);
  });

  it.each(PARTITIONS)('is not taken in part when it is very much (%i partitions)', async (partitions) => {
    const there = await town(partitions);
    const { bank, bottomless, debtor, other } = there;
    const debt = { id: 3n, debitAccountId: debtor, creditAccountId: other, amount: HELD_MAX - 40n, ...CNY };
    expect(await bank.transfers(2, debt)).toEqual(['ok']);
    const request = sweepOf(there, { debitAccountId: bottomless, amount: ALL });
    expect(await bank.transfers(2, { ...request, flags: pending | BOTH })).toEqual(['exceedsCredits']);
    expect(await bank.transfers(2, { ...request, id: 101n, flags: pending | balancingCredit })).toEqual(['ok']);
    const end = { debitAccountId: bottomless, pendingId: 101n };
    expect(await bank.transfers(2, { ...end, id: 102n, flags: voidPending })).toEqual(['ok']);
    expect(await bank.transfers(2, { ...debt, id: 4n, amount: 1n })).toEqual(['ok']);
    // One more than is held for it.
    const last = partitions === 1 ? 'ok' : 'crossesPartitions';
    expect(await bank.transfers(2, { ...request, id: 103n })).toEqual([last]);
    expect(await bank.transfers(2, { ...request, id: 104n, amount: 3n })).toEqual(
      partitions === 1 ? ['exceedsDebits'] : ['ok'],
    );
    await settled(bank);
  });

  it('is not taken by a chain that crosses', async () => {
    const there = await town(2);
    const { bank, payer, debtor } = there;
    const chain = [sweepOf(there, { flags: linked | balancingCredit }), { ...sweepOf(there, { id: 101n, flags: 0 }) }];
    expect(await bank.transfers(2, ...chain)).toEqual(['crossesPartitions', 'linkedEventFailed']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 0, 0, 50]);
    expect(await bank.balances(debtor)).toEqual([0, 40, 0, 0]);
  });

  it('survives a power cut after any batch', async () => {
    let answered = 0;
    let unfinished = 0;
    for (let fuel = 0; fuel < 8; fuel++) {
      const there = await town(2);
      const { bank, payer, debtor } = there;
      await bank.rest();
      bank.fuel = fuel;
      let told: string | undefined;
      const request = sweepOf(there, {});
      void bank.transfers(2, request).then(([name]) => {
        told = name;
      });
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      expectWhole(bank);
      const again = new Bank(2, bank.partitions);
      again.now = bank.now;
      if (again.partitions[0]?.state.ledger.clearing.unfinished.size !== 0) unfinished++;
      await again.rest();
      const [result] = await again.results(2, request);
      expect(result).toMatchObject({ name: 'ok', ...(told === undefined ? {} : { replayed: true }) });
      if (told !== undefined) answered++;
      expect(await again.transfers(2, sweepOf(there, { id: 101n }))).toEqual(['exceedsDebits']);
      await settled(again);
      expect(await again.balances(payer)).toEqual([0, 40, 0, 50]);
      expect(await again.balances(debtor)).toEqual([0, 40, 0, 40]);
    }
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(8);
    expect(unfinished).toBeGreaterThan(0);
  });
});
