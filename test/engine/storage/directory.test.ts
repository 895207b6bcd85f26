import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import {
  createDirectory,
  DIRECTORY_FORMAT,
  DirectoryError,
  type DirectoryProblem,
  openDirectory,
  readDirectory,
  refuseLocked,
} from '../../../engine/storage/directory.ts';
import { readLock } from '../../../engine/storage/directory-lock.ts';
import { RUN_TYPESCRIPT, temporaryFolder } from '../journal/support.ts';

const HOLDER = fileURLToPath(new URL('./lock-holder.ts', import.meta.url));

async function fresh(partitions = 1): Promise<string> {
  const path = join(temporaryFolder(), 'data');
  await createDirectory(path, { partitions, hashSeed: 7 });
  return path;
}

async function problemOf(action: () => unknown): Promise<DirectoryProblem | undefined> {
  try {
    await action();
    return undefined;
  } catch (error) {
    if (error instanceof DirectoryError) return error.problem;
    throw error;
  }
}

interface Holder {
  readonly child: ChildProcess;
  readonly said: string;
}

/** Starts a process that opens the directory; resolves with its first line. */
async function startHolder(path: string): Promise<Holder> {
  const child = spawn(process.execPath, [...RUN_TYPESCRIPT, HOLDER, path], { stdio: ['pipe', 'pipe', 'inherit'] });
  onTestFinished(() => {
    child.kill('SIGKILL');
  });
  const [said] = await once(createInterface({ input: child.stdout! }), 'line');
  return { child, said };
}

describe('createDirectory', () => {
  it('makes everything, for its owner only', async () => {
    const path = await fresh(2);
    expect(readdirSync(path).sort()).toEqual(['control', 'partition-0', 'partition-1', 'sluice.json']);
    for (const part of ['partition-0', 'partition-1']) {
      expect(readdirSync(join(path, part)).sort()).toEqual(['index', 'journal']);
      expect(existsSync(join(path, part, 'journal', 'data.mdb'))).toBe(true);
    }
    expect(statSync(path).mode & 0o077).toBe(0);
    const stored: unknown = JSON.parse(readFileSync(join(path, 'sluice.json'), 'utf8'));
    expect(stored).toEqual({ format: DIRECTORY_FORMAT, partitions: 2, hashSeed: 7, createdAt: expect.any(String) });
    expect(readDirectory(path)).toMatchObject({ path, info: stored, control: join(path, 'control') });
  });

  it('finishes what an interrupted attempt began', async () => {
    const path = await fresh(2);
    rmSync(join(path, 'sluice.json'));
    rmSync(join(path, 'partition-1', 'index'), { recursive: true });
    expect(await problemOf(() => readDirectory(path))).toBe('missing');
    const again = await createDirectory(path, { partitions: 2 });
    expect(readDirectory(path)).toEqual(again);
  });

  it('leaves a place alone that holds something', async () => {
    const path = await fresh();
    const before = readFileSync(join(path, 'sluice.json'), 'utf8');
    expect(await problemOf(() => createDirectory(path, { partitions: 4 }))).toBe('notEmpty');
    expect(readFileSync(join(path, 'sluice.json'), 'utf8')).toBe(before);
    const other = temporaryFolder();
    writeFileSync(join(other, 'letter.txt'), 'dear');
    expect(await problemOf(() => createDirectory(other, { partitions: 1 }))).toBe('notEmpty');
    expect(await problemOf(() => createDirectory(join(other, 'letter.txt'), { partitions: 1 }))).toBe('notEmpty');
  });

  it.each([0, 65, 1.5])('refuses %d partitions', async (partitions) => {
    await expect(createDirectory(join(temporaryFolder(), 'x'), { partitions })).rejects.toThrow(RangeError);
  });
});

