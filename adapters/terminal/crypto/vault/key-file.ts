/**
 * The key store on disk: a JSON file of key blocks, each wrapped under the master key, which has a file of its own that
 * only its owner can read.
 *
 *     { "format": 1, "keys": [ { "id": "visa-imk", "usage": "E0", "block": "D0112E0TX00N0000…" } ] }
 */
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { parseHex, wipe } from '../bytes.ts';
import { unwrapKey } from '../tr31/key-block.ts';
import { SecretKey } from './secret-key.ts';

export const KEY_FILE_ERRORS = [
  'masterKeyMissing',
  /** Others than its owner can read it. */
  'masterKeyMode',
  'masterKeyFormat',
  'keyFileMissing',
  'keyFileFormat',
  'duplicateId',
  /** The usage in the file is not the one that is bound to the key. */
  'usageMismatch',
  /** The block cannot be unwrapped under this master key. */
  'blockInvalid',
] as const;

export interface KeyFileError {
  readonly code: (typeof KEY_FILE_ERRORS)[number];
  /** What is wrong, with file and id; never key material. */
  readonly problem: string;
}

/** Either every key is good, or all problems are told and there is none. */
export type LoadedKeys =
  | { readonly ok: true; readonly keys: readonly SecretKey[] }
  | { readonly ok: false; readonly errors: readonly KeyFileError[] };

interface Entry {
  readonly id: string;
  readonly usage: string;
  readonly block: string;
}

const FORMAT = 1;
const KEYS_MAX = 10_000;
const MASTER_BYTES_MAX = 200;
const MASTER_LENGTHS: readonly number[] = [16, 24, 32];
const OTHERS = 0o077;
const ID = /^[a-zA-Z0-9][a-zA-Z0-9._-]{0,63}$/;

/** Reads both files at start. `masterKeyFile` holds the key block protection key as 32, 48 or 64 hex digits. */
export function loadKeyFile(keyFile: string, masterKeyFile: string): LoadedKeys {
  const master = readMasterKey(masterKeyFile);
  if (!(master instanceof Uint8Array)) return { ok: false, errors: [master] };
  const entries = readEntries(keyFile);
  if (!Array.isArray(entries)) {
    wipe(master);
    return { ok: false, errors: [entries] };
  }
  const keys = new Map<string, SecretKey>();
  const errors: KeyFileError[] = [];
  for (const { id, usage, block } of entries) {
    const result = unwrapKey(master, block);
    if (!result.ok) {
      errors.push(error('blockInvalid', `key "${id}" in ${keyFile}: ${result.problem}`));
      continue;
    }
    if (keys.has(id)) errors.push(error('duplicateId', `key "${id}" is in ${keyFile} twice`));
    if (result.header.usage !== usage) {
      const found = `its block is bound to ${result.header.usage}`;
      errors.push(error('usageMismatch', `key "${id}" in ${keyFile} is listed for ${usage}, but ${found}`));
    }
    keys.set(id, new SecretKey(id, result.header, result.key));
    wipe(result.key);
  }
  wipe(master);
  if (errors.length === 0) return { ok: true, keys: [...keys.values()] };
  for (const key of keys.values()) key.wipe();
  return { ok: false, errors };
}

function readMasterKey(path: string): Uint8Array | KeyFileError {
  let file: number;
  try {
    file = openSync(path, 'r');
  } catch {
    return error('masterKeyMissing', `the master key file ${path} cannot be opened`);
  }
  try {
    // Asked of the open file, so that it cannot be exchanged in between.
    const { mode, size } = fstatSync(file);
    if ((mode & OTHERS) !== 0) {
      const found = (mode & 0o777).toString(8).padStart(4, '0');
      return error('masterKeyMode', `the master key file ${path} has mode ${found}: make it 0600`);
    }
    const text = size <= MASTER_BYTES_MAX ? readFileSync(file, 'latin1').trim() : '';
    const key = parseHex(text);
    if (key !== undefined && MASTER_LENGTHS.includes(key.length)) return key;
    return error('masterKeyFormat', `the master key file ${path} must hold 32, 48 or 64 hex digits and nothing else`);
  } finally {
    closeSync(file);
  }
}

function readEntries(path: string): Entry[] | KeyFileError {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch {
    return error('keyFileMissing', `the key file ${path} cannot be read`);
  }
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return error('keyFileFormat', `the key file ${path} is not JSON`);
  }
  if (!isRecord(document) || document.format !== FORMAT || !Array.isArray(document.keys)) {
    return error('keyFileFormat', `the key file ${path} must be {"format": ${FORMAT}, "keys": […]}`);
  }
  if (document.keys.length > KEYS_MAX)
    return error('keyFileFormat', `the key file ${path} has more than ${KEYS_MAX} keys`);
  const entries: Entry[] = [];
  for (const [index, entry] of document.keys.entries()) {
    const read = isRecord(entry) ? readEntry(entry) : undefined;
    if (read === undefined) {
      const expected = 'an id (letters, digits, . _ -), a usage (two capitals or digits) and a block';
      return error('keyFileFormat', `keys[${index}] in ${path} must have ${expected}`);
    }
    entries.push(read);
  }
  return entries;
}

function readEntry({ id, usage, block }: Readonly<Record<string, unknown>>): Entry | undefined {
  if (typeof id !== 'string' || typeof usage !== 'string' || typeof block !== 'string') return undefined;
  return ID.test(id) && /^[0-9A-Z]{2}$/.test(usage) ? { id, usage, block } : undefined;
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function error(code: KeyFileError['code'], problem: string): KeyFileError {
  return { code, problem };
}
