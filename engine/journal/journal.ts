import { type BatchStorage, BatchStore, type StoredBatch } from './batch-store.ts';
import { batchHash, checkBatch, LSN_UNIT_BYTES, NO_HASH, readBatchHeader, sealBatch } from './header.ts';

/** The journal cannot be opened or used any more. `cause` holds what the storage said. */
export class JournalError extends Error {
  override readonly name = 'JournalError';
}

/** `failed` is final: the process must end and recover from what is on disk. */
export type JournalState = 'open' | 'failed' | 'closed';

export interface AppendInfo {
  /** Microseconds since 1970, not below that of the batch before. */
  readonly timestamp: number;
  readonly eventCount: number;
}

export interface EventPosition {
  /** The whole batch that holds the event. Read-only; good until the next call of the journal or the next `await`. */
  readonly bytes: Uint8Array;
  /** Byte offset of the event in it. */
  readonly offset: number;
}

/**
 * What stands between a partition worker and its storage: a replicated log can take the place of the one disk. One
 * writer; not for sharing between threads.
 */
export interface Journal {
  readonly state: JournalState;
  readonly partition: number;
  /** LSN of the next batch: one past the end of the last, appended ones included. */
  readonly nextLsn: number;
  /** Sequence of the next batch, from 1. */
  readonly nextSequence: number;
  /** Of the last batch, 0 when there is none. */
  readonly lastTimestamp: number;
  /** SHA-256 of the last batch, zeros when there is none. */
  readonly lastHash: Uint8Array;

  /**
   * Adds the batch whose events stand at 128 … `length` of `buffer`: writes the header in front of them and resolves when
   * the batch is durable. Until then the caller leaves the buffer (an ordinary ArrayBuffer) as it is. Several may be
   * under way; they resolve in order. When one fails, it and all later ones reject with a JournalError, for good.
   */
  append(buffer: Uint8Array, length: number, info: AppendInfo): Promise<void>;

  /** The event at `lsn`, also when its batch is still being written. Throws when no batch holds it. */
  read(lsn: number): EventPosition;

  /** Batches from the one that holds `fromLsn` up to, not including, `toLsn` (the end of the journal as it is now). */
  batches(fromLsn: number, toLsn?: number): Iterable<StoredBatch>;

  /** Resolves when everything appended so far is durable. */
  durable(): Promise<void>;

  /** Waits for what is under way. Views that were given out become empty. */
  close(): Promise<void>;
}

export interface JournalOptions {
  /** A folder that exists. */
  readonly path: string;
  readonly partition: number;
  /** For others than the one writer. Ends at the batch that was the last one when it was opened or last refreshed. */
  readonly readOnly?: boolean;
}

interface Flight {
  readonly lsn: number;
  readonly end: number;
  readonly bytes: Uint8Array;
  readonly resolve: () => void;
  readonly reject: (error: JournalError) => void;
}

/** The end of the journal: where the next batch goes and what it must follow on. */
interface Tail {
  /** LSN of the last batch; undefined when there is none. */
  readonly lastLsn: number | undefined;
  readonly nextLsn: number;
  readonly nextSequence: number;
  readonly lastTimestamp: number;
  readonly lastHash: Uint8Array;
}

const EMPTY: Tail = { lastLsn: undefined, nextLsn: 0, nextSequence: 1, lastTimestamp: 0, lastHash: NO_HASH };

/** LMDB says only that the commit failed, and why through a promise of its own, which may never settle. */
const CAUSE_WAIT_MS = 100;

/** The journal in one LMDB environment. */
export class LmdbJournal implements Journal {
  readonly partition: number;
  readonly #readOnly: boolean;
  readonly #store: BatchStorage;
  readonly #inFlight: Flight[] = [];
  #state: JournalState = 'open';
  #failure: JournalError | undefined;
  #lastLsn: number | undefined;
  #nextLsn: number;
  #nextSequence: number;
  #lastTimestamp: number;
  #lastHash: Uint8Array;
  /** The last batch as long as its hash was not taken. */
  #unhashed: Uint8Array | undefined;
  #durable: Promise<void> = Promise.resolve();

  private constructor(partition: number, readOnly: boolean, store: BatchStorage, tail: Tail) {
    this.partition = partition;
    this.#readOnly = readOnly;
    this.#store = store;
    this.#lastLsn = tail.lastLsn;
    this.#nextLsn = tail.nextLsn;
    this.#nextSequence = tail.nextSequence;
    this.#lastTimestamp = tail.lastTimestamp;
    this.#lastHash = tail.lastHash;
  }

