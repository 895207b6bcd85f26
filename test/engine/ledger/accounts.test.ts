/** Opening accounts: one row per result, in order of precedence; linked ones together or not at all. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { nameOf } from '../../support/cast.ts';
import { accountsRequest, Desk, type RawAccount, reply, SECOND } from '../../support/desk.ts';
import { memoryPartition } from '../../support/memory-partition.ts';

const { linked, debitsMustNotExceedCredits: debitLimited, creditsMustNotExceedDebits: creditLimited } = AccountFlags;
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const base: RawAccount = { id: 1n, ledger: 156, code: 1 };

let desk: Desk;

beforeEach(() => {
  desk = new Desk(memoryPartition({ accountsMax: 3 }).partition);
});

async function open(...items: RawAccount[]): Promise<string[]> {
  return (await desk.accounts(2, ...items)).map(nameOf);
}

const SHAPE: readonly (readonly [ResultName, RawAccount])[] = [
  ['timestampMustBeZero', { timestamp: 1n }],
  ['reservedField', { owner: 2 }],
  ['flagsReserved', { flags: 16 }],
  ['idMustNotBeZero', { id: 0n }],
  ['idReserved', { id: 0xffff_ffffn << 96n }],
  ['flagsAreMutuallyExclusive', { flags: debitLimited | creditLimited }],
  ['balancesMustBeZero', { creditsPosted: 1n }],
  ['creditLimitOutOfRange', { creditLimit: 1n }],
  ['ledgerMustNotBeZero', { ledger: 0 }],
  ['codeMustNotBeZero', { code: 0 }],
  ['tierOutOfRange', { tier: 4 }],
];

describe('the shape of an account', () => {
  it.each(SHAPE)('%s, before all that comes after it', async (name, broken) => {
    expect(await open({ ...base, ...broken })).toEqual([name]);
    const later = SHAPE.slice(SHAPE.findIndex(([other]) => other === name) + 1).map(([, row]) => row);
    expect(await open(Object.assign({}, base, ...later.reverse(), broken))).toEqual([name]);
  });

  it.each(['state', 'owner', 'reserved32', 'reservedA', 'reservedB'] as const)('%s is reserved', async (field) => {
    const one = field.startsWith('reservedA') || field === 'reservedB' ? 1n << 63n : 1;
    expect(await open({ ...base, [field]: one })).toEqual(['reservedField']);
  });

  it.each(['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted'] as const)(
    '%s is zero',
    async (field) => {
      expect(await open({ ...base, [field]: 1n << 63n })).toEqual(['balancesMustBeZero']);
    },
  );

  it('takes a credit limit up to 2^53 − 1 with a debit limit', async () => {
    expect(await open({ ...base, flags: debitLimited, creditLimit: MAX + 1n })).toEqual(['creditLimitOutOfRange']);
    expect(await open({ ...base, flags: creditLimited, creditLimit: 1n })).toEqual(['creditLimitOutOfRange']);
    expect(await open({ ...base, flags: debitLimited, creditLimit: MAX })).toEqual(['ok']);
  });
});

const full: RawAccount = {
  ...base,
  flags: debitLimited,
  creditLimit: 7n,
  userData128: 1n,
  userData64: 2n,
  userData32: 3,
  tariff: 4,
  tier: 1,
};
const CHANGES: readonly (readonly [ResultName, RawAccount])[] = [
  ['existsWithDifferentFlags', { flags: debitLimited | linked }],
  ['existsWithDifferentUserData128', { userData128: 1n << 127n }],
  ['existsWithDifferentUserData64', { userData64: 1n << 63n }],
  ['existsWithDifferentUserData32', { userData32: 4 }],
  ['existsWithDifferentLedger', { ledger: 840 }],
  ['existsWithDifferentCode', { code: 2 }],
  ['existsWithDifferentCreditLimit', { creditLimit: 8n }],
  ['existsWithDifferentTariff', { tariff: 5 }],
  ['existsWithDifferentTier', { tier: 3 }],
];

describe('an account that exists', () => {
  it.each(CHANGES)('%s, before all that comes after it', async (name, change) => {
    await open(full);
    const tail = name === 'existsWithDifferentFlags' ? [{ ...base, id: 2n }] : [];
    expect((await open({ ...full, ...change }, ...tail))[0]).toBe(name);
    const later = CHANGES.slice(CHANGES.findIndex(([other]) => other === name) + 1).map(([, row]) => row);
    expect((await open(Object.assign({}, full, ...later, change), ...tail))[0]).toBe(name);
  });

  it('existsWithDifferentOwner before all of them', async () => {
    await open(full);
    expect((await desk.accounts(3, { ...full, ledger: 1 })).map(nameOf)).toEqual(['existsWithDifferentOwner']);
  });

  it('answers the same again with the time of opening', async () => {
    const [first] = reply.accounts(await desk.one(accountsRequest(2, [full])));
    desk.now += SECOND;
    expect(reply.accounts(await desk.one(accountsRequest(2, [full])))).toEqual([{ ...first, replayed: true }]);
    const [found] = await desk.lookupAccounts(2, 1n);
    expect(found?.account).toMatchObject({ owner: 2, tariff: 4, creditLimit: 7n, userData128: 1n, code: 1 });
    expect(found?.account?.timestamp).toBe(first?.timestamp);
  });
});

describe('linked accounts', () => {
  it('are opened together', async () => {
    expect(await open({ ...base, flags: linked }, { ...base, id: 2n })).toEqual(['ok', 'ok']);
  });

  it('fail together, and the ids stay free', async () => {
    const failed = 'linkedEventFailed';
    expect(await open({ ...base, flags: linked }, { ...base, id: 2n, code: 0 })).toEqual([failed, 'codeMustNotBeZero']);
    expect(await open({ ...base, flags: linked }, { ...base })).toEqual([failed, 'existsOutsideChain']);
    expect(await open({ ...base, flags: linked })).toEqual(['linkedEventChainOpen']);
    expect(await open(base)).toEqual(['ok']);
    expect(await open({ ...base, id: 2n, flags: linked }, base)).toEqual([failed, 'existsOutsideChain']);
    expect(await open({ ...base, id: 2n })).toEqual(['ok']);
  });

  it('accountTableFull when not all of them fit, and the others may come', async () => {
    const four = [1n, 2n, 3n, 4n].map((id) => ({ ...base, id, flags: id === 4n ? 0 : linked }));
    expect(await open(...four)).toEqual(['accountTableFull', ...Array(3).fill('linkedEventFailed')]);
    expect(await open(...four.map((item) => ({ ...item, flags: 0 })))).toEqual(['ok', 'ok', 'ok', 'accountTableFull']);
    expect(await open({ ...base, id: 1n }, { ...base, id: 9n })).toEqual(['ok', 'accountTableFull']);
  });
});
