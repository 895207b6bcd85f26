/** The end of an authorisation without a capture of the rest: by the caller (void) or by time (expire). */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegRoles, settleLeg } from '../ledger/legs.ts';
import { writeU64 } from '../ledger/words.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { originOf, readView64 } from './version.ts';

/** Gives back all that an open authorisation still holds; returns the first word of the version that it makes. */
export function release(payments: Payments, lsn: number, version: DataView, operation: number): number {
  const amount = readView64(version, PaymentField.amount);
  const captured = readView64(version, StateField.captured);
  const discountLeft = readView64(version, StateField.discount) - readView64(version, StateField.discountCaptured);
  const payerHold = readView64(version, LinkField.payerHold);
  const campaignHold = readView64(version, LinkField.campaignHold);
  const isExpiry = operation === PaymentOperations.expire;

  const { ledger } = payments;
  const at = payments.startVersion(lsn, operation, Code.ok, true);
  const origin = originOf(ledger.events, at);
  settleLeg(ledger, origin, LegRoles.payer, payerHold, 0, amount - captured - discountLeft, isExpiry);
  settleLeg(ledger, origin, LegRoles.campaign, campaignHold, 0, discountLeft, isExpiry);

  const { words } = ledger.events;
  const ended = isExpiry ? PaymentStates.expired : PaymentStates.voided;
  payments.setState(at, captured > 0 ? PaymentStates.captured : ended);
  writeU64(words, at + StateField.released, amount - captured);
  writeU64(words, at + StateField.expiresAt, 0);
  return at;
}

/** Ends the authorisation whose timer came up; nothing happens when it has ended or its time is not yet up. */
export function expirePayment(payments: Payments, w0: number, w1: number, w2: number, w3: number): void {
  const { ledger } = payments;
  const lsn = payments.tables.payments.get(w0, w1, w2, w3);
  if (lsn === 0) return;
  const version = ledger.events.read(lsn);
  const expiresAt = readView64(version, StateField.expiresAt);
  if (expiresAt === 0 || expiresAt > ledger.now) return;
  payments.makeCurrent(release(payments, lsn, version, PaymentOperations.expire));
}