  /**
   * Opens or creates the journal in `path` and checks its last batch, its link to the one before included. Throws a
   * JournalError when that batch is damaged: `verify` says more.
   */
  static async open({ path, partition, readOnly = false }: JournalOptions): Promise<LmdbJournal> {
    let store: BatchStore;
    try {
      store = BatchStore.open(path, readOnly);
    } catch (cause) {
      throw new JournalError(`the journal in ${path} cannot be opened: ${message(cause)}`, { cause });
    }
    try {
      return LmdbJournal.over(store, { path, partition, readOnly });
    } catch (error) {
      await store.close();
      throw error;
    }
  }

  /** The journal in a store that is open already; `path` names it in errors. Throws like `open`. */
  static over(store: BatchStorage, { path, partition, readOnly = false }: JournalOptions): LmdbJournal {
    return new LmdbJournal(partition, readOnly, store, readTail(store, partition, path));
  }

  get state(): JournalState {
    return this.#state;
  }

  get nextLsn(): number {
    return this.#nextLsn;
  }

  get nextSequence(): number {
    return this.#nextSequence;
  }

  get lastTimestamp(): number {
    return this.#lastTimestamp;
  }

  get lastHash(): Uint8Array {
    if (this.#unhashed !== undefined) {
      this.#lastHash = batchHash(this.#unhashed);
      this.#unhashed = undefined;
    }
    return this.#lastHash;
  }

