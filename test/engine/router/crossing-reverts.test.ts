/** Reverts of transfers between partitions: money comes back the way it went, once, whatever happens. */
import { describe, expect, it } from 'vitest';
import { AccountChangeFields, AccountFlags, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { changesRequest, type RawTransfer, reply } from '../../support/desk.ts';

const { linked, pending, postPending, revert } = TransferFlags;
const ACCOUNTS = Array.from({ length: 24 }, (_, n) => BigInt(1000 + n));
const AMOUNT = 30n;

interface Town {
  readonly bank: Bank;
  /** Who paid, in partition 0, and who was paid, in partition 1: it must not owe anything. */
  readonly payer: bigint;
  readonly payee: bigint;
  readonly paid: RawTransfer;
}

async function town(echoes = false): Promise<Town> {
  const bank = new Bank(2, undefined, echoes);
  const payer = ACCOUNTS.find((id) => bank.homeOf(id) === 0) ?? 0n;
  const payee = ACCOUNTS.find((id) => bank.homeOf(id) === 1) ?? 0n;
  await bank.accounts(2, { id: payer, ledger: 156, code: 1 });
  await bank.accounts(2, { id: payee, ledger: 156, code: 1, flags: AccountFlags.debitsMustNotExceedCredits });
  const paid = { id: 1n, debitAccountId: payer, creditAccountId: payee, amount: AMOUNT, ledger: 156, code: 5 };
  return { bank, payer, payee, paid };
}

async function paidTown(echoes = false): Promise<Town> {
  const there = await town(echoes);
  expect(await there.bank.transfers(2, there.paid)).toEqual(['ok']);
  return there;
}

async function setState({ bank, payer }: Town, id: bigint, state: number): Promise<void> {
  const change = { id, accountId: payer, fields: AccountChangeFields.state, state };
  expect(reply.accounts(await bank.ask(changesRequest(1, [change])))[0]?.name).toBe('ok');
}

async function settled(bank: Bank): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expect(bank.partitions.every(({ state }) => state.ledger.clearing.unfinished.size === 0)).toBe(true);
}

const [back, all] = [
  ({ payee }: Town): RawTransfer => ({ id: 100n, pendingId: 1n, debitAccountId: payee, flags: revert }),
  (there: Town): RawTransfer => ({ ...there.paid, ...back(there), creditAccountId: there.payer }),
];

