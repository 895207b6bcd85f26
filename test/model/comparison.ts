/** The engine and the reference, side by side on the same commands; the first difference stops the run. */
import type { PartitionState } from '../../engine/worker/state.ts';
import type { PaymentResult } from '../../protocol/codecs/payment-codec.ts';
import type { Result } from '../../protocol/codecs/result-codec.ts';
import { encodeRich } from '../../protocol/codecs/rich-codec.ts';
import { formatId } from '../../protocol/ids.ts';
import type { ResultName } from '../../protocol/results.ts';
import {
  accountsRequest,
  changesRequest,
  type Desk,
  framed,
  operationRequest,
  paymentRequest,
  type Request,
  reply,
  START,
  transfersRequest,
} from '../support/desk.ts';
import { CAST, type Command } from './hostile-commands.ts';
import { changeAccount } from './reference-changes.ts';
import { type Answer, ReferenceLedger } from './reference-ledger.ts';
import { type PaymentAnswer, ReferencePayments } from './reference-payments.ts';

export class Comparison {
  readonly desk: Desk;
  readonly state: PartitionState;
  readonly ledger: ReferenceLedger;
  readonly payments: ReferencePayments;
  /** How often each result came up. */
  readonly seen = new Map<ResultName, number>();
  #now = BigInt(START);

  constructor(desk: Desk, state: PartitionState, holdsMax: number, from?: Comparison) {
    this.desk = desk;
    this.state = state;
    this.ledger = from?.ledger ?? new ReferenceLedger(holdsMax);
    this.payments = from?.payments ?? new ReferencePayments(this.ledger);
    if (from !== undefined) this.#now = from.#now;
  }

  /** The same reference against an engine that was opened again. */
  movedTo(desk: Desk, state: PartitionState): Comparison {
    return new Comparison(desk, state, this.ledger.holdsMax, this);
  }

