/** /v1/payments/{id}/captures, /void, /refunds, /revert, /cancel, /release, /confirmation: what follows a payment. */
import { z } from 'zod';
import { PAYMENT_CANCELLATION } from '../../../protocol/cancellation.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord } from '../../../protocol/layout.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { PAYMENT_OPERATION, PaymentOperationFlags, RESULT } from '../../../protocol/records.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { type Outcome, problem } from './outcome.ts';
import { decided, stateAt, stateFields } from './payment-view.ts';
import { EXAMPLE_STATE } from './payments.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const params = z.strictObject({ id: fields.id });
const partAmount = fields.amount.optional();

const operationShape = z.strictObject({
  id: views.idText.meta({ description: 'Of the operation.' }),
  payment: views.idText,
  ...stateFields,
});

const EXAMPLE = { ...EXAMPLE_STATE, id: '0190a5e0c0de7000800000000000d44f', payment: EXAMPLE_STATE.id };

interface Operation {
  readonly id?: Id | undefined;
  readonly amount?: number | undefined;
  readonly final?: boolean | undefined;
  readonly proof?: Uint8Array;
}

async function operate(
  name: 'capture' | 'void' | 'refund' | 'revert' | 'release' | 'confirm',
  paymentId: Id,
  operation: Operation,
  caller: Caller,
): Promise<Outcome> {
  const id = chooseId(caller, operation.id);
  if (typeof id !== 'bigint') return id;
  const { proof = new Uint8Array(0) } = operation;
  const { bytes, view } = views.blank(PAYMENT_OPERATION, 1, proof.length);
  encodeRecord(PAYMENT_OPERATION, view, 0, {
    id,
    paymentId,
    amount: BigInt(operation.amount ?? 0),
    flags: operation.final === true ? PaymentOperationFlags.final : 0,
    proofLength: proof.length,
  });
  bytes.set(proof, PAYMENT_OPERATION.size);
  const reply = await caller.send(name, 1, bytes);
  if (reply.kind === 'problem') return reply;
  return decided(views.resultAt(reply.view, 0), stateAt(reply.view, RESULT.size), {
    id: formatId(id),
    payment: formatId(paymentId),
  });
}

export const postCapture = route({
  method: 'post',
  path: '/v1/payments/{id}/captures',
  command: 'capture',
  tag: 'Payments',
  summary: 'Take held money: all that is left, or an amount.',
  params,
  body: z.strictObject({
    id: fields.id.optional(),
    amount: partAmount,
    final: fields.flag('The last capture: what is not captured is released.').optional(),
  }),
  bodyOptional: true,
  answer: operationShape,
  example: { body: { amount: '1000', final: true }, answer: { ...EXAMPLE, operation: 'capture', version: 2 } },
  errors: [
    'paymentNotFound',
    'paymentForbidden',
    'paymentDeclined',
    'paymentAlreadyCaptured',
    'paymentAlreadyVoided',
    'paymentExpired',
    'exceedsAuthorisedAmount',
  ],
  handle: ({ params: { id }, body }, caller) => operate('capture', id, body, caller),
});

export const postVoid = route({
  method: 'post',
  path: '/v1/payments/{id}/void',
  command: 'void',
  tag: 'Payments',
  summary: 'Release what is held and not captured.',
  params,
  body: z.strictObject({ id: fields.id.optional() }),
  bodyOptional: true,
  answer: operationShape,
  example: { body: {}, answer: { ...EXAMPLE, state: 'voided', operation: 'void', version: 2, captured: '0' } },
  errors: [
    'paymentNotFound',
    'paymentForbidden',
    'paymentDeclined',
    'paymentAlreadyCaptured',
    'paymentAlreadyVoided',
    'paymentExpired',
  ],
  handle: ({ params: { id }, body }, caller) => operate('void', id, body, caller),
});

export const postRefund = route({
  method: 'post',
  path: '/v1/payments/{id}/refunds',
  command: 'refund',
  tag: 'Payments',
  summary: 'Give captured money back: all that is left, or an amount.',
  params,
  body: z.strictObject({ id: fields.id.optional(), amount: partAmount }),
  bodyOptional: true,
  answer: operationShape,
  example: { body: { amount: '250' }, answer: { ...EXAMPLE, operation: 'refund', version: 2, refunded: '250' } },
  errors: [
    'paymentNotFound',
    'paymentForbidden',
    'paymentNotCaptured',
    'exceedsCapturedAmount',
    'insufficientFundsToRefund',
  ],
  handle: ({ params: { id }, body }, caller) => operate('refund', id, body, caller),
});

