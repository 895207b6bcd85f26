/** Histories by filter, balances at a time, trial balances and aggregates: results in their order, bounds, and the index. */
import { beforeEach, describe, expect, it } from 'vitest';
import { HISTORY_STRIDE } from '../../../engine/ledger/histories.ts';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import { decodeQueryHistory } from '../../../protocol/codecs/reading-codec.ts';
import { HISTORY_FILTER } from '../../../protocol/reading-records.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import { cast } from '../../support/cast.ts';
import { Desk, type RawTransfer, records, SECOND, START } from '../../support/desk.ts';
import { type MapIndex, type MemoryPartition, memoryPartition } from '../../support/memory-partition.ts';
import { openStored, storedOptions, writeCheckpoint } from '../../support/stored-partition.ts';
import { temporaryFolder } from '../journal/support.ts';

const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 1n, ledger: 156, code: 1 };
const T = BigInt(START);

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
});

async function fill(count: number, firstId = 1000n, to = desk): Promise<void> {
  const items = Array.from({ length: count }, (_, index) => ({ ...plain, id: firstId + BigInt(index) }));
  for (let at = 0; at < count; at += 60) {
    expect(await to.transfers(2, ...items.slice(at, at + 60))).toEqual(items.slice(at, at + 60).map(() => 0));
    to.now += SECOND;
  }
}

describe('results, in their order', () => {
  it.each([
    ['accountNotFound', { accountId: 99n, limit: 0 }],
    ['accountForbidden', { accountId: 3n, limit: 0 }],
    ['limitOutOfRange', { accountId: 4n, limit: 0, from: 2n, to: 1n }],
    ['limitOutOfRange', { accountId: 4n, limit: 1001 }],
    ['timeRangeEmpty', { accountId: 4n, from: 2n, to: 1n, cursor: 9n }],
    ['timeRangeEmpty', { accountId: 4n, from: 2n, to: 2n }],
    ['cursorInvalid', { accountId: 4n, cursor: 2n }],
    ['cursorInvalid', { accountId: 4n, cursor: 2n ** 64n - 1n }],
    ['ok', { accountId: 4n, cursor: 1n }],
  ] as const)('%s for %o', async (name, query) => {
    await fill(1);
    expect(await desk.queryHistory(2, query)).toMatchObject({ name });
    expect(await desk.aggregate(2, query)).toMatchObject({ name });
  });

  it.each([
    ['flagsReserved', { flags: 8, limit: 0, reservedA: 1n }],
    ['reservedField', { reservedA: 1n, limit: 0 }],
    ['reservedField', { reserved32: 1 }],
    ['reservedField', { reservedD: 1n << 63n }],
  ])('%s for %o', async (name, fields) => {
    const frame = await desk.one(records(2, 'queryHistory', HISTORY_FILTER, [{ accountId: 4n, limit: 1, ...fields }]));
    expect(decodeQueryHistory(openReply(frame))).toMatchObject({ name, entries: [], nextCursor: 0n });
  });

  it('debits and credits together are all', async () => {
    await fill(1);
    const frame = await desk.one(records(2, 'queryHistory', HISTORY_FILTER, [{ accountId: 4n, limit: 1, flags: 3 }]));
    expect(decodeQueryHistory(openReply(frame)).entries).toHaveLength(1);
  });

  it('balances and trial balances', async () => {
    expect(await desk.balancesAt(2, { accountId: 99n })).toMatchObject({ name: 'accountNotFound', ledger: 0 });
    expect(await desk.balancesAt(2, { accountId: 3n })).toMatchObject({ name: 'accountForbidden', ledger: 0 });
    expect(await desk.trialBalance(2, { limit: 0 })).toMatchObject({ name: 'limitOutOfRange' });
    expect(await desk.trialBalance(2, { limit: 1001 })).toMatchObject({ name: 'limitOutOfRange' });
    expect(await desk.trialBalance(2, { cursor: 2n ** 64n - 1n })).toMatchObject({ name: 'ok', ledgers: [] });
  });

  it('hides the balance of an account of somebody else', async () => {
    await fill(1);
    const [entry] = (await desk.queryHistory(2, { accountId: 4n })).entries;
    expect(entry).toMatchObject({ debitBalanceAfter: -1n, creditBalanceAfter: 0n });
    expect((await desk.balancesAt(2, { accountId: 4n })).entry).toMatchObject({ creditBalanceAfter: 0n });
    expect((await desk.balancesAt(1, { accountId: 4n })).entry).toMatchObject({ creditBalanceAfter: 1n });
  });
});

