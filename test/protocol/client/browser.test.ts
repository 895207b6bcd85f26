/** The client must run where there is no Node: nothing that it imports may need it. */
import { readFileSync } from 'node:fs';
import { createContext, runInContext } from 'node:vm';
import { preProcessFile } from 'typescript';
import { build } from 'vite';
import { describe, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { startTestServer } from '../support/test-server.ts';

const ENTRY = new URL('../../../protocol/client/client.ts', import.meta.url);
/** Each has a browser build without Node's modules. */
const PACKAGES = ['@noble/hashes/sha2.js', 'msgpackr', 'uuidv7'];

describe('the client in a browser', () => {
  it('imports its own files and three packages', () => {
    const seen = new Set<string>();
    const packages = new Set<string>();
    const visit = (file: URL): void => {
      if (seen.has(file.href)) return;
      seen.add(file.href);
      for (const { fileName } of preProcessFile(readFileSync(file, 'utf8')).importedFiles) {
        if (fileName.startsWith('.')) visit(new URL(fileName, file));
        else packages.add(fileName);
      }
    };
    visit(ENTRY);
    expect(seen.size).toBeGreaterThan(20);
    expect([...packages].sort()).toEqual(PACKAGES);
    expect([...seen].filter((file) => !file.includes('/protocol/'))).toEqual([]);
  });

  it('bundles into one file that calls a server with nothing but the globals of a browser', async () => {
    const built = await build({
      configFile: false,
      logLevel: 'silent',
      build: { write: false, minify: false, lib: { entry: ENTRY.pathname, formats: ['iife'], name: 'sluice' } },
    });
    const { output } = (Array.isArray(built) ? built[0] : built) as { output: { type: string; code: string }[] };
    const code = output.map((chunk) => chunk.code).join('');
    expect(code).not.toMatch(/node:|__vite-browser-external|require\(/);
    const server = await startTestServer((arrival) => {
      arrival.reply({});
    });
    // The socket hands out buffers of this realm: the bundle must know them as such.
    const globals = {
      ArrayBuffer,
      Uint8Array,
      WebSocket,
      URL,
      TextEncoder,
      TextDecoder,
      performance,
      setTimeout,
      clearTimeout,
    };
    const context = createContext(globals);
    runInContext(`${code}; globalThis.connect = (options) => sluice.SluiceClient.connect(options);`, context);
    const client = await runInContext(`connect({ url: ${JSON.stringify(server.url)}, key: 'k' })`, context);
    await client.ping();
    await client.close();
    await server.close();
    expect(server.arrivals.map(({ command }) => command)).toEqual(['ping']);
  });
});
