import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import type { ReadChangesBody } from '../../../protocol/bodies.ts';
import type { Change } from '../../../protocol/changes.ts';
import { ChangeStreamError } from '../../../protocol/client/change-stream.ts';
import { SluiceClient } from '../../../protocol/client/client.ts';
import { resultOfCode } from '../../../protocol/codecs/result-codec.ts';
import { Code } from '../../../protocol/results.ts';
import { CHANGE } from '../../golden/golden-change.ts';
import { type Arrival, startTestServer, type TestServer } from '../support/test-server.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
});
/** Forty changes, each 10 positions long. */
const ALL: readonly Change[] = Array.from({ length: 40 }, (_, at) => {
  return { ...CHANGE, id: `0-${at * 10}`, position: at * 10, cursor: at * 10 + 10 };
});
const asked = (arrival: Arrival) => arrival.input as ReadChangesBody;

/** Answers as the switch does, at most four changes a page; where there is nothing, it waits for ever. */
function answer(arrival: Arrival): void {
  const { cursor, waitMs } = asked(arrival);
  const from = cursor === 'now' ? 390 : cursor;
  const changes = ALL.filter(({ position }) => position >= from).slice(0, 4);
  const nextCursor = changes.at(-1)?.cursor ?? from;
  if (changes.length === 0 && waitMs > 0) return;
  arrival.reply({ ...resultOfCode(Code.ok), changes, nextCursor, atEnd: nextCursor === 400 });
}

async function connected(
  reply: (arrival: Arrival) => void = answer,
  options = {},
): Promise<{ server: TestServer; client: SluiceClient }> {
  const server = await startTestServer(reply);
  closers.push(() => server.close());
  const reconnect = { attemptsMax: 3, backoffMsMin: 0, backoffMsMax: 1, jitter: 0 };
  const client = await SluiceClient.connect({ url: server.url, key: 'k', webSocket: WebSocket, reconnect, ...options });
  closers.push(() => client.close());
  return { server, client };
}

describe('a change stream', () => {
  it('gives every change once, over pages, and ends at what there is', async () => {
    const { client, server } = await connected();
    const found: Change[] = [];
    for await (const change of client.changes({ follow: false })) found.push(change);
    expect(found).toEqual(ALL);
    expect(asked(server.arrivals[0]!)).toEqual({ partition: 0, cursor: 0, limit: 500, waitMs: 0 });
    expect(server.arrivals.length).toBe(10);
  });

  it('goes on with its cursor over connections that break', async () => {
    let count = 0;
    const { client, server } = await connected((arrival) => {
      if (++count % 3 === 0) arrival.hangUp();
      else answer(arrival);
    });
    const found: Change[] = [];
    for await (const change of client.changes({ from: 100, pageMax: 7, partition: 2 })) {
      found.push(change);
      if (change.cursor === 400) break;
    }
    expect(found).toEqual(ALL.slice(10));
    expect(new Set(server.arrivals.map(({ connection }) => connection)).size).toBeGreaterThan(2);
    expect(asked(server.arrivals[0]!)).toEqual({ partition: 2, cursor: 100, limit: 7, waitMs: 15_000 });
  });

  it('goes on over pages without changes', async () => {
    const { client, server } = await connected((arrival) => {
      const { cursor } = asked(arrival);
      if (cursor === 0 || cursor === 75) {
        const nextCursor = cursor === 0 ? 75 : 390;
        arrival.reply({ ...resultOfCode(Code.ok), changes: [], nextCursor, atEnd: false });
      } else answer(arrival);
    });
    const found: Change[] = [];
    for await (const change of client.changes({ follow: false })) found.push(change);
    expect(found).toEqual(ALL.slice(39));
    expect(server.arrivals.map((arrival) => asked(arrival).cursor)).toEqual([0, 75, 390]);
  });

  it('says after each change where another would go on', async () => {
    const { client } = await connected();
    const first = client.changes({ from: 'now' });
    expect(first.cursor).toBe('now');
    await first.next();
    expect(first.cursor).toBe(400);
    const stream = client.changes();
    for (let n = 0; n < 6; n++) await stream.next();
    expect(stream.cursor).toBe(60);
    expect((await client.changes({ from: stream.cursor }).next()).value).toEqual(ALL[6]);
  });

  it('ends at once when it is stopped, also while it waits, and when the loop is left', async () => {
    const { client, server } = await connected();
    const stream = client.changes({ from: 400 });
    const next = stream.next();
    await server.arrived(1);
    stream.stop();
    expect(await next).toEqual({ done: true, value: undefined });
    for await (const change of client.changes()) {
      expect(change.id).toBe('0-0');
      break;
    }
    await client.close();
  });

  it('asks again when an answer does not come in time, and never waits longer than a call may take', async () => {
    let count = 0;
    const { client, server } = await connected(
      (arrival) => {
        if (count++ > 0) answer(arrival);
      },
      { requestTimeoutMs: 50 },
    );
    expect((await client.changes({ from: 390 }).next()).value).toEqual(ALL[39]);
    expect(server.arrivals.map((arrival) => asked(arrival).waitMs)).toEqual([25, 25]);
  });

  it('throws what the server says, and what ends the client', async () => {
    const { client } = await connected((arrival) => {
      if (asked(arrival).partition === 1) arrival.refuse(Code.partitionNotFound);
      else
        arrival.reply({
          ...resultOfCode(Code.cursorInvalid),
          changes: undefined,
          nextCursor: undefined,
          atEnd: undefined,
        });
    });
    await expect(client.changes({ partition: 1 }).next()).rejects.toMatchObject({ name: 'partitionNotFound' });
    await expect(client.changes().next()).rejects.toThrow(ChangeStreamError);
    const stream = client.changes({ pageMax: 5 });
    await client.close();
    await expect(stream.next()).rejects.toMatchObject({ name: 'ClientClosedError' });
  });
});
