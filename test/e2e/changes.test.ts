// The change stream over real sockets, from a real journal: WebSocket, the library, HTTP and the command line.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Change } from '../../protocol/changes.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { formatId, idFromNumber, newId } from '../../protocol/ids.ts';
import { makeKey, type RunningSwitch, run, startSwitch, until } from '../support/switch.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-stream-'));
const dataDir = join(folder, 'data');
const LEDGER = 156;
let running: RunningSwitch;
let bank: SluiceClient;
let other: SluiceClient;
let bankKey = '';
const [A, B, C] = [idFromNumber(1), idFromNumber(2), idFromNumber(3)];

beforeAll(async () => {
  bankKey = await makeKey(dataDir);
  const otherKey = await makeKey(dataDir, ['read', 'ledger'], 'Other');
  running = await startSwitch(dataDir);
  bank = await connectNode({ url: running.url, key: bankKey });
  other = await connectNode({ url: running.url, key: otherKey });
  await bank.createAccounts([A, B].map((id) => ({ id, ledger: LEDGER, code: 1 })));
  await other.createAccounts([{ id: C, ledger: LEDGER, code: 1 }]);
});
afterAll(async () => {
  await bank.close();
  await other.close();
  expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
  rmSync(folder, { recursive: true, force: true });
});

async function pay(to = B, amount = 5n): Promise<bigint> {
  const id = newId();
  const [result] = await bank.createTransfers([
    { id, debitAccountId: A, creditAccountId: to, amount, ledger: LEDGER, code: 1 },
  ]);
  expect(result?.name).toBe('ok');
  return id;
}
const idsOf = (changes: readonly Change[]) => changes.map(({ transfer, account }) => transfer?.id ?? account?.id);

async function all(client: SluiceClient, from: number | 'start' = 'start'): Promise<Change[]> {
  const found: Change[] = [];
  for await (const change of client.changes({ from, follow: false, pageMax: 7 })) found.push(change);
  return found;
}

describe('the library', () => {
  it('reads everything there is, in order, from every cursor', async () => {
    const ids = [];
    for (let n = 0; n < 20; n++) ids.push(formatId(await pay()));
    const found = await all(bank);
    expect(idsOf(found).slice(-20)).toEqual(ids);
    for (const [index, { cursor }] of found.entries()) expect(await all(bank, cursor)).toEqual(found.slice(index + 1));
  });

  it('shows an institution what is on its accounts, without the balances of others, and nothing else', async () => {
    await pay(B);
    const id = formatId(await pay(C, 9n));
    const found = await all(other);
    expect(idsOf(found)).toEqual([formatId(C), id]);
    expect(found.at(-1)?.transfer).toMatchObject({ amount: '9', debitBalanceAfter: null, creditBalanceAfter: '9' });
    expect((await all(bank)).at(-1)?.transfer?.creditBalanceAfter).toBeNull();
  });

  it('waits, wakes with the next batch, and ends when it is stopped', async () => {
    const stream = bank.changes({ from: 'now' });
    const first = stream.next();
    // What is not the reader's does not wake it.
    await other.createAccounts([{ id: newId(), ledger: LEDGER, code: 1 }]);
    await pay(B);
    const { value } = await first;
    expect(value?.type).toBe('transfer');
    const waits: number[] = [];
    for (let n = 0; n < 10; n++) {
      const next = stream.next();
      await bank.ping();
      const id = await pay();
      const started = performance.now();
      expect((await next).value?.transfer?.id).toBe(formatId(id));
      waits.push(performance.now() - started);
    }
    waits.sort((a, b) => a - b);
    expect(waits[5]).toBeLessThan(50);
    const last = stream.next();
    stream.stop();
    expect(await last).toEqual({ done: true, value: undefined });
    expect(await stream.next()).toEqual({ done: true, value: undefined });
  });

  it('says so when there is no such partition or cursor', async () => {
    await expect(bank.changes({ partition: 1 }).next()).rejects.toMatchObject({ name: 'partitionNotFound' });
    await expect(bank.changes({ from: 2 ** 50 }).next()).rejects.toMatchObject({ name: 'cursorInvalid' });
  });

  it('bounds how many wait in one session', async () => {
    const client = await connectNode({ url: running.url, key: bankKey, retryTransient: false });
    const { nextCursor } = await client.readChanges({ partition: 0, cursor: 'now', limit: 1, waitMs: 0 });
    const waiting = Array.from({ length: 70 }, () =>
      client.readChanges({ partition: 0, cursor: nextCursor, limit: 1, waitMs: 30_000 }).then(
        () => 'page',
        (error: Error) => error.name,
      ),
    );
    // An answer overtakes those that wait.
    await client.ping();
    const refused = await Promise.race([Promise.all(waiting.slice(64)), Promise.all(waiting.slice(0, 1))]);
    expect(refused).toEqual(Array(6).fill('tooManyInFlight'));
    await pay();
    expect(await Promise.all(waiting.slice(0, 64))).toEqual(Array(64).fill('page'));
    await client.close();
  });

  it('does not hold a session that has gone', async () => {
    const client = await connectNode({ url: running.url, key: bankKey });
    const page = client.readChanges({ partition: 0, cursor: 'now', limit: 1, waitMs: 30_000 }).catch(() => 'gone');
    await client.ping();
    await client.close();
    expect(await page).toBe('gone');
    await pay();
  });
});

