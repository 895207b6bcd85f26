/** /v1/transfers: move money on the ledger, at once or in two phases. */
import { z } from 'zod';
import { FrameFlags } from '../../../protocol/frame.ts';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord, writeU128 } from '../../../protocol/layout.ts';
import { BALANCES, RESULT, TRANSFER, TRANSFER_OUTCOME, TransferFlags } from '../../../protocol/records.ts';
import { Code } from '../../../protocol/results.ts';
import { refusalOf } from './accounts.ts';
import * as fields from './fields.ts';
import { chooseId, chooseIdInList } from './identity.ts';
import { answer, problemOfCode, resultBody } from './outcome.ts';
import { route } from './route.ts';
import { transferAt, transferShape } from './transfer-view.ts';
import * as views from './views.ts';

const KIND_FLAGS = {
  posted: 0,
  pending: TransferFlags.pending,
  post: TransferFlags.postPending,
  void: TransferFlags.voidPending,
  revert: TransferFlags.revert,
} as const;

const newTransfer = z.strictObject({
  id: fields.id.optional(),
  kind: z.enum(['posted', 'pending', 'post', 'void', 'revert']).optional().meta({
    description:
      'At once (posted, the default), hold (pending), take (post) or release (void) a hold, or give back what a posted transfer moved (revert).',
  }),
  debitAccount: fields.account.optional(),
  creditAccount: fields.account.optional(),
  amount: fields.amount.optional(),
  currency: fields.currency.optional(),
  code: fields.whole(0, 0xffff, 'What kind of movement this is; not 0 unless it posts, voids or reverts.').optional(),
  pendingId: fields.id.clone().meta({ description: 'The transfer that is posted, voided or reverted.' }).optional(),
  keepRemainder: fields.flag('With post: what is not posted stays held.').optional(),
  balancingDebit: fields.flag('Moves at most the amount: no more than the debit account has.').optional(),
  balancingCredit: fields.flag('Moves at most the amount: no more than the credit account owes.').optional(),
  timeoutSeconds: fields.whole(0, 0xffff_ffff, 'With pending: until the hold ends; 0 = never.').optional(),
  linked: fields.flag('Succeeds or fails together with the next one of the list.').optional(),
  imported: fields
    .flag('History of another system, with its own timestamp. All of a list are imported, or none.')
    .optional(),
  timestamp: fields.moment
    .clone()
    .meta({ type: 'string', format: 'date-time', description: 'With imported: when it was decided (RFC 3339).' })
    .optional(),
  userData128: fields.userData128.optional(),
  userData64: fields.userData64.optional(),
  userData32: fields.whole(0, 0xffff_ffff, 'Yours: kept and returned, never read.').optional(),
});

const sideShape = z.strictObject({
  debitsPending: views.amountText,
  debitsPosted: views.amountText,
  creditsPending: views.amountText,
  creditsPosted: views.amountText,
});
const created = z.strictObject({
  id: views.idText,
  result: views.resultShape,
  decidedAt: views.timeText.nullable(),
  replayed: z.boolean(),
  balances: z
    .strictObject({ debit: sideShape, credit: sideShape })
    .meta({ description: 'Of both accounts, after the transfer.' }),
});

const EXAMPLE_ID = '0190a5e0c0de7000800000000000b22d';
const ALICE = '0190a5e0c0de7000800000000000a11c';
const SHOP = '0190a5e0c0de7000800000000000b0b0';

