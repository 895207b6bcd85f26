/** Histories by filter, balances, sums and statements over HTTP, from a real partition. */

import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { CommandEnvelope, Gateway, ReplySink } from '../../../../engine/gateway.ts';
import { ROUTES } from '../../../../engine/transport/http/routes.ts';
import { commandOfKind } from '../../../../protocol/commands.ts';
import { formatId } from '../../../../protocol/ids.ts';
import { cast } from '../../../support/cast.ts';
import { Desk, SECOND } from '../../../support/desk.ts';
import { type Harness, KEY, startHttp } from './harness.ts';

/** One batch for each command. */
class DeskGateway implements Gateway {
  readonly desk = new Desk();
  asked = 0;
  fails = false;
  #last: Promise<void> = Promise.resolve();

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    this.asked++;
    const name = commandOfKind(envelope.kind)!;
    if (this.fails && name === 'queryHistory') throw new Error('a bug');
    const request = { institution: envelope.institution, name, flags: 0, count: envelope.count, body: body.slice() };
    this.#last = this.#last.then(async () => {
      let next: Uint8Array | undefined = await this.desk.one(request);
      sink.deliver({
        take: () => {
          const frame = next;
          next = undefined;
          return frame;
        },
      });
    });
    return 0;
  }
}

const gateway = new DeskGateway();
const account = formatId(4n);
const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 100n, ledger: 156, code: 1 };
const BIG = 80_000;
let http: Harness;

beforeAll(async () => {
  const { desk } = gateway;
  await cast(desk);
  await desk.transfers(2, { ...plain, id: 1n }, { ...plain, id: 2n, code: 2, userData64: 7n });
  desk.now += 86_400 * SECOND;
  await desk.transfers(2, { ...plain, id: 3n, debitAccountId: 2n, creditAccountId: 4n, amount: 0n + 30n });
  await desk.transfers(1, { ...plain, id: 4n, debitAccountId: 1n, creditAccountId: 4n, amount: 30n });
  await desk.pay(2, 'sale', { id: 5n, payerAccountId: 4n, payeeAccountId: 3n, amount: 7n, ledger: 156 });
  for (let at = 0; at < BIG; at += 1000) {
    const many = Array.from({ length: 1000 }, (_, n) => ({
      ...plain,
      id: BigInt(10_000 + at + n),
      debitAccountId: 1n,
      amount: 1n,
    }));
    await desk.transfers(1, ...many);
  }
  http = await startHttp({ gateway });
});
afterAll(() => http.close());

const get = async (path: string, headers: Record<string, string> = {}) => http.send('GET', path, undefined, headers);
const shapeOf = (path: string) => ROUTES.find(({ spec }) => spec.path === path)!.spec.answer;

describe('entries', () => {
  it.each([
    ['', ['7', '30', '100', '100']],
    ['?order=oldestFirst', ['100', '100', '30', '7']],
    ['?side=credit', ['30']],
    ['?code=2', ['100']],
    ['?userData64=7&side=debit', ['100']],
    ['?from=2026-01-02T00:00:00Z', ['7', '30']],
    ['?to=2026-01-02T00:00:00Z&order=oldestFirst&limit=1', ['100']],
    [`?counterparty=${formatId(1n)}`, ['30']],
    [`?userData128=${formatId(5n)}`, ['7']],
  ])('%s', async (query, amounts) => {
    const { status, body } = await get(`/v1/accounts/${account}/entries${query}`);
    expect(status).toBe(200);
    expect(body.entries.map((entry: { amount: string }) => entry.amount)).toEqual(amounts);
    expect(shapeOf('/v1/accounts/{id}/entries').safeParse(body).success).toBe(true);
  });

  it.each([
    ['from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z', 'timeRangeEmpty', 'to'],
    ['order=up', 'malformedBody', 'order'],
    ['from=yesterday', 'malformedBody', 'from'],
    ['cursor=99', 'cursorInvalid', 'cursor'],
  ])('refuses %s', async (query, name, field) => {
    const { status, body } = await get(`/v1/accounts/${account}/entries?${query}`);
    expect({ status, body }).toMatchObject({ status: 400, body: { name, field } });
  });
});

