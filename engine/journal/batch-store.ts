import { type Database, IF_EXISTS, open, type RootDatabase } from 'lmdb';
import { BatchCache } from './batch-cache.ts';
import { LSN_UNIT_BYTES } from './header.ts';
import { MapView } from './map-view.ts';

/**
 * Address space, not memory or disk. lmdb-js can grow a map, but each growth leaves the old one mapped beside the new
 * one: large enough at once is cheaper. A journal above this size still works.
 */
const MAP_BYTES = 2 ** 38;
/** Threads and processes that read at the same time, each with one slot of 64 bytes in the lock file. */
const READERS_MAX = 256;
/** Places of batches that are remembered: 25 bytes each. */
const CACHE_ENTRIES = 32_768;

/** `put` has this option; the types of lmdb-js 3.5 leave it out. A version number means nothing to this database. */
interface Appending {
  put(lsn: number, bytes: Uint8Array, options: number | { readonly append: boolean }): Promise<boolean>;
}

export interface StoredBatch {
  /** LSN of the batch, which is its key. */
  readonly lsn: number;
  /** The whole blob. Read-only, and good until the next call of the store. */
  readonly bytes: Uint8Array;
}

/** What a journal asks of its store: the LMDB environment below, or a simulated disk. */
export type BatchStorage = Pick<
  BatchStore,
  'put' | 'changed' | 'floor' | 'count' | 'last' | 'keys' | 'get' | 'covering' | 'close'
>;

/** The LMDB environment of one partition's journal: batch blobs by the LSN at which they start. Knows no header. */
export class BatchStore {
  readonly #root: RootDatabase;
  readonly #batches: Database<Uint8Array, number>;
  readonly #map: MapView | undefined;
  /** Values below one page may live inside a B-tree page, which is copied when a neighbour is added: they have no place. */
  readonly #ownPagesBytesMin: number;
  readonly #cache = new BatchCache(CACHE_ENTRIES);
  #recent: StoredBatch = { lsn: 0, bytes: new Uint8Array(0) };
  #stale = false;

  private constructor(root: RootDatabase, batches: Database<Uint8Array, number>) {
    this.#root = root;
    this.#batches = batches;
    this.#map = MapView.over(batches);
    const pageSize: unknown = Reflect.get(root.getStats(), 'pageSize');
    this.#ownPagesBytesMin = typeof pageSize === 'number' ? pageSize : 65_536;
  }

  /** Opens or, unless `readOnly`, creates it. `path` is a folder that exists. Throws what LMDB says. */
  static open(path: string, readOnly: boolean): BatchStore {
    const root = open({
      path,
      readOnly,
      // What is visible is durable. One writer loses nothing by it.
      overlappingSync: false,
      // With it on, lmdb-js makes one more promise per transaction that nobody can catch when the commit fails.
      eventTurnBatching: false,
      maxDbs: 4,
      maxReaders: READERS_MAX,
      // A map smaller than the file would do for reading, too, but would be replaced as the writer grows the file.
      mapSize: MAP_BYTES,
      // Written out because it must stay so: true would leave scraps of this process's memory in the file's pages.
      noMemInit: false,
    });
    const batches: Database<Uint8Array, number> | undefined = root.openDB({ name: 'batches', encoding: 'binary' });
    if (batches === undefined) throw new Error(`${path} holds no journal`);
    return new BatchStore(root, batches);
  }

