/**
 * One partition of the engine on its simulated disk: runs batches, loses what was not flushed, and comes back.
 *
 *   run ─▶ Partition.run ─▶ under way ─▶ flush ─▶ answered?  not before it is durable, and not later
 *   crash ─▶ a prefix of what was under way is there, the rest never was ─▶ open ─▶ as it stood after the last batch that is there
 */
import { batchHash } from '../journal/header.ts';
import type { CheckpointRequest } from '../storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import { type PartitionCounts, verifyPartition } from '../verify/verify-partition.ts';
import type { Batch } from '../worker/batch.ts';
import { type Opened, type OpenOptions, openPartition } from '../worker/open.ts';
import type { BatchResult } from '../worker/partition.ts';
import { SimulatedDisk } from './disk.ts';
import { SimulatedCrash } from './index-tables.ts';
import { CHECKPOINT_WAITS_MAX } from './settings.ts';
import type { Tally } from './tally.ts';

/** A batch that was decided and whose outcome nobody may know before it is durable. */
export interface Flight {
  readonly batch: Batch;
  readonly now: number;
  /** Position behind it; what it read is durable when everything before this is. */
  readonly end: number;
  /** Balances of all accounts, and what is open, as this batch left them. */
  readonly standing: Standing;
  result: BatchResult | undefined;
}

/** Columns by number of the account. */
export interface Standing {
  readonly debitsPending: readonly number[];
  readonly debitsPosted: readonly number[];
  readonly creditsPending: readonly number[];
  readonly creditsPosted: readonly number[];
  readonly creditLimit: readonly number[];
  readonly state: readonly number[];
  readonly tier: readonly number[];
  readonly holds: number;
  /** Positions of what other partitions have not confirmed. */
  readonly unfinished: readonly number[];
}

export class Station {
  readonly disk = new SimulatedDisk();
  readonly options: OpenOptions;
  readonly #tally: Tally;
  #mount = this.disk.mount();
  #opened: Opened | undefined;
  #flights: Flight[] = [];
  /** As the last durable batch left it. */
  #durable: Standing | undefined;
  /** A checkpoint that was asked for, and for how many steps it has waited. */
  #checkpoint: CheckpointRequest | undefined;
  #waits = 0;
  #fault: unknown;
  /** A write has failed: nothing may be answered any more. */
  #hasFailed = false;
  readonly #mergesInSteps: boolean;
  #background: CheckpointStore | undefined;

  /** @param mergesInSteps whether merges are steps of their own, as in the engine; else each checkpoint does those that are due */
  constructor(options: OpenOptions, tally: Tally, mergesInSteps = false) {
    this.options = options;
    this.#tally = tally;
    this.#mergesInSteps = mergesInSteps;
  }

  get opened(): Opened {
    if (this.#opened === undefined) throw new Error('the partition is not open');
    return this.#opened;
  }

  /** Batches under way. */
  get flights(): number {
    return this.#flights.length;
  }

  /** Whether writes are under way. */
  get isWriting(): boolean {
    return this.#mount.batches.pending > 0;
  }

  /** Opens what is on the disk. Throws when it is not as the last durable batch left it. */
  async open(): Promise<void> {
    this.#mount = this.disk.mount();
    this.#opened = await openPartition(this.options, this.#mount);
    const { damage } = this.#opened.report;
    if (damage.length > 0) throw new Error(`damage was found where there is none: ${damage.join()}`);
    const found = standingOf(this.#opened);
    this.#durable ??= found;
    const [was, is] = [JSON.stringify(this.#durable), JSON.stringify(found)];
    if (was !== is) throw new Error(`recovery\n     got ${is}\nexpected ${was}`);
  }

  /** Decides a batch; `flight.result` is there when it was answered. */
  run(batch: Batch, now: number): { readonly flight: Flight; readonly answered: Promise<BatchResult> } {
    const { partition } = this.opened;
    const answered = partition.run(batch, now);
    const flight: Flight = {
      batch,
      now,
      end: partition.figures.nextLsn,
      standing: standingOf(this.opened),
      result: undefined,
    };
    this.#flights.push(flight);
    answered.then(
      (result) => {
        flight.result = result;
      },
      (error: unknown) => {
        if (!this.#hasFailed) this.#fault ??= error;
      },
    );
    return { flight, answered };
  }

  /**
   * The oldest write under way fails. Throws when anything is answered after that: what was under way, or the empty batch `next`.
   * The process has to end then. When `isClaimed`, the storage calls the write a success.
   *
   * @returns whether there was a write
   */
  async failWrite(next: Batch, now: number, isClaimed: boolean): Promise<boolean> {
    if (!this.#mount.batches.fail(isClaimed)) return false;
    this.#hasFailed = true;
    this.#tally.failedWrites++;
    await turn();
    const { flight } = this.run(next, now);
    await turn();
    if ([flight, ...this.#flights].some(({ result }) => result !== undefined)) {
      throw new Error('a batch was answered after a write had failed');
    }
    return true;
  }

  /** The oldest writes under way reach the disk. */
  flush(count: number): void {
    this.#mount.batches.complete(count);
  }

  /** What was answered since the last time, in order. Throws when something was answered too early or is too late. */
  landed(): Flight[] {
    if (this.#fault !== undefined) throw this.#fault;
    const durable = this.disk.end;
    for (const { result, end } of this.#flights) {
      if (result !== undefined && end > durable) throw new Error(`answered at ${end}, but only ${durable} is durable`);
      if (result === undefined && end <= durable) {
        throw new Error(`durable up to ${durable}, but the batch up to ${end} waits`);
      }
    }
    const waiting = this.#flights.findIndex(({ result }) => result === undefined);
    const landed = this.#flights.splice(0, waiting < 0 ? this.#flights.length : waiting);
    for (const { result, standing } of landed) {
      this.#durable = standing;
      if (result?.checkpoint !== undefined) this.#hold(result.checkpoint);
    }
    return landed;
  }

  /** Whether a checkpoint has waited for long enough. */
  isCheckpointDue(): boolean {
    return this.#checkpoint !== undefined && ++this.#waits > CHECKPOINT_WAITS_MAX;
  }

  #hold(request: CheckpointRequest | undefined): void {
    this.#checkpoint = request;
    this.#waits = 0;
  }

  /**
   * Writes the checkpoint that was asked for, if one was.
   *
   * @param crashAt transactions after which the process ends
   * @returns whether it ended
   */
  writeCheckpoint(crashAt: number | undefined): boolean {
    const request = this.#checkpoint;
    if (request === undefined) return false;
    this.#hold(undefined);
    return this.#untilCrash(crashAt, () => {
      const written = this.#store().write(request);
      this.#tally.checkpoints++;
      if (written.damage.length > 0) throw new Error(`a merge met damage: ${JSON.stringify(written.damage)}`);
      this.opened.partition.install(written).then(
        (next) => next === undefined || this.#hold(next),
        (error: unknown) => {
          this.#fault ??= error;
        },
      );
    });
  }

  /** Does a piece of the merging that is due. Parameter and result as of `writeCheckpoint`. */
  merge(crashAt: number | undefined): boolean {
    return this.#untilCrash(crashAt, () => {
      if (this.#store().step()) this.#tally.merges++;
    });
  }

  #store(): CheckpointStore {
    const { hashSeed } = this.options;
    const place = { path: 'background', hashSeed, environment: this.disk.index };
    this.#background ??= new CheckpointStore({
      ...place,
      cachePages: 1,
      mergeFanIn: 3,
      inSteps: this.#mergesInSteps,
    });
    return this.#background;
  }

  #untilCrash(crashAt: number | undefined, act: () => void): boolean {
    const { index } = this.disk;
    index.transactionsLeft = crashAt ?? Number.POSITIVE_INFINITY;
    try {
      act();
      return false;
    } catch (error) {
      if (!(error instanceof SimulatedCrash)) throw error;
      return true;
    } finally {
      index.transactionsLeft = Number.POSITIVE_INFINITY;
    }
  }

