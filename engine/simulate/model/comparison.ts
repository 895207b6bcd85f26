/** The engine and the reference, side by side on the same commands; the first difference stops the run. */
import type { PaymentResult } from '../../../protocol/codecs/payment-codec.ts';
import type { Result } from '../../../protocol/codecs/result-codec.ts';
import { encodeRich } from '../../../protocol/codecs/rich-codec.ts';
import { formatId } from '../../../protocol/ids.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { CAST, type CastAccount } from './cast.ts';
import type { Command } from './command.ts';
import { Past, readFrame, readingOf } from './reading.ts';
import type { Answer, ModelAccount, Open, Said } from './reference-book.ts';
import { changeAccount } from './reference-changes.ts';
import { endChain } from './reference-endings.ts';
import { ReferenceLedger } from './reference-ledger.ts';
import type { PaymentAnswer } from './reference-payment-records.ts';
import { ReferencePayments } from './reference-payments.ts';
import {
  accountsRequest,
  cancellationRequest,
  changesRequest,
  endChainRequest,
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
    'debitsPending' | 'debitsPosted' | 'creditsPending' | 'creditsPosted' | 'creditLimit' | 'state' | 'tier',
    ArrayLike<number>
  >
>;

const SIDES = [
  'debitsPending',
  'debitsPosted',
  'creditsPending',
  'creditsPosted',
  'creditLimit',
  'state',
  'tier',
] as const satisfies readonly (keyof BalanceColumns & keyof ModelAccount)[];

/** Accounts, and the partition of each. */
export interface Town {
  readonly cast: readonly CastAccount[];
  readonly homeOf: (account: bigint) => number;
}

/** What others that are under way leave open of a command's outcome. */
export interface Race {
  /** What of the engine's answer to a record is taken as it is, as long as the money agrees with it. */
  readonly openness: (index: number) => Openness;
  /** Whether the command was sent more than once, so that it may have been decided the first time. */
  readonly isResent: boolean;
}

/** The outcome; which refusal of several it is; nothing. */
export type Openness = 'outcome' | 'refusal' | 'none';

const NO_RACE: Race = { openness: () => 'none', isResent: false };

function openOf(race: Race, index: number, got: Result | undefined): Open | undefined {
  const openness = race.openness(index);
  return got === undefined || openness === 'none' ? undefined : { name: got.name, isRacing: openness === 'outcome' };
}

interface Row {
  readonly id: bigint;
  readonly account: ModelAccount;
  readonly values: readonly number[];
}

/** What opens the cast in an engine, in this order. The reference has it from the start. */
export function castRequests(cast: readonly CastAccount[] = CAST): Request[] {
  return cast.map(({ owner, tariff, ...account }) => accountsRequest(owner, [{ ...account, tariff, code: 1 }]));
}

export class Comparison {
  readonly ledger: ReferenceLedger;
  readonly payments: ReferencePayments;
  /** How often each result came up. */
  readonly seen = new Map<ResultName, number>();
  readonly #rows: Row[] = [];
  readonly #past: Past;
  readonly #cast: readonly CastAccount[];

  /** @param town the accounts, and where they live; the cast in one partition unless it is given */
  constructor(holdsMax: number, town: Town = { cast: CAST, homeOf: () => 0 }) {
    this.ledger = new ReferenceLedger(holdsMax, town.homeOf);
    this.payments = new ReferencePayments(this.ledger);
    this.#cast = town.cast;
    this.#past = new Past(this.ledger);
    for (const account of town.cast) {
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
    for (const [index, command] of commands.entries()) this.compare(command, frames[index] as Uint8Array);
    this.#past.note();
  }

  /**
   * One command and the reply that the engine gave. Throws an Error that says what differs.
   *
   * @param race what a race leaves open
   */
  compare(command: Command, frame: Uint8Array, race: Race = NO_RACE): void {
    switch (command.type) {
      case 'transfers': {
        const got = reply.transfers(frame);
        const said: Said = (index) => openOf(race, index, got[index]);
        const expected = this.ledger.createTransfers(command.institution, command.items, said);
        for (const [index, answer] of expected.entries()) {
          const all = got.map(({ name }) => name).join();
          this.#sameAnswer(command, got[index], answer, race, `answer ${index} (${all})`);
        }
        return;
      }
      case 'endChain': {
        const got = reply.chain(frame);
        const expected = endChain(this.ledger, command.institution, command.end);
        this.#sameAnswer(command, got, expected, race);
        const { members, refusedById = 0n } = got;
        if (members === expected.members && refusedById === expected.refusedById) return;
        return differ(command, 'members', { members, refusedById }, expected);
      }
      case 'change': {
        const [got] = reply.accounts(frame);
        const said = openOf(race, 0, got);
        const expected = changeAccount(this.ledger, command.institution, command.change, said);
        return this.#sameAnswer(command, got, expected, race);
      }
      case 'sale':
      case 'authorise': {
        const got = reply.payment(frame, command.type);
        const said = openOf(race, 0, got);
        const expected = this.payments.create(command.institution, command.type, command.payment, said);
        return this.#samePayment(command, got, expected, race);
      }
      case 'capture':
      case 'void':
      case 'refund':
      case 'revert': {
        const got = reply.payment(frame, command.type);
        const said = openOf(race, 0, got);
        const expected = this.payments.operate(command.institution, command.type, command.operation, said);
        return this.#samePayment(command, got, expected, race);
      }
      case 'cancelPayment': {
        const got = reply.payment(frame, command.type);
        const said = openOf(race, 0, got);
        const expected = this.payments.cancel(command.institution, command.cancellation, said);
        return this.#samePayment(command, got, expected, race);
      }
      case 'read': {
        const { got, expected } = readingOf(command.read, frame, this.ledger, this.#past);
        if (textOf(got) !== textOf(expected)) differ(command, 'reading', got, expected);
        return;
      }
      case 'tariff':
        this.payments.tariffs.set(`${command.institution}/${command.tariff.number}`, command.tariff);
        return;
      case 'campaign':
        this.payments.campaigns.set(BigInt(`0x${command.campaign.accountId}`), command.campaign);
    }
  }

  #sameAnswer(command: Command, got: Result | undefined, expected: Answer, race: Race, what = 'answer'): void {
    this.seen.set(expected.name, (this.seen.get(expected.name) ?? 0) + 1);
    const sameReplay = got?.replayed === expected.replayed || (got?.replayed === true && race.isResent);
    const same = got?.name === expected.name && sameReplay && got.timestamp === expected.timestamp;
    if (!same) differ(command, what, got && [got.name, got.replayed, got.timestamp], expected);
  }

  #samePayment(command: Command, got: PaymentResult, expected: PaymentAnswer, race: Race): void {
    this.#sameAnswer(command, got, expected, race);
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
    for (const index of this.#cast.keys()) this.account(index, accounts, index);
    if (holds !== this.ledger.openHolds()) differ('holds', 'count', holds, this.ledger.openHolds());
  }

  /** Throws an Error when the account at `place` of the cast, the engine's `index`, does not stand as in the reference. */
  account(place: number, accounts: BalanceColumns, index: number): void {
    const { id, values } = this.#rowOf(place);
    if (SIDES.every((side, which) => accounts[side][index] === values[which])) return;
    const got = SIDES.map((side) => accounts[side][index]);
    differ(id, 'balances', got, values);
  }

  /** Throws an Error when the debits of a ledger are not its credits. Exact: sums are beyond what a number holds. */
  books(accounts: BalanceColumns): void {
    const sums = new Map<number, [pending: bigint, posted: bigint]>();
    for (const [index, { ledger }] of this.#cast.entries()) {
      const value = (side: keyof BalanceColumns): bigint => BigInt(accounts[side][index] as number);
      const [pending, posted] = sums.get(ledger) ?? [0n, 0n];
      sums.set(ledger, [
        pending + value('debitsPending') - value('creditsPending'),
        posted + value('debitsPosted') - value('creditsPosted'),
      ]);
    }
    for (const [ledger, both] of sums) if (both.some((sum) => sum !== 0n)) differ(ledger, 'books', both, [0n, 0n]);
  }

  /** What an account must hold, as numbers: made again when the reference has another one in its place. */
  #rowOf(place: number): Row {
    const { id } = this.#cast[place] as CastAccount;
    const account = this.ledger.account(id);
    const known = this.#rows[place];
    if (known?.account === account) return known;
    const row = { id, account, values: SIDES.map((side) => Number(account[side])) };
    this.#rows[place] = row;
    return row;
  }
}

export function requestOf(command: Command): Request {
  const options = { requestId: 1 };
  switch (command.type) {
    case 'transfers':
      return transfersRequest(command.institution, command.items);
    case 'endChain':
      return endChainRequest(command.institution, command.end);
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
    case 'cancelPayment':
      return cancellationRequest(command.institution, command.cancellation);
    case 'read':
      return framed(command.institution, readFrame(command.read));
    case 'tariff':
      return framed(command.institution, encodeRich('putTariff', command.tariff, options));
    case 'campaign':
      return framed(command.institution, encodeRich('putCampaign', command.campaign, options));
  }
}

function differ(command: unknown, what: string, got: unknown, expected: unknown): never {
  throw new Error(`${what} of ${textOf(command)}\n     got ${textOf(got)}\nexpected ${textOf(expected)}`);
}

function textOf(value: unknown): string {
  return JSON.stringify(value, (_, inner: unknown) => (typeof inner === 'bigint' ? String(inner) : inner));
}
