// The same id has the same answer, however many transfers, checkpoints, merges and restarts lie between; an id that was never
// seen is answered without the disk.
import { describe, expect, it } from 'vitest';
import type { CheckpointRequest } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { DEFAULT_BOUNDS } from '../../../engine/worker/batch.ts';
import type { Opened, OpenOptions } from '../../../engine/worker/open.ts';
import type { TransferResult } from '../../../protocol/codecs/transfer-codec.ts';
import { resultName } from '../../../protocol/results.ts';
import { cast } from '../../support/cast.ts';
import { Desk, type RawTransfer } from '../../support/desk.ts';
import { openStored, storedOptions, writeCheckpoint } from '../../support/stored-partition.ts';
import { temporaryFolder } from '../journal/support.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const BOUNDS = { ...DEFAULT_BOUNDS, recordsMax: 64 };
const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 1n, ledger: 156, code: 1 };
/** Account 2 has no money, account 77 is not there. */
const refused: readonly RawTransfer[] = [
  { ...plain, debitAccountId: 2n },
  { ...plain, debitAccountId: 77n },
  { ...plain, creditAccountId: 5n },
];
/** A UUIDv7 of its millisecond. */
const idAt = (ms: number): bigint => (BigInt(ms) << 80n) | (7n << 76n) | (1n << 63n);

class Life {
  readonly options: OpenOptions;
  opened: Opened;
  desk: Desk;
  checkpoints = 0;

  constructor(options: OpenOptions, opened: Opened) {
    this.options = options;
    this.opened = opened;
    this.desk = new Desk(opened.partition, BOUNDS);
  }

  async ask(items: readonly RawTransfer[]): Promise<TransferResult[]> {
    const answers: TransferResult[] = [];
    for (let from = 0; from < items.length; from += 64) {
      answers.push(...(await this.desk.results(2, items.slice(from, from + 64))));
      const request: CheckpointRequest | undefined = this.desk.last?.checkpoint;
      if (request === undefined) continue;
      await writeCheckpoint(this.options, this.opened, request);
      this.checkpoints++;
    }
    return answers;
  }

  async restart(): Promise<void> {
    await this.opened.partition.close();
    this.opened = await openStored(this.options);
    this.desk = new Desk(this.opened.partition, BOUNDS);
  }

  get pageReads(): number {
    return this.opened.partition.figures.indexPageReads;
  }
}

describe('an id', () => {
  it('keeps its answer through merges and restarts, a refused one too', { timeout: 120_000 }, async () => {
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 1e9, filterBytesMax: 2 ** 22 });
    const life = new Life(options, await openStored(options));
    await cast(life.desk);
    let next = 1;
    const early = Array.from({ length: 300 }, (_, index) => {
      const item = index % 2 === 0 ? plain : (refused[index % refused.length] as RawTransfer);
      return { ...item, id: idAt(next++) };
    });
    const first = await life.ask(early);
    const names = new Set(first.map(({ code }) => resultName(code)));
    expect([...names].sort()).toEqual(
      ['ok', 'exceedsCredits', 'debitAccountNotFound', 'accountsMustHaveTheSameLedger'].sort(),
    );
    const again = first.map((answer) => ({ ...answer, replayed: true }));
    const many = (count: number): RawTransfer[] =>
      Array.from({ length: count }, () => ({ ...plain, id: idAt(next++) }));
    for (let round = 0; round < 3; round++) {
      await life.ask(many(3200));
      expect(await life.ask(early)).toEqual(again);
      await life.restart();
      expect(life.opened.report.damage).toEqual([]);
      expect(await life.ask(early)).toEqual(again);
    }
    expect(life.checkpoints).toBeGreaterThan(9);
    const store = new CheckpointStore({ path: options.indexPath, hashSeed: options.hashSeed });
    const levels = store.all().manifests[0]?.indexes.transfers?.map(({ level }) => level) ?? [];
    await store.close();
    // What was asked first lies in a merged segment by now.
    expect(Math.max(...levels)).toBeGreaterThan(0);
    await life.opened.partition.close();
  });

  it('that is new costs no read when ids come in order, and hardly any when they do not', async () => {
    const seed = runSeed();
    const random = randomWords(seed);
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 1e9, filterBytesMax: 2 ** 22 });
    const life = new Life(options, await openStored(options));
    await cast(life.desk);
    const anywhere = (): bigint => {
      const words = [random() >>> 1, random(), random(), random()].map((word) => BigInt(word >>> 0));
      return words.reduce((id, word) => (id << 32n) | word, 0n);
    };
    const scattered = Array.from({ length: 6400 }, () => ({ ...plain, id: anywhere() }));
    await life.ask(scattered);
    await life.restart();
    expect(life.checkpoints).toBeGreaterThan(4);
    const before = life.pageReads;
    // Beyond the greatest so far.
    const inOrder = Array.from({ length: 640 }, (_, index) => ({
      ...plain,
      id: (0xf000_0000n << 96n) + BigInt(index),
    }));
    expect((await life.ask(inOrder)).every(({ code, replayed }) => code === 0 && !replayed)).toBe(true);
    expect(life.pageReads, `SEED=${seed}`).toBe(before);
    const fresh = Array.from({ length: 640 }, () => ({ ...plain, id: anywhere() }));
    expect((await life.ask(fresh)).every(({ code, replayed }) => code === 0 && !replayed)).toBe(true);
    // A filter lets 1 of 80 through; there are a few segments.
    expect(life.pageReads - before, `SEED=${seed}`).toBeLessThan(640 / 8);
    const reads = life.pageReads;
    expect((await life.ask(scattered.slice(0, 64))).every(({ replayed }) => replayed)).toBe(true);
    expect(life.pageReads).toBeGreaterThan(reads);
    await life.opened.partition.close();
  });
});
