/** Writes RESULT records (with BALANCES when asked for) into the reply of one message. */
import { BALANCES, RESULT } from '../../protocol/records.ts';
import type { Accounts } from './accounts.ts';
import { NO_ACCOUNT } from './accounts.ts';
import type { Ledger } from './ledger.ts';
import { writeU64 } from './words.ts';

/** Stands for the code of a result that is not there yet. Never leaves the engine. */
export const AWAITS_CLEARING = 0xffff;
/** Stands for the code of a command that is to be decided again when what goes before it is settled. Never leaves the engine. */
export const AWAITS_TURN = 0xfffe;

/**
 * Stands for the code of a dry run that goes on when other partitions have said what they would answer. Never leaves the engine.
 */
export const AWAITS_ANSWERS = 0xfffd;

/** Whether a code says that the result is not there yet. */
export function isUndecided(code: number): boolean {
  return code >= AWAITS_ANSWERS;
}

export class ResultWriter {
  #words: Uint32Array = new Uint32Array(0);
  #start = 0;
  #stride = RESULT.size >> 2;
  #withBalances = false;
  /** Results of this message that another partition has to answer first. */
  awaiting = 0;

  /** Points at the reply body: `start` is its first word. */
  target(words: Uint32Array, start: number, withBalances: boolean): void {
    this.#words = words;
    this.#start = start;
    this.#withBalances = withBalances;
    this.awaiting = 0;
    this.#stride = (withBalances ? RESULT.size + BALANCES.size : RESULT.size) >> 2;
  }

  set(index: number, timestamp: number, code: number, flags: number): void {
    const at = this.#start + index * this.#stride;
    const words = this.#words;
    writeU64(words, at, timestamp);
    words[at + 2] = code | (flags << 16);
    words[at + 3] = 0;
    if (this.#withBalances) words.fill(0, at + 4, at + this.#stride);
  }

  /** Another partition has to answer first: the router waits for what is at `lsn`, and puts the result in. */
  postpone(index: number, lsn: number): void {
    this.set(index, lsn, AWAITS_CLEARING, 0);
    this.awaiting++;
  }

  /** The whole message is decided again when what is at `lsn` is settled. */
  waitFor(count: number, lsn: number): void {
    for (let index = 0; index < count; index++) this.set(index, lsn, AWAITS_TURN, 0);
    this.awaiting = count;
  }

  /** Balances of both accounts as they are now; zeros for an account that is not there or not the institution's to see. */
  balances(index: number, ledger: Ledger, institution: number, debit: number, credit: number): void {
    if (!this.#withBalances) return;
    const at = this.#start + index * this.#stride + (RESULT.size >> 2);
    this.#side(at, ledger, institution, debit);
    this.#side(at + (BALANCES.size >> 3), ledger, institution, credit);
  }

  #side(at: number, ledger: Ledger, institution: number, account: number): void {
    if (account === NO_ACCOUNT || !ledger.mayDebit(account, institution)) return;
    writeBalances(this.#words, at, ledger.accounts, account);
  }
}

/** Debits pending, debits posted, credits pending, credits posted: four u64, as in ACCOUNT. */
export function writeBalances(words: Uint32Array, at: number, accounts: Accounts, index: number): void {
  writeU64(words, at, accounts.debitsPending[index] as number);
  writeU64(words, at + 2, accounts.debitsPosted[index] as number);
  writeU64(words, at + 4, accounts.creditsPending[index] as number);
  writeU64(words, at + 6, accounts.creditsPosted[index] as number);
}
