/** Reading one version of a payment: a view of its event. */
import { PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { PaymentField, StateField } from './event.ts';
import type { Plan } from './plan.ts';

/** What an operation moves and changes. */
export interface PlannedOperation {
  readonly operation: number;
  readonly plan: Plan;
  /** Of the account that receives fees, as four words. */
  readonly feeAccountId?: Uint32Array;
  /** Writes the new standing into the version whose first word is `at`. */
  readonly change: (words: Uint32Array, at: number) => void;
}

/** Or the code that refuses it. */
export type OperationPlan = PlannedOperation | { readonly code: number };

/** The u64 at word `field` of an event. */
export function readView64(event: DataView, field: number): number {
  return event.getUint32(field * 4, true) + event.getUint32(field * 4 + 4, true) * 0x1_0000_0000;
}

/** Why nothing more can be captured or voided at `now`; `ok` for an authorisation that is open. */
export function whyNotOpen(version: DataView, now: number): number {
  switch (version.getUint8(StateField.state * 4)) {
    case PaymentStates.authorised:
      return readView64(version, StateField.expiresAt) <= now ? Code.paymentExpired : Code.ok;
    case PaymentStates.declined:
      return Code.paymentDeclined;
    case PaymentStates.voided:
      return Code.paymentAlreadyVoided;
    case PaymentStates.expired:
      return Code.paymentExpired;
    case PaymentStates.held:
      return Code.paymentHeld;
    case PaymentStates.challenged:
      return Code.challengeRequired;
    default:
      return Code.paymentAlreadyCaptured;
  }
}

/** Why what the payment keeps, or waits for, cannot be given up at `now`. */
export function whyNotReleasable(version: DataView, now: number): number {
  switch (version.getUint8(StateField.state * 4)) {
    case PaymentStates.held:
    case PaymentStates.challenged:
      return readView64(version, StateField.expiresAt) <= now ? Code.paymentExpired : Code.ok;
    default:
      return whyNotOpen(version, now);
  }
}

/** Index of the account whose id is at word `field` of a version. Accounts are never removed. */
export function accountAt(ledger: Ledger, version: DataView, field: number): number {
  const word = (index: number): number => version.getUint32((field + index) * 4, true);
  return ledger.accounts.find(word(0), word(1), word(2), word(3));
}

/** Whether payee or campaign live in another partition; the payer never does. */
export function hasPartyElsewhere(ledger: Ledger, version: DataView): boolean {
  return [PaymentField.payeeAccountId, PaymentField.campaignId].some((field) => {
    const isNobody = [0, 1, 2, 3].every((word) => version.getUint32((field + word) * 4, true) === 0);
    return !isNobody && accountAt(ledger, version, field) === NO_ACCOUNT;
  });
}

/** Whether an id is made of these four words. */
export function isIdAt(id: Uint32Array, words: readonly number[]): boolean {
  return words.every((word, index) => id[index] === word);
}
