/** /v1/accounts/{id}/entries: what happened on an account. */
import { z } from 'zod';
import { ENGINE_ID_PREFIX, type Id } from '../../../protocol/ids.ts';
import { encodeRecord, readU128 } from '../../../protocol/layout.ts';
import { HISTORY_FILTER, HistoryFlags } from '../../../protocol/reading-records.ts';
import { PAGE, RESULT, TRANSFER, TRANSFER_OUTCOME } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import * as fields from './fields.ts';
import { answer, problemOfCode } from './outcome.ts';
import { route } from './route.ts';
import { kindOfFlags, kindShape } from './transfer-view.ts';
import * as views from './views.ts';

export const entryShape = z.strictObject({
  transfer: views.idText,
  direction: z.enum(['debit', 'credit']).meta({ description: 'debit: money left the account.' }),
  kind: kindShape,
  amount: views.amountText,
  currency: views.currencyText,
  balanceAfter: views.signedAmountText.meta({ description: 'Posted balance of this account after the entry.' }),
  counterparty: views.idText.nullable().meta({ description: 'The account on the other side.' }),
  code: z.int(),
  payment: views.idText.nullable().meta({ description: 'The payment that this is a leg of.' }),
  decidedAt: views.timeText.nullable(),
});

export const getEntries = route({
  method: 'get',
  path: '/v1/accounts/{id}/entries',
  command: 'queryHistory',
  tag: 'Accounts',
  summary: 'Entries of an account that match, with running balances.',
  description:
    'Newest first unless `order` says otherwise. A page can be short, or empty, before the last: go on while there is a `nextCursor`.',
  params: z.strictObject({ id: fields.id }),
  query: z.strictObject({
    cursor: fields.cursor.optional(),
    limit: fields.limit.optional(),
    order: z.enum(['newestFirst', 'oldestFirst']).optional().meta({ description: 'newestFirst when left out.' }),
    side: z.enum(['debit', 'credit']).optional().meta({ description: 'Only entries on this side of the account.' }),
    from: fields.from.optional(),
    to: fields.to.optional(),
    code: fields.whole(1, 0xffff, 'Only entries with this code.').optional(),
    counterparty: fields.id.optional(),
    userData128: fields.userData128.optional(),
    userData64: fields.userData64.optional(),
    userData32: fields.whole(1, 0xffff_ffff, 'Only entries with this user data.').optional(),
  }),
  answer: z.strictObject({ entries: z.array(entryShape), nextCursor: views.cursorText }),
  example: {
    answer: {
      entries: [
        {
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
        },
      ],
      nextCursor: null,
    },
  },
  errors: ['accountNotFound', 'accountForbidden', 'limitOutOfRange', 'cursorInvalid', 'timeRangeEmpty'],
  async handle({ params, query }, caller) {
    const { bytes, view } = views.blank(HISTORY_FILTER);
    encodeRecord(HISTORY_FILTER, view, 0, {
      accountId: params.id,
      cursor: BigInt(query.cursor ?? 0),
      limit: query.limit ?? fields.LIMIT_DEFAULT,
      code: query.code ?? 0,
      flags:
        (query.order === 'oldestFirst' ? HistoryFlags.oldestFirst : 0) |
        (query.side === 'debit' ? HistoryFlags.debits : 0) |
        (query.side === 'credit' ? HistoryFlags.credits : 0),
      from: BigInt(query.from ?? 0),
      to: BigInt(query.to ?? 0),
      counterpartId: query.counterparty ?? 0n,
      userData128: query.userData128 ?? 0n,
      userData64: query.userData64 ?? 0n,
      userData32: query.userData32 ?? 0,
    });
    const reply = await caller.send('queryHistory', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    if (code !== Code.ok) return problemOfCode(code);
    const { nextCursor, count } = views.pageAt(reply.view, RESULT.size);
    const step = TRANSFER_OUTCOME.size + TRANSFER.size;
    const first = RESULT.size + PAGE.size;
    const entries = Array.from({ length: count }, (_, i) => entryAt(reply.view, first + i * step, params.id));
    return answer({ entries, nextCursor });
  },
});

export function entryAt(view: DataView, outcome: number, account: Id): z.infer<typeof entryShape> {
  const transfer = outcome + TRANSFER_OUTCOME.size;
  const isDebit = readU128(view, transfer + TRANSFER.at.debitAccountId) === account;
  const balance = outcome + (isDebit ? TRANSFER_OUTCOME.at.debitBalanceAfter : TRANSFER_OUTCOME.at.creditBalanceAfter);
  const other = transfer + (isDebit ? TRANSFER.at.creditAccountId : TRANSFER.at.debitAccountId);
  // The most significant word of an id that the engine gave; such a transfer names its payment.
  const isLeg = view.getUint32(transfer + TRANSFER.at.id + 12, true) === ENGINE_ID_PREFIX;
  return {
    transfer: views.idAt(view, transfer + TRANSFER.at.id),
    direction: isDebit ? 'debit' : 'credit',
    kind: kindOfFlags(view.getUint16(transfer + TRANSFER.at.flags, true)),
    amount: views.amountAt(view, transfer + TRANSFER.at.amount),
    currency: views.formatCurrency(view.getUint32(transfer + TRANSFER.at.ledger, true)),
    balanceAfter: String(view.getBigInt64(balance, true)),
    counterparty: views.idOrNullAt(view, other),
    code: view.getUint16(transfer + TRANSFER.at.code, true),
    payment: isLeg ? views.idOrNullAt(view, transfer + TRANSFER.at.userData128) : null,
    decidedAt: views.timeAt(view, transfer + TRANSFER.at.timestamp),
  };
}
