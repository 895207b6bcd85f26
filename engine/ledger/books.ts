/**
 * The only code that changes balances and holds, for decisions and for replay alike. It does what it is told: whether a
 * movement is allowed was decided before.
 *
 * Every movement changes a debit and a credit side by the same amount, so the books of a ledger always balance.
 */
import type { Accounts } from './accounts.ts';
import type { Holds } from './holds.ts';
import type { Timers } from './timers.ts';
import { Undo } from './undo.ts';

export class Books {
  readonly accounts: Accounts;
  readonly holds: Holds;
  readonly timers: Timers;
  readonly undo: Undo;

  constructor(accounts: Accounts, holds: Holds, timers: Timers) {
    this.accounts = accounts;
    this.holds = holds;
    this.timers = timers;
    this.undo = new Undo(accounts, holds, timers);
  }

  /** Moves `amount` at once. */
  transfer(debit: number, credit: number, amount: number): void {
    this.#touch(debit, credit);
    const { debitsPosted, creditsPosted } = this.accounts;
    debitsPosted[debit] = (debitsPosted[debit] as number) + amount;
    creditsPosted[credit] = (creditsPosted[credit] as number) + amount;
  }

  /** Holds `amount` under the id at word `id` of `words` until `deadline` (µs; 0 = for ever). */
  reserve(
    words: Uint32Array,
    id: number,
    debit: number,
    credit: number,
    amount: number,
    deadline: number,
    code: number,
  ): void {
    this.#touch(debit, credit);
    const { debitsPending, creditsPending } = this.accounts;
    debitsPending[debit] = (debitsPending[debit] as number) + amount;
    creditsPending[credit] = (creditsPending[credit] as number) + amount;
    const slot = this.holds.add(
      words[id] as number,
      words[id + 1] as number,
      words[id + 2] as number,
      words[id + 3] as number,
      debit,
      credit,
      amount,
      deadline,
      code,
    );
    if (this.undo.recording) this.undo.newHold(slot);
    else this.undo.scheduleExpiry(slot);
  }

  /** Posts `amount` (0 … what remains) of a hold and releases `released` more; a hold with nothing left is removed. */
  settle(slot: number, amount: number, released: number): void {
    const { holds, accounts } = this;
    const debit = holds.debit[slot] as number;
    const credit = holds.credit[slot] as number;
    this.#touch(debit, credit);
    if (this.undo.recording) this.undo.hold(slot);
    const { debitsPending, debitsPosted, creditsPending, creditsPosted } = accounts;
    debitsPending[debit] = (debitsPending[debit] as number) - amount - released;
    creditsPending[credit] = (creditsPending[credit] as number) - amount - released;
    debitsPosted[debit] = (debitsPosted[debit] as number) + amount;
    creditsPosted[credit] = (creditsPosted[credit] as number) + amount;
    const left = (holds.remaining[slot] as number) - amount - released;
    if (left === 0) holds.remove(slot);
    else holds.setRemaining(slot, left);
  }

  #touch(debit: number, credit: number): void {
    const { copy } = this.accounts;
    copy.before(debit);
    copy.before(credit);
    if (!this.undo.recording) return;
    this.undo.account(debit);
    this.undo.account(credit);
  }
}
