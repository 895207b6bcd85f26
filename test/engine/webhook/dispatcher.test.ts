import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { beforeEach, describe, expect, it, onTestFinished } from 'vitest';
import { JournalChanges } from '../../../engine/stream/journal-changes.ts';
import { DISPATCHER_DEFAULTS, Dispatcher, type DispatcherSettings } from '../../../engine/webhook/dispatcher.ts';
import { DEAD_LETTERS_MAX, type NewEndpoint, WebhookStore } from '../../../engine/webhook/webhook-store.ts';
import { verifyWebhook } from '../../../protocol/webhook.ts';
import { Desk } from '../../support/desk.ts';
import { openStored, storedOptions } from '../../support/stored-partition.ts';
import { freePort, until } from '../../support/switch.ts';
import { positionsOf, startReceiver } from './support.ts';

const SETTINGS: DispatcherSettings = {
  ...DISPATCHER_DEFAULTS,
  pollMs: 5,
  endpointsMs: 10,
  timeoutMs: 300,
  backoffMsMin: 20,
  backoffMsMax: 40,
  changesMax: 10,
  userAgent: 'sluice/test',
  nowMs: Date.now,
  random: Math.random,
};
let folder: string;
let desk: Desk;
let stream: JournalChanges;
let store: WebhookStore;
let dispatcher: Dispatcher;
let next = 100n;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'sluice-webhook-'));
  const options = storedOptions(folder);
  const opened = await openStored(options);
  desk = new Desk(opened.partition, {
    recordsMax: 64,
    inputBytesMax: 65_536,
    journalBytesMax: 65_536,
    replyBytesMax: 65_536,
  });
  stream = await JournalChanges.open({ ...options, partition: 0 });
  store = WebhookStore.open(join(folder, 'control'));
  dispatcher = new Dispatcher(store, [stream], SETTINGS);
  await desk.accounts(2, { id: 1n, ledger: 156, code: 1 }, { id: 2n, ledger: 156, code: 1 });
  await desk.accounts(3, { id: 3n, ledger: 156, code: 1 });
  onTestFinished(async () => {
    await dispatcher.stop();
    await store.close();
    await stream.close();
    await opened.partition.close();
    rmSync(folder, { recursive: true, force: true });
  });
});

async function pay(count: number, credit = 2n): Promise<void> {
  const accounts = { debitAccountId: 1n, creditAccountId: credit, amount: 1n, ledger: 156, code: 1 };
  await desk.transfers(2, ...Array.from({ length: count }, () => ({ ...accounts, id: next++ })));
}
function add(url: string, request: Partial<NewEndpoint> = {}) {
  const asked = { url, institution: 2, types: [], attemptsMax: 3, cursors: [], nowMs: Date.now(), ...request };
  return store.add(asked);
}
async function positions(institution = 2): Promise<number[]> {
  const { changes } = await stream.read({ institution, cursor: 0, countMax: 10_000, bytesMax: 1e9 });
  return changes.map(({ position }) => position);
}
/** A new dispatcher over the same store and journal: what a restart of the switch is to webhooks. */
async function restart(): Promise<void> {
  await dispatcher.stop();
  dispatcher = new Dispatcher(store, [stream], SETTINGS);
  dispatcher.start();
}

