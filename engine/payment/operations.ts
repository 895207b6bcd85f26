/**
 * Capture, void, refund, revert, release, confirm and cancel: what follows on a payment. Each has an id of its own, and its outcome is a version of the payment
 * that is kept whether it was allowed or not.
 */

import { PaymentOperationFlags, PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { isPassing } from '../ledger/crossings.ts';
import { EventTypes } from '../ledger/events.ts';
import { find } from '../ledger/key-index.ts';
import { AWAITS_TURN } from '../ledger/results.ts';
import { OperationWord, readU64, writeU64 } from '../ledger/words.ts';
import { cancelBefore, cancelKnown, namesOtherPayer } from './cancel.ts';
import { planCapture } from './capture.ts';
import { carryOut, operateJoint, refuseKnown } from './carry-out.ts';
import { planConfirm, whyNotConfirmed } from './confirm.ts';
import { OperationField, PaymentEventByte, PaymentField, paymentEventBytes, StateField } from './event.ts';
import { planRelease } from './held.ts';
import { copyOperation, type OperationRequest } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { crosses } from './plan.ts';
import { planRefund } from './refund.ts';
import { undoPayment, voidPayment } from './undo.ts';
import { validateOperation } from './validate.ts';
import type { OperationPlan } from './version.ts';

export function operate(payments: Payments, request: OperationRequest, reply: ReplyTarget): void {
  const { words, at, institution, operation, isProven } = request;
  const malformed = validateOperation(words, at, operation);
  if (malformed !== Code.ok) return payments.refuse(reply, malformed);
  const { locks } = payments;
  const holder = locks.holderOf(words, at) || locks.holderOf(words, at + OperationWord.paymentId);
  if (holder !== 0) return payments.postpone(reply, holder, AWAITS_TURN);
  const known = find(payments.tables.operations, words, at);
  if (known !== 0) return replayOperation(payments, request, known, reply);

  const lsn = payments.find(words, at + OperationWord.paymentId);
  if (lsn === 0) {
    return operation === PaymentOperations.cancel
      ? cancelBefore(payments, request, reply)
      : refuseWithoutPayment(payments, request, Code.paymentNotFound, reply);
  }
  const version = payments.versions.read(lsn);
  // Another institution's payment is answered like an unknown one, so that nothing of it is told.
  if (!payments.mayOperate(version, institution) && !mayAnswer(payments, version, request)) {
    return refuseWithoutPayment(payments, request, Code.paymentForbidden, reply);
  }
  // Not remembered: the payer may try again with the same id.
  const lacksProof = operation === PaymentOperations.confirm && isProven !== true;
  if (lacksProof && whyNotConfirmed(version) === Code.ok) return payments.refuse(reply, Code.proofInvalid);
  if (operation === PaymentOperations.void) return voidPayment(payments, lsn, version, request, reply);
  if (operation === PaymentOperations.revert) return undoPayment(payments, lsn, version, request, 0, reply);
  if (operation === PaymentOperations.cancel) return cancelKnown(payments, lsn, version, request, reply);
  const planned = planOperation(payments, version, request);
  if (!('plan' in planned)) {
    // What has nothing to do with the payment is not kept with it: the same may be sent again.
    if (isPassing(planned.code)) return payments.refuse(reply, planned.code);
    return refuseKnown(payments, lsn, request, planned.code, reply);
  }
  if (crosses(planned.plan)) return operateJoint(payments, lsn, request, planned, reply);
  carryOut(payments, lsn, request, planned, reply);
}

/** The payer's institution confirms what somebody else has made with a code of his, or declines to. */
function mayAnswer(payments: Payments, version: DataView, { operation, institution }: OperationRequest): boolean {
  if (operation !== PaymentOperations.confirm && operation !== PaymentOperations.void) return false;
  const isByCode = [0, 1, 2, 3].some((word) => version.getUint32((PaymentField.payerCode + word) * 4, true) !== 0);
  const state = version.getUint8(StateField.state * 4);
  // Once it is paid, it is the payee's as much as his.
  const isHis = operation === PaymentOperations.confirm || state === PaymentStates.challenged;
  return isByCode && isHis && payments.mayAnswerFor(version, institution);
}

function planOperation(
  payments: Payments,
  version: DataView,
  { words, at, operation }: OperationRequest,
): OperationPlan {
  const amount = readU64(words, at + OperationWord.amount);
  switch (operation) {
    case PaymentOperations.capture:
      return planCapture(payments, version, amount, (words[at + OperationWord.flags] as number) & 0xffff);
    case PaymentOperations.release:
      return planRelease(payments, version);
    case PaymentOperations.confirm:
      return planConfirm(payments, version);
    default:
      return planRefund(payments, version, amount);
  }
}

function refuseWithoutPayment(payments: Payments, request: OperationRequest, code: number, reply: ReplyTarget): void {
  const { events, now } = payments.ledger;
  const length = paymentEventBytes(0);
  const at = events.append(EventTypes.payment, 0, code, length, request.institution);
  const { words } = events;
  words.fill(0, at + (PaymentEventByte.payment >> 2), at + (length >> 2));
  words[at + StateField.state] = (request.operation << 8) | (code << 16);
  writeU64(words, at + StateField.updatedAt, now);
  copyOperation(payments, request, at);
  payments.rememberOperation(at);
  payments.answer(reply, at, code);
}

/** Answers an operation id that was used before: the first answer again, or which field differs. */
function replayOperation(payments: Payments, request: OperationRequest, lsn: number, reply: ReplyTarget): void {
  const stored = payments.versions.read(lsn);
  const difference = compareOperation(request, stored);
  if (difference !== Code.ok) return payments.refuse(reply, difference);
  payments.answerAgain(reply, stored);
}

function compareOperation(request: OperationRequest, stored: DataView): number {
  const { words, at } = request;
  const differs = (word: number, count: number): boolean => {
    for (let i = 0; i < count; i++) {
      if (words[at + word + i] !== stored.getUint32((OperationField.id + word + i) * 4, true)) return true;
    }
    return false;
  };
  if (stored.getUint32(OperationField.institution * 4, true) !== request.institution) {
    return Code.existsWithDifferentOwner;
  }
  if (stored.getUint8(StateField.state * 4 + 1) !== request.operation) return Code.existsWithDifferentOperation;
  if (differs(OperationWord.paymentId, 4)) return Code.existsWithDifferentPayment;
  if (request.operation === PaymentOperations.cancel && namesOtherPayer(request, stored)) {
    return Code.existsWithDifferentPayer;
  }
  if (differs(OperationWord.amount, 2)) return Code.existsWithDifferentAmount;
  // One bit of those that are kept is the engine's.
  const kept = stored.getUint32(OperationField.flags * 4, true) & ~PaymentOperationFlags.tookRest;
  if (words[at + OperationWord.flags] !== kept >>> 0) return Code.existsWithDifferentFlags;
  return Code.ok;
}
