/** /v1/cases: payments that somebody has to look at. A case has the id of its payment. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import {
  type ChangeCaseBody,
  REGISTRY_LIMITS,
  type RegistryReply,
  type StoredCase,
} from '../../../protocol/registry-bodies.ts';
import * as fields from './fields.ts';
import { answer, type Outcome, type Problem, problem } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const caseShape = z.strictObject({
  payment: views.idText,
  rules: z.array(z.string()),
  state: z.enum(['open', 'analysed', 'agreed', 'disagreed']),
  assignee: z.string(),
  comments: z.array(z.strictObject({ at: views.timeText, by: z.string(), text: z.string() })),
  openedAt: views.timeText,
});

const EXAMPLE = {
  payment: '0190a5e0c0de7000800000000000aa01',
  rules: ['impossible-travel'],
  state: 'open',
  assignee: '',
  comments: [],
  openedAt: '2026-01-31T08:00:00.000123Z',
};

const params = z.strictObject({ id: fields.id });
const by = fields.text(32, 'Who does it, in your terms.');

function viewOf({ paymentId, rules, state, assignee, comments, openedAt }: StoredCase): z.infer<typeof caseShape> {
  return {
    payment: paymentId,
    rules: [...rules],
    state,
    assignee,
    comments: comments.map(({ at, by: who, text }) => ({ at: views.formatTime(at), by: who, text })),
    openedAt: views.formatTime(openedAt),
  };
}

function shown(reply: RegistryReply | Problem): Outcome {
  if ('kind' in reply) return reply;
  return reply.case === undefined ? problem('internalError') : answer(viewOf(reply.case));
}

export const getCases = route({
  method: 'get',
  path: '/v1/cases',
  command: 'readCases',
  tag: 'Risk',
  summary: 'Open cases, newest first, without their comments.',
  query: z.strictObject({ cursor: fields.cursor.optional(), limit: fields.limit.optional() }),
  answer: z.strictObject({ cases: z.array(caseShape), nextCursor: views.cursorText }),
  example: { answer: { cases: [EXAMPLE], nextCursor: null } },
  errors: ['limitOutOfRange', 'cursorInvalid'],
  async handle({ query }, caller) {
    const page = { cursor: query.cursor ?? 0, limit: query.limit ?? fields.LIMIT_DEFAULT };
    const reply = await caller.sendRegistry('readCases', page);
    if ('kind' in reply) return reply;
    const next = reply.nextCursor ?? 0;
    return answer({ cases: (reply.cases ?? []).map(viewOf), nextCursor: next === 0 ? null : String(next) });
  },
});

export const getCase = route({
  method: 'get',
  path: '/v1/cases/{id}',
  command: 'readCases',
  tag: 'Risk',
  summary: 'The case of a payment.',
  params,
  answer: caseShape,
  example: { answer: EXAMPLE },
  errors: ['caseNotFound'],
  async handle({ params: { id } }, caller) {
    return shown(await caller.sendRegistry('readCases', { paymentId: formatId(id), cursor: 0, limit: 1 }));
  },
});

export const putCase = route({
  method: 'put',
  path: '/v1/cases/{id}',
  command: 'openCase',
  tag: 'Risk',
  summary: 'Open a case about a payment, unless there is one.',
  params,
  body: z.strictObject({
    rules: z
      .array(fields.riskName('Id of the rule.'))
      .max(REGISTRY_LIMITS.rulesPerCase)
      .optional()
      .meta({ description: 'The rules that it is about.' }),
  }),
  bodyOptional: true,
  answer: caseShape,
  example: { body: { rules: EXAMPLE.rules }, answer: EXAMPLE },
  errors: ['paymentNotFound', 'riskRegistryFull'],
  async handle({ params: { id }, body }, caller) {
    return shown(await caller.sendRegistry('openCase', { paymentId: formatId(id), rules: body.rules ?? [] }));
  },
});

export const putCaseChange = route({
  method: 'put',
  path: '/v1/cases/{id}/changes',
  command: 'changeCase',
  tag: 'Risk',
  summary: 'Assign or comment a case, or note that it was analysed.',
  description: 'A comment that is sent twice is there twice.',
  params,
  body: z.strictObject({
    by,
    assignee: fields.text(32, 'Who looks at it from now on.').optional(),
    comment: fields.text(REGISTRY_LIMITS.commentBytes, 'What was found.').optional(),
    analysed: fields.flag('The facts are known; the decision is left.').optional(),
  }),
  answer: caseShape,
  example: {
    body: { by: 'ann', assignee: 'bob' },
    answer: { ...EXAMPLE, assignee: 'bob' },
  },
  errors: ['caseNotFound', 'caseClosed', 'caseFull'],
  async handle({ params: { id }, body }, caller) {
    const change: ChangeCaseBody = {
      paymentId: formatId(id),
      by: body.by,
      ...(body.assignee === undefined ? {} : { assignee: body.assignee }),
      ...(body.comment === undefined ? {} : { comment: body.comment }),
      ...(body.analysed === undefined ? {} : { analysed: body.analysed }),
    };
    return shown(await caller.sendRegistry('changeCase', change));
  },
});

function decision(how: 'release' | 'return', summary: string) {
  return route({
    method: 'put',
    path: `/v1/cases/{id}/${how}`,
    command: 'changeCase',
    tag: 'Risk',
    summary,
    description: 'The money moves first, once, however often this is sent; then the case is closed.',
    params,
    body: z.strictObject({ by }),
    answer: caseShape,
    example: { body: { by: 'ann' }, answer: { ...EXAMPLE, state: how === 'release' ? 'disagreed' : 'agreed' } },
    errors: ['caseNotFound', 'caseClosed'],
    async handle({ params: { id }, body }, caller) {
      return shown(await caller.sendRegistry('changeCase', { paymentId: formatId(id), by: body.by, decision: how }));
    },
  });
}

export const putCaseRelease = decision('release', 'Decide that the payment was right: what is held goes on.');
export const putCaseReturn = decision('return', 'Decide that the payment was not right: the money goes back.');
