/**
 * Cards of our own. What a message asks for becomes a payment between the card's account and the acquirer's settlement account:
 *
 *   0100 authorise    0200 sale    0220 capture of what was authorised, or sale    0400, 0420 cancel    refund: sale the other way
 *
 * Nothing is kept here. Ids are functions of the messages (message-ids.ts), so the engine answers repeats as it did before, and a
 * cancellation that overtakes its payment finds a place to wait for it.
 */
import type { Card } from '../../../protocol/codecs/card-codec.ts';
import type { PaymentView } from '../../../protocol/codecs/payment-query-codec.ts';
import type { RiskContextInput } from '../../../protocol/codecs/risk-codec.ts';
import { type Id, parseId } from '../../../protocol/ids.ts';
import { PaymentOperationFlags } from '../../../protocol/records.ts';
import { Code, resultSpec } from '../../../protocol/results.ts';
import type { ChannelName } from '../../../protocol/risk.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import { AmountTypes, additionalAmount, type Decision } from './answer.ts';
import { availableOf, type Bank, balanceOf, type Posted } from './bank.ts';
import type { AcquirerBusiness } from './business.ts';
import type { CardRange } from './card-ranges.ts';
import type { CardRequest } from './card-request.ts';
import { answerCard, verificationOf, verifyCryptogram, verifyPin } from './card-security.ts';
import { approvalCode, idOf, type MessageKey, messageClassOf, relatedId } from './message-ids.ts';
import { entryCode } from './settlement.ts';
import { type EntryMode, isCredit, isDebit, needsChipData } from './transaction.ts';

/** A decision, and for the log why it is one that refuses; no value of the card is in it. */
export interface Outcome extends Decision {
  readonly problem?: string;
}

/** A message on its way, with what the decision needs to know of its sender. */
export interface Enquiry {
  readonly acquirer: AcquirerBusiness;
  readonly request: CardRequest;
  /** What tells the message from others. */
  readonly key: MessageKey;
  readonly nowMs: number;
}

export class OnUs {
  readonly #bank: Bank;
  readonly #vault: KeyVault;
  readonly #tokenKey: string;

  /** @param tokenKey id of the key for tokens of card numbers (usage M7) */
  constructor(bank: Bank, vault: KeyVault, tokenKey: string) {
    this.#bank = bank;
    this.#vault = vault;
    this.#tokenKey = tokenKey;
  }

  async decide(enquiry: Enquiry, range: CardRange): Promise<Outcome> {
    const { request, acquirer, key, nowMs } = enquiry;
    const token = await this.#tokenOf(request.pan);
    if (token === undefined) return refused('96', `there is no usable key "${this.#tokenKey}" for tokens`);
    const settlement = acquirer.settlement.get(request.currency);
    if (settlement === undefined) {
      return refused('57', `the link has no settlement account in currency ${request.currency}`);
    }
    const id = idOf(key, nowMs);
    if (id === undefined) return refused('30', 'field 7 is no time');
    const asked = { ...enquiry, id, range, token, settlement };
    if (isCardShown(request)) return this.#withCard(asked);
    const card = await this.#bank.card(token);
    if (typeof card === 'number') return coded(card);
    const payment = { ...asked, card };
    if (request.family === 'reversal') return this.#reverse(payment);
    return isCredit(request.transaction) ? this.#credit(payment) : this.#advised(payment);
  }

