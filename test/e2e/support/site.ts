/** A web site of its own origin: the client, bundled for browsers, and pages that use it by the names of the package. */
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'vite';

const TYPES: Readonly<Record<string, string>> = { '.html': 'text/html; charset=utf-8', '.js': 'text/javascript' };
/** Where a bundler finds what `package.json` exports. */
const EXPORTS = { 'sluice/client': 'protocol/client/client.ts', 'sluice/protocol/ids': 'protocol/ids.ts' };

export interface Site {
  readonly origin: string;
  close(): Promise<void>;
}

/** Bundles the client with Vite into a temporary folder, and serves it with the pages on a free port of this machine. */
export async function openSite(pages: Readonly<Record<string, string>>): Promise<Site> {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-site-'));
  const root = fileURLToPath(new URL('../../..', import.meta.url));
  const names = Object.entries(EXPORTS).map(([name, file]) => ({ name, file: join(root, file), url: urlOf(name) }));
  const imports = JSON.stringify({ imports: Object.fromEntries(names.map(({ name, url }) => [name, url])) });
  await build({
    configFile: false,
    logLevel: 'silent',
    root,
    build: {
      outDir: folder,
      lib: {
        formats: ['es'],
        entry: Object.fromEntries(names.map(({ url, file }) => [url.slice(1, -extname(url).length), file])),
      },
    },
  });
  const server = createServer((request, response) => {
    const path = request.url ?? '/';
    const page = pages[path];
    const known = page ?? readIfThere(join(folder, path));
    response.writeHead(known === undefined ? 404 : 200, {
      'Content-Type': TYPES[page === undefined ? extname(path) : '.html'] ?? 'text/plain',
    });
    response.end(page === undefined ? known : `<script type="importmap">${imports}</script>${page}`);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return {
    origin: `http://127.0.0.1:${address.port}`,
    async close() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
      rmSync(folder, { recursive: true });
    },
  };
}

function urlOf(name: string): string {
  return `/${name.replaceAll('/', '-')}.js`;
}

function readIfThere(path: string): Buffer | undefined {
  try {
    return readFileSync(path);
  } catch {
    return undefined;
  }
}
