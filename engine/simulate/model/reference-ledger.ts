/**
 * The ledger once more, written from the specification (protocol/README.md) to compare with: plain objects, bigint, Maps, and
 * no cleverness: a chain is undone by going back to a copy of everything that was open.
 */
import type { ResultName } from '../../../protocol/results.ts';
import { type DecidedChange, S } from './reference-changes.ts';
import { COMPARED, shapeOf } from './reference-shapes.ts';

export const MAX = 2n ** 53n - 1n;
const SECOND = 1_000_000n;
const OPERATOR = 1;
export const F = {
  linked: 1,
  pending: 2,
  post: 4,
  void: 8,
  keep: 16,
  balancingDebit: 32,
  balancingCredit: 64,
  revert: 128,
} as const;
export const A = { linked: 1, debitLimited: 2, creditLimited: 4 } as const;

export interface ModelTransfer {
  id: bigint;
  debitAccountId: bigint;
  creditAccountId: bigint;
  amount: bigint;
  pendingId: bigint;
  userData128: bigint;
  userData64: bigint;
  userData32: number;
  timeoutS: number;
  ledger: number;
  code: number;
  flags: number;
}

export interface ModelAccount {
  id: bigint;
  ledger: number;
  owner: number;
  flags: number;
  creditLimit: bigint;
  state: number;
  debitsPending: bigint;
  debitsPosted: bigint;
  creditsPending: bigint;
  creditsPosted: bigint;
}

export interface Answer {
  readonly name: ResultName;
  readonly replayed: boolean;
  readonly timestamp: bigint;
}

interface Hold {
  debit: bigint;
  credit: bigint;
  left: bigint;
  /** 0 = never. */
  deadline: bigint;
  code: number;
  end: 'open' | 'posted' | 'voided' | 'expired';
}

interface Decided {
  institution: number;
  content: ModelTransfer;
  name: ResultName;
  timestamp: bigint;
}

export interface Book {
  accounts: Map<bigint, ModelAccount>;
  /** Open ones. */
  holds: Map<bigint, Hold>;
  /** Those that have ended; an id that is open again after a chain was undone counts as open. */
  ended: Map<bigint, Hold>;
  /** What payments hold; each counts as one. */
  paymentHolds: number;
  /** What posted transfers moved, and which of them were reverted. */
  moved: Map<bigint, Moved>;
  reverted: Set<bigint>;
}

interface Moved {
  debit: bigint;
  credit: bigint;
  amount: bigint;
  code: number;
  isRevert: boolean;
}

export class ReferenceLedger {
  now = 0n;
  book: Book = {
    accounts: new Map(),
    holds: new Map(),
    ended: new Map(),
    paymentHolds: 0,
    moved: new Map(),
    reverted: new Set(),
  };
  readonly decided = new Map<bigint, Decided>();
  readonly changes = new Map<bigint, DecidedChange>();
  readonly holdsMax: number;

  constructor(holdsMax: number) {
    this.holdsMax = holdsMax;
  }

  open(account: Pick<ModelAccount, 'id' | 'ledger' | 'owner' | 'flags' | 'creditLimit'>): void {
    const zero = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
    this.book.accounts.set(account.id, { ...account, ...zero, state: S.open });
  }

  account(id: bigint): ModelAccount {
    const account = this.book.accounts.get(id);
    if (account === undefined) throw new Error(`no account ${id}`);
    return account;
  }

  openHolds(): number {
    return this.book.holds.size + this.book.paymentHolds;
  }

  /** The book as it is now, to go back to; without clients' holds for who does not change them. What has ended stays. */
  copy(withHolds: boolean): Book {
    const clone = <T extends object>(map: Map<bigint, T>): Map<bigint, T> =>
      new Map(Array.from(map, ([id, value]) => [id, { ...value }]));
    return {
      ...this.book,
      accounts: clone(this.book.accounts),
      holds: withHolds ? clone(this.book.holds) : this.book.holds,
      reverted: withHolds ? new Set(this.book.reverted) : this.book.reverted,
    };
  }

  /** Ends what is due. */
  tick(now: bigint): void {
    this.now = now;
    for (const [id, hold] of this.book.holds) {
      if (hold.deadline !== 0n && hold.deadline <= now) {
        this.unreserve(hold.debit, hold.credit, hold.left);
        this.#end(id, hold, 'expired');
      }
    }
  }

