/** Keeping an operation with its payment, whether it was allowed or not. */
import { PAYMENT_OPERATION } from '../../protocol/records.ts';
import { writeU64 } from '../ledger/words.ts';
import { OperationField } from './event.ts';
import type { Payments } from './payments.ts';

/** One PAYMENT_OPERATION record in the batch's shared buffer. */
export interface OperationRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  /** PaymentOperations.capture, void, refund, revert, release or confirm. */
  readonly operation: number;
  /** Whether the payer's proof was checked: of a confirmation. */
  readonly isProven?: boolean;
}

export const OPERATION_WORDS = PAYMENT_OPERATION.size >> 2;

/** Puts the request into the version that it made: whose it was is in the version's prefix only when it created the payment. */
export function copyOperation(payments: Payments, request: OperationRequest, event: number): void {
  const { words, at } = request;
  const out = payments.ledger.events.words;
  for (let word = 0; word < OPERATION_WORDS; word++) {
    out[event + OperationField.id + word] = words[at + word] as number;
  }
  writeU64(out, event + OperationField.timestamp, payments.ledger.now);
  out[event + OperationField.institution] = request.institution;
}

/** Keeps a refused operation with the payment as it stands at `lsn`; returns the first word of the version. */
export function keepRefused(payments: Payments, lsn: number, request: OperationRequest, code: number): number {
  const at = payments.startVersion(lsn, request.operation, code, false);
  copyOperation(payments, request, at);
  payments.rememberOperation(at);
  return at;
}
