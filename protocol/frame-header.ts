/**
 * Reading and writing the 16 bytes before every body, byte by byte: transports look at each message this way, and a
 * DataView for each would be the larger part of the cost. Callers have checked that 16 bytes are there.
 */
import { crc32c } from './crc32c.ts';
import { FRAME_HEADER, FrameFlags, PROTOCOL_VERSION } from './frame.ts';

const AT = FRAME_HEADER.at;

/** Bytes of the CRC-32C that ends a frame with `FrameFlags.checksum`. */
export const CHECKSUM_BYTES = 4;

export function versionOf(frame: Uint8Array): number {
  return frame[AT.version] as number;
}

export function kindOf(frame: Uint8Array): number {
  return frame[AT.kind] as number;
}

export function flagsOf(frame: Uint8Array): number {
  return readU16(frame, AT.flags);
}

export function countOf(frame: Uint8Array): number {
  return readU32(frame, AT.count);
}

export function requestIdLowOf(frame: Uint8Array): number {
  return readU32(frame, AT.requestId);
}

export function requestIdHighOf(frame: Uint8Array): number {
  return readU32(frame, AT.requestId + 4);
}

/** Where the body ends: before the checksum when there is one. The body starts at `FRAME_HEADER.size`. */
export function bodyEndOf(frame: Uint8Array): number {
  return (flagsOf(frame) & FrameFlags.checksum) === 0 ? frame.length : frame.length - CHECKSUM_BYTES;
}

/** Whether the last four bytes are the CRC-32C of all before them. */
export function checksumHolds(frame: Uint8Array): boolean {
  const at = frame.length - CHECKSUM_BYTES;
  return crc32c(frame, 0, at) === readU32(frame, at);
}

/** Writes this version's header at the start of `frame`. */
export function writeHeader(
  frame: Uint8Array,
  kind: number,
  flags: number,
  count: number,
  requestIdLow: number,
  requestIdHigh: number,
): void {
  frame[AT.version] = PROTOCOL_VERSION;
  frame[AT.kind] = kind;
  frame[AT.flags] = flags & 0xff;
  frame[AT.flags + 1] = flags >>> 8;
  writeU32(frame, AT.count, count);
  writeU32(frame, AT.requestId, requestIdLow);
  writeU32(frame, AT.requestId + 4, requestIdHigh);
}

/** Writes the CRC-32C into the last four bytes. */
export function writeChecksum(frame: Uint8Array): void {
  const at = frame.length - CHECKSUM_BYTES;
  writeU32(frame, at, crc32c(frame, 0, at));
}

export function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function readU32(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;
}

function writeU32(bytes: Uint8Array, at: number, value: number): void {
  bytes[at] = value & 0xff;
  bytes[at + 1] = (value >>> 8) & 0xff;
  bytes[at + 2] = (value >>> 16) & 0xff;
  bytes[at + 3] = value >>> 24;
}
