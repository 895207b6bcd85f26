// Webhooks of a real switch: added with the command line, delivered over sockets, and nothing is lost when the switch is killed.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { Change } from '../../protocol/changes.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { formatId, idFromNumber, newId } from '../../protocol/ids.ts';
import { verifyWebhook } from '../../protocol/webhook.ts';
import { type Received, startReceiver } from '../engine/webhook/support.ts';
import { freePort, makeKey, type RunningSwitch, run, startSwitch, until } from '../support/switch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-webhooks-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const [A, B] = [idFromNumber(1), idFromNumber(2)];

async function openAccounts(client: SluiceClient): Promise<void> {
  await client.createAccounts([A, B].map((id) => ({ id, ledger: 156, code: 1 })));
}
const transfers = (count: number) =>
  Array.from({ length: count }, () => ({
    id: newId(),
    debitAccountId: A,
    creditAccountId: B,
    amount: 1n,
    ledger: 156,
    code: 1,
  }));
const changesOf = (received: readonly Received[]): Change[] => received.flatMap(({ body }) => body.changes);
async function webhook(dataDir: string, ...words: string[]) {
  const { code, output, errors } = await run(['webhook', ...words, '--data-dir', dataDir, '--json']);
  return { code, errors, document: output === '' ? undefined : JSON.parse(output) };
}