  async #tokenOf(pan: string): Promise<bigint | undefined> {
    const made = await this.#vault.tokenOf(this.#tokenKey, pan);
    return made.ok ? parseId(made.token.token) : undefined;
  }

  /** What the card and its holder prove is judged where the card lives; then the account is asked. */
  async #withCard(asked: Asked): Promise<Outcome> {
    const { request, range, acquirer, id, token, settlement } = asked;
    const modes: readonly EntryMode[] = range.entryModes;
    if (!modes.includes(request.entryMode)) {
      return refused('57', `cards of this range are not read by ${request.entryMode}`);
    }
    const cryptogram = await verifyCryptogram(this.#vault, request, range);
    const { finding: pin, problem } = await verifyPin(this.#vault, request, range, acquirer.pins);
    if (cryptogram.verdict === 'technical') return refused('96', cryptogram.problem ?? '');
    if (cryptogram.verdict === 'absent' && needsChipData(request.entryMode)) {
      return refused('63', 'the chip has sent no cryptogram');
    }
    if (pin === 'technical') return refused('96', problem ?? '');
    const used = await this.#bank.useCard({
      ...{ id: relatedId(id, 'use'), token, payeeAccountId: settlement, amount: BigInt(request.amount) },
      ...{ counter: cryptogram.counter, channel: channelOf(request), verification: verificationOf(request) },
      ...(request.expiry === undefined ? {} : { expiry: Number(request.expiry) }),
      ...(cryptogram.verdict === 'absent' ? {} : { cryptogram: cryptogram.verdict }),
      ...(pin === 'absent' ? {} : { pin }),
    });
    if (used.code !== Code.ok || used.card === undefined) {
      const declined = coded(used.code);
      return this.#withChip(asked, { ...declined, problem: cryptogram.problem ?? declined.problem ?? '' });
    }
    const payment = { ...asked, card: used.card };
    return request.transaction === 'balance' ? this.#balance(payment) : this.#debit(payment);
  }

  /** An advice tells what was decided elsewhere: it completes what was authorised before, or is posted as it is. */
  async #advised(payment: CardPayment): Promise<Outcome> {
    const completed = await this.#complete(payment);
    return completed ?? this.#debit(payment);
  }

  async #debit(payment: CardPayment): Promise<Outcome> {
    const { request, acquirer, id, settlement, card } = payment;
    if (!isDebit(request.transaction)) return refused('40', `${request.transaction} is not handled`);
    const isHold = request.family === 'authorisation' || request.family === 'authorisationAdvice';
    const posted = await this.#bank.pay(isHold ? 'authorise' : 'sale', {
      ...{ id, payerAccountId: card.accountId, payeeAccountId: settlement, amount: BigInt(request.amount) },
      ...{ ledger: request.currency, code: entryCode(request.processingCode), reference: referenceOf(request) },
      ...(isHold ? { expiresAfterS: acquirer.authorisationSeconds } : {}),
      risk: riskOf(payment),
    });
    return this.#answer(payment, id, await this.#settled(payment, posted));
  }

  /** A payment that waits for somebody is no payment at a counter: it is taken back, and the terminal hears why. */
  async #settled({ card, id }: CardPayment, posted: Posted): Promise<Posted> {
    const state = posted.payment?.state;
    if (posted.code === Code.ok || (state !== 'held' && state !== 'challenged')) return posted;
    const cancelled = await this.#bank.cancel({
      ...{ id: relatedId(id, 'waiting'), paymentId: id, payerAccountId: card.accountId },
    });
    // It goes on waiting: the terminal must not take it for declined, and reverses what it has no decision on.
    if (cancelled.code !== Code.ok) return { ...posted, code: cancelled.code };
    return posted.code === Code.paymentHeld ? { ...posted, code: Code.declinedByRisk } : posted;
  }

  /** Captures what was authorised before; undefined when the advice names nothing that is known. */
  async #complete(payment: CardPayment): Promise<Outcome | undefined> {
    const { request, nowMs, id } = payment;
    const original = originalKey(payment);
    const paymentId = original === undefined ? undefined : idOf(original, nowMs);
    if (paymentId === undefined || request.family !== 'financialAdvice') return undefined;
    const held = await this.#bank.find(paymentId);
    if (typeof held === 'number') return coded(held);
    if (held === undefined) return undefined;
    if (held.payment.payerAccountId !== payment.card.accountId) {
      return refused('25', 'field 90 names a payment of another card');
    }
    const completion = { id, paymentId, amount: BigInt(request.amount), flags: PaymentOperationFlags.final };
    const posted = await this.#bank.operate('capture', completion);
    return this.#answer(payment, paymentId, posted);
  }

  async #credit(payment: CardPayment): Promise<Outcome> {
    const { request, id, settlement, card } = payment;
    if (request.family !== 'financial' && request.family !== 'financialAdvice') {
      return refused('12', `${request.transaction} needs a financial message`);
    }
    if (card.state === 'closed') return refused('62', 'the card is closed');
    const posted = await this.#bank.pay('sale', {
      ...{ id, payerAccountId: settlement, payeeAccountId: card.accountId, amount: BigInt(request.amount) },
      ...{ ledger: request.currency, code: entryCode(request.processingCode), reference: referenceOf(request) },
      // It is the acquirer who pays: what rules say of the channels of cardholders is not about that.
      risk: { ...riskOf(payment), channel: 'unknown' },
    });
    return this.#answer(payment, id, posted);
  }

  async #balance(payment: CardPayment): Promise<Outcome> {
    const { request, card, id } = payment;
    const account = await this.#bank.account(card.accountId);
    if (typeof account === 'number') return coded(account);
    if (account.ledger !== request.currency) return refused('57', 'the account is in another currency');
    const type = request.processingCode.slice(2, 4);
    const amount = (kind: string, minor: number): string => additionalAmount(type, kind, request.currency, minor);
    const amounts = [
      amount(AmountTypes.ledger, balanceOf(account)),
      amount(AmountTypes.available, availableOf(account)),
    ];
    return this.#withChip(payment, { responseCode: '00', amounts, approvalCode: approvalCode(id) });
  }

  async #reverse(payment: CardPayment): Promise<Outcome> {
    const { request, card, settlement } = payment;
    const meant = await this.#meant(payment);
    if (typeof meant === 'number') return coded(meant);
    if (meant === undefined) return refused('25', 'nothing says which message is reversed');
    const { amount, replacement = 0 } = request;
    if (replacement > amount) return refused('64', 'the replacement amount is above the original');
    if (isThere(meant.view) && !isAmountOf(meant.view, amount)) {
      return refused('64', 'field 4 is not the amount of the original');
    }
    // All reversals of a message ask for the same thing: the second gets the answer of the first.
    const rest = amount - replacement;
    const posted = await this.#bank.cancel({
      ...{ id: relatedId(meant.id, `cancel ${replacement}`), paymentId: meant.id },
      payerAccountId: isCredit(request.transaction) ? settlement : card.accountId,
      ...(replacement === 0 ? {} : { amount: BigInt(rest) }),
    });
    return isUndone(posted) ? { responseCode: '00' } : coded(posted.code);
  }

  /**
   * The payment that a reversal means. One that field 90 names and nobody knows is yet to come, unless it was a completion, which is
   * an operation on a payment: that is found by its reference, like one that field 90 does not name.
   */
  async #meant(payment: CardPayment): Promise<Meant | undefined | number> {
    const { request, nowMs, card } = payment;
    const original = originalKey(payment);
    const id = original === undefined ? undefined : idOf(original, nowMs);
    const named = id === undefined ? undefined : await this.#bank.find(id);
    if (typeof named === 'number') return named;
    if (id !== undefined && (isThere(named) || original?.messageClass !== COMPLETION)) return { id, view: named };
    const find = (isWanted: (view: PaymentView) => boolean): Promise<PaymentView | undefined | number> =>
      this.#bank.findByReference(referenceOf(request), card.accountId, isWanted);
    const view = (await find((found) => isAmountOf(found, request.amount))) ?? (await find(isThere));
    if (typeof view === 'number') return view;
    if (view !== undefined) return { id: view.payment.id as Id, view };
    return id === undefined ? undefined : { id, view };
  }

  async #answer(payment: CardPayment, id: Id, { code }: Posted): Promise<Outcome> {
    const { de39: responseCode, en } = resultSpec(code);
    if (code !== Code.ok) return this.#withChip(payment, { responseCode, problem: en });
    return this.#withChip(payment, { responseCode, approvalCode: approvalCode(id) });
  }

  async #withChip({ request, range }: Asked, outcome: Outcome): Promise<Outcome> {
    const chip = await answerCard(this.#vault, request, range, outcome.responseCode);
    return chip === undefined ? outcome : { ...outcome, chip };
  }
}

