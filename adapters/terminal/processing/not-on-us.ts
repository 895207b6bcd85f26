/**
 * Cards of other issuers. A payment is held between the issuer's settlement account and the acquirer's, the issuer is asked, and its
 * answer ends the hold:
 *
 *     undo armed ─▶ authorised ─▶ asked ─┬─ approved ─▶ captured (0200), or held on (0100) ─▶ undo removed
 *                                        ├─ declined, or not sent ─▶ voided ─▶ undo removed
 *                                        └─ no answer ─▶ undo due ─▶ voided, or captured in the issuer's name (stand-in)
 *
 * An undo that is armed means that nobody knows yet what the issuer thinks. After a crash each of them is settled by looking at its
 * payment (`recover`), so that the issuer hears of whatever it may have booked and we have not.
 */
import { randomUUID } from 'node:crypto';
import { currencyOfNumeric } from '../../../protocol/currencies.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { PaymentOperationFlags } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import type { CompiledSpec } from '../iso8583/compile-spec.ts';
import type { Message } from '../iso8583/message.ts';
import type { IssuerResult } from '../link/issuer-link.ts';
import { isApproved } from './action-codes.ts';
import type { Bank } from './bank.ts';
import type { IssuerBusiness } from './business.ts';
import type { IssuerRange } from './card-ranges.ts';
import { cardToken, translatedPin } from './card-security.ts';
import {
  type Asked,
  admit,
  coded,
  type Enquiry,
  isAsked,
  isHold,
  type Outcome,
  originalKey,
  referenceOf,
  refused,
  riskOf,
} from './enquiry.ts';
import { cancellationId, decidedNow, FollowUps, isUndone } from './follow-ups.ts';
import { adviceOf, forwarded, passedOn, reversalOf } from './forward.ts';
import { answeredBefore, outcomeOf } from './issuer-answer.ts';
import { approvalCode, idOf, relatedId } from './message-ids.ts';
import { entryCode } from './settlement.ts';
import type { IssuerConnection, Notice, StoreAndForward } from './store-and-forward.ts';
import { type EntryMode, isCredit } from './transaction.ts';

/** An issuer that can be asked. */
export interface Issuer {
  readonly spec: CompiledSpec;
  readonly business: IssuerBusiness;
  readonly connection: IssuerConnection;
  readonly notices: StoreAndForward;
}

interface IssuerPayment extends Asked {
  readonly range: IssuerRange;
  readonly issuer: Issuer;
  /** Of the card number. */
  readonly token: bigint;
  readonly payer: bigint;
  readonly payee: bigint;
}

/** An answer that was given, or is being made: a repeat gets the same. */
interface Given {
  readonly amount: number;
  readonly token: bigint;
  readonly outcome: Promise<Outcome>;
  isOver: boolean;
}

const GIVEN_MAX = 10_000;
const PARTLY = '10';

export class NotOnUs {
  readonly #bank: Bank;
  readonly #vault: KeyVault;
  readonly #tokenKey: string;
  readonly #issuers: ReadonlyMap<string, Issuer>;
  readonly #followUps: FollowUps;
  readonly #given = new Map<Id, Given>();
  /** The last message about each payment that others may wait for. */
  readonly #turns = new Map<Id, Promise<unknown>>();

  /** @param issuers by the names of their links */
  constructor(bank: Bank, vault: KeyVault, tokenKey: string, issuers: ReadonlyMap<string, Issuer>) {
    this.#bank = bank;
    this.#vault = vault;
    this.#tokenKey = tokenKey;
    this.#issuers = issuers;
    this.#followUps = new FollowUps(bank);
  }

  async decide(enquiry: Enquiry, range: IssuerRange): Promise<Outcome> {
    const asked = admit(enquiry);
    if ('responseCode' in asked) return asked;
    const { request, settlement } = asked;
    const issuer = this.#issuers.get(range.issuer);
    const account = issuer?.business.settlement.get(request.currency);
    if (issuer === undefined || account === undefined) {
      return refused('57', `the issuer has no settlement account in currency ${request.currency}`);
    }
    const token = await cardToken(this.#vault, this.#tokenKey, request.pan);
    if (token === undefined) return refused('96', `there is no usable key "${this.#tokenKey}" for tokens`);
    const isBack = isCredit(request.transaction);
    const [payer, payee] = isBack ? [settlement, account] : [account, settlement];
    const payment = { ...asked, range, issuer, token, payer, payee };
    if (isAsked(request)) return this.#once(payment);
    return this.#inTurn(payment, () =>
      request.family === 'reversal' ? this.#reverse(payment, account) : this.#advised(payment),
    );
  }

