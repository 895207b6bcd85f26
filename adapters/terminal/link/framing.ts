/** How messages are told apart on a stream of bytes. A framing is a row of data; one reader and one writer serve them all. */
import { type FrameProblem, guessOf } from './frame-problem.ts';

interface FrameRules {
  readonly lengthBytes: 2 | 4;
  readonly digits: 'binary' | 'ascii';
  /** Bytes between the length and the message, which the length includes. */
  readonly headerBytes: number;
}

/**
 *     length2   [2 bytes, big-endian][message]
 *     ascii4    [4 ASCII digits][message]
 *     tpdu      [2 bytes, big-endian][60 | destination 2 | source 2][message]
 *
 * No length includes itself.
 */
const RULES = {
  length2: { lengthBytes: 2, digits: 'binary', headerBytes: 0 },
  ascii4: { lengthBytes: 4, digits: 'ascii', headerBytes: 0 },
  tpdu: { lengthBytes: 2, digits: 'binary', headerBytes: 5 },
} as const satisfies Record<string, FrameRules>;

export type Framing = keyof typeof RULES;

export const FRAMINGS = ['length2', 'ascii4', 'tpdu'] as const satisfies readonly Framing[];

/** The most that a message can have under any framing, and what the shortest one has: message type and bitmap in BCD. */
export const MESSAGE_BYTES_MAX = 0xffff;
const MESSAGE_BYTES_MIN = 10;
const TPDU_ID = 0x60;
const NO_HEADER = Buffer.alloc(0);
/** What is set aside for a frame that is announced but has not come: memory follows the bytes, not the promise. */
const PENDING_BYTES = 1024;
/** Enough to tell one framing from another. */
const GUESSED_BYTES = 2;

/** Takes a message and, under `tpdu`, its header. Both are views that stay valid. */
export type TakeFrame = (message: Buffer, header: Buffer) => void;

/** What a framing can say at most. */
export function frameLimit(framing: Framing): number {
  const { digits, headerBytes }: FrameRules = RULES[framing];
  return digits === 'ascii' ? 9999 : 0xffff - headerBytes;
}

/**
 * Cuts a stream into messages. It takes bytes as they come: pieces of a message, several at once. What lies whole in one
 * chunk is not copied. After a problem there is no way to find the next message: the connection ends.
 */
export class FrameReader {
  readonly #framing: Framing;
  readonly #rules: FrameRules;
  readonly #messageBytesMax: number;
  #pending: Buffer = NO_HEADER;
  #filled = 0;

  constructor(framing: Framing, messageBytesMax: number) {
    this.#framing = framing;
    this.#rules = RULES[framing];
    this.#messageBytesMax = Math.min(messageBytesMax, frameLimit(framing));
  }

  /** Bytes of a frame that has not come whole. */
  get waiting(): number {
    return this.#filled;
  }

  /** What the peer may be speaking instead, by the beginning of the frame that has not come whole. */
  get guess(): string | undefined {
    return this.#filled < GUESSED_BYTES ? undefined : guessOf(this.#framing, this.#pending.subarray(0, GUESSED_BYTES));
  }

  /** Gives each whole message to `take`, in order. `chunk` must not be changed afterwards. */
  read(chunk: Buffer, take: TakeFrame): FrameProblem | undefined {
    let at = 0;
    if (this.#filled > 0) {
      const taken = this.#complete(chunk, take);
      if (typeof taken !== 'number') return taken;
      at = taken;
    }
    while (at < chunk.length) {
      const size = this.#sizeOf(chunk, at, chunk.length);
      if (typeof size !== 'number') return size;
      if (size === 0 || chunk.length - at < size) {
        this.#keep(chunk, at, chunk.length);
        return undefined;
      }
      this.#give(chunk, at, size, take);
      at += size;
    }
    return undefined;
  }

  /** Goes on with a frame that began in an earlier chunk. Returns how much of this one belonged to it. */
  #complete(chunk: Buffer, take: TakeFrame): number | FrameProblem {
    let at = 0;
    while (at < chunk.length) {
      const size = this.#sizeOf(this.#pending, 0, this.#filled);
      if (typeof size !== 'number') return size;
      const wanted = size === 0 ? this.#rules.lengthBytes + this.#rules.headerBytes : size;
      const stop = Math.min(chunk.length, at + wanted - this.#filled);
      this.#keep(chunk, at, stop);
      at = stop;
      if (size > 0 && this.#filled === size) {
        const frame = this.#pending;
        this.#pending = NO_HEADER;
        this.#filled = 0;
        this.#give(frame, 0, size, take);
        return at;
      }
    }
    const size = this.#sizeOf(this.#pending, 0, this.#filled);
    return typeof size === 'number' ? at : size;
  }

