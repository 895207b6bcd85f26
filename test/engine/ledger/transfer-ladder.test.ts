/** One row per result of a transfer, in order of precedence: a record that breaks two rules is told of the first. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountChangeFields, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Code, type ResultName } from '../../../protocol/results.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawTransfer, SECOND } from '../../support/desk.ts';
import { memoryPartition } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, keepRemainder, balancingDebit, balancingCredit } = TransferFlags;
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const ENGINE = 0xffff_ffffn << 96n;

const plain = { id: 100n, debitAccountId: 4n, creditAccountId: 3n, amount: 10n, ledger: 156, code: 1 };

let desk: Desk;

beforeEach(async () => {
  desk = new Desk();
  await cast(desk);
});

/** Each row breaks one rule; the row after it is broken as well in the test of precedence. */
type Row = readonly [ResultName, RawTransfer];

/** Decides `record` as institution 2. */
async function decide(record: RawTransfer): Promise<string> {
  const [code = -1] = await desk.transfers(2, record);
  return nameOf(code);
}

function ladder(rows: readonly Row[], base: RawTransfer): void {
  it.each(rows)('%s', async (name, broken) => {
    expect(await decide({ ...base, ...broken })).toBe(name);
  });
  const pairs = rows.slice(0, -1).map((row, index) => [row, rows[index + 1] as Row] as const);
  for (const [[name, broken], [next, alsoBroken]] of pairs) {
    it(`${name} goes before ${next}`, async () => {
      // What the first row breaks stays broken; `flags` and fields that both set are the first row's.
      const flags = (broken.flags ?? base.flags ?? 0) | (alsoBroken.flags ?? 0);
      const both = { ...base, ...alsoBroken, ...broken, flags };
      expect(await decide(both)).toBe(name);
    });
  }
}

describe('the shape of a transfer, in order', () => {
  ladder(
    [
      ['timestampMustBeZero', { timestamp: 1n }],
      ['reservedField', { reserved: 1n }],
      ['flagsReserved', { flags: 1 << 11 }],
      ['idMustNotBeZero', { id: 0n }],
      ['idReserved', { id: ENGINE }],
      ['flagsAreMutuallyExclusive', { flags: keepRemainder }],
      ['debitAccountIdMustNotBeZero', { debitAccountId: 0n }],
      ['idReserved', { debitAccountId: ENGINE }],
      ['idReserved', { creditAccountId: ENGINE }],
      ['creditAccountIdMustNotBeZero', { creditAccountId: 0n }],
      ['accountsMustBeDifferent', { creditAccountId: 4n }],
      ['pendingIdMustBeZero', { pendingId: 9n }],
      ['timeoutReservedForPendingTransfer', { timeoutS: 1 }],
      ['amountMustNotBeZero', { amount: 0n }],
      ['ledgerMustNotBeZero', { ledger: 0 }],
      ['codeMustNotBeZero', { code: 0 }],
    ],
    plain,
  );

  it('amountOutOfRange, before ledgerMustNotBeZero', async () => {
    expect(await decide({ ...plain, amount: MAX + 1n, ledger: 0 })).toBe('amountOutOfRange');
    expect(await decide({ ...plain, amount: 2n ** 64n - 1n })).toBe('amountOutOfRange');
  });

  it.each([
    pending | postPending,
    pending | voidPending,
    postPending | voidPending,
    14,
    pending | keepRemainder,
    voidPending | keepRemainder,
    postPending | balancingDebit,
    voidPending | balancingCredit,
  ])('flags %i exclude each other', async (flags) => {
    expect(await decide({ ...plain, flags })).toBe('flagsAreMutuallyExclusive');
  });

  it.each([9, 10, 11, 12, 13, 14, 15])('flag %i is reserved', async (bit) => {
    expect(await decide({ ...plain, flags: 1 << bit })).toBe('flagsReserved');
  });

  it('is not remembered: the same id may be used right after', async () => {
    expect(await decide({ ...plain, amount: 0n })).toBe('amountMustNotBeZero');
    expect(await decide(plain)).toBe('ok');
  });
});

