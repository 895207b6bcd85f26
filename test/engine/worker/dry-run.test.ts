/** Dry runs: answered like the command itself, and nothing stays. That any command is answered alike: test/model. */
import { beforeEach, describe, expect, it } from 'vitest';
import { takeSnapshot } from '../../../engine/worker/snapshot.ts';
import { FrameFlags } from '../../../protocol/frame.ts';
import { AccountChangeFields, AccountStates, TransferFlags } from '../../../protocol/records.ts';
import { Bank } from '../../support/bank.ts';
import { cast } from '../../support/cast.ts';
import {
  accountsRequest,
  changesRequest,
  Desk,
  endChainRequest,
  operationRequest,
  paymentRequest,
  type RawTransfer,
  type Request,
  reply,
  transfersRequest,
} from '../../support/desk.ts';
import { dryRun, withoutDryRun } from '../../support/dry-run.ts';
import { type MapIndex, type MemoryPartition, memoryPartition } from '../../support/memory-partition.ts';

const { linked, pending, postPending, voidPending, revert } = TransferFlags;
const move = { debitAccountId: 4n, creditAccountId: 3n, amount: 10n, ledger: 156, code: 1 };
const apart = { ...move, creditAccountId: 1n };
const payment = { id: 50n, payerAccountId: 4n, payeeAccountId: 3n, amount: 100n, ledger: 156, code: 7 };

let memory: MemoryPartition;
let desk: Desk;

/** All that the partition keeps: what a checkpoint saves, and every index. */
function kept(): unknown {
  const { tables } = memory.state.ledger;
  const indexes = { ...tables, ...memory.state.payments.tables };
  const entries = (index: unknown): unknown => (index as MapIndex).entries?.size;
  return {
    sections: Object.entries(takeSnapshot(memory.state)).map(([name, bytes]) => [
      name,
      Buffer.from(bytes).toString('hex'),
    ]),
    indexes: Object.entries(indexes).map(([name, index]) => [name, entries(index)]),
    journal: memory.journal.nextLsn,
    heads: [...memory.state.payments.heads],
    timers: tables.timers.count,
  };
}

/** The reply of a dry run, after a look at what it left behind; asked twice, so that nothing that it noted can change it. */
async function rehearse(request: Request): Promise<Uint8Array> {
  const before = kept();
  const [first, second] = await desk.batch([dryRun(request), dryRun(request)]);
  expect(second).toEqual(first);
  expect(kept()).toEqual(before);
  return first as Uint8Array;
}

beforeEach(async () => {
  memory = memoryPartition();
  desk = new Desk(memory.partition);
  await cast(desk);
  await desk.transfers(
    2,
    { ...move, id: 1n, flags: pending, timeoutS: 60 },
    { ...move, id: 2n, creditAccountId: 2n, amount: 50n },
  );
  await desk.transfers(
    2,
    ...[4n, 5n].map((id) => ({ ...apart, id, flags: pending | (id === 4n ? linked : 0), timeoutS: 60 })),
    ...[6n, 7n].map((id) => ({ ...apart, id, flags: pending | (id === 6n ? linked : 0) })),
    { id: 8n, pendingId: 7n, debitAccountId: 4n, flags: voidPending },
  );
  await desk.pay(2, 'authorise', { ...payment, id: 40n });
});

