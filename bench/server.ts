/** The switch under test: the compiled program with its default configuration, on a fresh data directory. */
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { KeyStore } from '../engine/admission/key-store.ts';
import type { SluiceClient } from '../protocol/client/client.ts';
import { connectNode } from '../protocol/client/node.ts';
import { SCOPES } from '../protocol/commands.ts';
import {
  clockTicksPerSecond,
  compiled,
  cpuSeconds,
  endWithUs,
  ownMemoryBytes,
  profileArguments,
  residentBytes,
} from './processes.ts';

export interface ServerOptions {
  /** An empty folder. */
  readonly dataDir: string;
  readonly partitions: number;
  /** API key of an institution that is there already; undefined = a new one. */
  readonly key?: string;
  /** More words of `sluice serve`. */
  readonly flags?: readonly string[];
  /** Folder for CPU profiles; undefined = none. */
  readonly cpuProf: string | undefined;
}

export interface BenchServer {
  readonly host: string;
  readonly port: number;
  /** API key with every scope, of an institution of its own. */
  readonly key: string;
  connect(): Promise<SluiceClient>;
  /** From the start of the process until it listened. */
  readonly openedAfterMs: number;
  /** Memory now; see `ownMemoryBytes`. */
  memoryBytes(): number;
  /** All resident memory now, pages of the mapped data files included. */
  residentBytes(): number;
  /** CPU time since the start, of all threads. */
  cpuSeconds(): number;
  /** Stops it as an operator would. Rejects when it did not end well. */
  stop(): Promise<void>;
}

const STOP_MS = 30_000;
/** As in the first line of engine/cli/sluice.js. */
const YOUNG_GENERATION = '--max-semi-space-size=64';

export async function startServer(options: ServerOptions): Promise<BenchServer> {
  const { dataDir, partitions, cpuProf, flags = [] } = options;
  const words = ['serve', '--json', '--data-dir', dataDir, '--port', '0', '--partitions', String(partitions)];
  const started = performance.now();
  const child = spawn(
    process.execPath,
    [
      YOUNG_GENERATION,
      ...profileArguments(cpuProf, 'server'),
      compiled('../engine/cli/main'),
      ...words,
      ...flags,
      '--log-level',
      'error',
    ],
    // The environment could configure the switch: what is measured are its defaults.
    { stdio: ['ignore', 'pipe', 'pipe'], env: withoutSluice(process.env) },
  );
  const release = endWithUs(child);
  let complaints = '';
  child.stderr.on('data', (text: Buffer) => {
    complaints = (complaints + text.toString()).slice(-4000);
  });
  const exited = new Promise<number | null>((resolve) => child.once('exit', resolve));
  const url = await new Promise<URL>((resolve, reject) => {
    const lines = createInterface({ input: child.stdout });
    lines.on('line', (line) => {
      const { listening } = JSON.parse(line) as { listening?: string };
      if (listening !== undefined) resolve(new URL(listening));
    });
    void exited.then(() => reject(new Error(`the switch did not start: ${complaints}`)));
  });
  const openedAfterMs = performance.now() - started;
  const { pid } = child;
  if (pid === undefined) throw new Error('the switch has no process');
  const key = options.key ?? (await createKey(dataDir));
  const ticks = clockTicksPerSecond();
  return {
    host: url.hostname,
    port: Number(url.port),
    key,
    connect: () => connectNode({ url: `ws://${url.host}`, key, name: 'sluice-bench' }),
    openedAfterMs,
    memoryBytes: () => ownMemoryBytes(pid),
    residentBytes: () => residentBytes(pid),
    cpuSeconds: () => cpuSeconds(pid, ticks),
    stop: async () => {
      child.kill('SIGTERM');
      const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
      const code = await exited;
      clearTimeout(timer);
      release();
      if (code !== 0) throw new Error(`the switch ended with ${code ?? 'a signal'}: ${complaints}`);
    },
  };
}

async function createKey(dataDir: string): Promise<string> {
  const store = KeyStore.open({ directory: join(dataDir, 'control'), nowMs: Date.now });
  try {
    const { number } = store.createInstitution('Benchmark');
    return store.createKey({ institution: number, scopes: SCOPES, label: 'benchmark' }).text;
  } finally {
    await store.close();
  }
}

function withoutSluice(environment: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !name.startsWith('SLUICE_')));
}
