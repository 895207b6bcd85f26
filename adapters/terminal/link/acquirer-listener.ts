/** Where the acquirers of one link connect to: TCP or TLS, a bound on connections, and an end that answers first. */
import { createServer, type Server, type Socket } from 'node:net';
import { createServer as createTlsServer } from 'node:tls';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import { type AcquirerHandlers, AcquirerSession, type SessionTools } from './acquirer-session.ts';
import type { AcquirerConfig } from './link-config.ts';
import { LinkMac, missingKey } from './link-mac.ts';

export interface LinkTools extends SessionTools {
  readonly vault: KeyVault;
}

export type OpenedAcquirer =
  | { readonly ok: true; readonly listener: AcquirerListener }
  /** A key is missing or the address cannot be had. */
  | { readonly ok: false; readonly problem: string };

export async function openAcquirer(
  config: AcquirerConfig,
  handlers: AcquirerHandlers,
  tools: LinkTools,
): Promise<OpenedAcquirer> {
  const missing = config.mac === undefined ? undefined : await missingKey(tools.vault, config.mac);
  if (missing !== undefined) return { ok: false, problem: `link ${config.name}: ${missing}` };
  const listener = new AcquirerListener(config, handlers, tools);
  const problem = await listener.listen();
  return problem === undefined ? { ok: true, listener } : { ok: false, problem: `link ${config.name}: ${problem}` };
}

class AcquirerListener {
  readonly #config: AcquirerConfig;
  readonly #handlers: AcquirerHandlers;
  readonly #tools: LinkTools;
  readonly #server: Server;
  /** Sockets before their TLS handshake are connections too. */
  readonly #sockets = new Set<Socket>();
  readonly #sessions = new Set<AcquirerSession>();
  readonly #terminals: ReadonlySet<string> | undefined;
  #lastConnection = 0;
  /** Called when the last connection is gone. */
  #onEmpty: (() => void) | undefined;

  constructor(config: AcquirerConfig, handlers: AcquirerHandlers, tools: LinkTools) {
    this.#config = config;
    this.#handlers = handlers;
    this.#tools = tools;
    this.#terminals = config.terminals === undefined ? undefined : new Set(config.terminals);
    const { tls } = config;
    if (tls === undefined) {
      this.#server = createServer((socket) => this.#open(socket));
    } else {
      const { cert, key, ca, mutual } = tls;
      const options = {
        cert,
        key,
        ca,
        requestCert: mutual,
        rejectUnauthorized: mutual,
        handshakeTimeout: 1000 * config.stallSeconds,
      };
      const server = createTlsServer(options, (socket) => this.#open(socket));
      server.on('tlsClientError', ({ message }) => this.#note(`TLS: ${message}`));
      this.#server = server;
    }
    this.#server.on('connection', (socket: Socket) => this.#admit(socket));
  }

  /** What is wrong, or undefined once connections are taken. */
  listen(): Promise<string | undefined> {
    const { host, port } = this.#config.listen;
    return new Promise((done) => {
      this.#server.once('error', ({ message }) => done(`cannot listen: ${message}`));
      this.#server.listen(port, host, () => {
        this.#server.on('error', ({ message }) => this.#note(`listener: ${message}`));
        this.#tools.observer.state(this.#config.name, 'listening');
        done(undefined);
      });
    });
  }

  /** The port that was taken, also when the configuration says 0. */
  get port(): number {
    const address = this.#server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** Takes no more messages, waits until those under way are answered, but no longer than `graceMs`, and closes all. */
  async close(graceMs: number): Promise<void> {
    this.#tools.observer.state(this.#config.name, 'draining');
    const closed = new Promise<void>((done) => this.#server.close(() => done()));
    const cancel = this.#tools.clock.after(graceMs, () => {
      for (const socket of this.#sockets) socket.destroy();
    });
    const empty = new Promise<void>((done) => {
      this.#onEmpty = done;
    });
    for (const session of this.#sessions) session.drain();
    if (this.#sockets.size > 0) await empty;
    await closed;
    cancel();
    this.#tools.observer.state(this.#config.name, 'stopped');
  }

  #admit(socket: Socket): void {
    const { name, connectionsMax } = this.#config;
    if (this.#sockets.size >= connectionsMax) {
      this.#tools.observer.count(name, 'connectionsEnded');
      this.#note(`connection refused: there are ${connectionsMax} already`);
      socket.destroy();
      return;
    }
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      if (this.#sockets.size === 0) this.#onEmpty?.();
    });
  }

  #open(socket: Socket): void {
    if (socket.destroyed) return;
    const { vault, ...tools } = this.#tools;
    const mac = this.#config.mac === undefined ? undefined : new LinkMac(vault, this.#config.mac);
    const peer = { link: this.#config.name, connection: ++this.#lastConnection };
    const session: AcquirerSession = new AcquirerSession(
      socket,
      this.#config,
      this.#terminals,
      mac,
      this.#handlers,
      tools,
      peer,
      () => this.#sessions.delete(session),
    );
    this.#sessions.add(session);
  }

  #note(text: string): void {
    this.#tools.observer.note(this.#config.name, 'warn', text);
  }
}
