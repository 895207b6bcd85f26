/** Puts the payments of a data directory to a rule set: partition after partition, from the first batch. */
import { LmdbJournal } from '../journal/journal.ts';
import { readDirectory } from '../storage/directory.ts';
import { type ReplayBounds, type ReplayedRules, RuleReplay } from './replay-rules.ts';
import type { RuleSet } from './rule-set.ts';

/** The directory may be in use. Features that are counted elsewhere than where the payer lives are those of the payer's partition. */
export async function replayDirectory(path: string, ruleSet: RuleSet, bounds: ReplayBounds): Promise<ReplayedRules> {
  const { partitions } = readDirectory(path);
  const reports: ReplayedRules[] = [];
  for (const [partition, place] of partitions.entries()) {
    const journal = await LmdbJournal.open({ path: place.journal, partition, readOnly: true });
    try {
      const replay = new RuleReplay(ruleSet, bounds);
      for (let lsn = 0; lsn < journal.nextLsn; ) {
        const { bytes } = journal.read(lsn);
        replay.batch(bytes);
        lsn += bytes.length / 16;
      }
      reports.push(replay.report);
    } finally {
      await journal.close();
    }
  }
  return {
    payments: reports.reduce((sum, { payments }) => sum + payments, 0),
    changed: reports.reduce((sum, { changed }) => sum + changed, 0),
    changes: merged(reports.map(({ changes }) => changes)),
    hits: merged(reports.map(({ hits }) => hits)),
    examples: reports.flatMap(({ examples }) => examples).slice(0, bounds.examplesMax),
  };
}

function merged(counts: readonly Readonly<Record<string, number>>[]): Record<string, number> {
  const sum: Record<string, number> = {};
  for (const part of counts) for (const [key, count] of Object.entries(part)) sum[key] = (sum[key] ?? 0) + count;
  return sum;
}
