// The rules of a session, and everything that can be wrong with what a client sends: a code for each, or a closed
// connection, and the server stays up.
import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { connectNode } from '../../protocol/client/node.ts';
import { encodeCreateAccounts, encodeLookupAccounts } from '../../protocol/codecs/account-codec.ts';
import { openReply, readRefusal } from '../../protocol/codecs/frame-codec.ts';
import { encodeAccountHistory } from '../../protocol/codecs/history-codec.ts';
import { encodePayment } from '../../protocol/codecs/payment-codec.ts';
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { decodeHello, encodeRich } from '../../protocol/codecs/rich-codec.ts';
import { decodeCreateTransfers, encodeCreateTransfers } from '../../protocol/codecs/transfer-codec.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FrameFlags, PROTOCOL_VERSION } from '../../protocol/frame.ts';
import { flagsOf, writeHeader } from '../../protocol/frame-header.ts';
import { idFromNumber, newId } from '../../protocol/ids.ts';
import { TRANSFER } from '../../protocol/records.ts';
import { makeKey, type RunningSwitch, startSwitch, until } from '../support/switch.ts';
import { RawConnection } from './support/raw.ts';

const LEDGER = 978;
const IN_FLIGHT_MAX = 170;
const folder = mkdtempSync(join(tmpdir(), 'sluice-sessions-'));
const dataDir = join(folder, 'data');
let running: RunningSwitch;
let key = '';
const opened: RawConnection[] = [];

beforeAll(async () => {
  key = await makeKey(dataDir);
  running = await startSwitch(dataDir, ['--in-flight-max', String(IN_FLIGHT_MAX)]);
  const connection = await greeted();
  const accounts = [1, 2].map((n) => ({ id: idFromNumber(n), ledger: LEDGER, code: 1 }));
  await connection.ask(encodeCreateAccounts(accounts, { requestId: 1 }));
});
afterEach(async () => {
  for (const connection of opened.splice(0)) connection.close();
  // Whatever was sent: it still answers.
  expect((await fetch(`${running.http}/readyz`)).status).toBe(200);
});
afterAll(async () => {
  expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  rmSync(folder, { recursive: true, force: true });
});

async function open(): Promise<RawConnection> {
  const connection = await RawConnection.open(running.url);
  opened.push(connection);
  return connection;
}
async function greeted(withKey = key): Promise<RawConnection> {
  const connection = await RawConnection.greeted(running.url, withKey);
  opened.push(connection);
  return connection;
}
const hello = (text: string): Uint8Array => encodeRich('hello', { key: text }, { requestId: 1 });
const lookup = (count = 1, checksum = false): Uint8Array =>
  encodeLookupAccounts(Array<bigint>(count).fill(idFromNumber(1)), { requestId: 7, checksum });
const plain = () => {
  const accounts = { debitAccountId: idFromNumber(1), creditAccountId: idFromNumber(2) };
  return { id: newId(), ...accounts, amount: 1n, ledger: LEDGER, code: 1 };
};
const transfer = (change: object = {}): Uint8Array => {
  return encodeCreateTransfers([{ ...plain(), ...change }], { requestId: 7 });
};
/** A frame of this kind with any body. */
function frame(kind: number, count: number, body: Uint8Array, flags = 0): Uint8Array {
  const whole = new Uint8Array(16 + body.length);
  writeHeader(whole, kind, flags, count, 7, 0);
  whole.set(body, 16);
  return whole;
}
function changed(message: Uint8Array, at: number, byte: number): Uint8Array {
  const copy = message.slice();
  copy[at] = byte;
  return copy;
}

describe('hello', () => {
  it('comes first', async () => {
    const connection = await open();
    expect(await connection.refusalOf(lookup())).toBe('unauthenticated');
    const reply = await connection.ask(hello(key));
    expect(decodeHello(reply)).toMatchObject({ institutionName: 'Bank', partitions: 1, inFlightMax: IN_FLIGHT_MAX });
    expect(await connection.refusalOf(lookup())).toBe('taken');
  });

  it.each(['nonsense', `slk_${'0'.repeat(16)}_${'A'.repeat(43)}`])('refuses the key "%s"', async (text) => {
    expect(await (await open()).refusalOf(hello(text))).toMatch(/unauthenticated|malformedBody/);
  });

  it('ends the connection of someone who goes on without a key', async () => {
    const connection = await open();
    for (let n = 0; n < 8; n++) expect(await connection.refusalOf(lookup())).toBe('unauthenticated');
    expect(await connection.closing()).toEqual({ code: 1008, reason: 'not authenticated' });
  });

  it('keeps a key within its scopes', async () => {
    const connection = await greeted(await makeKey(dataDir, ['read'], 'Reader'));
    expect(await connection.refusalOf(lookup())).toBe('taken');
    expect(await connection.refusalOf(transfer())).toBe('forbidden');
    const payment = { id: newId(), payerAccountId: 1n, payeeAccountId: 2n, amount: 1n, ledger: LEDGER, code: 1 };
    expect(await connection.refusalOf(encodePayment('sale', payment, { requestId: 1 }))).toBe('forbidden');
  });
});

