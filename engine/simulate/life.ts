/**
 * One episode: a partition of the engine on a simulated disk and clock, and the reference beside it, through the steps of a
 * list. Nothing here is left to chance: the same list ends in the same state.
 *
 *   batch ─▶ Partition.run ─▶ decided: balances noted ─▶ flush ─▶ answered ─▶ durable? ─▶ compared with the reference
 *   crash ─▶ what is durable is compared as well, the rest never was ─▶ recovery ─▶ balances compared, disk verified
 */
import { createHash } from 'node:crypto';
import { COMMANDS } from '../../protocol/commands.ts';
import { batchHash } from '../journal/header.ts';
import type { CheckpointRequest } from '../storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import { verifyPartition } from '../verify/verify-partition.ts';
import { Batch, batchBytes } from '../worker/batch.ts';
import { type Opened, openPartition } from '../worker/open.ts';
import { weightOf } from '../worker/weights.ts';
import { damageOne } from './damage.ts';
import { SimulatedDisk } from './disk.ts';
import { SimulatedCrash } from './index-tables.ts';
import { type BalanceColumns, Comparison, castRequests, requestOf } from './model/comparison.ts';
import { CAST, type Command } from './model/hostile-commands.ts';
import { type Request, START } from './model/requests.ts';
import { BATCH_BOUNDS, CHECKPOINT_WAITS_MAX, FLIGHTS, openOptions } from './settings.ts';
import type { Episode, Step } from './steps.ts';
import type { Tally } from './tally.ts';

/** Commands that are sent once more after a recovery. */
const RESENT = 8;
/** Replaying everything from the first batch on takes as long as all that was simulated. */
const RECOVERIES_PER_VERIFY = 3;

interface Flight {
  readonly batch: Batch;
  readonly commands: readonly Command[];
  readonly now: number;
  /** Position behind it; what it read is durable when everything before this is. */
  readonly end: number;
  readonly balances: BalanceColumns;
  readonly holds: number;
  isAnswered: boolean;
  checkpoint: CheckpointRequest | undefined;
}

export class Life {
  readonly #episode: Episode;
  readonly #tally: Tally;
  readonly #disk = new SimulatedDisk();
  readonly #reference: Comparison;
  readonly #batches: Batch[] = [];
  #mount = this.#disk.mount();
  #opened: Opened | undefined;
  #flights: Flight[] = [];
  #clock = START;
  #answered: Command[] = [];
  /** A checkpoint that was asked for, and for how many steps it has waited. */
  #checkpoint: CheckpointRequest | undefined;
  #waits = 0;
  #recoveries = 0;
  #fault: unknown;

  constructor(episode: Episode, tally: Tally) {
    this.#episode = episode;
    this.#tally = tally;
    this.#reference = new Comparison(episode.holdsMax);
  }

  /** Opens the partition, and in it the cast. */
  async begin(): Promise<void> {
    await this.#open();
    for (const request of castRequests()) await this.#submit([request], []);
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
      case 'crash':
        await this.#crash(step.kept, step.torn);
        break;
      case 'damage':
        await damageOne(this.#disk, this.#episode, step, (opened) => this.#compareState(opened));
        this.#tally.damages++;
        break;
      case 'verify':
        await this.#verify();
    }
    if (this.#checkpoint !== undefined && ++this.#waits > CHECKPOINT_WAITS_MAX) await this.#writeCheckpoint(undefined);
  }

  /** Lets what is under way become durable; balances, holds and the journal's last hash, as one hash. */
  async end(): Promise<string> {
    await this.#flush(Number.POSITIVE_INFINITY);
    for (const [name, count] of this.#reference.seen) this.#tally.result(name, count);
    const { accounts, holds } = this.#partition().state.ledger;
    const hash = createHash('sha256');
    const { debitsPending, debitsPosted, creditsPending, creditsPosted } = columnsOf(accounts);
    hash.update(JSON.stringify([debitsPending, debitsPosted, creditsPending, creditsPosted, holds.count]));
    for (let slot = 0; slot < holds.extent; slot++) hash.update(String(holds.remaining[slot]));
    const last = this.#disk.batches.at(-1);
    if (last !== undefined) hash.update(batchHash(last.bytes));
    return hash.digest('hex');
  }

  #partition(): Opened {
    if (this.#opened === undefined) throw new Error('the partition is not open');
    return this.#opened;
  }

  async #submit(requests: readonly Request[], commands: readonly Command[]): Promise<void> {
    if (this.#flights.length >= FLIGHTS) await this.#flush(1);
    const { partition, state } = this.#partition();
    const batch = this.#batches.pop() ?? new Batch(new SharedArrayBuffer(batchBytes(BATCH_BOUNDS)), BATCH_BOUNDS);
    batch.clear();
    for (const { institution, name, flags, count, body } of requests) {
      const { kind } = COMMANDS[name];
      const envelope = { kind, flags, count, requestIdLow: 7, requestIdHigh: 0, institution };
      if (!batch.add(envelope, body, weightOf(kind, flags, count))) throw new Error('the batch is full');
    }
    const running = partition.run(batch, this.#clock);
    const flight: Flight = {
      batch,
      commands,
      now: this.#clock,
      end: partition.figures.nextLsn,
      balances: columnsOf(state.ledger.accounts),
      holds: state.ledger.holds.count,
      isAnswered: false,
      checkpoint: undefined,
    };
    this.#flights.push(flight);
    running.then(
      (result) => {
        flight.isAnswered = true;
        flight.checkpoint = result.checkpoint;
      },
      (error: unknown) => {
        this.#fault ??= error;
      },
    );
    await this.#settle();
  }

  async #flush(count: number): Promise<void> {
    this.#mount.batches.complete(count);
    await this.#settle();
  }

  /** Lets everything happen that can, then looks at the answers. */
  async #settle(): Promise<void> {
    await turn();
    if (this.#fault !== undefined) throw this.#fault;
    const durable = this.#disk.end;
    for (const { isAnswered, end } of this.#flights) {
      if (isAnswered && end > durable) throw new Error(`answered at ${end}, but only ${durable} is durable`);
      if (!isAnswered && end <= durable) throw new Error(`durable up to ${durable}, but the batch up to ${end} waits`);
    }
    for (let first = this.#flights[0]; first?.isAnswered === true; first = this.#flights[0]) {
      this.#flights.shift();
      this.#compare(first);
      if (first.checkpoint !== undefined) this.#hold(first.checkpoint);
    }
  }

  #hold(request: CheckpointRequest | undefined): void {
    this.#checkpoint = request;
    this.#waits = 0;
  }

  /** A batch whose outcome counts, against the reference. */
  #compare({ batch, commands, now, balances, holds }: Flight): void {
    const frames = commands.map((_, index) => batch.reply(index));
    // Batches without commands open the cast, which the reference has from the start.
    if (commands.length > 0) {
      this.#reference.batch(commands, frames, BigInt(now));
      this.#reference.balances(balances, holds);
    }
    this.#batches.push(batch);
    this.#answered.push(...commands);
    this.#answered = this.#answered.slice(-RESENT);
  }

