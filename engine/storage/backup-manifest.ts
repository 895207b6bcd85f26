import { createHash, type Hash } from 'node:crypto';
import { createReadStream, existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DirectoryInfo } from './directory.ts';

/** A backup is a data directory without a lock, and this file, written last. */
export const MANIFEST_FILE = 'backup.json';
export const MANIFEST_FORMAT = 1;

export interface BackupFile {
  /** Relative to the backup, with `/`. */
  readonly path: string;
  readonly bytes: number;
  /** Lower-case hex. */
  readonly sha256: string;
}

export interface BackupManifest {
  readonly format: number;
  /** ISO 8601: when the copy began. */
  readonly createdAt: string;
  readonly directory: DirectoryInfo;
  readonly files: readonly BackupFile[];
}

/** How far long work is. Bytes of all files together. */
export interface CopyProgress {
  readonly stage: 'copy' | 'check';
  /** The file at work. */
  readonly path: string;
  readonly bytesDone: number;
  readonly bytesTotal: number;
}

export type OnCopyProgress = (progress: CopyProgress) => void;

export type BackupProblem = 'notEmpty' | 'missing' | 'damaged' | 'format';

/** A backup cannot be made or used; `path` is the file or folder at fault. */
export class BackupError extends Error {
  override readonly name = 'BackupError';
  readonly problem: BackupProblem;
  readonly path: string;

  constructor(problem: BackupProblem, path: string, message: string, options?: ErrorOptions) {
    super(message, options);
    this.problem = problem;
    this.path = path;
  }
}

/** The manifest as it is stored: with a digest over itself, so that damage to it is told from damage to a file. */
export function encodeManifest(manifest: BackupManifest): string {
  const digest = createHash('sha256').update(JSON.stringify(manifest)).digest('hex');
  return `${JSON.stringify({ ...manifest, digest }, null, 2)}\n`;
}

/** Reads and checks the manifest of the backup in `folder`. Throws a BackupError. */
export function readManifest(folder: string): BackupManifest {
  const file = join(folder, MANIFEST_FILE);
  if (!existsSync(file)) {
    throw new BackupError('missing', file, `${folder} is not a whole backup: it has no ${MANIFEST_FILE}`);
  }
  const damaged = (what: string, cause?: unknown) =>
    new BackupError('damaged', file, `${file} is damaged: ${what}`, { cause });
  let stored: unknown;
  try {
    stored = JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    throw damaged('it is not JSON', cause);
  }
  if (typeof stored !== 'object' || stored === null) throw damaged('it is not an object');
  const { digest, ...content } = { digest: undefined, ...stored };
  const actual = createHash('sha256').update(JSON.stringify(content)).digest('hex');
  if (digest !== actual) throw damaged('its digest does not match');
  if (!isManifest(content)) throw damaged('fields are missing');
  if (content.format !== MANIFEST_FORMAT) {
    throw new BackupError('format', file, `${file} has format ${content.format}, not ${MANIFEST_FORMAT}`);
  }
  return content;
}

/** The digest has vouched for the rest: only a manifest of another kind fails here. */
function isManifest(value: object): value is BackupManifest {
  const files: unknown = Reflect.get(value, 'files');
  const isFile = (file: unknown) =>
    typeof file === 'object' &&
    file !== null &&
    typeof Reflect.get(file, 'path') === 'string' &&
    !String(Reflect.get(file, 'path')).split('/').includes('..') &&
    typeof Reflect.get(file, 'bytes') === 'number' &&
    typeof Reflect.get(file, 'sha256') === 'string';
  return typeof Reflect.get(value, 'format') === 'number' && Array.isArray(files) && files.every(isFile);
}

/** Reads a file in chunks through SHA-256. `onChunk` may be asynchronous: reading waits for it. */
export async function digestFile(
  path: string,
  onChunk: (chunk: Uint8Array) => void | Promise<void>,
): Promise<{ readonly bytes: number; readonly sha256: string }> {
  const hash: Hash = createHash('sha256');
  let bytes = 0;
  for await (const chunk of createReadStream(path, { highWaterMark: 2 ** 20 })) {
    if (!(chunk instanceof Uint8Array)) throw new TypeError('a stream of bytes was expected');
    hash.update(chunk);
    bytes += chunk.length;
    await onChunk(chunk);
  }
  return { bytes, sha256: hash.digest('hex') };
}
