/** The compiled program as a person runs it: a child process with its own environment. */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const PROGRAM = fileURLToPath(new URL('../../../dist/engine/cli/main.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly output: string;
  readonly errors: string;
}

/** Starts `sluice …`. Only PATH and what is given are in its environment. */
export function start(words: readonly string[], environment: Readonly<Record<string, string>> = {}): ChildProcess {
  if (!existsSync(PROGRAM)) throw new Error('there is no compiled program: run "npm run build" first');
  return spawn(process.execPath, [PROGRAM, ...words], {
    env: { PATH: process.env.PATH ?? '', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
}

/** Runs `sluice …` to its end. */
export async function sluice(
  words: readonly string[],
  environment: Readonly<Record<string, string>> = {},
): Promise<Ended> {
  const child = start(words, environment);
  const [output, errors, code] = await Promise.all([
    readAll(child.stdout),
    readAll(child.stderr),
    new Promise<number | null>((resolve) => child.on('close', resolve)),
  ]);
  return { code, output, errors };
}

async function readAll(stream: NodeJS.ReadableStream | null): Promise<string> {
  let text = '';
  if (stream !== null) for await (const chunk of stream) text += String(chunk);
  return text;
}
