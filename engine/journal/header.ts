import { createHash } from 'node:crypto';
import { crc32c } from '@node-rs/crc32';
import { layout } from '../../protocol/layout.ts';

/**
 * A batch of the journal: a header of 128 bytes, then events, each a multiple of 16 bytes.
 * The SHA-256 at 48 is that of the whole batch before this one (zeros in the first).
 */
export const BATCH_HEADER = layout('batchHeader', 128, {
  magic: [0, 'u32'],
  version: [4, 'u16'],
  headerBytes: [6, 'u16'],
  /** Position of this batch in the journal, in units of 16 bytes. */
  lsn: [8, 'u64'],
  /** 1, 2, 3 … without a gap. */
  sequence: [16, 'u64'],
  /** Microseconds since 1970, never decreasing. */
  timestamp: [24, 'u64'],
  /** Bytes of the whole batch. */
  length: [32, 'u32'],
  eventCount: [36, 'u32'],
  partition: [40, 'u32'],
  /** CRC-32C of the whole batch with this field zero. */
  crc: [44, 'u32'],
  /** 32 bytes of SHA-256, in two halves of 16. */
  previousHashLow: [48, 'u128'],
  previousHashHigh: [64, 'u128'],
});

/** What every event starts with; the rest of an event belongs to the module that wrote it. */
export const EVENT_PREFIX = layout('eventPrefix', 16, {
  event: [0, 'u8'],
  flags: [1, 'u8'],
  /** The result code of the event. */
  code: [2, 'u16'],
  /** Bytes of the whole event, a multiple of 16. */
  length: [4, 'u32'],
  institution: [8, 'u32'],
});

/** `SLJ1` read as a little-endian u32. */
export const BATCH_MAGIC = 0x314a4c53;
export const BATCH_VERSION = 1;
export const BATCH_HEADER_BYTES = BATCH_HEADER.size;
/** Bytes of one step of an LSN; every event and every batch is a multiple of it. */
export const LSN_UNIT_BYTES = 16;
/** The previous hash of the first batch. */
export const NO_HASH: Uint8Array = new Uint8Array(32);

const AT = BATCH_HEADER.at;
const HASH_AT = AT.previousHashLow;
const HASH_BYTES = 32;
const RESERVED_AT = HASH_AT + HASH_BYTES;
const ZERO_CRC_FIELD = new Uint8Array(4);
const TWO_32 = 0x1_0000_0000;

export interface BatchInfo {
  readonly lsn: number;
  readonly sequence: number;
  /** Microseconds since 1970. */
  readonly timestamp: number;
  readonly eventCount: number;
  readonly partition: number;
  /** SHA-256 of the whole batch before this one. */
  readonly previousHash: Uint8Array;
}

/** Numbers of a header as they stand in the bytes: nothing is checked. */
export interface BatchHeader extends BatchInfo {
  readonly length: number;
  readonly crc: number;
}

function dataView(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function writeU64(view: DataView, offset: number, value: number): void {
  view.setUint32(offset, value % TWO_32, true);
  view.setUint32(offset + 4, Math.floor(value / TWO_32), true);
}

/** Exact below 2^53, which is where every LSN, sequence and timestamp stays; damaged bytes may read as something above. */
function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * TWO_32 + view.getUint32(offset, true);
}

/** CRC-32C of a whole batch as if its CRC field were zero; copies nothing, so it works on a read-only memory map. */
export function batchCrc(bytes: Uint8Array): number {
  const head = crc32c(bytes.subarray(0, AT.crc));
  return crc32c(bytes.subarray(AT.crc + 4), crc32c(ZERO_CRC_FIELD, head));
}

/** SHA-256 of a whole batch: what the next one carries as its previous hash. */
export function batchHash(bytes: Uint8Array): Uint8Array {
  return createHash('sha256').update(bytes).digest();
}

/**
 * Writes the header, CRC included, in front of the events that already stand at 128 … `length` of `buffer`.
 * What a caller must not get wrong (length, range of the numbers) throws.
 */
export function sealBatch(buffer: Uint8Array, length: number, info: BatchInfo): void {
  if (length < BATCH_HEADER_BYTES || length % LSN_UNIT_BYTES !== 0 || length > buffer.length) {
    throw new RangeError(`a batch of ${length} bytes in a buffer of ${buffer.length}`);
  }
  for (const name of ['lsn', 'sequence', 'timestamp', 'eventCount', 'partition'] as const) {
    if (!Number.isSafeInteger(info[name]) || info[name] < 0) throw new RangeError(`batch ${name} ${info[name]}`);
  }
  if (info.previousHash.length !== HASH_BYTES) throw new RangeError('a previous hash has 32 bytes');
  const view = dataView(buffer);
  view.setUint32(AT.magic, BATCH_MAGIC, true);
  view.setUint16(AT.version, BATCH_VERSION, true);
  view.setUint16(AT.headerBytes, BATCH_HEADER_BYTES, true);
  writeU64(view, AT.lsn, info.lsn);
  writeU64(view, AT.sequence, info.sequence);
  writeU64(view, AT.timestamp, info.timestamp);
  view.setUint32(AT.length, length, true);
  view.setUint32(AT.eventCount, info.eventCount, true);
  view.setUint32(AT.partition, info.partition, true);
  view.setUint32(AT.crc, 0, true);
  buffer.set(info.previousHash, HASH_AT);
  buffer.fill(0, RESERVED_AT, BATCH_HEADER_BYTES);
  // The field is zero now, so one pass over the batch is its CRC.
  view.setUint32(AT.crc, crc32c(buffer.subarray(0, length)), true);
}

