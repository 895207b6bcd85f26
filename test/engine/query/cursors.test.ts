/**
 * Positions come back from clients as cursors and engine-given ids. Clients also choose bytes inside events, so what looks like
 * an event in the middle of one must not be taken for one.
 */
import { beforeEach, describe, expect, it } from 'vitest';
import { EventTypes, TRANSFER_EVENT_BYTES } from '../../../engine/ledger/events.ts';
import { cast } from '../../support/cast.ts';
import { Desk, type RawTransfer } from '../../support/desk.ts';
import { type MemoryPartition, memoryPartition } from '../../support/memory-partition.ts';

const plain = { debitAccountId: 4n, creditAccountId: 3n, amount: 1n, ledger: 156, code: 1 };
const GARBAGE = [1n, 7n, 8n, 9n, 2n ** 32n, 2n ** 53n - 1n, 2n ** 53n + 1n, 2n ** 63n, 2n ** 64n - 1n];

let desk: Desk;
let memory: MemoryPartition;

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
});

async function fill(count: number): Promise<void> {
  const items = Array.from({ length: count }, (_, index) => ({ ...plain, id: 1000n + BigInt(index) }));
  await desk.transfers(2, ...items.slice(0, 3));
  for (let at = 3; at < count; at += 2) await desk.transfers(2, ...items.slice(at, at + 2));
}

describe('history', () => {
  it.each([1, 2, 3, 6, 7, 8, 1000])(
    'pages of %i are in one row, newest first, with the balances of the time',
    async (limit) => {
      await fill(7);
      const amounts: bigint[] = [];
      const ids: bigint[] = [];
      let cursor = 0n;
      let pages = 0;
      do {
        const page = await desk.history(2, { accountId: 4n, limit, cursor });
        expect(page.name).toBe('ok');
        for (const entry of page.entries) {
          amounts.push(entry.debitBalanceAfter);
          ids.push(entry.transfer.id);
        }
        cursor = page.nextCursor;
        pages++;
        if (pages === 1) await desk.transfers(2, { ...plain, id: 5000n });
      } while (cursor !== 0n);
      expect(pages).toBe(Math.ceil(7 / limit));
      expect(ids).toEqual([1006n, 1005n, 1004n, 1003n, 1002n, 1001n, 1000n]);
      expect(amounts).toEqual([-7n, -6n, -5n, -4n, -3n, -2n, -1n]);
    },
  );

  it('limitOutOfRange before cursorInvalid, after the account', async () => {
    await fill(1);
    for (const limit of [0, 1001, 0xffff_ffff]) {
      expect((await desk.history(2, { accountId: 4n, limit, cursor: 1n })).name).toBe('limitOutOfRange');
      expect((await desk.history(2, { accountId: 99n, limit })).name).toBe('accountNotFound');
    }
    expect((await desk.history(2, { accountId: 2n })).entries).toEqual([]);
  });

  it('every position is an entry of this account or cursorInvalid', async () => {
    await fill(5);
    await desk.transfers(1, { ...plain, id: 1n, debitAccountId: 1n }, { ...plain, id: 2n, creditAccountId: 99n });
    const end = BigInt(memory.journal.nextLsn);
    let entries = 0;
    for (let cursor = 1n; cursor < end + 40n; cursor++) {
      const page = await desk.history(2, { accountId: 4n, cursor });
      expect(['ok', 'cursorInvalid']).toContain(page.name);
      if (page.name === 'ok') entries++;
    }
    expect(entries).toBe(5);
    for (const cursor of GARBAGE) {
      expect((await desk.history(2, { accountId: 4n, cursor })).name).toBe('cursorInvalid');
    }
  });

  it('an entry forged inside a refused transfer is no entry', async () => {
    // From byte 48 of its event on, this refused transfer reads like an entry of account 4 whose previous entry is at 1.
    const forged: RawTransfer = {
      ...plain,
      id: BigInt(EventTypes.transfer) | (BigInt(TRANSFER_EVENT_BYTES) << 32n) | (2n << 64n),
      debitAccountId: 1n | (1n << 64n),
      creditAccountId: 1n,
      userData128: 4n << 64n,
      userData64: 0n,
    };
    // The forged debit account id: upper half of the pending id and lower half of userData128. The credit: 4.
    const [code] = await desk.transfers(2, forged, { ...plain, id: 900n });
    expect(code).toBe(501);
    const at = memory.journal.nextLsn - (2 * TRANSFER_EVENT_BYTES) / 16 + 3;
    await fill(3);
    expect(memory.state.events.read(at).getUint8(0)).toBe(EventTypes.transfer);
    expect((await desk.history(2, { accountId: 4n, cursor: BigInt(at) })).name).toBe('cursorInvalid');
    expect(memory.state.events.readUntrusted(at, EventTypes.transfer, TRANSFER_EVENT_BYTES)).toBeUndefined();
  });
});

describe('engine-given ids', () => {
  it('name a transfer only where one with this id is', async () => {
    await desk.pay(2, 'sale', { id: 1n, payerAccountId: 4n, payeeAccountId: 3n, amount: 10n, ledger: 156 });
    const end = BigInt(memory.journal.nextLsn);
    let found = 0;
    for (let lsn = 0n; lsn < end + 3n; lsn++) {
      const [leg] = await desk.lookupTransfers(2, (0xffff_ffffn << 96n) | lsn);
      if (leg?.name === 'ok') {
        found++;
        expect(leg.entry?.transfer).toMatchObject({ userData128: 1n, userData32: 1, amount: 10n });
      }
      expect((await desk.lookupTransfers(2, (0xffff_ffffn << 96n) | (1n << 64n) | lsn))[0]?.name).toBe(
        'transferNotFound',
      );
    }
    expect(found).toBe(1);
    for (const lsn of GARBAGE) {
      expect((await desk.lookupTransfers(2, (0xffff_ffffn << 96n) | lsn))[0]?.name).toBe('transferNotFound');
    }
  });
});

