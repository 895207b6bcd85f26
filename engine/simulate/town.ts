/**
 * One episode of several partitions. A round of commands is sent, some of what they set off happens, in an order and with losses
 * that the steps say, and then everything comes to rest and is compared.
 *
 * At rest nothing is open: each command was answered once and for good; the balances are those of the reference, in which all
 * accounts live in one place; the clearing accounts of each pair of partitions add up to nothing. Commands that met on an account
 * may have been decided in any order: of these the reference takes the outcome from the engine, and judges the money alone.
 */
import { createHash } from 'node:crypto';
import { COMMANDS } from '../../protocol/commands.ts';
import { REFUSED_KIND } from '../../protocol/frame.ts';
import { kindOf } from '../../protocol/frame-header.ts';
import { Code } from '../../protocol/results.ts';
import { partitionOfId } from '../router/split.ts';
import { ClearingCheck } from '../storage/verify-clearing.ts';
import type { Batch } from '../worker/batch.ts';
import type { Command } from './model/command.ts';
import { Comparison, castRequests, type Openness, type Race, requestOf } from './model/comparison.ts';
import { type Unit, unitsOf } from './model/crossing-limits.ts';
import { F } from './model/reference-ledger.ts';
import { type Request, reply, START } from './model/requests.ts';
import { TOWN, TOWN_FUNDING } from './model/town-commands.ts';
import { openOptions } from './settings.ts';
import { type Standing, Station, turn } from './station.ts';
import type { Episode, Step } from './steps.ts';
import { SimulatedSwitch } from './switch.ts';
import type { Tally } from './tally.ts';

/** Commands that are sent once more after a recovery. */
const RESENT = 8;
/** Turns in which everything comes to rest, or never does. */
const TURNS_MAX = 400;
const RECOVERIES_PER_VERIFY = 5;
const BALANCING = F.balancingDebit | F.balancingCredit;

interface Pending {
  readonly request: Request;
  /** Undefined for what opens the accounts. */
  readonly command: Command | undefined;
  /** Whether it was answered before, so that it takes part in nothing any more. */
  readonly isKnown: boolean;
  frame: Uint8Array | undefined;
  isUnderWay: boolean;
  sendings: number;
}

export class Town {
  readonly #tally: Tally;
  readonly #stations: readonly Station[];
  readonly #reference: Comparison;
  readonly #memory: Batch[];
  #switch: SimulatedSwitch | undefined;
  #clock = START;
  #pending: Pending[] = [];
  #answered: Command[] = [];
  #recoveries = 0;
  #fault: unknown;

