/** How pending transfers end, once more: one by one, or all those of a chain. */
import type { ResultName } from '../../../protocol/results.ts';
import type { Answer } from './reference-book.ts';
import { F, type ReferenceLedger } from './reference-ledger.ts';
import type { ModelTransfer } from './reference-shapes.ts';

const CHAIN_MAX = 1024;

export interface ModelChainEnd {
  id: bigint;
  pendingId: bigint;
  debitAccountId: bigint;
  flags: number;
}

export interface ChainAnswer extends Answer {
  readonly members: number;
  /** 0 = none. */
  readonly refusedById: bigint;
}

/** What an endChain did: beside what is decided under its id. */
export type DecidedChainEnd = Pick<ChainAnswer, 'members' | 'refusedById'>;

/** Posts or voids a pending transfer, whose debit account may be debited by who asks. */
export function endOne(ledger: ReferenceLedger, transfer: ModelTransfer): ResultName {
  const first = ledger.decided.get(transfer.pendingId);
  if (first === undefined || first.name !== 'ok') return 'pendingTransferNotFound';
  const hold = ledger.book.holds.get(transfer.pendingId) ?? ledger.book.ended.get(transfer.pendingId);
  if (hold === undefined) return 'pendingTransferNotPending';
  const { creditAccountId, ledger: currency, code } = transfer;
  if (transfer.debitAccountId !== hold.debit) return 'pendingTransferHasDifferentDebitAccountId';
  if (creditAccountId !== 0n && creditAccountId !== hold.credit) return 'pendingTransferHasDifferentCreditAccountId';
  if (currency !== 0 && currency !== ledger.account(hold.debit).ledger) return 'pendingTransferHasDifferentLedger';
  if (code !== 0 && code !== hold.code) return 'pendingTransferHasDifferentCode';
  if (hold.end === 'posted') return 'pendingTransferAlreadyPosted';
  if (hold.end === 'voided') return 'pendingTransferAlreadyVoided';
  if (hold.end === 'expired') return 'pendingTransferExpired';
  if (transfer.amount > hold.left) return 'exceedsPendingTransferAmount';
  // What the debit side decides is followed in the other partition, whatever became of the account there.
  const payee = ledger.isCrossing(hold.debit, hold.credit) ? hold.debit : hold.credit;
  const stopped = ledger.states(hold.debit, payee, true);
  if ((transfer.flags & F.post) !== 0 && stopped !== 'ok') return stopped;
  if ((transfer.flags & F.void) !== 0) {
    ledger.unreserve(hold.debit, hold.credit, hold.left);
    ledger.end(transfer.pendingId, hold, 'voided');
    return 'ok';
  }
  const posted = transfer.amount === 0n ? hold.left : transfer.amount;
  const kept = (transfer.flags & F.keep) !== 0 ? hold.left - posted : 0n;
  ledger.unreserve(hold.debit, hold.credit, hold.left - kept);
  ledger.moveFor(transfer, hold.debit, hold.credit, posted, hold.code);
  if (kept === 0n) ledger.end(transfer.pendingId, hold, 'posted');
  else ledger.book.holds.set(transfer.pendingId, { ...hold, left: kept });
  return 'ok';
}

/** Ends every pending transfer of a chain, or none. */
export function endChain(ledger: ReferenceLedger, institution: number, request: ModelChainEnd): ChainAnswer {
  const refused = (name: ResultName): ChainAnswer => ({ ...ledger.answer(name), members: 0, refusedById: 0n });
  const shape = chainShapeOf(request);
  if (shape !== 'ok') return refused(shape);
  const { id, pendingId, debitAccountId, flags } = request;
  const first = ledger.decided.get(id);
  if (first !== undefined) {
    const ended = ledger.chainEnds.get(id);
    if (first.institution !== institution) return refused('existsWithDifferentOwner');
    // A single transfer, or a chain's with the other action.
    if (ended === undefined || flagsOf(first.content) !== flags) return refused('existsWithDifferentFlags');
    if (first.content.pendingId !== pendingId) return refused('existsWithDifferentPendingId');
    if (first.content.debitAccountId !== debitAccountId) return refused('existsWithDifferentDebitAccountId');
    return { name: first.name, replayed: true, timestamp: first.timestamp, ...ended };
  }
  const before = ledger.copy(true);
  const { name, members, refusedById } = endAll(ledger, institution, request);
  if (name !== 'ok') ledger.book = before;
  ledger.chainEnds.set(id, { members, refusedById });
  // No single transfer has these flags.
  const content = { ...endingOf(request, id, pendingId, debitAccountId), flags: flags | WHOLE_CHAIN };
  ledger.decided.set(id, { institution, content, name, timestamp: ledger.now });
  return { ...ledger.answer(name), members, refusedById };
}

const WHOLE_CHAIN = 1 << 20;

function flagsOf({ flags }: ModelTransfer): number {
  return flags & ~WHOLE_CHAIN;
}

function endAll(
  ledger: ReferenceLedger,
  institution: number,
  request: ModelChainEnd,
): DecidedChainEnd & { readonly name: ResultName } {
  const refused = (name: ResultName, refusedById = 0n) => ({ name, members: 0, refusedById });
  const { id, pendingId, debitAccountId } = request;
  if (!ledger.book.accounts.has(debitAccountId)) return refused('debitAccountNotFound');
  if (!ledger.mayDebit(debitAccountId, institution)) return refused('debitAccountForbidden');
  const named = endOne(ledger, endingOf(request, id, pendingId, debitAccountId));
  if (named !== 'ok') return refused(named);
  const chain = ledger.chains.get(pendingId) ?? [pendingId];
  if (chain.length > CHAIN_MAX) return refused('chainTooLong');
  let members = 1;
  for (const member of chain) {
    const content = ledger.decided.get(member)?.content;
    if (member === pendingId || content === undefined || (content.flags & F.pending) === 0) continue;
    if (!ledger.mayDebit(content.debitAccountId, institution)) return refused('debitAccountForbidden', member);
    // Its id is the engine's, and nobody can name it.
    const name = endOne(ledger, endingOf(request, 0n, member, content.debitAccountId));
    if (name !== 'ok') return refused(name, member);
    members++;
  }
  return { name: 'ok', members, refusedById: 0n };
}

/** The post or void of all that is left of one of them. */
function endingOf({ flags }: ModelChainEnd, id: bigint, pendingId: bigint, debitAccountId: bigint): ModelTransfer {
  const user = { userData128: 0n, userData64: 0n, userData32: 0 };
  const rest = { creditAccountId: 0n, amount: 0n, timeoutS: 0, ledger: 0, code: 0 };
  return { id, debitAccountId, pendingId, flags, ...user, ...rest };
}

function chainShapeOf({ id, pendingId, debitAccountId, flags }: ModelChainEnd): ResultName {
  if ((flags & ~(F.post | F.void)) !== 0) return 'flagsReserved';
  if (id === 0n) return 'idMustNotBeZero';
  if (flags === 0) return 'nothingToChange';
  if (flags === (F.post | F.void)) return 'flagsAreMutuallyExclusive';
  if (debitAccountId === 0n) return 'debitAccountIdMustNotBeZero';
  if (pendingId === 0n) return 'pendingIdMustNotBeZero';
  return pendingId === id ? 'pendingIdMustBeDifferent' : 'ok';
}
