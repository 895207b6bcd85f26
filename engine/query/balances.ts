/** The balance of an account at a time, and the sums of all accounts. */

import { writeU128 } from '../../protocol/layout.ts';
import { LIMITS } from '../../protocol/limits.ts';
import { BALANCE_AT, BALANCE_QUERY, TRIAL_BALANCE, TRIAL_QUERY } from '../../protocol/reading-records.ts';
import { PAGE, TRANSFER_OUTCOME } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { ExactSum } from '../exact-sum.ts';
import { TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { readU64 } from '../ledger/words.ts';
import { copyEntry, type IdsQuery, isDebitOf, whyHidden, writePage } from './accounts.ts';
import { decidedAt, type Histories } from './histories.ts';
import type { ReplyArea } from './reply-area.ts';

const BalanceWord = {
  accountId: BALANCE_QUERY.at.accountId >> 2,
  at: BALANCE_QUERY.at.at >> 2,
  reserved: BALANCE_QUERY.at.reserved >> 2,
} as const;

/**
 * Reply: RESULT, BALANCE_AT, then TRANSFER_OUTCOME and TRANSFER of the newest entry decided at that time or before. A time that
 * is not over yet is answered as it stands.
 */
export function balancesAt(ledger: Ledger, histories: Histories, query: IdsQuery, reply: ReplyArea): void {
  const { words, start } = query;
  const account = ledger.findAccount(words, start + BalanceWord.accountId);
  const time = readU64(words, start + BalanceWord.at);
  let code = whyHidden(ledger, account, query.institution);
  const reserved = start + BalanceWord.reserved;
  if (code === Code.ok && (words[reserved] !== 0 || words[reserved + 1] !== 0)) code = Code.reservedField;
  reply.result(ledger.now, code);
  const at = reply.end;
  reply.zeros(BALANCE_AT.size);
  const count = code !== Code.ok ? 0 : time === 0 ? histories.count(account) : histories.firstFrom(account, time + 1);
  if (code === Code.ok)
    reply.view.setUint32(at + BALANCE_AT.at.ledger, ledger.accounts.ledger[account] as number, true);
  if (count === 0) {
    reply.zeros(TRANSFER_EVENT_BYTES);
    return reply.close(1);
  }
  const entry = histories.entry(account, count - 1);
  const isDebit = isDebitOf(ledger, entry, account);
  const after = isDebit ? TRANSFER_OUTCOME.at.debitBalanceAfter : TRANSFER_OUTCOME.at.creditBalanceAfter;
  reply.view.setBigInt64(at + BALANCE_AT.at.balance, entry.getBigInt64(after, true), true);
  reply.view.setBigUint64(at + BALANCE_AT.at.entries, BigInt(count), true);
  reply.view.setBigUint64(at + BALANCE_AT.at.timestamp, BigInt(decidedAt(entry)), true);
  copyEntry(ledger, entry, query.institution, reply);
  reply.close(1);
}

const TrialWord = {
  cursor: TRIAL_QUERY.at.cursor >> 2,
  limit: TRIAL_QUERY.at.limit >> 2,
  reserved: TRIAL_QUERY.at.reserved >> 2,
} as const;

/** Sides of an account, in the order in which TRIAL_BALANCE has them. */
const SIDES = ['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted'] as const;

interface LedgerSums {
  accounts: number;
  readonly sides: readonly [ExactSum, ExactSum, ExactSum, ExactSum];
}

/** Reply: RESULT, PAGE, then TRIAL_BALANCEs in order of their ledger. The cursor is the last ledger of the page before. */
export function trialBalance(ledger: Ledger, query: IdsQuery, reply: ReplyArea): void {
  const { words, start } = query;
  const limit = words[start + TrialWord.limit] as number;
  let code: number = limit < 1 || limit > LIMITS.pageEntriesMax ? Code.limitOutOfRange : Code.ok;
  if (code === Code.ok && words[start + TrialWord.reserved] !== 0) code = Code.reservedField;
  reply.result(ledger.now, code);
  const page = reply.end;
  reply.zeros(PAGE.size);
  if (code !== Code.ok) return reply.close(0);

  const owner = ledger.isOperator(query.institution) ? undefined : query.institution;
  const { ledgers, hasMore } = ledgersAfter(ledger, owner, readU64(words, start + TrialWord.cursor), limit);
  const sums = sumLedgers(ledger, owner, ledgers);
  for (const number of ledgers) {
    const found = sums.get(number);
    if (found !== undefined) writeLedger(number, found, reply);
  }
  writePage(reply, page, hasMore ? (ledgers.at(-1) ?? 0) : 0, ledgers.length);
  reply.close(ledgers.length);
}

/** The lowest `limit` ledgers above a number, ascending. Remembers at most twice as many, however many there are. */
function ledgersAfter(
  { accounts }: Ledger,
  owner: number | undefined,
  after: number,
  limit: number,
): { readonly ledgers: readonly number[]; readonly hasMore: boolean } {
  let found = new Set<number>();
  let ceiling = Number.POSITIVE_INFINITY;
  let last = 0;
  const lowest = (count: number): number[] => [...found].sort((a, b) => a - b).slice(0, count);
  for (let account = 0; account < accounts.count; account++) {
    const ledger = accounts.ledger[account] as number;
    if (ledger === last || ledger <= after || ledger > ceiling) continue;
    if (owner !== undefined && accounts.owner[account] !== owner) continue;
    // Accounts of one ledger mostly come in rows: this spares the set.
    last = ledger;
    found.add(ledger);
    if (found.size <= 2 * limit + 1) continue;
    const kept = lowest(limit + 1);
    ceiling = kept.at(-1) ?? ceiling;
    found = new Set(kept);
  }
  return { ledgers: lowest(limit), hasMore: found.size > limit };
}

function sumLedgers(
  { accounts }: Ledger,
  owner: number | undefined,
  ledgers: readonly number[],
): ReadonlyMap<number, LedgerSums> {
  const sums = new Map(ledgers.map((number) => [number, emptySums()]));
  const columns = SIDES.map((side) => accounts[side]);
  let last = 0;
  let current: LedgerSums | undefined;
  for (let account = 0; account < accounts.count; account++) {
    if (owner !== undefined && accounts.owner[account] !== owner) continue;
    const ledger = accounts.ledger[account] as number;
    if (ledger !== last) {
      last = ledger;
      current = sums.get(ledger);
    }
    if (current === undefined) continue;
    current.accounts++;
    for (let side = 0; side < SIDES.length; side++) {
      current.sides[side]?.add(columns[side]?.[account] as number);
    }
  }
  return sums;
}

function emptySums(): LedgerSums {
  return { accounts: 0, sides: [new ExactSum(), new ExactSum(), new ExactSum(), new ExactSum()] };
}

function writeLedger(number: number, { accounts, sides }: LedgerSums, reply: ReplyArea): void {
  const at = reply.end;
  reply.zeros(TRIAL_BALANCE.size);
  const { view } = reply;
  view.setUint32(at + TRIAL_BALANCE.at.ledger, number, true);
  view.setBigUint64(at + TRIAL_BALANCE.at.accounts, BigInt(accounts), true);
  SIDES.forEach((side, index) => {
    writeU128(view, at + TRIAL_BALANCE.at[side], sides[index]?.value ?? 0n);
  });
}
