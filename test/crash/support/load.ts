/**
 * A load on the switch that remembers what it asked and what it was told, and a model of the balances that follow.
 *
 * Each strand asks one thing after the other, so that what follows on a payment or a hold is asked when the first answer
 * is known; many strands over several connections make the pressure.
 */
import type { SluiceClient } from '../../../protocol/client/client.ts';
import type {
  AccountPaymentInput,
  PaymentOperationInput,
  PaymentResult,
} from '../../../protocol/codecs/payment-codec.ts';
import type { TransferInput, TransferResult } from '../../../protocol/codecs/transfer-codec.ts';
import { idFromNumber, newId } from '../../../protocol/ids.ts';
import { AccountFlags, TransferFlags } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';

const LEDGER = 978;
/** The first is the treasury, which may go below zero; the others have little credit, so that declines happen. */
const ACCOUNTS = 40;

export type Request =
  | { readonly kind: 'transfers'; readonly transfers: readonly TransferInput[] }
  | { readonly kind: 'sale' | 'authorise'; readonly payment: AccountPaymentInput }
  | {
      readonly kind: 'capture' | 'void' | 'refund';
      readonly operation: PaymentOperationInput;
      readonly of: AccountPaymentInput;
    };

/** What of an answer must be the same for ever. */
export interface Answer {
  readonly codes: readonly number[];
  readonly timestamps: readonly bigint[];
  readonly replayed: readonly boolean[];
  /** How the payment stood right after. */
  readonly payment: string;
}

export interface Asked {
  readonly request: Request;
  /** Undefined as long as nothing came back. */
  answer: Answer | undefined;
}

function account(index: number): bigint {
  return idFromNumber(1000 + index);
}

export async function openAccounts(client: SluiceClient): Promise<void> {
  const accounts = Array.from({ length: ACCOUNTS }, (_, index) => ({
    id: account(index),
    ledger: LEDGER,
    code: 1,
    flags: index === 0 ? 0 : AccountFlags.debitsMustNotExceedCredits,
    creditLimit: index === 0 ? 0n : 5000n,
  }));
  for (const { code } of await client.createAccounts(accounts))
    if (code !== Code.ok) throw new Error(`account ${code}`);
}

