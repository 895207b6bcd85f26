/** /v1/accounts/{id}/freezes: stop a payer, block money that was received, and end that. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import type { RegistryReply, StoredFreeze } from '../../../protocol/registry-bodies.ts';
import * as fields from './fields.ts';
import { answer, type Outcome, type Problem, problem } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const reason = z.strictObject({
  en: fields.text(256, 'Why, in English.'),
  zh: fields.text(256, 'Why, in Chinese.'),
});

export const freezeShape = z.strictObject({
  id: views.idText,
  account: views.idText,
  kind: z.enum(['sender', 'received']),
  state: z.enum(['open', 'released', 'returned']),
  reason: z.strictObject({ en: z.string(), zh: z.string() }),
  until: views.timeText,
  payment: views.idText.nullable(),
  blocked: views.amountText.nullable(),
});

const EXAMPLE = {
  id: '0190a5e0c0de7000800000000000f4e3',
  account: '0190a5e0c0de7000800000000000a11c',
  kind: 'received',
  state: 'open',
  reason: { en: 'Reported as fraud.', zh: '涉嫌欺诈。' },
  until: '2026-02-02T08:00:00.000000Z',
  payment: null,
  blocked: '15000',
};

export function freezeView(freeze: StoredFreeze): z.infer<typeof freezeShape> {
  const { id, accountId, kind, state, reason: why, until, paymentId, blocked } = freeze;
  return {
    id,
    account: accountId,
    kind,
    state,
    reason: { en: why.en, zh: why.zh },
    until: views.formatTime(until),
    payment: paymentId ?? null,
    blocked: blocked === undefined ? null : String(blocked),
  };
}

function shown(reply: RegistryReply | Problem): Outcome {
  if ('kind' in reply) return reply;
  return reply.freeze === undefined ? problem('internalError') : answer(freezeView(reply.freeze));
}

export const putFreeze = route({
  method: 'put',
  path: '/v1/accounts/{id}/freezes/{freeze}',
  command: 'putFreeze',
  tag: 'Risk',
  summary: 'Stop a payer for a short while, or block money that was received.',
  description:
    '`sender`: payments of this account are refused, for at most 30 minutes, 60 at night (22:00 to 06:00). `received`: as much of the amount as the account has is pending to the payer, for at most 72 hours.',
  params: z.strictObject({ id: fields.id, freeze: fields.id }),
  body: z.strictObject({
    kind: z.enum(['sender', 'received']).meta({ description: 'Whom it stops.' }),
    reason: reason.meta({ description: 'Shown with the account.' }),
    until: fields.moment,
    utcOffsetMinutes: z
      .int()
      .min(-720)
      .max(840)
      .optional()
      .meta({ description: 'Where it is night; 480 when left out.' }),
    payment: fields.id.optional(),
    payer: fields.id.optional().meta({ type: 'string', description: 'With received: who gets the money back.' }),
    amount: fields.amount.optional(),
  }),
  answer: freezeShape,
  example: {
    body: {
      kind: 'received',
      reason: EXAMPLE.reason,
      until: '2026-02-02T08:00:00Z',
      payer: '0190a5e0c0de7000800000000000b0b0',
      amount: '15000',
    },
    answer: EXAMPLE,
  },
  errors: ['accountNotFound', 'accountForbidden', 'freezeTooLong', 'freezeExistsDifferently', 'riskRegistryFull'],
  async handle({ params, body }, caller) {
    const { kind, until, utcOffsetMinutes, payment, payer, amount } = body;
    return shown(
      await caller.sendRegistry('putFreeze', {
        id: formatId(params.freeze),
        accountId: formatId(params.id),
        kind,
        reason: body.reason,
        until,
        ...(utcOffsetMinutes === undefined ? {} : { utcOffsetMinutes }),
        ...(payment === undefined ? {} : { paymentId: formatId(payment) }),
        ...(payer === undefined ? {} : { payerAccountId: formatId(payer) }),
        ...(amount === undefined ? {} : { amount }),
      }),
    );
  },
});

function ending(decision: 'release' | 'return', summary: string) {
  return route({
    method: 'put',
    path: `/v1/accounts/{id}/freezes/{freeze}/${decision}`,
    command: 'endFreeze',
    tag: 'Risk',
    summary,
    params: z.strictObject({ id: fields.id, freeze: fields.id }),
    body: z.strictObject({}),
    bodyOptional: true,
    answer: freezeShape,
    example: { body: {}, answer: { ...EXAMPLE, state: decision === 'return' ? 'returned' : 'released' } },
    errors: ['freezeNotFound', 'freezeExistsDifferently', 'pendingTransferExpired'],
    async handle({ params }, caller) {
      const body = { id: formatId(params.freeze), accountId: formatId(params.id), decision };
      return shown(await caller.sendRegistry('endFreeze', body));
    },
  });
}

export const putFreezeRelease = ending('release', 'End a freeze: what is blocked is free.');
export const putFreezeReturn = ending('return', 'End a freeze of received money: it goes back to the payer.');
