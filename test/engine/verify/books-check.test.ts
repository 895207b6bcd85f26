// Whatever a journal says, books that do not balance and accounts beyond their limits are named.
import { describe, expect, it } from 'vitest';
import { ExactSum } from '../../../engine/exact-sum.ts';
import { ACCOUNT_CHANGE_EVENT_BYTES, EventTypes, TRANSFER_EVENT_BYTES } from '../../../engine/ledger/events.ts';
import { BooksCheck } from '../../../engine/verify/books-check.ts';
import { IndexCheck } from '../../../engine/verify/index-check.ts';
import { PartitionState } from '../../../engine/worker/state.ts';
import { ACCOUNT_CHANGE, AccountChangeFields, AccountFlags, AccountStates } from '../../../protocol/records.ts';

const unread = {
  read: (): never => {
    throw new Error('nothing is read');
  },
};

function setup(): { state: PartitionState; books: BooksCheck; problems: string[] } {
  const place = { partition: 0, partitions: 1, hashSeed: 1, accountsMax: 10, holdsMax: 10 };
  const state = new PartitionState(place, unread, new IndexCheck(() => undefined).indexes);
  for (const id of [1, 2, 3]) {
    const index = state.ledger.accounts.add(id, 0, 0, 0);
    state.ledger.accounts.ledger[index] = 978;
  }
  const problems: string[] = [];
  return { state, books: new BooksCheck(state, (problem) => problems.push(problem)), problems };
}

/** A batch with one transfer between the accounts 1 and 2. */
function batch(): Uint8Array {
  const bytes = new Uint8Array(128 + TRANSFER_EVENT_BYTES);
  const view = new DataView(bytes.buffer);
  view.setUint8(128, EventTypes.transfer);
  view.setUint32(132, TRANSFER_EVENT_BYTES, true);
  view.setUint32(128 + 48 + 16, 1, true);
  view.setUint32(128 + 48 + 32, 2, true);
  return bytes;
}

/** A batch that lowers the credit limit of account 1 from 10 to 2 on its way. */
function lowering(): Uint8Array {
  const transfer = batch();
  const bytes = new Uint8Array(transfer.length + ACCOUNT_CHANGE_EVENT_BYTES);
  bytes.set(transfer);
  const view = new DataView(bytes.buffer, transfer.length);
  view.setUint8(0, EventTypes.accountChange);
  view.setUint32(4, ACCOUNT_CHANGE_EVENT_BYTES, true);
  view.setUint32(16 + ACCOUNT_CHANGE.at.accountId, 1, true);
  view.setBigUint64(16 + ACCOUNT_CHANGE.at.creditLimit, 2n, true);
  view.setUint16(16 + ACCOUNT_CHANGE.at.fields, AccountChangeFields.creditLimit, true);
  return bytes;
}

describe('limits that change', () => {
  function limited(): ReturnType<typeof setup> {
    const made = setup();
    const { accounts } = made.state.ledger;
    accounts.flags[0] = AccountFlags.debitsMustNotExceedCredits;
    accounts.creditLimit[0] = 10;
    const opening = lowering();
    new DataView(opening.buffer).setBigUint64(
      128 + TRANSFER_EVENT_BYTES + 16 + ACCOUNT_CHANGE.at.creditLimit,
      10n,
      true,
    );
    made.books.afterBatch(opening);
    return made;
  }

  it('takes a limit that is lowered below what is used, and names what is used beyond it afterwards', () => {
    const { state, books, problems } = limited();
    state.ledger.books.transfer(0, 1, 10);
    state.ledger.accounts.creditLimit[0] = 2;
    books.afterBatch(lowering());
    books.afterBatch(batch());
    state.ledger.books.transfer(1, 0, 5);
    books.afterBatch(batch());
    expect(problems).toEqual([]);
    state.ledger.books.transfer(0, 1, 1);
    books.afterBatch(batch());
    expect(problems).toEqual([expect.stringContaining('debits exceed credits')]);
  });

  it('names more than the highest limit of the batch', () => {
    const { state, books, problems } = limited();
    state.ledger.books.transfer(0, 1, 11);
    state.ledger.accounts.creditLimit[0] = 2;
    books.afterBatch(lowering());
    expect(problems).toEqual([expect.stringContaining('debits exceed credits')]);
  });

  it('names a closed account that is not empty', () => {
    const { state, books, problems } = setup();
    state.ledger.accounts.state[1] = AccountStates.closed;
    state.ledger.books.transfer(0, 1, 3);
    books.afterBatch(batch());
    expect(problems).toEqual([expect.stringContaining('it is closed, but not empty')]);
  });
});

describe('BooksCheck', () => {
  it('says nothing of books that balance', () => {
    const { state, books, problems } = setup();
    state.ledger.books.transfer(0, 1, Number.MAX_SAFE_INTEGER);
    books.afterBatch(batch());
    books.finish();
    expect(problems).toEqual([]);
  });

  it.each([
    ['debitsPosted', 'posted'],
    ['creditsPosted', 'posted'],
    ['debitsPending', 'pending'],
    ['creditsPending', 'pending'],
  ] as const)('names a ledger whose %s are off by one, also beside the largest amount', (side, kind) => {
    const { state, books, problems } = setup();
    state.ledger.books.transfer(0, 1, Number.MAX_SAFE_INTEGER - 1);
    books.afterBatch(batch());
    const { accounts } = state.ledger;
    accounts[side][1] = (accounts[side][1] ?? 0) + 1;
    books.afterBatch(batch());
    expect(problems).toEqual([expect.stringContaining(`ledger 978: ${kind} debits and credits differ by`)]);
    // Each batch answers for itself alone.
    books.afterBatch(batch());
    expect(problems).toHaveLength(1);
  });

  it('names at the end what no transfer of a batch explains', () => {
    const { state, books, problems } = setup();
    state.ledger.accounts.creditsPosted[2] = 5;
    state.ledger.accounts.creditsPending[2] = 5;
    books.afterBatch(batch());
    expect(problems).toEqual([]);
    books.finish();
    expect(problems).toEqual([
      expect.stringContaining('pending amounts are not those of its holds'),
      'ledger 978: posted debits and credits differ by -5',
      'ledger 978: pending debits and credits differ by -5',
    ]);
  });

  it.each([
    [AccountFlags.debitsMustNotExceedCredits, 0, 'debits exceed credits'],
    [AccountFlags.creditsMustNotExceedDebits, 1, 'credits exceed debits'],
  ])('names an account beyond the limit of flag %i', (flag, index, problem) => {
    const { state, books, problems } = setup();
    state.ledger.accounts.flags[index] = flag;
    state.ledger.books.transfer(0, 1, 7);
    books.afterBatch(batch());
    expect(problems).toEqual([`account ${'0'.repeat(31)}${index + 1}: ${problem}`]);
  });
});

describe('ExactSum', () => {
  it('is exact where plain sums round', () => {
    const sum = new ExactSum();
    const large = Number.MAX_SAFE_INTEGER;
    for (let n = 0; n < 1000; n++) sum.add(large);
    sum.add(1);
    for (let n = 0; n < 1000; n++) sum.add(-large);
    expect([sum.isZero, sum.text]).toEqual([false, '1']);
    sum.add(-1);
    expect([sum.isZero, sum.text]).toEqual([true, '0']);
  });
});