  append(buffer: Uint8Array, length: number, info: AppendInfo): Promise<void> {
    if (this.#state !== 'open') return Promise.reject(this.#failure ?? new JournalError('the journal is closed'));
    // Within one process lmdb-js gives out one environment per path: a second handle could write after all.
    if (this.#readOnly) return Promise.reject(new JournalError('the journal is open for reading only'));
    if (!(buffer.buffer instanceof ArrayBuffer)) throw new TypeError('LMDB cannot write from shared memory');
    if (info.timestamp < this.#lastTimestamp) {
      throw new RangeError(`timestamp ${info.timestamp} after ${this.#lastTimestamp}`);
    }
    const lsn = this.#nextLsn;
    sealBatch(buffer, length, {
      lsn,
      sequence: this.#nextSequence,
      timestamp: info.timestamp,
      eventCount: info.eventCount,
      partition: this.partition,
      previousHash: this.lastHash,
    });
    const bytes = buffer.subarray(0, length);
    const end = lsn + length / LSN_UNIT_BYTES;
    this.#durable = new Promise((resolve, reject) => this.#inFlight.push({ lsn, end, bytes, resolve, reject }));
    this.#store.put(lsn, bytes, this.#lastLsn).then(
      (isWritten) => this.#landed(lsn, isWritten),
      (cause: unknown) => this.#failWithCause(lsn, cause),
    );
    this.#lastLsn = lsn;
    this.#nextLsn = end;
    this.#nextSequence++;
    this.#lastTimestamp = info.timestamp;
    this.#unhashed = bytes;
    // LMDB starts writing in the immediate that `put` queued: taking the hash in the next one costs no latency.
    setImmediate(() => this.#unhashed === bytes && this.lastHash);
    return this.#durable;
  }

  read(lsn: number): EventPosition {
    if (lsn < 0 || lsn >= this.#nextLsn) throw new RangeError(`LSN ${lsn} in a journal up to ${this.#nextLsn}`);
    const flight = this.#flying(lsn);
    if (flight !== undefined) return { bytes: flight.bytes, offset: (lsn - flight.lsn) * LSN_UNIT_BYTES };
    const { lsn: start, bytes } = this.#stored(lsn);
    return { bytes, offset: (lsn - start) * LSN_UNIT_BYTES };
  }

  *batches(fromLsn: number, toLsn: number = this.#nextLsn): Generator<StoredBatch> {
    const end = Math.min(toLsn, this.#nextLsn);
    let lsn = fromLsn;
    while (lsn < end) {
      const batch = this.#flying(lsn) ?? this.#stored(lsn);
      lsn = batch.lsn + batch.bytes.length / LSN_UNIT_BYTES;
      yield batch;
    }
  }

  durable(): Promise<void> {
    return this.#durable;
  }

  /**
   * For a handle that only reads: takes in what the writer has made durable since, in whichever process or thread it is.
   * Returns the end of the journal. Costs two look-ups, and never waits for the writer.
   */
  refresh(): number {
    if (!this.#readOnly) throw new JournalError('the writer of a journal knows its end');
    this.#store.changed();
    const lastLsn = this.#store.last();
    const last = lastLsn === undefined || lastLsn === this.#lastLsn ? undefined : this.#store.get(lastLsn);
    if (lastLsn === undefined || last === undefined) return this.#nextLsn;
    const header = readBatchHeader(last.bytes);
    this.#lastLsn = lastLsn;
    this.#nextLsn = lastLsn + header.length / LSN_UNIT_BYTES;
    this.#nextSequence = header.sequence + 1;
    this.#lastTimestamp = header.timestamp;
    this.#unhashed = last.bytes;
    return this.#nextLsn;
  }

  async close(): Promise<void> {
    if (this.#state === 'closed') return;
    await this.#durable.catch(() => undefined);
    this.#state = 'closed';
    await this.#store.close();
  }

  #flying(lsn: number): Flight | undefined {
    const first = this.#inFlight[0];
    if (first === undefined || lsn < first.lsn) return undefined;
    return this.#inFlight.find((flight) => lsn < flight.end);
  }

  /** A hole inside the journal is damage, and a bug or a broken disk: not an answer. */
  #stored(lsn: number): StoredBatch {
    const batch = this.#store.covering(lsn);
    if (batch === undefined || lsn >= batch.lsn + batch.bytes.length / LSN_UNIT_BYTES) {
      throw new JournalError(`no batch of partition ${this.partition} holds LSN ${lsn}`);
    }
    return batch;
  }

  #landed(lsn: number, isWritten: boolean): void {
    const flight = this.#inFlight[0];
    // After a failure the flights are rejected with its cause, whether they landed or were refused.
    if (this.#state === 'failed' || flight === undefined) return;
    if (!isWritten || flight.lsn !== lsn) {
      this.#fail(lsn, new Error(isWritten ? `it is durable before batch ${flight.lsn}` : 'another writer was there'));
      return;
    }
    // What is visible is durable. lmdb-js has been seen to call a batch written whose transaction had failed on a full
    // disk: only the look says that it is there.
    this.#store.changed();
    if (this.#store.floor(lsn) !== lsn) {
      this.#fail(lsn, new Error('it was reported as written and is not there'));
      return;
    }
    // The caller may overwrite its buffer from now on.
    if (this.#unhashed === flight.bytes) this.#lastHash = this.lastHash;
    this.#inFlight.shift();
    flight.resolve();
  }

  #failWithCause(lsn: number, error: unknown): void {
    this.#state = 'failed';
    const reason: unknown = error instanceof Error ? Reflect.get(error, 'commitError') : undefined;
    if (!(reason instanceof Promise)) {
      this.#fail(lsn, error);
      return;
    }
    const timer = setTimeout(() => this.#fail(lsn, error), CAUSE_WAIT_MS);
    reason.then(
      () => undefined,
      (cause: unknown) => {
        clearTimeout(timer);
        this.#fail(lsn, cause);
      },
    );
  }

  #fail(lsn: number, cause: unknown): void {
    this.#state = 'failed';
    this.#failure ??= new JournalError(
      `partition ${this.partition}: the batch at LSN ${lsn} could not be written: ${message(cause)}`,
      { cause },
    );
    for (const flight of this.#inFlight.splice(0)) flight.reject(this.#failure);
  }
}

function message(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

function readTail(store: BatchStorage, partition: number, path: string): Tail {
  const lastLsn = store.last();
  if (lastLsn === undefined) return EMPTY;
  const broken = (detail: string) =>
    new JournalError(`${path}: the last batch, at LSN ${lastLsn}, is damaged: ${detail}`);
  let previousHash = NO_HASH;
  if (lastLsn > 0) {
    const before = store.covering(lastLsn - 1);
    if (before === undefined) throw broken('there is none before it');
    previousHash = batchHash(before.bytes);
  }
  const last = store.get(lastLsn);
  if (last === undefined) throw broken('it cannot be read');
  const verdict = checkBatch(last.bytes, { lsn: lastLsn, partition, previousHash });
  if (!verdict.ok) throw broken(`${verdict.detail} (byte ${verdict.offset})`);
  const header = readBatchHeader(last.bytes);
  return {
    lastLsn,
    nextLsn: lastLsn + header.length / LSN_UNIT_BYTES,
    nextSequence: header.sequence + 1,
    lastTimestamp: header.timestamp,
    lastHash: batchHash(last.bytes),
  };
}
