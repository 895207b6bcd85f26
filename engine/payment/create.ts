/** Sale and authorise: the two ways in which a payment begins. */

import { PAYMENT, PaymentOperations } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { EventTypes } from '../ledger/events.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { AWAITS_CLEARING, AWAITS_TURN } from '../ledger/results.ts';
import { AccountWord, isZeroId, PaymentWord, readU64, sameId, writeU64 } from '../ledger/words.ts';
import { discountOn, feeOn } from './amounts.ts';
import {
  LinkField,
  NewPaymentField,
  newPaymentEventBytes,
  PaymentEventByte,
  PaymentEventFlags,
  PaymentField,
  StateField,
} from './event.ts';
import { finishFirstVersion } from './first-version.ts';
import { beginJoint, jointPlan, openForPlan, tryJoint } from './joint-payments.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { carryOutLegs, crosses, holdingLeg, type Leg, Parties, type Plan, PlanKinds, postingLeg } from './plan.ts';
import { validatePayment } from './validate.ts';
import { readView64 } from './version.ts';
import { secondsOf } from './versions.ts';

/** One payment request in the batch's shared buffer; the reference follows the record, zero-padded to 16 bytes. */
export interface PaymentRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  readonly isSale: boolean;
  /** Word of the payee's ACCOUNT record, when it lives elsewhere; all zeros when there is no such account. */
  readonly payeeAt?: number;
}

const RECORD_WORDS = PAYMENT.size >> 2;

