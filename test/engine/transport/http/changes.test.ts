import { connect } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { getChanges } from '../../../../engine/transport/http/changes.ts';
import { Code, RESULTS, type ResultName } from '../../../../protocol/results.ts';
import { CHANGE } from '../../../golden/golden-change.ts';
import { until } from '../../../support/switch.ts';
import { type Harness, KEY, READ_KEY, startHttp } from './harness.ts';

let http: Harness;
beforeAll(async () => {
  http = await startHttp();
});
beforeEach(() => {
  http.changes.code = Code.ok;
  http.changes.silent = false;
});
afterAll(() => http.close());

describe('GET /v1/changes', () => {
  it('answers with a page in the form that it publishes', async () => {
    const reply = await http.send('GET', '/v1/changes');
    expect(reply.status).toBe(200);
    expect(reply.headers.get('content-type')).toBe('application/json');
    expect(reply.body).toEqual({ changes: [CHANGE], nextCursor: CHANGE.cursor, atEnd: true });
    expect(getChanges.spec.answer.safeParse(reply.body)).toMatchObject({ success: true });
    const asked = { institution: 2, partition: 0, cursor: 0, limit: 100, waitMs: 0, form: 'json' };
    expect(http.changes.seen.at(-1)).toEqual(asked);
  });

  it('takes partition, cursor, limit and wait, for the institution of the key', async () => {
    const authorization = `Bearer ${READ_KEY}`;
    await http.send('GET', '/v1/changes?partition=3&cursor=4722&limit=7&wait=30', undefined, { authorization });
    const asked = { institution: 3, partition: 3, cursor: 4722, limit: 7, waitMs: 30_000, form: 'json' };
    expect(http.changes.seen.at(-1)).toEqual(asked);
    await http.send('GET', '/v1/changes?cursor=now');
    expect(http.changes.seen.at(-1)?.cursor).toBe('now');
  });

  it.each([
    ['cursor=x', 'cursorInvalid', 'cursor'],
    ['cursor=-1', 'cursorInvalid', 'cursor'],
    ['cursor=9007199254740992', 'cursorInvalid', 'cursor'],
    ['limit=0', 'limitOutOfRange', 'limit'],
    ['limit=1001', 'limitOutOfRange', 'limit'],
    ['wait=31', 'malformedBody', 'wait'],
    ['partition=x', 'malformedBody', 'partition'],
  ])('refuses %s', async (query, name, field) => {
    expect((await http.send('GET', `/v1/changes?${query}`)).body).toMatchObject({ status: 400, name, field });
  });

  it('tells why there is no page', async () => {
    for (const name of Object.keys(RESULTS) as ResultName[]) {
      if (name === 'ok') continue;
      http.changes.code = RESULTS[name].code;
      const reply = await http.send('GET', '/v1/changes');
      expect(reply.body).toMatchObject({ code: RESULTS[name].code, name, status: RESULTS[name].http });
    }
  });

  it('gives a wait up when the client goes away', async () => {
    http.changes.silent = true;
    const before = http.changes.givenUp;
    const socket = connect(http.port, '127.0.0.1');
    socket.write(`GET /v1/changes?cursor=now&wait=30 HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer ${KEY}\r\n\r\n`);
    await until(() => http.edge.inFlight() === 1, 'it waits');
    expect(http.changes.givenUp).toBe(before);
    socket.destroy();
    await until(() => http.edge.inFlight() === 0, 'it is given up');
    expect(http.changes.givenUp).toBe(before + 1);
  });
});
