// A chain of holds that is ended as a whole, over one and two partitions: by the client and over HTTP.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionOfAccount } from '../../engine/hash-id.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { formatId, type Id, idFromNumber, newId } from '../../protocol/ids.ts';
import { TransferFlags } from '../../protocol/records.ts';
import { makeKey, type RunningSwitch, run, startSwitch } from '../support/switch.ts';

const LEDGER = 978;

describe.each([1, 2])('%i partition(s)', (partitions) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-chains-'));
  const dataDir = join(folder, 'data');
  const accounts = Array.from({ length: 12 }, (_, n) => idFromNumber(5000 + n));
  const homeOf = (id: bigint): number => {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = [0n, 32n, 64n, 96n].map((shift) => Number((id >> shift) & 0xffff_ffffn));
    return partitionOfAccount(w0, w1, w2, w3, partitions);
  };
  const [payer = 0n as Id, ...others] = accounts;
  const near = others.find((id) => homeOf(id) === homeOf(payer)) ?? payer;
  const far = others.find((id) => homeOf(id) !== homeOf(payer)) ?? near;
  let running: RunningSwitch;
  let client: SluiceClient;
  let key = '';

  beforeAll(async () => {
    key = await makeKey(dataDir);
    running = await startSwitch(dataDir, ['--partitions', String(partitions)]);
    client = await connectNode({ url: running.url, key, retryTransient: false });
    await client.createAccounts(accounts.map((id) => ({ id, ledger: LEDGER, code: 1 })));
  });
  afterAll(async () => {
    await client.close();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const { output } = await run(['verify', dataDir, '--json']);
    expect(JSON.parse(output)).toMatchObject({ ok: true, partitions, findings: [] });
    rmSync(folder, { recursive: true, force: true });
  });

  it('is voided and posted, asked again, and tried first', async () => {
    const make = async (): Promise<bigint[]> => {
      const blank = { debitAccountId: payer, ledger: LEDGER, code: 1 };
      const chain = [near, far, near].map((creditAccountId, index) => {
        const flags = TransferFlags.pending | (index < 2 ? TransferFlags.linked : 0);
        return { ...blank, id: newId(), creditAccountId, amount: BigInt(index + 1), flags };
      });
      const results = await client.createTransfers(chain);
      expect(results.map(({ name }) => name)).toEqual(['ok', 'ok', 'ok']);
      return chain.map(({ id }) => id);
    };
    const balances = async (): Promise<bigint[]> => {
      const found = await client.lookupAccounts([payer, near, far]);
      return found.flatMap(({ account: of }) => [
        of?.debitsPending ?? 0n,
        of?.debitsPosted ?? 0n,
        of?.creditsPending ?? 0n,
        of?.creditsPosted ?? 0n,
      ]);
    };
    const before = await balances();
    const [, second = 0n, third = 0n] = await make();
    const request = { id: newId(), pendingId: second, debitAccountId: payer, action: 'void' } as const;
    const dry = await client.endChain(request, { dryRun: true });
    expect(dry).toMatchObject({ name: 'ok', members: 3, dryRun: true, replayed: false });
    expect(await client.endChain(request)).toMatchObject({ name: 'ok', members: 3, replayed: false });
    expect(await client.endChain(request)).toMatchObject({ name: 'ok', members: 3, replayed: true });
    const late = { ...request, id: newId(), pendingId: third, action: 'post' } as const;
    expect(await client.endChain(late)).toMatchObject({ name: 'pendingTransferAlreadyVoided', members: 0 });
    await expect.poll(balances).toEqual(before);

    const [first = 0n] = await make();
    const post = await fetch(`${running.http}/v1/transfers/${formatId(first)}/chain/post`, {
      method: 'POST',
      headers: { authorization: `Bearer ${key}`, 'idempotency-key': `chain-${partitions}` },
    });
    expect(await post.json()).toMatchObject({ result: { name: 'ok' }, members: 3, replayed: false });
    const [, , , , , , , credited = 0n, , , , creditedFar = 0n] = before;
    // The answer does not wait for the credit account elsewhere.
    const moved = far === near ? [credited + 6n, credited + 6n] : [credited + 4n, creditedFar + 2n];
    await expect.poll(async () => (await balances()).filter((_, place) => place === 7 || place === 11)).toEqual(moved);
    expect((await balances()).slice(0, 2)).toEqual([before[0], (before[1] ?? 0n) + 6n]);
  });
});
