/** endChain: every pending transfer of a chain is posted or voided, all or none, by naming any one of them. */
import { beforeEach, describe, expect, it } from 'vitest';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES } from '../../../engine/journal/header.ts';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { weightOf } from '../../../engine/worker/weights.ts';
import { COMMANDS } from '../../../protocol/commands.ts';
import { AccountChangeFields, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawChainEnd, type RawTransfer, SECOND } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, keepRemainder, balancingDebit, revert, expired } = TransferFlags;
const ENGINE = 0xffff_ffffn << 96n;
const hold = { debitAccountId: 4n, creditAccountId: 3n, amount: 10n, ledger: 156, code: 1, flags: pending };
const plain = { ...hold, flags: 0 };
const post: RawChainEnd = { id: 5_500n, pendingId: 1n, debitAccountId: 4n, flags: postPending };
const release: RawChainEnd = { ...post, flags: voidPending };

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
});

function chained(...items: RawTransfer[]): RawTransfer[] {
  return items.map((item, index) => ({ ...item, flags: (item.flags ?? 0) | (index < items.length - 1 ? linked : 0) }));
}

/** A chain of holds 1 … count, each of 10, from account 4 to account 3. */
async function make(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, index) => ({ ...hold, id: BigInt(index + 1) }));
  await send(1, ...chained(...items));
}

/** Sends transfers that must all be `ok`. */
async function send(institution: number, ...items: RawTransfer[]): Promise<void> {
  const names = (await desk.transfers(institution, ...items)).map(nameOf);
  expect(new Set(names)).toEqual(new Set(['ok']));
}

async function name(institution: number, item: RawTransfer): Promise<string> {
  return nameOf((await desk.transfers(institution, item))[0] ?? -1);
}

async function setState(accountId: bigint, state: number, id = 1n): Promise<void> {
  expect(await desk.changes(1, { id, accountId, fields: AccountChangeFields.state, state })).toEqual(['ok']);
}

/** All that a checkpoint saves. */
function kept(memoryPart = memory): Record<string, string> {
  const sections = Object.entries(takeSnapshot(memoryPart.state)).filter(([section]) => !section.startsWith('timers.'));
  return Object.fromEntries(sections.map(([section, bytes]) => [section, Buffer.from(bytes).toString('hex')]));
}

/** What is refused changes nothing but that its id is taken. */
async function refused(
  institution: number,
  item: RawChainEnd,
  expected: ResultName,
  refusedById?: bigint,
): Promise<void> {
  const before = kept();
  const result = await desk.endChain(institution, item);
  expect(result).toMatchObject({ name: expected, members: 0, replayed: false, refusedById });
  expect(kept()).toEqual(before);
}

