/**
 * The documents of the change stream: one for each durable event of a partition, the same over WebSocket, HTTP and webhooks.
 * Amounts are text of minor units, ids 32 hex digits, times RFC 3339 to the microsecond, currencies ISO 4217.
 */

export const CHANGE_TYPES = [
  'transfer',
  'account',
  'accountChange',
  'payment',
  'party',
  'tariff',
  'campaign',
  'order',
  'counters',
  'other',
] as const;
/** `other`: an event of a kind that this version has no document for. */
export type ChangeType = (typeof CHANGE_TYPES)[number];

/** Null where there is none. */
type IdText = string | null;

export interface TransferChange {
  readonly id: string;
  readonly debitAccount: IdText;
  readonly creditAccount: IdText;
  readonly amount: string;
  readonly currency: string;
  readonly code: number;
  /** Names of TransferFlags. */
  readonly flags: readonly string[];
  readonly pendingId: IdText;
  readonly timeoutSeconds: number;
  readonly userData128: IdText;
  readonly userData64: string;
  readonly userData32: number;
  /** The payment that this is a leg of. */
  readonly payment: IdText;
  /** Posted balance after the transfer; null for an account that the reader may not see, and when nothing moved. */
  readonly debitBalanceAfter: string | null;
  readonly creditBalanceAfter: string | null;
}

/** An account that was opened, or was not: `result` of the change says which. */
export interface AccountChange {
  readonly id: string;
  readonly currency: string;
  readonly code: number;
  /** Names of AccountFlags. */
  readonly flags: readonly string[];
  readonly creditLimit: string;
  readonly tariff: number;
  readonly tier: number;
  /** Institution that may debit it. */
  readonly owner: number;
  readonly userData128: IdText;
  readonly userData64: string;
  readonly userData32: number;
}

/** What was to be changed of an account: `result` of the change says whether it was. */
export interface AccountTermsChange {
  readonly id: string;
  readonly account: string;
  /** Null for what stays as it is. */
  readonly creditLimit: string | null;
  /** Name of an AccountStates value. */
  readonly state: string | null;
  readonly tier: number | null;
}

/** A payment as it stands after an operation. */
export interface PaymentChange {
  readonly id: string;
  readonly state: string;
  readonly operation: string;
  readonly version: number;
  /** Whether the payment stands like this from now on; false for an operation that was refused. */
  readonly current: boolean;
  readonly from: IdText;
  readonly to: IdText;
  readonly amount: string;
  readonly currency: string;
  readonly captured: string;
  readonly refunded: string;
  readonly released: string;
  readonly discount: string;
  readonly discountCaptured: string;
  readonly discountRefunded: string;
  readonly feeCharged: string;
  readonly feeRefunded: string;
  readonly reference: string;
  readonly campaign: IdText;
  readonly code: number;
  readonly userData64: string;
  readonly createdAt: string | null;
  readonly updatedAt: string | null;
  readonly expiresAt: string | null;
  /** The capture, void or refund that made this version. */
  readonly lastOperation: { readonly id: string; readonly amount: string } | null;
}

export interface Change {
  /** Unique in the installation, and the same for ever: what a receiver tells repeats by. */
  readonly id: string;
  readonly type: ChangeType;
  readonly partition: number;
  readonly position: number;
  /** Where to go on after this change. */
  readonly cursor: number;
  readonly decidedAt: string;
  /** Who asked for it. */
  readonly institution: number;
  /** Name of the result. */
  readonly result: string;
  readonly transfer?: TransferChange;
  readonly account?: AccountChange;
  readonly accountChange?: AccountTermsChange;
  readonly payment?: PaymentChange;
  /** The body of a party, tariff, campaign, order or set of counters as it is from now on. */
  readonly body?: Readonly<Record<string, unknown>>;
}
