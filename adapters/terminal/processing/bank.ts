/** The engine as a card switch sees it: payments, their cancellation, balances. Every answer is durable, or a result code. */

import { type Account, decodeLookupAccounts, encodeLookupAccounts } from '../../../protocol/codecs/account-codec.ts';
import { type CardUseInput, encodeLookupCards, encodeUseCards } from '../../../protocol/codecs/card-codec.ts';
import { type FrameOptions, openReply, type Reply } from '../../../protocol/codecs/frame-codec.ts';
import {
  type CancellationInput,
  decodePayment,
  encodeCancellation,
  encodePayment,
  encodePaymentOperation,
  type PaymentCommand,
  type PaymentInput,
  type PaymentOperationCommand,
  type PaymentOperationInput,
  type PaymentResult,
} from '../../../protocol/codecs/payment-codec.ts';
import {
  decodeLookupPayments,
  decodeQueryPayments,
  encodeLookupPayments,
  encodeQueryPayments,
  type PaymentView,
} from '../../../protocol/codecs/payment-query-codec.ts';
import { type Aggregate, decodeAggregate, encodeAggregate } from '../../../protocol/codecs/reading-codec.ts';
import { decodeRegistry, encodeRegistry, type RegistryResult } from '../../../protocol/codecs/registry-codec.ts';
import { CARD, CardStates } from '../../../protocol/cards.ts';
import { FRAME_HEADER, REFUSAL, REFUSED_KIND } from '../../../protocol/frame.ts';
import { countOf, flagsOf, kindOf } from '../../../protocol/frame-header.ts';
import type { RegistryBodies, RegistryCommand } from '../../../protocol/registry-bodies.ts';
import { readU128 } from '../../../protocol/layout.ts';
import { RESULT } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import type { Gateway, ReplyCursor, ReplySink } from '../../../engine/gateway.ts';

/** Frames are made here one after the other: the gateway copies what it takes. */
const OPTIONS: FrameOptions = { requestId: 0, into: new Uint8Array(4096) };
/** Payments of one reference that are looked at: a terminal has one for each. */
const REFERENCE_PAGE = 10;
const REFERENCE_PAGES_MAX = 100;
const SUMS_PAGE = 1000;

/** What came of a payment or an operation. `payment` is undefined when there is none. */
export type Posted = Pick<PaymentResult, 'code' | 'payment'>;

/** Of a card, what a payment is made of. */
export interface KnownCard {
  readonly accountId: bigint;
  readonly isClosed: boolean;
}

/** A request that waits for its reply. */
interface Waiting {
  /** Takes the reply, or the code of why there is none. */
  answered(reply: Reply | number): void;
}

export class Bank implements ReplySink {
  readonly #gateway: Gateway;
  readonly #institution: number;
  /** By request id; undefined where an id is free. */
  readonly #waiting: (Waiting | undefined)[] = [];
  readonly #freeIds: number[] = [];

  /** @param institution in whose name card payments are made */
  constructor(gateway: Gateway, institution: number) {
    this.#gateway = gateway;
    this.#institution = institution;
  }

  pay(command: PaymentCommand, payment: PaymentInput): Promise<Posted> {
    return this.#post(encodePayment(command, payment, OPTIONS), (reply) => decodePayment(reply, command));
  }

  operate(command: PaymentOperationCommand, operation: PaymentOperationInput): Promise<Posted> {
    return this.#post(encodePaymentOperation(command, operation, OPTIONS), (reply) => decodePayment(reply, command));
  }

  cancel(cancellation: CancellationInput): Promise<Posted> {
    return this.#post(encodeCancellation(cancellation, OPTIONS), (reply) => decodePayment(reply, 'cancelPayment'));
  }

  /** The card with this token, or a result code. */
  card(token: bigint): Promise<KnownCard | number> {
    return this.#ask(encodeLookupCards([token], OPTIONS), readCard);
  }

  /** Has the use of a card judged: the card when it may be used, or a result code. */
  useCard(use: CardUseInput): Promise<KnownCard | number> {
    return this.#ask(encodeUseCards([use], OPTIONS), readCard);
  }

  /** The payment as it stands; undefined when there is none, a result code when the engine cannot say. */
  async find(paymentId: bigint): Promise<PaymentView | undefined | number> {
    const found = await this.#ask(encodeLookupPayments([paymentId], OPTIONS), decodeLookupPayments);
    return typeof found === 'number' ? found : found[0]?.view;
  }

