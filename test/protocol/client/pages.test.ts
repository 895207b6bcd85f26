/** Lists that come in pages, read as one. */
import { afterEach, expect, it } from 'vitest';
import { WebSocket } from 'ws';
import { SluiceClient } from '../../../protocol/client/client.ts';
import { ResultError } from '../../../protocol/client/client-error.ts';
import { resultOfCode } from '../../../protocol/codecs/result-codec.ts';
import { Code } from '../../../protocol/results.ts';
import { readGolden } from '../support/golden-file.ts';
import { type Arrival, startTestServer } from '../support/test-server.ts';

const open: { close(): Promise<void> }[] = [];
afterEach(async () => {
  for (const item of open.splice(0).reverse()) await item.close();
});

async function connect(answer: (arrival: Arrival) => void): Promise<SluiceClient> {
  const server = await startTestServer(answer);
  open.push(server);
  const client = await SluiceClient.connect({ url: server.url, key: 'k', webSocket: WebSocket });
  open.push(client);
  return client;
}

const ok = resultOfCode(Code.ok);
const cursorOf = ({ input }: Arrival): number => Number((input as { cursor?: bigint }).cursor ?? 0n);
const sum = (day: number, code: number, count: number) => {
  return { day, code, debitCount: count, creditCount: 1, debits: BigInt(count), credits: 1n };
};

it('entries go on from cursor to cursor, over pages without any', async () => {
  const vector = readGolden().find(({ command }) => command === 'accountHistory')!;
  const [entry] = (vector.reply.value as { entries: unknown[] }).entries;
  const counts = [2, 0, 1];
  const client = await connect((arrival) => {
    const page = cursorOf(arrival);
    const entries = Array.from({ length: counts[page] ?? 0 }, () => entry);
    arrival.reply({ ...ok, nextCursor: page < 2 ? BigInt(page + 1) : 0n, entries });
  });
  const seen: unknown[] = [];
  for await (const one of client.entries({ accountId: 1n })) seen.push(one);
  expect(seen).toHaveLength(3);
});

it('the parts of a day are added up', async () => {
  const pages = [
    [sum(1, 5, 2), sum(2, 9, 1)],
    [sum(2, 3, 1), sum(2, 9, 4)],
    [sum(2, 9, 1), sum(3, 1, 1)],
  ];
  const client = await connect((arrival) => {
    const page = cursorOf(arrival);
    arrival.reply({ ...ok, nextCursor: page < 2 ? BigInt(page + 1) : 0n, sums: pages[page] });
  });
  const seen: unknown[] = [];
  for await (const { day, code, debitCount, debits, creditCount } of client.aggregates({ accountId: 1n })) {
    seen.push([day, code, debitCount, Number(debits), creditCount]);
  }
  expect(seen).toEqual([
    [1, 5, 2, 2, 1],
    [2, 3, 1, 1, 1],
    [2, 9, 6, 6, 3],
    [3, 1, 1, 1, 1],
  ]);
});

it('a page that is refused ends the list with its result', async () => {
  const client = await connect((arrival) => {
    arrival.reply({ ...resultOfCode(Code.cursorInvalid), nextCursor: 0n, entries: [] });
  });
  const all = client.entries({ accountId: 1n, cursor: 99n });
  const error: unknown = await all.next().catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(ResultError);
  expect(error).toMatchObject({ name: 'cursorInvalid' });
});
