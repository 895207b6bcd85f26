import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { open } from 'lmdb';
import { describe, expect, it, onTestFinished } from 'vitest';
import { batchHash, checkBatch, NO_HASH, readBatchHeader } from '../../../engine/journal/header.ts';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { makeBatch } from './make-batch.ts';
import { RUN_TYPESCRIPT, temporaryFolder } from './support.ts';

async function openJournal(path: string, readOnly = false): Promise<LmdbJournal> {
  const journal = await LmdbJournal.open({ path, partition: 0, readOnly });
  onTestFinished(() => journal.close());
  return journal;
}

/** The writer's child: prints `LSN sequence` of each batch after its append has resolved. */
const WRITER = fileURLToPath(new URL('./journal-writer.ts', import.meta.url));

describe('LmdbJournal', () => {
  it('starts empty', async () => {
    const journal = await openJournal(temporaryFolder());
    expect(journal).toMatchObject({ nextLsn: 0, nextSequence: 1, lastTimestamp: 0, state: 'open', partition: 0 });
    expect(journal.lastHash).toEqual(NO_HASH);
    expect([...journal.batches(0)]).toEqual([]);
    expect(() => journal.read(0)).toThrow(RangeError);
    await journal.durable();
  });

  // In a B-tree page, just above a page, over several pages: they are read in different ways.
  it.each([16, 1904, 1920, 4096, 100_000])(
    'gives back events of %i bytes, at once and after reopening',
    async (size) => {
      const path = temporaryFolder();
      const batches = Array.from({ length: 40 }, (_, n) => makeBatch(1 + (n % 3), size, n));
      const starts: number[] = [];
      const check = (journal: LmdbJournal, upTo: number) => {
        for (let n = upTo - 1; n >= 0; n = n - 1 - (n % 4)) {
          for (let event = 0; event < 1 + (n % 3); event++) {
            const at = 128 + event * size;
            const { bytes, offset } = journal.read((starts[n] ?? 0) + at / 16);
            expect(offset).toBe(at);
            expect(Buffer.compare(bytes, batches[n]!)).toBe(0);
          }
        }
      };
      const journal = await openJournal(path);
      for (const [n, batch] of batches.entries()) {
        starts.push(journal.nextLsn);
        const done = journal.append(batch, batch.length, { timestamp: 1000 + n, eventCount: 1 + (n % 3) });
        check(journal, n + 1);
        await done;
        check(journal, n + 1);
      }
      const { nextLsn, lastHash } = journal;
      await journal.close();
      const again = await openJournal(path);
      expect(again).toMatchObject({ nextLsn, nextSequence: 41, lastTimestamp: 1039, lastHash });
      check(again, 40);
    },
  );

  it('chains: LSNs without a gap, sequences, hashes', async () => {
    const journal = await openJournal(temporaryFolder());
    for (let n = 0; n < 50; n++) {
      const batch = makeBatch(n % 7, 48, n);
      await journal.append(batch, batch.length, { timestamp: 5, eventCount: n % 7 });
    }
    let lsn = 0;
    let sequence = 1;
    let previousHash = NO_HASH;
    for (const batch of journal.batches(0)) {
      expect(batch.lsn).toBe(lsn);
      expect(checkBatch(batch.bytes, { lsn, sequence, partition: 0, previousHash })).toEqual({ ok: true });
      previousHash = batchHash(batch.bytes);
      lsn += batch.bytes.length / 16;
      sequence++;
    }
    expect(sequence).toBe(51);
    expect(lsn).toBe(journal.nextLsn);
    expect(journal.lastHash).toEqual(previousHash);
  });

  it('resolves pipelined appends in order, each readable before and after', async () => {
    const journal = await openJournal(temporaryFolder());
    const resolved: number[] = [];
    const pending: Promise<void>[] = [];
    for (let n = 0; n < 60; n++) {
      const batch = makeBatch(1, n % 5 === 0 ? 400_000 : 32, n);
      const lsn = journal.nextLsn;
      const appended = journal.append(batch, batch.length, { timestamp: n, eventCount: 1 });
      expect(journal.read(lsn + 8).bytes[8 + 128]).toBe(n);
      pending.push(
        appended.then(() => {
          // The caller's buffer is its own again: the journal must read from its storage now.
          batch.fill(0xff);
          resolved.push(n);
          const { bytes, offset } = journal.read(lsn + 8);
          expect(bytes[offset + 8]).toBe(n);
        }),
      );
      // Some share an event-loop turn, and so a transaction; others do not.
      if (n % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
    }
    await journal.durable();
    await Promise.all(pending);
    expect(resolved).toEqual(Array.from({ length: 60 }, (_, n) => n));
    expect([...journal.batches(0)].every(({ bytes }) => checkBatch(bytes).ok)).toBe(true);
  });

  it('walks a part: from the batch that holds an LSN to the one before the end', async () => {
    const journal = await openJournal(temporaryFolder());
    for (let n = 0; n < 10; n++) {
      const batch = makeBatch(2, 64, n);
      await journal.append(batch, batch.length, { timestamp: n, eventCount: 2 });
    }
    const unit = journal.nextLsn / 10;
    const starts = (from: number, to?: number) => [...journal.batches(from, to)].map(({ lsn }) => lsn / unit);
    expect(starts(3 * unit + 9, 7 * unit)).toEqual([3, 4, 5, 6]);
    expect(starts(8 * unit)).toEqual([8, 9]);
    expect(starts(10 * unit)).toEqual([]);
    expect(starts(9 * unit + 1, 99 * unit)).toEqual([9]);
  });

  it('a reader in the same process sees an append as soon as it is durable', async () => {
    const path = temporaryFolder();
    const journal = await openJournal(path);
    const first = makeBatch(1, 4992, 1);
    await journal.append(first, first.length, { timestamp: 1, eventCount: 1 });
    const reader = await openJournal(path, true);
    expect(reader.nextSequence).toBe(2);
    expect(reader.read(8).bytes[136]).toBe(1);
    await expect(reader.append(makeBatch(1, 16, 1), 144, { timestamp: 1, eventCount: 1 })).rejects.toThrow(
      'reading only',
    );
    expect(journal.state).toBe('open');
  });

  it('refuses a clock that goes back, shared memory, and use after close', async () => {
    const journal = await openJournal(temporaryFolder());
    await journal.append(makeBatch(1, 16, 1), 144, { timestamp: 9, eventCount: 1 });
    expect(() => journal.append(makeBatch(1, 16, 1), 144, { timestamp: 8, eventCount: 1 })).toThrow(RangeError);
    const shared = new Uint8Array(new SharedArrayBuffer(144));
    expect(() => journal.append(shared, 144, { timestamp: 9, eventCount: 1 })).toThrow(TypeError);
    const large = makeBatch(1, 8192, 2);
    await journal.append(large, large.length, { timestamp: 9, eventCount: 1 });
    const view = journal.read(journal.nextLsn - 1).bytes;
    expect(view.length).toBe(large.length);
    await journal.close();
    expect(view.length).toBe(0);
    await expect(journal.append(makeBatch(1, 16, 1), 144, { timestamp: 9, eventCount: 1 })).rejects.toThrow('closed');
    expect(journal.state).toBe('closed');
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, bytes.length - 16)],
    ['cut to nothing', (bytes: Buffer) => bytes.subarray(0, 0)],
    ['filled with garbage', (bytes: Buffer) => bytes.fill(0x5a, 128)],
    ['of another partition', () => makeSealedFor(3)],
  ])('refuses to open when the last batch is %s, and says where', async (_, damage) => {
    const path = temporaryFolder();
    const journal = await openJournal(path);
    for (let n = 0; n < 3; n++) await journal.append(makeBatch(1, 32, n), 160, { timestamp: n, eventCount: 1 });
    await journal.close();
    const root = open({ path, overlappingSync: false });
    const batches = root.openDB<Buffer, number>({ name: 'batches', encoding: 'binary' });
    await batches.put(20, damage(Buffer.from(batches.get(20)!)));
    await root.close();
    await expect(LmdbJournal.open({ path, partition: 0 })).rejects.toThrow(/last batch, at LSN 20, is damaged/);
  });

  it('refuses to open when the batch before the last is another one', async () => {
    const path = temporaryFolder();
    const journal = await openJournal(path);
    for (let n = 0; n < 3; n++) await journal.append(makeBatch(1, 32, n), 160, { timestamp: n, eventCount: 1 });
    await journal.close();
    const root = open({ path, overlappingSync: false });
    const batches = root.openDB<Buffer, number>({ name: 'batches', encoding: 'binary' });
    await batches.put(10, Buffer.from(batches.get(10)!).fill(1, 150, 151));
    await root.close();
    await expect(LmdbJournal.open({ path, partition: 0 })).rejects.toThrow(/chain/);
  });
});