export const postTransfers = route({
  method: 'post',
  path: '/v1/transfers',
  command: 'createTransfers',
  tag: 'Transfers',
  summary: 'Make one transfer, or many.',
  description: 'An array is answered with an array of results in its order, with status 200 even when some failed.',
  body: newTransfer,
  list: true,
  answer: z.union([created, z.strictObject({ results: z.array(created) })]),
  example: {
    body: { id: EXAMPLE_ID, debitAccount: ALICE, creditAccount: SHOP, amount: '1250', currency: 'CNY', code: 1 },
    answer: {
      id: EXAMPLE_ID,
      result: { code: 0, name: 'ok', retry: 'never', message: 'Done.' },
      decidedAt: '2026-01-31T08:00:00.000123Z',
      replayed: false,
      balances: {
        debit: { debitsPending: '0', debitsPosted: '1250', creditsPending: '0', creditsPosted: '100000' },
        credit: { debitsPending: '0', debitsPosted: '0', creditsPending: '0', creditsPosted: '1250' },
      },
    },
  },
  errors: [
    'accountsMustBeDifferent',
    'amountMustNotBeZero',
    'linkedEventFailed',
    'existsWithDifferentAmount',
    'debitAccountNotFound',
    'creditAccountNotFound',
    'debitAccountForbidden',
    'transferMustHaveTheSameLedgerAsAccounts',
    'pendingTransferNotFound',
    'pendingTransferAlreadyPosted',
    'pendingTransferAlreadyVoided',
    'originalTransferNotFound',
    'originalTransferNotPosted',
    'originalTransferAlreadyReverted',
    'exceedsCredits',
    'exceedsDebits',
  ],
  async handle({ items, isList }, caller) {
    const { bytes, view } = views.blank(TRANSFER, items.length);
    const ids: Id[] = [];
    for (const [index, item] of items.entries()) {
      const id = isList ? chooseIdInList(caller, item.id, index) : chooseId(caller, item.id);
      if (typeof id !== 'bigint') return id;
      ids.push(id);
      const ledger = item.currency?.numeric ?? 0;
      encodeRecord(TRANSFER, view, index * TRANSFER.size, {
        id,
        debitAccountId: item.debitAccount === undefined ? 0n : caller.accountId(item.debitAccount, ledger),
        creditAccountId: item.creditAccount === undefined ? 0n : caller.accountId(item.creditAccount, ledger),
        amount: BigInt(item.amount ?? 0),
        pendingId: item.pendingId ?? 0n,
        userData128: item.userData128 ?? 0n,
        userData64: item.userData64 ?? 0n,
        userData32: item.userData32 ?? 0,
        timeoutS: item.timeoutSeconds ?? 0,
        ledger,
        code: item.code ?? 0,
        timestamp: BigInt(item.timestamp ?? 0),
        flags:
          KIND_FLAGS[item.kind ?? 'posted'] |
          (item.keepRemainder === true ? TransferFlags.keepRemainder : 0) |
          (item.balancingDebit === true ? TransferFlags.balancingDebit : 0) |
          (item.balancingCredit === true ? TransferFlags.balancingCredit : 0) |
          (item.imported === true ? TransferFlags.imported : 0) |
          (item.linked === true ? TransferFlags.linked : 0),
      });
    }
    const reply = await caller.send('createTransfers', items.length, bytes, FrameFlags.balances);
    if (reply.kind === 'problem') return reply;
    const step = RESULT.size + BALANCES.size;
    const results = ids.map((id, index) => ({ id, ...views.resultAt(reply.view, index * step) }));
    const [first] = results;
    if (!isList && first !== undefined && first.code !== Code.ok) return refusalOf(first);
    const shown = results.map(({ id, code, replayed }, index) => ({
      id: formatId(id),
      result: resultBody(code, caller.language),
      decidedAt: views.decidedAt(reply.view, index * step),
      replayed,
      balances: balancesAt(reply.view, index * step + RESULT.size),
    }));
    return isList ? answer({ results: shown }) : answer(shown[0], first?.replayed);
  },
});

function balancesAt(view: DataView, offset: number): z.infer<typeof created>['balances'] {
  const text = (name: keyof typeof BALANCES.at) => views.amountAt(view, offset + BALANCES.at[name]);
  return {
    debit: {
      debitsPending: text('debitDebitsPending'),
      debitsPosted: text('debitDebitsPosted'),
      creditsPending: text('debitCreditsPending'),
      creditsPosted: text('debitCreditsPosted'),
    },
    credit: {
      debitsPending: text('creditDebitsPending'),
      debitsPosted: text('creditDebitsPosted'),
      creditsPending: text('creditCreditsPending'),
      creditsPosted: text('creditCreditsPosted'),
    },
  };
}

export const getTransfer = route({
  method: 'get',
  path: '/v1/transfers/{id}',
  command: 'lookupTransfers',
  tag: 'Transfers',
  summary: 'A transfer with its outcome.',
  params: z.strictObject({ id: fields.id }),
  answer: transferShape,
  example: {
    answer: {
      id: EXAMPLE_ID,
      kind: 'posted',
      debitAccount: ALICE,
      creditAccount: SHOP,
      amount: '1250',
      currency: 'CNY',
      code: 1,
      pendingId: null,
      keepRemainder: false,
      linked: false,
      imported: false,
      timeoutSeconds: 0,
      userData128: null,
      userData64: '0',
      userData32: 0,
      institution: 2,
      result: { code: 0, name: 'ok', retry: 'never', message: 'Done.' },
      debitBalanceAfter: '98750',
      creditBalanceAfter: '1250',
      decidedAt: '2026-01-31T08:00:00.000123Z',
    },
  },
  errors: ['transferNotFound'],
  async handle({ params }, caller) {
    const bytes = new Uint8Array(16);
    writeU128(new DataView(bytes.buffer), 0, params.id);
    const reply = await caller.send('lookupTransfers', 1, bytes);
    if (reply.kind === 'problem') return reply;
    const { code } = views.resultAt(reply.view, 0);
    if (code !== Code.ok) return problemOfCode(code);
    return answer(transferAt(reply.view, RESULT.size, RESULT.size + TRANSFER_OUTCOME.size, caller.language));
  },
});
