/** Histories, balances and trial balances where transfers cross between partitions. */
import { describe, expect, it } from 'vitest';
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import { decodeAccountHistory, encodeAccountHistory } from '../../../protocol/codecs/history-codec.ts';
import {
  decodeBalancesAt,
  decodeQueryHistory,
  decodeTrialBalance,
  encodeBalancesAt,
  encodeQueryHistory,
  encodeTrialBalance,
  type HistoryFilter,
} from '../../../protocol/codecs/reading-codec.ts';
import type { TransferEntry } from '../../../protocol/codecs/transfer-codec.ts';
import { Bank } from '../../support/bank.ts';
import { framed } from '../../support/desk.ts';
import type { MemoryPartition } from '../../support/memory-partition.ts';

const ID = { requestId: 1 };
const IDS = [1n, 2n, 3n, 4n, 5n, 6n];

async function busyBank(): Promise<Bank> {
  const bank = new Bank(2);
  await bank.accounts(1, ...IDS.map((id) => ({ id, ledger: 156, code: 1 })));
  for (let round = 0; round < 12; round++) {
    const items = IDS.flatMap((debitAccountId, a) =>
      IDS.filter((id) => id !== debitAccountId).map((creditAccountId, b) => {
        return {
          id: BigInt(1000 + round * 100 + a * 10 + b),
          debitAccountId,
          creditAccountId,
          amount: BigInt(1 + a + round),
          ledger: 156,
          code: 1,
        };
      }),
    );
    expect(new Set(await bank.transfers(1, ...items))).toEqual(new Set(['ok']));
    await bank.pass(1);
  }
  return bank;
}

async function whole(bank: Bank, filter: HistoryFilter): Promise<TransferEntry[]> {
  const entries: TransferEntry[] = [];
  let cursor = 0n;
  do {
    const frame = await bank.ask(framed(1, encodeQueryHistory({ ...filter, cursor, limit: 50 }, ID)));
    const page = decodeQueryHistory(openReply(frame));
    expect(page.name).toBe('ok');
    entries.push(...page.entries);
    cursor = page.nextCursor;
  } while (cursor !== 0n);
  return entries;
}

function clearingAccounts({ state }: MemoryPartition): bigint[] {
  const { accounts, clearing } = state.ledger;
  return Array.from({ length: accounts.count }, (_, account) => account)
    .filter((account) => clearing.isClearing(account))
    .map((account) =>
      accounts.ids.slice(account * 4, account * 4 + 4).reduceRight((id, word) => (id << 32n) | BigInt(word), 0n),
    );
}

describe('with two partitions', () => {
  it('reads the history of every account both ways, that of clearing accounts, too', async () => {
    const bank = await busyBank();
    const clearing = bank.partitions.flatMap(clearingAccounts);
    expect(clearing).toHaveLength(2);
    for (const accountId of [...IDS, ...clearing]) {
      const frame = await bank.ask(framed(1, encodeAccountHistory({ accountId, limit: 1000 }, ID)));
      const all = decodeAccountHistory(openReply(frame)).entries;
      expect(all.length).toBeGreaterThan(100);
      expect(await whole(bank, { accountId })).toEqual(all);
      expect(await whole(bank, { accountId, order: 'oldestFirst' })).toEqual(all.toReversed());
      const sides = [
        ...(await whole(bank, { accountId, side: 'debit' })),
        ...(await whole(bank, { accountId, side: 'credit' })),
      ];
      expect(new Set(sides.map(({ transfer }) => transfer.id)).size).toBe(all.length);
      const [debitsPending, debitsPosted = 0, , creditsPosted = 0] = await bank.balances(accountId);
      const found = decodeBalancesAt(openReply(await bank.ask(framed(1, encodeBalancesAt({ accountId }, ID)))));
      expect(found).toMatchObject({ name: 'ok', balance: BigInt(creditsPosted - debitsPosted) });
      expect(debitsPending).toBe(0);
    }
  });

  it('has a trial balance that balances', async () => {
    const bank = await busyBank();
    const page = decodeTrialBalance(openReply(await bank.ask(framed(1, encodeTrialBalance({}, ID)))));
    const [row] = page.ledgers;
    expect(page.ledgers).toHaveLength(1);
    expect(row).toMatchObject({ ledger: 156, accounts: 8n, debitsPending: 0n, creditsPending: 0n });
    expect(row?.debitsPosted).toBe(row?.creditsPosted);
    expect(row?.debitsPosted).toBeGreaterThan(0n);
  });
});
