/**
 * Proves a data directory, or names everything that is wrong with it. Each part is read in a process of its own, because a
 * damaged page of LMDB can end the process that meets it; nothing is written.
 *
 * A directory in use is refused: the switch would remove segments under the reader. `backup` works beside a running
 * switch, and a backup can be verified like any other directory.
 */
import { readDirectory, refuseLocked } from './directory.ts';
import { type PlainData, runGuarded } from './guarded.ts';
import { ClearingCheck, type ClearingPair } from './verify-clearing.ts';
import type { Finding } from './verify-journal.ts';

export interface VerifyProgress {
  /** What is being read, for a person. */
  readonly phase: string;
  readonly done: number;
  readonly total: number;
}

export interface VerifyOptions {
  readonly directory: string;
  readonly onProgress?: (progress: VerifyProgress) => void;
}

export interface VerifyReport {
  readonly partitions: number;
  readonly batches: number;
  readonly events: number;
  readonly accounts: number;
  readonly holds: number;
  readonly checkpoints: number;
  readonly segments: number;
  readonly segmentEntries: number;
  /** Keys of the journal that were looked up in the segments of the newest checkpoint. */
  readonly keysLookedUp: number;
  /** How partitions stand with each other. */
  readonly clearing: readonly ClearingPair[];
  readonly findings: readonly Finding[];
}

const COUNTS = [
  'batches',
  'events',
  'accounts',
  'holds',
  'checkpoints',
  'segments',
  'segmentEntries',
  'keysLookedUp',
] as const;

const ENTRY = new URL('../verify/entry.js', import.meta.url);

/** Throws a DirectoryError when it is no data directory, or a switch runs on it. */
export async function verifyDirectory({ directory, onProgress }: VerifyOptions): Promise<VerifyReport> {
  const opened = readDirectory(directory);
  refuseLocked(opened);
  const { info } = opened;
  const totals = Object.fromEntries(COUNTS.map((name) => [name, 0])) as Record<(typeof COUNTS)[number], number>;
  const findings: Finding[] = [];
  const clearing = new ClearingCheck();

  const check = async (input: PlainData, where: string, partition?: number): Promise<void> => {
    const before = findings.length;
    const result = await runGuarded({
      entry: ENTRY,
      input,
      where,
      ...(partition === undefined ? {} : { partition }),
      onReport: (data) => {
        const finding = field(data, 'finding');
        const done = field(data, 'done');
        const total = field(data, 'total');
        if (finding !== undefined) findings.push(finding as Finding);
        else if (typeof done === 'number' && typeof total === 'number') {
          onProgress?.({ phase: `partition ${partition} ${String(field(data, 'part'))}`, done, total });
        }
      },
    });
    if (!result.ok) {
      findings.push(result.finding);
      if (partition !== undefined) clearing.add(partition, undefined);
      return;
    }
    const counts = field(result.value, 'counts');
    for (const name of COUNTS) totals[name] += Number(field(counts, name) ?? 0);
    if (partition !== undefined) clearing.add(partition, field(counts, 'clearing'));
    const untold = Number(field(result.value, 'findings')) - (findings.length - before);
    if (untold > 0)
      findings.push({ where, problem: `${untold} more findings`, ...(partition === undefined ? {} : { partition }) });
  };

  await check({ part: 'control', path: opened.control }, 'control');
  for (const [partition, { journal, index }] of opened.partitions.entries()) {
    const { partitions, hashSeed } = info;
    const input = { part: 'partition', journalPath: journal, indexPath: index, partition, partitions, hashSeed };
    await check(input, 'storage', partition);
  }
  // What a switch that was started meanwhile has changed would look like damage.
  refuseLocked(opened);
  findings.push(...clearing.findings());
  return { partitions: info.partitions, ...totals, clearing: clearing.pairs, findings };
}

function field(data: unknown, name: string): unknown {
  return typeof data === 'object' && data !== null ? Reflect.get(data, name) : undefined;
}
