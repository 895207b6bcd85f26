/** Reading versions of payments: every version in the long form, whichever it is stored in. */
import { LIMITS } from '../../protocol/limits.ts';
import { PAYMENT, PaymentStates } from '../../protocol/records.ts';
import { LSN_UNIT_BYTES } from '../journal/header.ts';
import { type EventLog, EventTypes, eventView } from '../ledger/events.ts';
import { LEG_EVENT_BYTES } from '../ledger/leg-event.ts';
import { readU64, writeU64 } from '../ledger/words.ts';
import { NEW_PAYMENT_BYTES_MAX } from '../risk/decision.ts';
import {
  endOfReference,
  JOINT_PAYMENT_BYTES,
  JointPaymentWord,
  LinkField,
  NewPaymentField,
  PaymentEventByte,
  PaymentEventFlags,
  PaymentField,
  paymentEventBytes,
  StateField,
} from './event.ts';

const MICROS_PER_SECOND = 1_000_000;
const RECORD_WORDS = PAYMENT.size >> 2;
const STATE_WORDS = (PaymentEventByte.operation - PaymentEventByte.state) >> 2;

export class Versions {
  readonly #events: EventLog;
  /** A first version as it is stored, aligned, and in the long form. */
  readonly #short = new Uint32Array(NEW_PAYMENT_BYTES_MAX >> 2);
  readonly #shortBytes = new Uint8Array(this.#short.buffer);
  readonly #long = new Uint32Array(paymentEventBytes(LIMITS.referenceBytesMax) >> 2);

  constructor(events: EventLog) {
    this.#events = events;
  }

  /** The version at a position, as a view of the long form that is valid until the next read. */
  read(lsn: number): DataView {
    return this.#lengthened(this.#events.read(lsn), lsn);
  }

  /** The first version at a position that came from outside; undefined when there is none. */
  readFirstUntrusted(lsn: number): DataView | undefined {
    const event = this.#events.readUntrusted(lsn, EventTypes.newPayment, PaymentEventByte.newReference);
    return event === undefined ? undefined : this.#lengthened(event, lsn);
  }

  #lengthened(event: DataView, lsn: number): DataView {
    if (event.getUint8(0) !== EventTypes.newPayment) return event;
    this.#shortBytes.set(new Uint8Array(event.buffer, event.byteOffset, event.byteLength));
    lengthen(this.#short, 0, lsn, this.#long);
    return eventView(new Uint8Array(this.#long.buffer), 0);
  }
}

/** Writes the long form of the first version at word `at`, stored at `lsn`, into `out`. */
export function lengthen(words: Uint32Array, at: number, lsn: number, out: Uint32Array): void {
  const length = words[at + 1] as number;
  const isJoint = (((words[at] as number) >>> 8) & PaymentEventFlags.joint) !== 0;
  const referenceBytes = endOfReference(words, at) - PaymentEventByte.newReference;
  out.fill(0);
  out[0] = EventTypes.payment | (PaymentEventFlags.current << 8) | ((words[at] as number) & 0xffff_0000);
  out[1] = PaymentEventByte.reference + referenceBytes;
  out[2] = words[at + 2] as number;
  out.set(words.subarray(at + PaymentField.id, at + PaymentField.id + RECORD_WORDS), PaymentField.id);
  writeFirstState(words, at, out, StateField.state);
  copyPair(words, at + NewPaymentField.previousOfInstitution, out, LinkField.previousOfInstitution);
  copyPair(words, at + NewPaymentField.previousOfReference, out, LinkField.previousOfReference);
  copyPair(words, at + NewPaymentField.tariff, out, LinkField.tariff);
  if (isJoint) {
    const tail = at + ((length - JOINT_PAYMENT_BYTES) >> 2);
    copyPair(words, tail + JointPaymentWord.joint, out, LinkField.joint);
    copyPair(words, tail + JointPaymentWord.payeeInstitution, out, LinkField.payeeInstitution);
  }
  writeHolds(words, at, lsn + length / LSN_UNIT_BYTES, out);
  const reference = (at * 4 + PaymentEventByte.newReference) >> 2;
  out.set(words.subarray(reference, reference + (referenceBytes >> 2)), PaymentEventByte.reference >> 2);
}

/** Writes the PAYMENT_STATE of the first version at word `at` to word `to` of `out`. */
export function writeFirstState(words: Uint32Array, at: number, out: Uint32Array, to: number): void {
  const head = words[at + NewPaymentField.state] as number;
  const state = head & 0xff;
  const shift = to - StateField.state;
  for (let word = 0; word < STATE_WORDS; word++) out[to + word] = 0;
  out[to] = head;
  out[shift + StateField.version] = 1;
  copyPair(words, at + PaymentField.timestamp, out, shift + StateField.createdAt);
  copyPair(words, at + PaymentField.timestamp, out, shift + StateField.updatedAt);
  if (state === PaymentStates.declined) return;
  copyPair(words, at + NewPaymentField.discount, out, shift + StateField.discount);
  if (state === PaymentStates.captured) {
    copyPair(words, at + PaymentField.amount, out, shift + StateField.captured);
    copyPair(words, at + NewPaymentField.discount, out, shift + StateField.discountCaptured);
    copyPair(words, at + NewPaymentField.fee, out, shift + StateField.feeCharged);
    return;
  }
  // Holds end at the same time: their timers end the payment.
  const seconds = state === PaymentStates.challenged ? LIMITS.challengeSeconds : secondsOf(words, at);
  const timestamp = readU64(words, at + PaymentField.timestamp);
  writeU64(out, shift + StateField.expiresAt, timestamp + seconds * MICROS_PER_SECOND);
}

/** Life of an authorisation, from its first version. */
export function secondsOf(words: Uint32Array, at: number): number {
  return words[at + PaymentField.expiresAfterS] || LIMITS.authorisationSecondsDefault;
}

/** The holds of a payment follow the version that made them: the payer's part, then the campaign's. */
function writeHolds(words: Uint32Array, at: number, next: number, out: Uint32Array): void {
  const state = (words[at + NewPaymentField.state] as number) & 0xff;
  if (state !== PaymentStates.authorised && state !== PaymentStates.held) return;
  linkHolds(out, 0, next, readU64(words, at + PaymentField.amount), readU64(words, at + NewPaymentField.discount));
}

/** Writes into the version at word `at` where its holds are: from position `next` on. */
export function linkHolds(words: Uint32Array, at: number, next: number, amount: number, discount: number): void {
  const hasPayerPart = amount > discount;
  if (hasPayerPart) writeU64(words, at + LinkField.payerHold, next);
  if (discount === 0) return;
  writeU64(words, at + LinkField.campaignHold, hasPayerPart ? next + LEG_EVENT_BYTES / LSN_UNIT_BYTES : next);
}

function copyPair(from: Uint32Array, at: number, to: Uint32Array, word: number): void {
  to[word] = from[at] as number;
  to[word + 1] = from[at + 1] as number;
}
