/** The engine and the reference, side by side on the same commands; the first difference stops the run. */
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import type { Result } from '../../../protocol/codecs/result-codec.ts';
import { encodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { CAST, type Command } from './hostile-commands.ts';
import { changeAccount } from './reference-changes.ts';
import { type Answer, ReferenceLedger } from './reference-ledger.ts';
import { type PaymentAnswer, ReferencePayments } from './reference-payments.ts';
import {
  accountsRequest,
  changesRequest,
  framed,
  operationRequest,
  paymentRequest,
  type Request,
  reply,
  START,
  transfersRequest,
} from './requests.ts';

/** The balances of an engine: columns by number of the account. */
export type BalanceColumns = Readonly<
  Record<
    'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted' | 'creditLimit' | 'state',
    ArrayLike<number>
  >
>;

/** What opens the cast in an engine, one request a batch. The reference has it from the start. */
export function castRequests(): Request[] {
  return CAST.map(({ owner, tariff, ...account }) => accountsRequest(owner, [{ ...account, tariff, code: 1 }]));
}

export class Comparison {
  readonly ledger: ReferenceLedger;
  readonly payments: ReferencePayments;
  /** How often each result came up. */
  readonly seen = new Map<ResultName, number>();

  constructor(holdsMax: number) {
    this.ledger = new ReferenceLedger(holdsMax);
    this.payments = new ReferencePayments(this.ledger);
    for (const account of CAST) {
      this.ledger.open(account);
      if (account.tariff !== 0) this.payments.tariffOf.set(account.id, account.tariff);
    }
    this.ledger.tick(BigInt(START));
  }

  /** Money, tariffs and campaigns to begin with; each list is one batch. */
  opening(): Command[][] {
    const batches = [this.#funding()];
    for (const number of [1, 2, 3]) {
      for (const institution of number === 3 ? [3] : [2, 3]) {
        const terms = { number, basisPoints: 60 * number, fixed: number - 1, minimum: 2, maximum: 0 };
        const tariff = { ...terms, feeAccountId: formatId(11n) };
        batches.push([{ type: 'tariff', institution, tariff }]);
      }
    }
    for (const id of [6n, 12n, 13n]) {
      const terms = { basisPoints: 1000, fixed: 1, maximum: 400, minimumAmount: 10, startsAt: 0, endsAt: 0 };
      batches.push([{ type: 'campaign', institution: 2, campaign: { ...terms, accountId: formatId(id) } }]);
    }
    return batches;
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

  /** One batch, decided at `now` (µs), with the replies that the engine gave. Throws an Error that says what differs. */
  batch(commands: readonly Command[], frames: readonly Uint8Array[], now: bigint): void {
    this.ledger.tick(now);
    this.payments.tick(now);
    for (const [index, command] of commands.entries()) this.#compare(command, frames[index] as Uint8Array);
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
      case 'refund':
      case 'revert': {
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

  /** Throws an Error when a balance, the books or the number of open holds are not those of the reference. */
  balances(accounts: BalanceColumns, holds: number): void {
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
    if (holds !== this.ledger.openHolds()) differ('holds', 'count', holds, this.ledger.openHolds());
  }
}

export function requestOf(command: Command): Request {
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
    case 'revert':
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
