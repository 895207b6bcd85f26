/** `sluice bench …`: hands everything to the benchmark, which has its own options. */
import type { Command } from 'commander';
import { CommandFailure } from '../errors.ts';

export function registerBench(program: Command): void {
  program
    .command('bench [arguments...]')
    .description('Measure the switch on this machine: starts one, loads it from other processes, prints figures.')
    .option('--json', 'End with one line of JSON instead of text.')
    .allowUnknownOption()
    .helpOption('-h, --help', 'Show this page; "sluice bench help" lists the workloads and their options.')
    .addHelpText(
      'after',
      '\nExamples:\n' +
        '  $ sluice bench ceiling --seconds 5\n' +
        '  $ sluice bench transfers --seconds 10 --json\n' +
        '  $ sluice bench payments --seconds 10 --rate 20000',
    )
    .action(async (words: string[], options: { json?: boolean }) => {
      const { runBench } = await import('../../../bench/main.ts');
      const code = await runBench(options.json === true ? [...words, '--json'] : words);
      if (code !== 0) throw new CommandFailure(`the benchmark ended with code ${code}: see what it printed above`);
    });
}
