/** How a load runs over its connections: sent when it is due, announced to the parent, and drained at the end. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { GoalMeter } from './goal-meter.ts';
import type { Report } from './jobs.ts';
import { CpuClock, type Meter } from './latency.ts';

/** A connection under load. */
export interface Loaded {
  readonly unanswered: number;
  /** Sends what is due and fits in flight. Returns when the next request is due; Infinity when a reply must come first. */
  send(nowMs: number): number;
  /** Sends nothing more. */
  stop(): void;
  /** Requests that were due before the end and could not even be sent count with the time that they have waited. */
  countUnsent(endMs: number, nowMs: number): void;
  /** Counts what has no answer and never will. */
  abandon(nowMs: number): void;
  /** Cuts the connection. */
  close(): void;
}

/** How long the answers of what is still under way are waited for. */
const DRAIN_MS = 10_000;
/** An open loop sleeps until this long before the next request is due: timers are no finer than about a millisecond. */
const SPIN_MS = 1.5;

/** Loads the connections for the time of the meter, or until the goal. Resolves when all is answered or given up. */
export async function drive(
  connections: readonly Loaded[],
  options: {
    /** `spins`: exact to some microseconds, at the price of a core; `ticks`: to a millisecond, which leaves the core to the switch. */
    readonly openLoop: 'spins' | 'ticks' | undefined;
    readonly meter: Meter;
    readonly goal: GoalMeter | undefined;
    readonly report: Report;
  },
): Promise<CpuClock> {
  const { openLoop, meter, goal, report } = options;
  const cpu = new CpuClock();
  const measured = announce(meter, cpu, report, goal);
  if (openLoop !== undefined) await sendOnSchedule(connections, meter.endMs, openLoop === 'spins');
  else for (const connection of connections) connection.send(performance.now());
  await measured;
  for (const connection of connections) connection.stop();
  await drain(connections, meter.endMs);
  return cpu;
}

/** Sends each request when it is due. May spin while one is near, since timers are coarse to measure latency with. */
async function sendOnSchedule(connections: readonly Loaded[], endMs: number, spins: boolean): Promise<void> {
  for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
    let nextMs = endMs;
    for (const connection of connections) nextMs = Math.min(nextMs, connection.send(nowMs));
    const idleMs = nextMs - performance.now();
    if (!spins) await sleep(Math.max(1, Math.floor(idleMs)));
    else if (idleMs > SPIN_MS + 1) await sleep(Math.floor(idleMs - SPIN_MS));
    else await new Promise((resolve) => setImmediate(resolve));
  }
}

/** Tells the parent when the measured time begins and ends, and how it goes in between. */
async function announce(meter: Meter, cpu: CpuClock, report: Report, goal: GoalMeter | undefined): Promise<void> {
  await sleep(Math.max(0, meter.startMs - performance.now()));
  report({ type: 'measuring' });
  cpu.start();
  const ticker = setInterval(() => {
    const count = goal?.answeredInAll ?? meter.records;
    report({ type: 'progress', count, elapsedMs: performance.now() - meter.startMs });
  }, 500);
  await timeOrGoal(Math.max(0, meter.endMs - performance.now()), goal);
  clearInterval(ticker);
  cpu.stop();
  report({ type: 'measured' });
}

/** Sleeps, but no longer than until the goal is reached. */
async function timeOrGoal(milliseconds: number, goal: GoalMeter | undefined): Promise<void> {
  const timeUp = new AbortController();
  const sleeping = sleep(milliseconds, undefined, { signal: timeUp.signal }).catch(() => undefined);
  await (goal === undefined ? sleeping : Promise.race([sleeping, goal.reached]));
  timeUp.abort();
}

async function drain(connections: readonly Loaded[], endMs: number): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (connections.some(({ unanswered }) => unanswered > 0) && performance.now() < deadline) await sleep(5);
  const nowMs = performance.now();
  for (const connection of connections) {
    connection.countUnsent(endMs, nowMs);
    connection.abandon(nowMs);
    connection.close();
  }
}