  #compareState({ state }: Opened): void {
    this.#reference.balances(state.ledger.accounts, state.ledger.holds.count);
  }

  async #writeCheckpoint(crashAt: number | undefined): Promise<void> {
    const request = this.#checkpoint;
    if (request === undefined) return;
    this.#hold(undefined);
    const { index } = this.#disk;
    const { hashSeed } = openOptions(this.#episode.holdsMax);
    const store = new CheckpointStore({
      path: 'background',
      hashSeed,
      environment: index,
      cachePages: 1,
      mergeFanIn: 3,
    });
    index.transactionsLeft = crashAt ?? Number.POSITIVE_INFINITY;
    try {
      const written = store.write(request);
      index.transactionsLeft = Number.POSITIVE_INFINITY;
      this.#tally.checkpoints++;
      if (written.damage.length > 0) throw new Error(`a merge met damage: ${JSON.stringify(written.damage)}`);
      const installed = this.#partition().partition.install(written);
      installed.then(
        (next) => next === undefined || this.#hold(next),
        (error: unknown) => {
          this.#fault ??= error;
        },
      );
      await this.#settle();
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
      index.transactionsLeft = Number.POSITIVE_INFINITY;
      await this.#crash(1, 0);
    }
  }

  async #crash(kept: number, torn: number): Promise<void> {
    this.#tally.crashes++;
    this.#opened = undefined;
    this.#hold(undefined);
    const isTorn = this.#mount.batches.crash(kept, torn);
    if (isTorn) {
      await this.#mustRefuse();
      // LMDB switches to a transaction only when all of it is there: what it would have left is without the torn one.
      this.#disk.batches.pop();
    }
    const durable = this.#disk.end;
    for (const flight of this.#flights.splice(0)) {
      if (flight.end <= durable) this.#compare(flight);
      else this.#batches.push(flight.batch);
    }
    await this.#open();
    this.#compareState(this.#partition());
    if (this.#recoveries++ % RECOVERIES_PER_VERIFY === 0) await this.#verify();
    // What was answered is answered again.
    const again = this.#answered;
    await this.#submit(again.map(requestOf), again);
    this.#tally.recoveries++;
  }

  /** A torn batch at the end of the journal is never taken for a whole one. */
  async #mustRefuse(): Promise<void> {
    let problem: string;
    try {
      await openPartition(openOptions(this.#episode.holdsMax), this.#disk.mount());
      problem = 'a torn batch was accepted';
    } catch (error) {
      problem = /damaged/.test(String(error)) ? '' : `a torn batch was refused without a name: ${String(error)}`;
    }
    if (problem !== '') throw new Error(problem);
  }

  async #open(): Promise<void> {
    this.#mount = this.#disk.mount();
    this.#opened = await openPartition(openOptions(this.#episode.holdsMax), this.#mount);
    const { damage } = this.#opened.report;
    if (damage.length > 0) throw new Error(`damage was found where there is none: ${damage.join()}`);
  }

  async #verify(): Promise<void> {
    const findings: unknown[] = [];
    const { partition, partitions, hashSeed, journalPath, indexPath } = openOptions(this.#episode.holdsMax);
    const place = { partition, partitions, hashSeed, journalPath, indexPath, storage: this.#disk.mount() };
    await verifyPartition({ ...place, onFinding: (finding) => findings.push(finding) });
    if (findings.length > 0) throw new Error(`verify: ${JSON.stringify(findings)}`);
    this.#tally.verifications++;
  }
}

/** One turn of the event loop: every promise that can resolve has done so. */
function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

function columnsOf(accounts: BalanceColumns): BalanceColumns {
  const copy = (column: ArrayLike<number>): number[] => Array.from({ length: CAST.length }, (_, at) => column[at] ?? 0);
  return {
    debitsPending: copy(accounts.debitsPending),
    debitsPosted: copy(accounts.debitsPosted),
    creditsPending: copy(accounts.creditsPending),
    creditsPosted: copy(accounts.creditsPosted),
    creditLimit: copy(accounts.creditLimit),
    state: copy(accounts.state),
  };
}
