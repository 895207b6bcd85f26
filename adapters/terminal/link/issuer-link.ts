/**
 * The connection to an issuer, kept up for ever: connect, sign on, echo when idle, and again after a pause.
 *
 *     connecting ─▶ signingOn ─▶ up ⇄ signedOff        (the issuer may sign off, and on again)
 *         ▲             │         │
 *         └── waiting ◀─┴─────────┘                    (backoff with jitter)
 */
import { connect as connectTcp, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';
import type { Message } from '../iso8583/message.ts';
import type { LinkTools } from './acquirer-listener.ts';
import { Backoff } from './backoff.ts';
import { isAccepted, isNetwork, isRequest, type NetworkKind, networkRequest, refusal } from './codes.ts';
import { Connection, kindOf } from './connection.ts';
import { answeringTpdu, requestingTpdu } from './framing.ts';
import type { IssuerConfig } from './link-config.ts';
import { LinkMac, missingKey } from './link-mac.ts';
import { Mux } from './mux.ts';
import { manage } from './network.ts';
import type { LinkState } from './observer.ts';

export interface IssuerHandlers {
  /** An answer that came after its request had timed out: a reversal is due. */
  late(answer: Message, request: Message): void;
  /** The issuer's business day is over; answered when done. */
  cutover(message: Message): Promise<void>;
}

export interface IssuerTools extends LinkTools {
  /** 0 ≤ r < 1, for the jitter of reconnecting. */
  readonly random: () => number;
}

/**
 * `timeout`: nothing is known of what became of the request, also when the connection was lost. After all the others it was
 * not sent: `down` no connection or not signed on, `full` the window or the socket is, `collision` one with the same key
 * is under way, `unfit` it does not fit the specification.
 */
export type IssuerResult = Message | 'timeout' | 'down' | 'full' | 'collision' | 'unfit';

export type OpenedIssuer =
  | { readonly ok: true; readonly link: IssuerLink }
  | { readonly ok: false; readonly problem: string };

/** Starts connecting; the link is there at once, and up later. */
export async function openIssuer(
  config: IssuerConfig,
  handlers: IssuerHandlers,
  tools: IssuerTools,
): Promise<OpenedIssuer> {
  const missing = config.mac === undefined ? undefined : await missingKey(tools.vault, config.mac);
  if (missing !== undefined) return { ok: false, problem: `link ${config.name}: ${missing}` };
  const link = new IssuerLink(config, handlers, tools);
  link.start();
  return { ok: true, link };
}

class IssuerLink {
  readonly #config: IssuerConfig;
  readonly #handlers: IssuerHandlers;
  readonly #tools: IssuerTools;
  readonly #mux: Mux;
  readonly #backoff: Backoff;
  readonly #tpdu: Buffer;
  #state: LinkState = 'waiting';
  #connection: Connection | undefined;
  #stan = 0;
  #upSince = 0;
  /** Cancels the timer of the state: connecting, echo or waiting. */
  #cancelTimer: (() => void) | undefined;

  constructor(config: IssuerConfig, handlers: IssuerHandlers, tools: IssuerTools) {
    this.#config = config;
    this.#handlers = handlers;
    this.#tools = tools;
    this.#backoff = new Backoff(config.reconnect, tools.random);
    const { destination, source } = config.tpdu;
    this.#tpdu =
      config.framing === 'tpdu'
        ? requestingTpdu(Number.parseInt(destination, 16), Number.parseInt(source, 16))
        : Buffer.alloc(0);
    const { observer, clock } = tools;
    const { window, name, mux, spec } = config;
    // Issuers leave DE41 out of network management, or put one of their own in.
    const network = `${spec.version}800`;
    const byType = { [network]: [11], ...mux.byType };
    this.#mux = new Mux({ window, fields: mux.fields, byType }, clock, {
      late: (answer, request) => {
        observer.count(name, 'late');
        // Nobody waits for a sign-on or an echo any more.
        if (!isNetwork(answer.mti)) handlers.late(answer, request);
      },
      duplicate: () => observer.count(name, 'duplicates'),
      unmatched: () => observer.count(name, 'unmatched'),
    });
  }

  get state(): LinkState {
    return this.#state;
  }

  start(): void {
    this.#connect();
  }

  /** Sends a request and waits for its answer. STAN and the other key fields are the caller's. */
  async request(message: Message, timeoutMs: number): Promise<IssuerResult> {
    if (this.#state !== 'up' || this.#connection === undefined) return 'down';
    return this.#exchange(this.#connection, message, timeoutMs);
  }

  /** Takes no more requests, waits for answers no longer than `graceMs`, signs off and closes. */
  async stop(graceMs: number): Promise<void> {
    const wasUp = this.#state === 'up';
    this.#enter('stopped');
    const cancel = this.#tools.clock.after(graceMs, () => this.#mux.abandon());
    await this.#mux.empty();
    if (wasUp && this.#connection !== undefined) {
      await this.#network(this.#connection, 'signOff', graceMs);
      this.#connection?.finish();
    } else {
      this.#connection?.destroy();
    }
    cancel();
  }

  #connect(): void {
    this.#enter('connecting');
    const { connect, tls, networkMs, name } = this.#config;
    const { cert, key, ca, serverName } = tls ?? {};
    const socket: Socket =
      tls === undefined
        ? connectTcp(connect)
        : connectTls({ ...connect, cert, key, ca, servername: serverName ?? hostName(connect.host) });
    const { vault, clock, observer } = this.#tools;
    const mac = this.#config.mac === undefined ? undefined : new LinkMac(vault, this.#config.mac);
    const connection: Connection = new Connection(
      socket,
      this.#config,
      mac,
      { clock, observer },
      {
        message: (message, header) => this.#message(connection, message, header),
        malformed: async () => {},
        wrongMac: async () => {},
        closed: () => this.#closed(connection),
      },
    );
    this.#connection = connection;
    this.#after(networkMs, () => connection.end('connectionsEnded', `no connection to ${name} within ${networkMs} ms`));
    socket.once(tls === undefined ? 'connect' : 'secureConnect', () => void this.#signOn(connection));
  }

  async #signOn(connection: Connection): Promise<void> {
    if (this.#state !== 'connecting') return;
    this.#enter('signingOn');
    if (await this.#network(connection, 'signOn', this.#config.networkMs)) {
      if (this.state === 'signingOn' && connection === this.#connection) this.#up(connection);
    } else {
      connection.end('connectionsEnded', 'the sign-on was not accepted');
    }
  }

  #up(connection: Connection): void {
    this.#upSince = this.#tools.clock.now();
    this.#enter('up');
    this.#watchIdle(connection, 1000 * this.#config.echoSeconds);
  }

  /** Asks for a sign of life when there was none for a while; without one the connection is as good as lost. */
  #watchIdle(connection: Connection, delayMs: number): void {
    this.#after(delayMs, () => {
      const echoMs = 1000 * this.#config.echoSeconds;
      const left = connection.lastReceived + echoMs - this.#tools.clock.now();
      if (left > 0) this.#watchIdle(connection, left);
      else void this.#echo(connection);
    });
  }

  async #echo(connection: Connection): Promise<void> {
    const isAlive = await this.#network(connection, 'echo', this.#config.networkMs);
    if (connection !== this.#connection || !connection.isOpen) return;
    if (!isAlive) connection.end('connectionsEnded', 'the echo was not answered');
    else if (this.#state === 'up' || this.#state === 'signedOff') {
      this.#watchIdle(connection, 1000 * this.#config.echoSeconds);
    }
  }

  async #network(connection: Connection, kind: NetworkKind, timeoutMs: number): Promise<boolean> {
    this.#stan = (this.#stan % 999_999) + 1;
    const request = networkRequest(this.#config.spec, kind, this.#stan, this.#tools.clock.date());
    const answer = await this.#exchange(connection, request, timeoutMs);
    return typeof answer === 'object' && isAccepted(answer);
  }

  async #exchange(connection: Connection, message: Message, timeoutMs: number): Promise<IssuerResult> {
    if (connection.isStalled) return 'full';
    const answered = this.#mux.expect(message, timeoutMs);
    if (typeof answered === 'string') return answered;
    const sent = await connection.send(message, this.#tpdu);
    if (sent !== 'sent') {
      this.#mux.withdraw(message);
      return sent === 'unfit' ? 'unfit' : 'down';
    }
    const result = await answered;
    if (result === 'timeout') this.#tools.observer.count(this.#config.name, 'timeouts');
    return result;
  }

  async #message(connection: Connection, message: Message, header: Buffer): Promise<void> {
    if (!isRequest(message.mti)) return this.#mux.answer(message);
    const answering = answeringTpdu(header);
    const { name } = this.#config;
    const { observer } = this.#tools;
    if (!isNetwork(message.mti)) {
      observer.count(name, 'notPermitted');
      await connection.send(refusal(message, 'unsupported'), answering);
      return;
    }
    try {
      await manage(connection, message, answering, {
        isSignedOn: this.#state === 'up',
        sign: (isOn) => {
          if (isOn ? this.#state === 'signedOff' : this.#state === 'up') this.#enterSigned(isOn);
        },
        cutover: (request) => this.#handlers.cutover(request),
        note: (text) => observer.note(name, 'warn', text),
      });
    } catch (error) {
      observer.count(name, 'handlerErrors');
      observer.note(name, 'warn', `the cutover failed: ${kindOf(error)}`);
      await connection.send(refusal(message, 'malfunction'), answering);
    }
  }

  #enterSigned(isOn: boolean): void {
    this.#state = isOn ? 'up' : 'signedOff';
    this.#tools.observer.state(this.#config.name, this.#state);
  }

  #closed(connection: Connection): void {
    if (connection !== this.#connection) return;
    this.#connection = undefined;
    if (this.#state === 'stopped') return this.#mux.abandon();
    const { name, reconnect } = this.#config;
    const { clock, observer } = this.#tools;
    const wasUp = this.#state === 'up' || this.#state === 'signedOff';
    // A peer that takes the sign-on and then hangs up is no better than one that does not answer.
    if (wasUp && clock.now() - this.#upSince >= reconnect.mostMs) this.#backoff.reset();
    this.#enter('waiting');
    observer.count(name, 'reconnects');
    this.#after(this.#backoff.next(), () => this.#connect());
  }

  #enter(state: LinkState): void {
    this.#cancelTimer?.();
    this.#cancelTimer = undefined;
    this.#state = state;
    this.#tools.observer.state(this.#config.name, state);
  }

  #after(delayMs: number, run: () => void): void {
    this.#cancelTimer?.();
    this.#cancelTimer = this.#tools.clock.after(delayMs, run);
  }
}

/** Server name indication takes no addresses. */
function hostName(host: string): string {
  return /^[0-9.]+$|:/.test(host) ? '' : host;
}
