// Invariant: from whichever cursor and in whichever pages it is read, an institution's change stream is the same list; it is
// in the order of the journal, has nothing of others, and the operator's has every event.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { LmdbJournal } from '../../../engine/journal/journal.ts';
import { JournalChanges } from '../../../engine/stream/journal-changes.ts';
import { Owners } from '../../../engine/stream/owners.ts';
import type { Opened } from '../../../engine/worker/open.ts';
import type { Change } from '../../../protocol/changes.ts';
import { AccountFlags } from '../../../protocol/records.ts';
import { Desk } from '../../support/desk.ts';
import { openStored, storedOptions, writeCheckpoint } from '../../support/stored-partition.ts';
import { randomWords, runSeed } from '../storage/support.ts';

const folder = mkdtempSync(join(tmpdir(), 'sluice-changes-'));
const options = storedOptions(folder);
const seed = runSeed();
const random = randomWords(seed);
let opened: Opened;
let reader: JournalChanges;
let desk: Desk;
const OWNERS: Readonly<Record<number, number>> = { 1: 1, 2: 2, 3: 3, 4: 2, 5: 3 };

beforeAll(async () => {
  opened = await openStored(options);
  desk = new Desk(opened.partition, {
    recordsMax: 64,
    inputBytesMax: 65_536,
    journalBytesMax: 524_288,
    replyBytesMax: 524_288,
  });
  reader = await JournalChanges.open({ ...options, partition: 0 });
  const limited = AccountFlags.debitsMustNotExceedCredits;
  for (const [id, owner] of Object.entries(OWNERS)) {
    await desk.accounts(owner, { id: BigInt(id), ledger: 156, code: 1, ...(id === '2' ? { flags: limited } : {}) });
  }
  for (let n = 0; n < 300; n++) {
    await step(n);
    const checkpoint = desk.last?.checkpoint;
    if (checkpoint !== undefined) await writeCheckpoint(options, opened, checkpoint);
  }
}, 60_000);
afterAll(async () => {
  await reader.close();
  await opened.partition.close();
  rmSync(folder, { recursive: true, force: true });
});

const below = (bound: number): number => random() % bound;

async function step(n: number): Promise<void> {
  const institution = 1 + below(3);
  const [debit, credit] = [1 + below(6), 1 + below(6)];
  const accounts = { debitAccountId: BigInt(debit), creditAccountId: BigInt(credit), ledger: 156, code: 3 };
  const id = BigInt(1000 + n);
  const amount = BigInt(1 + below(100));
  switch (below(4)) {
    case 0: {
      const many = Array.from({ length: 1 + below(20) }, (_, at) => ({
        ...accounts,
        id: id * 1000n + BigInt(at),
        amount,
      }));
      await desk.transfers(institution, ...many);
      return;
    }
    case 1:
      await desk.pay(institution, n % 2 === 0 ? 'sale' : 'authorise', {
        id,
        payerAccountId: accounts.debitAccountId,
        payeeAccountId: accounts.creditAccountId,
        amount,
        ledger: 156,
        reference: `order ${n}`,
      });
      return;
    case 2:
      await desk.putParty(institution, {
        handle: `shop-${below(9)}`,
        kind: 'merchant',
        name: `N${n}`,
        ledgers: [156],
        mcc: 1,
      });
      return;
    default:
      await desk.transfers(institution, { ...accounts, id, amount });
  }
}

async function readAll(institution: number, from: number, countMax: number, bytesMax = 1e6): Promise<Change[]> {
  const all: Change[] = [];
  let cursor = from;
  for (let pages = 0; pages < 10_000; pages++) {
    const page = await reader.read({ institution, cursor, countMax, bytesMax });
    all.push(...page.changes);
    expect(page.changes.length).toBeLessThanOrEqual(countMax);
    if (page.atEnd) return all;
    expect(page.nextCursor).toBeGreaterThan(cursor);
    cursor = page.nextCursor;
  }
  throw new Error('it has no end');
}

/** What the rule says, from the operator's documents alone. */
function isFor(change: Change, institution: number): boolean {
  if (change.institution === institution) return true;
  const { transfer, payment, account } = change;
  const ids = [transfer?.debitAccount, transfer?.creditAccount, payment?.from, payment?.to, account?.id];
  return ids.some((id) => id != null && OWNERS[Number(BigInt(`0x${id}`))] === institution);
}

