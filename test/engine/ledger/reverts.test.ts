/** Reverts: the linked reverse of a posted transfer, once. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountChangeFields, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawTransfer } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, balancingDebit, keepRemainder, revert } = TransferFlags;
const ENGINE = 0xffff_ffffn << 96n;
/** From institution 3 to institution 2: what institution 2 may give back. */
const original = { id: 1n, debitAccountId: 3n, creditAccountId: 4n, amount: 30n, ledger: 156, code: 5 };
const back = { id: 100n, pendingId: 1n, flags: revert };
const inFull = { ...back, debitAccountId: 4n, creditAccountId: 3n, amount: 30n, ledger: 156, code: 5 };

let memory: MemoryPartition;
let desk: Desk;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
  expect(await send(3, original)).toEqual(['ok']);
});

async function send(institution: number, ...items: RawTransfer[]): Promise<string[]> {
  return (await desk.transfers(institution, ...items)).map(nameOf);
}

describe('a revert', () => {
  it.each([
    ['with nothing but the id', back],
    ['with everything said', inFull],
    ['with a part of it said', { ...back, creditAccountId: 3n, code: 5 }],
  ])('gives back all that was moved, %s', async (_, request) => {
    expect(await send(2, request)).toEqual(['ok']);
    expect(await desk.balances(3n)).toEqual([0, 30, 0, 30]);
    expect(await desk.balances(4n)).toEqual([0, 30, 0, 30]);
    const { entries } = await desk.history(1, { accountId: 3n });
    expect(entries.map(({ transfer }) => transfer)).toMatchObject([inFull, original]);
    const [again] = await desk.results(2, [request]);
    expect(again).toMatchObject({ name: 'ok', replayed: true });
  });

  it.each<readonly [ResultName, RawTransfer]>([
    ['existsWithDifferentDebitAccountId', { debitAccountId: 4n }],
    ['existsWithDifferentCreditAccountId', { creditAccountId: 3n }],
    ['existsWithDifferentAmount', { amount: 30n }],
    ['existsWithDifferentLedger', { ledger: 156 }],
    ['existsWithDifferentCode', { code: 5 }],
    ['existsWithDifferentPendingId', { pendingId: 2n }],
    [
      'existsWithDifferentFlags',
      { flags: 0, creditAccountId: 3n, debitAccountId: 4n, pendingId: 0n, amount: 30n, ledger: 156, code: 5 },
    ],
  ])('that says what was left out before is %s', async (name, more) => {
    await send(2, back);
    expect(await send(2, { ...back, ...more })).toEqual([name]);
  });

  it('is made once, also after a start', async () => {
    expect(await send(2, back, { ...inFull, id: 101n })).toEqual(['ok', 'originalTransferAlreadyReverted']);
    desk = new Desk(memoryPartition({}, memory.journal).partition);
    expect(await send(1, { ...back, id: 102n })).toEqual(['originalTransferAlreadyReverted']);
    expect(await send(1, { ...back, id: 103n, pendingId: 100n })).toEqual(['originalTransferNotPosted']);
  });

  it('that a failed chain took back can be made afterwards', async () => {
    const none = { id: 111n, debitAccountId: 4n, creditAccountId: 99n, amount: 1n, ledger: 156, code: 1 };
    const chain = [{ ...back, id: 109n, flags: revert | linked }, none];
    expect(await send(2, ...chain)).toEqual(['linkedEventFailed', 'creditAccountNotFound']);
    // The same message finds nothing of it either.
    const second = [
      { ...back, id: 112n, flags: revert | linked },
      { ...none, id: 113n },
    ];
    expect(await send(2, ...second, { ...back, id: 114n }, { ...back, id: 115n })).toEqual([
      'linkedEventFailed',
      'creditAccountNotFound',
      'ok',
      'originalTransferAlreadyReverted',
    ]);
    expect(await desk.balances(3n)).toEqual([0, 30, 0, 30]);
    expect(replayed(memory).ledger.accounts.creditsPosted).toEqual(memory.state.ledger.accounts.creditsPosted);
  });

  it('goes into a chain, once', async () => {
    const plain = { id: 111n, debitAccountId: 4n, creditAccountId: 2n, amount: 1n, ledger: 156, code: 1 };
    const chain = [{ ...back, flags: revert | linked }, plain];
    expect(await send(2, ...chain)).toEqual(['ok', 'ok']);
    expect(await send(2, { ...back, id: 120n, flags: revert | linked }, { ...plain, id: 121n })).toEqual([
      'originalTransferAlreadyReverted',
      'linkedEventFailed',
    ]);
    const twice = [
      { ...original, id: 2n },
      { ...back, id: 130n, pendingId: 2n, flags: revert | linked },
    ];
    expect(await send(1, ...twice, { ...back, id: 131n, pendingId: 2n })).toEqual([
      'ok',
      'linkedEventFailed',
      'originalTransferAlreadyReverted',
    ]);
  });

  it('gives back what a post or a balancing transfer really moved', async () => {
    await send(3, { ...original, id: 2n, amount: 50n, flags: pending });
    await send(3, { id: 5n, pendingId: 2n, debitAccountId: 3n, amount: 20n, flags: postPending | keepRemainder });
    expect(await send(2, { ...back, pendingId: 2n })).toEqual(['originalTransferNotPosted']);
    expect(await send(2, { ...back, id: 101n, pendingId: 5n })).toEqual(['ok']);
    expect(await desk.balances(3n)).toEqual([30, 50, 0, 20]);
    const all = { debitAccountId: 4n, creditAccountId: 2n, amount: 1000n, ledger: 156, code: 1, flags: balancingDebit };
    expect(await send(2, { ...all, id: 6n }, { ...back, id: 102n, pendingId: 6n })).toEqual(['ok', 'ok']);
    expect(await desk.balances(2n)).toEqual([0, 30, 0, 30]);
  });

  it('is for the owner of the account that it debits, and for the operator', async () => {
    expect(await send(3, back)).toEqual(['debitAccountForbidden']);
    expect(await send(3, { ...inFull, id: 101n })).toEqual(['debitAccountForbidden']);
    expect(await send(1, { ...back, id: 102n })).toEqual(['ok']);
  });
});

