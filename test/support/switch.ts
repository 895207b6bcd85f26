/** The compiled switch as a child process on a data directory. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { onTestFinished } from 'vitest';
import { KeyStore } from '../../engine/admission/key-store.ts';
import { SCOPES, type Scope } from '../../protocol/commands.ts';

export const PROGRAM = fileURLToPath(new URL('../../dist/engine/cli/main.js', import.meta.url));

/** A place for a data directory, which does not exist yet and goes when the test ends. */
export function dataFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-switch-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'data');
}

export interface Ended {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

export class RunningSwitch {
  readonly child: ChildProcess;
  readonly port: number;
  /** Log entries (JSON lines of standard output), as objects. */
  readonly log: Record<string, unknown>[];
  readonly #ended: Promise<Ended>;

  constructor(child: ChildProcess, port: number, log: Record<string, unknown>[], ended: Promise<Ended>) {
    this.child = child;
    this.port = port;
    this.log = log;
    this.#ended = ended;
  }

  get pid(): number {
    return this.child.pid ?? 0;
  }

  get url(): string {
    return `ws://127.0.0.1:${this.port}/v1/ws`;
  }

  get http(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  /** Sends a signal and waits for the end of the process. */
  end(signal: NodeJS.Signals): Promise<Ended> {
    this.child.kill(signal);
    return this.#ended;
  }

  ended(): Promise<Ended> {
    return this.#ended;
  }

  /** Bytes of its own memory, and of files that it has mapped and read. */
  memory(): { readonly anonymous: number; readonly file: number } {
    const status = readFileSync(`/proc/${this.pid}/status`, 'utf8');
    const field = (name: string): number => Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1]) * 1024;
    return { anonymous: field('RssAnon'), file: field('RssFile') };
  }
}

/** Spawns `sluice serve`; for tests of what happens before it listens. */
export function spawnSwitch(dataDir: string, flags: readonly string[] = []): ChildProcess {
  if (!existsSync(PROGRAM)) throw new Error('there is no compiled program: run "npm run build" first');
  const words = ['serve', '--json', '--data-dir', dataDir, '--port', '0', '--log-format', 'json', ...flags];
  return spawn(process.execPath, [PROGRAM, ...words], {
    env: { PATH: process.env.PATH ?? '' },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Starts the switch and resolves when it listens. Rejects with what it said when it ends before. */
export async function startSwitch(dataDir: string, flags: readonly string[] = []): Promise<RunningSwitch> {
  const child = spawnSwitch(dataDir, flags);
  const ended = once(child, 'exit').then(([code, signal]) => ({ code, signal }) as Ended);
  const log: Record<string, unknown>[] = [];
  let said = '';
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    said = `${said}${text}`.slice(-4000);
  });
  if (child.stdout === null) throw new Error('no standard output');
  const lines = createInterface({ input: child.stdout });
  const port = await new Promise<number>((resolve, reject) => {
    lines.on('line', (line) => {
      // A failure is told in a document of several lines.
      if (!line.startsWith('{"')) return;
      const entry: Record<string, unknown> = JSON.parse(line);
      if (typeof entry.listening === 'string') resolve(Number(new URL(entry.listening).port));
      else if (log.length < 10_000) log.push(entry);
    });
    void ended.then(({ code, signal }) => reject(new Error(`the switch ended with ${code ?? signal}:\n${said}`)));
  });
  return new RunningSwitch(child, port, log, ended);
}

/** Makes an API key in a data directory, also in one that is not there yet. A running switch knows it at once. */
export async function makeKey(dataDir: string, scopes: readonly Scope[] = SCOPES, name = 'Bank'): Promise<string> {
  const store = KeyStore.open({ directory: join(dataDir, 'control'), nowMs: Date.now });
  try {
    const known = store.listInstitutions().find((institution) => institution.name === name);
    const { number } = known ?? store.createInstitution(name);
    return store.createKey({ institution: number, scopes, label: 'test' }).text;
  } finally {
    await store.close();
  }
}

/** Waits until a condition holds; rejects after `timeoutMs`. */
export async function until(holds: () => boolean | Promise<boolean>, what: string, timeoutMs = 10_000): Promise<void> {
  const deadline = performance.now() + timeoutMs;
  while (!(await holds())) {
    if (performance.now() > deadline) throw new Error(`not within ${timeoutMs} ms: ${what}`);
    await pause(10);
  }
}

/** A port of this machine that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Runs another command of the program to its end. */
export async function run(words: readonly string[]): Promise<{ code: number | null; output: string; errors: string }> {
  const child = spawn(process.execPath, [PROGRAM, ...words], { env: { PATH: process.env.PATH ?? '' } });
  let output = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    output += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    errors += text;
  });
  const [code] = await once(child, 'close');
  return { code: code as number | null, output, errors };
}
