/**
 * A batch on its way through a partition: one SharedArrayBuffer, filled by the router, decided by the partition's thread, and
 * then the source of the replies. Made once and used again.
 *
 *   entries   ENTRY_WORDS words for each command, in order
 *   input     the commands' bodies, each at a multiple of 16 and zero-padded to 16
 *   replies   the reply frames, written by the partition
 *
 * What a command can make at most (journal, reply) is reserved when it is admitted, so nothing overflows later.
 */
import type { CommandEnvelope } from '../gateway.ts';

/** Words of an entry. */
export const EntryWord = {
  /** Command kind, and in the upper half the frame's flags. */
  kindAndFlags: 0,
  count: 1,
  bodyOffset: 2,
  bodyLength: 3,
  institution: 4,
  requestIdLow: 5,
  requestIdHigh: 6,
  replyOffset: 7,
  replyLength: 8,
  /** Results in the reply that another partition has to answer first. */
  awaiting: 9,
} as const;

const ENTRY_WORDS = 12;
export const ENTRIES_MAX = 8192;

const ENTRIES_BYTES = ENTRIES_MAX * ENTRY_WORDS * 4;
const CONTROL_BYTES = 64;

export interface BatchBounds {
  /** Ledger records and commands that are not batches themselves count 1 each. */
  readonly recordsMax: number;
  readonly inputBytesMax: number;
  readonly journalBytesMax: number;
  readonly replyBytesMax: number;
}

/** Each bound takes at least one largest message: a frame of 1 MiB, and the replies of 8,190 look-ups. */
export const DEFAULT_BOUNDS: BatchBounds = {
  recordsMax: 8190,
  inputBytesMax: 2 * 1024 * 1024,
  journalBytesMax: 4 * 1024 * 1024,
  replyBytesMax: 4 * 1024 * 1024,
};

export function batchBytes(bounds: BatchBounds): number {
  return CONTROL_BYTES + ENTRIES_BYTES + bounds.inputBytesMax + bounds.replyBytesMax;
}

/** What a command takes of a batch's bounds. */
export interface Weight {
  readonly records: number;
  readonly journalBytes: number;
  readonly replyBytes: number;
}

export class Batch {
  readonly buffer: SharedArrayBuffer;
  readonly bytes: Uint8Array;
  readonly words: Uint32Array;
  readonly bounds: BatchBounds;
  readonly replyStart: number;
  readonly #inputStart = CONTROL_BYTES + ENTRIES_BYTES;
  #inputEnd = CONTROL_BYTES + ENTRIES_BYTES;
  #records = 0;
  #journalBytes = 0;
  #replyBytes = 0;

  constructor(buffer: SharedArrayBuffer, bounds: BatchBounds) {
    this.buffer = buffer;
    this.bytes = new Uint8Array(buffer);
    this.words = new Uint32Array(buffer);
    this.bounds = bounds;
    this.replyStart = this.#inputStart + bounds.inputBytesMax;
  }

  /** Commands in the batch; shared with the partition's thread. */
  get count(): number {
    return this.words[0] as number;
  }

  get records(): number {
    return this.#records;
  }

  get inputBytes(): number {
    return this.#inputEnd - this.#inputStart;
  }

  clear(): void {
    this.words[0] = 0;
    this.#inputEnd = this.#inputStart;
    this.#records = 0;
    this.#journalBytes = 0;
    this.#replyBytes = 0;
  }

  /** Adds a command; false when there is no room for it. */
  add(envelope: CommandEnvelope, body: Uint8Array, weight: Weight): boolean {
    const { bounds, words } = this;
    const index = this.count;
    const inputEnd = this.#inputEnd + ((body.length + 15) & ~15);
    if (
      index >= ENTRIES_MAX ||
      this.#records + weight.records > bounds.recordsMax ||
      inputEnd > this.replyStart ||
      this.#journalBytes + weight.journalBytes > bounds.journalBytesMax ||
      this.#replyBytes + weight.replyBytes > bounds.replyBytesMax
    ) {
      return false;
    }
    this.bytes.set(body, this.#inputEnd);
    if (inputEnd !== this.#inputEnd + body.length) this.bytes.fill(0, this.#inputEnd + body.length, inputEnd);
    const at = entryWord(index);
    words[at + EntryWord.kindAndFlags] = envelope.kind | (envelope.flags << 16);
    words[at + EntryWord.count] = envelope.count;
    words[at + EntryWord.bodyOffset] = this.#inputEnd;
    words[at + EntryWord.bodyLength] = body.length;
    words[at + EntryWord.institution] = envelope.institution;
    words[at + EntryWord.requestIdLow] = envelope.requestIdLow;
    words[at + EntryWord.requestIdHigh] = envelope.requestIdHigh;
    this.#inputEnd = inputEnd;
    this.#records += weight.records;
    this.#journalBytes += weight.journalBytes;
    this.#replyBytes += weight.replyBytes;
    words[0] = index + 1;
    return true;
  }

  /** A command as it was added; the body is a copy. */
  command(index: number): { readonly envelope: CommandEnvelope; readonly body: Uint8Array } {
    const { words } = this;
    const at = entryWord(index);
    const word = (field: number): number => words[at + field] as number;
    const kindAndFlags = word(EntryWord.kindAndFlags);
    const offset = word(EntryWord.bodyOffset);
    const envelope = {
      kind: kindAndFlags & 0xff,
      flags: kindAndFlags >>> 16,
      count: word(EntryWord.count),
      requestIdLow: word(EntryWord.requestIdLow),
      requestIdHigh: word(EntryWord.requestIdHigh),
      institution: word(EntryWord.institution),
    };
    return { envelope, body: this.bytes.slice(offset, offset + word(EntryWord.bodyLength)) };
  }

  /** Whether the reply of a command still waits for other partitions. */
  awaits(index: number): boolean {
    return this.words[entryWord(index) + EntryWord.awaiting] !== 0;
  }

  /** The reply frame of a command, after the partition has written it; a view into the shared buffer. */
  reply(index: number): Uint8Array {
    const at = entryWord(index);
    const offset = this.replyStart + (this.words[at + EntryWord.replyOffset] as number);
    return this.bytes.subarray(offset, offset + (this.words[at + EntryWord.replyLength] as number));
  }
}

/** First word of an entry. */
export function entryWord(index: number): number {
  return (CONTROL_BYTES >> 2) + index * ENTRY_WORDS;
}
