/**
 * What came back, when, and how long it took. With a rate, a request's time runs from the moment at which it was due: a
 * server that stalls is charged for every request that it kept from being sent (no coordinated omission).
 */
import { createHistogram, type RecordableHistogram } from 'node:perf_hooks';

const NS_PER_MS = 1e6;
/** What takes longer counts as this long. */
const LONGEST_NS = 120e9;

export interface LatencySummary {
  readonly p50: number;
  readonly p99: number;
  readonly p999: number;
  readonly max: number;
}

/** Latencies to three digits. */
export class Latencies {
  readonly #histogram: RecordableHistogram = createHistogram({ lowest: 1, highest: LONGEST_NS, figures: 3 });

  get count(): number {
    return this.#histogram.count;
  }

  record(milliseconds: number): void {
    this.#histogram.record(Math.max(1, Math.min(LONGEST_NS, Math.round(milliseconds * NS_PER_MS))));
  }

  /** Milliseconds; zeros when nothing was recorded. */
  summary(): LatencySummary {
    const histogram = this.#histogram;
    if (histogram.count === 0) return { p50: 0, p99: 0, p999: 0, max: 0 };
    const at = (percent: number): number => milliseconds(histogram.percentile(percent));
    return { p50: at(50), p99: at(99), p999: at(99.9), max: milliseconds(histogram.max) };
  }
}

/** To the microsecond: the histogram knows no more. */
function milliseconds(nanoseconds: number): number {
  return Math.round(nanoseconds / 1000) / 1000;
}

/** The moments at which one of `senders` has to send, so that all together send `perSecond`, evenly spread. */
export class Schedule {
  readonly #intervalMs: number;
  readonly #startMs: number;
  #sent = 0;

  constructor(options: {
    readonly startMs: number;
    readonly perSecond: number;
    readonly sender: number;
    readonly senders: number;
  }) {
    const { startMs, perSecond, sender, senders } = options;
    this.#intervalMs = (1000 * senders) / perSecond;
    this.#startMs = startMs + (this.#intervalMs * sender) / senders;
  }

  /** When the next request is due; its latency counts from here, however late it leaves. */
  get dueMs(): number {
    return this.#startMs + this.#sent * this.#intervalMs;
  }

  advance(): void {
    this.#sent++;
  }
}

/** Counts what falls into the time from `startMs` to `endMs`, both of performance.now(). */
export class Meter {
  readonly latencies = new Latencies();
  readonly startMs: number;
  readonly endMs: number;
  readonly #isOpenLoop: boolean;
  #records = 0;

  constructor(options: { readonly startMs: number; readonly endMs: number; readonly isOpenLoop: boolean }) {
    this.startMs = options.startMs;
    this.endMs = options.endMs;
    this.#isOpenLoop = options.isOpenLoop;
  }

  /** Records answered in the time. */
  get records(): number {
    return this.#records;
  }

  /**
   * A request of `records` that was due at `dueMs` is answered. In an open loop the latencies are those of the requests
   * due in the time, however late their answer; otherwise those of the answers in the time.
   */
  answered(records: number, dueMs: number, nowMs: number): void {
    const isInTime = nowMs >= this.startMs && nowMs < this.endMs;
    if (isInTime) this.#records += records;
    if (this.#isOpenLoop ? dueMs >= this.startMs && dueMs < this.endMs : isInTime) this.latencies.record(nowMs - dueMs);
  }

  /** A request due in the time has no answer at `nowMs`: it counts as at least that long. */
  unanswered(dueMs: number, nowMs: number): void {
    if (this.#isOpenLoop && dueMs >= this.startMs && dueMs < this.endMs) this.latencies.record(nowMs - dueMs);
  }
}

/** CPU time of this process between the calls of `start` and `stop`. */
export class CpuClock {
  #before: NodeJS.CpuUsage | undefined;
  #seconds = 0;

  get seconds(): number {
    return this.#seconds;
  }

  start(): void {
    this.#before = process.cpuUsage();
  }

  stop(): void {
    const { user, system } = process.cpuUsage(this.#before);
    this.#seconds = Math.round((user + system) / 10_000) / 100;
  }
}
