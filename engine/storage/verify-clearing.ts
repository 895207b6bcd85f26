/**
 * Whether the clearing accounts of a pair of partitions fit each other: see engine/ledger/clearing.ts. At rest both sides add up to
 * nothing; what is under way may make a difference, and exactly so much.
 */
import { z } from 'zod';
import type { Finding } from './verify-journal.ts';

const standingSchema = z.array(
  z.object({
    peer: z.number(),
    ledger: z.number(),
    posted: z.number(),
    offered: z.number(),
    unconfirmed: z.number(),
  }),
);

/** What two partitions have with each other in one ledger, minor units. */
export interface ClearingPair {
  readonly partitions: readonly [number, number];
  readonly ledger: number;
  /** Posted on both sides together: 0 at rest. */
  difference: number;
  /** What the difference may come from: taken there and not settled here, posted here and not followed there. */
  offered: number;
  unconfirmed: number;
}

export class ClearingCheck {
  readonly #pairs = new Map<string, ClearingPair>();
  #complete = true;

  /** Takes what the verification of a partition says; undefined when it could not be replayed. */
  add(partition: number, standing: unknown): void {
    const parsed = standingSchema.safeParse(standing);
    if (!parsed.success) {
      this.#complete = false;
      return;
    }
    for (const { peer, ledger, posted, offered, unconfirmed } of parsed.data) {
      const partitions = [Math.min(partition, peer), Math.max(partition, peer)] as const;
      const key = `${partitions.join()}:${ledger}`;
      const pair = this.#pairs.get(key) ?? { partitions, ledger, difference: 0, offered: 0, unconfirmed: 0 };
      pair.difference += posted;
      pair.offered += offered;
      pair.unconfirmed += unconfirmed;
      this.#pairs.set(key, pair);
    }
  }

  get pairs(): readonly ClearingPair[] {
    return [...this.#pairs.values()];
  }

  /** After all partitions. Says nothing when one of them could not be replayed. */
  findings(): Finding[] {
    if (!this.#complete) return [];
    return this.pairs
      .filter(({ difference, offered, unconfirmed }) => difference < -offered || difference > unconfirmed)
      .map(({ partitions, ledger, difference, offered, unconfirmed }) => ({
        where: 'clearing',
        problem:
          `partitions ${partitions.join(' and ')}, ledger ${ledger}: the clearing accounts differ by ${difference}, ` +
          `but what is under way explains ${-offered} to ${unconfirmed}`,
      }));
  }
}
