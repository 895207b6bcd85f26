/**
 * One connection under a framing, a specification and a MAC. Messages are handed on one after another, in their order; the
 * next waits until the one before was taken. When the peer does not read its answers, it is not read from either:
 *
 *     socket ─▶ FrameReader ─▶ queue (bounded) ─▶ decode ─▶ MAC ─▶ events.message
 *       ▲                         │ full: the socket is paused
 *       └── frame ◀── MAC ◀── send: while the socket does not drain, the queue stands still
 */
import type { Socket } from 'node:net';
import { decodeMessage } from '../iso8583/decode.ts';
import type { Encoded } from '../iso8583/encode.ts';
import type { Message } from '../iso8583/message.ts';
import { describeProblem } from '../iso8583/problem.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import type { LinkClock } from './clock.ts';
import { describeFrameProblem } from './frame-problem.ts';
import { describeMessage } from './describe-message.ts';
import { type Framing, FrameReader, frameOf } from './framing.ts';
import type { LinkMac } from './link-mac.ts';
import type { LinkCount, LinkObserver } from './observer.ts';

export interface ConnectionConfig {
  readonly name: string;
  readonly framing: Framing;
  readonly spec: CompiledSpec;
  readonly messageBytesMax: number;
  readonly stallSeconds: number;
}

export interface ConnectionEvents {
  /** A message whose MAC is right. The next one waits for the promise. `header` is its TPDU, if any. */
  message(message: Message, header: Buffer): Promise<void>;
  /** `message` has what could be read; its type is empty when not even that could. */
  malformed(message: Message, header: Buffer): Promise<void>;
  wrongMac(message: Message, header: Buffer): Promise<void>;
  /** Once, however it ended. */
  closed(): void;
}

export type Sent =
  | 'sent'
  /** The connection is gone; nothing was written. */
  | 'closed'
  /** The message does not fit the specification or the framing, or the MAC could not be made; it is in the log. */
  | 'unfit';

/** Messages that wait for those before them; the socket is paused above it. */
const QUEUE_MAX = 64;
/** Less than what a socket takes (16 KiB) before it says that it is full. */
const OUTGOING_BYTES_MAX = 8192;

export class Connection {
  readonly mac: LinkMac | undefined;
  /** When the last message arrived, by the clock of the link. */
  lastReceived: number;
  readonly #socket: Socket;
  readonly #config: ConnectionConfig;
  readonly #clock: LinkClock;
  readonly #observer: LinkObserver;
  readonly #events: ConnectionEvents;
  readonly #reader: FrameReader;
  readonly #queue: { readonly bytes: Buffer; readonly header: Buffer }[] = [];
  #isRunning = false;
  #isOpen = true;
  #isHeld = false;
  /** Messages of this turn, not written yet. */
  readonly #outgoing: Buffer[] = [];
  #outgoingBytes = 0;
  /** Cancels the timer of a message that has not come whole. */
  #cancelPartial: (() => void) | undefined;
  /** Cancels the timer of answers that the peer does not take; there is one as long as the socket is full. */
  #cancelStall: (() => void) | undefined;

