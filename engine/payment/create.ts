/** Sale and authorise: the two ways in which a payment begins. */

import { PAYMENT, PaymentOperations, PaymentStates } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { EventTypes } from '../ledger/events.ts';
import { enter, find } from '../ledger/key-index.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { holdLeg, postLeg } from '../ledger/legs.ts';
import { isZeroId, PaymentWord, readU64, writeU64 } from '../ledger/words.ts';
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
import { campaignLegCode, payeeLegCode, payerLegCode } from './leg-codes.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { validatePayment } from './validate.ts';
import { readView64 } from './version.ts';
import { secondsOf } from './versions.ts';

/** One payment request in the batch's shared buffer; the reference follows the record, zero-padded to 16 bytes. */
export interface PaymentRequest {
  readonly words: Uint32Array;
  readonly at: number;
  readonly institution: number;
  readonly isSale: boolean;
}

const RECORD_WORDS = PAYMENT.size >> 2;

/** What a payment needs to be decided; indexes of accounts, amounts in minor units. */
interface Parties {
  payer: number;
  payee: number;
  campaign: number;
  feeAccount: number;
  amount: number;
  discount: number;
  fee: number;
  tariffLsn: number;
}

export function createPayment(payments: Payments, request: PaymentRequest, reply: ReplyTarget): void {
  const { words, at, isSale } = request;
  const malformed = validatePayment(words, at, isSale);
  if (malformed !== Code.ok) return payments.refuse(reply, malformed);
  const known = payments.find(words, at);
  if (known !== 0) return replayPayment(payments, request, known, reply);
  const { holds } = payments.ledger;
  if (!isSale && holds.capacityMax - holds.count < 2) return payments.refuse(reply, Code.pendingTableFull);

  const parties = emptyParties();
  const refused = findParties(payments, request, parties);
  const event = writeFirstVersion(payments, request, parties.tariffLsn);
  const code = refused !== Code.ok ? refused : moveMoney(payments, isSale, event, parties);
  finishFirstVersion(payments, isSale, event, parties, code);
  payments.answerFirst(reply, event);
}

function emptyParties(): Parties {
  const none = NO_ACCOUNT;
  return { payer: none, payee: none, campaign: none, feeAccount: none, amount: 0, discount: 0, fee: 0, tariffLsn: 0 };
}

/** Finds accounts, discount and fee. In order of precedence; fills `parties` as far as it gets. */
function findParties(payments: Payments, request: PaymentRequest, parties: Parties): number {
  const { ledger } = payments;
  const { accounts } = ledger;
  const { words, at } = request;
  parties.amount = readU64(words, at + PaymentWord.amount);
  const payer = ledger.findAccount(words, at + PaymentWord.payerAccountId);
  if (payer === NO_ACCOUNT) return Code.payerAccountNotFound;
  if (!ledger.mayDebit(payer, request.institution)) return Code.payerAccountForbidden;
  const payee = ledger.findAccount(words, at + PaymentWord.payeeAccountId);
  if (payee === NO_ACCOUNT) {
    return ledger.isElsewhere(words, at + PaymentWord.payeeAccountId)
      ? Code.crossesPartitions
      : Code.payeeAccountNotFound;
  }
  const currency = words[at + PaymentWord.ledger];
  if (accounts.ledger[payer] !== currency || accounts.ledger[payee] !== currency) return Code.currencyMismatch;
  parties.payer = payer;
  parties.payee = payee;
  const refused = findDiscount(payments, request, parties);
  return refused !== Code.ok ? refused : findFee(payments, request, parties);
}

function findDiscount(payments: Payments, request: PaymentRequest, parties: Parties): number {
  const { words, at } = request;
  const campaignAt = at + PaymentWord.campaignId;
  if (isZeroId(words, campaignAt)) return Code.ok;
  const { ledger, entities } = payments;
  const account = ledger.findAccount(words, campaignAt);
  // Only its own institution's customers get an offer: it is debited without being asked again.
  if (account === NO_ACCOUNT || !ledger.mayDebit(account, request.institution)) return Code.campaignNotFound;
  const terms = entities.campaign(account);
  if (terms === undefined) return Code.campaignNotFound;
  if (ledger.accounts.ledger[account] !== words[at + PaymentWord.ledger]) return Code.campaignNotApplicable;
  if (account === parties.payee || account === parties.payer) return Code.campaignNotApplicable;
  const discount = discountOn(parties.amount, terms, ledger.now);
  if (discount === undefined) return Code.campaignNotApplicable;
  parties.campaign = account;
  parties.discount = discount;
  return Code.ok;
}

