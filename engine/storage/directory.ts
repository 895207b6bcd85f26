import { randomInt } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { LmdbJournal } from '../journal/journal.ts';
import { liveHolder, releaseLock, takeLock } from './directory-lock.ts';
import { makeFolder, syncFolder, writeDurably } from './durable-file.ts';

/*
 *   DIR/sluice.json            what the directory is; written last, so a directory that has it is complete
 *   DIR/lock                   who runs on it
 *   DIR/control/               LMDB: institutions and keys
 *   DIR/partition-N/journal/   LMDB: batches
 *   DIR/partition-N/index/     LMDB: segments, checkpoints
 */

/** Changes when a program of before cannot read the directory any more. */
export const DIRECTORY_FORMAT = 2;
export const PARTITIONS_MAX = 64;
export const DIRECTORY_FILE = 'sluice.json';
const LOCK_FILE = 'lock';

export type DirectoryProblem =
  /** There is no data directory at this place. */
  | 'missing'
  /** Something else is there already. */
  | 'notEmpty'
  /** Made by another version. */
  | 'format'
  /** Has another number of partitions than asked for; it is fixed when a directory is made. */
  | 'partitions'
  /** A running process holds it. */
  | 'locked'
  /** A part of it is missing or not readable. */
  | 'damaged';

/** A data directory cannot be used. The message is for the operator. */
export class DirectoryError extends Error {
  override readonly name = 'DirectoryError';
  readonly problem: DirectoryProblem;
  readonly path: string;

  constructor(problem: DirectoryProblem, path: string, message: string) {
    super(message);
    this.problem = problem;
    this.path = path;
  }
}

/** What `sluice.json` holds. */
export interface DirectoryInfo {
  readonly format: number;
  readonly partitions: number;
  /** Seed of the hash that maps an account to its partition and its place in tables. */
  readonly hashSeed: number;
  /** ISO 8601. */
  readonly createdAt: string;
}

export interface PartitionPaths {
  readonly journal: string;
  readonly index: string;
}

export interface DataDirectory {
  /** Absolute. */
  readonly path: string;
  readonly info: DirectoryInfo;
  readonly control: string;
  /** One per partition, in order. */
  readonly partitions: readonly PartitionPaths[];
}

export interface LockedDirectory extends DataDirectory {
  /** Gives the directory free: after everything in it was closed. */
  release(): void;
}

function partitionPaths(path: string, count: number): PartitionPaths[] {
  return Array.from({ length: count }, (_, number) => ({
    journal: join(path, `partition-${number}`, 'journal'),
    index: join(path, `partition-${number}`, 'index'),
  }));
}

export interface CreateOptions {
  /** 1 to 64. */
  readonly partitions: number;
  /** A u32; random when left out. Fixed in tests. */
  readonly hashSeed?: number;
}

/**
 * Makes an empty data directory and leaves it unlocked. The place must be empty or hold what an interrupted attempt left.
 * Everything is on disk when this resolves.
 */
export async function createDirectory(path: string, options: CreateOptions): Promise<DataDirectory> {
  const { partitions, hashSeed = randomInt(0, 2 ** 32) } = options;
  if (!Number.isInteger(partitions) || partitions < 1 || partitions > PARTITIONS_MAX) {
    throw new RangeError(`a data directory has 1 to ${PARTITIONS_MAX} partitions, not ${partitions}`);
  }
  const root = resolve(path);
  const strange = strangeEntry(root);
  if (strange !== undefined) {
    throw new DirectoryError('notEmpty', root, `${root} is not empty: it holds ${strange}`);
  }
  makeFolder(root);
  const lock = join(root, LOCK_FILE);
  const control = join(root, 'control');
  makeFolder(control);
  await lockOrThrow(root, lock, control);
  try {
    // Another process may have finished between the look above and the lock.
    if (existsSync(join(root, DIRECTORY_FILE))) {
      throw new DirectoryError('notEmpty', root, `${root} is a data directory already`);
    }
    const paths = partitionPaths(root, partitions);
    for (const [number, { journal, index }] of paths.entries()) {
      makeFolder(join(root, `partition-${number}`));
      makeFolder(journal);
      makeFolder(index);
      // An empty journal, so that one that is not there later is known to be lost.
      await (await LmdbJournal.open({ path: journal, partition: number })).close();
      syncFolder(journal);
    }
    const info = { format: DIRECTORY_FORMAT, partitions, hashSeed, createdAt: new Date().toISOString() };
    writeDurably(join(root, DIRECTORY_FILE), `${JSON.stringify(info, null, 2)}\n`);
    return { path: root, info, control, partitions: paths };
  } finally {
    releaseLock(lock);
  }
}

