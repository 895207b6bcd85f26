/** The createAccounts message. Linked records are opened together or not at all. */
import { ACCOUNT, AccountFlags, ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { compareAccount } from './compare.ts';
import type { RecordsMessage } from './create-transfers.ts';
import { ACCOUNT_EVENT_BYTES, EVENT_PREFIX_BYTES, EventTypes } from './events.ts';
import { accountTime } from './imported.ts';
import type { Ledger } from './ledger.ts';
import type { ResultWriter } from './results.ts';
import { validateAccount } from './validate.ts';
import { AccountWord, readU64, writeU64 } from './words.ts';

const RECORD_WORDS = ACCOUNT.size >> 2;
const PREFIX_WORDS = EVENT_PREFIX_BYTES >> 2;
const STORED_TIMESTAMP = (PREFIX_WORDS + AccountWord.timestamp) * 4;

export function createAccounts(ledger: Ledger, message: RecordsMessage, results: ResultWriter): void {
  const { words, start, count } = message;
  for (let first = 0; first < count; ) {
    let last = first;
    while (last < count && isLinked(words, start + last * RECORD_WORDS)) last++;
    const open = last === count && last !== first;
    createTogether(ledger, message, first, Math.min(last, count - 1), open, results);
    first = last + 1;
  }
}

function isLinked(words: Uint32Array, at: number): boolean {
  return (accountFlags(words, at) & AccountFlags.linked) !== 0;
}

function accountFlags(words: Uint32Array, at: number): number {
  return (words[at + AccountWord.flags] as number) >>> 16;
}

/** A single record is a group of one. All are judged before any is opened, so there is nothing to undo. */
function createTogether(
  ledger: Ledger,
  message: RecordsMessage,
  first: number,
  last: number,
  open: boolean,
  results: ResultWriter,
): void {
  const { words, start, institution } = message;
  const seen = new Set<string>();
  let existing = 0;
  for (let index = first; index <= last; index++) {
    const at = start + index * RECORD_WORDS;
    const id = words.subarray(at, at + 4).join();
    const code = seen.has(id) ? Code.existsOutsideChain : judge(ledger, message, index, open && index === last);
    seen.add(id);
    if (code === Code.ok && ledger.findAccount(words, at) !== NO_ACCOUNT) existing++;
    if (code !== Code.ok) return refuseAll(ledger, first, last, index, code, results);
  }
  const members = last - first + 1;
  if (existing !== 0 && existing !== members) {
    return refuseAll(ledger, first, last, firstExisting(ledger, message, first), Code.existsOutsideChain, results);
  }
  if (existing === 0 && members > ledger.accounts.capacityMax - ledger.accounts.count) {
    return refuseAll(ledger, first, last, first, Code.accountTableFull, results);
  }
  for (let index = first; index <= last; index++) {
    const at = start + index * RECORD_WORDS;
    if (existing === 0) {
      openAccount(ledger, words, at, institution);
      results.set(index, accountTime(ledger, words, at), Code.ok, 0);
    } else {
      results.set(index, openedAt(ledger, ledger.findAccount(words, at)), Code.ok, ResultFlags.replayed);
    }
  }
}

/** `ok` for a record that may be opened, and for one that was opened before with the same content. */
function judge(ledger: Ledger, message: RecordsMessage, index: number, chainOpen: boolean): number {
  const { words, institution } = message;
  const at = message.start + index * RECORD_WORDS;
  const expected = accountFlags(words, message.start) & AccountFlags.imported;
  const malformed = chainOpen ? Code.linkedEventChainOpen : validateAccount(words, at, expected);
  if (malformed !== Code.ok) return malformed;
  const account = ledger.findAccount(words, at);
  if (account !== NO_ACCOUNT) {
    const stored = ledger.events.read(ledger.accounts.createdLsn[account] as number);
    return compareAccount(words, at, institution, stored);
  }
  if (ledger.isElsewhere(words, at)) return Code.crossesPartitions;
  return accountTime(ledger, words, at) > ledger.now ? Code.importedEventTimestampMustNotAdvance : Code.ok;
}

function firstExisting(ledger: Ledger, message: RecordsMessage, first: number): number {
  let index = first;
  while (ledger.findAccount(message.words, message.start + index * RECORD_WORDS) === NO_ACCOUNT) index++;
  return index;
}

function openedAt(ledger: Ledger, account: number): number {
  const stored = ledger.events.read(ledger.accounts.createdLsn[account] as number);
  return Number(stored.getBigUint64(STORED_TIMESTAMP, true));
}

function openAccount(ledger: Ledger, words: Uint32Array, at: number, institution: number): void {
  const { events } = ledger;
  const event = events.append(EventTypes.account, 0, Code.ok, ACCOUNT_EVENT_BYTES, institution);
  const record = event + PREFIX_WORDS;
  events.words.set(words.subarray(at, at + RECORD_WORDS), record);
  events.words[record + AccountWord.owner] = institution;
  writeU64(events.words, record + AccountWord.timestamp, accountTime(ledger, words, at));
  addAccount(ledger, events.words, record, events.lsnOf(event));
}

/** Adds the account of a stored ACCOUNT record; for decisions and for replay. */
export function addAccount(ledger: Ledger, words: Uint32Array, record: number, lsn: number): void {
  const { accounts } = ledger;
  const index = accounts.add(
    words[record] as number,
    words[record + 1] as number,
    words[record + 2] as number,
    words[record + 3] as number,
  );
  const codeAndFlags = words[record + AccountWord.code] as number;
  accounts.creditLimit[index] = readU64(words, record + AccountWord.creditLimit);
  accounts.createdLsn[index] = lsn;
  accounts.headLsn[index] = 0;
  accounts.ledger[index] = words[record + AccountWord.ledger] as number;
  accounts.owner[index] = words[record + AccountWord.owner] as number;
  accounts.code[index] = codeAndFlags & 0xffff;
  accounts.flags[index] = codeAndFlags >>> 16;
  accounts.tariff[index] = (words[record + AccountWord.tariff] as number) & 0xffff;
  accounts.state[index] = 0;
  accounts.tier[index] = (words[record + AccountWord.tier] as number) >>> 24;
  ledger.clearing.opened(index);
}

function refuseAll(
  ledger: Ledger,
  first: number,
  last: number,
  culprit: number,
  code: number,
  results: ResultWriter,
): void {
  for (let index = first; index <= last; index++) {
    results.set(index, ledger.now, index === culprit ? code : Code.linkedEventFailed, 0);
  }
}