describe('a whole chain', () => {
  it.each([1n, 2n, 3n])('is posted, named by member %i', async (pendingId) => {
    await send(1, { ...hold, id: 90n });
    await make(3);
    await send(1, { ...hold, id: 91n }, { ...hold, id: 92n });
    const result = await desk.endChain(2, { ...post, pendingId });
    expect(result).toMatchObject({ name: 'ok', members: 3, replayed: false, refusedById: undefined });
    // The others, before it and behind it, are none of it.
    expect(await desk.balances(4n)).toEqual([30, 30, 0, 0]);
    expect(await desk.balances(3n)).toEqual([0, 0, 30, 30]);
    expect(replayed(memory).ledger.accounts.creditsPosted).toEqual(memory.state.ledger.accounts.creditsPosted);
  });

  it.each([1n, 2n, 3n])('is voided, named by member %i', async (pendingId) => {
    await send(1, { ...hold, id: 90n });
    await make(3);
    expect(await desk.endChain(2, { ...release, pendingId })).toMatchObject({ name: 'ok', members: 3 });
    expect(await desk.balances(4n)).toEqual([10, 0, 0, 0]);
    expect(await desk.balances(3n)).toEqual([0, 0, 10, 0]);
  });

  it('between two others is told apart from them, also in one batch', async () => {
    const chain = (first: bigint): RawTransfer[] =>
      chained({ ...hold, id: first }, { ...hold, id: first + 1n }, { ...hold, id: first + 2n });
    await send(1, ...chain(10n), ...chain(20n), ...chain(30n));
    expect(await desk.endChain(2, { ...post, pendingId: 21n })).toMatchObject({ name: 'ok', members: 3 });
    expect(await desk.balances(4n)).toEqual([60, 30, 0, 0]);
    expect(await desk.endChain(2, { ...release, id: 5_501n, pendingId: 12n })).toMatchObject({
      name: 'ok',
      members: 3,
    });
    expect(await desk.endChain(2, { ...post, id: 5_502n, pendingId: 30n })).toMatchObject({ name: 'ok', members: 3 });
    expect(await desk.balances(4n)).toEqual([0, 60, 0, 0]);
  });

  it('of one is that transfer', async () => {
    await send(1, { ...hold, id: 1n }, { ...hold, id: 2n });
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'ok', members: 1 });
    expect(await desk.balances(4n)).toEqual([10, 10, 0, 0]);
    expect(await desk.endChain(2, { ...release, id: 5_501n, pendingId: 2n })).toMatchObject({ name: 'ok', members: 1 });
    expect(await desk.balances(4n)).toEqual([0, 10, 0, 0]);
  });

  it.each([1n, 512n, 1024n])('of 1,024 is ended, named by member %i', async (pendingId) => {
    await make(1024);
    const before = memory.journal.nextLsn;
    expect(await desk.endChain(2, { ...post, pendingId })).toMatchObject({ name: 'ok', members: 1024 });
    expect(await desk.balances(4n)).toEqual([0, 10_240, 0, 0]);
    expect(memory.state.ledger.holds.count).toBe(0);
    // It takes no more of a batch than its command weighs, and that fits the smallest batch that can be configured.
    const { records, journalBytes } = weightOf(COMMANDS.endChain.kind, 0, 1);
    expect(records).toBe(1024);
    expect((memory.journal.nextLsn - before) * LSN_UNIT_BYTES - BATCH_HEADER_BYTES).toBe(journalBytes);
    expect(journalBytes).toBeLessThan(2 * 1024 * 1024);
    expect(kept({ ...memory, state: replayed(memory) })).toEqual(kept());
  });

  it.each([1n, 512n, 1025n])('of 1,025 is too long, named by member %i', async (pendingId) => {
    await make(1025);
    await refused(2, { ...post, pendingId }, 'chainTooLong');
    expect(await desk.endChain(2, { ...post, pendingId })).toMatchObject({ name: 'chainTooLong', replayed: true });
    expect(await name(2, { id: 5_501n, pendingId, debitAccountId: 4n, flags: postPending })).toBe('ok');
  });

  it('with other transfers in it: these are left alone, and count as members of the chain alone', async () => {
    await send(1, { ...hold, id: 80n, amount: 7n }, { ...plain, id: 81n, creditAccountId: 1n });
    const items = chained(
      { ...plain, id: 1n },
      { ...hold, id: 2n },
      { id: 3n, pendingId: 80n, debitAccountId: 4n, flags: postPending },
      { id: 4n, pendingId: 81n, flags: revert },
      { ...hold, id: 5n, amount: 5n, debitAccountId: 3n, creditAccountId: 4n },
      { ...plain, id: 6n },
    );
    await send(1, ...items);
    const before = await desk.balances(4n);
    expect(await desk.endChain(1, { ...post, pendingId: 5n, debitAccountId: 3n })).toMatchObject({
      name: 'ok',
      members: 2,
    });
    const [debitsPending = 0, debitsPosted = 0, creditsPending = 0, creditsPosted = 0] = before;
    expect(await desk.balances(4n)).toEqual([
      debitsPending - 10,
      debitsPosted + 10,
      creditsPending - 5,
      creditsPosted + 5,
    ]);
    await refused(1, { ...post, id: 5_501n, pendingId: 1n }, 'pendingTransferNotPending');
  });

  it('posts what is left of a member, and what a balancing one holds', async () => {
    await send(1, { ...plain, id: 80n, debitAccountId: 1n, creditAccountId: 2n, amount: 25n });
    const balancing = { ...hold, id: 3n, debitAccountId: 2n, amount: 100n, flags: pending | balancingDebit };
    await send(1, ...chained({ ...hold, id: 1n }, { ...hold, id: 2n }, balancing));
    const part = { id: 90n, pendingId: 2n, debitAccountId: 4n, amount: 4n, flags: postPending | keepRemainder };
    await send(2, part);
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'ok', members: 3 });
    expect(await desk.balances(4n)).toEqual([0, 20, 0, 0]);
    expect(await desk.balances(2n)).toEqual([0, 25, 0, 25]);
  });

  it('is in histories and look-ups: the named one under the id of the client, the others under ids of the engine', async () => {
    await make(3);
    desk.now += SECOND;
    const { timestamp } = await desk.endChain(2, { ...release, pendingId: 2n });
    const { entries } = await desk.history(2, { accountId: 4n });
    const ends = entries.slice(0, 3).map(({ transfer, institution }) => ({ ...transfer, institution }));
    const same = { ...plain, flags: voidPending, institution: 2, timestamp: BigInt(timestamp) };
    expect(ends).toMatchObject([
      { ...same, pendingId: 3n },
      { ...same, pendingId: 1n },
      { ...same, id: 5_500n },
    ]);
    const [, ofFirst] = ends;
    expect((ofFirst?.id ?? 0n) >= ENGINE).toBe(true);
    const [byId, byEngine] = await desk.lookupTransfers(2, 5_500n, ofFirst?.id ?? 0n);
    expect(byId?.entry?.transfer).toMatchObject({ pendingId: 2n, amount: 10n, ledger: 156, creditAccountId: 3n });
    expect(byEngine?.entry?.transfer).toMatchObject({ pendingId: 1n, amount: 10n });
    expect((byEngine?.entry?.transfer.flags ?? 0) & expired).toBe(0);
  });

  it('does not run out afterwards', async () => {
    await send(1, ...chained({ ...hold, id: 1n, timeoutS: 1 }, { ...hold, id: 2n, timeoutS: 2 }));
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'ok', members: 2 });
    await desk.pass(3);
    expect(await desk.balances(4n)).toEqual([0, 20, 0, 0]);
    expect(await name(2, { id: 90n, pendingId: 2n, debitAccountId: 4n, flags: voidPending })).toBe(
      'pendingTransferAlreadyPosted',
    );
  });

  it('that failed is none, and the one before it is not part of what follows', async () => {
    const broken = chained({ ...hold, id: 1n }, { ...hold, id: 2n, creditAccountId: 99n });
    await desk.transfers(2, ...broken, { ...hold, id: 3n });
    await refused(2, post, 'pendingTransferNotFound');
    expect(await desk.endChain(2, { ...post, id: 5_501n, pendingId: 3n })).toMatchObject({ name: 'ok', members: 1 });
    // A failed chain whose last member is not remembered again: what comes next stands right behind its first.
    const names = await desk.transfers(
      2,
      { ...hold, id: 4n, flags: pending | linked },
      { ...hold, id: 3n },
      { ...hold, id: 5n },
    );
    expect(names.map(nameOf)).toEqual(['linkedEventFailed', 'existsOutsideChain', 'ok']);
    expect(await desk.endChain(2, { ...post, id: 5_502n, pendingId: 5n })).toMatchObject({ name: 'ok', members: 1 });
  });
});

