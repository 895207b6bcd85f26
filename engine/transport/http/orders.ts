/** /v1/orders: one code for one payment of a fixed amount. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import { ORDER_LIMITS } from '../../../protocol/order-bodies.ts';
import type { RegistryReply, StoredOrder } from '../../../protocol/registry-bodies.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, type Outcome, type Problem, problem } from './outcome.ts';
import {
  named,
  PAYMENT_EXAMPLE,
  paymentAnswer,
  paymentShape,
  risk,
  riskBody,
  storedTip,
  tip,
  tipPaid,
  tipShape,
  tipView,
} from './qr-fields.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const orderShape = z.strictObject({
  id: views.idText,
  to: z.string().meta({ description: 'Handle of the payee.' }),
  account: views.idText,
  number: z.string(),
  amount: views.amountText,
  currency: views.currencyText,
  title: z.string(),
  tip: tipShape.nullable(),
  state: z.enum(['open', 'paying', 'paid', 'closed', 'expired']),
  payment: views.idText.nullable().meta({ description: 'That is paying it, or has; told to its payee only.' }),
  tipped: views.amountText.nullable(),
  expiresAt: views.timeText,
  createdAt: views.timeText,
  updatedAt: views.timeText,
});

const EXAMPLE = {
  id: '1d4c0a3fb5e24f6f8f5a0c9e6b7d2a10',
  to: 'teahouse',
  account: '0190a5e0c0de7000800000000000b0b0',
  number: 'T-4711',
  amount: '1250',
  currency: 'CNY',
  title: 'Longjing',
  tip: null,
  state: 'open',
  payment: null,
  tipped: null,
  expiresAt: '2026-01-31T08:15:00.000000Z',
  createdAt: '2026-01-31T08:00:00.000123Z',
  updatedAt: '2026-01-31T08:00:00.000123Z',
};

function orderView(order: StoredOrder): z.infer<typeof orderShape> {
  return {
    id: order.id,
    to: order.handle,
    account: order.accountId,
    number: order.number,
    amount: String(order.amount),
    currency: views.formatCurrency(order.ledger),
    title: order.title,
    tip: tipView(order.tip),
    state: order.state,
    payment: order.paymentId ?? null,
    tipped: order.tipped === undefined ? null : String(order.tipped),
    expiresAt: views.formatTime(order.expiresAt),
    createdAt: views.formatTime(order.createdAt),
    updatedAt: views.formatTime(order.updatedAt),
  };
}

function orderAnswer(reply: RegistryReply | Problem): Outcome {
  if ('kind' in reply) return reply;
  return reply.order === undefined ? problem('internalError') : answer(orderView(reply.order));
}

export const putOrder = route({
  method: 'put',
  path: '/v1/parties/{handle}/orders/{number}',
  command: 'putOrder',
  tag: 'Orders',
  summary: 'Ask to be paid once: an order, shown as a code.',
  description: 'The same order again is answered as it stands.',
  params: z.strictObject({ handle: fields.handle, number: named('number', "Yours: unique among the payee's orders.") }),
  body: z.strictObject({
    amount: fields.amount,
    currency: fields.currency,
    title: fields.text(ORDER_LIMITS.titleBytes, 'For the payer.').optional(),
    expiresAt: fields.moment,
    tip: tip.optional(),
  }),
  answer: orderShape,
  example: {
    body: { amount: '1250', currency: 'CNY', title: 'Longjing', expiresAt: '2026-01-31T08:15:00Z' },
    answer: EXAMPLE,
  },
  errors: ['orderExistsDifferently', 'orderTimeInvalid', 'payeeAccountNotFound'],
  async handle({ params, body }, caller) {
    if (body.amount === 0) return problem('amountMustNotBeZero', { field: 'amount' });
    const { title = '', expiresAt, currency, amount } = body;
    const terms = { ...params, ledger: currency.numeric, amount: Number(amount), title, expiresAt };
    return orderAnswer(await caller.sendRegistry('putOrder', { ...terms, ...storedTip(body.tip) }));
  },
});

const params = z.strictObject({ id: fields.id });

export const getOrder = route({
  method: 'get',
  path: '/v1/orders/{id}',
  command: 'readOrder',
  tag: 'Orders',
  summary: 'An order as it stands.',
  params,
  answer: orderShape,
  example: { answer: { ...EXAMPLE, state: 'paid', payment: '0190a5e0c0de7000800000000000c33e', tipped: '0' } },
  errors: ['orderNotFound'],
  async handle({ params: { id } }, caller) {
    return orderAnswer(await caller.sendRegistry('readOrder', { id: formatId(id) }));
  },
});

export const putOrderClose = route({
  method: 'put',
  path: '/v1/orders/{id}/close',
  command: 'changeOrder',
  tag: 'Orders',
  summary: 'Close an order: nobody can pay it any more.',
  params,
  body: z.strictObject({}),
  bodyOptional: true,
  answer: orderShape,
  example: { body: {}, answer: { ...EXAMPLE, state: 'closed' } },
  errors: ['orderNotFound', 'orderBeingPaid', 'orderPaid'],
  async handle({ params: { id } }, caller) {
    return orderAnswer(await caller.sendRegistry('changeOrder', { id: formatId(id), action: 'close' }));
  },
});

export const postOrderPayment = route({
  method: 'post',
  path: '/v1/orders/{id}/payments',
  command: 'payOrder',
  tag: 'Orders',
  summary: 'Pay an order.',
  description: 'A `from` that is a handle needs its `currency` as well.',
  params,
  body: z.strictObject({
    id: fields.id.optional(),
    from: fields.account,
    currency: fields.currency.optional(),
    tip: tipPaid.optional(),
    risk: risk.optional(),
  }),
  answer: paymentShape,
  example: { body: { from: 'alice', currency: 'CNY' }, answer: PAYMENT_EXAMPLE },
  errors: [
    'orderNotFound',
    'orderPaid',
    'orderClosed',
    'orderExpired',
    'orderBeingPaid',
    'insufficientFunds',
    'tipDiffers',
  ],
  async handle({ params: { id }, body }, caller) {
    const paymentId = chooseId(caller, body.id);
    if (typeof paymentId !== 'bigint') return paymentId;
    if ('handle' in body.from && body.currency === undefined) {
      return problem('malformedBody', { field: 'currency', detail: 'an account given by its handle needs a currency' });
    }
    const payerAccountId = formatId(caller.accountId(body.from, body.currency?.numeric ?? 0));
    const payment = { id: formatId(id), paymentId: formatId(paymentId), payerAccountId, tip: Number(body.tip ?? 0) };
    return paymentAnswer(await caller.sendRegistry('payOrder', { ...payment, ...riskBody(body.risk) }));
  },
});

export const postOrderRefund = route({
  method: 'post',
  path: '/v1/orders/{id}/refunds',
  command: 'refundOrder',
  tag: 'Orders',
  summary: 'Give back what was paid for an order.',
  params,
  body: z.strictObject({
    id: fields.id.optional(),
    amount: fields.amount
      .clone()
      .meta({ type: ['string', 'integer'], description: 'Minor units; all that is left when left out.' })
      .optional(),
  }),
  answer: paymentShape,
  example: { body: { amount: '250' }, answer: PAYMENT_EXAMPLE },
  errors: ['orderNotFound', 'orderNotPaid', 'exceedsCapturedAmount'],
  async handle({ params: { id }, body }, caller) {
    const refundId = chooseId(caller, body.id);
    if (typeof refundId !== 'bigint') return refundId;
    const refund = { id: formatId(id), refundId: formatId(refundId), amount: Number(body.amount ?? 0) };
    return paymentAnswer(await caller.sendRegistry('refundOrder', refund));
  },
});
