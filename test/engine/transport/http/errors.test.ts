import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { RateLimiter } from '../../../../engine/admission/limits.ts';
import { ROUTES } from '../../../../engine/transport/http/routes.ts';
import { COMMANDS } from '../../../../protocol/commands.ts';
import { Code, RESULTS, type ResultName } from '../../../../protocol/results.ts';
import { type Harness, KEY, READ_KEY, startHttp } from './harness.ts';

let http: Harness;
beforeAll(async () => {
  http = await startHttp();
});
afterAll(() => http.close());
beforeEach(() => {
  http.gateway.submitCode = Code.ok;
  http.gateway.refusal = undefined;
  http.gateway.throws = undefined;
});

const ID = '0190a5e0c0de7000800000000000c33e';
const sale = { id: ID, from: 'alice', to: 'bob', amount: '1', currency: 'CNY' };
const transfer = { id: ID, debitAccount: ID, creditAccount: 'bob', amount: '1', currency: 'CNY', code: 1 };
const account = { id: ID, currency: 'CNY', code: 1 };
const tariff = { basisPoints: 1, feeAccount: ID };

/** A request of each route that is good in form. */
const GOOD: Readonly<Record<string, unknown>> = {
  'post /v1/accounts': account,
  'post /v1/accounts/{id}/changes': { id: ID, state: 'frozen' },
  'post /v1/transfers': transfer,
  'post /v1/transfers/{id}/chain/post': { id: ID },
  'post /v1/transfers/{id}/chain/void': { id: ID },
  'post /v1/payments': sale,
  'post /v1/payments/{id}/captures': { id: ID },
  'post /v1/payments/{id}/void': { id: ID },
  'post /v1/payments/{id}/refunds': { id: ID },
  'post /v1/payments/{id}/revert': { id: ID },
  'post /v1/payments/{id}/cancel': { id: ID, from: ID },
  'post /v1/payments/{id}/release': { id: ID },
  'post /v1/payments/{id}/confirmation': { id: ID, proof: 'AQID' },
  'put /v1/parties/{handle}/orders/{number}': { amount: '1', currency: 'CNY', expiresAt: '2026-01-31T08:00:00Z' },
  'put /v1/orders/{id}/close': {},
  'post /v1/orders/{id}/payments': { id: ID, from: ID },
  'post /v1/orders/{id}/refunds': { id: ID },
  'put /v1/parties/{handle}/counters': { city: 'SHANGHAI', country: 'CN', counters: [{ counter: 'till-1' }] },
  'post /v1/parties/{handle}/counters/{counter}/payments': { id: ID, from: 'alice', amount: '1', currency: 'CNY' },
  'post /v1/payer-codes': { account: 'alice', currency: 'CNY', device: 'phone' },
  'post /v1/code-devices': { account: 'alice', currency: 'CNY', device: 'phone' },
  'put /v1/code-devices/{number}': { account: 'alice', currency: 'CNY', device: 'phone', state: 'blocked' },
  'put /v1/risk/rules': { ruleSet: { version: '1', rules: [] } },
  'post /v1/risk/signals': { id: ID, account: 'alice', currency: 'CNY', kind: 'authenticationFailed' },
  'put /v1/parties/{handle}': { kind: 'customer', currencies: ['CNY'] },
  'put /v1/tariffs/{number}': tariff,
  'put /v1/campaigns/{accountId}': { basisPoints: 1 },
  'put /v1/risk/lists/{name}': { add: [ID] },
  'put /v1/accounts/{id}/exemptions/{rule}': {},
  'put /v1/accounts/{id}/freezes/{freeze}': {
    kind: 'sender',
    reason: { en: 'a', zh: 'b' },
    until: '2026-01-31T08:00:00Z',
  },
  'put /v1/accounts/{id}/freezes/{freeze}/release': {},
  'put /v1/accounts/{id}/freezes/{freeze}/return': {},
  'put /v1/cases/{id}': {},
  'put /v1/cases/{id}/changes': { by: 'ann' },
  'put /v1/cases/{id}/release': { by: 'ann' },
  'put /v1/cases/{id}/return': { by: 'ann' },
};
const pathOf = (path: string) =>
  path
    .replace('code-devices/{number}', 'code-devices/12345678')
    .replace('{counter}', 'till-1')
    .replace('orders/{number}', 'orders/T-1')
    .replace('{number}', '7')
    .replace('{code}', '880123456789012342')
    .replaceAll(/\{\w+\}/g, ID);

