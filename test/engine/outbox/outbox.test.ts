/** Queues of what has to be told: the steps of an entry, its owner, its order, its end, its bounds, and what a restart leaves of it. */
import { beforeEach, describe, expect, it } from 'vitest';
import { OUTBOX_LIMITS } from '../../../protocol/outbox-bodies.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { PutOutboxBody } from '../../../protocol/registry-bodies.ts';
import { Bank } from '../../support/bank.ts';
import { START } from '../../support/desk.ts';
import { expectRecovered } from '../../support/recovered.ts';

const QUEUE = 'issuer-a';
const DAY = 86_400;
const LARGEST = Buffer.alloc(OUTBOX_LIMITS.bodyBytes, 7).toString('base64');
const idOf = (n: number): string => formatId(BigInt(n));

const entry = (n: number, changes: Partial<PutOutboxBody> = {}): PutOutboxBody => ({
  queue: QUEUE,
  id: idOf(n),
  state: 'armed',
  notBefore: 0,
  expiresAt: START + DAY * 1_000_000,
  body: Buffer.from(`message ${n}`).toString('base64'),
  reference: `payment ${n}`,
  ...changes,
});

describe.each([1, 3])('queues with %i partitions', (count) => {
  let bank: Bank;

  beforeEach(() => {
    bank = new Bank(count);
  });

  const put = (body: PutOutboxBody, institution = 2) => bank.registry(institution, 'putOutbox', body);
  const change = (n: number, attempts: number, notBefore = 0, institution = 2) =>
    bank.registry(institution, 'changeOutbox', { queue: QUEUE, id: idOf(n), attempts, notBefore });
  const remove = (n: number, institution = 2) =>
    bank.registry(institution, 'removeOutbox', { queue: QUEUE, id: idOf(n) });
  const list = (more: object = {}, institution = 2) =>
    bank.registry(institution, 'listOutbox', { queue: QUEUE, cursor: 0, limit: 100, ...more });
  const ids = async (more: object = {}, institution = 2) =>
    (await list(more, institution)).entries?.map(({ id }) => Number(BigInt(`0x${id}`)));
  const figures = () =>
    bank.partitions
      .map(({ state }) => state.outbox.figures)
      .find(({ armed, due, expired }) => armed + due + expired > 0);

  it('keep an entry from armed to due to removed', async () => {
    const armed = await put(entry(1));
    const { body, ...rest } = entry(1);
    expect(armed.entry).toEqual({ ...rest, attempts: 0, created: bank.now, number: 1, institution: 2 });
    expect((await list()).entries).toEqual([{ ...armed.entry, body }]);
    expect(await ids({ state: 'due' })).toEqual([]);
    const due = await change(1, 0);
    expect(due.entry).toEqual({ ...armed.entry, state: 'due' });
    const tried = await change(1, 1, bank.now + 5);
    expect(tried.entry).toEqual({ ...armed.entry, state: 'due', attempts: 1, notBefore: bank.now + 5 });
    expect((await list({ state: 'due' })).entries).toEqual([{ ...tried.entry, body }]);
    expect(await ids({ state: 'armed' })).toEqual([]);
    expect(figures()).toEqual({ armed: 0, due: 1, bytes: 'message 1'.length, expired: 0 });
    expect((await remove(1)).entry).toEqual({ ...tried.entry, state: 'removed' });
    expect(await ids()).toEqual([]);
    expect(figures()).toBeUndefined();
    expectRecovered(bank.partitions);
  });

  it('answer what comes again with the entry as it stands', async () => {
    const first = await put(entry(1));
    expect(await put(entry(1))).toEqual(first);
    const changed = await change(1, 2, 9);
    expect(await change(1, 2, 9)).toEqual(changed);
    expect((await change(1, 1, 7)).entry).toEqual(changed.entry);
    expect((await put(entry(1))).entry).toEqual(changed.entry);
    const removed = await remove(1);
    expect(await remove(1)).toEqual(removed);
    expect((await put(entry(1))).entry).toEqual(removed.entry);
    expect((await change(1, 3)).name).toBe('outboxEntryGone');
    expect(await ids()).toEqual([]);
  });

  it.each<[keyof PutOutboxBody, string | number]>([
    ['state', 'due'],
    ['notBefore', 1],
    ['expiresAt', START + 1_000_000],
    ['body', 'AAAA'],
    ['reference', ''],
  ])('outboxExistsDifferently: the same id with another %s', async (field, value) => {
    await put(entry(1));
    await change(1, 1);
    expect((await put(entry(1, { [field]: value }))).name).toBe('outboxExistsDifferently');
    expect((await list()).entries).toMatchObject([{ reference: 'payment 1', state: 'due' }]);
  });

  it('are their owner’s, and the operator’s', async () => {
    await put(entry(1));
    await put(entry(2), 3);
    expect((await put(entry(1), 3)).name).toBe('existsWithDifferentOwner');
    expect((await change(1, 1, 0, 3)).name).toBe('outboxEntryNotFound');
    expect((await remove(1, 3)).name).toBe('outboxEntryNotFound');
    expect((await remove(9)).name).toBe('outboxEntryNotFound');
    expect(await ids()).toEqual([1]);
    expect(await ids({}, 3)).toEqual([2]);
    expect(await ids({}, 1)).toEqual([1, 2]);
    expect((await remove(2, 1)).entry).toMatchObject({ state: 'removed', institution: 3 });
  });

  it('have the order in which entries came, page by page, each queue its own', async () => {
    for (const n of [5, 3, 9, 1]) await put(entry(n));
    await put(entry(4, { queue: 'other' }));
    await change(5, 1);
    expect(await ids()).toEqual([5, 3, 9, 1]);
    expect(await ids({ queue: 'other' })).toEqual([4]);
    const first = await list({ limit: 3 });
    expect(first.entries).toHaveLength(3);
    expect(await ids({ limit: 3, cursor: first.nextCursor ?? 0 })).toEqual([1]);
    expect((await list({ cursor: first.nextCursor })).nextCursor).toBe(0);
    await remove(3);
    expect(await ids()).toEqual([5, 9, 1]);
    expectRecovered(bank.partitions);
  });

  it('fit into replies, also with the largest bodies', async () => {
    for (let n = 0; n < 30; n++) await put(entry(n + 1, { body: LARGEST }));
    const seen: number[] = [];
    for (let cursor = 0, pages = 0; pages === 0 || cursor !== 0; pages++) {
      const page = await list({ cursor });
      expect(page.entries?.every(({ body }) => body === LARGEST)).toBe(true);
      seen.push(...(page.entries ?? []).map(({ number }) => number));
      cursor = page.nextCursor ?? 0;
    }
    expect(seen).toEqual(Array.from({ length: 30 }, (_, n) => n + 1));
  });

  it('end an entry at its time, not a microsecond before, and show it until it is removed', async () => {
    expect((await put(entry(9, { expiresAt: bank.now }))).name).toBe('untilMustBeInFuture');
    const expiresAt = bank.now + 10;
    await put(entry(1, { expiresAt }));
    await put(entry(2, { expiresAt, state: 'due' }));
    await put(entry(3));
    bank.now = expiresAt - 1;
    await bank.rest();
    expect(await ids()).toEqual([1, 2, 3]);
    bank.now = expiresAt;
    await bank.rest();
    expect(await ids()).toEqual([3]);
    expect(await ids({ state: 'expired' })).toEqual([1, 2]);
    expect((await list({ state: 'expired' })).entries).toMatchObject([
      entry(1, { expiresAt, state: 'expired' as 'due' }),
      {},
    ]);
    expect(figures()).toMatchObject({ armed: 1, due: 0, expired: 2 });
    expect((await change(1, 1)).name).toBe('outboxEntryGone');
    expectRecovered(bank.partitions);
    expect((await remove(1)).entry?.state).toBe('removed');
    expect(await ids({ state: 'expired' })).toEqual([2]);
    expect(figures()?.expired).toBe(2);
    expectRecovered(bank.partitions);
  });

  it('go on after a restart, with their times', async () => {
    await put(entry(1, { expiresAt: bank.now + 10 }));
    await put(entry(2));
    await change(2, 4, 7);
    const again = new Bank(count, bank.partitions);
    again.now = bank.now + 10;
    await again.rest();
    bank = again;
    expect(await ids({ state: 'expired' })).toEqual([1]);
    expect((await list()).entries).toMatchObject([{ attempts: 4, notBefore: 7, number: 2 }]);
    expect((await put(entry(3))).entry?.number).toBe(3);
  });
});

