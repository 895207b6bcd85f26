/**
 * How the switch does as it fills up: loaded with transfers under time-ordered ids up to 1 %, 10 % and 100 % of a number.
 *
 *     load ──▶ [measured part] ─▶ point: memory ─▶ stop ─▶ disk ─▶ start: open time ─▶ load ──▶ …
 */
import { lstatSync, mkdirSync, readdirSync, statfsSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError } from '../../engine/cli/errors.ts';
import { ACCOUNT, TRANSFER } from '../../protocol/records.ts';
import { LEDGER } from '../accounts.ts';
import type { Group } from '../load/jobs.ts';
import type { LatencySummary } from '../load/latency.ts';
import type { BenchOptions } from '../options.ts';
import { profileArguments, runJob } from '../processes.ts';
import { setUpTransfers } from '../scene.ts';
import { type BenchServer, startServer } from '../server.ts';
import type { Stage } from '../stage.ts';

const SHARES = [0.01, 0.1, 1];
/** Part of all transfers that is measured before a point, but not less than eight times what is under way. */
const MEASURED_SHARE = 0.02;
const MEASURED_MIN = 400_000;
/** Of what comes between two points; the rest is the warm-up. */
const MEASURED_PART_MAX = 0.8;
/** Disk that is asked for: the bound of 2.5 times the records, and room for merges. */
const DISK_PER_TRANSFER = TRANSFER.size * 3;
const DISK_MIN = 2 ** 30;

export interface GrowthPoint {
  readonly share: number;
  /** Stored by then. */
  readonly transfers: number;
  /** In the last part before the point. */
  readonly tps: number;
  readonly latencyMs: LatencySummary;
  /** CPU time of all threads for one transfer since the point before: other work on the machine hardly changes it. */
  readonly cpuMicros: number;
  /** Resident memory of the switch, mapped files included, and what of it is its own. */
  readonly rssBytes: number;
  readonly anonymousBytes: number;
  /** What the data directory takes, and how many times the transfers' and accounts' own bytes that is. */
  readonly diskBytes: number;
  readonly diskRatio: number;
  /** From the start of the process until it listens. */
  readonly openMs: number;
}

export interface Growth {
  readonly points: readonly GrowthPoint[];
  readonly errors: number;
  /** False when the time was up before the last point. */
  readonly complete: boolean;
}

/** Throws before anything is started when there is too little room on the disk. */
export async function measureGrowth(options: BenchOptions, stage: Stage): Promise<Growth> {
  if (options.keep !== undefined) makeEmpty(options.keep);
  checkDisk(options.keep ?? stage.directory, options.transfers);
  const run = new GrowthRun(options, stage, performance.now() + options.seconds * 1000);
  try {
    await run.setUp();
    for (const share of SHARES) if (!(await run.growTo(share))) break;
  } finally {
    await run.stop();
  }
  return { points: run.points, errors: run.errors, complete: run.points.length === SHARES.length };
}

class GrowthRun {
  readonly points: GrowthPoint[] = [];
  errors = 0;
  readonly #options: BenchOptions;
  readonly #stage: Stage;
  readonly #endMs: number;
  readonly #dataDir: string;
  #server: BenchServer | undefined;
  /** Of the institution that the accounts belong to. */
  #key: string | undefined;
  #groups: readonly Group[] = [];
  #stored = 0;

  constructor(options: BenchOptions, stage: Stage, endMs: number) {
    this.#options = options;
    this.#stage = stage;
    this.#endMs = endMs;
    this.#dataDir = options.keep ?? join(stage.directory, 'data');
  }

