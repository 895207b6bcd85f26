// Backups of two partitions while money goes from one to the other: each is of one moment.
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { partitionOfAccount } from '../../engine/hash-id.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { type Id, idFromNumber, newId } from '../../protocol/ids.ts';
import { dataFolder, makeKey, run, startSwitch } from '../support/switch.ts';

const LEDGER = 978;
const BACKUPS = 5;

function homeOf(id: bigint): number {
  return partitionOfAccount(Number(id & 0xffff_ffffn), Number((id >> 32n) & 0xffff_ffffn), 0, 0, 2);
}

describe('backup of several partitions', () => {
  it('has no transfer between partitions on one side only', async () => {
    const dataDir = dataFolder();
    const key = await makeKey(dataDir);
    const running = await startSwitch(dataDir, ['--partitions', '2']);
    const client = await connectNode({ url: running.url, key });
    const ids = Array.from({ length: 40 }, (_, n) => idFromNumber(1000 + n));
    const from = ids.find((id) => homeOf(id) === 0) as Id;
    const to = ids.find((id) => homeOf(id) === 1) as Id;
    await client.createAccounts([from, to].map((id) => ({ id, ledger: LEDGER, code: 1 })));
    let moved = 0;
    let stopped = false;
    // One at a time: what is under way explains a difference of one unit, a copy of two moments would have many.
    const moving = (async () => {
      for (; !stopped; moved++) {
        const transfer = {
          id: newId(),
          debitAccountId: from,
          creditAccountId: to,
          amount: 1n,
          ledger: LEDGER,
          code: 1,
        };
        expect(await client.createTransfers([transfer])).toMatchObject([{ name: 'ok' }]);
      }
    })();
    const folders = Array.from({ length: BACKUPS }, (_, backup) => join(dataDir, '..', `backup-${backup}`));
    for (const folder of folders) {
      expect((await run(['backup', folder, '--data-dir', dataDir])).errors).toBe('');
    }
    stopped = true;
    await moving;
    await client.close();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(moved).toBeGreaterThan(BACKUPS * 10);
    for (const folder of folders) {
      const report = JSON.parse((await run(['verify', folder, '--json'])).output);
      expect(report).toMatchObject({ ok: true, findings: [] });
      expect(report.clearing).toMatchObject([{ partitions: [0, 1], ledger: LEDGER }]);
      expect(Math.abs(report.clearing[0].difference)).toBeLessThanOrEqual(1);
    }
  });
});
