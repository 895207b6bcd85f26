/** The transport on a real socket over the fake engine. */
import { readFileSync } from 'node:fs';
import { request as httpsRequest } from 'node:https';
import { connect } from 'node:net';
import type { Principal } from '../../../../engine/admission/key-store.ts';
import { type HttpEdge, type HttpSettings, registerHttp } from '../../../../engine/transport/http/server.ts';
import { createApp, listen, type TlsFiles } from '../../../../engine/transport/uws.ts';
import { SCOPES } from '../../../../protocol/commands.ts';
import { FakeChanges } from './fake-changes.ts';
import { FakeGateway } from './fake-gateway.ts';

export const KEY = 'slk_full';
export const READ_KEY = 'slk_read';
const PRINCIPALS: Readonly<Record<string, Principal>> = {
  [KEY]: { institution: 2, institutionName: 'two', scopes: SCOPES, keyId: 'full' },
  [READ_KEY]: { institution: 3, institutionName: 'three', scopes: ['read'], keyId: 'read' },
};

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly body: ReturnType<typeof JSON.parse>;
}

export interface Harness {
  readonly gateway: FakeGateway;
  readonly changes: FakeChanges;
  readonly edge: HttpEdge;
  readonly port: number;
  readonly origin: string;
  readonly errors: unknown[];
  send(method: string, path: string, body?: unknown, headers?: Record<string, string>): Promise<Reply>;
  /** Bytes as they are, on a socket of their own; resolves to what came back when the server closed or `until` was seen. */
  raw(bytes: string | Buffer, until?: string): Promise<string>;
  close(): void;
}

export async function startHttp(settings: Partial<HttpSettings> = {}, tls?: TlsFiles): Promise<Harness> {
  const gateway = new FakeGateway();
  const changes = new FakeChanges();
  const errors: unknown[] = [];
  const app = createApp(tls === undefined ? {} : { tls });
  const edge = registerHttp(app, {
    gateway,
    changes,
    authenticate: (key) => PRINCIPALS[key],
    health: { livez: () => true, readyz: () => ({ ready: true, reason: '' }), metrics: async () => 'sluice_up 1\n' },
    version: '0.0.0-test',
    onError: (error) => errors.push(error),
    ...settings,
  });
  const { port } = await listen(app, '127.0.0.1', 0);
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`;
  return {
    gateway,
    changes,
    edge,
    port,
    origin,
    errors,
    async send(method, path, body, headers = {}) {
      const response = await fetch(origin + path, {
        method,
        headers: {
          authorization: `Bearer ${KEY}`,
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
          ...headers,
        },
        ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      });
      const text = await response.text();
      const isJson = response.headers.get('content-type')?.includes('json') === true && text !== '';
      return { status: response.status, headers: response.headers, body: isJson ? JSON.parse(text) : text };
    },
    raw(bytes, until) {
      return new Promise((resolve, reject) => {
        let received = '';
        const socket = connect(port, '127.0.0.1', () => socket.write(bytes));
        socket.on('data', (chunk) => {
          received += chunk.toString('latin1');
          if (until !== undefined && received.includes(until)) socket.destroy();
        });
        socket.on('error', (error: NodeJS.ErrnoException) => (error.code === 'ECONNRESET' ? undefined : reject(error)));
        socket.on('close', () => resolve(received));
      });
    },
    close: () => {
      app.close();
    },
  };
}

/** GET over TLS that trusts only this certificate. */
export function getTls(port: number, path: string, certFile: string): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const ca = readFileSync(certFile);
    const request = httpsRequest({ host: '127.0.0.1', port, path, ca, servername: 'localhost' }, (response) => {
      let body = '';
      response.on('data', (chunk) => {
        body += chunk;
      });
      response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
    });
    request.on('error', reject).end();
  });
}
