/** /v1/parties/{handle}/counters: codes that hang there and are paid by many. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import { LIMITS } from '../../../protocol/limits.ts';
import { ORDER_LIMITS } from '../../../protocol/order-bodies.ts';
import type { RegistryReply, StoredCounters } from '../../../protocol/registry-bodies.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, type Outcome, type Problem, problem } from './outcome.ts';
import {
  MICRODEGREES,
  microdegrees,
  named,
  PAYMENT_EXAMPLE,
  paymentAnswer,
  paymentShape,
  place,
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

const city = fields.text(15, 'What codes say of the place.');
const counterName = named('counter', 'Names the counter.');
const counterText = fields.text(ORDER_LIMITS.counterNameBytes, 'For people: where it hangs.');
const counterShape = z.strictObject({
  counter: z.string(),
  name: z.string(),
  state: z.enum(['open', 'closed']),
  place: z.strictObject({ latitude: z.string(), longitude: z.string() }).nullable(),
  tip: tipShape.nullable(),
});
const countersShape = z.strictObject({
  handle: z.string(),
  city: z.string(),
  country: z.string(),
  counters: z.array(counterShape),
  updatedAt: views.timeText,
});
const COUNTERS_EXAMPLE = {
  ...{ handle: 'teahouse', city: 'SHANGHAI', country: 'CN', updatedAt: '2026-01-31T08:00:00.000123Z' },
  counters: [{ counter: 'till-1', name: 'Entrance', state: 'open', place: null, tip: null }],
};

function countersAnswer(reply: RegistryReply | Problem): Outcome {
  if ('kind' in reply) return reply;
  return reply.counters === undefined ? problem('internalError') : answer(countersView(reply.counters));
}

function degreesText(micro: number): string {
  return (micro / MICRODEGREES).toFixed(6);
}

function countersView({
  handle,
  city: of,
  country,
  counters,
  updatedAt,
}: StoredCounters): z.infer<typeof countersShape> {
  return {
    ...{ handle, city: of, country, updatedAt: views.formatTime(updatedAt) },
    counters: counters.map(({ counter, name, state, place: at, tip: terms }) => ({
      ...{ counter, name, state, tip: tipView(terms) },
      place: at === undefined ? null : { latitude: degreesText(at.latitude), longitude: degreesText(at.longitude) },
    })),
  };
}

export const putCounters = route({
  method: 'put',
  path: '/v1/parties/{handle}/counters',
  command: 'putCounters',
  tag: 'Orders',
  summary: 'Set the counters of a party: codes that hang there and are paid by many.',
  description: 'All of them: one that is left out is no counter any more.',
  params: z.strictObject({ handle: fields.handle }),
  body: z.strictObject({
    city,
    country: fields.field({ type: 'string', pattern: '^[A-Z]{2}$', description: 'ISO 3166-1 alpha-2.' }, (value) =>
      typeof value === 'string' && /^[A-Z]{2}$/.test(value) ? value : new fields.Fault('must be two capital letters'),
    ),
    counters: z
      .array(
        z.strictObject({
          counter: counterName,
          name: counterText.optional(),
          state: z.enum(['open', 'closed']).optional(),
          place: place.optional(),
          tip: tip.optional(),
        }),
      )
      .max(ORDER_LIMITS.countersPerParty),
  }),
  answer: countersShape,
  example: {
    body: { city: 'SHANGHAI', country: 'CN', counters: [{ counter: 'till-1', name: 'Entrance' }] },
    answer: COUNTERS_EXAMPLE,
  },
  errors: ['partyNotFound'],
  async handle({ params: { handle }, body }, caller) {
    const counters = body.counters.map(({ counter, name = '', state = 'open', place: at, tip: terms }) => ({
      ...{ counter, name, state },
      ...(at === undefined ? {} : { place: microdegrees(at) }),
      ...storedTip(terms),
    }));
    const { city: of, country } = body;
    return countersAnswer(await caller.sendRegistry('putCounters', { handle, city: of, country, counters }));
  },
});

export const getCounters = route({
  method: 'get',
  path: '/v1/parties/{handle}/counters',
  command: 'getCounters',
  tag: 'Orders',
  summary: 'The counters of a party.',
  params: z.strictObject({ handle: fields.handle }),
  answer: countersShape,
  example: { answer: COUNTERS_EXAMPLE },
  errors: ['countersNotFound'],
  async handle({ params: { handle } }, caller) {
    return countersAnswer(await caller.sendRegistry('getCounters', { handle }));
  },
});

export const postCounterPayment = route({
  method: 'post',
  path: '/v1/parties/{handle}/counters/{counter}/payments',
  command: 'payCounter',
  tag: 'Orders',
  summary: 'Pay at a counter.',
  description:
    'Always of tier D. The code of a person is not paid from a picture or a link, nor far from where it hangs.',
  params: z.strictObject({ handle: fields.handle, counter: counterName }),
  body: z.strictObject({
    id: fields.id.optional(),
    from: fields.account,
    amount: fields.amount,
    currency: fields.currency,
    tip: tipPaid.optional(),
    remote: fields.flag('It came as a picture or a link, and was not scanned where it hangs.').optional(),
    reference: fields
      .text(LIMITS.referenceBytesMax, 'Yours, to find the payment again.', 'referenceTooLong')
      .optional(),
    risk: risk.optional(),
  }),
  answer: paymentShape,
  example: { body: { from: 'alice', amount: '300', currency: 'CNY' }, answer: PAYMENT_EXAMPLE },
  errors: [
    'countersNotFound',
    'counterNotFound',
    'counterClosed',
    'personalCodeNotRemote',
    'counterTooFarAway',
    'tipDiffers',
  ],
  async handle({ params: where, body }, caller) {
    const paymentId = chooseId(caller, body.id);
    if (typeof paymentId !== 'bigint') return paymentId;
    if (body.amount === 0) return problem('amountMustNotBeZero', { field: 'amount' });
    return paymentAnswer(
      await caller.sendRegistry('payCounter', { ...where, ...counterPayment(body, caller, paymentId) }),
    );
  },
});

interface CounterPayment {
  readonly from: fields.AccountName;
  readonly amount: number;
  readonly currency: { readonly numeric: number };
  readonly tip?: number | undefined;
  readonly remote?: boolean | undefined;
  readonly reference?: string | undefined;
  readonly risk?: z.infer<typeof risk> | undefined;
}

function counterPayment(body: CounterPayment, caller: Caller, paymentId: bigint) {
  return {
    paymentId: formatId(paymentId),
    payerAccountId: formatId(caller.accountId(body.from, body.currency.numeric)),
    ledger: body.currency.numeric,
    amount: body.amount,
    tip: body.tip ?? 0,
    isRemote: body.remote ?? false,
    ...(body.reference === undefined ? {} : { reference: body.reference }),
    ...riskBody(body.risk),
  };
}
