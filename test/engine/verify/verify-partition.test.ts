// One flipped byte anywhere in what a partition stores is found and its place named; a whole partition is whole; and a
// state that is not the replay of its journal is found although every checksum is right.
import { closeSync, openSync, readFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { batchHash, readBatchHeader, sealBatch } from '../../../engine/journal/header.ts';
import { type CheckpointRequest, CheckpointStore } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { openIndexEnvironment } from '../../../engine/storage/checkpoint/environment.ts';
import { verifyPartition } from '../../../engine/verify/verify-partition.ts';
import { deriveId } from '../../../protocol/ids.ts';
import { temporaryFolder } from '../journal/support.ts';
import { batchesOf, fill, HASH_SEED, TestPartition, verified } from './support.ts';

const CHECKPOINT_EVERY_BYTES = 12_000;

async function filled(batches = 14): Promise<TestPartition> {
  const partition = await TestPartition.open(temporaryFolder(), CHECKPOINT_EVERY_BYTES);
  await fill(partition, batches);
  await partition.close();
  return partition;
}

/** Every place of a value in the file: LMDB leaves old copies of small values behind. */
function placesOf(file: Buffer, value: Buffer): number[] {
  const places: number[] = [];
  for (let at = file.indexOf(value); at >= 0; at = file.indexOf(value, at + 1)) places.push(at);
  return places;
}

/** Flips byte `offset` of a value in the environment's file while `use` runs. */
async function withFlip(path: string, value: Buffer, offset: number, use: () => Promise<void>): Promise<void> {
  const name = join(path, 'data.mdb');
  const places = placesOf(readFileSync(name), value);
  expect(places.length).toBeGreaterThan(0);
  const write = (byte: number): void => {
    const file = openSync(name, 'r+');
    for (const place of places) writeSync(file, Buffer.from([byte]), 0, 1, place + offset);
    closeSync(file);
  };
  const byte = value[offset] ?? 0;
  write(byte ^ 0x04);
  try {
    await use();
  } finally {
    write(byte);
  }
}

/** Some offsets of a value: its beginning, its end, and some between. */
function offsetsOf(value: Buffer, count: number): number[] {
  const step = Math.max(1, Math.floor(value.length / count));
  const offsets = Array.from({ length: Math.ceil(value.length / step) }, (_, n) => n * step);
  return [...new Set([...offsets, value.length - 1])];
}

describe('verifyPartition', () => {
  it('finds nothing in a whole partition, and counts what is there', async () => {
    const partition = await filled();
    const { counts, findings } = await verified(partition);
    expect(findings).toEqual([]);
    const progress: { readonly part: string; readonly done: number; readonly total: number }[] = [];
    const onProgress = (done: number, total: number, part: string): number => progress.push({ part, done, total });
    const { journalPath, indexPath } = partition;
    const place = { journalPath, indexPath, partition: 0, partitions: 1, hashSeed: HASH_SEED };
    await verifyPartition({ ...place, onFinding: () => undefined, onProgress });
    const { segmentEntries } = counts;
    expect(progress.filter(({ part }) => part === 'index').at(-1)).toMatchObject({
      done: segmentEntries,
      total: segmentEntries,
    });
    expect(counts).toMatchObject({ batches: 15, accounts: 20, checkpoints: 2 });
    expect(counts.events).toBeGreaterThan(150);
    expect(counts.keysLookedUp).toBeGreaterThan(100);
    expect(counts.segments).toBeGreaterThan(5);
  });

  it('finds nothing in an empty partition, and in one that has no checkpoint yet', async () => {
    const partition = await TestPartition.open(temporaryFolder(), 2 ** 30);
    await partition.close();
    expect((await verified(partition)).findings).toEqual([]);
    const small = await TestPartition.open(temporaryFolder(), 2 ** 30);
    await fill(small, 3);
    await small.close();
    expect(await verified(small)).toMatchObject({ findings: [], counts: { batches: 4, checkpoints: 0 } });
  });

  it('finds every flipped byte in the journal, and names the batch', async () => {
    const partition = await filled();
    const batches = await batchesOf(partition.journalPath);
    for (const [index, { lsn, bytes }] of batches.entries()) {
      for (const offset of offsetsOf(bytes, 7)) {
        await withFlip(partition.journalPath, bytes, offset, async () => {
          const { findings } = await verified(partition);
          const where = `batch ${index} byte ${offset}`;
          expect(findings[0], where).toMatchObject({ where: 'journal', lsn, sequence: index + 1 });
          expect(findings, where).toHaveLength(1);
        });
      }
    }
    expect((await verified(partition)).findings).toEqual([]);
  }, 60_000);

  it('finds every flipped byte in checkpoints and segments, and names the part', async () => {
    const partition = await filled();
    const environment = openIndexEnvironment(partition.indexPath, true);
    const values = (['manifests', 'sections', 'pages'] as const).flatMap((table) =>
      [...environment[table].getRange({})].map(({ value }) => ({ table, value: Buffer.from(value) })),
    );
    await environment.close();
    expect(values.length).toBeGreaterThan(40);
    for (const { table, value } of values) {
      for (const offset of offsetsOf(value, table === 'manifests' ? 16 : 2)) {
        await withFlip(partition.indexPath, value, offset, async () => {
          const { findings } = await verified(partition);
          const where = table === 'pages' ? 'index' : 'checkpoint';
          expect(findings.length, `${table} byte ${offset}`).toBeGreaterThan(0);
          expect(findings[0], `${table} byte ${offset}`).toMatchObject({ where, lsn: expect.any(Number) });
        });
      }
    }
    expect((await verified(partition)).findings).toEqual([]);
  }, 60_000);

  it('finds an amount that was changed and sealed again, hash chain and all', async () => {
    const partition = await filled(8);
    const batches = await batchesOf(partition.journalPath);
    const root = open({ path: partition.journalPath, overlappingSync: false });
    const table = root.openDB<Buffer, number>({ name: 'batches', encoding: 'binary' });
    let previousHash: Uint8Array | undefined;
    for (const [index, { lsn, bytes }] of batches.entries()) {
      // The first transfer of the second batch: prefix 16, outcome 32, amount at 48 of the record.
      if (index === 1) bytes.writeUInt8(91, 128 + 48 + 48);
      if (index > 1) {
        sealBatch(bytes, bytes.length, { ...readBatchHeader(bytes), ...(previousHash && { previousHash }) });
      } else {
        sealBatch(bytes, bytes.length, readBatchHeader(bytes));
      }
      previousHash = batchHash(bytes);
      await table.put(lsn, bytes);
    }
    await root.close();
    const { findings } = await verified(partition);
    expect(findings[0]).toMatchObject({
      where: 'replay',
      sequence: 2,
      problem: expect.stringMatching(/balance after/),
    });
  });

  it('finds a checkpoint that is whole in itself and not the state of its journal', async () => {
    const partition = await filled();
    const lsn = await rewriteCheckpoint(partition, (request) => {
      const balances = new Float64Array(request.sections!['accounts.debitsPosted']!.slice().buffer);
      balances[6]! += 1;
      const sections = { ...request.sections, 'accounts.debitsPosted': new Uint8Array(balances.buffer) };
      return { ...request, sections };
    });
    const { findings } = await verified(partition);
    expect(findings).toEqual([
      expect.objectContaining({
        where: 'checkpoint',
        lsn,
        problem: expect.stringMatching(/accounts\.debitsPosted differs .* account 0{31}7$/),
      }),
    ]);
  });

  it.each<[string, (request: CheckpointRequest) => Partial<CheckpointRequest>, RegExp]>([
    ['beyond the journal', () => ({ lsn: 9_000_000 }), /the journal ends at/],
    ['inside a batch', ({ lsn }) => ({ lsn: lsn - 1 }), /no batch ends at/],
    ['with another hash', () => ({ previousHash: new Uint8Array(32) }), /^chain/],
    ['with another sequence', () => ({ sequence: 3 }), /^sequence/],
    ['from before its last batch', () => ({ timestamp: 3 }), /^timestamp/],
    [
      'without a section',
      ({ sections }) => ({ sections: withoutSection(sections!, 'holds.debit') }),
      /no section holds/,
    ],
    ['whose index has lost its keys', () => ({ base: 0 }), /^transfers: a key is not found/],
    [
      'whose index invents a version of a key',
      ({ lsn }) => ({ frozen: { transfers: { words: Uint32Array.from([1000, 0, 0, 0, lsn - 1, 0]), count: 1 } } }),
      /^transfers: the journal has no such version/,
    ],
    [
      'whose index has gone back to an older version',
      () => ({ frozen: { entities: { words: Uint32Array.from([...partyKey(), 5, 0]), count: 1 } } }),
      /^entities: an older version is found/,
    ],
  ])('finds a checkpoint %s', async (_, change, problem) => {
    const partition = await filled();
    await rewriteCheckpoint(partition, (request) => ({ ...request, ...change(request) }));
    const { findings } = await verified(partition);
    expect(findings.map((finding) => finding.problem)).toContainEqual(expect.stringMatching(problem));
  });
});

/** Key of the party `p0` of institution 1. */
function partyKey(): number[] {
  const id = deriveId('party', '1', 'p0');
  return [0n, 32n, 64n, 96n].map((shift) => Number((id >> shift) & 0xffff_ffffn));
}

/** Writes a checkpoint beside the newest one, like it but for a change; the position of the newest. */
async function rewriteCheckpoint(
  partition: TestPartition,
  change: (request: CheckpointRequest) => CheckpointRequest,
): Promise<number> {
  const store = new CheckpointStore({ path: partition.indexPath, hashSeed: HASH_SEED });
  const { manifest, sections } = store.newest().checkpoint!;
  const { id, lsn, sequence, timestamp } = manifest;
  const previousHash = Buffer.from(manifest.previousHash, 'hex');
  store.write(
    change({ base: id, lsn, sequence, timestamp, previousHash, frozen: {}, sections: Object.fromEntries(sections) }),
  );
  await store.close();
  return lsn;
}

function withoutSection<T>(sections: Readonly<Record<string, T>>, gone: string): Record<string, T> {
  return Object.fromEntries(Object.entries(sections).filter(([name]) => name !== gone));
}
