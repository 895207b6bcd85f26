/** History of another system, with its own times. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { nameOf } from '../../support/cast.ts';
import { accountsRequest, Desk, type RawAccount, type RawTransfer, reply, START } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, balancingDebit, balancingCredit, revert, imported } = TransferFlags;
const DAY = 86_400_000_000;
/** When the accounts were opened, in the other system. */
const OPENED = START - 100 * DAY;
const cny = { ledger: 156, code: 1 };
const account = { ...cny, flags: AccountFlags.imported, timestamp: BigInt(OPENED) };
const transfer = { id: 1n, debitAccountId: 2n, creditAccountId: 4n, amount: 10n, ...cny, flags: imported };

let memory: MemoryPartition;
let desk: Desk;

/** Day of the imported past. */
function day(number: number): bigint {
  return BigInt(OPENED + number * DAY);
}

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  expect(await open(2, { id: 2n, ...account }, { id: 4n, ...account })).toEqual(['ok', 'ok']);
  expect(await open(3, { id: 3n, ...account })).toEqual(['ok']);
});

async function open(institution: number, ...items: RawAccount[]): Promise<string[]> {
  return reply.accounts(await desk.one(accountsRequest(institution, items))).map(({ name }) => name);
}

async function send(institution: number, ...items: RawTransfer[]): Promise<string[]> {
  return (await desk.transfers(institution, ...items)).map(nameOf);
}

