// What a batch does for a checkpoint is bounded by its own size, and not by the number of accounts; counted, not timed.
import { beforeEach, describe, expect, it } from 'vitest';
import { PartitionState } from '../../../engine/worker/state.ts';
import { isStateDue, StateCopies } from '../../../engine/worker/state-copies.ts';
import { mapIndexes, STATE } from '../../support/memory-partition.ts';

const ACCOUNTS = 300_000;
const BOUNDS = { checkpointEveryBytes: 2 ** 30 };
/** A position so late that a copy is due. */
const LATE = 2 ** 31;
const NO_EVENTS = {
  read: (): never => {
    throw new Error('nothing is read here');
  },
};

function stateOf(accounts: number): PartitionState {
  const state = new PartitionState({ ...STATE, accountsMax: ACCOUNTS }, NO_EVENTS, mapIndexes());
  for (let number = 1; number <= accounts; number++) state.ledger.accounts.add(number, 0, 0, 0);
  return state;
}

describe('StateCopies of a large state', () => {
  let state: PartitionState;
  let copies: StateCopies;
  beforeEach(() => {
    state = stateOf(ACCOUNTS);
    copies = new StateCopies(state, BOUNDS, 0);
  });

  /** Batches until the copy that is under way is done. */
  function batches(lsn: number, records: number): number {
    let count = 0;
    const all = copies.copied + ACCOUNTS;
    for (let before = copies.copied; copies.copied < all; before = copies.copied) {
      copies.afterBatch(lsn + count, records);
      count++;
      expect(copies.copied - before).toBeGreaterThan(0);
      // A piece is whole blocks of 1,024 rows.
      expect(copies.copied - before).toBeLessThan(8192 + 8 * records + 1024);
    }
    return count;
  }

  it('copies a bounded number of rows after each batch, more after a larger one', () => {
    expect(batches(LATE, 0)).toBe(Math.ceil(ACCOUNTS / 8192));
    expect(copies.take(LATE + 100)?.stateLsn).toBe(LATE);
    copies.written(LATE);
    expect(batches(LATE * 2, 8190)).toBe(5);
  });

  it('gives a checkpoint nothing before the copy is done, and never copies for it at once', () => {
    expect(copies.take(5)).toBeUndefined();
    copies.afterBatch(LATE, 8190);
    const { copied } = copies;
    expect(copies.take(LATE + 1)).toBeUndefined();
    expect(copies.copied).toBe(copied);
  });

  it('shows the moment at which it began', () => {
    copies.afterBatch(LATE, 0);
    const { accounts } = state.ledger;
    accounts.copy.before(ACCOUNTS - 1);
    accounts.debitsPosted[ACCOUNTS - 1] = 7;
    for (let batch = 0; batch < 100; batch++) copies.afterBatch(LATE + batch, 8190);
    const taken = copies.take(LATE + 100);
    expect(taken?.stateLsn).toBe(LATE);
    const debits = new Float64Array(taken!.sections['accounts.debitsPosted']!.buffer, 0, ACCOUNTS);
    expect(debits[ACCOUNTS - 1]).toBe(0);
  });

  it('does not touch what the background is writing, and uses its memory again when a checkpoint has it', () => {
    batches(LATE, 8190);
    const first = copies.take(LATE + 100)!.sections['accounts.ids']!.buffer;
    const { copied } = copies;
    // Checkpoints of older states say nothing.
    copies.written(LATE - 5);
    copies.afterBatch(LATE * 2, 8190);
    expect(copies.copied).toBe(copied);
    copies.written(LATE);
    batches(LATE * 2, 8190);
    expect(copies.take(LATE * 2 + 100)!.sections['accounts.ids']!.buffer).toBe(first);
  });

  it('begins when the journal has grown by as much as the state takes, or by what is configured', () => {
    const bytes = ACCOUNTS * 104;
    expect([bytes - 1, bytes].map((grown) => isStateDue(state, BOUNDS, grown))).toEqual([false, true]);
    const often = { checkpointEveryBytes: 1000 };
    expect([999, 1000].map((grown) => isStateDue(state, often, grown))).toEqual([false, true]);
    copies.afterBatch(Math.floor(bytes / 16) - 1, 8190);
    expect(copies.copied).toBe(0);
    copies.afterBatch(Math.ceil(bytes / 16), 8190);
    expect(copies.copied).toBeGreaterThan(0);
  });
});

describe('StateCopies of a small state', () => {
  it('copies it at once for each checkpoint, and nothing between them', () => {
    const state = stateOf(1000);
    const copies = new StateCopies(state, BOUNDS, 0);
    for (let lsn = 100; lsn < 103; lsn++) {
      copies.afterBatch(LATE, 8190);
      expect(copies.copied).toBe((lsn - 100) * 1000);
      const taken = copies.take(lsn);
      expect(taken?.stateLsn).toBe(lsn);
      expect(taken?.sections['accounts.ids']?.length).toBe(16_000);
      copies.written(lsn);
    }
    expect(isStateDue(state, BOUNDS, 1)).toBe(true);
  });
});
