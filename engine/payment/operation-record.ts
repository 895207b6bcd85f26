/** Keeping an operation with its payment, whether it was allowed or not. */
import { PAYMENT_OPERATION, PaymentOperationFlags } from '../../protocol/records.ts';
import { OperationWord, writeU64 } from '../ledger/words.ts';
import { OperationField } from './event.ts';
import type { Payments } from './payments.ts';

/** One PAYMENT_OPERATION record in the batch's shared buffer. */
export interface OperationRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  /** PaymentOperations.capture, void, refund, revert, release, confirm or cancel: this one is a PAYMENT_CANCELLATION. */
  readonly operation: number;
  /** Whether the payer's proof was checked: of a confirmation. */
  readonly isProven?: boolean;
  /** PaymentOperationFlags that the engine adds. */
  readonly engineFlags?: number;
}

export const OPERATION_WORDS = PAYMENT_OPERATION.size >> 2;

/** Puts the request into the version that it made: whose it was is in the version's prefix only when it created the payment. */
export function copyOperation(payments: Payments, request: OperationRequest, event: number): void {
  const { words, at, engineFlags = 0 } = request;
  const out = payments.ledger.events.words;
  for (let word = 0; word < OPERATION_WORDS; word++) {
    out[event + OperationField.id + word] = words[at + word] as number;
  }
  // A draft that was refused has kept the engine's flags.
  const flags = ((words[at + OperationWord.flags] as number) & 0xffff & ~PaymentOperationFlags.tookRest) | engineFlags;
  out[event + OperationField.flags] = ((words[at + OperationWord.flags] as number) & 0xffff_0000) | flags;
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
