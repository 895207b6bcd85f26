/**
 * The way into one partition: a ring of batches, of which one is being filled, some are under way, and some wait in between.
 *
 *   submit ─▶ filling ─▶ sealed (bounded) ─▶ in flight (≤ FLIGHTS) ─▶ replies, free again
 *
 * A batch leaves at the end of the event-loop turn in which it got its first command, or within it at EAGER_COUNT commands, or,
 * when the partition is busy, as soon as a flight comes back: batches grow with the load, and a lone request does not wait. When every batch is taken the answer
 * is `busy`, at once.
 */
import { Code } from '../../protocol/results.ts';
import type { CommandEnvelope, ReplySink } from '../gateway.ts';
import type { Batch } from '../worker/batch.ts';
import type { Enquiry } from '../worker/enquiry.ts';
import type { BatchResult, PartitionFigures } from '../worker/partition.ts';
import { weightOf } from '../worker/weights.ts';
import type { WaitingCommand } from './batch-replies.ts';
import { BatchReplies } from './batch-replies.ts';

/** Batches that a partition works on at once: one is decided while those before it are flushed. */
export const FLIGHTS = 6;

/** Commands with which a batch leaves at once when the partition has a flight free. */
const EAGER_COUNT = 1024;

export interface LaneObserver {
  /** A batch is durable and its replies are about to leave. */
  batchDone(
    result: BatchResult,
    batch: { readonly records: number; readonly inputBytes: number; readonly waitMs: number },
  ): void;
  /** Batches filled and waiting. */
  queueDepth(batches: number): void;
  /** The partition cannot go on: nothing of what is under way may be answered. */
  failed(error: unknown): void;
}

/** What a partition has to do with others. */
export interface ClearingPort {
  /** Takes messages for other partitions; they are durable here. */
  send(messages: Uint8Array): void;
  /** The same for what partitions carry out together. */
  sendParts(messages: Uint8Array): void;
  /** The same for what is counted in other partitions. */
  sendCounts(messages: Uint8Array): void;
  /** Takes what dry runs ask of other partitions, right after the replies that wait for it: by the numbers in these. */
  enquire(enquiries: readonly (readonly Enquiry[])[]): void;
  /** Takes a reply that waits for other partitions; the frame and the command are dead when this returns. */
  defer(sink: ReplySink, frame: Uint8Array, command: () => WaitingCommand): void;
}

/** Runs a batch in the partition's thread; resolves when it is durable. */
export type RunBatch = (slot: number, timestampMicros: number) => Promise<BatchResult>;

/** The way to a partition: its lane, or what delays and repeats on the way there. */
export type ParcelTaker = Pick<Lane, 'submit'>;

interface Slot {
  readonly index: number;
  readonly batch: Batch;
  readonly replies: BatchReplies;
  /** performance.now() of the first command. */
  startedAt: number;
}

export class Lane {
  readonly #run: RunBatch;
  readonly #observer: LaneObserver;
  readonly #clock: () => number;
  readonly #clearing: ClearingPort;
  readonly #free: Slot[];
  readonly #sealed: Slot[] = [];
  #filling: Slot | undefined;
  #flights = 0;
  #wakeQueued = false;
  #failed = false;
  #nextDeadline = Number.POSITIVE_INFINITY;
  /** Keys of risk features that the partition asks others about: FeatureStore.sharedBy. */
  sharedBy = 0;
  #idle: (() => void)[] = [];

