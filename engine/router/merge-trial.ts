/** The trial balances of several partitions as one: rows of one ledger are added up. */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { readU128, writeU128 } from '../../protocol/layout.ts';
import { TRIAL_BALANCE, TRIAL_QUERY } from '../../protocol/reading-records.ts';
import { PAGE, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { frameLike, readCode } from './merge.ts';

const HEADER = FRAME_HEADER.size;
const PAGE_AT = HEADER + RESULT.size;
const ROWS_AT = PAGE_AT + PAGE.size;
const SUMS = ['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted'] as const;

/** Ledgers that a trialBalance request wants at most. */
export function trialLimit(body: Uint8Array): number {
  return new DataView(body.buffer, body.byteOffset).getUint32(TRIAL_QUERY.at.limit, true);
}

/**
 * A part that has more rows says nothing about the ledgers after its last one: the page ends there, and the rows of others beyond
 * it come with the next page.
 */
export function mergeTrial(parts: readonly Uint8Array[], limit: number): Uint8Array | undefined {
  const refused = parts.find((part) => readCode(part, HEADER) !== Code.ok);
  if (refused !== undefined) return refused;
  const rows = new Map<number, Uint8Array>();
  let end = Number.POSITIVE_INFINITY;
  for (const part of parts) {
    const next = Number(viewOf(part).getBigUint64(PAGE_AT + PAGE.at.nextCursor, true));
    if (next !== 0) end = Math.min(end, next);
  }
  for (const part of parts) addRows(rows, part, end);
  const sorted = [...rows].sort(([a], [b]) => a - b);
  const shown = sorted.slice(0, limit);
  const hasMore = end !== Number.POSITIVE_INFINITY || sorted.length > limit;
  const whole = frameLike(parts[0], ROWS_AT + shown.length * TRIAL_BALANCE.size, shown.length);
  const [first] = parts;
  if (first !== undefined) whole.set(first.subarray(HEADER, ROWS_AT), HEADER);
  shown.forEach(([, row], index) => {
    whole.set(row, ROWS_AT + index * TRIAL_BALANCE.size);
  });
  const view = viewOf(whole);
  view.setBigUint64(PAGE_AT + PAGE.at.nextCursor, hasMore ? BigInt(shown.at(-1)?.[0] ?? 0) : 0n, true);
  view.setUint32(PAGE_AT + PAGE.at.count, shown.length, true);
  return whole;
}

function addRows(rows: Map<number, Uint8Array>, part: Uint8Array, end: number): void {
  for (let at = ROWS_AT; at < part.length; at += TRIAL_BALANCE.size) {
    const row = part.slice(at, at + TRIAL_BALANCE.size);
    const ledger = viewOf(row).getUint32(TRIAL_BALANCE.at.ledger, true);
    if (ledger > end) return;
    const known = rows.get(ledger);
    if (known === undefined) rows.set(ledger, row);
    else addRow(viewOf(known), viewOf(row));
  }
}

function addRow(to: DataView, from: DataView): void {
  const { accounts } = TRIAL_BALANCE.at;
  to.setBigUint64(accounts, to.getBigUint64(accounts, true) + from.getBigUint64(accounts, true), true);
  for (const field of SUMS) {
    const at = TRIAL_BALANCE.at[field];
    writeU128(to, at, readU128(to, at) + readU128(from, at));
  }
}

function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
