/**
 * One life of a switch of several partitions: the engine's own router, lanes and clearing house over simulated partitions, wired as
 * in engine/main.ts, with a channel in between that holds back what they say to each other.
 *
 *   submit ─▶ Router, Scatter ─▶ Lane ─▶ Station ─▶ ClearingHouse ─▶ Channel ─▶ Lane of another partition
 */
import type { CommandEnvelope, ReplySink } from '../gateway.ts';
import { ClearingHouse } from '../router/clearing-house.ts';
import { Lane } from '../router/lane.ts';
import { Router } from '../router/router.ts';
import { Scatter } from '../router/scatter.ts';
import { Batch, batchBytes } from '../worker/batch.ts';
import { Channel } from './channel.ts';
import { BATCH_BOUNDS, FLIGHTS } from './settings.ts';
import type { Station } from './station.ts';

/** Those under way, one that is filled, one that waits. */
const BATCHES = FLIGHTS + 2;

export class SimulatedSwitch {
  readonly channel: Channel;
  readonly #router: Router;
  readonly #memory: Batch[];
  readonly #used: Batch[] = [];
  hasEnded = false;

  /** @param parts.memory batches to use again */
  constructor(parts: {
    readonly stations: readonly Station[];
    readonly clock: () => number;
    readonly memory: Batch[];
    readonly onFault: (error: unknown) => void;
    /** Whose messages still arrive. */
    readonly before?: SimulatedSwitch;
  }) {
    const { stations, clock, onFault } = parts;
    this.#memory = parts.memory;
    const house = new ClearingHouse(stations.length);
    this.channel = new Channel(stations.length);
    const lanes = stations.map((station, partition) => {
      const batches = Array.from({ length: BATCHES }, () => this.#batch());
      return new Lane({
        batches,
        clock,
        clearing: this.channel.port(partition, house.port(partition)),
        run: (slot, timestamp) => {
          const batch = batches[slot];
          if (this.hasEnded || batch === undefined) return new Promise(() => undefined);
          return station.run(batch, timestamp).answered;
        },
        observer: {
          batchDone: () => undefined,
          queueDepth: () => undefined,
          failed: (error) => {
            if (!this.hasEnded) onFault(error);
          },
        },
      });
    });
    house.connect(this.channel.takers(lanes));
    if (parts.before !== undefined) this.channel.inherit(parts.before.channel);
    this.#router = new Router(lanes, new Scatter(lanes), house);
  }

  /** See Gateway.submit. */
  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    return this.#router.submit(envelope, body, sink);
  }

  /** Lets timers fire that are due. */
  tick(): void {
    this.#router.tick();
  }

  /** Nothing is under way, nor between partitions. */
  get isIdle(): boolean {
    return this.#router.isIdle && this.channel.isEmpty;
  }

  /** Nothing that this process began is carried on. */
  end(): void {
    this.hasEnded = true;
    this.#memory.push(...this.#used);
  }

  #batch(): Batch {
    const batch = this.#memory.pop() ?? new Batch(new SharedArrayBuffer(batchBytes(BATCH_BOUNDS)), BATCH_BOUNDS);
    batch.clear();
    this.#used.push(batch);
    return batch;
  }
}
