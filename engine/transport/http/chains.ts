/** /v1/transfers/{id}/chain/post, /void: end every pending transfer of a linked chain, all or none. */
import { z } from 'zod';
import { formatId, type Id } from '../../../protocol/ids.ts';
import { encodeRecord, readU128, writeU128 } from '../../../protocol/layout.ts';
import {
  CHAIN_ENDED,
  END_CHAIN,
  RESULT,
  TRANSFER,
  TRANSFER_OUTCOME,
  TransferFlags,
} from '../../../protocol/records.ts';
import { Code, type ResultName } from '../../../protocol/results.ts';
import type { Caller } from './caller.ts';
import * as fields from './fields.ts';
import { chooseId } from './identity.ts';
import { answer, type Outcome, problem, problemOfCode, resultBody } from './outcome.ts';
import { route } from './route.ts';
import * as views from './views.ts';

const params = z.strictObject({ id: fields.id });
const body = z.strictObject({ id: fields.id.optional() });
const ended = z.strictObject({
  id: views.idText.meta({ description: 'Of the post or void, which ends the transfer that was named.' }),
  result: views.resultShape,
  decidedAt: views.timeText.nullable(),
  replayed: z.boolean(),
  members: z.int().meta({ description: 'Pending transfers that were ended.' }),
});

const EXAMPLE = {
  body: {},
  answer: {
    id: '0190a5e0c0de7000800000000000b33e',
    result: { code: 0, name: 'ok', retry: 'never', message: 'Done.' },
    decidedAt: '2026-01-31T08:00:00.000123Z',
    replayed: false,
    members: 3,
  },
};
const ERRORS: readonly ResultName[] = [
  'existsWithDifferentFlags',
  'existsWithDifferentPendingId',
  'debitAccountForbidden',
  'pendingTransferNotFound',
  'pendingTransferNotPending',
  'pendingTransferAlreadyPosted',
  'pendingTransferAlreadyVoided',
  'pendingTransferExpired',
  'chainTooLong',
];
const DESCRIPTION =
  'The id is that of any pending transfer of the chain. What is left of each is posted or released; a transfer that is in no chain is one of its own. When one was posted, voided or has expired already, nothing is ended, and `refusedBy` names it unless it is that of the path.';

async function endChain(pendingId: Id, chosen: Id | undefined, flags: number, caller: Caller): Promise<Outcome> {
  const id = chooseId(caller, chosen);
  if (typeof id !== 'bigint') return id;
  const debitAccountId = await debitAccountOf(pendingId, caller);
  if (typeof debitAccountId !== 'bigint') return debitAccountId;
  const { bytes, view } = views.blank(END_CHAIN);
  encodeRecord(END_CHAIN, view, 0, { id, pendingId, debitAccountId, flags });
  const reply = await caller.send('endChain', 1, bytes);
  if (reply.kind === 'problem') return reply;
  const { code, replayed } = views.resultAt(reply.view, 0);
  if (code !== Code.ok) {
    const refusedBy = views.idOrNullAt(reply.view, RESULT.size + CHAIN_ENDED.at.refusedById);
    return problemOfCode(code, { replayed, extra: { id: formatId(id), ...(refusedBy === null ? {} : { refusedBy }) } });
  }
  const shown = {
    id: formatId(id),
    result: resultBody(code, caller.language),
    decidedAt: views.decidedAt(reply.view, 0),
    replayed,
    members: reply.view.getUint32(RESULT.size + CHAIN_ENDED.at.members, true),
  };
  return answer(shown, replayed);
}

/** Says which partition the chain is in. */
async function debitAccountOf(id: Id, caller: Caller): Promise<Id | Outcome> {
  const bytes = new Uint8Array(16);
  writeU128(new DataView(bytes.buffer), 0, id);
  const reply = await caller.send('lookupTransfers', 1, bytes);
  if (reply.kind === 'problem') return reply;
  const { code } = views.resultAt(reply.view, 0);
  if (code === Code.transferNotFound) return problem('pendingTransferNotFound', { field: 'id' });
  if (code !== Code.ok) return problemOfCode(code);
  return readU128(reply.view, RESULT.size + TRANSFER_OUTCOME.size + TRANSFER.at.debitAccountId) as Id;
}

function chainRoute(action: 'post' | 'void', summary: string, flags: number) {
  return route({
    method: 'post',
    path: `/v1/transfers/{id}/chain/${action}`,
    command: 'endChain',
    tag: 'Transfers',
    summary,
    description: DESCRIPTION,
    params,
    body,
    bodyOptional: true,
    answer: ended,
    example: EXAMPLE,
    errors: ERRORS,
    handle: ({ params: { id }, body: { id: chosen } }, caller) => endChain(id, chosen, flags, caller),
  });
}

export const postChainPost = chainRoute(
  'post',
  'Post every pending transfer of a linked chain, all or none.',
  TransferFlags.postPending,
);

export const postChainVoid = chainRoute(
  'void',
  'Release every pending transfer of a linked chain, all or none.',
  TransferFlags.voidPending,
);
