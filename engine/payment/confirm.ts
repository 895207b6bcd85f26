/** The end of a challenge: the payer has proved that it is him, and the payment goes on with the terms that it had. */
import { LIMITS } from '../../protocol/limits.ts';
import { PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { LSN_UNIT_BYTES } from '../journal/header.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { feeOn } from './amounts.ts';
import { LinkField, PaymentField, StateField } from './event.ts';
import type { Payments } from './payments.ts';
import { planPayment } from './terms.ts';
import type { OperationPlan } from './version.ts';
import { accountAt, isIdAt, readView64 } from './version.ts';
import { linkHolds } from './versions.ts';

/** Whether the payment waits for no proof, or not any more. */
export function whyNotConfirmed(version: DataView): number {
  const state = version.getUint8(StateField.state * 4);
  if (state === PaymentStates.expired) return Code.challengeExpired;
  return state === PaymentStates.challenged ? Code.ok : Code.paymentNotChallenged;
}

/** Carries on with the payment whose newest version is `version`: its first one, since nothing else can follow a challenge. */
export function planConfirm(payments: Payments, version: DataView): OperationPlan {
  const { ledger, entities } = payments;
  const refused = whyNotConfirmed(version);
  if (refused !== Code.ok) return { code: refused };
  if (payments.risk.isBehind) return { code: Code.busy };
  if (readView64(version, StateField.expiresAt) <= ledger.now) return { code: Code.challengeExpired };
  const isSale = version.getUint8(StateField.state * 4 + 1) === PaymentOperations.sale;
  const state = isSale ? PaymentStates.captured : PaymentStates.authorised;
  if (!isSale && !payments.hasRoomToHold) return { code: Code.pendingTableFull };
  const amount = readView64(version, PaymentField.amount);
  const discount = readView64(version, StateField.discount);
  const tariffLsn = readView64(version, LinkField.tariff);
  const seconds = version.getUint32(PaymentField.expiresAfterS * 4, true) || LIMITS.authorisationSecondsDefault;
  const payer = accountAt(ledger, version, PaymentField.payerAccountId);
  const payee = accountAt(ledger, version, PaymentField.payeeAccountId);
  const campaign = accountAt(ledger, version, PaymentField.campaignId);
  // Another read: `version` is not to be used after it.
  const payeeId = [0, 1, 2, 3].map((word) => version.getUint32((PaymentField.payeeAccountId + word) * 4, true));
  const payeeInstitution = readView64(version, LinkField.payeeInstitution);
  const tariff = tariffLsn === 0 ? undefined : entities.tariffAt(tariffLsn);
  const hasFee = tariff !== undefined && !isIdAt(tariff.feeAccountId, payeeId);
  const fee = isSale && hasFee ? feeOn(amount, tariff) : 0;
  const feeAccount = hasFee ? tariff.feeAccount : NO_ACCOUNT;
  const feeAccountId = tariff?.feeAccountId;
  const terms = {
    payer,
    payee,
    campaign,
    feeAccount,
    feeAccountId,
    payeeInstitution,
    amount,
    discount,
    fee,
    tariffLsn,
  };
  return {
    operation: PaymentOperations.confirm,
    plan: planPayment(terms, state, seconds),
    ...(feeAccountId === undefined ? {} : { feeAccountId }),
    change: (words, at) => {
      payments.setState(at, state);
      writeU64(words, at + StateField.captured, isSale ? amount : 0);
      writeU64(words, at + StateField.discountCaptured, isSale ? discount : 0);
      writeU64(words, at + StateField.feeCharged, fee);
      writeU64(words, at + StateField.expiresAt, isSale ? 0 : ledger.now + seconds * 1_000_000);
    },
  };
}

/** What follows once the version at word `at`, which a confirmation made, is the payment's newest. */
export function confirmed(payments: Payments, at: number): void {
  const { events } = payments.ledger;
  const { words } = events;
  const first = readU64(words, at + LinkField.firstVersion);
  const state = (words[at + StateField.state] as number) & 0xff;
  if (state === PaymentStates.authorised) {
    const next = events.lsnOf(at) + (words[at + 1] as number) / LSN_UNIT_BYTES;
    linkHolds(words, at, next, readU64(words, at + PaymentField.amount), readU64(words, at + StateField.discount));
  }
  // What several partitions carry out together was counted when it began.
  if (readU64(words, at + LinkField.joint) === 0) payments.countConfirmed(first);
  payments.challenges.close(first);
}
