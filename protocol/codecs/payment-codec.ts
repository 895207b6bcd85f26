/**
 * sale, authorise:        PAYMENT, RISK_CONTEXT?, reference     → RESULT, PAYMENT_STATE (zeros when there is no payment)
 * capture, void, refund, revert, release:  PAYMENT_OPERATION          → the same
 * confirm:                PAYMENT_OPERATION, proof              → the same
 * cancelPayment:          PAYMENT_CANCELLATION                  → the same
 */

import { PAYMENT_CANCELLATION } from '../cancellation.ts';
import { LIMITS } from '../limits.ts';
import type { PaymentOperationName, PaymentStateName } from '../records.ts';
import {
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_STATE,
  PaymentFlags,
  PaymentOperations,
  PaymentStates,
  RESULT,
} from '../records.ts';
import type { ResultName } from '../results.ts';
import { RISK_CONTEXT } from '../risk.ts';
import { DecodeError, EncodeError } from './codec-error.ts';
import { buildFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { needBytes, type Visible, writeRecord } from './record-codec.ts';
import { nameOfCode, type Result, readResult } from './result-codec.ts';
import { type RiskContextInput, writeRiskContext } from './risk-codec.ts';

type PaymentFields = Omit<Visible<(typeof PAYMENT)['fields']>, 'referenceLength' | 'flags'>;

/** A payment as it was asked for. */
export type Payment = PaymentFields & {
  /** The client's own name for it; may be empty. */
  readonly reference: string;
};

type PaymentHead = Pick<Payment, 'id' | 'payeeAccountId' | 'amount' | 'ledger' | 'code'> &
  Partial<Pick<Payment, 'campaignId' | 'userData64' | 'expiresAfterS' | 'reference'>>;

/** From an account that the caller's institution may debit. */
export type AccountPaymentInput = PaymentHead & {
  readonly payerAccountId: bigint;
  readonly payerCode?: undefined;
  /** For the risk rules. */
  readonly risk?: RiskContextInput;
};

/** From whoever has shown a code. */
export type CodePaymentInput = PaymentHead & {
  readonly payerAccountId?: undefined;
  /** `payerCodeToken` of the digits. */
  readonly payerCode: bigint;
  /** Without device and tier of verification: the code says these. */
  readonly risk: RiskContextInput;
};

/** What the client says about a new payment; the rest is zero or empty. */
export type PaymentInput = AccountPaymentInput | CodePaymentInput;

export type PaymentOperation = Omit<Visible<(typeof PAYMENT_OPERATION)['fields']>, 'proofLength'>;

/** `proof`: what the payer's device made of the challenge; see protocol/challenge.ts. */
export type ConfirmationInput = Pick<PaymentOperation, 'id' | 'paymentId'> & { readonly proof: Uint8Array };

/** `amount` left out = all that is left. */
export type PaymentOperationInput = Pick<PaymentOperation, 'id' | 'paymentId'> &
  Partial<Pick<PaymentOperation, 'amount' | 'flags'>>;

/** `amount` left out = all of the payment. */
export type CancellationInput = Pick<PaymentOperation, 'id' | 'paymentId'> &
  Pick<Payment, 'payerAccountId'> &
  Partial<Pick<PaymentOperation, 'amount'>>;

/** Where a payment stands. */
export type PaymentStatus = Omit<Visible<(typeof PAYMENT_STATE)['fields']>, 'state' | 'operation'> & {
  readonly state: PaymentStateName;
  /** The operation that brought it there; `code` and `name` say how that was decided. */
  readonly operation: PaymentOperationName;
  readonly name: ResultName;
};

export interface PaymentResult extends Result {
  /** Undefined when there is no such payment, or the caller may not see it. */
  readonly payment: PaymentStatus | undefined;
}

export type PaymentCommand = 'sale' | 'authorise';
export type PaymentOperationCommand = 'capture' | 'void' | 'refund' | 'revert' | 'release';

/** What a PaymentInput has beside the record. */
const BESIDE_PAYMENT = new Set(['reference', 'risk', 'flags', 'referenceLength'] as const);

/** @throws EncodeError */
export function encodePayment(
  command: PaymentCommand,
  payment: PaymentInput,
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  const { reference, risk } = payment;
  const tail = encodeReference(reference, 'payment.reference');
  const flags = risk === undefined ? 0 : PaymentFlags.riskContext;
  const textAt = PAYMENT.size + (risk === undefined ? 0 : RISK_CONTEXT.size);
  return buildFrame(command, options, { count: 1, bodyBytes: textAt + tail.length }, (body) => {
    writeRecord(PAYMENT, body, 0, payment, 'payment', BESIDE_PAYMENT);
    body.setUint16(PAYMENT.at.flags, flags, true);
    body.setUint16(PAYMENT.at.referenceLength, tail.length, true);
    if (risk !== undefined) writeRiskContext(body, PAYMENT.size, risk, 'payment.risk');
    new Uint8Array(body.buffer, body.byteOffset + textAt, tail.length).set(tail);
  });
}

/** @throws EncodeError */
export function encodeConfirmation(
  { proof, ...operation }: ConfirmationInput,
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  if (proof.length > LIMITS.proofBytesMax) {
    throw new EncodeError('confirmation.proof', `has ${proof.length} bytes; ${LIMITS.proofBytesMax} fit`);
  }
  return buildFrame('confirm', options, { count: 1, bodyBytes: PAYMENT_OPERATION.size + proof.length }, (body) => {
    writeRecord(PAYMENT_OPERATION, body, 0, { ...operation, proofLength: proof.length }, 'confirmation');
    new Uint8Array(body.buffer, body.byteOffset + PAYMENT_OPERATION.size, proof.length).set(proof);
  });
}

/** @throws EncodeError */
export function encodePaymentOperation(
  command: PaymentOperationCommand,
  operation: PaymentOperationInput,
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildFrame(command, options, { count: 1, bodyBytes: PAYMENT_OPERATION.size }, (body) => {
    writeRecord(PAYMENT_OPERATION, body, 0, operation, 'operation');
  });
}

/** @throws EncodeError */
export function encodeCancellation(cancellation: CancellationInput, options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildFrame('cancelPayment', options, { count: 1, bodyBytes: PAYMENT_CANCELLATION.size }, (body) => {
    writeRecord(PAYMENT_CANCELLATION, body, 0, cancellation, 'cancellation');
  });
}

/** @throws DecodeError */
export function decodePayment(
  reply: Reply,
  command: PaymentCommand | PaymentOperationCommand | 'confirm' | 'cancelPayment',
): PaymentResult {
  expectReply(reply, command);
  expectEnd(reply, RESULT.size + PAYMENT_STATE.size);
  const { code, name, retry, message, replayed, dryRun, timestamp } = readResult(reply.body, 0);
  const payment = readPaymentStatus(reply.body, RESULT.size);
  return { code, name, retry, message, replayed, dryRun, timestamp, payment };
}

const UTF_8 = new TextEncoder();
const SURROGATE = /\p{Surrogate}/u;

/** UTF-8 bytes of a reference. @throws EncodeError when they are too many or the text has no UTF-8 form. */
export function encodeReference(reference: string | undefined, path: string): Uint8Array {
  if (reference === undefined) return new Uint8Array(0);
  if (typeof reference !== 'string' || SURROGATE.test(reference)) throw new EncodeError(path, 'must be text');
  const bytes = UTF_8.encode(reference);
  if (bytes.length > LIMITS.referenceBytesMax) {
    throw new EncodeError(path, `has ${bytes.length} bytes; ${LIMITS.referenceBytesMax} fit`);
  }
  return bytes;
}

/** The PAYMENT_STATE at `offset`; undefined when it is all zeros. @throws DecodeError */
export function readPaymentStatus(view: DataView, offset: number): PaymentStatus | undefined {
  needBytes(view, offset, PAYMENT_STATE.size, PAYMENT_STATE.name);
  const { at } = PAYMENT_STATE;
  const state = view.getUint8(offset + at.state);
  if (state === 0) return undefined;
  const code = view.getUint16(offset + at.code, true);
  const word = (from: number): bigint => view.getBigUint64(offset + from, true);
  // Written out: each payment is answered with this, and a record as a table costs 2 µs.
  return {
    state: nameOf(PaymentStates, state, 'payment state'),
    operation: nameOf(PaymentOperations, view.getUint8(offset + at.operation), 'payment operation'),
    code,
    name: nameOfCode(code),
    version: view.getUint32(offset + at.version, true),
    captured: word(at.captured),
    refunded: word(at.refunded),
    released: word(at.released),
    discount: word(at.discount),
    discountCaptured: word(at.discountCaptured),
    discountRefunded: word(at.discountRefunded),
    feeCharged: word(at.feeCharged),
    feeRefunded: word(at.feeRefunded),
    createdAt: word(at.createdAt),
    updatedAt: word(at.updatedAt),
    expiresAt: word(at.expiresAt),
  };
}

function nameOf<N extends string>(table: Readonly<Record<N, number>>, value: number, what: string): N {
  for (const name in table) if (table[name] === value) return name;
  throw new DecodeError(`${what} ${value} does not exist`);
}
