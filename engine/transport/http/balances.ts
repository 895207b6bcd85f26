/** Balances at a time, sums by day and code, and the sums of all accounts. */
import { z } from 'zod';
import { encodeRecord, readU128 } from '../../../protocol/layout.ts';
import {
  AGGREGATE,
  AGGREGATE_QUERY,
  BALANCE_AT,
  BALANCE_QUERY,
  TRIAL_BALANCE,
  TRIAL_QUERY,
} from '../../../protocol/reading-records.ts';
import { PAGE, RESULT } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { entryAt, entryShape } from './history.ts';
import { answer, type Outcome, problemOfCode } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const ROWS_AT = RESULT.size + PAGE.size;
const MS_PER_DAY = 86_400_000;

const ENTRY = {
  transfer: '0190a5e0c0de7000800000000000b22d',
  direction: 'debit',
  kind: 'posted',
  amount: '1250',
  currency: 'CNY',
  balanceAfter: '98750',
  counterparty: '0190a5e0c0de7000800000000000b0b0',
  code: 1,
  payment: null,
  decidedAt: '2026-01-31T08:00:00.000123Z',
};

export const getBalance = route({
  method: 'get',
  path: '/v1/accounts/{id}/balance',
  command: 'balancesAt',
  tag: 'Accounts',
  summary: 'The posted balance of an account at a time.',
  params: z.strictObject({ id: fields.id }),
  query: z.strictObject({ at: fields.at.optional() }),
  answer: z.strictObject({
    balance: views.signedAmountText.meta({ description: 'Posted credits minus posted debits.' }),
    currency: views.currencyText,
    entries: z.string().meta({ description: 'How many entries the account had by then.' }),
    entry: entryShape.nullable().meta({ description: 'The entry that made the balance.' }),
  }),
  example: { answer: { balance: '98750', currency: 'CNY', entries: '2', entry: ENTRY } },
  errors: ['accountNotFound', 'accountForbidden'],
  async handle({ params, query }, caller) {
    const { bytes, view } = views.blank(BALANCE_QUERY);
    // A time of 0 means now.
    encodeRecord(BALANCE_QUERY, view, 0, {
      accountId: params.id,
      at: query.at === undefined ? 0n : BigInt(Math.max(1, query.at)),
    });
    const reply = await caller.send('balancesAt', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    if (code !== Code.ok) return problemOfCode(code);
    const at = (name: keyof typeof BALANCE_AT.at) => RESULT.size + BALANCE_AT.at[name];
    const entries = views.readU64(reply.view, at('entries'));
    return answer({
      balance: String(reply.view.getBigInt64(at('balance'), true)),
      currency: views.formatCurrency(reply.view.getUint32(at('ledger'), true)),
      entries: String(entries),
      entry: entries === 0 ? null : entryAt(reply.view, RESULT.size + BALANCE_AT.size, params.id),
    });
  },
});

const aggregateShape = z.strictObject({
  day: z.string().meta({ format: 'date', description: 'In UTC.' }),
  code: z.int(),
  debitCount: z.int(),
  debits: views.amountText,
  creditCount: z.int(),
  credits: views.amountText,
});

export const getAggregates = route({
  method: 'get',
  path: '/v1/accounts/{id}/aggregates',
  command: 'aggregate',
  tag: 'Accounts',
  summary: 'What was posted on an account, by day and code, oldest first.',
  description: 'The last day of a page can go on in the next one: add the two.',
  params: z.strictObject({ id: fields.id }),
  query: z.strictObject({
    from: fields.from.optional(),
    to: fields.to.optional(),
    cursor: fields.cursor.optional(),
    limit: fields.limit.optional(),
  }),
  answer: z.strictObject({ aggregates: z.array(aggregateShape), nextCursor: views.cursorText }),
  example: {
    answer: {
      aggregates: [{ day: '2026-01-31', code: 1, debitCount: 2, debits: '1250', creditCount: 1, credits: '100000' }],
      nextCursor: null,
    },
  },
  errors: ['accountNotFound', 'accountForbidden', 'limitOutOfRange', 'cursorInvalid', 'timeRangeEmpty'],
  handle({ params, query }, caller) {
    const { bytes, view } = views.blank(AGGREGATE_QUERY);
    encodeRecord(AGGREGATE_QUERY, view, 0, {
      accountId: params.id,
      cursor: BigInt(query.cursor ?? 0),
      from: BigInt(query.from ?? 0),
      to: BigInt(query.to ?? 0),
      limit: query.limit ?? fields.LIMIT_DEFAULT,
    });
    return page(caller, 'aggregate', bytes, 'aggregates', AGGREGATE.size, aggregateAt);
  },
});

function aggregateAt(view: DataView, offset: number): z.infer<typeof aggregateShape> {
  const at = (name: keyof typeof AGGREGATE.at) => offset + AGGREGATE.at[name];
  return {
    day: new Date(view.getUint32(at('day'), true) * MS_PER_DAY).toISOString().slice(0, 10),
    code: view.getUint16(at('code'), true),
    debitCount: view.getUint32(at('debitCount'), true),
    debits: views.amountAt(view, at('debits')),
    creditCount: view.getUint32(at('creditCount'), true),
    credits: views.amountAt(view, at('credits')),
  };
}

const trialShape = z.strictObject({
  currency: views.currencyText,
  accounts: z.string(),
  debitsPosted: views.amountText,
  creditsPosted: views.amountText,
  debitsPending: views.amountText,
  creditsPending: views.amountText,
});

export const getTrialBalance = route({
  method: 'get',
  path: '/v1/trial-balance',
  command: 'trialBalance',
  tag: 'Accounts',
  summary: 'Sums of all accounts of your institution, by currency.',
  description: 'For the operator of all accounts: then both sides are equal.',
  query: z.strictObject({ cursor: fields.cursor.optional(), limit: fields.limit.optional() }),
  answer: z.strictObject({ currencies: z.array(trialShape), nextCursor: views.cursorText }),
  example: {
    answer: {
      currencies: [
        {
          currency: 'CNY',
          accounts: '2',
          debitsPosted: '1250',
          creditsPosted: '1250',
          debitsPending: '0',
          creditsPending: '0',
        },
      ],
      nextCursor: null,
    },
  },
  errors: ['limitOutOfRange'],
  handle({ query }, caller) {
    const { bytes, view } = views.blank(TRIAL_QUERY);
    const limit = query.limit ?? fields.LIMIT_DEFAULT;
    encodeRecord(TRIAL_QUERY, view, 0, { cursor: BigInt(query.cursor ?? 0), limit });
    return page(caller, 'trialBalance', bytes, 'currencies', TRIAL_BALANCE.size, trialAt);
  },
});

function trialAt(view: DataView, offset: number): z.infer<typeof trialShape> {
  const at = (name: keyof typeof TRIAL_BALANCE.at) => offset + TRIAL_BALANCE.at[name];
  return {
    currency: views.formatCurrency(view.getUint32(at('ledger'), true)),
    accounts: String(views.readU64(view, at('accounts'))),
    debitsPosted: String(readU128(view, at('debitsPosted'))),
    creditsPosted: String(readU128(view, at('creditsPosted'))),
    debitsPending: String(readU128(view, at('debitsPending'))),
    creditsPending: String(readU128(view, at('creditsPending'))),
  };
}

/** One page of a command whose reply is RESULT, PAGE and rows, as `{ [name]: rows, nextCursor }`. */
async function page(
  caller: Caller,
  command: 'aggregate' | 'trialBalance',
  body: Uint8Array,
  name: string,
  rowBytes: number,
  rowAt: (view: DataView, offset: number) => unknown,
): Promise<Outcome> {
  const reply = await caller.send(command, 1, body);
  if (reply.kind === 'problem') return reply;
  const { code } = views.resultAt(reply.view, 0);
  if (code !== Code.ok) return problemOfCode(code);
  const { nextCursor, count } = views.pageAt(reply.view, RESULT.size);
  const rows = Array.from({ length: count }, (_, index) => rowAt(reply.view, ROWS_AT + index * rowBytes));
  return answer({ [name]: rows, nextCursor });
}
