/** /v1/risk and /v1/payments/{id}/decision: rule sets, signals, and why a payment was decided as it was. */
import { z } from 'zod';
import { encodeReportSignals } from '../../../protocol/codecs/risk-codec.ts';
import { FRAME_HEADER } from '../../../protocol/frame.ts';
import { formatId, parseId } from '../../../protocol/ids.ts';
import { type SignalName, Signals } from '../../../protocol/risk.ts';
import { subjectId } from '../../risk/subject-id.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, problem, problemOfCode } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const text = z.string();

export const getDecision = route({
  method: 'get',
  path: '/v1/payments/{id}/decision',
  command: 'explainPayment',
  tag: 'Risk',
  summary: 'What the risk rules saw of a payment, and what they decided.',
  params: z.strictObject({ id: fields.id }),
  answer: z.strictObject({
    paymentId: views.idText,
    ruleSet: text,
    outcome: text,
    tier: z.int(),
    context: z.strictObject({
      channel: text,
      mcc: z.int(),
      country: text,
      codeTier: z.int(),
      device: text,
      ip: text,
      card: text,
      latitude: z.int().nullable(),
      longitude: z.int().nullable(),
    }),
    features: z.array(z.strictObject({ name: text, value: z.number() })),
    rules: z.array(
      z.strictObject({
        id: text,
        outcome: text,
        overridable: z.boolean(),
        shadow: z.boolean(),
        reason: z.strictObject({ en: text, zh: text }),
      }),
    ),
  }),
  example: {
    answer: {
      paymentId: '0190a5e0c0de7000800000000000c33e',
      ruleSet: 'default-1',
      outcome: 'decline',
      tier: 2,
      context: {
        channel: 'wallet',
        mcc: 7995,
        country: 'CN',
        codeTier: 0,
        device: '',
        ip: '',
        card: '',
        latitude: null,
        longitude: null,
      },
      features: [{ name: 'count of payments by payer, 1h', value: 3 }],
      rules: [
        {
          id: 'gambling',
          outcome: 'decline',
          overridable: false,
          shadow: false,
          reason: { en: 'Gambling is not allowed.', zh: '不支持博彩类交易。' },
        },
      ],
    },
  },
  errors: ['paymentNotFound', 'paymentForbidden', 'decisionNotFound'],
  async handle({ params }, caller) {
    const reply = await caller.sendRich('explainPayment', { paymentId: formatId(params.id) });
    if ('kind' in reply) return reply;
    return reply.explanation === undefined ? problem('internalError') : answer(reply.explanation);
  },
});

export const putRules = route({
  method: 'put',
  path: '/v1/risk/rules',
  command: 'activateRules',
  tag: 'Risk',
  summary: 'Put a risk rule set into force, or end the one that is.',
  description:
    'The rule set as in a rule file, as JSON. One with mistakes is refused, and the one before stays in force.',
  body: z.strictObject({
    ruleSet: z
      .looseObject({ version: text })
      .nullable()
      .meta({ description: 'null: payments go to the ledger as they come.' }),
  }),
  answer: z.strictObject({ version: text.nullable() }),
  example: { body: { ruleSet: { version: '2026-1', rules: [] } }, answer: { version: '2026-1' } },
  errors: ['ruleSetInvalid'],
  async handle({ body: { ruleSet } }, caller) {
    const reply = await caller.sendRich('activateRules', ruleSet === null ? {} : { ruleSet });
    return 'kind' in reply ? reply : answer({ version: ruleSet?.version ?? null });
  },
});

export const postSignal = route({
  method: 'post',
  path: '/v1/risk/signals',
  command: 'reportSignals',
  tag: 'Risk',
  summary: 'Tell the risk rules what happened to a payer outside of payments.',
  body: z.strictObject({
    id: fields.id.optional(),
    account: fields.account,
    currency: fields.currency,
    kind: z.enum(Object.keys(Signals) as [SignalName, ...SignalName[]]),
    device: fields.text(256, 'As in a payment. Only a hash of it is kept.').optional(),
  }),
  answer: z.strictObject({ id: views.idText }),
  example: {
    body: { account: 'alice', currency: 'CNY', kind: 'authenticationFailed' },
    answer: { id: '0190a5e0c0de7000800000000000d551' },
  },
  errors: ['accountNotFound', 'accountForbidden', 'existsWithDifferentAccount', 'existsWithDifferentSignal'],
  async handle({ body }, caller) {
    const id = chooseId(caller, body.id);
    if (typeof id !== 'bigint') return id;
    const accountId = caller.accountId(body.account, body.currency.numeric);
    const { kind, device } = body;
    const known = device === undefined ? {} : { device: parseId(device) ?? subjectId('device', device) };
    const frame = encodeReportSignals([{ id, accountId, kind, ...known }], { requestId: 0 });
    const reply = await caller.send('reportSignals', 1, frame.subarray(FRAME_HEADER.size));
    if (reply.kind === 'problem') return reply;
    const { code, replayed } = views.resultAt(reply.view, 0);
    return code === 0 ? answer({ id: formatId(id) }, replayed) : problemOfCode(code, { replayed });
  },
});
