/** What a new payment needs to be decided: whose accounts, what discount, what fee; and the legs that follow from it. */
import { PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { AccountWord, isZeroId, PaymentWord, readU64, sameId } from '../ledger/words.ts';
import type { Readings } from '../risk/readings.ts';
import { discountOn, feeOn } from './amounts.ts';
import type { Payments } from './payments.ts';
import { holdingLeg, type Leg, Parties, type Plan, PlanKinds, postingLeg } from './plan.ts';

/** One payment request in the batch's shared buffer. */
export interface PaymentRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  readonly isSale: boolean;
  /** Word of its RISK_CONTEXT; 0 = it has none. */
  readonly contextAt: number;
  /** Word of the reference, zero-padded to 16 bytes. */
  readonly referenceAt: number;
  /** Word of the payee's ACCOUNT record, when it lives elsewhere; all zeros when there is no such account. */
  readonly payeeAt?: number;
  /** What other partitions say of risk features. */
  readonly readings?: Readings;
}

/** Indexes of accounts (NO_ACCOUNT when elsewhere), amounts in minor units. */
export interface Terms {
  payer: number;
  payee: number;
  campaign: number;
  feeAccount: number;
  feeAccountId: Uint32Array | undefined;
  payeeInstitution: number;
  amount: number;
  discount: number;
  fee: number;
  tariffLsn: number;
}

export function noTerms(): Terms {
  const none = NO_ACCOUNT;
  return {
    payer: none,
    payee: none,
    campaign: none,
    feeAccount: none,
    feeAccountId: undefined,
    payeeInstitution: 0,
    amount: 0,
    discount: 0,
    fee: 0,
    tariffLsn: 0,
  };
}

/** The legs by which a payment gets into `state`: none for one that is declined or challenged. */
export function planPayment(terms: Terms, state: number, timeoutS: number): Plan {
  const { payer, payee, campaign, feeAccount, amount, discount, fee } = terms;
  const accounts = [payer, payee, campaign, feeAccount];
  const legs: Leg[] = [];
  const posts = state === PaymentStates.captured;
  const moves = posts || state === PaymentStates.authorised || state === PaymentStates.held;
  if (!moves) return { kind: PlanKinds.create, accounts, legs, timeoutS: 0 };
  if (amount > discount) legs.push(firstLeg(posts, LegRoles.payer, Parties.payer, amount - discount));
  if (discount > 0) legs.push(firstLeg(posts, LegRoles.campaign, Parties.campaign, discount));
  if (posts && fee > 0) legs.push(postingLeg(LegRoles.fee, Parties.payee, Parties.fee, fee));
  return { kind: PlanKinds.create, accounts, legs, timeoutS: posts ? 0 : timeoutS };
}

function firstLeg(posts: boolean, role: number, debit: number, amount: number): Leg {
  return posts ? postingLeg(role, debit, Parties.payee, amount) : holdingLeg(role, debit, amount);
}

/** What is known of a payee: its currency, its institution, the number of its tariff. */
interface Payee {
  readonly ledger: number;
  readonly owner: number;
  readonly tariff: number;
}

function findPayee(payments: Payments, { words, at, payeeAt }: PaymentRequest, account: number): Payee | undefined {
  const { accounts } = payments.ledger;
  if (account !== NO_ACCOUNT) {
    return {
      ledger: accounts.ledger[account] as number,
      owner: accounts.owner[account] as number,
      tariff: accounts.tariff[account] as number,
    };
  }
  const isKnown = payeeAt !== undefined && sameId(words, payeeAt, words, at + PaymentWord.payeeAccountId);
  if (!isKnown) return undefined;
  return {
    ledger: words[payeeAt + AccountWord.ledger] as number,
    owner: words[payeeAt + AccountWord.owner] as number,
    tariff: (words[payeeAt + AccountWord.tariff] as number) & 0xffff,
  };
}

/**
 * Finds accounts, discount and fee. In order of precedence; fills `terms` as far as it gets.
 *
 * @param debitedBy institution that has the money taken: the caller's, or the one that gave the payer's code
 */
export function findTerms(payments: Payments, request: PaymentRequest, terms: Terms, debitedBy: number): number {
  const { ledger } = payments;
  const { words, at } = request;
  terms.amount = readU64(words, at + PaymentWord.amount);
  const payer = ledger.findAccount(words, at + PaymentWord.payerAccountId);
  if (payer === NO_ACCOUNT) return Code.payerAccountNotFound;
  if (!ledger.mayDebit(payer, debitedBy)) return Code.payerAccountForbidden;
  if (payments.risk.isFrozen(payer)) return Code.payerAccountFrozen;
  terms.payer = payer;
  terms.payee = ledger.findAccount(words, at + PaymentWord.payeeAccountId);
  const payee = findPayee(payments, request, terms.payee);
  if (payee === undefined) return Code.payeeAccountNotFound;
  const currency = words[at + PaymentWord.ledger];
  if (ledger.accounts.ledger[payer] !== currency || payee.ledger !== currency) return Code.currencyMismatch;
  if (terms.payee === NO_ACCOUNT) terms.payeeInstitution = payee.owner;
  const refused = findDiscount(payments, request, terms);
  return refused !== Code.ok ? refused : findFee(payments, request, terms, payee);
}

function findDiscount(payments: Payments, request: PaymentRequest, terms: Terms): number {
  const { words, at } = request;
  const campaignAt = at + PaymentWord.campaignId;
  if (isZeroId(words, campaignAt)) return Code.ok;
  const { ledger, entities } = payments;
  const account = ledger.findAccount(words, campaignAt);
  // Only its own institution's customers get an offer: it is debited without being asked again. One that lives elsewhere is
  // asked about that there.
  const isElsewhere = account === NO_ACCOUNT && ledger.isElsewhere(words, campaignAt);
  if (!isElsewhere && (account === NO_ACCOUNT || !ledger.mayDebit(account, request.institution))) {
    return Code.campaignNotFound;
  }
  const campaign = isElsewhere ? entities.campaignElsewhere(words, campaignAt) : entities.campaign(account);
  if (campaign === undefined) return Code.campaignNotFound;
  if (!isElsewhere && ledger.accounts.ledger[account] !== words[at + PaymentWord.ledger]) {
    return Code.campaignNotApplicable;
  }
  const isParty =
    sameId(words, campaignAt, words, at + PaymentWord.payeeAccountId) ||
    sameId(words, campaignAt, words, at + PaymentWord.payerAccountId);
  if (isParty) return Code.campaignNotApplicable;
  const discount = discountOn(terms.amount, campaign, ledger.now);
  if (discount === undefined) return Code.campaignNotApplicable;
  terms.campaign = account;
  terms.discount = discount;
  return Code.ok;
}

function findFee(payments: Payments, { words, at, isSale }: PaymentRequest, terms: Terms, payee: Payee): number {
  const { accounts } = payments.ledger;
  if (payee.tariff === 0) return Code.ok;
  const tariff = payments.entities.tariff(payee.owner, payee.tariff);
  if (tariff === undefined) return Code.tariffNotFound;
  const { feeAccount } = tariff;
  if (feeAccount !== NO_ACCOUNT && accounts.ledger[feeAccount] !== payee.ledger) return Code.tariffNotFound;
  terms.tariffLsn = tariff.lsn;
  if (sameId(tariff.feeAccountId, 0, words, at + PaymentWord.payeeAccountId)) return Code.ok;
  terms.feeAccount = feeAccount;
  terms.feeAccountId = tariff.feeAccountId;
  if (isSale) terms.fee = feeOn(terms.amount, tariff);
  return Code.ok;
}
