/** Recovery of payments: a version is complete in itself, so replay only enters it into the indexes, and lists. */

import { enter } from '../ledger/key-index.ts';
import { ReplayError } from '../ledger/replay.ts';
import { isZeroId, readU64 } from '../ledger/words.ts';
import { NewPaymentField, OperationField, PaymentEventByte, PaymentEventFlags, PaymentField } from './event.ts';
import type { Payments } from './payments.ts';

/** Applies the payment event whose first word is `at`. */
export function replayVersion(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const { tables } = payments;
  const flags = ((words[at] as number) >>> 8) & 0xff;
  const operation = at + OperationField.id;
  if (!isZeroId(words, operation)) enter(tables.operations, words, operation, lsn);
  if ((flags & PaymentEventFlags.current) !== 0) enter(tables.payments, words, at + PaymentField.id, lsn);
}

/** Applies the newPayment event whose first word is `at`. */
export function replayNewPayment(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const { tables, heads, key } = payments;
  enter(tables.payments, words, at + PaymentField.id, lsn);
  const institution = words[at + 2] as number;
  if (readU64(words, at + NewPaymentField.previousOfInstitution) !== (heads.get(institution) ?? 0)) {
    throw new ReplayError(lsn, 'the list of payments of the institution does not continue here');
  }
  heads.set(institution, lsn);
  const bytes = (words[at + PaymentField.referenceLength] as number) & 0xffff;
  if (bytes > 0) {
    payments.referenceKey(words, at + (PaymentEventByte.newReference >> 2), bytes, institution);
    enter(tables.references, key, 0, lsn);
  }
}
