/** A WebSocket connection that says exactly what a test wants, also what no client would say. */
import { once } from 'node:events';
import { WebSocket } from 'ws';
import { openReply, type Reply, readRefusal } from '../../../protocol/codecs/frame-codec.ts';
import { resultOfCode } from '../../../protocol/codecs/result-codec.ts';
import { encodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { until } from '../../support/switch.ts';

export class RawConnection {
  readonly socket: WebSocket;
  /** Frames that came and were not taken yet. */
  readonly frames: Uint8Array[] = [];
  received = 0;
  closed: { readonly code: number; readonly reason: string } | undefined;

  private constructor(socket: WebSocket) {
    this.socket = socket;
    socket.binaryType = 'nodebuffer';
    socket.on('message', (data: Buffer) => {
      this.received++;
      this.frames.push(new Uint8Array(data));
    });
    socket.on('close', (code, reason) => {
      this.closed = { code, reason: reason.toString() };
    });
    socket.on('error', () => undefined);
  }

  static async open(url: string, options: object = {}): Promise<RawConnection> {
    const socket = new WebSocket(url, { perMessageDeflate: false, ...options });
    const connection = new RawConnection(socket);
    await once(socket, 'open');
    return connection;
  }

  /** Opened and greeted. */
  static async greeted(url: string, key: string, options: object = {}): Promise<RawConnection> {
    const connection = await RawConnection.open(url, options);
    const reply = await connection.ask(encodeRich('hello', { key }, { requestId: 1 }));
    if (readRefusal(reply) !== undefined) throw new Error('the key was refused');
    return connection;
  }

  /** Sends a message and waits for the next frame. */
  async ask(message: Uint8Array): Promise<Reply> {
    this.socket.send(message);
    return openReply(await this.next());
  }

  async next(): Promise<Uint8Array> {
    await until(() => this.frames.length > 0 || this.closed !== undefined, 'a frame comes');
    const frame = this.frames.shift();
    if (frame === undefined) throw new Error(`closed: ${JSON.stringify(this.closed)}`);
    return frame;
  }

  /** Name of the code with which a message is refused; `taken` when it is not. */
  async refusalOf(message: Uint8Array): Promise<string> {
    const refusal = readRefusal(await this.ask(message));
    return refusal === undefined ? 'taken' : resultOfCode(refusal.code).name;
  }

  /** How the server closed the connection. */
  async closing(): Promise<{ readonly code: number; readonly reason: string }> {
    await until(() => this.closed !== undefined, 'the connection is closed');
    return this.closed ?? { code: 0, reason: '' };
  }

  close(): void {
    this.socket.terminate();
  }
}
