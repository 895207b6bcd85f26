import { afterEach, describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SluiceClient } from '../../../protocol/client/client.ts';
import {
  ClientClosedError,
  ConnectionLostError,
  QueueFullError,
  RefusedError,
  RequestTimeoutError,
} from '../../../protocol/client/client-error.ts';
import type { ClientOptions } from '../../../protocol/client/client-options.ts';
import { connectNode } from '../../../protocol/client/node.ts';
import { DecodeError, EncodeError } from '../../../protocol/codecs/codec-error.ts';
import { resultOfCode } from '../../../protocol/codecs/result-codec.ts';
import { parseId } from '../../../protocol/ids.ts';
import { isRegistryCommand } from '../../../protocol/registry-bodies.ts';
import { Code } from '../../../protocol/results.ts';
import { fromHex, readGolden } from '../support/golden-file.ts';
import { ManualClock } from '../support/manual-clock.ts';
import { CLIENT_PARTS } from '../support/client-side.ts';
import { writeReply } from '../support/server-side.ts';
import { type Arrival, HELLO_REPLY, startTestServer, type TestServer } from '../support/test-server.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

async function serve(answer: (arrival: Arrival) => void, hello?: (arrival: Arrival) => void): Promise<TestServer> {
  const server = await startTestServer(answer, hello);
  open.push(server);
  return server;
}

async function connect(server: TestServer, options: Partial<ClientOptions> = {}): Promise<SluiceClient> {
  const client = await SluiceClient.connect({ url: server.url, key: 'k', webSocket: WebSocket, ...options });
  open.push(client);
  return client;
}

const FAST = { attemptsMax: 3, backoffMsMin: 0, backoffMsMax: 1, jitter: 0 };
const balancesOf = (arrival: Arrival): unknown =>
  (arrival.input as { id: bigint }[]).map(({ id }) => resultOfCode(Code.ok, id));
const transfer = (id: bigint): { id: bigint } => ({ id });
const call = (client: SluiceClient, id: bigint): Promise<bigint | undefined> =>
  client.createTransfers([transfer(id)]).then(([result]) => result?.timestamp);
const failure = (promise: Promise<unknown>): Promise<unknown> =>
  promise.then(
    () => 'no failure',
    (error: unknown) => error,
  );

