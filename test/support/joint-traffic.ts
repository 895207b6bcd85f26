/** Clients that pay each other over several partitions: the cast, what they ask, and what must hold afterwards. */
import { expect } from 'vitest';
import { formatId } from '../../protocol/ids.ts';
import { AccountFlags, PaymentOperationFlags, TransferFlags } from '../../protocol/records.ts';
import { resultName } from '../../protocol/results.ts';
import { randomWords } from '../engine/storage/support.ts';
import { Bank } from './bank.ts';
import { between, expectWhole } from './clearing-checks.ts';
import type { CodelessPayment, RawTransfer } from './desk.ts';

const { linked, pending } = TransferFlags;
export const CNY = 156;
export const TREASURY = 1n;
const LIMITED = AccountFlags.debitsMustNotExceedCredits;
export const PAYERS = Array.from({ length: 6 }, (_, n) => BigInt(1000 + n));
export const PAYEES = Array.from({ length: 6 }, (_, n) => BigInt(2000 + n));
export const FEES = Array.from({ length: 3 }, (_, n) => BigInt(3000 + n));
export const OFFERS = Array.from({ length: 3 }, (_, n) => BigInt(4000 + n));
export const ALL = [...PAYERS, ...PAYEES, ...FEES, ...OFFERS];
export const START_FUNDS = 20_000n;

export async function furnished(partitions: number, echoes = false): Promise<Bank> {
  const bank = new Bank(partitions, undefined, echoes);
  const cny = { ledger: CNY, code: 1 };
  await bank.accounts(1, { id: TREASURY, ...cny });
  await bank.accounts(1, ...FEES.map((id) => ({ id, ...cny })));
  await bank.accounts(2, ...[...PAYERS, ...OFFERS].map((id) => ({ id, ...cny, flags: LIMITED })));
  for (const [n, id] of PAYEES.entries()) {
    // One in four has no tariff, one another currency's.
    await bank.accounts(3, { id, ledger: n === 5 ? 840 : CNY, code: 1, flags: LIMITED, tariff: n % 4 });
  }
  for (const [n, id] of FEES.entries()) {
    const terms = { basisPoints: 60, fixed: 1, minimum: 2, maximum: 0, feeAccountId: formatId(id) };
    expect(resultName(await bank.putTariff(3, { number: n + 1, ...terms }))).toBe('ok');
  }
  for (const [n, id] of OFFERS.entries()) {
    const terms = {
      basisPoints: n === 2 ? 10_000 : 1000,
      fixed: 0,
      maximum: 0,
      minimumAmount: 50,
      startsAt: 0,
      endsAt: 0,
    };
    expect(resultName(await bank.putCampaign(2, { accountId: formatId(id), ...terms }))).toBe('ok');
  }
  let id = 1n;
  for (const account of [...PAYERS, ...OFFERS]) {
    const move = { debitAccountId: TREASURY, creditAccountId: account, amount: START_FUNDS, ...cny };
    expect(await bank.transfers(1, { ...move, id: id++ })).toEqual(['ok']);
  }
  return bank;
}

export interface Act {
  readonly what: 'sale' | 'authorise' | 'capture' | 'void' | 'refund' | 'chain';
  readonly payment?: CodelessPayment;
  readonly operation?: { id: bigint; paymentId: bigint; amount?: bigint; flags?: number };
  readonly chain?: readonly RawTransfer[];
}

/** What clients ask: payments and their operations, chains, repeats, conflicts. */
export class Traffic {
  readonly #random: () => number;
  readonly #sent: Act[] = [];
  readonly #payments: bigint[] = [];
  readonly #moves: RawTransfer[] = [];
  #next = 10_000n;

  constructor(seed: number) {
    this.#random = randomWords(seed);
  }

  next(): Act {
    const dice = this.#below(100);
    const old = this.#sent[this.#below(this.#sent.length)];
    if (dice < 6 && old !== undefined) return old;
    if (dice < 9 && old?.payment !== undefined) {
      return { ...old, payment: { ...old.payment, amount: old.payment.amount + 1n } };
    }
    const act = dice < 45 ? this.#pay() : dice < 80 ? this.#operation() : this.#chain();
    this.#sent.push(act);
    return act;
  }

