/** What the reference keeps of payments, and what is asked of it. */
import type { TariffBody } from '../../../protocol/bodies.ts';
import type { PaymentStateName } from '../../../protocol/records.ts';
import type { Answer } from './reference-book.ts';

export interface ModelPayment {
  id: bigint;
  payerAccountId: bigint;
  payeeAccountId: bigint;
  amount: bigint;
  campaignId: bigint;
  userData64: bigint;
  expiresAfterS: number;
  ledger: number;
  code: number;
  reference: string;
}

export interface ModelOperation {
  id: bigint;
  paymentId: bigint;
  amount: bigint;
  flags: number;
}

/** Begins as an operation does. */
export interface ModelCancellation extends ModelOperation {
  payerAccountId: bigint;
}

export interface Standing {
  state: PaymentStateName;
  version: number;
  captured: bigint;
  refunded: bigint;
  released: bigint;
  discount: bigint;
  discountCaptured: bigint;
  discountRefunded: bigint;
  feeCharged: bigint;
  feeRefunded: bigint;
  expiresAt: bigint;
}

export const NOTHING: Standing = {
  state: 'declined',
  version: 1,
  captured: 0n,
  refunded: 0n,
  released: 0n,
  discount: 0n,
  discountCaptured: 0n,
  discountRefunded: 0n,
  feeCharged: 0n,
  feeRefunded: 0n,
  expiresAt: 0n,
};

export interface PaymentAnswer extends Answer {
  readonly standing: Standing | undefined;
}

export interface Known {
  institution: number;
  kind: string;
  content: ModelPayment | ModelOperation;
  answer: PaymentAnswer;
}

export interface Payment {
  institution: number;
  request: ModelPayment;
  standing: Standing;
  tariff: TariffBody | undefined;
  payerHeld: bigint;
  campaignHeld: bigint;
}

export function paymentOf(institution: number, request: ModelPayment): Payment {
  const standing = { ...NOTHING };
  return { institution, request, standing, tariff: undefined, payerHeld: 0n, campaignHeld: 0n };
}
