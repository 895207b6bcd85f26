/** A simulated issuer on a port (ISO 8583:1987): it answers by rules, misbehaves where they say so, and keeps a book. */
import { createServer, type Server } from 'node:net';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import type { Encoded } from '../iso8583/encode.ts';
import type { Message } from '../iso8583/message.ts';
import { answerTo, exchangeOf, isNetwork, isRequest, refusal } from '../link/codes.ts';
import { Connection, type ConnectionConfig } from '../link/connection.ts';
import type { LinkClock } from '../link/clock.ts';
import { answeringTpdu } from '../link/framing.ts';
import { LinkMac, type MacRules } from '../link/link-mac.ts';
import { manage } from '../link/network.ts';
import type { LinkObserver } from '../link/observer.ts';
import { answerCard, type CardKey } from './card-answer.ts';
import { IssuerBook } from './issuer-book.ts';
import { type Behaviour, behaviourOf, type IssuerDelays, WELL } from './issuer-rules.ts';

export interface SimulatedIssuerConfig extends ConnectionConfig, IssuerDelays {
  readonly host: string;
  /** 0: any; the same one is taken again after it died. */
  readonly port: number;
  readonly mac?: MacRules;
  /** With it, cryptograms are verified and answered; those that are wrong are declined. */
  readonly card?: CardKey;
  /** For how long it is down after it died. */
  readonly deadMs: number;
}

interface IssuerTools {
  readonly vault: KeyVault;
  readonly clock: LinkClock;
  readonly observer: LinkObserver;
  /** Told of each payment and reversal: what is answered, or what becomes of it instead. */
  readonly watch?: (message: Message, what: string) => void;
}

/** Answers that wait for their delay; over it they are given up. */
const DELAYED_MAX = 10_000;
const MISHAPS = {
  wrongMac: 'is answered with a wrong MAC',
  drop: 'is lost',
  loseAnswer: 'is booked, its answer lost',
  die: 'makes it die',
} as const satisfies Partial<Record<Behaviour['kind'], string>>;
const APPROVED = '00';
const PARTLY = '10';
const BAD_CRYPTOGRAM = '05';
const APPROVALS_MAX = 999_999;

export class SimulatedIssuer {
  readonly book = new IssuerBook();
  readonly #config: SimulatedIssuerConfig;
  readonly #tools: IssuerTools;
  readonly #connections = new Set<Connection>();
  readonly #delayed = new Set<() => void>();
  #server: Server | undefined;
  #port: number;
  #approvals = 0;
  #cancelRestart: (() => void) | undefined;

  constructor(config: SimulatedIssuerConfig, tools: IssuerTools) {
    this.#config = config;
    this.#tools = tools;
    this.#port = config.port;
  }

  get port(): number {
    return this.#port;
  }

  get isListening(): boolean {
    return this.#server !== undefined;
  }

