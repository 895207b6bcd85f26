/** The gateway: finds the partition of a command and puts it into that partition's lane. */
import { Code } from '../../protocol/results.ts';
import type { CommandEnvelope, Gateway, ReplySink } from '../gateway.ts';
import type { ClearingHouse } from './clearing-house.ts';
import type { Lane } from './lane.ts';
import type { Scatter } from './scatter.ts';

export class Router implements Gateway {
  readonly #lanes: readonly Lane[];
  readonly #only: Lane | undefined;
  readonly #scatter: Scatter;
  readonly #clearing: ClearingHouse;
  #draining = false;

  constructor(lanes: readonly Lane[], scatter: Scatter, clearing: ClearingHouse) {
    this.#lanes = lanes;
    this.#clearing = clearing;
    this.#only = lanes.length === 1 ? lanes[0] : undefined;
    this.#scatter = scatter;
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (this.#draining) return Code.shuttingDown;
    // With one partition there is nothing to find.
    if (this.#only !== undefined) return this.#only.submit(envelope, body, sink);
    return this.#scatter.submit(envelope, body, sink);
  }

  /** Wakes partitions whose timers are due. */
  tick(): void {
    this.#clearing.tick();
    for (const lane of this.#lanes) lane.tick();
  }

  /** Nothing is under way, nor between partitions. */
  get isIdle(): boolean {
    return this.#clearing.isIdle && this.#lanes.every((lane) => lane.isIdle);
  }

  /** Takes nothing more, and resolves when all that was taken is answered. */
  async drain(): Promise<void> {
    this.#draining = true;
    // A command that was answered by one partition may go on in another: until none has anything left.
    while (!this.isIdle) {
      this.#clearing.tick();
      await Promise.all(this.#lanes.map((lane) => lane.drained()));
    }
  }
}
