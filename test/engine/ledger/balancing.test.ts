/** Balancing transfers: as much as there is, as much as is owed, and the same answer when asked again. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawTransfer } from '../../support/desk.ts';

const { linked, pending, postPending, balancingDebit, balancingCredit } = TransferFlags;
const limited = { ledger: 156, code: 1, flags: AccountFlags.debitsMustNotExceedCredits };
/** From account 20, that has 30 and a credit limit of 20, to account 21, that owes 40. */
const sweep = { id: 100n, debitAccountId: 20n, creditAccountId: 21n, amount: 1000n, ledger: 156, code: 1 };
const feed = { ...sweep, debitAccountId: 4n };

let desk: Desk;

beforeEach(async () => {
  desk = new Desk();
  await cast(desk);
  await desk.accounts(2, { id: 20n, ...limited, creditLimit: 20n }, { id: 21n, ...limited, flags: 0 });
  await send(
    { ...feed, id: 1n, creditAccountId: 20n, amount: 30n },
    { ...sweep, id: 2n, debitAccountId: 21n, creditAccountId: 3n, amount: 40n },
  );
});

async function send(...items: RawTransfer[]): Promise<string[]> {
  return (await desk.transfers(2, ...items)).map(nameOf);
}

describe('balancing transfers', () => {
  it.each([
    ['what the debit account has', balancingDebit, 1000n, 50],
    ['what the credit account owes', balancingCredit, 45n, 40],
    ['the less of both', balancingDebit | balancingCredit, 1000n, 40],
    ['the amount, when there is more', balancingDebit | balancingCredit, 7n, 7],
  ])('moves %s', async (_, flags, amount, moved) => {
    expect(await send({ ...sweep, flags, amount })).toEqual(['ok']);
    expect(await desk.balances(20n)).toEqual([0, moved, 0, 30]);
    expect(await desk.balances(21n)).toEqual([0, 40, 0, moved]);
    const { entries } = await desk.history(2, { accountId: 20n });
    expect(entries[0]?.transfer).toMatchObject({ amount: BigInt(moved), flags });
  });

  it('holds what there is, and counts what is held', async () => {
    expect(
      await send(
        { ...sweep, flags: pending | balancingDebit, amount: 45n },
        { ...sweep, id: 101n, flags: balancingDebit },
        { ...sweep, id: 102n, flags: balancingDebit },
        { ...sweep, id: 103n, pendingId: 100n, amount: 0n, flags: postPending },
      ),
    ).toEqual(['ok', 'ok', 'exceedsCredits', 'ok']);
    expect(await desk.balances(20n)).toEqual([0, 50, 0, 30]);
  });

  it('is refused when nothing is owed, after the debit side', async () => {
    await send({ ...feed, id: 3n, amount: 40n });
    expect(await send({ ...sweep, flags: balancingDebit | balancingCredit })).toEqual(['exceedsDebits']);
    await send({ ...sweep, id: 4n, creditAccountId: 3n, amount: 50n });
    expect(await send({ ...sweep, id: 101n, flags: balancingDebit | balancingCredit })).toEqual(['exceedsCredits']);
  });

  it('answers the same when asked again, and compares with what was asked', async () => {
    const first = { ...sweep, flags: balancingDebit };
    await send(first);
    await send({ ...feed, id: 5n, creditAccountId: 20n, amount: 5n });
    expect(await send(first, { ...first, amount: 50n })).toEqual(['ok', 'existsWithDifferentAmount']);
    expect(await desk.balances(20n)).toEqual([0, 50, 0, 35]);
  });

  it('a refused one compares with what was asked as well', async () => {
    const first = { ...sweep, debitAccountId: 21n, creditAccountId: 20n, flags: balancingDebit };
    expect(await send(first, first, { ...first, amount: 50n })).toEqual([
      'exceedsCredits',
      'exceedsCredits',
      'existsWithDifferentAmount',
    ]);
  });

  it('sees what its chain has moved, and is undone with it', async () => {
    const chain = [
      { ...sweep, amount: 10n, flags: linked },
      { ...sweep, id: 101n, flags: linked | balancingDebit },
    ];
    expect(await send(...chain, { ...sweep, id: 102n, amount: 1n })).toEqual([
      'linkedEventFailed',
      'linkedEventFailed',
      'exceedsCredits',
    ]);
    expect(await desk.balances(20n)).toEqual([0, 0, 0, 30]);
  });
});
