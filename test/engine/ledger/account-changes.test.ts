/** Changing accounts: one row per result, in order of precedence; what each state lets pass; credit limits; replay. */
import { beforeEach, describe, expect, it } from 'vitest';
import { canonicalSections, missingSection, restoreSnapshot, takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { AccountChangeFields, AccountFlags, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { changesRequest, Desk, type RawChange, type RawTransfer, reply, SECOND } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

const { state: STATE, creditLimit: LIMIT, tier: TIER } = AccountChangeFields;
const { open, frozenForDebits, frozen, closing, closed } = AccountStates;
const { pending, postPending, voidPending } = TransferFlags;
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const ENGINE = 0xffff_ffffn << 96n;

let memory: MemoryPartition;
let desk: Desk;
let next: bigint;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  next = 1000n;
  await cast(desk);
});

const freeze: RawChange = { id: 500n, accountId: 4n, fields: STATE, state: frozen };

async function change(record: RawChange, institution = 2): Promise<string> {
  const [name = ''] = await desk.changes(institution, record);
  return name;
}

function set(accountId: bigint, state: number): Promise<string> {
  return change({ id: next++, accountId, fields: STATE, state }, 1);
}

function limit(accountId: bigint, creditLimit: bigint): Promise<string> {
  return change({ id: next++, accountId, fields: LIMIT, creditLimit }, 1);
}

async function move(record: RawTransfer): Promise<string> {
  const [code = -1] = await desk.transfers(1, { id: next++, amount: 10n, ledger: 156, code: 1, ...record });
  return nameOf(code);
}

describe('the shape of a change, in order', () => {
  const rows: readonly (readonly [ResultName, RawChange])[] = [
    ['timestampMustBeZero', { timestamp: 1n }],
    ['reservedField', { reserved: 1n }],
    ['flagsReserved', { fields: 8 }],
    ['idMustNotBeZero', { id: 0n }],
    ['accountIdMustNotBeZero', { accountId: 0n }],
    ['nothingToChange', { fields: 0 }],
    ['stateOutOfRange', { state: 5 }],
    ['creditLimitOutOfRange', { creditLimit: 1n }],
    ['tierOutOfRange', { tier: 1 }],
  ];
  it.each(rows)('%s, before all that comes after it', async (name, broken) => {
    expect(await change({ ...freeze, ...broken })).toBe(name);
    const later = rows.slice(rows.findIndex(([other]) => other === name) + 1).map(([, row]) => row);
    expect(await change(Object.assign({}, freeze, ...later.reverse(), broken))).toBe(name);
    expect(await change(freeze)).toBe('ok');
  });

  it('idReserved: ids of the engine, and its own accounts', async () => {
    expect(await change({ ...freeze, id: ENGINE, accountId: 0n })).toBe('idReserved');
    expect(await change({ ...freeze, accountId: ENGINE + 5n, fields: 0 })).toBe('idReserved');
  });

  it('what is not to be changed is zero, and the largest amount is the largest limit', async () => {
    expect(await change({ ...freeze, fields: LIMIT })).toBe('stateOutOfRange');
    expect(await change({ ...freeze, fields: LIMIT, state: 0, creditLimit: MAX + 1n })).toBe('creditLimitOutOfRange');
    expect(await change({ ...freeze, accountId: 2n, fields: LIMIT, state: 0, creditLimit: MAX })).toBe('ok');
    expect(await change({ ...freeze, id: 501n, fields: TIER, state: 0, tier: 4 })).toBe('tierOutOfRange');
    expect(await change({ ...freeze, id: 501n, fields: TIER, state: 0, tier: 3 })).toBe('ok');
  });

  it.each(['reserved32', 'reserved'] as const)('%s is reserved', async (field) => {
    expect(await change({ ...freeze, [field]: field === 'reserved' ? 1n << 63n : 1 })).toBe('reservedField');
  });
});

describe('a change against the state, in order', () => {
  it('accountNotFound, accountForbidden', async () => {
    expect(await change({ ...freeze, accountId: 99n })).toBe('accountNotFound');
    expect(await change({ ...freeze, id: 501n }, 3)).toBe('accountForbidden');
    expect(await change({ ...freeze, id: 502n }, 1)).toBe('ok');
  });

  it('accountClosed, unless it is opened; before accountHasNoDebitLimit', async () => {
    expect(await set(4n, closed)).toBe('ok');
    expect(await limit(4n, 0n)).toBe('accountClosed');
    expect(await set(4n, frozen)).toBe('accountClosed');
    expect(await set(4n, open)).toBe('ok');
    expect(await limit(4n, 0n)).toBe('accountHasNoDebitLimit');
    expect(await change({ ...freeze, fields: STATE | LIMIT, state: closed })).toBe('accountHasNoDebitLimit');
  });

  it('accountHasPendingAmounts, accountBalanceNotZero', async () => {
    await move({ debitAccountId: 4n, creditAccountId: 3n });
    await move({ id: 50n, debitAccountId: 4n, creditAccountId: 3n, flags: pending });
    expect(await set(4n, closed)).toBe('accountHasPendingAmounts');
    expect(await set(3n, closed)).toBe('accountHasPendingAmounts');
    await move({ debitAccountId: 4n, pendingId: 50n, flags: voidPending, amount: 0n });
    expect(await set(4n, closed)).toBe('accountBalanceNotZero');
    await move({ debitAccountId: 3n, creditAccountId: 4n });
    expect([await set(4n, closed), await set(3n, closed)]).toEqual(['ok', 'ok']);
  });
});

