/** Recovery of payments: a version is complete in itself, so replay only enters it into the indexes, and lists. */

import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { enter } from '../ledger/key-index.ts';
import { ReplayError } from '../ledger/replay.ts';
import { isZeroId, readU64 } from '../ledger/words.ts';
import {
  LinkField,
  NewPaymentField,
  OperationField,
  PaymentEventByte,
  PaymentEventFlags,
  PaymentField,
  StateField,
} from './event.ts';
import { openChallenge } from './first-version.ts';
import { isNewDraft, lockDraft, operationOf } from './joint-payments.ts';
import type { Payments } from './payments.ts';

/** Applies the payment event whose first word is `at`. */
export function replayVersion(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const { tables } = payments;
  const flags = ((words[at] as number) >>> 8) & 0xff;
  const operation = at + OperationField.id;
  if (!isZeroId(words, operation)) enter(tables.operations, words, operation, lsn);
  if ((flags & PaymentEventFlags.current) === 0) return;
  enter(tables.payments, words, at + PaymentField.id, lsn);
  const first = readU64(words, at + LinkField.firstVersion);
  const isConfirmation = (((words[at + StateField.state] as number) >>> 8) & 0xff) === PaymentOperations.confirm;
  if (isConfirmation && readU64(words, at + LinkField.joint) === 0) payments.countConfirmed(first);
  payments.challenges.close(first);
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
  const state = (words[at + NewPaymentField.state] as number) & 0xff;
  if (state === PaymentStates.challenged) openChallenge(payments, words, at, lsn);
  const isJoint = (((words[at] as number) >>> 8) & PaymentEventFlags.joint) !== 0;
  if (!isJoint) payments.risk.replay(words, at, state);
}

/** Applies the draft of a version that several partitions make together: it counts from the time when it was asked for. */
export function replayDraft(payments: Payments, draft: Uint32Array, lsn: number): void {
  if (draft.length === 0) return;
  lockDraft(payments.locks, draft, lsn);
  if (isNewDraft(draft)) return payments.risk.replay(draft, 0, (draft[NewPaymentField.state] as number) & 0xff);
  if (operationOf(draft) === PaymentOperations.confirm) payments.countConfirmed(readU64(draft, LinkField.firstVersion));
}