  async setUp(): Promise<void> {
    const { accountCount, partitions } = this.#options;
    mkdirSync(this.#dataDir, { recursive: true });
    const server = await this.#start();
    const client = await server.connect();
    this.#groups = await setUpTransfers(client, accountCount, partitions);
    await client.close();
  }

  /** Loads up to a share of all transfers and measures; false when the time was up before. */
  async growTo(share: number): Promise<boolean> {
    const { transfers, accountCount, batch } = this.#options;
    // More than asked for are stored: what is under way when the goal is reached.
    const goal = Math.max(batch, Math.round(transfers * share) - this.#stored);
    const wanted = Math.max(transfers * MEASURED_SHARE, MEASURED_MIN);
    const measured = Math.ceil(Math.min(wanted, goal * MEASURED_PART_MAX));
    const server = this.#server ?? (await this.#start());
    let anonymousBytes = 0;
    let rssBytes = 0;
    let cpuSeconds = server.cpuSeconds();
    const result = await runJob(
      this.#job(server, goal, goal - measured),
      {
        ...this.#stage.progress(`growth to ${share * 100} %`),
        measured: () => {
          anonymousBytes = server.memoryBytes();
          rssBytes = server.residentBytes();
          cpuSeconds = server.cpuSeconds() - cpuSeconds;
        },
      },
      profileArguments(this.#stage.cpuProf, 'client'),
    );
    const stored = result.codes.ok ?? 0;
    this.#stored += stored;
    this.errors += result.errors;
    await this.stop();
    if (stored < goal) return false;
    const diskBytes = storedBytes(this.#dataDir);
    const { openedAfterMs } = await this.#start();
    this.points.push({
      share,
      transfers: this.#stored,
      tps: Math.round(result.count / result.seconds),
      latencyMs: result.latencyMs,
      cpuMicros: Number(((cpuSeconds / stored) * 1e6).toFixed(2)),
      rssBytes,
      anonymousBytes,
      diskBytes,
      diskRatio: Number((diskBytes / (this.#stored * TRANSFER.size + accountCount * ACCOUNT.size)).toFixed(2)),
      openMs: Math.round(openedAfterMs),
    });
    return true;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    await server?.stop();
  }

  async #start(): Promise<BenchServer> {
    const { partitions } = this.#options;
    const { cpuProf } = this.#stage;
    const key = this.#key === undefined ? {} : { key: this.#key };
    const server = await startServer({ dataDir: this.#dataDir, partitions, cpuProf, ...key });
    this.#server = server;
    this.#key = server.key;
    return server;
  }

  #job({ host, port, key }: BenchServer, records: number, measuredFrom: number) {
    const { connections, inFlight, batch, accounts } = this.#options;
    return {
      type: 'websocket',
      warmUpMs: 0,
      measureMs: Math.max(1000, this.#endMs - performance.now()),
      goal: { records, measuredFrom },
      host,
      port,
      key,
      connections,
      inFlight,
      rate: undefined,
      // Another seed each time: the ids of one millisecond differ in it.
      seed: this.#stage.seed + this.points.length,
      traffic: {
        type: 'transfers',
        records: batch,
        ledger: LEDGER,
        groups: this.#groups,
        distribution: accounts,
        crossing: 0,
      },
    } as const;
  }
}

/** A folder that stays: nobody's data may be in it. */
function makeEmpty(directory: string): void {
  mkdirSync(directory, { recursive: true });
  if (readdirSync(directory).length > 0) throw new UsageError(`--keep: ${directory} is not empty`);
}

function checkDisk(directory: string, transfers: number): void {
  const needed = transfers * DISK_PER_TRANSFER + DISK_MIN;
  const { bavail, bsize } = statfsSync(directory);
  const free = bavail * bsize;
  if (free >= needed) return;
  const gib = (bytes: number): string => `${(bytes / 2 ** 30).toFixed(1)} GiB`;
  throw new UsageError(
    `${transfers} transfers may need ${gib(needed)} of disk, and ${directory} has ${gib(free)}: ` +
      'take fewer with --transfers, or set TMPDIR to a larger disk',
  );
}

/** Bytes of the blocks that all files of a folder take. */
function storedBytes(directory: string): number {
  let bytes = 0;
  for (const entry of readdirSync(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += lstatSync(join(entry.parentPath, entry.name)).blocks * 512;
  }
  return bytes;
}