describe('an imported transfer', () => {
  it('is kept and answered with its own time', async () => {
    const items = [{ ...transfer, timestamp: day(1) }];
    expect(await desk.results(2, items)).toMatchObject([{ name: 'ok', replayed: false, timestamp: day(1) }]);
    expect(await desk.results(2, items)).toMatchObject([{ name: 'ok', replayed: true, timestamp: day(1) }]);
    const [found] = await desk.lookupTransfers(2, 1n);
    expect(found?.entry?.transfer).toMatchObject({ timestamp: day(1), flags: imported });
  });

  it.each<readonly [ResultName, RawTransfer]>([
    ['importedEventTimestampOutOfRange', { timestamp: 0n }],
    ['importedEventTimestampOutOfRange', { timestamp: 2n ** 53n }],
    ['importedEventTimestampMustNotAdvance', { timestamp: BigInt(START) + 1n }],
    ['importedEventTimestampMustNotRegress', { timestamp: BigInt(OPENED) - 1n }],
    ['importedEventTimeoutMustBeZero', { flags: imported | pending, timeoutS: 1 }],
    ['flagsAreMutuallyExclusive', { flags: imported | balancingDebit }],
    ['flagsAreMutuallyExclusive', { flags: imported | balancingCredit }],
    ['flagsAreMutuallyExclusive', { flags: imported | revert, pendingId: 9n }],
    ['timestampMustBeZero', { flags: 0 }],
    ['accountForbidden', { creditAccountId: 3n }],
    ['debitAccountForbidden', { debitAccountId: 3n }],
    ['ok', { timestamp: BigInt(OPENED) }],
    ['ok', { timestamp: BigInt(START) }],
  ])('is answered %s for %o', async (name, more) => {
    expect(await send(2, { ...transfer, timestamp: day(1), ...more })).toEqual([name]);
  });

  it('does not go before the newest entry of either account', async () => {
    expect(await send(2, { ...transfer, timestamp: day(5) })).toEqual(['ok']);
    expect(await open(2, { id: 7n, ...account })).toEqual(['ok']);
    const early = { ...transfer, timestamp: day(5) - 1n };
    expect(await send(2, { ...early, id: 2n, debitAccountId: 7n })).toEqual(['importedEventTimestampMustNotRegress']);
    expect(await send(2, { ...early, id: 3n, creditAccountId: 7n })).toEqual(['importedEventTimestampMustNotRegress']);
    expect(await send(2, { ...early, id: 4n, timestamp: day(5) })).toEqual(['ok']);
    // An entry that was not imported is as new as its batch.
    expect(await send(2, { ...transfer, id: 5n, flags: 0 })).toEqual(['ok']);
    desk.now += DAY;
    expect(await send(2, { ...early, id: 6n, timestamp: BigInt(START - 1) })).toEqual([
      'importedEventTimestampMustNotRegress',
    ]);
    expect(await send(2, { ...early, id: 7n, timestamp: BigInt(START) })).toEqual(['ok']);
  });

  it('does not mix with others in one message', async () => {
    const plain = { ...transfer, flags: 0, timestamp: 0n };
    const old = { ...transfer, timestamp: day(1) };
    expect(await send(2, old, { ...plain, id: 2n })).toEqual(['ok', 'importedEventExpected']);
    expect(await send(2, { ...plain, id: 3n }, { ...old, id: 4n })).toEqual(['ok', 'importedEventNotExpected']);
  });

  it('with another time is another transfer', async () => {
    expect(await send(2, { ...transfer, timestamp: day(1) })).toEqual(['ok']);
    expect(await send(2, { ...transfer, timestamp: day(2) })).toEqual(['existsWithDifferentTimestamp']);
    expect(await send(2, { ...transfer, flags: 0, timestamp: 0n })).toEqual(['existsWithDifferentFlags']);
  });

  it('that was refused keeps its time, too', async () => {
    const early = { ...transfer, timestamp: BigInt(OPENED) - 1n };
    const [first] = await desk.results(2, [early]);
    const [again] = await desk.results(2, [early]);
    expect(again).toEqual({ ...first, replayed: true });
    expect(await send(2, { ...early, timestamp: day(1) })).toEqual(['existsWithDifferentTimestamp']);
  });

  it('is held, posted and voided at its own times', async () => {
    const hold = { ...transfer, flags: imported | pending, timestamp: day(1) };
    const end = { debitAccountId: 2n, timestamp: day(2), code: 1, ledger: 156 };
    expect(await send(2, hold, { ...hold, id: 2n })).toEqual(['ok', 'ok']);
    expect(
      await send(
        2,
        { ...end, id: 3n, pendingId: 1n, amount: 4n, flags: imported | postPending, timestamp: day(1) - 1n },
        { ...end, id: 4n, pendingId: 1n, amount: 4n, flags: imported | postPending },
        { ...end, id: 5n, pendingId: 2n, flags: imported | voidPending },
      ),
    ).toEqual(['importedEventTimestampMustNotRegress', 'ok', 'ok']);
    expect(await desk.balances(2n)).toEqual([0, 4, 0, 0]);
  });

  it('goes into a chain, whose times rise or all of it fails', async () => {
    const first = { ...transfer, flags: imported | linked, timestamp: day(2) };
    const second = { ...transfer, id: 2n, timestamp: day(1) };
    expect(await send(2, first, second)).toEqual(['linkedEventFailed', 'importedEventTimestampMustNotRegress']);
    const chain = [
      { ...first, id: 3n },
      { ...second, id: 4n, timestamp: day(3) },
    ];
    expect(await desk.results(2, chain)).toMatchObject([
      { name: 'ok', timestamp: day(2) },
      { name: 'ok', timestamp: day(3) },
    ]);
  });

  it('is what reading by time finds, also after a start', async () => {
    const items = Array.from({ length: 200 }, (_, index) => ({
      ...transfer,
      id: BigInt(index + 1),
      amount: 1n,
      timestamp: day(0) + BigInt(index) * 3_600_000_000n,
    }));
    expect(new Set(await send(2, ...items))).toEqual(new Set(['ok']));
    expect(await send(2, { ...transfer, id: 900n, flags: 0 })).toEqual(['ok']);
    const check = async (): Promise<void> => {
      expect(await desk.balancesAt(2, { accountId: 2n, at: day(1) })).toMatchObject({ balance: -25n });
      expect(await desk.balancesAt(2, { accountId: 4n, at: day(5) })).toMatchObject({ balance: 121n });
      expect(await desk.balancesAt(2, { accountId: 2n })).toMatchObject({ balance: -210n });
      const { entries } = await desk.queryHistory(2, { accountId: 2n, from: day(1), to: day(2), limit: 100 });
      expect(entries).toHaveLength(24);
      expect(entries.every(({ transfer: { timestamp } }) => timestamp >= day(1) && timestamp < day(2))).toBe(true);
      const [again] = await desk.results(2, [items[7] as RawTransfer]);
      expect(again).toMatchObject({ name: 'ok', replayed: true, timestamp: items[7]?.timestamp });
    };
    await check();
    expect(replayed(memory).ledger.accounts.debitsPosted).toEqual(memory.state.ledger.accounts.debitsPosted);
    desk = new Desk(memoryPartition({}, memory.journal).partition);
    await check();
    expect(await send(2, { ...transfer, id: 901n, timestamp: day(1) })).toEqual([
      'importedEventTimestampMustNotRegress',
    ]);
  });

  it('does not go before the leg of a payment', async () => {
    const payment = { id: 50n, payerAccountId: 2n, payeeAccountId: 4n, amount: 5n, ledger: 156 };
    expect((await desk.pay(2, 'sale', { ...payment, code: 1 })).name).toBe('ok');
    desk.now += DAY;
    expect(
      await send(2, { ...transfer, timestamp: BigInt(START - 1) }, { ...transfer, id: 2n, timestamp: BigInt(START) }),
    ).toEqual(['importedEventTimestampMustNotRegress', 'ok']);
  });
});