  /**
   * The process ends; see SimulatedBatches.crash.
   *
   * @returns the batches under way whose outcome is durable, and those that never were
   */
  async crash(kept: number, torn: number): Promise<{ readonly durable: Flight[]; readonly lost: Flight[] }> {
    this.#opened = undefined;
    this.#background = undefined;
    this.#hasFailed = false;
    this.#hold(undefined);
    if (this.#mount.batches.crash(kept, torn)) {
      await this.#mustRefuse();
      // LMDB switches to a transaction only when all of it is there: what it would have left is without the torn one.
      this.disk.batches.pop();
    }
    const { end } = this.disk;
    const flights = this.#flights.splice(0);
    const durable = flights.filter((flight) => flight.end <= end);
    this.#durable = durable.at(-1)?.standing ?? this.#durable;
    return { durable, lost: flights.filter((flight) => flight.end > end) };
  }

  /** A torn batch at the end of the journal is never taken for a whole one. */
  async #mustRefuse(): Promise<void> {
    let problem: string;
    try {
      await openPartition(this.options, this.disk.mount());
      problem = 'a torn batch was accepted';
    } catch (error) {
      problem = /damaged/.test(String(error)) ? '' : `a torn batch was refused without a name: ${String(error)}`;
    }
    if (problem !== '') throw new Error(problem);
  }

  /** Proves the disk by the engine's own verify. */
  async verify(): Promise<PartitionCounts> {
    const findings: unknown[] = [];
    const { partition, partitions, hashSeed, journalPath, indexPath } = this.options;
    const place = { partition, partitions, hashSeed, journalPath, indexPath, storage: this.disk.mount() };
    const counts = await verifyPartition({ ...place, onFinding: (finding) => findings.push(finding) });
    if (findings.length > 0) throw new Error(`verify: ${JSON.stringify(findings)}`);
    this.#tally.verifications++;
    return counts;
  }

  /** Balances, holds, and the journal's last hash, as text. */
  fingerprint(): string {
    const { holds } = this.opened.state.ledger;
    const last = this.disk.batches.at(-1);
    const parts = [standingOf(this.opened), Array.from(holds.remaining.subarray(0, holds.extent))];
    return JSON.stringify([...parts, last === undefined ? '' : Buffer.from(batchHash(last.bytes)).toString('hex')]);
  }
}

function standingOf({ state }: Opened): Standing {
  const { accounts, holds, clearing } = state.ledger;
  const { count } = accounts;
  const copy = (column: ArrayLike<number>): number[] => {
    const values: number[] = [];
    for (let at = 0; at < count; at++) values.push(column[at] as number);
    return values;
  };
  return {
    debitsPending: copy(accounts.debitsPending),
    debitsPosted: copy(accounts.debitsPosted),
    creditsPending: copy(accounts.creditsPending),
    creditsPosted: copy(accounts.creditsPosted),
    creditLimit: copy(accounts.creditLimit),
    state: copy(accounts.state),
    tier: copy(accounts.tier),
    holds: holds.count,
    unfinished: clearing.unfinished.size === 0 ? NONE : [...clearing.unfinished.keys()],
  };
}

const NONE: readonly number[] = [];

/** One turn of the event loop: every promise that can resolve has done so. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
