/** Whole frames: requests out, replies in. */
import { COMMANDS, type CommandName } from '../commands.ts';
import { FRAME_HEADER, FrameFlags, PROTOCOL_VERSION, REFUSAL, REFUSED_KIND, REPLY_BIT } from '../frame.ts';
import {
  bodyEndOf,
  CHECKSUM_BYTES,
  checksumHolds,
  countOf,
  flagsOf,
  kindOf,
  requestIdHighOf,
  requestIdLowOf,
  versionOf,
  writeChecksum,
  writeHeader,
} from '../frame-header.ts';
import { LIMITS } from '../limits.ts';
import type { ResultName } from '../results.ts';
import { DecodeError, EncodeError } from './codec-error.ts';
import { needBytes, readRecord } from './record-codec.ts';
import { nameOfCode } from './result-codec.ts';

export interface FrameOptions {
  /** Repeated in the reply: 0 … 2^53 − 1. */
  readonly requestId: number;
  /** End the frame with a CRC-32C; the reply then has one too. */
  readonly checksum?: boolean;
  /** Only ask what would be answered: for commands that change something. */
  readonly dryRun?: boolean;
  /** Where the frame may be made, when it is used before the next one is: it is a view of this, if it fits. */
  readonly into?: Uint8Array<ArrayBuffer>;
}

const WORD = 2 ** 32;

/**
 * A request frame with `bodyBytes` of body that `write` fills (the view covers the body alone; it starts as zeros).
 * @throws EncodeError when the frame or the request id is too large.
 */
export function buildFrame(
  command: CommandName,
  options: FrameOptions,
  shape: { readonly count: number; readonly bodyBytes: number; readonly flags?: number },
  write: (body: DataView) => void,
): Uint8Array<ArrayBuffer> {
  const { requestId } = options;
  if (!Number.isSafeInteger(requestId) || requestId < 0) throw new EncodeError('requestId', 'must be 0 … 2^53 − 1');
  const size = FRAME_HEADER.size + shape.bodyBytes + (options.checksum ? CHECKSUM_BYTES : 0);
  if (size > LIMITS.frameBytesMax) throw new EncodeError(command, `has ${size} bytes; ${LIMITS.frameBytesMax} fit`);
  const { into } = options;
  const frame = into !== undefined && size <= into.length ? into.subarray(0, size).fill(0) : new Uint8Array(size);
  const asked = (options.checksum ? FrameFlags.checksum : 0) | (options.dryRun ? FrameFlags.dryRun : 0);
  const flags = (shape.flags ?? 0) | asked;
  writeHeader(frame, COMMANDS[command].kind, flags, shape.count, requestId >>> 0, Math.floor(requestId / WORD));
  write(new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, shape.bodyBytes));
  if (options.checksum) writeChecksum(frame);
  return frame;
}

/** A request of `items.length` equal records. @throws EncodeError when there are none or too many. */
export function buildRecordsFrame<T>(
  command: CommandName,
  options: FrameOptions,
  items: readonly T[],
  write: (body: DataView, offset: number, item: T, index: number) => void,
  flags = 0,
): Uint8Array<ArrayBuffer> {
  const { recordBytes } = COMMANDS[command];
  if (items.length === 0) throw new EncodeError(command, 'needs one record at least');
  if (items.length > LIMITS.recordsPerFrameMax) {
    throw new EncodeError(command, `has ${items.length} records; ${LIMITS.recordsPerFrameMax} fit in one message`);
  }
  return buildFrame(command, options, { count: items.length, bodyBytes: items.length * recordBytes, flags }, (body) => {
    items.forEach((item, index) => {
      write(body, index * recordBytes, item, index);
    });
  });
}

export interface Reply {
  /** Kind byte: the request's with REPLY_BIT, or REFUSED_KIND. */
  readonly kind: number;
  readonly count: number;
  /** Exact for every id that this client gives. */
  readonly requestId: number;
  /** The body alone, without header and checksum. */
  readonly body: DataView;
}

/** Reads the header of a reply and checks its checksum. @throws DecodeError */
export function openReply(frame: Uint8Array): Reply {
  if (frame.length < FRAME_HEADER.size) throw new DecodeError(`a reply of ${frame.length} bytes has no header`);
  if (versionOf(frame) !== PROTOCOL_VERSION) throw new DecodeError(`unknown protocol version ${versionOf(frame)}`);
  if ((kindOf(frame) & REPLY_BIT) === 0) throw new DecodeError(`kind ${kindOf(frame)} is not a reply`);
  if ((flagsOf(frame) & FrameFlags.checksum) !== 0) {
    if (frame.length < FRAME_HEADER.size + CHECKSUM_BYTES) throw new DecodeError('the reply ends inside its checksum');
    if (!checksumHolds(frame)) throw new DecodeError('the checksum of the reply does not match');
  }
  return {
    kind: kindOf(frame),
    count: countOf(frame),
    requestId: requestIdHighOf(frame) * WORD + requestIdLowOf(frame),
    body: new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, bodyEndOf(frame) - FRAME_HEADER.size),
  };
}

/** @throws DecodeError when the reply is to another command. */
export function expectReply(reply: Reply, command: CommandName): void {
  if (reply.kind !== (COMMANDS[command].kind | REPLY_BIT)) {
    throw new DecodeError(`kind ${reply.kind} is not the reply of ${command}`);
  }
}

/** @throws DecodeError when the reply does not end where what it says it holds ends. */
export function expectEnd(reply: Reply, end: number): void {
  if (end !== reply.body.byteLength)
    throw new DecodeError(`the reply has ${reply.body.byteLength} bytes of body, not ${end}`);
}

/** Why the server refused a whole frame. */
export interface Refusal {
  readonly code: number;
  readonly name: ResultName;
  /** Which record or byte is wrong, where that is known; else 0. */
  readonly index: number;
  /** For a developer, in English. */
  readonly detail: string;
}

/** The refusal in this reply; undefined when it is an answer. @throws DecodeError */
export function readRefusal(reply: Reply): Refusal | undefined {
  if (reply.kind !== REFUSED_KIND) return undefined;
  const { code, detailLength, index } = readRecord(REFUSAL, reply.body, 0);
  expectEnd(reply, REFUSAL.size + detailLength);
  return { code, name: nameOfCode(code), index, detail: readText(reply.body, REFUSAL.size, detailLength) };
}

/** @throws DecodeError when the text is cut off or not UTF-8. */
export function readText(view: DataView, offset: number, length: number): string {
  needBytes(view, offset, length, 'text');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(
      new Uint8Array(view.buffer, view.byteOffset + offset, length),
    );
  } catch {
    throw new DecodeError('a text of the reply is not UTF-8');
  }
}
