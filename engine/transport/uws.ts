/**
 * The one place that names uWebSockets.js, so that the official package can take the place of the repack.
 *
 * Its types leave out what it has (a host together with listen options); that is closed here. Traps that every user
 * of an app must know: a request lives on the stack only; a response without `onAborted` ends the process when the
 * client goes away; write inside `cork` after any wait; `send` of a WebSocket drops the message when it returns 2.
 */

import * as native from 'uWebSockets.js';
import { createPrivateKey, X509Certificate } from 'node:crypto';
import { readFileSync } from 'node:fs';

export type App = native.TemplatedApp;
export type HttpRequest = native.HttpRequest;
export type HttpResponse = native.HttpResponse;
export type WebSocket<T> = native.WebSocket<T>;

export interface TlsFiles {
  /** PEM, the whole chain, leaf first. */
  readonly certFile: string;
  /** PEM. */
  readonly keyFile: string;
}

export interface AppSettings {
  readonly tls?: TlsFiles;
}

export interface Listener {
  readonly host: string;
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Takes no more connections; those that are open live on. */
  close(): void;
}

/** The library's own switch against sharing the port with another process (SO_REUSEPORT is its default). */
const EXCLUSIVE_PORT = 1;

/** The form of `listen` that the types leave out. */
type ListenWithOptions = (
  host: string,
  port: number,
  options: number,
  done: (socket: native.us_listen_socket | false) => void,
) => void;

/**
 * Makes the one app that serves WebSocket and HTTP. Throws an Error that names the file when certificate or key
 * cannot be used. End it with `app.close()`, which cuts every connection.
 */
export function createApp(settings: AppSettings = {}): App {
  if (settings.tls === undefined) return native.App();
  const { certFile, keyFile } = settings.tls;
  checkTlsFiles(certFile, keyFile);
  return native.SSLApp({ cert_file_name: certFile, key_file_name: keyFile });
}

/** Listens on an address; port 0 takes a free one. Rejects when the address cannot be had. */
export function listen(app: App, host: string, port: number): Promise<Listener> {
  return new Promise((resolve, reject) => {
    const untyped: object = app;
    const listenOn: ListenWithOptions = Reflect.get(untyped, 'listen');
    listenOn.call(app, host, port, EXCLUSIVE_PORT, (socket) => {
      if (socket === false) {
        reject(new Error(`cannot listen on ${host}:${port}: the address is in use or not of this machine`));
        return;
      }
      let open = true;
      resolve({
        host,
        port: native.us_socket_local_port(socket),
        close() {
          if (open) native.us_listen_socket_close(socket);
          open = false;
        },
      });
    });
  });
}

/** The raw query after `?`; empty when there is none, which the types promise and the library does not do. */
export function queryOf(request: HttpRequest): string {
  const query: string | undefined = request.getQuery();
  return query ?? '';
}

/** The library only says "App construction failed"; this says which file, and why. */
function checkTlsFiles(certFile: string, keyFile: string): void {
  const certificate = readPem(certFile, 'TLS certificate', (pem) => new X509Certificate(pem));
  const key = readPem(keyFile, 'TLS key', (pem) => createPrivateKey(pem));
  if (!certificate.checkPrivateKey(key)) {
    throw new Error(`the TLS key ${keyFile} does not belong to the certificate ${certFile}`);
  }
}

function readPem<T>(file: string, what: string, parse: (pem: Buffer) => T): T {
  try {
    return parse(readFileSync(file));
  } catch (cause) {
    throw new Error(`cannot use the ${what} ${file}: ${cause instanceof Error ? cause.message : String(cause)}`, {
      cause,
    });
  }
}
