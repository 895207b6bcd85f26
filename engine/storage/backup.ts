import { chmodSync, closeSync, existsSync, fsyncSync, openSync, readdirSync, statSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { open } from 'lmdb';
import {
  BackupError,
  type BackupFile,
  type BackupManifest,
  type CopyProgress,
  digestFile,
  encodeManifest,
  MANIFEST_FILE,
  MANIFEST_FORMAT,
  type OnCopyProgress,
} from './backup-manifest.ts';
import { cutOff, newestTimestamp } from './consistent-cut.ts';
import { type DataDirectory, DIRECTORY_FILE, readDirectory } from './directory.ts';
import { makeFolder, syncFolder, writeDurably } from './durable-file.ts';

export interface BackupOptions {
  /** A data directory; a switch may be running on it in another process. */
  readonly from: string;
  /** A folder that is empty or does not exist. */
  readonly to: string;
  readonly onProgress?: OnCopyProgress;
}

/** How often progress is told while LMDB copies. */
const PROGRESS_MS = 200;

/**
 * Copies a data directory while it is in use. Each environment is copied as of one moment, whole; the journals last, so
 * that no checkpoint, and no key of an institution, is newer than the journal beside it: what a journal has more is
 * replayed. Resolves to the manifest when everything is on disk. Throws a BackupError or a DirectoryError; an
 * unfinished backup has no manifest and is refused by restore.
 */
export async function backupDirectory({ from, to, onProgress }: BackupOptions): Promise<BackupManifest> {
  const source = readDirectory(from);
  const target = resolve(to);
  if (existsSync(target) && (!statSync(target).isDirectory() || readdirSync(target).length > 0)) {
    throw new BackupError('notEmpty', target, `${target} is not an empty folder`);
  }
  const createdAt = new Date().toISOString();
  makeFolder(target);
  const environments = environmentsInOrder(source).map((path) => ({ path, name: relative(source.path, path) }));
  const present = environments.filter(({ path }) => existsSync(join(path, 'data.mdb')));
  const meter = new Meter(
    'copy',
    present.map(({ path }) => join(path, 'data.mdb')),
    onProgress,
  );
  for (const { name } of environments) {
    makeFolder(join(target, dirname(name)));
    makeFolder(join(target, name));
  }
  // Several partitions are copied one after the other, but as of one moment.
  const moment = source.partitions.length > 1 ? await newestTimestamp(source) : undefined;
  for (const { path, name } of present) await copyEnvironment(path, join(target, name), name, meter);
  if (moment !== undefined) {
    for (const { journal, index } of source.partitions) {
      const copied = (path: string): string => join(target, relative(source.path, path));
      await cutOff({ journal: copied(journal), index: copied(index) }, moment);
    }
  }
  const text = `${JSON.stringify(source.info, null, 2)}\n`;
  writeDurably(join(target, DIRECTORY_FILE), text);
  const names = [DIRECTORY_FILE, ...present.map(({ name }) => `${name}/data.mdb`)];
  const files = await digestFiles(target, names, onProgress);
  const manifest: BackupManifest = { format: MANIFEST_FORMAT, createdAt, directory: source.info, files };
  writeDurably(join(target, MANIFEST_FILE), encodeManifest(manifest));
  return manifest;
}

function environmentsInOrder(directory: DataDirectory): string[] {
  return [
    directory.control,
    ...directory.partitions.map(({ index }) => index),
    ...directory.partitions.map(({ journal }) => journal),
  ];
}

/** LMDB's own hot copy: the pages of one snapshot, read while a writer goes on. */
async function copyEnvironment(from: string, to: string, name: string, meter: Meter): Promise<void> {
  const environment = open({ path: from, readOnly: true, overlappingSync: false });
  const copy = join(to, 'data.mdb');
  const timer = setInterval(() => meter.at(name, existsSync(copy) ? statSync(copy).size : 0), PROGRESS_MS);
  try {
    // Not compacted: a journal has no free pages, and a plain copy keeps the place of every page.
    await environment.backup(to, false);
  } finally {
    clearInterval(timer);
    await environment.close();
  }
  chmodSync(copy, 0o600);
  const file = openSync(copy, 'r');
  try {
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  syncFolder(to);
  meter.finish(name, statSync(copy).size);
}

async function digestFiles(root: string, names: readonly string[], onProgress?: OnCopyProgress): Promise<BackupFile[]> {
  const meter = new Meter(
    'check',
    names.map((name) => join(root, name)),
    onProgress,
  );
  const files: BackupFile[] = [];
  for (const path of names) {
    let read = 0;
    const digest = await digestFile(join(root, path), (chunk) => {
      read += chunk.length;
      meter.at(path, read);
    });
    meter.finish(path, digest.bytes);
    files.push({ path, ...digest });
  }
  return files;
}

/** Adds up the bytes of several files. */
export class Meter {
  readonly #stage: CopyProgress['stage'];
  readonly #total: number;
  readonly #onProgress: OnCopyProgress | undefined;
  #before = 0;

  constructor(stage: CopyProgress['stage'], files: readonly string[], onProgress: OnCopyProgress | undefined) {
    this.#stage = stage;
    this.#total = files.reduce((sum, file) => sum + statSync(file).size, 0);
    this.#onProgress = onProgress;
  }

  /** `bytes` of the file at work are done. */
  at(path: string, bytes: number): void {
    const bytesDone = this.#before + bytes;
    // The source may have grown since it was measured.
    const bytesTotal = Math.max(this.#total, bytesDone);
    this.#onProgress?.({ stage: this.#stage, path, bytesDone, bytesTotal });
  }

  finish(path: string, bytes: number): void {
    this.at(path, bytes);
    this.#before += bytes;
  }
}