/** The class of a financial advice. */
const COMPLETION = '22';

/** `view` is undefined for a payment that has not come. */
interface Meant {
  readonly id: Id;
  readonly view: PaymentView | undefined;
}

/** Whether there is a payment of which something may be left; a place kept for one that was reversed before it came is none. */
function isThere(view: PaymentView | undefined): view is PaymentView {
  return view !== undefined && view.status.state !== 'declined';
}

/** Whether a message about a payment can have this amount: what was asked for, or what was taken of it. */
function isAmountOf({ payment, status }: PaymentView, amount: number): boolean {
  return payment.amount === BigInt(amount) || status.captured === BigInt(amount);
}

interface Asked extends Enquiry {
  /** Of what the message asks for. */
  readonly id: Id;
  readonly range: CardRange;
  readonly token: bigint;
  readonly settlement: bigint;
}

interface CardPayment extends Asked {
  readonly card: Card;
}

/** Whether the card is there and proves something: not when money is given back, nor when something is told that has happened. */
function isCardShown({ family, transaction }: CardRequest): boolean {
  const isRequest = family === 'authorisation' || family === 'financial';
  return isRequest && !isCredit(transaction);
}

function refused(responseCode: string, problem: string): Outcome {
  return { responseCode, problem };
}

function coded(code: number): Outcome {
  const { de39, en } = resultSpec(code);
  return { responseCode: de39, problem: en };
}

