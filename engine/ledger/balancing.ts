/** Balancing transfers: as much of the amount as the debit account has, or as the credit account owes. */
import { TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { Ledger } from './ledger.ts';

/**
 * Lowers `ledger.amount` to what the flags allow, for the accounts that `decide` found. What an account has or owes counts whether
 * or not it is limited by its own flags: posted on the other side, less all that is posted and pending on this one, and for the
 * debit account its credit limit. Nothing left is a refusal, of the debit side first.
 */
export function balance(ledger: Ledger, flags: number): number {
  const { debit, credit } = ledger;
  if ((flags & TransferFlags.balancingDebit) !== 0) {
    const available = ledger.available(debit);
    if (available <= 0) return Code.exceedsCredits;
    ledger.amount = Math.min(ledger.amount, available);
  }
  if ((flags & TransferFlags.balancingCredit) !== 0) {
    const { debitsPosted, creditsPending, creditsPosted } = ledger.accounts;
    const credits = (creditsPending[credit] as number) + (creditsPosted[credit] as number);
    const owed = (debitsPosted[credit] as number) - credits;
    if (owed <= 0) return Code.exceedsDebits;
    ledger.amount = Math.min(ledger.amount, owed);
  }
  return Code.ok;
}
