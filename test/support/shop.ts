/** The accounts and terms that payment tests use: a payer, a payee who pays fees, a house that takes them, an offer. */
import { formatId } from '../../protocol/ids.ts';
import { AccountFlags } from '../../protocol/records.ts';
import { type CodelessPayment, Desk } from './desk.ts';
import { type MemoryPartition, memoryPartition } from './memory-partition.ts';

export const LIMITED = AccountFlags.debitsMustNotExceedCredits;
export const PAYER = 10n;
export const PAYEE = 20n;
export const FEES = 30n;
export const OFFER = 40n;
export const BANK = 1n;

export const payment: CodelessPayment = {
  id: 100n,
  payerAccountId: PAYER,
  payeeAccountId: PAYEE,
  amount: 1000n,
  ledger: 156,
};
export const withOffer = { ...payment, campaignId: OFFER };
/** 0.6 % and 1. */
export const tariff = { number: 1, basisPoints: 60, fixed: 1, minimum: 0, maximum: 0, feeAccountId: formatId(FEES) };
/** 10 % from 100 on. */
export const campaign = {
  accountId: formatId(OFFER),
  basisPoints: 1000,
  fixed: 0,
  maximum: 0,
  minimumAmount: 100,
  startsAt: 0,
  endsAt: 0,
};

/** Posted credits minus posted debits, and what is held on the debit side. */
type Standing = [number, number];

export const UNTOUCHED: Readonly<Record<string, Standing>> = {
  payer: [10_000, 0],
  payee: [0, 0],
  fees: [0, 0],
  offer: [250, 0],
};

export class Shop {
  readonly memory: MemoryPartition = memoryPartition({ holdsMax: 6 });
  readonly desk = new Desk(this.memory.partition);

  /** Institution 2 has payer and offer, 3 the payee; 21 is in another currency, 22 only takes what it gave, 23 has no tariff. */
  static async open(): Promise<Shop> {
    const shop = new Shop();
    const { desk } = shop;
    const cny = { ledger: 156, code: 1 };
    await desk.accounts(1, { id: BANK, ...cny }, { id: FEES, ...cny });
    await desk.accounts(2, { id: PAYER, ...cny, flags: LIMITED }, { id: OFFER, ...cny, flags: LIMITED });
    await desk.accounts(3, { id: PAYEE, ...cny, flags: LIMITED, tariff: 1 }, { id: 21n, ledger: 840, code: 1 });
    await desk.accounts(
      3,
      { id: 22n, ...cny, flags: AccountFlags.creditsMustNotExceedDebits },
      { id: 23n, ...cny, tariff: 9 },
    );
    const from = { debitAccountId: BANK, ledger: 156, code: 1 };
    await desk.transfers(1, { ...from, id: 1n, creditAccountId: PAYER, amount: 10_000n });
    await desk.transfers(1, { ...from, id: 2n, creditAccountId: OFFER, amount: 250n });
    await desk.putTariff(3, tariff);
    await desk.putCampaign(2, campaign);
    return shop;
  }

  async standing(id: bigint): Promise<Standing> {
    const [held = 0, debits = 0, , credits = 0] = await this.desk.balances(id);
    return [credits - debits, held];
  }

  async all(): Promise<Record<string, Standing>> {
    return {
      payer: await this.standing(PAYER),
      payee: await this.standing(PAYEE),
      fees: await this.standing(FEES),
      offer: await this.standing(OFFER),
    };
  }
}
