import { type BatchStorage, BatchStore } from '../journal/batch-store.ts';
import {
  BATCH_HEADER_BYTES,
  type BatchCheck,
  type BatchHeader,
  batchHash,
  checkBatch,
  checkEvents,
  LSN_UNIT_BYTES,
  NO_HASH,
  readBatchHeader,
} from '../journal/header.ts';

/** Something wrong in a data directory, and where. */
export interface Finding {
  /** Undefined for what belongs to the whole directory. */
  readonly partition?: number;
  /** The part of the directory; every part has findings of this shape. */
  readonly where: string;
  /** Of the batch: its own when it is whole, as counted when it is damaged; undefined behind a gap and when the whole environment is at fault. */
  readonly sequence?: number;
  /** Key of the batch. */
  readonly lsn?: number;
  /** Where in the batch. */
  readonly byteOffset?: number;
  /** One sentence, starting with the check that failed. */
  readonly problem: string;
}

/** A batch whose own form, CRC and events are good, in journal order. */
export interface VerifiedBatch {
  readonly header: BatchHeader;
  /** Good until `onBatch` returns or its promise settles. */
  readonly bytes: Uint8Array;
}

export interface VerifyJournalOptions {
  /** The folder of the journal. A switch may be running on it: what it adds meanwhile may be left out. */
  readonly path: string;
  /** Instead of the environment in `path`; it is closed at the end. */
  readonly store?: BatchStorage;
  readonly partition: number;
  readonly onFinding: (finding: Finding) => void;
  /** The consumer, such as the replay of the ledger. It is not called for damaged batches. */
  readonly onBatch?: (batch: VerifiedBatch) => void | Promise<void>;
  /** LSNs done and to be done, every few batches. */
  readonly onProgress?: (done: number, total: number) => void;
}

export interface JournalReport {
  readonly batches: number;
  readonly events: number;
  readonly bytes: number;
  readonly findings: number;
  /** End of the journal. */
  readonly nextLsn: number;
}

/** Where the next batch should stand and what it should carry. */
interface Expected {
  /** Undefined when the batch before is too damaged to say where it ends. */
  lsn: number | undefined;
  /** Undefined behind a gap. */
  sequence: number | undefined;
  timestampMin: number;
  /** Undefined after a damaged batch: the chain cannot be checked across it. */
  previousHash: Uint8Array | undefined;
}

const PROGRESS_BATCHES = 64;

/** Checks that fail when the bytes themselves are not what was written; the others are about what they follow on. */
const DAMAGE: ReadonlySet<BatchCheck> = new Set<BatchCheck>(['short', 'magic', 'version', 'length', 'crc']);

/**
 * Checks one partition's journal batch by batch: header, CRC, position, sequence, clock, hash chain, events. Goes on
 * after a finding, from where the damaged batch says it ends or the next one starts. Throws only when the environment
 * cannot be opened or read at all; a B-tree page that is damaged can end the process: see guarded.ts.
 */
export async function verifyJournal(options: VerifyJournalOptions): Promise<JournalReport> {
  const store = options.store ?? BatchStore.open(options.path, true);
  try {
    const walk = new JournalWalk(store, options);
    for (const key of store.keys()) await walk.visit(key);
    return walk.report();
  } finally {
    await store.close();
  }
}

class JournalWalk {
  readonly #store: BatchStorage;
  readonly #options: VerifyJournalOptions;
  readonly #total: number;
  readonly #count: number;
  readonly #expected: Expected = { lsn: 0, sequence: 1, timestampMin: 0, previousHash: NO_HASH };
  #batches = 0;
  #events = 0;
  #bytes = 0;
  #findings = 0;
  #end = 0;

  constructor(store: BatchStorage, options: VerifyJournalOptions) {
    this.#store = store;
    this.#options = options;
    this.#total = store.last() ?? 0;
    this.#count = store.count();
  }

  /** After the last key. A running switch may have added batches, but none goes. */
  report(): JournalReport {
    if (this.#batches < this.#count) {
      this.#find(undefined, 0, `count: ${this.#count} batches are recorded, ${this.#batches} were found`, undefined);
    }
    const nextLsn = this.#end;
    return { batches: this.#batches, events: this.#events, bytes: this.#bytes, findings: this.#findings, nextLsn };
  }

  async visit(key: unknown): Promise<void> {
    if (typeof key !== 'number' || !Number.isSafeInteger(key) || key < 0) {
      this.#batches++;
      return this.#find(undefined, 0, `key: ${String(key)} is not an LSN`, undefined);
    }
    const { lsn: expected } = this.#expected;
    if (expected !== undefined && key !== expected) {
      const problem = `gap: the batch at LSN ${expected} is missing, the next is at ${key}`;
      this.#find(expected, 0, problem, this.#expected.sequence);
      // What is missing cannot be counted or hashed: the batch behind the gap is taken at its word.
      this.#expected.previousHash = undefined;
      this.#expected.sequence = undefined;
    }
    const bytes = this.#store.get(key)?.bytes ?? new Uint8Array(0);
    this.#batches++;
    this.#bytes += bytes.length;
    if (this.#isGood(key, bytes)) {
      const header = readBatchHeader(bytes);
      this.#events += header.eventCount;
      this.#follow(key, bytes, header);
      await this.#options.onBatch?.({ header, bytes });
    } else {
      this.#follow(key, bytes, undefined);
    }
    if (this.#batches % PROGRESS_BATCHES === 0) this.#options.onProgress?.(key, this.#total);
  }

  #isGood(lsn: number, bytes: Uint8Array): boolean {
    const { sequence, previousHash, timestampMin } = this.#expected;
    const verdict = checkBatch(bytes, {
      lsn,
      partition: this.#options.partition,
      timestampMin,
      ...(sequence === undefined ? {} : { sequence }),
      ...(previousHash === undefined ? {} : { previousHash }),
    });
    if (!verdict.ok && DAMAGE.has(verdict.error)) {
      this.#find(lsn, verdict.offset, verdict.detail, sequence);
      return false;
    }
    // Its bytes are as they were written, so its own number is the better name.
    const { sequence: written } = readBatchHeader(bytes);
    if (!verdict.ok) this.#find(lsn, verdict.offset, verdict.detail, written);
    const events = checkEvents(bytes);
    if (events !== undefined) this.#find(lsn, events.offset, `events: ${events.detail}`, written);
    return events === undefined;
  }

  /** Moves on behind a batch. Of a damaged one, only a length that it and its header agree on is believed. */
  #follow(lsn: number, bytes: Uint8Array, header: BatchHeader | undefined): void {
    const expected = this.#expected;
    expected.previousHash = header === undefined ? undefined : batchHash(bytes);
    if (header !== undefined) {
      expected.sequence = header.sequence + 1;
      expected.timestampMin = header.timestamp;
    } else if (expected.sequence !== undefined) {
      expected.sequence++;
    }
    const isLengthKnown = bytes.length >= BATCH_HEADER_BYTES && readBatchHeader(bytes).length === bytes.length;
    expected.lsn = isLengthKnown ? lsn + bytes.length / LSN_UNIT_BYTES : undefined;
    this.#end = lsn + Math.ceil(bytes.length / LSN_UNIT_BYTES);
  }

  #find(lsn: number | undefined, byteOffset: number, problem: string, sequence: number | undefined): void {
    this.#findings++;
    this.#options.onFinding({
      partition: this.#options.partition,
      where: 'journal',
      ...(sequence === undefined ? {} : { sequence }),
      ...(lsn === undefined ? {} : { lsn }),
      byteOffset,
      problem,
    });
  }
}
