/** Capture: takes a part or all of what an authorisation holds. */
import { PaymentOperationFlags, PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { whyNotPosted } from '../ledger/account-states.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { postFollowingLeg, settleLeg } from '../ledger/legs.ts';
import { writeU64 } from '../ledger/words.ts';
import { discountShare, feeOn } from './amounts.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import { campaignLegCode, payerLegCode } from './leg-codes.ts';
import type { Payments } from './payments.ts';
import type { OperationOutcome } from './version.ts';
import { accountAt, readView64, whyNotOpen } from './version.ts';

/** Captures `wanted` minor units, 0 = all that is left, of the payment whose newest version is `version`, at `lsn`. */
export function capture(
  payments: Payments,
  lsn: number,
  version: DataView,
  wanted: number,
  flags: number,
): OperationOutcome {
  const refused = whyNotOpen(version, payments.ledger.now);
  if (refused !== Code.ok) return { code: refused };
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
  const payer = accountAt(payments.ledger, version, PaymentField.payerAccountId);
  const campaign = accountAt(payments.ledger, version, PaymentField.campaignId);
  const payee = accountAt(payments.ledger, version, PaymentField.payeeAccountId);
  // Another read: `version` is not to be used after it.
  const tariff = tariffLsn === 0 ? undefined : payments.entities.tariffAt(tariffLsn);
  const hasFee = tariff !== undefined && tariff.feeAccount !== NO_ACCOUNT && tariff.feeAccount !== payee;
  const feeCharged = hasFee ? Math.max(feeBefore, feeOn(captured, tariff)) : feeBefore;

  const payerPart = captured - before - (discountCaptured - discountBefore);
  const payerReleased = isLast ? amount - captured - (discount - discountCaptured) : 0;
  const campaignReleased = isLast ? discount - discountCaptured : 0;

  const { ledger } = payments;
  const fromCampaign = discountCaptured - discountBefore;
  if (payerPart > 0) {
    const frozen = payerLegCode(whyNotPosted(ledger.accounts, payer, payee));
    if (frozen !== Code.ok) return { code: frozen };
  }
  if (fromCampaign > 0) {
    const frozen = campaignLegCode(whyNotPosted(ledger.accounts, campaign, payee));
    if (frozen !== Code.ok) return { code: frozen };
  }
  const { end, count } = ledger.events;
  const at = payments.startVersion(lsn, PaymentOperations.capture, Code.ok, true);
  ledger.books.undo.begin();
  settleLeg(ledger, at, LegRoles.payer, payerHold, payerPart, payerReleased, false);
  settleLeg(ledger, at, LegRoles.campaign, campaignHold, fromCampaign, campaignReleased, false);
  if (hasFee && feeCharged > feeBefore) {
    const failed = postFollowingLeg(ledger, at, LegRoles.fee, payee, tariff.feeAccount, feeCharged - feeBefore);
    if (failed !== Code.ok) {
      ledger.books.undo.rollback();
      ledger.events.rewind(end, count);
      return { code: Code.payeeCannotReceive };
    }
  }
  ledger.books.undo.commit();

  const { words } = ledger.events;
  writeU64(words, at + StateField.captured, captured);
  writeU64(words, at + StateField.discountCaptured, discountCaptured);
  writeU64(words, at + StateField.feeCharged, feeCharged);
  if (isLast) {
    payments.setState(at, PaymentStates.captured);
    writeU64(words, at + StateField.released, amount - captured);
    writeU64(words, at + StateField.expiresAt, 0);
  }
  return { code: 0, at };
}