describe('the shape of endChain, in order', () => {
  it.each<readonly [ResultName, RawChainEnd]>([
    ['reservedField', { reserved: 1n, flags: 1, id: 0n }],
    ['reservedField', { reserved16: 1, flags: 1 }],
    ['reservedField', { reserved32: 1, flags: 1 }],
    ['flagsReserved', { flags: postPending | linked, id: 0n }],
    ['flagsReserved', { flags: postPending | keepRemainder, id: 0n }],
    ['idMustNotBeZero', { id: 0n, flags: 0 }],
    ['idReserved', { id: ENGINE, flags: 0 }],
    ['nothingToChange', { flags: 0, debitAccountId: 0n }],
    ['flagsAreMutuallyExclusive', { flags: postPending | voidPending, debitAccountId: 0n }],
    ['debitAccountIdMustNotBeZero', { debitAccountId: 0n, pendingId: 0n }],
    ['idReserved', { debitAccountId: ENGINE, pendingId: 0n }],
    ['pendingIdMustNotBeZero', { pendingId: 0n }],
    ['idReserved', { pendingId: ENGINE }],
    ['pendingIdMustBeDifferent', { pendingId: 5_500n, debitAccountId: 98n }],
  ])('%s %#', async (expected, broken) => {
    await make(2);
    const before = memory.journal.nextLsn;
    await refused(2, { ...post, ...broken }, expected);
    // Nothing is remembered.
    expect(memory.journal.nextLsn).toBe(before);
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'ok' });
  });
});

