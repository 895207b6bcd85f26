/** /v1/payments: pay, hold, look up, search. */
import { z } from 'zod';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord, writeU128 } from '../../../protocol/layout.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { PAGE, PAYMENT, PAYMENT_QUERY, PaymentFlags, PaymentStates, RESULT } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import { RISK_CONTEXT } from '../../../protocol/risk.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, problem, problemOfCode } from './outcome.ts';
import { decided, paymentAt, paymentFields, paymentShape, stateAt, stateName } from './payment-view.ts';
import { payerCode } from './payer-codes.ts';
import { encodeRiskContext, riskContext } from './risk-context.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const reference = fields.text(LIMITS.referenceBytesMax, 'Yours, to find the payment again.', 'referenceTooLong');

const newPayment = z.strictObject({
  id: fields.id.optional(),
  from: fields.account.optional(),
  payerCode: payerCode.optional(),
  to: fields.account,
  amount: fields.amount,
  currency: fields.currency,
  capture: fields.flag('true (the default) takes the money at once; false holds it.').optional(),
  reference: reference.optional(),
  campaign: fields.id.optional(),
  expiresAfterSeconds: fields.whole(1, 0xffff_ffff, 'With capture false: life of the hold.').optional(),
  code: fields.whole(1, 0xffff, 'What kind of payment this is; 1 when left out.').optional(),
  userData64: fields.userData64.optional(),
  risk: riskContext.optional(),
});
type NewPayment = z.infer<typeof newPayment>;

const EXAMPLE_ID = '0190a5e0c0de7000800000000000c33e';
export const EXAMPLE_STATE = {
  id: EXAMPLE_ID,
  state: 'captured',
  operation: 'sale',
  version: 1,
  captured: '1250',
  refunded: '0',
  released: '0',
  discount: '0',
  discountCaptured: '0',
  discountRefunded: '0',
  feeCharged: '8',
  feeRefunded: '0',
  createdAt: '2026-01-31T08:00:00.000123Z',
  updatedAt: '2026-01-31T08:00:00.000123Z',
  expiresAt: null,
};
const EXAMPLE = {
  ...EXAMPLE_STATE,
  from: '0190a5e0c0de7000800000000000a11c',
  to: '0190a5e0c0de7000800000000000b0b0',
  amount: '1250',
  currency: 'CNY',
  reference: 'order-4711',
  campaign: null,
  code: 1,
  userData64: '0',
};

export const postPayment = route({
  method: 'post',
  path: '/v1/payments',
  command: 'sale',
  tag: 'Payments',
  summary: 'Pay at once, or hold the money with `capture: false`.',
  description:
    'A decline is a problem that also holds the `payment`; it is remembered under its id like any answer. ' +
    'In place of `from` it may have the `payerCode` that the payer shows; then `risk` says neither device nor codeTier.',
  body: newPayment,
  answer: z.strictObject(paymentFields),
  example: {
    body: { from: 'alice', to: 'teahouse', amount: '1250', currency: 'CNY', reference: 'order-4711' },
    answer: EXAMPLE,
  },
  errors: [
    'amountMustNotBeZero',
    'amountOutOfRange',
    'referenceTooLong',
    'existsWithDifferentAmount',
    'payerAccountNotFound',
    'payeeAccountNotFound',
    'payerAccountForbidden',
    'insufficientFunds',
    'payeeCannotReceive',
    'currencyMismatch',
    'campaignNotFound',
    'campaignNotApplicable',
    'campaignExhausted',
    'crossesPartitions',
    'declinedByRisk',
    'challengeRequired',
    'paymentHeld',
    'payerCodeNotFound',
    'payerCodeExpired',
    'payerCodeUsed',
    'payerCodeReplaced',
  ],
  async handle({ body }, caller) {
    const id = chooseId(caller, body.id);
    if (typeof id !== 'bigint') return id;
    const captures = body.capture ?? true;
    if (captures && body.expiresAfterSeconds !== undefined) {
      return problem('malformedBody', { field: 'expiresAfterSeconds', detail: 'only a hold (capture false) expires' });
    }
    if ((body.from === undefined) === (body.payerCode === undefined)) {
      return problem('malformedBody', { field: 'from', detail: 'a payment has either from or payerCode' });
    }
    const payer = body.from === undefined ? undefined : caller.accountId(body.from, body.currency.numeric);
    const payee = caller.accountId(body.to, body.currency.numeric);
    const bytes = encodePayment(id, payer, payee, body);
    const reply = await caller.send(captures ? 'sale' : 'authorise', 1, bytes);
    if (reply.kind === 'problem') return reply;
    return decided(views.resultAt(reply.view, 0), stateAt(reply.view, RESULT.size), {
      id: formatId(id),
      from: payer === undefined ? null : formatId(payer),
      to: formatId(payee),
      amount: String(body.amount),
      currency: body.currency.alphabetic,
      reference: body.reference ?? '',
      campaign: body.campaign === undefined ? null : formatId(body.campaign),
      code: body.code ?? 1,
      userData64: String(body.userData64 ?? 0),
    });
  },
});

