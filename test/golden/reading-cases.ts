/** Golden vectors of the queries of a history, of balances and of sums. */
import { resultOfCode } from '../../protocol/codecs/result-codec.ts';
import { Code } from '../../protocol/results.ts';
import type { GoldenCase } from './golden-cases.ts';

interface Sample {
  readonly payer: bigint;
  readonly merchant: bigint;
  readonly time: bigint;
  readonly currency: number;
  readonly entry: object;
}

export function readingCases({ payer, merchant, time, currency, entry }: Sample): readonly GoldenCase[] {
  const ok = resultOfCode(Code.ok);
  return [
    {
      name: 'debits with one code and counterpart since a time, oldest first',
      command: 'queryHistory',
      input: {
        accountId: payer,
        cursor: 65n,
        limit: 1,
        code: 1,
        from: time,
        to: time + 86_400_000_000n,
        counterpartId: merchant,
        userData64: 42n,
        order: 'oldestFirst',
        side: 'debit',
      },
      value: { ...ok, nextCursor: 66n, entries: [entry] },
    },
    {
      name: 'the balance at a time',
      command: 'balancesAt',
      input: { accountId: payer, at: time + 7n },
      value: { ...ok, balance: 7500n, entries: 2n, ledger: currency, entry },
    },
    {
      name: 'the balance before the first entry',
      command: 'balancesAt',
      checksum: true,
      input: { accountId: merchant, at: time },
      value: { ...ok, balance: 0n, entries: 0n, ledger: currency, entry: undefined },
    },
    {
      name: 'the sums of two ledgers, and more to come',
      command: 'trialBalance',
      input: { cursor: 36n, limit: 2 },
      value: { ...ok, nextCursor: 840n, ledgers: [trial(currency, 2n ** 70n), trial(840, 2500n)] },
    },
    {
      name: 'what was posted in two days',
      command: 'aggregate',
      input: { accountId: payer, limit: 1000, from: time },
      value: {
        ...ok,
        nextCursor: 0n,
        sums: [
          { day: 20_370, code: 1, debitCount: 1, creditCount: 0, debits: 2500n, credits: 0n },
          { day: 20_371, code: 5411, debitCount: 2, creditCount: 1, debits: 700n, credits: 10_000n },
        ],
      },
    },
  ];
}

function trial(ledger: number, posted: bigint): object {
  const sides = { debitsPending: 0n, debitsPosted: posted, creditsPending: 0n, creditsPosted: posted };
  return { ledger, accounts: 3n, ...sides };
}
