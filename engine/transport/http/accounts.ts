/** /v1/accounts: open accounts and read them. */
import { z } from 'zod';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord, writeU128 } from '../../../protocol/layout.ts';
import {
  ACCOUNT,
  ACCOUNT_TIER_MAX,
  AccountFlags,
  type AccountStateName,
  AccountStates,
  RESULT,
} from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import * as fields from './fields.ts';
import { chooseId, chooseIdInList } from './identity.ts';
import { answer, type Problem, problemOfCode, resultBody } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

export const ACCOUNT_STATES = Object.keys(AccountStates) as [AccountStateName, ...AccountStateName[]];

const newAccount = z.strictObject({
  id: fields.id.optional(),
  currency: fields.currency,
  code: fields.whole(1, 0xffff, 'What kind of account this is, in your chart of accounts.'),
  debitsMustNotExceedCredits: fields.flag('For customers: the account cannot be overdrawn.').optional(),
  creditsMustNotExceedDebits: fields.flag('For liquidity: the account cannot have more than was paid in.').optional(),
  creditLimit: fields.amount.optional(),
  tariff: fields.whole(0, 0xffff, 'Fee schedule of payments received; 0 = none.').optional(),
  tier: fields.whole(0, ACCOUNT_TIER_MAX, 'How well its holder is known, for risk rules; 0 = not stated.').optional(),
  linked: fields.flag('Opens together with the next one of the list, or not at all.').optional(),
  imported: fields
    .flag('History of another system, with its own timestamp. All of a list are imported, or none.')
    .optional(),
  timestamp: fields.moment
    .clone()
    .meta({ type: 'string', format: 'date-time', description: 'With imported: when it was opened (RFC 3339).' })
    .optional(),
  userData128: fields.userData128.optional(),
  userData64: fields.userData64.optional(),
  userData32: fields.whole(0, 0xffff_ffff, 'Yours: kept and returned, never read.').optional(),
});

const opened = z.strictObject({
  id: views.idText,
  result: views.resultShape,
  decidedAt: views.timeText.nullable(),
  replayed: z.boolean(),
});

const accountShape = z.strictObject({
  id: views.idText,
  currency: views.currencyText,
  code: z.int(),
  balance: views.signedAmountText.meta({ description: 'Posted credits minus posted debits.' }),
  debitsPending: views.amountText,
  debitsPosted: views.amountText,
  creditsPending: views.amountText,
  creditsPosted: views.amountText,
  creditLimit: views.amountText,
  debitsMustNotExceedCredits: z.boolean(),
  creditsMustNotExceedDebits: z.boolean(),
  state: z.enum(ACCOUNT_STATES),
  tariff: z.int(),
  tier: z.int(),
  owner: z.int().meta({ description: 'Number of the institution that may debit it.' }),
  userData128: views.idText.nullable(),
  userData64: z.string(),
  userData32: z.int(),
  createdAt: views.timeText.nullable(),
});

const EXAMPLE_ID = '0190a5e0c0de7000800000000000a11c';
const OPENED = {
  id: EXAMPLE_ID,
  result: { code: 0, name: 'ok', retry: 'never', message: 'Done.' },
  decidedAt: '2026-01-31T08:00:00.000123Z',
  replayed: false,
};