/** Reads the header of a batch of at least 128 bytes without judging it. */
export function readBatchHeader(bytes: Uint8Array): BatchHeader {
  const view = dataView(bytes);
  return {
    lsn: readU64(view, AT.lsn),
    sequence: readU64(view, AT.sequence),
    timestamp: readU64(view, AT.timestamp),
    length: view.getUint32(AT.length, true),
    eventCount: view.getUint32(AT.eventCount, true),
    partition: view.getUint32(AT.partition, true),
    crc: view.getUint32(AT.crc, true),
    previousHash: bytes.slice(HASH_AT, HASH_AT + HASH_BYTES),
  };
}

/** In the order in which they are made: the first that fails is reported. */
export type BatchCheck =
  | 'short'
  | 'magic'
  | 'version'
  | 'length'
  | 'crc'
  | 'reserved'
  | 'lsn'
  | 'sequence'
  | 'partition'
  | 'timestamp'
  | 'chain';

/** What the reader knows about a batch before it reads it; what is left out is not checked. */
export interface BatchExpectation {
  readonly lsn?: number;
  readonly sequence?: number;
  readonly partition?: number;
  /** The timestamp of the batch before: this one's must not be below it. */
  readonly timestampMin?: number;
  readonly previousHash?: Uint8Array;
}

export type BatchVerdict =
  | { readonly ok: true }
  | {
      readonly ok: false;
      readonly error: BatchCheck;
      /** Where in the batch the failed field stands. */
      readonly offset: number;
      /** For a person: what is there and what should be. */
      readonly detail: string;
    };

const hex = (value: number) => `0x${value.toString(16).padStart(8, '0')}`;

function failed(error: BatchCheck, offset: number, found: number | string, wanted: number | string): BatchVerdict {
  return { ok: false, error, offset, detail: `${error} is ${found}, expected ${wanted}` };
}

/** Checks one whole batch as stored: its own form and CRC first, then how it follows on what came before. */
export function checkBatch(bytes: Uint8Array, expected: BatchExpectation = {}): BatchVerdict {
  if (bytes.length < BATCH_HEADER_BYTES) return failed('short', 0, bytes.length, `at least ${BATCH_HEADER_BYTES}`);
  const view = dataView(bytes);
  const magic = view.getUint32(AT.magic, true);
  if (magic !== BATCH_MAGIC) return failed('magic', AT.magic, hex(magic), hex(BATCH_MAGIC));
  const version = view.getUint32(AT.version, true);
  const wanted = BATCH_VERSION | (BATCH_HEADER_BYTES << 16);
  if (version !== wanted) return failed('version', AT.version, hex(version), hex(wanted));
  const header = readBatchHeader(bytes);
  if (header.length !== bytes.length || header.length % LSN_UNIT_BYTES !== 0) {
    return failed('length', AT.length, header.length, bytes.length);
  }
  const crc = batchCrc(bytes);
  if (header.crc !== crc) return failed('crc', AT.crc, hex(header.crc), hex(crc));
  return checkFollows(bytes, header, expected);
}

function checkFollows(bytes: Uint8Array, header: BatchHeader, expected: BatchExpectation): BatchVerdict {
  for (let at = RESERVED_AT; at < BATCH_HEADER_BYTES; at++) {
    if (bytes[at] !== 0) return failed('reserved', at, bytes[at] ?? 0, 0);
  }
  for (const name of ['lsn', 'sequence', 'partition'] as const) {
    const wanted = expected[name];
    if (wanted !== undefined && header[name] !== wanted) return failed(name, AT[name], header[name], wanted);
  }
  const { timestampMin, previousHash } = expected;
  if (timestampMin !== undefined && header.timestamp < timestampMin) {
    return failed('timestamp', AT.timestamp, header.timestamp, `at least ${timestampMin}`);
  }
  if (previousHash !== undefined && Buffer.compare(previousHash, header.previousHash) !== 0) {
    const text = (hash: Uint8Array) => Buffer.from(hash).toString('hex');
    return failed('chain', HASH_AT, text(header.previousHash), text(previousHash));
  }
  return { ok: true };
}

/** Why the events of a batch do not add up, and where. */
export interface EventProblem {
  readonly offset: number;
  readonly detail: string;
}

/** Walks the prefixes of a batch whose header is good: each event inside the batch, their number as the header says. */
export function checkEvents(bytes: Uint8Array): EventProblem | undefined {
  const view = dataView(bytes);
  const eventCount = view.getUint32(AT.eventCount, true);
  let count = 0;
  let offset = BATCH_HEADER_BYTES;
  while (offset < bytes.length) {
    const length = view.getUint32(offset + EVENT_PREFIX.at.length, true);
    if (length < EVENT_PREFIX.size || length % LSN_UNIT_BYTES !== 0 || offset + length > bytes.length) {
      return { offset, detail: `event ${count} has a length of ${length}, the batch ends at ${bytes.length}` };
    }
    offset += length;
    count++;
  }
  if (count === eventCount) return undefined;
  return { offset: AT.eventCount, detail: `the header counts ${eventCount} events, there are ${count}` };
}
