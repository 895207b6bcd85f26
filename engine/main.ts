/**
 * The composition root: the whole pipeline, wired in the order in which a payment passes it.
 *
 *   1 data directory   2 keys and limits   3 partition threads   4 lanes and router   5 transports
 */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type OpenTerminals,
  openTerminals,
  readTerminals,
  type TerminalLog,
  type TerminalParts,
} from '../adapters/terminal/open.ts';
import { sandboxTerminals } from '../adapters/terminal/sandbox.ts';
import { LIMITS } from '../protocol/limits.ts';
import { CodeGate } from './admission/code-gate.ts';
import { KeyStore } from './admission/key-store.ts';
import { RateLimiter } from './admission/limits.ts';
import { NO_PROOFS, ProofGate, type ProofVerifier, SharedKeyProofs } from './admission/proofs.ts';
import { sandboxInstitution } from './admission/sandbox-institution.ts';
import { ensurePayerCodeKey, ensureStepUpKey } from './admission/sandbox-keys.ts';
import { ConfigError } from './config/load.ts';
import type { Config } from './config/options.ts';
import { Health } from './observe/health.ts';
import { createLogger } from './observe/log.ts';
import { createMetrics } from './observe/metrics.ts';
import { OrderGate } from './order/order-gate.ts';
import { RiskGate } from './risk/risk-gate.ts';
import { ClearingHouse } from './router/clearing-house.ts';
import { FLIGHTS, Lane } from './router/lane.ts';
import { LaneObservers } from './router/observer.ts';
import { Router } from './router/router.ts';
import { Scatter } from './router/scatter.ts';
import type { LockedDirectory } from './storage/directory.ts';
import { createDirectory, DIRECTORY_FILE, openDirectory } from './storage/directory.ts';
import { Changes } from './stream/changes.ts';
import { StreamThread } from './stream/stream-thread.ts';
import { registerHttp } from './transport/http/server.ts';
import { createApp, type Listener, listen } from './transport/uws.ts';
import { registerWebSocket } from './transport/websocket.ts';
import { packageVersion } from './version.ts';
import { Webhooks } from './webhook/webhooks.ts';
import { Batch, batchBytes } from './worker/batch.ts';
import { BackgroundThreads, PartitionThread } from './worker/threads.ts';

export interface RunningSwitch {
  readonly host: string;
  /** The port in use, also when 0 was asked for. */
  readonly port: number;
  /** Ports of the links that listen for card messages, by name; undefined when there is no card switch. */
  readonly terminalPorts: ReadonlyMap<string, number> | undefined;
  /** Resolves when the switch cannot go on (a journal failed): nothing unanswered will be answered any more. */
  readonly failed: Promise<unknown>;
  /** Not ready → accept nothing → answer what was taken, within the drain timeout → flush → close. */
  close(): Promise<void>;
}

/** The switch could not be opened to the outside, and is closed again. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/** How often idle partitions are asked whether something of theirs has expired. */
const TICK_MS = 50;