  /** @param parts.clock µs since 1970 */
  constructor(parts: {
    readonly batches: readonly Batch[];
    readonly run: RunBatch;
    readonly observer: LaneObserver;
    readonly clock: () => number;
    readonly clearing: ClearingPort;
  }) {
    this.#run = parts.run;
    this.#observer = parts.observer;
    this.#clock = parts.clock;
    this.#clearing = parts.clearing;
    this.#free = parts.batches.map((batch, index) => ({
      index,
      batch,
      replies: new BatchReplies(batch, (sink, frame, command) => parts.clearing.defer(sink, frame, command)),
      startedAt: 0,
    }));
  }

  get isIdle(): boolean {
    return this.#filling === undefined && this.#sealed.length === 0 && this.#flights === 0;
  }

  /** See Gateway.submit. */
  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (this.#failed) return Code.shuttingDown;
    const weight = weightOf(envelope.kind, envelope.flags, envelope.count);
    let slot = this.#filling ?? this.#open();
    if (slot === undefined) return Code.busy;
    if (!slot.batch.add(envelope, body, weight)) {
      this.#seal();
      slot = this.#open();
      if (slot === undefined || !slot.batch.add(envelope, body, weight)) return Code.busy;
    }
    slot.replies.add(slot.batch.count - 1, sink);
    if (!this.#wakeQueued) this.#wake();
    // One turn can bring more than ten thousand commands: the partition need not wait for its end.
    if (slot.batch.count >= EAGER_COUNT && this.#flights < FLIGHTS) this.#pump();
    return Code.ok;
  }

  /** Lets the partition fire its timers: for when nothing arrives. */
  tick(): void {
    if (this.#failed || !this.isIdle || this.#nextDeadline > this.#clock()) return;
    if (this.#open() !== undefined) this.#pump();
  }

  /** Takes note of when the partition next has something to expire, and of what its risk rules ask. */
  takeFigures({ nextDeadline, sharedBy }: Pick<PartitionFigures, 'nextDeadline' | 'sharedBy'>): void {
    this.#nextDeadline = nextDeadline;
    this.sharedBy = sharedBy;
  }

  /** Resolves when nothing is under way. */
  drained(): Promise<void> {
    return this.isIdle ? Promise.resolve() : new Promise((resolve) => this.#idle.push(resolve));
  }

  #wake(): void {
    this.#wakeQueued = true;
    setImmediate(() => {
      this.#wakeQueued = false;
      this.#pump();
    });
  }

  #open(): Slot | undefined {
    const slot = this.#free.pop();
    if (slot === undefined) return undefined;
    slot.batch.clear();
    slot.startedAt = performance.now();
    this.#filling = slot;
    return slot;
  }

  #seal(): void {
    if (this.#filling === undefined) return;
    this.#sealed.push(this.#filling);
    this.#filling = undefined;
    this.#observer.queueDepth(this.#sealed.length);
  }

  #pump(): void {
    while (this.#flights < FLIGHTS && !this.#failed) {
      if (this.#sealed.length === 0) this.#seal();
      const slot = this.#sealed.shift();
      if (slot === undefined) break;
      this.#observer.queueDepth(this.#sealed.length);
      this.#fly(slot);
    }
  }

  #fly(slot: Slot): void {
    this.#flights++;
    const waitMs = performance.now() - slot.startedAt;
    this.#run(slot.index, this.#clock()).then(
      (result) => this.#landed(slot, waitMs, result),
      (error: unknown) => this.#fail(error),
    );
  }

  #landed(slot: Slot, waitMs: number, result: BatchResult): void {
    this.#flights--;
    this.takeFigures(result.figures);
    const { batch } = slot;
    this.#observer.batchDone(result, { records: batch.records, inputBytes: batch.inputBytes, waitMs });
    // The partition is kept busy first; the replies of this batch are sent while it works.
    this.#pump();
    slot.replies.deliver();
    if (result.messages !== undefined) this.#clearing.send(result.messages);
    if (result.parts !== undefined) this.#clearing.sendParts(result.parts);
    if (result.counts !== undefined) this.#clearing.sendCounts(result.counts);
    if (result.enquiries !== undefined) this.#clearing.enquire(result.enquiries);
    this.#free.push(slot);
    if (this.isIdle) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #fail(error: unknown): void {
    this.#flights--;
    if (this.#failed) return;
    this.#failed = true;
    this.#observer.failed(error);
  }
}
