/** Freezes: how long they may be, whom they stop, the money that they block, and that several partitions do the same. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { formatId } from '../../../protocol/ids.ts';
import { AccountFlags } from '../../../protocol/records.ts';
import type { PutFreezeBody } from '../../../protocol/registry-bodies.ts';
import { Bank } from '../../support/bank.ts';
import { replayed } from '../../support/memory-partition.ts';

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
const reason = { en: 'Reported as stolen.', zh: '已报失。' };
const id = (n: number): string => formatId(BigInt(n));

describe.each([1, 3])('with %i partitions', (count) => {
  let bank: Bank;
  let next: bigint;

  beforeEach(async () => {
    bank = new Bank(count);
    next = 1000n;
    const limited = AccountFlags.debitsMustNotExceedCredits;
    await bank.accounts(1, { id: 1n, ledger: 156, code: 1 });
    await bank.accounts(2, ...[2n, 3n, 4n].map((account) => ({ id: account, ledger: 156, code: 1, flags: limited })));
    await bank.transfers(1, { id: 900n, debitAccountId: 1n, creditAccountId: 2n, amount: 500n, ledger: 156, code: 1 });
    await bank.rest();
  });

  const pay = async (from: bigint, to: bigint, amount = 100n): Promise<string> => {
    const payment = { id: next++, payerAccountId: from, payeeAccountId: to, amount, ledger: 156 };
    return (await bank.pay(2, 'sale', payment)).name;
  };
  const freeze = (body: Partial<PutFreezeBody>, institution = 2) =>
    bank.registry(institution, 'putFreeze', {
      id: id(70),
      accountId: id(2),
      kind: 'sender',
      reason,
      until: bank.now + 30 * MINUTE,
      ...body,
    });
  const received = (over: Partial<PutFreezeBody> = {}) =>
    freeze({
      accountId: id(3),
      kind: 'received',
      payerAccountId: id(2),
      amount: 200,
      until: bank.now + 72 * HOUR,
      ...over,
    });
  const end = (decision: 'release' | 'return', accountId = id(3)) =>
    bank.registry(2, 'endFreeze', { id: id(70), accountId, decision });

  it('accountNotFound, accountForbidden, untilMustBeInFuture, freezeTooLong, freezeNotFound', async () => {
    expect((await freeze({ accountId: id(99) })).name).toBe('accountNotFound');
    expect((await freeze({}, 3)).name).toBe('accountForbidden');
    expect((await freeze({ until: bank.now })).name).toBe('untilMustBeInFuture');
    const noon = { utcOffsetMinutes: offsetTo(bank.now, 12) };
    const night = { utcOffsetMinutes: offsetTo(bank.now, 23) };
    expect((await freeze({ ...noon, until: bank.now + 30 * MINUTE + 1 })).name).toBe('freezeTooLong');
    expect((await freeze({ ...night, until: bank.now + 60 * MINUTE + 1 })).name).toBe('freezeTooLong');
    expect((await received({ until: bank.now + 72 * HOUR + 1 })).name).toBe('freezeTooLong');
    expect((await end('release')).name).toBe('freezeNotFound');
    expect((await freeze({ ...night, until: bank.now + 60 * MINUTE })).name).toBe('ok');
  });

  it('a sender pays nothing until its end, or until it is released; it still receives', async () => {
    expect(await pay(2n, 3n)).toBe('ok');
    expect((await freeze({ utcOffsetMinutes: offsetTo(bank.now, 12) })).freeze?.state).toBe('open');
    expect(await pay(2n, 3n)).toBe('payerAccountFrozen');
    expect(await pay(3n, 2n)).toBe('ok');
    const [shown] = (await bank.registry(2, 'readAccountRisk', { accountId: id(2) })).freezes ?? [];
    expect(shown).toMatchObject({ id: id(70), kind: 'sender', reason });
    await bank.pass(30 * 60 - 1);
    expect(await pay(2n, 3n)).toBe('payerAccountFrozen');
    await bank.pass(1);
    expect(await pay(2n, 3n)).toBe('ok');
    expect((await bank.registry(2, 'readAccountRisk', { accountId: id(2) })).freezes).toEqual([]);
  });

  it('a released sender pays again; the same again is the same, another under the id is not', async () => {
    const body = { utcOffsetMinutes: offsetTo(bank.now, 12) };
    const first = await freeze(body);
    expect((await freeze(body)).freeze).toEqual(first.freeze);
    expect((await freeze({ ...body, until: bank.now + 1 })).name).toBe('freezeExistsDifferently');
    expect((await end('release', id(2))).freeze?.state).toBe('released');
    expect((await end('release', id(2))).name).toBe('ok');
    expect((await end('return', id(2))).name).toBe('freezeExistsDifferently');
    expect(await pay(2n, 3n)).toBe('ok');
    same(bank);
  });

  it('received money is blocked as far as it is there, and returned or released once', async () => {
    await pay(2n, 3n, 150n);
    const made = await received();
    expect(made.freeze).toMatchObject({ blocked: 150, state: 'open' });
    expect((await received()).freeze).toEqual(made.freeze);
    expect(await bank.balances(3n)).toEqual([150, 0, 0, 150]);
    const shown = async () => (await bank.registry(2, 'readAccountRisk', { accountId: id(3) })).freezes;
    expect(await shown()).toMatchObject([{ state: 'open', blocked: 150 }]);
    expect(await pay(3n, 4n)).toBe('insufficientFunds');
    expect((await end('return')).freeze?.state).toBe('returned');
    await bank.rest();
    expect((await end('return')).name).toBe('ok');
    expect((await end('release')).name).toBe('pendingTransferAlreadyPosted');
    expect(await bank.balances(3n)).toEqual([0, 150, 0, 150]);
    expect((await bank.balances(2n))[3]).toBe(650);
    same(bank);
  });

  it('received money is free again when it is released, and when its time is over', async () => {
    await pay(2n, 3n, 150n);
    await received();
    expect((await end('release')).freeze?.state).toBe('released');
    await bank.rest();
    expect(await pay(3n, 4n, 150n)).toBe('ok');
    await pay(2n, 3n, 50n);
    await received({ id: id(71), until: bank.now + MINUTE });
    await bank.pass(61);
    const shown = await bank.registry(2, 'readAccountRisk', { accountId: id(3) });
    expect(shown.freezes?.map(({ blocked }) => blocked)).not.toContain(50);
    expect(await pay(3n, 4n, 50n)).toBe('ok');
    expect((await received({ id: id(72) })).freeze?.blocked).toBe(0);
    same(bank);
  });

  it('riskRegistryFull: 16 of an account', async () => {
    const noon = { utcOffsetMinutes: offsetTo(bank.now, 12) };
    for (let n = 0; n < 16; n++) expect((await freeze({ ...noon, id: id(100 + n) })).name).toBe('ok');
    expect((await freeze({ ...noon, id: id(200) })).name).toBe('riskRegistryFull');
    same(bank);
  });
});

/** Minutes east of UTC of a place where it is this hour. */
function offsetTo(now: number, hour: number): number {
  const minute = Math.floor(now / MINUTE) % 1440;
  const east = (((hour * 60 - minute) % 1440) + 1440) % 1440;
  return east > 840 ? east - 1440 : east;
}

function same({ partitions }: Bank): void {
  for (const memory of partitions)
    expect(registryOf(takeSnapshot(replayed(memory)))).toEqual(registryOf(takeSnapshot(memory.state)));
}

function registryOf(sections: Readonly<Record<string, Uint8Array>>): unknown {
  return sections.registry;
}
