/**
 * The records of the ledger and of payments: the same bytes on the wire, in memory and in the journal.
 *
 * Amounts are u64 minor units of the ledger's currency (the engine accepts 0 … 2^53−1), ids are u128
 * with the low half first, timestamps are u64 microseconds since 1970-01-01T00:00:00Z.
 */
import { layout } from './layout.ts';

/** A ledger account. The client sends balances and timestamp as zero. */
export const ACCOUNT = layout('account', 128, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  /** Reserved by pending transfers. */
  debitsPending: [16, 'u64'],
  /** All that was ever taken from it. */
  debitsPosted: [24, 'u64'],
  creditsPending: [32, 'u64'],
  /** All that was ever put into it. */
  creditsPosted: [40, 'u64'],
  /** How far debits (posted and pending) of a debit-limited account may exceed its posted credits. */
  creditLimit: [48, 'u64'],
  /** The client's own, as userData64 and userData32; nothing looks at it. */
  userData128: [56, 'u128'],
  userData64: [72, 'u64'],
  userData32: [80, 'u32'],
  /** ISO 4217 numeric code of the currency. */
  ledger: [84, 'u32'],
  /** What kind of account this is, in the operator's chart of accounts. */
  code: [88, 'u16'],
  /** AccountFlags. */
  flags: [90, 'u16'],
  /** Fee schedule for payments received on this account; 0 = none. */
  tariff: [92, 'u16'],
  /** An AccountStates value; sent as zero. */
  state: [94, 'u8'],
  /** How well its holder is known: 1 … 3; 0 = not stated. Risk rules look at it. */
  tier: [95, 'u8'],
  /** Institution that may debit it; set by the engine, sent as zero. */
  owner: [96, 'u32'],
  reserved32: [100, 'u32'],
  /** When it was opened. Sent as zero, unless it is imported. */
  timestamp: [104, 'u64'],
  reservedA: [112, 'u64'],
  reservedB: [120, 'u64'],
});

export const AccountFlags = {
  /** Is opened, or not, together with the next account of the message. */
  linked: 1 << 0,
  /** Debits, pending ones included, stay within posted credits plus the credit limit. */
  debitsMustNotExceedCredits: 1 << 1,
  /** Credits, pending ones included, stay within posted debits. */
  creditsMustNotExceedDebits: 1 << 2,
  /** Was opened at `timestamp`, in another system. All records of a message have this flag, or none. */
  imported: 1 << 3,
} as const;

/** What an account still takes part in. */
export const AccountStates = {
  open: 0,
  /** Nothing new is taken from it. */
  frozenForDebits: 1,
  /** Nothing new is taken from it or put into it. */
  frozen: 2,
  /** Nothing new, but what is pending may still be posted. */
  closing: 3,
  /** Nothing at all; nothing is pending and the balance is zero. */
  closed: 4,
} as const;
export type AccountStateName = keyof typeof AccountStates;

/** A change of an account's state, credit limit or tier, or of several of them. */
export const ACCOUNT_CHANGE = layout('accountChange', 64, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  accountId: [16, 'u128'],
  /** With the field `creditLimit`; else zero. */
  creditLimit: [32, 'u64'],
  /** When it was decided; sent as zero. */
  timestamp: [40, 'u64'],
  /** AccountChangeFields: what is to be changed. */
  fields: [48, 'u16'],
  /** With the field `state`, an AccountStates value; else zero. */
  state: [50, 'u8'],
  /** With the field `tier`: as in ACCOUNT; else zero. */
  tier: [51, 'u8'],
  reserved32: [52, 'u32'],
  reserved: [56, 'u64'],
});

export const AccountChangeFields = {
  creditLimit: 1 << 0,
  state: 1 << 1,
  tier: 1 << 2,
} as const;

/** The highest value of the field `tier`. */
export const ACCOUNT_TIER_MAX = 3;

