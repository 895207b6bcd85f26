/**
 * The double-entry ledger of one partition: decides transfers, moves money, writes events. Pure and synchronous: it sees its
 * tables, the record and the batch's timestamp, nothing else.
 *
 * Invariants, after every transfer and per ledger:  Σ debits posted = Σ credits posted,  Σ debits pending = Σ credits pending,
 * and per account  debits pending + debits posted ≤ 2^53 − 1, likewise credits.
 */

import { LIMITS } from '../../protocol/limits.ts';
import { AccountFlags, TransferFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { partitionOfAccount } from '../hash-id.ts';
import { whyNotPosted, whyStopped } from './account-states.ts';
import type { Accounts } from './accounts.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { balance, balanceTowards } from './balancing.ts';
import { Books } from './books.ts';
import { Clearing, isForeignId } from './clearing.ts';
import { judgeCrossing } from './crossings.ts';
import type { EventLog } from './events.ts';
import { EventTypes, FilledIn, TRANSFER_EVENT_BYTES } from './events.ts';
import { countEntry } from './histories.ts';
import type { Holds } from './holds.ts';
import { NO_HOLD } from './holds.ts';
import { transferTime, whyNotImported, whyNotImportedFor } from './imported.ts';
import type { KeyIndex } from './key-index.ts';
import { enter, find } from './key-index.ts';
import { whyNoHold } from './pending.ts';
import { decideRevert, fillInRevert } from './revert.ts';
import type { Timers } from './timers.ts';
import { BALANCING, transferFlags } from './validate.ts';
import { isZeroId, readU64, sameId, TransferWord, writeU64 } from './words.ts';

export interface LedgerTables {
  readonly accounts: Accounts;
  readonly holds: Holds;
  readonly timers: Timers;
  /** Transfers by id. */
  readonly transfers: KeyIndex;
  /** By the id of a pending transfer: the transfer that ended it; of a posted one: the transfer that reverted it. */
  readonly resolutions: KeyIndex;
  /** Every 64th entry of an account, by account and place: see histories.ts. */
  readonly histories: KeyIndex;
  /** Changes of accounts by id. */
  readonly changes: KeyIndex;
  readonly events: EventLog;
}

export interface PartitionPlace {
  readonly partition: number;
  readonly partitions: number;
}

const { pending, postPending, voidPending, keepRemainder, revert, imported } = TransferFlags;
const AMOUNT_MAX = LIMITS.amountMax;
const MICROS_PER_SECOND = 1_000_000;
/** Of a record with FilledIn.time. */
const SENT_TIME = [TransferWord.reserved, TransferWord.reserved + 1];

/** Words of a transfer event: the prefix, the outcome, and where its TRANSFER record begins. */
export const TransferEventWord = {
  previousOfDebit: 4,
  previousOfCredit: 6,
  debitBalanceAfter: 8,
  creditBalanceAfter: 10,
  record: 12,
} as const;

export class Ledger {
  readonly tables: LedgerTables;
  readonly accounts: Accounts;
  readonly holds: Holds;
  readonly books: Books;
  readonly events: EventLog;
  readonly place: PartitionPlace;
  readonly clearing: Clearing;
  /** Timestamp of the current batch, µs. */
  now = 0;

  /** What the last `decide` found: indexes of the two accounts, the hold that ends, and what really moves. */
  debit = NO_ACCOUNT;
  credit = NO_ACCOUNT;
  amount = 0;
  hold = NO_HOLD;
  /** FilledIn: of what the last `decide` found. */
  filledIn = 0;
  /** Where the id of a pending leg is put together. */
  readonly legId = new Uint32Array(4);

  /** @param clearing that of another ledger over the same accounts: for a dry run */
  constructor(tables: LedgerTables, place: PartitionPlace, clearing?: Clearing) {
    this.tables = tables;
    this.accounts = tables.accounts;
    this.holds = tables.holds;
    this.books = new Books(tables.accounts, tables.holds, tables.timers);
    this.events = tables.events;
    this.place = place;
    this.clearing = clearing ?? new Clearing(tables.accounts, place);
  }

  /** Index of the account whose id is at word `at`, or NO_ACCOUNT. */
  findAccount(words: Uint32Array, at: number): number {
    return this.accounts.find(
      words[at] as number,
      words[at + 1] as number,
      words[at + 2] as number,
      words[at + 3] as number,
    );
  }

  /** Whether the last `decide` moves what there is, and not what was asked for. */
  get isBalanced(): boolean {
    return this.filledIn === FilledIn.balanced;
  }

  mayDebit(account: number, institution: number): boolean {
    return this.accounts.owner[account] === institution || this.isOperator(institution);
  }

  isOperator(institution: number): boolean {
    return institution === OPERATOR_INSTITUTION;
  }

  /** Whether the account whose id is at word `at` belongs to another partition. */
  isElsewhere(words: Uint32Array, at: number): boolean {
    const { partition, partitions } = this.place;
    if (partitions === 1) return false;
    const home = partitionOfAccount(
      words[at] as number,
      words[at + 1] as number,
      words[at + 2] as number,
      words[at + 3] as number,
      partitions,
    );
    return home !== partition;
  }

  /**
   * Judges the TRANSFER record at word `at` against the state, and changes nothing but what it says it found. The record has
   * passed `validateTransfer` and its id is new.
   */
  decide(words: Uint32Array, at: number, institution: number): number {
    const flags = transferFlags(words, at);
    this.hold = NO_HOLD;
    this.filledIn = 0;
    this.credit = NO_ACCOUNT;
    if ((flags & revert) !== 0) return decideRevert(this, words, at, institution);
    this.amount = readU64(words, at + TransferWord.amount);
    const debit = this.findAccount(words, at + TransferWord.debitAccountId);
    this.debit = debit;
    if (debit === NO_ACCOUNT) {
      return this.isElsewhere(words, at + TransferWord.debitAccountId)
        ? Code.crossesPartitions
        : Code.debitAccountNotFound;
    }
    if (!this.mayDebit(debit, institution)) return Code.debitAccountForbidden;
    if ((flags & (postPending | voidPending)) !== 0) return this.#decideEnding(words, at, institution);

    const credit = this.findAccount(words, at + TransferWord.creditAccountId);
    this.credit = credit;
    if (credit === NO_ACCOUNT) {
      if (!this.isElsewhere(words, at + TransferWord.creditAccountId)) return Code.creditAccountNotFound;
      return this.#decideCrossing(words, at, flags);
    }
    const { ledger } = this.accounts;
    if (ledger[debit] !== ledger[credit]) return Code.accountsMustHaveTheSameLedger;
    if (words[at + TransferWord.ledger] !== ledger[debit]) return Code.transferMustHaveTheSameLedgerAsAccounts;
    if ((flags & (BALANCING | imported)) !== 0) {
      const isImported = (flags & imported) !== 0;
      const code = isImported ? whyNotImported(this, words, at, credit, institution) : balance(this, flags);
      if (code !== Code.ok) return code;
      if (!isImported) this.filledIn = FilledIn.balanced;
    }
    return this.judge(debit, credit, this.amount, (flags & pending) !== 0);
  }

  /** States, overflow and balance limits of a new movement between two accounts of one ledger. */
  judge(debit: number, credit: number, amount: number, isPending: boolean): number {
    const { state } = this.accounts;
    if (((state[debit] as number) | (state[credit] as number)) !== 0) {
      const code = whyStopped(this.accounts, debit, credit);
      if (code !== Code.ok) return code;
    }
    return this.judgeAmount(debit, credit, amount, isPending);
  }

  /** Overflow and balance limits of a movement whose accounts' states were asked. */
  judgeAmount(debit: number, credit: number, amount: number, isPending: boolean): number {
    const { debitsPending, debitsPosted, creditsPending, creditsPosted, flags } = this.accounts;
    const debits = (debitsPending[debit] as number) + (debitsPosted[debit] as number);
    const credits = (creditsPending[credit] as number) + (creditsPosted[credit] as number);
    if (amount > AMOUNT_MAX - debits) return isPending ? Code.overflowsDebitsPending : Code.overflowsDebitsPosted;
    if (amount > AMOUNT_MAX - credits) return isPending ? Code.overflowsCreditsPending : Code.overflowsCreditsPosted;
    if (((flags[debit] as number) & AccountFlags.debitsMustNotExceedCredits) !== 0) {
      if (amount > this.available(debit)) return Code.exceedsCredits;
    }
    if (((flags[credit] as number) & AccountFlags.creditsMustNotExceedDebits) !== 0) {
      if (amount > (debitsPosted[credit] as number) - credits) return Code.exceedsDebits;
    }
    if (isPending && this.holds.full) return Code.pendingTableFull;
    return Code.ok;
  }

  /**
   * What a debit-limited account can still be debited: posted credits less all debits, plus its credit limit. Exact up to
   * 2^53 − 1; beyond it the rounded sum still exceeds every possible amount.
   */
  available(account: number): number {
    const { debitsPending, debitsPosted, creditsPosted, creditLimit } = this.accounts;
    const debits = (debitsPending[account] as number) + (debitsPosted[account] as number);
    return (creditsPosted[account] as number) - debits + (creditLimit[account] as number);
  }

  /** Sets what `record` carries out, for what was decided before. `filledIn`: FilledIn.balanced, when it may move less than was asked. */
  take(debit: number, credit: number, amount: number, filledIn = 0): void {
    this.debit = debit;
    this.credit = credit;
    this.amount = amount;
    this.hold = NO_HOLD;
    this.filledIn = filledIn;
  }

  /** Carries out what `decide` allowed, or records why it was refused; returns the position of the event. */
  record(words: Uint32Array, at: number, institution: number, code: number): number {
    const event = this.write(words, at, institution, code, EventTypes.transfer);
    const lsn = this.events.lsnOf(event);
    if (code === Code.ok) {
      this.#carryOut(event, transferFlags(words, at));
      this.chain(event, lsn, this.debit, this.credit);
      // The other partition has to follow.
      const follows = this.hold !== NO_HOLD && this.clearing.isClearing(this.credit);
      if (follows && !isForeignId(words, at, this.place.partition)) {
        const posted = (transferFlags(words, at) & postPending) !== 0 ? this.amount : 0;
        this.clearing.begin(lsn, this.credit, 0, posted);
      }
    }
    enter(this.tables.transfers, words, at, lsn);
    return lsn;
  }

  /** Puts the event at the head of both accounts' histories and notes the balances that it leaves. */
  chain(event: number, lsn: number, debit: number, credit: number): void {
    const { words } = this.events;
    const { headLsn, creditsPosted, debitsPosted } = this.accounts;
    writeU64(words, event + TransferEventWord.previousOfDebit, headLsn[debit] as number);
    writeU64(words, event + TransferEventWord.previousOfCredit, headLsn[credit] as number);
    headLsn[debit] = lsn;
    headLsn[credit] = lsn;
    countEntry(this.tables.histories, this.accounts, debit, lsn);
    if (credit !== debit) countEntry(this.tables.histories, this.accounts, credit, lsn);
    const debitNet = (creditsPosted[debit] as number) - (debitsPosted[debit] as number);
    const creditNet = (creditsPosted[credit] as number) - (debitsPosted[credit] as number);
    writeU64(words, event + TransferEventWord.debitBalanceAfter, debitNet);
    writeU64(words, event + TransferEventWord.creditBalanceAfter, creditNet);
  }

  #decideCrossing(words: Uint32Array, at: number, flags: number): number {
    if ((flags & imported) !== 0) {
      const why = whyNotImportedFor(this, words, at, this.debit);
      if (why !== Code.ok) return why;
    }
    if ((flags & BALANCING) === 0) return judgeCrossing(this, words, at);
    const code = balanceTowards(this, flags);
    if (code !== Code.ok) return code;
    this.filledIn = FilledIn.balanced;
    return judgeCrossing(this, words, at);
  }

  #decideEnding(words: Uint32Array, at: number, institution: number): number {
    const hold = this.findHold(words, at);
    if (hold === NO_HOLD) return whyNoHold(this, words, at);
    const { holds, accounts } = this;
    const credit = holds.credit[hold] as number;
    const code = (words[at + TransferWord.code] as number) & 0xffff;
    const ledger = words[at + TransferWord.ledger] as number;
    const creditAt = at + TransferWord.creditAccountId;
    if (holds.debit[hold] !== this.debit) return Code.pendingTransferHasDifferentDebitAccountId;
    if (!isZeroId(words, creditAt) && !sameId(words, creditAt, this.#creditIdOf(words, at, credit), 0)) {
      return Code.pendingTransferHasDifferentCreditAccountId;
    }
    if (ledger !== 0 && ledger !== accounts.ledger[this.debit]) return Code.pendingTransferHasDifferentLedger;
    if (code !== 0 && code !== holds.code[hold]) return Code.pendingTransferHasDifferentCode;
    // Before the amount: whether the timer has fired already makes no difference to the answer.
    const deadline = holds.deadline[hold] as number;
    if (deadline !== 0 && deadline <= this.now) return Code.pendingTransferExpired;
    const remaining = holds.remaining[hold] as number;
    if (this.amount > remaining) return Code.exceedsPendingTransferAmount;
    if ((transferFlags(words, at) & imported) !== 0) {
      const why = whyNotImported(this, words, at, credit, institution);
      if (why !== Code.ok) return why;
    }
    if ((transferFlags(words, at) & postPending) !== 0) {
      const frozen = whyNotPosted(accounts, this.debit, credit);
      if (frozen !== Code.ok) return frozen;
    }

    this.hold = hold;
    this.credit = credit;
    if (this.amount === 0) this.filledIn |= FilledIn.amount;
    if (isZeroId(words, creditAt)) this.filledIn |= FilledIn.creditAccountId;
    if (ledger === 0) this.filledIn |= FilledIn.ledger;
    if (code === 0) this.filledIn |= FilledIn.code;
    if (this.amount === 0) this.amount = remaining;
    return Code.ok;
  }

  /** The hold that the post or void at word `at` names, or NO_HOLD. */
  findHold(words: Uint32Array, at: number): number {
    const pendingAt = at + TransferWord.pendingId;
    return this.holds.find(
      words[pendingAt] as number,
      words[pendingAt + 1] as number,
      words[pendingAt + 2] as number,
      words[pendingAt + 3] as number,
    );
  }

  /** Id of the credit account of the pending transfer that word `at` names; its hold is on `credit`, maybe a clearing account. */
  #creditIdOf(words: Uint32Array, at: number, credit: number): Uint32Array {
    const { accounts, clearing } = this;
    if (!clearing.isClearing(credit)) return accounts.ids.subarray(credit << 2, (credit + 1) << 2);
    const original = this.events.read(find(this.tables.transfers, words, at + TransferWord.pendingId));
    const field = TransferEventWord.record + TransferWord.creditAccountId;
    return Uint32Array.from([0, 1, 2, 3], (word) => original.getUint32((field + word) * 4, true));
  }

  /** Writes the event of the TRANSFER record at word `at`, without effect; returns its first word. */
  write(words: Uint32Array, at: number, institution: number, code: number, type: number): number {
    const { events } = this;
    const filledIn = code === Code.ok ? this.filledIn : 0;
    const event = events.append(type, filledIn, code, TRANSFER_EVENT_BYTES, institution);
    const out = events.words;
    for (let word = TransferEventWord.previousOfDebit; word < TransferEventWord.record; word++) out[event + word] = 0;
    const record = event + TransferEventWord.record;
    for (let word = 0; word < TransferWord.timestamp; word++) out[record + word] = words[at + word] as number;
    writeU64(out, record + TransferWord.timestamp, transferTime(this, words, at));
    out[record + TransferWord.reserved] = 0;
    out[record + TransferWord.reserved + 1] = 0;
    if (filledIn === FilledIn.balanced) {
      out.copyWithin(record + TransferWord.reserved, record + TransferWord.amount, record + TransferWord.amount + 2);
      writeU64(out, record + TransferWord.amount, this.amount);
    } else if (filledIn === FilledIn.time) {
      for (const word of SENT_TIME) out[record + word] = words[at + word] as number;
    } else if (filledIn !== 0) {
      this.#fillIn(record);
    }
    return event;
  }

  #fillIn(record: number): void {
    const { words } = this.events;
    if ((transferFlags(words, record) & revert) !== 0) return fillInRevert(this, record);
    const { accounts, credit } = this;
    writeU64(words, record + TransferWord.amount, this.amount);
    words.set(this.#creditIdOf(words, record, credit), record + TransferWord.creditAccountId);
    words[record + TransferWord.ledger] = accounts.ledger[credit] as number;
    const flags = transferFlags(words, record);
    words[record + TransferWord.code] = (this.holds.code[this.hold] as number) | (flags << 16);
  }

  #carryOut(event: number, flags: number): void {
    const { words } = this.events;
    const record = event + TransferEventWord.record;
    if ((flags & pending) !== 0) {
      const timeoutS = words[record + TransferWord.timeoutS] as number;
      // The timer of a transfer from another partition runs there.
      const hasTimer = timeoutS !== 0 && !this.clearing.isClearing(this.debit);
      const deadline = hasTimer ? this.now + timeoutS * MICROS_PER_SECOND : 0;
      const code = (words[record + TransferWord.code] as number) & 0xffff;
      this.books.reserve(words, record, this.debit, this.credit, this.amount, deadline, code);
    } else if ((flags & (postPending | voidPending)) !== 0) {
      this.#end(record, flags);
    } else {
      this.books.transfer(this.debit, this.credit, this.amount);
      if ((flags & revert) !== 0) this.resolve(record);
    }
  }

  #end(record: number, flags: number): void {
    const remaining = this.holds.remaining[this.hold] as number;
    const posted = (flags & postPending) !== 0 ? this.amount : 0;
    const released = (flags & keepRemainder) !== 0 ? 0 : remaining - posted;
    this.books.settle(this.hold, posted, released);
    if (posted + released === remaining) this.resolve(record);
  }

  /** Notes that the transfer at word `record` ended the pending transfer that it names, or reverted the posted one. */
  resolve(record: number): void {
    const { words } = this.events;
    const at = record + TransferWord.pendingId;
    enter(this.tables.resolutions, words, at, this.events.lsnOf(record - TransferEventWord.record));
  }
}