describe('the shape of a post or a void, in order', () => {
  const rows: readonly Row[] = [
    ['timestampMustBeZero', { timestamp: 1n }],
    ['reservedField', { reserved: 1n }],
    ['idMustNotBeZero', { id: 0n }],
    ['idReserved', { id: ENGINE }],
    ['debitAccountIdMustNotBeZero', { debitAccountId: 0n }],
    ['accountsMustBeDifferent', { creditAccountId: 4n }],
    ['pendingIdMustNotBeZero', { pendingId: 0n }],
    ['timeoutReservedForPendingTransfer', { timeoutS: 1 }],
    ['amountOutOfRange', { amount: MAX + 1n }],
  ];
  ladder(rows, { ...plain, flags: postPending, pendingId: 50n });

  it('idReserved and pendingIdMustBeDifferent for the pending id, before the timeout', async () => {
    const post = { ...plain, flags: postPending, timeoutS: 1 };
    expect(await decide({ ...post, pendingId: ENGINE + 7n })).toBe('idReserved');
    expect(await decide({ ...post, pendingId: plain.id })).toBe('pendingIdMustBeDifferent');
  });

  it('amountMustBeZero for a void, before amountOutOfRange and after the timeout', async () => {
    const release = { ...plain, flags: voidPending, pendingId: 50n };
    expect(await decide({ ...release, amount: 1n })).toBe('amountMustBeZero');
    expect(await decide({ ...release, amount: MAX + 1n })).toBe('amountMustBeZero');
    expect(await decide({ ...release, amount: 1n, timeoutS: 1 })).toBe('timeoutReservedForPendingTransfer');
  });
});

describe('a transfer against the state, in order', () => {
  it.each([
    ['debitAccountNotFound', { debitAccountId: 98n, creditAccountId: 99n }],
    ['debitAccountForbidden', { debitAccountId: 3n, creditAccountId: 99n }],
    ['creditAccountNotFound', { creditAccountId: 99n, ledger: 840 }],
    ['accountsMustHaveTheSameLedger', { creditAccountId: 5n, ledger: 978 }],
    ['transferMustHaveTheSameLedgerAsAccounts', { debitAccountId: 2n, ledger: 840 }],
    ['exceedsCredits', { debitAccountId: 2n, creditAccountId: 6n }],
    ['exceedsDebits', { creditAccountId: 6n }],
  ] as const)('%s', async (name, broken) => {
    expect(await decide({ ...plain, ...broken })).toBe(name);
    expect(await desk.balances(3n)).toEqual([0, 0, 0, 0]);
  });

  it.each([
    ['debitAccountClosed', 'closing', 2n],
    ['debitAccountFrozen', 'frozenForDebits', 2n],
    ['creditAccountClosed', 'closed', 6n],
    ['creditAccountFrozen', 'frozen', 6n],
  ] as const)('%s, after the currency and before the limits', async (name, state, accountId) => {
    const fields = AccountChangeFields.state;
    await desk.changes(1, { id: 1n, accountId, fields, state: AccountStates[state] });
    const both = { ...plain, debitAccountId: 2n, creditAccountId: 6n, amount: MAX };
    expect(await decide({ ...both, id: 2n, ledger: 840 })).toBe('transferMustHaveTheSameLedgerAsAccounts');
    expect(await decide(both)).toBe(name);
  });

  it.each([
    [0, 'overflowsDebitsPosted', 'overflowsCreditsPosted'],
    [pending, 'overflowsDebitsPending', 'overflowsCreditsPending'],
  ] as const)(
    'overflow with flags %i: the debit side, then the credit side, then the limits',
    async (flags, debits, credits) => {
      await desk.transfers(2, { ...plain, id: 1n, amount: MAX - 10n });
      expect(await decide({ ...plain, id: 2n, amount: 11n, flags })).toBe(debits);
      expect(await decide({ ...plain, id: 3n, debitAccountId: 2n, amount: 11n, flags })).toBe(credits);
      expect(await decide({ ...plain, id: 4n, amount: 10n, flags })).toBe('ok');
      expect(await decide({ ...plain, id: 5n, amount: 1n, flags })).toBe(debits);
      expect(await desk.transfers(1, { ...plain, id: 6n, debitAccountId: 1n, amount: 1n, flags })).toEqual([
        Code[credits],
      ]);
    },
  );

  it('pendingTableFull comes last and is not remembered', async () => {
    const { partition } = memoryPartition({ holdsMax: 1 });
    desk = new Desk(partition);
    await cast(desk);
    expect(await decide({ ...plain, id: 1n, flags: pending, timeoutS: 1 })).toBe('ok');
    expect(await decide({ ...plain, id: 2n, flags: pending, debitAccountId: 2n })).toBe('exceedsCredits');
    expect(await decide({ ...plain, id: 3n, flags: pending })).toBe('pendingTableFull');
    desk.now += SECOND;
    expect(await decide({ ...plain, id: 3n, flags: pending })).toBe('ok');
  });

  it('crossesPartitions for a debit account that lives elsewhere, alone and in a chain', async () => {
    const { partition } = memoryPartition({ partitions: 64, partition: 5 });
    desk = new Desk(partition);
    const ids = Array.from({ length: 400 }, (_, index) => BigInt(index + 1));
    const codes = await desk.accounts(2, ...ids.map((id) => ({ id, ledger: 156, code: 1 })));
    const here = ids.filter((_, index) => codes[index] === Code.ok);
    const there = ids.filter((_, index) => codes[index] === Code.crossesPartitions);
    expect(here.length + there.length).toBe(400);
    const [a = 0n] = here;
    const [b = 0n] = there;
    expect(await decide({ ...plain, id: 2n, debitAccountId: b, creditAccountId: a })).toBe('crossesPartitions');
    const [c = 0n] = here.slice(1);
    const chain = [
      { ...plain, id: 3n, debitAccountId: a, creditAccountId: c, flags: linked },
      { ...plain, id: 4n, debitAccountId: b, creditAccountId: a },
    ];
    const results = await desk.results(2, chain);
    expect(results.map(({ name }) => name)).toEqual(['linkedEventFailed', 'crossesPartitions']);
  });
});

