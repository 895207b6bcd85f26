/** `sluice journal`: the newest events of a data directory, also while the switch runs. */
import type { Command } from 'commander';
import { OPTIONS } from '../../config/options.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES, readBatchHeader } from '../../journal/header.ts';
import type { LmdbJournal } from '../../journal/journal.ts';
import { readWhole } from '../arguments.ts';
import { UsageError } from '../errors.ts';
import { type JournalEntry, JournalView } from '../journal-view.ts';
import { command } from '../options.ts';
import { formatTime, json, table } from '../output.ts';
import type { Terminal } from '../terminal.ts';

interface JournalCommandOptions {
  readonly dataDir?: string;
  readonly partition: string;
  readonly last: string;
  readonly json?: boolean;
}

const LAST_MAX = 10_000;

export function registerJournal(program: Command, terminal: Terminal): void {
  command(program, 'journal', 'Show the newest events of the journal, newest last, also while the switch runs.', [
    'sluice journal',
    'sluice journal --last 100 --data-dir /var/lib/sluice --json',
  ])
    .option('--data-dir <dir>', 'Data directory to read. (environment: SLUICE_DATA_DIR)')
    .option('--partition <number>', 'Which partition.', '0')
    .option('--last <count>', 'How many events.', '10')
    .action(async (options: JournalCommandOptions) => {
      const { LmdbJournal } = await import('../../journal/journal.ts');
      const { readDirectory } = await import('../../storage/directory.ts');
      const path = options.dataDir ?? terminal.environment.SLUICE_DATA_DIR ?? OPTIONS.dataDir.default;
      const wanted = readWhole(options.last, 'the number of events', 1, LAST_MAX);
      const { partitions } = readDirectory(path);
      const partition = readWhole(options.partition, 'the partition', 0, partitions.length - 1);
      const place = partitions[partition];
      if (place === undefined) throw new UsageError(`there is no partition ${partition}`);
      const journal = await LmdbJournal.open({ path: place.journal, partition, readOnly: true });
      try {
        print(newest(journal, partition, wanted), options.json === true, terminal);
      } finally {
        await journal.close();
      }
    });
}

interface Dated extends JournalEntry {
  /** Microseconds since 1970. */
  readonly timestamp: number;
  /** Sequence number of its batch. */
  readonly batch: number;
}

/** The last `wanted` events, oldest first. */
function newest(journal: LmdbJournal, partition: number, wanted: number): readonly Dated[] {
  const view = new JournalView(journal, partition, journal.nextLsn);
  const entries: Dated[] = [];
  let end = journal.nextLsn;
  while (end > 0 && entries.length < wanted) {
    const { bytes, offset } = journal.read(end - 1);
    const start = end - 1 - offset / LSN_UNIT_BYTES;
    entries.unshift(...eventsOf(view, bytes, start));
    end = start;
  }
  return entries.slice(-wanted);
}

function eventsOf(view: JournalView, bytes: Uint8Array, start: number): Dated[] {
  const { timestamp, sequence } = readBatchHeader(bytes);
  const entries: Dated[] = [];
  for (let at = BATCH_HEADER_BYTES; at < bytes.length; ) {
    const { entry, length } = view.read(bytes, at, start + at / LSN_UNIT_BYTES);
    entries.push({ ...entry, timestamp, batch: sequence });
    at += length;
  }
  return entries;
}

function print(entries: readonly Dated[], asJson: boolean, terminal: Terminal): void {
  if (asJson) {
    terminal.output.write(
      json(entries.map(({ timestamp, ...entry }) => ({ at: formatTime(BigInt(timestamp)), ...entry }))),
    );
    return;
  }
  const columns = ['AT', 'BATCH', 'POSITION', 'EVENT', 'RESULT', ''].map((title) => ({ title }));
  const rows = entries.map(({ timestamp, batch, lsn, event, result, summary }) => [
    formatTime(BigInt(timestamp)),
    String(batch),
    String(lsn),
    event,
    result,
    summary,
  ]);
  terminal.output.write(`${table(columns, rows)}\n`);
}