describe('the id of a change', () => {
  const both: RawChange = { ...freeze, accountId: 2n, fields: STATE | LIMIT | TIER, creditLimit: 5n, tier: 1 };
  const changes: readonly (readonly [ResultName, RawChange])[] = [
    ['existsWithDifferentFlags', { fields: STATE, creditLimit: 0n, tier: 0 }],
    ['existsWithDifferentAccount', { accountId: 4n }],
    ['existsWithDifferentState', { state: closing }],
    ['existsWithDifferentCreditLimit', { creditLimit: 6n }],
    ['existsWithDifferentTier', { tier: 2 }],
  ];
  it.each(changes)('%s, before all that comes after it', async (name, other) => {
    expect(await change(both)).toBe('ok');
    expect(await change({ ...both, ...other })).toBe(name);
    const later = changes.slice(changes.findIndex(([one]) => one === name) + 1).map(([, row]) => row);
    expect(await change(Object.assign({}, both, ...later, other))).toBe(name);
    expect(await change({ ...both, ...other }, 3)).toBe('existsWithDifferentOwner');
  });

  it('gets the first answer for ever, declines too, and does not clash with that of a transfer', async () => {
    const refused: RawChange = { ...freeze, id: 501n, accountId: 99n };
    const [first, second] = reply.accounts(await desk.one(changesRequest(2, [freeze, refused])));
    expect([first?.name, second?.name]).toEqual(['ok', 'accountNotFound']);
    await set(4n, open);
    await desk.accounts(2, { id: 99n, ledger: 156, code: 1 });
    desk.now += SECOND;
    const again = reply.accounts(await desk.one(changesRequest(2, [freeze, refused])));
    expect(again).toEqual([
      { ...first, replayed: true },
      { ...second, replayed: true },
    ]);
    expect(await move({ id: 500n, debitAccountId: 4n, creditAccountId: 3n })).toBe('ok');
  });
});

describe('what a state lets pass', () => {
  const rows = [
    ['open', open, ['ok', 'ok', 'ok', 'ok', 'ok', 'ok']],
    ['frozenForDebits', frozenForDebits, ['debitAccountFrozen', 'ok', 'debitAccountFrozen', 'ok', 'ok', 'ok']],
    [
      'frozen',
      frozen,
      ['debitAccountFrozen', 'creditAccountFrozen', 'debitAccountFrozen', 'creditAccountFrozen', 'ok', 'ok'],
    ],
    ['closing', closing, ['debitAccountClosed', 'creditAccountClosed', 'ok', 'ok', 'ok', 'ok']],
  ] as const;
  it.each(rows)('%s: debit, credit, post and void on either side', async (_, state, expected) => {
    await move({ id: 50n, debitAccountId: 4n, creditAccountId: 1n, flags: pending });
    await move({ id: 51n, debitAccountId: 1n, creditAccountId: 4n, flags: pending });
    await move({ id: 52n, debitAccountId: 4n, creditAccountId: 1n, flags: pending });
    await move({ id: 53n, debitAccountId: 1n, creditAccountId: 4n, flags: pending });
    await move({ id: 54n, debitAccountId: 4n, creditAccountId: 1n, flags: pending, timeoutS: 1 });
    expect(await set(4n, state)).toBe('ok');
    expect([
      await move({ debitAccountId: 4n, creditAccountId: 1n }),
      await move({ debitAccountId: 1n, creditAccountId: 4n }),
      await move({ debitAccountId: 4n, pendingId: 50n, flags: postPending }),
      await move({ debitAccountId: 1n, pendingId: 51n, flags: postPending }),
      await move({ debitAccountId: 4n, pendingId: 52n, flags: voidPending, amount: 0n }),
      await move({ debitAccountId: 1n, pendingId: 53n, flags: voidPending, amount: 0n }),
    ]).toEqual(expected);
    await desk.pass(2);
    expect(await move({ debitAccountId: 4n, pendingId: 54n, flags: voidPending, amount: 0n })).toBe(
      'pendingTransferExpired',
    );
    expect(await set(4n, open)).toBe('ok');
    expect(await move({ debitAccountId: 4n, creditAccountId: 1n })).toBe('ok');
  });

  it('closed: nothing, on either side, until it is opened', async () => {
    expect(await set(4n, closed)).toBe('ok');
    expect(await move({ debitAccountId: 4n, creditAccountId: 1n })).toBe('debitAccountClosed');
    expect(await move({ debitAccountId: 1n, creditAccountId: 4n, flags: pending })).toBe('creditAccountClosed');
    expect(await set(4n, open)).toBe('ok');
    expect(await move({ debitAccountId: 4n, creditAccountId: 1n })).toBe('ok');
  });

  it('the debit account is told of first, and both before the amounts', async () => {
    await set(2n, frozen);
    await set(6n, closing);
    expect(await move({ debitAccountId: 2n, creditAccountId: 6n, amount: MAX })).toBe('debitAccountFrozen');
    expect(await move({ debitAccountId: 2n, creditAccountId: 6n, ledger: 840 })).toBe(
      'transferMustHaveTheSameLedgerAsAccounts',
    );
    await set(2n, open);
    expect(await move({ debitAccountId: 2n, creditAccountId: 6n, amount: MAX })).toBe('creditAccountClosed');
  });

  it('a post is told of the amount first', async () => {
    await move({ id: 50n, debitAccountId: 4n, creditAccountId: 1n, flags: pending });
    await set(4n, frozen);
    expect(await move({ debitAccountId: 4n, pendingId: 50n, flags: postPending, amount: 11n })).toBe(
      'exceedsPendingTransferAmount',
    );
  });
});

