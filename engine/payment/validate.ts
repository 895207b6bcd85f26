/** The pure half of the ladder for payments and their operations: see engine/ledger/validate.ts. */
import { PaymentOperationFlags, PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { isReservedId, isZeroPair } from '../ledger/validate.ts';
import { fitsRange, isZeroId, OperationWord, PaymentWord, sameId } from '../ledger/words.ts';

export function validatePayment(words: Uint32Array, at: number, isSale: boolean): number {
  if (!isZeroPair(words, at + PaymentWord.timestamp)) return Code.timestampMustBeZero;
  if ((words[at + PaymentWord.reserved16] as number) >>> 16 !== 0) return Code.reservedField;
  for (let word = PaymentWord.reservedA; word < PaymentWord.reservedC + 2; word++) {
    if (words[at + word] !== 0) return Code.reservedField;
  }
  if ((words[at + PaymentWord.flags] as number) >>> 16 !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (isZeroId(words, at + PaymentWord.payerAccountId)) return Code.debitAccountIdMustNotBeZero;
  if (isZeroId(words, at + PaymentWord.payeeAccountId)) return Code.creditAccountIdMustNotBeZero;
  if (isReservedId(words, at + PaymentWord.payerAccountId)) return Code.idReserved;
  if (isReservedId(words, at + PaymentWord.payeeAccountId)) return Code.idReserved;
  if (isReservedId(words, at + PaymentWord.campaignId)) return Code.idReserved;
  if (sameId(words, at + PaymentWord.payerAccountId, words, at + PaymentWord.payeeAccountId)) {
    return Code.accountsMustBeDifferent;
  }
  if (isSale && words[at + PaymentWord.expiresAfterS] !== 0) return Code.timeoutReservedForPendingTransfer;
  if (isZeroPair(words, at + PaymentWord.amount)) return Code.amountMustNotBeZero;
  if (!fitsRange(words, at + PaymentWord.amount)) return Code.amountOutOfRange;
  if (words[at + PaymentWord.ledger] === 0) return Code.ledgerMustNotBeZero;
  if (((words[at + PaymentWord.code] as number) & 0xffff) === 0) return Code.codeMustNotBeZero;
  return Code.ok;
}

export function validateOperation(words: Uint32Array, at: number, operation: number): number {
  const flags = (words[at + OperationWord.flags] as number) & 0xffff;
  const allowed = operation === PaymentOperations.capture ? PaymentOperationFlags.final : 0;
  if (!isZeroPair(words, at + OperationWord.timestamp)) return Code.timestampMustBeZero;
  if ((words[at + OperationWord.reserved16] as number) >>> 16 !== 0) return Code.reservedField;
  if (words[at + OperationWord.reserved32] !== 0) return Code.reservedField;
  if (!isZeroPair(words, at + OperationWord.institution)) return Code.reservedField;
  if ((flags & ~allowed) !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (isZeroId(words, at + OperationWord.paymentId)) return Code.idMustNotBeZero;
  const takesAmount = operation !== PaymentOperations.void && operation !== PaymentOperations.revert;
  if (!takesAmount && !isZeroPair(words, at + OperationWord.amount)) {
    return Code.amountMustBeZero;
  }
  if (!fitsRange(words, at + OperationWord.amount)) return Code.amountOutOfRange;
  return Code.ok;
}
