/**
 * Queues of what another system has to be told until it has heard it, across crashes. An entry is a named thing of the journal:
 *
 *   armed ── change ──▶ due ⟲ change (tried again)      both: remove ──▶ removed, its time ──▶ expired ── remove ──▶ removed
 *
 * Each step is a version; the first one has the body, the others say where that is. Entries that wait are known in memory by what
 * orders them; what they say is read from the journal. An id is never used again: its versions are found for ever.
 */
import { deriveId } from '../../protocol/ids.ts';
import { OUTBOX_LIMITS } from '../../protocol/outbox-bodies.ts';
import type {
  ChangeOutboxBody,
  ListOutboxBody,
  OutboxEntry,
  PutOutboxBody,
  RegistryReply,
  RemoveOutboxBody,
} from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import { decodeEntity, type Entities, wordsOf } from '../entity/entities.ts';
import { EntityTables, tableOf } from '../entity/event.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { Timers } from '../ledger/timers.ts';
import { Queues } from './queues.ts';

const TWO_32 = 0x1_0000_0000;
/** Entries that one page may look at: bounds the time of a query. */
const VISITS_MAX = 2000;
/** Half of a reply: what one more entry takes is never more than the other half. */
const PAGE_BYTES_MAX = 32_768;

/** A version in the journal. */
interface StoredEntry extends OutboxEntry {
  /** Length of the body. */
  readonly bytes: number;
  /** Position of the first version; 0 in that one itself. */
  readonly putAt: number;
}

export class Outbox {
  readonly #ledger: Ledger;
  readonly #entities: Entities;
  readonly #waiting = new Queues();
  readonly #expired = new Queues();
  /** When entries end, by their numbers. */
  readonly #timers = new Timers();
  /** Numbers given, and entries that ended by their time, since the partition was made. */
  #numbered = 0;
  #expiries = 0;

  constructor(ledger: Ledger, entities: Entities) {
    this.#ledger = ledger;
    this.#entities = entities;
  }

  /** Microseconds; Infinity = nothing waits. */
  get nextExpiry(): number {
    return this.#timers.next;
  }

