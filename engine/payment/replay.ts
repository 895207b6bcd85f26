/** Recovery of payments: a version is complete in itself, so replay only enters it into the indexes, lists and timers. */

import { PaymentStates } from '../../protocol/records.ts';
import { enter } from '../ledger/key-index.ts';
import { ReplayError } from '../ledger/replay.ts';
import { TimerKinds } from '../ledger/timers.ts';
import { isZeroId, readU64 } from '../ledger/words.ts';
import { LinkField, OperationField, PaymentEventByte, PaymentEventFlags, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';

/** Applies the payment event whose first word is `at`. */
export function replayPayment(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const { tables } = payments;
  const flags = ((words[at] as number) >>> 8) & 0xff;
  const operation = at + OperationField.id;
  if (!isZeroId(words, operation)) enter(tables.operations, words, operation, lsn);
  if ((flags & PaymentEventFlags.current) === 0) return;
  const id = at + PaymentField.id;
  enter(tables.payments, words, id, lsn);
  if ((flags & PaymentEventFlags.first) !== 0) replayFirst(payments, words, at, lsn);
}

function replayFirst(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const { tables, heads, key, ledger } = payments;
  const institution = words[at + 2] as number;
  if (readU64(words, at + LinkField.previousOfInstitution) !== (heads.get(institution) ?? 0)) {
    throw new ReplayError(lsn, 'the list of payments of the institution does not continue here');
  }
  heads.set(institution, lsn);
  const bytes = (words[at + PaymentField.referenceLength] as number) & 0xffff;
  if (bytes > 0) {
    payments.referenceKey(words, at + (PaymentEventByte.reference >> 2), bytes, institution);
    enter(tables.references, key, 0, lsn);
  }
  if (((words[at + StateField.state] as number) & 0xff) === PaymentStates.authorised) {
    const id = at + PaymentField.id;
    ledger.tables.timers.schedule(
      readU64(words, at + StateField.expiresAt),
      TimerKinds.payment,
      words[id] as number,
      words[id + 1] as number,
      words[id + 2] as number,
      words[id + 3] as number,
    );
  }
}
