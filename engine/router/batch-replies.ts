/**
 * Who waits for which command of a batch. The commands of one caller are linked, so that its replies leave together, under one
 * cork; callers are few compared with commands.
 */
import type { ReplyCursor, ReplySink } from '../gateway.ts';
import type { Batch } from '../worker/batch.ts';
import { ENTRIES_MAX } from '../worker/batch.ts';

const LAST = -1;

/** A command whose reply waits for other partitions. */
export type WaitingCommand = ReturnType<Batch['command']>;

interface Caller {
  readonly sink: ReplySink;
  readonly first: number;
  last: number;
}

export class BatchReplies implements ReplyCursor {
  readonly #batch: Batch;
  readonly #defer: (sink: ReplySink, frame: Uint8Array, command: () => WaitingCommand) => void;
  /** Index of the same caller's next command, or LAST. */
  readonly #next = new Int32Array(ENTRIES_MAX);
  readonly #callers = new Map<ReplySink, Caller>();
  /** Commands of one caller mostly come in a row. */
  #recent: Caller | undefined;
  #cursor = LAST;
  /** Whose replies are being taken. */
  #sink: ReplySink | undefined;

  /** @param defer told of replies that wait for other partitions; the frame and the command are dead when it returns */
  constructor(batch: Batch, defer: (sink: ReplySink, frame: Uint8Array, command: () => WaitingCommand) => void) {
    this.#batch = batch;
    this.#defer = defer;
  }

  /** Notes that `sink` waits for the command at `index`. */
  add(index: number, sink: ReplySink): void {
    this.#next[index] = LAST;
    const caller = this.#recent?.sink === sink ? this.#recent : this.#callers.get(sink);
    if (caller === undefined) {
      this.#recent = { sink, first: index, last: index };
      this.#callers.set(sink, this.#recent);
      return;
    }
    this.#next[caller.last] = index;
    caller.last = index;
    this.#recent = caller;
  }

  /** Gives every caller its replies, and forgets them. */
  deliver(): void {
    for (const { sink, first } of this.#callers.values()) {
      this.#cursor = first;
      this.#sink = sink;
      sink.deliver(this);
    }
    this.#sink = undefined;
    this.#callers.clear();
    this.#recent = undefined;
  }

  take(): Uint8Array | undefined {
    for (let index = this.#cursor; index !== LAST; index = this.#cursor) {
      this.#cursor = this.#next[index] as number;
      const frame = this.#batch.reply(index);
      if (this.#sink === undefined || !this.#batch.awaits(index)) return frame;
      this.#defer(this.#sink, frame, () => this.#batch.command(index));
    }
    return undefined;
  }
}