  #end(id: bigint, hold: Hold, how: Hold['end']): void {
    this.book.holds.delete(id);
    this.book.ended.set(id, { ...hold, left: 0n, end: how });
  }

  reserve(debit: bigint, credit: bigint, amount: bigint): void {
    this.account(debit).debitsPending += amount;
    this.account(credit).creditsPending += amount;
  }

  unreserve(debit: bigint, credit: bigint, amount: bigint): void {
    this.account(debit).debitsPending -= amount;
    this.account(credit).creditsPending -= amount;
  }

  move(debit: bigint, credit: bigint, amount: bigint): void {
    this.account(debit).debitsPosted += amount;
    this.account(credit).creditsPosted += amount;
  }

  mayDebit(id: bigint, institution: number): boolean {
    return institution === OPERATOR || this.account(id).owner === institution;
  }

  /** What the states of both accounts say of a new movement, or of the posting of a hold between them. */
  states(debitId: bigint, creditId: bigint, isPosting: boolean): ResultName {
    const from = this.account(debitId).state;
    const to = this.account(creditId).state;
    const gone: number[] = isPosting ? [S.closed] : [S.closing, S.closed];
    if (gone.includes(from)) return 'debitAccountClosed';
    if (from === S.frozen || from === S.frozenForDebits) return 'debitAccountFrozen';
    if (gone.includes(to)) return 'creditAccountClosed';
    return to === S.frozen ? 'creditAccountFrozen' : 'ok';
  }

  /** Whether states and limits of both accounts allow a new movement; `isPosting` for one that goes with the posting of a hold. */
  judge(debitId: bigint, creditId: bigint, amount: bigint, pending: boolean, isPosting = false): ResultName {
    const stopped = this.states(debitId, creditId, isPosting);
    if (stopped !== 'ok') return stopped;
    const debit = this.account(debitId);
    const credit = this.account(creditId);
    if (debit.debitsPending + debit.debitsPosted + amount > MAX) {
      return pending ? 'overflowsDebitsPending' : 'overflowsDebitsPosted';
    }
    if (credit.creditsPending + credit.creditsPosted + amount > MAX) {
      return pending ? 'overflowsCreditsPending' : 'overflowsCreditsPosted';
    }
    const debits = debit.debitsPending + debit.debitsPosted + amount;
    if ((debit.flags & A.debitLimited) !== 0 && debits > debit.creditsPosted + debit.creditLimit)
      return 'exceedsCredits';
    const credits = credit.creditsPending + credit.creditsPosted + amount;
    if ((credit.flags & A.creditLimited) !== 0 && credits > credit.debitsPosted) return 'exceedsDebits';
    if (pending && this.openHolds() >= this.holdsMax) return 'pendingTableFull';
    return 'ok';
  }

  createTransfers(institution: number, message: readonly ModelTransfer[]): Answer[] {
    const answers: Answer[] = [];
    let chain: ModelTransfer[] = [];
    for (const transfer of message) {
      chain.push(transfer);
      if ((transfer.flags & F.linked) !== 0) continue;
      answers.push(...(chain.length === 1 ? [this.#single(institution, transfer)] : this.#chain(institution, chain)));
      chain = [];
    }
    if (chain.length > 0) answers.push(...this.#openChain(chain));
    return answers;
  }

  answer(name: ResultName): Answer {
    return { name, replayed: false, timestamp: this.now };
  }

  #openChain(chain: readonly ModelTransfer[]): Answer[] {
    const names: ResultName[] = chain.map((member) => shapeOf(member));
    names[names.length - 1] = 'linkedEventChainOpen';
    const culprit = names.findIndex((name) => name !== 'ok');
    return names.map((name, index) => this.answer(index === culprit ? name : 'linkedEventFailed'));
  }

  #single(institution: number, transfer: ModelTransfer): Answer {
    const shape = shapeOf(transfer);
    if (shape !== 'ok') return this.answer(shape);
    const known = this.#known(institution, transfer);
    if (known !== undefined) return known;
    const name = this.#decide(institution, transfer);
    if (name !== 'pendingTableFull') this.#remember(institution, transfer, name);
    return this.answer(name);
  }

  #remember(institution: number, content: ModelTransfer, name: ResultName): void {
    this.decided.set(content.id, { institution, content, name, timestamp: this.now });
  }

  /** The answer for an id that was used before. */
  #known(institution: number, transfer: ModelTransfer): Answer | undefined {
    const first = this.decided.get(transfer.id);
    if (first === undefined) return undefined;
    if (first.institution !== institution) return this.answer('existsWithDifferentOwner');
    for (const [field, name] of COMPARED) if (first.content[field] !== transfer[field]) return this.answer(name);
    return { name: first.name, replayed: true, timestamp: first.timestamp };
  }

  #chain(institution: number, chain: readonly ModelTransfer[]): Answer[] {
    const allFailed = (culprit: number, name: ResultName): Answer[] =>
      chain.map((_, index) => this.answer(index === culprit ? name : 'linkedEventFailed'));
    const malformed = chain.findIndex((member) => shapeOf(member) !== 'ok');
    if (malformed >= 0) return allFailed(malformed, shapeOf(chain[malformed] as ModelTransfer));
    if (chain.every((member) => this.decided.has(member.id))) {
      return chain.map((member) => this.#known(institution, member) as Answer);
    }
    const wanted = chain.filter((member) => (member.flags & F.pending) !== 0).length;
    if (wanted > this.holdsMax - this.openHolds()) return allFailed(0, 'pendingTableFull');

    const before = this.copy(true);
    const knownBefore = chain.map(({ id }) => id).filter((id) => this.decided.has(id));
    let culprit = -1;
    let why: ResultName = 'ok';
    for (const [index, member] of chain.entries()) {
      const known = this.#known(institution, member);
      why =
        known === undefined ? this.#decide(institution, member) : known.replayed ? 'existsOutsideChain' : known.name;
      if (why !== 'ok') {
        culprit = index;
        break;
      }
      this.#remember(institution, member, 'ok');
    }
    if (culprit < 0) return chain.map(() => this.answer('ok'));
    this.book = before;
    const remembered = new Set(knownBefore);
    for (const [index, member] of chain.entries()) {
      if (remembered.has(member.id)) continue;
      remembered.add(member.id);
      this.#remember(institution, member, index === culprit ? why : 'linkedEventFailed');
    }
    return allFailed(culprit, why);
  }

  #decide(institution: number, transfer: ModelTransfer): ResultName {
    const { debitAccountId, creditAccountId, flags, ledger } = transfer;
    let { amount } = transfer;
    if ((flags & F.revert) !== 0) return this.#decideRevert(institution, transfer);
    const debit = this.book.accounts.get(debitAccountId);
    if (debit === undefined) return 'debitAccountNotFound';
    if (!this.mayDebit(debitAccountId, institution)) return 'debitAccountForbidden';
    if ((flags & (F.post | F.void)) !== 0) return this.#decideEnd(transfer);
    const credit = this.book.accounts.get(creditAccountId);
    if (credit === undefined) return 'creditAccountNotFound';
    if (debit.ledger !== credit.ledger) return 'accountsMustHaveTheSameLedger';
    if (ledger !== debit.ledger) return 'transferMustHaveTheSameLedgerAsAccounts';
    const pending = (flags & F.pending) !== 0;
    if ((flags & F.balancingDebit) !== 0) {
      const has = debit.creditsPosted + debit.creditLimit - debit.debitsPosted - debit.debitsPending;
      if (has <= 0n) return 'exceedsCredits';
      if (has < amount) amount = has;
    }
    if ((flags & F.balancingCredit) !== 0) {
      const owes = credit.debitsPosted - credit.creditsPosted - credit.creditsPending;
      if (owes <= 0n) return 'exceedsDebits';
      if (owes < amount) amount = owes;
    }
    const name = this.judge(debitAccountId, creditAccountId, amount, pending);
    if (name !== 'ok') return name;
    if (!pending) {
      this.#moveFor(transfer, debitAccountId, creditAccountId, amount, transfer.code);
      return 'ok';
    }
    this.reserve(debitAccountId, creditAccountId, amount);
    const deadline = transfer.timeoutS === 0 ? 0n : this.now + BigInt(transfer.timeoutS) * SECOND;
    this.book.holds.set(transfer.id, {
      debit: debitAccountId,
      credit: creditAccountId,
      left: amount,
      deadline,
      code: transfer.code,
      end: 'open',
    });
    return 'ok';
  }

  #moveFor({ id, flags }: ModelTransfer, debit: bigint, credit: bigint, amount: bigint, code: number): void {
    this.move(debit, credit, amount);
    this.book.moved.set(id, { debit, credit, amount, code, isRevert: (flags & F.revert) !== 0 });
  }

  #decideRevert(institution: number, transfer: ModelTransfer): ResultName {
    const { pendingId, debitAccountId, creditAccountId, amount, ledger, code } = transfer;
    if (debitAccountId !== 0n) {
      if (!this.book.accounts.has(debitAccountId)) return 'debitAccountNotFound';
      if (!this.mayDebit(debitAccountId, institution)) return 'debitAccountForbidden';
    }
    const first = this.decided.get(pendingId);
    if (first === undefined) return 'originalTransferNotFound';
    const moved = first.name === 'ok' ? this.book.moved.get(pendingId) : undefined;
    if (moved === undefined || moved.isRevert) return 'originalTransferNotPosted';
    if (debitAccountId !== 0n && debitAccountId !== moved.credit) return 'originalTransferHasDifferentDebitAccountId';
    if (!this.mayDebit(moved.credit, institution)) return 'debitAccountForbidden';
    if (creditAccountId !== 0n && creditAccountId !== moved.debit) return 'originalTransferHasDifferentCreditAccountId';
    if (ledger !== 0 && ledger !== this.account(moved.debit).ledger) return 'originalTransferHasDifferentLedger';
    if (code !== 0 && code !== moved.code) return 'originalTransferHasDifferentCode';
    if (amount !== 0n && amount !== moved.amount) return 'originalTransferHasDifferentAmount';
    if (this.book.reverted.has(pendingId)) return 'originalTransferAlreadyReverted';
    const name = this.judge(moved.credit, moved.debit, moved.amount, false);
    if (name !== 'ok') return name;
    this.#moveFor(transfer, moved.credit, moved.debit, moved.amount, moved.code);
    this.book.reverted.add(pendingId);
    return 'ok';
  }

  #decideEnd(transfer: ModelTransfer): ResultName {
    const first = this.decided.get(transfer.pendingId);
    if (first === undefined || first.name !== 'ok') return 'pendingTransferNotFound';
    const hold = this.book.holds.get(transfer.pendingId) ?? this.book.ended.get(transfer.pendingId);
    if (hold === undefined) return 'pendingTransferNotPending';
    const { creditAccountId, ledger, code } = transfer;
    if (transfer.debitAccountId !== hold.debit) return 'pendingTransferHasDifferentDebitAccountId';
    if (creditAccountId !== 0n && creditAccountId !== hold.credit) return 'pendingTransferHasDifferentCreditAccountId';
    if (ledger !== 0 && ledger !== this.account(hold.debit).ledger) return 'pendingTransferHasDifferentLedger';
    if (code !== 0 && code !== hold.code) return 'pendingTransferHasDifferentCode';
    if (hold.end === 'posted') return 'pendingTransferAlreadyPosted';
    if (hold.end === 'voided') return 'pendingTransferAlreadyVoided';
    if (hold.end === 'expired') return 'pendingTransferExpired';
    if (transfer.amount > hold.left) return 'exceedsPendingTransferAmount';
    const stopped = this.states(hold.debit, hold.credit, true);
    if ((transfer.flags & F.post) !== 0 && stopped !== 'ok') return stopped;
    if ((transfer.flags & F.void) !== 0) {
      this.unreserve(hold.debit, hold.credit, hold.left);
      this.#end(transfer.pendingId, hold, 'voided');
      return 'ok';
    }
    const posted = transfer.amount === 0n ? hold.left : transfer.amount;
    const kept = (transfer.flags & F.keep) !== 0 ? hold.left - posted : 0n;
    this.unreserve(hold.debit, hold.credit, hold.left - kept);
    this.#moveFor(transfer, hold.debit, hold.credit, posted, hold.code);
    hold.left = kept;
    if (kept === 0n) this.#end(transfer.pendingId, hold, 'posted');
    return 'ok';
  }
}
