/** Capture: takes a part or all of what an authorisation holds. */
import { PaymentOperationFlags, PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { writeU64 } from '../ledger/words.ts';
import { discountShare, feeOn } from './amounts.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { Parties, PlanKinds, postingLeg, settlingLeg } from './plan.ts';
import type { OperationPlan } from './version.ts';
import { accountAt, isIdAt, readView64, whyNotOpen } from './version.ts';

/** Captures `wanted` minor units, 0 = all that is left, of the payment whose newest version is `version`. */
export function planCapture(payments: Payments, version: DataView, wanted: number, flags: number): OperationPlan {
  const refused = whyNotOpen(version, payments.ledger.now);
  return refused === Code.ok ? planTaking(payments, version, wanted, flags) : { code: refused };
}

/** The same of a payment that is known to hold money: authorised, or held as a whole. */
export function planTaking(payments: Payments, version: DataView, wanted: number, flags: number): OperationPlan {
  const { ledger, entities } = payments;
  const amount = readView64(version, PaymentField.amount);
  const before = readView64(version, StateField.captured);
  if (wanted > amount - before) return { code: Code.exceedsAuthorisedAmount };
  const captured = wanted === 0 ? amount : before + wanted;
  const isLast = captured === amount || (flags & PaymentOperationFlags.final) !== 0;

  const discount = readView64(version, StateField.discount);
  const discountBefore = readView64(version, StateField.discountCaptured);
  const discountCaptured = discountShare(discount, captured, amount);
  const feeBefore = readView64(version, StateField.feeCharged);
  const tariffLsn = readView64(version, LinkField.tariff);
  const payerHold = readView64(version, LinkField.payerHold);
  const campaignHold = readView64(version, LinkField.campaignHold);
  const payer = accountAt(ledger, version, PaymentField.payerAccountId);
  const payee = accountAt(ledger, version, PaymentField.payeeAccountId);
  const campaign = accountAt(ledger, version, PaymentField.campaignId);
  // Another read: `version` is not to be used after it.
  const payeeId = [0, 1, 2, 3].map((word) => version.getUint32((PaymentField.payeeAccountId + word) * 4, true));
  const tariff = tariffLsn === 0 ? undefined : entities.tariffAt(tariffLsn);
  const hasFee = tariff !== undefined && !isIdAt(tariff.feeAccountId, payeeId);
  const feeCharged = hasFee ? Math.max(feeBefore, feeOn(captured, tariff)) : feeBefore;

  const fromCampaign = discountCaptured - discountBefore;
  const payerPart = captured - before - fromCampaign;
  const payerReleased = isLast ? amount - captured - (discount - discountCaptured) : 0;
  const campaignReleased = isLast ? discount - discountCaptured : 0;
  const legs = [
    settlingLeg(LegRoles.payer, payerPart, payerReleased, payerHold),
    settlingLeg(LegRoles.campaign, fromCampaign, campaignReleased, campaignHold),
    postingLeg(LegRoles.fee, Parties.payee, Parties.fee, feeCharged - feeBefore),
  ].filter((leg) => leg.amount + leg.released > 0);
  return {
    operation: PaymentOperations.capture,
    plan: {
      kind: PlanKinds.capture,
      accounts: [payer, payee, campaign, tariff?.feeAccount ?? payee],
      legs,
      timeoutS: 0,
    },
    ...(tariff === undefined ? {} : { feeAccountId: tariff.feeAccountId }),
    change: (words, at) => {
      writeU64(words, at + StateField.captured, captured);
      writeU64(words, at + StateField.discountCaptured, discountCaptured);
      writeU64(words, at + StateField.feeCharged, feeCharged);
      if (!isLast) return;
      payments.setState(at, PaymentStates.captured);
      writeU64(words, at + StateField.released, amount - captured);
      writeU64(words, at + StateField.expiresAt, 0);
    },
  };
}
