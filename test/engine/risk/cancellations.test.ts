/** Cancellations of payments that a risk rule holds or challenges. */
import { describe, expect, it } from 'vitest';
import { cancellationRequest } from '../../../engine/simulate/model/requests.ts';
import { Bank } from '../../support/bank.ts';
import { reply } from '../../support/desk.ts';
import { expectRecovered } from '../../support/recovered.ts';

const PAYER = 2n;
const why = { en: 'Because.', zh: '原因。' };

describe.each([1, 2])('with %i partitions', (count) => {
  it.each([
    ['hold', 'paymentHeld'],
    ['step_up', 'challengeRequired'],
  ])('what met "%s" can be cancelled as a whole, and not in part', async (outcome, name) => {
    const bank = new Bank(count);
    const accounts = [PAYER, 3n, 4n, 5n].map((id) => ({ id, ledger: 156, code: 1 }));
    await bank.accounts(2, ...accounts);
    const rule = { id: 'any', kind: 'cel', when: 'amount > 0', outcome, reason: why };
    expect((await bank.activateRules(1, { version: '1', rules: [rule] })).name).toBe('ok');
    for (const [index, payeeAccountId] of [3n, 4n, 5n].entries()) {
      const id = BigInt(100 + index);
      const sale = { id, payerAccountId: PAYER, payeeAccountId, amount: 100n, ledger: 156 };
      expect((await bank.pay(2, 'sale', sale)).name).toBe(name);
      const cancel = async (operation: bigint, amount: bigint) => {
        const cancellation = { id: operation * 1000n + id, paymentId: id, payerAccountId: PAYER, amount };
        return reply.payment(await bank.ask(cancellationRequest(2, cancellation)), 'cancelPayment');
      };
      expect((await cancel(1n, 40n)).name).toBe(name);
      expect((await cancel(2n, 101n)).name).toBe('exceedsCapturedAmount');
      expect(await cancel(3n, 100n)).toMatchObject({ name: 'ok', payment: { state: 'voided', operation: 'cancel' } });
      expect((await cancel(4n, 0n)).name).toBe('paymentAlreadyVoided');
    }
    await bank.rest();
    expect(await bank.balances(PAYER)).toEqual([0, 0, 0, 0]);
    expectRecovered(bank.partitions);
  });
});
