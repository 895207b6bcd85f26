/**
 * The events of the journal that the core writes, and the log that writes and reads them.
 *
 *   event := prefix (16) ‖ body, a multiple of 16 bytes
 *   prefix: 0 event u8 · 1 flags u8 · 2 code u16 · 4 length u32 · 8 institution u32 · 12 reserved u32
 *
 * A position (LSN) counts 16-byte units of the partition's whole journal; events are found by it for ever.
 */
import { ENGINE_ID_PREFIX } from '../../protocol/ids.ts';
import { ACCOUNT, ACCOUNT_CHANGE, TRANSFER, TRANSFER_OUTCOME } from '../../protocol/records.ts';
import { BATCH_HEADER_BYTES, EVENT_PREFIX, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';

/** Numbers are stored: never reuse one. */
export const EventTypes = {
  transfer: 1,
  account: 2,
  payment: 3,
  entity: 4,
  leg: 5,
  newPayment: 6,
  accountChange: 7,
  crossing: 8,
  settled: 9,
  joint: 10,
  part: 11,
  signal: 12,
  /** What another partition has counted by a key that is kept here: risk/shared-counts.ts. */
  counts: 13,
  /** card/event.ts. */
  card: 14,
  /** payer-code/event.ts. */
  payerCode: 15,
} as const;

export const EVENT_PREFIX_BYTES = EVENT_PREFIX.size;
export const TRANSFER_EVENT_BYTES = TRANSFER_OUTCOME.size + TRANSFER.size;
/** Units of a transfer or crossing event. */
export const LSN_PER_TRANSFER = TRANSFER_EVENT_BYTES / LSN_UNIT_BYTES;
/** Prefix, the position of what is settled, eight bytes of zeros. */
export const SETTLED_EVENT_BYTES = EVENT_PREFIX_BYTES + 16;
export const ACCOUNT_EVENT_BYTES = EVENT_PREFIX_BYTES + ACCOUNT.size;

export const ACCOUNT_CHANGE_EVENT_BYTES = EVENT_PREFIX_BYTES + ACCOUNT_CHANGE.size;

/**
 * Flags in the prefix of a transfer event: fields that the client sent as zero and the engine filled in. `balanced`: the amount is
 * what was moved, and what was asked for is in the record's reserved field. `wholeChain`: it ended a whole chain, and the reserved
 * field says of how many transfers, or of a refusal the position of the one that stood in the way: see end-chain.ts. `time`: the record was imported with the earlier time
 * that is in the reserved field: see imported.ts.
 */
export const FilledIn = {
  amount: 1,
  creditAccountId: 2,
  ledger: 4,
  code: 8,
  balanced: 16,
  debitAccountId: 32,
  wholeChain: 64,
  time: 128,
} as const;

/** Finds an event of an earlier batch; the view is valid until the next read. */
export interface EventSource {
  read(lsn: number): { readonly bytes: Uint8Array; readonly offset: number };
}

/** Writes the events of the current batch into a buffer, and reads events of this and all earlier batches. */
export class EventLog {
  bytes: Uint8Array<ArrayBuffer> = new Uint8Array(0);
  words = new Uint32Array(0);
  /** Where the next event goes, in bytes. */
  end = BATCH_HEADER_BYTES;
  count = 0;
  /** Position of the batch. */
  baseLsn = 0;
  readonly #source: EventSource;
  /** Byte offsets at which events begin, in the batch at `#walkedLsn` up to `#walkedEnd`: for positions from outside. */
  readonly #starts = new Set<number>();
  #walkedLsn = -1;
  #walkedEnd = 0;

  constructor(source: EventSource) {
    this.#source = source;
  }

  /** Starts a batch in `buffer`; its size is a multiple of 16. */
  start(buffer: ArrayBuffer, baseLsn: number): void {
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.end = BATCH_HEADER_BYTES;
    this.count = 0;
    this.baseLsn = baseLsn;
  }

  get empty(): boolean {
    return this.count === 0;
  }

  get roomBytes(): number {
    return this.bytes.length - this.end;
  }

  /** Makes room for `bytes` more in a larger copy, when there is too little. For a dry run, which goes back by `useBuffer`. */
  makeRoom(bytes: number): void {
    if (this.roomBytes >= bytes) return;
    const larger = new Uint8Array((this.end + bytes + 15) & ~15);
    larger.set(this.bytes.subarray(0, this.end));
    this.useBuffer(larger.buffer);
  }

  /** Goes on in a buffer that has the same events. */
  useBuffer(buffer: ArrayBuffer): void {
    if (this.bytes.buffer === buffer) return;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
  }

  /** Opens an event of `length` bytes and writes its prefix; returns its first word. The body is the caller's to fill. */
  append(event: number, flags: number, code: number, length: number, institution: number): number {
    if (this.end + length > this.bytes.length) throw new Error('event log: the batch was admitted beyond its buffer');
    const at = this.end >> 2;
    this.words[at] = event | (flags << 8) | (code << 16);
    this.words[at + 1] = length;
    this.words[at + 2] = institution;
    this.words[at + 3] = 0;
    this.end += length;
    this.count++;
    return at;
  }

  /** Position of the event whose first word is `at`. */
  lsnOf(at: number): number {
    return this.baseLsn + (at >> 2);
  }

  /** Position that the next event will get. */
  get nextLsn(): number {
    return this.baseLsn + this.end / LSN_UNIT_BYTES;
  }

  /** Drops the events from `end` on: for a chain that failed, and for a dry run. */
  rewind(end: number, count: number): void {
    // What comes next begins elsewhere.
    if (this.#walkedLsn === this.baseLsn) this.#walkedLsn = -1;
    this.end = end;
    this.count = count;
  }

  /** Timestamp of the batch that has the event at a position, µs; undefined for the current one. */
  batchTimeOf(lsn: number): number | undefined {
    return lsn >= this.baseLsn ? undefined : readBatchHeader(this.#source.read(lsn).bytes).timestamp;
  }

  /** The event at a position, as a view that is valid until the next read, and its length. */
  read(lsn: number): DataView {
    if (lsn >= this.baseLsn) return eventView(this.bytes, (lsn - this.baseLsn) * LSN_UNIT_BYTES);
    const { bytes, offset } = this.#source.read(lsn);
    return eventView(bytes, offset);
  }

  /**
   * The event at a position that came from outside (a cursor, an engine-given id): undefined unless an event of this type and
   * at least this length begins there. Clients choose bytes inside events (ids, user data, references), so what only looks
   * like an event is none: the events of the batch are walked from the first.
   */
  readUntrusted(lsn: number, type: number, lengthMin: number): DataView | undefined {
    if (!(lsn > 0 && lsn < this.nextLsn)) return undefined;
    const inBatch = lsn >= this.baseLsn;
    const found = inBatch ? undefined : this.#source.read(lsn);
    const bytes = found?.bytes ?? this.bytes;
    const offset = found?.offset ?? (lsn - this.baseLsn) * LSN_UNIT_BYTES;
    const end = inBatch ? this.end : bytes.length;
    if (offset < BATCH_HEADER_BYTES || offset + EVENT_PREFIX_BYTES > end || bytes[offset] !== type) return undefined;
    const length = new DataView(bytes.buffer, bytes.byteOffset + offset).getUint32(4, true);
    if (length < lengthMin || length % LSN_UNIT_BYTES !== 0 || offset + length > end) return undefined;
    if (!this.#beginsAt(bytes, lsn - offset / LSN_UNIT_BYTES, offset, end)) return undefined;
    return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
  }

  /** Whether an event of the batch at `batchLsn` begins at `offset`. Each batch is walked once as long as no other is asked. */
  #beginsAt(bytes: Uint8Array, batchLsn: number, offset: number, end: number): boolean {
    if (this.#walkedLsn !== batchLsn) {
      this.#starts.clear();
      this.#walkedLsn = batchLsn;
      this.#walkedEnd = BATCH_HEADER_BYTES;
    }
    const view = new DataView(bytes.buffer, bytes.byteOffset);
    while (this.#walkedEnd <= offset && this.#walkedEnd < end) {
      this.#starts.add(this.#walkedEnd);
      const length = view.getUint32(this.#walkedEnd + 4, true);
      if (length < EVENT_PREFIX_BYTES) throw new Error(`an event without a length in the batch at ${batchLsn}`);
      this.#walkedEnd += length;
    }
    return this.#starts.has(offset);
  }
}

/** A view of exactly one event. */
export function eventView(bytes: Uint8Array, offset: number): DataView {
  const length = new DataView(bytes.buffer, bytes.byteOffset + offset, EVENT_PREFIX_BYTES).getUint32(4, true);
  return new DataView(bytes.buffer, bytes.byteOffset + offset, length);
}

/** Word 3 of engine-given ids; word 2 is the partition, words 1 and 0 are the position of the event. */
export const ENGINE_ID_WORD3 = ENGINE_ID_PREFIX;
