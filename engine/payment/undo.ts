/** The ways back: void, and the undoing that a revert and a cancellation ask for. */
import { PaymentOperationFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { AWAITS_CLEARING } from '../ledger/results.ts';
import { planCapture } from './capture.ts';
import { carryOut, complete, operateJoint, refuseKnown } from './carry-out.ts';
import { PaymentField, StateField } from './event.ts';
import type { OperationRequest } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { crosses } from './plan.ts';
import { planRefund } from './refund.ts';
import { release } from './release.ts';
import { hasPartyElsewhere, readView64, whyNotReleasable } from './version.ts';

export function voidPayment(
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

/**
 * Undoes `wanted` minor units of a payment, 0 = all that is left: first what is held and not captured, then what was captured. When less is
 * undone than is held, the rest is captured, and nothing stays open.
 */
export function undoPayment(
  payments: Payments,
  lsn: number,
  version: DataView,
  request: OperationRequest,
  wanted: number,
  reply: ReplyTarget,
): void {
  const { ledger } = payments;
  const closed = whyNotReleasable(version, ledger.now);
  const isOpen = closed === Code.ok;
  const captured = readView64(version, StateField.captured);
  if (!isOpen && captured === 0) return refuseKnown(payments, lsn, request, closed, reply);
  const refundable = captured - readView64(version, StateField.refunded);
  const open = isOpen ? readView64(version, PaymentField.amount) - captured : 0;
  if (wanted > open + refundable) return refuseKnown(payments, lsn, request, Code.exceedsCapturedAmount, reply);
  if (wanted > 0 && wanted < open) return takeRest(payments, lsn, version, request, open - wanted, reply);
  const releasesOnly = wanted === 0 ? refundable === 0 : wanted === open;
  if (isOpen && releasesOnly) return voidPayment(payments, lsn, version, request, reply);
  const isHere = !hasPartyElsewhere(ledger, version);
  const planned = planRefund(payments, version, wanted === 0 ? 0 : wanted - open);
  if (!('plan' in planned)) return refuseKnown(payments, lsn, request, planned.code, reply);
  const refund = { ...planned, operation: request.operation };
  if (isOpen) {
    // Two things at once, of which others follow one and have to allow the other: not between partitions.
    return isHere && !crosses(refund.plan)
      ? carryOut(payments, lsn, request, refund, reply)
      : refuseKnown(payments, lsn, request, Code.crossesPartitions, reply);
  }
  if (crosses(refund.plan)) return operateJoint(payments, lsn, request, refund, reply);
  carryOut(payments, lsn, request, refund, reply);
}

/** Captures `amount` of what is held, and releases what is left of it. */
function takeRest(
  payments: Payments,
  lsn: number,
  version: DataView,
  asked: OperationRequest,
  amount: number,
  reply: ReplyTarget,
): void {
  const planned = planCapture(payments, version, amount, PaymentOperationFlags.final);
  if (!('plan' in planned)) return refuseKnown(payments, lsn, asked, planned.code, reply);
  const request = { ...asked, engineFlags: PaymentOperationFlags.tookRest };
  const capture = { ...planned, operation: asked.operation };
  if (crosses(capture.plan)) return operateJoint(payments, lsn, request, capture, reply);
  carryOut(payments, lsn, request, capture, reply);
}
