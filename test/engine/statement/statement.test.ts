/** A statement adds up, whatever is posted while it is read. */
import { beforeEach, describe, expect, it } from 'vitest';
import { readCsv } from '../../../engine/reconcile/csv.ts';
import {
  bookingOf,
  isStatement,
  openStatement,
  type Statement,
  StatementError,
} from '../../../engine/statement/statement.ts';
import { writeStatement } from '../../../engine/statement/write.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import { cast } from '../../support/cast.ts';
import { Desk, SECOND, START } from '../../support/desk.ts';

const T = BigInt(START);
const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 150n, ledger: 156, code: 1 };

let desk: Desk;
let next = 1000n;
const source = {
  balancesAt: (query: { accountId: bigint }) => desk.balancesAt(2, query),
  queryHistory: (filter: { accountId: bigint }) => desk.queryHistory(2, filter),
};

beforeEach(async () => {
  desk = new Desk();
  await cast(desk);
});

/** A minute of business: four bookings on account 4, a hold that is released. */
async function minute(): Promise<void> {
  const back = { ...plain, debitAccountId: 2n, creditAccountId: 4n, amount: 40n };
  await desk.transfers(1, { ...plain, id: next++, creditAccountId: 2n, amount: 1000n });
  await desk.transfers(2, { ...plain, id: next++ }, { ...back, id: next++ });
  const hold = next++;
  await desk.transfers(2, { ...plain, id: hold, flags: TransferFlags.pending });
  await desk.transfers(2, { id: next++, debitAccountId: 4n, pendingId: hold, flags: TransferFlags.voidPending });
  await desk.pay(2, 'sale', { id: next++, payerAccountId: 4n, payeeAccountId: 3n, amount: 7n, ledger: 156 });
  desk.now += 60 * SECOND;
}

async function open(query: object = {}): Promise<Statement> {
  const statement = await openStatement(source, { accountId: 4n, ...query });
  if (!isStatement(statement)) throw new Error(statement.name);
  return statement;
}

async function text(statement: Statement, format: 'csv' | 'json'): Promise<string> {
  let all = '';
  for await (const piece of writeStatement(statement, format)) all += piece;
  return all;
}

describe('a statement', () => {
  it('adds up over any time, and one goes on where another ends', async () => {
    for (let count = 0; count < 10; count++) await minute();
    const minutes = Array.from({ length: 12 }, (_, count) => T + BigInt(count - 1) * 60n * BigInt(SECOND));
    let before = 0n;
    for (const [index, from] of minutes.slice(0, -1).entries()) {
      const statement = await open({ from, to: minutes[index + 1] });
      expect(statement.opening).toBe(before);
      let balance = statement.opening;
      let bookings = 0;
      for await (const booking of statement.bookings) {
        balance += booking.direction === 'credit' ? booking.amount : -booking.amount;
        bookings++;
      }
      expect(balance).toBe(statement.closing);
      expect(bookings).toBe(index === 0 ? 0 : 4);
      before = balance;
    }
    expect(await open()).toMatchObject({ opening: 0n, closing: before, ledger: 156 });
    expect(before).toBe(-10n * (1000n + 150n - 40n + 7n));
  });

  it('has nothing in it that was posted after it was opened', async () => {
    for (let count = 0; count < 300; count++) await minute();
    const statement = await open();
    let bookings = 0;
    for await (const _ of statement.bookings) if (bookings++ % 400 === 0) await minute();
    expect(bookings).toBe(1200);
  });

  it('is refused like the account is', async () => {
    expect(await openStatement(source, { accountId: 99n })).toMatchObject({ name: 'accountNotFound' });
    expect(await openStatement(source, { accountId: 3n })).toMatchObject({ name: 'accountForbidden' });
  });

  it('ends with an error when it does not add up', async () => {
    await minute();
    const wrong = {
      ...source,
      balancesAt: async () => ({ ...(await desk.balancesAt(2, { accountId: 4n })), balance: 1n }),
    };
    const statement = await openStatement(wrong, { accountId: 4n });
    if (!isStatement(statement)) throw new Error('no statement');
    await expect(text(statement, 'csv')).rejects.toThrow(StatementError);
    const cut = {
      ...source,
      queryHistory: async () => ({ ...(await desk.queryHistory(2, { accountId: 4n })), entries: [] }),
    };
    const short = await openStatement(cut, { accountId: 4n });
    if (!isStatement(short)) throw new Error('no statement');
    await expect(text(short, 'json')).rejects.toThrow('ends before its last entry');
  });
});

describe('as text', () => {
  it('is CSV that RFC 4180 allows, with amounts as people write them', async () => {
    await minute();
    const [header = [], ...rows] = [...readCsv(await text(await open({ from: T }), 'csv'))].map(({ fields }) => fields);
    expect(header).toContain('balance');
    const column = (name: string): string[] => rows.map((fields) => fields[header.indexOf(name)] ?? '?');
    expect(column('type')).toEqual(['opening', 'entry', 'entry', 'entry', 'entry', 'closing']);
    expect(column('amount')).toEqual(['', '10.00', '1.50', '0.40', '0.07', '']);
    expect(column('direction')).toEqual(['', 'debit', 'debit', 'credit', 'debit', '']);
    expect(column('balance')).toEqual(['0.00', '-10.00', '-11.50', '-11.10', '-11.17', '-11.17']);
    expect(column('currency')).toEqual(rows.map(() => 'CNY'));
    expect(column('date').slice(0, 2)).toEqual(['2026-01-01T00:00:00.000000Z', '2026-01-01T00:00:00.000000Z']);
    expect(column('payment')[4]).not.toBe('');
    expect(column('payment')[1]).toBe('');
  });

  it('is JSON with amounts in minor units, also without entries', async () => {
    await minute();
    const whole = JSON.parse(await text(await open(), 'json'));
    expect(whole).toMatchObject({
      openingBalance: '0',
      closingBalance: '-1117',
      debits: '1157',
      credits: '40',
      currency: 'CNY',
    });
    expect(whole.entries).toHaveLength(4);
    expect(whole.entries[3]).toMatchObject({ direction: 'debit', amount: '7', balanceAfter: '-1117' });
    const empty = JSON.parse(await text(await open({ from: T - 60n, to: T }), 'json'));
    expect(empty).toMatchObject({ openingBalance: '0', closingBalance: '0', entries: [], debits: '0' });
  });

  it('leaves out what only held or released', async () => {
    await minute();
    const { entries } = await desk.queryHistory(2, { accountId: 4n });
    expect(entries.filter((entry) => bookingOf(entry, 4n) === undefined)).toHaveLength(2);
  });
});
