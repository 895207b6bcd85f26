/** What transfers do to balances: at once, in two phases, at their limits, by time; who sees which balances. */
import { beforeEach, describe, expect, it } from 'vitest';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';
import { cast, nameOf } from '../../support/cast.ts';
import { Desk, type RawTransfer, SECOND } from '../../support/desk.ts';

const { pending, postPending, voidPending, keepRemainder } = TransferFlags;
const MAX = BigInt(Number.MAX_SAFE_INTEGER);
const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 10n, ledger: 156, code: 1 };
const hold = { ...plain, id: 50n, flags: pending, amount: 100n };
const end = { ...plain, pendingId: 50n, amount: 0n };

let desk: Desk;

beforeEach(async () => {
  desk = new Desk();
  await cast(desk);
});

async function send(...items: RawTransfer[]): Promise<string[]> {
  return (await desk.transfers(2, ...items)).map(nameOf);
}

describe('two phases', () => {
  it('holds, and nothing is posted', async () => {
    expect(await send(hold)).toEqual(['ok']);
    expect(await desk.balances(4n)).toEqual([100, 0, 0, 0]);
    expect(await desk.balances(3n)).toEqual([0, 0, 100, 0]);
  });

  it.each([
    ['all, not said', postPending, 0n, 0, 100],
    ['all, said', postPending, 100n, 0, 100],
    ['a part', postPending, 30n, 0, 30],
    ['a part, the rest stays', postPending | keepRemainder, 30n, 70, 30],
    ['all, the rest would stay', postPending | keepRemainder, 0n, 0, 100],
    ['nothing', voidPending, 0n, 0, 0],
  ])('posts %s', async (_, flags, amount, held, posted) => {
    expect(await send(hold, { ...end, id: 60n, flags, amount })).toEqual(['ok', 'ok']);
    expect(await desk.balances(4n)).toEqual([held, posted, 0, 0]);
    expect(await desk.balances(3n)).toEqual([0, 0, held, posted]);
  });

  it('posts in parts until nothing is left', async () => {
    const part = { ...end, flags: postPending | keepRemainder };
    expect(await send(hold, { ...part, id: 61n, amount: 60n }, { ...part, id: 62n, amount: 41n })).toEqual([
      'ok',
      'ok',
      'exceedsPendingTransferAmount',
    ]);
    expect(await send({ ...part, id: 63n, amount: 40n }, { ...part, id: 64n, amount: 1n })).toEqual([
      'ok',
      'pendingTransferAlreadyPosted',
    ]);
    expect(await desk.balances(4n)).toEqual([0, 100, 0, 0]);
  });

  it('voids what a part left', async () => {
    await send(hold, { ...end, id: 61n, flags: postPending | keepRemainder, amount: 60n });
    expect(await send({ ...end, id: 62n, flags: voidPending }, { ...end, id: 63n, flags: postPending })).toEqual([
      'ok',
      'pendingTransferAlreadyVoided',
    ]);
    expect(await desk.balances(4n)).toEqual([0, 60, 0, 0]);
  });

  it('expires by time: not a microsecond before, and by itself', async () => {
    await send({ ...hold, timeoutS: 5 });
    desk.now += 5 * SECOND - 1;
    await desk.batch([]);
    expect(await desk.balances(4n)).toEqual([100, 0, 0, 0]);
    desk.now += 1;
    await desk.batch([]);
    expect(await desk.balances(4n)).toEqual([0, 0, 0, 0]);
    const { entries } = await desk.history(2, { accountId: 4n });
    expect(entries[0]?.transfer).toMatchObject({ pendingId: 50n, amount: 100n, flags: voidPending | (1 << 15) });
    expect(entries[0]?.transfer.id).toBeGreaterThanOrEqual(0xffff_ffffn << 96n);
  });

  it('expires on time although its timer has not fired: a thousand others were before it', async () => {
    const many = Array.from({ length: 1500 }, (_, index) => ({ ...hold, id: 1000n + BigInt(index), timeoutS: 5 }));
    await send(...many);
    await send({ ...hold, timeoutS: 5 });
    desk.now += 5 * SECOND;
    // Which of them have fired is not said: all of them must answer the same.
    const posts = many.map(({ id }) => ({ ...end, id: id + 10_000n, pendingId: id, flags: postPending }));
    expect(
      new Set(await send(...posts, ...posts.map((post) => ({ ...post, id: post.id + 10_000n, amount: 101n })))),
    ).toEqual(new Set(['pendingTransferExpired']));
    expect(desk.last?.figures.holds).toBe(501);
    await desk.batch([]);
    expect(await desk.balances(4n)).toEqual([0, 0, 0, 0]);
    expect(desk.last?.figures.nextDeadline).toBe(Number.POSITIVE_INFINITY);
  });

  it('never expires without a timeout, and with the longest one as late as said', async () => {
    await send(hold, { ...hold, id: 51n, timeoutS: 0xffff_ffff });
    await desk.pass(0xffff_ffff - 1);
    expect(await desk.balances(4n)).toEqual([200, 0, 0, 0]);
    await desk.pass(1);
    expect(await desk.balances(4n)).toEqual([100, 0, 0, 0]);
  });

  it('time never goes back', async () => {
    await send({ ...hold, timeoutS: 5 });
    await desk.pass(5);
    desk.now -= 60 * SECOND;
    const [late] = await desk.results(2, [{ ...plain, id: 70n }]);
    expect(late?.timestamp).toBe(BigInt(desk.now + 60 * SECOND));
  });
});