describe('a power cut', () => {
  it('loses nothing that was answered, wherever it falls', async () => {
    const told = new Set<number>();
    for (let fuel = 0; fuel < 8; fuel++) {
      const bank = new Bank(2);
      bank.fuel = fuel;
      const steps = [
        ['putOutbox', entry(1)],
        ['changeOutbox', { queue: QUEUE, id: idOf(1), attempts: 1, notBefore: 5 }],
        ['putOutbox', entry(2, { state: 'due' })],
        ['removeOutbox', { queue: QUEUE, id: idOf(1) }],
      ] as const;
      const names: string[] = [];
      void (async () => {
        for (const [command, body] of steps) names.push((await bank.registry(2, command, body)).name);
      })();
      for (let turn = 0; turn < 30; turn++) await new Promise((resolve) => setImmediate(resolve));
      expect(names.every((name) => name === 'ok')).toBe(true);
      told.add(names.length);
      const again = new Bank(2, bank.partitions);
      const page = await again.registry(2, 'listOutbox', { queue: QUEUE, cursor: 0, limit: 9 });
      const states = (page.entries ?? []).map(({ state, attempts }) => `${state} ${attempts}`);
      const expected = [[], ['armed 0'], ['due 1'], ['due 1', 'due 0'], ['due 0']];
      // What was not answered may have been kept all the same.
      expect([expected[names.length], expected[names.length + 1]]).toContainEqual(states);
      for (const [command, body] of steps) await again.registry(2, command, body);
      const settled = await again.registry(2, 'listOutbox', { queue: QUEUE, cursor: 0, limit: 9 });
      expect(settled.entries).toMatchObject([{ id: idOf(2), state: 'due' }]);
      expectRecovered(again.partitions);
    }
    expect(told.size).toBeGreaterThan(3);
  });
});

