/** Load on a switch: start it, set it up, measure, stop it. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { CURRENCY, LEDGER } from '../accounts.ts';
import { setUpCards, writeCardSetup } from '../cards.ts';
import type { Group, Job, JobResult } from '../load/jobs.ts';
import type { BenchOptions, WorkloadName } from '../options.ts';
import { profileArguments, runJob } from '../processes.ts';
import { activateDefaultRules, setUpPayments, setUpTransfers } from '../scene.ts';
import { type BenchServer, startServer } from '../server.ts';
import type { Stage } from '../stage.ts';

/** A workload that a switch bears: what must be there, and the job of the load generator. */
interface Workload {
  /** Words of `sluice serve` for it; `directory` is empty. */
  flags?(directory: string): Promise<Prepared>;
  setUp(client: SluiceClient, options: BenchOptions): Promise<Group[]>;
  job(
    groups: readonly Group[],
    server: Pick<BenchServer, 'host' | 'port' | 'key'>,
    options: BenchOptions,
    stage: Stage,
  ): Job;
}

interface Prepared {
  readonly flags: readonly string[];
  /** Where the load goes instead of the port for WebSocket and HTTP. */
  readonly port: number;
}

export type LoadName = Exclude<WorkloadName, 'ceiling' | 'growth'>;

const LOADS: Readonly<Record<LoadName, Workload>> = {
  transfers: {
    setUp: (client, { accountCount, partitions }) => setUpTransfers(client, accountCount, partitions),
    job: (groups, server, options, stage) => ({
      ...webSocketJob(server, options, stage),
      traffic: {
        type: 'transfers',
        records: options.batch,
        ledger: LEDGER,
        groups,
        distribution: options.accounts,
        crossing: options.crossing,
      },
    }),
  },
  payments: {
    setUp: async (client, { accountCount, partitions, rules }) => {
      if (rules === 'default') await activateDefaultRules(client);
      return setUpPayments(client, accountCount, partitions);
    },
    job: (groups, server, options, stage) => ({
      ...webSocketJob(server, options, stage),
      traffic: { type: 'sales', ledger: LEDGER, groups, distribution: options.accounts },
    }),
  },
  qr: {
    setUp: async (client, { accountCount, partitions, rules }) => {
      if (rules === 'default') await activateDefaultRules(client);
      return setUpPayments(client, accountCount, partitions);
    },
    job: (groups, server, options, stage) => ({
      ...webSocketJob(server, options, stage),
      traffic: { type: 'qr', ledger: LEDGER, groups, distribution: options.accounts },
    }),
  },
  http: {
    setUp: (client, { accountCount, partitions }) => setUpPayments(client, accountCount, partitions),
    job: (groups, { host, port, key }, { connections, accounts }, { timing, seed }) => ({
      type: 'http',
      ...timing,
      host,
      port,
      key,
      connections,
      currency: CURRENCY,
      groups,
      distribution: accounts,
      seed,
    }),
  },
  iso8583: {
    flags: async (directory) => {
      const { file, port } = await writeCardSetup(directory);
      return { flags: ['--iso8583-file', file], port };
    },
    setUp: async (client, { accountCount }) => {
      await setUpCards(client, accountCount);
      return [];
    },
    job: (_groups, { host, port }, { connections, inFlight, rate, accountCount }, { timing, seed }) => ({
      ...{ type: 'cards', ...timing, host, port, connections, inFlight, rate, cards: accountCount, seed },
    }),
  },
};

function webSocketJob(
  { host, port, key }: Pick<BenchServer, 'host' | 'port' | 'key'>,
  options: BenchOptions,
  { timing, seed }: Stage,
) {
  const { connections, inFlight, rate } = options;
  return { type: 'websocket', ...timing, host, port, key, connections, inFlight, rate, seed } as const;
}

export interface LoadResult extends JobResult {
  readonly serverRssBytes: number;
  /** During the measured time. */
  readonly serverCpuSeconds: number;
}

export async function measureLoad(name: LoadName, options: BenchOptions, stage: Stage): Promise<LoadResult> {
  const { setUp, job, flags } = LOADS[name];
  const { partitions } = options;
  const { cpuProf } = stage;
  const setupDirectory = join(stage.directory, 'setup');
  mkdirSync(setupDirectory);
  const prepared = await flags?.(setupDirectory);
  const dataDir = join(stage.directory, 'data');
  const server = await startServer({ dataDir, partitions, cpuProf, flags: prepared?.flags ?? [] });
  try {
    const client = await server.connect();
    const groups = await setUp(client, options);
    await client.close();
    let cpuBefore = 0;
    let cpuAfter = 0;
    let serverRssBytes = 0;
    const result = await runJob(
      job(groups, { ...server, port: prepared?.port ?? server.port }, options, stage),
      {
        ...stage.progress(name),
        measuring: () => {
          cpuBefore = server.cpuSeconds();
        },
        measured: () => {
          cpuAfter = server.cpuSeconds();
          serverRssBytes = server.memoryBytes();
        },
      },
      profileArguments(cpuProf, 'client'),
    );
    return { ...result, serverRssBytes, serverCpuSeconds: Number((cpuAfter - cpuBefore).toFixed(2)) };
  } finally {
    await server.stop();
  }
}
