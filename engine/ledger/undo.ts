/**
 * The way back out of a chain of transfers that fails half-way: what was overwritten, newest last. Recording is off outside
 * a chain, so single transfers do not pay for it.
 *
 * What has begun can begin again inside: a dry run is one that is always rolled back, with the chains of its message in it.
 */
import type { Accounts } from './accounts.ts';
import type { Holds } from './holds.ts';
import { NO_HOLD } from './holds.ts';
import type { Timers } from './timers.ts';

const ACCOUNT_ENTRY = 7;
const HOLD_ENTRY = 9;
const TERMS_ENTRY = 4;

export class Undo {
  recording = false;
  readonly #accounts: Accounts;
  readonly #holds: Holds;
  readonly #timers: Timers;
  /** [index, debits pending, debits posted, credits pending, credits posted, head, entries] for each account touched. */
  readonly #balances: number[] = [];
  #balancesEnd = 0;
  /** [slot, id × 4, debit, credit, remaining, deadline] for each hold as it was; remaining 0 = it was not there. */
  readonly #held: number[] = [];
  readonly #heldCodes: number[] = [];
  /** [index, state, credit limit, tier] of each account whose terms were changed. */
  readonly #terms: number[] = [];
  /** How often it has begun, and for each of these: the ends of the lists above. */
  #depth = 0;
  readonly #marks: number[] = [];

  readonly #isHeld = (w0: number, w1: number, w2: number, w3: number): boolean =>
    this.#holds.find(w0, w1, w2, w3) !== NO_HOLD;

  constructor(accounts: Accounts, holds: Holds, timers: Timers) {
    this.#accounts = accounts;
    this.#holds = holds;
    this.#timers = timers;
  }

  begin(): void {
    const at = this.#depth++ * 3;
    this.#marks[at] = this.#balancesEnd;
    this.#marks[at + 1] = this.#held.length;
    this.#marks[at + 2] = this.#terms.length;
    this.recording = true;
  }

  /** Keeps everything. Timers of new holds are set only now, so that a failed chain leaves none behind. */
  commit(): void {
    if (--this.#depth > 0) return;
    for (let at = 0; at < this.#held.length; at += HOLD_ENTRY) {
      const slot = this.#held[at] as number;
      const isNew = this.#held[at + 7] === 0;
      if (isNew && this.#holds.remaining[slot] !== 0) this.scheduleExpiry(slot);
    }
    this.#clear();
  }

  /** Takes back everything since the last `begin`, newest first. */
  rollback(): void {
    const mark = --this.#depth * 3;
    const balancesStart = this.#marks[mark] as number;
    const heldStart = this.#marks[mark + 1] as number;
    const termsStart = this.#marks[mark + 2] as number;
    const accounts = this.#accounts;
    for (let at = this.#terms.length - TERMS_ENTRY; at >= termsStart; at -= TERMS_ENTRY) {
      const index = this.#terms[at] as number;
      accounts.state[index] = this.#terms[at + 1] as number;
      accounts.creditLimit[index] = this.#terms[at + 2] as number;
      accounts.tier[index] = this.#terms[at + 3] as number;
    }
    for (let at = this.#held.length - HOLD_ENTRY; at >= heldStart; at -= HOLD_ENTRY) this.#restoreHold(at);
    for (let at = this.#balancesEnd - ACCOUNT_ENTRY; at >= balancesStart; at -= ACCOUNT_ENTRY) {
      const index = this.#balances[at] as number;
      accounts.debitsPending[index] = this.#balances[at + 1] as number;
      accounts.debitsPosted[index] = this.#balances[at + 2] as number;
      accounts.creditsPending[index] = this.#balances[at + 3] as number;
      accounts.creditsPosted[index] = this.#balances[at + 4] as number;
      accounts.headLsn[index] = this.#balances[at + 5] as number;
      accounts.entries[index] = this.#balances[at + 6] as number;
    }
    if (this.#depth === 0) return this.#clear();
    this.#balancesEnd = balancesStart;
    this.#held.length = heldStart;
    this.#heldCodes.length = heldStart / HOLD_ENTRY;
    this.#terms.length = termsStart;
  }

  /** Remembers an account before its balances are changed. */
  account(index: number): void {
    const { debitsPending, debitsPosted, creditsPending, creditsPosted, headLsn, entries } = this.#accounts;
    const balances = this.#balances;
    const at = this.#balancesEnd;
    balances[at] = index;
    balances[at + 1] = debitsPending[index] as number;
    balances[at + 2] = debitsPosted[index] as number;
    balances[at + 3] = creditsPending[index] as number;
    balances[at + 4] = creditsPosted[index] as number;
    balances[at + 5] = headLsn[index] as number;
    balances[at + 6] = entries[index] as number;
    this.#balancesEnd = at + ACCOUNT_ENTRY;
  }

  /** Remembers an account before its state, credit limit or tier is changed. */
  terms(index: number): void {
    const { state, creditLimit, tier } = this.#accounts;
    this.#terms.push(index, state[index] as number, creditLimit[index] as number, tier[index] as number);
  }

  /** Remembers a hold before it is changed or removed. */
  hold(slot: number): void {
    const { ids, debit, credit, remaining, deadline, code } = this.#holds;
    const id = slot << 2;
    this.#held.push(
      slot,
      ids[id] as number,
      ids[id + 1] as number,
      ids[id + 2] as number,
      ids[id + 3] as number,
      debit[slot] as number,
      credit[slot] as number,
      remaining[slot] as number,
      deadline[slot] as number,
    );
    this.#heldCodes.push(code[slot] as number);
  }

  /** Remembers that a hold was added. */
  newHold(slot: number): void {
    this.#held.push(slot, 0, 0, 0, 0, 0, 0, 0, 0);
    this.#heldCodes.push(0);
  }

  scheduleExpiry(slot: number): void {
    const { ids, deadline } = this.#holds;
    const at = deadline[slot] as number;
    if (at === 0) return;
    const id = slot << 2;
    this.#timers.schedule(at, ids[id] as number, ids[id + 1] as number, ids[id + 2] as number, ids[id + 3] as number);
    this.#timers.prune(this.#holds.count, this.#isHeld);
  }

  #restoreHold(at: number): void {
    const holds = this.#holds;
    const held = this.#held;
    const slot = held[at] as number;
    const before = held[at + 7] as number;
    if (before === 0) {
      holds.remove(slot);
    } else if (holds.remaining[slot] === 0) {
      holds.add(
        held[at + 1] as number,
        held[at + 2] as number,
        held[at + 3] as number,
        held[at + 4] as number,
        held[at + 5] as number,
        held[at + 6] as number,
        before,
        held[at + 8] as number,
        this.#heldCodes[at / HOLD_ENTRY] as number,
      );
    } else {
      holds.setRemaining(slot, before);
    }
  }

  #clear(): void {
    // The memory is kept: a payment remembers its accounts here at every leg.
    this.#balancesEnd = 0;
    if (this.#held.length > 0) {
      this.#held.length = 0;
      this.#heldCodes.length = 0;
    }
    if (this.#terms.length > 0) this.#terms.length = 0;
    this.recording = false;
  }
}
