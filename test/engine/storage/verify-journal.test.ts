import { closeSync, openSync, readFileSync, statSync, truncateSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { batchHash, NO_HASH, readBatchHeader, sealBatch } from '../../../engine/journal/header.ts';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { runGuarded } from '../../../engine/storage/guarded.ts';
import { type Finding, type JournalReport, verifyJournal } from '../../../engine/storage/verify-journal.ts';
import { makeBatch } from '../journal/make-batch.ts';
import { RUN_TYPESCRIPT, temporaryFolder } from '../journal/support.ts';

const ENTRY = new URL('./verify-journal-entry.ts', import.meta.url);

/** A journal of batches with two events of `eventBytes` each; answers where they start. */
async function writeJournal(path: string, count: number, eventBytes: number): Promise<number[]> {
  const journal = await LmdbJournal.open({ path, partition: 0 });
  const starts: number[] = [];
  for (let n = 0; n < count; n++) {
    starts.push(journal.nextLsn);
    const batch = makeBatch(2, eventBytes, n);
    void journal.append(batch, batch.length, { timestamp: 100 + n, eventCount: 2 });
  }
  await journal.durable();
  await journal.close();
  return starts;
}

/** Changes stored values behind the journal's back. */
async function tamper(path: string, change: (batches: Tampering) => Promise<unknown>): Promise<void> {
  const root = open({ path, overlappingSync: false });
  const batches = root.openDB<Buffer, number>({ name: 'batches', encoding: 'binary' });
  const bytesAt = (lsn: number) => Buffer.from(batches.get(lsn)!);
  await change({
    bytesAt,
    put: (lsn, bytes) => batches.put(lsn, Buffer.from(bytes)),
    remove: (lsn) => batches.remove(lsn),
  });
  await root.close();
}

interface Tampering {
  bytesAt(lsn: number): Buffer;
  put(lsn: number, bytes: Uint8Array): Promise<boolean>;
  remove(lsn: number): Promise<boolean>;
}

async function verify(path: string): Promise<{ report: JournalReport; findings: Finding[]; replayed: number[] }> {
  const findings: Finding[] = [];
  const replayed: number[] = [];
  const report = await verifyJournal({
    path,
    partition: 0,
    onFinding: (finding) => findings.push(finding),
    onBatch: ({ header, bytes }) => {
      expect(bytes.length).toBe(header.length);
      replayed.push(header.sequence);
    },
  });
  expect(report.findings).toBe(findings.length);
  return { report, findings, replayed };
}

describe('verifyJournal', () => {
  it('finds nothing in a whole journal and hands every batch over, in order', async () => {
    const path = temporaryFolder();
    // More than one chunk of keys.
    const starts = await writeJournal(path, 1100, 16);
    const { report, findings, replayed } = await verify(path);
    expect(findings).toEqual([]);
    expect(replayed).toEqual(starts.map((_, n) => n + 1));
    expect(report).toEqual({ batches: 1100, events: 2200, bytes: 1100 * 160, findings: 0, nextLsn: 11_000 });
  });

  it('finds nothing in an empty journal', async () => {
    const path = temporaryFolder();
    await writeJournal(path, 0, 16);
    expect((await verify(path)).report).toEqual({ batches: 0, events: 0, bytes: 0, findings: 0, nextLsn: 0 });
  });

  it.each(['every first, middle, last batch', 'large batches'])(
    'finds every flipped byte: %s',
    async (which) => {
      const eventBytes = which === 'large batches' ? 3000 * 16 : 16;
      const path = temporaryFolder();
      const starts = await writeJournal(path, 5, eventBytes);
      for (const at of [0, 2, 4]) {
        const lsn = starts[at]!;
        const length = 128 + 2 * eventBytes;
        const step = eventBytes === 16 ? 1 : 9973;
        for (let offset = 0; offset < length; offset += step) {
          await tamper(path, ({ bytesAt, put }) => put(lsn, flip(bytesAt(lsn), offset)));
          const { findings, replayed } = await verify(path);
          expect(findings.length, `byte ${offset}`).toBe(1);
          expect(findings[0]).toMatchObject({ partition: 0, where: 'journal', sequence: at + 1, lsn });
          expect(replayed).toEqual([1, 2, 3, 4, 5].filter((sequence) => sequence !== at + 1));
          await tamper(path, ({ bytesAt, put }) => put(lsn, flip(bytesAt(lsn), offset)));
        }
      }
      expect((await verify(path)).findings).toEqual([]);
    },
    60_000,
  );

  it('finds a batch that was changed and sealed again: the next one knows the hash of the first', async () => {
    const path = temporaryFolder();
    const starts = await writeJournal(path, 4, 32);
    await tamper(path, async ({ bytesAt, put }) => {
      const bytes = bytesAt(starts[1]!);
      const header = readBatchHeader(bytes);
      bytes[150] = 99;
      sealBatch(bytes, bytes.length, header);
      await put(starts[1]!, bytes);
    });
    const { findings, replayed } = await verify(path);
    expect(findings).toEqual([
      expect.objectContaining({
        sequence: 3,
        lsn: starts[2],
        byteOffset: 48,
        problem: expect.stringMatching(/^chain/),
      }),
    ]);
    expect(replayed).toEqual([1, 2, 3, 4]);
  });

  it('names all findings and goes on: a hole, a wrong clock, events that do not add up, a foreign batch', async () => {
    const path = temporaryFolder();
    const starts = await writeJournal(path, 12, 32);
    const reseal = async (t: Tampering, n: number, change: object, touch?: (bytes: Buffer) => void) => {
      const bytes = t.bytesAt(starts[n]!);
      touch?.(bytes);
      sealBatch(bytes, bytes.length, { ...readBatchHeader(bytes), ...change });
      await t.put(starts[n]!, bytes);
    };
    await tamper(path, async (t) => {
      await t.remove(starts[2]!);
      await reseal(t, 4, { timestamp: 50 });
      await reseal(t, 6, {}, (bytes) => bytes.writeUInt32LE(40, 128 + 4));
      await reseal(t, 8, { partition: 9 });
      await reseal(t, 10, { lsn: 1, sequence: 77 });
    });
    const { findings, replayed } = await verify(path);
    const told = findings.map(({ sequence, problem }) => `${sequence} ${problem.split(/[ :]/)[0]}`);
    expect(told).toEqual([
      '3 gap',
      '5 timestamp',
      '6 chain',
      '7 events',
      '9 partition',
      '10 chain',
      '77 lsn',
      '12 sequence',
    ]);
    expect(replayed).toEqual([1, 2, 4, 5, 6, 8, 9, 10, 77, 12]);
  });

  it.each([
    ['cut short', (bytes: Buffer) => bytes.subarray(0, 150), /^length/],
    ['cut inside its header', (bytes: Buffer) => bytes.subarray(0, 100), /^short/],
    ['empty', (bytes: Buffer) => bytes.subarray(0, 0), /^short/],
    ['garbage', (bytes: Buffer) => bytes.fill(0x77), /^magic/],
    ['zeros after a while', (bytes: Buffer) => bytes.fill(0, 140), /^crc/],
  ])('names a torn tail: the last value %s', async (_, damage, problem) => {
    for (const eventBytes of [32, 8192]) {
      const path = temporaryFolder();
      const starts = await writeJournal(path, 3, eventBytes);
      await tamper(path, ({ bytesAt, put }) => put(starts[2]!, damage(bytesAt(starts[2]!))));
      const { findings } = await verify(path);
      expect(findings).toEqual([
        expect.objectContaining({ sequence: 3, lsn: starts[2], problem: expect.stringMatching(problem) }),
      ]);
    }
  });

  it('names a damaged value in the middle once, also when its length is gone', async () => {
    const path = temporaryFolder();
    const starts = await writeJournal(path, 4, 64);
    await tamper(path, ({ bytesAt, put }) => put(starts[1]!, bytesAt(starts[1]!).subarray(0, 60)));
    const { findings, replayed } = await verify(path);
    expect(findings.map(({ sequence, lsn }) => [sequence, lsn])).toEqual([[2, starts[1]]]);
    expect(replayed).toEqual([1, 3, 4]);
  });

  it('starts the chain at zeros', async () => {
    const path = temporaryFolder();
    await writeJournal(path, 1, 16);
    await tamper(path, async ({ bytesAt, put }) => {
      const bytes = bytesAt(0);
      sealBatch(bytes, bytes.length, { ...readBatchHeader(bytes), previousHash: batchHash(NO_HASH) });
      await put(0, bytes);
    });
    expect((await verify(path)).findings[0]?.problem).toMatch(/^chain/);
  });
});

function flip(bytes: Buffer, offset: number): Buffer {
  bytes[offset] = bytes[offset]! ^ 0x40;
  return bytes;
}

describe('runGuarded', () => {
  const guarded = (path: string, onReport?: (data: unknown) => void) =>
    runGuarded({
      entry: ENTRY,
      input: { path, partition: 0 },
      partition: 0,
      where: 'journal',
      execArgv: RUN_TYPESCRIPT,
      ...(onReport === undefined ? {} : { onReport }),
    });

  it('answers what the check answers, findings included', async () => {
    const path = temporaryFolder();
    const starts = await writeJournal(path, 3, 16);
    await tamper(path, ({ bytesAt, put }) => put(starts[1]!, flip(bytesAt(starts[1]!), 130)));
    const reports: unknown[] = [];
    expect(await guarded(path, (data) => reports.push(data))).toMatchObject({
      ok: true,
      value: { batches: 3, findings: 1 },
    });
    expect(reports).toEqual([{ finding: expect.objectContaining({ lsn: starts[1], sequence: 2 }) }]);
  });

  it('turns an environment that LMDB refuses into a finding', async () => {
    const path = temporaryFolder();
    await writeJournal(path, 3, 16);
    const file = openSync(join(path, 'data.mdb'), 'r+');
    writeSync(file, Buffer.alloc(8192, 0xee), 0, 8192, 0);
    closeSync(file);
    expect(await guarded(path)).toMatchObject({ ok: false, finding: { partition: 0, where: 'journal' } });
  });

  it('turns the death of the process by a signal into a finding', async () => {
    const path = temporaryFolder();
    await writeJournal(path, 40, 64_000);
    const data = join(path, 'data.mdb');
    // The pages behind the cut are in the map but not in the file: reading them is a SIGBUS.
    truncateSync(data, Math.floor(statSync(data).size / 3 / 4096) * 4096);
    const result = await guarded(path);
    expect(result).toMatchObject({ ok: false, finding: { partition: 0, where: 'journal' } });
    expect(result.ok ? '' : result.finding.problem).toMatch(/SIG(BUS|SEGV|ABRT)/);
  });

  it('survives whatever is flipped in the pages of the tree, and misses nothing of it silently', async () => {
    const path = temporaryFolder();
    await writeJournal(path, 60, 16);
    const data = join(path, 'data.mdb');
    const whole = readFileSync(data);
    for (let n = 0; n < 8; n++) {
      const offset = 8192 + ((n * 7919 * 31) % (whole.length - 8192));
      const file = openSync(data, 'r+');
      writeSync(file, Buffer.from([whole[offset]! ^ 0xff]), 0, 1, offset);
      const result = await guarded(path);
      if (result.ok) {
        const { batches, findings } = result.value as { batches: number; findings: number };
        expect(findings > 0 || batches === 60, `byte ${offset}`).toBe(true);
      }
      writeSync(file, whole.subarray(offset, offset + 1), 0, 1, offset);
      closeSync(file);
    }
    expect(await guarded(path)).toMatchObject({ ok: true, value: { batches: 60, findings: 0 } });
  }, 60_000);
});
