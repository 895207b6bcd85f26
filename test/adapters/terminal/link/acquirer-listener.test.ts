// A listener for acquirers over real sockets: who may say what when, how mistakes are answered, and every bound.
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { openAcquirer } from '../../../../adapters/terminal/link/acquirer-listener.ts';
import { systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { requestingTpdu } from '../../../../adapters/terminal/link/framing.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import {
  ASCII,
  acquirerConfig,
  answerOf,
  atEnd,
  closeAll,
  echoing,
  ManualClock,
  network,
  type Peer,
  peerAt,
  purchase,
  specNamed,
  startAcquirer,
  testVault,
  until,
  untilStill,
} from './harness.ts';

afterEach(closeAll);

async function signedOn(port: number, ...rest: [] | ['length2' | 'ascii4' | 'tpdu']): Promise<Peer> {
  const peer = await peerAt(port, ...rest);
  atEnd(() => void peer.socket.destroy());
  const answer = await peer.ask(network('001'), rest[0] === 'tpdu' ? requestingTpdu(1, 2) : undefined);
  expect([answer.mti, answer.text(39)]).toEqual(['0810', '00']);
  return peer;
}

describe('a session', () => {
  it('refuses financial messages before sign-on and after sign-off', async () => {
    const { port, figures } = await startAcquirer('');
    const peer = await peerAt(port);
    const early = await peer.ask(purchase('000009'));
    expect([early.mti, early.text(39), early.text(11), early.has(2)]).toEqual(['0210', '58', '000009', false]);
    expect((await peer.ask(network('001'))).text(39)).toBe('00');
    expect((await peer.ask(purchase('000010'))).text(39)).toBe('00');
    expect((await peer.ask(network('002'))).text(39)).toBe('00');
    expect((await peer.ask(purchase('000011', '0100'))).text(39)).toBe('58');
    expect(figures.counts.notPermitted).toBe(2);
    expect(Object.fromEntries(figures.received)).toEqual({ '0100': 1, '0200': 2, '0800': 2 });
    expect(Object.fromEntries(figures.sent)).toEqual({ '0110': 1, '0210': 2, '0810': 2 });
    peer.socket.destroy();
  });

  it('is of one connection: another one signs on itself', async () => {
    const { port } = await startAcquirer('');
    await signedOn(port);
    const other = await peerAt(port);
    expect((await other.ask(purchase('000001'))).text(39)).toBe('58');
    other.socket.destroy();
  });

  it('answers echo before sign-on, repeats like the original, and says what it does not know', async () => {
    const { port } = await startAcquirer('');
    const peer = await peerAt(port);
    const echo = await peer.ask(network('301', '000077'));
    expect([echo.mti, echo.text(39), echo.text(11), echo.text(70)]).toEqual(['0810', '00', '000077', '301']);
    expect((await peer.ask(network('999'))).text(39)).toBe('40');
    const repeated = network('001');
    repeated.mti = '0801';
    expect((await peer.ask(repeated)).mti).toBe('0810');
    expect((await peer.ask(purchase('000001', '0201'))).mti).toBe('0210');
    peer.socket.destroy();
  });

  it('hands cutover on, only after sign-on, and answers when it is done', async () => {
    const seen: number[] = [];
    const handlers = {
      ...echoing,
      cutover: async (_: Message, { connection }: { connection: number }) => void seen.push(connection),
    };
    const { port } = await startAcquirer('', handlers);
    const early = await peerAt(port);
    expect((await early.ask(network('201'))).text(39)).toBe('58');
    early.socket.destroy();
    const peer = await signedOn(port);
    expect((await peer.ask(network('201'))).text(39)).toBe('00');
    expect(seen).toEqual([2]);
  });

  it('refuses terminals that are not in its list', async () => {
    const { port } = await startAcquirer('terminals: [T2, T3]');
    const peer = await signedOn(port);
    expect((await peer.ask(purchase('000001'))).text(39)).toBe('58');
    expect((await peer.ask(purchase('000002').set(41, 'T2'))).text(39)).toBe('00');
    expect((await peer.ask(purchase('000003').delete(41))).text(39)).toBe('58');
  });

  it('speaks ISO 8583:1993 with its own codes', async () => {
    const { port } = await startAcquirer('spec: iso93-bcd');
    const spec = specNamed('iso93-bcd');
    const peer = await peerAt(port, 'length2', spec);
    const message = (mti: string) => new Message(spec, mti).set(11, '1').set(12, '261123120000').set(41, 'T1');
    expect((await peer.ask(message('1200'))).text(39)).toBe('120');
    const signOn = await peer.ask(message('1804').set(24, '801'));
    expect([signOn.mti, signOn.text(39)]).toEqual(['1814', '800']);
    expect((await peer.ask(message('1805').set(24, '831'))).mti).toBe('1814');
    expect((await peer.ask(message('1200'))).mti).toBe('1210');
    peer.socket.destroy();
  });
});