describe('a dry run', () => {
  const transfer = (...items: RawTransfer[]): Request => transfersRequest(2, items, FrameFlags.balances);
  const terms = AccountChangeFields.state | AccountChangeFields.creditLimit | AccountChangeFields.tier;
  const chainEnd = { id: 10n, pendingId: 5n, debitAccountId: 4n };
  const change = { id: 9n, accountId: 2n, fields: terms, state: AccountStates.frozen, creditLimit: 77n, tier: 2 };
  const requests: [string, Request][] = [
    ['transfers', transfer({ ...move, id: 10n }, { ...move, id: 11n, flags: pending, timeoutS: 5 })],
    ['one id twice', transfer({ ...move, id: 10n }, { ...move, id: 10n }, { ...move, id: 10n, amount: 11n })],
    ['a post', transfer({ id: 10n, pendingId: 1n, debitAccountId: 4n, amount: 4n, flags: postPending })],
    [
      'a chain, and what follows on it',
      transfer(
        { ...move, id: 10n, flags: linked | pending, timeoutS: 5 },
        { id: 11n, pendingId: 1n, debitAccountId: 4n, flags: voidPending },
        { id: 12n, pendingId: 10n, debitAccountId: 4n, flags: postPending },
      ),
    ],
    [
      'a chain that fails, and what follows on it',
      transfer(
        { id: 10n, pendingId: 1n, debitAccountId: 4n, flags: voidPending | linked },
        { ...move, id: 11n, flags: linked },
        { ...move, id: 12n, debitAccountId: 2n, amount: 51n },
        { id: 13n, pendingId: 1n, debitAccountId: 4n, flags: postPending },
        { ...move, id: 10n, amount: 5n },
      ),
    ],
    ['a refusal', transfer({ ...move, id: 10n, debitAccountId: 2n, amount: 51n })],
    ['a replay', transfer({ ...move, id: 2n, creditAccountId: 2n, amount: 50n })],
    [
      'accounts',
      accountsRequest(2, [
        { id: 20n, ledger: 156, code: 1 },
        { id: 21n, ledger: 156, code: 1 },
      ]),
    ],
    ['a change of an account', changesRequest(2, [change, { ...change, id: 10n, state: AccountStates.open }])],
    ['a sale', paymentRequest(2, 'sale', { ...payment, reference: 'order-1' })],
    ['an authorisation', paymentRequest(2, 'authorise', payment)],
    ['a capture', operationRequest(2, 'capture', { id: 60n, paymentId: 40n, amount: 30n })],
    ['a void', operationRequest(2, 'void', { id: 60n, paymentId: 40n })],
    ['the post of a whole chain', endChainRequest(2, { ...chainEnd, flags: postPending })],
    ['the void of a whole chain', endChainRequest(2, { ...chainEnd, flags: voidPending })],
    ['the end of a chain that is refused', endChainRequest(2, { ...chainEnd, pendingId: 6n, flags: voidPending })],
    ['a revert', transfer({ id: 10n, pendingId: 2n, flags: revert }, { id: 11n, pendingId: 2n, flags: revert })],
    ['the revert of a payment', operationRequest(2, 'revert', { id: 60n, paymentId: 40n })],
    ['a refund that is refused', operationRequest(2, 'refund', { id: 60n, paymentId: 40n })],
  ];

  it.each(requests)('of %s leaves nothing, and is answered like it', async (_, request) => {
    const dry = await rehearse(request);
    expect(withoutDryRun(dry, request.name)).toEqual(await desk.one(request));
  });

  it('sees what the commands before it in the batch have done, and hides nothing from those after it', async () => {
    const all = { ...move, debitAccountId: 2n, amount: 50n };
    const frames = await desk.batch([
      dryRun(transfersRequest(2, [{ ...all, id: 10n }])),
      transfersRequest(2, [{ ...all, id: 11n }]),
      dryRun(transfersRequest(2, [{ ...all, id: 12n }])),
      dryRun(transfersRequest(2, [{ ...all, id: 11n }])),
      accountsRequest(2, [{ id: 20n, ledger: 156, code: 1 }]),
    ]);
    expect(frames.map((frame) => reply.accounts(frame)[0]?.name)).toEqual(['ok', 'ok', 'exceedsCredits', 'ok', 'ok']);
    expect(reply.transfers(frames[3] as Uint8Array)[0]).toMatchObject({ replayed: true, dryRun: true });
  });

  it('sets no timer for what follows, and counts no entry of a history', async () => {
    for (let n = 0; n < 70; n++) await desk.transfers(2, { ...move, id: BigInt(100 + n) });
    const many = Array.from({ length: 130 }, (_, n) => ({
      ...move,
      id: BigInt(1000 + n),
      flags: pending,
      timeoutS: 1,
    }));
    await rehearse(transfersRequest(2, many));
    await desk.pass(2);
    const { entries } = await desk.history(1, { accountId: 3n, limit: 1000 });
    expect(entries).toHaveLength(72);
    expect(await desk.balances(3n)).toEqual([0, 0, 110, 700]);
  });

  it('is counted by no metric', async () => {
    await desk.one(dryRun(transfersRequest(2, [{ ...move, id: 10n }])));
    expect(desk.last?.outcomes).toEqual([]);
  });

  it('is rehearsed by other partitions too, and leaves nothing there', async () => {
    const bank = new Bank(2);
    const accounts = [1n, 2n, 3n, 4n, 5n, 6n].map((id) => ({ id, ledger: 156, code: 1 }));
    expect(await bank.accounts(1, ...accounts)).toEqual(accounts.map(() => 'ok'));
    const [here = 0n, there = 0n] = [0, 1].map((home) => accounts.find(({ id }) => bank.homeOf(id) === home)?.id);
    const crossing = { ...move, debitAccountId: here, creditAccountId: there };
    const names = async (request: Request): Promise<string[]> => {
      const answers = reply.accounts(await bank.ask(request)).map(({ name }) => name);
      await bank.rest();
      return answers;
    };
    const state = (): unknown =>
      bank.partitions.map(({ state: { ledger }, journal }) => {
        const { unfinished, outbox, joints, requests, accounts: opened } = ledger.clearing;
        const sizes = [unfinished.size, outbox.length, joints.length, requests.size, opened.length];
        return [...sizes, ledger.accounts.count, ledger.holds.count, journal.nextLsn];
      });
    const nothing = state();
    const payer = { ...payment, payerAccountId: here, payeeAccountId: there };
    const requests: [Request, number][] = [
      [transfersRequest(1, [{ ...crossing, id: 9n }]), 1],
      [
        transfersRequest(1, [
          { ...crossing, id: 10n, flags: linked },
          { ...crossing, id: 11n },
        ]),
        2,
      ],
      [transfersRequest(1, [{ ...crossing, id: 12n, flags: pending }]), 1],
      [paymentRequest(1, 'sale', payer), 1],
      [paymentRequest(1, 'authorise', { ...payer, id: 51n }), 1],
    ];
    for (const [request, count] of requests) {
      expect(await names(dryRun(request)), request.name).toEqual(Array(count).fill('ok'));
    }
    expect(state()).toEqual(nothing);
    for (const [request, count] of requests) expect(await names(request)).toEqual(Array(count).fill('ok'));
    const settled = state();
    for (const [request, count] of requests) expect(await names(dryRun(request))).toEqual(Array(count).fill('ok'));
    const ends: Request[] = [
      transfersRequest(1, [{ id: 13n, pendingId: 12n, debitAccountId: here, flags: postPending }]),
      operationRequest(1, 'capture', { id: 60n, paymentId: 51n, amount: 1n }),
      operationRequest(1, 'void', { id: 61n, paymentId: 51n }),
      operationRequest(1, 'refund', { id: 62n, paymentId: 50n }),
    ];
    for (const request of ends) expect(await names(dryRun(request))).toEqual(['ok']);
    expect(state()).toEqual(settled);
    for (const request of ends) expect(await names(request)).toEqual(['ok']);
    expect(await names(dryRun(transfersRequest(1, [{ ...crossing, id: 20n, creditAccountId: 99n }])))).toEqual([
      'creditAccountNotFound',
    ]);
  });
});
