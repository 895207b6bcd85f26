/** Child processes of the benchmark: load generators, and what of a process the kernel tells. */
import { type ChildProcess, execFileSync, fork } from 'node:child_process';
import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { ChildMessage, Job, JobResult, RunMessage } from './load/jobs.ts';

/** Compiled modules of this folder, by their path without extension. */
export function compiled(path: string): string {
  return fileURLToPath(new URL(`./${path}.js`, import.meta.url));
}

/** Arguments for Node that leave CPU profiles of a process (and of its threads) in a folder of its own. */
export function profileArguments(directory: string | undefined, name: string): string[] {
  if (directory === undefined) return [];
  const folder = join(directory, name);
  mkdirSync(folder, { recursive: true });
  return ['--cpu-prof', `--cpu-prof-dir=${folder}`];
}

export interface JobEvents {
  /** The measured time begins. */
  measuring?(): void;
  progress?(count: number, elapsedMs: number): void;
  /** The measured time is over. */
  measured?(): void;
}

/** Runs a job in a process of its own. Rejects when it fails or ends without a result. */
export function runJob(job: Job, events: JobEvents, execArgv: readonly string[]): Promise<JobResult> {
  const child = fork(compiled('load/load-process'), { serialization: 'advanced', execArgv: [...execArgv] });
  const release = endWithUs(child);
  return new Promise<JobResult>((resolve, reject) => {
    let outcome: JobResult | Error = new Error('the load process ended without a result');
    child.on('message', (message: ChildMessage) => {
      switch (message.type) {
        case 'measuring':
          return events.measuring?.();
        case 'progress':
          return events.progress?.(message.count, message.elapsedMs);
        case 'measured':
          return events.measured?.();
        case 'done':
          outcome = message.result;
          return;
        case 'failed':
          outcome = new Error(message.message);
          return;
      }
    });
    child.on('error', reject);
    child.on('exit', () => {
      release();
      if (outcome instanceof Error) reject(outcome);
      else resolve(outcome);
    });
    const run: RunMessage = { type: 'run', job };
    child.send(run);
  });
}

/** Starts the echo server; `stop` ends it. */
export async function startEchoServer(): Promise<{ readonly port: number; stop(): Promise<void> }> {
  const child = fork(compiled('load/echo-server'), { execArgv: [] });
  const release = endWithUs(child);
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const port = await new Promise<number>((resolve, reject) => {
    child.once('message', (message: { port: number }) => resolve(message.port));
    child.once('exit', () => reject(new Error('the echo server did not start')));
  });
  return {
    port,
    stop: async () => {
      child.disconnect();
      await exited;
      release();
    },
  };
}

/** Kills the child when this process ends first, however it ends. Call what it returns once the child has ended. */
export function endWithUs(child: ChildProcess): () => void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  return () => void process.off('exit', kill);
}

/**
 * Memory that the process has for itself: anonymous and shared. Pages of mapped files are left out, since they are the
 * kernel's to take back. 0 where there is no /proc.
 */
export function ownMemoryBytes(pid: number): number {
  return statusBytes(pid, 'RssAnon') + statusBytes(pid, 'RssShmem');
}

/** Memory that the process has, pages of mapped files included. 0 where there is no /proc. */
export function residentBytes(pid: number): number {
  return statusBytes(pid, 'VmRSS');
}

function statusBytes(pid: number, name: string): number {
  const status = readProc(`/proc/${pid}/status`);
  return Number(new RegExp(`^${name}:\\s+(\\d+) kB`, 'm').exec(status)?.[1] ?? 0) * 1024;
}

/** CPU time of all threads of the process so far. 0 where there is no /proc. */
export function cpuSeconds(pid: number, ticksPerSecond: number): number {
  // Fields 14 and 15 of proc(5) stat; the second, in brackets, may hold spaces.
  const fields = readProc(`/proc/${pid}/stat`)
    .replace(/^.*\) /s, '')
    .split(' ');
  return (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond;
}

/** Unit of the times in /proc. */
export function clockTicksPerSecond(): number {
  try {
    return Number(execFileSync('getconf', ['CLK_TCK'], { encoding: 'utf8' })) || 100;
  } catch {
    return 100;
  }
}

function readProc(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
