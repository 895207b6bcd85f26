/** The binary protocol over WebSocket, on the app that serves HTTP as well. */
import { LIMITS } from '../../protocol/limits.ts';
import { Code } from '../../protocol/results.ts';
import { CloseCodes, WEBSOCKET_PATH } from '../../protocol/websocket.ts';
import { Gauge } from '../admission/limits.ts';
import { Session, type SessionContext, type SessionSocket } from './session.ts';
import type { App, WebSocket } from './uws.ts';

export interface WebSocketOptions extends SessionContext {
  readonly sessionsMax: number;
  /** Seconds without any message after which a connection is closed; 0 = never. */
  readonly idleTimeoutS: number;
}

/** Output that a slow reader may leave unread before its connection is closed; the largest reply fits several times. */
const UNREAD_BYTES_CLOSE = 8 * 1_048_576;
/**
 * The library cuts a connection with a larger message without a word. What is not much too large is read, so that the peer
 * can be told what is wrong.
 */
const MESSAGE_BYTES_MAX = 2 * LIMITS.frameBytesMax;
/** How long a connection may take to say hello. */
const HELLO_MS = 10_000;

interface SocketData {
  session: Session | undefined;
  helloTimer: NodeJS.Timeout | undefined;
}

export interface WebSocketEdge {
  /** Requests that were taken and are not answered. */
  inFlight(): number;
  sessions(): number;
  /** Tells every client that the switch goes away, and closes the connections. */
  closeAll(): void;
}

/** Puts the WebSocket route on the app. */
export function registerWebSocket(app: App, options: WebSocketOptions): WebSocketEdge {
  const room = new Gauge(options.sessionsMax);
  const sockets = new Set<WebSocket<SocketData>>();
  app.ws<SocketData>(WEBSOCKET_PATH, {
    maxPayloadLength: MESSAGE_BYTES_MAX,
    maxBackpressure: UNREAD_BYTES_CLOSE,
    idleTimeout: options.idleTimeoutS,
    sendPingsAutomatically: true,
    upgrade: (response, request, context) => {
      if (!room.enter()) {
        options.metrics.refusal(Code.tooManySessions);
        response.writeStatus('503 Service Unavailable').writeHeader('Retry-After', '1').end();
        return;
      }
      response.upgrade<SocketData>(
        { session: undefined, helloTimer: undefined },
        request.getHeader('sec-websocket-key'),
        request.getHeader('sec-websocket-protocol'),
        request.getHeader('sec-websocket-extensions'),
        context,
      );
    },
    open: (socket) => {
      sockets.add(socket);
      options.metrics.connections('websocket', 1);
      const data = socket.getUserData();
      const session = new Session(options, new Peer(socket));
      data.session = session;
      data.helloTimer = setTimeout(() => {
        if (!session.isAuthenticated) socket.end(CloseCodes.policy, 'no hello');
      }, HELLO_MS).unref();
    },
    message: (socket, message, isBinary) => {
      const { session } = socket.getUserData();
      if (!isBinary) return socket.end(CloseCodes.policy, 'messages are binary');
      if (message.byteLength > LIMITS.frameBytesMax) return socket.end(CloseCodes.tooLarge, TOO_LARGE);
      session?.receive(new Uint8Array(message));
    },
    close: (socket, code, message) => {
      const { session, helloTimer } = socket.getUserData();
      clearTimeout(helloTimer);
      session?.closed();
      sockets.delete(socket);
      room.leave();
      options.metrics.connections('websocket', -1);
      // What the library says when it cuts a connection by itself.
      const reason = code === ABNORMAL ? new TextDecoder().decode(message) : '';
      if (code === CloseCodes.tooLarge) options.log('session closed: message too large', { code });
      else if (reason !== '') options.log('session closed by the transport', { reason });
    },
  });
  return {
    inFlight: () => {
      let total = 0;
      for (const socket of sockets) total += socket.getUserData().session?.inFlight ?? 0;
      return total;
    },
    sessions: () => sockets.size,
    closeAll: () => {
      for (const socket of [...sockets]) socket.end(CloseCodes.goingAway, 'the switch is stopping');
    },
  };
}

/** The socket as its session sees it. */
class Peer implements SessionSocket {
  readonly #socket: WebSocket<SocketData>;
  /** Whether output waited for the peer when it was last sent: only then it is worth a call to ask how much. */
  #isBehind = false;
  /** Asking a closed socket anything throws. */
  #isClosed = false;

  constructor(socket: WebSocket<SocketData>) {
    this.#socket = socket;
  }

  send(frame: Uint8Array): boolean {
    const status = this.#socket.send(frame, true);
    if (status !== SENT) this.#isBehind = true;
    return status !== DROPPED;
  }

  cork(write: () => void): void {
    this.#socket.cork(write);
    if (!this.#isClosed) this.#isBehind = this.#socket.getBufferedAmount() > 0;
  }

  bufferedBytes(): number {
    if (!this.#isBehind || this.#isClosed) return 0;
    const bytes = this.#socket.getBufferedAmount();
    this.#isBehind = bytes > 0;
    return bytes;
  }

  close(code: number, reason: string): void {
    this.#isClosed = true;
    this.#socket.end(code, reason);
  }

  terminate(): void {
    this.#isClosed = true;
    this.#socket.close();
  }
}

const TOO_LARGE = `a message has at most ${LIMITS.frameBytesMax} bytes`;
/** RFC 6455 section 7.4.1: no close frame was sent or received. */
const ABNORMAL = 1006;

/** What `send` answers: taken by the system, or dropped; 0 when it waits for the peer. */
const SENT = 1;
const DROPPED = 2;
