/** Imports between partitions: each with its own time, in order on both sides, whatever happens. */
import { describe, expect, it } from 'vitest';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { Bank } from '../../support/bank.ts';
import { between, expectWhole } from '../../support/clearing-checks.ts';
import { type RawTransfer, START } from '../../support/desk.ts';
import { randomWords } from '../storage/support.ts';

const { pending, postPending, linked, imported } = TransferFlags;
const SEED = Number(process.env.SEED ?? 20_261_123);
const DAY = 86_400_000_000;
const OPENED = START - 100 * DAY;
const CNY = { ledger: 156, code: 1 };
const POOL = Array.from({ length: 200 }, (_, n) => BigInt(1000 + n));
const STRANGER = 2000n;
/** Accounts apart in two partitions and in three: two of the first, and others. */
const TWO = new Bank(2);
const THREE = new Bank(3);
const homed = (two: number, three: number): bigint[] =>
  POOL.filter((id) => TWO.homeOf(id) === two && THREE.homeOf(id) === three);
const [A = 0n, A2 = 0n] = homed(0, 0);
const [B = 0n] = homed(1, 1);
const [C = 0n] = homed(1, 2);
const IDS = [...new Set([A, A2, B, C, ...POOL])].slice(0, 12);
const WAYS = [
  [1, false],
  [2, false],
  [2, true],
  [3, false],
  [3, true],
] as const;

function day(number: number): bigint {
  return BigInt(OPENED + Math.round(number * DAY));
}

/** Accounts of institution 2 and of a stranger, all opened in the past. */
async function opened(partitions: number, echoes = false): Promise<Bank> {
  const bank = new Bank(partitions, undefined, echoes);
  const account = { ...CNY, flags: AccountFlags.imported, timestamp: BigInt(OPENED) };
  expect(new Set(await bank.accounts(2, ...IDS.map((id) => ({ id, ...account }))))).toEqual(new Set(['ok']));
  expect(await bank.accounts(3, { id: STRANGER, ...account })).toEqual(['ok']);
  return bank;
}

const old = (part: Partial<RawTransfer>): RawTransfer => ({
  id: 1n,
  debitAccountId: A,
  creditAccountId: B,
  amount: 10n,
  ...CNY,
  flags: imported,
  timestamp: day(5),
  ...part,
});

async function settled(bank: Bank): Promise<void> {
  await bank.rest();
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  expect(bank.partitions.every(({ state }) => state.ledger.clearing.unfinished.size === 0)).toBe(true);
}

/** Entries of an account, newest first. */
async function entriesOf(bank: Bank, id: bigint): Promise<{ id: bigint; timestamp: bigint; amount: bigint }[]> {
  const { entries } = await bank.history(2, id);
  return entries.map(({ transfer }) => ({ id: transfer.id, timestamp: transfer.timestamp, amount: transfer.amount }));
}

async function expectInOrder(bank: Bank): Promise<void> {
  for (const id of IDS) {
    const times = (await entriesOf(bank, id)).map(({ timestamp }) => timestamp);
    expect(times, `account ${id}`).toEqual([...times].sort((a, b) => (a < b ? 1 : a > b ? -1 : 0)));
  }
}

