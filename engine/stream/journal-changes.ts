/**
 * The change stream of one partition, read from its journal beside the writer: from any position, in the order of the journal.
 * A cursor is the position of the next event to look at; one that points into an event goes on with the next one.
 */
import type { Change, ChangeType } from '../../protocol/changes.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { partitionOfAccount } from '../hash-id.ts';
import type { StoredBatch } from '../journal/batch-store.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { LmdbJournal } from '../journal/journal.ts';
import { eventView } from '../ledger/events.ts';
import { changeTypeOf, Documents, type Reader } from './documents.ts';
import { Owners } from './owners.ts';

export interface JournalChangesOptions {
  readonly partition: number;
  /** How many there are. */
  readonly partitions: number;
  readonly journalPath: string;
  readonly indexPath: string;
  /** u32 of the data directory. */
  readonly hashSeed: number;
}

export interface ChangeQuery {
  /** Whose changes: those that it made and those on its accounts; the operator's are all. */
  readonly institution: number;
  /** At most `end`. */
  readonly cursor: number;
  readonly countMax: number;
  /** Changes that come after this much are left to the next page; the first one always fits. */
  readonly bytesMax: number;
  /** Only these; all when left out. */
  readonly types?: readonly ChangeType[];
  /** Where to stop, for a page that was read before and must be the same again. */
  readonly until?: number;
}

export interface ChangePage {
  readonly changes: readonly Change[];
  readonly nextCursor: number;
  /** Whether `nextCursor` is the end of the journal as it was when this was read. */
  readonly atEnd: boolean;
}

/** Journal that one page may look at to find what is the reader's: bounds the time of a read. */
const SCAN_BYTES_MAX = 16 * 2 ** 20;
/** A document of fixed form has less than this, as JSON. */
const DOCUMENT_BYTES = 1280;

export class JournalChanges {
  readonly partition: number;
  readonly #journal: LmdbJournal;
  readonly #options: JournalChangesOptions;
  readonly #documents: Documents;
  #owners: Promise<Owners> | undefined;

  private constructor(journal: LmdbJournal, options: JournalChangesOptions) {
    this.partition = options.partition;
    this.#journal = journal;
    this.#options = options;
    this.#documents = new Documents(journal, options.partition);
  }

  /** Opens the journal for reading. Throws a JournalError when its last batch is damaged. */
  static async open(options: JournalChangesOptions): Promise<JournalChanges> {
    const { journalPath, partition } = options;
    return new JournalChanges(await LmdbJournal.open({ path: journalPath, partition, readOnly: true }), options);
  }

  /** The end of what is durable at this moment. */
  end(): number {
    return this.#journal.refresh();
  }

  /** The next page. Looks at what is durable by now. */
  async read(query: ChangeQuery): Promise<ChangePage> {
    const { institution } = query;
    const owners = institution === OPERATOR_INSTITUTION ? undefined : await this.#openOwners();
    const end = this.end();
    owners?.follow(this.#journal);
    const maySee = (account: bigint, lsn: number): boolean =>
      owners === undefined ? this.#isHere(account) : owners.ownerOf(account, lsn) === institution;
    const reader = { institution, seesAll: owners === undefined, maySee };
    const until = Math.min(query.until ?? end, end);
    const page = new Page(query, until);
    if (query.cursor < until) {
      for (const batch of this.#journal.batches(query.cursor, until)) {
        if (!this.#take(batch, page, reader)) break;
      }
    }
    return { changes: page.changes, nextCursor: page.cursor, atEnd: page.cursor >= end };
  }

  close(): Promise<void> {
    return this.#journal.close();
  }

  /** Adds the events of a batch. False when the page is full. */
  #take({ lsn: start, bytes }: StoredBatch, page: Page, reader: Reader): boolean {
    const { timestamp } = readBatchHeader(bytes);
    for (let at = BATCH_HEADER_BYTES; at < bytes.length; ) {
      const event = eventView(bytes, at);
      const lsn = start + at / LSN_UNIT_BYTES;
      at += event.byteLength;
      if (lsn < page.cursor) continue;
      if (lsn >= page.until || page.isFull) return false;
      if (page.wants(event)) {
        // Reading what the event points at may replace the view on it.
        const length = event.byteLength;
        const change = this.#documents.read(event, lsn, timestamp, reader);
        if (change !== undefined && !page.add(change, length)) return false;
      }
      page.cursor = start + at / LSN_UNIT_BYTES;
    }
    page.scanned += bytes.length;
    // Also over a header without events behind it.
    page.cursor = Math.max(page.cursor, Math.min(start + bytes.length / LSN_UNIT_BYTES, page.until));
    return page.scanned < SCAN_BYTES_MAX;
  }

  #isHere(account: bigint): boolean {
    const { partition, partitions } = this.#options;
    const word = (shift: bigint): number => Number((account >> shift) & 0xffff_ffffn);
    return partitionOfAccount(word(0n), word(32n), word(64n), word(96n), partitions) === partition;
  }

  /** Only who is not the operator needs to know the owners. */
  #openOwners(): Promise<Owners> {
    this.#owners ??= this.#loadOwners();
    return this.#owners;
  }

  async #loadOwners(): Promise<Owners> {
    const owners = new Owners(this.#options.hashSeed);
    await owners.load(this.#options.indexPath);
    return owners;
  }
}

/** A page that is being filled. */
class Page {
  readonly changes: Change[] = [];
  readonly until: number;
  cursor: number;
  scanned = 0;
  readonly #query: ChangeQuery;
  #bytes = 0;

  constructor(query: ChangeQuery, until: number) {
    this.#query = query;
    this.cursor = query.cursor;
    this.until = until;
  }

  get isFull(): boolean {
    return this.changes.length >= this.#query.countMax;
  }

  wants(event: DataView): boolean {
    const type = changeTypeOf(event);
    return type !== undefined && (this.#query.types === undefined || this.#query.types.includes(type));
  }

  /** False when it does not fit any more. */
  add(change: Change, eventBytes: number): boolean {
    // Text in JSON may take twice its bytes.
    const bytes = DOCUMENT_BYTES + (change.body === undefined ? 0 : 2 * eventBytes);
    if (this.changes.length > 0 && this.#bytes + bytes > this.#query.bytesMax) return false;
    this.#bytes += bytes;
    this.changes.push(change);
    return true;
  }
}
