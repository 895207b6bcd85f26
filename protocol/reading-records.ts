/** The records of queries about histories, balances and sums: requests, and what their replies are made of. */
import { layout } from './layout.ts';

/** A page request for those entries of an account that match, in either order. A filter that is zero lets everything pass. */
export const HISTORY_FILTER = layout('historyFilter', 128, {
  accountId: [0, 'u128'],
  /** `nextCursor` of the page before; 0 = start. Stays good while entries are added, for the same filter or another. */
  cursor: [16, 'u64'],
  /** Entries wanted, 1 … 1000. */
  limit: [24, 'u32'],
  /** Only entries with this code. */
  code: [28, 'u16'],
  /** HistoryFlags. */
  flags: [30, 'u16'],
  /** Only entries decided at this time or later. */
  from: [32, 'u64'],
  /** Only entries decided before this time; 0 = no end. */
  to: [40, 'u64'],
  /** Only entries with this account on the other side. */
  counterpartId: [48, 'u128'],
  /** Only entries with this user data; of the leg of a payment: the id of the payment. */
  userData128: [64, 'u128'],
  userData64: [80, 'u64'],
  userData32: [88, 'u32'],
  reserved32: [92, 'u32'],
  reservedA: [96, 'u64'],
  reservedB: [104, 'u64'],
  reservedC: [112, 'u64'],
  reservedD: [120, 'u64'],
});

export const HistoryFlags = {
  /** Entries that debit the account. Neither of the two means both. */
  debits: 1 << 0,
  /** Entries that credit the account. */
  credits: 1 << 1,
  /** Oldest entry first; else the newest. */
  oldestFirst: 1 << 2,
} as const;

/** Asks for the balance of an account at a time. */
export const BALANCE_QUERY = layout('balanceQuery', 32, {
  accountId: [0, 'u128'],
  /** The time, itself included; 0 = now. */
  at: [16, 'u64'],
  reserved: [24, 'u64'],
});

/** The posted balance of an account at a time. TRANSFER_OUTCOME and TRANSFER of the entry that made it follow; zeros = none. */
export const BALANCE_AT = layout('balanceAt', 32, {
  /** Posted credits minus posted debits. */
  balance: [0, 'i64'],
  /** How many entries the account had by then. */
  entries: [8, 'u64'],
  /** When the last of them was decided; 0 = there was none. */
  timestamp: [16, 'u64'],
  /** Currency of the account. */
  ledger: [24, 'u32'],
  reserved: [28, 'u32'],
});

/** A page request for the sums of all accounts, by ledger in ascending order. */
export const TRIAL_QUERY = layout('trialQuery', 16, {
  /** `nextCursor` of the page before; 0 = start. */
  cursor: [0, 'u64'],
  /** Ledgers wanted, 1 … 1000. */
  limit: [8, 'u32'],
  reserved: [12, 'u32'],
});

/** The sums of one ledger over the accounts of the institution; for the operator, over all. */
export const TRIAL_BALANCE = layout('trialBalance', 80, {
  ledger: [0, 'u32'],
  reserved: [4, 'u32'],
  /** How many accounts. */
  accounts: [8, 'u64'],
  debitsPending: [16, 'u128'],
  debitsPosted: [32, 'u128'],
  creditsPending: [48, 'u128'],
  creditsPosted: [64, 'u128'],
});

/** A page request for what was posted on an account by day and code, oldest first. */
export const AGGREGATE_QUERY = layout('aggregateQuery', 48, {
  accountId: [0, 'u128'],
  /** `nextCursor` of the page before; 0 = start. */
  cursor: [16, 'u64'],
  /** Only entries decided at this time or later. */
  from: [24, 'u64'],
  /** Only entries decided before this time; 0 = no end. */
  to: [32, 'u64'],
  /** Sums wanted, 1 … 1000. */
  limit: [40, 'u32'],
  reserved: [44, 'u32'],
});

/** What was posted with one code on one day. The last day of a page can go on in the next one: add the two. */
export const AGGREGATE = layout('aggregate', 32, {
  /** Days from 1970-01-01, in UTC. */
  day: [0, 'u32'],
  code: [4, 'u16'],
  reserved: [6, 'u16'],
  /** How many entries debited the account. */
  debitCount: [8, 'u32'],
  creditCount: [12, 'u32'],
  /** What they took in all. */
  debits: [16, 'u64'],
  credits: [24, 'u64'],
});