describe('limits', () => {
  it('a debit limit counts what is held, and the credit limit widens it to the unit', async () => {
    const limited = { ledger: 156, code: 1, flags: AccountFlags.debitsMustNotExceedCredits };
    await desk.accounts(2, { id: 20n, ...limited, creditLimit: 50n });
    const from = { ...plain, debitAccountId: 20n };
    expect(await send({ ...from, id: 1n, amount: 51n }, { ...from, id: 2n, amount: 30n, flags: pending })).toEqual([
      'exceedsCredits',
      'ok',
    ]);
    expect(await send({ ...from, id: 3n, amount: 21n }, { ...from, id: 4n, amount: 20n })).toEqual([
      'exceedsCredits',
      'ok',
    ]);
    await send({ ...plain, id: 5n, creditAccountId: 20n, amount: 7n });
    expect(await send({ ...from, id: 6n, amount: 8n }, { ...from, id: 7n, amount: 7n })).toEqual([
      'exceedsCredits',
      'ok',
    ]);
  });

  it('money on its way in is not there yet', async () => {
    await send({ ...hold, creditAccountId: 2n });
    expect(await send({ ...plain, id: 1n, debitAccountId: 2n, amount: 1n })).toEqual(['exceedsCredits']);
  });

  it('a credit limit of 2^53 − 1 on top of as much money does not lose a unit', async () => {
    const limited = { ledger: 156, code: 1, flags: AccountFlags.debitsMustNotExceedCredits };
    await desk.accounts(2, { id: 20n, ...limited, creditLimit: MAX });
    expect(await send({ ...plain, id: 1n, debitAccountId: 20n, amount: MAX })).toEqual(['ok']);
    expect(await send({ ...plain, id: 2n, debitAccountId: 20n, amount: 1n })).toEqual(['overflowsDebitsPosted']);
  });

  it('a credit-limited account takes back what it gave, what is held included', async () => {
    await desk.transfers(3, { ...plain, id: 1n, debitAccountId: 6n, creditAccountId: 3n, amount: 100n });
    const to = { ...plain, creditAccountId: 6n };
    expect(await send({ ...to, id: 2n, amount: 60n, flags: pending }, { ...to, id: 3n, amount: 41n })).toEqual([
      'ok',
      'exceedsDebits',
    ]);
    expect(
      await send(
        { ...to, id: 4n, amount: 40n },
        { ...end, id: 5n, pendingId: 2n, creditAccountId: 0n, flags: postPending },
      ),
    ).toEqual(['ok', 'ok']);
    expect(await desk.balances(6n)).toEqual([0, 100, 0, 100]);
  });

  it('holds count towards 2^53 − 1, exactly', async () => {
    expect(
      await send({ ...hold, amount: MAX - 5n }, { ...plain, id: 1n, amount: 6n }, { ...plain, id: 2n, amount: 5n }),
    ).toEqual(['ok', 'overflowsDebitsPosted', 'ok']);
    expect(await send({ ...end, id: 3n, flags: postPending })).toEqual(['ok']);
    expect(await desk.balances(4n)).toEqual([0, Number(MAX), 0, 0]);
    const { entries } = await desk.history(1, { accountId: 4n });
    expect(entries[0]).toMatchObject({ debitBalanceAfter: -MAX, creditBalanceAfter: MAX });
  });
});

