import { describe, expect, it } from 'vitest';
import { checkBody, checkFrame } from '../../protocol/check-frame.ts';
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { FrameFlags } from '../../protocol/frame.ts';
import {
  flagsOf,
  kindOf,
  requestIdHighOf,
  requestIdLowOf,
  versionOf,
  writeChecksum,
  writeHeader,
} from '../../protocol/frame-header.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { PAYMENT, PAYMENT_QUERY } from '../../protocol/records.ts';
import { Code, type ResultName, resultName } from '../../protocol/results.ts';

function frame(command: CommandName, count: number, body: Uint8Array | number, flags = 0): Uint8Array {
  const bytes = typeof body === 'number' ? new Uint8Array(body) : body;
  const tail = flags & FrameFlags.checksum ? 4 : 0;
  const out = new Uint8Array(16 + bytes.length + tail);
  writeHeader(out, COMMANDS[command].kind, flags, count, 1, 0);
  out.set(bytes, 16);
  if (tail > 0) writeChecksum(out);
  return out;
}

function patched(bytes: Uint8Array, at: number, value: number): Uint8Array {
  const copy = bytes.slice();
  copy[at] = value;
  return copy;
}

/** A record with this many bytes of text, of which it announces `announced`. */
function withTail(size: number, lengthAt: number, text: Uint8Array | number, announced?: number): Uint8Array {
  const tail = typeof text === 'number' ? new Uint8Array(text).fill(0x41) : text;
  const body = new Uint8Array(size + tail.length);
  body.set(tail, size);
  new DataView(body.buffer).setUint16(lengthAt, announced ?? tail.length, true);
  return body;
}

const sale = (text: Uint8Array | number, announced?: number): Uint8Array =>
  withTail(PAYMENT.size, PAYMENT.at.referenceLength, text, announced);
const query = (text: Uint8Array | number, announced?: number): Uint8Array =>
  withTail(PAYMENT_QUERY.size, PAYMENT_QUERY.at.referenceLength, text, announced);

const HALF = Uint8Array.from([0xe8, 0xae]);

