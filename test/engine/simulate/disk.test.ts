/** A partition on a simulated disk: what is not flushed is gone after a crash, and what was changed is never taken for data. */
import { describe, expect, it } from 'vitest';
import { SimulatedDisk } from '../../../engine/simulate/disk.ts';
import { BATCH_BOUNDS, openOptions } from '../../../engine/simulate/settings.ts';
import { openPartition } from '../../../engine/worker/open.ts';
import { cast } from '../../support/cast.ts';
import { Desk } from '../../support/desk.ts';

const OPTIONS = openOptions(100);
const TRANSFER = { debitAccountId: 4n, creditAccountId: 3n, ledger: 156, code: 1, userData64: 7n };

/** Every write reaches the disk in the turn after it was made. */
async function flushed<T>(work: Promise<T>, mount: ReturnType<SimulatedDisk['mount']>): Promise<T> {
  let isDone = false;
  const done = work.finally(() => {
    isDone = true;
  });
  while (!isDone) {
    mount.batches.complete(1);
    await new Promise((resolve) => setImmediate(resolve));
  }
  return done;
}

async function opened(disk: SimulatedDisk) {
  const mount = disk.mount();
  const { partition } = await openPartition(OPTIONS, mount);
  return { mount, desk: new Desk(partition, BATCH_BOUNDS) };
}

async function withTransfers(): Promise<SimulatedDisk> {
  const disk = new SimulatedDisk();
  const { mount, desk } = await opened(disk);
  await flushed(cast(desk), mount);
  for (const id of [101n, 102n]) await flushed(desk.transfers(2, { ...TRANSFER, id, amount: 5n }), mount);
  return disk;
}

describe('a simulated disk', () => {
  it('keeps what was flushed and loses the rest', async () => {
    const disk = await withTransfers();
    const { mount, desk } = await opened(disk);
    void desk.transfers(2, { ...TRANSFER, id: 103n, amount: 5n });
    void desk.transfers(2, { ...TRANSFER, id: 104n, amount: 5n });
    expect(mount.batches.pending).toBe(2);
    mount.batches.crash(1, 0);
    expect(await (await opened(disk)).desk.balances(4n)).toEqual([0, 15, 0, 0]);
  });

  it('answers nothing for a batch that the storage calls written and that is not there', async () => {
    const disk = await withTransfers();
    const { mount, desk } = await opened(disk);
    const lost = desk.transfers(2, { ...TRANSFER, id: 103n, amount: 5n });
    const behind = desk.transfers(2, { ...TRANSFER, id: 104n, amount: 5n });
    mount.batches.fail(true);
    await expect(lost).rejects.toThrow(/could not be written: it was reported as written and is not there/);
    await expect(behind).rejects.toThrow(/could not be written/);
    expect(await (await opened(disk)).desk.balances(4n)).toEqual([0, 10, 0, 0]);
  });

  it('is refused with a torn batch at the end', async () => {
    const disk = await withTransfers();
    const { mount, desk } = await opened(disk);
    void desk.transfers(2, { ...TRANSFER, id: 103n, amount: 5n });
    expect(mount.batches.crash(0, 0.5)).toBe(true);
    await expect(opened(disk)).rejects.toThrow(/last batch, at LSN \d+, is damaged: crc/);
  });

  it('is refused with a changed byte in any batch that recovery replays', async () => {
    const disk = await withTransfers();
    for (const number of disk.batches.keys()) {
      const copy = disk.copy();
      const { lsn, bytes } = disk.batches[number]!;
      const changed = bytes.slice();
      // The last bytes of an event are user data and the like: no balance tells that they are wrong.
      changed[changed.length - 20]! ^= 1;
      copy.batches[number] = { lsn, bytes: changed };
      await expect(opened(copy), `batch ${number}`).rejects.toThrow(/damaged/);
    }
  });
});
