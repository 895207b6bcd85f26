/** Payments once more, over the reference ledger: a payment is an object with amounts. */
import type { CampaignBody, TariffBody } from '../../../protocol/bodies.ts';
import type { PaymentStateName } from '../../../protocol/records.ts';
import type { ResultName } from '../../../protocol/results.ts';
import { least, most, referenceDiscount, referenceFee } from './reference-amounts.ts';
import type { Open } from './reference-book.ts';
import { MAX, type ReferenceLedger } from './reference-ledger.ts';
import {
  type Known,
  type ModelCancellation,
  type ModelOperation,
  type ModelPayment,
  NOTHING,
  type Payment,
  type PaymentAnswer,
  paymentOf,
} from './reference-payment-records.ts';
import {
  COMPARED_CANCELLATION,
  COMPARED_OPERATION,
  COMPARED_PAYMENT,
  paymentShape,
} from './reference-payment-shape.ts';
import { campaignWords, payerWords, refundWords } from './reference-words.ts';

const SECOND = 1_000_000n;
const WEEK_S = 604_800;

export class ReferencePayments {
  readonly ledger: ReferenceLedger;
  /** By owner of the payee, then number. */
  readonly tariffs = new Map<string, TariffBody>();
  readonly campaigns = new Map<bigint, CampaignBody>();
  readonly payments = new Map<bigint, Payment>();
  /** All that are authorised, and some that were. */
  readonly #open = new Set<Payment>();
  readonly #knownPayments = new Map<bigint, Known>();
  readonly #knownOperations = new Map<bigint, Known>();
  /** By payment: the cancellation that came before it. */
  readonly #cancelledBefore = new Map<bigint, Known>();
  /** Tariff number of accounts that have one. */
  readonly tariffOf = new Map<bigint, number>();

  constructor(ledger: ReferenceLedger) {
    this.ledger = ledger;
  }

  tick(now: bigint): void {
    for (const payment of this.#open) {
      const { state, expiresAt } = payment.standing;
      if (state === 'authorised' && expiresAt <= now) this.#release(payment, 'expired');
      if (payment.standing.state !== 'authorised') this.#open.delete(payment);
    }
  }

  create(institution: number, kind: 'sale' | 'authorise', request: ModelPayment, said?: Open): PaymentAnswer {
    const shape = paymentShape(kind, request);
    if (shape !== 'ok') return this.#refuse(shape);
    const cancelled = this.#cancelledBefore.get(request.id);
    if (cancelled !== undefined) {
      if (cancelled.institution !== institution) return this.#refuse('existsWithDifferentOwner');
      return { ...cancelled.answer, name: 'cancelledBefore', replayed: true };
    }
    const known = this.#knownPayments.get(request.id);
    if (known !== undefined) return this.#again(known, institution, kind, request, COMPARED_PAYMENT);
    if (kind === 'authorise' && this.ledger.holdsMax - this.ledger.openHolds() < 2)
      return this.#refuse('pendingTableFull');
    const before = this.ledger.copy(false);
    const payment = paymentOf(institution, request);
    const name = this.ledger.settle(said, () => this.#decide(kind, payment));
    if (name !== 'ok') {
      this.ledger.book = before;
      payment.standing = { ...NOTHING };
    }
    this.payments.set(request.id, payment);
    if (payment.standing.state === 'authorised') this.#open.add(payment);
    const answer = this.#answer(name, payment);
    this.#knownPayments.set(request.id, { institution, kind, content: request, answer });
    return answer;
  }

  operate(
    institution: number,
    kind: 'capture' | 'void' | 'refund' | 'revert',
    request: ModelOperation,
    said?: Open,
  ): PaymentAnswer {
    if ((kind === 'void' || kind === 'revert') && request.amount !== 0n) return this.#refuse('amountMustBeZero');
    if (request.amount > MAX) return this.#refuse('amountOutOfRange');
    const known = this.#knownOperations.get(request.id);
    if (known !== undefined) return this.#again(known, institution, kind, request, COMPARED_OPERATION);
    const payment = this.payments.get(request.paymentId);
    let answer: PaymentAnswer;
    if (payment === undefined) answer = this.#refuse('paymentNotFound');
    else if (payment.institution !== institution && institution !== 1) answer = this.#refuse('paymentForbidden');
    else answer = this.#answer(this.#operate(payment, kind, request, said), payment);
    this.#knownOperations.set(request.id, { institution, kind, content: request, answer });
    return answer;
  }

  cancel(institution: number, request: ModelCancellation, said?: Open): PaymentAnswer {
    if (request.amount > MAX) return this.#refuse('amountOutOfRange');
    const known = this.#knownOperations.get(request.id);
    if (known !== undefined) {
      const { standing, name } = known.answer;
      const knowsPayer = standing !== undefined && name !== 'existsWithDifferentPayer';
      const compared = COMPARED_CANCELLATION.filter(([field]) => knowsPayer || field !== 'payerAccountId');
      return this.#again(known, institution, 'cancelPayment', request, compared);
    }
    const payment = this.payments.get(request.paymentId);
    let answer: PaymentAnswer;
    if (payment === undefined) answer = this.#cancelBefore(institution, request);
    else if (payment.institution !== institution && institution !== 1) answer = this.#refuse('paymentForbidden');
    else answer = this.#answer(this.#operate(payment, 'cancelPayment', request, said), payment);
    const first = { institution, kind: 'cancelPayment', content: request, answer };
    if (payment === undefined) this.#cancelledBefore.set(request.paymentId, first);
    this.#knownOperations.set(request.id, first);
    return answer;
  }

  /** Of the payment nothing is known but who pays. */
  #cancelBefore(institution: number, { paymentId: id, payerAccountId }: ModelCancellation): PaymentAnswer {
    const nothing = { amount: 0n, campaignId: 0n, userData64: 0n, expiresAfterS: 0, ledger: 0, code: 0, reference: '' };
    const payment = paymentOf(institution, { ...nothing, id, payerAccountId, payeeAccountId: payerAccountId });
    this.payments.set(id, payment);
    return this.#answer('ok', payment);
  }

