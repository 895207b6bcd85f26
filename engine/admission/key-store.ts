/**
 * Institutions and their API keys, in LMDB under DIR/control. Other processes (the command line) may write while
 * the switch reads: a new key works at once, a revoked one stops within `CACHE_MS`.
 */
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { SCOPES, type Scope } from '../../protocol/commands.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { formatKey, hashSecret, newKey, parseKey, secretMatches } from './key-text.ts';

export interface Institution {
  readonly number: number;
  readonly name: string;
}

/** A key as it is listed: never its secret. Times are milliseconds since 1970. */
export interface KeyEntry {
  readonly id: string;
  readonly institution: number;
  readonly scopes: readonly Scope[];
  readonly label: string;
  readonly createdAtMs: number;
  readonly revokedAtMs?: number;
}

/** Who a request comes from. */
export interface Principal {
  readonly institution: number;
  readonly institutionName: string;
  readonly scopes: readonly Scope[];
  readonly keyId: string;
}

export interface KeyStoreSettings {
  /** DIR/control; made when it is not there. */
  readonly directory: string;
  readonly nowMs: () => number;
  readonly operatorName?: string;
}

interface StoredKey extends KeyEntry {
  /** SHA-256 of the secret, hex. */
  readonly secretSha256: string;
}

interface Cached {
  readonly principal: Principal;
  readonly secretSha256: Uint8Array;
  readonly readAtMs: number;
}

/** How long a key is trusted without looking again: half of the second in which a revocation must work. */
const CACHE_MS = 500;
const CACHE_KEYS_MAX = 4096;
/** Tables of DIR/control: those of this store, and those of the webhooks. */
export const CONTROL_DATABASES_MAX = 8;
const NAME_BYTES_MAX = 128;
const INSTITUTION_MAX = 0xffff_ffff;

export class KeyStore {
  readonly #root: RootDatabase;
  readonly #institutions: Database<Institution, number>;
  readonly #keys: Database<StoredKey, string>;
  readonly #now: () => number;
  /** Oldest look first, so the first entry is the one to drop. */
  readonly #cache = new Map<string, Cached>();

