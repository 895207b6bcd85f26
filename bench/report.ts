/** What a run found, as one JSON line for programs and as a few lines for people. */
import { details, formatBytes } from '../engine/cli/output.ts';
import type { LatencySummary } from './load/latency.ts';
import type { BenchOptions } from './options.ts';
import type { Ceiling } from './workloads/ceiling.ts';
import type { Growth, GrowthPoint } from './workloads/growth.ts';
import type { LoadName, LoadResult } from './workloads/switch-load.ts';

/** One load on the switch. */
export interface LoadReport {
  readonly workload: LoadName;
  /** Transfers or payments answered in the measured time. */
  readonly count: number;
  /** Refused, declined or not answered. */
  readonly errors: number;
  readonly seconds: number;
  readonly tps: number;
  readonly latencyMs: LatencySummary;
  /** Every answer left after its record was on disk. */
  readonly durable: true;
  readonly partitions: number;
  readonly connections: number;
  readonly inFlight: number;
  readonly serverRssBytes: number;
  readonly serverCpuSeconds: number;
  /** Of the load generator, in the measured time. */
  readonly clientCpuSeconds: number;
  readonly batch?: number;
  /** Share of the transfers between two partitions. */
  readonly crossing?: number;
  readonly rate?: number;
  readonly accounts: string;
  readonly codes: Readonly<Record<string, number>>;
  readonly compare?: Comparison;
}

export interface CeilingReport {
  readonly workload: 'ceiling';
  readonly count: number;
  readonly errors: number;
  readonly seconds: number;
  /** Messages of 128 bytes to a bare WebSocket server and back. */
  readonly echoPerSecond: number;
  /** Transfers of the state machine with a durable journal, in batches of 8190, without a network. */
  readonly journalPerSecond: number;
  readonly echoLatencyMs: LatencySummary;
  readonly journalLatencyMs: LatencySummary;
  readonly durable: true;
}

/** One switch that fills up. */
export interface GrowthReport extends Growth {
  readonly workload: 'growth';
  /** Transfers stored in the end. */
  readonly count: number;
  readonly partitions: number;
  readonly batch: number;
  readonly accounts: string;
  readonly accountCount: number;
  /** Speed at the last point ÷ speed at the first. */
  readonly tpsRatio: number;
  readonly durable: true;
}

interface Comparison {
  readonly echoPerSecond: number;
  readonly journalPerSecond: number;
  readonly ofEcho: number;
  readonly ofJournal: number;
}

export function loadReport(
  workload: LoadName,
  options: BenchOptions,
  result: LoadResult,
  ceiling: Ceiling | undefined,
): LoadReport {
  const { count, errors, seconds, latencyMs, codes, serverRssBytes, serverCpuSeconds } = result;
  const { partitions, connections, inFlight, rate, accounts, batch, crossing } = options;
  const tps = Math.round(count / seconds);
  return {
    workload,
    count,
    errors,
    seconds,
    tps,
    latencyMs,
    durable: true,
    partitions,
    connections,
    inFlight,
    serverRssBytes,
    serverCpuSeconds,
    clientCpuSeconds: result.cpuSeconds,
    ...(workload === 'transfers' ? { batch } : {}),
    ...(workload === 'transfers' && partitions > 1 ? { crossing } : {}),
    ...(rate === undefined ? {} : { rate }),
    accounts,
    codes,
    ...(ceiling === undefined ? {} : { compare: comparison(tps, ceiling) }),
  };
}

export function growthReport(options: BenchOptions, growth: Growth): GrowthReport {
  const { partitions, batch, accounts, accountCount } = options;
  const first = growth.points[0]?.tps ?? 0;
  const last = growth.points.at(-1);
  return {
    workload: 'growth',
    count: last?.transfers ?? 0,
    ...growth,
    partitions,
    batch,
    accounts,
    accountCount,
    tpsRatio: ratio(last?.tps ?? 0, first),
    durable: true,
  };
}