describe('calls', () => {
  it('of every kind get the answer of the golden vectors', async () => {
    const vectors = readGolden().filter(({ command, reply }) => command !== 'hello' && reply.refusal === undefined);
    const server = await serve((arrival) => {
      arrival.reply(vectors[arrival.requestId - 1]?.reply.value);
    });
    const client = await connect(server, { checksum: true });
    for (const { command, balances, request, reply } of vectors) {
      const input = inputOf(command, request.input);
      const [part, call] = CLIENT_PARTS[command] ?? [];
      if (part !== undefined) {
        const method = Reflect.get(client[part], call ?? '') as () => unknown;
        expect(await Reflect.apply(method, client[part], [input]), command).toMatchObject(reply.value as object);
        continue;
      }
      const isOfRegistry = isRegistryCommand(command);
      const method = Reflect.get(client, isOfRegistry ? 'registry' : command) as () => unknown;
      const words = isOfRegistry ? [command, input] : [input, { balances }];
      const value = (await Reflect.apply(method, client, words)) ?? {};
      expect(value, command).toMatchObject(reply.value as object);
    }
    expect(client.server).toEqual(HELLO_REPLY);
    expect(server.arrivals.every(({ flags }) => (flags & 1) === 1)).toBe(true);
  });

  it('are answered in any order, each with its own answer', async () => {
    const held: Arrival[] = [];
    const server = await serve((arrival) => {
      held.push(arrival);
      if (held.length < 100) return;
      for (const item of held.reverse()) item.reply(balancesOf(item));
    });
    const client = await connectNode({ url: server.url, key: 'k' });
    open.push(client);
    const ids = Array.from({ length: 100 }, (_, index) => BigInt(index + 1));
    expect(await Promise.all(ids.map((id) => call(client, id)))).toEqual(ids);
  });

  it('never have more in flight than the window, nor than the server allows', async () => {
    for (const [inFlightMax, allowed] of [
      [5, 4096],
      [4096, 5],
    ] as const) {
      let inFlight = 0;
      let most = 0;
      const server = await serve(
        (arrival) => {
          most = Math.max(most, ++inFlight);
          setImmediate(() => {
            inFlight--;
            arrival.reply(balancesOf(arrival));
          });
        },
        (arrival) => {
          arrival.reply({ ...HELLO_REPLY, inFlightMax: allowed });
        },
      );
      const client = await connect(server, { inFlightMax });
      await Promise.all(Array.from({ length: 200 }, (_, index) => call(client, BigInt(index + 1))));
      expect(most).toBe(5);
    }
  });

  it('beyond window and queue are rejected at once, and there is room again after an answer', async () => {
    const server = await serve(() => {});
    const client = await connect(server, { inFlightMax: 2, queueMax: 1 });
    const calls = [call(client, 1n), call(client, 2n), call(client, 3n)];
    expect(await failure(call(client, 4n))).toMatchObject({ name: 'QueueFullError', outcome: 'notSent' });
    expect(await failure(call(client, 4n))).toBeInstanceOf(QueueFullError);
    await server.arrived(2);
    server.arrivals[0]!.reply(balancesOf(server.arrivals[0]!));
    expect(await calls[0]).toBe(1n);
    calls[0] = call(client, 5n);
    for (const item of calls) item.catch(() => {});
  });

  it('that do not fit the wire are rejected before anything is sent', async () => {
    const server = await serve((arrival) => {
      arrival.reply({});
    });
    const client = await connect(server);
    expect(await failure(client.createTransfers([{ id: 1n }, { id: 2n, amount: -1n }]))).toMatchObject({
      path: 'transfers[1].amount',
    });
    expect(await failure(client.createTransfers([]))).toBeInstanceOf(EncodeError);
    expect(await failure(client.getParty('No Handle'))).toMatchObject({ name: 'EncodeError', path: 'getParty.handle' });
    await client.ping();
    expect(server.arrivals.map(({ command }) => command)).toEqual(['ping']);
  });

  it('reject with a typed error when the answer cannot be read, and the connection lives on', async () => {
    const server = await serve((arrival) => {
      if (arrival.command === 'ping') arrival.reply({});
      else arrival.send(Uint8Array.from([1, 0x91, 0, 0, 1, 0, 0, 0, arrival.requestId, 0, 0, 0, 0, 0, 0, 0, 7]));
    });
    const client = await connect(server);
    expect(await failure(call(client, 1n))).toBeInstanceOf(DecodeError);
    await client.ping();
    expect(server.hellos).toHaveLength(1);
  });
});

describe('refusals and transient answers', () => {
  it('a final refusal rejects with its code, place and detail', async () => {
    const server = await serve((arrival) => {
      arrival.refuse(Code.forbidden, 3, 'needs the scope ledger');
    });
    const error = await failure(call(await connect(server), 1n));
    expect(error).toBeInstanceOf(RefusedError);
    expect(error).toMatchObject({ code: 202, name: 'forbidden', index: 3, detail: 'needs the scope ledger' });
    expect(server.arrivals).toHaveLength(1);
  });

  it('busy is asked again with the same bytes, within the bound', async () => {
    const server = await serve((arrival) => {
      if (server.arrivals.length < 3) arrival.refuse(Code.busy);
      else arrival.reply(balancesOf(arrival));
    });
    expect(await call(await connect(server, { reconnect: FAST }), 7n)).toBe(7n);
    expect(server.arrivals).toHaveLength(3);
    expect(server.arrivals[2]!.bytes).toEqual(server.arrivals[0]!.bytes);
  });

  it('busy for ever ends in a refusal; without retryTransient at once', async () => {
    for (const [retryTransient, times] of [
      [true, 4],
      [false, 1],
    ] as const) {
      const server = await serve((arrival) => {
        arrival.refuse(Code.busy);
      });
      const client = await connect(server, { reconnect: FAST, retryTransient });
      expect(await failure(call(client, 1n))).toMatchObject({ name: 'busy' });
      expect(server.arrivals).toHaveLength(times);
    }
  });

  it('a payment that was not decided is asked again; a decline is an answer', async () => {
    const answers = [Code.pendingTableFull, Code.insufficientFunds];
    const server = await serve((arrival) => {
      arrival.reply({ ...resultOfCode(answers.shift()!), payment: undefined });
    });
    const client = await connect(server, { reconnect: FAST });
    const payment = { id: 1n, payerAccountId: 2n, payeeAccountId: 3n, amount: 4n, ledger: 156, code: 1 };
    expect(await client.authorise(payment)).toMatchObject({
      name: 'insufficientFunds',
      retry: 'never',
      message: { zh: expect.stringContaining('余额') },
    });
    expect(server.arrivals).toHaveLength(2);
  });
});