describe.each(WAYS)('over %i partitions (messages twice: %s), an import', (partitions, echoes) => {
  it('is kept and answered with its own time, on both sides', async () => {
    const bank = await opened(partitions, echoes);
    expect(await bank.results(2, old({}))).toMatchObject([{ name: 'ok', replayed: false, timestamp: day(5) }]);
    expect(await bank.results(2, old({}))).toMatchObject([{ name: 'ok', replayed: true, timestamp: day(5) }]);
    expect(await bank.transfers(2, old({ timestamp: day(6) }))).toEqual(['existsWithDifferentTimestamp']);
    await settled(bank);
    for (const id of [A, B]) expect(await entriesOf(bank, id)).toEqual([{ id: 1n, timestamp: day(5), amount: 10n }]);
  });

  it.each<readonly [ResultName, Partial<RawTransfer>]>([
    ['accountForbidden', { creditAccountId: STRANGER }],
    ['importedEventTimestampMustNotAdvance', { timestamp: BigInt(START) + 1n }],
    ['importedEventTimestampMustNotRegress', { timestamp: BigInt(OPENED) - 1n }],
    ['importedEventTimestampMustNotRegress', { timestamp: day(3) - 1n }],
    ['importedEventTimestampMustNotRegress', { creditAccountId: C, debitAccountId: A2, timestamp: day(4) - 1n }],
    ['importedEventTimestampMustNotRegress', { creditAccountId: B, debitAccountId: A2, timestamp: day(3) - 1n }],
    ['ok', { creditAccountId: B, debitAccountId: A2, timestamp: day(3) }],
    ['ok', { timestamp: BigInt(START) }],
    ['creditAccountNotFound', { creditAccountId: 77n }],
  ])('is answered %s for %o, and again', async (name, part) => {
    const bank = await opened(partitions, echoes);
    const known = [old({ id: 8n, timestamp: day(3) }), old({ id: 9n, creditAccountId: C, timestamp: day(4) })];
    const first = part.debitAccountId === undefined ? known.slice(0, 1) : known;
    expect(new Set(await bank.transfers(2, ...first))).toEqual(new Set(['ok']));
    const [result] = await bank.results(2, old(part));
    expect(result).toMatchObject({ name, replayed: false });
    expect(await bank.results(2, old(part))).toMatchObject([{ name, replayed: true, timestamp: result?.timestamp }]);
    await settled(bank);
    await expectInOrder(bank);
  });

  it('may hold, to be posted later', async () => {
    const bank = await opened(partitions, echoes);
    expect(await bank.transfers(2, old({ flags: imported | pending }))).toEqual(['ok']);
    expect(await bank.balances(B)).toEqual([0, 0, 10, 0]);
    expect(await bank.transfers(2, { id: 2n, pendingId: 1n, debitAccountId: A, flags: postPending })).toEqual(['ok']);
    await settled(bank);
    expect(await bank.balances(A)).toEqual([0, 10, 0, 0]);
    expect(await bank.balances(B)).toEqual([0, 0, 0, 10]);
    await expectInOrder(bank);
  });
});

/** A history of single transfers and chains within partition 0, in order of their times but for a few that are too early: of these no side has another
 * reason to refuse them, since the debit side would name its own first. */
function pastOf(seed: number, count: number): RawTransfer[] {
  const random = randomWords(seed);
  const below = (limit: number): number => random() % limit;
  const items: RawTransfer[] = [];
  for (let n = 0; items.length < count; n++) {
    const isEarly = below(12) === 0;
    const timestamp = day(1 + (isEarly ? Math.floor(n / 2) : n) * 0.1);
    const debitAccountId = IDS[below(IDS.length)] as bigint;
    const others = IDS.filter((id) => id !== debitAccountId);
    const creditAccountId = !isEarly && below(25) === 0 ? STRANGER : (others[below(others.length)] as bigint);
    const id = BigInt(10_000 + items.length);
    if (below(8) === 0) {
      items.push(old({ id, debitAccountId: A, creditAccountId: A2, timestamp, flags: imported | linked }));
      items.push(old({ id: id + 1n, debitAccountId: A2, creditAccountId: A, timestamp, amount: 1n }));
    } else {
      const flags = below(6) === 0 ? imported | pending : imported;
      items.push(old({ id, debitAccountId, creditAccountId, timestamp, amount: BigInt(1 + below(99)), flags }));
    }
  }
  return items;
}

