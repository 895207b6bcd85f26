/**
 * A WebSocket client on a plain TCP socket. A general client costs as much as the server that it measures; this one
 * writes many prepared frames with one call and reads replies in place, out of one buffer for all connections.
 */
import { createHash, randomBytes } from 'node:crypto';
import { connect, type Socket } from 'node:net';
import { clientFrame, FrameReader, Opcodes, WireError } from './websocket-frames.ts';

/** RFC 6455 section 1.3. */
const HANDSHAKE_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
const HANDSHAKE_BYTES_MAX = 16_384;
const PAYLOAD_BYTES_MAX = 16 * 1024 * 1024;

export interface WireTarget {
  readonly host: string;
  readonly port: number;
  readonly path: string;
}

export interface WireHandlers {
  /** A binary message at `bytes[start … end)`, which is dead when this returns. */
  message(bytes: Uint8Array, start: number, end: number): void;
  /** All messages of one read were handled: the moment to write. */
  readEnd(): void;
  /** The connection is gone; `reason` says why unless `close` asked for it. */
  closed(reason: string | undefined): void;
}

export class WebSocketWire {
  readonly #socket: Socket;
  readonly #handlers: WireHandlers;
  readonly #reader: FrameReader;
  readonly #nonce = randomBytes(16).toString('base64');
  readonly #opened: { resolve: () => void; reject: (error: Error) => void };
  #handshake: Buffer | undefined = Buffer.alloc(0);
  #reason: string | undefined;

  private constructor(
    target: WireTarget,
    handlers: WireHandlers,
    readBuffer: Uint8Array,
    opened: { resolve: () => void; reject: (error: Error) => void },
  ) {
    this.#handlers = handlers;
    this.#opened = opened;
    this.#reader = new FrameReader((...frame) => this.#frame(...frame), PAYLOAD_BYTES_MAX);
    this.#reason = 'the server closed the connection';
    this.#socket = connect({
      host: target.host,
      port: target.port,
      noDelay: true,
      onread: {
        buffer: readBuffer,
        callback: (length, buffer) => this.#read(buffer, length),
      },
    });
    this.#socket.on('connect', () => {
      this.#socket.write(
        `GET ${target.path} HTTP/1.1\r\nHost: ${target.host}:${target.port}\r\nUpgrade: websocket\r\n` +
          `Connection: Upgrade\r\nSec-WebSocket-Key: ${this.#nonce}\r\nSec-WebSocket-Version: 13\r\n\r\n`,
      );
    });
    this.#socket.on('error', (error) => {
      this.#reason ??= error.message;
      this.#opened.reject(error);
    });
    this.#socket.on('close', () => {
      this.#opened.reject(new WireError(this.#reason ?? 'closed'));
      handlers.closed(this.#reason);
    });
  }

  /**
   * Connects and upgrades. `readBuffer` may be shared by connections of one thread: what is read is handled before the
   * next read. Rejects with WireError or the socket's error.
   */
  static connect(target: WireTarget, handlers: WireHandlers, readBuffer: Uint8Array): Promise<WebSocketWire> {
    return new Promise((resolve, reject) => {
      const wire = new WebSocketWire(target, handlers, readBuffer, { resolve: () => resolve(wire), reject });
    });
  }

  /** Writes whole frames. The bytes must stay as they are until the server has answered them. */
  write(frames: Uint8Array): void {
    this.#socket.write(frames);
  }

  close(): void {
    this.#reason = undefined;
    this.#socket.destroy();
  }

  #read(buffer: Uint8Array, length: number): boolean {
    try {
      if (this.#handshake === undefined) this.#reader.push(buffer, 0, length);
      else this.#upgrade(Buffer.concat([this.#handshake, buffer.subarray(0, length)]));
      if (this.#handshake === undefined) this.#handlers.readEnd();
    } catch (error) {
      this.#fail(error instanceof Error ? error : new Error(String(error)));
    }
    return true;
  }

  #upgrade(received: Buffer): void {
    const end = received.indexOf('\r\n\r\n');
    if (end < 0) {
      if (received.length > HANDSHAKE_BYTES_MAX) throw new WireError('the answer to the handshake has no end');
      this.#handshake = received;
      return;
    }
    const [status = '', ...lines] = received.toString('latin1', 0, end).split('\r\n');
    if (!/^HTTP\/1\.1 101 /.test(status)) throw new WireError(`the server refused the handshake: ${status}`);
    const accept = lines.map((line) => /^sec-websocket-accept:\s*(\S+)\s*$/i.exec(line)?.[1]).find(Boolean);
    const expected = createHash('sha1')
      .update(this.#nonce + HANDSHAKE_GUID)
      .digest('base64');
    if (accept !== expected) throw new WireError('the server answered the handshake of somebody else');
    this.#handshake = undefined;
    this.#opened.resolve();
    this.#reader.push(received, end + 4, received.length);
  }

  #frame(opcode: number, bytes: Uint8Array, start: number, end: number): void {
    switch (opcode) {
      case Opcodes.binary:
        return this.#handlers.message(bytes, start, end);
      case Opcodes.ping:
        this.#socket.write(clientFrame(bytes.slice(start, end), Opcodes.pong));
        return;
      case Opcodes.pong:
        return;
      case Opcodes.close: {
        const code = end - start >= 2 ? ((bytes[start] as number) << 8) | (bytes[start + 1] as number) : 1005;
        const text = Buffer.from(bytes.subarray(start + 2, end)).toString();
        throw new WireError(`the server closed the connection: ${code} ${text}`);
      }
      default:
        throw new WireError(`the server sent a frame of type ${opcode}`);
    }
  }

  #fail(error: Error): void {
    this.#reason = error.message;
    this.#opened.reject(error);
    this.#socket.destroy();
  }
}
