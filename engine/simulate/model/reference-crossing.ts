/** What an account has, and the two sides of a transfer between partitions, each judged where its account lives. */
import type { ResultName } from '../../../protocol/results.ts';
import { S } from './reference-changes.ts';
import type { ModelAccount } from './reference-book.ts';
import { A, MAX } from './reference-ledger.ts';

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