describe('a connection that breaks', () => {
  it('is made again, hello first, and what had no answer is sent again with the same bytes in the old order', async () => {
    const server = await serve((arrival) => {
      if (arrival.connection > 0) arrival.reply(balancesOf(arrival));
      else if (arrival.requestId === 3) arrival.reply(balancesOf(arrival));
      else if (arrival.requestId === 5) arrival.hangUp();
    });
    const client = await connect(server, { reconnect: FAST, inFlightMax: 5 });
    const ids = [1n, 2n, 3n, 4n, 5n, 6n, 7n];
    const answers = await Promise.all(ids.map((id) => call(client, id)));
    expect(answers).toEqual(ids);
    expect(server.hellos.map(({ connection }) => connection)).toEqual([0, 1]);
    const [first, second] = [0, 1].map((n) => server.arrivals.filter(({ connection }) => connection === n));
    const again = second!.filter(({ requestId }) => requestId <= 5);
    expect(again.map(({ requestId }) => requestId).filter((id) => id !== 3)).toEqual([1, 2, 4, 5]);
    for (const { requestId, bytes } of again) {
      expect(bytes).toEqual(first!.find((item) => item.requestId === requestId)?.bytes);
    }
  });

  it('under the same message again and again is given up: the outcome is unknown', async () => {
    const server = await serve((arrival) => {
      arrival.hangUp();
    });
    const client = await connect(server, { reconnect: FAST });
    const error = await failure(call(client, 1n));
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ outcome: 'unknown', message: expect.stringContaining('ask again with the same id') });
    expect(server.arrivals).toHaveLength(4);
  });

  it('under the same message is given up even if each connection carried other answers', async () => {
    const server = await serve((arrival) => {
      arrival.send(writeReply('ping', { requestId: 999 }, {}));
      arrival.hangUp();
    });
    const client = await connect(server, { reconnect: FAST });
    expect(await failure(call(client, 1n))).toMatchObject({ name: 'ConnectionLostError', outcome: 'unknown' });
    expect(server.arrivals).toHaveLength(4);
  });

  it('for good rejects what was sent as unknown and what was not as not sent; the next call starts anew', async () => {
    const server = await serve(() => {});
    const client = await connect(server, { reconnect: { ...FAST, attemptsMax: 1 }, inFlightMax: 1 });
    const calls = [failure(call(client, 1n)), failure(call(client, 2n))];
    await server.arrived(1);
    await server.close();
    expect(await Promise.all(calls)).toMatchObject([
      { name: 'ConnectionLostError', outcome: 'unknown' },
      { name: 'ConnectionLostError', outcome: 'notSent' },
    ]);
    expect(await failure(call(client, 3n))).toMatchObject({ name: 'ConnectionLostError', outcome: 'notSent' });
  });

  it('is broken by text and by frames that cannot be read, and made again', async () => {
    const garbage = ['text', new Uint8Array(3), Uint8Array.from({ length: 16 }, () => 9)];
    const server = await serve((arrival) => {
      const next = garbage.shift();
      if (next === undefined) arrival.reply(balancesOf(arrival));
      else arrival.send(next);
    });
    expect(await call(await connect(server, { reconnect: FAST }), 9n)).toBe(9n);
    expect(server.hellos).toHaveLength(4);
  });

  it('pauses longer each time, up to the most, with jitter', async () => {
    const clock = new ManualClock();
    const server = await serve(() => {});
    const url = server.url;
    await server.close();
    const reconnect = { attemptsMax: 5, backoffMsMin: 100, backoffMsMax: 500, jitter: 0.5 };
    const settled = failure(
      SluiceClient.connect({ url, key: 'k', webSocket: WebSocket, reconnect, clock, random: () => 0.4 }),
    );
    const pauses: number[] = [];
    for (let attempt = 0; attempt < 5; attempt++) {
      await clock.timerWithin(500);
      pauses.push(clock.pending[0]!);
      clock.advance(clock.pending[0]!);
    }
    expect(pauses).toEqual([80, 160, 320, 400, 400]);
    expect(await settled).toBeInstanceOf(ConnectionLostError);
  });
});