  /** Opens the cast on both sides. */
  async begin(): Promise<void> {
    for (const { owner, ...account } of CAST) {
      await this.desk.one(accountsRequest(owner, [{ ...account, code: 1 }]));
      this.ledger.open({ owner, ...account });
      if (account.tariff !== 0) this.payments.tariffOf.set(account.id, account.tariff);
    }
    this.ledger.tick(this.#now);
    await this.batch(this.#funding(), 0n);
    for (const number of [1, 2, 3]) {
      for (const institution of number === 3 ? [3] : [2, 3]) {
        const terms = { number, basisPoints: 60 * number, fixed: number - 1, minimum: 2, maximum: 0 };
        const tariff = { ...terms, feeAccountId: formatId(11n) };
        await this.batch([{ type: 'tariff', institution, tariff }], 0n);
      }
    }
    for (const id of [6n, 12n, 13n]) {
      const terms = { basisPoints: 1000, fixed: 1, maximum: 400, minimumAmount: 10, startsAt: 0, endsAt: 0 };
      await this.batch([{ type: 'campaign', institution: 2, campaign: { ...terms, accountId: formatId(id) } }], 0n);
    }
  }

  /** Gives those who may not overdraw something to spend. */
  #funding(): Command[] {
    const blank = { pendingId: 0n, userData128: 0n, userData64: 0n, userData32: 0, timeoutS: 0, code: 1, flags: 0 };
    return [2n, 3n, 4n, 6n, 12n].map((credit) => ({
      type: 'transfers',
      institution: 1,
      items: [
        { ...blank, id: 500n + credit, debitAccountId: 1n, creditAccountId: credit, amount: 20_000n, ledger: 156 },
      ],
    }));
  }

  /** One batch. Throws an Error that says what differs. */
  async batch(commands: readonly Command[], jump: bigint): Promise<void> {
    this.#now += jump;
    this.desk.now = Number(this.#now);
    this.ledger.tick(this.#now);
    this.payments.tick(this.#now);
    const frames = await this.desk.batch(commands.map(requestOf));
    for (const [index, command] of commands.entries()) this.#compare(command, frames[index] as Uint8Array);
    this.#compareBalances();
  }

  #compare(command: Command, frame: Uint8Array): void {
    switch (command.type) {
      case 'transfers': {
        const expected = this.ledger.createTransfers(command.institution, command.items);
        const got = reply.transfers(frame);
        for (const [index, answer] of expected.entries()) this.#sameAnswer(command, got[index], answer);
        return;
      }
      case 'change': {
        const [got] = reply.accounts(frame);
        return this.#sameAnswer(command, got, changeAccount(this.ledger, command.institution, command.change));
      }
      case 'sale':
      case 'authorise': {
        const expected = this.payments.create(command.institution, command.type, command.payment);
        return this.#samePayment(command, reply.payment(frame, command.type), expected);
      }
      case 'capture':
      case 'void':
      case 'refund': {
        const expected = this.payments.operate(command.institution, command.type, command.operation);
        return this.#samePayment(command, reply.payment(frame, command.type), expected);
      }
      case 'tariff':
        this.payments.tariffs.set(`${command.institution}/${command.tariff.number}`, command.tariff);
        return;
      case 'campaign':
        this.payments.campaigns.set(BigInt(`0x${command.campaign.accountId}`), command.campaign);
    }
  }

  #sameAnswer(command: Command, got: Result | undefined, expected: Answer): void {
    this.seen.set(expected.name, (this.seen.get(expected.name) ?? 0) + 1);
    const same =
      got?.name === expected.name && got.replayed === expected.replayed && got.timestamp === expected.timestamp;
    if (!same) differ(command, 'answer', got && [got.name, got.replayed, got.timestamp], expected);
  }

  #samePayment(command: Command, got: PaymentResult, expected: PaymentAnswer): void {
    this.#sameAnswer(command, got, expected);
    const { payment } = got;
    const { standing } = expected;
    if ((payment === undefined) !== (standing === undefined)) differ(command, 'payment', payment, standing);
    if (payment === undefined || standing === undefined) return;
    for (const field of Object.keys(standing) as (keyof typeof standing)[]) {
      if (payment[field] !== standing[field]) differ(command, field, payment, standing);
    }
  }

  #compareBalances(): void {
    const { accounts } = this.state.ledger;
    const sums = new Map<number, bigint[]>();
    CAST.forEach(({ id, ledger }, index) => {
      const reference = this.ledger.account(id);
      const got = [
        accounts.debitsPending[index],
        accounts.debitsPosted[index],
        accounts.creditsPending[index],
        accounts.creditsPosted[index],
        accounts.creditLimit[index],
        accounts.state[index],
      ].map((value) => BigInt(value as number));
      const { debitsPending, debitsPosted, creditsPending, creditsPosted, creditLimit, state } = reference;
      const expected = [debitsPending, debitsPosted, creditsPending, creditsPosted, creditLimit, BigInt(state)];
      if (got.join() !== expected.join()) differ(id, 'balances', got, expected);
      sums.set(
        ledger,
        (sums.get(ledger) ?? [0n, 0n, 0n, 0n]).map((sum, side) => sum + (got[side] as bigint)),
      );
    });
    for (const [ledger, [pending, posted, creditsPending, creditsPosted]] of sums) {
      if (pending !== creditsPending || posted !== creditsPosted) differ(ledger, 'books', pending, creditsPending);
    }
    const holds = this.state.ledger.holds.count;
    if (holds !== this.ledger.openHolds()) differ('holds', 'count', holds, this.ledger.openHolds());
  }
}

function requestOf(command: Command): Request {
  const options = { requestId: 1 };
  switch (command.type) {
    case 'transfers':
      return transfersRequest(command.institution, command.items);
    case 'change':
      return changesRequest(command.institution, [command.change]);
    case 'sale':
    case 'authorise':
      return paymentRequest(command.institution, command.type, command.payment);
    case 'capture':
    case 'void':
    case 'refund':
      return operationRequest(command.institution, command.type, command.operation);
    case 'tariff':
      return framed(command.institution, encodeRich('putTariff', command.tariff, options));
    case 'campaign':
      return framed(command.institution, encodeRich('putCampaign', command.campaign, options));
  }
}

function differ(command: unknown, what: string, got: unknown, expected: unknown): never {
  const text = (value: unknown): string =>
    JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
  throw new Error(`${what} of ${text(command)}\n     got ${text(got)}\nexpected ${text(expected)}`);
}
