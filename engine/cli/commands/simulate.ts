/** `sluice simulate`: the engine on a simulated disk and clock, against a naive reference, with crashes everywhere. */
import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { Failure, RunReport } from '../../simulate/simulate.ts';
import { CommandFailure, UsageError } from '../errors.ts';
import { command } from '../options.ts';
import type { Terminal } from '../terminal.ts';

interface Options {
  readonly seed?: string;
  readonly seeds: string;
  readonly steps: string;
  readonly partitions: string;
  readonly replay?: string;
  readonly json?: boolean;
}

const SEED_END = 2 ** 31;
const PARTITIONS_MAX = 4;

export function registerSimulate(program: Command, terminal: Terminal): void {
  command(
    program,
    'simulate',
    'Hunt for bugs: run random commands and crashes through the real code on a simulated disk and compare every answer.',
    [
      'sluice simulate --seed 7 --steps 100000',
      'sluice simulate --seeds 20 --steps 25000 --json',
      'sluice simulate --partitions 2',
      'sluice simulate --replay failure.json',
    ],
  )
    .option('--seed <number>', 'What happens depends on this alone; without it one is drawn and printed.')
    .option('--seeds <number>', 'Runs so many seeds, one after another, from --seed on.', '1')
    .option('--steps <number>', 'Commands of each seed.', '20000')
    .option('--partitions <number>', `Partitions of the engine: 1 to ${PARTITIONS_MAX}.`, '1')
    .option('--replay <file>', 'Runs the list of steps that a failure printed.')
    .action(async (options: Options) => {
      if (options.replay !== undefined) return replay(options.replay, terminal);
      const first =
        options.seed === undefined ? Math.floor(Math.random() * SEED_END) : whole('--seed', options.seed, SEED_END);
      const seeds = whole('--seeds', options.seeds, 1e6);
      const partitions = whole('--partitions', options.partitions, PARTITIONS_MAX);
      if (partitions === 0) throw new UsageError('--partitions takes at least 1');
      const steps = whole('--steps', options.steps, 1e9);
      for (let seed = first; seed < first + seeds; seed++)
        await runSeed({ seed, steps, partitions }, options.json === true, terminal);
    });
}

function whole(option: string, text: string, max: number): number {
  const value = Number(text);
  if (/^\d+$/.test(text) && value <= max) return value;
  throw new UsageError(`${option} takes a whole number up to ${max}, not "${text}"`);
}

interface Run {
  readonly seed: number;
  readonly steps: number;
  readonly partitions: number;
}

async function runSeed({ seed, steps, partitions }: Run, asJson: boolean, terminal: Terminal): Promise<void> {
  const { simulate } = await import('../../simulate/simulate.ts');
  terminal.errors.write(`seed ${seed}\n`);
  const started = performance.now();
  const report = await simulate(seed, steps, partitions);
  const summary = summaryOf(seed, report, (performance.now() - started) / 1000);
  if (report.failure === undefined) {
    terminal.output.write(asJson ? `${JSON.stringify(summary)}\n` : describe(summary));
    return;
  }
  const { shrink } = await import('../../simulate/shrink.ts');
  terminal.errors.write(
    `seed ${seed}, step ${summary.steps}: ${report.failure.message}\nlooking for a shorter run …\n`,
  );
  const shortest = await shrink(report.failure);
  await fail(shortest, { ...summary, failed: true }, asJson, terminal);
}

async function replay(path: string, terminal: Terminal): Promise<void> {
  const { parseEpisode } = await import('../../simulate/steps.ts');
  const { runEpisode } = await import('../../simulate/simulate.ts');
  const { Tally } = await import('../../simulate/tally.ts');
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${path}: ${error instanceof Error ? error.message : String(error)}`);
  }
  const { failure, stateHash } = await runEpisode(parseEpisode(text), new Tally());
  if (failure !== undefined) throw new CommandFailure(`step ${failure.at}: ${failure.message}`);
  terminal.output.write(`It runs to the end. State ${stateHash}\n`);
}

async function fail(failure: Failure, summary: object, asJson: boolean, terminal: Terminal): Promise<never> {
  const { stringifyEpisode } = await import('../../simulate/steps.ts');
  terminal.output.write(`${stringifyEpisode(failure.episode)}\n`);
  if (asJson) terminal.output.write(`${JSON.stringify({ ...summary, message: failure.message })}\n`);
  const { length } = failure.episode.steps;
  throw new CommandFailure(
    `${failure.message}\nThe ${length} steps above end in it: save them and run "sluice simulate --replay FILE"`,
    {},
    true,
  );
}

type Summary = ReturnType<typeof summaryOf>;

function summaryOf(seed: number, { tally, stateHash }: RunReport, seconds: number) {
  const { steps, crashes, recoveries, checkpoints, merges, failedWrites, damages, verifications, commands, results } =
    tally;
  return {
    seed,
    steps,
    seconds: Number(seconds.toFixed(3)),
    stepsPerSecond: Math.round(steps / seconds),
    crashes,
    recoveries,
    checkpoints,
    merges,
    failedWrites,
    damages,
    verifications,
    commands,
    results,
    stateHash,
  };
}

function describe({ seed, steps, stepsPerSecond, crashes, checkpoints, damages, stateHash }: Summary): string {
  return (
    `seed ${seed}: ${steps} commands, ${crashes} crashes, ${checkpoints} checkpoints, ${damages} damaged bytes; ` +
    `${stepsPerSecond} steps a second. Nothing found. State ${stateHash.slice(0, 16)}\n`
  );
}