/** Starts the switch and resolves when it answers. Rejects, with everything closed again, when something is not right. */
export async function startSwitch(config: Config): Promise<RunningSwitch> {
  const log = createLogger({
    level: config.logLevel,
    format: config.logFormat,
    isTerminal: process.stdout.isTTY === true,
  });
  const metrics = createMetrics(config.partitions);
  const health = new Health();

  // 1 The data directory: made on the first start, locked while the switch runs.
  const directory = await openOrCreate(config);
  const { info } = directory;

  // 2 Who may call, and how much.
  const keys = KeyStore.open({ directory: directory.control, nowMs: Date.now });
  const terminalParts = terminalPartsOf(config, keys);
  const rate = config.rateLimit === 0 ? {} : { default: { perSecond: config.rateLimit, burst: config.rateLimit } };
  const rateLimiter = new RateLimiter(rate, () => performance.now());

  // 3 One thread for each partition; each recovers its state before anything listens.
  const bounds = {
    recordsMax: LIMITS.recordsPerFrameMax,
    inputBytesMax: config.batchBytesMax,
    // The largest message makes 1.4 MiB of events; what is beyond that only holds memory, in each flight twice.
    journalBytesMax: config.batchBytesMax / 2,
    replyBytesMax: config.batchBytesMax,
  };
  const background = new BackgroundThreads();
  const { failed, fail } = failure();
  const observers = new LaneObservers({
    metrics,
    health,
    log,
    background,
    hashSeed: info.hashSeed,
    advanced: (partition, nextLsn) => changes.advanced(partition, nextLsn),
    fail,
  });
  const partitions = directory.partitions.map((paths, partition) => {
    const thread = new PartitionThread();
    const buffers = Array.from(
      { length: config.queueBatchesMax + FLIGHTS + 1 },
      () => new SharedArrayBuffer(batchBytes(bounds)),
    );
    return { paths, partition, thread, buffers };
  });
  const opened = await Promise.all(
    partitions.map(({ paths, partition, thread, buffers }) =>
      thread.open(
        {
          partition,
          partitions: info.partitions,
          hashSeed: info.hashSeed,
          journalPath: paths.journal,
          indexPath: paths.index,
          memtableBound: config.indexMemoryEntries,
          filterBytesMax: config.filterBytesMax,
          accountsMax: config.accountsMax,
          holdsMax: config.holdsMax,
          checkpointEveryBytes: config.checkpointEveryBytes,
          recordsMax: bounds.recordsMax,
          journalBytesMax: bounds.journalBytesMax,
        },
        buffers,
        bounds,
      ),
    ),
  );

  // Those who read what happens do so in a thread of their own, from the journals; batches only wake them.
  const onError = (error: unknown): void => log.error({ err: error }, 'unexpected error');
  const streamThread = new StreamThread({ partitions: directory.partitions, hashSeed: info.hashSeed });
  const changes = new Changes({
    readPage: (request) => streamThread.read(request),
    ends: opened.map(({ figures }) => figures.nextLsn),
    onError,
  });

  const version = packageVersion();
  const webhooks = new Webhooks(
    {
      partitions: directory.partitions,
      hashSeed: info.hashSeed,
      control: directory.control,
      userAgent: `sluice/${version}`,
    },
    metrics,
    log,
  );

  // 4 A lane into each partition, and the router in front of them.
  const clearing = new ClearingHouse(info.partitions);
  const lanes = partitions.map(({ paths, partition, thread, buffers }, index) => {
    const { report, figures } = opened[index] as (typeof opened)[number];
    log.info({ partition, ...report }, 'partition recovered');
    const lane = new Lane({
      batches: buffers.map((buffer) => new Batch(buffer, bounds)),
      run: (slot, timestamp) => thread.run(slot, timestamp),
      observer: observers.forPartition(partition, thread, paths.index),
      clock: wallClockMicros,
      clearing: clearing.port(partition),
    });
    lane.takeFigures(figures);
    return lane;
  });
  clearing.connect(lanes);
  const router = new Router(lanes, new Scatter(lanes), clearing);
  const ticks = setInterval(() => router.tick(), TICK_MS).unref();

  // 5 The transports: one app for WebSocket and HTTP.
  const app = createApp(tlsOf(config));
  const authenticate = (key: string) => keys.authenticate(key);
  const proven = new ProofGate(new RiskGate(router, wallClockMicros), proofsOf(config));
  const ordered = new OrderGate(proven, wallClockMicros);
  const gateway = new CodeGate(ordered, info.partitions, payerCodeKeyOf(config));
  const shared = { gateway, changes, authenticate, rateLimiter };
  let listener: Listener | undefined;
  let terminals: OpenTerminals | undefined;
  const websocket = registerWebSocket(app, {
    ...shared,
    metrics,
    inFlightMax: config.inFlightMax,
    sessionsMax: config.sessionsMax,
    idleTimeoutS: config.idleTimeoutS,
    partitions: info.partitions,
    server: `sluice/${version}`,
    log: (event, details) => log.info(details, event),
  });
  const http = registerHttp(app, {
    ...shared,
    health: {
      livez: () => health.livez(),
      readyz: () => health.readyz(),
      metrics: () => {
        metrics.inFlight(websocket.inFlight() + http.inFlight());
        metrics.cardLinks(terminals?.figures() ?? []);
        return metrics.expose();
      },
    },
    version,
    onError,
  });
  const noteOfLink: TerminalLog = (link, level, text) => log[level]({ link }, text);
  const close = async (): Promise<void> => {
    health.startDraining();
    log.info('stopping: draining');
    listener?.close();
    await terminals?.close(config.drainTimeoutS * 1000);
    changes.close();
    await withDeadline(router.drain(), config.drainTimeoutS * 1000);
    websocket.closeAll();
    app.close();
    clearInterval(ticks);
    await observers.stop();
    await background.close();
    await streamThread.close();
    await webhooks.close();
    await Promise.all(partitions.map(({ thread }) => thread.close()));
    await keys.close();
    directory.release();
    log.info('stopped');
    log.flush();
  };
  try {
    listener = await listen(app, config.host, config.port);
    if (terminalParts !== undefined) terminals = await openTerminals(gateway, terminalParts, noteOfLink);
  } catch (error) {
    await close();
    throw new StartError(error instanceof Error ? error.message : String(error));
  }
  health.recovered();
  log.info(
    { host: config.host, port: listener.port, partitions: info.partitions, dataDir: directory.path },
    'listening',
  );
  return { host: config.host, port: listener.port, terminalPorts: terminals?.ports, failed, close: once(close) };
}

