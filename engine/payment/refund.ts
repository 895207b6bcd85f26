/** Refund: gives captured money back, from the payee to the payer and the campaign, and the fee to the payee. */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { writeU64 } from '../ledger/words.ts';
import { splitRefund } from './amounts.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { Parties, PlanKinds, postingLeg } from './plan.ts';
import type { OperationPlan } from './version.ts';
import { accountAt, readView64 } from './version.ts';

/** Refunds `wanted` minor units, 0 = all that is left. */
export function planRefund(payments: Payments, version: DataView, wanted: number): OperationPlan {
  const captured = readView64(version, StateField.captured);
  if (captured === 0) return { code: whyNothingCaptured(version) };
  const refunded = readView64(version, StateField.refunded);
  const amount = wanted === 0 ? captured - refunded : wanted;
  if (amount === 0 || amount > captured - refunded) return { code: Code.exceedsCapturedAmount };

  const discountRefunded = readView64(version, StateField.discountRefunded);
  const feeRefunded = readView64(version, StateField.feeRefunded);
  const split = splitRefund(
    {
      captured,
      refunded,
      discountCaptured: readView64(version, StateField.discountCaptured),
      discountRefunded,
      feeCharged: readView64(version, StateField.feeCharged),
      feeRefunded,
    },
    amount,
  );
  const { ledger, entities } = payments;
  const payer = accountAt(ledger, version, PaymentField.payerAccountId);
  const payee = accountAt(ledger, version, PaymentField.payeeAccountId);
  const campaign = accountAt(ledger, version, PaymentField.campaignId);
  // Another read: `version` is not to be used after it.
  const tariff = split.fee === 0 ? undefined : entities.tariffAt(readView64(version, LinkField.tariff));
  const legs = [
    postingLeg(LegRoles.fee, Parties.fee, Parties.payee, split.fee),
    postingLeg(LegRoles.payer, Parties.payee, Parties.payer, split.payer),
    postingLeg(LegRoles.campaign, Parties.payee, Parties.campaign, split.campaign),
  ].filter((leg) => leg.amount > 0);
  return {
    operation: PaymentOperations.refund,
    plan: {
      kind: PlanKinds.refund,
      accounts: [payer, payee, campaign, tariff?.feeAccount ?? payee],
      legs,
      timeoutS: 0,
    },
    ...(tariff === undefined ? {} : { feeAccountId: tariff.feeAccountId }),
    change: (words, at) => {
      writeU64(words, at + StateField.refunded, refunded + amount);
      writeU64(words, at + StateField.discountRefunded, discountRefunded + split.campaign);
      writeU64(words, at + StateField.feeRefunded, feeRefunded + split.fee);
    },
  };
}

function whyNothingCaptured(version: DataView): number {
  switch (version.getUint8(StateField.state * 4)) {
    case PaymentStates.declined:
      return Code.paymentDeclined;
    case PaymentStates.voided:
      return Code.paymentAlreadyVoided;
    case PaymentStates.expired:
      return Code.paymentExpired;
    default:
      return Code.paymentNotCaptured;
  }
}
