/** The record that cancels a payment; see records.ts for its manner. */
import { layout } from './layout.ts';

/** Cancels a payment that may not have come yet. Begins as PAYMENT_OPERATION does, and is kept as one. */
export const PAYMENT_CANCELLATION = layout('paymentCancellation', 80, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  paymentId: [16, 'u128'],
  /** How much of the payment is cancelled; 0 = all. */
  amount: [32, 'u64'],
  flags: [40, 'u16'],
  reserved16: [42, 'u16'],
  reserved32: [44, 'u32'],
  /** When it was decided; sent as zero. */
  timestamp: [48, 'u64'],
  reserved: [56, 'u64'],
  /** That of the payment: it lives where this account does. */
  payerAccountId: [64, 'u128'],
});
