/**
 * One episode of one partition: a list of steps, and the reference beside it. Nothing here is left to chance: the same list ends
 * in the same state.
 *
 *   batch ─▶ decided: balances noted ─▶ flush ─▶ answered ─▶ compared with the reference
 *   crash ─▶ what is durable is compared as well, the rest never was ─▶ recovery ─▶ balances compared, disk verified
 */
import { createHash } from 'node:crypto';
import { COMMANDS } from '../../protocol/commands.ts';
import { Batch, batchBytes } from '../worker/batch.ts';
import type { Opened } from '../worker/open.ts';
import { weightOf } from '../worker/weights.ts';
import { damageOne } from './damage.ts';
import type { Command } from './model/command.ts';
import { Comparison, castRequests, requestOf } from './model/comparison.ts';
import { type Request, START } from './model/requests.ts';
import { BATCH_BOUNDS, FLIGHTS, openOptions } from './settings.ts';
import { type Flight, Station, turn } from './station.ts';
import type { Episode, Step } from './steps.ts';
import type { Tally } from './tally.ts';

/** Commands that are sent once more after a recovery. */
const RESENT = 8;
/** A batch takes hardly more: terms can be long. */
const RESENT_AT_ONCE = 4;
/** Replaying everything from the first batch on takes as long as all that was simulated. */
const RECOVERIES_PER_VERIFY = 3;
/** Each balance is compared after every batch; that they add up follows, and is looked at less often. */
const BATCHES_PER_BOOKS = 16;

export class Life {
  readonly #tally: Tally;
  readonly #station: Station;
  readonly #reference: Comparison;
  /** Free ones, of this life and of those before it. */
  readonly #batches: Batch[];
  readonly #commands = new Map<Flight, readonly Command[]>();
  #clock = START;
  #answered: Command[] = [];
  #recoveries = 0;
  #compared = 0;

  constructor(episode: Episode, tally: Tally, batches: Batch[]) {
    this.#tally = tally;
    this.#batches = batches;
    this.#station = new Station(openOptions(episode.holdsMax), tally, episode.mergesInSteps);
    this.#reference = new Comparison(episode.holdsMax);
  }

  /** Opens the partition, and in it the cast. */
  async begin(): Promise<void> {
    await this.#station.open();
    await this.#submit(castRequests(), []);
    for (const commands of this.#reference.opening()) await this.#submit(commands.map(requestOf), commands);
    await this.#flush(Number.POSITIVE_INFINITY);
  }

  /** One step. Throws an Error that says what is wrong. */
  async step(step: Step): Promise<void> {
    switch (step.type) {
      case 'batch': {
        this.#clock += Number(step.jump);
        await this.#submit(step.commands.map(requestOf), step.commands);
        this.#tally.batch(step.commands);
        break;
      }
      case 'flush':
        await this.#flush(step.count);
        break;
      case 'checkpoint':
        await this.#writeCheckpoint(step.crashAt);
        break;
      case 'merge':
        if (this.#station.merge(step.crashAt)) await this.#crash(1, 0);
        break;
      case 'writeError':
        if (await this.#station.failWrite(this.#batch(), this.#clock, step.isClaimed)) await this.#crash(0, 0);
        break;
      case 'crash':
        await this.#crash(step.kept, step.torn);
        break;
      case 'damage':
        await damageOne(this.#station, step, (opened) => this.#compareState(opened));
        this.#tally.damages++;
        break;
      case 'verify':
        await this.#station.verify();
        break;
      default:
        throw new Error(`one partition has no step "${step.type}"`);
    }
    if (this.#station.isCheckpointDue()) await this.#writeCheckpoint(undefined);
  }

  /** Lets what is under way become durable; balances, holds and the journal's last hash, as one hash. */
  async end(): Promise<string> {
    await this.#flush(Number.POSITIVE_INFINITY);
    for (const [name, count] of this.#reference.seen) this.#tally.result(name, count);
    return createHash('sha256').update(this.#station.fingerprint()).digest('hex');
  }

  async #submit(requests: readonly Request[], commands: readonly Command[]): Promise<void> {
    if (this.#station.flights >= FLIGHTS) await this.#flush(1);
    const batch = this.#batch();
    for (const { institution, name, flags, count, body } of requests) {
      const { kind } = COMMANDS[name];
      const envelope = { kind, flags, count, requestIdLow: 7, requestIdHigh: 0, institution };
      if (!batch.add(envelope, body, weightOf(kind, flags, count))) throw new Error('the batch is full');
    }
    const { flight } = this.#station.run(batch, this.#clock);
    this.#commands.set(flight, commands);
    await this.#settle();
  }

  #batch(): Batch {
    const batch = this.#batches.pop() ?? new Batch(new SharedArrayBuffer(batchBytes(BATCH_BOUNDS)), BATCH_BOUNDS);
    batch.clear();
    return batch;
  }

  async #flush(count: number): Promise<void> {
    this.#station.flush(count);
    await this.#settle();
  }

  /** Lets everything happen that can, then looks at the answers. */
  async #settle(): Promise<void> {
    await turn();
    for (const flight of this.#station.landed()) this.#compare(flight);
  }

  /** A batch whose outcome counts, against the reference. */
  #compare(flight: Flight): void {
    const { batch, now, standing } = flight;
    const commands = this.#commands.get(flight) ?? [];
    // Batches without commands open the cast, which the reference has from the start.
    if (commands.length > 0) {
      const frames = commands.map((_, index) => batch.reply(index));
      this.#reference.batch(commands, frames, BigInt(now));
      this.#reference.balances(standing, standing.holds);
      if (this.#compared++ % BATCHES_PER_BOOKS === 0) this.#reference.books(standing);
    }
    this.#forget(flight);
    this.#answered.push(...commands);
    this.#answered = this.#answered.slice(-RESENT);
  }

  #forget(flight: Flight): void {
    this.#commands.delete(flight);
    this.#batches.push(flight.batch);
  }

  #compareState({ state }: Opened): void {
    this.#reference.balances(state.ledger.accounts, state.ledger.holds.count);
    this.#reference.books(state.ledger.accounts);
  }

  async #writeCheckpoint(crashAt: number | undefined): Promise<void> {
    const hasEnded = this.#station.writeCheckpoint(crashAt);
    if (hasEnded) await this.#crash(1, 0);
    else await this.#settle();
  }

  async #crash(kept: number, torn: number): Promise<void> {
    this.#tally.crashes++;
    const { durable, lost } = await this.#station.crash(kept, torn);
    for (const flight of durable) this.#compare(flight);
    for (const flight of lost) this.#forget(flight);
    await this.#station.open();
    this.#compareState(this.#station.opened);
    // The episode ends with one of its own.
    if (++this.#recoveries % RECOVERIES_PER_VERIFY === 0) await this.#station.verify();
    // What was answered is answered again.
    const again = this.#answered;
    for (let at = 0; at < again.length; at += RESENT_AT_ONCE) {
      const some = again.slice(at, at + RESENT_AT_ONCE);
      await this.#submit(some.map(requestOf), some);
    }
    this.#tally.recoveries++;
  }
}