  /** The accounts of a payment. */
  partiesOf(paymentId: bigint): bigint[] {
    const request = this.payments.get(paymentId)?.request;
    return request === undefined ? [] : [request.payerAccountId, request.payeeAccountId];
  }

  /** Accounts whose pending amounts change at `now` because an authorisation runs out. */
  dueAt(now: bigint): bigint[] {
    const due = [...this.#open].filter(({ standing }) => standing.state === 'authorised' && standing.expiresAt <= now);
    return due.flatMap(({ request }) => [request.payerAccountId, request.payeeAccountId]);
  }

  #again<T extends ModelPayment | ModelOperation>(
    known: Known,
    institution: number,
    kind: string,
    request: T,
    compared: readonly (readonly [keyof T, ResultName])[],
  ): PaymentAnswer {
    if (known.institution !== institution) return this.#refuse('existsWithDifferentOwner');
    if (known.kind !== kind) return this.#refuse('existsWithDifferentOperation');
    const first = known.content as T;
    for (const [field, name] of compared) if (first[field] !== request[field]) return this.#refuse(name);
    return { ...known.answer, replayed: true };
  }

  #refuse(name: ResultName): PaymentAnswer {
    return { name, replayed: false, timestamp: this.ledger.now, standing: undefined };
  }

  #answer(name: ResultName, payment: Payment): PaymentAnswer {
    return { name, replayed: false, timestamp: this.ledger.now, standing: { ...payment.standing } };
  }

  #decide(kind: 'sale' | 'authorise', payment: Payment): ResultName {
    const { ledger } = this;
    const { request, standing } = payment;
    const { payerAccountId: payerId, payeeAccountId: payeeId, amount, campaignId } = request;
    const payer = ledger.book.accounts.get(payerId);
    if (payer === undefined) return 'payerAccountNotFound';
    if (!ledger.mayDebit(payerId, payment.institution)) return 'payerAccountForbidden';
    const payee = ledger.book.accounts.get(payeeId);
    if (payee === undefined) return 'payeeAccountNotFound';
    if (payer.ledger !== request.ledger || payee.ledger !== request.ledger) return 'currencyMismatch';
    let discount = 0n;
    if (campaignId !== 0n) {
      const campaign = this.campaigns.get(campaignId);
      if (campaign === undefined || !ledger.mayDebit(campaignId, payment.institution)) return 'campaignNotFound';
      if (ledger.account(campaignId).ledger !== request.ledger) return 'campaignNotApplicable';
      if (campaignId === payerId || campaignId === payeeId) return 'campaignNotApplicable';
      const given = referenceDiscount(amount, campaign, ledger.now);
      if (given === undefined) return 'campaignNotApplicable';
      discount = given;
    }
    const number = this.tariffOf.get(payeeId) ?? 0;
    if (number !== 0) {
      const tariff = this.tariffs.get(`${payee.owner}/${number}`);
      if (tariff === undefined) return 'tariffNotFound';
      if (ledger.account(feeAccountOf(tariff)).ledger !== payee.ledger) return 'tariffNotFound';
      payment.tariff = feeAccountOf(tariff) === payeeId ? undefined : tariff;
    }
    const isSale = kind === 'sale';
    const payerPart = amount - discount;
    if (payerPart > 0n) {
      const judged = ledger.judge(payerId, payeeId, payerPart, !isSale);
      if (judged !== 'ok') return payerWords(judged);
      if (isSale) ledger.move(payerId, payeeId, payerPart);
      else this.#hold(payment, 'payerHeld', payerId, payerPart);
    }
    if (discount > 0n) {
      const judged = ledger.judge(campaignId, payeeId, discount, !isSale);
      if (judged !== 'ok') return campaignWords(judged);
      if (isSale) ledger.move(campaignId, payeeId, discount);
      else this.#hold(payment, 'campaignHeld', campaignId, discount);
    }
    standing.discount = discount;
    if (!isSale) {
      standing.state = 'authorised';
      standing.expiresAt = ledger.now + BigInt(request.expiresAfterS === 0 ? WEEK_S : request.expiresAfterS) * SECOND;
      return 'ok';
    }
    standing.state = 'captured';
    standing.captured = amount;
    standing.discountCaptured = discount;
    return this.#charge(payment, false);
  }

  #hold(payment: Payment, which: 'payerHeld' | 'campaignHeld', from: bigint, amount: bigint): void {
    this.ledger.reserve(from, payment.request.payeeAccountId, amount);
    this.ledger.book.paymentHolds++;
    payment[which] = amount;
  }

  /** Takes what is missing of the fee on all that is captured. */
  #charge(payment: Payment, isCapture: boolean): ResultName {
    const { tariff, standing, request } = payment;
    if (tariff === undefined) return 'ok';
    const due = referenceFee(standing.captured, tariff) - standing.feeCharged;
    if (due <= 0n) return 'ok';
    const feeAccount = feeAccountOf(tariff);
    if (this.ledger.judge(request.payeeAccountId, feeAccount, due, false, isCapture) !== 'ok')
      return 'payeeCannotReceive';
    this.ledger.move(request.payeeAccountId, feeAccount, due);
    standing.feeCharged += due;
    return 'ok';
  }

  #operate(
    payment: Payment,
    kind: 'capture' | 'void' | 'refund' | 'revert' | 'cancelPayment',
    request: ModelOperation,
    said?: Open,
  ): ResultName {
    const book = this.ledger.copy(false);
    const saved = { ...payment, standing: { ...payment.standing } };
    const name = this.ledger.settle(said, () => {
      if (kind === 'capture') return this.#capture(payment, request);
      if (kind === 'void') return this.#void(payment);
      if (kind === 'cancelPayment') return this.#cancel(payment, request as ModelCancellation);
      return kind === 'revert' ? this.#revert(payment) : this.#refund(payment, request.amount);
    });
    if (name !== 'ok') {
      this.ledger.book = book;
      Object.assign(payment, saved);
    } else payment.standing.version++;
    return name;
  }

  #whyClosed(payment: Payment): ResultName {
    const closed: Record<PaymentStateName, ResultName> = {
      authorised: 'ok',
      declined: 'paymentDeclined',
      captured: 'paymentAlreadyCaptured',
      voided: 'paymentAlreadyVoided',
      expired: 'paymentExpired',
      challenged: 'challengeRequired',
      held: 'paymentHeld',
    };
    return closed[payment.standing.state];
  }

  #take(payment: Payment, which: 'payerHeld' | 'campaignHeld', amount: bigint): void {
    if (amount === 0n) return;
    const from = which === 'payerHeld' ? payment.request.payerAccountId : payment.request.campaignId;
    this.ledger.unreserve(from, payment.request.payeeAccountId, amount);
    payment[which] -= amount;
    if (payment[which] === 0n) this.ledger.book.paymentHolds--;
  }

  #capture(payment: Payment, { amount: wanted, flags }: ModelOperation): ResultName {
    const closed = this.#whyClosed(payment);
    if (closed !== 'ok') return closed;
    const { request, standing } = payment;
    const open = request.amount - standing.captured;
    if (wanted > open) return 'exceedsAuthorisedAmount';
    const amount = wanted === 0n ? open : wanted;
    standing.captured += amount;
    const ofDiscount = (standing.discount * standing.captured) / request.amount;
    const fromCampaign = ofDiscount - standing.discountCaptured;
    standing.discountCaptured = ofDiscount;
    const { ledger } = this;
    if (amount > fromCampaign) {
      const stopped = payerWords(ledger.states(request.payerAccountId, request.payeeAccountId, true));
      if (stopped !== 'ok') return stopped;
    }
    if (fromCampaign > 0n) {
      const stopped = campaignWords(ledger.states(request.campaignId, request.payeeAccountId, true));
      if (stopped !== 'ok') return stopped;
    }
    this.#take(payment, 'payerHeld', amount - fromCampaign);
    this.#take(payment, 'campaignHeld', fromCampaign);
    this.ledger.move(request.payerAccountId, request.payeeAccountId, amount - fromCampaign);
    if (fromCampaign > 0n) this.ledger.move(request.campaignId, request.payeeAccountId, fromCampaign);
    if (standing.captured === request.amount || (flags & 1) !== 0) {
      this.#take(payment, 'payerHeld', payment.payerHeld);
      this.#take(payment, 'campaignHeld', payment.campaignHeld);
      standing.state = 'captured';
      standing.released = request.amount - standing.captured;
      standing.expiresAt = 0n;
    }
    return this.#charge(payment, true);
  }

  #void(payment: Payment): ResultName {
    const closed = this.#whyClosed(payment);
    if (closed === 'ok') this.#release(payment, 'voided');
    if (closed === 'ok') payment.standing.version--;
    return closed;
  }

  #revert(payment: Payment): ResultName {
    const { standing } = payment;
    const isOpen = standing.state === 'authorised';
    if (!isOpen && standing.captured === 0n) return this.#whyClosed(payment);
    if (isOpen) this.#void(payment);
    return isOpen && standing.captured === standing.refunded ? 'ok' : this.#refund(payment, 0n);
  }

  #cancel(payment: Payment, { payerAccountId, amount: wanted, ...rest }: ModelCancellation): ResultName {
    const { standing, request } = payment;
    if (request.payerAccountId !== payerAccountId) return 'existsWithDifferentPayer';
    if (standing.state !== 'authorised') {
      return standing.captured === 0n ? this.#whyClosed(payment) : this.#refund(payment, wanted);
    }
    const held = request.amount - standing.captured;
    const taken = standing.captured - standing.refunded;
    const amount = wanted === 0n ? held + taken : wanted;
    if (amount > held + taken) return 'exceedsCapturedAmount';
    if (amount < held) return this.#capture(payment, { ...rest, amount: held - amount, flags: 1 });
    // One partition cannot release and have another allow a refund at once.
    if (amount > held && this.ledger.isCrossing(payerAccountId, request.payeeAccountId)) return 'crossesPartitions';
    this.#void(payment);
    return amount === held ? 'ok' : this.#refund(payment, amount - held);
  }

  #release(payment: Payment, state: 'voided' | 'expired'): void {
    this.#take(payment, 'payerHeld', payment.payerHeld);
    this.#take(payment, 'campaignHeld', payment.campaignHeld);
    const { standing, request } = payment;
    standing.state = standing.captured > 0n ? 'captured' : state;
    standing.released = request.amount - standing.captured;
    standing.expiresAt = 0n;
    standing.version++;
  }

  #refund(payment: Payment, wanted: bigint): ResultName {
    const { ledger } = this;
    const { standing, request, tariff } = payment;
    const { captured, discountCaptured, feeCharged } = standing;
    if (captured === 0n) {
      const closed = this.#whyClosed(payment);
      return closed === 'ok' ? 'paymentNotCaptured' : closed;
    }
    const left = captured - standing.refunded;
    const amount = wanted === 0n ? left : wanted;
    if (amount === 0n || amount > left) return 'exceedsCapturedAmount';
    const total = standing.refunded + amount;
    // Pro rata of the whole so far, rounded down; never back again, and neither side gets more than it gave.
    const payerLeft = left - (discountCaptured - standing.discountRefunded);
    let toCampaign = (discountCaptured * total) / captured - standing.discountRefunded;
    toCampaign = most(toCampaign, 0n, amount - payerLeft);
    toCampaign = least(toCampaign, amount, discountCaptured - standing.discountRefunded);
    const feeBack = most(0n, (feeCharged * total) / captured - standing.feeRefunded);
    const legs: [bigint, bigint, bigint][] = [];
    if (tariff !== undefined) legs.push([feeAccountOf(tariff), request.payeeAccountId, feeBack]);
    legs.push([request.payeeAccountId, request.payerAccountId, amount - toCampaign]);
    legs.push([request.payeeAccountId, request.campaignId, toCampaign]);
    for (const [from, to, part] of legs) {
      if (part === 0n) continue;
      const judged = ledger.judge(from, to, part, false);
      if (judged !== 'ok') return refundWords(judged, to === request.payeeAccountId);
      ledger.move(from, to, part);
    }
    standing.refunded = total;
    standing.discountRefunded += toCampaign;
    standing.feeRefunded += feeBack;
    return 'ok';
  }
}

function feeAccountOf(tariff: TariffBody): bigint {
  return BigInt(`0x${tariff.feeAccountId}`);
}
