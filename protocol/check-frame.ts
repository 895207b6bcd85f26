/**
 * Whether a request frame can be read at all, before anything looks at what it asks for. Pure; allocates nothing; never
 * throws. The checks run in this order and the first that fails names the result:
 *
 *   length ≥ 16 → length ≤ limit → version → kind → flags → checksum → count → length of the body → text
 */
import { COMMANDS, type CommandName, commandOfKind, mayRunDry } from './commands.ts';
import { FRAME_HEADER, FrameFlags, PROTOCOL_VERSION } from './frame.ts';
import {
  bodyEndOf,
  CHECKSUM_BYTES,
  checksumHolds,
  countOf,
  flagsOf,
  kindOf,
  readU16,
  versionOf,
} from './frame-header.ts';
import { LIMITS } from './limits.ts';
import { PAYMENT, PAYMENT_OPERATION, PAYMENT_QUERY, PaymentFlags } from './records.ts';
import { Code } from './results.ts';
import { RISK_CONTEXT } from './risk.ts';
import { isUtf8 } from './utf8.ts';

/** Checks a whole request frame. Returns `Code.ok` or the code with which it is refused. */
export function checkFrame(frame: Uint8Array): number {
  if (frame.length < FRAME_HEADER.size) return Code.malformedFrame;
  if (frame.length > LIMITS.frameBytesMax) return Code.frameTooLarge;
  if (versionOf(frame) !== PROTOCOL_VERSION) return Code.unsupportedVersion;
  const command = commandOfKind(kindOf(frame));
  if (command === undefined) return Code.unknownKind;
  const flags = flagsOf(frame);
  if ((flags & ~flagsAllowed(command)) !== 0) return Code.frameFlagsReserved;
  if ((flags & FrameFlags.checksum) !== 0) {
    if (frame.length < FRAME_HEADER.size + CHECKSUM_BYTES) return Code.malformedFrame;
    if (!checksumHolds(frame)) return Code.checksumMismatch;
  }
  return checkRange(command, countOf(frame), frame, FRAME_HEADER.size, bodyEndOf(frame));
}

/**
 * Checks a body that came without a frame (another transport, or a library call): the same checks in the same order,
 * from the flags on.
 */
export function checkBody(command: CommandName, flags: number, count: number, body: Uint8Array): number {
  if (body.length > LIMITS.frameBytesMax - FRAME_HEADER.size) return Code.frameTooLarge;
  if ((flags & ~flagsAllowed(command)) !== 0) return Code.frameFlagsReserved;
  return checkRange(command, count, body, 0, body.length);
}

/** A flag that means nothing for a command is reserved there, so that it can get a meaning later. */
function flagsAllowed(command: CommandName): number {
  if (command === 'createTransfers') return FrameFlags.checksum | FrameFlags.balances | FrameFlags.dryRun;
  return mayRunDry(command) ? FrameFlags.checksum | FrameFlags.dryRun : FrameFlags.checksum;
}

function checkRange(command: CommandName, count: number, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  const { body: form, recordBytes } = COMMANDS[command];
  switch (form) {
    case 'none':
      return count === 0 && length === 0 ? Code.ok : Code.lengthMismatch;
    case 'rich':
      if (length === 0) return Code.malformedBody;
      if (length > LIMITS.richBodyBytesMax) return Code.frameTooLarge;
      return count === length ? Code.ok : Code.lengthMismatch;
    case 'records':
      if (count === 0) return Code.batchEmpty;
      if (count > recordsMax(recordBytes)) return Code.batchTooLarge;
      return length === count * recordBytes ? Code.ok : Code.lengthMismatch;
    case 'record': {
      if (count === 0) return Code.batchEmpty;
      if (count > 1) return Code.batchTooLarge;
      if (length < recordBytes) return Code.lengthMismatch;
      return checkRecord(command, recordBytes, bytes, start, end);
    }
  }
}

/** One record, and what may follow it. */
function checkRecord(command: CommandName, recordBytes: number, bytes: Uint8Array, start: number, end: number): number {
  const length = end - start;
  switch (command) {
    case 'sale':
    case 'authorise': {
      const hasContext = (readU16(bytes, start + PAYMENT.at.flags) & PaymentFlags.riskContext) !== 0;
      const textAt = recordBytes + (hasContext ? RISK_CONTEXT.size : 0);
      return checkText(bytes, start, end, PAYMENT.at.referenceLength, textAt);
    }
    case 'queryPayments':
      return checkText(bytes, start, end, PAYMENT_QUERY.at.referenceLength, recordBytes);
    case 'confirm': {
      const proof = readU16(bytes, start + PAYMENT_OPERATION.at.proofLength);
      if (proof > LIMITS.proofBytesMax) return Code.frameTooLarge;
      return length === recordBytes + proof ? Code.ok : Code.lengthMismatch;
    }
    default:
      return length === recordBytes ? Code.ok : Code.lengthMismatch;
  }
}

/** A reference of as many bytes as the field at `lengthAt` says, behind `textAt` bytes. */
function checkText(bytes: Uint8Array, start: number, end: number, lengthAt: number, textAt: number): number {
  const tail = readU16(bytes, start + lengthAt);
  if (tail > LIMITS.referenceBytesMax) return Code.referenceTooLong;
  if (end - start !== textAt + tail) return Code.lengthMismatch;
  return isUtf8(bytes, start + textAt, end) ? Code.ok : Code.invalidUtf8;
}

/** Most records of one message: of bare ids as many as a look-up takes. */
function recordsMax(recordBytes: number): number {
  return recordBytes === ID_BYTES ? LIMITS.lookupIdsMax : LIMITS.recordsPerFrameMax;
}

const ID_BYTES = 16;