  /** Bytes of the whole frame that begins at `start`; 0 when its head has not come whole. */
  #sizeOf(bytes: Buffer, start: number, end: number): number | FrameProblem {
    const { lengthBytes, digits, headerBytes } = this.#rules;
    if (end - start < lengthBytes) return 0;
    const length = digits === 'ascii' ? asciiLength(bytes, start, lengthBytes) : bytes.readUIntBE(start, lengthBytes);
    const least = MESSAGE_BYTES_MIN + headerBytes;
    const most = this.#messageBytesMax + headerBytes;
    if (length < least || length > most) {
      return {
        framing: this.#framing,
        code: length < 0 ? 'noLength' : length < least ? 'tooShort' : 'tooLong',
        expected: `a length from ${least} to ${most}${digits === 'ascii' ? ' in 4 ASCII digits' : ''}`,
        found: length < 0 ? 'other bytes' : `a length of ${length}`,
        guess: guessOf(this.#framing, bytes.subarray(start, start + lengthBytes)),
      };
    }
    if (headerBytes === 0) return lengthBytes + length;
    if (end - start > lengthBytes && bytes[start + lengthBytes] !== TPDU_ID) {
      const found = `byte ${bytes.toString('hex', start + lengthBytes, start + lengthBytes + 1).toUpperCase()}`;
      return {
        framing: this.#framing,
        code: 'noTpdu',
        expected: 'a TPDU that begins with 60',
        found,
        guess: undefined,
      };
    }
    return end - start < lengthBytes + headerBytes ? 0 : lengthBytes + length;
  }

  #give(bytes: Buffer, start: number, size: number, take: TakeFrame): void {
    const { lengthBytes, headerBytes } = this.#rules;
    const from = start + lengthBytes + headerBytes;
    const header = headerBytes === 0 ? NO_HEADER : bytes.subarray(from - headerBytes, from);
    take(bytes.subarray(from, start + size), header);
  }

  #keep(chunk: Buffer, from: number, to: number): void {
    const needed = this.#filled + to - from;
    if (needed > this.#pending.length) {
      const larger = Buffer.allocUnsafe(Math.max(PENDING_BYTES, needed, 2 * this.#pending.length));
      this.#pending.copy(larger, 0, 0, this.#filled);
      this.#pending = larger;
    }
    chunk.copy(this.#pending, this.#filled, from, to);
    this.#filled = needed;
  }
}

/** -1 when one of the bytes is no digit. */
function asciiLength(bytes: Buffer, start: number, width: number): number {
  let length = 0;
  for (let at = start; at < start + width; at++) {
    const digit = (bytes[at] as number) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = 10 * length + digit;
  }
  return length;
}

/** A message with its frame; `header` is the TPDU to send. Undefined: the framing cannot say such a length. */
export function frameOf(framing: Framing, message: Uint8Array, header: Uint8Array = NO_HEADER): Buffer | undefined {
  const { lengthBytes, digits, headerBytes }: FrameRules = RULES[framing];
  if (message.length > frameLimit(framing) || header.length !== headerBytes) return undefined;
  const length = headerBytes + message.length;
  const frame = Buffer.allocUnsafe(lengthBytes + length);
  if (digits === 'ascii') frame.write(String(length).padStart(lengthBytes, '0'), 'latin1');
  else frame.writeUIntBE(length, 0, lengthBytes);
  frame.set(header, lengthBytes);
  frame.set(message, lengthBytes + headerBytes);
  return frame;
}

/** The TPDU of an answer: destination and source change places. An empty one stays empty. */
export function answeringTpdu(header: Buffer): Buffer {
  if (header.length === 0) return header;
  return Buffer.concat([header.subarray(0, 1), header.subarray(3, 5), header.subarray(1, 3)]);
}

/** The TPDU of a request; both addresses are two bytes. */
export function requestingTpdu(destination: number, source: number): Buffer {
  const header = Buffer.of(TPDU_ID, 0, 0, 0, 0);
  header.writeUInt16BE(destination, 1);
  header.writeUInt16BE(source, 3);
  return header;
}