describe('a post or a void against the state, in order', () => {
  const hold = { ...plain, id: 50n, flags: pending, amount: 100n };
  const post = { ...plain, flags: postPending, pendingId: 50n, amount: 0n };

  it.each([
    ['debitAccountNotFound', { debitAccountId: 98n, pendingId: 51n }],
    ['debitAccountForbidden', { debitAccountId: 3n, creditAccountId: 0n, pendingId: 51n }],
    ['pendingTransferNotFound', { pendingId: 51n, debitAccountId: 2n }],
    ['pendingTransferHasDifferentDebitAccountId', { debitAccountId: 2n, creditAccountId: 1n }],
    ['pendingTransferHasDifferentCreditAccountId', { creditAccountId: 1n, ledger: 840 }],
    ['pendingTransferHasDifferentLedger', { ledger: 840, code: 2 }],
    ['pendingTransferHasDifferentCode', { code: 2, amount: 101n }],
    ['exceedsPendingTransferAmount', { amount: 101n }],
  ] as const)('%s', async (name, broken) => {
    await desk.transfers(2, hold);
    expect(await decide({ ...post, ...broken })).toBe(name);
    expect(await desk.balances(4n)).toEqual([100, 0, 0, 0]);
  });

  it('pendingTransferNotFound for one that was refused', async () => {
    await desk.transfers(2, { ...hold, creditAccountId: 99n });
    expect(await decide({ ...post, creditAccountId: 99n })).toBe('pendingTransferNotFound');
  });

  it('pendingTransferNotPending, whatever else differs', async () => {
    await desk.transfers(2, { ...hold, flags: 0 });
    expect(await decide({ ...post, debitAccountId: 2n, code: 9 })).toBe('pendingTransferNotPending');
  });

  const ends = [
    ['pendingTransferAlreadyPosted', async () => decide({ ...post, id: 60n, amount: 1n })],
    ['pendingTransferAlreadyVoided', async () => decide({ ...post, id: 60n, flags: voidPending })],
    ['pendingTransferExpired', async () => desk.pass(5)],
  ] as const;
  it.each(ends)('%s; what differs from the pending transfer goes before, its amount after', async (name, end) => {
    await desk.transfers(2, { ...hold, timeoutS: 5 });
    await end();
    expect(await decide({ ...post, id: 61n, debitAccountId: 2n })).toBe('pendingTransferHasDifferentDebitAccountId');
    expect(await decide({ ...post, id: 62n, creditAccountId: 1n })).toBe('pendingTransferHasDifferentCreditAccountId');
    expect(await decide({ ...post, id: 63n, ledger: 840 })).toBe('pendingTransferHasDifferentLedger');
    expect(await decide({ ...post, id: 64n, code: 2 })).toBe('pendingTransferHasDifferentCode');
    expect(await decide({ ...post, id: 65n, amount: 101n })).toBe(name);
    expect(await decide({ ...post, id: 66n, creditAccountId: 0n, ledger: 0, code: 0 })).toBe(name);
    expect(await decide({ ...post, id: 67n, flags: voidPending })).toBe(name);
  });
});

