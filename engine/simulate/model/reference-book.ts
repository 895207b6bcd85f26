/** What the reference keeps: accounts, holds, and what was decided. */
import type { ResultName } from '../../../protocol/results.ts';
import type { ModelTransfer } from './reference-shapes.ts';

/** Never changed: another one takes its place. */
export interface ModelAccount {
  readonly id: bigint;
  readonly ledger: number;
  readonly owner: number;
  readonly flags: number;
  readonly creditLimit: bigint;
  readonly state: number;
  readonly tier: number;
  readonly debitsPending: bigint;
  readonly debitsPosted: bigint;
  readonly creditsPending: bigint;
  readonly creditsPosted: bigint;
}

export interface Answer {
  readonly name: ResultName;
  readonly replayed: boolean;
  readonly timestamp: bigint;
}

/** Never changed: another one takes its place. */
export interface Hold {
  readonly debit: bigint;
  readonly credit: bigint;
  readonly left: bigint;
  /** 0 = never. */
  readonly deadline: bigint;
  readonly code: number;
  readonly end: 'open' | 'posted' | 'voided' | 'expired';
}

export interface Decided {
  institution: number;
  content: ModelTransfer;
  name: ResultName;
  timestamp: bigint;
}

/** What the engine said of a record, where the reference cannot know it. */
export interface Open {
  readonly name: ResultName;
  /** Whether something raced with it, so that it may have gone either way; else only which of several refusals comes first. */
  readonly isRacing: boolean;
}

/** By place of the record in its message; undefined = the reference knows. */
export type Said = (index: number) => Open | undefined;

export interface Moved {
  readonly debit: bigint;
  readonly credit: bigint;
  readonly amount: bigint;
  readonly code: number;
  readonly isRevert: boolean;
}

export interface Book {
  accounts: Map<bigint, ModelAccount>;
  /** Open ones. */
  holds: Map<bigint, Hold>;
  /** Those that have ended; an id that is open again after a chain was undone counts as open. */
  ended: Map<bigint, Hold>;
  /** What payments hold; each counts as one. */
  paymentHolds: number;
  /** What posted transfers moved, and which of them were reverted. */
  readonly moved: Map<bigint, Moved>;
  readonly reverted: Set<bigint>;
}
