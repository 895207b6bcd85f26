/** The pure half of the ladder for payments and their operations: see engine/ledger/validate.ts. */
import { PaymentFlags, PaymentOperationFlags, PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { Channels, RiskContextFlags } from '../../protocol/risk.ts';
import { isReservedId, isZeroPair } from '../ledger/validate.ts';
import { isPayerCode } from '../payer-code/event.ts';
import {
  CancellationWord,
  ContextWord,
  fitsRange,
  isZeroId,
  OperationWord,
  PaymentWord,
  sameId,
} from '../ledger/words.ts';

/** 90 degrees in the units of a RISK_CONTEXT. */
const DEGREES_90 = 90_000_000;
const MCC_MAX = 9999;
const CHANNEL_MAX = Math.max(...Object.values(Channels));
/** PBoC tier D. */
const CODE_TIER_MAX = 4;
const TAKE_AMOUNT: ReadonlySet<number> = new Set([
  PaymentOperations.capture,
  PaymentOperations.refund,
  PaymentOperations.cancel,
]);

/** PaymentFlags of the PAYMENT record at word `at`. */
export function paymentFlags(words: Uint32Array, at: number): number {
  return (words[at + PaymentWord.flags] as number) >>> 16;
}

/** @param contextAt word of the RISK_CONTEXT; 0 = there is none */
export function validatePayment(words: Uint32Array, at: number, contextAt: number, isSale: boolean): number {
  if (!isZeroPair(words, at + PaymentWord.timestamp)) return Code.timestampMustBeZero;
  if ((words[at + PaymentWord.reserved16] as number) >>> 16 !== 0) return Code.reservedField;
  const isByCode = !isZeroId(words, at + PaymentWord.payerCode);
  if (!isByCode && !isZeroPair(words, at + PaymentWord.payerCounter)) return Code.reservedField;
  const flags = PaymentFlags.riskContext | (isByCode ? PaymentFlags.wrongCode : 0);
  if ((paymentFlags(words, at) & ~flags) !== 0) return Code.flagsReserved;
  if (contextAt !== 0 && !isContext(words, contextAt)) return Code.riskContextInvalid;
  if (isByCode && !leavesPayerToCode(words, at, contextAt)) return Code.payerCodeInvalid;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (!isByCode && isZeroId(words, at + PaymentWord.payerAccountId)) return Code.debitAccountIdMustNotBeZero;
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

/** Whether a payment by code says nothing itself of what the code stands for, and has room for it. */
function leavesPayerToCode(words: Uint32Array, at: number, contextAt: number): boolean {
  if (contextAt === 0 || !isZeroId(words, at + PaymentWord.payerAccountId)) return false;
  const codeTier = ((words[contextAt + ContextWord.kinds] as number) >>> 8) & 0xff;
  return isPayerCode(words, at + PaymentWord.payerCode) && codeTier === 0;
}

/** Whether the RISK_CONTEXT at word `at` has no field out of its range. */
function isContext(words: Uint32Array, at: number): boolean {
  const place = words[at + ContextWord.countryAndMcc] as number;
  const kinds = words[at + ContextWord.kinds] as number;
  const country = place & 0xffff;
  const isCountry = country === 0 || (isCapital(country >>> 8) && isCapital(country & 0xff));
  const hasLocation = (kinds >>> 16) & RiskContextFlags.location;
  const latitude = (words[at + ContextWord.latitude] as number) | 0;
  const longitude = (words[at + ContextWord.longitude] as number) | 0;
  const isPlace = Math.abs(latitude) <= DEGREES_90 && Math.abs(longitude) <= 2 * DEGREES_90;
  return (
    isCountry &&
    place >>> 16 <= MCC_MAX &&
    (kinds & 0xff) <= CHANNEL_MAX &&
    ((kinds >>> 8) & 0xff) <= CODE_TIER_MAX &&
    kinds >>> 16 === hasLocation &&
    (hasLocation !== 0 ? isPlace : (latitude | longitude) === 0)
  );
}

function isCapital(byte: number): boolean {
  return byte >= 0x41 && byte <= 0x5a;
}

export function validateOperation(words: Uint32Array, at: number, operation: number): number {
  const flags = (words[at + OperationWord.flags] as number) & 0xffff;
  const allowed = operation === PaymentOperations.capture ? PaymentOperationFlags.final : 0;
  if (!isZeroPair(words, at + OperationWord.timestamp)) return Code.timestampMustBeZero;
  if ((words[at + OperationWord.proofLength] as number) >>> 16 !== 0) return Code.reservedField;
  if (words[at + OperationWord.reserved32] !== 0) return Code.reservedField;
  if (!isZeroPair(words, at + OperationWord.institution)) return Code.reservedField;
  if ((flags & ~allowed) !== 0) return Code.flagsReserved;
  if (isZeroId(words, at)) return Code.idMustNotBeZero;
  if (isReservedId(words, at)) return Code.idReserved;
  if (isZeroId(words, at + OperationWord.paymentId)) return Code.idMustNotBeZero;
  if (operation === PaymentOperations.cancel) {
    // It becomes the id of a payment.
    if (isReservedId(words, at + OperationWord.paymentId)) return Code.idReserved;
    if (isZeroId(words, at + CancellationWord.payerAccountId)) return Code.debitAccountIdMustNotBeZero;
    const payerAt = at + CancellationWord.payerAccountId;
    if (isReservedId(words, payerAt) && !isPayerCode(words, payerAt)) return Code.idReserved;
  }
  if (!TAKE_AMOUNT.has(operation) && !isZeroPair(words, at + OperationWord.amount)) return Code.amountMustBeZero;
  if (!fitsRange(words, at + OperationWord.amount)) return Code.amountOutOfRange;
  return Code.ok;
}
