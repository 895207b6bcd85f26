/** Chains of which a member crosses: as long as a message, of new transfers or of endings. */
import { describe, expect, it } from 'vitest';
import { TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import type { RawTransfer } from '../../support/desk.ts';
import { CNY, expectSettled, FEES, furnished, PAYERS, START_FUNDS } from '../../support/joint-traffic.ts';

const { linked, pending, postPending, voidPending } = TransferFlags;

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

  /** Accounts at home, two holds of the first there towards the second, and who lives elsewhere. */
  const held = async (timeoutS = 0) => {
    const bank = await furnished(2);
    const [payer = 0n, near = 0n] = PAYERS.filter((id) => bank.homeOf(id) === 0);
    const far = PAYERS.find((id) => bank.homeOf(id) === 1) as bigint;
    const move = { debitAccountId: payer, creditAccountId: far, amount: 5n, ledger: CNY, code: 1 };
    const hold = { ...move, creditAccountId: near, amount: 10n, flags: pending, timeoutS };
    expect(await bank.transfers(2, { ...hold, id: 100n })).toEqual(['ok']);
    return { bank, payer, near, far, move, end: { debitAccountId: payer, pendingId: 100n } };
  };
  const turns = async (count: number): Promise<void> => {
    for (let turn = 0; turn < count; turn++) await new Promise((resolve) => setImmediate(resolve));
  };

  it('may end a hold as well, which nobody else ends meanwhile', async () => {
    for (let later = 0; later < 12; later++) {
      const { bank, payer, near, far, move, end } = await held();
      const chain = [
        { ...move, id: 101n, flags: linked },
        { ...end, id: 102n, flags: postPending },
      ];
      const linkedOnes = bank.transfers(2, ...chain);
      await turns(later);
      const second = bank.transfers(2, { ...end, id: 103n, flags: voidPending });
      const whole = bank.endChain(2, { ...end, id: 104n, flags: voidPending });
      expect(await linkedOnes).toEqual(['ok', 'ok']);
      expect(await second).toEqual(['pendingTransferAlreadyPosted']);
      expect((await whole).name).toBe('pendingTransferAlreadyPosted');
      await bank.rest();
      expectSettled(bank);
      expect(await bank.balances(payer)).toEqual([0, 15, 0, Number(START_FUNDS)]);
      expect(await bank.balances(near)).toEqual([0, 0, 0, Number(START_FUNDS) + 10]);
      expect(await bank.balances(far)).toEqual([0, 0, 0, Number(START_FUNDS) + 5]);
    }
  });

  it('that fail leave the hold to others, and to its timer', async () => {
    const told = new Set<string | undefined>();
    for (let later = 0; later < 12; later++) {
      const { bank, payer, move, end } = await held(4);
      const nobody = [77n, 78n, 79n, 80n, 81n, 82n].find((id) => bank.homeOf(id) === 1) as bigint;
      const chain = [
        { ...end, id: 101n, flags: voidPending | linked },
        { ...move, id: 102n, creditAccountId: nobody },
      ];
      const linkedOnes = bank.transfers(2, ...chain);
      await turns(later);
      const keepsRest = postPending | TransferFlags.keepRemainder;
      const part = bank.transfers(2, { ...end, id: 103n, amount: 4n, flags: keepsRest });
      bank.now += 5_000_000;
      told.add((await linkedOnes).join());
      told.add((await part).join());
      await bank.pass(5);
      expectSettled(bank);
      expect((await bank.balances(payer))[0]).toBe(0);
      expect(await bank.transfers(2, { ...end, id: 104n, flags: voidPending })).toEqual(['pendingTransferExpired']);
    }
    expect(told).toContain('linkedEventFailed,creditAccountNotFound');
    expect(told).toContain('pendingTransferExpired');
  });

  it('keep what they end to themselves over a start, also when its time comes', async () => {
    let kept = 0;
    for (let fuel = 1; fuel < 6; fuel++) {
      const { bank, payer, move, end } = await held(4);
      bank.fuel = fuel;
      void bank.transfers(2, { ...move, id: 101n, flags: linked }, { ...end, id: 102n, flags: postPending });
      await turns(60);
      const again = new Bank(2, bank.partitions);
      again.now = bank.now + 5_000_000;
      const late = again.transfers(2, { ...end, id: 103n, flags: voidPending });
      await again.rest();
      const [name] = await late;
      if (name === 'pendingTransferAlreadyPosted') kept++;
      else expect(name).toBe('pendingTransferExpired');
      expectSettled(again);
      const [heldNow, paid] = await again.balances(payer);
      expect([heldNow, paid]).toEqual([0, name === 'pendingTransferAlreadyPosted' ? 15 : 0]);
    }
    expect(kept).toBeGreaterThan(1);
  });

  it('what ends the same hold behind such a chain, in one message, is busy', async () => {
    const { bank, move, end } = await held();
    const chain = [
      { ...move, id: 101n, flags: linked },
      { ...end, id: 102n, flags: postPending },
      { ...end, id: 103n, flags: voidPending },
    ];
    expect(await bank.transfers(2, ...chain)).toEqual(['ok', 'ok', 'busy']);
    expect(await bank.transfers(2, { ...end, id: 103n, flags: voidPending })).toEqual(['pendingTransferAlreadyPosted']);
    await bank.rest();
    expectSettled(bank);
  });
});
