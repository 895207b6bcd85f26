/** The end of what a payment holds or waits for, without a capture of the rest: by the caller (void) or by time (expire). */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegEventWord, LegRoles, originDistance } from '../ledger/leg-event.ts';
import { settleLeg } from '../ledger/legs.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import { orderRelease } from './joint-payments.ts';
import type { Payments } from './payments.ts';
import { crosses, type Plan, PlanKinds, settlingLeg } from './plan.ts';
import { accountAt, readView64, whyNotReleasable } from './version.ts';

const TWO_32 = 0x1_0000_0000;

export interface Release {
  /** First word of the version that it makes. */
  readonly at: number;
  /** Position of the order that other partitions have to follow; 0 = none. */
  readonly joint: number;
}

/** Gives back all that a payment still holds: a challenged one holds nothing. Other partitions follow. */
export function release(payments: Payments, lsn: number, version: DataView, operation: number): Release {
  const amount = readView64(version, PaymentField.amount);
  const captured = readView64(version, StateField.captured);
  const discountLeft = readView64(version, StateField.discount) - readView64(version, StateField.discountCaptured);
  const payerHold = readView64(version, LinkField.payerHold);
  const campaignHold = readView64(version, LinkField.campaignHold);
  const isExpiry = operation === PaymentOperations.expire;
  const { ledger } = payments;
  const fields = [PaymentField.payerAccountId, PaymentField.payeeAccountId, PaymentField.campaignId];
  const plan: Plan = {
    kind: PlanKinds.release,
    accounts: fields.map((field) => accountAt(ledger, version, field)),
    legs: [
      settlingLeg(LegRoles.payer, 0, amount - captured - discountLeft, payerHold),
      settlingLeg(LegRoles.campaign, 0, discountLeft, campaignHold),
    ].filter((leg) => leg.hold !== 0 && leg.released > 0),
    timeoutS: 0,
  };

  const at = payments.startVersion(lsn, operation, Code.ok, true);
  for (const { role, hold, released } of plan.legs) settleLeg(ledger, at, role, hold, 0, released, isExpiry);
  const { words } = ledger.events;
  const ended = isExpiry ? PaymentStates.expired : PaymentStates.voided;
  payments.setState(at, captured > 0 ? PaymentStates.captured : ended);
  if (plan.legs.length > 0) writeU64(words, at + StateField.released, amount - captured);
  writeU64(words, at + StateField.expiresAt, 0);
  payments.challenges.close(readU64(words, at + LinkField.firstVersion));
  return { at, joint: crosses(plan) ? orderRelease(payments, plan, at, isExpiry) : 0 };
}

/**
 * Ends the authorisation that made the hold at a position (lower and upper half), which is up: the hold's leg says whose it is.
 */
export function expirePayment(payments: Payments, lsnLow: number, lsnHigh: number): void {
  const { ledger } = payments;
  const legLsn = lsnHigh * TWO_32 + lsnLow;
  const leg = ledger.events.read(legLsn);
  const first = ledger.events.read(legLsn - originDistance(leg.getUint32(LegEventWord.originAndFlags * 4, true)));
  const id = idOf(first);
  // An operation is under way: the timer is set again when it is settled.
  if (payments.locks.holderOf(id, 0) !== 0) return;
  const lsn = payments.find(id, 0);
  const version = payments.versions.read(lsn);
  if (whyNotReleasable(version, 0) !== Code.ok) throw new Error('a payment that is closed still holds money');
  payments.makeCurrent(release(payments, lsn, version, PaymentOperations.expire).at);
}

/** Ends the challenges whose time is up, `most` of them at most; returns how many. */
export function expireChallenges(payments: Payments, most: number): number {
  const { challenges, ledger, locks } = payments;
  let expired = 0;
  while (expired < most && challenges.next <= ledger.now) {
    const { lsn, id } = challenges.first();
    // It is being confirmed: should that be refused, its turn comes again.
    if (locks.holderOf(id, 0) !== 0) {
      challenges.putOff(lsn, ledger.now);
      continue;
    }
    const newest = payments.find(id, 0);
    const { at } = release(payments, newest, payments.versions.read(newest), PaymentOperations.expire);
    payments.makeCurrent(at);
    expired++;
  }
  return expired;
}

/** Four words. */
function idOf(version: DataView): Uint32Array {
  return Uint32Array.from([0, 1, 2, 3], (word) => version.getUint32((PaymentField.id + word) * 4, true));
}