export const postRevert = route({
  method: 'post',
  path: '/v1/payments/{id}/revert',
  command: 'revert',
  tag: 'Payments',
  summary: 'Undo a payment: release what is held and give back what is left of what was captured.',
  params,
  body: z.strictObject({ id: fields.id.optional() }),
  bodyOptional: true,
  answer: operationShape,
  example: { body: {}, answer: { ...EXAMPLE, operation: 'revert', version: 2, refunded: EXAMPLE.captured } },
  errors: [
    'paymentNotFound',
    'paymentForbidden',
    'paymentDeclined',
    'paymentAlreadyVoided',
    'paymentExpired',
    'exceedsCapturedAmount',
    'insufficientFundsToRefund',
  ],
  handle: ({ params: { id }, body }, caller) => operate('revert', id, body, caller),
});

export const postCancel = route({
  method: 'post',
  path: '/v1/payments/{id}/cancel',
  command: 'cancelPayment',
  tag: 'Payments',
  summary: 'Undo a payment that may not have come yet.',
  description:
    'All of it, or `amount` of it: what is held is released first, then what was captured is refunded. When less is cancelled than is ' +
    'held, the rest is captured. A payment that has not come is declined with `cancelledBefore` when it comes.',
  params,
  body: z.strictObject({
    id: fields.id.optional(),
    from: fields.account,
    currency: fields.currency.optional(),
    amount: partAmount,
  }),
  answer: operationShape,
  example: {
    body: { from: '0190a5e0c0de7000800000000000a11c' },
    answer: { ...EXAMPLE, operation: 'cancel', version: 2, refunded: EXAMPLE.captured },
  },
  errors: [
    'paymentForbidden',
    'existsWithDifferentPayer',
    'paymentDeclined',
    'paymentAlreadyVoided',
    'paymentExpired',
    'exceedsCapturedAmount',
    'insufficientFundsToRefund',
  ],
  handle: ({ params: { id }, body }, caller) => cancel(id, body, caller),
});

interface Cancellation {
  readonly id?: Id | undefined;
  readonly from: fields.AccountName;
  readonly currency?: { readonly numeric: number } | undefined;
  readonly amount?: number | undefined;
}

async function cancel(paymentId: Id, body: Cancellation, caller: Caller): Promise<Outcome> {
  const { from, currency, amount = 0 } = body;
  if ('handle' in from && currency === undefined) {
    return problem('malformedBody', { field: 'currency', detail: 'an account given by its handle needs a currency' });
  }
  const id = chooseId(caller, body.id);
  if (typeof id !== 'bigint') return id;
  const payerAccountId = caller.accountId(from, currency?.numeric ?? 0);
  const { bytes, view } = views.blank(PAYMENT_CANCELLATION, 1);
  encodeRecord(PAYMENT_CANCELLATION, view, 0, { id, paymentId, payerAccountId, amount: BigInt(amount) });
  const reply = await caller.send('cancelPayment', 1, bytes);
  if (reply.kind === 'problem') return reply;
  return decided(views.resultAt(reply.view, 0), stateAt(reply.view, RESULT.size), {
    id: formatId(id),
    payment: formatId(paymentId),
  });
}

export const postRelease = route({
  method: 'post',
  path: '/v1/payments/{id}/release',
  command: 'release',
  tag: 'Payments',
  summary: 'Let a payment go on that a risk rule holds.',
  params,
  body: z.strictObject({ id: fields.id.optional() }),
  bodyOptional: true,
  answer: operationShape,
  example: { body: {}, answer: { ...EXAMPLE, operation: 'release', version: 2 } },
  errors: ['paymentNotFound', 'paymentForbidden', 'paymentNotHeld', 'paymentExpired'],
  handle: ({ params: { id }, body }, caller) => operate('release', id, body, caller),
});

const proof = fields.field(
  { type: 'string', contentEncoding: 'base64', description: "What the payer's device made of the `challenge`." },
  (value) => {
    const isBase64 = typeof value === 'string' && /^[A-Za-z0-9+/]+={0,2}$/.test(value);
    const bytes = isBase64 ? Buffer.from(value, 'base64') : undefined;
    return bytes === undefined || bytes.length > LIMITS.proofBytesMax
      ? new fields.Fault(`must be base64 of at most ${LIMITS.proofBytesMax} bytes`)
      : new Uint8Array(bytes);
  },
);

export const postConfirmation = route({
  method: 'post',
  path: '/v1/payments/{id}/confirmation',
  command: 'confirm',
  tag: 'Payments',
  summary: 'Let a challenged payment go on, with the proof of its payer.',
  params,
  body: z.strictObject({ id: fields.id.optional(), proof }),
  answer: operationShape,
  example: {
    body: { proof: 'q1kT3o0xWvV3o2y0m6l7cXg5rJ1b0mC8bF0nq3mJf2E=' },
    answer: { ...EXAMPLE, operation: 'confirm', version: 2 },
  },
  errors: ['paymentNotFound', 'paymentForbidden', 'paymentNotChallenged', 'challengeExpired', 'proofInvalid'],
  handle: ({ params: { id }, body }, caller) => operate('confirm', id, body, caller),
});
