/** /v1/parties: customers, merchants and house roles of the caller's institution. */
import { z } from 'zod';
import type { StoredParty } from '../../../protocol/bodies.ts';
import { formatId, partyAccountId } from '../../../protocol/ids.ts';
import * as fields from './fields.ts';
import { answer, problem } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const CURRENCIES_MAX = 64;
const kind = z.enum(['customer', 'merchant', 'house']);

const partyShape = z.strictObject({
  handle: z.string(),
  kind,
  name: z.string(),
  accounts: z.record(z.string(), views.idText).meta({ description: 'Account id by currency.' }),
  mcc: z.int(),
  institution: z.int(),
  updatedAt: views.timeText.nullable(),
});

const EXAMPLE = {
  handle: 'teahouse',
  kind: 'merchant',
  name: 'Old Tea House',
  accounts: { CNY: formatId(partyAccountId(2, 'teahouse', 156)) },
  mcc: 5814,
  institution: 2,
  updatedAt: '2026-01-31T08:00:00.000123Z',
};

function viewOf(party: StoredParty): z.infer<typeof partyShape> {
  const accounts = party.ledgers.map((ledger) => [
    views.formatCurrency(ledger),
    formatId(partyAccountId(party.institution, party.handle, ledger)),
  ]);
  return {
    handle: party.handle,
    kind: party.kind,
    name: party.name,
    accounts: Object.fromEntries(accounts),
    mcc: party.mcc,
    institution: party.institution,
    updatedAt: party.updatedAt === 0 ? null : views.formatTime(Number(party.updatedAt)),
  };
}

const params = z.strictObject({ handle: fields.handle });

export const putParty = route({
  method: 'put',
  path: '/v1/parties/{handle}',
  command: 'putParty',
  tag: 'Parties',
  summary: 'Register a customer or merchant, or change one.',
  params,
  body: z.strictObject({
    kind,
    name: fields.text(128, 'Trading name of a merchant, shown to payers.').optional(),
    currencies: z
      .array(fields.currency)
      .min(1)
      .max(CURRENCIES_MAX)
      .meta({ description: 'In which the party has an account.' }),
    mcc: fields.whole(0, 9999, 'ISO 18245 merchant category; 0 = none.').optional(),
  }),
  answer: partyShape,
  example: {
    body: { kind: 'merchant', name: 'Old Tea House', currencies: ['CNY'], mcc: 5814 },
    answer: EXAMPLE,
  },
  errors: ['partyKindMustNotChange'],
  async handle({ params: { handle }, body }, caller) {
    const reply = await caller.sendRich('putParty', {
      handle,
      kind: body.kind,
      name: body.name ?? '',
      ledgers: [...new Set(body.currencies.map(({ numeric }) => numeric))],
      mcc: body.mcc ?? 0,
    });
    if ('kind' in reply) return reply;
    return reply.party === undefined ? problem('internalError') : answer(viewOf(reply.party));
  },
});

export const getParty = route({
  method: 'get',
  path: '/v1/parties/{handle}',
  command: 'getParty',
  tag: 'Parties',
  summary: 'One party with the ids of its accounts.',
  params,
  answer: partyShape,
  example: { answer: EXAMPLE },
  errors: ['partyNotFound'],
  async handle({ params: { handle } }, caller) {
    const reply = await caller.sendRich('getParty', { handle });
    if ('kind' in reply) return reply;
    return reply.party === undefined ? problem('internalError') : answer(viewOf(reply.party));
  },
});

export const getParties = route({
  method: 'get',
  path: '/v1/parties',
  command: 'listParties',
  tag: 'Parties',
  summary: 'Parties of the institution, newest first.',
  query: z.strictObject({ cursor: fields.cursor.optional(), limit: fields.limit.optional() }),
  answer: z.strictObject({ parties: z.array(partyShape), nextCursor: views.cursorText }),
  example: { answer: { parties: [EXAMPLE], nextCursor: null } },
  errors: ['limitOutOfRange', 'cursorInvalid'],
  async handle({ query }, caller) {
    const body = { cursor: query.cursor ?? 0, limit: query.limit ?? fields.LIMIT_DEFAULT };
    const reply = await caller.sendRich('listParties', body);
    if ('kind' in reply) return reply;
    const next = reply.nextCursor ?? 0;
    return answer({ parties: (reply.parties ?? []).map(viewOf), nextCursor: next === 0 ? null : String(next) });
  },
});
