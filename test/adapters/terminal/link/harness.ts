/** Both ends of links for tests: a clock that is moved by hand, a plain peer that speaks frames, links as a file says them. */
import { connect, createServer, type Server, type Socket } from 'node:net';
import { expect } from 'vitest';
import type { AcquirerHandlers } from '../../../../adapters/terminal/link/acquirer-session.ts';
import { openAcquirer } from '../../../../adapters/terminal/link/acquirer-listener.ts';
import { type LinkClock, systemClock } from '../../../../adapters/terminal/link/clock.ts';
import { type Framing, FrameReader, frameOf } from '../../../../adapters/terminal/link/framing.ts';
import { parseLinks } from '../../../../adapters/terminal/link/links-file.ts';
import { LinkCounters } from '../../../../adapters/terminal/link/observer.ts';
import { SecretKey } from '../../../../adapters/terminal/crypto/vault/secret-key.ts';
import { SoftwareVault } from '../../../../adapters/terminal/crypto/vault/software-vault.ts';
import { compileSpec, type CompiledSpec } from '../../../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage } from '../../../../adapters/terminal/iso8583/decode.ts';
import { Message } from '../../../../adapters/terminal/iso8583/message.ts';
import { shippedSpec } from '../../../../adapters/terminal/iso8583/shipped-specs.ts';
import { hex } from '../../../support/seeded-bytes.ts';

export const MAC_KEY = '0123456789ABCDEFFEDCBA9876543210';
export const EXCHANGE_KEY = '00112233445566778899AABBCCDDEEFF';

export function specNamed(name: string): CompiledSpec {
  const data = shippedSpec(name);
  const compiled = data === undefined ? undefined : compileSpec(data);
  return compiled?.ok ? compiled.spec : expect.fail(`no specification ${name}`);
}

export const ASCII = specNamed('iso87-ascii');

function key(id: string, usage: string, algorithm: string, mode: string, value: string): SecretKey {
  const rest = { version: 'D', keyVersion: '00', exportability: 'N', optional: [] } as const;
  return new SecretKey(id, { usage, algorithm, mode, ...rest }, hex(value));
}

export function testVault(): SoftwareVault {
  return new SoftwareVault([
    key('link-mac', 'M3', 'T', 'C', MAC_KEY),
    key('link-cmac', 'M6', 'A', 'C', MAC_KEY),
    key('link-kek', 'K1', 'A', 'D', EXCHANGE_KEY),
  ]);
}

/** The one link of a file, in YAML without the outer list. */
export function acquirerConfig(text: string) {
  const spec = text.includes('spec:') ? '' : 'spec: iso87-ascii,';
  const links = parseLinks(`links: [{name: acq, role: acquirer, listen: {port: 0}, ${spec} ${text}}]`, '/');
  return links.ok && links.acquirers[0] !== undefined ? links.acquirers[0] : expect.fail(JSON.stringify(links));
}

export function issuerConfig(port: number, text: string) {
  const connect = `connect: {host: 127.0.0.1, port: ${port}}`;
  const links = parseLinks(`links: [{name: iss, role: issuer, ${connect}, spec: iso87-ascii, ${text}}]`, '/');
  return links.ok && links.issuers[0] !== undefined ? links.issuers[0] : expect.fail(JSON.stringify(links));
}

/** Timers run when the test moves the time; everything else goes on by itself. */
export class ManualClock implements LinkClock {
  #now = 0;
  readonly #timers = new Set<{ readonly at: number; readonly run: () => void }>();

  now(): number {
    return this.#now;
  }