describe('a partition', () => {
  it('takes as many bytes, and keeps as many that expired, as its bounds say', async () => {
    const limits = OUTBOX_LIMITS as { bytes: number; entries: number; expired: number };
    const before = { ...limits };
    const bank = new Bank(1);
    const put = (n: number, expiresAt = bank.now + 10) =>
      bank.registry(2, 'putOutbox', entry(n, { body: 'AAAA', expiresAt }));
    try {
      limits.bytes = 6;
      expect([(await put(1)).name, (await put(2)).name, (await put(3)).name]).toEqual(['ok', 'ok', 'outboxFull']);
      expect((await put(1)).name).toBe('ok');
      Object.assign(limits, before, { entries: 3, expired: 2 });
      expect([(await put(3)).name, (await put(4)).name]).toEqual(['ok', 'outboxFull']);
      bank.now += 10;
      await bank.rest();
      const expired = await bank.registry(2, 'listOutbox', { queue: QUEUE, state: 'expired', cursor: 0, limit: 9 });
      expect(expired.entries?.map(({ number }) => number)).toEqual([2, 3]);
      expect(bank.partitions[0]?.state.outbox.figures).toEqual({ armed: 0, due: 0, bytes: 0, expired: 3 });
      expect((await put(4, bank.now + 1)).name).toBe('ok');
      expectRecovered(bank.partitions);
    } finally {
      Object.assign(limits, before);
    }
  });

  it('lets nothing of what was removed stay in memory', async () => {
    const bank = new Bank(1);
    for (let n = 1; n <= 20; n++) await bank.registry(2, 'putOutbox', entry(n));
    for (let n = 1; n <= 20; n++) await bank.registry(2, 'removeOutbox', { queue: QUEUE, id: idOf(n) });
    expect(bank.partitions[0]?.state.outbox.save()).toMatchObject({ waiting: [], expired: [], numbered: 20 });
  });
});
