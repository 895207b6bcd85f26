/** The engine behind a desk and the reference, side by side on the same commands; the first difference stops the run. */

import type { Command } from '../../engine/simulate/model/command.ts';
import { Comparison, castRequests, requestOf } from '../../engine/simulate/model/comparison.ts';
import type { PartitionState } from '../../engine/worker/state.ts';
import { mayRunDry } from '../../protocol/commands.ts';
import { type Desk, type Request, START } from '../support/desk.ts';
import { dryRun, withoutDryRun } from '../support/dry-run.ts';

export class DeskComparison {
  readonly desk: Desk;
  readonly state: PartitionState;
  readonly #reference: Comparison;
  #now = BigInt(START);

  constructor(desk: Desk, state: PartitionState, holdsMax: number, from?: DeskComparison) {
    this.desk = desk;
    this.state = state;
    this.#reference = from === undefined ? new Comparison(holdsMax) : from.#reference;
    if (from !== undefined) this.#now = from.#now;
  }

  get seen(): Comparison['seen'] {
    return this.#reference.seen;
  }

  /** The same reference against an engine that was opened again. */
  movedTo(desk: Desk, state: PartitionState): DeskComparison {
    return new DeskComparison(desk, state, 0, this);
  }

  /** Opens the cast on both sides. */
  async begin(): Promise<void> {
    for (const request of castRequests()) await this.desk.one(request);
    for (const commands of this.#reference.opening()) await this.batch(commands, 0n);
  }

  /** Decides each request twice, first as a dry run: the answers must be the same. Replies of the second. */
  async #rehearsed(requests: readonly Request[]): Promise<Uint8Array[]> {
    const isDry = requests.map(({ name }) => mayRunDry(name));
    const doubled = requests.flatMap((request, index) => {
      return isDry[index] === true ? [dryRun(request), request] : [request];
    });
    const frames = await this.desk.batch(doubled);
    return requests.map(({ name }, index) => {
      const dry = isDry[index] === true ? frames.shift() : undefined;
      const frame = frames.shift() as Uint8Array;
      if (dry !== undefined && Buffer.compare(withoutDryRun(dry, name), frame) !== 0) {
        throw new Error(`a dry run of ${name} (request ${index}) was answered otherwise than the command itself`);
      }
      return frame;
    });
  }

  /** One batch. Throws an Error that says what differs. */
  async batch(commands: readonly Command[], jump: bigint): Promise<void> {
    this.#now += jump;
    this.desk.now = Number(this.#now);
    const requests = commands.map(requestOf);
    const frames = await this.#rehearsed(requests);
    this.#reference.batch(commands, frames, this.#now);
    const { accounts, holds } = this.state.ledger;
    this.#reference.balances(accounts, holds.count);
    this.#reference.books(accounts);
  }
}
