/** What a payment leaves behind in memory: nothing, once it has ended. */
import { expect, it } from 'vitest';
import { Desk } from '../../support/desk.ts';
import { memoryPartition } from '../../support/memory-partition.ts';

const ROUNDS = 3000;

it('authorisations that were captured or voided leave no reminders that pile up', async () => {
  const { partition, state } = memoryPartition({ holdsMax: 100 });
  const desk = new Desk(partition);
  await desk.accounts(2, { id: 1n, ledger: 156, code: 1 }, { id: 2n, ledger: 156, code: 1 });
  for (let round = 0; round < ROUNDS; round++) {
    const id = BigInt(10 + round * 2);
    await desk.pay(2, 'authorise', { id, payerAccountId: 1n, payeeAccountId: 2n, amount: 5n, ledger: 156 });
    await desk.operate(2, round % 2 === 0 ? 'capture' : 'void', { id: id + 1n, paymentId: id });
  }
  const { timers, holds } = state.ledger.tables;
  expect(holds.count).toBe(0);
  expect(timers.count).toBeLessThanOrEqual(1025);
});
