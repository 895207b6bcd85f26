/**
 * The frame: one WebSocket binary message holds exactly one.
 *
 *   0  u8   version            4  u32  count: records, ids, or bytes of a rich body
 *   1  u8   kind               8  u64  request id, chosen by the client, repeated in the reply
 *   2  u16  flags             16  body … and, with FrameFlags.checksum, a u32 CRC-32C over all before it
 */
import { layout } from './layout.ts';

export const PROTOCOL_VERSION = 1;

export const FRAME_HEADER = layout('frameHeader', 16, {
  version: [0, 'u8'],
  kind: [1, 'u8'],
  flags: [2, 'u16'],
  count: [4, 'u32'],
  requestId: [8, 'u64'],
});

export const FrameFlags = {
  /** The frame ends with a CRC-32C; the reply then has one too. */
  checksum: 1 << 0,
  /** `createTransfers`: follow each RESULT with the BALANCES of both accounts. */
  balances: 1 << 1,
  /**
   * Commands that change something: answer what would be answered now, and change nothing. The reply has the flag, and so has
   * each of its RESULTs.
   */
  dryRun: 1 << 2,
} as const;

/** Every reply kind is its request kind with this bit. */
export const REPLY_BIT = 0x80;

/** A reply of this kind refuses the whole frame: body is a REFUSAL and then UTF-8 text for a developer. */
export const REFUSED_KIND = 0xff;

export const REFUSAL = layout('refusal', 8, {
  code: [0, 'u16'],
  /** Bytes of text that follow. */
  detailLength: [2, 'u16'],
  /** Which record or byte is wrong, where that is known. */
  index: [4, 'u32'],
});
