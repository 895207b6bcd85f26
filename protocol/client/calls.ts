/** The calls of one client: sent in a window, answered in any order, sent again, timed out. */
import type { HelloReply } from '../bodies.ts';
import { type FrameOptions, type Reply, readRefusal } from '../codecs/frame-codec.ts';
import { resultSpec } from '../results.ts';
import {
  type CallOutcome,
  ClientClosedError,
  ConnectionLostError,
  QueueFullError,
  RefusedError,
  RequestTimeoutError,
} from './client-error.ts';
import { backoffMs, type ClientSettings } from './client-options.ts';
import { Link } from './link.ts';
import { type Call, Outbox } from './outbox.ts';

interface Waiter {
  resolve(): void;
  reject(error: Error): void;
}

export class Calls {
  readonly #settings: ClientSettings;
  readonly #link: Link;
  readonly #outbox = new Outbox();
  #hello: HelloReply | undefined;
  #opening: Waiter | undefined;
  #isClosed = false;
  #nextId = 1;
  #cancelDeadline: (() => void) | undefined;

  /** @throws EncodeError when key or name of the settings cannot be sent. */
  constructor(settings: ClientSettings) {
    this.#settings = settings;
    this.#link = new Link(settings, {
      onOpen: (hello) => {
        this.#opened(hello);
      },
      onReply: (reply) => {
        this.#answered(reply);
      },
      onLost: () => {
        this.#lost();
      },
      onGaveUp: (cause) => {
        this.#gaveUp(cause);
      },
    });
  }

  get hello(): HelloReply | undefined {
    return this.#hello;
  }

  /** Connects for the first time. @throws RefusedError, ConnectionLostError */
  opened(): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#opening = { resolve, reject };
      this.#link.start();
    });
  }

  /**
   * Sends what `encode` makes, and resolves to what `decode` reads from the answer. `isTransient` says which answers
   * mean that nothing was decided.
   */
  make<T>(
    encode: (options: FrameOptions) => Uint8Array<ArrayBuffer>,
    decode: (reply: Reply) => T,
    isTransient: (value: T) => boolean,
  ): Promise<T> {
    return new Promise((resolve, reject) => {
      const { inFlightMax, queueMax, requestTimeoutMs, checksum, clock } = this.#settings;
      if (this.#isClosed) throw new ClientClosedError('notSent');
      if (this.#outbox.size >= inFlightMax + queueMax) throw new QueueFullError(inFlightMax + queueMax);
      const id = this.#nextId;
      const call: Call = {
        id,
        frame: encode({ requestId: id, checksum }),
        deadline: clock.now() + requestTimeoutMs,
        answer: (reply) => {
          const refusal = readRefusal(reply);
          if (refusal !== undefined) {
            if (resultSpec(refusal.code).retry === 'later' && this.#mayRepeat(call)) return true;
            reject(new RefusedError(refusal));
            return false;
          }
          const value = decode(reply);
          if (isTransient(value) && this.#mayRepeat(call)) return true;
          resolve(value);
          return false;
        },
        fail: reject,
        state: 'queued',
        wasSent: false,
        sentAt: 0,
        losses: 0,
        pauses: 0,
      };
      this.#nextId++;
      this.#outbox.add(call);
      this.#watchDeadlines();
      this.#link.start();
      this.#pump();
    });
  }

  close(): Promise<void> {
    this.#isClosed = true;
    this.#opening?.reject(new ClientClosedError('notSent'));
    const closed = this.#link.close();
    this.#failAll((call) => new ClientClosedError(outcomeOf(call)));
    return closed;
  }

  #opened(hello: HelloReply): void {
    this.#hello = hello;
    this.#opening?.resolve();
    this.#opening = undefined;
    this.#pump();
  }

  #pump(): void {
    if (!this.#link.isOpen) return;
    const windowMax = Math.min(this.#settings.inFlightMax, this.#hello?.inFlightMax ?? 1);
    const now = this.#settings.clock.now();
    for (let call = this.#outbox.take(windowMax, now); call !== undefined; call = this.#outbox.take(windowMax, now)) {
      this.#link.send(call.frame);
    }
  }

  #answered(reply: Reply): void {
    const call = this.#outbox.answered(reply.requestId);
    if (call !== undefined) {
      let isTransient = false;
      try {
        isTransient = call.answer(reply);
      } catch (error) {
        call.fail(error instanceof Error ? error : new Error(String(error)));
      }
      if (isTransient) this.#pause(call);
      else this.#remove(call);
    }
    this.#pump();
  }

  #mayRepeat(call: Call): boolean {
    return this.#settings.retryTransient && call.pauses < this.#settings.reconnect.attemptsMax;
  }

  #pause(call: Call): void {
    const { clock, reconnect, random } = this.#settings;
    call.pauses++;
    clock.after(backoffMs(reconnect, call.pauses, random()), () => {
      this.#outbox.requeue(call);
      this.#pump();
    });
  }

  #lost(): void {
    // A message that itself brings the connection down must not do so for ever.
    for (const call of this.#outbox.connectionLost()) {
      if (call.losses > this.#settings.reconnect.attemptsMax) this.#fail(call, new ConnectionLostError('unknown'));
    }
  }

  #gaveUp(cause: Error): void {
    const opening = this.#opening;
    this.#opening = undefined;
    opening?.reject(cause instanceof RefusedError ? cause : new ConnectionLostError('notSent', cause));
    this.#outbox.connectionLost();
    this.#failAll((call) => new ConnectionLostError(outcomeOf(call), cause));
  }

  #watchDeadlines(): void {
    const first = this.#outbox.first();
    if (this.#cancelDeadline !== undefined || first === undefined) return;
    const { clock } = this.#settings;
    this.#cancelDeadline = clock.after(Math.max(0, first.deadline - clock.now()), () => {
      this.#cancelDeadline = undefined;
      this.#expire();
      this.#watchDeadlines();
    });
  }

  #expire(): void {
    const now = this.#settings.clock.now();
    let isDead = false;
    for (let call = this.#outbox.first(); call !== undefined && call.deadline <= now; call = this.#outbox.first()) {
      // Nothing at all arrived since it was sent: a half-open connection, not a slow answer.
      if (call.state === 'sent' && this.#link.receivedAt <= call.sentAt) isDead = true;
      this.#fail(call, new RequestTimeoutError(outcomeOf(call)));
    }
    if (isDead) this.#link.drop(new Error('the server fell silent'));
  }

  #failAll(errorOf: (call: Call) => Error): void {
    for (const call of this.#outbox.all()) this.#fail(call, errorOf(call));
  }

  #fail(call: Call, error: Error): void {
    this.#remove(call);
    call.fail(error);
  }

  #remove(call: Call): void {
    this.#outbox.remove(call);
    if (this.#outbox.size > 0) return;
    this.#cancelDeadline?.();
    this.#cancelDeadline = undefined;
  }
}

/** A call that only ever waited here cannot have been decided. */
function outcomeOf(call: Call): CallOutcome {
  return call.wasSent ? 'unknown' : 'notSent';
}