describe('every route', () => {
  for (const route of ROUTES) {
    const { method, path, command } = route.spec;
    const body = GOOD[`${method} ${path}`];
    // Changes do not come through the gateway: they have a test of their own.
    const viaGateway = it.runIf(command !== 'readChanges');
    const send = (headers?: Record<string, string>) => http.send(method.toUpperCase(), pathOf(path), body, headers);

    describe(`${method} ${path}`, () => {
      it('needs a key', async () => {
        for (const authorization of ['', 'Bearer', 'Bearer wrong', `Basic ${KEY}`, `Bearer ${KEY} x`]) {
          const reply = await send({ authorization });
          expect(reply.body).toMatchObject({ status: 401, name: 'unauthenticated', field: 'Authorization' });
          expect(reply.headers.get('www-authenticate')).toBe('Bearer');
        }
      });

      it('needs the scope of its command', async () => {
        const before = http.gateway.seen.length;
        const reply = await send({ authorization: `Bearer ${READ_KEY}` });
        if (COMMANDS[command].scope === 'read') expect(reply.body.name).not.toBe('forbidden');
        else {
          expect(reply.body).toMatchObject({ status: 403, name: 'forbidden' });
          expect(http.gateway.seen.length).toBe(before);
        }
      });

      viaGateway('tells every result that the engine may give, with its status', async () => {
        for (const name of Object.keys(RESULTS) as ResultName[]) {
          if (name === 'ok') continue;
          http.gateway.refusal = { code: RESULTS[name].code, detail: 'because <so>' };
          const reply = await send();
          expect(reply.body).toMatchObject({ code: RESULTS[name].code, name, retry: RESULTS[name].retry });
          expect(reply.status).toBe(RESULTS[name].http);
          expect(reply.body.detail).toBe(`${RESULTS[name].en} (because <so>)`);
        }
      });

      viaGateway('is busy or closing when the engine is', async () => {
        for (const name of ['busy', 'shuttingDown'] as const) {
          http.gateway.submitCode = Code[name];
          const reply = await send({ 'accept-language': 'zh' });
          expect(reply.body).toMatchObject({ status: 503, name, retry: 'later', detail: RESULTS[name].zh });
          expect(reply.headers.get('retry-after')).toBe('1');
        }
      });

      viaGateway('answers internalError when the engine throws, and says so to the log', async () => {
        http.gateway.throws = new Error('boom');
        expect((await send()).body).toMatchObject({ status: 500, name: 'internalError' });
        expect(http.errors.at(-1)).toBe(http.gateway.throws);
      });

      it('refuses other methods and names those that work', async () => {
        const reply = await http.send('DELETE', pathOf(path));
        expect(reply.body).toMatchObject({ status: 405, name: 'notFound' });
        expect(reply.headers.get('allow')).toContain(method.toUpperCase());
      });

      it('refuses parameters that it does not know', async () => {
        const reply = await http.send(method.toUpperCase(), `${pathOf(path)}?nonsense=1`, body);
        expect(reply.body).toMatchObject({ status: 400, name: 'malformedBody', field: 'nonsense' });
      });

      if (path.includes('{')) {
        it('refuses a path parameter that cannot be', async () => {
          const reply = await http.send(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, 'No%20such%21'), body);
          expect(reply.body).toMatchObject({ status: 400, name: 'malformedBody', field: route.paramNames[0] });
          const broken = await http.send(method.toUpperCase(), path.replaceAll(/\{\w+\}/g, '%ff'), body);
          expect(broken.body).toMatchObject({ status: 400, name: 'invalidUtf8' });
        });
      }

      if (route.takesBody) {
        it('refuses bodies that are not its own', async () => {
          const verb = method.toUpperCase();
          const at = pathOf(path);
          expect((await http.send(verb, at, '{"a":')).body).toMatchObject({ name: 'malformedBody', field: 'a' });
          expect((await http.send(verb, at, '{} x')).body.detail).toContain('at position 3');
          expect((await http.send(verb, at, '"text"')).body).toMatchObject({ status: 400, name: 'malformedBody' });
          expect((await http.send(verb, at, { ...(body as object), hat: 1 })).body).toMatchObject({
            status: 400,
            field: 'hat',
            detail: expect.stringContaining('unknown field "hat"'),
          });
          const html = await http.send(verb, at, body, { 'content-type': 'text/html' });
          expect(html.body).toMatchObject({ status: 415, field: 'Content-Type' });
          const zipped = await http.send(verb, at, body, { 'content-encoding': 'gzip' });
          expect(zipped.body).toMatchObject({ status: 415, field: 'Content-Encoding' });
          const bytes = await fetch(http.origin + at, {
            method: verb,
            headers: { authorization: `Bearer ${KEY}`, 'content-type': 'application/json; charset=utf-8' },
            body: Buffer.from('{"a":"\xff"}', 'latin1'),
          });
          expect(await bytes.json()).toMatchObject({ status: 400, name: 'invalidUtf8' });
          if (route.spec.bodyOptional !== true) {
            expect((await http.send(verb, at)).body).toMatchObject({ status: 400, name: 'malformedBody' });
          }
        });
      }

      // A new code, and a new enrolment, takes the place of the one before: sent twice it is there once.
      if (method === 'post' && !path.includes('code')) {
        it('needs an id or an Idempotency-Key, and only one meaning of both', async () => {
          const { id: _, ...anonymous } = body as { id: string };
          const at = pathOf(path);
          const none = await http.send('POST', at, anonymous);
          expect(none.body).toMatchObject({ status: 400, name: 'malformedBody', field: 'Idempotency-Key' });
          const both = await send({ 'idempotency-key': 'other' });
          expect(both.body).toMatchObject({ status: 400, name: 'malformedBody', field: 'id' });
          const long = await http.send('POST', at, anonymous, { 'idempotency-key': 'x'.repeat(256) });
          expect(long.body).toMatchObject({ status: 400, field: 'Idempotency-Key' });
          const engine = await http.send('POST', at, anonymous, { 'idempotency-key': 'f'.repeat(32) });
          expect(engine.body).toMatchObject({ status: 400, name: 'idReserved' });
        });
      }
    });
  }
});

