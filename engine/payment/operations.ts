/**
 * Capture, void and refund: what follows on a payment. Each has an id of its own, and its outcome is a version of the payment
 * that is kept whether it was allowed or not.
 */

import { PAYMENT_OPERATION, PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EventTypes } from '../ledger/events.ts';
import { find } from '../ledger/key-index.ts';
import { OperationWord, readU64, writeU64 } from '../ledger/words.ts';
import { capture } from './capture.ts';
import { OperationField, PaymentEventByte, paymentEventBytes, StateField } from './event.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { refund } from './refund.ts';
import { release } from './release.ts';
import { validateOperation } from './validate.ts';
import type { OperationOutcome } from './version.ts';
import { whyNotOpen } from './version.ts';

/** One PAYMENT_OPERATION record in the batch's shared buffer. */
export interface OperationRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  /** PaymentOperations.capture, void or refund. */
  readonly operation: number;
}

const RECORD_WORDS = PAYMENT_OPERATION.size >> 2;

export function operate(payments: Payments, request: OperationRequest, reply: ReplyTarget): void {
  const { words, at, institution, operation } = request;
  const malformed = validateOperation(words, at, operation);
  if (malformed !== Code.ok) return payments.refuse(reply, malformed);
  const known = find(payments.tables.operations, words, at);
  if (known !== 0) return replayOperation(payments, request, known, reply);

  const lsn = payments.find(words, at + OperationWord.paymentId);
  if (lsn === 0) return refuseUnknown(payments, request, reply);
  const version = payments.versions.read(lsn);
  const outcome = payments.mayOperate(version, institution)
    ? carryOut(payments, lsn, version, request)
    : { code: Code.paymentForbidden };
  if (outcome.code === Code.paymentForbidden) return refuseForbidden(payments, request, reply);
  if (outcome.at === undefined) return refuseKnown(payments, lsn, request, outcome.code, reply);
  copyOperation(payments, request, outcome.at);
  payments.makeCurrent(outcome.at);
  payments.rememberOperation(outcome.at);
  payments.answer(reply, outcome.at, Code.ok);
}

function carryOut(payments: Payments, lsn: number, version: DataView, request: OperationRequest): OperationOutcome {
  const { words, at, operation } = request;
  const amount = readU64(words, at + OperationWord.amount);
  const flags = (words[at + OperationWord.flags] as number) & 0xffff;
  switch (operation) {
    case PaymentOperations.capture:
      return capture(payments, lsn, version, amount, flags);
    case PaymentOperations.refund:
      return refund(payments, lsn, version, amount);
    default: {
      const refused = whyNotOpen(version, payments.ledger.now);
      return refused === Code.ok
        ? { code: 0, at: release(payments, lsn, version, PaymentOperations.void) }
        : { code: refused };
    }
  }
}

/** Keeps a refused operation with the payment as it stands. */
function refuseKnown(
  payments: Payments,
  lsn: number,
  request: OperationRequest,
  code: number,
  reply: ReplyTarget,
): void {
  const at = payments.startVersion(lsn, request.operation, code, false);
  copyOperation(payments, request, at);
  payments.rememberOperation(at);
  payments.answer(reply, at, code);
}

function refuseUnknown(payments: Payments, request: OperationRequest, reply: ReplyTarget): void {
  refuseWithoutPayment(payments, request, Code.paymentNotFound, reply);
}

/** Another institution's payment: kept and answered like an unknown one, so that nothing of the payment is told. */
function refuseForbidden(payments: Payments, request: OperationRequest, reply: ReplyTarget): void {
  refuseWithoutPayment(payments, request, Code.paymentForbidden, reply);
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

/** Puts the request into the version that it made: whose it was is in the version's prefix only when it created the payment. */
function copyOperation(payments: Payments, request: OperationRequest, event: number): void {
  const { words, at } = request;
  const out = payments.ledger.events.words;
  for (let word = 0; word < RECORD_WORDS; word++) {
    out[event + OperationField.id + word] = words[at + word] as number;
  }
  writeU64(out, event + OperationField.timestamp, payments.ledger.now);
  out[event + OperationField.institution] = request.institution;
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
