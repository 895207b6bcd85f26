/**
 * Capture, void, refund, revert, release and confirm: what follows on a payment. Each has an id of its own, and its outcome is a version of the payment
 * that is kept whether it was allowed or not.
 */

import { PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { isPassing } from '../ledger/crossings.ts';
import { EventTypes } from '../ledger/events.ts';
import { find } from '../ledger/key-index.ts';
import { AWAITS_CLEARING, AWAITS_TURN } from '../ledger/results.ts';
import { OperationWord, readU64, writeU64 } from '../ledger/words.ts';
import { planCapture } from './capture.ts';
import { confirmed, planConfirm, whyNotConfirmed } from './confirm.ts';
import { LinkField, OperationField, PaymentEventByte, paymentEventBytes, StateField } from './event.ts';
import { planRelease } from './held.ts';
import { beginJoint, jointPlan, openForPlan, tryJoint } from './joint-payments.ts';
import { copyOperation, keepRefused, type OperationRequest } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { carryOutLegs, crosses } from './plan.ts';
import { planRefund } from './refund.ts';
import { release } from './release.ts';
import { validateOperation } from './validate.ts';
import type { OperationPlan, PlannedOperation } from './version.ts';
import { hasPartyElsewhere, readView64, whyNotReleasable } from './version.ts';

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
  if (lsn === 0) return refuseWithoutPayment(payments, request, Code.paymentNotFound, reply);
  const version = payments.versions.read(lsn);
  // Another institution's payment is answered like an unknown one, so that nothing of it is told.
  if (!payments.mayOperate(version, institution)) {
    return refuseWithoutPayment(payments, request, Code.paymentForbidden, reply);
  }
  // Not remembered: the payer may try again with the same id.
  const lacksProof = operation === PaymentOperations.confirm && isProven !== true;
  if (lacksProof && whyNotConfirmed(version) === Code.ok) return payments.refuse(reply, Code.proofInvalid);
  if (operation === PaymentOperations.void) return voidPayment(payments, lsn, version, request, reply);
  if (operation === PaymentOperations.revert) return revertPayment(payments, lsn, version, request, reply);
  const planned = planOperation(payments, version, request);
  if (!('plan' in planned)) {
    // What has nothing to do with the payment is not kept with it: the same may be sent again.
    if (isPassing(planned.code)) return payments.refuse(reply, planned.code);
    return refuseKnown(payments, lsn, request, planned.code, reply);
  }
  if (crosses(planned.plan)) return operateJoint(payments, lsn, request, planned, reply);
  carryOut(payments, lsn, request, planned, reply);
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

function carryOut(
  payments: Payments,
  lsn: number,
  request: OperationRequest,
  { plan, operation, change }: PlannedOperation,
  reply: ReplyTarget,
): void {
  const { ledger } = payments;
  const { undo } = ledger.books;
  const { end, count } = ledger.events;
  undo.begin();
  const at = startOperation(payments, lsn, operation);
  const code = carryOutLegs(ledger, at, plan);
  if (code !== Code.ok) {
    undo.rollback();
    ledger.events.rewind(end, count);
    return refuseKnown(payments, lsn, request, code, reply);
  }
  undo.commit();
  change(ledger.events.words, at);
  complete(payments, request, at, reply);
  if (operation === PaymentOperations.confirm) confirmed(payments, at);
}

/** Starts the version that an operation makes; a revert begins with giving back what is still held. */
function startOperation(payments: Payments, lsn: number, operation: number): number {
  if (operation === PaymentOperations.revert) {
    const version = payments.versions.read(lsn);
    if (whyNotReleasable(version, payments.ledger.now) === Code.ok)
      return release(payments, lsn, version, operation).at;
  }
  return payments.startVersion(lsn, operation, Code.ok, true);
}

/** Keeps the request in the version that it made, and answers with it. */
function complete(payments: Payments, request: OperationRequest, at: number, reply: ReplyTarget): void {
  copyOperation(payments, request, at);
  payments.makeCurrent(at);
  payments.rememberOperation(at);
  payments.answer(reply, at, Code.ok);
}

/** An operation that moves money of a party elsewhere: tried here, then asked of the others. */
function operateJoint(
  payments: Payments,
  lsn: number,
  request: OperationRequest,
  { plan, operation, change, feeAccountId }: PlannedOperation,
  reply: ReplyTarget,
): void {
  const { ledger } = payments;
  const { events } = ledger;
  const version = copyOf(payments.versions.read(lsn));
  const short = openForPlan(ledger, jointPlan(payments, plan, version, 0, 0, feeAccountId));
  if (short !== Code.ok) return payments.refuse(reply, short);
  const joint = jointPlan(payments, plan, version, 0, events.nextLsn, feeAccountId);
  const { end, count } = events;
  const at = payments.startVersion(lsn, operation, Code.ok, true);
  const code = tryJoint(payments, at, joint);
  if (code !== Code.ok) {
    events.rewind(end, count);
    return refuseKnown(payments, lsn, request, code, reply);
  }
  change(events.words, at);
  copyOperation(payments, request, at);
  if (operation === PaymentOperations.confirm) {
    payments.countConfirmed(readU64(events.words, at + LinkField.firstVersion));
  }
  payments.postpone(reply, beginJoint(payments, at, joint, lsn), AWAITS_CLEARING);
}

function copyOf(event: DataView): Uint32Array {
  const words = new Uint32Array(event.byteLength >> 2);
  new Uint8Array(words.buffer).set(new Uint8Array(event.buffer, event.byteOffset, event.byteLength));
  return words;
}

function voidPayment(
  payments: Payments,
  lsn: number,
  version: DataView,
  request: OperationRequest,
  reply: ReplyTarget,
): void {
  const refused = whyNotReleasable(version, payments.ledger.now);
  if (refused !== Code.ok) return refuseKnown(payments, lsn, request, refused, reply);
  const { at, joint } = release(payments, lsn, version, request.operation);
  complete(payments, request, at, reply);
  if (joint !== 0) payments.postpone(reply, joint, AWAITS_CLEARING);
}

/** Undoes a payment: releases what is held, and refunds what is left of what was captured. Nothing is left to do it twice. */
function revertPayment(
  payments: Payments,
  lsn: number,
  version: DataView,
  request: OperationRequest,
  reply: ReplyTarget,
): void {
  const { ledger } = payments;
  const closed = whyNotReleasable(version, ledger.now);
  const isOpen = closed === Code.ok;
  const captured = readView64(version, StateField.captured);
  if (!isOpen && captured === 0) return refuseKnown(payments, lsn, request, closed, reply);
  if (isOpen && captured === readView64(version, StateField.refunded))
    return voidPayment(payments, lsn, version, request, reply);
  const isHere = !hasPartyElsewhere(ledger, version);
  const planned = planRefund(payments, version, 0);
  if (!('plan' in planned)) return refuseKnown(payments, lsn, request, planned.code, reply);
  const refund = { ...planned, operation: PaymentOperations.revert };
  if (isOpen) {
    // Two things at once, of which others follow one and have to allow the other: not between partitions.
    return isHere && !crosses(refund.plan)
      ? carryOut(payments, lsn, request, refund, reply)
      : refuseKnown(payments, lsn, request, Code.crossesPartitions, reply);
  }
  if (crosses(refund.plan)) return operateJoint(payments, lsn, request, refund, reply);
  carryOut(payments, lsn, request, refund, reply);
}

/** Keeps a refused operation with the payment as it stands. */
function refuseKnown(
  payments: Payments,
  lsn: number,
  request: OperationRequest,
  code: number,
  reply: ReplyTarget,
): void {
  payments.answer(reply, keepRefused(payments, lsn, request, code), code);
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
  if (differs(OperationWord.amount, 2)) return Code.existsWithDifferentAmount;
  if (differs(OperationWord.flags, 1)) return Code.existsWithDifferentFlags;
  return Code.ok;
}