describe('amounts', () => {
  it.each([
    ['-1', 'malformedBody'],
    ['"-1"', 'malformedBody'],
    ['1.5', 'malformedBody'],
    ['"1.5"', 'malformedBody'],
    ['1.0', 'malformedBody'],
    ['1e3', 'malformedBody'],
    ['"1e3"', 'malformedBody'],
    ['"0x10"', 'malformedBody'],
    ['""', 'malformedBody'],
    ['" 1"', 'malformedBody'],
    ['"01"', 'malformedBody'],
    ['"１"', 'malformedBody'],
    ['true', 'malformedBody'],
    ['null', 'malformedBody'],
    ['[1]', 'malformedBody'],
    ['{}', 'malformedBody'],
    ['9007199254740992', 'amountOutOfRange'],
    ['9007199254740993', 'amountOutOfRange'],
    ['"9007199254740992"', 'amountOutOfRange'],
    ['99999999999999999999', 'amountOutOfRange'],
    ['"99999999999999999999999999"', 'amountOutOfRange'],
    ['-99999999999999999999', 'malformedBody'],
  ])('%s is %s', async (text, name) => {
    const before = http.gateway.seen.length;
    const body = JSON.stringify(sale).replace('"1"', text);
    const reply = await http.send('POST', '/v1/payments', body);
    expect(reply.body).toMatchObject({ status: 400, name, field: 'amount' });
    expect(http.gateway.seen.length).toBe(before);
  });

  it('names the place in a list', async () => {
    const reply = await http.send('POST', '/v1/transfers', [transfer, { ...transfer, amount: '-1' }]);
    expect(reply.body).toMatchObject({ status: 400, field: '1.amount' });
  });
});

