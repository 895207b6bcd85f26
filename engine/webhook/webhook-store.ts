/**
 * Webhook endpoints, how far each is, and what could not be delivered: in LMDB under DIR/control, beside the keys. Other
 * processes (the command line) may write while the switch delivers.
 *
 * The secrets stand here in clear, because signing needs them: whoever may read DIR/control can sign as the switch. The folder
 * is its owner's alone (mode 0700), as that of the journals is, which hold what the deliveries say.
 */
import { randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { type Database, open, type RootDatabase } from 'lmdb';
import { CHANGE_TYPES, type ChangeType } from '../../protocol/changes.ts';
import { CONTROL_DATABASES_MAX } from '../admission/key-store.ts';

/** An endpoint as it is listed: never its secret. */
export interface WebhookEndpoint {
  readonly id: string;
  readonly url: string;
  /** Whose changes it gets. */
  readonly institution: number;
  /** Empty = all. */
  readonly types: readonly ChangeType[];
  /** Attempts after which a delivery goes on the dead-letter list. */
  readonly attemptsMax: number;
  readonly createdAtMs: number;
}

export interface StoredEndpoint extends WebhookEndpoint {
  readonly secret: string;
}

/** How far an endpoint is in one partition. */
export interface DeliveryState {
  /** Everything before this was delivered, or is on the dead-letter list. */
  readonly cursor: number;
  /** End of the delivery under way: what is repeated is the same as what was sent first. */
  readonly until?: number;
  /** Attempts of it that failed. */
  readonly attempts: number;
  /** Not before; ms since 1970. */
  readonly nextAtMs: number;
  readonly error?: string;
}

/** A delivery that was given up. What it held is in the journal still. */
export interface DeadLetter {
  /** The webhook-id that it had, and has when it is sent again. */
  readonly id: string;
  readonly endpoint: string;
  readonly partition: number;
  readonly cursor: number;
  readonly until: number;
  readonly attempts: number;
  readonly error: string;
  readonly atMs: number;
  /** Whether it is to be sent again. */
  readonly retry: boolean;
}

export const ENDPOINTS_MAX = 64;
/** When an endpoint's list is full it is held instead: it tries its delivery again and again and loses nothing. */
export const DEAD_LETTERS_MAX = 1000;
const ATTEMPTS_MAX = 100;
const URL_BYTES_MAX = 2048;
const SECRET_BYTES = 32;
/** Sorts after every id and partition. */
const LAST = '\uffff';

export interface NewEndpoint {
  readonly url: string;
  readonly institution: number;
  readonly types: readonly string[];
  readonly attemptsMax: number;
  /** Where to begin, by partition; the start where it says nothing. */
  readonly cursors: readonly number[];
  readonly nowMs: number;
}

export class WebhookStore {
  readonly #root: RootDatabase;
  readonly #endpoints: Database<StoredEndpoint, string>;
  readonly #states: Database<DeliveryState, [endpoint: string, partition: number]>;
  readonly #dead: Database<DeadLetter, [endpoint: string, id: string]>;

  private constructor(root: RootDatabase) {
    this.#root = root;
    this.#endpoints = root.openDB({ name: 'webhooks', encoding: 'json' });
    this.#states = root.openDB({ name: 'webhook-states', encoding: 'json' });
    this.#dead = root.openDB({ name: 'webhook-dead', encoding: 'json' });
  }

  /** @param directory DIR/control; made when it is not there */
  static open(directory: string): WebhookStore {
    mkdirSync(directory, { recursive: true, mode: 0o700 });
    return new WebhookStore(
      open({ path: directory, maxDbs: CONTROL_DATABASES_MAX, overlappingSync: false, eventTurnBatching: false }),
    );
  }

  /** `secret` is to be shown once. Throws RangeError on bad input. */
  add(request: NewEndpoint): StoredEndpoint {
    const endpoint: StoredEndpoint = {
      id: `we_${randomBytes(8).toString('hex')}`,
      url: checkUrl(request.url),
      institution: request.institution,
      types: checkTypes(request.types),
      attemptsMax: checkAttempts(request.attemptsMax),
      createdAtMs: request.nowMs,
      secret: `whsec_${randomBytes(SECRET_BYTES).toString('base64')}`,
    };
    this.#root.transactionSync(() => {
      if (this.#endpoints.getCount() >= ENDPOINTS_MAX)
        throw new RangeError(`there are ${ENDPOINTS_MAX} webhooks already`);
      this.#endpoints.putSync(endpoint.id, endpoint);
      for (const [partition, cursor] of request.cursors.entries()) {
        this.#states.putSync([endpoint.id, partition], { cursor, attempts: 0, nextAtMs: 0 });
      }
    });
    return endpoint;
  }

  /** With their secrets: for who signs. */
  endpoints(): StoredEndpoint[] {
    this.#root.resetReadTxn();
    return [...this.#endpoints.getRange({}).map(({ value }) => value)].sort((a, b) => a.createdAtMs - b.createdAtMs);
  }

  endpoint(id: string): StoredEndpoint | undefined {
    this.#root.resetReadTxn();
    return this.#endpoints.get(id);
  }

  /** Removes it with all that is kept for it. False when it is not there. */
  remove(id: string): boolean {
    return this.#root.transactionSync(() => {
      if (this.#endpoints.get(id) === undefined) return false;
      this.#endpoints.removeSync(id);
      for (const key of [...this.#states.getKeys(rangeOf(id))]) this.#states.removeSync(key);
      for (const key of [...this.#dead.getKeys(rangeOf(id))]) this.#dead.removeSync(key);
      return true;
    });
  }

  state(endpoint: string, partition: number): DeliveryState {
    this.#root.resetReadTxn();
    return this.#states.get([endpoint, partition]) ?? { cursor: 0, attempts: 0, nextAtMs: 0 };
  }

  states(endpoint: string): { readonly partition: number; readonly state: DeliveryState }[] {
    this.#root.resetReadTxn();
    return [...this.#states.getRange(rangeOf(endpoint)).map(({ key, value }) => ({ partition: key[1], state: value }))];
  }

  /** Resolves when it is durable. */
  async putState(endpoint: string, partition: number, state: DeliveryState): Promise<void> {
    await this.#states.put([endpoint, partition], state);
  }

  /** Puts a delivery on the list and goes on after it, in one step. False when the list is full: then nothing is changed. */
  async bury(letter: DeadLetter): Promise<boolean> {
    if (this.deadCount(letter.endpoint) >= DEAD_LETTERS_MAX) return false;
    const next: DeliveryState = { cursor: letter.until, attempts: 0, nextAtMs: 0 };
    await this.#root.transaction(() => {
      this.#dead.putSync([letter.endpoint, letter.id], letter);
      this.#states.putSync([letter.endpoint, letter.partition], next);
    });
    return true;
  }

  /** Oldest position first. */
  dead(endpoint: string): DeadLetter[] {
    this.#root.resetReadTxn();
    const letters = [...this.#dead.getRange(rangeOf(endpoint)).map(({ value }) => value)];
    return letters.sort((a, b) => a.partition - b.partition || a.cursor - b.cursor);
  }

  deadCount(endpoint: string): number {
    this.#root.resetReadTxn();
    return this.#dead.getKeysCount(rangeOf(endpoint));
  }

  /** Marks one delivery, or all of an endpoint, to be sent again. Says how many. */
  retry(endpoint: string, id?: string): number {
    const letters = this.dead(endpoint).filter((letter) => id === undefined || letter.id === id);
    this.#root.transactionSync(() => {
      for (const letter of letters) this.#dead.putSync([endpoint, letter.id], { ...letter, retry: true });
    });
    return letters.length;
  }

  /** A dead letter after it was sent again: gone, or why it still is there. */
  async settle(letter: DeadLetter, error: string | undefined, nowMs: number): Promise<void> {
    const key: [string, string] = [letter.endpoint, letter.id];
    if (error === undefined) await this.#dead.remove(key);
    else await this.#dead.put(key, { ...letter, attempts: letter.attempts + 1, error, atMs: nowMs, retry: false });
  }

  /** Removes what endpoints left behind that were removed while something was on its way to them. */
  prune(): void {
    const known = new Set(this.endpoints().map(({ id }) => id));
    this.#root.transactionSync(() => {
      for (const key of [...this.#states.getKeys()]) if (!known.has(key[0])) this.#states.removeSync(key);
      for (const key of [...this.#dead.getKeys()]) if (!known.has(key[0])) this.#dead.removeSync(key);
    });
  }

  close(): Promise<void> {
    return this.#root.close();
  }
}

// The keys are of two parts; the types of lmdb-js want both ends to be so.
function rangeOf(endpoint: string): { start: [string, never]; end: [string, never] } {
  return { start: [endpoint, null as never], end: [endpoint, LAST as never] };
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new RangeError(`"${text.slice(0, 100)}" is not an http or https address`);
  }
  if (url.username !== '' || url.password !== '') {
    throw new RangeError('an address with a name or password in it would be listed with them: leave them out');
  }
  if (url.href.length > URL_BYTES_MAX) throw new RangeError(`an address has at most ${URL_BYTES_MAX} bytes`);
  url.hash = '';
  return url.href;
}

function checkTypes(names: readonly string[]): readonly ChangeType[] {
  const types = CHANGE_TYPES.filter((type) => names.includes(type));
  const strange = names.find((name) => !types.some((type) => type === name));
  if (strange === undefined) return types;
  throw new RangeError(`"${strange}" is not a type of change: use some of ${CHANGE_TYPES.join(', ')}`);
}

function checkAttempts(count: number): number {
  if (Number.isInteger(count) && count >= 1 && count <= ATTEMPTS_MAX) return count;
  throw new RangeError(`attempts are 1 to ${ATTEMPTS_MAX}, not ${count}`);
}
