/**
 * The versions of a payment in the journal, each complete in itself. The newest one is found through the `payments` index, the
 * one that an operation made through `operations`, so the first answer can be given again for ever.
 *
 *   newPayment := prefix (16) ‖ PAYMENT (128) ‖ NEW_PAYMENT (48) ‖ reference, padded to 16
 *                 [ ‖ RISK_CONTEXT (64) ] [ ‖ decision of the risk rules ] [ ‖ JOINT_PAYMENT (16) ]
 *   payment    := prefix (16) ‖ PAYMENT (128) ‖ PAYMENT_STATE (96) ‖ PAYMENT_OPERATION (64) ‖ PAYMENT_LINKS (64) ‖ reference
 *
 * The first version is short: most payments have no other, and the rest follows from what it says. Whoever reads one gets the
 * long form (`Versions`).
 */
import { layout } from '../../protocol/layout.ts';
import { PAYMENT, PAYMENT_OPERATION, PAYMENT_STATE } from '../../protocol/records.ts';
import { EVENT_PREFIX_BYTES } from '../ledger/events.ts';
import { writeU64 } from '../ledger/words.ts';

/** Positions (LSN) of other events that a version needs; 0 = none. Never leaves the engine. */
const PAYMENT_LINKS = layout('paymentLinks', 64, {
  /** The version that created the payment; 0 in that version itself. */
  firstVersion: [0, 'u64'],
  /** The payment that the same institution created before. */
  previousOfInstitution: [8, 'u64'],
  /** The payment created before with the same reference. */
  previousOfReference: [16, 'u64'],
  payerHold: [24, 'u64'],
  campaignHold: [32, 'u64'],
  /** The fee schedule that was in force when the payment was authorised. */
  tariff: [40, 'u64'],
  /** The request by which partitions authorised it together; 0 when all its accounts are in one. */
  joint: [48, 'u64'],
  /** Institution of a payee that lives in another partition; 0 = it lives here. */
  payeeInstitution: [56, 'u64'],
});

/** At the end of a first version that several partitions made together, or will when it is confirmed: as in PAYMENT_LINKS. */
const JOINT_PAYMENT = layout('jointPayment', 16, { joint: [0, 'u64'], payeeInstitution: [8, 'u64'] });

/** What the first version says beside the request. */
const NEW_PAYMENT = layout('newPayment', 48, {
  /** As in PAYMENT_STATE; so are `operation` and `code`. */
  state: [0, 'u8'],
  operation: [1, 'u8'],
  code: [2, 'u16'],
  reserved: [4, 'u32'],
  /** The campaign's part of the amount, and the fee that a sale took; both 0 when it was declined. */
  discount: [8, 'u64'],
  fee: [16, 'u64'],
  /** As in PAYMENT_LINKS. */
  previousOfInstitution: [24, 'u64'],
  previousOfReference: [32, 'u64'],
  tariff: [40, 'u64'],
});

const PAYMENT_AT = EVENT_PREFIX_BYTES;
const STATE_AT = PAYMENT_AT + PAYMENT.size;
const OPERATION_AT = STATE_AT + PAYMENT_STATE.size;
const LINKS_AT = OPERATION_AT + PAYMENT_OPERATION.size;
const REFERENCE_AT = LINKS_AT + PAYMENT_LINKS.size;
const NEW_AT = PAYMENT_AT + PAYMENT.size;
const NEW_REFERENCE_AT = NEW_AT + NEW_PAYMENT.size;

/** Byte offsets in the event. */
export const PaymentEventByte = {
  payment: PAYMENT_AT,
  state: STATE_AT,
  operation: OPERATION_AT,
  links: LINKS_AT,
  reference: REFERENCE_AT,
  /** In the short form. */
  newReference: NEW_REFERENCE_AT,
} as const;

function wordsFrom<T extends Readonly<Record<string, number>>>(
  base: number,
  at: T,
): { readonly [K in keyof T]: number } {
  return Object.fromEntries(Object.entries(at).map(([field, offset]) => [field, (base + offset) >> 2])) as {
    readonly [K in keyof T]: number;
  };
}

/** Word offsets of every field, counted from the first word of the event. */
export const PaymentField = wordsFrom(PAYMENT_AT, PAYMENT.at);
export const StateField = wordsFrom(STATE_AT, PAYMENT_STATE.at);
export const OperationField = wordsFrom(OPERATION_AT, PAYMENT_OPERATION.at);
export const LinkField = wordsFrom(LINKS_AT, PAYMENT_LINKS.at);

export const NewPaymentField = wordsFrom(NEW_AT, NEW_PAYMENT.at);

/** Flags in the prefix of a payment event. */
export const PaymentEventFlags = {
  /** Is how the payment stands from now on; a refused operation is kept without this. */
  current: 2,
  /** A first version that ends with JOINT_PAYMENT. */
  joint: 4,
  /** A first version that risk rules looked at: see ../risk/decision.ts. */
  assessed: 8,
} as const;

export const JOINT_PAYMENT_BYTES = JOINT_PAYMENT.size;
/** Words of JOINT_PAYMENT. */
export const JointPaymentWord = { joint: 0, payeeInstitution: 2 } as const;

/** Ends the event that ends at word `end` with a JOINT_PAYMENT. */
export function writeJointLink(words: Uint32Array, end: number, joint: number, payeeInstitution: number): void {
  const at = end - (JOINT_PAYMENT_BYTES >> 2);
  writeU64(words, at + JointPaymentWord.joint, joint);
  writeU64(words, at + JointPaymentWord.payeeInstitution, payeeInstitution);
}

/** Bytes of a payment event, of a payment with a reference of this many bytes. */
export function paymentEventBytes(referenceLength: number): number {
  return REFERENCE_AT + padded(referenceLength);
}

/** The same in the short form. */
export function newPaymentEventBytes(referenceLength: number): number {
  return NEW_REFERENCE_AT + padded(referenceLength);
}

/** Bytes from the start of a first version to what follows its reference. `words`: the event, from word `at`. */
export function endOfReference(words: Uint32Array, at: number): number {
  return newPaymentEventBytes((words[at + PaymentField.referenceLength] as number) & 0xffff);
}

function padded(referenceLength: number): number {
  return (referenceLength + 15) & ~15;
}
