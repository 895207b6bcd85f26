/** Refusals of the ledger in the words of a payment, from the specification. */
import type { ResultName } from '../../../protocol/results.ts';

const STOPPED_DEBIT: readonly ResultName[] = ['debitAccountFrozen', 'debitAccountClosed'];
const STOPPED_CREDIT: readonly ResultName[] = ['creditAccountFrozen', 'creditAccountClosed'];

export function payerWords(name: ResultName): ResultName {
  if (name === 'ok') return name;
  if (name === 'exceedsCredits') return 'insufficientFunds';
  if (name === 'debitAccountFrozen') return 'payerAccountFrozen';
  return name === 'debitAccountClosed' ? 'payerAccountClosed' : 'payeeCannotReceive';
}

export function campaignWords(name: ResultName): ResultName {
  if (name === 'ok') return name;
  if (name === 'exceedsCredits') return 'campaignExhausted';
  return STOPPED_DEBIT.includes(name) ? 'campaignNotApplicable' : 'payeeCannotReceive';
}

export function refundWords(name: ResultName, isFee: boolean): ResultName {
  if (name === 'ok') return name;
  if (name === 'exceedsCredits') return 'insufficientFundsToRefund';
  if (STOPPED_DEBIT.includes(name)) return 'payeeCannotRefund';
  return isFee && STOPPED_CREDIT.includes(name) ? 'payeeCannotRefund' : 'payeeCannotReceive';
}
