/**
 * One connection to the server, made again when it breaks: open, hello, then frames.
 *
 *   idle ─start─▶ opening ─hello ok─▶ open ─lost─▶ pausing ─▶ opening …
 *    ▲                └─ failed ─▶ pausing              │
 *    └──────────── attempts used up, or hello refused ──┘
 */
import type { HelloReply } from '../bodies.ts';
import { openReply, type Reply, readRefusal } from '../codecs/frame-codec.ts';
import { decodeHello, encodeRich } from '../codecs/rich-codec.ts';
import { resultSpec } from '../results.ts';
import { RefusedError } from './client-error.ts';
import { backoffMs, type ClientSettings, type WebSocketLike } from './client-options.ts';

export interface LinkEvents {
  /** The server knows us: requests may be sent. */
  onOpen(hello: HelloReply): void;
  onReply(reply: Reply): void;
  /** The connection broke after `onOpen`; another attempt follows by itself. */
  onLost(): void;
  /** No further attempt. */
  onGaveUp(cause: Error): void;
}

/** Calls get ids from 1 on. */
const HELLO_REQUEST_ID = 0;
const NORMAL_CLOSURE = 1000;

export class Link {
  readonly #settings: ClientSettings;
  readonly #events: LinkEvents;
  readonly #hello: Uint8Array<ArrayBuffer>;
  #state: 'idle' | 'opening' | 'open' | 'pausing' = 'idle';
  #socket: WebSocketLike | undefined;
  #cancelTimer: () => void = () => {};
  #failures = 0;
  #openedAt = 0;
  #receivedAt = 0;

  /** @throws EncodeError when the key or the name cannot be sent. */
  constructor(settings: ClientSettings, events: LinkEvents) {
    this.#settings = settings;
    this.#events = events;
    const { key, name, checksum } = settings;
    this.#hello = encodeRich('hello', name === '' ? { key } : { key, client: name }, {
      requestId: HELLO_REQUEST_ID,
      checksum,
    });
  }

  get isOpen(): boolean {
    return this.#state === 'open';
  }

  /** When the last frame arrived. */
  get receivedAt(): number {
    return this.#receivedAt;
  }

  /** Starts connecting, with all attempts ahead; does nothing when that is under way already. */
  start(): void {
    if (this.#state !== 'idle') return;
    this.#failures = 0;
    this.#open();
  }

  send(frame: Uint8Array<ArrayBuffer>): void {
    this.#socket?.send(frame);
  }

  /** Takes this connection as broken, whatever the socket says. */
  drop(cause: Error): void {
    this.#broken(cause);
  }

  /** Ends the link for good. Resolves when the socket is closed. */
  close(): Promise<void> {
    const socket = this.#socket;
    this.#forgetSocket();
    this.#state = 'idle';
    if (socket === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      socket.addEventListener('close', () => {
        resolve();
      });
      socket.close(NORMAL_CLOSURE);
    });
  }

  #open(): void {
    const { webSocket: WebSocket, url, clock, requestTimeoutMs } = this.#settings;
    this.#state = 'opening';
    const socket = new WebSocket(url);
    this.#socket = socket;
    socket.binaryType = 'arraybuffer';
    this.#cancelTimer = clock.after(requestTimeoutMs, () => {
      this.#broken(new Error('no answer to hello in time'));
    });
    // A socket that was given up may still speak: its events are compared with the current one.
    const current = (): boolean => this.#socket === socket;
    socket.addEventListener('open', () => {
      if (current()) socket.send(this.#hello);
    });
    socket.addEventListener('message', ({ data }) => {
      if (current()) this.#received(data);
    });
    // An error is always followed by a close; without a listener `ws` would throw it.
    socket.addEventListener('error', () => {});
    socket.addEventListener('close', () => {
      if (current()) this.#broken(new Error('the connection was closed'));
    });
  }

  #received(data: unknown): void {
    let reply: Reply;
    try {
      if (!(data instanceof ArrayBuffer)) throw new Error('the server sent text');
      reply = openReply(new Uint8Array(data));
      if (this.#state === 'opening') {
        this.#greeted(reply);
        return;
      }
    } catch (error) {
      this.#broken(error instanceof Error ? error : new Error(String(error)));
      return;
    }
    this.#receivedAt = this.#settings.clock.now();
    this.#failures = 0;
    this.#events.onReply(reply);
  }

  #greeted(reply: Reply): void {
    const refusal = readRefusal(reply);
    if (refusal !== undefined) {
      const error = new RefusedError(refusal);
      if (resultSpec(refusal.code).retry === 'later') this.#broken(error);
      else this.#giveUp(error);
      return;
    }
    const hello = decodeHello(reply);
    this.#cancelTimer();
    this.#state = 'open';
    this.#openedAt = this.#settings.clock.now();
    this.#events.onOpen(hello);
  }

  #broken(cause: Error): void {
    const { clock, reconnect, random } = this.#settings;
    if (this.#state !== 'opening' && this.#state !== 'open') return;
    const wasOpen = this.#state === 'open';
    // A server that greets and then hangs up at once counts as failing, or the attempts would have no end.
    if (wasOpen && clock.now() - this.#openedAt >= reconnect.backoffMsMax) this.#failures = 0;
    this.#failures++;
    this.#abandonSocket();
    if (this.#failures > reconnect.attemptsMax) {
      this.#giveUp(cause);
      return;
    }
    this.#state = 'pausing';
    this.#cancelTimer = clock.after(backoffMs(reconnect, this.#failures, random()), () => {
      this.#open();
    });
    if (wasOpen) this.#events.onLost();
  }

  #giveUp(cause: Error): void {
    this.#abandonSocket();
    this.#state = 'idle';
    this.#events.onGaveUp(cause);
  }

  #abandonSocket(): void {
    const socket = this.#socket;
    this.#forgetSocket();
    socket?.close(NORMAL_CLOSURE);
  }

  #forgetSocket(): void {
    this.#cancelTimer();
    this.#socket = undefined;
  }
}
