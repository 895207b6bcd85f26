/** Drives a server over WebSocket: many connections out of one thread, in a closed or an open loop. */
import { openReply, readRefusal } from '../../protocol/codecs/frame-codec.ts';
import { decodeHello, encodeRich } from '../../protocol/codecs/rich-codec.ts';
import { WEBSOCKET_PATH } from '../../protocol/websocket.ts';
import { LoadConnection, type LoadContext } from './connection.ts';
import { drive } from './drive.ts';
import { GoalMeter } from './goal-meter.ts';
import type { JobResult, Report, WebSocketJob } from './jobs.ts';
import { Meter, Schedule } from './latency.ts';
import { QrConnection } from './qr-connection.ts';
import { Random } from './random.ts';
import { Tally } from './tally.ts';
import { makeTraffic } from './traffic.ts';
import { clientFrame } from './websocket-frames.ts';
import { WebSocketWire } from './websocket-wire.ts';

/** One read takes the replies to some thousand requests, or to a batch. */
const READ_BYTES = 256 * 1024;

export async function runWebSocketLoad(job: WebSocketJob, report: Report): Promise<JobResult> {
  const { rate, connections: count } = job;
  const readBuffer = new Uint8Array(READ_BYTES);
  const links = await Promise.all(Array.from({ length: count }, () => openLink(job, readBuffer)));

  const loopStartMs = performance.now();
  const startMs = loopStartMs + job.warmUpMs;
  const endMs = startMs + job.measureMs;
  const goal = job.goal === undefined ? undefined : new GoalMeter(job.goal, startMs, endMs);
  const { traffic, inFlight } = job;
  const random = new Random(job.seed);
  const shared = {
    inFlight,
    meter: goal ?? new Meter({ startMs, endMs, isOpenLoop: rate !== undefined }),
    tally: new Tally(),
    timeOriginMs: performance.timeOrigin,
  };
  const connect: (link: Link, sender: number) => LoadConnection | QrConnection =
    traffic.type === 'qr'
      ? ({ wire }, sender) => new QrConnection(wire, { ...shared, spec: traffic, random }, sender * inFlight)
      : loadConnections({ ...shared, traffic: makeTraffic(traffic, random) }, job, loopStartMs);
  const connections = links.map((link, sender) => {
    const connection = connect(link, sender);
    link.connection = connection;
    return connection;
  });

  const cpu = await drive(connections, {
    openLoop: rate === undefined ? undefined : 'spins',
    meter: shared.meter,
    goal,
    report,
  });
  const { meter, tally } = shared;
  return {
    count: meter.records,
    errors: tally.errors,
    seconds: goal?.seconds ?? job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: tally.byName(),
  };
}

/** All requests alike, each answered by itself. */
function loadConnections(context: LoadContext, { rate, connections: senders }: WebSocketJob, startMs: number) {
  return ({ wire }: Link, sender: number): LoadConnection => {
    const schedule = rate === undefined ? undefined : new Schedule({ startMs, sender, senders, perSecond: rate });
    return new LoadConnection(wire, context, schedule);
  };
}

interface Link {
  readonly wire: WebSocketWire;
  /** Gets the replies. */
  connection: LoadConnection | QrConnection | undefined;
}

/** Connects, and says hello where there is a key. */
async function openLink(job: WebSocketJob, readBuffer: Uint8Array): Promise<Link> {
  const link: { connection: Link['connection'] } = { connection: undefined };
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