  constructor({ holdsMax, mergesInSteps, partitions = 1 }: Episode, tally: Tally, memory: Batch[]) {
    this.#tally = tally;
    this.#memory = memory;
    this.#stations = Array.from(
      { length: partitions },
      (_, partition) => new Station(openOptions(holdsMax, { partition, partitions }), tally, mergesInSteps),
    );
    const homeOf = (account: bigint): number => partitionOfId(account, partitions);
    this.#reference = new Comparison(holdsMax, { cast: TOWN, homeOf });
  }

  /** Opens the partitions, and in them the accounts. */
  async begin(): Promise<void> {
    await this.#start(false);
    for (const request of castRequests(TOWN)) this.#send(request, undefined);
    await this.#rest();
    await this.#round([TOWN_FUNDING]);
    await this.#rest();
  }

  /** One step. Throws an Error that says what is wrong. */
  async step(step: Step): Promise<void> {
    switch (step.type) {
      case 'round':
        // Always so in an episode as it was made; one that was cut down may have lost its rests.
        if (this.#pending.length > 0) await this.#rest();
        this.#clock += Number(step.jump);
        // How much a balancing transfer moves is not in its answer: nothing that runs out may race with it.
        if (step.commands.some(isBalancing)) await this.#rest();
        await this.#round(step.commands);
        this.#tally.batch(step.commands);
        break;
      case 'flush':
        this.#station(step.partition ?? 0).flush(step.count);
        break;
      case 'deliver':
        this.#process().channel.deliver(step.link, step.count, step.again);
        break;
      case 'checkpoint':
        if (this.#station(step.partition ?? 0).writeCheckpoint(step.crashAt)) await this.#crash([1], 0, false);
        break;
      case 'merge':
        if (this.#station(step.partition ?? 0).merge(step.crashAt)) await this.#crash([1], 0, false);
        break;
      case 'writeError':
        await this.#failWrite(this.#station(step.partition ?? 0), step.isClaimed);
        break;
      case 'powerCut':
        await this.#crash(step.kept, step.torn, step.isLate);
        break;
      case 'rest':
        await this.#rest();
        break;
      case 'verify':
        await this.#verify();
        break;
      default:
        throw new Error(`several partitions have no step "${step.type}"`);
    }
    await this.#settle();
  }

  /** Balances, holds and the last hash of each journal, as one hash. */
  async end(): Promise<string> {
    await this.#rest();
    for (const [name, count] of this.#reference.seen) this.#tally.result(name, count);
    const prints = this.#stations.map((station) => station.fingerprint());
    this.#process().end();
    return createHash('sha256').update(prints.join('\n')).digest('hex');
  }

  #station(partition: number): Station {
    const station = this.#stations[partition % this.#stations.length];
    if (station === undefined) throw new Error(`no partition ${partition}`);
    return station;
  }

  #process(): SimulatedSwitch {
    if (this.#switch === undefined) throw new Error('the switch is not open');
    return this.#switch;
  }

  async #start(isLate: boolean): Promise<void> {
    const before = this.#switch;
    for (const station of this.#stations) await station.open();
    this.#switch = new SimulatedSwitch({
      stations: this.#stations,
      clock: () => this.#clock,
      memory: this.#memory,
      onFault: (error) => {
        this.#fault ??= error;
      },
      ...(isLate && before !== undefined ? { before } : {}),
    });
  }

  async #round(commands: readonly Command[]): Promise<void> {
    // Timers that are due fire among the commands.
    this.#process().tick();
    for (const command of commands) this.#send(requestOf(command), command);
    await this.#settle();
  }

  #send(request: Request, command: Command | undefined, isKnown = false): void {
    const pending: Pending = { request, command, isKnown, frame: undefined, isUnderWay: false, sendings: 0 };
    this.#pending.push(pending);
    this.#submit(pending);
  }

  /** Sends a command, for the first time or again: as a client does that got no answer, or `busy`. */
  #submit(pending: Pending): void {
    const { institution, name, flags, count, body } = pending.request;
    const envelope = { kind: COMMANDS[name].kind, flags, count, requestIdLow: 7, requestIdHigh: 0, institution };
    const code = this.#process().submit(envelope, body, {
      deliver: (replies) => {
        for (let frame = replies.take(); frame !== undefined; frame = replies.take()) {
          pending.isUnderWay = false;
          if (kindOf(frame) === REFUSED_KIND) continue;
          if (pending.frame !== undefined) this.#fault ??= new Error('a command was answered twice');
          pending.frame = frame.slice();
        }
      },
    });
    if (code !== Code.ok) return;
    pending.isUnderWay = true;
    pending.sendings++;
  }

  /** Lets everything happen that can, then looks at what was answered too early or too late. */
  async #settle(): Promise<void> {
    // A lane sends what it was given at the end of its turn.
    await turn();
    await turn();
    if (this.#fault !== undefined) throw this.#fault;
    for (const station of this.#stations) {
      for (const flight of station.landed()) this.#books(flight.standing);
      if (station.isCheckpointDue()) station.writeCheckpoint(undefined);
    }
  }

  /** In every partition and after every batch, clearing accounts included. */
  #books({ debitsPending, debitsPosted, creditsPending, creditsPosted }: Standing): void {
    let pending = 0n;
    let posted = 0n;
    for (const account of debitsPending.keys()) {
      pending += BigInt((debitsPending[account] as number) - (creditsPending[account] as number));
      posted += BigInt((debitsPosted[account] as number) - (creditsPosted[account] as number));
    }
    if (pending !== 0n || posted !== 0n) throw new Error(`the books of a partition are off by ${pending}, ${posted}`);
  }

  async #rest(): Promise<void> {
    const process = this.#process();
    let quiet = 0;
    for (let turns = 0; quiet < 2; turns++) {
      if (turns > TURNS_MAX)
        throw new Error(`it does not come to rest: ${JSON.stringify(this.#pending[0]?.request.name)}`);
      for (const pending of this.#pending) {
        if (pending.frame === undefined && !pending.isUnderWay) this.#submit(pending);
      }
      process.tick();
      process.channel.deliverAll();
      for (const station of this.#stations) station.flush(Number.POSITIVE_INFINITY);
      await this.#settle();
      const isQuiet = process.isIdle && this.#stations.every(({ flights }) => flights === 0);
      quiet = isQuiet ? quiet + 1 : 0;
    }
    this.#compare();
  }

  /** All that was sent since the last time, against the reference. */
  #compare(): void {
    const { ledger, payments } = this.#reference;
    const now = BigInt(this.#clock);
    const units = new Map(this.#pending.map((pending) => [pending, this.#unitsOf(pending)]));
    const touched = new Map<bigint, number>();
    const due = [...ledger.dueAt(now), ...payments.dueAt(now)];
    for (const account of [...due, ...[...units.values()].flat().flatMap(({ accounts }) => [...new Set(accounts)])]) {
      touched.set(account, (touched.get(account) ?? 0) + 1);
    }
    ledger.tick(now);
    payments.tick(now);
    const isRacing = ({ accounts }: Unit): boolean => accounts.some((account) => (touched.get(account) ?? 0) > 1);
    for (const pending of this.#pending.splice(0)) {
      const { command, frame, sendings } = pending;
      if (frame === undefined) throw new Error('a command was not answered');
      if (command === undefined) continue;
      this.#answered.push(command);
      const openness = (index: number): Openness => {
        const unit = units.get(pending)?.find(({ first, end }) => index >= first && index < end);
        if (unit === undefined) return 'none';
        if (isRacing(unit) || isRefused(command, frame, unit)) return 'outcome';
        return unit.isJoint ? 'refusal' : 'none';
      };
      const race: Race = { openness, isResent: sendings > 1 };
      this.#reference.compare(command, frame, race);
    }
    this.#answered = this.#answered.slice(-RESENT);
    this.#compareAccounts();
    this.#compareClearing(true);
  }

  #unitsOf({ command, isKnown }: Pending): Unit[] {
    return command === undefined || isKnown ? [] : unitsOf(command, this.#reference);
  }

  #compareAccounts(): void {
    for (const [place, { id }] of TOWN.entries()) {
      const { accounts } = this.#station(partitionOfId(id, this.#stations.length)).opened.state.ledger;
      this.#reference.account(place, accounts, accounts.find(Number(id), 0, 0, 0));
    }
  }

  /** Whether the clearing accounts fit each other, as verify says it; at rest they add up to nothing. */
  #compareClearing(isAtRest: boolean): void {
    const check = new ClearingCheck();
    for (const [partition, { opened }] of this.#stations.entries()) {
      const { clearing } = opened.state.ledger;
      check.add(partition, clearing.standing());
      if (isAtRest && clearing.unfinished.size > 0) throw new Error(`partition ${partition} waits for another`);
    }
    const wrong = isAtRest
      ? check.pairs.filter(({ difference, offered }) => difference !== 0 || offered !== 0)
      : check.findings();
    if (wrong.length > 0) throw new Error(`clearing: ${JSON.stringify(wrong)}`);
  }

  async #crash(kept: readonly number[], torn: number, isLate: boolean): Promise<void> {
    this.#tally.crashes++;
    // A write that failed has ended it already.
    if (!this.#process().hasEnded) this.#process().end();
    for (const [partition, station] of this.#stations.entries()) {
      // One disk at most is torn.
      await station.crash(kept[partition] ?? 0, partition === kept.length - 1 ? torn : 0);
    }
    for (const pending of this.#pending) pending.isUnderWay = false;
    await this.#start(isLate);
    this.#compareClearing(false);
    if (++this.#recoveries % RECOVERIES_PER_VERIFY === 0) await this.#verify();
    for (const pending of this.#pending) if (pending.frame === undefined) this.#submit(pending);
    // What was answered is answered again.
    for (const command of this.#answered.splice(0)) this.#send(requestOf(command), command, true);
    this.#tally.recoveries++;
  }

  async #failWrite(station: Station, isClaimed: boolean): Promise<void> {
    if (!station.isWriting) return;
    this.#process().end();
    const batch = this.#memory.pop();
    if (batch === undefined) throw new Error('the process has left no batch');
    batch.clear();
    await station.failWrite(batch, this.#clock, isClaimed);
    this.#memory.push(batch);
    await this.#crash([], 0, true);
  }

  async #verify(): Promise<void> {
    const check = new ClearingCheck();
    for (const [partition, station] of this.#stations.entries()) {
      check.add(partition, (await station.verify()).clearing);
    }
    const findings = check.findings();
    if (findings.length > 0) throw new Error(`verify: ${JSON.stringify(findings)}`);
  }
}

function isBalancing(command: Command): boolean {
  return command.type === 'transfers' && command.items.some(({ flags }) => (flags & BALANCING) !== 0);
}

/** Whether the engine refused something only because it lies in several partitions, where it may. */
function isRefused(command: Command, frame: Uint8Array, { first, end, mayBeRefused }: Unit): boolean {
  if (!mayBeRefused) return false;
  const names =
    command.type === 'transfers'
      ? reply
          .transfers(frame)
          .slice(first, end)
          .map(({ name }) => name)
      : command.type === 'sale' || command.type === 'authorise'
        ? [reply.payment(frame, command.type).name]
        : [];
  return names.includes('crossesPartitions');
}
