/*
 * Process entry, see storage/guarded.ts. Input: a PartitionInput or a ControlInput. Reports { finding } and
 * { part, done, total }; answers how much there was.
 */
import { z } from 'zod';
import { answerGuarded, type PlainData } from '../storage/guarded.ts';
import type { Finding } from '../storage/verify-journal.ts';
import { verifyControl } from './verify-control.ts';
import { type PartitionCounts, verifyPartition } from './verify-partition.ts';

const count = z.number().int().nonnegative();
const inputSchema = z.discriminatedUnion('part', [
  z.object({
    part: z.literal('partition'),
    journalPath: z.string(),
    indexPath: z.string(),
    partition: count,
    partitions: count,
    hashSeed: count,
  }),
  z.object({ part: z.literal('control'), path: z.string() }),
]);

/** Findings that are told of one part; a destroyed file would have millions. */
const FINDINGS_MAX = 1000;

function plain({ clearing, ...counts }: PartitionCounts): PlainData {
  return { ...counts, clearing: clearing.map((standing) => ({ ...standing })) };
}

answerGuarded(async (data, report) => {
  const input = inputSchema.parse(data);
  let findings = 0;
  const onFinding = (finding: Finding): void => {
    if (findings++ < FINDINGS_MAX) report({ finding: { ...finding } });
  };
  const onProgress = (done: number, total: number, part: string): void => report({ part, done, total });
  const counts: PlainData =
    input.part === 'control'
      ? { entries: await verifyControl(input.path, onFinding) }
      : plain(await verifyPartition({ ...input, onFinding, onProgress }));
  return { counts, findings };
});
