/** /v1/payments/{id}/captures, /void, /refunds, /revert: what follows a payment. */
import { z } from 'zod';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord } from '../../../protocol/layout.ts';
import { PAYMENT_OPERATION, PaymentOperationFlags, RESULT } from '../../../protocol/records.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import type { Outcome } from './outcome.ts';
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
}

async function operate(
  name: 'capture' | 'void' | 'refund' | 'revert',
  paymentId: Id,
  operation: Operation,
  caller: Caller,
): Promise<Outcome> {
  const id = chooseId(caller, operation.id);
  if (typeof id !== 'bigint') return id;
  const { bytes, view } = views.blank(PAYMENT_OPERATION);
  encodeRecord(PAYMENT_OPERATION, view, 0, {
    id,
    paymentId,
    amount: BigInt(operation.amount ?? 0),
    flags: operation.final === true ? PaymentOperationFlags.final : 0,
  });
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
