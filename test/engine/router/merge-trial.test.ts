/** The trial balances of several partitions make one list: every ledger once, in order, with the sums of all. */
import { expect, it } from 'vitest';
import { mergeTrial } from '../../../engine/router/merge-trial.ts';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import { decodeTrialBalance, encodeTrialBalance } from '../../../protocol/codecs/reading-codec.ts';
import { Desk, framed } from '../../support/desk.ts';

const LEDGERS = [
  [1, 2, 5, 9],
  [2, 3, 4, 5, 6, 7],
  [5, 8],
];

async function desks(): Promise<Desk[]> {
  return Promise.all(
    LEDGERS.map(async (ledgers, partition) => {
      const desk = new Desk();
      const id = (ledger: number, side: number): bigint => BigInt(partition * 1000 + ledger * 10 + side);
      for (const ledger of ledgers) {
        const pair = [id(ledger, 1), id(ledger, 2)] as const;
        await desk.accounts(2, ...pair.map((account) => ({ id: account, ledger, code: 1 })));
        const [debitAccountId, creditAccountId] = pair;
        const transfer = {
          id: id(ledger, 3),
          debitAccountId,
          creditAccountId,
          amount: BigInt(ledger),
          ledger,
          code: 1,
        };
        expect(await desk.transfers(2, transfer)).toEqual([0]);
      }
      return desk;
    }),
  );
}

it.each([1, 2, 3, 4, 6, 9, 1000])('pages of %i', async (limit) => {
  const all = await desks();
  const seen: [number, bigint, bigint][] = [];
  let cursor = 0n;
  do {
    const request = framed(2, encodeTrialBalance({ cursor, limit }, { requestId: 1 }));
    const merged = mergeTrial(await Promise.all(all.map((desk) => desk.one(request))), limit);
    expect(merged).toBeDefined();
    const page = decodeTrialBalance(openReply(merged ?? new Uint8Array()));
    expect(page.ledgers.length).toBeLessThanOrEqual(limit);
    seen.push(...page.ledgers.map((row): [number, bigint, bigint] => [row.ledger, row.accounts, row.debitsPosted]));
    for (const { debitsPosted, creditsPosted } of page.ledgers) expect(debitsPosted).toBe(creditsPosted);
    cursor = page.nextCursor;
  } while (cursor !== 0n);
  const expected = [1, 2, 3, 4, 5, 6, 7, 8, 9].map((ledger) => {
    const partitions = BigInt(LEDGERS.filter((ledgers) => ledgers.includes(ledger)).length);
    return [ledger, 2n * partitions, BigInt(ledger) * partitions];
  });
  expect(seen).toEqual(expected);
});

it('is refused when a partition refuses', async () => {
  const all = await desks();
  const request = framed(2, encodeTrialBalance({ limit: 0 }, { requestId: 1 }));
  const merged = mergeTrial(await Promise.all(all.map((desk) => desk.one(request))), 0);
  expect(decodeTrialBalance(openReply(merged ?? new Uint8Array()))).toMatchObject({ name: 'limitOutOfRange' });
});
