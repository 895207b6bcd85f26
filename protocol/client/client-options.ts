/** What a caller can say about a client, checked once. */
import { WEBSOCKET_PATH } from '../websocket.ts';
import { type Clock, SYSTEM_CLOCK } from './clock.ts';

/** The part of the standard WebSocket that the client uses: a browser's, or the one of `ws`. */
export interface WebSocketLike {
  binaryType: string;
  send(data: Uint8Array<ArrayBuffer>): void;
  close(code?: number, reason?: string): void;
  addEventListener(type: 'open' | 'close' | 'error', listener: () => void): void;
  addEventListener(type: 'message', listener: (event: { readonly data: unknown }) => void): void;
}

export type WebSocketConstructor = new (url: string) => WebSocketLike;

export interface Backoff {
  /** Attempts in a row that may fail before the client gives up. */
  readonly attemptsMax: number;
  /** The first pause; each further one is twice as long, up to `backoffMsMax`. */
  readonly backoffMsMin: number;
  readonly backoffMsMax: number;
  /** Part of each pause that is random, 0 … 1: keeps clients from coming back all at once. */
  readonly jitter: number;
}

export interface ClientOptions {
  /** `ws://host:port` or `wss://…`; the path is `/v1/ws` when there is none. */
  readonly url: string;
  /** API key. */
  readonly key: string;
  /** Name and version of the calling program, for the server's log. */
  readonly name?: string;
  /** `globalThis.WebSocket` when left out. */
  readonly webSocket?: WebSocketConstructor;
  /** Requests without an answer on the connection; the server may allow fewer. 1024 when left out. */
  readonly inFlightMax?: number;
  /** Calls that may wait for a place in flight, or for a connection. 8192 when left out. */
  readonly queueMax?: number;
  /** From the call to its answer, waiting and sending again included. 30 s when left out. */
  readonly requestTimeoutMs?: number;
  /** 10 attempts, 50 ms to 5 s, jitter 0.5 when left out. */
  readonly reconnect?: Partial<Backoff>;
  /** Ask again by itself when nothing was decided (`busy` and the like). On when left out. */
  readonly retryTransient?: boolean;
  /** End every frame with a CRC-32C. Off when left out: TLS and TCP check as well. */
  readonly checksum?: boolean;
  /** For tests. */
  readonly clock?: Clock;
  /** 0 ≤ x < 1, for jitter; `Math.random` when left out. */
  readonly random?: () => number;
}

export type ClientSettings = Required<Omit<ClientOptions, 'reconnect'>> & { readonly reconnect: Backoff };

/** Fills in what was left out. @throws RangeError for a number out of range, TypeError when there is no WebSocket. */
export function clientSettings(options: ClientOptions): ClientSettings {
  const reconnect = { attemptsMax: 10, backoffMsMin: 50, backoffMsMax: 5000, jitter: 0.5, ...options.reconnect };
  const webSocket = options.webSocket ?? globalThis.WebSocket;
  if (webSocket === undefined) throw new TypeError('there is no WebSocket here: pass one as `webSocket`');
  const settings: ClientSettings = {
    name: '',
    inFlightMax: 1024,
    queueMax: 8192,
    requestTimeoutMs: 30_000,
    retryTransient: true,
    checksum: false,
    clock: SYSTEM_CLOCK,
    random: Math.random,
    ...options,
    url: endpointOf(options.url),
    webSocket,
    reconnect,
  };
  inRange('inFlightMax', settings.inFlightMax, 1, 1_000_000);
  inRange('queueMax', settings.queueMax, 0, 10_000_000);
  inRange('requestTimeoutMs', settings.requestTimeoutMs, 1, 2 ** 31 - 1);
  inRange('reconnect.attemptsMax', reconnect.attemptsMax, 0, 1_000_000);
  inRange('reconnect.backoffMsMin', reconnect.backoffMsMin, 0, 2 ** 31 - 1);
  inRange('reconnect.backoffMsMax', reconnect.backoffMsMax, reconnect.backoffMsMin, 2 ** 31 - 1);
  inRange('reconnect.jitter', reconnect.jitter, 0, 1);
  return settings;
}

/** The pause before attempt `attempt` (1, 2, …). `random` is 0 ≤ x < 1. */
export function backoffMs(backoff: Backoff, attempt: number, random: number): number {
  const whole = Math.min(backoff.backoffMsMax, backoff.backoffMsMin * 2 ** (attempt - 1));
  return whole * (1 - backoff.jitter * random);
}

function endpointOf(text: string): string {
  const url = new URL(text);
  if (url.protocol !== 'ws:' && url.protocol !== 'wss:') throw new TypeError(`${url.protocol} is not ws: or wss:`);
  if (url.pathname === '/' || url.pathname === '') url.pathname = WEBSOCKET_PATH;
  return url.href;
}

function inRange(name: string, value: number, minimum: number, maximum: number): void {
  if (!(value >= minimum && value <= maximum)) throw new RangeError(`${name} must be ${minimum} … ${maximum}`);
}
