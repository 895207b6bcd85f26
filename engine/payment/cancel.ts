/**
 * The cancellation of a payment that may not have come yet. One that is known is undone. Of one that is not, a first version is kept that
 * was never asked for: declined, with the cancellation in it. The payment that comes later finds it in its place.
 */
import { PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { EventTypes } from '../ledger/events.ts';
import { isReservedId } from '../ledger/validate.ts';
import { CancellationWord, OperationWord, readU64, writeU64 } from '../ledger/words.ts';
import { refuseKnown } from './carry-out.ts';
import { PaymentEventByte, PaymentEventFlags, PaymentField, paymentEventBytes, StateField } from './event.ts';
import { copyOperation, type OperationRequest } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { undoPayment } from './undo.ts';

const ID_WORDS = 4;

/** Cancels the payment whose newest version is `version`. */
export function cancelKnown(
  payments: Payments,
  lsn: number,
  version: DataView,
  request: OperationRequest,
  reply: ReplyTarget,
): void {
  if (!isPayerOf(version, request)) {
    return refuseKnown(payments, lsn, request, Code.existsWithDifferentPayer, reply);
  }
  const { words, at } = request;
  undoPayment(payments, lsn, version, request, readU64(words, at + OperationWord.amount), reply);
}

/** Cancels a payment that nobody has asked for yet. */
export function cancelBefore(payments: Payments, request: OperationRequest, reply: ReplyTarget): void {
  const { words, at: from, operation, institution } = request;
  const { events, now } = payments.ledger;
  const length = paymentEventBytes(0);
  // The cancellation is allowed; it is the payment that is not.
  const at = events.append(EventTypes.payment, PaymentEventFlags.current, Code.ok, length, institution);
  const out = events.words;
  out.fill(0, at + (PaymentEventByte.payment >> 2), at + (length >> 2));
  const isByCode = isReservedId(words, from + CancellationWord.payerAccountId);
  const payerField = isByCode ? PaymentField.payerCode : PaymentField.payerAccountId;
  for (let word = 0; word < ID_WORDS; word++) {
    out[at + PaymentField.id + word] = words[from + OperationWord.paymentId + word] as number;
    out[at + payerField + word] = words[from + CancellationWord.payerAccountId + word] as number;
  }
  writeU64(out, at + PaymentField.timestamp, now);
  out[at + StateField.state] = PaymentStates.declined | (operation << 8) | (Code.cancelledBefore << 16);
  out[at + StateField.version] = 1;
  writeU64(out, at + StateField.createdAt, now);
  writeU64(out, at + StateField.updatedAt, now);
  copyOperation(payments, request, at);
  payments.makeCurrent(at);
  payments.rememberOperation(at);
  payments.answer(reply, at, Code.ok);
}

/** Whether the first version of a payment was made by a cancellation that came before it. */
export function isCancelledBefore(first: DataView): boolean {
  return first.getUint16(StateField.state * 4 + 2, true) === Code.cancelledBefore;
}

/** Whether a cancellation that comes again names another payer than the one that was stored with its outcome. */
export function namesOtherPayer(request: OperationRequest, stored: DataView): boolean {
  // Without a payment of the caller's there is nothing to compare with; a wrong payer was refused as such.
  const hasPayment = stored.getUint8(StateField.state * 4) !== 0;
  return hasPayment && stored.getUint16(2, true) !== Code.existsWithDifferentPayer && !isPayerOf(stored, request);
}

/** The payer's account, or the code that he has shown. */
function isPayerOf(version: DataView, { words, at }: OperationRequest): boolean {
  const isStated = (field: number): boolean => {
    for (let word = 0; word < ID_WORDS; word++) {
      const stated = words[at + CancellationWord.payerAccountId + word];
      if (version.getUint32((field + word) * 4, true) !== stated) return false;
    }
    return true;
  };
  return isStated(PaymentField.payerAccountId) || isStated(PaymentField.payerCode);
}
