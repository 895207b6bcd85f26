/** Look-ups of accounts and transfers, and the history of an account. */

import { LIMITS } from '../../protocol/limits.ts';
import { ACCOUNT, PAGE, TRANSFER_OUTCOME } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { ENGINE_ID_WORD3, EVENT_PREFIX_BYTES, EventTypes, TRANSFER_EVENT_BYTES } from '../ledger/events.ts';
import { find } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { TransferEventWord } from '../ledger/ledger.ts';
import { writeBalances } from '../ledger/results.ts';
import { AccountWord, readU64, TransferWord } from '../ledger/words.ts';
import { readView64 } from '../payment/version.ts';
import type { ReplyArea } from './reply-area.ts';
import type { Transfers } from './transfers.ts';

const ID_WORDS = 4;
const RECORD = TransferEventWord.record;

export interface IdsQuery {
  readonly words: Uint32Array;
  readonly start: number;
  readonly count: number;
  readonly institution: number;
}

/** Reply: count × (RESULT, ACCOUNT). */
export function lookupAccounts(ledger: Ledger, query: IdsQuery, reply: ReplyArea): void {
  for (let index = 0; index < query.count; index++) {
    const account = ledger.findAccount(query.words, query.start + index * ID_WORDS);
    const code = whyHidden(ledger, account, query.institution);
    reply.result(ledger.now, code);
    if (code === Code.ok) writeAccount(ledger, account, reply);
    else reply.zeros(ACCOUNT.size);
  }
  reply.close(query.count);
}

/** Why an institution may not read an account; `ok` when it may. */
export function whyHidden(ledger: Ledger, account: number, institution: number): number {
  if (account === NO_ACCOUNT) return Code.accountNotFound;
  return ledger.mayDebit(account, institution) ? Code.ok : Code.accountForbidden;
}

function writeAccount(ledger: Ledger, account: number, reply: ReplyArea): void {
  const at = reply.end;
  reply.copy(ledger.events.read(ledger.accounts.createdLsn[account] as number), EVENT_PREFIX_BYTES, ACCOUNT.size);
  reply.view.setBigUint64(at + ACCOUNT.at.creditLimit, BigInt(ledger.accounts.creditLimit[account] as number), true);
  reply.view.setUint8(at + ACCOUNT.at.state, ledger.accounts.state[account] as number);
  reply.view.setUint8(at + ACCOUNT.at.tier, ledger.accounts.tier[account] as number);
  writeBalances(reply.words, (at >> 2) + AccountWord.debitsPending, ledger.accounts, account);
}

/** Reply: count × (RESULT, TRANSFER_OUTCOME, TRANSFER). */
export function lookupTransfers(ledger: Ledger, transfers: Transfers, query: IdsQuery, reply: ReplyArea): void {
  for (let index = 0; index < query.count; index++) {
    const event = findTransfer(ledger, transfers, query.words, query.start + index * ID_WORDS);
    const visible = event !== undefined && maySee(ledger, event, query.institution);
    reply.result(ledger.now, visible ? Code.ok : Code.transferNotFound);
    if (visible) copyEntry(ledger, event, query.institution, reply);
    else reply.zeros(TRANSFER_EVENT_BYTES);
  }
  reply.close(query.count);
}

function findTransfer(ledger: Ledger, transfers: Transfers, words: Uint32Array, at: number): DataView | undefined {
  if (words[at + 3] === ENGINE_ID_WORD3 && words[at + 2] === ledger.place.partition) {
    return findByPosition(transfers, words, at);
  }
  const lsn = find(ledger.tables.transfers, words, at);
  const event = lsn === 0 ? undefined : transfers.read(lsn);
  // What another partition has not answered is not decided; under some ids of another partition is a part of its request.
  return event?.getUint8(0) === EventTypes.transfer ? event : undefined;
}

/** An engine-given id says where its transfer is stored; the transfer there must say the same. */
function findByPosition(transfers: Transfers, words: Uint32Array, at: number): DataView | undefined {
  const event = transfers.readUntrusted(readU64(words, at));
  if (event === undefined) return undefined;
  for (let word = 0; word < ID_WORDS; word++) {
    if (event.getUint32((RECORD + word) * 4, true) !== words[at + word]) return undefined;
  }
  return event;
}