describe('the ladder of a revert', () => {
  it.each<readonly [ResultName, RawTransfer]>([
    ['flagsAreMutuallyExclusive', { flags: revert | pending, pendingId: 0n }],
    ['flagsAreMutuallyExclusive', { flags: revert | postPending, pendingId: 0n }],
    ['flagsAreMutuallyExclusive', { flags: revert | voidPending, pendingId: 0n }],
    ['flagsAreMutuallyExclusive', { flags: revert | balancingDebit, pendingId: 0n }],
    ['idReserved', { debitAccountId: ENGINE, pendingId: 0n }],
    ['idReserved', { creditAccountId: ENGINE, pendingId: 0n }],
    ['accountsMustBeDifferent', { debitAccountId: 4n, creditAccountId: 4n, pendingId: 0n }],
    ['pendingIdMustNotBeZero', { pendingId: 0n, timeoutS: 1 }],
    ['idReserved', { pendingId: ENGINE, timeoutS: 1 }],
    ['pendingIdMustBeDifferent', { pendingId: 100n, timeoutS: 1 }],
    ['timeoutReservedForPendingTransfer', { timeoutS: 1, amount: 2n ** 63n }],
    ['amountOutOfRange', { amount: 2n ** 63n, debitAccountId: 98n }],
    ['debitAccountNotFound', { debitAccountId: 98n, pendingId: 97n }],
    ['debitAccountForbidden', { debitAccountId: 3n, pendingId: 97n }],
    ['originalTransferNotFound', { pendingId: 97n, debitAccountId: 2n }],
    ['originalTransferHasDifferentDebitAccountId', { debitAccountId: 2n, creditAccountId: 6n }],
    ['originalTransferHasDifferentCreditAccountId', { creditAccountId: 6n, ledger: 840 }],
    ['originalTransferHasDifferentLedger', { ledger: 840, code: 6 }],
    ['originalTransferHasDifferentCode', { code: 6, amount: 31n }],
    ['originalTransferHasDifferentAmount', { amount: 29n }],
  ])('%s %#', async (name, broken) => {
    expect(await send(2, { ...back, ...broken })).toEqual([name]);
  });

  it('names different content before it says that it was done', async () => {
    await send(2, back);
    expect(await send(2, { ...back, id: 101n, amount: 29n })).toEqual(['originalTransferHasDifferentAmount']);
    expect(await send(2, { ...back, id: 102n, amount: 30n })).toEqual(['originalTransferAlreadyReverted']);
  });

  it('asks for states and limits last', async () => {
    const change = { id: 1n, accountId: 3n, fields: AccountChangeFields.state, state: AccountStates.frozen };
    expect(await desk.changes(1, change)).toEqual(['ok']);
    expect(await send(2, back)).toEqual(['creditAccountFrozen']);
    expect(await desk.changes(1, { ...change, id: 2n, state: AccountStates.open })).toEqual(['ok']);
    // A refused revert is not one: the next is the first.
    expect(await send(2, back, { ...back, id: 101n })).toEqual(['creditAccountFrozen', 'ok']);
    const spent = { id: 7n, debitAccountId: 4n, creditAccountId: 2n, amount: 5n, ledger: 156, code: 1 };
    expect(await send(2, spent, { ...spent, id: 8n, debitAccountId: 2n, creditAccountId: 4n })).toEqual(['ok', 'ok']);
    expect(await send(2, { ...back, id: 102n, pendingId: 7n })).toEqual(['exceedsCredits']);
  });

  it('knows refused and unfinished transfers for what they are', async () => {
    expect(await send(2, { ...original, id: 9n, amount: 1n })).toEqual(['debitAccountForbidden']);
    expect(await send(2, { ...back, pendingId: 9n })).toEqual(['originalTransferNotPosted']);
  });
});

