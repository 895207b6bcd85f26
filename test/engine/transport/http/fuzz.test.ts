import { connect } from 'node:net';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ROUTES } from '../../../../engine/transport/http/routes.ts';
import { resultName } from '../../../../protocol/results.ts';
import { type Harness, KEY, startHttp } from './harness.ts';

let http: Harness;
beforeAll(async () => {
  http = await startHttp();
});
afterAll(() => http.close());

const FIELDS = ['id', 'from', 'to', 'amount', 'currency', 'code', 'kind', 'capture', 'reference', 'currencies', 'name'];
const FIELDS_2 = ['debitAccount', 'creditAccount', 'pendingId', 'basisPoints', 'feeAccount', 'startsAt', 'userData64'];
const value = fc.oneof(
  fc.constantFrom('CNY', '156', 'alice', '1', 'a'.repeat(32), 'merchant', 'posted', '2026-01-01T00:00:00Z', '', null),
  fc.constantFrom(1, 0, -1, 156, 2 ** 53, 65_535, true, false),
  fc.bigInt({ min: -(2n ** 70n), max: 2n ** 70n }),
  fc.double(),
  fc.string({ unit: 'binary', maxLength: 80 }),
  fc.array(fc.constantFrom('CNY', 392, 'x', {}), { maxLength: 3 }),
  fc.dictionary(fc.string(), fc.integer(), { maxKeys: 3 }),
);
const object = fc.dictionary(fc.constantFrom(...FIELDS, ...FIELDS_2), value, { maxKeys: 8 });
const toJson = (data: unknown): string =>
  JSON.stringify(data, (_key, one: unknown) => (typeof one === 'bigint' ? `#${one}#` : one)).replaceAll(
    /"#(-?\d+)#"/g,
    '$1',
  );
const body = fc.oneof(
  fc.oneof(object, fc.array(object, { maxLength: 3 }), value).map((data) => Buffer.from(toJson(data) ?? 'null')),
  fc.uint8Array({ maxLength: 60 }).map((bytes) => Buffer.from(bytes)),
);
const ID = '0190a5e0c0de7000800000000000c33e';
const segment = fc.oneof(fc.constantFrom(ID, 'alice', '7', '%00', '%ff', '..', '%2e%2e%2f'), fc.webSegment());
const target = fc
  .tuple(
    fc.constantFrom(...ROUTES),
    segment,
    fc.oneof(
      fc.constant(''),
      fc.webQueryParameters().map((q) => `?${q}`),
    ),
  )
  .map(([route, name, query]) => ({
    method: route.spec.method.toUpperCase(),
    path: route.spec.path.replaceAll(/\{\w+\}/g, () => name) + query,
  }));
const headerText = fc.string({
  unit: fc.integer({ min: 0x21, max: 0x7e }).map((c) => String.fromCharCode(c)),
  maxLength: 300,
});

function expectSound(reply: { status: number; headers: Headers; body: { code?: number; status?: number } }): void {
  if (reply.status === 200) return;
  expect(reply.status).toBeGreaterThanOrEqual(400);
  expect(reply.status).toBeLessThan(500);
  expect(reply.headers.get('content-type')).toBe('application/problem+json');
  expect(resultName(reply.body.code ?? -1)).toBeDefined();
  expect(reply.body.status).toBe(reply.status);
}

describe('invariant: whatever comes, the answer is sound and the switch stays up', () => {
  it('for bodies, paths, queries and headers', async () => {
    await fc.assert(
      fc.asyncProperty(target, body, headerText, headerText, async ({ method, path }, bytes, key, language) => {
        const response = await fetch(http.origin + path, {
          method,
          headers: {
            authorization: `Bearer ${KEY}`,
            'content-type': 'application/json',
            'idempotency-key': key,
            'accept-language': language,
          },
          ...(method === 'GET' ? {} : { body: new Uint8Array(bytes) }),
        });
        const text = await response.text();
        expectSound({ status: response.status, headers: response.headers, body: JSON.parse(text) });
      }),
      { numRuns: 1500 },
    );
    expect(http.errors).toEqual([]);
    expect(http.edge.inFlight()).toBe(0);
  }, 30_000);

  it('for bytes that are hardly HTTP', async () => {
    const start = fc.constantFrom(
      '',
      'GET / HTTP/1.1\r\n',
      'POST /v1/payments HTTP/1.1\r\nHost: x\r\n',
      'PRI * HTTP/2.0\r\n',
    );
    const noise = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(start, noise, async (line, bytes) => {
        await new Promise((resolve) => {
          const socket = connect(http.port, '127.0.0.1', () => socket.end(Buffer.concat([Buffer.from(line), bytes])));
          socket.on('error', () => undefined);
          socket.on('data', () => undefined);
          socket.on('close', resolve);
        });
      }),
      { numRuns: 300 },
    );
    expect((await http.send('GET', '/livez')).status).toBe(200);
    expect(http.errors).toEqual([]);
  }, 30_000);
});
