/** Sale and authorise: the two ways in which a payment begins. */

import { PAYMENT, PaymentFlags, PaymentOperations, PaymentStates, ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { RISK_CONTEXT } from '../../protocol/risk.ts';
import { isPassing } from '../ledger/crossings.ts';
import { EventTypes } from '../ledger/events.ts';
import { AWAITS_CLEARING, AWAITS_TURN } from '../ledger/results.ts';
import { isZeroId, PaymentWord, sameId, writeU64 } from '../ledger/words.ts';
import { Outcomes } from '../risk/rule-set.ts';
import { isCancelledBefore } from './cancel.ts';
import {
  JOINT_PAYMENT_BYTES,
  LinkField,
  NewPaymentField,
  newPaymentEventBytes,
  PaymentEventByte,
  PaymentEventFlags,
  PaymentField,
  StateField,
  writeJointLink,
} from './event.ts';
import { finishFirstVersion } from './first-version.ts';
import { beginJoint, jointPlan, openForPlan, tryJoint } from './joint-payments.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { carryOutLegs, crosses, type Plan } from './plan.ts';
import { findTerms, noTerms, type PaymentRequest, planPayment, type Terms } from './terms.ts';
import { paymentFlags, validatePayment } from './validate.ts';
import { readView64 } from './version.ts';
import { secondsOf } from './versions.ts';

const RECORD_WORDS = PAYMENT.size >> 2;
const CONTEXT_WORDS = RISK_CONTEXT.size >> 2;

/** What is to become of a payment whose legs are allowed: its state, and the code with which it is answered. */
interface Course {
  readonly state: number;
  readonly code: number;
}

const CAPTURE: Course = { state: PaymentStates.captured, code: Code.ok };
const AUTHORISE: Course = { state: PaymentStates.authorised, code: Code.ok };
const HOLD: Course = { state: PaymentStates.held, code: Code.paymentHeld };
const CHALLENGE: Course = { state: PaymentStates.challenged, code: Code.challengeRequired };
const DECLINE: Course = { state: PaymentStates.declined, code: Code.declinedByRisk };

/** The PAYMENT record at word `at`, and what follows it. */
export function paymentRequest(words: Uint32Array, at: number, institution: number, isSale: boolean): PaymentRequest {
  const hasContext = (paymentFlags(words, at) & PaymentFlags.riskContext) !== 0;
  const contextAt = hasContext ? at + RECORD_WORDS : 0;
  const referenceAt = at + RECORD_WORDS + (hasContext ? CONTEXT_WORDS : 0);
  return { words, at, institution, isSale, contextAt, referenceAt };
}

export function createPayment(payments: Payments, request: PaymentRequest, reply: ReplyTarget): void {
  const { words, at, isSale, contextAt } = request;
  const malformed = validatePayment(words, at, contextAt, isSale);
  if (malformed !== Code.ok) return payments.refuse(reply, malformed);
  const holder = payments.locks.holderOf(words, at);
  if (holder !== 0) return payments.postpone(reply, holder, AWAITS_TURN);
  const known = payments.find(words, at);
  if (known !== 0) return replayPayment(payments, request, known, reply);
  if (payments.risk.isBehind) return payments.refuse(reply, Code.busy);
  if (!isSale && !payments.hasRoomToHold) return payments.refuse(reply, Code.pendingTableFull);

  const terms = noTerms();
  const refused = findPayerAndTerms(payments, request, terms);
  payments.risk.describe(request, terms.payer);
  const course = refused !== Code.ok ? declined(refused) : choose(payments, request, terms);
  // There is no room to ask others: nothing is decided, and the same may be sent again.
  if (isPassing(course.code)) return payments.refuse(reply, course.code);
  if (course === HOLD && !payments.hasRoomToHold) return payments.refuse(reply, Code.pendingTableFull);
  if (course === CHALLENGE && !payments.challenges.hasRoom) return payments.refuse(reply, Code.pendingTableFull);
  const plan = planPayment(terms, course.state, secondsOf(words, at - PaymentField.id));
  if (crosses(plan)) return createJoint(payments, request, terms, plan, course, reply);
  payments.codes.keep(words, at);
  const event = writeFirstVersion(payments, request, terms, course);
  const moved = plan.legs.length === 0 ? Code.ok : moveMoney(payments, event, plan);
  const outcome = moved === Code.ok ? course : { state: PaymentStates.declined, code: moved };
  finishFirstVersion(payments, event, operationOf(request), outcome, terms);
  payments.risk.count(outcome.state);
  payments.answerFirst(reply, event);
}

/** What the payer has shown comes first: it stands for him. */
function findPayerAndTerms(payments: Payments, request: PaymentRequest, terms: Terms): number {
  const { words, at, contextAt, institution } = request;
  if (!isByCode(request)) return findTerms(payments, request, terms, institution);
  const { codes } = payments;
  const refused = codes.present(words, at, contextAt);
  if (refused !== Code.ok) return refused;
  const isOneAccount = sameId(words, at + PaymentWord.payerAccountId, words, at + PaymentWord.payeeAccountId);
  return isOneAccount ? Code.accountsMustBeDifferent : findTerms(payments, request, terms, codes.owner);
}

function isByCode({ words, at }: PaymentRequest): boolean {
  return !isZeroId(words, at + PaymentWord.payerCode);
}

function operationOf({ isSale }: PaymentRequest): number {
  return isSale ? PaymentOperations.sale : PaymentOperations.authorise;
}

/** What the risk rules want to become of it. */
function choose(payments: Payments, request: PaymentRequest, terms: Terms): Course {
  const { isSale } = request;
  switch (payments.risk.assess(terms.payer, request.readings)) {
    case Outcomes.decline:
      return DECLINE;
    case Outcomes.review:
    case Outcomes.hold:
      return HOLD;
    case Outcomes.stepUp:
      return challenge(payments, request, terms);
    default:
      if (isByCode(request) && payments.codes.needsConfirmation(terms.amount)) {
        return challenge(payments, request, terms);
      }
      return isSale ? CAPTURE : AUTHORISE;
  }
}

/** Nobody is asked to prove a payment that would be refused all the same. */
function challenge(payments: Payments, request: PaymentRequest, terms: Terms): Course {
  const refused = whyNotPaid(payments, request, terms);
  return refused === Code.ok ? CHALLENGE : declined(refused);
}

function declined(code: number): Course {
  return { state: PaymentStates.declined, code };
}

/** Why the ledger would refuse the payment as things stand, as far as this partition can tell. Nothing stays of it. */
function whyNotPaid(payments: Payments, request: PaymentRequest, terms: Terms): number {
  const { ledger } = payments;
  const { events, books } = ledger;
  const { words, at, isSale } = request;
  const from = at - PaymentField.id;
  const state = isSale ? PaymentStates.captured : PaymentStates.authorised;
  const plan = planPayment(terms, state, secondsOf(words, from));
  // Where its version would stand.
  const version = events.end >> 2;
  if (crosses(plan)) {
    const short = openForPlan(ledger, jointPlan(payments, plan, words, from, 0, terms.feeAccountId));
    if (short !== Code.ok) return short;
    const joint = jointPlan(payments, plan, words, from, events.nextLsn, terms.feeAccountId);
    return tryJoint(payments, version, joint);
  }
  const { end, count } = events;
  books.undo.begin();
  const code = carryOutLegs(ledger, version, plan);
  books.undo.rollback();
  events.rewind(end, count);
  return code;
}

/** A payment with a party elsewhere: tried here, then asked of the others. */
function createJoint(
  payments: Payments,
  request: PaymentRequest,
  terms: Terms,
  plan: Plan,
  course: Course,
  reply: ReplyTarget,
): void {
  const { ledger } = payments;
  const { events } = ledger;
  const { words, at } = request;
  const from = at - PaymentField.id;
  // The clearing accounts come first; the records name the place where the request will be.
  const short = openForPlan(ledger, jointPlan(payments, plan, words, from, 0, terms.feeAccountId));
  if (short !== Code.ok) return payments.refuse(reply, short);
  payments.codes.keep(words, at);
  const joint = jointPlan(payments, plan, words, from, events.nextLsn, terms.feeAccountId);
  const event = writeFirstVersion(payments, request, terms, course);
  const code = tryJoint(payments, event, joint);
  if (code !== Code.ok) {
    const outcome = { state: PaymentStates.declined, code };
    finishFirstVersion(payments, event, operationOf(request), outcome, terms);
    payments.risk.count(outcome.state);
    return payments.answerFirst(reply, event);
  }
  const out = events.words;
  out[event + NewPaymentField.state] = course.state | (operationOf(request) << 8) | (course.code << 16);
  out[event + NewPaymentField.reserved] = terms.payeeInstitution;
  writeU64(out, event + NewPaymentField.discount, terms.discount);
  writeU64(out, event + NewPaymentField.fee, terms.fee);
  writeU64(out, event + NewPaymentField.previousOfInstitution, 0);
  writeU64(out, event + NewPaymentField.previousOfReference, 0);
  // Counted from now on, so that two that are under way cannot both stay within a limit. One that is refused elsewhere stays counted.
  payments.risk.count(course.state);
  payments.postpone(reply, beginJoint(payments, event, joint, 0), AWAITS_CLEARING);
}

/** @param course what is to become of it: a challenged payment says whose its payee is, as one does that several partitions made */
function writeFirstVersion(payments: Payments, request: PaymentRequest, terms: Terms, course: Course): number {
  const { words, at, institution, contextAt, referenceAt } = request;
  const { risk } = payments;
  const { events, now } = payments.ledger;
  const untilTail = newPaymentEventBytes((words[at + PaymentWord.referenceLength] as number) & 0xffff);
  const namesPayee = course.state === PaymentStates.challenged && terms.payeeInstitution !== 0;
  const contextBytes = contextAt === 0 ? 0 : RISK_CONTEXT.size;
  const length = untilTail + contextBytes + risk.decisionBytes + (namesPayee ? JOINT_PAYMENT_BYTES : 0);
  const flags =
    PaymentEventFlags.current |
    (risk.decisionBytes === 0 ? 0 : PaymentEventFlags.assessed) |
    (namesPayee ? PaymentEventFlags.joint : 0);
  const event = events.append(EventTypes.newPayment, flags, Code.ok, length, institution);
  const out = events.words;
  copyWords(words, at, out, event + PaymentField.id, RECORD_WORDS);
  const tail = event + (untilTail >> 2);
  const reference = event + (PaymentEventByte.newReference >> 2);
  copyWords(words, referenceAt, out, reference, tail - reference);
  if (contextAt !== 0) copyWords(words, contextAt, out, tail, CONTEXT_WORDS);
  risk.writeDecision(out, tail + (contextBytes >> 2));
  if (namesPayee) writeJointLink(out, event + (length >> 2), 0, terms.payeeInstitution);
  writeU64(out, event + PaymentField.timestamp, now);
  out[event + NewPaymentField.reserved] = 0;
  writeU64(out, event + NewPaymentField.tariff, terms.tariffLsn);
  return event;
}

function copyWords(from: Uint32Array, at: number, to: Uint32Array, word: number, count: number): void {
  for (let index = 0; index < count; index++) to[word + index] = from[at + index] as number;
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
  if (isCancelledBefore(first)) return refuseCancelled(payments, request, first, reply);
  const difference = comparePayment(request, first);
  if (difference !== Code.ok) return payments.refuse(reply, difference);
  payments.answerAgain(reply, first);
}

/** Whatever the payment says, it is the one that was cancelled. */
function refuseCancelled(payments: Payments, request: PaymentRequest, first: DataView, reply: ReplyTarget): void {
  if (first.getUint32(8, true) !== request.institution) return payments.refuse(reply, Code.existsWithDifferentOwner);
  payments.answerStored(reply, first, ResultFlags.replayed, Code.cancelledBefore);
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
  if (differs(PaymentWord.payerCode, 4)) return Code.existsWithDifferentPayer;
  // Who it was, the code has said.
  if (!isByCode(request) && differs(PaymentWord.payerAccountId, 4)) return Code.existsWithDifferentPayer;
  if (differs(PaymentWord.payeeAccountId, 4)) return Code.existsWithDifferentPayee;
  if (differs(PaymentWord.amount, 2)) return Code.existsWithDifferentAmount;
  if (differs(PaymentWord.campaignId, 4)) return Code.existsWithDifferentCampaign;
  if (differs(PaymentWord.userData64, 2)) return Code.existsWithDifferentUserData64;
  if (differs(PaymentWord.expiresAfterS, 1)) return Code.existsWithDifferentExpiry;
  if (differs(PaymentWord.ledger, 1)) return Code.existsWithDifferentLedger;
  // The other half says what else was sent along: where a payment comes from may differ when it is sent again.
  if (((words[at + PaymentWord.code] as number) & 0xffff) !== stored.getUint16(PaymentField.code * 4, true)) {
    return Code.existsWithDifferentCode;
  }
  if (differs(PaymentWord.referenceLength, 1)) return Code.existsWithDifferentReference;
  for (let word = 0; word * 4 < bytes; word++) {
    const kept = stored.getUint32(PaymentEventByte.reference + word * 4, true);
    if (words[request.referenceAt + word] !== kept) return Code.existsWithDifferentReference;
  }
  return Code.ok;
}
