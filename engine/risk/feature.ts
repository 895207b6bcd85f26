/** What a rule can ask about what came before: a measure over the things counted by a key in a window. */
import type { CountedName, SubjectName } from './facts.ts';

/**
 * `count`, `sum` (of amounts), `max` (amount), `distinct` (members of `of`): over the window, this payment included.
 * `last`: microseconds since the last one, this one not included; -1 = there was none.
 * `speed`: km/h that were needed from the place of the last one to this; 0 when either is not known or they are nearer than 1 km.
 */
export type Measure = 'count' | 'sum' | 'max' | 'distinct' | 'last' | 'speed';

/**
 * `sliding`: the current bucket of `micros` / 60 and the 59 before it, so between 59/60 of the length and all of it, as a function of the
 * time alone. `calendar`: the day, month or year at a fixed offset from UTC. `last` and `speed` have `always`.
 */
export type FeatureWindow =
  | { readonly kind: 'sliding'; readonly micros: number }
  | { readonly kind: 'calendar'; readonly period: 'day' | 'month' | 'year'; readonly utcOffsetMinutes: number }
  | { readonly kind: 'always' };

export const BUCKETS_PER_WINDOW = 60;
/** Most that `upTo` may be. */
export const DISTINCT_MAX = 256;

export interface FeatureDefinition {
  /** Says all of the rest: two features with one name are the same. E.g. `sum of payments by payer, 1h`. */
  readonly name: string;
  readonly measure: Measure;
  /** One or two subjects; a payment that lacks one of them is not counted, and the feature is 0 (`last`: -1). */
  readonly by: readonly SubjectName[];
  /** With `distinct`: whose members. */
  readonly of?: SubjectName;
  /** With `distinct`: exact to here; more are told as this many + 1. 1 … DISTINCT_MAX. */
  readonly upTo?: number;
  readonly counts: CountedName;
  readonly window: FeatureWindow;
  /** Counts only payments of these channels (bit per Channels value), and says 0 to those of others. Absent = all. */
  readonly channels?: number;
  /** Counts only payments of at least / below so much, by ISO 4217 numeric code; a currency that is not named is not counted. */
  readonly amounts?: readonly { readonly ledger: number; readonly from: number; readonly below: number }[];
  /**
   * With several partitions: what others have asked for and not decided counts as well, so that no two can both stay within a limit.
   * No part of the name.
   */
  readonly exact?: true;
}
