/** What can be said of a payment alone, and what is compared when its id comes again. */
import type { ResultName } from '../../../protocol/results.ts';
import { MAX } from './reference-ledger.ts';
import type { ModelCancellation, ModelOperation, ModelPayment } from './reference-payment-records.ts';

export const COMPARED_PAYMENT: readonly (readonly [keyof ModelPayment, ResultName])[] = [
  ['payerAccountId', 'existsWithDifferentPayer'],
  ['payeeAccountId', 'existsWithDifferentPayee'],
  ['amount', 'existsWithDifferentAmount'],
  ['campaignId', 'existsWithDifferentCampaign'],
  ['userData64', 'existsWithDifferentUserData64'],
  ['expiresAfterS', 'existsWithDifferentExpiry'],
  ['ledger', 'existsWithDifferentLedger'],
  ['code', 'existsWithDifferentCode'],
  ['reference', 'existsWithDifferentReference'],
];

export const COMPARED_OPERATION: readonly (readonly [keyof ModelOperation, ResultName])[] = [
  ['paymentId', 'existsWithDifferentPayment'],
  ['amount', 'existsWithDifferentAmount'],
  ['flags', 'existsWithDifferentFlags'],
];

export const COMPARED_CANCELLATION: readonly (readonly [keyof ModelCancellation, ResultName])[] = [
  ['paymentId', 'existsWithDifferentPayment'],
  ['payerAccountId', 'existsWithDifferentPayer'],
  ['amount', 'existsWithDifferentAmount'],
];

export function paymentShape(kind: 'sale' | 'authorise', payment: ModelPayment): ResultName {
  if (payment.payerAccountId === payment.payeeAccountId) return 'accountsMustBeDifferent';
  if (kind === 'sale' && payment.expiresAfterS !== 0) return 'timeoutReservedForPendingTransfer';
  if (payment.amount === 0n) return 'amountMustNotBeZero';
  if (payment.amount > MAX) return 'amountOutOfRange';
  return 'ok';
}
