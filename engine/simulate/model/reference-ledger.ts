/**
 * The ledger once more, written from the specification (protocol/README.md) to compare with: plain objects, bigint, Maps, and
 * no cleverness: a chain is undone by going back to a copy of everything that was open. Accounts and holds are replaced, never
 * changed, so that a copy is one of the lists alone.
 */
import type { ResultName } from '../../../protocol/results.ts';
import type { CastAccount } from './cast.ts';
import { least } from './reference-amounts.ts';
import type { Answer, Book, Decided, Hold, ModelAccount, Open, Said } from './reference-book.ts';
import { type DecidedChange, S } from './reference-changes.ts';
import { available, heldForOwed, judgeCredit, judgeDebit, whyNotBeyond } from './reference-crossing.ts';
import { type DecidedChainEnd, endOne } from './reference-endings.ts';
import { COMPARED, type ModelTransfer, shapeOf } from './reference-shapes.ts';

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
  /** By id of a member: the ids of its chain, in order. One that was made alone is not here. */
  readonly chains = new Map<bigint, readonly bigint[]>();
  /** By id of an endChain. */
  readonly chainEnds = new Map<bigint, DecidedChainEnd>();
  #said: Said = () => undefined;
  /** Place in the message of the record, or of the first of the chain, that is being decided. */
  #first = 0;
  readonly holdsMax: number;
  /** Whether states and limits are left out: another command raced with this one, and only the engine knows who was first. */
  isLenient = false;
  readonly #homeOf: (account: bigint) => number;

  /** @param homeOf the partition of an account; all live in one unless it is given */
  constructor(holdsMax: number, homeOf: (account: bigint) => number = () => 0) {
    this.holdsMax = holdsMax;
    this.#homeOf = homeOf;
  }

  isCrossing(debit: bigint, credit: bigint): boolean {
    return this.#homeOf(debit) !== this.#homeOf(credit);
  }

  /** Accounts whose pending amounts change at `now` because a hold runs out. */
  dueAt(now: bigint): bigint[] {
    const due = [...this.book.holds.values()].filter(({ deadline }) => deadline !== 0n && deadline <= now);
    return due.flatMap(({ debit, credit }) => [debit, credit]);
  }

  /** The accounts of a pending transfer, open or ended. */
  partiesOf(pendingId: bigint): bigint[] {
    const hold = this.book.holds.get(pendingId) ?? this.book.ended.get(pendingId);
    return hold === undefined ? [] : [hold.debit, hold.credit];
  }

  open(account: Omit<CastAccount, 'tariff'>): void {
    const zero = { debitsPending: 0n, debitsPosted: 0n, creditsPending: 0n, creditsPosted: 0n };
    this.book.accounts.set(account.id, { tier: 0, ...account, ...zero, state: S.open });
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
    const { accounts, holds, reverted } = this.book;
    return {
      ...this.book,
      accounts: new Map(accounts),
      holds: withHolds ? new Map(holds) : holds,
      reverted: withHolds ? new Set(reverted) : reverted,
    };
  }

  /** Ends what is due. */
  tick(now: bigint): void {
    this.now = now;
    for (const [id, hold] of this.book.holds) {
      if (hold.deadline !== 0n && hold.deadline <= now) {
        this.unreserve(hold.debit, hold.credit, hold.left);
        this.end(id, hold, 'expired');
      }
    }
  }

  end(id: bigint, hold: Hold, how: Hold['end']): void {
    this.book.holds.delete(id);
    this.book.ended.set(id, { ...hold, left: 0n, end: how });
  }

  reserve(debit: bigint, credit: bigint, amount: bigint): void {
    const from = this.account(debit);
    this.book.accounts.set(debit, { ...from, debitsPending: from.debitsPending + amount });
    const to = this.account(credit);
    this.book.accounts.set(credit, { ...to, creditsPending: to.creditsPending + amount });
  }

  unreserve(debit: bigint, credit: bigint, amount: bigint): void {
    this.reserve(debit, credit, -amount);
  }

  move(debit: bigint, credit: bigint, amount: bigint): void {
    const from = this.account(debit);
    this.book.accounts.set(debit, { ...from, debitsPosted: from.debitsPosted + amount });
    const to = this.account(credit);
    this.book.accounts.set(credit, { ...to, creditsPosted: to.creditsPosted + amount });
  }

  mayDebit(id: bigint, institution: number): boolean {
    return institution === OPERATOR || this.account(id).owner === institution;
  }

  /** What the states of both accounts say of a new movement, or of the posting of a hold between them. */
  states(debitId: bigint, creditId: bigint, isPosting: boolean): ResultName {
    if (this.isLenient) return 'ok';
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
    if (this.isLenient) return 'ok';
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

  /** @param said what the engine said of each record, where its outcome depends on a race: undefined = it does not */
  createTransfers(institution: number, message: readonly ModelTransfer[], said: Said = () => undefined): Answer[] {
    const answers: Answer[] = [];
    let chain: ModelTransfer[] = [];
    for (const transfer of message) {
      chain.push(transfer);
      if ((transfer.flags & F.linked) !== 0) continue;
      this.#said = said;
      this.#first = answers.length;
      answers.push(...(chain.length === 1 ? [this.#single(institution, transfer)] : this.#chain(institution, chain)));
      chain = [];
    }
    if (chain.length > 0) answers.push(...this.#openChain(chain));
    return answers;
  }

  /** Decides by `decide`, or as the engine has said. */
  settle(said: Open | undefined, decide: () => ResultName): ResultName {
    if (said?.isRacing === true && said.name !== 'ok') return said.name;
    this.isLenient = said?.isRacing === true;
    const name = decide();
    this.isLenient = false;
    return name === 'ok' || said === undefined || said.name === 'ok' ? name : said.name;
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
    const name = this.settle(this.#said(this.#first), () => this.#decide(institution, transfer));
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
      const said = this.#said(this.#first + index);
      // Those before the one that failed were all right until then.
      const alone = said?.name === 'linkedEventFailed' ? { ...said, name: 'ok' as const } : said;
      if (known === undefined) why = this.settle(alone, () => this.#decide(institution, member));
      else why = known.replayed ? 'existsOutsideChain' : known.name;
      if (why !== 'ok') {
        culprit = index;
        break;
      }
      this.#remember(institution, member, 'ok');
    }
    if (culprit < 0) {
      const ids = chain.map(({ id }) => id);
      for (const id of ids) this.chains.set(id, ids);
      return chain.map(() => this.answer('ok'));
    }
    this.book = before;
    const told = chain.findIndex((_, index) => !['ok', 'linkedEventFailed'].includes(this.#saidOf(index) ?? 'ok'));
    if (told >= 0) {
      culprit = told;
      why = this.#saidOf(told) ?? why;
    }
    const remembered = new Set(knownBefore);
    for (const [index, member] of chain.entries()) {
      if (remembered.has(member.id)) continue;
      remembered.add(member.id);
      this.#remember(institution, member, index === culprit ? why : 'linkedEventFailed');
    }
    return allFailed(culprit, why);
  }

  #saidOf(index: number): ResultName | undefined {
    return this.#said(this.#first + index)?.name;
  }

  #decide(institution: number, transfer: ModelTransfer): ResultName {
    const { debitAccountId, creditAccountId, flags, ledger } = transfer;
    let { amount } = transfer;
    if ((flags & F.revert) !== 0) return this.#decideRevert(institution, transfer);
    const debit = this.book.accounts.get(debitAccountId);
    if (debit === undefined) return 'debitAccountNotFound';
    if (!this.mayDebit(debitAccountId, institution)) return 'debitAccountForbidden';
    if ((flags & (F.post | F.void)) !== 0) return endOne(this, transfer);
    const credit = this.book.accounts.get(creditAccountId);
    if (this.isCrossing(debitAccountId, creditAccountId)) return this.#decideCrossing(transfer, debit, credit);
    if (credit === undefined) return 'creditAccountNotFound';
    if (debit.ledger !== credit.ledger) return 'accountsMustHaveTheSameLedger';
    if (ledger !== debit.ledger) return 'transferMustHaveTheSameLedgerAsAccounts';
    const pending = (flags & F.pending) !== 0;
    if ((flags & F.balancingDebit) !== 0) {
      const has = available(debit);
      if (has <= 0n) return 'exceedsCredits';
      if (has < amount) amount = has;
    }
    if ((flags & F.balancingCredit) !== 0) {
      const owes = credit.debitsPosted - credit.creditsPosted - credit.creditsPending;
      if (owes <= 0n) return 'exceedsDebits';
      if (owes < amount) amount = owes;
    }
    const name = this.judge(debitAccountId, creditAccountId, amount, pending);
    return name === 'ok' ? this.#carryOut(transfer, amount) : name;
  }

  /** Between partitions the debit side is judged first, in full, and as if the amount were pending. */
  #decideCrossing(transfer: ModelTransfer, debit: ModelAccount, credit: ModelAccount | undefined): ResultName {
    const { ledger, flags } = transfer;
    let { amount } = transfer;
    if ((flags & F.balancingDebit) !== 0) {
      const has = available(debit);
      if (has <= 0n) return 'exceedsCredits';
      if (has < amount) amount = has;
    }
    if (ledger !== debit.ledger) return 'transferMustHaveTheSameLedgerAsAccounts';
    const held = (flags & F.balancingCredit) === 0 ? amount : heldForOwed(debit, transfer, amount);
    const first = this.isLenient ? 'ok' : judgeDebit(debit, held);
    if (first !== 'ok') return first;
    if (credit === undefined) return 'creditAccountNotFound';
    if (credit.ledger !== ledger) return 'accountsMustHaveTheSameLedger';
    if ((flags & F.balancingCredit) !== 0) {
      const owes = credit.debitsPosted - credit.creditsPosted - credit.creditsPending;
      if (owes <= 0n) return 'exceedsDebits';
      // What was asked for: the credit side does not know what the debit side has.
      amount = least(owes, transfer.amount);
      if (amount > held) {
        const why = whyNotBeyond(debit, transfer, held);
        if (why !== 'ok') return why;
        amount = held;
      }
    }
    const second = this.isLenient ? 'ok' : judgeCredit(credit, amount, (flags & F.pending) !== 0);
    return second === 'ok' ? this.#carryOut(transfer, amount) : second;
  }

  #carryOut(transfer: ModelTransfer, amount: bigint): ResultName {
    const { debitAccountId, creditAccountId, flags } = transfer;
    if ((flags & F.pending) === 0) {
      this.moveFor(transfer, debitAccountId, creditAccountId, amount, transfer.code);
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

  moveFor({ id, flags }: ModelTransfer, debit: bigint, credit: bigint, amount: bigint, code: number): void {
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
    this.moveFor(transfer, moved.credit, moved.debit, moved.amount, moved.code);
    this.book.reverted.add(pendingId);
    return 'ok';
  }
}
