/** What was answered is there after a restart: same balances, same holds, same answers; from a checkpoint or from the first batch. */
import { mkdirSync, rmSync } from 'node:fs';
import { open } from 'lmdb';
import { describe, expect, it } from 'vitest';
import { HostileCommands } from '../../../engine/simulate/model/hostile-commands.ts';
import type { CheckpointRequest } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { CheckpointStore } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { stateOf } from '../../../engine/storage/checkpoint/manifest.ts';
import { verifyPartition } from '../../../engine/verify/verify-partition.ts';
import { DEFAULT_BOUNDS } from '../../../engine/worker/batch.ts';
import type { Opened, OpenOptions } from '../../../engine/worker/open.ts';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import type { PartitionState } from '../../../engine/worker/state.ts';
import { formatId } from '../../../protocol/ids.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import { resultName } from '../../../protocol/results.ts';
import { DeskComparison } from '../../model/desk-comparison.ts';
import { cast } from '../../support/cast.ts';
import { Desk } from '../../support/desk.ts';
import { openStored, storedOptions, writeCheckpoint } from '../../support/stored-partition.ts';
import { temporaryFolder } from '../journal/support.ts';
import { randomWords, runSeed } from '../storage/support.ts';

/** The bounds of a batch, small: the memtables have room for one. */
const BOUNDS = { ...DEFAULT_BOUNDS, recordsMax: 64 };

function sections(state: PartitionState): Record<string, string> {
  const kept = Object.entries(takeSnapshot(state)).filter(([name]) => !name.startsWith('timers.'));
  return Object.fromEntries(kept.map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]));
}

/** Runs hostile commands, compared with the reference; checkpoints are written some batches after they were asked for. */
class Life {
  readonly commands: HostileCommands;
  comparison: DeskComparison | undefined;
  checkpoints = 0;
  /** Of these, with a state from before. */
  withOlderState = 0;
  /** The background, when it writes states between checkpoints. */
  #stepping: CheckpointStore | undefined;
  #waiting: { request: CheckpointRequest; batches: number } | undefined;

  readonly #inSteps: boolean;

  constructor(seed: number, inSteps: boolean) {
    this.#inSteps = inSteps;
    // The memtables are too small for the end of a chain.
    this.commands = new HostileCommands(randomWords(seed), 0);
  }

  async batches(options: OpenOptions, opened: Opened, count: number): Promise<void> {
    const { comparison } = this;
    if (comparison === undefined) throw new Error('begin first');
    for (let done = 0; done < count; done++) {
      await comparison.batch(
        Array.from({ length: 1 + this.commands.below(8) }, () => this.commands.command()),
        this.commands.jump(),
      );
      const request = comparison.desk.last?.checkpoint;
      if (request !== undefined) this.#waiting = { request, batches: this.commands.below(4) };
      await this.#background(options, opened);
    }
  }