  get figures(): OutboxFigures {
    const { armed, due, bytes } = this.#waiting;
    return { armed, due, bytes, expired: this.#expiries };
  }

  put(institution: number, body: PutOutboxBody): RegistryReply {
    const known = this.#find(body);
    if (known !== undefined) {
      if (known.institution !== institution) return { code: Code.existsWithDifferentOwner };
      const { queue, id, state, notBefore, expiresAt, body: content, reference } = this.#firstOf(known);
      const first = { queue, id, state, notBefore, expiresAt, body: content, reference };
      return isSame(first, body) ? { code: Code.ok, entry: shown(known) } : { code: Code.outboxExistsDifferently };
    }
    if (body.expiresAt <= this.#ledger.now) return { code: Code.untilMustBeInFuture };
    const bytes = Buffer.byteLength(body.body, 'base64');
    const { size, bytes: used } = this.#waiting;
    if (size >= OUTBOX_LIMITS.entries || used + bytes > OUTBOX_LIMITS.bytes) return { code: Code.outboxFull };
    const number = this.#numbered + 1;
    const { now: created } = this.#ledger;
    return this.#write({ ...body, institution, attempts: 0, created, number, bytes, putAt: 0 });
  }

  /** Has it sent, or sent again. */
  change(institution: number, { attempts, notBefore, ...name }: ChangeOutboxBody): RegistryReply {
    const known = this.#findFor(institution, name);
    if (known === undefined) return { code: Code.outboxEntryNotFound };
    if (known.state === 'removed' || known.state === 'expired') return { code: Code.outboxEntryGone };
    const isKnown = known.state === 'due' && known.attempts === attempts && known.notBefore === notBefore;
    if (isKnown || attempts < known.attempts) return { code: Code.ok, entry: shown(known) };
    return this.#follow(known, { state: 'due', attempts, notBefore });
  }

  /** The other system has heard it, or never has to. */
  remove(institution: number, name: RemoveOutboxBody): RegistryReply {
    const known = this.#findFor(institution, name);
    if (known === undefined) return { code: Code.outboxEntryNotFound };
    if (known.state === 'removed') return { code: Code.ok, entry: shown(known) };
    return this.#follow(known, { state: 'removed' });
  }

  /** Entries of a queue that an institution may see, with their bodies, in the order in which they came. */
  list(institution: number, { queue, state, cursor, limit }: ListOutboxBody): RegistryReply {
    const from = state === 'expired' ? this.#expired : this.#waiting;
    const entries: OutboxEntry[] = [];
    let bytes = 0;
    let visits = 0;
    for (const { number, place } of from.after(queue, cursor)) {
      if (visits++ === VISITS_MAX || entries.length === limit || bytes > PAGE_BYTES_MAX) {
        return { code: Code.ok, entries, nextCursor: number - 1 };
      }
      const isMine = place.institution === institution || institution === OPERATOR_INSTITUTION;
      if (!isMine || (state !== undefined && place.state !== state)) continue;
      const stored = this.#read(place.lsn);
      const body = this.#firstOf(stored).body ?? '';
      const entry = { ...shown(stored), body };
      entries.push(entry);
      bytes += JSON.stringify(entry).length;
    }
    return { code: Code.ok, entries, nextCursor: 0 };
  }

  /** Ends entries whose time is up, `most` of them at most; returns how many. */
  expire(most: number): number {
    let expired = 0;
    while (expired < most && this.#timers.next <= this.#ledger.now) {
      const [low = 0, high = 0] = this.#timers.keys;
      this.#timers.pop();
      const place = this.#waiting.get(high * TWO_32 + low);
      // It was removed before.
      if (place === undefined) continue;
      this.#follow(this.#read(place.lsn), { state: 'expired' });
      expired++;
    }
    return expired;
  }

  /** Applies a stored entity event, of whatever table: for recovery. */
  replay(event: DataView, lsn: number): void {
    if (tableOf(event) === EntityTables.outbox) this.#apply(decodeEntity<StoredEntry>(event), lsn);
  }

  /** Undefined when there never was an entry. */
  save(): SavedOutbox | undefined {
    if (this.#numbered === 0) return undefined;
    const [waiting, expired] = [this.#waiting.positions(), this.#expired.positions()];
    return { waiting, expired, numbered: this.#numbered, expiries: this.#expiries };
  }

  restore({ waiting, expired, numbered, expiries }: SavedOutbox): void {
    for (const lsn of [...waiting, ...expired]) this.#apply(this.#read(lsn), lsn);
    this.#numbered = numbered;
    this.#expiries = expiries;
  }

  #apply({ number, queue, state, institution, bytes, expiresAt }: StoredEntry, lsn: number): void {
    const wasWaiting = this.#waiting.remove(number);
    this.#expired.remove(number);
    this.#numbered = Math.max(this.#numbered, number);
    if (state === 'expired') {
      this.#expiries++;
      this.#expired.add(number, { queue, lsn, institution, state, bytes });
      if (this.#expired.size > OUTBOX_LIMITS.expired) this.#expired.removeOldest();
    } else if (state !== 'removed') {
      this.#waiting.add(number, { queue, lsn, institution, state, bytes });
      if (!wasWaiting) this.#timers.schedule(expiresAt, number % TWO_32, Math.floor(number / TWO_32), 0, 0);
    }
    this.#timers.prune(this.#waiting.size, (low, high) => this.#waiting.get(high * TWO_32 + low) !== undefined);
  }

  /** A version after another, without the body. */
  #follow({ body: _body, ...known }: StoredEntry, changes: Partial<StoredEntry>): RegistryReply {
    const putAt = known.putAt === 0 ? this.#entities.find(keyOf(known)) : known.putAt;
    return this.#write({ ...known, ...changes, putAt });
  }

  #write(entry: StoredEntry): RegistryReply {
    this.#apply(entry, this.#entities.write(EntityTables.outbox, keyOf(entry), entry.institution, entry));
    return { code: Code.ok, entry: shown(entry) };
  }

  #find(name: RemoveOutboxBody): StoredEntry | undefined {
    const lsn = this.#entities.find(keyOf(name));
    return lsn === 0 ? undefined : this.#read(lsn);
  }

  /** What is another institution's is told to nobody but the operator. */
  #findFor(institution: number, name: RemoveOutboxBody): StoredEntry | undefined {
    const known = this.#find(name);
    return known?.institution === institution || institution === OPERATOR_INSTITUTION ? known : undefined;
  }

  #firstOf(entry: StoredEntry): StoredEntry {
    return entry.putAt === 0 ? entry : this.#read(entry.putAt);
  }

  #read(lsn: number): StoredEntry {
    return decodeEntity<StoredEntry>(this.#ledger.events.read(lsn));
  }
}

export interface OutboxFigures {
  readonly armed: number;
  readonly due: number;
  /** Of the bodies of both. */
  readonly bytes: number;
  /** Entries that ended by their time, ever. */
  readonly expired: number;
}

/** Positions of the newest versions, in the order in which these were made. */
export interface SavedOutbox {
  readonly waiting: readonly number[];
  readonly expired: readonly number[];
  readonly numbered: number;
  readonly expiries: number;
}

/** As it is told, without its body. */
function shown({ bytes: _bytes, putAt: _putAt, body: _body, ...entry }: StoredEntry): OutboxEntry {
  return entry;
}

function keyOf({ queue, id }: RemoveOutboxBody): Uint32Array {
  return wordsOf(deriveId('outbox', queue, id));
}

function isSame(first: object, asked: object): boolean {
  const entries = Object.entries(first);
  return Object.entries(asked).every(([name, value]) =>
    entries.some(([known, was]) => known === name && was === value),
  );
}
