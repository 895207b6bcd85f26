/** Certificates and keys of links: read once, at start, so that a file that is missing or no certificate is told then. */
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createSecureContext } from 'node:tls';

export interface TlsFiles {
  readonly cert?: Buffer;
  readonly key?: Buffer;
  /** Whose certificates are accepted; of an outgoing link without it, those that Node ships. */
  readonly ca?: Buffer;
  /** Of a listener: the peer must show a certificate. */
  readonly mutual: boolean;
  /** Of an outgoing link: the name that the certificate must have, when it is not the host. */
  readonly serverName: string | undefined;
}

interface TlsPaths {
  readonly cert?: string | undefined;
  readonly key?: string | undefined;
  readonly ca?: string | undefined;
  readonly mutual?: boolean | undefined;
  readonly serverName?: string | undefined;
}

export type TlsRead = { readonly ok: true; readonly tls: TlsFiles } | { readonly ok: false; readonly message: string };

/** `directory`: what relative paths start from. */
export function readTls(directory: string, paths: TlsPaths): TlsRead {
  const read: { cert?: Buffer; key?: Buffer; ca?: Buffer } = {};
  for (const name of ['cert', 'key', 'ca'] as const) {
    const path = paths[name];
    if (path === undefined) continue;
    try {
      read[name] = readFileSync(resolve(directory, path));
    } catch {
      return { ok: false, message: `${name}: the file ${path} cannot be read` };
    }
  }
  try {
    createSecureContext(read);
  } catch {
    // OpenSSL's text may quote the file.
    return { ok: false, message: 'cert, key and ca must be PEM, and the key that of the certificate' };
  }
  return { ok: true, tls: { ...read, mutual: paths.mutual ?? false, serverName: paths.serverName } };
}
