/**
 * Payments whose parties live in several partitions: see ledger/joint.ts for how these carry out the legs together. The payment lives
 * with its payer. Its request keeps a draft of the version that it will make; the legs that are booked here have the clearing
 * accounts in place of whom lives elsewhere. Until it is settled the payment is locked.
 */
import { COMMANDS, type CommandName } from '../../protocol/commands.ts';
import { PaymentOperationFlags, PaymentOperations, PaymentStates, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { clearingAccount, sideOf } from '../ledger/clearing.ts';
import { isPassing } from '../ledger/crossings.ts';
import { EventTypes } from '../ledger/events.ts';
import { NO_HOLD } from '../ledger/holds.ts';
import { holdRequest, isBookedHere, settleJoint, writeJoint } from '../ledger/joint.ts';
import { type JointEvent, JointFlags, JointKinds, PLACE_WORD, RECORD_WORDS } from '../ledger/joint-event.ts';
import { find } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { LegRoles } from '../ledger/leg-event.ts';
import { findLegHold, moveLeg, pendLeg, releaseLegHold, settleLeg, writeEngineId } from '../ledger/legs.ts';
import { transferFlags } from '../ledger/validate.ts';
import { readU64, TransferWord, writeU64 } from '../ledger/words.ts';
import { confirmed } from './confirm.ts';
import {
  JOINT_PAYMENT_BYTES,
  LinkField,
  NewPaymentField,
  OperationField,
  PaymentEventFlags,
  PaymentField,
  StateField,
  writeJointLink,
} from './event.ts';
import { finishFirstVersion } from './first-version.ts';
import { keepRefused } from './operation-record.ts';
import type { Payments, ReplyTarget } from './payments.ts';
import { heldBy, type Leg, LegActions, legCode, type Plan, PlanKinds, tryLeg } from './plan.ts';
import { readView64 } from './version.ts';
import { secondsOf } from './versions.ts';

const { pending, postPending, voidPending, keepRemainder } = TransferFlags;
const ENDS = postPending | voidPending;
const PREFIX_WORDS = 4;
/** What they ask of other partitions is a refund, except where a cancellation took the rest. */
const REFUNDS: ReadonlySet<number> = new Set([
  PaymentOperations.refund,
  PaymentOperations.revert,
  PaymentOperations.cancel,
]);

/** A plan that needs other partitions, and the records of its legs: as the others get them. */
export interface JointPlan {
  readonly plan: Plan;
  readonly records: Uint32Array;
}

/**
 * Makes the records of a plan, for a request at position `lsn`. `words` holds a version of the payment from word `version`.
 *
 * @param feeAccountId four words; needed when a leg has the fee account
 */
export function jointPlan(
  payments: Payments,
  plan: Plan,
  words: Uint32Array,
  version: number,
  lsn: number,
  feeAccountId: Uint32Array | undefined,
): JointPlan {
  const { ledger } = payments;
  const records = new Uint32Array(plan.legs.length * RECORD_WORDS);
  const idOf = (party: number): Uint32Array => partyId(words, version, party, feeAccountId);
  for (const [place, leg] of plan.legs.entries()) {
    const at = place * RECORD_WORDS;
    const flags = recordFlags(ledger, leg);
    writeEngineId(records, at, ledger.place.partition, lsn + 1 + place);
    records.set(idOf(leg.debit), at + TransferWord.debitAccountId);
    records.set(idOf(leg.credit), at + TransferWord.creditAccountId);
    writeU64(records, at + TransferWord.amount, leg.amount > 0 ? leg.amount : leg.released);
    if ((flags & ENDS) !== 0) writeHoldId(payments, words, version, leg, records, at + TransferWord.pendingId);
    records.set(
      words.subarray(version + PaymentField.id, version + PaymentField.id + 4),
      at + TransferWord.userData128,
    );
    records[at + TransferWord.userData32] = leg.role;
    records[at + TransferWord.ledger] = words[version + PaymentField.ledger] as number;
    records[at + TransferWord.code] = ((words[version + PaymentField.code] as number) & 0xffff) | (flags << 16);
    records[at + PLACE_WORD] = place;
  }
  return { plan, records };
}

function partyId(
  words: Uint32Array,
  version: number,
  party: number,
  feeAccountId: Uint32Array | undefined,
): Uint32Array {
  const fields = [PaymentField.payerAccountId, PaymentField.payeeAccountId, PaymentField.campaignId];
  const field = fields[party];
  if (field !== undefined) return words.subarray(version + field, version + field + 4);
  if (feeAccountId === undefined) throw new Error('a leg of a fee has no account');
  return feeAccountId;
}

function recordFlags(ledger: Ledger, leg: Leg): number {
  if (leg.action === LegActions.post) return 0;
  if (leg.action === LegActions.hold) return pending;
  if (leg.amount === 0) return voidPending;
  return leg.amount + leg.released < heldBy(ledger, leg.hold) ? postPending | keepRemainder : postPending;
}

/** Id under which the others hold what a leg settles: its place in the request that authorised the payment. */
function writeHoldId(
  payments: Payments,
  words: Uint32Array,
  version: number,
  leg: Leg,
  records: Uint32Array,
  at: number,
): void {
  const request = readU64(words, version + LinkField.joint);
  // All its accounts were here, so nobody else holds it.
  if (request === 0) return;
  const isSecond = leg.role === LegRoles.campaign && readU64(words, version + LinkField.payerHold) !== 0;
  writeEngineId(records, at, payments.ledger.place.partition, request + (isSecond ? 2 : 1));
}

/** Opens the clearing accounts that a plan needs, before it is tried. `accountTableFull` when one cannot be opened. */
export function openForPlan(ledger: Ledger, { records, plan }: JointPlan): number {
  const { clearing, holds } = ledger;
  if (plan.legs.length > holds.capacityMax - holds.count || clearing.full) return Code.pendingTableFull;
  for (let place = 0; place < plan.legs.length; place++) {
    const at = place * RECORD_WORDS;
    if (!isBookedHere(ledger, records, at)) continue;
    for (const field of [TransferWord.debitAccountId, TransferWord.creditAccountId]) {
      if (!ledger.isElsewhere(records, at + field)) continue;
      const peer = clearing.homeOf(records, at + field);
      if (clearingAccount(ledger, peer, records[at + TransferWord.ledger] as number) === NO_ACCOUNT) {
        return Code.accountTableFull;
      }
    }
  }
  return Code.ok;
}

/** Tries the legs that are booked here for the version at word `version`, and takes everything back. */
export function tryJoint(payments: Payments, version: number, { plan, records }: JointPlan): number {
  const { ledger } = payments;
  const { undo } = ledger.books;
  const { end, count } = ledger.events;
  let code: number = Code.ok;
  undo.begin();
  for (let place = 0; place < plan.legs.length && code === Code.ok; place++) {
    const at = place * RECORD_WORDS;
    const leg = plan.legs[place] as Leg;
    if (!isBookedHere(ledger, records, at)) continue;
    const debit = sideOf(ledger, records, at, TransferWord.debitAccountId);
    const credit = sideOf(ledger, records, at, TransferWord.creditAccountId);
    code = legCode(plan.kind, leg.role, tryLeg(ledger, version, plan, leg, debit, credit));
  }
  undo.rollback();
  ledger.events.rewind(end, count);
  return code;
}

/**
 * Puts the request in place of the version at word `version`, the last event, which becomes its draft. Returns its position, by
 * which the answer is waited for.
 *
 * @param about the payment's newest version; 0 when it is new
 */
export function beginJoint(payments: Payments, version: number, { plan, records }: JointPlan, about: number): number {
  const { ledger, locks } = payments;
  const { events } = ledger;
  const draft = events.words.slice(version, events.end >> 2);
  events.rewind(version * 4, events.count - 1);
  const isNew = plan.kind === PlanKinds.create;
  const following = plan.kind === PlanKinds.capture ? JointFlags.following : 0;
  const count = plan.legs.length;
  const lsn = writeJoint(ledger, {
    kind: JointKinds.request,
    code: Code.ok,
    flags: isNew ? JointFlags.newPayment : following,
    institution: draft[2] as number,
    about,
    culprit: 0,
    count,
    records,
    draft,
  });
  holdRequest(ledger, records, 0, count, lsn);
  lockDraft(locks, draft, lsn);
  return lsn;
}

/** Has the other partitions follow what the version at word `at` gave back; returns the position of the order. */
export function orderRelease(payments: Payments, plan: Plan, at: number, isExpiry: boolean): number {
  const { ledger } = payments;
  const { events } = ledger;
  const { records } = jointPlan(payments, plan, events.words, at, events.nextLsn, undefined);
  for (let record = TransferWord.code; isExpiry && record < records.length; record += RECORD_WORDS) {
    records[record] = (records[record] as number) | (TransferFlags.expired << 16);
  }
  return writeJoint(ledger, {
    kind: JointKinds.order,
    code: Code.ok,
    flags: 0,
    institution: events.words[at + 2] as number,
    about: events.lsnOf(at),
    culprit: 0,
    count: plan.legs.length,
    records,
    draft: new Uint32Array(0),
  });
}

/** Locks what the request at `lsn` is about. */
export function lockDraft(locks: Payments['locks'], draft: Uint32Array, lsn: number): void {
  if (draft.length === 0) return;
  locks.hold(draft, PaymentField.id, lsn);
  if (!isNewDraft(draft)) locks.hold(draft, OperationField.id, lsn);
}

export function isNewDraft(draft: Uint32Array): boolean {
  return ((draft[0] as number) & 0xff) === EventTypes.newPayment;
}

export function operationOf(draft: Uint32Array): number {
  const field = isNewDraft(draft) ? NewPaymentField.state : StateField.state;
  return ((draft[field] as number) >>> 8) & 0xff;
}

/** Settles the request at `lsn`: makes its version, or keeps why it was refused. */
export function settlePayment(payments: Payments, lsn: number, joint: JointEvent, code: number, culprit: number): void {
  const { ledger, locks } = payments;
  settleJoint(ledger, lsn, joint.institution);
  for (let place = 0; place < joint.count; place++) releaseLegHold(ledger, lsn + 1 + place);
  locks.release(lsn);
  if (!isPassing(code)) {
    const told = code === Code.ok ? Code.ok : refusalOf(joint, culprit, code);
    if (isNewDraft(joint.draft)) settleNew(payments, lsn, joint, told);
    else settleOperation(payments, lsn, joint, told);
  }
  remindOfExpiry(payments, joint.draft);
}

/** Another partition's refusal in the words of a payment. */
function refusalOf({ records, draft }: JointEvent, culprit: number, code: number): number {
  const role = records[culprit * RECORD_WORDS + TransferWord.userData32] as number;
  const operation = operationOf(draft);
  const tookRest = ((draft[OperationField.flags] as number) & PaymentOperationFlags.tookRest) !== 0;
  if (REFUNDS.has(operation) && !tookRest) return legCode(PlanKinds.refund, role, code);
  const isOtherLedger = code === Code.accountsMustHaveTheSameLedger;
  if (role === LegRoles.campaign) {
    if (code === Code.debitAccountNotFound || code === Code.debitAccountForbidden) return Code.campaignNotFound;
    if (isOtherLedger) return Code.campaignNotApplicable;
  }
  if (role === LegRoles.fee && (isOtherLedger || code === Code.creditAccountNotFound)) return Code.tariffNotFound;
  return legCode(PlanKinds.create, role, code);
}

function settleNew(payments: Payments, lsn: number, joint: JointEvent, code: number): void {
  const { events, now } = payments.ledger;
  const { draft } = joint;
  const length = draft.length * 4 + JOINT_PAYMENT_BYTES;
  const flags = (((draft[0] as number) >>> 8) & 0xff) | PaymentEventFlags.joint;
  const event = events.append(EventTypes.newPayment, flags, Code.ok, length, draft[2] as number);
  const { words } = events;
  words.set(draft.subarray(PREFIX_WORDS), event + PREFIX_WORDS);
  writeJointLink(words, event + (length >> 2), lsn, draft[NewPaymentField.reserved] as number);
  words[event + NewPaymentField.reserved] = 0;
  writeU64(words, event + PaymentField.timestamp, now);
  if (code === Code.ok) forceLegs(payments.ledger, event, joint, secondsOf(draft, 0));
  const discount = readU64(draft, NewPaymentField.discount);
  const fee = readU64(draft, NewPaymentField.fee);
  const planned = draft[NewPaymentField.state] as number;
  const outcome =
    code === Code.ok ? { state: planned & 0xff, code: planned >>> 16 } : { state: PaymentStates.declined, code };
  finishFirstVersion(payments, event, operationOf(draft), outcome, { discount, fee });
}

function settleOperation(payments: Payments, lsn: number, joint: JointEvent, code: number): void {
  const { events, now } = payments.ledger;
  const { draft } = joint;
  if (code !== Code.ok) {
    const institution = draft[OperationField.institution] as number;
    const request = { words: draft, at: OperationField.id, institution, operation: operationOf(draft) };
    keepRefused(payments, joint.about, request, code);
    return;
  }
  const length = draft.length * 4;
  const event = events.append(EventTypes.payment, PaymentEventFlags.current, Code.ok, length, draft[2] as number);
  const { words } = events;
  words.set(draft.subarray(PREFIX_WORDS), event + PREFIX_WORDS);
  writeU64(words, event + StateField.updatedAt, now);
  writeU64(words, event + OperationField.timestamp, now);
  const isConfirm = operationOf(draft) === PaymentOperations.confirm;
  if (isConfirm) writeU64(words, event + LinkField.joint, lsn);
  forceLegs(payments.ledger, event, joint, isConfirm ? secondsOf(draft, 0) : 0);
  payments.makeCurrent(event);
  if (isConfirm) confirmed(payments, event);
  payments.rememberOperation(event);
}

/** Carries out the legs that are booked here; they were judged when the request was made, and held since. */
function forceLegs(ledger: Ledger, event: number, { records, count, draft }: JointEvent, timeoutS: number): void {
  for (let place = 0; place < count; place++) {
    const at = place * RECORD_WORDS;
    if (!isBookedHere(ledger, records, at)) continue;
    const flags = transferFlags(records, at);
    const role = records[at + TransferWord.userData32] as number;
    const amount = readU64(records, at + TransferWord.amount);
    const debit = sideOf(ledger, records, at, TransferWord.debitAccountId);
    const credit = sideOf(ledger, records, at, TransferWord.creditAccountId);
    if ((flags & pending) !== 0) {
      pendLeg(ledger, event, role, debit, credit, amount, timeoutS);
    } else if ((flags & ENDS) === 0) {
      moveLeg(ledger, event, role, debit, credit, amount);
    } else {
      const hold = readU64(draft, role === LegRoles.campaign ? LinkField.campaignHold : LinkField.payerHold);
      const posted = (flags & postPending) !== 0 ? amount : 0;
      const released = (flags & keepRemainder) !== 0 ? 0 : heldBy(ledger, hold) - posted;
      settleLeg(ledger, event, role, hold, posted, released, false);
    }
  }
}

/** Sets the timers again that came up while the payment was locked. */
function remindOfExpiry(payments: Payments, draft: Uint32Array): void {
  const { ledger } = payments;
  // A dry run sets no timers.
  if (ledger.books.undo.recording) return;
  const lsn = payments.find(draft, PaymentField.id);
  if (lsn === 0) return;
  const version = payments.versions.read(lsn);
  const slots = [LinkField.payerHold, LinkField.campaignHold]
    .map((field) => readView64(version, field))
    .filter((hold) => hold !== 0)
    .map((hold) => findLegHold(ledger, hold));
  for (const slot of slots) {
    if (slot === NO_HOLD || (ledger.holds.deadline[slot] as number) > ledger.now) continue;
    ledger.books.undo.scheduleExpiry(slot);
  }
}

const COMMAND_OF: Readonly<Record<number, CommandName>> = {
  [PaymentOperations.sale]: 'sale',
  [PaymentOperations.authorise]: 'authorise',
  [PaymentOperations.capture]: 'capture',
  [PaymentOperations.void]: 'void',
  [PaymentOperations.refund]: 'refund',
  [PaymentOperations.revert]: 'revert',
  [PaymentOperations.release]: 'release',
  [PaymentOperations.confirm]: 'confirm',
  [PaymentOperations.cancel]: 'cancelPayment',
};

/** Kind of the command that a request or an order answers; undefined for an expiry, that nobody waits for. */
export function jointCommand(payments: Payments, joint: JointEvent): number | undefined {
  const operation =
    joint.kind === JointKinds.order
      ? payments.versions.read(joint.about).getUint8(StateField.state * 4 + 1)
      : operationOf(joint.draft);
  const name = COMMAND_OF[operation];
  return name === undefined ? undefined : COMMANDS[name].kind;
}

/** Writes the answer that was waited for: RESULT and PAYMENT_STATE. */
export function jointResult(payments: Payments, joint: JointEvent, code: number, reply: ReplyTarget): void {
  if (isPassing(code)) return payments.refuse(reply, code);
  payments.answerStored(reply, payments.versions.read(madeBy(payments, joint)), 0);
}

/** Position of the version that a request or an order made. */
function madeBy(payments: Payments, { kind, about, draft }: JointEvent): number {
  if (kind === JointKinds.order) return about;
  if (isNewDraft(draft)) return payments.find(draft, PaymentField.id);
  return find(payments.tables.operations, draft, OperationField.id);
}
