// The same commands over one, two and three partitions, each in its thread: a client sees no difference but for chains whose debits
// are in several, which are refused.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { partitionOfAccount } from '../../engine/hash-id.ts';
import type { SluiceClient } from '../../protocol/client/client.ts';
import { connectNode } from '../../protocol/client/node.ts';
import { formatId, type Id, idFromNumber, newId } from '../../protocol/ids.ts';
import { TransferFlags } from '../../protocol/records.ts';
import { makeKey, type RunningSwitch, run, startSwitch } from '../support/switch.ts';

const LEDGER = 978;

describe.each([1, 2, 3])('%i partition(s)', (partitions) => {
  const folder = mkdtempSync(join(tmpdir(), 'sluice-partitions-'));
  const dataDir = join(folder, 'data');
  let running: RunningSwitch;
  let client: SluiceClient;

  beforeAll(async () => {
    const key = await makeKey(dataDir);
    running = await startSwitch(dataDir, ['--partitions', String(partitions)]);
    client = await connectNode({ url: running.url, key, retryTransient: false });
    const accounts = Array.from({ length: 60 }, (_, n) => ({ id: account(n), ledger: LEDGER, code: 1 }));
    // Over all partitions in one message, and again in another order.
    const opened = await client.createAccounts(accounts);
    expect(opened.map(({ name, replayed }) => [name, replayed])).toEqual(accounts.map(() => ['ok', false]));
    const again = await client.createAccounts(accounts.toReversed());
    expect(again.map(({ name, replayed }) => [name, replayed])).toEqual(accounts.map(() => ['ok', true]));
  });
  afterAll(async () => {
    await client.close();
    expect(await running.end('SIGTERM')).toEqual({ code: 0, signal: null });
    const { output } = await run(['verify', dataDir, '--json']);
    expect(JSON.parse(output)).toMatchObject({ ok: true, partitions, findings: [] });
    rmSync(folder, { recursive: true, force: true });
  });

  const account = (n: number): Id => idFromNumber(5000 + n);
  const homeOf = (id: bigint): number => {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = [0n, 32n, 64n, 96n].map((shift) => Number((id >> shift) & 0xffff_ffffn));
    return partitionOfAccount(w0, w1, w2, w3, partitions);
  };
  const all = Array.from({ length: 60 }, (_, n) => account(n));
  /** Accounts of one partition. */
  const of = (partition: number): Id[] => all.filter((id) => homeOf(id) === partition);
  const elsewhere = (id: bigint): Id | undefined => all.find((other) => homeOf(other) !== homeOf(id));
  const neighbour = (id: bigint): Id => all.find((other) => other !== id && homeOf(other) === homeOf(id)) as Id;

  it('gives the results of a batch in the order of the request', async () => {
    const transfers = Array.from({ length: 500 }, (_, n) => {
      const debitAccountId = account(n % 60);
      // Some are refused, so that results differ.
      const creditAccountId = n % 7 === 0 ? idFromNumber(1) : neighbour(debitAccountId);
      const ledger = n % 11 === 0 ? 840 : LEDGER;
      return { id: newId(), debitAccountId, creditAccountId, amount: BigInt(n + 1), ledger, code: 1 };
    });
    // The debit side is asked first when the unknown account would live elsewhere.
    const unknownIsHere = (id: bigint): boolean => homeOf(idFromNumber(1)) === homeOf(id);
    const expected = transfers.map(({ debitAccountId }, n) => {
      if (n % 7 === 0 && (n % 11 !== 0 || unknownIsHere(debitAccountId))) return 'creditAccountNotFound';
      return n % 11 === 0 ? 'transferMustHaveTheSameLedgerAsAccounts' : 'ok';
    });
    const results = await client.createTransfers(transfers, { balances: true });
    expect(results.map(({ name }) => name)).toEqual(expected);
    const replayed = await client.createTransfers(transfers.toReversed());
    expect(replayed.map(({ name, replayed: again }) => [name, again])).toEqual(
      expected.toReversed().map((name) => [name, true]),
    );
    expect(replayed.map(({ timestamp }) => timestamp)).toEqual(results.map(({ timestamp }) => timestamp).toReversed());

    // Balances belong to the record that they stand at.
    const last = transfers.findLastIndex((_, n) => expected[n] === 'ok');
    const [found] = await client.lookupAccounts([transfers[last]?.debitAccountId ?? 0n]);
    expect(results[last]?.balances?.debitDebitsPosted).toBe(found?.account?.debitsPosted);

    // Look-ups go everywhere and come back in order, what is unknown included.
    const ids = transfers.map(({ id }, n) => (n % 50 === 3 ? newId() : id));
    const entries = await client.lookupTransfers(ids);
    expect(entries.map(({ name, entry }) => entry?.name ?? name)).toEqual(
      expected.map((name, n) => (n % 50 === 3 ? 'transferNotFound' : name)),
    );
    expect(entries.map(({ entry }) => entry?.transfer.id)).toEqual(ids.map((id, n) => (n % 50 === 3 ? undefined : id)));
  });

  it('looks accounts up in the order of the ids', async () => {
    const ids = [...all.toReversed(), idFromNumber(9)];
    const found = await client.lookupAccounts(ids);
    expect(found.map(({ name, account: stored }) => stored?.id ?? name)).toEqual([
      ...all.toReversed(),
      'accountNotFound',
    ]);
  });

  it('moves, holds, posts and voids between any two accounts', async () => {
    const payer = account(3);
    for (const payee of [neighbour(payer), elsewhere(payer) ?? neighbour(payer)]) {
      const transfer = (amount: bigint, flags = 0) => {
        return { id: newId(), debitAccountId: payer, creditAccountId: payee, amount, ledger: LEDGER, code: 1, flags };
      };
      const standing = async (): Promise<bigint[]> => {
        const [from, to] = await client.lookupAccounts([payer, payee]);
        return [
          from?.account?.debitsPending ?? 0n,
          from?.account?.debitsPosted ?? 0n,
          to?.account?.creditsPending ?? 0n,
          to?.account?.creditsPosted ?? 0n,
        ];
      };
      const [, debited = 0n, , credited = 0n] = await standing();
      const move = transfer(5n);
      const [moved] = await client.createTransfers([move], { balances: true });
      expect(moved).toMatchObject({ name: 'ok', replayed: false });
      expect(moved?.balances).toMatchObject({ debitDebitsPosted: debited + 5n, creditCreditsPosted: credited + 5n });
      expect(await client.createTransfers([move])).toMatchObject([{ name: 'ok', replayed: true }]);
      expect(await standing()).toEqual([0n, debited + 5n, 0n, credited + 5n]);

      const hold = transfer(9n, TransferFlags.pending);
      expect(await client.createTransfers([hold])).toMatchObject([{ name: 'ok' }]);
      expect(await standing()).toEqual([9n, debited + 5n, 9n, credited + 5n]);
      const end = (flags: number, amount: bigint) => {
        return { id: newId(), debitAccountId: payer, pendingId: hold.id, amount, flags } as const;
      };
      const { postPending, keepRemainder, voidPending } = TransferFlags;
      expect(await client.createTransfers([end(postPending | keepRemainder, 4n)])).toMatchObject([{ name: 'ok' }]);
      expect(await standing()).toEqual([5n, debited + 9n, 5n, credited + 9n]);
      expect(await client.createTransfers([end(voidPending, 0n)])).toMatchObject([{ name: 'ok' }]);
      expect(await standing()).toEqual([0n, debited + 9n, 0n, credited + 9n]);

      const { entries } = await client.accountHistory({ accountId: payee, limit: 4 });
      expect(entries.map(({ transfer: { amount, debitAccountId } }) => [amount, debitAccountId])).toEqual(
        [5n, 4n, 9n, 5n].map((amount) => [amount, payer]),
      );
      const [found] = await client.lookupTransfers([move.id]);
      expect(found?.entry).toMatchObject({ name: 'ok', transfer: { creditAccountId: payee, amount: 5n } });
    }
  });

  it('carries chains out in one partition, and refuses them whole between partitions', async () => {
    const transfer = (debitAccountId: Id, creditAccountId: Id, flags = 0) => {
      return { id: newId(), debitAccountId, creditAccountId, amount: 3n, ledger: LEDGER, code: 1, flags };
    };
    const [first = account(0)] = of(homeOf(account(0)));
    const near = neighbour(first);
    const inside = [transfer(first, near, TransferFlags.linked), transfer(near, first)];
    expect((await client.createTransfers(inside)).map(({ name }) => name)).toEqual(['ok', 'ok']);
    const far = elsewhere(first);
    if (far === undefined) return;
    const farNear = neighbour(far);
    const before = await client.lookupAccounts([first, near, far, farNear]);
    const across = [
      transfer(first, near, TransferFlags.linked),
      transfer(far, farNear),
      transfer(first, far),
      transfer(far, farNear),
    ];
    // The other partitions are asked, and nothing is done.
    const dry = await client.createTransfers(across, { dryRun: true });
    expect(dry.map(({ name, dryRun }) => [name, dryRun])).toEqual(
      ['linkedEventFailed', 'crossesPartitions', 'ok', 'ok'].map((name) => [name, true]),
    );
    const results = await client.createTransfers(across);
    expect(results.map(({ name }) => name)).toEqual(['linkedEventFailed', 'crossesPartitions', 'ok', 'ok']);
    const after = await client.lookupAccounts([first, near, far, farNear]);
    expect(after[0]?.account?.debitsPosted).toBe((before[0]?.account?.debitsPosted ?? 0n) + 3n);
    expect(after[1]?.account).toEqual(before[1]?.account);
    expect(after[2]?.account?.debitsPosted).toBe((before[2]?.account?.debitsPosted ?? 0n) + 3n);

    const linked = (id: Id, flags: number) => ({ id, ledger: LEDGER, code: 1, flags });
    const fresh = Array.from({ length: 40 }, (_, n) => idFromNumber(7000 + n));
    const home = fresh[0] as Id;
    const foreign = fresh.find((id) => homeOf(id) !== homeOf(home)) as Id;
    const accounts = await client.createAccounts([linked(home, 1), linked(foreign, 0)]);
    expect(accounts.map(({ name }) => name)).toEqual(['linkedEventFailed', 'crossesPartitions']);
    expect((await client.lookupAccounts([home, foreign])).map(({ name }) => name)).toEqual([
      'accountNotFound',
      'accountNotFound',
    ]);
  });

  it('finds payments wherever they are, and each operation answers the same again', async () => {
    const pay = async (partition: number) => {
      const [payer = 0n, payee = 0n] = of(partition);
      const sale = { id: newId(), payerAccountId: payer, payeeAccountId: payee, amount: 100n, ledger: LEDGER, code: 1 };
      const hold = { ...sale, id: newId() };
      expect(await client.sale(sale)).toMatchObject({ name: 'ok', payment: { state: 'captured' } });
      expect(await client.authorise(hold)).toMatchObject({ name: 'ok', payment: { state: 'authorised' } });
      return { sale, hold };
    };
    for (let partition = 0; partition < partitions; partition++) {
      const { sale, hold } = await pay(partition);
      const capture = { id: newId(), paymentId: hold.id, amount: 30n };
      // In one turn: what is asked next must not change what is still on its way.
      const [captured, pinged, refunded, looked] = await Promise.all([
        client.capture(capture),
        client.lookupAccounts([account(1)]),
        client.refund({ id: newId(), paymentId: sale.id, amount: 40n }),
        client.lookupPayments([sale.id, newId(), hold.id]),
      ]);
      expect(captured).toMatchObject({ name: 'ok', replayed: false, payment: { captured: 30n } });
      expect(pinged[0]?.name).toBe('ok');
      expect(refunded).toMatchObject({ name: 'ok', payment: { refunded: 40n } });
      expect(looked.map(({ name }) => name)).toEqual(['ok', 'paymentNotFound', 'ok']);
      expect(await client.capture(capture)).toMatchObject({ name: 'ok', replayed: true, payment: { captured: 30n } });
      expect(await client.void({ id: newId(), paymentId: sale.id })).toMatchObject({ name: 'paymentAlreadyCaptured' });
      expect(await client.sale(sale)).toMatchObject({ name: 'ok', replayed: true });
    }
    const lost = { id: newId(), paymentId: newId() };
    expect(await client.void(lost)).toMatchObject({ name: 'paymentNotFound', replayed: false });
    expect(await client.void(lost)).toMatchObject({ name: 'paymentNotFound', replayed: true });
  });

  it('pays across partitions: sale, authorisation, captures, refund, void, a fee and a chain', async () => {
    const payer = account(20);
    const [fees, merchant] = [0, 1].map((n) => idFromNumber(8000 + n)) as [Id, Id];
    const merchants = { ledger: LEDGER, code: 1 };
    // The merchant and the fee account live wherever their ids say.
    expect(
      (
        await client.createAccounts([
          { id: fees, ...merchants },
          { id: merchant, ...merchants, tariff: 5 },
        ])
      ).map(({ name }) => name),
    ).toEqual(['ok', 'ok']);
    const tariff = { number: 5, basisPoints: 100, fixed: 0, minimum: 0, maximum: 0, feeAccountId: formatId(fees) };
    expect(await client.putTariff(tariff)).toMatchObject({ name: 'ok' });
    const net = async (id: Id): Promise<bigint> => {
      const [found] = await client.lookupAccounts([id]);
      return (found?.account?.creditsPosted ?? 0n) - (found?.account?.debitsPosted ?? 0n);
    };
    const before = await net(payer);
    for (const payee of [merchant, ...all.slice(30, 36)]) {
      const payment = { payerAccountId: payer, payeeAccountId: payee, amount: 1000n, ledger: LEDGER, code: 1 };
      const [sale, hold, dropped] = [newId(), newId(), newId()];
      expect(await client.sale({ id: sale, ...payment })).toMatchObject({ name: 'ok', payment: { captured: 1000n } });
      expect(await client.authorise({ id: hold, ...payment })).toMatchObject({ name: 'ok' });
      expect(await client.authorise({ id: dropped, ...payment })).toMatchObject({ name: 'ok' });
      const capture = await client.capture({ id: newId(), paymentId: hold, amount: 400n });
      expect(capture).toMatchObject({ name: 'ok', payment: { captured: 400n, state: 'authorised' } });
      expect(await client.capture({ id: newId(), paymentId: hold })).toMatchObject({ payment: { state: 'captured' } });
      expect(await client.refund({ id: newId(), paymentId: sale, amount: 500n })).toMatchObject({ name: 'ok' });
      expect(await client.void({ id: newId(), paymentId: dropped })).toMatchObject({ payment: { state: 'voided' } });
    }
    expect(await net(payer)).toBe(before - 7n * 1500n);
    // 1 % of 1,000, half of it back, and of 1,000 in two parts.
    expect([await net(merchant), await net(fees)]).toEqual([1485n, 15n]);

    const chain = all.slice(40, 46).map((creditAccountId, n) => ({
      id: newId(),
      debitAccountId: payer,
      creditAccountId,
      amount: 1n,
      ledger: LEDGER,
      code: 1,
      flags: n < 5 ? TransferFlags.linked : 0,
    }));
    expect((await client.createTransfers(chain)).map(({ name }) => name)).toEqual(chain.map(() => 'ok'));
    const broken = chain.map((member, n) => ({
      ...member,
      id: newId(),
      ...(n === 3 ? { creditAccountId: idFromNumber(1) } : {}),
    }));
    const refused = (await client.createTransfers(broken)).map(({ name }) => name);
    expect(refused).toEqual(broken.map((_, n) => (n === 3 ? 'creditAccountNotFound' : 'linkedEventFailed')));
  });

  it('pages lists over all partitions without a gap and without a repeat', async () => {
    const reference = `paged-${partitions}`;
    const made = new Set<bigint>();
    for (let n = 0; n < 25; n++) {
      const payerAccountId = account(n);
      const payment = {
        id: newId(),
        payerAccountId,
        payeeAccountId: neighbour(payerAccountId),
        amount: 1n,
        ledger: LEDGER,
        code: 1,
      };
      expect(await client.sale({ ...payment, reference })).toMatchObject({ name: 'ok' });
      made.add(payment.id);
    }
    const seen: bigint[] = [];
    let cursor = 0n;
    let pages = 0;
    do {
      const page = await client.queryPayments({ reference, limit: 4, cursor });
      expect(page.name).toBe('ok');
      seen.push(...page.payments.map(({ payment }) => payment.id));
      cursor = page.nextCursor;
      pages++;
    } while (cursor !== 0n && pages < 100);
    expect(seen).toHaveLength(made.size);
    expect(new Set(seen)).toEqual(made);
    expect(await client.queryPayments({ cursor: 12_345_678_901n })).toMatchObject({ name: 'cursorInvalid' });

    const handles = Array.from({ length: 11 }, (_, n) => `party-${n}`);
    for (const handle of handles) {
      const party = { handle, kind: 'customer', name: '', mcc: 0, ledgers: [LEDGER] } as const;
      expect(await client.putParty(party)).toMatchObject({ name: 'ok' });
      expect(await client.getParty(handle)).toMatchObject({ name: 'ok', party: { handle } });
    }
    const listed: string[] = [];
    let next = 0;
    do {
      const page = await client.listParties({ cursor: next, limit: 2 });
      listed.push(...(page.parties ?? []).map(({ handle }) => handle));
      next = page.nextCursor ?? 0;
    } while (next !== 0 && listed.length < 100);
    expect(listed.toSorted()).toEqual(handles.toSorted());
    expect(await client.getParty('nobody')).toMatchObject({ name: 'partyNotFound' });
  });

  it('pages the history of an account', async () => {
    const payer = account(7);
    const payee = neighbour(payer);
    const ids = Array.from({ length: 9 }, () => newId());
    const move = { debitAccountId: payer, creditAccountId: payee, amount: 1n, ledger: LEDGER, code: 1 };
    await client.createTransfers(ids.map((id) => ({ ...move, id })));
    const seen: bigint[] = [];
    let cursor = 0n;
    while (seen.length < ids.length) {
      const page = await client.accountHistory({ accountId: payer, limit: 4, cursor });
      seen.push(...page.entries.map(({ transfer }) => transfer.id));
      cursor = page.nextCursor;
    }
    expect(seen.slice(0, ids.length)).toEqual(ids.toReversed());
  });

  it('applies a tariff and a campaign in the partition of the payment', async () => {
    for (let partition = 0; partition < partitions; partition++) {
      const [payer = 0n, fees = 0n, budget = 0n] = of(partition);
      const number = 100 + partition;
      const merchant = Array.from({ length: 200 }, (_, n) => idFromNumber(20_000 + n)).find(
        (id) => homeOf(id) === partition,
      ) as Id;
      const tariff = { number, basisPoints: 1000, fixed: 0, minimum: 0, maximum: 0, feeAccountId: formatId(fees) };
      expect(await client.putTariff(tariff)).toMatchObject({ name: 'ok' });
      const terms = { basisPoints: 500, fixed: 0, maximum: 0, minimumAmount: 0, startsAt: 0, endsAt: 0 };
      expect(await client.putCampaign({ ...terms, accountId: formatId(budget) })).toMatchObject({ name: 'ok' });
      await client.createAccounts([{ id: merchant, ledger: LEDGER, code: 1, tariff: number }]);
      const sale = {
        id: newId(),
        payerAccountId: payer,
        payeeAccountId: merchant,
        amount: 1000n,
        ledger: LEDGER,
        code: 1,
      };
      const paid = await client.sale({ ...sale, campaignId: budget });
      expect(paid).toMatchObject({ name: 'ok', payment: { discount: 50n, feeCharged: 100n } });
    }
    // What the partition of the account refuses is kept in no other.
    const [payer = 0n, fees = 0n] = of(0);
    const merchant = idFromNumber(30_000);
    const terms = { number: 9, basisPoints: 100, fixed: 0, minimum: 0, maximum: 0 };
    const local = of(homeOf(merchant));
    await client.putTariff({ ...terms, feeAccountId: formatId(local[1] ?? fees) });
    await client.createAccounts([{ id: merchant, ledger: LEDGER, code: 1, tariff: 9 }]);
    const foreign = Array.from({ length: 50 }, (_, n) => idFromNumber(40_000 + n)).find(
      (id) => partitions === 1 || homeOf(id) !== homeOf(merchant),
    );
    const refused = await client.putTariff({ ...terms, basisPoints: 9000, feeAccountId: formatId(foreign ?? 0n) });
    expect(refused.name).toBe('feeAccountNotFound');
    const sale = { id: newId(), payerAccountId: local[0] ?? payer, payeeAccountId: merchant, amount: 100n };
    expect(await client.sale({ ...sale, ledger: LEDGER, code: 1 })).toMatchObject({
      name: 'ok',
      payment: { feeCharged: 1n },
    });
  });
});