function comparison(tps: number, { echoPerSecond, journalPerSecond }: Ceiling): Comparison {
  return {
    echoPerSecond,
    journalPerSecond,
    ofEcho: ratio(tps, echoPerSecond),
    ofJournal: ratio(tps, journalPerSecond),
  };
}

export function ceilingReport({ echoPerSecond, journalPerSecond, echo, journal }: Ceiling): CeilingReport {
  return {
    workload: 'ceiling',
    count: echo.count + journal.count,
    errors: echo.errors + journal.errors,
    seconds: echo.seconds,
    echoPerSecond,
    journalPerSecond,
    echoLatencyMs: echo.latencyMs,
    journalLatencyMs: journal.latencyMs,
    durable: true,
  };
}

/** For people. */
export function describe(report: LoadReport | CeilingReport | GrowthReport): string {
  if (report.workload === 'growth') return describeGrowth(report);
  if (report.workload === 'ceiling') {
    return details([
      ['WebSocket echo', `${whole(report.echoPerSecond)} messages/s`],
      ['state machine and journal', `${whole(report.journalPerSecond)} transfers/s`],
    ]);
  }
  const { latencyMs, codes, compare } = report;
  const unit = report.workload === 'transfers' ? 'transfers' : 'payments';
  const rows: [string, string][] = [
    [report.workload, `${whole(report.tps)} ${unit}/s, each durable before it was answered`],
    [
      'latency',
      `p50 ${latencyMs.p50} ms, p99 ${latencyMs.p99} ms, p99.9 ${latencyMs.p999} ms, max ${latencyMs.max} ms`,
    ],
    ['load', loadOf(report)],
    ['switch', `${report.serverCpuSeconds} s CPU, ${formatBytes(report.serverRssBytes)} memory`],
  ];
  if (report.errors > 0) rows.push(['errors', `${whole(report.errors)}: ${JSON.stringify(codes)}`]);
  if (compare !== undefined) {
    rows.push(['of the echo', `${percent(compare.ofEcho)} of ${whole(compare.echoPerSecond)} messages/s`]);
    rows.push(['of the journal', `${percent(compare.ofJournal)} of ${whole(compare.journalPerSecond)} transfers/s`]);
  }
  return details(rows);
}

function describeGrowth({ points, tpsRatio, complete, errors }: GrowthReport): string {
  const rows: [string, string][] = points.map((point) => [`${point.share * 100} %`, describePoint(point)]);
  rows.push(['last ÷ first', `${tpsRatio} of the speed`]);
  if (!complete) rows.push(['not complete', 'the time was up: see --seconds']);
  if (errors > 0) rows.push(['errors', whole(errors)]);
  return details(rows);
}

function describePoint(point: GrowthPoint): string {
  const { transfers, tps, latencyMs, cpuMicros, rssBytes, anonymousBytes, diskBytes, diskRatio, openMs } = point;
  return (
    `${whole(transfers)} transfers: ${whole(tps)}/s, p99 ${latencyMs.p99} ms, ${cpuMicros} µs CPU each, ` +
    `${formatBytes(anonymousBytes)} memory (${formatBytes(rssBytes)} with mapped files), ` +
    `${formatBytes(diskBytes)} on disk = ${diskRatio} × the records, opens in ${(openMs / 1000).toFixed(2)} s`
  );
}

function loadOf({ connections, inFlight, batch, crossing, rate, seconds, accounts }: LoadReport): string {
  const message = batch === undefined ? '' : `, ${whole(batch)} in a message`;
  const pace = rate === undefined ? '' : `, ${whole(rate)} requests/s`;
  const far = crossing === undefined ? '' : `, ${percent(crossing)} between partitions`;
  return `${seconds} s, ${connections} connections × ${inFlight} in flight${message}${far}${pace}, ${accounts} accounts`;
}

function ratio(part: number, whole: number): number {
  return whole === 0 ? 0 : Number((part / whole).toFixed(3));
}

function percent(value: number): string {
  return `${(value * 100).toFixed(1)} %`;
}

function whole(value: number): string {
  return value.toLocaleString('en');
}
