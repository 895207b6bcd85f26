/**
 * lookupPayments: count × id (u128)            → count × (RESULT, and a view when the code is `ok`)
 * queryPayments:  PAYMENT_QUERY, reference     → RESULT, PAGE, then PAGE.count × view, newest first
 *
 * view = PAYMENT, PAYMENT_STATE, PAYMENT_OPERATION, reference zero-padded to a multiple of 16 bytes
 */
import {
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_QUERY,
  PAYMENT_STATE,
  PAYMENT_VIEW_FIXED_BYTES,
  type PaymentStateName,
  PaymentStates,
  paymentViewBytes,
  RESULT,
} from '../records.ts';
import { Code } from '../results.ts';
import { DecodeError, EncodeError } from './codec-error.ts';
import {
  buildFrame,
  buildRecordsFrame,
  expectEnd,
  expectReply,
  type FrameOptions,
  type Reply,
  readText,
} from './frame-codec.ts';
import { PAGE_BYTES, PAGE_LIMIT_DEFAULT, type Page, readPage } from './history-codec.ts';
import {
  encodeReference,
  type Payment,
  type PaymentOperation,
  type PaymentStatus,
  readPaymentStatus,
} from './payment-codec.ts';
import { readRecord, writeId, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

/** A payment as it was asked for, where it stands, and what was done to it last. */
export interface PaymentView {
  readonly payment: Payment;
  readonly status: PaymentStatus;
  /** The last capture, void, refund or revert; undefined when there was none. */
  readonly lastOperation: PaymentOperation | undefined;
}

export interface PaymentLookup extends Result {
  /** There when the code is `ok`. */
  readonly view: PaymentView | undefined;
}

export interface PaymentPage extends Page {
  readonly payments: readonly PaymentView[];
}

/** Conditions that are given must all hold. */
export interface PaymentQueryInput {
  /** Payments from or to this account. */
  readonly accountId?: bigint;
  readonly reference?: string;
  readonly state?: PaymentStateName;
  /** `nextCursor` of the page before; left out = start with the newest. */
  readonly cursor?: bigint;
  /** 1 … 1000; 100 when left out. */
  readonly limit?: number;
}

/** @throws EncodeError */
export function encodeLookupPayments(ids: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('lookupPayments', options, ids, (body, offset, id, index) => {
    writeId(body, offset, id, `ids[${index}]`);
  });
}

/** In the order of the ids. @throws DecodeError */
export function decodeLookupPayments(reply: Reply): PaymentLookup[] {
  expectReply(reply, 'lookupPayments');
  const lookups: PaymentLookup[] = [];
  let offset = 0;
  for (let index = 0; index < reply.count; index++) {
    const result = readResult(reply.body, offset);
    offset += RESULT.size;
    const view = result.code === Code.ok ? readView(reply.body, offset) : undefined;
    if (view !== undefined) offset = view.end;
    lookups.push({ ...result, view: view?.value });
  }
  expectEnd(reply, offset);
  return lookups;
}

/** @throws EncodeError */
export function encodeQueryPayments(query: PaymentQueryInput, options: FrameOptions): Uint8Array<ArrayBuffer> {
  const { reference, state, ...fields } = query;
  const tail = encodeReference(reference, 'query.reference');
  if (state !== undefined && !Object.hasOwn(PaymentStates, state)) throw new EncodeError('query.state', 'is unknown');
  return buildFrame('queryPayments', options, { count: 1, bodyBytes: PAYMENT_QUERY.size + tail.length }, (body) => {
    const record = { ...fields, limit: fields.limit ?? PAGE_LIMIT_DEFAULT, referenceLength: tail.length };
    writeRecord(PAYMENT_QUERY, body, 0, { ...record, state: state === undefined ? 0 : PaymentStates[state] }, 'query');
    new Uint8Array(body.buffer, body.byteOffset + PAYMENT_QUERY.size, tail.length).set(tail);
  });
}

/** @throws DecodeError */
export function decodeQueryPayments(reply: Reply): PaymentPage {
  expectReply(reply, 'queryPayments');
  const page = readPage(reply);
  const payments: PaymentView[] = [];
  let offset = PAGE_BYTES;
  for (let index = 0; index < reply.count; index++) {
    const view = readView(reply.body, offset);
    offset = view.end;
    payments.push(view.value);
  }
  expectEnd(reply, offset);
  return { ...page, payments };
}

function readView(view: DataView, offset: number): { readonly value: PaymentView; readonly end: number } {
  const { referenceLength, flags: _flags, ...payment } = readRecord(PAYMENT, view, offset);
  const status = readPaymentStatus(view, offset + PAYMENT.size);
  if (status === undefined) throw new DecodeError('a payment without a state');
  const at = offset + PAYMENT.size + PAYMENT_STATE.size;
  const { proofLength: _proof, ...operation } = readRecord(PAYMENT_OPERATION, view, at);
  const reference = readText(view, offset + PAYMENT_VIEW_FIXED_BYTES, referenceLength);
  return {
    value: { payment: { ...payment, reference }, status, lastOperation: operation.id === 0n ? undefined : operation },
    end: offset + paymentViewBytes(referenceLength),
  };
}
