/**
 * Where the entries of an account are. A history is a chain from the newest entry to the oldest; of an account with a million
 * entries nobody walks that. So entries are counted from 0, and every 64th (except the first) is entered in an index:
 *
 *     key = (account, ordinal ÷ 64)  →  position
 *
 * Any entry is then at most 63 steps of the chain away from an indexed one, or from the newest.
 *
 * A chain of transfers that fails takes its entries back, but not what it put here. What it leaves stands at ordinals beyond the
 * account's count: nobody looks there, and the entry that gets this ordinal later overwrites it. A checkpoint leaves out what
 * lies behind its end.
 */
import type { Accounts } from './accounts.ts';
import type { KeyIndex } from './key-index.ts';

/** Entries from one indexed entry to the next. */
export const HISTORY_STRIDE = 64;
const MASK = HISTORY_STRIDE - 1;
const TWO_32 = 0x1_0000_0000;

/** Counts the entry at `lsn`, the newest of the account. */
export function countEntry(index: KeyIndex, accounts: Accounts, account: number, lsn: number): void {
  const { entries } = accounts;
  const ordinal = entries[account] as number;
  entries[account] = ordinal + 1;
  // The lower six bits are right for any integer up to 2^53.
  if ((ordinal & MASK) !== 0 || ordinal === 0) return;
  const block = ordinal / HISTORY_STRIDE;
  index.put(block >>> 0, Math.floor(block / TWO_32), account, 0, lsn);
}

/** Position of the entry `block` × 64 of an account, which it has. */
export function indexedEntry(index: KeyIndex, account: number, block: number): number {
  const lsn = index.get(block >>> 0, Math.floor(block / TWO_32), account, 0);
  if (lsn === 0) throw new Error(`entry ${block * HISTORY_STRIDE} of account ${account} is not in the index`);
  return lsn;
}
