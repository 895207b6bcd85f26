/** `sluice backup TO`: copies a data directory, also while the switch runs on it. */
import type { Command } from 'commander';
import { OPTIONS } from '../../config/options.ts';
import { command } from '../options.ts';
import { formatBytes, json } from '../output.ts';
import { ProgressLine, type Terminal } from '../terminal.ts';

export function registerBackup(program: Command, terminal: Terminal): void {
  command(program, 'backup <to>', 'Copy the data directory to an empty folder, also while the switch runs.', [
    'sluice backup /backups/2026-11-22',
    'sluice backup /backups/today --data-dir /var/lib/sluice --json',
  ])
    .option('--data-dir <dir>', 'Data directory to copy. (environment: SLUICE_DATA_DIR)')
    .action(async (to: string, options: { json?: boolean; dataDir?: string }) => {
      const { backupDirectory } = await import('../../storage/backup.ts');
      const from = options.dataDir ?? terminal.environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
      const line = new ProgressLine(terminal.errors);
      const manifest = await backupDirectory({ from, to, onProgress: (progress) => line.copied(progress) });
      line.clear();
      const bytes = manifest.files.reduce((total, file) => total + file.bytes, 0);
      terminal.output.write(
        options.json === true
          ? json({ from, to, files: manifest.files.length, bytes })
          : `Copied ${from} to ${to}: ${manifest.files.length} files, ${formatBytes(bytes)}.\n`,
      );
    });
}
