/** A chain succeeds or fails as one, and leaves nothing behind when it fails. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawTransfer, SECOND } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, keepRemainder } = TransferFlags;
const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 10n, ledger: 156, code: 1 };

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition({ holdsMax: 4 });
  desk = new Desk(memory.partition);
  await cast(desk);
});

async function send(...items: RawTransfer[]): Promise<string[]> {
  return (await desk.transfers(2, ...items)).map(nameOf);
}

function chained(...items: RawTransfer[]): RawTransfer[] {
  return items.map((item, index) => ({
    ...plain,
    ...item,
    flags: (item.flags ?? 0) | (index < items.length - 1 ? linked : 0),
  }));
}

/** Everything but the history heads, which the refused events do not move either. */
function money(): Record<string, string> {
  const all = takeSnapshot(memory.state);
  return Object.fromEntries(Object.entries(all).map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
}

const failed = 'linkedEventFailed';

describe('a chain', () => {
  it('moves everything', async () => {
    expect(await send(...chained({ id: 1n }, { id: 2n, amount: 5n }, { id: 3n, amount: 1n }))).toEqual([
      'ok',
      'ok',
      'ok',
    ]);
    expect(await desk.balances(4n)).toEqual([0, 16, 0, 0]);
  });

  it.each([0, 1, 2])('that fails at member %i moves nothing, and all of it is remembered', async (culprit) => {
    const before = money();
    const items = chained({ id: 1n }, { id: 2n, flags: pending, timeoutS: 1 }, { id: 3n });
    items[culprit] = { ...items[culprit], creditAccountId: 99n };
    const expected = [failed, failed, failed];
    expected[culprit] = 'creditAccountNotFound';
    expect(await send(...items)).toEqual(expected);
    expect(money()).toEqual(before);
    const again = await desk.results(2, items);
    expect(again.map(({ name, replayed: twice }) => [name, twice])).toEqual(expected.map((name) => [name, true]));
    expect(await send({ ...plain, id: 1n })).toEqual([
      culprit === 0 ? 'existsWithDifferentFlags' : 'existsWithDifferentFlags',
    ]);
  });

  it('that succeeded answers the same again, and one member alone does too', async () => {
    const items = chained({ id: 1n }, { id: 2n });
    const first = await desk.results(2, items);
    desk.now += SECOND;
    expect(await desk.results(2, items)).toEqual(first.map((result) => ({ ...result, replayed: true })));
    expect(await desk.results(2, items.slice(1))).toEqual([{ ...first[1], replayed: true }]);
    expect(await desk.balances(4n)).toEqual([0, 20, 0, 0]);
  });

  it('stops before a malformed member, and then nothing is remembered', async () => {
    expect(await send(...chained({ id: 1n }, { id: 2n, amount: 0n }, { id: 3n }))).toEqual([
      failed,
      'amountMustNotBeZero',
      failed,
    ]);
    expect(await send(...chained({ id: 1n }, { id: 2n }, { id: 3n }))).toEqual(['ok', 'ok', 'ok']);
  });

  it('left open at the end of the message is refused, and others of the message are not', async () => {
    const open = { ...plain, flags: linked };
    expect(await send({ ...plain, id: 1n }, { ...open, id: 2n })).toEqual(['ok', 'linkedEventChainOpen']);
    expect(await send({ ...open, id: 3n }, { ...open, id: 4n })).toEqual([failed, 'linkedEventChainOpen']);
    expect(await send({ ...open, id: 3n, amount: 0n }, { ...open, id: 4n })).toEqual(['amountMustNotBeZero', failed]);
    expect(await send({ ...plain, id: 2n }, { ...plain, id: 3n }, { ...plain, id: 4n })).toEqual(['ok', 'ok', 'ok']);
  });

  it('with a member that was decided apart fails, the new ones are remembered as failed', async () => {
    await send({ ...plain, id: 2n });
    const items = chained({ id: 1n }, { id: 2n });
    expect(await send(...items)).toEqual([failed, 'existsOutsideChain']);
    expect(await send(...chained({ id: 5n }, { id: 2n, amount: 11n }))).toEqual([failed, 'existsWithDifferentAmount']);
    expect(
      (
        await desk.results(
          2,
          items.slice(0, 1).map((item) => ({ ...item, flags: 0 })),
        )
      )[0]?.name,
    ).toBe('existsWithDifferentFlags');
    expect(await desk.balances(4n)).toEqual([0, 10, 0, 0]);
  });

  it("with another institution's id fails without telling of it", async () => {
    await desk.transfers(3, { ...plain, id: 2n, debitAccountId: 3n, creditAccountId: 4n });
    expect(await send(...chained({ id: 1n }, { id: 2n }))).toEqual([failed, 'existsWithDifferentOwner']);
  });

  it('with one id twice fails', async () => {
    expect(await send(...chained({ id: 1n, userData32: 1 }, { id: 9n }, { id: 1n, userData32: 2 }))).toEqual([
      failed,
      failed,
      'existsWithDifferentFlags',
    ]);
    expect(await send(...chained({ id: 2n }, { id: 2n }, { id: 10n }))).toEqual([failed, 'existsOutsideChain', failed]);
    expect(await desk.balances(4n)).toEqual([0, 0, 0, 0]);
    expect((await desk.lookupTransfers(2, 2n, 10n)).map(({ entry }) => entry?.name)).toEqual([failed, failed]);
  });

  it('with one new id twice after the culprit remembers the first', async () => {
    const items = chained({ id: 1n, creditAccountId: 99n }, { id: 2n, amount: 3n }, { id: 2n, amount: 4n }, { id: 3n });
    expect(await send(...items)).toEqual(['creditAccountNotFound', failed, failed, failed]);
    expect((await desk.lookupTransfers(2, 2n))[0]?.entry?.transfer.amount).toBe(3n);
  });

  it('may hold, post and void in one go', async () => {
    const hold = { flags: pending, amount: 100n, timeoutS: 9 };
    const names = await send(
      ...chained(
        { id: 1n, ...hold },
        { id: 2n, flags: postPending | keepRemainder, pendingId: 1n, amount: 30n },
        { id: 3n, ...hold },
        { id: 4n, flags: voidPending, pendingId: 3n, amount: 0n },
        { id: 5n, flags: postPending, pendingId: 1n, amount: 0n },
        { id: 6n, ...hold },
      ),
    );
    expect(names).toEqual(['ok', 'ok', 'ok', 'ok', 'ok', 'ok']);
    expect(await desk.balances(4n)).toEqual([100, 100, 0, 0]);
    await desk.pass(9);
    expect(await desk.balances(4n)).toEqual([0, 100, 0, 0]);
  });

  it('gives back every hold that it ended, made or used in part, as it was', async () => {
    const hold = { ...plain, flags: pending, amount: 100n };
    await send({ ...hold, id: 51n, timeoutS: 7 }, { ...hold, id: 52n }, { ...hold, id: 53n });
    const before = money();
    const post = { flags: postPending | keepRemainder, amount: 10n };
    const names = await send(
      ...chained(
        { id: 1n, flags: postPending, pendingId: 51n, amount: 1n },
        { id: 2n, ...hold, timeoutS: 1 },
        { id: 3n, ...post, pendingId: 52n },
        { id: 4n, flags: voidPending, pendingId: 2n, amount: 0n },
        { id: 5n, ...post, pendingId: 52n },
        { id: 6n, flags: voidPending, pendingId: 52n, amount: 0n },
        { id: 7n, flags: voidPending, pendingId: 53n, amount: 0n },
        { id: 8n, debitAccountId: 2n },
      ),
    );
    expect(names.at(-1)).toBe('exceedsCredits');
    expect(money()).toEqual(before);
    expect(await send({ ...plain, id: 9n, flags: postPending, pendingId: 52n, amount: 100n })).toEqual(['ok']);
    expect(await send({ ...plain, id: 10n, flags: postPending, pendingId: 2n, amount: 1n })).toEqual([
      'pendingTransferNotFound',
    ]);
    await desk.pass(7);
    expect(await desk.balances(4n)).toEqual([100, 100, 0, 0]);
  });

  it('that needs more holds than there is room for is refused as a whole and may come again', async () => {
    const hold = { flags: pending, timeoutS: 2 };
    const items = chained({ id: 1n, ...hold }, { id: 2n, ...hold }, { id: 3n, ...hold });
    await send({ ...plain, ...hold, id: 8n }, { ...plain, ...hold, id: 9n });
    expect(await send(...items)).toEqual(['pendingTableFull', failed, failed]);
    await desk.pass(2);
    expect(await send(...items)).toEqual(['ok', 'ok', 'ok']);
  });

  it('sees the money that its own earlier members moved', async () => {
    const there = { debitAccountId: 4n, creditAccountId: 2n };
    const back = { debitAccountId: 2n, creditAccountId: 4n };
    expect(await send(...chained({ id: 1n, ...there }, { id: 2n, ...back }))).toEqual(['ok', 'ok']);
    expect(await send(...chained({ id: 3n, ...back }, { id: 4n, ...there }))).toEqual(['exceedsCredits', failed]);
  });

  it('is replayed from the journal like it was decided', async () => {
    await send(...chained({ id: 1n, flags: pending, timeoutS: 3 }, { id: 2n, flags: postPending, pendingId: 1n }));
    await send(...chained({ id: 3n, flags: pending }, { id: 4n, creditAccountId: 99n }));
    const live = takeSnapshot(memory.state);
    const again = takeSnapshot(replayed(memory));
    expect(again.holds).toEqual(live.holds);
    expect(again['accounts.debitsPosted']).toEqual(live['accounts.debitsPosted']);
    expect(again['accounts.headLsn']).toEqual(live['accounts.headLsn']);
  });
});
