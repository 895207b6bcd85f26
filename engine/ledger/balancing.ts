/**
 * Balancing transfers: as much of the amount as the debit account has, or as the credit account owes.
 *
 * Between partitions the credit side decides what it owes: the debit side holds as much as it may give and asks for the amount that
 * the client asked for, and what is not taken is given back when the answer comes: see clearing.ts.
 */
import { LIMITS } from '../../protocol/limits.ts';
import { AccountFlags, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { Ledger } from './ledger.ts';

const { pending, balancingDebit, balancingCredit } = TransferFlags;

/**
 * What one transfer holds at most until another partition has said what its credit account owes, minor units: so that some thousands
 * at once, of which each asks for all there is, do not fill a clearing account. More than this cannot be taken between partitions.
 */
export const HELD_FOR_OWED_MAX = 2 ** 40;

/**
 * Lowers `ledger.amount` to what the flags allow, for the accounts that `decide` found. What an account has or owes counts whether
 * or not it is limited by its own flags: posted on the other side, less all that is posted and pending on this one, and for the
 * debit account its credit limit. Nothing left is a refusal, of the debit side first.
 */
export function balance(ledger: Ledger, flags: number): number {
  const { debit, credit } = ledger;
  if ((flags & balancingDebit) !== 0) {
    const available = ledger.available(debit);
    if (available <= 0) return Code.exceedsCredits;
    ledger.amount = Math.min(ledger.amount, available);
  }
  if ((flags & balancingCredit) !== 0) {
    const owed = owedBy(ledger, credit);
    if (owed <= 0) return Code.exceedsDebits;
    ledger.amount = Math.min(ledger.amount, owed);
  }
  return Code.ok;
}

function owedBy({ accounts }: Ledger, account: number): number {
  const { debitsPosted, creditsPending, creditsPosted } = accounts;
  return (debitsPosted[account] as number) - (creditsPending[account] as number) - (creditsPosted[account] as number);
}

/**
 * Lowers `ledger.amount` to what is held of it while the partition of the credit account is asked, for the debit account that
 * `decide` found. At least 1: an account that may give nothing is refused when the amount is judged.
 */
export function balanceTowards(ledger: Ledger, flags: number): number {
  if ((flags & balancingDebit) !== 0) {
    const code = balance(ledger, balancingDebit);
    if (code !== Code.ok) return code;
  }
  if ((flags & balancingCredit) === 0) return Code.ok;
  ledger.amount = Math.min(ledger.amount, HELD_FOR_OWED_MAX);
  if ((flags & balancingDebit) === 0)
    ledger.amount = Math.max(1, Math.min(ledger.amount, mayGive(ledger, ledger.debit)));
  return Code.ok;
}

/** What the limits of an account let it be debited. */
function mayGive(ledger: Ledger, account: number): number {
  const { debitsPending, debitsPosted, flags } = ledger.accounts;
  const room = LIMITS.amountMax - (debitsPending[account] as number) - (debitsPosted[account] as number);
  const isLimited = ((flags[account] as number) & AccountFlags.debitsMustNotExceedCredits) !== 0;
  return isLimited ? Math.min(room, ledger.available(account)) : room;
}

/**
 * What becomes of a transfer whose credit account owes more than the debit side holds for it; `ok`: it moves what is held.
 *
 * @param debit an account of this partition
 */
export function whyNotBeyond(ledger: Ledger, flags: number, debit: number, held: number): number {
  if (held === HELD_FOR_OWED_MAX) return Code.crossesPartitions;
  if ((flags & balancingDebit) !== 0) return Code.ok;
  const isLimited = ((ledger.accounts.flags[debit] as number) & AccountFlags.debitsMustNotExceedCredits) !== 0;
  if (isLimited) return Code.exceedsCredits;
  return (flags & pending) !== 0 ? Code.overflowsDebitsPending : Code.overflowsDebitsPosted;
}

/**
 * Lowers `ledger.amount`, which another partition asks for, to what `ledger.credit` owes.
 *
 * @param held what that partition holds for it at most
 * @param beyond what is answered when that is too little; `ok`: then that much is moved
 */
export function balanceReceived(ledger: Ledger, held: number, beyond: number): number {
  const code = balance(ledger, balancingCredit);
  if (code !== Code.ok || ledger.amount <= held) return code;
  ledger.amount = held;
  return beyond;
}