/** A movement of one amount between two accounts of one ledger. */
export const TRANSFER = layout('transfer', 128, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  debitAccountId: [16, 'u128'],
  creditAccountId: [32, 'u128'],
  /** Minor units. To post: 0 = all that is left. */
  amount: [48, 'u64'],
  /** The transfer that this one posts, voids or reverts; else zero. */
  pendingId: [56, 'u128'],
  /** The client's own, as userData64 and userData32; nothing looks at it. */
  userData128: [72, 'u128'],
  userData64: [88, 'u64'],
  userData32: [96, 'u32'],
  /** Seconds until a pending transfer expires; 0 = never. */
  timeoutS: [100, 'u32'],
  /** That of both accounts. */
  ledger: [104, 'u32'],
  /** Why the money moves, in the books of the client; not zero. */
  code: [108, 'u16'],
  /** TransferFlags. */
  flags: [110, 'u16'],
  /** When it was decided. Sent as zero, unless it is imported. */
  timestamp: [112, 'u64'],
  /** Sent as zero; on the record of a balancing transfer the amount, of an import that came late the time that was asked for. */
  reserved: [120, 'u64'],
});

export const TransferFlags = {
  /** Succeeds or fails together with the next transfer of the message. */
  linked: 1 << 0,
  /** Reserves the amount; a later transfer posts or voids it. */
  pending: 1 << 1,
  /** Posts `pendingId`: all of it (amount 0 or equal), or a part; the rest is released. */
  postPending: 1 << 2,
  /** Releases what is left of `pendingId`. */
  voidPending: 1 << 3,
  /** With `postPending`: the part that is not posted stays pending. */
  keepRemainder: 1 << 4,
  /** Moves at most `amount`: no more than the debit account has. The record says what was moved. */
  balancingDebit: 1 << 5,
  /** Moves at most `amount`: no more than the credit account owes. The record says what was moved. */
  balancingCredit: 1 << 6,
  /**
   * Gives back what the posted transfer `pendingId` moved, once: from its credit to its debit account. Accounts, amount, ledger and
   * code are filled in where they are zero, and must be the transfer's where they are not.
   */
  revert: 1 << 7,
  /** Was decided at `timestamp`, in another system. All records of a message have this flag, or none. */
  imported: 1 << 8,
  /** Set by the engine on the record of a pending transfer that timed out. */
  expired: 1 << 15,
} as const;

/** Posts or voids every pending transfer of a linked chain, all or none. */
export const END_CHAIN = layout('endChain', 64, {
  /** Chosen by the client; the transfer that ends `pendingId` gets it. */
  id: [0, 'u128'],
  /** Any pending transfer of the chain. */
  pendingId: [16, 'u128'],
  /** That of the pending transfer. */
  debitAccountId: [32, 'u128'],
  /** TransferFlags.postPending or TransferFlags.voidPending. */
  flags: [48, 'u16'],
  reserved16: [50, 'u16'],
  reserved32: [52, 'u32'],
  reserved: [56, 'u64'],
});

/** What became of a chain. */
export const CHAIN_ENDED = layout('chainEnded', 32, {
  /** Another transfer of the chain than the one that was named, because of which it was refused; else zero. */
  refusedById: [0, 'u128'],
  /** Pending transfers that were posted or voided; 0 when it was refused. */
  members: [16, 'u32'],
  reserved32: [20, 'u32'],
  reserved: [24, 'u64'],
});

/** What became of a request, or of one record of it. */
export const RESULT = layout('result', 16, {
  /** When it was first decided. */
  timestamp: [0, 'u64'],
  /** A row of the table of results. */
  code: [8, 'u16'],
  /** ResultFlags. */
  flags: [10, 'u16'],
  reserved: [12, 'u32'],
});

export const ResultFlags = {
  /** The id was decided before: this is the first answer again. */
  replayed: 1 << 0,
  /** Nothing was done or kept: this is what would be answered now. */
  dryRun: 1 << 1,
} as const;