describe('a message of imports', () => {
  it('is decided as with one partition, in results, times, balances and histories', async () => {
    const items = pastOf(SEED, 300);
    const seen: unknown[] = [];
    for (const [partitions, echoes] of WAYS) {
      const bank = await opened(partitions, echoes);
      const results = await bank.results(2, ...items);
      const again = await bank.results(2, ...items);
      await settled(bank);
      await expectInOrder(bank);
      const histories = await Promise.all(IDS.map((id) => entriesOf(bank, id)));
      const balances = await Promise.all(IDS.map((id) => bank.balances(id)));
      const told = results.map(({ name, timestamp }) => [name, timestamp]);
      expect(again.map(({ name, timestamp }) => [name, timestamp])).toEqual(told);
      seen.push([told, histories, balances]);
      const names = new Set(results.map(({ name }) => name));
      expect(names).toContain('importedEventTimestampMustNotRegress');
      expect(names).toContain('accountForbidden');
    }
    for (const other of seen.slice(1)) expect(other, `seed ${SEED}`).toEqual(seen[0]);
  });

  it('and one that names no credit account wait for each other', async () => {
    for (const [partitions, echoes] of WAYS) {
      const bank = await opened(partitions, echoes);
      const hold = old({ id: 1n, creditAccountId: A2, flags: imported | pending, timestamp: day(1) });
      const post = { id: 3n, pendingId: 1n, debitAccountId: A, flags: imported | postPending, timestamp: day(3) };
      const names = await bank.transfers(2, hold, old({ id: 2n, timestamp: day(2) }), post, old({ id: 4n }));
      expect(names).toEqual(['ok', 'ok', 'ok', 'ok']);
      await settled(bank);
      expect((await entriesOf(bank, A)).map(({ id }) => id)).toEqual([4n, 3n, 2n, 1n]);
      await expectInOrder(bank);
    }
  });

  it('takes each flag into account: others are refused as with one partition', async () => {
    const items = [old({ id: 1n }), { ...old({ id: 2n }), flags: 0, timestamp: 0n }];
    expect(await (await opened(2)).transfers(2, ...items)).toEqual(['ok', 'importedEventExpected']);
  });
});

describe('an import under way', () => {
  it('comes behind what its debit account has got meanwhile, and is the same when it comes again', async () => {
    const bank = await opened(2, true);
    const live = { debitAccountId: A, creditAccountId: A2, amount: 3n, ...CNY };
    const names = await Promise.all([
      bank.transfers(2, old({})),
      bank.transfers(2, { ...live, id: 2n }),
      bank.transfers(2, old({ id: 3n, creditAccountId: C, timestamp: day(6) })),
    ]);
    expect(names).toEqual([['ok'], ['ok'], ['importedEventTimestampMustNotRegress']]);
    await settled(bank);
    await expectInOrder(bank);
    expect(await entriesOf(bank, A)).toMatchObject([
      { id: 1n, timestamp: BigInt(START) },
      { id: 2n, timestamp: BigInt(START) },
    ]);
    expect(await entriesOf(bank, B)).toMatchObject([{ id: 1n, timestamp: day(5) }]);
    expect(await bank.results(2, old({}))).toMatchObject([{ name: 'ok', replayed: true, timestamp: BigInt(START) }]);
    expect(await bank.transfers(2, old({ timestamp: BigInt(START) }))).toEqual(['existsWithDifferentTimestamp']);
  });

  it('survives a power cut after any batch', async () => {
    let answered = 0;
    for (let fuel = 0; fuel < 12; fuel++) {
      const bank = await opened(2);
      await bank.rest();
      bank.fuel = fuel;
      const items = [old({}), old({ id: 2n, debitAccountId: B, creditAccountId: A, timestamp: day(6) })];
      let told: string[] | undefined;
      void bank.transfers(2, ...items).then((names) => {
        told = names;
      });
      for (let turn = 0; turn < 50; turn++) await new Promise((resolve) => setImmediate(resolve));
      expectWhole(bank);
      const again = new Bank(2, bank.partitions);
      again.now = bank.now;
      await again.rest();
      if (told !== undefined) answered++;
      const results = await again.results(2, ...items);
      expect(results).toMatchObject([
        { name: 'ok', timestamp: day(5) },
        { name: 'ok', timestamp: day(6) },
      ]);
      await settled(again);
      for (const id of [A, B]) {
        expect((await entriesOf(again, id)).map(({ timestamp }) => timestamp)).toEqual([day(6), day(5)]);
      }
      expect(await again.balances(A)).toEqual([0, 10, 0, 10]);
    }
    expect(answered).toBeGreaterThan(0);
    expect(answered).toBeLessThan(12);
  });
});
