/** Records of the engine as JSON: amounts are strings of minor units, ids are hex, times are RFC 3339. */
import { z } from 'zod';
import { currencyOfNumeric } from '../../../protocol/currencies.ts';
import { formatId } from '../../../protocol/ids.ts';
import { type FieldTable, type Layout, readU128 } from '../../../protocol/layout.ts';
import { PAGE, RESULT, ResultFlags } from '../../../protocol/records.ts';

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

/** The engine's clock ends in the year 9999, long before a Date does. */
export function formatTime(us: number): string {
  const ms = Math.min(Math.floor(us / 1000), 253_402_300_799_999);
  return `${new Date(ms).toISOString().slice(0, -1)}${String(us % 1000).padStart(3, '0')}Z`;
}

/** Alphabetic where ISO 4217 knows the number, else the digits. */
export function formatCurrency(ledger: number): string {
  return currencyOfNumeric(ledger)?.alphabetic ?? String(ledger);
}

export interface ResultView {
  readonly code: number;
  readonly replayed: boolean;
  readonly decidedAt: string | null;
}

export function resultAt(view: DataView, offset: number): ResultView {
  return {
    code: view.getUint16(offset + RESULT.at.code, true),
    replayed: (view.getUint16(offset + RESULT.at.flags, true) & ResultFlags.replayed) !== 0,
    decidedAt: timeAt(view, offset + RESULT.at.timestamp),
  };
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

/** Bytes and view of an empty record that is about to be filled and sent. */
export function blank<F extends FieldTable>(
  shape: Layout<F>,
  count = 1,
  tail = 0,
): { bytes: Uint8Array; view: DataView } {
  const bytes = new Uint8Array(shape.size * count + tail);
  return { bytes, view: new DataView(bytes.buffer) };
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
