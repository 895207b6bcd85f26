/** A WebSocket server that speaks the protocol as each test tells it to. */
import type { AddressInfo } from 'node:net';
import { WebSocket, WebSocketServer } from 'ws';
import { checkFrame } from '../../../protocol/check-frame.ts';
import { FrameFlags } from '../../../protocol/frame.ts';
import { readRequest, type ServerRequest, writeRefusal, writeReply } from './server-side.ts';

export interface Arrival extends ServerRequest {
  readonly bytes: Uint8Array;
  /** Which connection it came over: 0 for the first. */
  readonly connection: number;
  reply(value: unknown): void;
  refuse(code: number, index?: number, detail?: string): void;
  send(bytes: Uint8Array | string): void;
  hangUp(): void;
}

export interface TestServer {
  readonly url: string;
  /** Requests but hello, in the order in which they came. */
  readonly arrivals: Arrival[];
  readonly hellos: Arrival[];
  /** Resolves when as many requests have come as asked for. */
  arrived(count: number): Promise<void>;
  close(): Promise<void>;
}

export const HELLO_REPLY = {
  server: 'test',
  institution: 2,
  institutionName: 'Test',
  scopes: ['read'],
  partitions: 1,
  inFlightMax: 4096,
};

/** `answer` hears every request but hello; `hello` may answer that in another way than with HELLO_REPLY. */
export async function startTestServer(
  answer: (arrival: Arrival) => void,
  hello: (arrival: Arrival) => void = (arrival) => {
    arrival.reply(HELLO_REPLY);
  },
): Promise<TestServer> {
  const server = new WebSocketServer({ port: 0, host: '127.0.0.1', path: '/v1/ws' });
  const arrivals: Arrival[] = [];
  const hellos: Arrival[] = [];
  const waiting: { count: number; resolve: () => void }[] = [];
  let connections = 0;
  server.on('connection', (socket) => {
    const connection = connections++;
    socket.on('message', (data: Buffer) => {
      const arrival = makeArrival(socket, Uint8Array.from(data), connection);
      if (arrival.command === 'hello') {
        hellos.push(arrival);
        hello(arrival);
        return;
      }
      arrivals.push(arrival);
      answer(arrival);
      for (const waiter of waiting) if (arrivals.length >= waiter.count) waiter.resolve();
    });
  });
  await new Promise((resolve) => server.once('listening', resolve));
  return {
    url: `ws://127.0.0.1:${(server.address() as AddressInfo).port}`,
    arrivals,
    hellos,
    arrived: (count) =>
      new Promise((resolve) => {
        if (arrivals.length >= count) resolve();
        else waiting.push({ count, resolve });
      }),
    close: () =>
      new Promise((resolve) => {
        for (const socket of server.clients) socket.terminate();
        server.close(() => {
          resolve();
        });
      }),
  };
}

function makeArrival(socket: WebSocket, bytes: Uint8Array, connection: number): Arrival {
  const code = checkFrame(bytes);
  if (code !== 0) throw new Error(`the client sent a bad frame: ${code}`);
  const request = readRequest(bytes);
  const options = { requestId: request.requestId, checksum: (request.flags & FrameFlags.checksum) !== 0 };
  const send = (data: Uint8Array | string): void => {
    if (socket.readyState === WebSocket.OPEN) socket.send(data);
  };
  return {
    ...request,
    bytes,
    connection,
    send,
    reply: (value) => {
      send(writeReply(request.command, options, value));
    },
    refuse: (refusal, index = 0, detail = '') => {
      send(writeRefusal(options, { code: refusal, index, detail }));
    },
    hangUp: () => {
      socket.close();
    },
  };
}