  /**
   * The newest payment of an account with this reference that is wanted; undefined when there is none, a result code when the engine
   * cannot say.
   */
  async findByReference(
    reference: string,
    accountId: bigint,
    isWanted: (view: PaymentView) => boolean,
  ): Promise<PaymentView | undefined | number> {
    let cursor = 0n;
    // Each partition has pages of its own, which may be empty.
    for (let page = 0; page < REFERENCE_PAGES_MAX; page++) {
      const frame = encodeQueryPayments({ reference, accountId, cursor, limit: REFERENCE_PAGE }, OPTIONS);
      const found = await this.#ask(frame, decodeQueryPayments);
      if (typeof found === 'number') return found;
      const match = found.payments.find(isWanted);
      if (match !== undefined) return match;
      cursor = found.nextCursor;
      if (cursor === 0n) return undefined;
    }
    return undefined;
  }

  /** What was posted on an account in a time (µs since 1970, `to` left out), by day and code; or a result code. */
  async sums(accountId: bigint, from: bigint, to: bigint): Promise<Aggregate[] | number> {
    const sums: Aggregate[] = [];
    let cursor = 0n;
    do {
      const page = await this.#ask(
        encodeAggregate({ accountId, from, to, cursor, limit: SUMS_PAGE }, OPTIONS),
        decodeAggregate,
      );
      if (typeof page === 'number') return page;
      if (page.code !== Code.ok) return page.code;
      sums.push(...page.sums);
      cursor = page.nextCursor;
    } while (cursor !== 0n);
    return sums;
  }

  /** A command about what other systems have to be told, or a result code when it was not taken. */
  registry<C extends RegistryCommand>(command: C, body: RegistryBodies[C]): Promise<RegistryResult | number> {
    return this.#ask(encodeRegistry(command, body, OPTIONS), (reply) => decodeRegistry(reply, command));
  }

  /** An account with its balances, or a result code. */
  async account(id: bigint): Promise<Account | number> {
    const found = await this.#ask(encodeLookupAccounts([id], OPTIONS), decodeLookupAccounts);
    if (typeof found === 'number') return found;
    const [lookup] = found;
    return lookup?.account ?? lookup?.code ?? Code.internalError;
  }

  async #post(frame: Uint8Array, decode: (reply: Reply) => PaymentResult): Promise<Posted> {
    const result = await this.#ask(frame, decode);
    return typeof result === 'number' ? { code: result, payment: undefined } : result;
  }

  /** For the gateway: all replies of a batch, one after the other. */
  deliver(replies: ReplyCursor): void {
    for (let frame = replies.take(); frame !== undefined; frame = replies.take()) {
      const reply = openReply(frame);
      const waiting = this.#waiting[reply.requestId];
      this.#waiting[reply.requestId] = undefined;
      this.#freeIds.push(reply.requestId);
      waiting?.answered(reply.kind === REFUSED_KIND ? reply.body.getUint16(REFUSAL.at.code, true) : reply);
    }
  }

  /** Submits a frame of the protocol and reads its reply; a result code when it was not taken. */
  #ask<T>(frame: Uint8Array, decode: (reply: Reply) => T): Promise<T | number> {
    return new Promise((resolve, reject) => {
      const requestIdLow = this.#freeIds.pop() ?? this.#waiting.length;
      this.#waiting[requestIdLow] = {
        answered: (reply) => {
          try {
            resolve(typeof reply === 'number' ? reply : decode(reply));
          } catch (error) {
            reject(error);
          }
        },
      };
      const [kind, flags, count] = [kindOf(frame), flagsOf(frame), countOf(frame)];
      const envelope = { kind, flags, count, requestIdLow, requestIdHigh: 0, institution: this.#institution };
      const code = this.#gateway.submit(envelope, frame.subarray(FRAME_HEADER.size), this);
      if (code === Code.ok) return;
      this.#waiting[requestIdLow] = undefined;
      this.#freeIds.push(requestIdLow);
      resolve(code);
    });
  }
}

/** The first card of a reply, or the result code in its place. */
function readCard({ body }: Reply): KnownCard | number {
  const code = body.getUint16(RESULT.at.code, true);
  if (code !== Code.ok) return code;
  const { at } = CARD;
  const isClosed = body.getUint8(RESULT.size + at.state) === CardStates.closed;
  return { accountId: readU128(body, RESULT.size + at.accountId), isClosed };
}

/** What may still be taken from an account, in minor units: negative when it owes more than it may. */
export function availableOf(account: Account): number {
  const { creditsPosted, debitsPosted, debitsPending, creditLimit } = account;
  return Number(creditsPosted - debitsPosted - debitsPending + creditLimit);
}

/** What is on an account: credits less debits. */
export function balanceOf({ creditsPosted, debitsPosted }: Account): number {
  return Number(creditsPosted - debitsPosted);
}