describe('between partitions', () => {
  it('may be a member of a chain that crosses, once', async () => {
    const bank = new Bank(2);
    const ids = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n];
    await bank.accounts(1, ...ids.map((id) => ({ id, ledger: 156, code: 1 })));
    const [a = 0n, b = 0n] = ids.filter((id) => bank.homeOf(id) === 0);
    const [c = 0n] = ids.filter((id) => bank.homeOf(id) === 1);
    const move = { ledger: 156, code: 1, amount: 10n };
    expect(await bank.transfers(1, { ...move, id: 10n, debitAccountId: a, creditAccountId: b })).toEqual(['ok']);
    const chain = [
      { ...move, id: 12n, debitAccountId: a, creditAccountId: c, flags: linked },
      { ...back, id: 21n, pendingId: 10n, debitAccountId: b, creditAccountId: a },
    ];
    const answers = bank.transfers(1, ...chain);
    const second = bank.transfers(1, { ...back, id: 24n, pendingId: 10n, debitAccountId: b });
    expect(await answers).toEqual(['ok', 'ok']);
    expect(await second).toEqual(['originalTransferAlreadyReverted']);
    // Also when it is the revert that crosses, and never twice.
    expect(await bank.transfers(1, { ...move, id: 11n, debitAccountId: a, creditAccountId: c })).toEqual(['ok']);
    const alone = { ...back, id: 20n, pendingId: 11n };
    expect(
      await bank.transfers(1, { ...alone, flags: revert | linked, debitAccountId: c }, { ...alone, id: 23n }),
    ).toEqual(['linkedEventFailed', 'originalTransferAlreadyReverted']);
    const mixed = [
      { ...alone, id: 26n, flags: revert | linked, debitAccountId: c },
      { ...move, id: 27n, debitAccountId: c, creditAccountId: a },
    ];
    expect(await bank.transfers(1, ...mixed)).toEqual(['ok', 'ok']);
    expect(await bank.transfers(1, { ...alone, id: 28n, debitAccountId: c })).toEqual([
      'originalTransferAlreadyReverted',
    ]);
    await bank.rest();
    expect(await bank.balances(b)).toEqual([0, 10, 0, 10]);
  });
});