const UTF_8 = new TextEncoder();

/** Field by field and not through `encodeRecord`: this is the hot path of HTTP. */
function encodePayment(id: Id, payer: Id | undefined, payee: Id, body: NewPayment): Uint8Array {
  const risk = body.payerCode === undefined ? body.risk : { channel: 'qr' as const, ...body.risk };
  const tail = body.reference === undefined ? 0 : Buffer.byteLength(body.reference);
  const textAt = PAYMENT.size + (risk === undefined ? 0 : RISK_CONTEXT.size);
  const { bytes, view } = views.blank(PAYMENT, 1, textAt - PAYMENT.size + tail);
  writeU128(view, PAYMENT.at.id, id);
  if (payer !== undefined) writeU128(view, PAYMENT.at.payerAccountId, payer);
  if (body.payerCode !== undefined) writeU128(view, PAYMENT.at.payerCode, body.payerCode);
  writeU128(view, PAYMENT.at.payeeAccountId, payee);
  view.setBigUint64(PAYMENT.at.amount, BigInt(body.amount), true);
  if (body.campaign !== undefined) writeU128(view, PAYMENT.at.campaignId, body.campaign);
  if (body.userData64 !== undefined) view.setBigUint64(PAYMENT.at.userData64, body.userData64, true);
  view.setUint32(PAYMENT.at.expiresAfterS, body.expiresAfterSeconds ?? 0, true);
  view.setUint32(PAYMENT.at.ledger, body.currency.numeric, true);
  view.setUint16(PAYMENT.at.code, body.code ?? 1, true);
  view.setUint16(PAYMENT.at.referenceLength, tail, true);
  if (risk !== undefined) {
    view.setUint16(PAYMENT.at.flags, PaymentFlags.riskContext, true);
    encodeRiskContext(view, PAYMENT.size, risk);
  }
  if (body.reference !== undefined) UTF_8.encodeInto(body.reference, bytes.subarray(textAt));
  return bytes;
}

export const getPayment = route({
  method: 'get',
  path: '/v1/payments/{id}',
  command: 'lookupPayments',
  tag: 'Payments',
  summary: 'A payment as it stands.',
  params: z.strictObject({ id: fields.id }),
  answer: paymentShape,
  example: { answer: { ...EXAMPLE, challenge: null, lastOperation: null } },
  errors: ['paymentNotFound', 'paymentForbidden'],
  async handle({ params }, caller) {
    const bytes = new Uint8Array(16);
    writeU128(new DataView(bytes.buffer), 0, params.id);
    const reply = await caller.send('lookupPayments', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    return code === Code.ok ? answer(paymentAt(reply.view, RESULT.size).payment) : problemOfCode(code);
  },
});

const search = z.strictObject({
  reference: reference.optional(),
  account: fields.account.optional(),
  currency: fields.currency.optional(),
  state: stateName.optional(),
  cursor: fields.cursor.optional(),
  limit: fields.limit.optional(),
});

export const getPayments = route({
  method: 'get',
  path: '/v1/payments',
  command: 'queryPayments',
  tag: 'Payments',
  summary: 'Payments by reference, account or state, newest first.',
  description: 'An `account` that is a handle needs its `currency` as well.',
  query: search,
  answer: z.strictObject({ payments: z.array(paymentShape), nextCursor: views.cursorText }),
  example: { answer: { payments: [{ ...EXAMPLE, challenge: null, lastOperation: null }], nextCursor: null } },
  errors: ['limitOutOfRange', 'cursorInvalid', 'accountForbidden'],
  async handle({ query }, caller) {
    if (query.account !== undefined && 'handle' in query.account && query.currency === undefined) {
      return problem('malformedBody', { field: 'currency', detail: 'an account given by its handle needs a currency' });
    }
    const reply = await caller.send('queryPayments', 1, encodeQuery(query, caller));
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    if (code !== Code.ok) return problemOfCode(code);
    const { nextCursor, count } = views.pageAt(reply.view, RESULT.size);
    const payments = [];
    let offset = RESULT.size + PAGE.size;
    for (let i = 0; i < count; i++) {
      const { payment, bytes } = paymentAt(reply.view, offset);
      payments.push(payment);
      offset += bytes;
    }
    return answer({ payments, nextCursor });
  },
});

function encodeQuery(query: z.infer<typeof search>, caller: Caller): Uint8Array {
  const wanted = Buffer.from(query.reference ?? '');
  const { bytes, view } = views.blank(PAYMENT_QUERY, 1, wanted.length);
  encodeRecord(PAYMENT_QUERY, view, 0, {
    accountId: query.account === undefined ? 0n : caller.accountId(query.account, query.currency?.numeric ?? 0),
    cursor: BigInt(query.cursor ?? 0),
    limit: query.limit ?? fields.LIMIT_DEFAULT,
    referenceLength: wanted.length,
    state: query.state === undefined ? 0 : PaymentStates[query.state],
  });
  bytes.set(wanted, PAYMENT_QUERY.size);
  return bytes;
}