describe('a revert between partitions', () => {
  it.each([
    ['no more than the debit account', back, false],
    ['no more than the debit account, messages twice', back, true],
    ['everything', all, false],
  ])('gives back all that was moved, saying %s', async (_, request, echoes) => {
    const there = await paidTown(echoes);
    const { bank, payer, payee } = there;
    const [first] = await bank.results(2, request(there));
    expect(first).toMatchObject({ name: 'ok', replayed: false });
    const again = { name: 'ok', replayed: true, timestamp: first?.timestamp };
    expect(await bank.results(2, request(there))).toMatchObject([again]);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 30, 0, 30]);
    expect(await bank.balances(payee)).toEqual([0, 30, 0, 30]);
    for (const id of [payer, payee]) {
      const { entries } = await bank.history(2, id);
      expect(entries[0]).toMatchObject({ institution: 2, transfer: all(there) });
    }
  });

  it('happens once, also when two are under way', async () => {
    const there = await paidTown(true);
    const { bank, payer, payee } = there;
    // The payee has more than it was paid.
    await bank.transfers(2, { ...there.paid, id: 2n, amount: 70n });
    const names = await Promise.all([
      bank.transfers(2, back(there)),
      bank.transfers(2, { ...back(there), id: 101n }),
      bank.transfers(2, { ...all(there), id: 102n }),
    ]);
    expect(names.flat().sort()).toEqual(['ok', 'originalTransferAlreadyReverted', 'originalTransferAlreadyReverted']);
    expect(await bank.transfers(2, { ...back(there), id: 103n })).toEqual(['originalTransferAlreadyReverted']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 100, 0, 30]);
    expect(await bank.balances(payee)).toEqual([0, 30, 0, 100]);
  });

  it('that the other side refuses leaves the money where it is, is remembered, and may be tried again', async () => {
    const there = await paidTown();
    const { bank, payer, payee } = there;
    await setState(there, 1n, AccountStates.frozen);
    const [first] = await bank.results(2, back(there));
    expect(first).toMatchObject({ name: 'creditAccountFrozen', replayed: false });
    await setState(there, 2n, AccountStates.open);
    expect(await bank.results(2, back(there))).toMatchObject([{ name: 'creditAccountFrozen', replayed: true }]);
    expect(await bank.transfers(2, all(there))).toEqual(['existsWithDifferentCreditAccountId']);
    expect(await bank.balances(payee)).toEqual([0, 0, 0, 30]);
    expect(await bank.transfers(2, { ...back(there), id: 101n })).toEqual(['ok']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 30, 0, 30]);
  });

  it('says what it contradicts, and asks for the money first', async () => {
    const there = await paidTown();
    const { bank, payer } = there;
    expect(await bank.transfers(3, back(there))).toEqual(['debitAccountForbidden']);
    expect(await bank.transfers(2, { ...back(there), id: 101n, amount: 29n })).toEqual([
      'originalTransferHasDifferentAmount',
    ]);
    expect(await bank.transfers(2, { ...all(there), id: 102n, creditAccountId: payer + 500n })).toEqual([
      'originalTransferHasDifferentCreditAccountId',
    ]);
    const spent = { ...all(there), id: 2n, pendingId: 0n, flags: 0, amount: 1n };
    expect(await bank.transfers(2, spent)).toEqual(['ok']);
    expect(await bank.transfers(2, { ...back(there), id: 103n })).toEqual(['exceedsCredits']);
    // A revert is not turned round once more.
    expect(await bank.transfers(2, { ...there.paid, id: 3n, amount: 1n })).toEqual(['ok']);
    expect(await bank.transfers(2, { ...back(there), id: 104n })).toEqual(['ok']);
    expect(await bank.transfers(2, { id: 105n, pendingId: 104n, debitAccountId: payer, flags: revert })).toEqual([
      'originalTransferNotPosted',
    ]);
    await settled(bank);
  });

  it('gives back what a post moved, and a member of a chain', async () => {
    const there = await town();
    const { bank, payer, payee, paid } = there;
    expect(await bank.transfers(2, { ...paid, flags: pending })).toEqual(['ok']);
    const post = { id: 2n, pendingId: 1n, debitAccountId: payer, amount: 20n, flags: postPending };
    expect(await bank.transfers(2, post)).toEqual(['ok']);
    const chain = [
      { ...paid, id: 3n, amount: 7n, flags: linked },
      { ...paid, id: 4n, amount: 8n },
    ];
    expect(await bank.transfers(2, ...chain)).toEqual(['ok', 'ok']);
    const reverts = [2n, 3n, 4n].map((pendingId) => ({ ...back(there), id: 100n + pendingId, pendingId }));
    expect(await bank.transfers(2, ...reverts)).toEqual(['ok', 'ok', 'ok']);
    await settled(bank);
    expect(await bank.balances(payer)).toEqual([0, 35, 0, 35]);
    expect(await bank.balances(payee)).toEqual([0, 35, 0, 35]);
  });

  it('survives a power cut after any batch', async () => {
    let answered = 0;
    let unfinished = 0;
    for (let fuel = 0; fuel < 8; fuel++) {
      const there = await paidTown();
      const { bank, payer, payee } = there;
      await bank.rest();
      bank.fuel = fuel;
      let told: string | undefined;
      void bank.transfers(2, back(there)).then(([name]) => {
        told = name;
      });
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      expectWhole(bank);
      const again = new Bank(2, bank.partitions);
      again.now = bank.now;
      if (again.partitions[1]?.state.ledger.clearing.unfinished.size !== 0) unfinished++;
      await again.rest();
      const [result] = await again.results(2, back(there));
      expect(result).toMatchObject({ name: 'ok', ...(told === undefined ? {} : { replayed: true }) });
      if (told !== undefined) answered++;
      expect(await again.transfers(2, { ...back(there), id: 101n })).toEqual(['originalTransferAlreadyReverted']);
      await settled(again);
      expect(await again.balances(payer)).toEqual([0, 30, 0, 30]);
      expect(await again.balances(payee)).toEqual([0, 30, 0, 30]);
    }
    // Some cuts came before the answer, and some when the other partition had not heard of it.
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(8);
    expect(unfinished).toBeGreaterThan(0);
  });
});