async function openOrCreate({ dataDir, partitions }: Config): Promise<LockedDirectory> {
  if (!existsSync(join(dataDir, DIRECTORY_FILE))) await createDirectory(dataDir, { partitions });
  return openDirectory(dataDir, { partitions });
}

function proofsOf({ stepUpKey, sandbox, dataDir }: Config): ProofVerifier {
  const path = stepUpKey ?? (sandbox ? ensureStepUpKey(dataDir) : undefined);
  return path === undefined ? NO_PROOFS : new SharedKeyProofs(readFileSync(path));
}

/** Undefined: devices make no codes. */
function payerCodeKeyOf({ payerCodeKey, sandbox, dataDir }: Config): Uint8Array | undefined {
  const path = payerCodeKey ?? (sandbox ? ensurePayerCodeKey(dataDir) : undefined);
  return path === undefined ? undefined : readFileSync(path);
}

/** What the card switch is set up with; undefined when there is none. */
function terminalPartsOf(config: Config, keys: KeyStore): TerminalParts | undefined {
  const { iso8583File, iso8583Port, iso8583IssuerPort, host } = config;
  if (iso8583File !== undefined) {
    const read = readTerminals(iso8583File);
    if (!read.ok) throw new ConfigError(read.problem.split('\n'));
    return read.parts;
  }
  if (iso8583Port === undefined) return undefined;
  return sandboxTerminals(sandboxInstitution(keys), { host, port: iso8583Port, issuerPort: iso8583IssuerPort });
}

function tlsOf({ tlsCert, tlsKey }: Config): Parameters<typeof createApp>[0] {
  return tlsCert === undefined || tlsKey === undefined ? {} : { tls: { certFile: tlsCert, keyFile: tlsKey } };
}

/** Microseconds since 1970, finer than Date. */
function wallClockMicros(): number {
  return Math.floor((performance.timeOrigin + performance.now()) * 1000);
}

function failure(): { readonly failed: Promise<unknown>; readonly fail: (error: unknown) => void } {
  let fail: (error: unknown) => void = () => undefined;
  const failed = new Promise<unknown>((resolve) => {
    fail = resolve;
  });
  return { failed, fail };
}

/** Resolves with `work`, or when the time is up. */
async function withDeadline(work: Promise<void>, milliseconds: number): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const timeUp = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, milliseconds);
  });
  await Promise.race([work, timeUp]);
  clearTimeout(timer);
}

function once(run: () => Promise<void>): () => Promise<void> {
  let running: Promise<void> | undefined;
  return () => {
    running ??= run();
    return running;
  };
}