/** Follows each RESULT when the frame asked for balances: the accounts that the caller may see, after the transfer; else zeros. */
export const BALANCES = layout('balances', 64, {
  debitDebitsPending: [0, 'u64'],
  debitDebitsPosted: [8, 'u64'],
  debitCreditsPending: [16, 'u64'],
  debitCreditsPosted: [24, 'u64'],
  creditDebitsPending: [32, 'u64'],
  creditDebitsPosted: [40, 'u64'],
  creditCreditsPending: [48, 'u64'],
  creditCreditsPosted: [56, 'u64'],
});

/** Precedes the TRANSFER in look-ups, histories and the journal. */
export const TRANSFER_OUTCOME = layout('transferOutcome', 48, {
  event: [0, 'u8'],
  reserved8: [1, 'u8'],
  /** How the transfer was decided: a row of the table of results. */
  code: [2, 'u16'],
  /** Bytes of the whole event, this prefix included. */
  length: [4, 'u32'],
  /** Who asked for it. */
  institution: [8, 'u32'],
  reserved32: [12, 'u32'],
  /** Position of the entry before this one in the history of the debit account; 0 = none. */
  previousOfDebit: [16, 'u64'],
  previousOfCredit: [24, 'u64'],
  /** Posted credits minus posted debits after this transfer; 0 for an account that the caller may not see. */
  debitBalanceAfter: [32, 'i64'],
  creditBalanceAfter: [40, 'i64'],
});

/** A page request for an account's history, newest first. */
export const HISTORY_QUERY = layout('historyQuery', 32, {
  accountId: [0, 'u128'],
  /** `nextCursor` of the page before; 0 = start with the newest. */
  cursor: [16, 'u64'],
  /** Entries wanted, 1 … 1000. */
  limit: [24, 'u32'],
  reserved: [28, 'u32'],
});

/** First part of every paged reply; the entries follow. */
export const PAGE = layout('page', 16, {
  /** Cursor of the next page; 0 = there is none. */
  nextCursor: [0, 'u64'],
  /** Entries that follow. */
  count: [8, 'u32'],
  reserved: [12, 'u32'],
});

/** A request to move money from a payer to a payee. RISK_CONTEXT follows it, if its flags say so, and `referenceLength` bytes of UTF-8. */
export const PAYMENT = layout('payment', 128, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  payerAccountId: [16, 'u128'],
  payeeAccountId: [32, 'u128'],
  /** What the payee is owed; a campaign may pay a part of it. */
  amount: [48, 'u64'],
  /** Funding account of the campaign that gives a discount, one of the caller's institution; 0 = none. */
  campaignId: [56, 'u128'],
  /** The client's own; nothing looks at it. */
  userData64: [72, 'u64'],
  /** Life of an authorisation in seconds; 0 = the engine's default. Must be 0 for a sale. */
  expiresAfterS: [80, 'u32'],
  /** Currency: that of both accounts. */
  ledger: [84, 'u32'],
  /** What is paid for, in the client's own terms. */
  code: [88, 'u16'],
  /** PaymentFlags. */
  flags: [90, 'u16'],
  /** Bytes of the reference, 0 … 64. */
  referenceLength: [92, 'u16'],
  reserved16: [94, 'u16'],
  /** When it was decided; sent as zero. */
  timestamp: [96, 'u64'],
  /** The code that the payer has shown, in place of `payerAccountId`, which is sent as zero then; 0 = none. See PAYER_CODE. */
  payerCode: [104, 'u128'],
  /** Set by the switch for the code of a device, which it has checked; sent as zero. */
  payerCounter: [120, 'u64'],
});

export const PaymentFlags = {
  /** A RISK_CONTEXT follows the record. */
  riskContext: 1 << 0,
  /** Set by the switch: the code of a device is not one that this device makes. */
  wrongCode: 1 << 1,
} as const;

/** Capture, void, refund, revert, release or confirm of a payment. `proofLength` bytes follow a confirmation. */
export const PAYMENT_OPERATION = layout('paymentOperation', 64, {
  /** Chosen by the client. */
  id: [0, 'u128'],
  paymentId: [16, 'u128'],
  /** 0 = all that is left. */
  amount: [32, 'u64'],
  /** PaymentOperationFlags. */
  flags: [40, 'u16'],
  /** Bytes of the proof that follows a confirmation, 0 … 512; else zero. */
  proofLength: [42, 'u16'],
  reserved32: [44, 'u32'],
  /** When it was decided; sent as zero. */
  timestamp: [48, 'u64'],
  /** Who asked for it; set by the engine, sent as zero. */
  institution: [56, 'u32'],
  reserved: [60, 'u32'],
});

