/**
 * One acquirer's link under load. Its messages are made ahead, with cryptogram and MAC, so that the terminals, which share the machine with
 * the switch, cost little while they are measured; what is needed beyond them is made when it is needed.
 */
import { connect, type Socket } from 'node:net';
import type { CompiledSpec } from '../../adapters/terminal/iso8583/compile-spec.ts';
import { decodeMessage } from '../../adapters/terminal/iso8583/decode.ts';
import { FrameReader, frameOf } from '../../adapters/terminal/link/framing.ts';
import type { Loaded } from './drive.ts';
import type { Meter, Schedule } from './latency.ts';

const FRAMING = 'length2';
const MESSAGE_BYTES_MAX = 4096;
const FREE = -1;
/** Trace numbers that may be under way at once: a power of two. */
const TRACES = 1 << 16;
const APPROVED = '00';

/** Makes the messages of one link. */
export interface MessageSource {
  readonly spec: CompiledSpec;
  signOn(): Uint8Array;
  /** A purchase, and its trace number (DE11). */
  next(): { readonly bytes: Uint8Array; readonly trace: number };
}

/** A message as it goes out. */
export interface ReadyMessage {
  readonly frame: Uint8Array;
  readonly trace: number;
}

export class CardLink implements Loaded {
  readonly #source: MessageSource;
  readonly #inFlight: number;
  readonly #meter: Meter;
  readonly #schedule: Schedule | undefined;
  readonly #codes: Map<string, number>;
  readonly #reader = new FrameReader(FRAMING, MESSAGE_BYTES_MAX);
  readonly #ready: readonly ReadyMessage[];
  #used = 0;
  /** By trace number: when the message was due, or FREE. */
  readonly #due = new Float64Array(TRACES).fill(FREE);
  #socket: Socket | undefined;
  #unanswered = 0;
  #isStopped = false;
  /** Gets the answer to the sign-on. */
  #onSignedOn: ((code: string) => void) | undefined;

  /**
   * @param ready messages that are sent before any is made
   * @param schedule when to send, for an open loop; undefined = whenever there is room
   * @param codes answers by DE39, of all links
   */
  constructor(
    source: MessageSource,
    ready: readonly ReadyMessage[],
    options: { readonly inFlight: number; readonly meter: Meter; readonly schedule: Schedule | undefined },
    codes: Map<string, number>,
  ) {
    this.#source = source;
    this.#ready = ready;
    this.#inFlight = options.schedule === undefined ? options.inFlight : TRACES;
    this.#meter = options.meter;
    this.#schedule = options.schedule;
    this.#codes = codes;
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  /** Makes so many messages before they are needed. */
  static prepare(source: MessageSource, count: number): ReadyMessage[] {
    return Array.from({ length: count }, () => make(source));
  }

  /** Connects and signs on. */
  async open(host: string, port: number): Promise<void> {
    const socket = connect({ host, port, noDelay: true });
    this.#socket = socket;
    await new Promise<void>((resolve, reject) => {
      socket.once('connect', resolve).once('error', reject);
    });
    socket.on('data', (chunk: Buffer) => this.#receive(chunk));
    const ended = (): void => {
      this.abandon(performance.now());
      this.#onSignedOn?.('nothing');
    };
    socket.on('error', ended).on('close', ended);
    const code = await new Promise<string>((resolve) => {
      this.#onSignedOn = resolve;
      socket.write(framed(this.#source.signOn()));
    });
    this.#onSignedOn = undefined;
    if (code !== APPROVED) throw new Error(`the sign-on was answered with ${code}`);
  }

  /** Sends what is due and fits in flight. Returns when the next message is due; Infinity when an answer must come first. */
  send(nowMs: number): number {
    const frames: Uint8Array[] = [];
    let nextMs = Number.POSITIVE_INFINITY;
    while (!this.#isStopped && this.#unanswered < this.#inFlight) {
      const dueMs = this.#schedule === undefined ? nowMs : this.#schedule.dueMs;
      if (dueMs > nowMs) {
        nextMs = dueMs;
        break;
      }
      this.#schedule?.advance();
      const { frame, trace } = this.#ready[this.#used++] ?? make(this.#source);
      this.#due[trace & (TRACES - 1)] = dueMs;
      this.#unanswered++;
      frames.push(frame);
    }
    if (frames.length > 0) this.#socket?.write(Buffer.concat(frames));
    return nextMs;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#isStopped = true;
  }

  /** Messages that were due before the end and were not sent count with the time that they have waited. */
  countUnsent(endMs: number, nowMs: number): void {
    const schedule = this.#schedule;
    if (schedule === undefined) return;
    for (; schedule.dueMs < endMs; schedule.advance()) this.#meter.unanswered(schedule.dueMs, nowMs);
  }

  /** Counts what has no answer and never will. */
  abandon(nowMs: number): void {
    for (const due of this.#due) {
      if (due === FREE) continue;
      this.#count('lost');
      this.#meter.unanswered(due, nowMs);
    }
    this.#unanswered = 0;
    this.#due.fill(FREE);
    this.#isStopped = true;
  }

  close(): void {
    this.#socket?.destroy();
  }

  #receive(chunk: Buffer): void {
    const nowMs = performance.now();
    const problem = this.#reader.read(chunk, (bytes) => this.#answered(bytes, nowMs));
    if (problem !== undefined) this.close();
    // An open loop sends when it is time to.
    if (this.#schedule === undefined && this.#onSignedOn === undefined) this.send(nowMs);
  }

  #answered(bytes: Buffer, nowMs: number): void {
    const { message } = decodeMessage(this.#source.spec, bytes);
    const code = message.text(39) ?? 'no code';
    if (this.#onSignedOn !== undefined) {
      this.#onSignedOn(code);
      return;
    }
    const place = Number(message.text(11)) & (TRACES - 1);
    const due = this.#due[place];
    if (due === undefined || due === FREE) {
      this.#count('unasked');
      return;
    }
    this.#due[place] = FREE;
    this.#unanswered--;
    this.#meter.answered(1, due, nowMs);
    this.#count(code);
  }

  #count(code: string): void {
    this.#codes.set(code, (this.#codes.get(code) ?? 0) + 1);
  }
}

function make(source: MessageSource): ReadyMessage {
  const { bytes, trace } = source.next();
  return { frame: framed(bytes), trace };
}

function framed(bytes: Uint8Array): Buffer {
  const frame = frameOf(FRAMING, bytes);
  if (frame === undefined) throw new Error(`${bytes.length} bytes do not fit in a frame`);
  return frame;
}
