/** Changes of accounts once more: states, credit limits and tiers. */
import type { ResultName } from '../../../protocol/results.ts';
import type { Answer, Open } from './reference-book.ts';
import { A, MAX, type ReferenceLedger } from './reference-ledger.ts';

export const S = { open: 0, frozenForDebits: 1, frozen: 2, closing: 3, closed: 4 } as const;
/** Fields of a change. */
export const C = { creditLimit: 1, state: 2, tier: 4 } as const;
const TIER_MAX = 3;

export interface ModelChange {
  id: bigint;
  accountId: bigint;
  fields: number;
  state: number;
  creditLimit: bigint;
  tier: number;
}

export interface DecidedChange {
  institution: number;
  content: ModelChange;
  name: ResultName;
  timestamp: bigint;
}

/** In the order in which the first difference is named. */
const COMPARED_CHANGE: readonly (readonly [keyof ModelChange, ResultName])[] = [
  ['fields', 'existsWithDifferentFlags'],
  ['accountId', 'existsWithDifferentAccount'],
  ['state', 'existsWithDifferentState'],
  ['creditLimit', 'existsWithDifferentCreditLimit'],
  ['tier', 'existsWithDifferentTier'],
];

function changeShape({ fields, state, creditLimit, tier }: ModelChange): ResultName {
  if ((fields & ~7) !== 0) return 'flagsReserved';
  if (fields === 0) return 'nothingToChange';
  if (state > S.closed) return 'stateOutOfRange';
  if ((fields & C.state) === 0 && state !== 0) return 'stateOutOfRange';
  if (creditLimit > MAX) return 'creditLimitOutOfRange';
  if ((fields & C.creditLimit) === 0 && creditLimit !== 0n) return 'creditLimitOutOfRange';
  if (tier > TIER_MAX) return 'tierOutOfRange';
  return (fields & C.tier) === 0 && tier !== 0 ? 'tierOutOfRange' : 'ok';
}

/** Changes an account, or does with it as the engine has said. */
export function changeAccount(ledger: ReferenceLedger, institution: number, change: ModelChange, said?: Open): Answer {
  const shape = changeShape(change);
  if (shape !== 'ok') return ledger.answer(shape);
  const first = ledger.changes.get(change.id);
  if (first !== undefined) {
    if (first.institution !== institution) return ledger.answer('existsWithDifferentOwner');
    for (const [field, name] of COMPARED_CHANGE) {
      if (first.content[field] !== change[field]) return ledger.answer(name);
    }
    return { name: first.name, replayed: true, timestamp: first.timestamp };
  }
  const name = ledger.settle(said, () => decideChange(ledger, institution, change));
  ledger.changes.set(change.id, { institution, content: change, name, timestamp: ledger.now });
  return ledger.answer(name);
}

function decideChange(
  ledger: ReferenceLedger,
  institution: number,
  { accountId, fields, state, creditLimit, tier }: ModelChange,
): ResultName {
  const account = ledger.book.accounts.get(accountId);
  if (account === undefined) return 'accountNotFound';
  if (!ledger.mayDebit(accountId, institution)) return 'accountForbidden';
  const setsState = (fields & C.state) !== 0;
  const setsLimit = (fields & C.creditLimit) !== 0;
  if (!ledger.isLenient && account.state === S.closed && !(setsState && state === S.open)) return 'accountClosed';
  if (setsLimit && (account.flags & A.debitLimited) === 0) return 'accountHasNoDebitLimit';
  if (!ledger.isLenient && setsState && state === S.closed) {
    if (account.debitsPending > 0n || account.creditsPending > 0n) return 'accountHasPendingAmounts';
    if (account.debitsPosted !== account.creditsPosted) return 'accountBalanceNotZero';
  }
  ledger.book.accounts.set(accountId, {
    ...account,
    ...(setsState ? { state } : {}),
    ...(setsLimit ? { creditLimit } : {}),
    ...((fields & C.tier) === 0 ? {} : { tier }),
  });
  return 'ok';
}