describe('webhooks', () => {
  it('are added, tested, delivered, given up, sent again and removed', async () => {
    const dataDir = join(folder, 'life');
    const key = await makeKey(dataDir);
    const running = await startSwitch(dataDir);
    const client = await connectNode({ url: running.url, key });
    await openAccounts(client);
    const port = await freePort();
    const added = await webhook(
      dataDir,
      'add',
      `http://127.0.0.1:${port}/in`,
      '--institution',
      'Bank',
      '--attempts',
      '1',
    );
    expect(added.code).toBe(0);
    const { id, secret } = added.document;
    // There is nobody yet.
    expect(await webhook(dataDir, 'test', id)).toMatchObject({
      code: 1,
      errors: expect.stringContaining('ECONNREFUSED'),
    });
    const [lost] = transfers(1);
    await client.createTransfers([lost!]);
    const dead = async () => (await webhook(dataDir, 'dead', id)).document.deadLetters;
    await until(async () => (await dead()).length === 1, 'a dead letter');

    const receiver = await startReceiver(port);
    expect((await webhook(dataDir, 'test', id)).document).toEqual({ id, delivered: true });
    expect(receiver.received[0]?.body).toEqual({ type: 'test', partition: 0, changes: [] });
    const [now] = transfers(1);
    await client.createTransfers([now!]);
    await until(() => receiver.received.length === 2, 'a delivery');
    expect((await webhook(dataDir, 'retry', id)).document).toEqual({ id, retried: 1 });
    await until(() => receiver.received.length === 3, 'the delivery that was given up');
    await until(async () => (await dead()).length === 0, 'the list is empty');
    expect(changesOf(receiver.received).map(({ transfer }) => transfer?.id)).toEqual(
      [now, lost].map((one) => formatId(one!.id)),
    );
    for (const { headers, text } of receiver.received) {
      expect(verifyWebhook({ headers, body: text }, { secret, nowSeconds: Date.now() / 1000 }).ok).toBe(true);
    }

    const listed = await webhook(dataDir, 'list');
    expect(JSON.stringify(listed.document)).not.toContain('whsec_');
    expect(listed.document.webhooks).toMatchObject([{ id, institution: 2, types: [], deadLetters: 0 }]);
    const metrics = async () => (await fetch(`${running.http}/metrics`)).text();
    await until(
      async () => (await metrics()).includes(`sluice_webhook_deliveries_total{endpoint="${id}"} 2`),
      'figures',
    );
    expect(await metrics()).toContain(`sluice_webhook_failures_total{endpoint="${id}"} 1`);
    const logged = JSON.stringify(running.log);
    expect(logged).toContain('webhook: delivery given up');
    for (const hidden of [secret, formatId(lost!.id), '/in']) expect(logged).not.toContain(hidden);

    expect((await webhook(dataDir, 'remove', id)).document).toEqual({ id, removed: true });
    expect((await webhook(dataDir, 'dead', id)).code).toBe(1);
    // The running switch looks for what was removed twice a second.
    await until(async () => !(await metrics()).includes(id), 'its figures are gone');
    await client.createTransfers(transfers(1));
    await client.close();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(receiver.received.length).toBe(3);
    expect((await run(['verify', dataDir, '--json'])).code).toBe(0);
  });

  it('refuse what is wrong', async () => {
    const dataDir = join(folder, 'wrong');
    await makeKey(dataDir);
    for (const words of [
      ['add', 'ftp://x/', '--institution', '2'],
      ['add', 'http://x/', '--institution', '9'],
      ['add', 'http://x/', '--institution', '2', '--types', 'nonsense'],
      ['add', 'http://x/', '--institution', '2', '--from', 'then'],
      ['add', 'http://x/', '--institution', '2', '--attempts', '0'],
    ]) {
      expect((await webhook(dataDir, ...words)).code, words.join(' ')).toBe(2);
    }
    expect((await webhook(dataDir, 'remove', 'we_0')).code).toBe(1);
    expect((await webhook(join(folder, 'nowhere'), 'list')).code).toBe(1);
  });

  it('lose nothing over kill -9: repeats have the same ids, and streams resume from their cursor', async () => {
    const dataDir = join(folder, 'killed');
    const key = await makeKey(dataDir);
    const receiver = await startReceiver();
    const flags = ['--partitions', '2'];
    let running: RunningSwitch = await startSwitch(dataDir, flags);
    await webhook(dataDir, 'add', receiver.url, '--institution', '2', '--from', 'start');
    const streamed: Change[][] = [[], []];
    const sent: string[] = [];
    for (let round = 0; round < 4; round++) {
      if (round > 0) running = await startSwitch(dataDir, flags);
      const client = await connectNode({ url: running.url, key, reconnect: { attemptsMax: 0 } });
      await openAccounts(client);
      const following = streamed.map(async (found, partition) => {
        const stream = client.changes({ partition, from: found.at(-1)?.cursor ?? 'start', pageMax: 7 });
        try {
          for await (const change of stream) found.push(change);
        } catch {
          // The switch was killed.
        }
      });
      const load = (async () => {
        for (;;) {
          const some = transfers(1 + (sent.length % 30));
          const results = await client.createTransfers(some);
          sent.push(...some.filter((_, at) => results[at]?.name === 'ok').map(({ id }) => formatId(id)));
        }
      })().catch(() => undefined);
      const before = receiver.received.length;
      await until(() => receiver.received.length > before + 5, 'deliveries');
      await running.end('SIGKILL');
      await load;
      await Promise.all(following);
      await client.close();
    }
    running = await startSwitch(dataDir, flags);
    const client = await connectNode({ url: running.url, key });
    const everything: Change[] = [];
    for (const [partition, found] of streamed.entries()) {
      const all: Change[] = [];
      for await (const change of client.changes({ partition, follow: false })) all.push(change);
      for await (const change of client.changes({ partition, from: found.at(-1)?.cursor ?? 'start', follow: false }))
        found.push(change);
      expect(found, `the stream of partition ${partition}, through every kill`).toEqual(all);
      everything.push(...all);
    }
    const ids = new Set(everything.map(({ transfer }) => transfer?.id));
    expect(sent.filter((id) => !ids.has(id))).toEqual([]);
    expect(sent.length).toBeGreaterThan(100);
    const delivered = () => new Set(changesOf(receiver.received).map(({ id }) => id));
    await until(() => delivered().size === everything.length, 'everything is delivered', 60_000);
    expect(delivered()).toEqual(new Set(everything.map(({ id }) => id)));
    // Without the repeats it is in order, and a repeat is the same to the byte.
    const byId = new Map<string, string>();
    for (const { id, text } of receiver.received) expect(text).toBe(byId.set(id, byId.get(id) ?? text).get(id));
    for (const partition of [0, 1]) {
      const once = [...byId.values()]
        .flatMap((text): Change[] => JSON.parse(text).changes)
        .filter((change) => change.partition === partition);
      expect(once).toEqual(everything.filter((change) => change.partition === partition));
    }
    await client.close();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  });
});