  #pay(): Act {
    const id = this.#next++;
    this.#payments.push(id);
    const isSale = this.#below(2) === 0;
    const hasOffer = this.#below(3) === 0;
    const expiry = !isSale && this.#below(3) === 0 ? { expiresAfterS: 3 } : {};
    const payment = {
      id,
      payerAccountId: this.#one(PAYERS),
      payeeAccountId: this.#below(25) === 0 ? 77n : this.#one(PAYEES),
      amount: BigInt(1 + this.#below(3000)),
      ledger: CNY,
      ...(hasOffer ? { campaignId: this.#one(OFFERS) } : {}),
      ...expiry,
    };
    return { what: isSale ? 'sale' : 'authorise', payment };
  }

  #operation(): Act {
    const what = (['capture', 'capture', 'void', 'refund', 'refund'] as const)[this.#below(5)] ?? 'capture';
    const paymentId = this.#payments[Math.max(0, this.#payments.length - 1 - this.#below(12))] ?? 5n;
    const part = what !== 'void' && this.#below(2) === 0 ? { amount: BigInt(1 + this.#below(900)) } : {};
    const last = what === 'capture' && this.#below(4) === 0 ? { flags: PaymentOperationFlags.final } : {};
    return { what, operation: { id: this.#next++, paymentId, ...part, ...last } };
  }

  /** Credits are anywhere, debits in one place: that is what a chain may be. */
  #chain(): Act {
    const length = 2 + this.#below(4);
    const home = this.#one(PAYERS);
    const chain: RawTransfer[] = [];
    for (let n = 0; n < length; n++) {
      const member = this.#ending(home, chain) ?? this.#return(home, chain) ?? this.#move(home);
      chain.push({ ...member, flags: (member.flags ?? 0) | (n < length - 1 ? linked : 0) });
    }
    this.#moves.push(...chain.filter(({ pendingId = 0n }) => pendingId === 0n));
    return { what: 'chain', chain };
  }

  #move(home: bigint): RawTransfer {
    const creditAccountId = this.#one(ALL.filter((id) => id !== home));
    const isHold = this.#below(4) === 0;
    const isBalancing = this.#below(6) === 0;
    return {
      id: this.#next++,
      debitAccountId: home,
      creditAccountId: this.#below(30) === 0 ? 77n : creditAccountId,
      amount: BigInt(1 + this.#below(4000)),
      ledger: CNY,
      code: 1,
      flags: (isHold ? pending : 0) | (isBalancing ? TransferFlags.balancingDebit : 0),
      timeoutS: isHold && this.#below(2) === 0 ? 4 : 0,
    };
  }

  /** The post or void of something that the account holds, maybe by a member of the same chain. */
  #ending(home: bigint, chain: readonly RawTransfer[]): RawTransfer | undefined {
    if (this.#below(4) > 0) return undefined;
    const hold = this.#recent(
      chain,
      ({ debitAccountId, flags = 0 }) => debitAccountId === home && (flags & pending) !== 0,
    );
    if (hold === undefined) return undefined;
    const part = this.#below(2) === 0 ? { amount: BigInt(1 + this.#below(Number(hold.amount ?? 1n))) } : {};
    const posts = [TransferFlags.postPending, TransferFlags.postPending | TransferFlags.keepRemainder];
    const isPost = this.#below(3) > 0;
    const flags = isPost ? (posts[this.#below(part.amount === undefined ? 1 : 2)] ?? 0) : TransferFlags.voidPending;
    return { id: this.#next++, debitAccountId: home, pendingId: hold.id ?? 1n, flags, ...(isPost ? part : {}) };
  }

  /** The revert of something that was paid to the account. */
  #return(home: bigint, chain: readonly RawTransfer[]): RawTransfer | undefined {
    if (this.#below(4) > 0) return undefined;
    const paid = this.#recent(chain, ({ creditAccountId }) => creditAccountId === home);
    if (paid === undefined) return undefined;
    return { id: this.#next++, debitAccountId: home, pendingId: paid.id ?? 1n, flags: TransferFlags.revert };
  }

  #recent(chain: readonly RawTransfer[], fits: (move: RawTransfer) => boolean): RawTransfer | undefined {
    const fitting = [...this.#moves, ...chain].filter(fits).slice(-4);
    return fitting[this.#below(fitting.length)];
  }

  #one(ids: readonly bigint[]): bigint {
    return ids[this.#below(ids.length)] as bigint;
  }

  #below(limit: number): number {
    return limit === 0 ? 0 : this.#random() % limit;
  }
}

export async function perform(bank: Bank, { what, payment, operation, chain }: Act): Promise<unknown> {
  if (chain !== undefined) {
    const results = await bank.results(2, ...chain);
    // The first answer again has the balances of now, and of an account elsewhere none.
    return results.map(({ name, replayed, balances }) => [name, replayed, replayed ? undefined : balances]);
  }
  const result =
    payment === undefined
      ? await bank.operate(2, what as 'capture', operation ?? { id: 1n, paymentId: 1n })
      : await bank.pay(2, what as 'sale', payment);
  return { name: result.name, replayed: result.replayed, payment: result.payment };
}

export function outcome(result: unknown): unknown {
  if (Array.isArray(result)) return result.map(([name]) => name);
  const { name, payment } = result as { name: string; payment?: { state: string } };
  return [name, payment?.state];
}

export function expectSettled(bank: Bank): void {
  expectWhole(bank);
  expect(between(bank).every((sum) => sum === 0)).toBe(true);
  for (const { state } of bank.partitions) {
    const { clearing } = state.ledger;
    expect([clearing.unfinished.size, clearing.requests.size, clearing.prepared.size]).toEqual([0, 0, 0]);
  }
}
