import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { backupDirectory } from '../../../engine/storage/backup.ts';
import { BackupError, type CopyProgress, readManifest } from '../../../engine/storage/backup-manifest.ts';
import { createDirectory, DirectoryError, openDirectory, readDirectory } from '../../../engine/storage/directory.ts';
import { restoreDirectory } from '../../../engine/storage/restore.ts';
import { type Finding, verifyJournal } from '../../../engine/storage/verify-journal.ts';
import { makeBatch } from '../journal/make-batch.ts';
import { RUN_TYPESCRIPT, temporaryFolder } from '../journal/support.ts';

const WRITER = fileURLToPath(new URL('../journal/journal-writer.ts', import.meta.url));

/** A directory of two partitions with ten batches each. */
async function filled(): Promise<string> {
  const path = join(temporaryFolder(), 'data');
  const { partitions } = await createDirectory(path, { partitions: 2 });
  for (const [partition, paths] of partitions.entries()) {
    const journal = await LmdbJournal.open({ path: paths.journal, partition });
    for (let n = 0; n < 10; n++) {
      const batch = makeBatch(2, 4096, n);
      await journal.append(batch, batch.length, { timestamp: n, eventCount: 2 });
    }
    await journal.close();
  }
  return path;
}

async function verified(path: string, partition = 0): Promise<{ batches: number; findings: Finding[] }> {
  const findings: Finding[] = [];
  const { journal } = readDirectory(path).partitions[partition]!;
  const report = await verifyJournal({ path: journal, partition, onFinding: (finding) => findings.push(finding) });
  return { batches: report.batches, findings };
}

async function errorOf(action: Promise<unknown>): Promise<BackupError> {
  const error = await action.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  if (error instanceof BackupError) return error;
  throw new Error(`expected a BackupError, not ${String(error)}`);
}

describe('backup and restore', () => {
  it('gives back the same directory', async () => {
    const path = await filled();
    const folder = temporaryFolder();
    const steps: CopyProgress[] = [];
    const onProgress = (progress: CopyProgress) => steps.push(progress);
    const manifest = await backupDirectory({ from: path, to: join(folder, 'deep', 'backup'), onProgress });
    expect(readManifest(join(folder, 'deep', 'backup'))).toEqual(manifest);
    expect(manifest.files.map((file) => file.path)).toEqual([
      'sluice.json',
      'control/data.mdb',
      'partition-0/journal/data.mdb',
      'partition-1/journal/data.mdb',
    ]);
    const restored = await restoreDirectory({
      from: join(folder, 'deep', 'backup'),
      to: join(folder, 'new'),
      onProgress,
    });
    expect(restored.info).toEqual(readDirectory(path).info);
    for (const partition of [0, 1]) {
      expect(await verified(restored.path, partition)).toEqual({ batches: 10, findings: [] });
    }
    const directory = await openDirectory(restored.path);
    const journal = await LmdbJournal.open({ path: directory.partitions[1]!.journal, partition: 1 });
    expect(journal.nextSequence).toBe(11);
    await journal.append(makeBatch(1, 16, 1), 144, { timestamp: 99, eventCount: 1 });
    await journal.close();
    directory.release();
    for (const stage of ['copy', 'check']) {
      const last = steps.filter((step) => step.stage === stage).at(-1);
      expect(last?.bytesDone).toBe(last?.bytesTotal);
    }
  });

  it('copies the journals last, so that no index is ahead of its journal', async () => {
    const path = await filled();
    const index = open({ path: readDirectory(path).partitions[0]!.index, overlappingSync: false });
    await index.put('checkpoint', 1);
    await index.close();
    const order: string[] = [];
    const onProgress = ({ stage, path: name }: CopyProgress) => {
      if (stage === 'copy' && order.at(-1) !== name) order.push(name);
    };
    const to = join(temporaryFolder(), 'b');
    await backupDirectory({ from: path, to, onProgress });
    expect(order).toEqual(['control', 'partition-0/index', 'partition-0/journal', 'partition-1/journal']);
    const { partitions } = await restoreDirectory({ from: to, to: join(temporaryFolder(), 'r') });
    const copy = open({ path: partitions[0]!.index, readOnly: true, overlappingSync: false });
    expect(copy.get('checkpoint')).toBe(1);
    await copy.close();
  });

  it('works while another process writes: everything durable before it began is in it', async () => {
    const path = join(temporaryFolder(), 'data');
    const { partitions } = await createDirectory(path, { partitions: 1 });
    const child: ChildProcess = spawn(
      process.execPath,
      [...RUN_TYPESCRIPT, WRITER, partitions[0]!.journal, '1000000'],
      { stdio: ['ignore', 'pipe', 'inherit'] },
    );
    onTestFinished(() => {
      child.kill('SIGKILL');
    });
    let durable = 0;
    const lines = createInterface({ input: child.stdout! });
    lines.on('line', (line) => {
      durable = Number(line);
    });
    for (let round = 0; round < 3; round++) {
      const goal = durable + 50;
      while (durable < goal) await once(lines, 'line');
      const before = durable;
      const to = join(temporaryFolder(), 'backup');
      await backupDirectory({ from: path, to });
      const restored = await restoreDirectory({ from: to, to: join(temporaryFolder(), 'restored') });
      const { batches, findings } = await verified(restored.path);
      expect(findings).toEqual([]);
      expect(batches).toBeGreaterThanOrEqual(before);
      expect(child.exitCode).toBe(null);
    }
    // The running one can be verified in place, too.
    expect((await verified(path)).findings).toEqual([]);
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
    expect((await verified(path)).batches).toBeGreaterThanOrEqual(durable);
  }, 60_000);

  it('refuses a target that is not empty, and one that is no data directory', async () => {
    const path = await filled();
    const full = temporaryFolder();
    writeFileSync(join(full, 'letter.txt'), 'dear');
    expect(await errorOf(backupDirectory({ from: path, to: full }))).toMatchObject({ problem: 'notEmpty', path: full });
    const file = join(full, 'letter.txt');
    expect(await errorOf(backupDirectory({ from: path, to: file }))).toMatchObject({ problem: 'notEmpty', path: file });
    await expect(backupDirectory({ from: full, to: join(full, 'b') })).rejects.toThrow(DirectoryError);
    const to = join(temporaryFolder(), 'b');
    await backupDirectory({ from: path, to });
    expect(await errorOf(restoreDirectory({ from: to, to: path }))).toMatchObject({ problem: 'notEmpty', path });
    expect(await errorOf(restoreDirectory({ from: path, to: full }))).toMatchObject({ problem: 'missing' });
    expect(readdirSync(full)).toEqual(['letter.txt']);
  });
});