/** Who asked for a transfer, the owners of its accounts and the operator may see it. */
function maySee(ledger: Ledger, event: DataView, institution: number): boolean {
  if (event.getUint32(8, true) === institution) return true;
  const debit = accountOf(ledger, event, TransferWord.debitAccountId);
  const credit = accountOf(ledger, event, TransferWord.creditAccountId);
  return mayRead(ledger, debit, institution) || mayRead(ledger, credit, institution) || ledger.isOperator(institution);
}

/** Writes TRANSFER_OUTCOME and TRANSFER, without the balance of an account that is not the institution's to see. */
export function copyEntry(ledger: Ledger, event: DataView, institution: number, reply: ReplyArea): void {
  const at = reply.end;
  reply.copy(event, 0, TRANSFER_EVENT_BYTES);
  const { debitBalanceAfter, creditBalanceAfter } = TRANSFER_OUTCOME.at;
  if (!mayRead(ledger, accountOf(ledger, event, TransferWord.debitAccountId), institution)) {
    reply.view.setBigInt64(at + debitBalanceAfter, 0n, true);
  }
  if (!mayRead(ledger, accountOf(ledger, event, TransferWord.creditAccountId), institution)) {
    reply.view.setBigInt64(at + creditBalanceAfter, 0n, true);
  }
}

function mayRead(ledger: Ledger, account: number, institution: number): boolean {
  return account !== NO_ACCOUNT && ledger.mayDebit(account, institution);
}

function accountOf(ledger: Ledger, event: DataView, field: number): number {
  const word = (index: number): number => event.getUint32((RECORD + field + index) * 4, true);
  return ledger.accounts.find(word(0), word(1), word(2), word(3));
}

/** Whether an entry of an account's history debits it. A clearing account stands for the accounts of other partitions. */
export function isDebitOf(ledger: Ledger, event: DataView, account: number): boolean {
  const debit = accountOf(ledger, event, TransferWord.debitAccountId);
  if (debit !== NO_ACCOUNT || !ledger.clearing.isClearing(account)) return debit === account;
  return accountOf(ledger, event, TransferWord.creditAccountId) !== NO_ACCOUNT;
}

/** Word offsets of HISTORY_QUERY. */
const HistoryWord = { accountId: 0, cursor: 4, limit: 6 } as const;

/** Reply: RESULT, PAGE, then the entries, newest first. */
export function accountHistory(ledger: Ledger, transfers: Transfers, query: IdsQuery, reply: ReplyArea): void {
  const { words, start } = query;
  const account = ledger.findAccount(words, start + HistoryWord.accountId);
  const limit = words[start + HistoryWord.limit] as number;
  const cursor = readU64(words, start + HistoryWord.cursor);
  const code = whyNoHistory(ledger, transfers, account, limit, cursor, query.institution);
  reply.result(ledger.now, code);
  const page = reply.end;
  reply.zeros(PAGE.size);
  if (code !== Code.ok) return reply.close(0);

  let lsn = cursor === 0 ? (ledger.accounts.headLsn[account] as number) : cursor;
  let count = 0;
  while (lsn !== 0 && count < limit) {
    const entry = transfers.read(lsn);
    const isDebit = isDebitOf(ledger, entry, account);
    const previous = isDebit ? TransferEventWord.previousOfDebit : TransferEventWord.previousOfCredit;
    lsn = readView64(entry, previous);
    copyEntry(ledger, entry, query.institution, reply);
    count++;
  }
  writePage(reply, page, lsn, count);
  reply.close(count);
}

function whyNoHistory(
  ledger: Ledger,
  transfers: Transfers,
  account: number,
  limit: number,
  cursor: number,
  institution: number,
): number {
  const hidden = whyHidden(ledger, account, institution);
  if (hidden !== Code.ok) return hidden;
  if (limit < 1 || limit > LIMITS.pageEntriesMax) return Code.limitOutOfRange;
  if (cursor === 0) return Code.ok;
  const entry = transfers.readUntrusted(cursor);
  const isEntry =
    entry !== undefined &&
    entry.getUint16(2, true) === Code.ok &&
    (accountOf(ledger, entry, TransferWord.debitAccountId) === account ||
      accountOf(ledger, entry, TransferWord.creditAccountId) === account ||
      ledger.clearing.isClearing(account));
  return isEntry ? Code.ok : Code.cursorInvalid;
}

/** Fills the PAGE record at byte `at` of the reply. */
export function writePage(reply: ReplyArea, at: number, nextCursor: number, count: number): void {
  reply.view.setBigUint64(at + PAGE.at.nextCursor, BigInt(nextCursor), true);
  reply.view.setUint32(at + PAGE.at.count, count, true);
}
