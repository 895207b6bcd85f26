/** /v1/accounts/{id}/risk: what risk keeps of an account. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import * as fields from './fields.ts';
import { freezeShape, freezeView } from './freezes.ts';
import { answer } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const exemption = z.strictObject({ rule: z.string(), until: views.timeText });

export const getAccountRisk = route({
  method: 'get',
  path: '/v1/accounts/{id}/risk',
  command: 'readAccountRisk',
  tag: 'Risk',
  summary: 'Freezes of an account, and risk rules that it is excepted from.',
  params: z.strictObject({ id: fields.id }),
  answer: z.strictObject({ exemptions: z.array(exemption), freezes: z.array(freezeShape) }),
  example: { answer: { exemptions: [{ rule: 'new-device', until: '2026-12-31T23:59:59.000000Z' }], freezes: [] } },
  errors: ['accountNotFound', 'accountForbidden'],
  async handle({ params: { id } }, caller) {
    const reply = await caller.sendRegistry('readAccountRisk', { accountId: formatId(id) });
    if ('kind' in reply) return reply;
    const exemptions = (reply.exemptions ?? []).map(({ rule, until }) => ({ rule, until: views.formatTime(until) }));
    return answer({ exemptions, freezes: (reply.freezes ?? []).map(freezeView) });
  },
});

export const putExemption = route({
  method: 'put',
  path: '/v1/accounts/{id}/exemptions/{rule}',
  command: 'putRiskExemption',
  tag: 'Risk',
  summary: 'Except a payer from a risk rule until a time.',
  description: 'Without `until` the exemption ends now. A rule that cannot be overridden counts all the same.',
  params: z.strictObject({ id: fields.id, rule: fields.riskName('Id of the rule.') }),
  body: z.strictObject({ until: fields.moment.optional() }),
  bodyOptional: true,
  answer: z.strictObject({ account: views.idText, rule: z.string(), until: views.timeText.nullable() }),
  example: {
    body: { until: '2026-12-31T23:59:59Z' },
    answer: {
      account: '0190a5e0c0de7000800000000000a11c',
      rule: 'new-device',
      until: '2026-12-31T23:59:59.000000Z',
    },
  },
  errors: ['accountNotFound', 'accountForbidden', 'untilMustBeInFuture', 'riskRegistryFull'],
  async handle({ params: { id, rule }, body: { until = 0 } }, caller) {
    const accountId = formatId(id);
    const reply = await caller.sendRegistry('putRiskExemption', { accountId, rule, until });
    if ('kind' in reply) return reply;
    return answer({ account: accountId, rule, until: until === 0 ? null : views.formatTime(until) });
  },
});