/** What a payment needs to be decided; indexes of accounts (NO_ACCOUNT when elsewhere), amounts in minor units. */
interface Terms {
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

export function createPayment(payments: Payments, request: PaymentRequest, reply: ReplyTarget): void {
  const { words, at, isSale } = request;
  const malformed = validatePayment(words, at, isSale);
  if (malformed !== Code.ok) return payments.refuse(reply, malformed);
  const holder = payments.locks.holderOf(words, at);
  if (holder !== 0) return payments.postpone(reply, holder, AWAITS_TURN);
  const known = payments.find(words, at);
  if (known !== 0) return replayPayment(payments, request, known, reply);
  const { holds } = payments.ledger;
  if (!isSale && holds.capacityMax - holds.count < 2) return payments.refuse(reply, Code.pendingTableFull);

  const terms = noTerms();
  const refused = findTerms(payments, request, terms);
  const plan = planPayment(request, terms);
  if (refused === Code.ok && crosses(plan)) return createJoint(payments, request, terms, plan, reply);
  const event = writeFirstVersion(payments, request, terms.tariffLsn);
  const code = refused !== Code.ok ? refused : moveMoney(payments, event, plan);
  finishFirstVersion(payments, isSale, event, terms, code);
  payments.answerFirst(reply, event);
}

function noTerms(): Terms {
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

function planPayment({ words, at, isSale }: PaymentRequest, terms: Terms): Plan {
  const { payer, payee, campaign, feeAccount, amount, discount, fee } = terms;
  const legs: Leg[] = [];
  if (amount > discount) legs.push(firstLeg(isSale, LegRoles.payer, Parties.payer, amount - discount));
  if (discount > 0) legs.push(firstLeg(isSale, LegRoles.campaign, Parties.campaign, discount));
  if (fee > 0) legs.push(postingLeg(LegRoles.fee, Parties.payee, Parties.fee, fee));
  const timeoutS = isSale ? 0 : secondsOf(words, at - PaymentField.id);
  return { kind: PlanKinds.create, accounts: [payer, payee, campaign, feeAccount], legs, timeoutS };
}

function firstLeg(isSale: boolean, role: number, debit: number, amount: number): Leg {
  return isSale ? postingLeg(role, debit, Parties.payee, amount) : holdingLeg(role, debit, amount);
}

/** A payment with a party elsewhere: tried here, then asked of the others. */
function createJoint(payments: Payments, request: PaymentRequest, terms: Terms, plan: Plan, reply: ReplyTarget): void {
  const { ledger } = payments;
  const { events } = ledger;
  const { words, at, isSale } = request;
  const from = at - PaymentField.id;
  // The clearing accounts come first; the records name the place where the request will be.
  const short = openForPlan(ledger, jointPlan(payments, plan, words, from, 0, terms.feeAccountId));
  if (short !== Code.ok) return payments.refuse(reply, short);
  const joint = jointPlan(payments, plan, words, from, events.nextLsn, terms.feeAccountId);
  const event = writeFirstVersion(payments, request, terms.tariffLsn);
  const code = tryJoint(payments, event, joint);
  if (code !== Code.ok) {
    finishFirstVersion(payments, isSale, event, terms, code);
    return payments.answerFirst(reply, event);
  }
  const out = events.words;
  out[event + NewPaymentField.state] = (isSale ? PaymentOperations.sale : PaymentOperations.authorise) << 8;
  out[event + NewPaymentField.reserved] = terms.payeeInstitution;
  writeU64(out, event + NewPaymentField.discount, terms.discount);
  writeU64(out, event + NewPaymentField.fee, terms.fee);
  writeU64(out, event + NewPaymentField.previousOfInstitution, 0);
  writeU64(out, event + NewPaymentField.previousOfReference, 0);
  payments.postpone(reply, beginJoint(payments, event, joint, 0), AWAITS_CLEARING);
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

/** Finds accounts, discount and fee. In order of precedence; fills `terms` as far as it gets. */
function findTerms(payments: Payments, request: PaymentRequest, terms: Terms): number {
  const { ledger } = payments;
  const { words, at } = request;
  terms.amount = readU64(words, at + PaymentWord.amount);
  const payer = ledger.findAccount(words, at + PaymentWord.payerAccountId);
  if (payer === NO_ACCOUNT) return Code.payerAccountNotFound;
  if (!ledger.mayDebit(payer, request.institution)) return Code.payerAccountForbidden;
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

function writeFirstVersion(payments: Payments, request: PaymentRequest, tariffLsn: number): number {
  const { words, at, institution } = request;
  const { events, now } = payments.ledger;
  const length = newPaymentEventBytes((words[at + PaymentWord.referenceLength] as number) & 0xffff);
  const event = events.append(EventTypes.newPayment, PaymentEventFlags.current, Code.ok, length, institution);
  const out = events.words;
  for (let word = 0; word < RECORD_WORDS; word++) out[event + PaymentField.id + word] = words[at + word] as number;
  const reference = event + (PaymentEventByte.newReference >> 2);
  const referenceWords = (length - PaymentEventByte.newReference) >> 2;
  for (let word = 0; word < referenceWords; word++) out[reference + word] = words[at + RECORD_WORDS + word] as number;
  writeU64(out, event + PaymentField.timestamp, now);
  out[event + NewPaymentField.reserved] = 0;
  writeU64(out, event + NewPaymentField.tariff, tariffLsn);
  return event;
}

/** The legs, all or none. */
function moveMoney(payments: Payments, event: number, plan: Plan): number {
  const { ledger } = payments;
  const { undo } = ledger.books;
  const { end, count } = ledger.events;
  undo.begin();
  const code = carryOutLegs(ledger, event, plan);
  if (code === Code.ok) {
    undo.commit();
  } else {
    undo.rollback();
    ledger.events.rewind(end, count);
  }
  return code;
}

/** Answers a payment id that was used before: the first answer again, or which field differs. */
function replayPayment(payments: Payments, request: PaymentRequest, lsn: number, reply: ReplyTarget): void {
  const { versions } = payments;
  const newest = versions.read(lsn);
  const firstLsn = readView64(newest, LinkField.firstVersion);
  const first = firstLsn === 0 ? newest : versions.read(firstLsn);
  const difference = comparePayment(request, first);
  if (difference !== Code.ok) return payments.refuse(reply, difference);
  payments.answerAgain(reply, first);
}

function comparePayment(request: PaymentRequest, stored: DataView): number {
  const { words, at } = request;
  const differs = (word: number, count: number): boolean => {
    for (let i = 0; i < count; i++) {
      if (words[at + word + i] !== stored.getUint32((PaymentField.id + word + i) * 4, true)) return true;
    }
    return false;
  };
  const operation = request.isSale ? PaymentOperations.sale : PaymentOperations.authorise;
  const bytes = (words[at + PaymentWord.referenceLength] as number) & 0xffff;
  if (stored.getUint32(8, true) !== request.institution) return Code.existsWithDifferentOwner;
  if (stored.getUint8(StateField.state * 4 + 1) !== operation) return Code.existsWithDifferentOperation;
  if (differs(PaymentWord.payerAccountId, 4)) return Code.existsWithDifferentPayer;
  if (differs(PaymentWord.payeeAccountId, 4)) return Code.existsWithDifferentPayee;
  if (differs(PaymentWord.amount, 2)) return Code.existsWithDifferentAmount;
  if (differs(PaymentWord.campaignId, 4)) return Code.existsWithDifferentCampaign;
  if (differs(PaymentWord.userData64, 2)) return Code.existsWithDifferentUserData64;
  if (differs(PaymentWord.expiresAfterS, 1)) return Code.existsWithDifferentExpiry;
  if (differs(PaymentWord.ledger, 1)) return Code.existsWithDifferentLedger;
  if (differs(PaymentWord.code, 1)) return Code.existsWithDifferentCode;
  if (differs(PaymentWord.referenceLength, 1)) return Code.existsWithDifferentReference;
  for (let word = 0; word * 4 < bytes; word++) {
    const kept = stored.getUint32(PaymentEventByte.reference + word * 4, true);
    if (words[at + RECORD_WORDS + word] !== kept) return Code.existsWithDifferentReference;
  }
  return Code.ok;
}
