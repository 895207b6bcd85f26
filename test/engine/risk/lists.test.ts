/** Lists and exemptions: what is stored, what is refused, that restarts and checkpoints know it, and every partition. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { formatId } from '../../../protocol/ids.ts';
import { REGISTRY_LIMITS } from '../../../protocol/registry-bodies.ts';
import { Bank } from '../../support/bank.ts';
import { cast } from '../../support/cast.ts';
import { Desk } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition, replayed } from '../../support/memory-partition.ts';

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
});

const id = (n: number | bigint): string => formatId(BigInt(n));
const range = (from: number, to: number): string[] => Array.from({ length: to - from }, (_, at) => id(from + at));
const words = (...keys: bigint[]): Uint32Array =>
  Uint32Array.from(keys.flatMap((key) => [0n, 32n, 64n, 96n].map((shift) => Number((key >> shift) & 0xffff_ffffn))));

async function put(name: string, add: readonly string[], remove: readonly string[] = []): Promise<string> {
  return (await desk.registry(2, 'putRiskList', { name, add, remove })).name;
}

async function members(name: string, limit = 1000): Promise<string[]> {
  const found: string[] = [];
  for (let cursor = 0; ; ) {
    const page = await desk.registry(3, 'getRiskList', { name, cursor, limit });
    expect(page.name).toBe('ok');
    found.push(...(page.members ?? []));
    cursor = page.nextCursor ?? 0;
    if (cursor === 0) return found;
  }
}

describe('lists', () => {
  it('grow and shrink; what is there already, or is not, is passed over and writes nothing', async () => {
    expect(await put('blocked', [id(1), id(2), id(3), id(2)])).toBe('ok');
    const before = memory.journal.nextLsn;
    expect(await put('blocked', [id(3)], [id(9)])).toBe('ok');
    expect(memory.journal.nextLsn).toBe(before);
    expect(await put('blocked', [id(5), id(1)], [id(1), id(2)])).toBe('ok');
    expect(new Set(await members('blocked', 2))).toEqual(new Set([id(1), id(3), id(5)]));
    const all = await desk.registry(2, 'getRiskList', { cursor: 0, limit: 1 });
    expect(all.lists).toEqual([{ name: 'blocked', size: 3 }]);
  });

  it('riskListNotFound', async () => {
    const page = await desk.registry(2, 'getRiskList', { name: 'none', cursor: 0, limit: 1 });
    expect(page.name).toBe('riskListNotFound');
  });

  it('are asked by their names, also before there are any', async () => {
    const { lists } = memory.state.registry;
    await put('blocked', [id(7n << 100n)]);
    const subjects = words(1n, 7n << 100n, 0n);
    expect([
      lists.has('blocked', subjects, 0),
      lists.has('blocked', subjects, 4),
      lists.has('blocked', subjects, 8),
    ]).toEqual([false, true, false]);
    expect(lists.has('later', subjects, 0)).toBe(false);
    await put('later', [id(1)]);
    expect(lists.has('later', subjects, 0)).toBe(true);
    await put('later', [], [id(1)]);
    expect(lists.has('later', subjects, 0)).toBe(false);
    expect(lists.has('none', subjects, 4)).toBe(false);
  });

  it('riskListFull: by members and by lists', { timeout: 60_000 }, async () => {
    const { lists } = memory.state.registry;
    lists.apply({ name: 'large', add: range(1, REGISTRY_LIMITS.membersPerList), remove: [] });
    const last = REGISTRY_LIMITS.membersPerList;
    expect(await put('large', [id(last), id(last + 1)])).toBe('riskListFull');
    expect(await put('large', [id(last)])).toBe('ok');
    expect(await put('large', [id(last + 1)])).toBe('riskListFull');
    expect(await put('large', [id(last + 1)], [id(5)])).toBe('ok');
    for (let n = 1; n < REGISTRY_LIMITS.lists; n++) expect(await put(`list-${n}`, [])).toBe('ok');
    expect(await put('one-more', [])).toBe('riskListFull');
    expect(await put('list-1', [id(1)])).toBe('ok');
  });

  it('are found again by a replay and in a checkpoint, members in the same places', async () => {
    await put('blocked', range(1, 300));
    await put('blocked', range(500, 600), [...range(1, 50), ...range(100, 200)]);
    await put('empty', []);
    const sections = takeSnapshot(memory.state);
    expect(takeSnapshot(replayed(memory))).toEqual(sections);
    const again = memoryPartition().state.registry;
    again.restore(new Map(Object.entries(sections)));
    expect(again.lists.save().names).toEqual(['blocked', 'empty']);
    expect(await members('blocked')).toEqual(again.lists.page('blocked', 0, 1000)?.members);
    expect([...sections['list.blocked']!].length).toBe((299 - 149 + 100) * 16);
  });
});

describe('exemptions', () => {
  const until = (): number => desk.now + 60_000_000;
  const exempt = async (accountId: number, rule: string, end: number, institution = 1): Promise<string> =>
    (await desk.registry(institution, 'putRiskExemption', { accountId: id(accountId), rule, until: end })).name;

  it('accountNotFound, accountForbidden, untilMustBeInFuture', async () => {
    expect(await exempt(99, 'travel', until())).toBe('accountNotFound');
    expect(await exempt(2, 'travel', until(), 3)).toBe('accountForbidden');
    expect(await exempt(2, 'travel', desk.now)).toBe('untilMustBeInFuture');
    const hidden = await desk.registry(3, 'readAccountRisk', { accountId: id(2) });
    expect(hidden.name).toBe('accountForbidden');
  });

  it('count until their time, one rule of one account each, and end at once with zero', async () => {
    const { exemptions } = memory.state.registry;
    const { ledger } = memory.state;
    const account = ledger.findAccount(words(2n), 0);
    const end = until();
    expect(await exempt(2, 'travel', end)).toBe('ok');
    expect(await exempt(2, 'night', end + 1)).toBe('ok');
    expect([exemptions.isExempt(account, 'travel', end - 1), exemptions.isExempt(account, 'travel', end)]).toEqual([
      true,
      false,
    ]);
    expect([exemptions.isExempt(account, 'other', 0), exemptions.isExempt(account + 1, 'travel', 0)]).toEqual([
      false,
      false,
    ]);
    const shown = await desk.registry(2, 'readAccountRisk', { accountId: id(2) });
    expect(shown.exemptions).toEqual([
      { rule: 'travel', until: end },
      { rule: 'night', until: end + 1 },
    ]);
    const before = memory.journal.nextLsn;
    expect(await exempt(2, 'travel', end)).toBe('ok');
    expect(memory.journal.nextLsn).toBe(before);
    expect(await exempt(2, 'travel', 0)).toBe('ok');
    expect(exemptions.isExempt(account, 'travel', 0)).toBe(false);
    expect(exemptions.isExempt(account, 'night', 0)).toBe(true);
    expect(takeSnapshot(replayed(memory))).toEqual(takeSnapshot(memory.state));
  });

  it('riskRegistryFull, until some are over', { timeout: 60_000 }, async () => {
    const { exemptions } = memory.state.registry;
    const lsn = memory.journal.nextLsn;
    await exempt(2, 'first', desk.now + 10);
    for (let n = 1; n < REGISTRY_LIMITS.exemptions; n++) {
      exemptions.apply({ accountId: id(2), rule: `rule-${n}`, until: until() }, lsn);
    }
    expect(await exempt(3, 'travel', until())).toBe('riskRegistryFull');
    expect(await exempt(2, 'rule-7', until() + 1)).toBe('ok');
    desk.now += 10;
    expect(await exempt(3, 'travel', until())).toBe('ok');
    expect(await exempt(3, 'night', until())).toBe('riskRegistryFull');
  });

  it('are given back by a checkpoint', async () => {
    const end = until();
    await exempt(3, 'night', end);
    await exempt(2, 'travel', end);
    const sections = new Map(Object.entries(takeSnapshot(memory.state)));
    const { registry, ledger } = replayed(memory);
    for (const n of [2, 3]) {
      const rule = n === 2 ? 'travel' : 'night';
      registry.exemptions.apply({ accountId: id(n), rule, until: 0 }, 0);
    }
    registry.restore(sections);
    expect(registry.exemptions.isExempt(ledger.findAccount(words(2n), 0), 'travel', 0)).toBe(true);
    expect(Object.entries(registry.save())).toEqual([...sections].filter(([name]) => name === 'registry'));
  });
});

it('with several partitions, lists are in all of them and exemptions where the account is', async () => {
  const bank = new Bank(3);
  const accounts = [1, 2, 3, 4, 5, 6];
  await bank.accounts(2, ...accounts.map((n) => ({ id: BigInt(n), ledger: 156, code: 1 })));
  expect((await bank.registry(2, 'putRiskList', { name: 'blocked', add: [id(1)], remove: [] })).name).toBe('ok');
  for (const { state } of bank.partitions)
    expect(state.registry.lists.summaries()).toEqual([{ name: 'blocked', size: 1 }]);
  const until = bank.now + 1000;
  for (const n of accounts) {
    expect((await bank.registry(2, 'putRiskExemption', { accountId: id(n), rule: 'night', until })).name).toBe('ok');
    const shown = await bank.registry(2, 'readAccountRisk', { accountId: id(n) });
    expect(shown.exemptions).toEqual([{ rule: 'night', until }]);
    const home = bank.partitions[bank.homeOf(BigInt(n))]!.state;
    expect(home.registry.exemptions.isExempt(home.ledger.findAccount(words(BigInt(n)), 0), 'night', 0)).toBe(true);
  }
});