export const PaymentOperationFlags = {
  /** With a capture: the last one; what is not captured is released. */
  final: 1 << 0,
  /** Set by the engine on a cancellation of a part of what was held: it took the rest. */
  tookRest: 1 << 1,
} as const;

/** Where a payment stands after the operation that produced this version of it. */
export const PAYMENT_STATE = layout('paymentState', 96, {
  /** A PaymentStates value. */
  state: [0, 'u8'],
  /** The operation that made this version: a PaymentOperations value. */
  operation: [1, 'u8'],
  /** Result code of that operation. */
  code: [2, 'u16'],
  /** 1 for the first, one more for each further operation. */
  version: [4, 'u32'],
  /** Sum of all captures so far. */
  captured: [8, 'u64'],
  /** Sum of all refunds so far. */
  refunded: [16, 'u64'],
  /** Given back to the payer by void, expiry or a final capture. */
  released: [24, 'u64'],
  /** The campaign's part of the whole amount, of what is captured, and of what is refunded. */
  discount: [32, 'u64'],
  discountCaptured: [40, 'u64'],
  discountRefunded: [48, 'u64'],
  /** Taken from the payee for what is captured, and given back for what is refunded. */
  feeCharged: [56, 'u64'],
  feeRefunded: [64, 'u64'],
  createdAt: [72, 'u64'],
  updatedAt: [80, 'u64'],
  /** When an open authorisation, a hold or a challenge ends; 0 = nothing is open. */
  expiresAt: [88, 'u64'],
});

export const PaymentStates = {
  declined: 1,
  authorised: 2,
  captured: 3,
  voided: 4,
  expired: 5,
  /** The payer has to prove that it is him: nothing is held. */
  challenged: 6,
  /** A risk rule keeps the money pending until somebody has looked at it. */
  held: 7,
} as const;
export type PaymentStateName = keyof typeof PaymentStates;

export const PaymentOperations = {
  authorise: 1,
  sale: 2,
  capture: 3,
  void: 4,
  refund: 5,
  expire: 6,
  revert: 7,
  /** Lets a held payment go on. */
  release: 8,
  /** Lets a challenged payment go on. */
  confirm: 9,
  /** Undoes a payment, or declines it before it comes. */
  cancel: 10,
} as const;
export type PaymentOperationName = keyof typeof PaymentOperations;

/** A page request for payments of the caller's institution, newest first. `referenceLength` bytes follow. */
export const PAYMENT_QUERY = layout('paymentQuery', 48, {
  /** Only payments from or to this account; 0 = all. */
  accountId: [0, 'u128'],
  /** `nextCursor` of the page before; 0 = start with the newest. */
  cursor: [16, 'u64'],
  /** Entries wanted, 1 … 1000. */
  limit: [24, 'u32'],
  /** Only payments with this client reference; 0 = all. */
  referenceLength: [28, 'u16'],
  /** Only payments in this state; 0 = all. */
  state: [30, 'u8'],
  reserved8: [31, 'u8'],
  reservedA: [32, 'u64'],
  reservedB: [40, 'u64'],
});

/**
 * What a payment look-up returns for each payment found: PAYMENT, PAYMENT_STATE, PAYMENT_OPERATION (the last
 * operation; zero for the first version), then the reference, zero-padded to a multiple of 16 bytes.
 */
export const PAYMENT_VIEW_FIXED_BYTES = PAYMENT.size + PAYMENT_STATE.size + PAYMENT_OPERATION.size;

/** Bytes of one payment in a look-up or page reply. */
export function paymentViewBytes(referenceLength: number): number {
  return PAYMENT_VIEW_FIXED_BYTES + ((referenceLength + 15) & ~15);
}
