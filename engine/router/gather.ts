/** One request that several partitions answer: waits for all the parts and makes one reply frame of them. */
import { FRAME_HEADER, REFUSAL, REFUSED_KIND } from '../../protocol/frame.ts';
import { writeHeader } from '../../protocol/frame-header.ts';
import { resultSpec } from '../../protocol/results.ts';
import type { CommandEnvelope, ReplyCursor, ReplySink } from '../gateway.ts';

/** Makes the one reply of the parts, which are in the order of their submission. */
export type Merge = (parts: readonly Uint8Array[]) => Uint8Array | undefined;

export class Gather {
  readonly #parts: (Uint8Array | undefined)[] = [];
  readonly #sink: ReplySink;
  readonly #merge: Merge;
  #missing = 0;
  #abandoned = false;

  /** @param merge may return undefined when it went on asking and will answer itself */
  constructor(sink: ReplySink, merge: Merge) {
    this.#sink = sink;
    this.#merge = merge;
  }

  /** The sink for the next part; every part is made before any reply can come. */
  part(): ReplySink {
    const index = this.#parts.length;
    this.#parts.push(undefined);
    this.#missing++;
    return { deliver: (replies) => this.#take(index, replies) };
  }

  /** Some part was not taken: the caller is told so, and what the others answer is dropped. */
  abandon(): void {
    this.#abandoned = true;
  }

  #take(index: number, replies: ReplyCursor): void {
    const frame = replies.take();
    // It comes when other partitions have answered.
    if (frame === undefined) return;
    this.#parts[index] = frame.slice();
    this.#missing--;
    if (this.#missing > 0 || this.#abandoned) return;
    const whole = this.#merge(this.#parts.filter((part) => part !== undefined));
    if (whole !== undefined) deliverOne(this.#sink, whole);
  }
}

/** Gives a caller one reply frame outside of a batch. */
export function deliverOne(sink: ReplySink, frame: Uint8Array): void {
  let next: Uint8Array | undefined = frame;
  sink.deliver({
    take: () => {
      const taken = next;
      next = undefined;
      return taken;
    },
  });
}

/** A frame that refuses the request of this envelope. */
export function refusalFrame(envelope: CommandEnvelope, code: number): Uint8Array {
  const detail = new TextEncoder().encode(resultSpec(code).en);
  const frame = new Uint8Array(FRAME_HEADER.size + REFUSAL.size + detail.length);
  writeHeader(frame, REFUSED_KIND, 0, 1, envelope.requestIdLow, envelope.requestIdHigh);
  const view = new DataView(frame.buffer, FRAME_HEADER.size);
  view.setUint16(REFUSAL.at.code, code, true);
  view.setUint16(REFUSAL.at.detailLength, detail.length, true);
  frame.set(detail, FRAME_HEADER.size + REFUSAL.size);
  return frame;
}