  date(): Date {
    return new Date(Date.UTC(2026, 10, 23, 12, 0, 0) + this.#now);
  }

  after(delayMs: number, run: () => void): () => void {
    const timer = { at: this.#now + delayMs, run };
    this.#timers.add(timer);
    return () => this.#timers.delete(timer);
  }

  get size(): number {
    return this.#timers.size;
  }

  advance(ms: number): void {
    const end = this.#now + ms;
    for (;;) {
      const due = [...this.#timers].filter(({ at }) => at <= end).sort((a, b) => a.at - b.at)[0];
      if (due === undefined) break;
      this.#timers.delete(due);
      this.#now = due.at;
      due.run();
    }
    this.#now = end;
  }
}

/** Waits until something is so; the test's own timeout ends it. */
export async function until(isSo: () => boolean): Promise<void> {
  while (!isSo()) await new Promise((done) => setImmediate(done));
}

/** Waits until a number does not change any more: for so many turns of the loop that sockets of this process would have moved. */
export async function untilStill(number: () => number): Promise<void> {
  let last = Number.NaN;
  for (let turns = 0; turns < 200; turns++) {
    await new Promise((done) => setImmediate(done));
    if (number() !== last) turns = 0;
    last = number();
  }
}

export class Peer {
  readonly socket: Socket;
  readonly received: Message[] = [];
  readonly headers: Buffer[] = [];
  isClosed = false;
  readonly #framing: Framing;

  constructor(socket: Socket, framing: Framing = 'length2', spec = ASCII) {
    this.socket = socket;
    this.#framing = framing;
    const reader = new FrameReader(framing, 60_000);
    socket.on('data', (chunk: Buffer) => {
      const problem = reader.read(chunk, (bytes, header) => {
        const decoded = decodeMessage(spec, bytes);
        if (decoded.ok) this.received.push(decoded.message);
        this.headers.push(header);
      });
      if (problem !== undefined) expect.fail(problem.found);
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.isClosed = true;
    });
  }

  frame(message: Message, header?: Uint8Array): Buffer {
    const encoded = message.encode();
    const frame = encoded.ok ? frameOf(this.#framing, encoded.bytes, header) : undefined;
    return frame ?? expect.fail('this message cannot be sent');
  }

  send(message: Message, header?: Uint8Array): void {
    this.socket.write(this.frame(message, header));
  }

  /** Sends and waits for the next message to come. */
  async ask(message: Message, header?: Uint8Array): Promise<Message> {
    const count = this.received.length;
    this.send(message, header);
    return this.message(count);
  }

  async message(index: number): Promise<Message> {
    await until(() => this.received.length > index || this.isClosed);
    return this.received[index] ?? expect.fail('the connection was closed');
  }
}

export function peerAt(port: number, framing: Framing = 'length2', spec = ASCII): Promise<Peer> {
  return new Promise((done, fail) => {
    const socket = connect({ host: '127.0.0.1', port }, () => done(new Peer(socket, framing, spec)));
    socket.once('error', fail);
  });
}

/** A listener that tests answer for by hand. */
export class PeerServer {
  readonly peers: Peer[] = [];
  readonly server: Server;
  #onMessage: (peer: Peer, message: Message) => void = () => {};

  constructor() {
    this.server = createServer((socket) => {
      const peer = new Peer(socket);
      this.peers.push(peer);
      socket.on('data', () => {
        const message = peer.received.at(-1);
        if (message !== undefined) this.#onMessage(peer, message);
      });
    });
  }

  onMessage(run: (peer: Peer, message: Message) => void): void {
    this.#onMessage = run;
  }

  listen(port = 0): Promise<number> {
    return new Promise((done) => {
      this.server.listen(port, '127.0.0.1', () => {
        const address = this.server.address();
        done(typeof address === 'object' && address !== null ? address.port : 0);
      });
    });
  }

  close(): void {
    for (const { socket } of this.peers) socket.destroy();
    this.server.close();
  }
}

export const echoing: AcquirerHandlers = {
  handle: (message) => Promise.resolve(answerOf(message)),
  cutover: () => Promise.resolve(),
};

export function answerOf(request: Message, code = '00'): Message {
  const answer = new Message(request.spec, `${request.mti.slice(0, 2)}${Number(request.mti[2]) + 1}0`);
  for (const number of [3, 4, 11, 37, 41]) {
    const text = request.text(number);
    if (text !== undefined) answer.set(number, text);
  }
  return answer.set(39, code);
}

const closing: (() => Promise<void> | void)[] = [];

/** Runs after the test, last first. */
export function atEnd(run: () => Promise<void> | void): void {
  closing.unshift(run);
}

export async function closeAll(): Promise<void> {
  for (const run of closing.splice(0)) await run();
}

export async function startAcquirer(text: string, handlers = echoing, clock: LinkClock = systemClock) {
  const notes: string[] = [];
  const observer = new LinkCounters((_link, _level, text) => notes.push(text));
  const vault = testVault();
  const opened = await openAcquirer(acquirerConfig(text), handlers, { vault, clock, observer });
  if (!opened.ok) return expect.fail(opened.problem);
  const { listener } = opened;
  atEnd(() => listener.close(0));
  return { listener, port: listener.port, notes, observer, vault, figures: observer.of('acq') };
}

export function network(code: string, stan = '000001'): Message {
  return new Message(ASCII, '0800').set(7, '1123120000').set(11, stan).set(70, code);
}

export function purchase(stan: string, mti = '0200'): Message {
  return new Message(ASCII, mti).set(2, '4761739001010119').set(3, '0').set(4, '1250').set(11, stan).set(41, 'T1');
}