describe('bytes', () => {
  it('in pieces and several messages in one write are answered one by one', async () => {
    const { port } = await startAcquirer('');
    const peer = await signedOn(port);
    const stream = Buffer.concat(['000001', '000002', '000003'].map((stan) => peer.frame(purchase(stan))));
    for (const byte of stream) {
      peer.socket.write(Buffer.of(byte));
      await new Promise((done) => setImmediate(done));
    }
    await peer.message(3);
    peer.socket.write(stream);
    await peer.message(6);
    const stans = peer.received.slice(1).map((answer) => answer.text(11));
    expect(stans).toEqual(['000001', '000002', '000003', '000001', '000002', '000003']);
  });

  it.each(['ascii4', 'tpdu'] as const)('under %s', async (framing) => {
    const { port } = await startAcquirer(`framing: ${framing}`);
    const peer = await signedOn(port, framing);
    const header = framing === 'tpdu' ? requestingTpdu(0x0123, 0x4567) : undefined;
    expect((await peer.ask(purchase('000001'), header)).text(39)).toBe('00');
    expect(peer.headers.at(-1)?.toString('hex')).toBe(framing === 'tpdu' ? '6045670123' : '');
  });

  it('that are no frame close the connection, and the log says what was expected and seen', async () => {
    const { port, notes, figures } = await startAcquirer('');
    const peer = await peerAt(port);
    peer.socket.write('01230800822000000000000004000000');
    await until(() => peer.isClosed);
    expect(notes.at(-1)).toContain(
      'expected a length from 10 to 8192, found a length of 12337 (looks like 4 ASCII digits)',
    );
    expect(figures.counts.frameErrors).toBe(1);
  });

  it.each([
    ['\x04\x00\x30', /: 3 bytes of a message came, and not the rest within 7 s$/],
    ['01230800', /not the rest within 7 s \(looks like 4 ASCII digits\)$/],
  ])('of a message that never ends close the connection after a while: %j', async (bytes, reason) => {
    const clock = new ManualClock();
    const { port, notes } = await startAcquirer('stallSeconds: 7, messageBytesMax: 65535', echoing, clock);
    const peer = await peerAt(port);
    const before = clock.size;
    peer.socket.write(bytes, 'latin1');
    await until(() => clock.size > before);
    clock.advance(7000);
    await until(() => peer.isClosed);
    expect(notes.at(-1)).toMatch(reason);
  });

  it('that are no message get 30 when their type can be read; too many of them end the connection', async () => {
    const { port, notes, figures } = await startAcquirer('formatErrorsMax: 2');
    const peer = await signedOn(port);
    const frame = peer.frame(purchase('000001').set(4, '77700'));
    frame.write('x', frame.indexOf('000000077700'));
    peer.socket.write(frame);
    const answer = await peer.message(1);
    expect([answer.mti, answer.text(39)]).toEqual(['0210', '30']);
    expect(notes.at(-1)).toMatch(/field 4 at byte \d+: expected a digit in ASCII, found byte 78/);
    expect(notes.at(-1)).toContain('PAN 476173******0119');
    peer.socket.write(Buffer.concat([Buffer.of(0, 12), Buffer.from('x'.repeat(12)), peer.frame(purchase('000002'))]));
    await until(() => peer.isClosed);
    // No type, no answer; and what follows the last mistake is not taken any more.
    expect(peer.received).toHaveLength(2);
    expect(figures.counts).toMatchObject({ formatErrors: 2, connectionsEnded: 1 });
  });

  it('of another version than the link speaks are a mistake', async () => {
    const { port, figures } = await startAcquirer('');
    const peer = await signedOn(port);
    peer.send(new Message(ASCII, '1200').set(11, '1'));
    await until(() => figures.counts.formatErrors === 1);
    expect((await peer.ask(network('301'))).text(39)).toBe('00');
  });

  it('that are an answer to nothing are counted and not answered', async () => {
    const { port, figures } = await startAcquirer('');
    const peer = await signedOn(port);
    peer.send(answerOf(purchase('000001')));
    expect((await peer.ask(network('301'))).text(39)).toBe('00');
    expect([peer.received.length, figures.counts.unmatched]).toEqual([2, 1]);
  });
});

