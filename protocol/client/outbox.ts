/**
 * The calls that have no answer yet.
 *
 *   add ─▶ queued ──take──▶ sent ──answer──▶ gone
 *            ▲               │ │
 *            ├── lost ───────┘ └─transient─▶ pausing ─▶ queued
 *
 * A sent call that times out leaves a ghost: the server still counts it, so its place in the window stays taken until
 * the late answer comes or the connection goes.
 */
import type { Reply } from '../codecs/frame-codec.ts';

export interface Call {
  readonly id: number;
  /** The same bytes however often it is sent. */
  readonly frame: Uint8Array<ArrayBuffer>;
  readonly deadline: number;
  /** Takes the answer; true when it is a transient one and the call is to be sent again. */
  answer(reply: Reply): boolean;
  fail(error: Error): void;
  state: 'queued' | 'sent' | 'pausing' | 'gone';
  /** Whether it was ever sent. */
  wasSent: boolean;
  /** When it was sent last. */
  sentAt: number;
  /** Connections that were lost under it. */
  losses: number;
  /** Transient answers so far. */
  pauses: number;
}

export class Outbox {
  /** In the order of the calls, which is also the order of their deadlines. */
  readonly #calls = new Map<number, Call>();
  readonly #ghosts = new Set<number>();
  #queue: Call[] = [];
  #queueHead = 0;
  #sent = 0;

  get size(): number {
    return this.#calls.size;
  }

  add(call: Call): void {
    this.#calls.set(call.id, call);
    this.#queue.push(call);
  }

  /** The next call to send, now counted as sent; undefined when the window is full or nothing waits. */
  take(windowMax: number, now: number): Call | undefined {
    while (this.#sent < windowMax && this.#queueHead < this.#queue.length) {
      const call = this.#queue[this.#queueHead++];
      if (this.#queueHead === this.#queue.length) this.#clearQueue();
      if (call === undefined || call.state !== 'queued') continue;
      call.state = 'sent';
      call.wasSent = true;
      call.sentAt = now;
      this.#sent++;
      return call;
    }
    return undefined;
  }

  /** The call that an answer belongs to, its place in the window free again; undefined when nobody waits for it. */
  answered(id: number): Call | undefined {
    if (this.#ghosts.delete(id)) {
      this.#sent--;
      return undefined;
    }
    const call = this.#calls.get(id);
    if (call?.state !== 'sent') return undefined;
    this.#sent--;
    call.state = 'pausing';
    return call;
  }

  requeue(call: Call): void {
    if (call.state !== 'pausing') return;
    call.state = 'queued';
    this.#queue.push(call);
  }

  remove(call: Call): void {
    if (!this.#calls.delete(call.id)) return;
    if (call.state === 'sent') this.#ghosts.add(call.id);
    call.state = 'gone';
  }

  /** The connection is gone: every sent call waits again, before all others, in the old order. */
  connectionLost(): Call[] {
    this.#ghosts.clear();
    this.#sent = 0;
    this.#clearQueue();
    const resend: Call[] = [];
    for (const call of this.#calls.values()) {
      if (call.state === 'sent') {
        call.state = 'queued';
        call.losses++;
        resend.push(call);
      }
      if (call.state === 'queued') this.#queue.push(call);
    }
    return resend;
  }

  /** The call with the earliest deadline. */
  first(): Call | undefined {
    for (const call of this.#calls.values()) return call;
    return undefined;
  }

  all(): Call[] {
    return [...this.#calls.values()];
  }

  #clearQueue(): void {
    this.#queue = [];
    this.#queueHead = 0;
  }
}
