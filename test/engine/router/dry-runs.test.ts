/** Dry runs with several partitions: what would be answered right now, and nothing stays anywhere. */
import { describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { FrameFlags } from '../../../protocol/frame.ts';
import { RESULT, TransferFlags } from '../../../protocol/records.ts';
import type { Bank } from '../../support/bank.ts';
import {
  endChainRequest,
  operationRequest,
  paymentRequest,
  type Request,
  reply,
  transfersRequest,
} from '../../support/desk.ts';
import { dryRun, withoutDryRun } from '../../support/dry-run.ts';
import { type Act, CNY, expectSettled, furnished, PAYEES, PAYERS, Traffic } from '../../support/joint-traffic.ts';
import type { MapIndex } from '../../support/memory-partition.ts';

const SEED = Number(process.env.SEED ?? 20_261_123);
const { linked, pending, postPending, voidPending, keepRemainder, balancingDebit, revert } = TransferFlags;

/** All that every partition keeps, and what it has under way. */
function kept(bank: Bank): unknown {
  return bank.partitions.map(({ state, journal }) => {
    const { ledger, payments } = state;
    const { clearing, tables } = ledger;
    const indexes = { ...tables, ...payments.tables };
    return {
      sections: Object.entries(takeSnapshot(state)).map(([name, bytes]) => [name, Buffer.from(bytes).toString('hex')]),
      indexes: Object.entries(indexes).map(([name, index]) => [name, (index as unknown as MapIndex).entries?.size]),
      journal: journal.nextLsn,
      heads: [...payments.heads],
      timers: tables.timers.count,
      clearing: [
        clearing.accounts.length,
        clearing.outbox.length,
        clearing.joints.length,
        [...clearing.unfinished.keys()],
        [...clearing.requests.keys()],
        [...clearing.prepared.keys()],
        [...clearing.progress.keys()],
      ],
    };
  });
}

/** A reply without what tells one time from another. */
function timeless(frame: Uint8Array, name: Request['name']): string {
  const copy = frame.slice();
  // A payment's reply has nothing of time but that of its RESULT.
  const count = new DataView(copy.buffer).getUint32(4, true);
  const stride = (copy.length - 16) / count;
  for (let at = 16; at < copy.length; at += stride) copy.fill(0, at, at + 8);
  expect(stride % RESULT.size, name).toBe(0);
  return Buffer.from(copy).toString('hex');
}

/** Asks for a dry run, then for the thing itself; both must say the same, and the dry run leave nothing. */
async function both(bank: Bank, request: Request, note: string): Promise<Uint8Array> {
  const before = kept(bank);
  const dry = withoutDryRun(await bank.ask(dryRun(request)), request.name);
  await bank.rest();
  expect(kept(bank), note).toEqual(before);
  const real = await bank.ask(request);
  expect(timeless(dry, request.name), note).toEqual(timeless(real, request.name));
  await bank.rest();
  return real;
}

function requestOf({ what, payment, operation, chain }: Act): Request {
  if (chain !== undefined) return transfersRequest(2, [...chain], FrameFlags.balances);
  if (payment !== undefined) return paymentRequest(2, what as 'sale', payment);
  return operationRequest(2, what as 'capture', operation ?? { id: 1n, paymentId: 1n });
}

describe('dry runs over several partitions', () => {
  it.each([1, 2, 3])('are answered as the commands are that follow them: random traffic on %i', async (partitions) => {
    const bank = await furnished(partitions, partitions === 3);
    const traffic = new Traffic(SEED + partitions);
    const told = new Map<string, number>();
    for (let step = 0; step < 250; step++) {
      const act = traffic.next();
      const request = requestOf(act);
      const frame = await both(bank, request, `seed ${SEED}, step ${step} on ${partitions}: ${act.what}`);
      const [first] = reply.accounts(
        frame.slice(0, 32).map((byte, at) => (at === 4 ? 1 : at > 4 && at < 8 ? 0 : byte)),
      );
      told.set(`${act.what} ${first?.name}`, (told.get(`${act.what} ${first?.name}`) ?? 0) + 1);
      if (step % 10 === 9) await bank.pass(1);
    }
    expect([...told.keys()]).not.toContain('chain crossesPartitions');
    for (const what of ['sale', 'authorise', 'capture', 'void', 'refund', 'chain']) {
      expect(told.get(`${what} ok`), `${what} of seed ${SEED}`).toBeGreaterThan(0);
    }
    await bank.pass(10);
    expectSettled(bank);
  });

  it.each([1, 2, 3])(
    'of single transfers, holds and their ends, reverts and chains as a whole: on %i',
    async (partitions) => {
      const bank = await furnished(partitions);
      const near = PAYERS[0] as bigint;
      const others = [...PAYERS.slice(1), ...PAYEES.slice(0, 4)];
      const move = { debitAccountId: near, amount: 100n, ledger: CNY, code: 1 };
      let next = 100_000n;
      const ask = async (...items: Parameters<typeof transfersRequest>[1]): Promise<string[]> => {
        const request = transfersRequest(2, items, FrameFlags.balances);
        return reply
          .transfers(
            await both(
              bank,
              request,
              JSON.stringify(items, (_, v) => String(v)),
            ),
          )
          .map(({ name }) => name);
      };
      for (const creditAccountId of [...others, 77n, PAYEES[5] as bigint]) {
        const id = next;
        next += 20n;
        const to = { ...move, creditAccountId };
        const isThere = creditAccountId !== 77n && creditAccountId !== PAYEES[5];
        // One message: what comes first is seen by what follows.
        const first = await ask({ ...to, id }, { ...to, id }, { ...to, id: id + 1n, flags: pending, timeoutS: 60 });
        expect(first[0] === 'ok').toBe(isThere);
        if (!isThere) continue;
        const end = { debitAccountId: near, pendingId: id + 1n };
        expect(await ask({ ...end, id: id + 2n, amount: 30n, flags: postPending | keepRemainder })).toEqual(['ok']);
        expect(
          await ask({ ...end, id: id + 3n, flags: voidPending }, { ...end, id: id + 4n, flags: postPending }),
        ).toEqual(['ok', 'pendingTransferAlreadyVoided']);
        await ask(
          { ...to, id: id + 5n, amount: 1_000_000n },
          { ...to, id: id + 6n, amount: 10n, flags: balancingDebit },
        );
        await ask({ id: id + 7n, debitAccountId: creditAccountId, pendingId: id, flags: revert });
        await ask({ id: id + 8n, debitAccountId: creditAccountId, pendingId: id, flags: revert });
        expect(
          await ask({ ...to, id: id + 9n, flags: pending | linked }, { ...to, id: id + 10n, flags: pending }),
        ).toEqual(['ok', 'ok']);
        const whole = { id: id + 11n, pendingId: id + 9n, debitAccountId: near, flags: postPending };
        await both(bank, endChainRequest(2, whole), `the end of ${id + 9n}`);
      }
      expectSettled(bank);
    },
  );

  it('of the longest message is answered, as chain and as single transfers', async () => {
    const bank = await furnished(3);
    const debitAccountId = PAYERS[0] as bigint;
    const others = PAYERS.slice(1);
    for (const flag of [linked, 0]) {
      const items = Array.from({ length: 8190 }, (_, n) => ({
        id: BigInt(500_000 + flag * 10_000 + n),
        debitAccountId,
        creditAccountId: others[n % others.length] as bigint,
        amount: 1n,
        ledger: CNY,
        code: 1,
        flags: n < 8189 ? flag : 0,
      }));
      const before = kept(bank);
      const names = reply.transfers(await bank.ask(dryRun(transfersRequest(2, items)))).map(({ name }) => name);
      expect(new Set(names)).toEqual(new Set(['ok']));
      expect(kept(bank)).toEqual(before);
      items[8189] = { ...(items[8189] as (typeof items)[0]), creditAccountId: 77n };
      const refused = reply.transfers(await bank.ask(dryRun(transfersRequest(2, items)))).map(({ name }) => name);
      expect(refused.at(-1)).toBe('creditAccountNotFound');
      expect(refused[0]).toBe(flag === 0 ? 'ok' : 'linkedEventFailed');
    }
  });

  it('are not taken for what is really done at the same time, at the same position', async () => {
    for (const partitions of [2, 3]) {
      const bank = await furnished(partitions);
      const payer = PAYERS[0] as bigint;
      const payee = PAYEES.find((id, n) => n % 4 === 0 && bank.homeOf(id) !== bank.homeOf(payer)) as bigint;
      const far = PAYERS.filter((id) => bank.homeOf(id) !== bank.homeOf(payer));
      const missing = Array.from({ length: 50 }, (_, n) => BigInt(900 + n)).find(
        (id) => bank.homeOf(id) === bank.homeOf(far[0] as bigint),
      ) as bigint;
      const chain = (id: bigint, last: bigint): Request =>
        transfersRequest(2, [
          {
            id,
            debitAccountId: payer,
            creditAccountId: far[0] as bigint,
            amount: 1n,
            ledger: CNY,
            code: 1,
            flags: linked,
          },
          { id: id + 1n, debitAccountId: payer, creditAccountId: last, amount: 1n, ledger: CNY, code: 1 },
        ]);
      const [dry, real] = await Promise.all([
        bank.ask(dryRun(chain(70_000n, missing))),
        bank.ask(chain(70_010n, far[0] as bigint)),
      ]);
      expect(reply.transfers(dry).map(({ name }) => name)).toEqual(['linkedEventFailed', 'creditAccountNotFound']);
      expect(reply.transfers(real).map(({ name }) => name)).toEqual(['ok', 'ok']);
      const sale = { payerAccountId: payer, payeeAccountId: payee, ledger: CNY };
      const sales = await Promise.all([
        bank.ask(dryRun(paymentRequest(2, 'sale', { ...sale, id: 80_000n, amount: 10n }))),
        bank.ask(paymentRequest(2, 'sale', { ...sale, id: 80_001n, amount: 20n })),
      ]);
      expect(sales.map((frame) => reply.payment(frame, 'sale').name)).toEqual(['ok', 'ok']);
      await bank.rest();
      expectSettled(bank);
    }
  });

  it('ask again when things have changed between asking and answering', async () => {
    const bank = await furnished(2);
    const payer = PAYERS[0] as bigint;
    const far = PAYERS.find((id) => bank.homeOf(id) !== bank.homeOf(payer)) as bigint;
    const near = PAYERS.slice(1).find((id) => bank.homeOf(id) === bank.homeOf(payer)) as bigint;
    const move = { debitAccountId: payer, creditAccountId: far, ledger: CNY, code: 1 };
    for (let turns = 0; turns < 4; turns++) {
      const id = BigInt(70_000 + turns * 10);
      const [, , , had = 0] = await bank.balances(payer);
      const [, spent = 0] = await bank.balances(payer);
      const left = BigInt(had - spent);
      const asked = bank.ask(
        dryRun(
          transfersRequest(2, [
            { ...move, id, amount: left - 1n },
            { ...move, id: id + 1n, amount: 1n },
          ]),
        ),
      );
      for (let turn = 0; turn < turns; turn++) await new Promise((resolve) => setImmediate(resolve));
      const real = bank.transfers(2, { ...move, creditAccountId: near, id: id + 2n, amount: 5n });
      const names = reply.transfers(await asked).map(({ name }) => name);
      expect([['ok', 'ok'].join(), ['exceedsCredits', 'ok'].join()]).toContain(names.join());
      expect(await real).toEqual(['ok']);
      await bank.rest();
    }
    expectSettled(bank);
  });

  it('that come all at once with the real thing leave nothing, and are all answered', async () => {
    for (const partitions of [2, 3]) {
      const bank = await furnished(partitions);
      const traffic = new Traffic(SEED);
      for (let round = 0; round < 10; round++) {
        const requests = Array.from({ length: 30 }, () => requestOf(traffic.next()));
        const frames = await Promise.all(
          requests.flatMap((request) => [bank.ask(dryRun(request)), bank.ask(request), bank.ask(dryRun(request))]),
        );
        expect(frames).toHaveLength(90);
        await bank.pass(1);
      }
      await bank.pass(10);
      expectSettled(bank);
    }
  });
});
