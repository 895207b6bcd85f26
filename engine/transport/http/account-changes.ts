/** /v1/accounts/{id}/changes: freeze, close or reopen an account, and set its credit limit and its tier. */
import { z } from 'zod';
import { formatId } from '../../../protocol/ids.ts';
import { encodeRecord } from '../../../protocol/layout.ts';
import { ACCOUNT_CHANGE, ACCOUNT_TIER_MAX, AccountChangeFields, AccountStates } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import { ACCOUNT_STATES, refusalOf } from './accounts.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, resultBody } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const change = z.strictObject({
  id: fields.id.optional(),
  state: z
    .enum(ACCOUNT_STATES)
    .optional()
    .meta({ description: 'closing stops what is new, closed also what is pending; each may go back to open.' }),
  creditLimit: fields.amount.optional(),
  tier: fields.whole(0, ACCOUNT_TIER_MAX, 'How well its holder is known, for risk rules.').optional(),
});

const EXAMPLE_ID = '0190a5e0c0de7000800000000000c33e';

export const postAccountChange = route({
  method: 'post',
  path: '/v1/accounts/{id}/changes',
  command: 'changeAccounts',
  tag: 'Accounts',
  summary: 'Freeze, close or reopen an account, or set its credit limit or its tier.',
  description:
    'What is left out stays as it is. A credit limit below what is used stops new debits until there is room.',
  params: z.strictObject({ id: fields.id }),
  body: change,
  answer: z.strictObject({
    id: views.idText,
    result: views.resultShape,
    decidedAt: views.timeText.nullable(),
    replayed: z.boolean(),
  }),
  example: {
    body: { id: EXAMPLE_ID, state: 'frozenForDebits' },
    answer: {
      id: EXAMPLE_ID,
      result: { code: 0, name: 'ok', retry: 'never', message: 'Done.' },
      decidedAt: '2026-01-31T08:00:00.000123Z',
      replayed: false,
    },
  },
  errors: [
    'nothingToChange',
    'existsWithDifferentState',
    'accountNotFound',
    'accountForbidden',
    'accountClosed',
    'accountHasNoDebitLimit',
    'accountHasPendingAmounts',
    'accountBalanceNotZero',
  ],
  async handle({ params, body }, caller) {
    const { bytes, view } = views.blank(ACCOUNT_CHANGE, 1);
    const id = chooseId(caller, body.id);
    if (typeof id !== 'bigint') return id;
    encodeRecord(ACCOUNT_CHANGE, view, 0, {
      id,
      accountId: params.id,
      creditLimit: BigInt(body.creditLimit ?? 0),
      state: AccountStates[body.state ?? 'open'],
      tier: body.tier ?? 0,
      fields:
        (body.state === undefined ? 0 : AccountChangeFields.state) |
        (body.creditLimit === undefined ? 0 : AccountChangeFields.creditLimit) |
        (body.tier === undefined ? 0 : AccountChangeFields.tier),
    });
    const reply = await caller.send('changeAccounts', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const result = { id, ...views.resultAt(reply.view, 0) };
    if (result.code !== Code.ok) return refusalOf(result);
    const shown = {
      id: formatId(id),
      result: resultBody(result.code, caller.language),
      decidedAt: views.decidedAt(reply.view, 0),
      replayed: result.replayed,
    };
    return answer(shown, result.replayed);
  },
});
