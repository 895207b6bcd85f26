/**
 * The challenge of a payment that its payer has to confirm. Whoever knows the payment can make it: the payer's device, which signs
 * it, and the switch, which checks the proof. It binds the two accounts, amount, currency, a number used once, and the time when it ends
 * (PSD2 RTS, article 5: dynamic linking).
 */
import { deriveId, formatId } from './ids.ts';

export interface ChallengedPayment {
  readonly id: bigint;
  readonly payerAccountId: bigint;
  readonly payeeAccountId: bigint;
  /** Minor units. */
  readonly amount: bigint;
  /** ISO 4217 numeric code. */
  readonly ledger: number;
  /** Microseconds since 1970. */
  readonly createdAt: bigint;
  readonly expiresAt: bigint;
}

/** The text that is signed, line by line; its UTF-8 form is what goes into the signature. */
export function challengeText(payment: ChallengedPayment): string {
  const { id, payerAccountId, payeeAccountId, amount, ledger, createdAt, expiresAt } = payment;
  // A payment has its id for ever and is created once, so nothing else has this number.
  const nonce = deriveId('challenge', formatId(id), String(createdAt));
  return [
    'sluice-challenge-1',
    `payment=${formatId(id)}`,
    `payer=${formatId(payerAccountId)}`,
    `payee=${formatId(payeeAccountId)}`,
    `amount=${amount}`,
    `currency=${String(ledger).padStart(3, '0')}`,
    `nonce=${formatId(nonce)}`,
    `expires=${expiresAt}`,
  ].join('\n');
}
