// A link to an issuer over real sockets: it comes up, stays up, comes back, and says what became of each request.
import { afterEach, describe, expect, it } from 'vitest';
import type { LinkClock } from '../../../../adapters/terminal/link/clock.ts';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { openIssuer } from '../../../../adapters/terminal/link/issuer-link.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import type { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import {
  answerOf,
  atEnd,
  closeAll,
  issuerConfig,
  ManualClock,
  network,
  type Peer,
  PeerServer,
  purchase,
  startAcquirer,
  testVault,
  until,
} from './harness.ts';

afterEach(closeAll);

async function linkTo(port: number, text = '', clock: LinkClock = systemClock) {
  const notes: string[] = [];
  const observer = new LinkCounters((_link, _level, note) => notes.push(note));
  const late: string[] = [];
  const cutovers: string[] = [];
  const handlers = {
    late: (answer: Message, request: Message) => void late.push(`${answer.mti} ${request.mti} ${answer.text(11)}`),
    cutover: async (message: Message) => void cutovers.push(message.text(11) ?? ''),
  };
  const tools = { vault: testVault(), clock, observer, random: () => 0 };
  const opened = await openIssuer(issuerConfig(port, `reconnect: {firstMs: 20, mostMs: 40}, ${text}`), handlers, tools);
  if (!opened.ok) return expect.fail(opened.problem);
  const { link } = opened;
  atEnd(async () => {
    let isStopped = false;
    void link.stop(0).then(() => {
      isStopped = true;
    });
    await until(() => {
      if (clock instanceof ManualClock) clock.advance(1);
      return isStopped;
    });
  });
  return { link, notes, late, cutovers, figures: observer.of('iss') };
}

/** A host that answers network management, and everything else as it is told. */
async function startHost(answer: (peer: Peer, message: Message) => void = () => {}) {
  const host = new PeerServer();
  const asked: string[] = [];
  host.onMessage((peer, message) => {
    asked.push(`${message.mti} ${message.text(70) ?? message.text(11)}`);
    if (message.mti === '0800') peer.send(answerOf(message).set(70, message.text(70) ?? ''));
    else answer(peer, message);
  });
  atEnd(() => host.close());
  return { host, asked, port: await host.listen() };
}

describe('the connection', () => {
  it('signs on before it is up, and takes no requests before', async () => {
    const { host, port, asked } = await startHost((peer, message) => peer.send(answerOf(message, '51')));
    const { link, figures } = await linkTo(port);
    expect(await link.request(purchase('000001'), 1000)).toBe('down');
    await until(() => link.state === 'up');
    const answer = await link.request(purchase('000001'), 1000);
    expect(typeof answer === 'object' && answer.text(39)).toBe('51');
    expect(asked).toEqual(['0800 001', '0200 000001']);
    expect(figures.state).toBe('up');
    expect(host.peers).toHaveLength(1);
  });

  it('is tried again when the sign-on is refused or not answered', async () => {
    const clock = new ManualClock();
    const host = new PeerServer();
    let attempts = 0;
    host.onMessage((peer, message) => {
      attempts++;
      if (attempts === 1) peer.send(answerOf(message, '91'));
      if (attempts < 3) return;
      // The answer to the attempt before comes now: late, and nothing that a payment waits for.
      peer.send(answerOf(network('001', '000002')));
      peer.send(answerOf(message));
    });
    atEnd(() => host.close());
    const { link, notes, late, figures } = await linkTo(await host.listen(), 'networkMs: 5000', clock);
    await until(() => link.state === 'waiting');
    clock.advance(40);
    await until(() => attempts === 2);
    clock.advance(5000);
    await until(() => link.state === 'waiting');
    expect(notes.filter((note) => note.includes('the sign-on was not accepted'))).toHaveLength(2);
    clock.advance(40);
    await until(() => link.state === 'up');
    expect([figures.counts.late, late]).toEqual([1, []]);
  });

  it('comes back after the host died and began again on its port', async () => {
    const first = await startHost();
    const { link, figures } = await linkTo(first.port);
    await until(() => link.state === 'up');
    first.host.close();
    await until(() => link.state !== 'up');
    expect(await link.request(purchase('000001'), 1000)).toBe('down');
    // Attempts fail while nobody listens.
    await until(() => figures.counts.reconnects > 2);
    const second = new PeerServer();
    second.onMessage((peer, message) => peer.send(answerOf(message)));
    atEnd(() => second.close());
    await second.listen(first.port);
    await until(() => link.state === 'up');
    expect(await link.request(purchase('000002'), 1000)).toMatchObject({ mti: '0210' });
  });

  it('waits longer each time when the host hangs up after the sign-on, until it stays', async () => {
    const clock = new ManualClock();
    const { host, port } = await startHost();
    const { link } = await linkTo(port, '', clock);
    const hangUp = async () => {
      await until(() => link.state === 'up');
      host.peers.at(-1)?.socket.destroy();
      await until(() => link.state === 'waiting');
    };
    // Half of 20, of 40, and of 40, which is the most.
    for (const delayMs of [10, 20, 20]) {
      await hangUp();
      clock.advance(delayMs - 1);
      expect(link.state).toBe('waiting');
      clock.advance(1);
      expect(link.state).toBe('connecting');
    }
    await until(() => link.state === 'up');
    clock.advance(40);
    await hangUp();
    clock.advance(10);
    expect(link.state).toBe('connecting');
  });

  it('is given an echo when nothing comes, and ended when that is not answered', async () => {
    const clock = new ManualClock();
    const { host, asked, port } = await startHost((peer, message) => peer.send(answerOf(message)));
    const { link, notes, figures } = await linkTo(port, 'echoSeconds: 30, networkMs: 4000', clock);
    await until(() => link.state === 'up');
    clock.advance(29_999);
    expect(asked).toEqual(['0800 001']);
    clock.advance(1);
    await until(() => figures.received.get('0810') === 2);
    expect([asked.at(-1), link.state]).toEqual(['0800 301', 'up']);
    // A message in between is a sign of life as good as an echo.
    clock.advance(20_000);
    await link.request(purchase('000001'), 1000);
    clock.advance(10_000);
    expect(figures.sent.get('0800')).toBe(2);
    host.onMessage(() => {});
    clock.advance(20_000);
    expect([figures.sent.get('0800'), link.state]).toEqual([3, 'up']);
    clock.advance(4000);
    await until(() => link.state === 'waiting');
    expect(notes.at(-1)).toContain('the echo was not answered');
  });
});