describe('delivery', () => {
  it('brings everything in order, signed, in bounded messages, and goes on with what comes', async () => {
    const receiver = await startReceiver();
    const { secret } = add(receiver.url);
    await pay(25);
    dispatcher.start();
    await until(() => positionsOf(receiver.received).length === 27, 'all is there');
    await pay(1, 3n);
    await until(() => positionsOf(receiver.received).length === 28, 'the next is there');
    expect(positionsOf(receiver.received)).toEqual(await positions());
    expect(Math.max(...receiver.received.map(({ body }) => body.changes.length))).toBe(10);
    expect(new Set(receiver.received.map(({ id }) => id)).size).toBe(receiver.received.length);
    for (const { headers, text } of receiver.received) {
      expect(headers).toMatchObject({ 'content-type': 'application/json', 'user-agent': 'sluice/test' });
      expect(verifyWebhook({ headers, body: text }, { secret, nowSeconds: Date.now() / 1000 })).toMatchObject({
        ok: true,
      });
    }
  });

  it('brings an institution what is its own, and of that only the types that it wants', async () => {
    const [third, operator] = [await startReceiver(), await startReceiver()];
    add(third.url, { institution: 3 });
    add(operator.url, { institution: 1, types: ['account'] });
    await pay(3);
    await pay(2, 3n);
    dispatcher.start();
    await until(() => positionsOf(third.received).length === 3, 'its own');
    await until(() => positionsOf(operator.received).length === 3, 'three accounts');
    await pay(1);
    await pay(1, 3n);
    await until(() => positionsOf(third.received).length === 4, 'the next');
    expect(positionsOf(third.received)).toEqual(await positions(3));
    expect(operator.received.flatMap(({ body }) => body.changes.map(({ type }) => type))).toEqual(
      Array(3).fill('account'),
    );
  });

  it('repeats what failed with the same id and body, and nothing after it is lost', async () => {
    const receiver = await startReceiver();
    let fails = 2;
    receiver.answer = (response) => response.writeHead(fails-- > 0 ? 500 : 200).end();
    add(receiver.url);
    await pay(1);
    dispatcher.start();
    await until(() => receiver.received.length === 1, 'the first attempt');
    await pay(3);
    await until(() => positionsOf(receiver.received.slice(2)).length === 6, 'all is there');
    const [first, second, third] = receiver.received;
    expect([second?.id, third?.id]).toEqual([first?.id, first?.id]);
    expect([second?.text, third?.text]).toEqual([first?.text, first?.text]);
    expect(positionsOf(receiver.received.slice(2))).toEqual(await positions());
    await until(() => dispatcher.figures()[0]?.lagBytes === 0, 'it is noted');
    expect(dispatcher.figures()).toMatchObject([{ failures: 2, lagBytes: 0, deadLetters: 0 }]);
    expect(dispatcher.notes().map(({ event, reason }) => [event, reason])).toEqual(
      Array(2).fill(['delivery failed', 'the receiver answered 500']),
    );
  });

  it('goes on after a restart where it was, with the same delivery', async () => {
    const receiver = await startReceiver();
    add(receiver.url, { attemptsMax: 100 });
    await pay(5);
    dispatcher.start();
    await until(() => positionsOf(receiver.received).length === 7, 'all is there');
    receiver.answer = (response) => response.writeHead(503).end();
    await pay(2);
    await until(() => receiver.received.length >= 3, 'attempts');
    await restart();
    await pay(1);
    const before = receiver.received.length;
    receiver.answer = (response) => response.writeHead(200).end();
    await until(() => positionsOf(receiver.received.slice(before)).length >= 3, 'all is there');
    expect(new Set(positionsOf(receiver.received))).toEqual(new Set(await positions()));
    const repeated = receiver.received.filter(({ body }) => body.changes.length === 2);
    expect(new Set(repeated.map(({ id, text }) => id + text)).size).toBe(1);
  });

  it('repeats what was on its way when it stopped, the same, though more has come since', async () => {
    const receiver = await startReceiver();
    receiver.answer = () => undefined;
    add(receiver.url);
    dispatcher.start();
    await until(() => receiver.received.length === 1, 'it is on its way');
    await dispatcher.stop();
    await pay(2);
    receiver.answer = (response) => response.writeHead(200).end();
    await restart();
    await until(() => receiver.received.length === 3, 'all is there');
    const [first, second, third] = receiver.received;
    expect([second?.id, second?.text]).toEqual([first?.id, first?.text]);
    expect(third?.body.changes.length).toBe(2);
  });

  it('begins where it was told to', async () => {
    const receiver = await startReceiver();
    await pay(5);
    add(receiver.url, { cursors: [stream.end()] });
    dispatcher.start();
    await pay(1);
    await until(() => receiver.received.length === 1, 'the one');
    expect(positionsOf(receiver.received)).toEqual((await positions()).slice(-1));
  });

  it('goes on at the end when its cursor is ahead of a journal that was restored', async () => {
    const receiver = await startReceiver();
    const { id } = add(receiver.url, { cursors: [stream.end() + 1000] });
    dispatcher.start();
    await until(() => dispatcher.figures()[0]?.lagBytes === 0, 'it runs');
    await pay(1);
    await until(() => receiver.received.length === 1, 'the next');
    expect(positionsOf(receiver.received)).toEqual((await positions()).slice(-1));
    await until(() => store.state(id, 0).cursor === stream.end(), 'it is noted');
    expect(dispatcher.notes()).toMatchObject([{ event: 'error', reason: expect.stringContaining('the journal ends') }]);
  });

  it('ends when the endpoint is removed, and nothing is kept', async () => {
    const receiver = await startReceiver();
    const { id } = add(receiver.url);
    dispatcher.start();
    await until(() => receiver.received.length === 1, 'the accounts');
    expect(store.remove(id)).toBe(true);
    await until(() => dispatcher.figures().length === 0, 'it has ended');
    await pay(1);
    store.prune();
    expect(store.states(id)).toEqual([]);
    expect(receiver.received.length).toBe(1);
    expect(store.remove(id)).toBe(false);
  });
});

