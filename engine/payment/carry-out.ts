/** Carrying out an operation that was planned, in this partition or together with others; and keeping one that is refused. */
import { PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { AWAITS_CLEARING } from '../ledger/results.ts';
import { readU64 } from '../ledger/words.ts';
import { confirmed } from './confirm.ts';
import { LinkField } from './event.ts';
import { beginJoint, jointPlan, openForPlan, tryJoint } from './joint-payments.ts';
import { copyOperation, keepRefused, type OperationRequest } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { carryOutLegs, type Plan, PlanKinds } from './plan.ts';
import { release } from './release.ts';
import { type PlannedOperation, whyNotReleasable } from './version.ts';

/** Carries out what was planned, all of it or nothing, and answers. */
export function carryOut(
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
  const at = startOperation(payments, lsn, operation, plan);
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

/** Starts the version that an operation makes; a revert that refunds begins with giving back what is still held. */
function startOperation(payments: Payments, lsn: number, operation: number, { kind }: Plan): number {
  if (kind === PlanKinds.refund && operation !== PaymentOperations.refund) {
    const version = payments.versions.read(lsn);
    if (whyNotReleasable(version, payments.ledger.now) === Code.ok)
      return release(payments, lsn, version, operation).at;
  }
  return payments.startVersion(lsn, operation, Code.ok, true);
}

/** Keeps the request in the version that it made, and answers with it. */
export function complete(payments: Payments, request: OperationRequest, at: number, reply: ReplyTarget): void {
  copyOperation(payments, request, at);
  payments.makeCurrent(at);
  payments.rememberOperation(at);
  payments.answer(reply, at, Code.ok);
}

/** An operation that moves money of a party elsewhere: tried here, then asked of the others. */
export function operateJoint(
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

/** Keeps a refused operation with the payment as it stands. */
export function refuseKnown(
  payments: Payments,
  lsn: number,
  request: OperationRequest,
  code: number,
  reply: ReplyTarget,
): void {
  payments.answer(reply, keepRefused(payments, lsn, request, code), code);
}