describe('what is asked of the named transfer', () => {
  it.each<readonly [ResultName, RawChainEnd]>([
    ['debitAccountNotFound', { debitAccountId: 98n }],
    ['debitAccountForbidden', { debitAccountId: 3n }],
    ['pendingTransferNotFound', { pendingId: 97n }],
    ['pendingTransferNotPending', { pendingId: 9n }],
    ['pendingTransferHasDifferentDebitAccountId', { debitAccountId: 2n }],
  ])('%s, and this is remembered', async (expected, broken) => {
    await make(2);
    await send(2, { ...plain, id: 9n });
    await refused(2, { ...post, ...broken }, expected);
    desk.now += SECOND;
    expect(await desk.endChain(2, { ...post, ...broken })).toMatchObject({
      name: expected,
      replayed: true,
      refusedById: undefined,
      timestamp: BigInt(desk.now - SECOND),
    });
    const [found] = await desk.lookupTransfers(2, 5_500n);
    expect(found?.entry?.name).toBe(expected);
  });

  it.each<readonly [ResultName, number, number]>([
    ['debitAccountClosed', 4, AccountStates.closed],
    ['debitAccountFrozen', 4, AccountStates.frozenForDebits],
    ['creditAccountClosed', 3, AccountStates.closed],
    ['creditAccountFrozen', 3, AccountStates.frozen],
  ])('%s stops a post, and not a void', async (expected, account, state) => {
    await make(2);
    const { accounts } = memory.state.ledger;
    // No command closes an account of which something is pending.
    accounts.state[accounts.find(account, 0, 0, 0)] = state;
    await refused(2, post, expected);
    expect(await desk.endChain(2, { ...release, id: 5_501n })).toMatchObject({ name: 'ok', members: 2 });
  });
});

describe('another member that stands in the way', () => {
  const ended = (flags: number): RawTransfer => ({ id: 90n, pendingId: 2n, debitAccountId: 4n, flags });

  it.each<readonly [ResultName, number]>([
    ['pendingTransferAlreadyPosted', postPending],
    ['pendingTransferAlreadyVoided', voidPending],
  ])('%s names it, and nothing is ended', async (expected, flags) => {
    await make(3);
    await send(2, ended(flags));
    await refused(2, post, expected, 2n);
    await refused(2, { ...release, id: 5_501n, pendingId: 3n }, expected, 2n);
    expect(await desk.endChain(2, post)).toMatchObject({ name: expected, replayed: true, refusedById: 2n });
    await refused(2, { ...post, id: 5_502n, pendingId: 2n }, expected);
  });

  it('pendingTransferExpired names it, also before its timer has fired', async () => {
    await send(1, ...chained({ ...hold, id: 1n }, { ...hold, id: 2n, timeoutS: 3 }, { ...hold, id: 3n }));
    const ofLast = { ...post, pendingId: 3n };
    memory.state.ledger.tables.timers.count = 0;
    desk.now += 3 * SECOND;
    await refused(2, ofLast, 'pendingTransferExpired', 2n);
    await refused(2, { ...release, id: 5_501n, pendingId: 2n }, 'pendingTransferExpired');
  });

  it('pendingTransferExpired names it when its timer has fired', async () => {
    await send(1, ...chained({ ...hold, id: 1n }, { ...hold, id: 2n, timeoutS: 3 }, { ...hold, id: 3n }));
    await desk.pass(3);
    await refused(2, { ...release, pendingId: 3n }, 'pendingTransferExpired', 2n);
    expect(await desk.balances(4n)).toEqual([20, 0, 0, 0]);
  });

  it('debitAccountForbidden goes before what became of it', async () => {
    const theirs = { ...hold, id: 2n, debitAccountId: 3n, creditAccountId: 4n };
    await send(1, ...chained({ ...hold, id: 1n }, theirs));
    await refused(2, post, 'debitAccountForbidden', 2n);
    await send(3, { id: 90n, pendingId: 2n, debitAccountId: 3n, flags: voidPending });
    await refused(2, { ...post, id: 5_501n }, 'debitAccountForbidden', 2n);
    await refused(1, { ...post, id: 5_502n }, 'pendingTransferAlreadyVoided', 2n);
  });

  it.each<readonly [ResultName, bigint, number]>([
    ['debitAccountFrozen', 2n, AccountStates.frozen],
    ['debitAccountFrozen', 2n, AccountStates.frozenForDebits],
    ['creditAccountFrozen', 1n, AccountStates.frozen],
  ])('%s stops a post, and not a void', async (expected, accountId, state) => {
    await send(1, { ...plain, id: 80n, debitAccountId: 3n, creditAccountId: 2n, amount: 50n });
    const second = { ...hold, id: 2n, debitAccountId: 2n, creditAccountId: 1n };
    await send(1, ...chained({ ...hold, id: 1n }, second));
    await setState(accountId, state);
    await refused(2, post, expected, 2n);
    expect(await desk.endChain(2, { ...release, id: 5_501n })).toMatchObject({ name: 'ok', members: 2 });
  });

  it('is the first one in the order of the chain', async () => {
    await make(4);
    await send(2, ended(postPending), { ...ended(voidPending), id: 91n, pendingId: 3n });
    await refused(2, { ...post, pendingId: 4n }, 'pendingTransferAlreadyPosted', 2n);
  });

  it('closing accounts take part', async () => {
    await make(2);
    await setState(3n, AccountStates.closing);
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'ok', members: 2 });
  });
});