  /** Messages about the same earlier one are taken one after the other: the issuer hears them as they were posted. */
  async #inTurn(payment: IssuerPayment, take: () => Promise<Outcome>): Promise<Outcome> {
    const original = originalKey(payment);
    const about = original === undefined ? undefined : idOf(original, payment.nowMs);
    if (about === undefined) return take();
    const turn = (this.#turns.get(about) ?? Promise.resolve()).then(take, take);
    this.#turns.set(about, turn);
    try {
      return await turn;
    } finally {
      if (this.#turns.get(about) === turn) this.#turns.delete(about);
    }
  }

  /**
   * Settles what was under way when the switch ended. Throws when the engine cannot say how it stands.
   *
   * @param note hears of a hold that the engine does not end: it ends by its time, and keeps nobody from starting
   */
  async recover(note: (link: string, text: string) => void): Promise<void> {
    for (const [link, issuer] of this.#issuers) await this.#recover(issuer, (text) => note(link, text));
  }

  /** A repeat waits for what it repeats, and is answered like it. */
  #once(payment: IssuerPayment): Promise<Outcome> {
    const { id, request, token } = payment;
    const { amount } = request;
    const known = this.#given.get(id);
    if (known !== undefined) {
      const isSame = known.amount === amount && known.token === token;
      return isSame
        ? known.outcome
        : Promise.resolve(refused('94', 'the same trace number with another amount or card'));
    }
    const given: Given = { amount, token, outcome: this.#ask(payment), isOver: false };
    this.#given.set(id, given);
    given.outcome.then(
      () => {
        given.isOver = true;
        this.#forgetOldest();
      },
      () => this.#given.delete(id),
    );
    return given.outcome;
  }

  #forgetOldest(): void {
    for (const [id, { isOver }] of this.#given) {
      if (this.#given.size <= GIVEN_MAX) return;
      if (isOver) this.#given.delete(id);
    }
  }

  async #ask(payment: IssuerPayment): Promise<Outcome> {
    const { request, id, issuer, range, message } = payment;
    const found = await this.#bank.find(id);
    if (typeof found === 'number') return coded(found);
    if (found !== undefined) return answeredBefore(request, payment.payer, found);
    const pin = await translatedPin(this.#vault, request, payment.acquirer.pins, issuer.business.pins);
    if (typeof pin === 'string') return refused('96', pin);
    const copy = forwarded(message, issuer.spec);
    if (pin !== undefined) copy.set(52, pin);
    if (request.transaction === 'balance') return outcomeOf(await issuer.connection.request(copy, range.timeoutMs));

    const undo = relatedId(id, randomUUID());
    const armed = await issuer.notices.arm(undo, noticeOf(payment, 'undo', reversalOf(copy)));
    if (armed !== Code.ok) return coded(armed);
    const held = await this.#hold(payment);
    if (held !== Code.ok) {
      await issuer.notices.remove(undo);
      return coded(held);
    }
    const result = await issuer.connection.request(copy, range.timeoutMs);
    return typeof result === 'object'
      ? this.#answered(payment, undo, result)
      : this.#unanswered(payment, undo, result, copy);
  }

  async #hold({ request, acquirer, id, token, payer, payee }: IssuerPayment): Promise<number> {
    const posted = await this.#bank.pay('authorise', {
      ...{ id, payerAccountId: payer, payeeAccountId: payee, amount: BigInt(request.amount), ledger: request.currency },
      ...{ code: entryCode(request.processingCode), reference: referenceOf(request) },
      expiresAfterS: acquirer.authorisationSeconds,
      risk: riskOf(request, token),
    });
    return (await decidedNow(this.#bank, id, payer, posted)).code;
  }

  /** The issuer has decided. */
  async #answered(payment: IssuerPayment, undo: Id, answer: Message): Promise<Outcome> {
    const { issuer, request } = payment;
    const outcome = outcomeOf(answer);
    const isYes = isApproved(outcome.responseCode);
    const amount = outcome.responseCode === PARTLY ? Number(answer.text(4) ?? 0) : request.amount;
    if (isYes && (amount === 0 || amount > request.amount)) {
      await this.#giveUp(payment, undo);
      return refused('96', `the issuer approves ${amount} of ${request.amount}`);
    }
    if (!isYes) {
      // While it is held, the undo stays: the next start looks at both.
      if (await this.#void(payment)) await issuer.notices.remove(undo);
      return outcome;
    }
    const code = await this.#approve(payment, amount);
    if (code !== Code.ok) {
      // It was taken back meanwhile, or cannot be posted: what the issuer has booked must not stay.
      await this.#giveUp(payment, undo);
      return coded(code);
    }
    await issuer.notices.remove(undo);
    return amount === request.amount ? outcome : { ...outcome, approvedAmount: amount };
  }

  /** Nobody knows what the issuer has decided, or it was not asked. */
  async #unanswered(
    payment: IssuerPayment,
    undo: Id,
    result: Exclude<IssuerResult, Message>,
    copy: Message,
  ): Promise<Outcome> {
    const { notices } = payment.issuer;
    const wasSent = result === 'timeout';
    if (standsIn(payment)) {
      // It may have been booked: that is taken back before the issuer hears what we have approved.
      if (wasSent) await notices.release(undo);
      const outcome = await this.#standIn(payment, copy);
      if (outcome !== undefined && !wasSent) await notices.remove(undo);
      if (outcome !== undefined) return outcome;
    }
    if (wasSent) {
      await this.#giveUp(payment, undo);
      return outcomeOf(result);
    }
    if (await this.#void(payment)) await notices.remove(undo);
    return outcomeOf(result);
  }

  /** Approves in the issuer's name; undefined when that cannot be done. */
  async #standIn(payment: IssuerPayment, copy: Message): Promise<Outcome | undefined> {
    const { id, issuer, request } = payment;
    const approval = approvalCode(id);
    const advice = standInId(id);
    const armed = await issuer.notices.arm(advice, noticeOf(payment, 'standIn', adviceOf(copy, approval)));
    if (armed !== Code.ok) return undefined;
    if ((await this.#approve(payment, request.amount)) !== Code.ok) {
      await issuer.notices.remove(advice);
      return undefined;
    }
    await issuer.notices.release(advice);
    return { responseCode: '00', approvalCode: approval };
  }

  async #giveUp(payment: IssuerPayment, undo: Id): Promise<void> {
    await this.#void(payment);
    await payment.issuer.notices.release(undo);
  }