describe('lists of payments', () => {
  const payment = { payerAccountId: 4n, payeeAccountId: 3n, amount: 10n, ledger: 156 };

  it.each([1, 2, 3, 5, 6, 1000])(
    'pages of %i: newest first, by institution, account, state and reference',
    async (limit) => {
      for (let index = 0; index < 6; index++) {
        const reference = index % 2 === 0 ? 'order-1' : `o${index}`;
        await desk.pay(2, index < 3 ? 'sale' : 'authorise', { ...payment, id: BigInt(10 + index), reference });
      }
      await desk.pay(3, 'sale', { ...payment, payerAccountId: 3n, payeeAccountId: 4n, id: 30n, reference: 'order-1' });
      await desk.pay(2, 'sale', { ...payment, payerAccountId: 2n, id: 31n });
      await desk.operate(2, 'void', { id: 1n, paymentId: 14n });
      const all = async (query: object): Promise<bigint[]> => {
        const ids: bigint[] = [];
        let cursor = 0n;
        do {
          const page = await desk.queryPayments(2, { ...query, limit, cursor });
          expect(page.name).toBe('ok');
          ids.push(...page.payments.map((view) => view.payment.id));
          cursor = page.nextCursor;
        } while (cursor !== 0n);
        return ids;
      };
      expect(await all({})).toEqual([31n, 15n, 14n, 13n, 12n, 11n, 10n]);
      expect(await all({ reference: 'order-1' })).toEqual([14n, 12n, 10n]);
      expect(await all({ reference: 'order-1', state: 'voided' })).toEqual([14n]);
      expect(await all({ reference: 'order' })).toEqual([]);
      expect(await all({ state: 'authorised' })).toEqual([15n, 13n]);
      expect(await all({ state: 'declined' })).toEqual([31n]);
      expect(await all({ accountId: 2n })).toEqual([31n]);
      expect(await all({ accountId: 3n, state: 'captured' })).toEqual([12n, 11n, 10n]);
    },
  );

  it('every position is the first version of an own payment or cursorInvalid', async () => {
    await desk.pay(2, 'authorise', { ...payment, id: 10n, reference: 'x'.repeat(64) });
    await desk.operate(2, 'capture', { id: 1n, paymentId: 10n, amount: 3n });
    await desk.operate(2, 'capture', { id: 2n, paymentId: 10n, amount: 30n });
    await desk.operate(2, 'capture', { id: 3n, paymentId: 11n });
    await desk.pay(3, 'sale', { ...payment, payerAccountId: 3n, payeeAccountId: 4n, id: 30n });
    await desk.pay(2, 'sale', { ...payment, id: 12n });
    let valid = 0;
    for (let cursor = 1n; cursor < BigInt(memory.journal.nextLsn) + 40n; cursor++) {
      const page = await desk.queryPayments(2, { cursor });
      expect(['ok', 'cursorInvalid']).toContain(page.name);
      if (page.name === 'ok') valid++;
    }
    expect(valid).toBe(2);
    for (const cursor of GARBAGE) expect((await desk.queryPayments(2, { cursor })).name).toBe('cursorInvalid');
    expect((await desk.queryPayments(2, { limit: 0 })).name).toBe('limitOutOfRange');
    expect((await desk.queryPayments(2, { limit: 1001 })).name).toBe('limitOutOfRange');
  });
});

describe('lists of parties', () => {
  const party = { kind: 'merchant', name: 'Corner Shop', ledgers: [156], mcc: 5411 } as const;

  it.each([1, 2, 3, 4, 1000])('pages of %i: newest change first, each once', async (limit) => {
    for (const handle of ['a', 'b', 'c', 'd']) await desk.putParty(2, { ...party, handle });
    await desk.putParty(3, { ...party, handle: 'z' });
    await desk.putParty(2, { ...party, handle: 'b', name: 'Corner Shop II' });
    await desk.putParty(2, { ...party, handle: 'a' });
    const handles: string[] = [];
    let cursor = 0;
    do {
      const page = await desk.listParties(2, cursor, limit);
      handles.push(...page.parties.map(({ handle }) => handle));
      cursor = page.nextCursor;
    } while (cursor !== 0);
    expect(handles).toEqual(['b', 'd', 'c', 'a']);
  });

  it('every position is a party of the caller or cursorInvalid', async () => {
    for (const handle of ['a', 'b']) await desk.putParty(2, { ...party, handle });
    await desk.putParty(3, { ...party, handle: 'z' });
    await desk.putCampaign(2, {
      accountId: `${'0'.repeat(31)}2`,
      basisPoints: 1,
      fixed: 0,
      maximum: 0,
      minimumAmount: 0,
      startsAt: 0,
      endsAt: 0,
    });
    let valid = 0;
    for (let cursor = 1; cursor < memory.journal.nextLsn + 40; cursor++) {
      const page = await desk.listParties(2, cursor, 10);
      expect(['ok', 'cursorInvalid']).toContain(page.name);
      if (page.name === 'ok') valid++;
    }
    expect(valid).toBe(2);
    expect((await desk.listParties(2, Number.MAX_SAFE_INTEGER, 10)).name).toBe('cursorInvalid');
  });
});
