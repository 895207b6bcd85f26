import { fork } from 'node:child_process';
import type { Finding } from './verify-journal.ts';

/*
 * LMDB trusts its pages. A damaged B-tree page, or a file cut short, ends the process that reads it (SIGSEGV, SIGBUS,
 * an assertion) instead of throwing. So whatever reads a directory that may be damaged runs in a child:
 *
 *     runGuarded(entry, input) ──▶ fork(entry) ──▶ answerGuarded(handler)
 *                 ▲                                      │ report(message) …
 *                 └──────────── 'report' / 'done' / 'error' / death by signal
 */

/** Plain data: what JSON can carry. */
export type PlainData =
  | string
  | number
  | boolean
  | null
  | readonly PlainData[]
  | { readonly [name: string]: PlainData | undefined };

interface FromChild {
  readonly kind: 'ready' | 'report' | 'done' | 'error';
  readonly data: PlainData;
}

function isFromChild(value: unknown): value is FromChild {
  if (typeof value !== 'object' || value === null || !('data' in value)) return false;
  return ['ready', 'report', 'done', 'error'].includes(String(Reflect.get(value, 'kind')));
}

export interface GuardedOptions {
  /** The module to run: compiled JavaScript that calls `answerGuarded`. */
  readonly entry: URL;
  /** Handed to the handler in the child. */
  readonly input: PlainData;
  /** The environment under check, for the finding when it ends the child: which partition, and `journal`, `index` …. */
  readonly partition?: number;
  readonly where: string;
  /** What the handler reports meanwhile. */
  readonly onReport?: (data: PlainData) => void;
  /** Options for Node in the child; those of this process by default. */
  readonly execArgv?: readonly string[];
  /** Ends the child. The promise then rejects. */
  readonly signal?: AbortSignal;
}

/** What the handler answered, or why it could not. */
export type GuardedResult =
  | { readonly ok: true; readonly value: PlainData }
  | { readonly ok: false; readonly finding: Finding };

/** Runs a check in a process of its own and turns its death, or an exception in it, into a finding. */
export function runGuarded(options: GuardedOptions): Promise<GuardedResult> {
  const { entry, input, partition, where, onReport, signal } = options;
  return new Promise((resolve, reject) => {
    const child = fork(entry, {
      serialization: 'json',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      ...(options.execArgv === undefined ? {} : { execArgv: [...options.execArgv] }),
    });
    let answer: GuardedResult | undefined;
    let complaint = '';
    const failed = (problem: string): GuardedResult => {
      return { ok: false, finding: { ...(partition === undefined ? {} : { partition }), where, problem } };
    };
    const stop = () => child.kill('SIGKILL');
    signal?.addEventListener('abort', stop, { once: true });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      // What LMDB writes before it aborts; bounded, since a broken child may write without end.
      complaint = `${complaint}${text}`.slice(0, 2000);
    });
    child.on('error', reject);
    child.on('message', (message: unknown) => {
      if (!isFromChild(message)) return;
      if (message.kind === 'ready') child.send({ input });
      else if (message.kind === 'report') onReport?.(message.data);
      else if (message.kind === 'done') answer = { ok: true, value: message.data };
      else answer = failed(`unreadable: ${String(message.data)}`);
    });
    child.on('close', (code, killedBy) => {
      signal?.removeEventListener('abort', stop);
      if (signal?.aborted) return reject(signal.reason);
      const how = killedBy === null ? `exit code ${code}` : killedBy;
      const said = complaint.trim() === '' ? '' : ` (${complaint.trim().split('\n')[0]})`;
      resolve(answer ?? failed(`crash: reading the environment ended its process with ${how}${said}`));
    });
  });
}

/**
 * The child's half: takes the one input, runs the handler, sends its answer and lets the process end. `report` sends
 * findings, progress and the like at once, so that they are not lost when the process dies.
 */
export function answerGuarded(
  handler: (input: PlainData, report: (data: PlainData) => void) => Promise<PlainData>,
): void {
  const send = (kind: FromChild['kind'], data: PlainData) =>
    new Promise<void>((resolve) => {
      // Resolves when it is on the pipe; a parent that is gone is noticed below.
      if (process.send === undefined) resolve();
      else process.send({ kind, data }, undefined, undefined, () => resolve());
    });
  const answer = async (input: PlainData): Promise<void> => {
    try {
      await send('done', await handler(input, (data) => void send('report', data)));
    } catch (error) {
      await send('error', error instanceof Error ? error.message : String(error));
    } finally {
      process.disconnect();
    }
  };
  process.once('message', (message: { readonly input: PlainData }) => void answer(message.input));
  // The parent is gone: nobody waits for the answer.
  process.once('disconnect', () => process.exit(0));
  void send('ready', null);
}
