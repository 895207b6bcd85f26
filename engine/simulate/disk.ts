/**
 * What of a partition outlives a crash, in memory:
 *
 *   journal batches ── put: volatile ──▶ complete(n): on the disk, in order, and acknowledged
 *                                  └──▶ crash: a prefix may have made it, the next may be torn, the rest is gone
 *   index tables    ── each transaction is on the disk when it returns, or did not happen
 */
import type { BatchStorage, StoredBatch } from '../journal/batch-store.ts';
import { LSN_UNIT_BYTES } from '../journal/header.ts';
import type { PartitionStorage } from '../storage/partition-storage.ts';
import { SimulatedIndex } from './index-tables.ts';

export class SimulatedDisk {
  /** In order of their LSNs. */
  readonly batches: StoredBatch[] = [];
  readonly index = new SimulatedIndex();

  /** LSN behind the last whole batch. */
  get end(): number {
    const last = this.batches.at(-1);
    return last === undefined ? 0 : last.lsn + last.bytes.length / LSN_UNIT_BYTES;
  }

  /** What a starting process finds. */
  mount(): { readonly batches: SimulatedBatches } & PartitionStorage {
    return { batches: new SimulatedBatches(this.batches), index: this.index };
  }

  /** The same content again, so that one of the two can be damaged. */
  copy(): SimulatedDisk {
    const other = new SimulatedDisk();
    other.batches.push(...this.batches);
    other.index.copyFrom(this.index);
    return other;
  }
}

interface Put {
  readonly lsn: number;
  /** The caller's own memory: read when the write happens, as LMDB does. */
  readonly bytes: Uint8Array;
  readonly previous: number | undefined;
  readonly resolve: (isWritten: boolean) => void;
  readonly reject: (error: Error) => void;
}

/** The journal's store of one life of the process. */
export class SimulatedBatches implements BatchStorage {
  readonly #stored: StoredBatch[];
  readonly #puts: Put[] = [];
  #isDead = false;

  constructor(stored: StoredBatch[]) {
    this.#stored = stored;
  }

  /** Writes under way. */
  get pending(): number {
    return this.#puts.length;
  }

  /** The oldest `count` writes reach the disk and are acknowledged. */
  complete(count: number): void {
    for (const put of this.#puts.splice(0, count)) put.resolve(this.#write(put));
  }

  /**
   * The oldest write under way does not reach the disk, which says so or, when `isClaimed`, calls it written; those behind
   * it have nothing to follow on. Returns whether there was one.
   */
  fail(isClaimed: boolean): boolean {
    const [put] = this.#puts.splice(0, 1);
    if (put === undefined) return false;
    if (isClaimed) put.resolve(true);
    else put.reject(new Error('no space left on the simulated disk'));
    this.complete(Number.POSITIVE_INFINITY);
    return true;
  }

  /**
   * The process ends: the oldest `kept` writes reach the disk unacknowledged; of the next, when `torn` is above 0, that
   * share of its bytes does. The others are gone, and nothing of this life is written or acknowledged any more.
   *
   * @returns whether a torn write is at the end of the journal now
   */
  crash(kept: number, torn: number): boolean {
    this.#isDead = true;
    for (const put of this.#puts.splice(0, kept)) this.#write(put);
    const [next] = this.#puts.splice(0);
    if (next === undefined || torn === 0) return false;
    const bytes = next.bytes.slice();
    bytes.fill(0, Math.min(bytes.length - 1, Math.floor(bytes.length * torn)));
    if (Buffer.compare(bytes, next.bytes) === 0) return false;
    this.#stored.push({ lsn: next.lsn, bytes });
    return true;
  }

  put(lsn: number, bytes: Uint8Array, previous: number | undefined): Promise<boolean> {
    if (this.#isDead) return new Promise(() => undefined);
    return new Promise((resolve, reject) => this.#puts.push({ lsn, bytes, previous, resolve, reject }));
  }

  changed(): void {
    // Reads see the disk as it is.
  }

  floor(lsn: number): number | undefined {
    const start = this.covering(lsn)?.lsn;
    return start === undefined || start > lsn ? undefined : start;
  }

  count(): number {
    return this.#stored.length;
  }

  last(): number | undefined {
    return this.#stored.at(-1)?.lsn;
  }

  keys(): Generator<unknown> {
    return this.#keys();
  }

  get(lsn: number): StoredBatch | undefined {
    const batch = this.covering(lsn);
    return batch?.lsn === lsn ? batch : undefined;
  }

  covering(lsn: number): StoredBatch | undefined {
    let low = 0;
    let high = this.#stored.length - 1;
    while (low < high) {
      const middle = (low + high + 1) >> 1;
      if ((this.#stored[middle]?.lsn ?? 0) <= lsn) low = middle;
      else high = middle - 1;
    }
    return this.#stored[low];
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  *#keys(): Generator<unknown> {
    for (const { lsn } of this.#stored) yield lsn;
  }

  /** As LMDB does it: only behind the batch that it follows, and only as the greatest key. */
  #write({ lsn, bytes, previous }: Put): boolean {
    const last = this.last();
    if (previous !== last || (last !== undefined && lsn <= last)) return false;
    this.#stored.push({ lsn, bytes: bytes.slice() });
    return true;
  }
}
