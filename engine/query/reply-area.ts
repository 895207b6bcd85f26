/**
 * Where a partition writes the reply frames of a batch, one after another, in the batch's shared buffer. Transport sends them
 * as they are.
 */
import { FRAME_HEADER, PROTOCOL_VERSION, REPLY_BIT } from '../../protocol/frame.ts';

const HEADER_WORDS = FRAME_HEADER.size >> 2;

export class ReplyArea {
  bytes: Uint8Array = new Uint8Array(0);
  words: Uint32Array = new Uint32Array(0);
  view: DataView = new DataView(new ArrayBuffer(0));
  /** Where the next byte goes; frames start at multiples of 8. */
  end = 0;
  #frame = 0;

  /** Points at the reply area of a batch. */
  target(buffer: ArrayBufferLike, start: number, length: number): void {
    this.bytes = new Uint8Array(buffer, start, length);
    this.words = new Uint32Array(buffer, start, length >> 2);
    this.view = new DataView(buffer, start, length);
    this.end = 0;
  }

  /** Begins the reply to a request of `kind`; the body starts at `end`. */
  open(kind: number, flags: number, requestIdLow: number, requestIdHigh: number): void {
    this.end = (this.end + 7) & ~7;
    this.#frame = this.end;
    const at = this.#frame >> 2;
    this.words[at] = PROTOCOL_VERSION | ((kind | REPLY_BIT) << 8) | (flags << 16);
    this.words[at + 1] = 0;
    this.words[at + 2] = requestIdLow;
    this.words[at + 3] = requestIdHigh;
    this.end += HEADER_WORDS * 4;
  }

  /** Takes `length` bytes of body and returns the offset of the first. */
  take(length: number): number {
    const at = this.end;
    if (at + length > this.bytes.length) throw new Error('reply area: the batch was admitted beyond its buffer');
    this.end += length;
    return at;
  }

  /** Ends the frame with its count. */
  close(count: number): void {
    this.words[(this.#frame >> 2) + 1] = count;
  }

  get frameStart(): number {
    return this.#frame;
  }

  get frameLength(): number {
    return this.end - this.#frame;
  }

  /** Copies bytes of an event into the body. */
  copy(from: DataView, offset: number, length: number): void {
    const at = this.take(length);
    this.bytes.set(new Uint8Array(from.buffer, from.byteOffset + offset, length), at);
  }

  /** Appends a RESULT. `flags`: ResultFlags. */
  result(timestamp: number, code: number, flags = 0): void {
    const at = this.take(16);
    this.view.setUint32(at, timestamp >>> 0, true);
    this.view.setUint32(at + 4, Math.floor(timestamp / 0x1_0000_0000), true);
    this.view.setUint16(at + 8, code, true);
    this.view.setUint16(at + 10, flags, true);
    this.view.setUint32(at + 12, 0, true);
  }

  zeros(length: number): void {
    const at = this.take(length);
    this.bytes.fill(0, at, at + length);
  }
}