describe('restore of a damaged backup', () => {
  const journalFile = 'partition-1/journal/data.mdb';

  it.each<[string, string, (backup: string) => void]>([
    ['a flipped byte in a journal', journalFile, (backup) => flip(join(backup, journalFile), 40_000)],
    ['the last byte of a journal flipped', journalFile, (backup) => flip(join(backup, journalFile), -1)],
    ['a journal cut short', journalFile, (backup) => truncateSync(join(backup, journalFile), 8192)],
    ['a missing journal', journalFile, (backup) => rmSync(join(backup, journalFile))],
    [
      'another control',
      'control/data.mdb',
      (backup) => copyFileSync(join(backup, journalFile), join(backup, 'control/data.mdb')),
    ],
    ['a flipped byte in sluice.json', 'sluice.json', (backup) => flip(join(backup, 'sluice.json'), 20)],
    ['a flipped byte in the manifest', 'backup.json', (backup) => flip(join(backup, 'backup.json'), 300)],
    ['an empty manifest', 'backup.json', (backup) => truncateSync(join(backup, 'backup.json'), 0)],
    ['a manifest that says something else', 'backup.json', (backup) => editManifest(backup)],
  ])('is refused and named: %s', async (_, name, damage) => {
    const backup = join(temporaryFolder(), 'backup');
    await backupDirectory({ from: await filled(), to: backup });
    damage(backup);
    const to = join(temporaryFolder(), 'restored');
    const error = await errorOf(restoreDirectory({ from: backup, to }));
    expect(error).toMatchObject({ problem: 'damaged', path: join(backup, name) });
    expect(error.message).toContain(name);
    expect(existsSync(to)).toBe(false);
  });

  it('is refused when the backup was interrupted', async () => {
    const backup = join(temporaryFolder(), 'backup');
    await backupDirectory({ from: await filled(), to: backup });
    rmSync(join(backup, 'backup.json'));
    const to = join(temporaryFolder(), 'restored');
    mkdirSync(to);
    expect(await errorOf(restoreDirectory({ from: backup, to }))).toMatchObject({ problem: 'missing' });
    expect(readdirSync(to)).toEqual([]);
  });
});

function flip(path: string, offset: number): void {
  const bytes = readFileSync(path);
  const at = offset < 0 ? bytes.length + offset : offset;
  bytes[at] = bytes[at]! ^ 1;
  writeFileSync(path, bytes);
}

function editManifest(backup: string): void {
  const path = join(backup, 'backup.json');
  writeFileSync(path, readFileSync(path, 'utf8').replace('"partitions": 2', '"partitions": 1'));
}