/** One strand of a load: asks until it is told to stop or its connection is lost. */
export class Strand {
  readonly asked: Asked[] = [];
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  async run(client: SluiceClient, isStopped: () => boolean): Promise<void> {
    while (!isStopped()) {
      const asked: Asked = { request: this.#next(), answer: undefined };
      this.asked.push(asked);
      asked.answer = await ask(client, asked.request);
    }
  }

  #next(): Request {
    const before = this.asked.at(-1);
    const follow = before === undefined ? undefined : this.#follow(before);
    if (follow !== undefined) return follow;
    switch (this.#below(6)) {
      case 0:
        return { kind: 'transfers', transfers: [this.#transfer()] };
      case 1:
        return { kind: 'transfers', transfers: Array.from({ length: 1 + this.#below(300) }, () => this.#transfer()) };
      case 2:
        return { kind: 'transfers', transfers: this.#chain() };
      case 3:
        return { kind: 'transfers', transfers: [{ ...this.#transfer(), flags: TransferFlags.pending }] };
      case 4:
        return { kind: 'sale', payment: this.#payment() };
      default:
        return { kind: 'authorise', payment: this.#payment() };
    }
  }

  /** What comes after a hold, an authorisation or a capture that was allowed. */
  #follow({ request, answer }: Asked): Request | undefined {
    if (answer?.codes[0] !== Code.ok) return undefined;
    if (request.kind === 'transfers') {
      const [first] = request.transfers;
      if (request.transfers.length > 1 || first?.flags !== TransferFlags.pending) return undefined;
      const end = this.#below(2) === 0 ? TransferFlags.postPending : TransferFlags.voidPending;
      const { debitAccountId = 0n } = first;
      return { kind: 'transfers', transfers: [{ id: newId(), debitAccountId, pendingId: first.id, flags: end }] };
    }
    if (request.kind === 'authorise') {
      const operation = { id: newId(), paymentId: request.payment.id };
      const of = request.payment;
      return this.#below(3) === 0 ? { kind: 'void', operation, of } : { kind: 'capture', operation, of };
    }
    if (request.kind === 'capture' || request.kind === 'sale') {
      const of = 'of' in request ? request.of : request.payment;
      if (this.#below(2) === 0) return undefined;
      return { kind: 'refund', operation: { id: newId(), paymentId: of.id, amount: 1n }, of };
    }
    return undefined;
  }

  #transfer(): TransferInput {
    const [debitAccountId, creditAccountId] = this.#pair();
    return { id: newId(), debitAccountId, creditAccountId, amount: this.#amount(), ledger: LEDGER, code: 1 };
  }

  #chain(): TransferInput[] {
    const length = 2 + this.#below(4);
    return Array.from({ length }, (_, index) => ({
      ...this.#transfer(),
      flags: index < length - 1 ? TransferFlags.linked : 0,
    }));
  }

  #payment(): AccountPaymentInput {
    const [payerAccountId, payeeAccountId] = this.#pair();
    const reference = `order-${this.#below(1000)}`;
    return { id: newId(), payerAccountId, payeeAccountId, amount: this.#amount(), ledger: LEDGER, code: 1, reference };
  }

  #pair(): [bigint, bigint] {
    const debit = this.#below(ACCOUNTS);
    return [account(debit), account((debit + 1 + this.#below(ACCOUNTS - 1)) % ACCOUNTS)];
  }

  #amount(): bigint {
    return BigInt(1 + this.#below(400));
  }

  #below(bound: number): number {
    return this.#random() % bound;
  }
}

/** Asks, and reads what must stay. Rejects when no answer came. */
export async function ask(client: SluiceClient, request: Request): Promise<Answer> {
  switch (request.kind) {
    case 'transfers':
      return transfersAnswer(await client.createTransfers(request.transfers));
    case 'sale':
    case 'authorise':
      return paymentAnswer(await client[request.kind](request.payment));
    default:
      return paymentAnswer(await client[request.kind](request.operation));
  }
}

function transfersAnswer(results: readonly TransferResult[]): Answer {
  return {
    codes: results.map(({ code }) => code),
    timestamps: results.map(({ timestamp }) => timestamp),
    replayed: results.map(({ replayed }) => replayed),
    payment: '',
  };
}

function paymentAnswer({ code, timestamp, replayed, payment }: PaymentResult): Answer {
  const state = JSON.stringify(payment, (_, value) => (typeof value === 'bigint' ? String(value) : value));
  return { codes: [code], timestamps: [timestamp], replayed: [replayed], payment: state ?? '' };
}

/** Net posted and net pending credit of each account, from what was accepted. */
export class Model {
  readonly posted = new Map<bigint, bigint>();
  readonly pending = new Map<bigint, bigint>();
  readonly #holds = new Map<bigint, TransferInput>();

  /** Takes a request with its answer, in the order of its strand. Each id counts once. */
  apply({ request, answer }: Asked): void {
    if (answer === undefined) throw new Error('a request without an answer');
    if (request.kind === 'transfers') {
      request.transfers.forEach((transfer, index) => {
        if (answer.codes[index] === Code.ok) this.#transfer(transfer);
      });
      return;
    }
    if (answer.codes[0] === Code.ok) this.#payment(request);
  }

  #payment(request: Exclude<Request, { readonly kind: 'transfers' }>): void {
    const { payerAccountId: payer, payeeAccountId: payee, amount } = 'of' in request ? request.of : request.payment;
    switch (request.kind) {
      case 'sale':
        return this.#move(this.posted, payer, payee, amount);
      case 'authorise':
        return this.#move(this.pending, payer, payee, amount);
      case 'void':
        return this.#move(this.pending, payee, payer, amount);
      case 'capture':
        this.#move(this.pending, payee, payer, amount);
        return this.#move(this.posted, payer, payee, amount);
      case 'refund':
        return this.#move(this.posted, payee, payer, request.operation.amount ?? 0n);
    }
  }

  #transfer(transfer: TransferInput): void {
    const { flags = 0, debitAccountId = 0n, creditAccountId = 0n, amount = 0n, pendingId = 0n } = transfer;
    if ((flags & TransferFlags.pending) !== 0) {
      this.#holds.set(transfer.id, transfer);
      return this.#move(this.pending, debitAccountId, creditAccountId, amount);
    }
    const hold = this.#holds.get(pendingId);
    if (hold === undefined) return this.#move(this.posted, debitAccountId, creditAccountId, amount);
    const { debitAccountId: debit = 0n, creditAccountId: credit = 0n, amount: held = 0n } = hold;
    this.#move(this.pending, credit, debit, held);
    if ((flags & TransferFlags.postPending) !== 0) this.#move(this.posted, debit, credit, held);
  }

  #move(sums: Map<bigint, bigint>, from: bigint, to: bigint, amount: bigint): void {
    sums.set(from, (sums.get(from) ?? 0n) - amount);
    sums.set(to, (sums.get(to) ?? 0n) + amount);
  }
}

/** Where the switch and the model differ; empty when they agree. */
export async function differences(client: SluiceClient, model: Model): Promise<string[]> {
  const ids = Array.from({ length: ACCOUNTS }, (_, index) => account(index));
  const found = await client.lookupAccounts(ids);
  return found.flatMap(({ account: stored }, index) => {
    const id = ids[index] ?? 0n;
    if (stored === undefined) return [`account ${id} is not there`];
    const posted = stored.creditsPosted - stored.debitsPosted;
    const pending = stored.creditsPending - stored.debitsPending;
    const same = posted === (model.posted.get(id) ?? 0n) && pending === (model.pending.get(id) ?? 0n);
    return same ? [] : [`account ${id}: ${posted}/${pending}, not ${model.posted.get(id)}/${model.pending.get(id)}`];
  });
}
