/** `sluice verify DIR`: proves a data directory, or names everything that is wrong with it. */
import type { Command } from 'commander';
import type { Finding } from '../../storage/verify-journal.ts';
import { CommandFailure } from '../errors.ts';
import { command } from '../options.ts';
import { json } from '../output.ts';
import { ProgressLine, type Terminal } from '../terminal.ts';

export function registerVerify(program: Command, terminal: Terminal): void {
  command(
    program,
    'verify <dir>',
    'Check a data directory: checksums, hash chain, balanced books, state equal to replay. Names every finding.',
    ['sluice verify ./data', 'sluice verify /backups/2026-11-22 --json'],
  ).action(async (directory: string, options: { json?: boolean }) => {
    const { verifyDirectory } = await import('../../storage/verify.ts');
    const line = new ProgressLine(terminal.errors);
    const report = await verifyDirectory({ directory, onProgress: (progress) => line.progress(progress) });
    line.clear();
    if (options.json === true) terminal.output.write(json({ ok: report.findings.length === 0, ...report }));
    if (report.findings.length > 0) {
      if (options.json !== true) {
        for (const finding of report.findings) terminal.output.write(`${describe(finding)}\n`);
      }
      throw new CommandFailure(
        `${report.findings.length} finding${report.findings.length === 1 ? '' : 's'} in ${directory}: ` +
          'do not run a switch on it; restore a backup that verifies clean',
        {},
        true,
      );
    }
    if (options.json === true) return;
    const { partitions, batches, events, accounts, checkpoints, keysLookedUp } = report;
    terminal.output.write(
      `${directory} is whole: ${partitions} partition${partitions === 1 ? '' : 's'}, ${batches} batches, ${events} events, ` +
        `${accounts} accounts. Every book balances; ${checkpoints} checkpoint${checkpoints === 1 ? '' : 's'} equal to the ` +
        `replay, ${keysLookedUp} keys found in the index.\n`,
    );
  });
}

/** `partition 0 journal: checksum does not match (sequence 12, lsn 4096)`. */
function describe(finding: Finding): string {
  const { partition, where, problem, ...place } = finding;
  const details = Object.entries(place)
    .filter(([, value]) => value !== undefined)
    .map(([name, value]) => `${name} ${String(value)}`)
    .join(', ');
  const whose = partition === undefined ? '' : `partition ${partition} `;
  return `${whose}${where}: ${problem}${details === '' ? '' : ` (${details})`}`;
}
