import { readFileSync, rmSync } from 'node:fs';
import { open } from 'lmdb';
import { writeDurably } from './durable-file.ts';

/**
 * Who holds a data directory. A pid alone is not enough: numbers come back after a reboot, and in a container every start
 * has the same one. So the boot and the start time of the process stand beside it.
 */
export interface LockHolder {
  readonly pid: number;
  /** `boot id:start time in ticks`, empty where the system does not tell. */
  readonly incarnation: string;
  /** ISO 8601, for people. */
  readonly since: string;
}

/** Which run of `pid` is running now, as Linux tells it (proc(5): stat field 22); empty when it does not. */
function incarnationOf(pid: number): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The name in field 2 may hold spaces and parentheses: count from its end.
    const started = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
    return started === undefined ? '' : `${boot}:${started}`;
  } catch {
    return '';
  }
}

function isRunning({ pid, incarnation }: LockHolder): boolean {
  try {
    process.kill(pid, 0);
  } catch (error) {
    // EPERM: it runs, as somebody else.
    if (!(error instanceof Error && Reflect.get(error, 'code') === 'EPERM')) return false;
  }
  const now = incarnationOf(pid);
  return now === '' || incarnation === '' || now === incarnation;
}

/** Who is written in the lock file; undefined when there is none or it is not readable as one (a torn write). */
export function readLock(lockPath: string): LockHolder | undefined {
  try {
    const holder: unknown = JSON.parse(readFileSync(lockPath, 'utf8'));
    if (typeof holder !== 'object' || holder === null) return undefined;
    const pid: unknown = Reflect.get(holder, 'pid');
    const incarnation: unknown = Reflect.get(holder, 'incarnation');
    const since: unknown = Reflect.get(holder, 'since');
    if (typeof pid !== 'number' || !Number.isInteger(pid) || pid <= 0) return undefined;
    return {
      pid,
      incarnation: typeof incarnation === 'string' ? incarnation : '',
      since: typeof since === 'string' ? since : '',
    };
  } catch {
    return undefined;
  }
}

/** The running holder of the lock file, if any. */
export function liveHolder(lockPath: string): LockHolder | undefined {
  const holder = readLock(lockPath);
  return holder !== undefined && isRunning(holder) ? holder : undefined;
}

/**
 * Takes the lock file, over a dead holder if need be. Answers the live holder when there is one, else undefined.
 *
 * Reading a stale lock and replacing it must be one step, or two processes that start together both succeed. Node has no
 * file locks; the write transaction of an LMDB environment is one that the kernel releases when its holder dies. The
 * one in `mutexPath` (any environment of the directory) is entered for the moment of the exchange.
 */
export async function takeLock(lockPath: string, mutexPath: string): Promise<LockHolder | undefined> {
  const mutex = open({ path: mutexPath, overlappingSync: false });
  try {
    return mutex.transactionSync(() => {
      const holder = liveHolder(lockPath);
      if (holder === undefined) writeLock(lockPath);
      return holder;
    });
  } finally {
    await mutex.close();
  }
}

function writeLock(lockPath: string): void {
  const holder: LockHolder = {
    pid: process.pid,
    incarnation: incarnationOf(process.pid),
    since: new Date().toISOString(),
  };
  writeDurably(lockPath, `${JSON.stringify(holder)}\n`);
}

/** Gives the lock up, if it is this process's. */
export function releaseLock(lockPath: string): void {
  if (readLock(lockPath)?.pid === process.pid) rmSync(lockPath, { force: true });
}
