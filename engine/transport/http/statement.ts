/** /v1/accounts/{id}/statement: opening balance, what was posted, closing balance; as JSON or CSV, sent while it is read. */
import { z } from 'zod';
import {
  decodeBalancesAt,
  decodeQueryHistory,
  encodeBalancesAt,
  encodeQueryHistory,
} from '../../../protocol/codecs/reading-codec.ts';
import { isStatement, openStatement, type StatementSource } from '../../statement/statement.ts';
import { writeStatement } from '../../statement/write.ts';
import { type Caller, GatewayProblem } from './caller.ts';
import * as fields from './fields.ts';
import { problem, problemOfCode } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const bookingShape = z.strictObject({
  transfer: views.idText,
  direction: z.enum(['debit', 'credit']),
  amount: views.amountText,
  balanceAfter: views.signedAmountText,
  counterparty: views.idText,
  code: z.int(),
  payment: views.idText.nullable().meta({ description: 'The payment that this is a leg of.' }),
  decidedAt: views.timeText,
});

export const getStatement = route({
  method: 'get',
  path: '/v1/accounts/{id}/statement',
  command: 'queryHistory',
  tag: 'Accounts',
  summary: 'A statement: opening balance, what was posted (oldest first), closing balance.',
  description:
    'With `Accept: text/csv` as a table with amounts in decimals, else as JSON. It is sent while it is read; an answer that ends before its closing balance is not whole.',
  params: z.strictObject({ id: fields.id }),
  query: z.strictObject({ from: fields.from.optional(), to: fields.to.optional() }),
  answer: z.strictObject({
    account: views.idText,
    currency: views.currencyText,
    from: views.timeText.nullable(),
    to: views.timeText.nullable(),
    openingBalance: views.signedAmountText,
    entries: z.array(bookingShape),
    debits: views.amountText,
    credits: views.amountText,
    closingBalance: views.signedAmountText,
  }),
  csv: 'type,date,id,direction,amount,currency,balance,counterpart,code,payment\r\nopening,2026-01-01T00:00:00.000000Z,,,,CNY,1000.00,,,\r\n',
  example: {
    answer: {
      account: '0190a5e0c0de7000800000000000a11c',
      currency: 'CNY',
      from: '2026-01-01T00:00:00.000000Z',
      to: null,
      openingBalance: '100000',
      entries: [
        {
          transfer: '0190a5e0c0de7000800000000000b22d',
          direction: 'debit',
          amount: '1250',
          balanceAfter: '98750',
          counterparty: '0190a5e0c0de7000800000000000b0b0',
          code: 1,
          payment: null,
          decidedAt: '2026-01-31T08:00:00.000123Z',
        },
      ],
      debits: '1250',
      credits: '0',
      closingBalance: '98750',
    },
  },
  errors: ['accountNotFound', 'accountForbidden', 'timeRangeEmpty'],
  async handle({ params, query }, caller) {
    const from = query.from === undefined ? undefined : BigInt(query.from);
    const to = query.to === undefined ? undefined : BigInt(query.to);
    if (to !== undefined && to <= (from ?? 0n)) return problem('timeRangeEmpty', { field: 'to' });
    try {
      const statement = await openStatement(sourceOf(caller), { accountId: params.id, from, to });
      if (!isStatement(statement)) return problemOfCode(statement.code);
      const isCsv = /(^|[\s,])text\/csv($|[\s,;])/i.test(caller.accept);
      const contentType = isCsv ? 'text/csv; charset=utf-8; header=present' : 'application/json';
      return { kind: 'stream', contentType, pieces: writeStatement(statement, isCsv ? 'csv' : 'json') };
    } catch (error) {
      if (error instanceof GatewayProblem) return error.problem;
      throw error;
    }
  },
});

function sourceOf(caller: Caller): StatementSource {
  const options = { requestId: 0 };
  return {
    balancesAt: (query) => caller.need('balancesAt', encodeBalancesAt(query, options), decodeBalancesAt),
    queryHistory: (filter) => caller.need('queryHistory', encodeQueryHistory(filter, options), decodeQueryHistory),
  };
}
