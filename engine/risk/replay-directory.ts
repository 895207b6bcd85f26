/** Puts the payments of a data directory to a rule set, from the first batch of each partition on, in the order of their times. */
import { LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { LmdbJournal } from '../journal/journal.ts';
import { readDirectory } from '../storage/directory.ts';
import { type ReplayBounds, type ReplayedRules, RuleReplay } from './replay-rules.ts';
import type { RuleSet } from './rule-set.ts';

/**
 * The directory may be in use. What a partition counts for another is seen at once here; while it was decided it could be under way for
 * a moment.
 */
export async function replayDirectory(path: string, ruleSet: RuleSet, bounds: ReplayBounds): Promise<ReplayedRules> {
  const replay = new RuleReplay(ruleSet, bounds);
  const readers: JournalReader[] = [];
  try {
    for (const [partition, place] of readDirectory(path).partitions.entries()) {
      readers.push(new JournalReader(await LmdbJournal.open({ path: place.journal, partition, readOnly: true })));
    }
    for (let reader = earliest(readers); reader !== undefined; reader = earliest(readers)) replay.batch(reader.take());
  } finally {
    await Promise.all(readers.map((reader) => reader.close()));
  }
  return replay.report;
}

/** The batches of one partition. */
class JournalReader {
  readonly #journal: LmdbJournal;
  #lsn = 0;
  /** Time of the next batch, microseconds since 1970; Infinity after the last. */
  time = 0;

  constructor(journal: LmdbJournal) {
    this.#journal = journal;
    this.#readTime();
  }

  take(): Uint8Array {
    const { bytes } = this.#journal.read(this.#lsn);
    this.#lsn += bytes.length / LSN_UNIT_BYTES;
    const taken = bytes.slice();
    this.#readTime();
    return taken;
  }

  #readTime(): void {
    const isAtEnd = this.#lsn >= this.#journal.nextLsn;
    this.time = isAtEnd ? Number.POSITIVE_INFINITY : readBatchHeader(this.#journal.read(this.#lsn).bytes).timestamp;
  }

  close(): Promise<void> {
    return this.#journal.close();
  }
}

function earliest(readers: readonly JournalReader[]): JournalReader | undefined {
  const time = Math.min(...readers.map((reader) => reader.time));
  return Number.isFinite(time) ? readers.find((reader) => reader.time === time) : undefined;
}