describe('the handler', () => {
  it('answers in any order', async () => {
    const open = new Map<string, (answer: Message) => void>();
    const handle = (message: Message) =>
      new Promise<Message>((done) => open.set(message.text(11) ?? '', () => done(answerOf(message))));
    const { port } = await startAcquirer('', { ...echoing, handle });
    const peer = await signedOn(port);
    for (const stan of ['000001', '000002', '000003']) peer.send(purchase(stan));
    await until(() => open.size === 3);
    for (const stan of ['000003', '000001', '000002']) open.get(stan)?.(purchase(stan));
    await peer.message(3);
    expect(peer.received.slice(1).map((answer) => answer.text(11))).toEqual(['000003', '000001', '000002']);
  });

  it('gets no more than the window at once: 91 over it, and room again after an answer', async () => {
    const open: ((answer: undefined) => void)[] = [];
    const handle = () => new Promise<undefined>((done) => open.push(done));
    const { port, figures } = await startAcquirer('window: 2', { ...echoing, handle });
    const peer = await signedOn(port);
    peer.send(purchase('000001'));
    peer.send(purchase('000002'));
    const third = await peer.ask(purchase('000003'));
    expect([third.text(11), third.text(39), figures.counts.overWindow]).toEqual(['000003', '91', 1]);
    open[0]?.(undefined);
    peer.send(purchase('000004'));
    await until(() => open.length === 3);
    // Echo goes on when the window is full.
    expect((await peer.ask(network('301'))).text(39)).toBe('00');
  });

  it('that fails or answers what cannot be written is covered by 96, and its text is not logged', async () => {
    const handle = async (message: Message) => {
      if (message.text(11) === '000001') throw new Error('4761739001010119');
      return answerOf(message, '1234');
    };
    const cutover = () => Promise.reject(new Error('4761739001010119'));
    const { port, notes, figures } = await startAcquirer('', { handle, cutover });
    const peer = await signedOn(port);
    expect((await peer.ask(purchase('000001'))).text(39)).toBe('96');
    expect((await peer.ask(purchase('000002'))).text(39)).toBe('96');
    expect((await peer.ask(network('201'))).text(39)).toBe('96');
    expect(figures.counts.handlerErrors).toBe(3);
    expect(notes.join()).not.toContain('4761739001010119');
  });
});