  private constructor(root: RootDatabase, settings: KeyStoreSettings) {
    this.#root = root;
    this.#institutions = root.openDB({ name: 'institutions', encoding: 'json' });
    this.#keys = root.openDB({ name: 'keys', encoding: 'json' });
    this.#now = settings.nowMs;
    root.transactionSync(() => {
      if (this.#institutions.get(OPERATOR_INSTITUTION) !== undefined) return;
      const name = checkName(settings.operatorName ?? 'operator', 'name');
      this.#institutions.putSync(OPERATOR_INSTITUTION, { number: OPERATOR_INSTITUTION, name });
    });
  }

  /** Opens the store, and makes it with the operator (institution 1) when it is new. */
  static open(settings: KeyStoreSettings): KeyStore {
    mkdirSync(settings.directory, { recursive: true, mode: 0o700 });
    const root = open({ path: settings.directory, maxDbs: CONTROL_DATABASES_MAX, overlappingSync: false });
    return new KeyStore(root, settings);
  }

  /** Registers an institution under the next free number. Throws RangeError when the name is not one. */
  createInstitution(name: string): Institution {
    checkName(name, 'name');
    return this.#root.transactionSync(() => {
      const [last] = this.#institutions.getKeys({ reverse: true, limit: 1 });
      const number = (last ?? 0) + 1;
      if (number > INSTITUTION_MAX) throw new RangeError('there are no institution numbers left');
      this.#institutions.putSync(number, { number, name });
      return { number, name };
    });
  }

  institution(number: number): Institution | undefined {
    this.#root.resetReadTxn();
    return this.#institutions.get(number);
  }

  listInstitutions(): Institution[] {
    this.#root.resetReadTxn();
    return [...this.#institutions.getRange({}).map(({ value }) => value)];
  }

  /** Makes a key. `text` is the only place where its secret ever is: show it once. Throws RangeError on bad input. */
  createKey(request: { institution: number; scopes: readonly Scope[]; label: string }): KeyEntry & { text: string } {
    const scopes = SCOPES.filter((scope) => request.scopes.includes(scope));
    if (scopes.length === 0 || request.scopes.some((scope) => !SCOPES.includes(scope))) {
      throw new RangeError(`scopes must be some of ${SCOPES.join(', ')}`);
    }
    const label = checkName(request.label, 'label');
    const parts = newKey();
    const entry: KeyEntry = {
      id: parts.id,
      institution: request.institution,
      scopes,
      label,
      createdAtMs: this.#now(),
    };
    this.#root.transactionSync(() => {
      if (this.#institutions.get(request.institution) === undefined) {
        throw new RangeError(`there is no institution ${request.institution}`);
      }
      this.#keys.putSync(parts.id, { ...entry, secretSha256: hashSecret(parts.secret).toString('hex') });
    });
    return { ...entry, text: formatKey(parts) };
  }

  /** All keys, or those of one institution, revoked ones too. */
  listKeys(institution?: number): KeyEntry[] {
    this.#root.resetReadTxn();
    const entries: KeyEntry[] = [];
    for (const { value } of this.#keys.getRange({})) {
      const { secretSha256: _, ...entry } = value;
      if (institution === undefined || entry.institution === institution) entries.push(entry);
    }
    return entries.sort((a, b) => a.createdAtMs - b.createdAtMs || (a.id < b.id ? -1 : 1));
  }

  /** Ends a key. False when there is no such key; ending it again keeps the first time. */
  revokeKey(id: string): boolean {
    this.#cache.delete(id);
    return this.#root.transactionSync(() => {
      const stored = this.#keys.get(id);
      if (stored === undefined) return false;
      if (stored.revokedAtMs === undefined) this.#keys.putSync(id, { ...stored, revokedAtMs: this.#now() });
      return true;
    });
  }

  /** Who has this key; undefined when it is not a key, not known, or revoked. */
  authenticate(text: string): Principal | undefined {
    const parts = parseKey(text);
    if (parts === undefined) return undefined;
    const known = this.#lookUp(parts.id);
    return known !== undefined && secretMatches(parts.secret, known.secretSha256) ? known.principal : undefined;
  }

  close(): Promise<void> {
    return this.#root.close();
  }

  #lookUp(id: string): Cached | undefined {
    const now = this.#now();
    const cached = this.#cache.get(id);
    // A clock that went back makes the entry old, not young for ever.
    if (cached !== undefined && Math.abs(now - cached.readAtMs) < CACHE_MS) return cached;
    this.#cache.delete(id);
    this.#root.resetReadTxn();
    const stored = this.#keys.get(id);
    if (stored === undefined || stored.revokedAtMs !== undefined) return undefined;
    const institution = this.#institutions.get(stored.institution);
    if (institution === undefined) return undefined;
    const fresh: Cached = {
      principal: Object.freeze({
        institution: institution.number,
        institutionName: institution.name,
        scopes: stored.scopes,
        keyId: id,
      }),
      secretSha256: Buffer.from(stored.secretSha256, 'hex'),
      readAtMs: now,
    };
    if (this.#cache.size >= CACHE_KEYS_MAX) {
      for (const oldest of this.#cache.keys()) {
        this.#cache.delete(oldest);
        break;
      }
    }
    this.#cache.set(id, fresh);
    return fresh;
  }
}

function checkName(text: string, what: string): string {
  const printable = [...text].every((character) => character >= ' ' && character !== '\u007f');
  if (text.trim() === '' || !printable || Buffer.byteLength(text) > NAME_BYTES_MAX) {
    throw new RangeError(`a ${what} is 1 to ${NAME_BYTES_MAX} bytes of printable text`);
  }
  return text;
}
