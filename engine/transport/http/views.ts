/** Records of the engine as JSON: amounts are strings of minor units, ids are hex, times are RFC 3339. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import { type FieldTable, type Layout, readU128 } from '../../../protocol/layout.ts';
import { PAGE, RESULT, ResultFlags } from '../../../protocol/records.ts';
import { formatCurrency, formatTime } from '../../query/text-forms.ts';

/** Balances and amounts are below 2^53, so a number is exact, and much quicker than a bigint. */
export function readU64(view: DataView, offset: number): number {
  return view.getUint32(offset + 4, true) * 0x1_0000_0000 + view.getUint32(offset, true);
}

export function amountAt(view: DataView, offset: number): string {
  return String(readU64(view, offset));
}

export function idAt(view: DataView, offset: number): string {
  return formatId(readU128(view, offset));
}

/** Null for an id of zero, which means "none". */
export function idOrNullAt(view: DataView, offset: number): string | null {
  const id = readU128(view, offset);
  return id === 0n ? null : formatId(id);
}

/** Microseconds since 1970 as `2026-01-31T08:00:00.000123Z`; null for zero, which means "never". */
export function timeAt(view: DataView, offset: number): string | null {
  const us = readU64(view, offset);
  return us === 0 ? null : formatTime(us);
}

export { formatCurrency, formatTime };

export interface ResultView {
  readonly code: number;
  readonly replayed: boolean;
}

export function resultAt(view: DataView, offset: number): ResultView {
  return {
    code: view.getUint16(offset + RESULT.at.code, true),
    replayed: (view.getUint16(offset + RESULT.at.flags, true) & ResultFlags.replayed) !== 0,
  };
}

/** When the RESULT at `offset` was first decided. */
export function decidedAt(view: DataView, offset: number): string | null {
  return timeAt(view, offset + RESULT.at.timestamp);
}

export interface PageView {
  /** Null on the last page. */
  readonly nextCursor: string | null;
  readonly count: number;
}

export function pageAt(view: DataView, offset: number): PageView {
  const next = readU64(view, offset + PAGE.at.nextCursor);
  return { nextCursor: next === 0 ? null : String(next), count: view.getUint32(offset + PAGE.at.count, true) };
}

/**
 * Bytes and view of an empty record that is about to be filled and sent. From Node's buffer pool: an ArrayBuffer of
 * its own for each request would cost more in garbage collection than everything else that a sale does.
 */
export function blank<F extends FieldTable>(
  shape: Layout<F>,
  count = 1,
  tail = 0,
): { bytes: Uint8Array; view: DataView } {
  const { buffer, byteOffset, length } = Buffer.allocUnsafe(shape.size * count + tail).fill(0);
  // Not the Buffer itself: its `slice` does not copy, which whoever takes a Uint8Array relies on.
  return { bytes: new Uint8Array(buffer, byteOffset, length), view: new DataView(buffer, byteOffset, length) };
}

// The shapes of answers, for the OpenAPI document; tests hold real answers against them.
export const amountText = z.string().regex(/^\d+$/).meta({ description: 'Minor units.' });
export const signedAmountText = z
  .string()
  .regex(/^-?\d+$/)
  .meta({ description: 'Minor units.' });
export const idText = z.string().regex(/^[0-9a-f]{32}$/);
export const timeText = z.string().meta({ format: 'date-time', description: 'RFC 3339, to the microsecond.' });
export const currencyText = z.string().meta({ description: 'ISO 4217, alphabetic.' });
export const cursorText = z.string().nullable().meta({ description: 'For the next page; null on the last.' });
export const resultShape = z
  .strictObject({ code: z.int(), name: z.string(), retry: z.enum(['never', 'later']), message: z.string() })
  .meta({ description: 'A row of the result table.' });
