/**
 * The state machine and the journal without any network: what is left of a server when all that is around a partition
 * is taken away. Real state, real indexes, real journal; a durable append for each batch, up to three under way.
 */

import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { OPTIONS } from '../../engine/config/options.ts';
import { FLIGHTS } from '../../engine/router/lane.ts';
import type { CheckpointRequest } from '../../engine/storage/checkpoint/checkpoint-store.ts';
import { Batch, batchBytes, DEFAULT_BOUNDS } from '../../engine/worker/batch.ts';
import { openPartition } from '../../engine/worker/open.ts';
import type { Partition } from '../../engine/worker/partition.ts';
import { BackgroundThreads } from '../../engine/worker/threads.ts';
import { weightOf } from '../../engine/worker/weights.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { ACCOUNT, RESULT } from '../../protocol/records.ts';
import { resultName } from '../../protocol/results.ts';
import { benchAccounts, LEDGER } from '../accounts.ts';
import type { JobResult, JournalJob, Report } from './jobs.ts';
import { CpuClock, Meter } from './latency.ts';
import { Random } from './random.ts';
import { Tally } from './tally.ts';
import { makeTraffic, type Traffic } from './traffic.ts';

const INSTITUTION = 1;
const HASH_SEED = 0x5eed;
const MICROS_PER_MS = 1000;

export async function runJournalLoad(job: JournalJob, report: Report): Promise<JobResult> {
  const indexPath = join(job.directory, 'index');
  const journalPath = join(job.directory, 'journal');
  mkdirSync(indexPath);
  mkdirSync(journalPath);
  const { partition } = await openPartition({
    partition: 0,
    partitions: 1,
    hashSeed: HASH_SEED,
    journalPath,
    indexPath,
    memtableBound: OPTIONS.indexMemoryEntries.default,
    filterBytesMax: OPTIONS.filterBytesMax.default,
    accountsMax: OPTIONS.accountsMax.default,
    holdsMax: OPTIONS.holdsMax.default,
    checkpointEveryBytes: OPTIONS.checkpointEveryBytes.default,
    recordsMax: DEFAULT_BOUNDS.recordsMax,
    journalBytesMax: DEFAULT_BOUNDS.journalBytesMax,
  });
  const background = new BackgroundThreads();
  const ids = benchAccounts(job.accounts, 1).flatMap((group) => group.map(({ words }) => words));
  const groups = [{ payers: ids, payees: ids }];
  const spec = {
    type: 'transfers',
    records: job.records,
    ledger: LEDGER,
    groups,
    distribution: 'uniform',
    crossing: 0,
  } as const;
  const traffic = makeTraffic(spec, new Random(job.seed));
  const startMs = performance.now() + job.warmUpMs;
  const meter = new Meter({ startMs, endMs: startMs + job.measureMs, isOpenLoop: false });
  const flights = Array.from({ length: FLIGHTS }, () => new Flight(partition, background, indexPath));
  const [first] = flights;
  if (first === undefined) throw new Error('no batch may be under way');
  for (let from = 0; from < ids.length; from += LIMITS.recordsPerFrameMax) {
    await first.openAccounts(ids.slice(from, from + LIMITS.recordsPerFrameMax));
  }

  const cpu = new CpuClock();
  setTimeout(() => {
    report({ type: 'measuring' });
    cpu.start();
  }, job.warmUpMs);
  const tally = new Tally();
  await Promise.all(flights.map((flight) => flight.transferUntilEnd(traffic, meter, tally)));
  cpu.stop();
  report({ type: 'measured' });
  await Promise.all(flights.map((flight) => flight.finish()));
  await background.close();
  await partition.close();
  return {
    count: meter.records,
    errors: tally.errors,
    seconds: job.measureMs / 1000,
    latencyMs: meter.latencies.summary(),
    cpuSeconds: cpu.seconds,
    codes: tally.byName(),
  };
}

/** One batch that is filled, decided and made durable over and over. */
class Flight {
  readonly #partition: Partition;
  readonly #background: BackgroundThreads;
  readonly #indexPath: string;
  readonly #batch = new Batch(new SharedArrayBuffer(batchBytes(DEFAULT_BOUNDS)), DEFAULT_BOUNDS);
  #checkpoint: Promise<void> = Promise.resolve();

  constructor(partition: Partition, background: BackgroundThreads, indexPath: string) {
    this.#partition = partition;
    this.#background = background;
    this.#indexPath = indexPath;
  }

  async openAccounts(ids: readonly (readonly number[])[]): Promise<void> {
    const body = new Uint8Array(ids.length * ACCOUNT.size);
    const view = new DataView(body.buffer);
    ids.forEach((words, index) => {
      const at = index * ACCOUNT.size;
      words.forEach((word, place) => {
        view.setUint32(at + place * 4, word, true);
      });
      view.setUint32(at + ACCOUNT.at.ledger, LEDGER, true);
      view.setUint16(at + ACCOUNT.at.code, 1, true);
    });
    await this.#run(COMMANDS.createAccounts.kind, ids.length, body);
  }

  async transferUntilEnd(traffic: Traffic, meter: Meter, tally: Tally): Promise<void> {
    const payload = new Uint8Array(traffic.payloadBytes);
    const words = new Uint32Array(payload.buffer);
    const body = payload.subarray(FRAME_HEADER.size);
    traffic.prepare(payload, 0);
    for (let sentMs = performance.now(); sentMs < meter.endMs; sentMs = performance.now()) {
      traffic.renew(words, 0, Math.floor(performance.timeOrigin + sentMs));
      await this.#run(COMMANDS.createTransfers.kind, traffic.records, body);
      meter.answered(traffic.records, sentMs, performance.now());
      this.#count(tally, traffic.records);
    }
  }

  /** Waits for the checkpoint that this flight began last. */
  finish(): Promise<void> {
    return this.#checkpoint;
  }

  async #run(kind: number, count: number, body: Uint8Array): Promise<void> {
    const batch = this.#batch;
    batch.clear();
    const envelope = { kind, flags: 0, count, requestIdLow: 0, requestIdHigh: 0, institution: INSTITUTION };
    if (!batch.add(envelope, body, weightOf(kind, 0, count))) throw new Error('the batch does not take one message');
    const now = Math.floor((performance.timeOrigin + performance.now()) * MICROS_PER_MS);
    const { checkpoint } = await this.#partition.run(batch, now);
    if (checkpoint !== undefined) this.#checkpoint = this.#write(checkpoint);
  }

  /** Writes checkpoints in the background as long as the partition asks for another one at once. */
  async #write(request: CheckpointRequest): Promise<void> {
    let next: CheckpointRequest | undefined = request;
    while (next !== undefined) {
      next = await this.#partition.install(await this.#background.checkpoint(this.#indexPath, HASH_SEED, next));
      void this.#background.housekeeping(this.#indexPath);
    }
  }

  #count(tally: Tally, records: number): void {
    const reply = this.#batch.reply(0);
    const view = new DataView(reply.buffer, reply.byteOffset + FRAME_HEADER.size, records * RESULT.size);
    let ok = 0;
    for (let at = RESULT.at.code; at < view.byteLength; at += RESULT.size) {
      const code = view.getUint16(at, true);
      if (resultName(code) === 'ok') ok++;
      else tally.add(code, 1);
    }
    tally.add(0, ok);
  }
}