describe('HTTP', () => {
  const get = async (query: string) => {
    const response = await fetch(`${running.http}/v1/changes?${query}`, {
      headers: { authorization: `Bearer ${bankKey}` },
    });
    return { status: response.status, body: JSON.parse(await response.text()) };
  };

  it('gives the same changes', async () => {
    const found: Change[] = [];
    for (let cursor = 0, atEnd = false; !atEnd; ) {
      const { body } = await get(`limit=3&cursor=${cursor}`);
      found.push(...body.changes);
      ({ nextCursor: cursor, atEnd } = body);
    }
    expect(found).toEqual(await all(bank));
  });

  it('waits', async () => {
    const { body } = await get('cursor=now');
    const page = get(`cursor=${body.nextCursor}&wait=20`);
    await bank.ping();
    const id = formatId(await pay());
    expect(idsOf((await page).body.changes)).toEqual([id]);
    expect((await get('partition=1')).body).toMatchObject({ status: 404, name: 'partitionNotFound' });
  });
});

describe('server-sent events', () => {
  async function* follow(query: string, headers: Record<string, string> = {}) {
    const response = await fetch(`${running.http}/v1/changes?${query}`, {
      headers: { authorization: `Bearer ${bankKey}`, accept: 'text/event-stream', ...headers },
    });
    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('text/event-stream');
    let text = '';
    for await (const chunk of response.body ?? []) {
      text += Buffer.from(chunk).toString();
      for (let end = text.indexOf('\n\n'); end >= 0; end = text.indexOf('\n\n')) {
        yield text.slice(0, end);
        text = text.slice(end + 2);
      }
    }
  }
  const read = (event: string): { id: string; changes: Change[] } => {
    const [, id = '', data = ''] = /^event: changes\nid: (\d+)\ndata: (.*)$/.exec(event) ?? [];
    return { id, changes: JSON.parse(data).changes };
  };

  it('bring what there is and what comes, go on at the last id, and live over pauses', {
    timeout: 60_000,
  }, async () => {
    const known = await all(bank);
    const found: Change[] = [];
    let lastId = '';
    for await (const event of follow('limit=10')) {
      const page = read(event);
      found.push(...page.changes);
      lastId = page.id;
      if (found.length >= 20) break;
    }
    expect(found).toEqual(known.slice(0, found.length));
    let beats = 0;
    for await (const event of follow('limit=10&cursor=0', { 'last-event-id': lastId })) {
      if (event.startsWith(':')) {
        // The library would cut a silent connection after ten seconds.
        if (++beats === 3) await pay();
        continue;
      }
      found.push(...read(event).changes);
      if (beats >= 3) break;
    }
    expect(found).toEqual(await all(bank));
  });

  it('are refused like any request', async () => {
    const headers = { authorization: `Bearer ${bankKey}`, accept: 'text/event-stream', 'last-event-id': 'x' };
    expect(await (await fetch(`${running.http}/v1/changes`, { headers })).json()).toMatchObject({
      name: 'cursorInvalid',
    });
    const wrong = { ...headers, 'last-event-id': '' };
    expect(await (await fetch(`${running.http}/v1/changes?partition=9`, { headers: wrong })).json()).toMatchObject({
      name: 'partitionNotFound',
    });
    expect(await (await fetch(`${running.http}/v1/changes?nonsense=9`, { headers: wrong })).json()).toMatchObject({
      name: 'malformedBody',
    });
  });
});

describe('the command line', () => {
  it('lists changes and follows them', async () => {
    const words = ['changes', '--url', running.url, '--key', bankKey, '--json'];
    const { output, code } = await run(words);
    expect(code).toBe(0);
    const lines: Change[] = output
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(lines).toEqual(await all(bank));
    const cursor = String(lines.at(-2)?.cursor);
    expect((await run([...words, '--from', cursor])).output.trim().split('\n')).toEqual([JSON.stringify(lines.at(-1))]);
    const table = await run(words.slice(0, -1));
    expect(table.output).toContain('transfer');
    expect((await run([...words, '--from', 'x'])).code).toBe(2);
  });
});

describe('a stop', () => {
  it('sends those who wait home at once', async () => {
    const ownDir = join(folder, 'own');
    const key = await makeKey(ownDir);
    const own = await startSwitch(ownDir);
    const client = await connectNode({ url: own.url, key, reconnect: { attemptsMax: 0 } });
    const page = client
      .readChanges({ partition: 0, cursor: 0, limit: 1, waitMs: 30_000 })
      .catch((error: Error) => error);
    await client.ping();
    await until(async () => (await fetch(`${own.http}/readyz`)).ok, 'it answers');
    const started = performance.now();
    expect(await own.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(performance.now() - started).toBeLessThan(8000);
    await page;
    await client.close();
  });
});
