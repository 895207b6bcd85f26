/** What every measurement of one run shares: a temporary folder, the timing, and who hears of the progress. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ProgressLine, type Writer } from '../engine/cli/terminal.ts';
import type { Timing } from './load/jobs.ts';
import type { JobEvents } from './processes.ts';

export interface Stage {
  /** Empty at first; removed after the run. */
  readonly directory: string;
  readonly timing: Timing;
  /** Of everything random. */
  readonly seed: number;
  readonly cpuProf: string | undefined;
  /** Shows how a job goes on. */
  progress(name: string): JobEvents;
}

const WARM_UP_MS_MAX = 2000;
const SEED = 0x51_5ce;

/** Runs `work` on a stage of its own, and clears it away however the work ends. */
export async function onStage<T>(
  options: { readonly seconds: number; readonly cpuProf: string | undefined },
  errors: Writer,
  work: (stage: Stage) => Promise<T>,
): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-bench-'));
  const remove = (): void => rmSync(directory, { recursive: true, force: true });
  // An interrupted run must leave neither the folder nor its processes behind: both are cleared at `exit`.
  const interrupt = (): void => process.exit(130);
  process.once('exit', remove);
  process.once('SIGINT', interrupt);
  process.once('SIGTERM', interrupt);
  const line = new ProgressLine(errors);
  const measureMs = options.seconds * 1000;
  try {
    return await work({
      directory,
      timing: { measureMs, warmUpMs: Math.min(WARM_UP_MS_MAX, measureMs / 4) },
      seed: SEED,
      cpuProf: options.cpuProf,
      progress: (name) => ({
        progress: (count, elapsedMs) => {
          const seconds = elapsedMs / 1000;
          line.show(
            `${name}: ${seconds.toFixed(0)} of ${options.seconds} s, ${Math.round(count / seconds).toLocaleString('en')}/s`,
          );
        },
      }),
    });
  } finally {
    line.clear();
    process.off('exit', remove);
    process.off('SIGINT', interrupt);
    process.off('SIGTERM', interrupt);
    remove();
  }
}
