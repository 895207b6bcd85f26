/**
 * WebSocket frames (RFC 6455 section 5.2) as a load generator needs them: whole binary messages, no extensions, no
 * allocation per message. The mask key is zero, which leaves the payload as it is, so that frames can be built
 * beforehand and patched in place.
 */

export const Opcodes = { continuation: 0, text: 1, binary: 2, close: 8, ping: 9, pong: 10 } as const;

const FIN = 0x80;
const MASKED = 0x80;
const MASK_BYTES = 4;
const LENGTH_16 = 126;
const LENGTH_64 = 127;
const TWO_32 = 2 ** 32;

/** Bytes before the payload of a client's frame, the mask key included: 6, 8 or 14. */
export function clientHeaderBytes(payloadBytes: number): number {
  if (payloadBytes < LENGTH_16) return 2 + MASK_BYTES;
  return payloadBytes < 0x1_0000 ? 4 + MASK_BYTES : 10 + MASK_BYTES;
}

/** Writes the header of a whole masked message at `at`; returns where the payload starts. */
export function writeClientHeader(out: Uint8Array, at: number, payloadBytes: number, opcode: number): number {
  const header = clientHeaderBytes(payloadBytes);
  out.fill(0, at, at + header);
  out[at] = FIN | opcode;
  if (payloadBytes < LENGTH_16) {
    out[at + 1] = MASKED | payloadBytes;
  } else if (payloadBytes < 0x1_0000) {
    out[at + 1] = MASKED | LENGTH_16;
    out[at + 2] = payloadBytes >>> 8;
    out[at + 3] = payloadBytes & 0xff;
  } else {
    out[at + 1] = MASKED | LENGTH_64;
    new DataView(out.buffer, out.byteOffset + at).setBigUint64(2, BigInt(payloadBytes));
  }
  return at + header;
}

/** A whole client frame around a copy of `payload`. */
export function clientFrame(payload: Uint8Array, opcode: number = Opcodes.binary): Uint8Array {
  const frame = new Uint8Array(clientHeaderBytes(payload.length) + payload.length);
  frame.set(payload, writeClientHeader(frame, 0, payload.length, opcode));
  return frame;
}

/** Takes the payload at `bytes[start … end)`, which is dead when this returns. */
export type FrameHandler = (opcode: number, bytes: Uint8Array, start: number, end: number) => void;

/** The server sent what this reader does not understand. */
export class WireError extends Error {
  override readonly name = 'WireError';
}

/** Cuts what a server sends into frames, however the reads were cut. */
export class FrameReader {
  readonly #handle: FrameHandler;
  readonly #payloadBytesMax: number;
  /** The beginning of a frame whose end was not read yet. */
  #carry: Uint8Array = new Uint8Array(256);
  #carried = 0;

  constructor(handle: FrameHandler, payloadBytesMax: number) {
    this.#handle = handle;
    this.#payloadBytesMax = payloadBytesMax;
  }

  /** Takes `bytes[start … end)`. Frames that are whole in it are handled in place. @throws WireError */
  push(bytes: Uint8Array, start: number, end: number): void {
    let at = this.#carried === 0 ? start : this.#finishCarried(bytes, start, end);
    while (at < end) {
      const size = this.#frameBytes(bytes, at, end);
      if (size < 0 || at + size > end) {
        this.#keep(bytes, at, end);
        return;
      }
      this.#emit(bytes, at, size);
      at += size;
    }
  }

  /** Completes the frame that an earlier read began; returns where the next one starts. */
  #finishCarried(bytes: Uint8Array, start: number, end: number): number {
    let at = start;
    while (at < end) {
      const size = this.#frameBytes(this.#carry, 0, this.#carried);
      const wanted = size < 0 ? this.#carried + 1 : size;
      const to = Math.min(end, at + wanted - this.#carried);
      this.#keep(bytes, at, to);
      at = to;
      if (size >= 0 && this.#carried === size) {
        this.#carried = 0;
        this.#emit(this.#carry, 0, size);
        return at;
      }
    }
    return at;
  }

  #keep(bytes: Uint8Array, start: number, end: number): void {
    const wanted = this.#carried + end - start;
    if (wanted > this.#carry.length) {
      const larger = new Uint8Array(Math.max(wanted, this.#carry.length * 2));
      larger.set(this.#carry.subarray(0, this.#carried));
      this.#carry = larger;
    }
    this.#carry.set(bytes.subarray(start, end), this.#carried);
    this.#carried = wanted;
  }

  /** Bytes of the frame at `at`; −1 when its header is cut off. */
  #frameBytes(bytes: Uint8Array, at: number, end: number): number {
    if (at + 2 > end) return -1;
    const short = bytes[at + 1] as number;
    if (short < LENGTH_16) return 2 + short;
    if ((short & MASKED) !== 0) throw new WireError('the server sent a masked frame');
    const header = short === LENGTH_16 ? 4 : 10;
    if (at + header > end) return -1;
    const length = short === LENGTH_16 ? readU16(bytes, at + 2) : readU64(bytes, at + 2);
    if (length > this.#payloadBytesMax) throw new WireError(`the server sent a message of ${length} bytes`);
    return header + length;
  }

  #emit(bytes: Uint8Array, at: number, size: number): void {
    const first = bytes[at] as number;
    const opcode = first & 0x7f;
    if ((first & FIN) === 0 || opcode === Opcodes.continuation) {
      throw new WireError('the server sent a message in fragments');
    }
    const short = bytes[at + 1] as number;
    const header = short < LENGTH_16 ? 2 : short === LENGTH_16 ? 4 : 10;
    this.#handle(opcode, bytes, at + header, at + size);
  }
}

function readU16(bytes: Uint8Array, at: number): number {
  return ((bytes[at] as number) << 8) | (bytes[at + 1] as number);
}

function readU64(bytes: Uint8Array, at: number): number {
  const view = new DataView(bytes.buffer, bytes.byteOffset + at, 8);
  return view.getUint32(0) * TWO_32 + view.getUint32(4);
}