  /** Takes what was approved of what is held (0200). For 0100 it stays held, whole, also when a part was approved: a completion says. */
  async #approve({ id, request }: IssuerPayment, amount: number): Promise<number> {
    if (isHold(request)) return this.#isHeld(id);
    const capture = { id: relatedId(id, 'capture'), paymentId: id, amount: BigInt(amount) };
    return (await this.#bank.operate('capture', { ...capture, flags: PaymentOperationFlags.final })).code;
  }

  /** `ok` while a payment is held: its reversal may have come meanwhile. */
  async #isHeld(id: Id): Promise<number> {
    const view = await this.#bank.find(id);
    if (typeof view === 'number') return view;
    return view?.status.state === 'authorised' ? Code.ok : Code.paymentAlreadyVoided;
  }

  /** Whether nothing is held or taken any more. */
  async #void({ id, payer }: Pick<IssuerPayment, 'id' | 'payer'>): Promise<boolean> {
    return isUndone(await this.#bank.cancel({ id: cancellationId(id), paymentId: id, payerAccountId: payer }));
  }

  /** What an acquirer tells is posted here and told to the issuer: it has happened, whatever they think of it. */
  async #advised(payment: IssuerPayment): Promise<Outcome> {
    const { request, id, token, payer, payee } = payment;
    const completed = await this.#followUps.complete(payment, payer);
    if (completed !== undefined) {
      return 'posted' in completed ? this.#told(payment, completed.posted.code, completed.paymentId) : completed;
    }
    const posted = await this.#bank.pay(isHold(request) ? 'authorise' : 'sale', {
      ...{ id, payerAccountId: payer, payeeAccountId: payee, amount: BigInt(request.amount), ledger: request.currency },
      ...{ code: entryCode(request.processingCode), reference: referenceOf(request) },
      ...(isHold(request) ? { expiresAfterS: payment.acquirer.authorisationSeconds } : {}),
      risk: riskOf(request, token),
    });
    return this.#told(payment, (await decidedNow(this.#bank, id, payer, posted)).code);
  }

  async #told(payment: IssuerPayment, code: number, about?: Id): Promise<Outcome> {
    if (code !== Code.ok) return coded(code);
    return this.#passOn(payment, { responseCode: '00', approvalCode: approvalCode(payment.id) }, about);
  }

  async #reverse(payment: IssuerPayment, account: bigint): Promise<Outcome> {
    const { outcome, wasThere, paymentId } = await this.#followUps.reverse(payment, account);
    // What has not come here was never asked of the issuer.
    return wasThere ? this.#passOn(payment, outcome, paymentId) : outcome;
  }

  /**
   * Posted first, told then: when the switch ends in between, the acquirer has no answer, and repeats what it told.
   *
   * @param about the payment that the message is about, when it is about an earlier one
   */
  async #passOn(payment: IssuerPayment, outcome: Outcome, about?: Id): Promise<Outcome> {
    const { issuer, id, message } = payment;
    const stoodIn =
      about !== undefined && (await issuer.notices.release(standInId(about))) !== Code.outboxEntryNotFound;
    const notice = {
      ...noticeOf(payment, 'passedOn', passedOn(message, issuer.spec, stoodIn)),
      paymentId: about ?? id,
    };
    const code = await issuer.notices.send(relatedId(id, 'passed on'), notice);
    return code === Code.ok ? outcome : coded(code);
  }

  async #recover({ notices }: Issuer, note: (text: string) => void): Promise<void> {
    const kept = [];
    for await (const notice of notices.notices()) kept.push(notice);
    // Looked at once: what an operation between partitions still changes is undone with the rest.
    const states = new Map<bigint, string | undefined>();
    for (const { kind, paymentId } of kept) {
      if (kind !== 'passedOn' && !states.has(paymentId)) states.set(paymentId, await this.#stateOf(paymentId));
    }
    const decided = new Set<bigint>();
    for (const { id, kind, state, paymentId } of kept) {
      if (kind !== 'standIn') continue;
      const isTaken = state === 'due' || states.get(paymentId) === 'captured';
      if (isTaken) decided.add(paymentId);
      if (state === 'armed') await (isTaken ? notices.release(id) : notices.remove(id));
    }
    for (const { id, kind, state, paymentId, payerAccountId: payer } of kept) {
      if (kind !== 'undo') continue;
      const stands = states.get(paymentId);
      // Whether it was sent before we stood in is not known: a reversal of what never came does nothing.
      const isApproved = stands === 'captured' && !decided.has(paymentId);
      if (state === 'armed') await (isApproved || stands === undefined ? notices.remove(id) : notices.release(id));
      if (isApproved || decided.has(paymentId)) continue;
      // Also when it has not come: a repeat of it must not find half of what was done.
      const isGone = await this.#void({ id: paymentId as Id, payer });
      if (!isGone && stands !== undefined)
        note(`payment ${formatId(paymentId as Id)} was under way, and cannot be voided`);
    }
    notices.poke();
  }

  async #stateOf(paymentId: bigint): Promise<string | undefined> {
    const view = await this.#bank.find(paymentId);
    if (typeof view === 'number') throw new Error('a payment that was under way cannot be looked up now');
    return view?.status.state;
  }
}

/** Of the advice about what was approved in the issuer's name: known for ever, so it tells such payments from others. */
function standInId(paymentId: Id): Id {
  return relatedId(paymentId, 'stand-in');
}

/** Whether a payment is approved in the name of its issuer. */
function standsIn({ range: { standIn }, request }: IssuerPayment): boolean {
  if (standIn === undefined || isCredit(request.transaction)) return false;
  const most = standIn.amounts[currencyOfNumeric(request.currency)?.alphabetic ?? ''] ?? 0;
  const modes: readonly EntryMode[] = standIn.entryModes;
  return request.amount <= most && modes.includes(request.entryMode);
}

function noticeOf({ id, payer, request }: IssuerPayment, kind: Notice['kind'], message: Message): Notice {
  return { kind, paymentId: id, payerAccountId: payer, message, reference: referenceOf(request) };
}