describe('an id that was used before', () => {
  it('gets the first answer, and nothing is done twice', async () => {
    await make(3);
    const first = await desk.endChain(2, post);
    desk.now += SECOND;
    const before = kept();
    expect(await desk.endChain(2, post)).toEqual({ ...first, replayed: true });
    expect(kept()).toEqual(before);
    desk = new Desk(memoryPartition({}, memory.journal).partition);
    expect(await desk.endChain(2, post)).toEqual({ ...first, replayed: true });
  });

  it.each<readonly [ResultName, number, RawChainEnd]>([
    ['existsWithDifferentOwner', 1, {}],
    ['existsWithDifferentFlags', 2, { flags: voidPending, pendingId: 2n }],
    ['existsWithDifferentPendingId', 2, { pendingId: 2n, debitAccountId: 2n }],
    ['existsWithDifferentDebitAccountId', 2, { debitAccountId: 2n }],
  ])('with other content is %s', async (expected, institution, other) => {
    await make(3);
    await desk.endChain(2, post);
    await refused(institution, { ...post, ...other }, expected);
  });

  it('is not that of a single post, either way round', async () => {
    const single = { id: 5_500n, pendingId: 1n, debitAccountId: 4n, flags: postPending };
    await make(2);
    await send(2, { ...hold, id: 11n });
    await desk.endChain(2, post);
    expect(await name(2, single)).toBe('existsWithDifferentFlags');
    await send(2, { ...single, id: 5_600n, pendingId: 11n });
    await refused(2, { ...post, id: 5_600n, pendingId: 11n }, 'existsWithDifferentFlags');
    await refused(3, { ...post, id: 5_600n, pendingId: 11n }, 'existsWithDifferentOwner');
  });

  it('of a refused one stays refused when what stood in the way is gone', async () => {
    await make(2);
    await setState(3n, AccountStates.frozen);
    await refused(2, post, 'creditAccountFrozen');
    await setState(3n, AccountStates.open, 2n);
    expect(await desk.endChain(2, post)).toMatchObject({ name: 'creditAccountFrozen', replayed: true });
    expect(await desk.endChain(2, { ...post, id: 5_501n })).toMatchObject({ name: 'ok', members: 2 });
  });
});

it('another ending of a chain that was ended finds nothing pending', async () => {
  await make(2);
  await desk.endChain(2, release);
  await refused(2, { ...post, id: 5_501n }, 'pendingTransferAlreadyVoided');
  await refused(2, { ...post, id: 5_502n, pendingId: 2n }, 'pendingTransferAlreadyVoided');
});
