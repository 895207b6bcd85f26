import { existsSync, readdirSync, statSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import { Meter } from './backup.ts';
import {
  BackupError,
  type BackupFile,
  type BackupManifest,
  digestFile,
  type OnCopyProgress,
  readManifest,
} from './backup-manifest.ts';
import { type DataDirectory, DIRECTORY_FILE, readDirectory } from './directory.ts';
import { makeFolder, syncFolder } from './durable-file.ts';

export interface RestoreOptions {
  /** A folder that backupDirectory made. */
  readonly from: string;
  /** A folder that is empty or does not exist. */
  readonly to: string;
  readonly onProgress?: OnCopyProgress;
}

/**
 * Makes a data directory out of a backup. Reads every file against the manifest before it writes the first byte, and
 * again as it copies. Throws a BackupError that names the file at fault.
 */
export async function restoreDirectory({ from, to, onProgress }: RestoreOptions): Promise<DataDirectory> {
  const source = resolve(from);
  const target = resolve(to);
  const manifest = readManifest(source);
  if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0)) {
    throw new BackupError('notEmpty', target, `${target} is not an empty folder`);
  }
  await checkBackup(source, manifest, onProgress);
  makeFolder(target);
  for (const name of foldersOf(manifest)) makeFolder(join(target, name));
  const meter = new Meter(
    'copy',
    manifest.files.map(({ path }) => join(source, path)),
    onProgress,
  );
  // The file that makes it a data directory comes last: an interrupted restore is not taken for one.
  const last = manifest.files.filter(({ path }) => path === DIRECTORY_FILE);
  const rest = manifest.files.filter(({ path }) => path !== DIRECTORY_FILE);
  for (const file of [...rest, ...last]) await copyFile(source, target, file, meter);
  return readDirectory(target);
}

/** Reads all files of a backup against its manifest. Throws a BackupError. */
export async function checkBackup(
  folder: string,
  manifest: BackupManifest,
  onProgress?: OnCopyProgress,
): Promise<void> {
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    if (!existsSync(path)) throw new BackupError('damaged', path, `${path} is missing from the backup`);
    const { size } = statSync(path);
    if (size !== file.bytes) throw differs(path, `it has ${size} bytes, not ${file.bytes}`);
  }
  const meter = new Meter(
    'check',
    manifest.files.map(({ path }) => join(folder, path)),
    onProgress,
  );
  for (const file of manifest.files) {
    const path = join(folder, file.path);
    let read = 0;
    const { sha256 } = await digestFile(path, (chunk) => {
      read += chunk.length;
      meter.at(file.path, read);
    });
    if (sha256 !== file.sha256) throw differs(path, 'its SHA-256 is another one');
    meter.finish(file.path, read);
  }
}

function differs(path: string, how: string): BackupError {
  return new BackupError('damaged', path, `${path} is not what was backed up: ${how}`);
}

/** Every folder of the directory, parents first; environments that were never written are empty folders. */
function foldersOf({ directory, files }: BackupManifest): string[] {
  const folders = ['control'];
  for (let number = 0; number < directory.partitions; number++) {
    folders.push(`partition-${number}`, `partition-${number}/journal`, `partition-${number}/index`);
  }
  const known = new Set([...folders, '.']);
  const strange = files.find(({ path }) => !known.has(dirname(path)));
  if (strange !== undefined)
    throw new BackupError('format', strange.path, `${strange.path} has no place in a directory`);
  return folders;
}

async function copyFile(source: string, target: string, file: BackupFile, meter: Meter): Promise<void> {
  const path = join(target, file.path);
  const copy = await open(path, 'wx', 0o600);
  try {
    let written = 0;
    const { sha256 } = await digestFile(join(source, file.path), async (chunk) => {
      await copy.appendFile(chunk);
      written += chunk.length;
      meter.at(file.path, written);
    });
    if (sha256 !== file.sha256) throw differs(join(source, file.path), 'it changed while it was copied');
    await copy.sync();
    meter.finish(file.path, written);
  } finally {
    await copy.close();
  }
  syncFolder(dirname(path));
}
