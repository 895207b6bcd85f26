/**
 * What the rules know of one payment. One object is filled again for each: nothing keeps it.
 *
 * The subjects are the keys by which things are counted. Each is four words (a u128, least significant first); zeros = not known.
 */

/** Places of the subjects in `Facts.subjects`. `merchant` is the payee of a payment that has a merchant category. */
export const Subjects = { payer: 0, payee: 1, merchant: 2, device: 3, ip: 4, card: 5 } as const;
export type SubjectName = keyof typeof Subjects;
export const SUBJECT_COUNT = 6;

/** What is counted: payments that were let through and carried out, those that were declined, and what was signalled from outside. */
export const Counted = { payments: 0, declines: 1, authenticationFailed: 2, bound: 3, rebound: 4 } as const;
export type CountedName = keyof typeof Counted;

export interface Facts {
  /** Time of the batch, microseconds since 1970. */
  now: number;
  /** Minor units. */
  amount: number;
  /** ISO 4217 numeric code. */
  ledger: number;
  /** The client's own code of what is paid for. */
  code: number;
  /** A Channels value; 0 = not known. */
  channel: number;
  /** ISO 18245; 0 = none. */
  mcc: number;
  /** ISO 3166-1 alpha-2 as two ASCII bytes, the first in the high byte; 0 = not known. */
  country: number;
  /** How well the payer is known: 0 (not verified) to 3. From the payer's risk profile. */
  tier: number;
  /** How a barcode payment was verified, by PBoC tier: 1 = A … 4 = D; 0 = not a barcode payment. */
  codeTier: number;
  /** Where the payer's device or the terminal is, in 1e-6 degrees. */
  hasLocation: boolean;
  latitude: number;
  longitude: number;
  /** By `Subjects`, four words each. */
  readonly subjects: Uint32Array;
}

/** Facts of nothing, to be filled. */
export function newFacts(): Facts {
  return {
    now: 0,
    amount: 0,
    ledger: 0,
    code: 0,
    channel: 0,
    mcc: 0,
    country: 0,
    tier: 0,
    codeTier: 0,
    hasLocation: false,
    latitude: 0,
    longitude: 0,
    subjects: new Uint32Array(SUBJECT_COUNT * 4),
  };
}
