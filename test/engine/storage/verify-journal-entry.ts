import { answerGuarded, type PlainData } from '../../../engine/storage/guarded.ts';
import { verifyJournal } from '../../../engine/storage/verify-journal.ts';

/*
 * Process entry: checks the structure of one journal. Input { path, partition }; reports { finding } and
 * { done, total }; answers a JournalReport. See runGuarded.
 */

function field(input: PlainData, name: string): unknown {
  return typeof input === 'object' && input !== null ? Reflect.get(input, name) : undefined;
}

answerGuarded(async (input, report) => {
  const path = field(input, 'path');
  const partition = field(input, 'partition');
  if (typeof path !== 'string' || typeof partition !== 'number') throw new TypeError('path and partition are needed');
  const found = await verifyJournal({
    path,
    partition,
    onFinding: (finding) => report({ finding: { ...finding } }),
    onProgress: (done, total) => report({ done, total }),
  });
  return { ...found };
});