describe('between partitions', () => {
  it('chains and the ends of holds are not imported', async () => {
    const bank = new Bank(2);
    const ids = [1n, 2n, 3n, 4n, 5n, 6n, 7n, 8n];
    await bank.accounts(1, ...ids.map((id) => ({ id, ...cny })));
    const [a = 0n, b = 0n] = ids.filter((id) => bank.homeOf(id) === 0);
    const [c = 0n] = ids.filter((id) => bank.homeOf(id) === 1);
    const old = { ...cny, amount: 10n, flags: imported, timestamp: BigInt(START) };
    const chain = [
      { ...old, id: 11n, debitAccountId: a, creditAccountId: b, flags: imported | linked },
      { ...old, id: 12n, debitAccountId: a, creditAccountId: c },
    ];
    expect(await bank.transfers(1, ...chain)).toEqual(['linkedEventFailed', 'crossesPartitions']);
    const hold = { ...cny, id: 13n, amount: 10n, debitAccountId: a, creditAccountId: c, flags: pending };
    expect(await bank.transfers(1, hold)).toEqual(['ok']);
    const post = { ...old, id: 14n, debitAccountId: a, pendingId: 13n, flags: imported | postPending };
    expect(await bank.transfers(1, post)).toEqual(['crossesPartitions']);
  });
});

describe('an imported account', () => {
  it.each<readonly [ResultName, RawAccount]>([
    ['importedEventTimestampOutOfRange', { id: 9n, ...account, timestamp: 0n }],
    ['importedEventTimestampOutOfRange', { id: 9n, ...account, timestamp: 2n ** 60n }],
    ['importedEventTimestampMustNotAdvance', { id: 9n, ...account, timestamp: BigInt(START) + 1n }],
    ['timestampMustBeZero', { id: 9n, ...account, flags: 0 }],
    ['existsWithDifferentTimestamp', { id: 2n, ...account, timestamp: day(1) }],
    ['ok', { id: 2n, ...account }],
  ])('is answered %s for %o', async (name, item) => {
    expect(await open(2, item)).toEqual([name]);
  });

  it('does not mix with others, and keeps its time', async () => {
    expect(await open(2, { id: 8n, ...account }, { id: 9n, ...cny })).toEqual(['ok', 'importedEventExpected']);
    expect(await open(2, { id: 9n, ...cny }, { id: 10n, ...account })).toEqual(['ok', 'importedEventNotExpected']);
    const [found] = await desk.lookupAccounts(2, 8n);
    expect(found?.account).toMatchObject({ timestamp: BigInt(OPENED), flags: AccountFlags.imported });
  });
});
