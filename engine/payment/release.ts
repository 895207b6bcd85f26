/** The end of an authorisation without a capture of the rest: by the caller (void) or by time (expire). */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegEventWord, LegRoles, originDistance } from '../ledger/leg-event.ts';
import { settleLeg } from '../ledger/legs.ts';
import { writeU64 } from '../ledger/words.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { readView64, whyNotOpen } from './version.ts';

const TWO_32 = 0x1_0000_0000;

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
  settleLeg(ledger, at, LegRoles.payer, payerHold, 0, amount - captured - discountLeft, isExpiry);
  settleLeg(ledger, at, LegRoles.campaign, campaignHold, 0, discountLeft, isExpiry);

  const { words } = ledger.events;
  const ended = isExpiry ? PaymentStates.expired : PaymentStates.voided;
  payments.setState(at, captured > 0 ? PaymentStates.captured : ended);
  writeU64(words, at + StateField.released, amount - captured);
  writeU64(words, at + StateField.expiresAt, 0);
  return at;
}

/**
 * Ends the authorisation that made the hold at a position (lower and upper half), which is up: the hold's leg says whose it is.
 */
export function expirePayment(payments: Payments, lsnLow: number, lsnHigh: number): void {
  const { ledger } = payments;
  const legLsn = lsnHigh * TWO_32 + lsnLow;
  const leg = ledger.events.read(legLsn);
  const first = ledger.events.read(legLsn - originDistance(leg.getUint32(LegEventWord.originAndFlags * 4, true)));
  const word = (index: number): number => first.getUint32((PaymentField.id + index) * 4, true);
  const lsn = payments.tables.payments.get(word(0), word(1), word(2), word(3));
  const version = payments.versions.read(lsn);
  if (whyNotOpen(version, 0) !== Code.ok) throw new Error('a payment that is closed still holds money');
  payments.makeCurrent(release(payments, lsn, version, PaymentOperations.expire));
}
