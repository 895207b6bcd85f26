/**
 * A leg: a transfer that a payment makes, stored in less than half of a TRANSFER record, because the events that it points at
 * say the rest. Its id is its position, so it is in no index.
 *
 *   prefix (16): flags = LegRoles; reserved = units back to the version that it belongs to u24 · LegFlags u8
 *   outcome (32): as in a transfer event
 *   debit account u64 · credit account u64     positions of the events that opened them
 *   amount u64
 *   hold u64                                   what it settles: the position of that leg; of a pending leg: its timeout, s
 */
import { TransferFlags } from '../../protocol/records.ts';
import type { Accounts } from './accounts.ts';
import { NO_ACCOUNT } from './accounts.ts';

export const LEG_EVENT_BYTES = 80;

/** Words of a leg event; the outcome's are those of TransferEventWord. */
export const LegEventWord = { originAndFlags: 3, debitAccount: 12, creditAccount: 14, amount: 16, hold: 18 } as const;

/** Part that a leg plays in its payment; becomes userData32. Never reuse a number. */
export const LegRoles = { payer: 1, campaign: 2, fee: 3 } as const;

const DISTANCE_BITS = 24;
const DISTANCE_MASK = 2 ** DISTANCE_BITS - 1;
/** Stands for TransferFlags.expired, which is no u8. */
const EXPIRED = 1 << 7;

/** @param distance units from the version to the leg: both are in one batch, so it fits */
export function packOrigin(distance: number, transferFlags: number): number {
  const expired = (transferFlags & TransferFlags.expired) !== 0 ? EXPIRED : 0;
  return (distance | (((transferFlags & 0x7f) | expired) << DISTANCE_BITS)) >>> 0;
}

/** Units from the version that a leg belongs to to the leg. */
export function originDistance(packed: number): number {
  return packed & DISTANCE_MASK;
}

/** The TransferFlags of a leg. */
export function legFlags(packed: number): number {
  const flags = packed >>> DISTANCE_BITS;
  return (flags & EXPIRED) !== 0 ? (flags & ~EXPIRED) | TransferFlags.expired : flags;
}

/** Index of the account that was opened at a position, or NO_ACCOUNT: positions grow with the index. */
export function accountOpenedAt(accounts: Accounts, lsn: number): number {
  const { createdLsn } = accounts;
  let low = 0;
  let high = accounts.count - 1;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if ((createdLsn[middle] as number) < lsn) low = middle + 1;
    else high = middle;
  }
  return low <= high && createdLsn[low] === lsn ? low : NO_ACCOUNT;
}
