/** Chains of which a member crosses: as long as a message, of new transfers or of endings. */
import { describe, expect, it } from 'vitest';
import { TransferFlags } from '../../../protocol/records.ts';
import type { Bank } from '../../support/bank.ts';
import type { RawTransfer } from '../../support/desk.ts';
import { CNY, expectSettled, FEES, furnished, PAYERS, START_FUNDS } from '../../support/joint-traffic.ts';

const { linked, pending } = TransferFlags;

describe('chains between partitions', () => {
  const chainOf = (
    bank: Bank,
    home: number,
    length: number,
    first: bigint,
    change: Partial<RawTransfer> = {},
  ): RawTransfer[] => {
    const debitAccountId = PAYERS.find((id) => bank.homeOf(id) === home) as bigint;
    const others = [...PAYERS, ...FEES].filter((id) => id !== debitAccountId);
    return Array.from({ length }, (_, n) => ({
      id: first + BigInt(n),
      debitAccountId,
      creditAccountId: others[n % others.length] as bigint,
      amount: 1n,
      ledger: CNY,
      code: 1,
      ...change,
      flags: (change.flags ?? 0) | (n < length - 1 ? linked : 0),
    }));
  };

  it('may be as long as a message', async () => {
    const bank = await furnished(3);
    const chain = chainOf(bank, 0, 8190, 100_000n);
    const names = await bank.transfers(2, ...chain);
    expect(new Set(names)).toEqual(new Set(['ok']));
    const last = chain.at(-1) as RawTransfer;
    const failing = chain.map((member) => ({ ...member, id: (member.id ?? 0n) + 10_000n }));
    failing[8189] = { ...last, id: 118_189n, creditAccountId: 77n };
    const refused = await bank.transfers(2, ...failing);
    expect(refused.filter((name) => name === 'linkedEventFailed')).toHaveLength(8189);
    expect(refused.at(-1)).toBe('creditAccountNotFound');
    await bank.rest();
    expectSettled(bank);
  });

  it('of posts and voids end everything or nothing, wherever it is held', async () => {
    for (const partitions of [1, 2, 3]) {
      const bank = await furnished(partitions);
      const held = chainOf(bank, 0, 4, 100n, { flags: pending });
      expect(await bank.transfers(2, ...held)).toEqual(['ok', 'ok', 'ok', 'ok']);
      const ends = held.map(({ id = 0n, debitAccountId = 0n }, n) => ({
        id: id + 100n,
        debitAccountId,
        pendingId: n === 3 ? 99n : id,
        flags: (n % 2 === 0 ? TransferFlags.postPending : TransferFlags.voidPending) | (n < 3 ? linked : 0),
      }));
      const failed = ['linkedEventFailed', 'linkedEventFailed', 'linkedEventFailed', 'pendingTransferNotFound'];
      expect(await bank.transfers(2, ...ends)).toEqual(failed);
      const whole = ends.map((end, n) => ({ ...end, id: end.id + 100n, pendingId: 100n + BigInt(n) }));
      expect(await bank.transfers(2, ...whole)).toEqual(['ok', 'ok', 'ok', 'ok']);
      await bank.rest();
      expectSettled(bank);
      expect(await bank.balances(held[0]?.debitAccountId ?? 0n)).toEqual([0, 2, 0, Number(START_FUNDS)]);
    }
  });

  it('that end a hold and cross as well are refused', async () => {
    const bank = await furnished(2);
    const home = 0;
    const [hold] = chainOf(bank, home, 1, 100n, { flags: pending });
    expect(await bank.transfers(2, hold ?? {})).toEqual(['ok']);
    const debitAccountId = hold?.debitAccountId ?? 0n;
    const far = PAYERS.find((id) => bank.homeOf(id) !== home) as bigint;
    const move = { debitAccountId, creditAccountId: far, amount: 1n, ledger: CNY, code: 1 };
    const end = { debitAccountId, pendingId: 100n, flags: TransferFlags.voidPending };
    expect(await bank.transfers(2, { ...move, id: 101n, flags: linked }, { ...end, id: 102n })).toEqual([
      'linkedEventFailed',
      'crossesPartitions',
    ]);
    await bank.rest();
    expectSettled(bank);
  });
});