  /**
   * Resolves when the batch is on disk: true, or false when it was not written because `previous` (the batch that it
   * follows) is not there or its key is not the greatest. The condition is checked inside the write transaction: if one
   * transaction fails and the next works again (a disk that was full for a moment), no hole can come to be.
   * Puts resolve in the order in which they were made. `bytes` must stay as they are until then.
   */
  put(lsn: number, bytes: Uint8Array, previous: number | undefined): Promise<boolean> {
    const batches: Appending = this.#batches;
    const append = { append: true };
    if (previous === undefined) return batches.put(lsn, bytes, append);
    let written: Promise<boolean> = Promise.resolve(false);
    const condition = this.#batches.ifVersion(previous, IF_EXISTS, () => {
      written = batches.put(lsn, bytes, append);
    });
    return Promise.all([condition, written]).then(([held, put]) => held && put);
  }

  /** Removes the last batch, durably: for copies. */
  removeLast(lsn: number): void {
    this.#batches.removeSync(lsn);
    this.#recent = { lsn: 0, bytes: new Uint8Array(0) };
    this.#stale = true;
  }

  /** Call when a put may have landed: the next look-up must not see the snapshot of before. */
  changed(): void {
    this.#stale = true;
  }

  /** The greatest LSN at which a batch starts that is at or below `lsn`. */
  floor(lsn: number): number | undefined {
    this.#refresh();
    for (const key of this.#batches.getKeys({ start: lsn, reverse: true, limit: 1 })) return key;
    return undefined;
  }

  /** How many batches LMDB says there are: a walk over the keys must meet that many. */
  count(): number {
    this.#refresh();
    return Number(Reflect.get(this.#batches.getStats(), 'entryCount'));
  }

  last(): number | undefined {
    return this.floor(Number.MAX_SAFE_INTEGER);
  }

  /** Keys in order, as they stand: a damaged one can be anything. Reads ahead in chunks, so it holds no snapshot. */
  *keys(): Generator<unknown> {
    const limit = 1024;
    let start: number | undefined;
    for (;;) {
      this.#refresh();
      const chunk: unknown[] = [...this.#batches.getKeys(start === undefined ? { limit } : { start, limit })];
      yield* start === undefined ? chunk : chunk.slice(1);
      const last = chunk.at(-1);
      if (chunk.length < limit || typeof last !== 'number') return;
      start = last;
    }
  }

  /** The batch that starts exactly at `lsn`. */
  get(lsn: number): StoredBatch | undefined {
    if (this.#recent.lsn === lsn && this.#recent.bytes.length > 0) return this.#recent;
    this.#refresh();
    const value = this.#map?.locate(this.#batches, lsn);
    if (this.#map === undefined || (value !== undefined && value.length < this.#ownPagesBytesMin))
      return this.#copy(lsn);
    if (value === undefined) return undefined;
    this.#cache.add({ start: lsn, end: lsn + value.length / LSN_UNIT_BYTES, address: value.address });
    return this.#remember(lsn, this.#map.view(value.address, value.length));
  }

  /** The batch that holds `lsn`, which is below the end of the journal. */
  covering(lsn: number): StoredBatch | undefined {
    const recent = this.#recent;
    if (lsn >= recent.lsn && lsn < recent.lsn + recent.bytes.length / LSN_UNIT_BYTES) return recent;
    const place = this.#cache.find(lsn);
    if (place === undefined) {
      const start = this.floor(lsn);
      return start === undefined ? undefined : this.get(start);
    }
    if (place.address === 0 || this.#map === undefined) return this.get(place.start);
    return this.#remember(place.start, this.#map.view(place.address, (place.end - place.start) * LSN_UNIT_BYTES));
  }

  async close(): Promise<void> {
    this.#recent = { lsn: 0, bytes: new Uint8Array(0) };
    this.#map?.close();
    await this.#root.close();
  }

  #copy(lsn: number): StoredBatch | undefined {
    const bytes = this.#batches.getBinary(lsn);
    if (bytes === undefined) return undefined;
    this.#cache.add({ start: lsn, end: lsn + bytes.length / LSN_UNIT_BYTES, address: 0 });
    return this.#remember(lsn, bytes);
  }

  #remember(lsn: number, bytes: Uint8Array): StoredBatch {
    this.#recent = { lsn, bytes };
    return this.#recent;
  }

  #refresh(): void {
    if (!this.#stale) return;
    this.#stale = false;
    this.#batches.resetReadTxn();
  }
}