describe('bad frames', () => {
  const ping = COMMANDS.ping.kind;
  const transfers = COMMANDS.createTransfers.kind;
  const sale = COMMANDS.sale.kind;
  it.each<[string, () => Uint8Array, string]>([
    ['nothing', () => new Uint8Array(0), 'malformedFrame'],
    ['a truncated header', () => new Uint8Array(15), 'malformedFrame'],
    ['another version', () => changed(lookup(), 0, PROTOCOL_VERSION + 1), 'unsupportedVersion'],
    ['an unknown kind', () => frame(0x7e, 1, new Uint8Array(16)), 'unknownKind'],
    ['a reply', () => frame(ping | 0x80, 0, new Uint8Array(0)), 'unknownKind'],
    ['reserved flags', () => frame(ping, 0, new Uint8Array(0), 0x80), 'frameFlagsReserved'],
    ['a body that ends early', () => lookup(3).subarray(0, 40), 'lengthMismatch'],
    ['a body that goes on', () => frame(ping, 0, new Uint8Array(3)), 'lengthMismatch'],
    ['no records', () => frame(transfers, 0, new Uint8Array(0)), 'batchEmpty'],
    ['too many records', () => frame(transfers, 8191, new Uint8Array(TRANSFER.size)), 'batchTooLarge'],
    ['a flipped bit under a checksum', () => changed(lookup(2, true), 20, 0x55), 'checksumMismatch'],
    ['text that is not UTF-8', () => badReference(sale), 'invalidUtf8'],
  ])('%s', async (_, message, name) => {
    const connection = await greeted();
    expect(await connection.refusalOf(message())).toBe(name);
    expect(await connection.refusalOf(lookup())).toBe('taken');
  });

  function badReference(kind: number): Uint8Array {
    const payment = { id: newId(), payerAccountId: 1n, payeeAccountId: 2n, amount: 1n, ledger: LEDGER, code: 1 };
    const whole = encodePayment('sale', { ...payment, reference: 'abc' }, { requestId: 1 });
    return changed(whole, whole.length - 1, 0xff).fill(kind, 2, 2);
  }

  it.each([
    ['an amount above the range', { amount: 2n ** 53n }, 'amountOutOfRange'],
    ['what would be a negative amount', { amount: 2n ** 64n - 1n }, 'amountOutOfRange'],
    ['no amount', { amount: 0n }, 'amountMustNotBeZero'],
    ['an unknown account', { debitAccountId: 77n }, 'debitAccountNotFound'],
    ['an id of the engine', { id: (2n ** 128n - 1n) as bigint }, 'idReserved'],
    ['one account twice', { creditAccountId: 1n }, 'accountsMustBeDifferent'],
  ])('%s', async (_, change, name) => {
    const connection = await greeted();
    const [result] = decodeCreateTransfers(await connection.ask(transfer(change)), false);
    expect(result?.name).toBe(name);
  });

  it("somebody else's account cannot be debited", async () => {
    const connection = await greeted(await makeKey(dataDir, ['ledger'], 'Thief'));
    const [result] = decodeCreateTransfers(await connection.ask(transfer()), false);
    expect(result?.name).toBe('debitAccountForbidden');
  });

  it('answers a frame with a checksum with a checksum', async () => {
    const connection = await greeted();
    connection.socket.send(lookup(2, true));
    const reply = await connection.next();
    expect(flagsOf(reply) & FrameFlags.checksum).toBe(FrameFlags.checksum);
    expect(openReply(reply).count).toBe(2);
    expect(() => openReply(changed(reply, 30, (reply[30] ?? 0) ^ 1))).toThrow(/checksum/);
  });

  it('closes the connection on text and on a message that is too large', async () => {
    const talker = await greeted();
    talker.socket.send('hello?');
    expect(await talker.closing()).toMatchObject({ code: 1008 });
    const flooder = await greeted();
    flooder.socket.send(new Uint8Array(1_048_577));
    expect(await flooder.closing()).toEqual({ code: 1009, reason: 'a message has at most 1048576 bytes' });
    await until(() => running.log.some(({ msg }) => msg === 'session closed: message too large'), 'it is logged');
    const monster = await greeted();
    monster.socket.send(new Uint8Array(5_000_000));
    expect((await monster.closing()).code).toBe(1006);
    await until(() => running.log.some(({ reason }) => /too big/i.test(String(reason))), 'it is logged');
  });

  it('survives noise', async () => {
    for (let n = 0; n < 40; n++) {
      const connection = await greeted();
      for (let m = 0; m < 5; m++) connection.socket.send(randomBytes(1 + ((n * 37 + m * 911) % 600)));
      connection.close();
    }
  });
});

/** Whether a descriptor of a process is a socket. */
function isSocketOf(pid: number): (fd: string) => boolean {
  return (fd) => {
    try {
      return readlinkSync(`/proc/${pid}/fd/${fd}`).startsWith('socket:');
    } catch {
      return false;
    }
  };
}

