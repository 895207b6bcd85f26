/** What this machine can do at all: the two bounds that everything else is compared with. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { LIMITS } from '../../protocol/limits.ts';
import type { JobResult } from '../load/jobs.ts';
import { profileArguments, runJob, startEchoServer } from '../processes.ts';
import type { Stage } from '../stage.ts';

const ECHO_BYTES = 128;
const ECHO_CONNECTIONS = 64;
const ECHO_IN_FLIGHT = 256;
const ACCOUNTS = 10_000;

export interface Ceiling {
  readonly echoPerSecond: number;
  readonly journalPerSecond: number;
  readonly echo: JobResult;
  readonly journal: JobResult;
}

/** Measures both, one after the other, each for the stage's time. */
export async function measureCeiling(stage: Stage): Promise<Ceiling> {
  const echo = await measureEcho(stage);
  const journal = await measureJournal(stage);
  return { echoPerSecond: perSecond(echo), journalPerSecond: perSecond(journal), echo, journal };
}

/** Messages of 128 bytes to a bare uWebSockets.js server and back. */
async function measureEcho(stage: Stage): Promise<JobResult> {
  const server = await startEchoServer();
  try {
    return await runJob(
      {
        type: 'websocket',
        ...stage.timing,
        host: '127.0.0.1',
        port: server.port,
        key: undefined,
        connections: ECHO_CONNECTIONS,
        inFlight: ECHO_IN_FLIGHT,
        rate: undefined,
        traffic: { type: 'echo', bytes: ECHO_BYTES },
        seed: stage.seed,
      },
      stage.progress('echo'),
      [],
    );
  } finally {
    await server.stop();
  }
}

/** The state machine with a durable journal, without a network. */
async function measureJournal(stage: Stage): Promise<JobResult> {
  const directory = join(stage.directory, 'journal-ceiling');
  mkdirSync(directory);
  return runJob(
    {
      type: 'journal',
      ...stage.timing,
      directory,
      records: LIMITS.recordsPerFrameMax,
      accounts: ACCOUNTS,
      seed: stage.seed,
    },
    stage.progress('journal'),
    profileArguments(stage.cpuProf, 'journal'),
  );
}

function perSecond({ count, seconds }: JobResult): number {
  return Math.round(count / seconds);
}
