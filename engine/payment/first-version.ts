/** The end of writing a payment's first version: how it came out, and where it is found. */
import { PaymentStates } from '../../protocol/records.ts';
import { enter, find } from '../ledger/key-index.ts';
import { writeU64 } from '../ledger/words.ts';
import { contextIn } from '../risk/decision.ts';
import { NewPaymentField, PaymentEventByte, PaymentField } from './event.ts';
import type { Payments } from './payments.ts';

/** What a new payment takes beside its amount, minor units. */
export interface Shares {
  readonly discount: number;
  readonly fee: number;
}

/** How a new payment came out. */
export interface Outcome {
  /** A PaymentStates value. */
  readonly state: number;
  readonly code: number;
}

/** Says in the first version at word `event` how it came out, and enters it into the lists and indexes. */
export function finishFirstVersion(
  payments: Payments,
  event: number,
  operation: number,
  outcome: Outcome,
  shares: Shares,
): void {
  const { events } = payments.ledger;
  const { words } = events;
  const { state, code } = outcome;
  const isDeclined = state === PaymentStates.declined;
  words[event] = ((words[event] as number) & 0xffff) | (code << 16);
  words[event + NewPaymentField.state] = state | (operation << 8) | (code << 16);
  writeU64(words, event + NewPaymentField.discount, isDeclined ? 0 : shares.discount);
  writeU64(words, event + NewPaymentField.fee, state === PaymentStates.captured ? shares.fee : 0);
  linkFirstVersion(payments, event);
  if (state === PaymentStates.held) payments.risk.openCase(words, event);
  if (state === PaymentStates.challenged) openChallenge(payments, words, event, events.lsnOf(event));
}

/** Enters a new payment into the list of its institution, under its reference and under its id. */
function linkFirstVersion(payments: Payments, event: number): void {
  const { events } = payments.ledger;
  const { words } = events;
  const lsn = events.lsnOf(event);
  const institution = words[event + 2] as number;
  writeU64(words, event + NewPaymentField.previousOfInstitution, payments.heads.get(institution) ?? 0);
  payments.heads.set(institution, lsn);
  const bytes = (words[event + PaymentField.referenceLength] as number) & 0xffff;
  let previous = 0;
  if (bytes > 0) {
    const { key, tables } = payments;
    payments.referenceKey(words, event + (PaymentEventByte.newReference >> 2), bytes, institution);
    previous = find(tables.references, key, 0);
    enter(tables.references, key, 0, lsn);
  }
  writeU64(words, event + NewPaymentField.previousOfReference, previous);
  payments.makeCurrent(event);
}

/** Has the payment whose first version is at word `at` wait for its payer. */
export function openChallenge(payments: Payments, words: Uint32Array, at: number, lsn: number): void {
  const payment = { words, at: at + PaymentField.id, contextAt: contextIn(words, at) };
  payments.challenges.open(lsn, payments.ledger.now, payment);
}