describe('bounds', () => {
  it('refuse what is above the requests in flight, and nothing else', async () => {
    const connection = await greeted();
    const count = 400;
    for (let n = 0; n < count; n++) connection.socket.send(transfer());
    await until(() => connection.received === count + 1, 'every request is answered');
    const refused = connection.frames.map((one) => readRefusal(openReply(one))).filter((one) => one !== undefined);
    expect(new Set(refused.map(({ code }) => code)).size).toBeLessThanOrEqual(1);
    expect(refused.length).toBeLessThan(count - IN_FLIGHT_MAX + 1);
    connection.frames.length = 0;
    expect(await connection.refusalOf(lookup())).toBe('taken');
  });

  it('cost a slow reader its connection and others nothing', async () => {
    const reader = await greeted();
    await reader.ask(
      encodeCreateTransfers(
        Array.from({ length: 1000 }, () => plain()),
        { requestId: 1 },
      ),
    );
    const connections = async () => {
      const text = await (await fetch(`${running.http}/metrics`)).text();
      return /^sluice_connections\{transport="websocket"\} (\d+)/m.exec(text)?.[1];
    };
    const connectionsBefore = await connections();
    const sockets = (): number => readdirSync(`/proc/${running.pid}/fd`).filter(isSocketOf(running.pid)).length;
    const socketsBefore = sockets();
    // The first ones bring every batch into memory; those after them must add nothing.
    let before = 0;
    // 48 bytes ask for a page of 176 kB.
    const page = encodeAccountHistory({ accountId: idFromNumber(1), limit: 1000 }, { requestId: 1 });
    for (let n = 0; n < 14; n++) {
      if (n === 6) before = running.memory().anonymous;
      const slow = await greeted();
      const stream: Socket = Reflect.get(slow.socket, '_socket');
      stream.pause();
      stream.cork();
      for (let m = 0; m < IN_FLIGHT_MAX; m++) slow.socket.send(page);
      stream.uncork();
      const cut = (): number => running.log.filter(({ msg }) => String(msg).includes('does not read')).length;
      await until(() => cut() === n + 1, 'the slow reader is cut off');

      expect(await reader.refusalOf(lookup())).toBe('taken');
    }
    expect(await reader.refusalOf(lookup())).toBe('taken');
    expect(await connections()).toBe(connectionsBefore);
    // Nothing stays behind for readers that are gone: no socket with its unread output, no memory.
    await until(() => sockets() <= socketsBefore, 'the sockets are closed', 5000);
    await until(() => running.memory().anonymous - before < 24 * 2 ** 20, 'memory comes back', 20_000);
  });

  it('answer a flood from many connections within bounded memory', async () => {
    const flooders = await Promise.all(Array.from({ length: 12 }, () => greeted()));
    const before = running.memory().anonymous;
    const count = 60;
    // 720 messages of 1,000 transfers: several times what the queue of the partition takes.
    const big = encodeCreateTransfers(
      Array.from({ length: 1000 }, () => plain()),
      { requestId: 1 },
    );
    for (let n = 0; n < count; n++) for (const flooder of flooders) flooder.socket.send(big);
    await until(() => flooders.every(({ received }) => received === count + 1), 'every request is answered', 30_000);
    const refused = flooders.flatMap(({ frames }) => frames.map((one) => readRefusal(openReply(one))?.code));
    const names = new Set(refused.map((code) => (code === undefined ? 'taken' : resultOfCode(code).name)));
    expect([...names].filter((name) => !['taken', 'busy', 'tooManyInFlight'].includes(name))).toEqual([]);
    expect(names).toContain('taken');
    // The queue has 20 batches of 8.4 MB; what was sent has 92 MB on the wire alone.
    expect(running.memory().anonymous - before).toBeLessThan(200 * 2 ** 20);
  });

  it('leave a half-open connection and a client that vanishes without effect', async () => {
    const nonce = randomBytes(16).toString('base64');
    const upgrade = `GET /v1/ws HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: ${nonce}\r\n\r\n`;
    for (const bytes of ['GET /v1/ws HT', upgrade, `${upgrade}\u0082\u00fe`]) {
      const socket = connect(running.port, '127.0.0.1');
      await once(socket, 'connect');
      socket.write(Buffer.from(bytes, 'latin1'));
      socket.destroy();
    }
    const id = newId();
    const vanishing = await greeted();
    for (let n = 0; n < 40; n++) vanishing.socket.send(transfer(n === 20 ? { id } : {}));
    await until(() => vanishing.socket.bufferedAmount === 0, 'it is sent');
    vanishing.close();
    const client = await connectNode({ url: running.url, key });
    // What was taken is done, once; the rest never was.
    const again = { id, debitAccountId: 1n, creditAccountId: 2n, amount: 1n, ledger: LEDGER, code: 1 };
    const [first] = await client.createTransfers([again]);
    const [second] = await client.createTransfers([again]);
    expect(first?.name).toBe('ok');
    expect(second).toMatchObject({ name: 'ok', replayed: true, timestamp: first?.timestamp });
    await client.close();
  });
});
