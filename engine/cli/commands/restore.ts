/** `sluice restore FROM TO`: makes a data directory from a backup whose files all match their checksums. */
import type { Command } from 'commander';
import { command } from '../options.ts';
import { json } from '../output.ts';
import { ProgressLine, type Terminal } from '../terminal.ts';

export function registerRestore(program: Command, terminal: Terminal): void {
  command(program, 'restore <from> <to>', 'Make a data directory from a backup; the folder must be empty or new.', [
    'sluice restore /backups/2026-11-22 ./data',
    'sluice restore /backups/2026-11-22 /var/lib/sluice --json',
  ]).action(async (from: string, to: string, options: { json?: boolean }) => {
    const { restoreDirectory } = await import('../../storage/restore.ts');
    const line = new ProgressLine(terminal.errors);
    await restoreDirectory({ from, to, onProgress: (progress) => line.copied(progress) });
    line.clear();
    terminal.output.write(
      options.json === true ? json({ from, to }) : `Restored ${from} to ${to}. Check it with "sluice verify ${to}".\n`,
    );
  });
}
