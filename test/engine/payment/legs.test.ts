/** The legs of payments as everyone reads them: transfers with an id, both accounts, and the payment that made them. */
import { describe, expect, it } from 'vitest';
import { TransferFlags } from '../../../protocol/records.ts';
import { START } from '../../support/desk.ts';
import { FEES, OFFER, PAYEE, PAYER, payment, Shop, withOffer } from '../../support/shop.ts';

const ROLES = { payer: 1, campaign: 2, fee: 3 } as const;
const { pending, postPending, voidPending, keepRemainder, expired } = TransferFlags;

/** [role, debit, credit, amount, flags] of an account's entries, oldest first. */
type Move = readonly [number, bigint, bigint, bigint, number];

async function moves(shop: Shop, institution: number, accountId: bigint): Promise<Move[]> {
  const { entries } = await shop.desk.history(institution, { accountId, limit: 100 });
  return entries
    .filter(({ transfer }) => transfer.userData128 !== 0n)
    .reverse()
    .map(({ transfer: { userData32, debitAccountId, creditAccountId, amount, flags } }) => [
      userData32,
      debitAccountId,
      creditAccountId,
      amount,
      flags,
    ]);
}

describe('legs', () => {
  it('of a sale: the parts of payer and offer, and the fee', async () => {
    const shop = await Shop.open();
    await shop.desk.pay(2, 'sale', { ...withOffer, code: 77, reference: 'order 1' });
    const legs: Move[] = [
      [ROLES.payer, PAYER, PAYEE, 900n, 0],
      [ROLES.campaign, OFFER, PAYEE, 100n, 0],
      [ROLES.fee, PAYEE, FEES, 7n, 0],
    ];
    expect(await moves(shop, 3, PAYEE)).toEqual(legs);
    expect(await moves(shop, 2, PAYER)).toEqual(legs.slice(0, 1));
    expect(await moves(shop, 1, FEES)).toEqual(legs.slice(2));
  });

  it('say whose they are, when, why, and what they left; by history and by id alike', async () => {
    const shop = await Shop.open();
    await shop.desk.pass(3);
    await shop.desk.pay(2, 'sale', { ...payment, code: 77 });
    const { entries } = await shop.desk.history(3, { accountId: PAYEE });
    const [fee, payer] = entries;
    expect(payer).toMatchObject({
      name: 'ok',
      institution: 2,
      debitBalanceAfter: 0n,
      creditBalanceAfter: 1000n,
      transfer: {
        debitAccountId: PAYER,
        creditAccountId: PAYEE,
        userData128: payment.id,
        userData64: 0n,
        pendingId: 0n,
        timeoutS: 0,
        ledger: 156,
        code: 77,
      },
    });
    expect(payer?.transfer.timestamp).toBe(BigInt(START) + 3_000_000n);
    expect(fee).toMatchObject({ debitBalanceAfter: 993n, institution: 2 });
    for (const entry of entries) {
      const [found] = await shop.desk.lookupTransfers(3, entry.transfer.id);
      expect(found?.entry).toEqual(entry);
    }
  });

  it('of an authorisation: held, taken in parts, given back', async () => {
    const shop = await Shop.open();
    await shop.desk.pay(2, 'authorise', { ...withOffer, expiresAfterS: 60 });
    await shop.desk.operate(2, 'capture', { id: 1n, paymentId: payment.id, amount: 500n });
    await shop.desk.operate(2, 'void', { id: 2n, paymentId: payment.id });
    expect(await moves(shop, 3, PAYEE)).toEqual([
      [ROLES.payer, PAYER, PAYEE, 900n, pending],
      [ROLES.campaign, OFFER, PAYEE, 100n, pending],
      [ROLES.payer, PAYER, PAYEE, 450n, postPending | keepRemainder],
      [ROLES.campaign, OFFER, PAYEE, 50n, postPending | keepRemainder],
      [ROLES.fee, PAYEE, FEES, 4n, 0],
      [ROLES.payer, PAYER, PAYEE, 450n, voidPending],
      [ROLES.campaign, OFFER, PAYEE, 50n, voidPending],
    ]);
    const { entries } = await shop.desk.history(2, { accountId: PAYER });
    const [released, taken, held] = entries;
    expect(held?.transfer).toMatchObject({ timeoutS: 60, pendingId: 0n });
    expect(taken?.transfer).toMatchObject({ timeoutS: 0, pendingId: held?.transfer.id });
    expect(released?.transfer).toMatchObject({ pendingId: held?.transfer.id });
  });

  it('that ran out say so', async () => {
    const shop = await Shop.open();
    await shop.desk.pay(2, 'authorise', { ...payment, expiresAfterS: 60 });
    await shop.desk.pass(61);
    expect(await moves(shop, 2, PAYER)).toEqual([
      [ROLES.payer, PAYER, PAYEE, 1000n, pending],
      [ROLES.payer, PAYER, PAYEE, 1000n, voidPending | expired],
    ]);
  });
});
