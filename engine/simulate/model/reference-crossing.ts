/** What an account has, and the two sides of a transfer between partitions, each judged where its account lives. */
import type { ResultName } from '../../../protocol/results.ts';
import { least, most } from './reference-amounts.ts';
import type { ModelAccount } from './reference-book.ts';
import { S } from './reference-changes.ts';
import { A, F, MAX } from './reference-ledger.ts';
import type { ModelTransfer } from './reference-shapes.ts';

/** What an account has left to spend. */
export function available({ creditsPosted, creditLimit, debitsPosted, debitsPending }: ModelAccount): bigint {
  return creditsPosted + creditLimit - debitsPosted - debitsPending;
}

export function judgeDebit(account: ModelAccount, amount: bigint): ResultName {
  const { state, flags, debitsPending, debitsPosted, creditsPosted, creditLimit } = account;
  if (state === S.closing || state === S.closed) return 'debitAccountClosed';
  if (state !== S.open) return 'debitAccountFrozen';
  const debits = debitsPending + debitsPosted + amount;
  if (debits > MAX) return 'overflowsDebitsPending';
  return (flags & A.debitLimited) !== 0 && debits > creditsPosted + creditLimit ? 'exceedsCredits' : 'ok';
}

export function judgeCredit(account: ModelAccount, amount: bigint, pending: boolean): ResultName {
  const { state, flags, creditsPending, creditsPosted, debitsPosted } = account;
  if (state === S.closing || state === S.closed) return 'creditAccountClosed';
  if (state === S.frozen) return 'creditAccountFrozen';
  const credits = creditsPending + creditsPosted + amount;
  if (credits > MAX) return pending ? 'overflowsCreditsPending' : 'overflowsCreditsPosted';
  return (flags & A.creditLimited) !== 0 && credits > debitsPosted ? 'exceedsDebits' : 'ok';
}

/** Between partitions nothing larger is taken of what an account owes. */
const HELD_MAX = 2n ** 40n;

/** What the debit side holds until the other has said what its account owes. */
export function heldForOwed(account: ModelAccount, { flags }: ModelTransfer, amount: bigint): bigint {
  const { debitsPending, debitsPosted } = account;
  const limits = [HELD_MAX];
  if ((flags & F.balancingDebit) === 0) {
    limits.push(MAX - debitsPending - debitsPosted);
    if ((account.flags & A.debitLimited) !== 0) limits.push(available(account));
  }
  return most(1n, least(amount, ...limits));
}

/** What is said when that is not enough; `ok`: then that much is moved. */
export function whyNotBeyond(account: ModelAccount, { flags }: ModelTransfer, held: bigint): ResultName {
  if (held === HELD_MAX) return 'crossesPartitions';
  if ((flags & F.balancingDebit) !== 0) return 'ok';
  if ((account.flags & A.debitLimited) !== 0) return 'exceedsCredits';
  return (flags & F.pending) !== 0 ? 'overflowsDebitsPending' : 'overflowsDebitsPosted';
}
