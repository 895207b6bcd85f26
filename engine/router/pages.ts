/**
 * Cursors over several partitions: position × partitions + partition. A page ends with its partition; the next one goes on in
 * the partition after it, so lists are newest first within a partition.
 */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { PAGE, PAYMENT_QUERY, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { frameLike, readCode } from './merge.ts';

const HEADER = FRAME_HEADER.size;

export interface LocalPage {
  readonly partition: number;
  /** The request with the partition's own cursor. */
  readonly body: Uint8Array;
}

export function readPageCursor(body: Uint8Array, isRich: boolean, partitions: number): LocalPage {
  if (isRich) {
    const request = decodeMessagePack(body);
    const cursor = request?.cursor;
    if (typeof cursor !== 'number' || !Number.isSafeInteger(cursor) || cursor < 0) return { partition: 0, body };
    const local = encodeMessagePack({ ...request, cursor: Math.floor(cursor / partitions) });
    return { partition: cursor % partitions, body: local };
  }
  const local = body.slice();
  const view = new DataView(local.buffer);
  const cursor = view.getBigUint64(PAYMENT_QUERY.at.cursor, true);
  view.setBigUint64(PAYMENT_QUERY.at.cursor, cursor / BigInt(partitions), true);
  return { partition: Number(cursor % BigInt(partitions)), body: local };
}

/** The partition's reply with the cursor of the whole list. */
export function pageOf(frame: Uint8Array, isRich: boolean, partition: number, partitions: number): Uint8Array {
  return isRich ? richPage(frame, partition, partitions) : recordPage(frame, partition, partitions);
}

function nextCursor(local: number, partition: number, partitions: number): number {
  if (local !== 0) return local * partitions + partition;
  return partition + 1 < partitions ? partition + 1 : 0;
}

function richPage(frame: Uint8Array, partition: number, partitions: number): Uint8Array {
  const reply = decodeMessagePack(frame.subarray(HEADER));
  const local = reply?.nextCursor;
  if (reply === undefined || typeof local !== 'number') return frame;
  const packed = encodeMessagePack({ ...reply, nextCursor: nextCursor(local, partition, partitions) });
  const whole = frameLike(frame, HEADER + packed.length, packed.length);
  whole.set(packed, HEADER);
  return whole;
}

function recordPage(frame: Uint8Array, partition: number, partitions: number): Uint8Array {
  if (readCode(frame, HEADER) !== Code.ok) return frame;
  const view = new DataView(frame.buffer, frame.byteOffset);
  const at = HEADER + RESULT.size + PAGE.at.nextCursor;
  const local = Number(view.getBigUint64(at, true));
  view.setBigUint64(at, BigInt(nextCursor(local, partition, partitions)), true);
  return frame;
}