describe('a receiver that does not do its part', () => {
  it.each([
    ['answers nothing', () => undefined, /no answer within 300 ms/],
    [
      'redirects',
      (r: import('node:http').ServerResponse) => r.writeHead(302, { location: 'http://127.0.0.1:1/' }).end(),
      /302/,
    ],
    ['hangs up', (r: import('node:http').ServerResponse) => r.destroy(), /ECONNRESET|socket hang up/],
  ])('one that %s gets dead letters and delays no other', async (_, answer, reason) => {
    const [bad, good] = [await startReceiver(), await startReceiver()];
    bad.answer = answer as typeof bad.answer;
    const { id } = add(bad.url, { attemptsMax: 2 });
    add(good.url);
    await pay(5);
    dispatcher.start();
    await until(() => positionsOf(good.received).length === 7, 'the good one has all');
    const started = performance.now();
    await pay(1);
    await until(() => positionsOf(good.received).length === 8, 'and what comes');
    expect(performance.now() - started).toBeLessThan(250);
    await until(() => store.deadCount(id) >= 1, 'a dead letter');
    expect(store.dead(id)[0]).toMatchObject({
      endpoint: id,
      partition: 0,
      attempts: 2,
      error: expect.stringMatching(reason),
    });
  });

  it('one that is not there gets what it missed when somebody asks for it', async () => {
    const port = await freePort();
    const { id, secret } = add(`http://127.0.0.1:${port}/`, { attemptsMax: 1 });
    await pay(3);
    dispatcher.start();
    await until(() => store.deadCount(id) === 1, 'a dead letter');
    const [letter] = store.dead(id);
    expect(letter?.error).toBe('ECONNREFUSED');
    expect(store.state(id, 0)).toEqual({ cursor: letter?.until, attempts: 0, nextAtMs: 0 });
    const receiver = await startReceiver(port);
    await pay(1);
    await until(() => positionsOf(receiver.received).length === 1, 'what comes');
    receiver.answer = (response) => response.writeHead(400).end();
    expect(store.retry(id)).toBe(1);
    await until(() => store.dead(id)[0]?.attempts === 2, 'it was tried');
    expect(store.dead(id)).toMatchObject([{ error: 'the receiver answered 400', retry: false }]);
    receiver.answer = (response) => response.writeHead(200).end();
    expect(store.retry(id, 'msg_unknown')).toBe(0);
    expect(store.retry(id, letter?.id)).toBe(1);
    await until(() => store.deadCount(id) === 0, 'it is delivered');
    const last = receiver.received.at(-1);
    expect(last?.id).toBe(letter?.id);
    expect(positionsOf(receiver.received.slice(-1))).toEqual((await positions()).slice(0, -1));
    expect(
      verifyWebhook({ headers: last?.headers ?? {}, body: last?.text ?? '' }, { secret, nowSeconds: Date.now() / 1000 })
        .ok,
    ).toBe(true);
  });

  it('one whose dead-letter list is full is held, and loses nothing', async () => {
    const receiver = await startReceiver();
    receiver.answer = (response) => response.writeHead(500).end();
    const { id } = add(receiver.url, { attemptsMax: 1, cursors: [stream.end()] });
    for (let n = 0; n < DEAD_LETTERS_MAX; n++) {
      const letter = { id: `msg_${n}`, endpoint: id, partition: 0, cursor: n, until: n + 1 };
      void store.bury({ ...letter, attempts: 1, error: 'x', atMs: 0, retry: false });
    }
    await until(() => store.deadCount(id) === DEAD_LETTERS_MAX, 'it is full');
    const from = stream.end();
    await store.putState(id, 0, { cursor: from, attempts: 0, nextAtMs: 0 });
    await pay(1);
    dispatcher.start();
    await until(() => receiver.received.length >= 3, 'it is tried again and again');
    expect(store.deadCount(id)).toBe(DEAD_LETTERS_MAX);
    expect(store.state(id, 0).cursor).toBe(from);
    expect(dispatcher.notes().map(({ event }) => event)).toContain('endpoint held: its dead-letter list is full');
    receiver.answer = (response) => response.writeHead(200).end();
    await until(() => store.state(id, 0).cursor > from, 'it goes on');
  });

  it('one that answers without end costs nothing', async () => {
    const receiver = await startReceiver();
    let written = 0;
    let closed = 0;
    receiver.answer = (response) => {
      response.writeHead(200);
      const timer = setInterval(() => {
        response.write(Buffer.alloc(262_144));
        written += 262_144;
      }, 1);
      response.on('close', () => {
        clearInterval(timer);
        closed++;
      });
    };
    add(receiver.url);
    dispatcher.start();
    await until(() => receiver.received.length === 1, 'the first');
    await pay(1);
    await until(() => receiver.received.length === 2 && closed === 2, 'the second');
    // Without a bound it would be read for as long as a delivery may take.
    expect(written).toBeLessThan(16 * 2 ** 20);
    expect(dispatcher.figures()).toMatchObject([{ failures: 0 }]);
  });
});
