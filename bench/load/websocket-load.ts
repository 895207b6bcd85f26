/** Drives a server over WebSocket: many connections out of one thread, in a closed or an open loop. */
import { setTimeout as sleep } from 'node:timers/promises';
import { openReply, readRefusal } from '../../protocol/codecs/frame-codec.ts';
import { decodeHello, encodeRich } from '../../protocol/codecs/rich-codec.ts';
import { WEBSOCKET_PATH } from '../../protocol/websocket.ts';
import { LoadConnection, type LoadContext } from './connection.ts';
import { GoalMeter } from './goal-meter.ts';
import type { JobResult, Report, WebSocketJob } from './jobs.ts';
import { CpuClock, Meter, Schedule } from './latency.ts';
import { Random } from './random.ts';
import { Tally } from './tally.ts';
import { makeTraffic } from './traffic.ts';
import { clientFrame } from './websocket-frames.ts';
import { WebSocketWire } from './websocket-wire.ts';

/** One read takes the replies to some thousand requests, or to a batch. */
const READ_BYTES = 256 * 1024;
/** How long the answers of what is still under way are waited for. */
const DRAIN_MS = 10_000;
/** An open loop sleeps until this long before the next request is due: timers are no finer than about a millisecond. */
const SPIN_MS = 1.5;

export async function runWebSocketLoad(job: WebSocketJob, report: Report): Promise<JobResult> {
  const { rate, connections: count } = job;
  const readBuffer = new Uint8Array(READ_BYTES);
  const links = await Promise.all(Array.from({ length: count }, () => openLink(job, readBuffer)));

  const loopStartMs = performance.now();
  const startMs = loopStartMs + job.warmUpMs;
  const endMs = startMs + job.measureMs;
  const goal = job.goal === undefined ? undefined : new GoalMeter(job.goal, startMs, endMs);
  const context: LoadContext = {
    traffic: makeTraffic(job.traffic, new Random(job.seed)),
    inFlight: job.inFlight,
    meter: goal ?? new Meter({ startMs, endMs, isOpenLoop: rate !== undefined }),
    tally: new Tally(),
    timeOriginMs: performance.timeOrigin,
  };
  const connections = links.map((link, sender) => {
    const plan = { startMs: loopStartMs, sender, senders: count };
    const schedule = rate === undefined ? undefined : new Schedule({ ...plan, perSecond: rate });
    const connection = new LoadConnection(link.wire, context, schedule);
    link.connection = connection;
    return connection;
  });

  const cpu = new CpuClock();
  const measured = announce(context.meter, cpu, report, goal);
  if (rate === undefined) for (const connection of connections) connection.send(performance.now());
  else await sendOnSchedule(connections, endMs);
  await measured;
  for (const connection of connections) connection.stop();
  await drain(connections, endMs);

  const { meter, tally } = context;
  return {
    count: meter.records,
    errors: tally.errors,
    seconds: goal?.seconds ?? job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: tally.byName(),
  };
}

interface Link {
  readonly wire: WebSocketWire;
  /** Gets the replies. */
  connection: LoadConnection | undefined;
}

/** Connects, and says hello where there is a key. */
async function openLink(job: WebSocketJob, readBuffer: Uint8Array): Promise<Link> {
  const link: { connection: LoadConnection | undefined } = { connection: undefined };
  let welcome = { resolve: (_: Uint8Array): void => {}, reject: (_: Error): void => {} };
  const welcomed = new Promise<Uint8Array>((resolve, reject) => {
    welcome = { resolve, reject };
  });
  // Whoever waits for the connection itself hears of the failure first.
  welcomed.catch(() => {});
  let nowMs = 0;
  const wire = await WebSocketWire.connect(
    { host: job.host, port: job.port, path: WEBSOCKET_PATH },
    {
      message(bytes, start, end) {
        if (link.connection === undefined) return welcome.resolve(bytes.slice(start, end));
        // One look at the clock for all replies of a read.
        if (nowMs === 0) nowMs = performance.now();
        link.connection.receive(bytes, start, end, nowMs);
      },
      readEnd() {
        if (nowMs === 0) return;
        link.connection?.send(nowMs);
        nowMs = 0;
      },
      closed(reason) {
        if (reason === undefined) return;
        welcome.reject(new Error(reason));
        link.connection?.abandon(performance.now());
      },
    },
    readBuffer,
  );
  if (job.key === undefined) welcome.resolve(new Uint8Array(0));
  else {
    wire.write(clientFrame(encodeRich('hello', { key: job.key, client: 'sluice-bench' }, { requestId: 0 })));
    checkWelcome(await welcomed);
  }
  return Object.assign(link, { wire });
}

function checkWelcome(frame: Uint8Array): void {
  const reply = openReply(frame);
  const refusal = readRefusal(reply);
  if (refusal !== undefined) throw new Error(`the server refused the key: ${refusal.detail}`);
  decodeHello(reply);
}

/** Sends each request when it is due. Spins while one is near, since timers are too coarse to measure latency with. */
async function sendOnSchedule(connections: readonly LoadConnection[], endMs: number): Promise<void> {
  for (let nowMs = performance.now(); nowMs < endMs; nowMs = performance.now()) {
    let nextMs = endMs;
    for (const connection of connections) nextMs = Math.min(nextMs, connection.send(nowMs));
    const idleMs = nextMs - performance.now();
    if (idleMs > SPIN_MS + 1) await sleep(Math.floor(idleMs - SPIN_MS));
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

async function drain(connections: readonly LoadConnection[], endMs: number): Promise<void> {
  const deadline = performance.now() + DRAIN_MS;
  while (connections.some(({ unanswered }) => unanswered > 0) && performance.now() < deadline) await sleep(5);
  const nowMs = performance.now();
  for (const connection of connections) {
    connection.countUnsent(endMs, nowMs);
    connection.abandon(nowMs);
    connection.close();
  }
}
