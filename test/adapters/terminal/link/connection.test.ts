// One connection: it takes nothing more while its answers are not taken, and a vault that fails ends no process.
import { createServer, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { Connection } from '../../../../adapters/terminal/link/connection.ts';
import { LinkMac } from '../../../../adapters/terminal/link/link-mac.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { ASCII, answerOf, atEnd, closeAll, network, peerAt, purchase, testVault, until } from './harness.ts';

afterEach(closeAll);

const CONFIG = { name: 'c', framing: 'length2', spec: ASCII, messageBytesMax: 8192, stallSeconds: 60 } as const;

/** A connection behind a real socket, and its peer. */
async function pair(onMessage: (connection: Connection, message: Message) => Promise<void>, mac?: LinkMac) {
  const notes: string[] = [];
  const observer = new LinkCounters((_link, _level, text) => notes.push(text));
  const server = createServer((socket: Socket) => {
    const connection: Connection = new Connection(
      socket,
      CONFIG,
      mac,
      { clock: systemClock, observer },
      {
        message: (message) => onMessage(connection, message),
        malformed: () => Promise.resolve(),
        wrongMac: () => Promise.resolve(),
        closed: () => {},
      },
    );
  });
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  atEnd(() => void server.close());
  const address = server.address();
  const peer = await peerAt(typeof address === 'object' && address !== null ? address.port : 0);
  atEnd(() => void peer.socket.destroy());
  return { peer, notes, figures: observer.of('c') };
}

it('takes no message while the peer does not take what it was sent', async () => {
  let isStalled = false;
  let taken = 0;
  const { peer, figures } = await pair(async (connection, message) => {
    taken++;
    if (connection.isStalled) expect.fail('a message was taken from a peer that does not read');
    for (let time = 0; time < 20; time++)
      await connection.send(answerOf(message).set(48, 'x'.repeat(900)), Buffer.alloc(0));
    isStalled ||= connection.isStalled;
  });
  peer.socket.pause();
  for (let stan = 0; stan < 3000; stan++) peer.send(purchase(String(stan)));
  await until(() => isStalled);
  peer.socket.resume();
  await until(() => peer.received.length === 60_000 || peer.isClosed);
  expect([taken, figures.counts.handlerErrors]).toEqual([3000, 0]);
});

describe('a vault that fails', () => {
  class BrokenMac extends LinkMac {
    override isRight(): Promise<boolean> {
      return Promise.reject(new TypeError('4761739001010119'));
    }

    override close(): Promise<void> {
      return Promise.reject(new TypeError('4761739001010119'));
    }
  }

  class MuteMac extends LinkMac {
    override isRight(): Promise<boolean> {
      return Promise.resolve(true);
    }

    override seal(): Promise<never> {
      return Promise.reject(new TypeError('4761739001010119'));
    }
  }

  const rules = { key: 'link-mac', algorithm: 'retail', bytes: 8, padding: 1 } as const;

  it('at a MAC that came closes the connection, with a reason that has nothing of the message', async () => {
    const { peer, notes, figures } = await pair(() => Promise.resolve(), new BrokenMac(testVault(), rules));
    peer.send(network('301'));
    await until(() => peer.isClosed && notes.length === 2);
    expect(notes).toEqual([
      'connection closed: a message could not be handled: TypeError',
      'a session key was not forgotten: TypeError',
    ]);
    expect(figures.counts.handlerErrors).toBe(1);
  });

  it('at a MAC to send leaves the message unsent', async () => {
    const results: string[] = [];
    const { peer, notes } = await pair(async (connection, message) => {
      results.push(await connection.send(answerOf(message), Buffer.alloc(0)));
    }, new MuteMac(testVault(), rules));
    peer.send(purchase('000001'));
    await until(() => results.length === 1);
    expect([results, notes]).toEqual([
      ['unfit'],
      ['cannot send 0210 (STAN "000001", terminal "T1"): TypeError of the vault'],
    ]);
  });
});

it('counters know message types, and put others together', () => {
  const counters = new LinkCounters(() => {});
  for (const mti of ['0200', '0200', '1814', '0000', '9999', '02x0', '']) counters.received('a', mti);
  expect(Object.fromEntries(counters.of('a').received)).toEqual({ '0200': 2, '1814': 1, other: 4 });
});
