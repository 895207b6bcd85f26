/** Refund: gives captured money back, from the payee to the payer and the campaign, and the fee to the payee. */
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { postLeg } from '../ledger/legs.ts';
import { writeU64 } from '../ledger/words.ts';
import { splitRefund } from './amounts.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import { refundLegCode } from './leg-codes.ts';
import type { Payments } from './payments.ts';
import type { OperationOutcome } from './version.ts';
import { accountAt, readView64 } from './version.ts';

/** Refunds `wanted` minor units, 0 = all that is left. */
export function refund(payments: Payments, lsn: number, version: DataView, wanted: number): OperationOutcome {
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
  const payer = accountAt(payments.ledger, version, PaymentField.payerAccountId);
  const payee = accountAt(payments.ledger, version, PaymentField.payeeAccountId);
  const campaign = accountAt(payments.ledger, version, PaymentField.campaignId);
  const tariffLsn = readView64(version, LinkField.tariff);
  const feeAccount = split.fee === 0 ? 0 : payments.entities.tariffAt(tariffLsn).feeAccount;

  const { ledger } = payments;
  const { undo } = ledger.books;
  const { end, count } = ledger.events;
  const at = payments.startVersion(lsn, PaymentOperations.refund, Code.ok, true);
  undo.begin();
  let failed: number = Code.ok;
  if (split.fee > 0) failed = refundLegCode(postLeg(ledger, at, LegRoles.fee, feeAccount, payee, split.fee), true);
  if (failed === Code.ok && split.payer > 0) {
    failed = refundLegCode(postLeg(ledger, at, LegRoles.payer, payee, payer, split.payer), false);
  }
  if (failed === Code.ok && split.campaign > 0) {
    failed = refundLegCode(postLeg(ledger, at, LegRoles.campaign, payee, campaign, split.campaign), false);
  }
  if (failed !== Code.ok) {
    undo.rollback();
    ledger.events.rewind(end, count);
    return { code: failed };
  }
  undo.commit();

  const { words } = ledger.events;
  writeU64(words, at + StateField.refunded, refunded + amount);
  writeU64(words, at + StateField.discountRefunded, discountRefunded + split.campaign);
  writeU64(words, at + StateField.feeRefunded, feeRefunded + split.fee);
  return { code: 0, at };
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
