/** Measures the last part of a load that ends at a number of records instead of a moment. */
import type { LoadGoal } from './jobs.ts';
import { Meter } from './latency.ts';

export class GoalMeter extends Meter {
  /** Resolves when all records of the goal are answered. */
  readonly reached: Promise<void>;
  readonly #goal: LoadGoal;
  #resolve: () => void = () => undefined;
  #answered = 0;
  #measured = 0;
  #fromMs: number | undefined;
  #toMs = 0;

  /** @param endMs when the load ends in any case, of performance.now() */
  constructor(goal: LoadGoal, startMs: number, endMs: number) {
    super({ startMs, endMs, isOpenLoop: false });
    this.#goal = goal;
    this.reached = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  /** Records answered since the measured part began. */
  override get records(): number {
    return this.#measured;
  }

  /** Records answered in all. */
  get answeredInAll(): number {
    return this.#answered;
  }

  /** How long the measured part took; 0 when it was not reached. */
  get seconds(): number {
    return this.#fromMs === undefined ? 0 : (this.#toMs - this.#fromMs) / 1000;
  }

  override answered(records: number, dueMs: number, nowMs: number): void {
    const isMeasured = this.#fromMs !== undefined && this.#answered < this.#goal.records;
    this.#answered += records;
    if (isMeasured) {
      this.#measured += records;
      this.#toMs = nowMs;
      this.latencies.record(nowMs - dueMs);
    } else if (this.#answered >= this.#goal.measuredFrom) {
      this.#fromMs ??= nowMs;
    }
    if (this.#answered >= this.#goal.records) this.#resolve();
  }
}