  async #background(options: OpenOptions, opened: Opened): Promise<void> {
    for (let steps = this.commands.below(4); steps > 0; steps--) this.#stepping?.step();
    if (this.#waiting === undefined || this.#waiting.batches-- > 0) return;
    const { request } = this.#waiting;
    this.#waiting = undefined;
    this.checkpoints++;
    if (!this.#inSteps) return writeCheckpoint(options, opened, request);
    this.#stepping ??= new CheckpointStore({ path: options.indexPath, hashSeed: options.hashSeed, inSteps: true });
    for (let next: CheckpointRequest | undefined = request; next !== undefined; ) {
      const written = this.#stepping.write(next);
      if (stateOf(written.manifest).lsn < written.manifest.lsn) this.withOlderState++;
      next = await opened.partition.install(written);
    }
  }

  /** The process ends: what the background has not finished is lost. */
  async end(): Promise<void> {
    this.#waiting = undefined;
    await this.#stepping?.close();
    this.#stepping = undefined;
  }
}

describe('a partition over its journal', () => {
  it.each<[string, Partial<OpenOptions>]>([
    ['with checkpoints on the way', {}],
    ['with checkpoints on the way, and its state in pieces between them', { copiedAtOnceMax: 0 }],
  ])('goes on where it was, life after life, %s', { timeout: 120_000 }, async (_, bounds) => {
    const seed = runSeed();
    const isApart = bounds.copiedAtOnceMax === 0;
    const options = storedOptions(temporaryFolder(), { holdsMax: 200, ...bounds });
    const life = new Life(seed, isApart);
    let before: Record<string, string> | undefined;
    for (let round = 0; round < 4; round++) {
      const opened = await openStored(options);
      const { state, partition, report } = opened;
      expect(report.damage).toEqual([]);
      if (before !== undefined) {
        expect(sections(state), `seed ${seed}, life ${round}`).toEqual(before);
        expect(report.checkpointLsn).toBeGreaterThan(0);
      }
      if (life.comparison === undefined) {
        life.comparison = new DeskComparison(new Desk(partition, BOUNDS), state, 200);
        await life.comparison.begin();
      } else {
        life.comparison = life.comparison.movedTo(new Desk(partition, BOUNDS), state);
      }
      await life.batches(options, opened, 150);
      before = sections(state);
      await partition.close();
      await life.end();
    }
    expect(life.checkpoints, `seed ${seed}`).toBeGreaterThan(3);
    expect(life.withOlderState > 3, `seed ${seed}`).toBe(isApart);
    const findings: unknown[] = [];
    await verifyPartition({ ...options, onFinding: (finding) => findings.push(finding) });
    expect(findings, `seed ${seed}`).toEqual([]);
    // Without its checkpoints: from the first batch, with checkpoints written on the way because memtables fill up.
    rmSync(options.indexPath, { recursive: true });
    mkdirSync(options.indexPath);
    const again = await openStored(options);
    expect(again.report.checkpointLsn).toBe(0);
    expect(sections(again.state), `seed ${seed}, from the first batch`).toEqual(before);
    life.comparison = life.comparison?.movedTo(new Desk(again.partition, BOUNDS), again.state);
    await life.batches(options, again, 20);
    await life.end();
    await again.partition.close();
  });

  it('waits for room in its indexes and gets it, however slow the checkpoint is', { timeout: 30_000 }, async () => {
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 1e9, memtableBound: 1200 });
    const opened = await openStored(options);
    const desk = new Desk(opened.partition, BOUNDS);
    await cast(desk);
    let next = 1000n;
    let waiting: CheckpointRequest | undefined;
    let checkpoints = 0;
    const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 1n, ledger: 156, code: 1 };
    for (let round = 0; round < 60; round++) {
      const sent = desk.transfers(2, ...Array.from({ length: 64 }, () => ({ ...plain, id: next++ })));
      // Written only when a batch waits for it.
      const slow = new Promise<'waits'>((resolve) => setImmediate(() => setImmediate(() => resolve('waits'))));
      if (waiting !== undefined && (await Promise.race([sent, slow])) === 'waits') {
        const request = waiting;
        waiting = undefined;
        await writeCheckpoint(options, opened, request);
        checkpoints++;
      }
      expect(await sent).toEqual(Array(64).fill(0));
      waiting ??= desk.last?.checkpoint;
    }
    expect(checkpoints).toBeGreaterThan(3);
    if (waiting !== undefined) await writeCheckpoint(options, opened, waiting);
    expect(await desk.balances(4n)).toEqual([0, 60 * 64, 0, 0]);
    await opened.partition.close();
  });

  it('replays the journal from its start when a checkpoint of an older version left a column out', async () => {
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 2000 });
    const first = await openStored(options);
    const desk = new Desk(first.partition, BOUNDS);
    await cast(desk);
    const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 7n, ledger: 156, code: 1 };
    await desk.transfers(2, ...Array.from({ length: 20 }, (_, n) => ({ ...plain, id: BigInt(100 + n) })));
    const request = desk.last?.checkpoint;
    if (request?.sections === undefined) throw new Error('no checkpoint was due');
    const { 'accounts.entries': gone, ...older } = request.sections;
    expect(gone?.length).toBeGreaterThan(0);
    await writeCheckpoint(options, first, { ...request, sections: older });
    const before = sections(first.state);
    await first.partition.close();
    const second = await openStored(options);
    expect(second.report).toMatchObject({ checkpointLsn: 0, damage: [] });
    expect(second.report.eventsReplayed).toBeGreaterThan(20);
    expect(sections(second.state)).toEqual(before);
    expect(await new Desk(second.partition, BOUNDS).balances(4n)).toEqual([0, 140, 0, 0]);
    await second.partition.close();
  });

  it('refuses terms out of a batch that is damaged, though no batch of before its checkpoint is replayed', async () => {
    const options = storedOptions(temporaryFolder(), { checkpointEveryBytes: 2000 });
    const first = await openStored(options);
    const desk = new Desk(first.partition, BOUNDS);
    await cast(desk);
    const before = first.partition.figures.nextLsn;
    const terms = { number: 1, basisPoints: 77, fixed: 0, minimum: 0, maximum: 0, feeAccountId: formatId(3n) };
    expect(resultName(await desk.putTariff(2, terms))).toBe('ok');
    const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 7n, ledger: 156, code: 1 };
    await desk.transfers(2, ...Array.from({ length: 20 }, (_, n) => ({ ...plain, id: BigInt(100 + n) })));
    const request = desk.last?.checkpoint;
    if (request === undefined) throw new Error('no checkpoint was due');
    await writeCheckpoint(options, first, request);
    // The last batch is checked with the hash of the one before it.
    for (const id of [200n, 201n]) await desk.transfers(2, { ...plain, id });
    await first.partition.close();
    const root = open({ path: options.journalPath, overlappingSync: false });
    const batches = root.openDB<Buffer, number>({ name: 'batches', encoding: 'binary' });
    const bytes = Buffer.from(batches.get(before) ?? []);
    const digit = bytes.lastIndexOf(terms.basisPoints);
    expect(digit).toBeGreaterThan(0);
    bytes[digit] = 78;
    await batches.put(before, bytes);
    await root.close();
    await expect(openStored(options)).rejects.toThrow(/damaged: crc/);
  });

  it('refuses memtables that cannot take one batch', async () => {
    await expect(openStored(storedOptions(temporaryFolder(), { memtableBound: 1000 }))).rejects.toThrow(RangeError);
  });

  it('shows a payment after a restart as before it: a refused operation did not change it', async () => {
    const options = storedOptions(temporaryFolder());
    const first = await openStored(options);
    let desk = new Desk(first.partition, BOUNDS);
    await cast(desk);
    await desk.pay(2, 'authorise', { id: 8n, payerAccountId: 4n, payeeAccountId: 3n, amount: 9n, ledger: 156 });
    await desk.operate(2, 'capture', { id: 1n, paymentId: 8n, amount: 4n });
    await desk.operate(2, 'capture', { id: 2n, paymentId: 8n, amount: 6n });
    await desk.operate(3, 'capture', { id: 3n, paymentId: 8n });
    const [before] = await desk.lookupPayments(2, 8n);
    expect(before?.view?.lastOperation?.id).toBe(1n);
    await first.partition.close();
    const second = await openStored(options);
    desk = new Desk(second.partition, BOUNDS);
    expect((await desk.lookupPayments(2, 8n))[0]?.view).toEqual(before?.view);
    await second.partition.close();
  });

  it('fires after a restart what came due before it', async () => {
    const options = storedOptions(temporaryFolder());
    const first = await openStored(options);
    let desk = new Desk(first.partition, BOUNDS);
    await cast(desk);
    const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 7n, ledger: 156, code: 1 };
    await desk.transfers(2, { ...plain, id: 9n, flags: TransferFlags.pending, timeoutS: 5 });
    await desk.pay(2, 'authorise', {
      id: 8n,
      payerAccountId: 4n,
      payeeAccountId: 3n,
      amount: 9n,
      ledger: 156,
      expiresAfterS: 5,
    });
    expect(await desk.balances(4n)).toEqual([16, 0, 0, 0]);
    const { now } = desk;
    await first.partition.close();
    const second = await openStored(options);
    expect(second.partition.figures.nextDeadline).toBe(now + 5e6);
    desk = new Desk(second.partition, BOUNDS);
    await desk.pass(5);
    expect(await desk.balances(4n)).toEqual([0, 0, 0, 0]);
    expect((await desk.lookupPayments(2, 8n))[0]?.view?.status.state).toBe('expired');
    await second.partition.close();
  });
});