describe('connecting', () => {
  it('with a wrong key is refused at once', async () => {
    const server = await serve(
      () => {},
      (arrival) => {
        arrival.refuse(Code.unauthenticated, 0, 'no such key');
      },
    );
    expect(await failure(connect(server))).toMatchObject({ name: 'unauthenticated' });
    expect(server.hellos).toHaveLength(1);
  });

  it('to a full server tries again', async () => {
    const server = await serve(
      () => {},
      (arrival) => {
        if (server.hellos.length < 3) arrival.refuse(Code.tooManySessions);
        else arrival.reply(HELLO_REPLY);
      },
    );
    expect((await connect(server, { reconnect: FAST })).server?.institution).toBe(2);
  });

  it('says its key and name', async () => {
    const server = await serve(() => {});
    await connect(server, { name: 'till/1.0' });
    expect(server.hellos[0]!.input).toEqual({ key: 'k', client: 'till/1.0' });
  });

  it.each<[Partial<ClientOptions>, string]>([
    [{ url: 'http://localhost' }, 'ws:'],
    [{ url: 'nonsense' }, 'URL'],
    [{ inFlightMax: 0 }, 'inFlightMax'],
    [{ queueMax: Number.NaN }, 'queueMax'],
    [{ reconnect: { backoffMsMin: 9, backoffMsMax: 8 } }, 'backoffMsMax'],
    [{ key: '' }, 'hello.key'],
  ])('with %o is an error', async (change, part) => {
    const settled = SluiceClient.connect({ url: 'ws://127.0.0.1:1', key: 'k', webSocket: WebSocket, ...change });
    expect(String(await failure(settled))).toContain(part);
  });
});

describe('time', () => {
  it('a call without an answer times out; its place in the window stays taken until the late answer', async () => {
    const clock = new ManualClock();
    const server = await serve((arrival) => {
      if (arrival.command === 'ping') arrival.reply({});
    });
    const client = await connect(server, { clock, requestTimeoutMs: 1000, inFlightMax: 2 });
    const slow = failure(call(client, 1n));
    await server.arrived(1);
    clock.advance(10);
    await client.ping();
    clock.advance(990);
    expect(await slow).toBeInstanceOf(RequestTimeoutError);
    expect(await slow).toMatchObject({ outcome: 'unknown' });
    const [second, third] = [call(client, 2n), call(client, 3n)];
    await server.arrived(3);
    expect(server.arrivals).toHaveLength(3);
    server.arrivals[0]!.reply(balancesOf(server.arrivals[0]!));
    await server.arrived(4);
    for (const arrival of server.arrivals.slice(2)) arrival.reply(balancesOf(arrival));
    expect(await Promise.all([second, third])).toEqual([2n, 3n]);
    expect(server.hellos).toHaveLength(1);
  });

  it('a server that fell silent is left: the next calls go over a new connection', async () => {
    const clock = new ManualClock();
    const server = await serve((arrival) => {
      if (arrival.connection > 0) arrival.reply(balancesOf(arrival));
    });
    const client = await connect(server, { clock, requestTimeoutMs: 1000, reconnect: FAST });
    const first = failure(call(client, 1n));
    await server.arrived(1);
    clock.advance(500);
    const second = call(client, 2n);
    await server.arrived(2);
    clock.advance(500);
    expect(await first).toBeInstanceOf(RequestTimeoutError);
    clock.advance(1);
    expect(await second).toBe(2n);
    expect(server.hellos).toHaveLength(2);
  });
});

describe('close', () => {
  it('rejects what has no answer and every later call, and closes the socket', async () => {
    const server = await serve(() => {});
    const client = await connect(server, { inFlightMax: 1 });
    const calls = [failure(call(client, 1n)), failure(call(client, 2n))];
    await server.arrived(1);
    await client.close();
    expect(await Promise.all(calls)).toMatchObject([{ outcome: 'unknown' }, { outcome: 'notSent' }]);
    expect(await failure(client.ping())).toBeInstanceOf(ClientClosedError);
    expect(server.hellos).toHaveLength(1);
  });
});

/** As the client's method takes what the vectors show. */
function inputOf(command: string, input: unknown): unknown {
  if (command === 'getParty') return (input as { handle: string }).handle;
  if (command === 'explainPayment') return parseId((input as { paymentId: string }).paymentId);
  if (command === 'confirm') return { ...(input as object), proof: fromHex((input as { proof: string }).proof) };
  return input;
}
