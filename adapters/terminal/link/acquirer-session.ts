/** One connection of an acquirer: what it may send, and how it is answered. It knows no payments. */
import type { Message } from '../iso8583/message.ts';
import { isNetwork, isRequest, type Refusal, refusal } from './codes.ts';
import { Connection, kindOf } from './connection.ts';
import { answeringTpdu } from './framing.ts';
import type { AcquirerConfig } from './link-config.ts';
import type { LinkMac } from './link-mac.ts';
import { manage } from './network.ts';
import type { LinkCount, LinkObserver } from './observer.ts';
import type { LinkClock } from './clock.ts';
import type { Socket } from 'node:net';

/** Who sent a message. */
export interface LinkPeer {
  readonly link: string;
  /** Counts the connections of a link; never used again while the process runs. */
  readonly connection: number;
}

export interface AcquirerHandlers {
  /**
   * Answers a message that is no network management, repeats and advices too. Answers go out as they come, in any order,
   * and get their MAC here. Undefined: no answer. Rejecting is answered with 96.
   */
  handle(message: Message, peer: LinkPeer): Promise<Message | undefined>;
  /** The acquirer's business day is over; answered when done. */
  cutover(message: Message, peer: LinkPeer): Promise<void>;
}

export interface SessionTools {
  readonly clock: LinkClock;
  readonly observer: LinkObserver;
}

export class AcquirerSession {
  readonly #connection: Connection;
  readonly #config: AcquirerConfig;
  readonly #terminals: ReadonlySet<string> | undefined;
  readonly #handlers: AcquirerHandlers;
  readonly #tools: SessionTools;
  readonly #peer: LinkPeer;
  readonly #onClosed: () => void;
  #isSignedOn = false;
  #underWay = 0;
  #formatErrors = 0;
  #isDraining = false;
  #cancelIdle: () => void;

  constructor(
    socket: Socket,
    config: AcquirerConfig,
    terminals: ReadonlySet<string> | undefined,
    mac: LinkMac | undefined,
    handlers: AcquirerHandlers,
    tools: SessionTools,
    peer: LinkPeer,
    onClosed: () => void,
  ) {
    this.#config = config;
    this.#terminals = terminals;
    this.#handlers = handlers;
    this.#tools = tools;
    this.#peer = peer;
    this.#onClosed = onClosed;
    this.#connection = new Connection(socket, config, mac, tools, {
      message: (message, header) => this.#message(message, answeringTpdu(header)),
      malformed: (message, header) => this.#malformed(message, answeringTpdu(header)),
      wrongMac: (message, header) => this.#refuse(message, answeringTpdu(header), 'mac'),
      closed: () => this.#closed(),
    });
    this.#cancelIdle = this.#watchIdle(1000 * config.idleSeconds);
  }

  /** Takes nothing more, answers what is under way, and closes. */
  drain(): void {
    this.#isDraining = true;
    this.#connection.hold();
    if (this.#underWay === 0) this.#connection.finish();
  }

  destroy(): void {
    this.#connection.destroy();
  }

  async #message(message: Message, header: Buffer): Promise<void> {
    if (!isRequest(message.mti)) return this.#count('unmatched');
    if (isNetwork(message.mti)) return this.#manage(message, header);
    const terminal = (message.text(41) ?? '').trimEnd();
    if (!this.#isSignedOn || this.#terminals?.has(terminal) === false) {
      this.#count('notPermitted');
      return this.#refuse(message, header, 'notPermitted');
    }
    if (this.#underWay >= this.#config.window) {
      this.#count('overWindow');
      return this.#refuse(message, header, 'busy');
    }
    this.#underWay++;
    void this.#handle(message, header);
  }

  async #handle(message: Message, header: Buffer): Promise<void> {
    let answer: Message | undefined;
    try {
      answer = await this.#handlers.handle(message, this.#peer);
    } catch (error) {
      answer = this.#failed(message, error);
    }
    if (answer !== undefined && (await this.#connection.send(answer, header)) === 'unfit') {
      this.#count('handlerErrors');
      await this.#refuse(message, header, 'malfunction');
    }
    this.#underWay--;
    if (this.#isDraining && this.#underWay === 0) this.#connection.finish();
  }

  async #manage(message: Message, header: Buffer): Promise<void> {
    try {
      await manage(this.#connection, message, header, {
        isSignedOn: this.#isSignedOn,
        sign: (isOn) => {
          this.#isSignedOn = isOn;
        },
        cutover: (request) => this.#handlers.cutover(request, this.#peer),
        note: (text) => this.#tools.observer.note(this.#config.name, 'warn', text),
      });
    } catch (error) {
      await this.#connection.send(this.#failed(message, error), header);
    }
  }

  #failed(message: Message, error: unknown): Message {
    this.#count('handlerErrors');
    this.#tools.observer.note(this.#config.name, 'warn', `the handler of ${message.mti} failed: ${kindOf(error)}`);
    return refusal(message, 'malfunction');
  }

  async #malformed(message: Message, header: Buffer): Promise<void> {
    if (isRequest(message.mti) && message.mti.startsWith(message.spec.version)) {
      await this.#refuse(message, header, 'format');
    }
    if (++this.#formatErrors < this.#config.formatErrorsMax) return;
    this.#connection.finishFor('connectionsEnded', `${this.#formatErrors} messages could not be read`);
  }

  async #refuse(message: Message, header: Buffer, why: Refusal): Promise<void> {
    if (isRequest(message.mti)) await this.#connection.send(refusal(message, why), header);
  }

  /** One timer for each connection, set again only when it runs out. */
  #watchIdle(delayMs: number): () => void {
    return this.#tools.clock.after(delayMs, () => {
      const { idleSeconds } = this.#config;
      const left = this.#connection.lastReceived + 1000 * idleSeconds - this.#tools.clock.now();
      if (left > 0) this.#cancelIdle = this.#watchIdle(left);
      else if (this.#underWay > 0) this.#cancelIdle = this.#watchIdle(1000 * idleSeconds);
      else this.#connection.end('connectionsEnded', `nothing came for ${idleSeconds} s`);
    });
  }

  #closed(): void {
    this.#cancelIdle();
    this.#onClosed();
  }

  #count(what: LinkCount): void {
    this.#tools.observer.count(this.#config.name, what);
  }
}