describe('fields', () => {
  it.each([
    ['/v1/payments', { ...sale, currency: 'cny' }, 'currency', 'malformedBody'],
    ['/v1/payments', { ...sale, currency: 'ZZZ' }, 'currency', 'malformedBody'],
    ['/v1/payments', { ...sale, currency: 1 }, 'currency', 'malformedBody'],
    ['/v1/payments', { ...sale, from: 'Alice Liddell' }, 'from', 'malformedBody'],
    ['/v1/payments', { ...sale, to: undefined }, 'to', 'malformedBody'],
    ['/v1/payments', { ...sale, id: '0'.repeat(32) }, 'id', 'malformedBody'],
    ['/v1/payments', { ...sale, reference: '汉'.repeat(22) }, 'reference', 'referenceTooLong'],
    ['/v1/payments', { ...sale, reference: 'a\u0000b' }, 'reference', 'malformedBody'],
    ['/v1/payments', { ...sale, capture: 1 }, 'capture', 'malformedBody'],
    ['/v1/payments', { ...sale, expiresAfterSeconds: 5 }, 'expiresAfterSeconds', 'malformedBody'],
    ['/v1/payments', { ...sale, code: 65536 }, 'code', 'malformedBody'],
    ['/v1/payments', { ...sale, userData64: '18446744073709551616' }, 'userData64', 'malformedBody'],
    ['/v1/transfers', { ...transfer, kind: 'magic' }, 'kind', 'malformedBody'],
    ['/v1/transfers', { ...transfer, pendingId: 7 }, 'pendingId', 'malformedBody'],
    ['/v1/accounts', { ...account, code: 0 }, 'code', 'malformedBody'],
    ['/v1/accounts', [], undefined, 'batchEmpty'],
    ['/v1/transfers', Array.from({ length: 8191 }, () => ({})), undefined, 'batchTooLarge'],
    ['/v1/transfers', [transfer, { ...transfer, id: undefined }], '1.id', 'malformedBody'],
  ])('%s %# refuses %j', async (path, body, field, name) => {
    const reply = await http.send('POST', path, body);
    expect(reply.body.name).toBe(name);
    expect(reply.body.field).toBe(field);
  });

  it.each([
    ['/v1/payments?limit=0', 'limit', 'limitOutOfRange'],
    ['/v1/payments?limit=1001', 'limit', 'limitOutOfRange'],
    ['/v1/payments?limit=ten', 'limit', 'limitOutOfRange'],
    ['/v1/payments?cursor=-1', 'cursor', 'cursorInvalid'],
    ['/v1/payments?state=lost', 'state', 'malformedBody'],
    ['/v1/payments?account=alice', 'currency', 'malformedBody'],
    ['/v1/payments?limit=1&limit=2', 'limit', 'malformedBody'],
    ['/v1/payments?__proto__=1', '__proto__', 'malformedBody'],
    ['/v1/payments?reference=%ff', undefined, 'invalidUtf8'],
    [`/v1/accounts/${ID}/entries?limit=0`, 'limit', 'limitOutOfRange'],
  ])('%s is refused', async (path, field, name) => {
    const reply = await http.send('GET', path);
    expect(reply.body.name).toBe(name);
    expect(reply.body.field).toBe(field);
  });
});

describe('limits', () => {
  it('answers notFound to paths that do not exist', async () => {
    for (const path of ['/', '/v1', '/v1/', '/v2/payments', '/v1/accounts/', `/v1/accounts/${ID}/`, '/v1/ws']) {
      expect((await http.send('GET', path)).body).toMatchObject({ status: 404, name: 'notFound' });
    }
  });

  it('holds an institution to its rate', async () => {
    const limiter = new RateLimiter({ institutions: new Map([[2, { perSecond: 0.5, burst: 1 }]]) }, () => 0);
    const limited = await startHttp({ rateLimiter: limiter });
    await limited.send('GET', '/v1/parties');
    const reply = await limited.send('GET', '/v1/parties');
    expect(reply.body).toMatchObject({ status: 429, name: 'rateLimited', retry: 'later' });
    expect(reply.headers.get('retry-after')).toBe('2');
    limited.close();
  });

  it('is busy when too many requests are unanswered, and recovers', async () => {
    const small = await startHttp({ inFlightMax: 1 });
    small.gateway.held = [];
    const first = small.send('GET', '/v1/parties');
    await expect.poll(() => small.gateway.held?.length).toBe(1);
    expect((await small.send('GET', '/v1/parties')).body).toMatchObject({ status: 503, name: 'busy' });
    small.gateway.release();
    expect((await first).status).toBe(200);
    expect((await small.send('GET', '/v1/parties')).status).toBe(200);
    expect(small.edge.inFlight()).toBe(0);
    small.close();
  });

  it('tells each answer to the observer', async () => {
    const seen: unknown[] = [];
    const observed = await startHttp({
      onAnswered: (method, path, status, ms) => seen.push([method, path, status, ms >= 0]),
    });
    await observed.send('GET', `/v1/accounts/${ID}`);
    await observed.send('GET', '/v1/parties', undefined, { authorization: '' });
    expect(seen).toEqual([
      ['get', '/v1/accounts/{id}', 404, true],
      ['get', '/v1/parties', 401, true],
    ]);
    observed.close();
  });
});
