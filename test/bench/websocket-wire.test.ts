import { createHash } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { clientFrame, Opcodes, WireError } from '../../bench/load/websocket-frames.ts';
import { WebSocketWire } from '../../bench/load/websocket-wire.ts';
import { type App, createApp, listen, type WebSocket } from '../../engine/transport/uws.ts';

/** Closed after each test. */
const closers: (() => void)[] = [];
afterEach(() => {
  for (const close of closers.splice(0)) close();
});

interface Received {
  readonly messages: Uint8Array[];
  readonly reads: number[];
  readonly closed: Promise<string | undefined>;
  /** Resolves when so many messages are there. */
  until(count: number): Promise<void>;
}

async function connect(port: number, path = '/v1/ws', readBytes = 64 * 1024): Promise<[WebSocketWire, Received]> {
  const messages: Uint8Array[] = [];
  const reads: number[] = [];
  let wanted = { count: 0, resolve: () => {} };
  let resolveClosed: (reason: string | undefined) => void = () => {};
  const closed = new Promise<string | undefined>((resolve) => {
    resolveClosed = resolve;
  });
  const handlers = {
    message: (bytes: Uint8Array, start: number, end: number) => {
      messages.push(bytes.slice(start, end));
      if (messages.length >= wanted.count) wanted.resolve();
    },
    readEnd: () => reads.push(messages.length),
    closed: resolveClosed,
  };
  const wire = await WebSocketWire.connect({ host: '127.0.0.1', port, path }, handlers, new Uint8Array(readBytes));
  closers.push(() => wire.close());
  const until = (count: number): Promise<void> =>
    new Promise((resolve) => {
      wanted = { count, resolve };
      if (messages.length >= count) resolve();
    });
  return [wire, { messages, reads, closed, until }];
}

function payload(bytes: number, seed = 1): Uint8Array {
  return Uint8Array.from({ length: bytes }, (_, at) => (at * 31 + seed) & 0xff);
}

describe('against a real uWebSockets.js server', () => {
  async function echo(
    behaviour: { open?: (socket: WebSocket<unknown>) => void } = {},
  ): Promise<{ port: number; app: App }> {
    const app = createApp();
    app.ws('/v1/ws', {
      maxPayloadLength: 8 * 1024 * 1024,
      maxBackpressure: 64 * 1024 * 1024,
      message: (socket, message, isBinary) => {
        socket.send(message, isBinary);
      },
      ...behaviour,
    });
    const { port } = await listen(app, '127.0.0.1', 0);
    closers.push(() => app.close());
    return { port, app };
  }

  // Each side of the three forms of a length: 7, 16 and 64 bits.
  it.each([0, 1, 125, 126, 127, 128, 65_535, 65_536, 1_048_336])('gets %i bytes back as they were', async (bytes) => {
    const { port } = await echo();
    const [wire, received] = await connect(port);
    wire.write(clientFrame(payload(bytes)));
    wire.write(clientFrame(payload(3)));
    await received.until(2);
    expect(Buffer.from(received.messages[0]!).equals(payload(bytes))).toBe(true);
    expect(received.messages[1]).toEqual(payload(3));
  });

  it.each([1, 7, 4096])('reads through a buffer of %i bytes', async (readBytes) => {
    const { port } = await echo();
    const [wire, received] = await connect(port, '/v1/ws', readBytes);
    const sizes = [0, 5, 125, 126, 300, 5000, 1];
    wire.write(Buffer.concat(sizes.map((size) => clientFrame(payload(size, size)))));
    await received.until(sizes.length);
    expect(received.messages).toEqual(sizes.map((size) => payload(size, size)));
  });

  it('takes many frames in one write, in order, and says when a read ends', async () => {
    const { port } = await echo();
    const [wire, received] = await connect(port);
    const frames = Array.from({ length: 5000 }, (_, n) => clientFrame(payload(128, n)));
    wire.write(Buffer.concat(frames));
    await received.until(5000);
    expect(received.messages.every((message, n) => message[0] === (n & 0xff) && message.length === 128)).toBe(true);
    expect(received.reads.length).toBeLessThan(2500);
  });

  it('answers a ping with its payload', async () => {
    const pong = new Promise<string>((resolve) => {
      void (async () => {
        const app = createApp();
        app.ws('/v1/ws', {
          open: (socket) => void socket.ping('are you there'),
          pong: (_socket, message) => resolve(Buffer.from(message).toString()),
        });
        const { port } = await listen(app, '127.0.0.1', 0);
        closers.push(() => app.close());
        await connect(port);
      })();
    });
    expect(await pong).toBe('are you there');
  });

  it('says why the server closed the connection', async () => {
    const { port } = await echo({ open: (socket) => socket.end(1008, 'no hello') });
    const [, received] = await connect(port);
    expect(await received.closed).toContain('1008 no hello');
  });

  it('gives no reason for a close of its own', async () => {
    const { port } = await echo();
    const [wire, received] = await connect(port);
    wire.close();
    expect(await received.closed).toBeUndefined();
  });

  it('rejects when there is no WebSocket at the path', async () => {
    const { port } = await echo();
    await expect(connect(port, '/elsewhere')).rejects.toThrow(WireError);
  });
});

describe('against servers that misbehave', () => {
  /** Answers the handshake, then hands the socket to the test. */
  async function raw(accept: (nonce: string) => string, then: (socket: Socket) => void): Promise<number> {
    const sockets = new Set<Socket>();
    const server: Server = createServer((socket) => {
      sockets.add(socket);
      socket.on('error', () => {});
      socket.once('data', (request) => {
        const nonce = /sec-websocket-key: (\S+)/i.exec(request.toString())?.[1] ?? '';
        socket.write(`HTTP/1.1 101 Switching Protocols\r\nSec-WebSocket-Accept: ${accept(nonce)}\r\n\r\n`);
        then(socket);
      });
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    closers.push(() => {
      for (const socket of sockets) socket.destroy();
      server.close();
    });
    return (server.address() as { port: number }).port;
  }

  const right = (nonce: string): string =>
    createHash('sha1').update(`${nonce}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64');

  it('refuses a handshake that was not for it', async () => {
    const port = await raw(
      () => 'bm9ib2R5',
      () => {},
    );
    await expect(connect(port)).rejects.toThrow(/handshake/);
  });

  it.each([
    ['a masked frame', [0x82, 0x81, 0, 0, 0, 0, 1], /masked/],
    ['a fragment', [0x02, 0x01, 1], /fragments/],
    ['a text message', [0x81, 0x01, 0x41], /type 1/],
    ['a message without bound', [0x82, 0x7f, 0, 0, 1, 0, 0, 0, 0, 0], /message of/],
  ])('gives up on %s', async (_name, bytes, reason) => {
    const port = await raw(right, (socket) => socket.write(Uint8Array.from(bytes)));
    const [, received] = await connect(port);
    expect(await received.closed).toMatch(reason);
  });

  it('says that the server went away', async () => {
    const port = await raw(right, (socket) => socket.end());
    const [, received] = await connect(port);
    expect(await received.closed).toMatch(/closed the connection/);
  });
});

it('writes frames that nobody has to unmask', () => {
  expect([...clientFrame(Uint8Array.of(7, 8))]).toEqual([0x82, 0x82, 0, 0, 0, 0, 7, 8]);
  expect([...clientFrame(new Uint8Array(126)).subarray(0, 8)]).toEqual([0x82, 0xfe, 0, 126, 0, 0, 0, 0]);
  expect([...clientFrame(new Uint8Array(65_536), Opcodes.pong).subarray(0, 14)]).toEqual([
    0x8a, 0xff, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0,
  ]);
});