function findFee(payments: Payments, request: PaymentRequest, parties: Parties): number {
  const { accounts } = payments.ledger;
  const number = accounts.tariff[parties.payee] as number;
  if (number === 0) return Code.ok;
  const tariff = payments.entities.tariff(accounts.owner[parties.payee] as number, number);
  if (tariff === undefined) return Code.tariffNotFound;
  if (tariff.feeAccount === NO_ACCOUNT) return Code.crossesPartitions;
  if (accounts.ledger[tariff.feeAccount] !== accounts.ledger[parties.payee]) return Code.tariffNotFound;
  parties.tariffLsn = tariff.lsn;
  if (tariff.feeAccount === parties.payee) return Code.ok;
  parties.feeAccount = tariff.feeAccount;
  if (request.isSale) parties.fee = feeOn(parties.amount, tariff);
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

/** The legs, all or none. Refusals of the ledger are told in the words of a payment. */
function moveMoney(payments: Payments, isSale: boolean, event: number, parties: Parties): number {
  const { ledger } = payments;
  const { undo } = ledger.books;
  const { end, count } = ledger.events;
  const { payer, payee, campaign, feeAccount, amount, discount, fee } = parties;
  const timeoutS = isSale ? 0 : secondsOf(ledger.events.words, event);

  undo.begin();
  let failed: number = Code.ok;
  if (amount > discount) {
    const payerPart = amount - discount;
    failed = isSale
      ? postLeg(ledger, event, LegRoles.payer, payer, payee, payerPart)
      : holdLeg(ledger, event, LegRoles.payer, payer, payee, payerPart, timeoutS);
    failed = payerLegCode(failed);
  }
  if (failed === Code.ok && discount > 0) {
    failed = isSale
      ? postLeg(ledger, event, LegRoles.campaign, campaign, payee, discount)
      : holdLeg(ledger, event, LegRoles.campaign, campaign, payee, discount, timeoutS);
    failed = campaignLegCode(failed);
  }
  if (failed === Code.ok && fee > 0) {
    failed = payeeLegCode(postLeg(ledger, event, LegRoles.fee, payee, feeAccount, fee));
  }
  if (failed === Code.ok) {
    undo.commit();
    return Code.ok;
  }
  undo.rollback();
  ledger.events.rewind(end, count);
  return failed;
}

function finishFirstVersion(payments: Payments, isSale: boolean, event: number, parties: Parties, code: number): void {
  const { words } = payments.ledger.events;
  const operation = isSale ? PaymentOperations.sale : PaymentOperations.authorise;
  const done = isSale ? PaymentStates.captured : PaymentStates.authorised;
  const state = code === Code.ok ? done : PaymentStates.declined;
  words[event] = ((words[event] as number) & 0xffff) | (code << 16);
  words[event + NewPaymentField.state] = state | (operation << 8) | (code << 16);
  writeU64(words, event + NewPaymentField.discount, code === Code.ok ? parties.discount : 0);
  writeU64(words, event + NewPaymentField.fee, code === Code.ok ? parties.fee : 0);
  linkFirstVersion(payments, event);
}

/** Enters a new payment into the list of its institution, under its reference and under its id. */
function linkFirstVersion(payments: Payments, event: number): void {
  const { events } = payments.ledger;
  const { words } = events;
  const lsn = events.lsnOf(event);
  const institution = words[event + 2] as number;
  writeU64(words, event + NewPaymentField.previousOfInstitution, payments.heads.get(institution) ?? 0);
  payments.heads.set(institution, lsn);
  const bytes = (words[event + PaymentField.referenceLength] as number) & 0xffff;
  let previous = 0;
  if (bytes > 0) {
    const { key, tables } = payments;
    payments.referenceKey(words, event + (PaymentEventByte.newReference >> 2), bytes, institution);
    previous = find(tables.references, key, 0);
    enter(tables.references, key, 0, lsn);
  }
  writeU64(words, event + NewPaymentField.previousOfReference, previous);
  payments.makeCurrent(event);
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
