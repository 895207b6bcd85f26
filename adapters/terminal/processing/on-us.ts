/**
 * Cards of our own. What a message asks for becomes a payment between the card's account and the acquirer's settlement account:
 *
 *   0100 authorise    0200 sale    0220 capture of what was authorised, or sale    0400, 0420 cancel    refund: sale the other way
 *
 * Nothing is kept here. Ids are functions of the messages (message-ids.ts), so the engine answers repeats as it did before, and a
 * cancellation that overtakes its payment finds a place to wait for it.
 */
import type { Card } from '../../../protocol/codecs/card-codec.ts';
import type { Id } from '../../../protocol/ids.ts';
import { Code, resultSpec } from '../../../protocol/results.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import { AmountTypes, additionalAmount } from './answer.ts';
import { availableOf, type Bank, balanceOf, type Posted } from './bank.ts';
import type { OwnRange } from './card-ranges.ts';
import { answerCard, cardToken, verificationOf, verifyCryptogram, verifyPin } from './card-security.ts';
import {
  type Asked,
  admit,
  channelOf,
  coded,
  type Enquiry,
  isAsked,
  isHold,
  type Outcome,
  referenceOf,
  refused,
  riskOf,
} from './enquiry.ts';
import { decidedNow, FollowUps } from './follow-ups.ts';
import { approvalCode, relatedId } from './message-ids.ts';
import { entryCode } from './settlement.ts';
import { type EntryMode, isCredit, isDebit, needsChipData } from './transaction.ts';

/** A message about a card of our own. */
interface Shown extends Asked {
  readonly range: OwnRange;
  readonly token: bigint;
}

interface CardPayment extends Shown {
  readonly card: Card;
}

export class OnUs {
  readonly #bank: Bank;
  readonly #vault: KeyVault;
  readonly #followUps: FollowUps;
  readonly #tokenKey: string;

  /** @param tokenKey id of the key for tokens of card numbers (usage M7) */
  constructor(bank: Bank, vault: KeyVault, tokenKey: string) {
    this.#bank = bank;
    this.#vault = vault;
    this.#followUps = new FollowUps(bank);
    this.#tokenKey = tokenKey;
  }

  async decide(enquiry: Enquiry, range: OwnRange): Promise<Outcome> {
    const { request } = enquiry;
    const token = await cardToken(this.#vault, this.#tokenKey, request.pan);
    if (token === undefined) return refused('96', `there is no usable key "${this.#tokenKey}" for tokens`);
    const asked = admit(enquiry);
    if ('responseCode' in asked) return asked;
    const shown = { ...asked, range, token };
    // The card is not there when money is given back, nor when something is told that has happened.
    if (isAsked(request) && !isCredit(request.transaction)) return this.#withCard(shown);
    const card = await this.#bank.card(token);
    if (typeof card === 'number') return coded(card);
    if (request.family === 'reversal') return (await this.#followUps.reverse(shown, card.accountId)).outcome;
    const payment = { ...shown, card };
    return isCredit(request.transaction) ? this.#credit(payment) : this.#advised(payment);
  }

  /** What the card and its holder prove is judged where the card lives; then the account is asked. */
  async #withCard(asked: Shown): Promise<Outcome> {
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
    const completed = await this.#followUps.complete(payment, payment.card.accountId);
    if (completed === undefined) return this.#debit(payment);
    return 'posted' in completed ? this.#answer(payment, completed.paymentId, completed.posted) : completed;
  }

  async #debit(payment: CardPayment): Promise<Outcome> {
    const { request, acquirer, id, settlement, card } = payment;
    if (!isDebit(request.transaction)) return refused('40', `${request.transaction} is not handled`);
    const holds = isHold(request);
    const posted = await this.#bank.pay(holds ? 'authorise' : 'sale', {
      ...{ id, payerAccountId: card.accountId, payeeAccountId: settlement, amount: BigInt(request.amount) },
      ...{ ledger: request.currency, code: entryCode(request.processingCode), reference: referenceOf(request) },
      ...(holds ? { expiresAfterS: acquirer.authorisationSeconds } : {}),
      risk: riskOf(request, payment.token),
    });
    return this.#answer(payment, id, await decidedNow(this.#bank, id, card.accountId, posted));
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
      risk: { ...riskOf(request, payment.token), channel: 'unknown' },
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

  async #answer(payment: CardPayment, id: Id, { code }: Posted): Promise<Outcome> {
    const { de39: responseCode, en } = resultSpec(code);
    if (code !== Code.ok) return this.#withChip(payment, { responseCode, problem: en });
    return this.#withChip(payment, { responseCode, approvalCode: approvalCode(id) });
  }

  async #withChip({ request, range }: Shown, outcome: Outcome): Promise<Outcome> {
    const chip = await answerCard(this.#vault, request, range, outcome.responseCode);
    return chip === undefined ? outcome : { ...outcome, chip };
  }
}