const ROWS: readonly (readonly [what: string, expected: ResultName, frame: Uint8Array])[] = [
  ['nothing', 'malformedFrame', new Uint8Array(0)],
  ['15 bytes', 'malformedFrame', frame('ping', 0, 0).subarray(0, 15)],
  ['a byte too large', 'frameTooLarge', frame('createTransfers', 1, LIMITS.frameBytesMax - 15)],
  ['version 0', 'unsupportedVersion', patched(frame('ping', 0, 0), 0, 0)],
  ['version 2 of an unknown kind', 'unsupportedVersion', patched(patched(frame('ping', 0, 0), 0, 2), 1, 0x7f)],
  ['kind 0', 'unknownKind', patched(frame('ping', 0, 0), 1, 0)],
  ['a reply', 'unknownKind', patched(frame('ping', 0, 0), 1, 0x82)],
  ['a refusal', 'unknownKind', patched(frame('ping', 0, 0), 1, 0xff)],
  ['the highest flag', 'frameFlagsReserved', frame('ping', 0, 0, 1 << 15)],
  ['a dry run of a question', 'frameFlagsReserved', frame('lookupAccounts', 1, 16, FrameFlags.dryRun)],
  ['a dry run of a party', 'frameFlagsReserved', frame('putParty', 1, 1, FrameFlags.dryRun)],
  ['balances of accounts', 'frameFlagsReserved', frame('createAccounts', 1, 128, FrameFlags.balances)],
  ['checksum without room for it', 'malformedFrame', patched(frame('ping', 0, 0), 2, 1)],
  ['a damaged checksum', 'checksumMismatch', patched(frame('ping', 0, 0, 1), 17, 0xaa)],
  ['damage before a checksum', 'checksumMismatch', patched(frame('ping', 0, 0, 1), 8, 9)],
  ['ping', 'ok', frame('ping', 0, 0)],
  ['ping with checksum', 'ok', frame('ping', 0, 0, 1)],
  ['ping with a body', 'lengthMismatch', frame('ping', 0, 1)],
  ['ping with a count', 'lengthMismatch', frame('ping', 1, 0)],
  ['no records', 'batchEmpty', frame('createTransfers', 0, 0)],
  ['one record', 'ok', frame('createTransfers', 1, 128)],
  ['one record with balances', 'ok', frame('createTransfers', 1, 128, FrameFlags.balances | FrameFlags.checksum)],
  ['a dry run of accounts', 'ok', frame('createAccounts', 1, 128, FrameFlags.dryRun)],
  ['a dry run with balances', 'ok', frame('createTransfers', 1, 128, FrameFlags.balances | FrameFlags.dryRun)],
  ['a dry run of a refund', 'ok', frame('refund', 1, 64, FrameFlags.dryRun | FrameFlags.checksum)],
  ['the most records', 'ok', frame('createTransfers', 8190, 8190 * 128, FrameFlags.checksum)],
  ['one record too many', 'batchTooLarge', frame('createTransfers', 8191, 8191 * 128)],
  ['a count of 2^32 − 1', 'batchTooLarge', frame('createTransfers', 0xffff_ffff, 128)],
  ['a record cut off', 'lengthMismatch', frame('createTransfers', 2, 255)],
  ['a record too many for its count', 'lengthMismatch', frame('createTransfers', 1, 256)],
  ['ids', 'ok', frame('lookupPayments', 3, 48)],
  ['too many ids', 'batchTooLarge', frame('lookupAccounts', LIMITS.lookupIdsMax + 1, (LIMITS.lookupIdsMax + 1) * 16)],
  ['an exact record', 'ok', frame('capture', 1, 64)],
  ['an exact record with a tail', 'lengthMismatch', frame('capture', 1, 65)],
  ['an exact record cut off', 'lengthMismatch', frame('accountHistory', 1, 31)],
  ['a single record counted 0', 'batchEmpty', frame('sale', 0, 0)],
  ['a single record counted 2', 'batchTooLarge', frame('sale', 2, 256)],
  ['a sale', 'ok', frame('sale', 1, sale(0))],
  ['a sale with the longest reference', 'ok', frame('sale', 1, sale(64))],
  ['a reference of 65 bytes', 'referenceTooLong', frame('authorise', 1, sale(65))],
  ['a reference longer than the body', 'referenceTooLong', frame('sale', 1, sale(0, 0xffff))],
  ['less text than announced', 'lengthMismatch', frame('sale', 1, sale(3, 4))],
  ['more text than announced', 'lengthMismatch', frame('sale', 1, sale(4, 3))],
  ['a payment cut off before its reference length', 'lengthMismatch', frame('sale', 1, 90)],
  ['half a character', 'invalidUtf8', frame('sale', 1, sale(HALF))],
  ['half a character before a checksum', 'invalidUtf8', frame('sale', 1, sale(HALF), FrameFlags.checksum)],
  ['a query by reference', 'ok', frame('queryPayments', 1, query(20))],
  ['a query with half a character', 'invalidUtf8', frame('queryPayments', 1, query(HALF))],
  ['a query with a long reference', 'referenceTooLong', frame('queryPayments', 1, query(65))],
  ['a rich body', 'ok', frame('putParty', 5, 5)],
  ['an empty rich body', 'malformedBody', frame('putParty', 0, 0)],
  ['a rich body of another length', 'lengthMismatch', frame('putParty', 4, 5)],
  ['the longest rich body', 'ok', frame('hello', LIMITS.richBodyBytesMax, LIMITS.richBodyBytesMax)],
  ['a rich body too long', 'frameTooLarge', frame('hello', LIMITS.richBodyBytesMax + 1, LIMITS.richBodyBytesMax + 1)],
];

describe('checkFrame', () => {
  it.each(ROWS)('%s → %s', (_, expected, bytes) => {
    expect(resultName(checkFrame(bytes))).toBe(expected);
  });

  it('reads a frame that lies in the middle of a larger buffer', () => {
    const inner = frame('sale', 1, sale(7), FrameFlags.checksum);
    const outer = new Uint8Array(inner.length + 33).fill(0xee);
    outer.set(inner, 17);
    expect(checkFrame(outer.subarray(17, 17 + inner.length))).toBe(Code.ok);
  });
});

describe('checkBody', () => {
  it.each(ROWS.filter(([, , bytes]) => bytes.length >= 16 && !(flagsOf(bytes) & 1)))(
    'agrees on %s',
    (_, expected, bytes) => {
      const command = (Object.keys(COMMANDS) as CommandName[]).find((name) => COMMANDS[name].kind === kindOf(bytes));
      if (command === undefined || versionOf(bytes) !== 1) return;
      const count = new DataView(bytes.buffer).getUint32(4, true);
      expect(resultName(checkBody(command, flagsOf(bytes), count, bytes.subarray(16)))).toBe(expected);
    },
  );
});

describe('header readers', () => {
  it('read back what writeHeader wrote, to the last bit', () => {
    const bytes = new Uint8Array(16);
    writeHeader(bytes, 0xab, 0xfffe, 0xfedc_ba98, 0x8765_4321, 0xffff_fffd);
    expect([versionOf(bytes), kindOf(bytes), flagsOf(bytes)]).toEqual([1, 0xab, 0xfffe]);
    expect([requestIdLowOf(bytes), requestIdHighOf(bytes)]).toEqual([0x8765_4321, 0xffff_fffd]);
    expect(new DataView(bytes.buffer).getBigUint64(8, true)).toBe(0xffff_fffd_8765_4321n);
  });
});
