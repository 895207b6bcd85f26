/**
 * The changeAccounts message: states, credit limits and tiers, each record on its own. For each: shape (pure, not remembered) →
 * idempotency → state. What reaches the last step is journaled with its outcome and answers the same for ever.
 */
import {
  ACCOUNT_CHANGE,
  AccountChangeFields,
  AccountFlags,
  AccountStates,
  ResultFlags,
} from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { Accounts } from './accounts.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { compareAccountChange } from './compare.ts';
import type { RecordsMessage } from './create-transfers.ts';
import { ACCOUNT_CHANGE_EVENT_BYTES, EVENT_PREFIX_BYTES, EventTypes } from './events.ts';
import { enter, find } from './key-index.ts';
import type { Ledger } from './ledger.ts';
import type { ResultWriter } from './results.ts';
import { validateAccountChange } from './validate.ts';
import { ChangeWord, readU64, writeU64 } from './words.ts';

const RECORD_WORDS = ACCOUNT_CHANGE.size >> 2;
const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
const STORED_TIMESTAMP = (PREFIX_WORDS + ChangeWord.timestamp) * 4;

export function changeAccounts(ledger: Ledger, message: RecordsMessage, results: ResultWriter): void {
  for (let index = 0; index < message.count; index++) {
    changeOne(ledger, message, index, results);
  }
}

function changeOne(ledger: Ledger, message: RecordsMessage, index: number, results: ResultWriter): void {
  const { words, start, institution } = message;
  const at = start + index * RECORD_WORDS;
  const malformed = validateAccountChange(words, at);
  if (malformed !== Code.ok) return results.set(index, ledger.now, malformed, 0);
  const known = find(ledger.tables.changes, words, at);
  if (known !== 0) return replay(ledger, message, index, known, results);
  const account = ledger.findAccount(words, at + ChangeWord.accountId);
  const code = decide(ledger, words, at, institution, account);
  record(ledger, words, at, institution, code);
  if (code === Code.ok) {
    if (ledger.books.undo.recording) ledger.books.undo.terms(account);
    applyChange(ledger.accounts, words, at, account);
  }
  results.set(index, ledger.now, code, 0);
}

/** Whether the account may become what the record asks for. In order of precedence. */
function decide(ledger: Ledger, words: Uint32Array, at: number, institution: number, account: number): number {
  const { accounts } = ledger;
  const fields = fieldsOf(words, at);
  if (account === NO_ACCOUNT) return Code.accountNotFound;
  if (!ledger.mayDebit(account, institution)) return Code.accountForbidden;
  const opens = (fields & AccountChangeFields.state) !== 0 && stateOf(words, at) === AccountStates.open;
  if (accounts.state[account] === AccountStates.closed && !opens) return Code.accountClosed;
  const limited = ((accounts.flags[account] as number) & AccountFlags.debitsMustNotExceedCredits) !== 0;
  if ((fields & AccountChangeFields.creditLimit) !== 0 && !limited) return Code.accountHasNoDebitLimit;
  if (stateOf(words, at) === AccountStates.closed) {
    if (hasPendingAmounts(accounts, account)) return Code.accountHasPendingAmounts;
    if (accounts.creditsPosted[account] !== accounts.debitsPosted[account]) return Code.accountBalanceNotZero;
  }
  return Code.ok;
}

function hasPendingAmounts(accounts: Accounts, account: number): boolean {
  return accounts.debitsPending[account] !== 0 || accounts.creditsPending[account] !== 0;
}

/** Gives the account what the ACCOUNT_CHANGE record at word `at` says; for decisions and for replay. */
export function applyChange(accounts: Accounts, words: Uint32Array, at: number, account: number): void {
  const fields = fieldsOf(words, at);
  accounts.copy.before(account);
  if ((fields & AccountChangeFields.state) !== 0) accounts.state[account] = stateOf(words, at);
  if ((fields & AccountChangeFields.creditLimit) !== 0) {
    accounts.creditLimit[account] = readU64(words, at + ChangeWord.creditLimit);
  }
  if ((fields & AccountChangeFields.tier) !== 0)
    accounts.tier[account] = (words[at + ChangeWord.tier] as number) >>> 24;
}

function fieldsOf(words: Uint32Array, at: number): number {
  return (words[at + ChangeWord.fields] as number) & 0xffff;
}

function stateOf(words: Uint32Array, at: number): number {
  return ((words[at + ChangeWord.state] as number) >>> 16) & 0xff;
}

function record(ledger: Ledger, words: Uint32Array, at: number, institution: number, code: number): void {
  const { events } = ledger;
  const event = events.append(EventTypes.accountChange, 0, code, ACCOUNT_CHANGE_EVENT_BYTES, institution);
  const out = events.words;
  const stored = event + PREFIX_WORDS;
  for (let word = 0; word < RECORD_WORDS; word++) out[stored + word] = words[at + word] as number;
  writeU64(out, stored + ChangeWord.timestamp, ledger.now);
  enter(ledger.tables.changes, words, at, events.lsnOf(event));
}

/** Answers an id that was used before: the first answer again, or which field differs. */
function replay(ledger: Ledger, message: RecordsMessage, index: number, lsn: number, results: ResultWriter): void {
  const at = message.start + index * RECORD_WORDS;
  const stored = ledger.events.read(lsn);
  const difference = compareAccountChange(message.words, at, message.institution, stored);
  if (difference !== Code.ok) return results.set(index, ledger.now, difference, 0);
  const timestamp = Number(stored.getBigUint64(STORED_TIMESTAMP, true));
  results.set(index, timestamp, stored.getUint16(2, true), ResultFlags.replayed);
}
