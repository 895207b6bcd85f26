/** `sluice bench`: measures the switch on this machine. */
import type { Terminal, Writer } from '../engine/cli/terminal.ts';
import { type BenchOptions, HELP, readOptions } from './options.ts';
import {
  type CeilingReport,
  ceilingReport,
  describe,
  type GrowthReport,
  growthReport,
  type LoadReport,
  loadReport,
} from './report.ts';
import { onStage } from './stage.ts';
import { measureCeiling } from './workloads/ceiling.ts';
import { measureGrowth } from './workloads/growth.ts';
import { measureLoad } from './workloads/switch-load.ts';

/**
 * Runs what the words after `sluice bench` ask for and answers the exit code.
 * @throws UsageError for words that make no sense
 */
export async function runBench(
  argv: readonly string[],
  terminal: Pick<Terminal, 'output' | 'errors'> = { output: process.stdout, errors: process.stderr },
): Promise<number> {
  const request = readOptions(argv);
  switch (request.type) {
    case 'help':
      terminal.output.write(HELP);
      return 0;
    case 'micro': {
      // Only here is the measured code needed in this process.
      const { describeMicro, runMicro } = await import('./micro/micro.ts');
      const results = await runMicro(request.seconds, terminal.errors);
      const text = request.json ? `${JSON.stringify({ workload: 'micro', results })}\n` : describeMicro(results);
      terminal.output.write(text);
      return 0;
    }
    case 'run': {
      const report = await measure(request.options, terminal.errors);
      terminal.output.write(request.options.json ? `${JSON.stringify(report)}\n` : describe(report));
      return 0;
    }
  }
}

/** Runs one workload, in processes of its own. */
export function measure(options: BenchOptions, errors: Writer): Promise<LoadReport | CeilingReport | GrowthReport> {
  const { workload } = options;
  return onStage(options, errors, async (stage) => {
    if (workload === 'ceiling') return ceilingReport(await measureCeiling(stage));
    if (workload === 'growth') return growthReport(options, await measureGrowth(options, stage));
    const ceiling = options.compare ? await measureCeiling(stage) : undefined;
    return loadReport(workload, options, await measureLoad(workload, options, stage), ceiling);
  });
}