describe('bounds', () => {
  it('a peer that does not read is not read from, and is cut off after a while', async () => {
    const clock = new ManualClock();
    let handled = 0;
    const handle = async (message: Message) => {
      handled++;
      return answerOf(message).set(48, 'x'.repeat(900)).set(63, 'y'.repeat(900));
    };
    const { port, notes } = await startAcquirer('stallSeconds: 20, window: 1000', { ...echoing, handle }, clock);
    const peer = await signedOn(port);
    peer.socket.pause();
    const batch = Buffer.concat(Array.from({ length: 500 }, (_, at) => peer.frame(purchase(String(at)))));
    let written = 0;
    // Until nothing moves: the buffers of the system are full, and so is that of the listener.
    while (written === 0 || peer.socket.writableLength === 0) {
      if (written++ > 400) expect.fail('the listener reads on');
      peer.socket.write(batch);
      await untilStill(() => handled + peer.socket.writableLength);
    }
    expect(handled).toBeLessThan(500 * written);
    clock.advance(20_000);
    await until(() => notes.some((note) => note.includes('the peer did not take its messages for 20 s')));
  });

  it('what waits for the message before it is bounded: the peer is not read from meanwhile', async () => {
    let done: () => void = () => {};
    const cutover = () => new Promise<void>((resolve) => (done = resolve));
    const { port, figures } = await startAcquirer('window: 100000', { ...echoing, cutover });
    const peer = await signedOn(port);
    peer.send(network('201'));
    const batch = Buffer.concat(
      Array.from({ length: 1000 }, () => peer.frame(purchase('000001').set(48, 'x'.repeat(900)))),
    );
    let batches = 0;
    // A megabyte each; the system's own buffers take some of them.
    while (batches === 0 || peer.socket.writableLength === 0) {
      if (batches++ > 100) expect.fail('the listener reads on');
      peer.socket.write(batch);
      await untilStill(() => peer.socket.writableLength);
    }
    expect(figures.received.get('0200')).toBeUndefined();
    done();
    await peer.message(1 + 1000 * batches);
    expect(figures.received.get('0200')).toBe(1000 * batches);
  });

  it('goes on when a slow reader reads again', async () => {
    const handle = async (message: Message) => answerOf(message).set(48, 'x'.repeat(900)).set(63, 'y'.repeat(900));
    const { port } = await startAcquirer('window: 1000', { ...echoing, handle });
    const peer = await signedOn(port);
    peer.socket.pause();
    for (let at = 0; at < 8000; at++) peer.send(purchase(String(at)));
    await untilStill(() => peer.socket.writableLength);
    peer.socket.resume();
    await peer.message(8000);
    expect(new Set(peer.received.map((answer) => answer.text(39)))).toEqual(new Set(['00']));
  });

  it('takes no more connections than it may', async () => {
    const { port, figures } = await startAcquirer('connectionsMax: 1');
    const peer = await signedOn(port);
    const second = connect({ host: '127.0.0.1', port });
    second.on('error', () => {});
    await new Promise((done) => second.once('close', done));
    expect(figures.counts.connectionsEnded).toBe(1);
    peer.socket.destroy();
    await until(() => peer.isClosed);
    await signedOn(port);
  });

  it('closes what is idle, and nothing that had a message meanwhile', async () => {
    const clock = new ManualClock();
    const { port, notes } = await startAcquirer('idleSeconds: 60', echoing, clock);
    const peer = await signedOn(port);
    clock.advance(50_000);
    await peer.ask(network('301'));
    clock.advance(50_000);
    expect((await peer.ask(network('301'))).text(39)).toBe('00');
    clock.advance(60_000);
    await until(() => peer.isClosed);
    expect(notes.at(-1)).toContain('nothing came for 60 s');
  });

  it('does not close what waits for an answer', async () => {
    const clock = new ManualClock();
    let answer: (message: Message) => void = () => {};
    const handle = () => new Promise<Message>((done) => (answer = done));
    const { port, figures } = await startAcquirer('idleSeconds: 60', { ...echoing, handle }, clock);
    const peer = await signedOn(port);
    peer.send(purchase('000001'));
    await until(() => figures.received.get('0200') === 1);
    clock.advance(60_000);
    answer(answerOf(purchase('000001')));
    expect((await peer.message(1)).text(39)).toBe('00');
    clock.advance(60_000);
    await until(() => peer.isClosed);
  });
});

describe('closing', () => {
  it('answers what is under way, takes nothing more, and ends', async () => {
    let answer: (message: Message) => void = () => {};
    const handle = () => new Promise<Message>((done) => (answer = done));
    const { port, listener, figures } = await startAcquirer('', { ...echoing, handle });
    const peer = await signedOn(port);
    peer.send(purchase('000001'));
    await until(() => figures.received.get('0200') === 1);
    const closed = listener.close(10_000);
    expect(figures.state).toBe('draining');
    peer.send(purchase('000002'));
    await expect(peerAt(port)).rejects.toThrow();
    answer(answerOf(purchase('000001')));
    await closed;
    await until(() => peer.isClosed);
    expect(peer.received.map((message) => message.text(11))).toEqual(['000001', '000001']);
    expect([figures.state, figures.received.get('0200')]).toEqual(['stopped', 1]);
  });

  it('waits no longer than it is given', async () => {
    const clock = new ManualClock();
    const { port, listener, figures } = await startAcquirer(
      '',
      { ...echoing, handle: () => new Promise(() => {}) },
      clock,
    );
    const peer = await signedOn(port);
    peer.send(purchase('000001'));
    await until(() => figures.received.get('0200') === 1);
    const closed = listener.close(3000);
    clock.advance(3000);
    await closed;
    await until(() => peer.isClosed);
  });

  it('is told what cannot be opened: an address in use, keys that are missing', async () => {
    const { port } = await startAcquirer('');
    const open = (text: string, listen = 0) => {
      const config = { ...acquirerConfig(text), listen: { host: '127.0.0.1', port: listen } };
      return openAcquirer(config, echoing, {
        vault: testVault(),
        clock: systemClock,
        observer: new LinkCounters(() => {}),
      });
    };
    expect(await open('', port)).toMatchObject({ ok: false, problem: expect.stringContaining('EADDRINUSE') });
    expect(await open('mac: {key: none, algorithm: retail}')).toMatchObject({
      problem: 'link acq: the vault has no key "none" of usage M3, which retail needs',
    });
    expect(await open('mac: {key: link-mac, algorithm: retail, exchangeKey: link-mac}')).toMatchObject({
      problem: 'link acq: the vault has no key "link-mac" of usage K0 or K1',
    });
  });
});
