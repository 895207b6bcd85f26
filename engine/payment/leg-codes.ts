/** Refusals of the ledger in the words of a payment: what a customer is told. */
import { Code } from '../../protocol/results.ts';

/** The payer's leg of a sale, an authorisation or a capture. */
export function payerLegCode(code: number): number {
  switch (code) {
    case Code.ok:
      return code;
    case Code.exceedsCredits:
      return Code.insufficientFunds;
    case Code.debitAccountFrozen:
      return Code.payerAccountFrozen;
    case Code.debitAccountClosed:
      return Code.payerAccountClosed;
    default:
      return Code.payeeCannotReceive;
  }
}

/** The campaign's leg of the same. */
export function campaignLegCode(code: number): number {
  switch (code) {
    case Code.ok:
      return code;
    case Code.exceedsCredits:
      return Code.campaignExhausted;
    case Code.debitAccountFrozen:
    case Code.debitAccountClosed:
      return Code.campaignNotApplicable;
    default:
      return Code.payeeCannotReceive;
  }
}

/** The fee, from the payee. */
export function payeeLegCode(code: number): number {
  return code === Code.ok ? code : Code.payeeCannotReceive;
}

/** A leg of a refund; `isFee` for the one that gives the fee back to the merchant, who pays the others. */
export function refundLegCode(code: number, isFee: boolean): number {
  switch (code) {
    case Code.ok:
      return code;
    case Code.exceedsCredits:
      return Code.insufficientFundsToRefund;
    case Code.debitAccountFrozen:
    case Code.debitAccountClosed:
      return Code.payeeCannotRefund;
    case Code.creditAccountFrozen:
    case Code.creditAccountClosed:
      return isFee ? Code.payeeCannotRefund : Code.payeeCannotReceive;
    default:
      return Code.payeeCannotReceive;
  }
}