  /** Begins to listen; what is wrong, or undefined. */
  start(): Promise<string | undefined> {
    const { name, host } = this.#config;
    const server = createServer((socket) => {
      const { vault, clock, observer } = this.#tools;
      const mac = this.#config.mac === undefined ? undefined : new SpoilingMac(vault, this.#config.mac);
      const isSignedOn = { value: false };
      const connection: Connection = new Connection(
        socket,
        this.#config,
        mac,
        { clock, observer },
        {
          message: (message, header) => this.#message(connection, mac, message, answeringTpdu(header), isSignedOn),
          malformed: (message, header) => this.#refuse(connection, message, header, 'format'),
          wrongMac: (message, header) => this.#refuse(connection, message, header, 'mac'),
          closed: () => this.#connections.delete(connection),
        },
      );
      this.#connections.add(connection);
    });
    this.#server = server;
    return new Promise((done) => {
      server.once('error', ({ message }) => done(message));
      server.listen(this.#port, host, () => {
        const address = server.address();
        if (typeof address === 'object' && address !== null) this.#port = address.port;
        this.#tools.observer.state(name, 'listening');
        done(undefined);
      });
    });
  }

  /** Closes everything at once, as a process that is killed. The book stays. */
  async stop(): Promise<void> {
    this.#cancelRestart?.();
    for (const cancel of this.#delayed) cancel();
    this.#delayed.clear();
    const server = this.#server;
    this.#server = undefined;
    const closed = new Promise<void>((done) => (server === undefined ? done() : server.close(() => done())));
    for (const connection of this.#connections) connection.destroy();
    await closed;
    this.#tools.observer.state(this.#config.name, 'stopped');
  }

  /** Down, and up again after a while. */
  async die(): Promise<void> {
    await this.stop();
    const { name, deadMs } = this.#config;
    this.#cancelRestart = this.#tools.clock.after(deadMs, () => {
      void this.start().then((problem) => {
        if (problem !== undefined) this.#tools.observer.note(name, 'warn', `does not come back: ${problem}`);
      });
    });
  }

  async #message(
    connection: Connection,
    mac: SpoilingMac | undefined,
    message: Message,
    header: Buffer,
    isSignedOn: { value: boolean },
  ): Promise<void> {
    if (!isRequest(message.mti)) return;
    if (isNetwork(message.mti)) {
      await manage(connection, message, header, {
        isSignedOn: isSignedOn.value,
        sign: (isOn) => {
          isSignedOn.value = isOn;
        },
        cutover: () => Promise.resolve(),
        note: (text) => this.#tools.observer.note(this.#config.name, 'warn', text),
      });
      return;
    }
    if (!isSignedOn.value) {
      await connection.send(refusal(message, 'notPermitted'), header);
      return;
    }
    const kind = message.mti[1];
    if (kind === '4') {
      const code = this.book.reverse(message);
      this.#tools.watch?.(message, code);
      await connection.send(answerTo(message, code), header);
    } else if (kind === '5') await connection.send(answerTo(message, '00').set(66, this.book.compare(message)), header);
    else if (kind === '1' || kind === '2') await this.#pay(connection, mac, message, header);
    else await connection.send(refusal(message, 'unsupported'), header);
  }

  async #pay(connection: Connection, mac: SpoilingMac | undefined, message: Message, header: Buffer): Promise<void> {
    // An advice tells what was done: it is lost or answered, never declined.
    const isAdvice = exchangeOf(message.mti).endsWith('2');
    // What goes wrong once goes well when it is repeated.
    const isRepeat = (Number(message.mti[3]) & 1) === 1;
    const behaviour = isRepeat ? WELL : behaviourOf(Number(message.text(4) ?? '0'), this.#config);
    if (behaviour.kind !== 'answer' && behaviour.kind !== 'partly')
      this.#tools.watch?.(message, MISHAPS[behaviour.kind]);
    if (behaviour.kind === 'drop') return;
    if (behaviour.kind === 'die' && !behaviour.books) return this.die();
    const { vault } = this.#tools;
    const { card } = this.#config;
    // What was done is not approved in part any more.
    const isPart = behaviour.kind === 'partly' && !isAdvice;
    const part = isPart ? Math.floor(Number(message.text(4) ?? '0') / 2) : undefined;
    const wanted = behaviour.kind === 'answer' ? behaviour.code : isPart ? PARTLY : APPROVED;
    const proof = card === undefined || isAdvice ? undefined : await answerCard(vault, card, message, wanted);
    const code = this.book.book(message, () => (proof?.isRight === false ? BAD_CRYPTOGRAM : wanted), part);
    if (behaviour.kind === 'answer' || behaviour.kind === 'partly') this.#tools.watch?.(message, code);
    const answer = answerTo(message, code);
    if (code === APPROVED || code === PARTLY) answer.set(38, this.#approval());
    if (code === PARTLY && part !== undefined) answer.set(4, String(part).padStart(12, '0'));
    if (proof?.field !== undefined && code === wanted) answer.set(55, proof.field);
    await this.#answer(connection, mac, answer, header, behaviour);
  }

  async #answer(
    connection: Connection,
    mac: SpoilingMac | undefined,
    answer: Message,
    header: Buffer,
    behaviour: Exclude<Behaviour, { kind: 'drop' }>,
  ): Promise<void> {
    switch (behaviour.kind) {
      case 'loseAnswer':
        return;
      case 'die':
        return this.die();
      case 'wrongMac':
        if (mac === undefined) return;
        mac.spoil(answer);
        await connection.send(answer, header);
        return;
      case 'partly':
        await connection.send(answer, header);
        return;
      case 'answer':
        if (behaviour.delayMs > 0) return this.#later(behaviour.delayMs, () => void connection.send(answer, header));
        for (let time = 0; time < behaviour.times; time++) await connection.send(answer, header);
    }
  }

  #later(delayMs: number, run: () => void): void {
    if (this.#delayed.size >= DELAYED_MAX) return;
    const cancel = this.#tools.clock.after(delayMs, () => {
      this.#delayed.delete(cancel);
      run();
    });
    this.#delayed.add(cancel);
  }

  async #refuse(connection: Connection, message: Message, header: Buffer, why: 'format' | 'mac'): Promise<void> {
    if (isRequest(message.mti)) await connection.send(refusal(message, why), answeringTpdu(header));
  }

  #approval(): string {
    this.#approvals = (this.#approvals % APPROVALS_MAX) + 1;
    return String(this.#approvals).padStart(6, '0');
  }
}

/** Makes the MAC of chosen messages wrong. */
class SpoilingMac extends LinkMac {
  readonly #spoiled = new WeakSet<Message>();

  spoil(message: Message): void {
    this.#spoiled.add(message);
  }

  override async seal(message: Message): Promise<Encoded> {
    const encoded = await super.seal(message);
    if (!encoded.ok || !this.#spoiled.has(message)) return encoded;
    const at = encoded.bytes.length - 1;
    // Another hex digit where the MAC is in hex.
    encoded.bytes[at] = (encoded.bytes[at] ?? 0) === 0x30 ? 0x31 : 0x30;
    return encoded;
  }
}
