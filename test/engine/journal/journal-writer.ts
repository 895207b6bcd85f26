/*
 * Child process of journal.test.ts and of the backup test.
 *   PATH N     appends up to N batches, three in flight, and prints the sequence of each when it is durable
 *   PATH fill  appends large and small batches in turn until one fails, and what became of each
 */
import { writeSync } from 'node:fs';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { makeBatch } from './make-batch.ts';

const [, , path = '', mode = ''] = process.argv;
const print = (line: string): void => void writeSync(1, `${line}\n`);
const journal = await LmdbJournal.open({ path, partition: 0 });

async function append(count: number): Promise<void> {
  const pending: Promise<void>[] = [];
  for (let n = 0; n < count; n++) {
    if (pending.length === 3) await pending.shift();
    const sequence = journal.nextSequence;
    const batch = makeBatch(1 + (n % 4), 16 * (1 + ((n * 613) % 1000)), sequence & 0xff);
    pending.push(
      journal
        .append(batch, batch.length, { timestamp: sequence, eventCount: 1 + (n % 4) })
        .then(() => print(`${sequence}`)),
    );
  }
  await Promise.all(pending);
}

async function fill(): Promise<void> {
  const pending: Promise<void>[] = [];
  for (let n = 0; n < 200 && journal.state === 'open'; n++) {
    const batch = makeBatch(1, n % 2 === 0 ? 200_000 : 16, n & 0xff);
    pending.push(
      journal.append(batch, batch.length, { timestamp: n, eventCount: 1 }).then(
        () => print(`ok ${n}`),
        (error: Error) => print(`failed ${n} ${error.name}`),
      ),
    );
    // A transaction of its own for each, several under way.
    await new Promise((resolve) => setImmediate(resolve));
    await new Promise((resolve) => setImmediate(resolve));
    if (pending.length >= 4) await pending.at(-4);
  }
  await Promise.all(pending);
  const later = await journal.append(makeBatch(1, 16, 0), 144, { timestamp: 1000, eventCount: 1 }).catch(String);
  print(`state ${journal.state} later ${later}`);
}

if (mode === 'fill') {
  await fill();
  process.exit(0);
}
await append(Number(mode));
await journal.close();