describe('an id that was used before', () => {
  const changes: readonly (readonly [ResultName, RawTransfer])[] = [
    ['existsWithDifferentFlags', { flags: postPending | keepRemainder }],
    ['existsWithDifferentPendingId', { pendingId: 51n }],
    ['existsWithDifferentDebitAccountId', { debitAccountId: 2n }],
    ['existsWithDifferentCreditAccountId', { creditAccountId: 1n }],
    ['existsWithDifferentAmount', { amount: 11n }],
    ['existsWithDifferentUserData128', { userData128: 1n << 127n }],
    ['existsWithDifferentUserData64', { userData64: 1n << 63n }],
    ['existsWithDifferentUserData32', { userData32: 1 }],
    ['existsWithDifferentLedger', { ledger: 840 }],
    ['existsWithDifferentCode', { code: 2 }],
  ];
  const hold = { ...plain, id: 50n, flags: pending, amount: 100n };
  const post = { ...plain, flags: postPending, pendingId: 50n };

  it.each(changes)('%s, and before all that comes after it', async (name, change) => {
    await desk.transfers(2, hold, { ...hold, id: 51n }, post);
    expect(await decide({ ...post, ...change })).toBe(name);
    const later = changes.slice(changes.findIndex(([other]) => other === name) + 1).map(([, broken]) => broken);
    expect(await decide({ ...post, ...Object.assign({}, ...later), ...change })).toBe(name);
    expect(await desk.balances(4n)).toEqual([100, 10, 0, 0]);
  });

  it('existsWithDifferentTimeout', async () => {
    await desk.transfers(2, { ...hold, timeoutS: 5 });
    expect(await decide({ ...hold, timeoutS: 6 })).toBe('existsWithDifferentTimeout');
    expect(await decide({ ...hold, timeoutS: 5, flags: 0 })).toBe('timeoutReservedForPendingTransfer');
  });

  it('existsWithDifferentOwner for another institution, whatever it asks', async () => {
    await desk.transfers(2, plain);
    expect(await desk.transfers(3, plain)).toEqual([Code.existsWithDifferentOwner]);
    expect(await desk.transfers(1, { ...plain, amount: 5n })).toEqual([Code.existsWithDifferentOwner]);
  });

  it('the same content: the first answer again, with its time, for ever, declined or not', async () => {
    const declined = { ...plain, id: 101n, debitAccountId: 2n };
    const [first, refused] = await desk.results(2, [plain, declined]);
    await desk.transfers(1, { ...plain, id: 102n, debitAccountId: 1n, creditAccountId: 2n, amount: 1000n });
    desk.now += SECOND;
    expect(await desk.results(2, [plain, declined])).toEqual([
      { ...first, replayed: true },
      { ...refused, replayed: true },
    ]);
    expect(first?.name).toBe('ok');
    expect(refused?.name).toBe('exceedsCredits');
    expect(await desk.balances(4n)).toEqual([0, 10, 0, 0]);
  });

  it('fields that were left out and filled in are compared as they were sent', async () => {
    const open = { ...post, creditAccountId: 0n, amount: 0n, ledger: 0, code: 0 };
    await desk.transfers(2, hold, open);
    expect((await desk.results(2, [open]))[0]).toMatchObject({ name: 'ok', replayed: true });
    expect(await decide({ ...open, creditAccountId: 3n })).toBe('existsWithDifferentCreditAccountId');
    expect(await decide({ ...open, amount: 100n })).toBe('existsWithDifferentAmount');
    expect(await decide({ ...open, ledger: 156 })).toBe('existsWithDifferentLedger');
    expect(await decide({ ...open, code: 1 })).toBe('existsWithDifferentCode');
    const [found] = await desk.lookupTransfers(2, open.id);
    expect(found?.entry?.transfer).toMatchObject({ creditAccountId: 3n, amount: 100n, ledger: 156, code: 1, flags: 4 });
  });

  it('fields that were given are compared even when others were filled in', async () => {
    await desk.transfers(2, hold, { ...post, amount: 40n, creditAccountId: 0n });
    expect(await decide({ ...post, amount: 0n, creditAccountId: 0n })).toBe('existsWithDifferentAmount');
    expect(await decide({ ...post, amount: 40n, creditAccountId: 0n, ledger: 0 })).toBe('existsWithDifferentLedger');
  });

  it('the flag linked counts as content', async () => {
    await desk.transfers(2, plain);
    expect(await desk.transfers(2, { ...plain, flags: linked }, { ...plain, id: 9n })).toEqual([
      Code.existsWithDifferentFlags,
      Code.linkedEventFailed,
    ]);
  });
});