/** What tells the message that an advice or a reversal means from every other; undefined when field 90 does not say enough. */
export function originalKey({ request, key }: Enquiry): MessageKey | undefined {
  const { original } = request;
  if (original === undefined || original.mti === '' || original.stan === '' || original.transmission === '')
    return undefined;
  const { mti, stan, transmission } = original;
  const acquirer = original.acquirer === '' ? key.acquirer : original.acquirer;
  return { ...key, messageClass: messageClassOf(mti), stan, transmission, acquirer };
}

/** By what a payment is found when field 90 is not there or not filled: DE37, DE41 and DE42. */
export function referenceOf({ retrieval, terminal, merchant }: CardRequest): string {
  return `${retrieval}/${terminal}/${merchant}`;
}

/** Nothing is left of the payment, by this reversal or by what came before it. */
function isUndone({ code, payment }: Posted): boolean {
  if (code === Code.ok) return true;
  if (payment === undefined) return false;
  const { state, captured, refunded } = payment;
  const isOver = state === 'declined' || state === 'voided' || state === 'expired';
  return isOver || (state === 'captured' && captured === refunded);
}

const CHANNELS: Readonly<Record<EntryMode, ChannelName>> = {
  chip: 'cardPresent',
  contactless: 'contactless',
  magneticStripe: 'cardPresent',
  contactlessStripe: 'contactless',
  fallback: 'cardPresent',
  manual: 'cardPresent',
  ecommerce: 'ecommerce',
  unknown: 'cardPresent',
};

function channelOf({ transaction, entryMode }: CardRequest): ChannelName {
  return transaction === 'cash' ? 'cash' : CHANNELS[entryMode];
}

function riskOf({ request, token }: CardPayment): RiskContextInput {
  const { country, merchantCategory: mcc } = request;
  return {
    channel: channelOf(request),
    card: token,
    mcc,
    ...(country === '' ? {} : { country }),
  };
}