describe('bounds', () => {
  it('a page of a filter that nothing matches ends after 4,096 entries, and its cursor goes on', async () => {
    for (let round = 0; round < 5; round++) await fill(1020, 1000n + BigInt(round) * 1020n);
    await desk.transfers(2, { ...plain, id: 9n, code: 2 });
    const page = await desk.queryHistory(2, { accountId: 4n, code: 2, order: 'oldestFirst' });
    expect(page).toMatchObject({ name: 'ok', entries: [], nextCursor: 4097n });
    const next = await desk.queryHistory(2, { accountId: 4n, code: 2, order: 'oldestFirst', cursor: page.nextCursor });
    expect(next.entries.map(({ transfer }) => transfer.id)).toEqual([9n]);
    expect(next.nextCursor).toBe(0n);
    const down = await desk.queryHistory(2, { accountId: 4n, code: 3 });
    expect(down).toMatchObject({ entries: [], nextCursor: 5101n - 4096n });
    const sums = await desk.aggregate(2, { accountId: 4n });
    expect(sums).toMatchObject({ nextCursor: 4097n, sums: [{ code: 1, debitCount: 4096, debits: 4096n }] });
  });

  it('a page of aggregates has no more rows than asked for', async () => {
    const items = [1, 2, 1, 3].map((code, index): RawTransfer => ({ ...plain, code, id: 100n + BigInt(index) }));
    await desk.transfers(2, ...items);
    const page = await desk.aggregate(2, { accountId: 4n, limit: 2 });
    expect(page.nextCursor).toBe(4n);
    expect(page.sums.map(({ code, debitCount }) => [code, debitCount])).toEqual([
      [1, 2],
      [2, 1],
    ]);
    const rest = await desk.aggregate(2, { accountId: 4n, limit: 2, cursor: 4n });
    expect(rest.sums.map(({ code, debitCount }) => [code, debitCount])).toEqual([[3, 1]]);
    expect(rest.nextCursor).toBe(0n);
  });

  it('counts what is posted, and not what is held or released', async () => {
    const { pending, postPending, voidPending } = TransferFlags;
    await desk.transfers(
      2,
      { ...plain, id: 1n, amount: 10n, flags: pending },
      { ...plain, id: 2n, amount: 7n, flags: pending },
    );
    await desk.transfers(2, { id: 3n, debitAccountId: 4n, pendingId: 1n, amount: 4n, flags: postPending });
    await desk.transfers(2, { id: 4n, debitAccountId: 4n, pendingId: 2n, flags: voidPending });
    const { sums } = await desk.aggregate(2, { accountId: 4n });
    const day = Number(T / 86_400_000_000n);
    expect(sums).toEqual([{ day, code: 1, debitCount: 1, creditCount: 0, debits: 4n, credits: 0n }]);
  });
});

describe('the trial balance', () => {
  it('balances for the operator, and has only their own accounts for the others', async () => {
    await fill(10);
    await desk.transfers(2, { ...plain, id: 1n, amount: 50n, flags: TransferFlags.pending });
    const whole = await desk.trialBalance(1);
    expect(whole.ledgers).toEqual([
      { ledger: 156, accounts: 5n, debitsPending: 50n, debitsPosted: 10n, creditsPending: 50n, creditsPosted: 10n },
      { ledger: 840, accounts: 1n, debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n },
    ]);
    expect((await desk.trialBalance(2)).ledgers).toEqual([
      { ledger: 156, accounts: 2n, debitsPending: 50n, debitsPosted: 10n, creditsPending: 0n, creditsPosted: 0n },
    ]);
    expect((await desk.trialBalance(7)).ledgers).toEqual([]);
  });

  it('pages over many ledgers in ascending order', async () => {
    const ledgers = Array.from({ length: 60 }, (_, index) => 1 + ((index * 37) % 60));
    await desk.accounts(5, ...ledgers.map((ledger, index) => ({ id: 100n + BigInt(index), ledger, code: 1 })));
    for (const limit of [1, 2, 7, 60, 1000]) {
      const seen: number[] = [];
      let cursor = 0n;
      do {
        const page = await desk.trialBalance(5, { cursor, limit });
        seen.push(...page.ledgers.map(({ ledger }) => ledger));
        cursor = page.nextCursor;
      } while (cursor !== 0n);
      expect(seen, `${limit}`).toEqual(ledgers.toSorted((a, b) => a - b));
    }
  });

  it('adds up beyond 2^53', async () => {
    const most = BigInt(Number.MAX_SAFE_INTEGER);
    const ids = [11n, 12n, 13n, 14n, 15n, 16n];
    await desk.accounts(1, ...ids.map((id) => ({ id, ledger: 392, code: 1 })));
    const pairs = [
      [11n, 12n],
      [13n, 14n],
      [15n, 16n],
    ] as const;
    await desk.transfers(
      1,
      ...pairs.map(([debitAccountId, creditAccountId], index) => {
        return { ...plain, id: 50n + BigInt(index), ledger: 392, debitAccountId, creditAccountId, amount: most };
      }),
    );
    const { ledgers } = await desk.trialBalance(1, { cursor: 156n, limit: 1 });
    expect(ledgers).toMatchObject([{ ledger: 392, accounts: 6n, debitsPosted: 3n * most, creditsPosted: 3n * most }]);
  });
});

