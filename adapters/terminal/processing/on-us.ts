/**
 * Cards of our own. What a message asks for becomes a payment between the card's account and the acquirer's settlement account:
 *
 *   0100 authorise    0200 sale    0220 capture of what was authorised, or sale    0400, 0420 cancel    refund: sale the other way
 *
 * Nothing is kept here. Ids are functions of the messages (message-ids.ts), so the engine answers repeats as it did before, and a
 * cancellation that overtakes its payment finds a place to wait for it.
 */
import type { Id } from '../../../protocol/ids.ts';
import { Code } from '../../../protocol/results.ts';
import type { Response } from '../crypto/emv/cryptogram.ts';
import type { KeyVault } from '../crypto/vault/key-vault.ts';
import { AmountTypes, additionalAmount } from './answer.ts';
import { availableOf, type Bank, balanceOf, type KnownCard } from './bank.ts';
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
import { approvalCode } from './message-ids.ts';
import { entryCode } from './settlement.ts';
import { type EntryMode, isCredit, isDebit, needsChipData } from './transaction.ts';

/** A message about a card of our own. */
interface Shown {
  readonly asked: Asked;
  readonly range: OwnRange;
  readonly token: bigint;
  /** What the card is told if the payment is approved; undefined when that is not known yet. */
  readonly approval?: Response | undefined;
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
    const shown = { asked, range, token };
    // The card is not there when money is given back, nor when something is told that has happened.
    if (isAsked(request) && !isCredit(request.transaction)) return this.#withCard(shown);
    const card = await this.#bank.card(token);
    if (typeof card === 'number') return coded(card);
    if (request.family === 'reversal') return (await this.#followUps.reverse(asked, card.accountId)).outcome;
    return isCredit(request.transaction) ? this.#credit(shown, card) : this.#advised(shown, card);
  }

  /** What the card and its holder prove is judged where the card lives; then the account is asked. */
  async #withCard({ asked, range, token }: Shown): Promise<Outcome> {
    const { request, acquirer, id, settlement } = asked;
    const modes: readonly EntryMode[] = range.entryModes;
    if (!modes.includes(request.entryMode)) {
      return refused('57', `cards of this range are not read by ${request.entryMode}`);
    }
    const cryptogram = await verifyCryptogram(this.#vault, request, range);
    if (cryptogram.verdict === 'technical') return refused('96', cryptogram.problem ?? '');
    if (cryptogram.verdict === 'absent' && needsChipData(request.entryMode)) {
      return refused('63', 'the chip has sent no cryptogram');
    }
    const { finding: pin, problem } = await verifyPin(this.#vault, request, range, acquirer.pins);
    if (pin === 'technical') return refused('96', problem ?? '');
    const shown: Shown = { asked, range, token, approval: cryptogram.approval };
    const used = await this.#bank.useCard({
      // Uses of cards have ids of their own kind: that of the payment says what it is for.
      id,
      token,
      payeeAccountId: settlement,
      amount: BigInt(request.amount),
      counter: cryptogram.counter,
      expiry: Number(request.expiry ?? 0),
      channel: channelOf(request),
      verification: verificationOf(request),
      cryptogram: cryptogram.verdict === 'absent' ? undefined : cryptogram.verdict,
      pin: pin === 'absent' ? undefined : pin,
    });
    if (typeof used === 'number') {
      const { responseCode, problem: why } = coded(used);
      return this.#withChip(shown, { responseCode, problem: cryptogram.problem ?? why ?? '' });
    }
    return request.transaction === 'balance' ? this.#balance(shown, used) : this.#debit(shown, used);
  }

  /** An advice tells what was decided elsewhere: it completes what was authorised before, or is posted as it is. */
  async #advised(shown: Shown, card: KnownCard): Promise<Outcome> {
    const completed = await this.#followUps.complete(shown.asked, card.accountId);
    if (completed === undefined) return this.#debit(shown, card);
    return 'posted' in completed ? this.#answer(shown, completed.paymentId, completed.posted.code) : completed;
  }

  async #debit(shown: Shown, card: KnownCard): Promise<Outcome> {
    const { request, acquirer, id, settlement } = shown.asked;
    if (!isDebit(request.transaction)) return refused('40', `${request.transaction} is not handled`);
    const holds = isHold(request);
    const posted = await this.#bank.pay(holds ? 'authorise' : 'sale', {
      id,
      payerAccountId: card.accountId,
      payeeAccountId: settlement,
      amount: BigInt(request.amount),
      expiresAfterS: holds ? acquirer.authorisationSeconds : 0,
      ledger: request.currency,
      code: entryCode(request.processingCode),
      reference: referenceOf(request),
      risk: riskOf(request, shown.token),
    });
    const { code } = posted.code === Code.ok ? posted : await decidedNow(this.#bank, id, card.accountId, posted);
    return this.#answer(shown, id, code);
  }

  async #credit(shown: Shown, card: KnownCard): Promise<Outcome> {
    const { request, id, settlement } = shown.asked;
    if (request.family !== 'financial' && request.family !== 'financialAdvice') {
      return refused('12', `${request.transaction} needs a financial message`);
    }
    if (card.isClosed) return refused('62', 'the card is closed');
    const { code } = await this.#bank.pay('sale', {
      id,
      payerAccountId: settlement,
      payeeAccountId: card.accountId,
      amount: BigInt(request.amount),
      ledger: request.currency,
      code: entryCode(request.processingCode),
      reference: referenceOf(request),
      // It is the acquirer who pays: what rules say of the channels of cardholders is not about that.
      risk: { ...riskOf(request, shown.token), channel: 'unknown' },
    });
    return this.#answer(shown, id, code);
  }

  async #balance(shown: Shown, card: KnownCard): Promise<Outcome> {
    const { request, id } = shown.asked;
    const account = await this.#bank.account(card.accountId);
    if (typeof account === 'number') return coded(account);
    if (account.ledger !== request.currency) return refused('57', 'the account is in another currency');
    const type = request.processingCode.slice(2, 4);
    const amount = (kind: string, minor: number): string => additionalAmount(type, kind, request.currency, minor);
    const amounts = [
      amount(AmountTypes.ledger, balanceOf(account)),
      amount(AmountTypes.available, availableOf(account)),
    ];
    return this.#withChip(shown, { responseCode: '00', amounts, approvalCode: approvalCode(id) });
  }

  #answer(shown: Shown, id: Id, code: number): Promise<Outcome> {
    if (code !== Code.ok) return this.#withChip(shown, coded(code));
    return this.#withChip(shown, { responseCode: '00', approvalCode: approvalCode(id) });
  }

  async #withChip({ asked, range, approval }: Shown, outcome: Outcome): Promise<Outcome> {
    const chip = await answerCard(this.#vault, asked.request, range, outcome.responseCode, approval);
    if (chip === undefined) return outcome;
    const { responseCode, approvalCode: code, amounts, problem } = outcome;
    return { responseCode, approvalCode: code, amounts, problem, chip };
  }
}