export const postAccounts = route({
  method: 'post',
  path: '/v1/accounts',
  command: 'createAccounts',
  tag: 'Accounts',
  summary: 'Open one account, or many.',
  description: 'An array is answered with an array of results in its order, with status 200 even when some failed.',
  body: newAccount,
  list: true,
  answer: z.union([opened, z.strictObject({ results: z.array(opened) })]),
  example: {
    body: { id: EXAMPLE_ID, currency: 'CNY', code: 100, debitsMustNotExceedCredits: true },
    answer: OPENED,
  },
  errors: ['existsWithDifferentLedger', 'existsWithDifferentFlags', 'creditLimitOutOfRange', 'accountTableFull'],
  async handle({ items, isList }, caller) {
    const { bytes, view } = views.blank(ACCOUNT, items.length);
    const ids: Id[] = [];
    for (const [index, item] of items.entries()) {
      const id = isList ? chooseIdInList(caller, item.id, index) : chooseId(caller, item.id);
      if (typeof id !== 'bigint') return id;
      ids.push(id);
      encodeRecord(ACCOUNT, view, index * ACCOUNT.size, {
        id,
        ledger: item.currency.numeric,
        code: item.code,
        creditLimit: BigInt(item.creditLimit ?? 0),
        tariff: item.tariff ?? 0,
        tier: item.tier ?? 0,
        timestamp: BigInt(item.timestamp ?? 0),
        userData128: item.userData128 ?? 0n,
        userData64: item.userData64 ?? 0n,
        userData32: item.userData32 ?? 0,
        flags:
          (item.linked === true ? AccountFlags.linked : 0) |
          (item.imported === true ? AccountFlags.imported : 0) |
          (item.debitsMustNotExceedCredits === true ? AccountFlags.debitsMustNotExceedCredits : 0) |
          (item.creditsMustNotExceedDebits === true ? AccountFlags.creditsMustNotExceedDebits : 0),
      });
    }
    const reply = await caller.send('createAccounts', items.length, bytes);
    if (reply.kind === 'problem') return reply;
    const results = ids.map((id, index) => ({ id, ...views.resultAt(reply.view, index * RESULT.size) }));
    const [first] = results;
    if (!isList && first !== undefined && first.code !== Code.ok) return refusalOf(first);
    const shown = results.map(({ id, code, replayed }, index) => ({
      id: formatId(id),
      result: resultBody(code, caller.language),
      decidedAt: views.decidedAt(reply.view, index * RESULT.size),
      replayed,
    }));
    return isList ? answer({ results: shown }) : answer(shown[0], first?.replayed);
  },
});

/** The problem of a single thing that was not created. */
export function refusalOf(result: { readonly id: Id } & views.ResultView): Problem {
  return problemOfCode(result.code, { replayed: result.replayed, extra: { id: formatId(result.id) } });
}

export const getAccount = route({
  method: 'get',
  path: '/v1/accounts/{id}',
  command: 'lookupAccounts',
  tag: 'Accounts',
  summary: 'An account with its balances.',
  params: z.strictObject({ id: fields.id }),
  answer: accountShape,
  example: {
    answer: {
      id: EXAMPLE_ID,
      currency: 'CNY',
      code: 100,
      balance: '98750',
      debitsPending: '0',
      debitsPosted: '1250',
      creditsPending: '0',
      creditsPosted: '100000',
      creditLimit: '0',
      debitsMustNotExceedCredits: true,
      creditsMustNotExceedDebits: false,
      state: 'open',
      tariff: 0,
      tier: 0,
      owner: 2,
      userData128: null,
      userData64: '0',
      userData32: 0,
      createdAt: '2026-01-31T08:00:00.000123Z',
    },
  },
  errors: ['accountNotFound', 'accountForbidden'],
  async handle({ params }, caller) {
    const bytes = new Uint8Array(16);
    writeU128(new DataView(bytes.buffer), 0, params.id);
    const reply = await caller.send('lookupAccounts', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    return code === Code.ok ? answer(accountAt(reply.view, RESULT.size)) : problemOfCode(code);
  },
});

function accountAt(view: DataView, offset: number): z.infer<typeof accountShape> {
  const at = (name: keyof typeof ACCOUNT.at) => offset + ACCOUNT.at[name];
  const flags = view.getUint16(at('flags'), true);
  return {
    id: views.idAt(view, at('id')),
    currency: views.formatCurrency(view.getUint32(at('ledger'), true)),
    code: view.getUint16(at('code'), true),
    balance: String(views.readU64(view, at('creditsPosted')) - views.readU64(view, at('debitsPosted'))),
    debitsPending: views.amountAt(view, at('debitsPending')),
    debitsPosted: views.amountAt(view, at('debitsPosted')),
    creditsPending: views.amountAt(view, at('creditsPending')),
    creditsPosted: views.amountAt(view, at('creditsPosted')),
    creditLimit: views.amountAt(view, at('creditLimit')),
    debitsMustNotExceedCredits: (flags & AccountFlags.debitsMustNotExceedCredits) !== 0,
    creditsMustNotExceedDebits: (flags & AccountFlags.creditsMustNotExceedDebits) !== 0,
    state: ACCOUNT_STATES[view.getUint8(at('state'))] ?? 'open',
    tariff: view.getUint16(at('tariff'), true),
    tier: view.getUint8(at('tier')),
    owner: view.getUint32(at('owner'), true),
    userData128: views.idOrNullAt(view, at('userData128')),
    userData64: String(view.getBigUint64(at('userData64'), true)),
    userData32: view.getUint32(at('userData32'), true),
    createdAt: views.timeAt(view, at('timestamp')),
  };
}