describe('a request', () => {
  it('times out, and its late answer is handed on', async () => {
    const clock = new ManualClock();
    const waiting: (() => void)[] = [];
    const { port } = await startHost((peer, message) => waiting.push(() => peer.send(answerOf(message))));
    const { link, late, figures } = await linkTo(port, '', clock);
    await until(() => link.state === 'up');
    const result = link.request(purchase('000001'), 8500);
    await until(() => waiting.length === 1);
    clock.advance(8500);
    expect(await result).toBe('timeout');
    waiting[0]?.();
    await until(() => late.length === 1);
    waiting[0]?.();
    await until(() => figures.counts.duplicates === 1);
    expect(late).toEqual(['0210 0200 000001']);
    expect(figures.counts).toMatchObject({ timeouts: 1, late: 1, duplicates: 1, unmatched: 0 });
  });

  it('whose connection is lost is not known to have failed: it may be answered on the next one', async () => {
    const { host, port } = await startHost((peer) => peer.socket.destroy());
    const { link } = await linkTo(port);
    await until(() => link.state === 'up');
    const result = link.request(purchase('000001'), 20_000);
    await until(() => host.peers.length === 2 && link.state === 'up');
    host.peers[1]?.send(answerOf(purchase('000001')));
    expect(await result).toMatchObject({ mti: '0210' });
  });

  it('is refused over the window, with the key of another one, and when it does not fit', async () => {
    const { port } = await startHost();
    const { link, notes } = await linkTo(port, 'window: 2');
    await until(() => link.state === 'up');
    void link.request(purchase('000001'), 60_000);
    expect(await link.request(purchase('000001'), 1000)).toBe('collision');
    expect(await link.request(purchase('000002').set(4, 'x'), 1000)).toBe('unfit');
    expect(notes.at(-1)).toContain('field 4');
    void link.request(purchase('000002'), 60_000);
    expect(await link.request(purchase('000003'), 1000)).toBe('full');
  });

  it('is refused when the issuer does not read', async () => {
    const { host, port } = await startHost();
    const { link } = await linkTo(port, 'window: 100000');
    await until(() => link.state === 'up');
    host.peers[0]?.socket.pause();
    const results: unknown[] = [];
    for (let stan = 0; stan < 50_000 && results.length === 0; stan++) {
      const request = purchase(String(stan).padStart(6, '0')).set(48, 'x'.repeat(900));
      void link.request(request, 60_000).then((result) => results.push(result));
      if (stan % 100 === 0) await new Promise((done) => setImmediate(done));
    }
    expect(results[0]).toBe('full');
  });

  it('of the issuer: it may sign off and on, echo and cut over, and ask for nothing else', async () => {
    const { host, port } = await startHost();
    const { link, cutovers, figures } = await linkTo(port);
    await until(() => link.state === 'up');
    const peer = host.peers[0] ?? expect.fail('no connection');
    // Answers to what the host asks go to the host's own handler as well, which ignores them.
    expect((await peer.ask(network('201', '000042'))).text(39)).toBe('00');
    expect((await peer.ask(network('002'))).text(39)).toBe('00');
    expect([link.state, await link.request(purchase('000001'), 1000)]).toEqual(['signedOff', 'down']);
    expect((await peer.ask(network('301'))).text(39)).toBe('00');
    expect((await peer.ask(network('001'))).text(39)).toBe('00');
    expect([link.state, cutovers]).toEqual(['up', ['000042']]);
    expect((await peer.ask(purchase('000007'))).text(39)).toBe('40');
    expect(figures.counts.notPermitted).toBe(1);
  });
});