  constructor(
    socket: Socket,
    config: ConnectionConfig,
    mac: LinkMac | undefined,
    { clock, observer }: { readonly clock: LinkClock; readonly observer: LinkObserver },
    events: ConnectionEvents,
  ) {
    this.#socket = socket;
    this.#config = config;
    this.mac = mac;
    this.#clock = clock;
    this.#observer = observer;
    this.#events = events;
    this.#reader = new FrameReader(config.framing, config.messageBytesMax);
    this.lastReceived = clock.now();
    socket.setNoDelay(true);
    socket.on('data', (chunk: Buffer) => this.#read(chunk));
    socket.on('drain', () => this.#drained());
    socket.on('error', ({ message }) => observer.note(config.name, 'warn', `connection: ${message}`));
    socket.on('close', () => this.#closed());
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** The peer does not take what was written. */
  get isStalled(): boolean {
    return this.#cancelStall !== undefined;
  }

  /** Adds the MAC and the frame, and writes. */
  async send(message: Message, header: Buffer): Promise<Sent> {
    const { name, framing } = this.#config;
    let encoded: Encoded;
    try {
      encoded = this.mac === undefined ? message.encode() : await this.mac.seal(message);
    } catch (error) {
      this.#observer.note(name, 'warn', `cannot send ${describeMessage(message)}: ${kindOf(error)} of the vault`);
      return 'unfit';
    }
    const frame = encoded.ok ? frameOf(framing, encoded.bytes, header) : undefined;
    if (frame === undefined) {
      const problem = encoded.ok ? `too long for framing ${framing}` : describeProblem(encoded.problem);
      this.#observer.note(name, 'warn', `cannot send ${describeMessage(message)}: ${problem}`);
      return 'unfit';
    }
    if (!this.#isOpen || !this.#socket.writable) return 'closed';
    this.#observer.sent(name, message.mti);
    this.#outgoing.push(frame);
    this.#outgoingBytes += frame.length;
    if (this.#outgoingBytes >= OUTGOING_BYTES_MAX) this.#flush();
    else if (this.#outgoing.length === 1) process.nextTick(() => this.#flush());
    return 'sent';
  }

  /** What is sent in one turn is written together: a system call for each message costs as much as to make it. */
  #flush(): void {
    if (this.#outgoing.length === 0) return;
    const [first] = this.#outgoing;
    const bytes = this.#outgoing.length === 1 && first !== undefined ? first : Buffer.concat(this.#outgoing);
    this.#outgoing.length = 0;
    this.#outgoingBytes = 0;
    if (!this.#socket.writable || this.#socket.write(bytes)) return;
    this.#cancelStall ??= this.#clock.after(1000 * this.#config.stallSeconds, () =>
      this.end('connectionsEnded', `the peer did not take its messages for ${this.#config.stallSeconds} s`),
    );
  }

  /** Takes no more messages; those that are under way can still be answered. */
  hold(): void {
    this.#isHeld = true;
    this.#queue.length = 0;
    this.#cancelPartial?.();
    this.#socket.pause();
  }

  /**
   * Lets what was written go out, then closes. What still comes is read and dropped until the peer closes too: to close
   * on unread bytes would reset the connection, and the peer might lose its last answers.
   */
  finish(): void {
    this.#isHeld = true;
    this.#flush();
    this.#socket.end();
    this.#socket.resume();
    this.#cancelPartial?.();
    this.#cancelPartial = this.#clock.after(1000 * this.#config.stallSeconds, () => this.#socket.destroy());
  }

  /** Closes at once, for a reason that is counted and logged. */
  end(what: LinkCount, reason: string): void {
    if (!this.#isOpen) return;
    this.#observer.count(this.#config.name, what);
    this.#observer.note(this.#config.name, 'warn', `connection closed: ${reason}`);
    this.#socket.destroy();
  }

  /** Lets what was written go out and takes nothing more, for a reason that is counted and logged. */
  finishFor(what: LinkCount, reason: string): void {
    this.#observer.count(this.#config.name, what);
    this.#observer.note(this.#config.name, 'warn', `connection closed: ${reason}`);
    this.hold();
    this.finish();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    if (this.#isHeld) return;
    let isMoving = false;
    const problem = this.#reader.read(chunk, (bytes, header) => {
      isMoving = true;
      this.#queue.push({ bytes, header });
    });
    this.#watchPartial(isMoving);
    if (this.#queue.length > QUEUE_MAX) this.#socket.pause();
    if (!this.#isRunning && this.#queue.length > 0) void this.#run();
    // What came before is no reason to go on: an answer would look as if the stream were in order.
    if (problem !== undefined) this.end('frameErrors', describeFrameProblem(problem));
  }

  /** A message that has begun must also end: a wrong length would otherwise wait in silence. */
  #watchPartial(isMoving: boolean): void {
    if (isMoving || this.#reader.waiting === 0) {
      this.#cancelPartial?.();
      this.#cancelPartial = undefined;
    }
    if (this.#reader.waiting === 0) return;
    const { framing, stallSeconds } = this.#config;
    this.#cancelPartial ??= this.#clock.after(1000 * stallSeconds, () => {
      const { waiting, guess } = this.#reader;
      const hint = guess === undefined ? '' : ` (${guess})`;
      const reason = `framing ${framing}: ${waiting} bytes of a message came, and not the rest within ${stallSeconds} s${hint}`;
      this.end('frameErrors', reason);
    });
  }

  /** Hands on what is in the queue, as long as the peer takes what it gets. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    while (this.#isOpen && !this.isStalled) {
      const next = this.#queue.shift();
      if (next === undefined) break;
      this.lastReceived = this.#clock.now();
      try {
        await this.#take(next.bytes, next.header);
      } catch (error) {
        // A vault elsewhere may fail. Without an answer the peer repeats or reverses.
        this.end('handlerErrors', `a message could not be handled: ${kindOf(error)}`);
      }
    }
    this.#isRunning = false;
    if (this.#isHeld) return;
    if (this.isStalled) this.#socket.pause();
    else this.#socket.resume();
  }

  async #take(bytes: Buffer, header: Buffer): Promise<void> {
    const { name, spec } = this.#config;
    const decoded = decodeMessage(spec, bytes);
    const { message } = decoded;
    const isOurs = message.mti === '' || message.mti.startsWith(spec.version);
    if (!decoded.ok || !isOurs) {
      const problem = decoded.ok
        ? `the version of ${message.mti} is not that of ${spec.name}`
        : describeProblem(decoded.problem);
      this.#observer.count(name, 'formatErrors');
      this.#observer.note(name, 'warn', `cannot read ${describeMessage(message)}: ${problem}`);
      await this.#events.malformed(message, header);
      return;
    }
    this.#observer.received(name, message.mti);
    if (this.mac !== undefined && !(await this.mac.isRight(message))) {
      this.#observer.count(name, 'macErrors');
      this.#observer.note(name, 'warn', `the MAC of ${describeMessage(message)} is missing or wrong`);
      await this.#events.wrongMac(message, header);
      return;
    }
    await this.#events.message(message, header);
  }

  #drained(): void {
    this.#cancelStall?.();
    this.#cancelStall = undefined;
    if (!this.#isRunning) void this.#run();
  }

  #closed(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    this.#queue.length = 0;
    this.#cancelPartial?.();
    this.#cancelStall?.();
    this.mac?.close().catch((error: unknown) => {
      this.#observer.note(this.#config.name, 'warn', `a session key was not forgotten: ${kindOf(error)}`);
    });
    this.#events.closed();
  }
}

/** The text of an error may quote what it was given: only its kind is logged. */
export function kindOf(error: unknown): string {
  return error instanceof Error ? error.name : typeof error;
}
