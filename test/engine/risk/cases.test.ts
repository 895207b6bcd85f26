/** Cases: their steps, what is refused, the payment that follows the decision, lists over several partitions, replay. */
import { beforeEach, describe, expect, it } from 'vitest';
import { Registry } from '../../../engine/risk/registry.ts';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { ChangeCaseBody } from '../../../protocol/registry-bodies.ts';
import { Bank } from '../../support/bank.ts';
import { replayed } from '../../support/memory-partition.ts';

const id = (n: number): string => formatId(BigInt(n));

describe.each([1, 3])('with %i partitions', (count) => {
  let bank: Bank;

  beforeEach(async () => {
    bank = new Bank(count);
    const accounts = [2n, 3n, 4n, 5n].map((account) => ({ id: account, ledger: 156, code: 1 }));
    await bank.accounts(2, ...accounts);
    for (let n = 0; n < 4; n++) {
      const payment = { id: BigInt(100 + n), payerAccountId: BigInt(2 + n), payeeAccountId: BigInt(2 + ((n + 1) % 4)) };
      expect((await bank.pay(2, n === 3 ? 'authorise' : 'sale', { ...payment, amount: 70n, ledger: 156 })).name).toBe(
        'ok',
      );
    }
    await bank.rest();
  });

  const open = (n: number, institution = 2) =>
    bank.registry(institution, 'openCase', { paymentId: id(n), rules: ['travel'] });
  const change = (n: number, body: Partial<ChangeCaseBody>, institution = 2) =>
    bank.registry(institution, 'changeCase', { paymentId: id(n), by: 'ann', ...body });
  const read = async (n: number, institution = 2) =>
    bank.registry(institution, 'readCases', { paymentId: id(n), cursor: 0, limit: 1 });

  it('paymentNotFound, caseNotFound', async () => {
    expect((await open(99)).name).toBe('paymentNotFound');
    expect((await open(100, 3)).name).toBe('paymentNotFound');
    expect((await change(100, {})).name).toBe('caseNotFound');
    await open(100);
    expect((await read(100, 3)).name).toBe('caseNotFound');
    expect((await change(100, { comment: 'mine' }, 3)).name).toBe('caseNotFound');
    expect((await read(100, 1)).name).toBe('ok');
  });

  it('is opened once, assigned, commented, analysed, and decided once', async () => {
    expect((await open(100)).case).toMatchObject({
      paymentId: id(100),
      rules: ['travel'],
      state: 'open',
      comments: [],
    });
    expect((await open(100)).case?.state).toBe('open');
    await change(100, { assignee: 'bob', comment: 'looks odd' });
    const analysed = await change(100, { analysed: true });
    expect(analysed.case).toMatchObject({ state: 'analysed', assignee: 'bob' });
    expect(analysed.case?.comments).toEqual([{ at: bank.now, by: 'ann', text: 'looks odd' }]);
    expect((await change(100, { decision: 'release' })).case?.state).toBe('disagreed');
    expect((await change(100, { decision: 'release' })).name).toBe('ok');
    expect((await change(100, { decision: 'return' })).name).toBe('caseClosed');
    expect((await change(100, { comment: 'late' })).name).toBe('caseClosed');
    expect((await open(100)).case?.state).toBe('disagreed');
    same(bank);
  });

  it('caseFull: 100 comments', async () => {
    await open(100);
    for (let n = 0; n < 100; n++) await change(100, { comment: `${n}`.repeat(100) });
    expect((await change(100, { comment: 'one more' })).name).toBe('caseFull');
    expect((await read(100)).case?.comments.length).toBe(100);
  });

  it('returned: what was captured goes back, what is held is free, once', async () => {
    const balances = async () => Promise.all([2n, 3n, 4n, 5n].map((account) => bank.balances(account)));
    await open(100);
    await open(103);
    expect((await change(100, { decision: 'return' })).case?.state).toBe('agreed');
    expect((await change(103, { decision: 'return' })).case?.state).toBe('agreed');
    await bank.rest();
    const [captured, held] = await bank.lookupPayments(2, 100n, 103n);
    expect(captured?.view?.status).toMatchObject({ state: 'captured', refunded: 70n });
    expect(held?.view?.status.state).toBe('voided');
    const after = await balances();
    expect((await change(100, { decision: 'return' })).name).toBe('ok');
    expect(await balances()).toEqual(after);
    same(bank);
  });

  it('lists open ones newest first, page by page, without the decided', async () => {
    for (const n of [100, 101, 102, 103]) await open(n);
    await change(102, { decision: 'release' });
    const found: string[] = [];
    for (let cursor = 0; ; ) {
      const page = await bank.registry(2, 'readCases', { cursor, limit: 1 });
      found.push(...(page.cases ?? []).map(({ paymentId }) => paymentId));
      cursor = page.nextCursor ?? 0;
      if (cursor === 0) break;
    }
    if (count === 1) expect(found).toEqual([id(103), id(101), id(100)]);
    else expect(found.sort()).toEqual([id(100), id(101), id(103)]);
    expect((await bank.registry(3, 'readCases', { cursor: 0, limit: 10 })).cases).toEqual([]);
    same(bank);
  });
});

it('come back from a checkpoint, with freezes, and go on with their numbers', async () => {
  const bank = new Bank(1);
  const { state } = bank.partitions[0]!;
  await bank.accounts(2, { id: 2n, ledger: 156, code: 1 }, { id: 3n, ledger: 156, code: 1 });
  for (const n of [1, 2, 3]) {
    await bank.pay(2, 'sale', { id: BigInt(n), payerAccountId: 2n, payeeAccountId: 3n, amount: 1n, ledger: 156 });
    await bank.registry(2, 'openCase', { paymentId: id(n), rules: [] });
  }
  const reason = { en: 'a', zh: 'b' };
  const until = bank.now + 1_000_000;
  await bank.registry(2, 'putFreeze', { id: id(9), accountId: id(2), kind: 'sender', reason, until });
  await bank.registry(2, 'changeCase', { paymentId: id(3), by: 'ann', decision: 'release' });
  const saved = state.registry.save();
  const restored = new Registry(state.ledger, state.entities, 1);
  restored.restore(new Map(Object.entries(saved)));
  expect(restored.save()).toEqual(saved);
  expect(restored.cases.save()).toMatchObject({ opened: 3 });
  expect(restored.cases.page(2, 0, 10).cases.map(({ number }) => number)).toEqual([2, 1]);
  expect(restored.freezes.isFrozen(0, until - 1)).toBe(true);
  expect(restored.freezes.isFrozen(0, until)).toBe(false);
});

function same({ partitions }: Bank): void {
  for (const memory of partitions) {
    expect(takeSnapshot(replayed(memory)).registry).toEqual(takeSnapshot(memory.state).registry);
  }
}