describe('stopping', () => {
  it('waits for answers, signs off and closes', async () => {
    const waiting: (() => void)[] = [];
    const { host, port, asked } = await startHost((peer, message) => waiting.push(() => peer.send(answerOf(message))));
    const { link } = await linkTo(port);
    await until(() => link.state === 'up');
    const result = link.request(purchase('000001'), 60_000);
    await until(() => waiting.length === 1);
    const stopped = link.stop(60_000);
    expect(await link.request(purchase('000002'), 1000)).toBe('down');
    waiting[0]?.();
    expect(await result).toMatchObject({ mti: '0210' });
    await stopped;
    await until(() => host.peers[0]?.isClosed === true);
    expect([asked.at(-1), link.state]).toEqual(['0800 002', 'stopped']);
  });

  it('ends when the issuer dies meanwhile, and while it is not connected', async () => {
    const { host, port, asked } = await startHost();
    const { link } = await linkTo(port);
    await until(() => link.state === 'up');
    const result = link.request(purchase('000001'), 60_000);
    await until(() => asked.includes('0200 000001'));
    const stopped = link.stop(60_000);
    host.close();
    expect(await result).toBe('timeout');
    await stopped;
    const clock = new ManualClock();
    const { link: waiting } = await linkTo(port, '', clock);
    await until(() => waiting.state === 'waiting');
    await waiting.stop(60_000);
    expect([link.state, waiting.state, clock.size]).toEqual(['stopped', 'stopped', 0]);
  });

  it('gives up what is not answered in time, and does not connect again', async () => {
    const clock = new ManualClock();
    const { host, port, asked } = await startHost();
    const { link } = await linkTo(port, '', clock);
    await until(() => link.state === 'up');
    const result = link.request(purchase('000001'), 60_000);
    await until(() => asked.includes('0200 000001'));
    const stopped = link.stop(100);
    clock.advance(100);
    expect(await result).toBe('timeout');
    await stopped;
    await until(() => host.peers[0]?.isClosed === true);
    clock.advance(100_000);
    expect(host.peers).toHaveLength(1);
  });
});

it('the two ends of a link speak with each other, with MACs, under a TPDU', async () => {
  const mac = 'mac: {key: link-mac, algorithm: retail}, framing: tpdu';
  const { port, figures: theirs } = await startAcquirer(mac);
  const { link, figures } = await linkTo(port, `${mac}, tpdu: {destination: '0123', source: '4567'}`);
  await until(() => link.state === 'up');
  const answers = await Promise.all(
    Array.from({ length: 200 }, (_, stan) => link.request(purchase(String(stan).padStart(6, '0')), 10_000)),
  );
  expect(answers.every((answer) => typeof answer === 'object' && answer.has(64))).toBe(true);
  expect([theirs.received.get('0200'), figures.received.get('0210'), figures.counts.macErrors]).toEqual([200, 200, 0]);
});

it('an answer with a wrong MAC does not count: the request times out', async () => {
  const clock = new ManualClock();
  const host = new PeerServer();
  host.onMessage((peer, message) => peer.send(answerOf(message).set(64, new Uint8Array(8))));
  atEnd(() => host.close());
  const { link, figures } = await linkTo(
    await host.listen(),
    'mac: {key: link-mac, algorithm: retail}, networkMs: 3000',
    clock,
  );
  await until(() => figures.counts.macErrors === 1);
  clock.advance(3000);
  await until(() => link.state === 'waiting');
});