describe('a credit limit', () => {
  it('counts from now on; lowered below what is used it stops new debits until there is room', async () => {
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n })).toBe('exceedsCredits');
    expect(await limit(2n, 100n)).toBe('ok');
    expect(await move({ id: 50n, debitAccountId: 2n, creditAccountId: 3n, amount: 60n, flags: pending })).toBe('ok');
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n, amount: 41n })).toBe('exceedsCredits');
    expect(await limit(2n, 20n)).toBe('ok');
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n, amount: 1n })).toBe('exceedsCredits');
    expect(await move({ debitAccountId: 1n, creditAccountId: 2n, amount: 40n })).toBe('ok');
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n, amount: 1n })).toBe('exceedsCredits');
    expect(await move({ debitAccountId: 2n, pendingId: 50n, flags: postPending, amount: 59n })).toBe('ok');
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n, amount: 1n })).toBe('ok');
    expect(await move({ debitAccountId: 2n, creditAccountId: 3n, amount: 1n })).toBe('exceedsCredits');
  });
});

it('is shown by look-ups, kept in checkpoints and found again by a replay', async () => {
  await limit(2n, 70n);
  await set(2n, frozenForDebits);
  await set(4n, closed);
  const [two, four] = await desk.lookupAccounts(2, 2n, 4n);
  expect(two?.account).toMatchObject({ creditLimit: 70n, state: frozenForDebits });
  expect(two?.account?.flags).toBe(AccountFlags.debitsMustNotExceedCredits);
  expect(four?.account).toMatchObject({ state: closed });
  expect(takeSnapshot(replayed(memory))).toEqual(takeSnapshot(memory.state));
  expect(takeSnapshot(memory.state)['accounts.state']).toEqual(
    Uint8Array.from([open, frozenForDebits, closed, open, open, open]),
  );
});

describe('a tier', () => {
  function tier(accountId: bigint, value: number): Promise<string> {
    return change({ id: next++, accountId, fields: TIER, tier: value });
  }

  it('is given at the opening, changed alone, shown by look-ups, found again by a replay', async () => {
    await desk.accounts(2, { id: 20n, ledger: 156, code: 1, tariff: 1, tier: 3 }, { id: 21n, ledger: 156, code: 1 });
    expect([await tier(20n, 2), await tier(21n, 3), await tier(21n, 0)]).toEqual(['ok', 'ok', 'ok']);
    expect(await set(20n, frozen)).toBe('ok');
    const [first, second] = await desk.lookupAccounts(2, 20n, 21n);
    expect(first?.account).toMatchObject({ tier: 2, state: frozen, tariff: 1 });
    expect(second?.account).toMatchObject({ tier: 0, state: open });
    expect(takeSnapshot(replayed(memory))).toEqual(takeSnapshot(memory.state));
  });

  it('is zero in a checkpoint from before there were tiers', async () => {
    const sections = new Map(Object.entries(takeSnapshot(memory.state)));
    sections.delete('accounts.tier');
    expect(missingSection(sections)).toBeUndefined();
    const accounts = sections.get('accounts.ids') as Uint8Array;
    expect(canonicalSections(sections).get('accounts.tier')).toEqual(new Uint8Array(accounts.length / 16));
    const restored = memoryPartition().state;
    restoreSnapshot(restored, sections);
    expect([...restored.ledger.accounts.tier.subarray(0, 6)]).toEqual([0, 0, 0, 0, 0, 0]);
  });
});
