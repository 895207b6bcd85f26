/** /v1/changes: the change stream of a partition, page by page, with waiting. */
import { z } from 'zod';
import { LIMITS } from '../../../protocol/limits.ts';
import { Code } from '../../../protocol/results.ts';
import type { ChangesPage } from '../../gateway.ts';
import * as fields from './fields.ts';
import { problemOfCode } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const WAIT_SECONDS_MAX = LIMITS.changesWaitMsMax / 1000;

function readCursor(value: unknown): number | 'now' | fields.Fault {
  if (value === 'now') return 'now';
  const given = typeof value === 'string' && /^(?:0|[1-9][0-9]{0,15})$/.test(value) ? Number(value) : Number.NaN;
  return Number.isSafeInteger(given) ? given : new fields.Fault('must be a cursor or now', 'cursorInvalid');
}

const cursor = fields.field(
  {
    type: ['string', 'integer'],
    description:
      '`nextCursor` of the page before, or the `cursor` of a change; 0 = from the start, `now` = only what comes.',
  },
  readCursor,
);

const EVENT_HEADERS = { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' };
/** The library cuts a connection on which nothing moves for 10 s. */
const BEAT_MS = 5000;

/** What the parts hold, by type, is in the specification page: protocol/README.md. */
const changeShape = z.looseObject({
  id: z.string().meta({ description: 'Unique and for ever the same: what repeats are told by.' }),
  type: z.string().meta({ description: 'transfer, account, payment, party, tariff, campaign or other.' }),
  partition: z.int(),
  position: z.int(),
  cursor: z.int().meta({ description: 'Where to go on after this change.' }),
  decidedAt: views.timeText,
  institution: z.int().meta({ description: 'Who asked for it.' }),
  result: z.string().meta({ description: 'Name of the result: declined requests are changes, too.' }),
});

export const getChanges = route({
  method: 'get',
  path: '/v1/changes',
  command: 'readChanges',
  tag: 'Changes',
  summary: 'What happened in a partition, in order, from a cursor on.',
  description:
    'Holds what your institution asked for and what is on its accounts. With `wait` the answer comes with the next change, or empty when the time is up. A page may hold fewer changes than `limit`, also none: go on with `nextCursor`. With `Accept: text/event-stream` pages come as events named `changes` for as long as the connection lasts, each with its `nextCursor` as id; `Last-Event-ID` goes on there.',
  query: z.strictObject({
    partition: fields.whole(0, 0xffff_ffff, 'Which partition; 0 when left out.').optional(),
    cursor: cursor.optional(),
    limit: fields.limit.optional(),
    wait: fields.whole(0, WAIT_SECONDS_MAX, 'Seconds to wait when there is nothing; 0 when left out.').optional(),
  }),
  answer: z.strictObject({
    changes: z.array(changeShape),
    nextCursor: z.int(),
    atEnd: z.boolean().meta({ description: 'Whether this was all that is durable.' }),
  }),
  example: {
    answer: {
      changes: [
        {
          id: '0-4711',
          type: 'transfer',
          partition: 0,
          position: 4711,
          cursor: 4722,
          decidedAt: '2026-01-31T08:00:00.000123Z',
          institution: 2,
          result: 'ok',
          transfer: {
            id: '0190a5e0c0de7000800000000000b22d',
            debitAccount: '0190a5e0c0de7000800000000000a11c',
            creditAccount: '0190a5e0c0de7000800000000000b0b0',
            amount: '1250',
            currency: 'CNY',
            code: 1,
            flags: [],
            pendingId: null,
            timeoutSeconds: 0,
            userData128: null,
            userData64: '0',
            userData32: 0,
            payment: null,
            debitBalanceAfter: '98750',
            creditBalanceAfter: null,
          },
        },
      ],
      nextCursor: 4722,
      atEnd: true,
    },
  },
  errors: ['partitionNotFound', 'cursorInvalid', 'limitOutOfRange', 'tooManyReaders'],
  async handle({ query }, caller) {
    const { code, body } = await caller.readChanges({
      partition: query.partition ?? 0,
      cursor: query.cursor ?? 0,
      limit: query.limit ?? fields.LIMIT_DEFAULT,
      waitMs: (query.wait ?? 0) * 1000,
    });
    if (code !== Code.ok) return problemOfCode(code);
    return { kind: 'answer', body: undefined, text: new TextDecoder().decode(body) };
  },
  async follow(query, lastEventId, caller, exchange) {
    const given = lastEventId === '' ? (query.cursor ?? 0) : readCursor(lastEventId);
    if (given instanceof fields.Fault) return problemOfCode(Code.cursorInvalid);
    const read = (at: number | 'now', waitMs: number) => {
      return caller.readChanges({
        partition: query.partition ?? 0,
        cursor: at,
        limit: query.limit ?? fields.LIMIT_DEFAULT,
        waitMs,
      });
    };
    let page = await read(given, 0);
    if (page.code !== Code.ok) return problemOfCode(page.code);
    const write = exchange.begin(EVENT_HEADERS);
    while (write !== undefined && page.code === Code.ok) {
      // A client that is behind is not read for: there is never more than one page on its way to it.
      await write(eventOf(page));
      page = await read(page.nextCursor, BEAT_MS);
    }
    return undefined;
  },
});

function eventOf({ body, count, nextCursor }: ChangesPage): string {
  // A comment keeps the connection alive, and goes through proxies that wait for a first byte.
  if (count === 0) return ': nothing new\n\n';
  return `event: changes\nid: ${nextCursor}\ndata: ${new TextDecoder().decode(body)}\n\n`;
}