/** A name in `root` that no unfinished attempt to create a directory leaves there. */
function strangeEntry(root: string): string | undefined {
  if (!existsSync(root)) return undefined;
  if (!statSync(root).isDirectory()) return 'a file';
  return readdirSync(root).find((name) => !/^(lock|control|partition-\d+|\.\d+\.tmp)$/.test(name));
}

async function lockOrThrow(root: string, lock: string, control: string): Promise<void> {
  const holder = await takeLock(lock, control);
  if (holder !== undefined) throw lockedError(root, holder.pid, holder.since);
}

function lockedError(root: string, pid: number, since: string): DirectoryError {
  return new DirectoryError('locked', root, `${root} is in use by process ${pid} since ${since}`);
}

export interface OpenOptions {
  /** Refuse a directory with another number. */
  readonly partitions?: number;
}

/**
 * Reads what a data directory is, without locking it: for verify, backup and reports beside a running switch. Throws a
 * DirectoryError.
 */
export function readDirectory(path: string, options: OpenOptions = {}): DataDirectory {
  const root = resolve(path);
  const file = join(root, DIRECTORY_FILE);
  if (!existsSync(file)) {
    throw new DirectoryError('missing', root, `${root} is not a data directory: it has no ${DIRECTORY_FILE}`);
  }
  const info = parseInfo(root, file);
  if (options.partitions !== undefined && options.partitions !== info.partitions) {
    throw new DirectoryError(
      'partitions',
      root,
      `${root} has ${info.partitions} partition(s), not ${options.partitions}: the number is fixed when a directory is made`,
    );
  }
  const directory = {
    path: root,
    info,
    control: join(root, 'control'),
    partitions: partitionPaths(root, info.partitions),
  };
  const needed = [
    directory.control,
    ...directory.partitions.flatMap(({ journal, index }) => [join(journal, 'data.mdb'), index]),
  ];
  const lost = needed.find((part) => !existsSync(part));
  if (lost !== undefined) throw new DirectoryError('damaged', root, `${lost} is missing: restore it from a backup`);
  return directory;
}

/** `readDirectory`, then takes the lock: for the one running switch. */
export async function openDirectory(path: string, options: OpenOptions = {}): Promise<LockedDirectory> {
  const directory = readDirectory(path, options);
  const lock = join(directory.path, LOCK_FILE);
  await lockOrThrow(directory.path, lock, directory.control);
  return { ...directory, release: () => releaseLock(lock) };
}

/** Throws the `locked` DirectoryError when a process runs on the directory: for work that must not meet a switch. */
export function refuseLocked(directory: DataDirectory): void {
  const holder = liveHolder(join(directory.path, LOCK_FILE));
  if (holder !== undefined) throw lockedError(directory.path, holder.pid, holder.since);
}

function parseInfo(root: string, file: string): DirectoryInfo {
  const damaged = (what: string) => new DirectoryError('damaged', root, `${file} is damaged: ${what}`);
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch (error) {
    throw damaged(error instanceof Error ? error.message : 'not readable');
  }
  if (typeof value !== 'object' || value === null) throw damaged('not an object');
  const number = (name: string, min: number, max: number): number => {
    const field: unknown = Reflect.get(value, name);
    if (typeof field === 'number' && Number.isInteger(field) && field >= min && field <= max) return field;
    throw damaged(`${name} is ${String(field)}`);
  };
  const format = number('format', 0, Number.MAX_SAFE_INTEGER);
  if (format !== DIRECTORY_FORMAT) {
    const advice = format > DIRECTORY_FORMAT ? 'a newer version of this program made it' : 'it must be converted';
    throw new DirectoryError('format', root, `${root} has format ${format}, not ${DIRECTORY_FORMAT}: ${advice}`);
  }
  const createdAt: unknown = Reflect.get(value, 'createdAt');
  if (typeof createdAt !== 'string') throw damaged('createdAt is missing');
  return {
    format,
    partitions: number('partitions', 1, PARTITIONS_MAX),
    hashSeed: number('hashSeed', 0, 0xffff_ffff),
    createdAt,
  };
}
