/** The words after `sluice bench`. */

import { resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { UsageError } from '../engine/cli/errors.ts';
import { LIMITS } from '../protocol/limits.ts';
import { DISTRIBUTIONS, type Distribution } from './load/random.ts';

export const WORKLOADS = ['ceiling', 'transfers', 'payments', 'qr', 'http', 'iso8583', 'growth'] as const;
export type WorkloadName = (typeof WORKLOADS)[number];

export const RULES_IN_FORCE = ['default', 'none'] as const;
export type RulesInForce = (typeof RULES_IN_FORCE)[number];

export interface BenchOptions {
  readonly workload: WorkloadName;
  /** Time that is measured; of growth: after which it ends, wherever it is. */
  readonly seconds: number;
  readonly json: boolean;
  /** Of growth: how many there are at the end. */
  readonly transfers: number;
  /** Transfers in one message. */
  readonly batch: number;
  readonly accounts: Distribution;
  readonly accountCount: number;
  readonly partitions: number;
  /** Of transfers: share whose credit side lives in another partition, 0 to 1. */
  readonly crossing: number;
  readonly connections: number;
  readonly inFlight: number;
  /** Requests per second of an open loop; undefined = closed loop. */
  readonly rate: number | undefined;
  /** Of payments: whether the default risk rules are in force. */
  readonly rules: RulesInForce;
  /** Also run the ceiling, and say what part of it this is. */
  readonly compare: boolean;
  /** Of growth: absolute folder of the data, which stays. */
  readonly keep: string | undefined;
  /** Absolute folder for CPU profiles. */
  readonly cpuProf: string | undefined;
}

export type Request =
  | { readonly type: 'help' }
  | { readonly type: 'micro'; readonly seconds: number; readonly json: boolean }
  | { readonly type: 'run'; options: BenchOptions };

export const HELP = `Usage: sluice bench <workload> [options]

Workloads:
  transfers   transfers over the binary protocol, 8190 in a message (--batch N)
  payments    one sale in a message: debit limit, fee, reference
  qr          a payer's code is issued, then paid with: two messages, counted as one
  http        the same sale as HTTP/JSON
  iso8583     a contactless purchase (0200): cryptogram and MAC verified, over links to acquirers
  growth      transfers up to 1 %, 10 % and 100 % of --transfers: speed, memory, disk and open time at each
  ceiling     what this machine can do at all: WebSocket echo, and journal without network
  micro       micro-benchmarks of codecs, state machine, journal and index

Options:
  --seconds S          time that is measured, after a warm-up (default: 10; micro: 0.5 for each part)
  --transfers N        growth: transfers in all (default: 5000000); --seconds bounds its time (default: 3600)
  --keep DIR           growth: make the data in DIR, which is empty or not there, and leave it
  --json               end with one line of JSON
  --batch N            transfers in a message, 1 to ${LIMITS.recordsPerFrameMax} (default: ${LIMITS.recordsPerFrameMax})
  --accounts KIND      uniform, zipf or hot (default: uniform)
  --account-count N    accounts, 2 or more (default: 10000)
  --partitions N       partitions of the switch (default: 1)
  --crossing X         transfers: share that goes to an account of another partition, 0 to 1
                       (default: as it comes about, 0.5 with 2 partitions)
  --rules SET          payments, qr: the risk rules that they pass, default or none
                       (default: default; qr: none, since the default ones bound what a payer does in a minute)
  --connections N      connections (default: 64; fewer for large batches)
  --in-flight N        unanswered requests of each connection (default: as the workload needs)
  --rate R             open loop: R requests a second, latency counted from when each was due
  --compare            measure the ceiling as well, and print the ratio
  --cpu-prof DIR       leave CPU profiles of the switch and of the load generator in DIR
`;

/** Unanswered requests that keep a server busy whatever its latency: enough for several batches of 8190 records. */
const DEEP = 256;
const CONNECTIONS = 64;
/** Acquirers have few links, and keep them. */
const LINKS = 16;
/** Records under way when messages are large: two batches in the queue behind the three that a partition works on. */
const RECORDS_UNDER_WAY = 6 * LIMITS.recordsPerFrameMax;

/** Reads the words. @throws UsageError that says what is expected */
export function readOptions(words: readonly string[]): Request {
  const { values, positionals } = parse(words);
  const [workload, ...rest] = positionals;
  if (workload === undefined || workload === 'help' || values.help === true) return { type: 'help' };
  if (rest.length > 0) throw new UsageError(`one workload at a time: "${rest.join(' ')}" is too much`);
  const seconds = number(values.seconds, '--seconds', 0.1, 86_400);
  const json = values.json === true;
  if (workload === 'micro') return { type: 'micro', seconds: seconds ?? 0.5, json };
  const name = WORKLOADS.find((known) => known === workload);
  if (name === undefined) {
    throw new UsageError(`"${workload}" is not a workload: use ${WORKLOADS.join(', ')} or micro`);
  }
  const batch = whole(values.batch, '--batch', 1, LIMITS.recordsPerFrameMax) ?? LIMITS.recordsPerFrameMax;
  const isBulk = name === 'transfers' || name === 'growth';
  if (values.batch !== undefined && !isBulk) throw new UsageError('--batch belongs to transfers and growth');
  const total = whole(values.transfers, '--transfers', 10_000, 2_000_000_000);
  if (total !== undefined && name !== 'growth') throw new UsageError('--transfers belongs to growth');
  const rate = number(values.rate, '--rate', 0.1, 10_000_000);
  if (rate !== undefined && name !== 'transfers' && name !== 'payments' && name !== 'iso8583') {
    throw new UsageError(`--rate belongs to transfers, payments and iso8583: ${name} is a closed loop`);
  }
  if (values.compare === true && name === 'growth') throw new UsageError('growth compares with itself');
  if (values.compare === true && name === 'ceiling') throw new UsageError('the ceiling is what others compare with');
  const kind = values.accounts ?? 'uniform';
  const accounts = DISTRIBUTIONS.find((known) => known === kind);
  if (accounts === undefined) throw new UsageError(`--accounts must be ${DISTRIBUTIONS.join(', ')}, not "${kind}"`);
  const shape = defaultShape(name, batch);
  const partitions = whole(values.partitions, '--partitions', 1, 64) ?? 1;
  const accountCount = whole(values['account-count'], '--account-count', 2, 5_000_000) ?? 10_000;
  if (accountCount < partitions * 100 && partitions > 1) {
    throw new UsageError('--account-count must be at least 100 for each partition');
  }
  const crossing = number(values.crossing, '--crossing', 0, 1);
  if (crossing !== undefined && (name !== 'transfers' || partitions === 1)) {
    throw new UsageError('--crossing belongs to transfers with several partitions');
  }
  const rules = RULES_IN_FORCE.find((known) => known === (values.rules ?? (name === 'qr' ? 'none' : 'default')));
  if (rules === undefined)
    throw new UsageError(`--rules must be ${RULES_IN_FORCE.join(' or ')}, not "${values.rules}"`);
  if (values.rules !== undefined && name !== 'payments' && name !== 'qr') {
    throw new UsageError('--rules belongs to payments and qr');
  }
  if (values.keep !== undefined && name !== 'growth') throw new UsageError('--keep belongs to growth');
  const connections = whole(values.connections, '--connections', 1, 5000) ?? shape.connections;
  return {
    type: 'run',
    options: {
      workload: name,
      seconds: seconds ?? (name === 'growth' ? 3600 : 10),
      transfers: total ?? 5_000_000,
      json,
      batch,
      accounts,
      accountCount,
      partitions,
      crossing: crossing ?? (name === 'transfers' ? (partitions - 1) / partitions : 0),
      connections,
      inFlight: whole(values['in-flight'], '--in-flight', 1, 4096) ?? shape.inFlight,
      rate,
      rules,
      compare: values.compare === true,
      keep: values.keep === undefined ? undefined : resolve(values.keep),
      cpuProf: values['cpu-prof'] === undefined ? undefined : resolve(values['cpu-prof']),
    },
  };
}

/** Connections and window that keep the switch busy and never make it answer `busy`. */
export function defaultShape(workload: WorkloadName, batch: number): { connections: number; inFlight: number } {
  if (workload === 'http') return { connections: CONNECTIONS, inFlight: 1 };
  if (workload === 'iso8583') return { connections: LINKS, inFlight: 64 };
  if (workload !== 'transfers' && workload !== 'growth') return { connections: CONNECTIONS, inFlight: DEEP };
  const connections = batch <= 100 ? CONNECTIONS : batch <= 1000 ? 16 : 3;
  const inFlight = Math.ceil(RECORDS_UNDER_WAY / batch / connections);
  return { connections, inFlight: Math.min(DEEP, inFlight) };
}

function parse(words: readonly string[]) {
  try {
    return parseArgs({
      args: [...words],
      allowPositionals: true,
      options: {
        help: { type: 'boolean', short: 'h' },
        json: { type: 'boolean' },
        compare: { type: 'boolean' },
        seconds: { type: 'string' },
        transfers: { type: 'string' },
        batch: { type: 'string' },
        accounts: { type: 'string' },
        'account-count': { type: 'string' },
        partitions: { type: 'string' },
        crossing: { type: 'string' },
        rules: { type: 'string' },
        keep: { type: 'string' },
        connections: { type: 'string' },
        'in-flight': { type: 'string' },
        rate: { type: 'string' },
        'cpu-prof': { type: 'string' },
      },
    });
  } catch (error) {
    throw new UsageError(error instanceof Error ? error.message : String(error));
  }
}

function number(text: string | undefined, flag: string, minimum: number, maximum: number): number | undefined {
  if (text === undefined) return undefined;
  const value = /^\d+(\.\d+)?$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= minimum && value <= maximum)) {
    throw new UsageError(`${flag} must be a number from ${minimum} to ${maximum}, not "${text}"`);
  }
  return value;
}

function whole(text: string | undefined, flag: string, minimum: number, maximum: number): number | undefined {
  const value = number(text, flag, minimum, maximum);
  if (value !== undefined && !Number.isInteger(value)) throw new UsageError(`${flag} must be a whole number`);
  return value;
}