describe('the change stream of a partition', () => {
  it(`is in order and has everything for the operator, SEED=${seed}`, async () => {
    const all = await readAll(1, 0, 1000);
    const events = await journalEvents();
    expect(all.map(({ position }) => position)).toEqual(events);
    expect(new Set(all.map(({ id }) => id)).size).toBe(all.length);
    expect(new Set(all.map(({ type }) => type))).toEqual(new Set(['account', 'transfer', 'payment', 'party']));
    expect(
      all.every(({ cursor }, index) => index === all.length - 1 || cursor <= (all[index + 1]?.position ?? 0)),
    ).toBe(true);
  });

  it.each([1, 2, 3, 9])('is the same from every cursor for institution %i', async (institution) => {
    const all = await readAll(institution, 0, 1000);
    for (let at = -1; at < all.length; at += 1 + below(60)) {
      const from = at < 0 ? 0 : (all[at]?.cursor ?? 0);
      expect(await readAll(institution, from, 1 + below(40)), `SEED=${seed} from ${from}`).toEqual(all.slice(at + 1));
    }
    // One too small for two documents still goes on; any position, also one inside an event, goes on with the next event.
    expect(await readAll(institution, 0, 1000, 1)).toEqual(all);
    for (let n = 0; n < 20; n++) {
      const from = below(reader.end());
      expect(await readAll(institution, from, 1000)).toEqual(all.filter(({ position }) => position >= from));
    }
  });

  it.each([2, 3, 9])(
    'has for institution %i what it made and what is on its accounts, and no balance of others',
    async (institution) => {
      const everything = await readAll(1, 0, 1000);
      const mine = await readAll(institution, 0, 1000);
      expect(mine.map(({ id }) => id)).toEqual(
        everything.filter((change) => isFor(change, institution)).map(({ id }) => id),
      );
      const byId = new Map(everything.map((change) => [change.id, change]));
      for (const { id, transfer } of mine) {
        if (transfer === undefined) continue;
        const full = byId.get(id)?.transfer;
        const sees = (account: string | null) =>
          account !== null && OWNERS[Number(BigInt(`0x${account}`))] === institution;
        expect(transfer.debitBalanceAfter).toBe(sees(transfer.debitAccount) ? full?.debitBalanceAfter : null);
        expect(transfer.creditBalanceAfter).toBe(sees(transfer.creditAccount) ? full?.creditBalanceAfter : null);
      }
      if (institution === 9) expect(mine).toEqual([]);
      else expect(mine.length).toBeGreaterThan(60);
    },
  );

  it('gives the same to a reader that opens later and takes its owners from a checkpoint', async () => {
    const later = await JournalChanges.open({ ...options, partition: 0 });
    const page = await later.read({ institution: 2, cursor: 0, countMax: 10_000, bytesMax: 1e9 });
    expect(page.changes).toEqual(await readAll(2, 0, 1000));
    await later.close();
  });

  it('has what came before an account was opened for its maker alone, whoever owns it later, also from a checkpoint', async () => {
    const owners = new Owners(options.hashSeed);
    await owners.load(options.indexPath);
    expect(owners.count, 'the checkpoint has the accounts').toBe(5);
    const from = reader.end();
    const early = { id: 76n, debitAccountId: 1n, creditAccountId: 60n, amount: 5n, ledger: 156, code: 1 };
    await desk.transfers(1, early);
    await desk.accounts(3, { id: 60n, ledger: 156, code: 1 });
    await desk.transfers(1, { ...early, id: 79n });
    const later = await JournalChanges.open({ ...options, partition: 0 });
    for (const one of [reader, later]) {
      const { changes } = await one.read({ institution: 3, cursor: from, countMax: 9, bytesMax: 1e6 });
      expect(changes.map(({ type, result }) => [type, result])).toEqual([
        ['account', 'ok'],
        ['transfer', 'ok'],
      ]);
    }
    await later.close();
  });

  it('sees a batch as soon as it is durable, and stops at a bound that was set', async () => {
    const end = reader.end();
    expect(await reader.read({ institution: 1, cursor: end, countMax: 9, bytesMax: 1e6 })).toEqual({
      changes: [],
      nextCursor: end,
      atEnd: true,
    });
    await desk.transfers(1, { id: 77n, debitAccountId: 1n, creditAccountId: 3n, amount: 5n, ledger: 156, code: 1 });
    const { changes, nextCursor } = await reader.read({ institution: 3, cursor: end, countMax: 9, bytesMax: 1e6 });
    expect(changes.map(({ type, transfer }) => [type, transfer?.amount])).toEqual([['transfer', '5']]);
    await desk.transfers(1, { id: 78n, debitAccountId: 1n, creditAccountId: 3n, amount: 6n, ledger: 156, code: 1 });
    const same = await reader.read({ institution: 3, cursor: end, countMax: 9, bytesMax: 1e6, until: nextCursor });
    expect(same.changes).toEqual(changes);
    expect(same.nextCursor).toBe(nextCursor);
  });
});

/** Positions of all events, by walking the batches. */
async function journalEvents(): Promise<number[]> {
  const journal = await LmdbJournal.open({ path: options.journalPath, partition: 0, readOnly: true });
  const found: number[] = [];
  for (const { lsn, bytes } of journal.batches(0)) {
    const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    for (let at = 128; at < bytes.length; at += view.getUint32(at + 4, true)) found.push(lsn + at / 16);
  }
  await journal.close();
  return found;
}
