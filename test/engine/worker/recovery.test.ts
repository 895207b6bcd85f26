/** What was answered is there after a restart: same balances, same holds, same answers; from a checkpoint or from the first batch. */
import { rmSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HostileCommands } from '../../../engine/simulate/model/hostile-commands.ts';
import type { CheckpointRequest } from '../../../engine/storage/checkpoint/checkpoint-store.ts';
import { DEFAULT_BOUNDS } from '../../../engine/worker/batch.ts';
import type { Opened, OpenOptions } from '../../../engine/worker/open.ts';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import type { PartitionState } from '../../../engine/worker/state.ts';
import { TransferFlags } from '../../../protocol/records.ts';
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
  #waiting: { request: CheckpointRequest; batches: number } | undefined;

  constructor(seed: number) {
    this.commands = new HostileCommands(randomWords(seed));
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
    if (this.#waiting === undefined || this.#waiting.batches-- > 0) return;
    await writeCheckpoint(options, opened, this.#waiting.request);
    this.#waiting = undefined;
    this.checkpoints++;
  }
}

describe('a partition over its journal', () => {
  it('goes on where it was, life after life, with checkpoints on the way', { timeout: 120_000 }, async () => {
    const seed = runSeed();
    const options = storedOptions(temporaryFolder(), { holdsMax: 200 });
    const life = new Life(seed);
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
    }
    expect(life.checkpoints, `seed ${seed}`).toBeGreaterThan(3);
    // Without its checkpoints: from the first batch, with checkpoints written on the way because memtables fill up.
    rmSync(options.indexPath, { recursive: true });
    const again = await openStored(storedOptions(options.journalPath.replace(/\/journal$/, ''), { holdsMax: 200 }));
    expect(again.report.checkpointLsn).toBe(0);
    expect(sections(again.state), `seed ${seed}, from the first batch`).toEqual(before);
    life.comparison = life.comparison?.movedTo(new Desk(again.partition, BOUNDS), again.state);
    await life.batches(options, again, 20);
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