function makeSealedFor(partition: number): Buffer {
  const bytes = Buffer.from(makeBatch(1, 32, 1));
  bytes.writeUInt32LE(0x314a4c53, 0);
  bytes.writeUInt32LE(partition, 40);
  return bytes;
}

describe('a process that ends', () => {
  it('by SIGKILL during appends loses nothing that it was told is durable', async () => {
    const path = temporaryFolder();
    let durable = 0;
    for (let round = 1; round <= 3; round++) {
      const child = spawn(process.execPath, [...RUN_TYPESCRIPT, WRITER, path, '100000'], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const gone = once(child, 'close');
      let lines = 0;
      for await (const line of createInterface({ input: child.stdout })) {
        durable = Number(line);
        if (++lines === 40 * round) child.kill('SIGKILL');
      }
      expect((await gone)[1]).toBe('SIGKILL');
      const journal = await openJournal(path);
      expect(journal.nextSequence).toBeGreaterThan(durable);
      let sequence = 0;
      let previousHash = NO_HASH;
      for (const { bytes } of journal.batches(0)) {
        sequence++;
        expect(checkBatch(bytes, { sequence, previousHash }), `sequence ${sequence}`).toEqual({ ok: true });
        expect(readBatchHeader(bytes).timestamp).toBe(sequence);
        previousHash = batchHash(bytes);
      }
      expect(sequence).toBe(journal.nextSequence - 1);
      await journal.close();
    }
  }, 60_000);

  it('after a failed write rejects that append and all later ones, and leaves no hole', async () => {
    const path = temporaryFolder();
    // The file may not grow beyond 4 MB (ulimit counts in KiB): a write in the middle fails as on a full disk. Small
    // batches after the large one that failed would still fit.
    const script = `ulimit -f 4096; exec "$@"`;
    const child = spawn('bash', ['-c', script, '-', process.execPath, ...RUN_TYPESCRIPT, WRITER, path, 'fill'], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    const lines: string[] = [];
    for await (const line of createInterface({ input: child.stdout })) lines.push(line);
    const outcomes = lines.filter((line) => /^(ok|failed) /.test(line)).map((line) => line.split(' ')[0]);
    const firstFailure = outcomes.indexOf('failed');
    expect(firstFailure).toBeGreaterThan(0);
    expect(outcomes.slice(firstFailure).every((outcome) => outcome === 'failed')).toBe(true);
    expect(lines.at(-1)).toMatch(/^state failed later JournalError: .*could not be written/);
    const journal = await openJournal(path);
    const batches = [...journal.batches(0)];
    expect(batches.length).toBe(firstFailure);
    expect(batches.every(({ bytes }, n) => checkBatch(bytes, { sequence: n + 1 }).ok)).toBe(true);
  }, 30_000);
});
