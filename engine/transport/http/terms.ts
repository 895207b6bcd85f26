/** /v1/tariffs and /v1/campaigns: what payments cost the payee, and what a campaign gives the payer. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import * as fields from './fields.ts';
import { answer } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const basisPoints = fields.whole(0, 10_000, 'Hundredths of a percent.');
const minor = (value: number | undefined) => String(value ?? 0);

export const putTariff = route({
  method: 'put',
  path: '/v1/tariffs/{number}',
  command: 'putTariff',
  tag: 'Terms',
  summary: 'Set a fee schedule.',
  description:
    'fee = min(captured, max(minimum, captured × basisPoints / 10000 rounded half up + fixed)), at most `maximum` when it is not 0.',
  params: z.strictObject({ number: fields.whole(1, 0xffff, 'Chosen by you; accounts name it.') }),
  body: z.strictObject({
    basisPoints,
    fixed: fields.amount.optional(),
    minimum: fields.amount.optional(),
    maximum: fields.amount.optional(),
    feeAccount: fields.id,
  }),
  answer: z.strictObject({
    number: z.int(),
    basisPoints: z.int(),
    fixed: views.amountText,
    minimum: views.amountText,
    maximum: views.amountText,
    feeAccount: views.idText,
  }),
  example: {
    body: { basisPoints: 60, minimum: '1', feeAccount: '0190a5e0c0de7000800000000000fee5' },
    answer: {
      number: 1,
      basisPoints: 60,
      fixed: '0',
      minimum: '1',
      maximum: '0',
      feeAccount: '0190a5e0c0de7000800000000000fee5',
    },
  },
  errors: ['feeAccountNotFound'],
  async handle({ params: { number }, body }, caller) {
    const { basisPoints: points, fixed = 0, minimum = 0, maximum = 0 } = body;
    const feeAccountId = formatId(body.feeAccount);
    const tariff = { number, basisPoints: points, fixed, minimum, maximum, feeAccountId };
    const reply = await caller.sendRich('putTariff', tariff);
    if ('kind' in reply) return reply;
    return answer({
      number,
      basisPoints: points,
      fixed: minor(fixed),
      minimum: minor(minimum),
      maximum: minor(maximum),
      feeAccount: feeAccountId,
    });
  },
});

export const putCampaign = route({
  method: 'put',
  path: '/v1/campaigns/{accountId}',
  command: 'putCampaign',
  tag: 'Terms',
  summary: 'Set the terms of a discount campaign.',
  description: 'The account funds the discounts: its available balance is the budget.',
  params: z.strictObject({ accountId: fields.id }),
  body: z.strictObject({
    basisPoints,
    fixed: fields.amount.optional(),
    maximum: fields.amount.optional(),
    minimumAmount: fields.amount.optional(),
    startsAt: fields.moment.optional(),
    endsAt: fields.moment.optional(),
  }),
  answer: z.strictObject({
    accountId: views.idText,
    basisPoints: z.int(),
    fixed: views.amountText,
    maximum: views.amountText,
    minimumAmount: views.amountText,
    startsAt: views.timeText.nullable(),
    endsAt: views.timeText.nullable(),
  }),
  example: {
    body: { basisPoints: 1000, maximum: '500', minimumAmount: '1000', endsAt: '2026-12-31T23:59:59Z' },
    answer: {
      accountId: '0190a5e0c0de7000800000000000ca3e',
      basisPoints: 1000,
      fixed: '0',
      maximum: '500',
      minimumAmount: '1000',
      startsAt: null,
      endsAt: '2026-12-31T23:59:59.000000Z',
    },
  },
  errors: ['accountNotFound', 'accountForbidden'],
  async handle({ params, body }, caller) {
    const { basisPoints: points, fixed = 0, maximum = 0, minimumAmount = 0, startsAt = 0, endsAt = 0 } = body;
    const accountId = formatId(params.accountId);
    const reply = await caller.sendRich('putCampaign', {
      accountId,
      basisPoints: points,
      fixed,
      maximum,
      minimumAmount,
      startsAt,
      endsAt,
    });
    if ('kind' in reply) return reply;
    return answer({
      accountId,
      basisPoints: points,
      fixed: minor(fixed),
      maximum: minor(maximum),
      minimumAmount: minor(minimumAmount),
      startsAt: startsAt === 0 ? null : views.formatTime(startsAt),
      endsAt: endsAt === 0 ? null : views.formatTime(endsAt),
    });
  },
});