describe('the index of histories', () => {
  const last = HISTORY_STRIDE - 1;

  it('keeps what a failed chain put, and overwrites it before anybody can look at it', async () => {
    await fill(HISTORY_STRIDE);
    const { linked } = TransferFlags;
    const index = memory.state.ledger.tables.histories as MapIndex;
    expect(index.entries.size).toBe(0);
    const chain = [
      { ...plain, id: 5n, flags: linked },
      { ...plain, id: 6n, amount: 2n, debitAccountId: 99n },
    ];
    await desk.transfers(2, ...chain);
    const stale = new Map(index.entries);
    expect(stale.size).toBe(2);
    expect(memory.state.ledger.accounts.entries.slice(0, 4)).toEqual(new Float64Array([0, 0, 64, 64]));
    const before = await desk.queryHistory(2, { accountId: 4n, limit: 1000, order: 'oldestFirst' });
    expect(before.entries.map(({ transfer }) => transfer.id)).toEqual(ids(HISTORY_STRIDE));
    await fill(2, 1000n + BigInt(HISTORY_STRIDE));
    for (const [key, lsn] of index.entries) expect(lsn).toBeGreaterThan(stale.get(key) ?? 0);
    const after = await desk.queryHistory(2, { accountId: 4n, limit: 1000, order: 'oldestFirst' });
    expect(after.entries.map(({ transfer }) => transfer.id)).toEqual(ids(HISTORY_STRIDE + 2));
  });

  it.each([last, last + 1, last + 2, 2 * HISTORY_STRIDE, 2 * HISTORY_STRIDE + 1])(
    'finds each of %i entries',
    async (n) => {
      await fill(n);
      for (let cursor = 1n; cursor <= BigInt(n); cursor++) {
        for (const order of ['oldestFirst', 'newestFirst'] as const) {
          const { entries } = await desk.queryHistory(2, { accountId: 4n, limit: 1, order, cursor });
          expect(entries[0]?.transfer.id).toBe(999n + cursor);
        }
      }
    },
  );

  it('is there again after a restart: from a checkpoint, and from the journal alone', { timeout: 30_000 }, async () => {
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 20_000, memtableBound: 5000 });
    const first = await openStored(options);
    const before = new Desk(first.partition);
    await cast(before);
    for (let round = 0; round < 4; round++) {
      await fill(60, 1000n + BigInt(round) * 60n, before);
      if (before.last?.checkpoint !== undefined) await writeCheckpoint(options, first, before.last.checkpoint);
    }
    await fill(20, 1240n, before);
    await first.partition.close();
    const second = await openStored(options);
    expect(second.report.checkpointLsn).toBeGreaterThan(0);
    const after = new Desk(second.partition);
    const page = await after.queryHistory(2, { accountId: 4n, limit: 1000, order: 'oldestFirst' });
    expect(page.entries.map(({ transfer }) => transfer.id)).toEqual(ids(260));
    expect((await after.queryHistory(2, { accountId: 4n, limit: 1, cursor: 70n })).entries[0]?.transfer.id).toBe(1069n);
    await second.partition.close();
  });
});

function ids(count: number): bigint[] {
  return Array.from({ length: count }, (_, index) => 1000n + BigInt(index));
}