describe('openDirectory', () => {
  it.each<[DirectoryProblem, string, (path: string) => void]>([
    ['missing', 'no sluice.json', (path) => rmSync(join(path, 'sluice.json'))],
    ['format', 'a newer format', (path) => edit(path, { format: DIRECTORY_FORMAT + 1 })],
    ['format', 'an older format', (path) => edit(path, { format: DIRECTORY_FORMAT - 1 })],
    ['damaged', 'no JSON', (path) => writeFileSync(join(path, 'sluice.json'), '{"format":1,')],
    ['damaged', 'no object', (path) => writeFileSync(join(path, 'sluice.json'), 'null')],
    ['damaged', 'a hash seed that is no u32', (path) => edit(path, { hashSeed: 2 ** 32 })],
    ['damaged', 'no partitions', (path) => edit(path, { partitions: 0 })],
    ['damaged', 'no date', (path) => edit(path, { createdAt: 5 })],
    ['damaged', 'a lost journal', (path) => rmSync(join(path, 'partition-1', 'journal', 'data.mdb'))],
    ['damaged', 'a lost index folder', (path) => rmSync(join(path, 'partition-0', 'index'), { recursive: true })],
    ['damaged', 'a lost control folder', (path) => rmSync(join(path, 'control'), { recursive: true })],
  ])('says %s when there is %s, and takes no lock', async (problem, _, change) => {
    const path = await fresh(2);
    change(path);
    expect(await problemOf(() => openDirectory(path))).toBe(problem);
    expect(existsSync(join(path, 'lock'))).toBe(false);
  });

  it('refuses another number of partitions than asked for', async () => {
    const path = await fresh(2);
    expect(await problemOf(() => openDirectory(path, { partitions: 3 }))).toBe('partitions');
    const directory = await openDirectory(path, { partitions: 2 });
    expect(directory.partitions.length).toBe(2);
    directory.release();
  });

  it('locks until it is released, against this process as well', async () => {
    const path = await fresh();
    const directory = await openDirectory(path);
    expect(readLock(join(path, 'lock'))?.pid).toBe(process.pid);
    expect(await problemOf(() => openDirectory(path))).toBe('locked');
    expect(await problemOf(() => refuseLocked(readDirectory(path)))).toBe('locked');
    directory.release();
    expect(existsSync(join(path, 'lock'))).toBe(false);
    refuseLocked(readDirectory(path));
    (await openDirectory(path)).release();
  });
});

function edit(path: string, change: object): void {
  const file = join(path, 'sluice.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), ...change }));
}

describe('the lock between processes', () => {
  it('names the holder to a second one, and is free when it ends', async () => {
    const path = await fresh();
    const first = await startHolder(path);
    expect(first.said).toBe(`held ${first.child.pid}`);
    const second = await startHolder(path);
    expect(second.said).toMatch(new RegExp(`^locked: .* in use by process ${first.child.pid} since 20`));
    first.child.stdin?.end();
    await once(first.child, 'close');
    (await openDirectory(path)).release();
  });

  it.each(['SIGKILL', 'abandon'])('is taken over from a process that ended without releasing it (%s)', async (how) => {
    const path = await fresh();
    const { child } = await startHolder(path);
    const gone = once(child, 'close');
    if (how === 'SIGKILL') child.kill('SIGKILL');
    else child.stdin?.end('abandon');
    await gone;
    expect(readLock(join(path, 'lock'))?.pid).toBe(child.pid);
    const directory = await openDirectory(path);
    expect(readLock(join(path, 'lock'))?.pid).toBe(process.pid);
    directory.release();
  });

  it('is taken over when the number of a dead holder belongs to another process now', async () => {
    const path = await fresh();
    const lock = join(path, 'lock');
    // This process's own number, as in a container where every start has the same one.
    writeFileSync(lock, JSON.stringify({ pid: process.pid, incarnation: 'another boot:1', since: '' }));
    (await openDirectory(path)).release();
  });

  it.each(['', '{"pid":', '{"pid":-1}', 'null'])('is taken over when it is not readable: %j', async (text) => {
    const path = await fresh();
    writeFileSync(join(path, 'lock'), text);
    (await openDirectory(path)).release();
  });

  it('goes to exactly one of several processes that find a stale one together', async () => {
    const path = await fresh();
    writeFileSync(join(path, 'lock'), JSON.stringify({ pid: 2 ** 22 - 1, incarnation: 'x:1', since: '' }));
    const holders = await Promise.all(Array.from({ length: 4 }, () => startHolder(path)));
    expect(holders.map(({ said }) => said.split(/[ :]/)[0]).sort()).toEqual(['held', 'locked', 'locked', 'locked']);
  }, 30_000);

  it('does not keep anything of a failed attempt', async () => {
    const parent = temporaryFolder();
    mkdirSync(join(parent, 'empty'));
    expect(await problemOf(() => openDirectory(join(parent, 'empty')))).toBe('missing');
    expect(readdirSync(join(parent, 'empty'))).toEqual([]);
  });
});