describe('balances in replies', () => {
  const zeros = { creditCreditsPosted: 0n, creditCreditsPending: 0n, creditDebitsPosted: 0n, creditDebitsPending: 0n };

  it('are those after each transfer, of the accounts that the caller may see', async () => {
    const [first, second] = await desk.withBalances(1, { ...plain, id: 1n }, { ...hold });
    expect(first?.balances).toMatchObject({ debitDebitsPosted: 10n, creditCreditsPosted: 10n, debitDebitsPending: 0n });
    expect(second?.balances).toMatchObject({
      debitDebitsPosted: 10n,
      debitDebitsPending: 100n,
      creditCreditsPending: 100n,
    });
    const [own] = await desk.withBalances(2, { ...plain, id: 2n });
    expect(own?.balances).toMatchObject({ debitDebitsPosted: 20n, ...zeros });
    const [plainOne] = await desk.results(2, [{ ...plain, id: 3n }]);
    expect(plainOne?.balances).toBeUndefined();
  });

  it("never tell of another institution's account, not even on the way to a refusal", async () => {
    await send({ ...plain, id: 1n });
    const [refused] = await desk.withBalances(2, { ...plain, id: 2n, debitAccountId: 3n, creditAccountId: 4n });
    expect(refused?.name).toBe('debitAccountForbidden');
    expect(refused?.balances).toMatchObject({ debitCreditsPosted: 0n, debitDebitsPosted: 0n });
    const [entry] = (await desk.history(2, { accountId: 4n })).entries;
    expect(entry).toMatchObject({ debitBalanceAfter: -10n, creditBalanceAfter: 0n });
    expect((await desk.lookupTransfers(3, 1n))[0]?.entry).toMatchObject({
      debitBalanceAfter: 0n,
      creditBalanceAfter: 10n,
    });
    expect((await desk.lookupTransfers(1, 1n))[0]?.entry).toMatchObject({
      debitBalanceAfter: -10n,
      creditBalanceAfter: 10n,
    });
  });

  it('come again with a repeated answer, also for an account that was filled in', async () => {
    const post = { ...end, id: 60n, creditAccountId: 0n, flags: postPending };
    await desk.transfers(1, hold);
    const [first] = await desk.withBalances(1, post);
    const [again] = await desk.withBalances(1, post);
    expect(again).toEqual({ ...first, replayed: true });
    expect(again?.balances?.creditCreditsPosted).toBe(100n);
  });
});

describe('other institutions', () => {
  it('may credit any account, debit and end only with their own, and the operator everything', async () => {
    expect(
      (
        await desk.transfers(3, { ...plain, id: 1n }, { ...plain, id: 2n, debitAccountId: 3n, creditAccountId: 2n })
      ).map(nameOf),
    ).toEqual(['debitAccountForbidden', 'ok']);
    await send(hold);
    expect((await desk.transfers(3, { ...end, id: 3n, flags: postPending })).map(nameOf)).toEqual([
      'debitAccountForbidden',
    ]);
    expect((await desk.transfers(1, { ...end, id: 4n, flags: postPending })).map(nameOf)).toEqual(['ok']);
  });

  it('see only what is theirs', async () => {
    await send({ ...plain, id: 1n, creditAccountId: 1n });
    expect((await desk.lookupAccounts(3, 4n, 99n, 3n)).map(({ name }) => name)).toEqual([
      'accountForbidden',
      'accountNotFound',
      'ok',
    ]);
    expect((await desk.lookupTransfers(3, 1n))[0]?.name).toBe('transferNotFound');
    expect((await desk.lookupTransfers(1, 1n))[0]?.name).toBe('ok');
    expect((await desk.history(3, { accountId: 4n })).name).toBe('accountForbidden');
  });
});
