/** /v1/risk/lists: the lists that risk rules name. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import { REGISTRY_LIMITS } from '../../../protocol/registry-bodies.ts';
import { readMember } from '../../risk/subject-id.ts';
import * as fields from './fields.ts';
import { answer } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const name = fields.riskName('Of the list, as rules name it.');
const params = z.strictObject({ name });

const member = fields.field(
  {
    type: 'string',
    minLength: 4,
    maxLength: 300,
    description:
      'The id of an account (32 hex digits or a UUID), or `device:`, `ip:` or `card:` and the text by which payments name it, which is stored as its hash.',
  },
  (value) =>
    (typeof value === 'string' ? readMember(value) : undefined) ??
    new fields.Fault('must be an account id, or device:…, ip:… or card:…'),
);
const members = z.array(member).max(REGISTRY_LIMITS.changesPerMessage);

const EXAMPLE_MEMBER = '0190a5e0c0de7000800000000000a11c';

export const getRiskLists = route({
  method: 'get',
  path: '/v1/risk/lists',
  command: 'getRiskList',
  tag: 'Risk',
  summary: 'All lists that risk rules can name.',
  answer: z.strictObject({ lists: z.array(z.strictObject({ name: z.string(), size: z.int() })) }),
  example: { answer: { lists: [{ name: 'blocked-devices', size: 1 }] } },
  errors: [],
  async handle(_input, caller) {
    const reply = await caller.sendRegistry('getRiskList', { cursor: 0, limit: fields.LIMIT_DEFAULT });
    if ('kind' in reply) return reply;
    return answer({ lists: reply.lists ?? [] });
  },
});

export const getRiskList = route({
  method: 'get',
  path: '/v1/risk/lists/{name}',
  command: 'getRiskList',
  tag: 'Risk',
  summary: 'The members of a list.',
  description:
    'Account ids as they are; devices, addresses and cards as their hashes. In no order that means anything.',
  params,
  query: z.strictObject({ cursor: fields.cursor.optional(), limit: fields.limit.optional() }),
  answer: z.strictObject({ members: z.array(views.idText), nextCursor: views.cursorText }),
  example: { answer: { members: [EXAMPLE_MEMBER], nextCursor: null } },
  errors: ['riskListNotFound', 'limitOutOfRange', 'cursorInvalid'],
  async handle({ params: { name: list }, query }, caller) {
    const page = { cursor: query.cursor ?? 0, limit: query.limit ?? fields.LIMIT_DEFAULT };
    const reply = await caller.sendRegistry('getRiskList', { name: list, ...page });
    if ('kind' in reply) return reply;
    const next = reply.nextCursor ?? 0;
    return answer({ members: reply.members ?? [], nextCursor: next === 0 ? null : String(next) });
  },
});

export const putRiskList = route({
  method: 'put',
  path: '/v1/risk/lists/{name}',
  command: 'putRiskList',
  tag: 'Risk',
  summary: 'Add members to a list, and remove some. The first change makes the list.',
  description: 'Counts for payments from then on. What is there already, or is not there, is passed over.',
  params,
  body: z.strictObject({ add: members.optional(), remove: members.optional() }),
  answer: z.strictObject({ name: z.string(), added: z.array(views.idText), removed: z.array(views.idText) }),
  example: {
    body: { add: [EXAMPLE_MEMBER] },
    answer: { name: 'blocked-merchants', added: [EXAMPLE_MEMBER], removed: [] },
  },
  errors: ['riskListFull'],
  async handle({ params: { name: list }, body }, caller) {
    const add = (body.add ?? []).map(formatId);
    const remove = (body.remove ?? []).map(formatId);
    const reply = await caller.sendRegistry('putRiskList', { name: list, add, remove });
    if ('kind' in reply) return reply;
    return answer({ name: list, added: add, removed: remove });
  },
});