describe('balances and sums', () => {
  it('a balance at a time', async () => {
    const at = async (query: string) => (await get(`/v1/accounts/${account}/balance${query}`)).body;
    expect(await at('')).toMatchObject({ balance: '-177', currency: 'CNY', entries: '4', entry: { amount: '7' } });
    expect(await at('?at=2026-01-01T23:00:00Z')).toMatchObject({ balance: '-200', entries: '2' });
    expect(await at('?at=1970-01-01T00:00:00Z')).toEqual({ balance: '0', currency: 'CNY', entries: '0', entry: null });
    expect(shapeOf('/v1/accounts/{id}/balance').safeParse(await at('')).success).toBe(true);
  });

  it('aggregates by day and code', async () => {
    const { body } = await get(`/v1/accounts/${account}/aggregates`);
    const none = { creditCount: 0, credits: '0' };
    expect(body).toEqual({
      aggregates: [
        { day: '2026-01-01', code: 1, debitCount: 1, debits: '100', ...none },
        { day: '2026-01-01', code: 2, debitCount: 1, debits: '100', ...none },
        { day: '2026-01-02', code: 1, debitCount: 0, debits: '0', creditCount: 1, credits: '30' },
        { day: '2026-01-02', code: 7, debitCount: 1, debits: '7', ...none },
      ],
      nextCursor: null,
    });
    expect(shapeOf('/v1/accounts/{id}/aggregates').safeParse(body).success).toBe(true);
  });

  it('the trial balance', async () => {
    const { body } = await get('/v1/trial-balance');
    expect(body.currencies).toMatchObject([
      { currency: 'CNY', accounts: '2', debitsPosted: '207', creditsPosted: '30' },
    ]);
    expect(shapeOf('/v1/trial-balance').safeParse(body).success).toBe(true);
  });
});

describe('statements', () => {
  it('is JSON, or CSV for who accepts it', async () => {
    const path = `/v1/accounts/${account}/statement?from=2026-01-02T00:00:00Z&to=2026-01-03T00:00:00Z`;
    const { body, headers } = await get(path);
    expect(headers.get('content-type')).toBe('application/json');
    expect(body).toMatchObject({ openingBalance: '-200', debits: '7', credits: '30', closingBalance: '-177' });
    expect(body.entries).toHaveLength(2);
    expect(shapeOf('/v1/accounts/{id}/statement').safeParse(body).success).toBe(true);
    const csv = await get(path, { accept: 'text/csv' });
    expect(csv.headers.get('content-type')).toContain('text/csv');
    expect(csv.body.split('\r\n').map((line: string) => line.split(',')[0])).toEqual([
      'type',
      'opening',
      'entry',
      'entry',
      'closing',
      '',
    ]);
    expect((await http.send('HEAD', path)).status).toBe(200);
  });

  it.each([
    [`/v1/accounts/${formatId(3n)}/statement`, 403, 'accountForbidden'],
    [`/v1/accounts/${formatId(99n)}/statement`, 404, 'accountNotFound'],
    [`/v1/accounts/${account}/statement?from=2026-01-02T00:00:00Z&to=2026-01-02T00:00:00Z`, 400, 'timeRangeEmpty'],
  ])('refuses %s', async (path, status, name) => {
    expect(await get(path)).toMatchObject({ status, body: { name } });
  });

  it('is read no faster than its reader takes it', async () => {
    const operator = await startHttp({
      gateway,
      authenticate: () => ({ institution: 1, institutionName: 'o', scopes: ['read'], keyId: 'k' }),
    });
    try {
      gateway.asked = 0;
      const socket = connect(operator.port, '127.0.0.1');
      socket.pause();
      socket.write(
        `GET /v1/accounts/${formatId(3n)}/statement HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`,
      );
      let seen = -1;
      // Until nothing more is asked for: what the sockets hold is full.
      while (seen !== gateway.asked) {
        seen = gateway.asked;
        await new Promise((resolve) => setTimeout(resolve, 300));
      }
      expect(seen).toBeLessThan(BIG / 1000);
      let end = '';
      socket.setEncoding('latin1').on('data', (chunk: string) => {
        end = (end + chunk).slice(-200);
        if (end.endsWith('0\r\n\r\n')) socket.end();
      });
      socket.resume();
      await once(socket, 'close');
      expect(end).toContain(`"closingBalance":"${BIG + 207}"`);
      expect(gateway.asked).toBe(BIG / 1000 + 2);
      expect(operator.edge.inFlight()).toBe(0);
    } finally {
      operator.close();
    }
  });

  it('breaks off, and never ends well, when it cannot be read', async () => {
    gateway.fails = true;
    try {
      await expect(get(`/v1/accounts/${account}/statement`)).rejects.toThrow();
      expect(http.errors).toHaveLength(1);
    } finally {
      gateway.fails = false;
    }
    expect((await get(`/v1/accounts/${account}/statement`)).status).toBe(200);
  });
});
