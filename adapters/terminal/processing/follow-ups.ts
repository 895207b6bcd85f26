/** Messages about an earlier one, whoever has the card: what was authorised is completed, what was posted is taken back. */
import type { PaymentView } from '../../../protocol/codecs/payment-query-codec.ts';
import type { Id } from '../../../protocol/ids.ts';
import { PaymentOperationFlags } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import type { Bank, Posted } from './bank.ts';
import { type Asked, coded, type Outcome, originalKey, referenceOf, refused } from './enquiry.ts';
import { idOf, relatedId } from './message-ids.ts';
import { isCredit } from './transaction.ts';

/** Classes of messages: of an authorisation, and of a financial advice. */
const AUTHORISATION = '10';
const COMPLETION = '22';

/** What came of a reversal. */
export interface Reversed {
  readonly outcome: Outcome;
  /** Whether there was something to reverse: not what has not come and will be declined when it does, nor what was declined. */
  readonly wasThere: boolean;
  /** What was to be reversed. */
  readonly paymentId?: Id;
}

/** What came of a completion: of which payment, and how. */
export interface Completed {
  readonly paymentId: Id;
  readonly posted: Posted;
}

/** `view` is undefined for a payment that has not come. */
interface Meant {
  readonly id: Id;
  readonly view: PaymentView | undefined;
}

export class FollowUps {
  readonly #bank: Bank;

  constructor(bank: Bank) {
    this.#bank = bank;
  }

  /**
   * Captures what was authorised before; undefined when the advice names nothing that is known.
   *
   * @param holder account that the payment must be from
   */
  async complete(asked: Asked, holder: bigint): Promise<Completed | Outcome | undefined> {
    const { request, nowMs, id } = asked;
    const original = originalKey(asked);
    const paymentId = original === undefined ? undefined : idOf(original, nowMs);
    if (paymentId === undefined || request.family !== 'financialAdvice') return undefined;
    const held = await this.#bank.find(paymentId);
    if (typeof held === 'number') return coded(held);
    if (held === undefined) return undefined;
    if (held.payment.payerAccountId !== holder) return refused('25', 'field 90 names a payment of another card');
    const completion = { id, paymentId, amount: BigInt(request.amount), flags: PaymentOperationFlags.final };
    return { paymentId, posted: await this.#bank.operate('capture', completion) };
  }

  /** @param holder account of the card, or of its issuer */
  async reverse(asked: Asked, holder: bigint): Promise<Reversed> {
    const { request, settlement } = asked;
    const meant = await this.#meant(asked, holder);
    if (typeof meant === 'number') return no(coded(meant));
    if (meant === undefined) return no(refused('25', 'nothing says which message is reversed'));
    const { id, view } = meant;
    const { amount, replacement = 0 } = request;
    if (replacement > amount) return no(refused('64', 'the replacement amount is above the original'));
    if (isThere(view) && !isAmountOf(view, amount)) {
      return no(refused('64', 'field 4 is not the amount of the original'));
    }
    if (view?.status.state === 'captured' && originalKey(asked)?.messageClass === AUTHORISATION) {
      return no(refused('12', 'what was authorised is completed: its completion is to be reversed'));
    }
    // All reversals of a message ask for the same thing: the second gets the answer of the first.
    const posted = await this.#bank.cancel({
      ...{ id: cancellationId(id, replacement), paymentId: id },
      payerAccountId: isCredit(request.transaction) ? settlement : holder,
      ...(replacement === 0 ? {} : { amount: BigInt(amount - replacement) }),
    });
    if (!isUndone(posted)) return no(coded(posted.code));
    // Told by what was cancelled, not by what was seen before: it may have come in between.
    return { outcome: { responseCode: '00' }, wasThere: posted.payment?.state !== 'declined', paymentId: id };
  }

  /**
   * The payment that a reversal means. One that field 90 names and nobody knows is yet to come, unless it was a completion, which is
   * an operation on a payment: that is found by its reference, like one that field 90 does not name.
   */
  async #meant(asked: Asked, holder: bigint): Promise<Meant | undefined | number> {
    const { request, nowMs } = asked;
    const original = originalKey(asked);
    const id = original === undefined ? undefined : idOf(original, nowMs);
    const named = id === undefined ? undefined : await this.#bank.find(id);
    if (typeof named === 'number') return named;
    if (id !== undefined && (isThere(named) || original?.messageClass !== COMPLETION)) return { id, view: named };
    const find = (isWanted: (view: PaymentView) => boolean): Promise<PaymentView | undefined | number> =>
      this.#bank.findByReference(referenceOf(request), holder, isWanted);
    const view = (await find((found) => isAmountOf(found, request.amount))) ?? (await find(isThere));
    if (typeof view === 'number') return view;
    if (view !== undefined) return { id: view.payment.id as Id, view };
    return id === undefined ? undefined : { id, view };
  }
}

function no(outcome: Outcome): Reversed {
  return { outcome, wasThere: false };
}

/** A payment that waits for somebody is no payment at a counter: it is taken back, and the terminal hears why. */
export async function decidedNow(bank: Bank, id: Id, payerAccountId: bigint, posted: Posted): Promise<Posted> {
  const state = posted.payment?.state;
  if (posted.code === Code.ok || (state !== 'held' && state !== 'challenged')) return posted;
  const cancelled = await bank.cancel({ id: relatedId(id, 'waiting'), paymentId: id, payerAccountId });
  // It goes on waiting: the terminal must not take it for declined, and reverses what it has no decision on.
  if (cancelled.code !== Code.ok) return { ...posted, code: cancelled.code };
  return posted.code === Code.paymentHeld ? { ...posted, code: Code.declinedByRisk } : posted;
}

/** The id of the cancellation of a payment that leaves `kept` of it: the same whoever asks for it. */
export function cancellationId(paymentId: Id, kept = 0): Id {
  return relatedId(paymentId, `cancel ${kept}`);
}

/** Whether there is a payment of which something may be left; a place kept for one that was reversed before it came is none. */
export function isThere(view: PaymentView | undefined): view is PaymentView {
  return view !== undefined && view.status.state !== 'declined';
}

/** Whether a message about a payment can have this amount: what was asked for or taken, or a part of what is held, as was approved. */
function isAmountOf({ payment, status }: PaymentView, amount: number): boolean {
  const { state, captured } = status;
  if (state === 'authorised') return BigInt(amount) <= payment.amount;
  return payment.amount === BigInt(amount) || captured === BigInt(amount);
}

/** Nothing is left of the payment, by this reversal or by what came before it. */
export function isUndone({ code, payment }: Posted): boolean {
  if (code === Code.ok) return true;
  if (payment === undefined) return false;
  const { state, captured, refunded } = payment;
  const isOver = state === 'declined' || state === 'voided' || state === 'expired';
  return isOver || (state === 'captured' && captured === refunded);
}
