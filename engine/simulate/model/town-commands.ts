/**
 * Random commands for several partitions, in rounds. Commands of a round may meet on accounts, and then race; an id is used once in
 * a round, so that what comes again or ends something refers to a round whose outcome is known.
 */
import type { CastAccount } from './cast.ts';
import type { Command } from './command.ts';
import { C, type ModelChange, S } from './reference-changes.ts';
import { A, F, MAX } from './reference-ledger.ts';
import type { ModelOperation, ModelPayment } from './reference-payment-records.ts';
import type { ModelTransfer } from './reference-shapes.ts';

const cny = 156;
const usd = 840;
const ACCOUNTS = 20;

/** Accounts 1 … 20 of all kinds; the first belongs to the operator, has no limit, and funds the others. */
export const TOWN: readonly CastAccount[] = Array.from({ length: ACCOUNTS }, (_, n) => {
  const [debitLimited, creditLimited] = [n % 3 === 1, n % 7 === 5];
  const flags = debitLimited ? A.debitLimited : creditLimited ? A.creditLimited : 0;
  const creditLimit = debitLimited && n % 2 === 0 ? 5000n : 0n;
  const ledger = n >= ACCOUNTS - 3 ? usd : cny;
  return { id: BigInt(n + 1), ledger, owner: n === 0 ? 1 : 2 + (n % 2), flags, creditLimit, tariff: 0 };
});

/** Gives those who may not overdraw something to spend. */
export const TOWN_FUNDING: Command = {
  type: 'transfers',
  institution: 1,
  items: TOWN.filter(({ flags, ledger }) => (flags & A.debitLimited) !== 0 && ledger === cny).map(({ id }) => ({
    ...transferOf(500n + id, 1n, id, 20_000n),
  })),
};

function transferOf(id: bigint, debitAccountId: bigint, creditAccountId: bigint, amount: bigint): ModelTransfer {
  return {
    id,
    debitAccountId,
    creditAccountId,
    amount,
    pendingId: 0n,
    userData128: 0n,
    userData64: 0n,
    userData32: 0,
    timeoutS: 0,
    ledger: cny,
    code: 1,
    flags: 0,
  };
}

/** Institution, id and payer of a payment. */
type Cancelled = readonly [number, bigint, CastAccount];

export class TownCommands {
  readonly #random: () => number;
  #next = 1_000n;
  /** Whole commands, pending transfers and payments of rounds before this one, and of this one. */
  readonly #sent: Command[] = [];
  readonly #pending: [number, ModelTransfer][] = [];
  readonly #payments: [number, ModelPayment][] = [];
  #ofRound: {
    sent: Command[];
    pending: [number, ModelTransfer][];
    payments: [number, ModelPayment][];
    cancelled: Cancelled[];
  };
  /** Payments that were cancelled in rounds before and may come. */
  readonly #cancelled: Cancelled[] = [];
  /** What this round refers to. */
  readonly #used = new Set<unknown>();

  constructor(random: () => number) {
    this.#random = random;
    this.#ofRound = { sent: [], pending: [], payments: [], cancelled: [] };
  }

  /** The commands of one round, at most `most`. */
  round(most: number): Command[] {
    this.#used.clear();
    // How much a balancing transfer moves is not in its answer, so it may not race.
    if (this.#chance(4)) return this.#finish([this.#balancing()]);
    // What else happens to a hold of the chain would race with it.
    const chainEnd = this.#chance(6) ? this.#chainEnd() : undefined;
    if (chainEnd !== undefined) return this.#finish([chainEnd]);
    const count = Math.min(most, this.#chance(25) ? 1 : 1 + this.below(7));
    return this.#finish(Array.from({ length: count }, () => this.#command()));
  }

  #finish(commands: Command[]): Command[] {
    this.#sent.push(...this.#ofRound.sent);
    this.#pending.push(...this.#ofRound.pending);
    this.#payments.push(...this.#ofRound.payments);
    this.#cancelled.push(...this.#ofRound.cancelled);
    this.#ofRound = { sent: [], pending: [], payments: [], cancelled: [] };
    return commands;
  }

  below(limit: number): number {
    return this.#random() % limit;
  }

  /** µs until the next round: onto a deadline, just before it, just behind it, or anywhere. */
  jump(): bigint {
    const kind = this.below(10);
    if (kind < 4) return BigInt(this.below(3));
    if (kind < 7) return BigInt(1 + this.below(3)) * 1_000_000n + BigInt(this.below(3)) - 1n;
    if (kind < 9) return BigInt(this.below(1_500_000));
    return BigInt(this.below(this.#chance(5) ? 700_000 : 20)) * 1_000_000n;
  }

  #chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** One of the last that this round does not refer to yet. */
  #unused<T extends object>(items: readonly T[], keyOf: (item: T) => unknown): T | undefined {
    const item = items[items.length - 1 - this.below(Math.min(items.length, 12) || 1)];
    if (item === undefined || this.#used.has(keyOf(item))) return undefined;
    this.#used.add(keyOf(item));
    return item;
  }

  #command(): Command {
    const kind = this.below(100);
    if (kind < 8) return this.#again() ?? this.#transfers();
    if (kind < 12) return this.#change();
    if (kind < 32) return this.#payment();
    if (kind < 44) return this.#operation() ?? this.#payment();
    if (kind < 48) return this.#cancellation();
    if (kind < 54) return this.#chainOfHolds();
    return this.#transfers();
  }

  #again(): Command | undefined {
    const old = this.#unused(this.#sent, (command) => command);
    if (old === undefined || this.#chance(60)) return old;
    if (old.type !== 'transfers' || old.items.length !== 1) return old;
    const [first] = old.items;
    if (first === undefined) return old;
    const item = { ...first };
    const changes: (() => void)[] = [
      () => (item.amount += 1n),
      () => (item.userData128 += 1n),
      () => (item.code += 1),
      () => (item.timeoutS += 1),
    ];
    this.#pick(changes)();
    return { ...old, institution: this.#chance(90) ? old.institution : 3, items: [item] };
  }

  #account(): CastAccount {
    return this.#pick(TOWN);
  }

  /** Mostly one that may debit the account. */
  #institutionFor({ owner }: CastAccount): number {
    return this.#chance(5) ? this.#pick([1, 2, 3]) : this.#chance(50) ? 1 : owner;
  }

  #amount(): bigint {
    const kind = this.below(100);
    // Not the greatest: a clearing account adds up all that ever went through it.
    if (kind === 0) return 1_000_000_000n + BigInt(this.below(2));
    return kind < 20 ? BigInt(1 + this.below(3)) : BigInt(1 + this.below(3000));
  }

  #partner(account: CastAccount): bigint {
    if (this.#chance(2)) return this.#chance(50) ? 99n : this.#account().id;
    return this.#pick(TOWN.filter(({ id, ledger }) => id !== account.id && ledger === account.ledger)).id;
  }

  #transfers(): Command {
    const debit = this.#account();
    const institution = this.#institutionFor(debit);
    const count = this.#chance(70) ? 1 : 1 + this.below(5);
    const items = Array.from({ length: count }, () =>
      this.#transfer(institution, this.#chance(50) ? debit : undefined),
    );
    const linking = this.below(3);
    for (const item of items.slice(0, -1)) {
      if (linking === 1 || (linking === 2 && this.#chance(50))) item.flags |= F.linked;
    }
    const command: Command = { type: 'transfers', institution, items };
    this.#ofRound.sent.push(command);
    return command;
  }

  /** Holds on one account, and ends of what it holds, so that one partition decides. */
  #chainOfHolds(): Command {
    const debit = this.#account();
    const institution = this.#institutionFor(debit);
    const count = 1 + this.below(4);
    const items = Array.from({ length: count }, (_, index) => {
      const item = transferOf(this.#next++, debit.id, this.#partner(debit), BigInt(1 + this.below(50)));
      item.ledger = debit.ledger;
      const ending = this.#chance(35) ? this.#ending(institution, item, debit.id) : undefined;
      if (ending !== undefined) return { ...ending, flags: ending.flags | (index < count - 1 ? F.linked : 0) };
      item.flags = (this.#chance(85) ? F.pending : 0) | (index < count - 1 ? F.linked : 0);
      if ((item.flags & F.pending) === 0) return item;
      item.timeoutS = this.#chance(30) ? 1 + this.below(4) : 0;
      this.#ofRound.pending.push([institution, item]);
      return item;
    });
    const command: Command = { type: 'transfers', institution, items };
    this.#ofRound.sent.push(command);
    return command;
  }

  #chainEnd(): Command | undefined {
    const target = this.#unused(this.#pending, ([, { id }]) => id);
    if (target === undefined) return undefined;
    const { id: pendingId, debitAccountId } = target[1];
    const end = { id: this.#next++, pendingId, debitAccountId, flags: this.#pick([F.post, F.void]) };
    const institution = this.#chance(90) ? target[0] : this.#pick([1, 2, 3]);
    const command: Command = { type: 'endChain', institution, end };
    this.#ofRound.sent.push(command);
    return command;
  }

  #transfer(institution: number, from: CastAccount | undefined): ModelTransfer {
    const debit = from ?? this.#account();
    const item = transferOf(this.#next++, debit.id, this.#partner(debit), this.#amount());
    item.ledger = this.#chance(98) ? debit.ledger : usd;
    const kind = this.below(10);
    if (kind < 3) {
      item.flags = F.pending;
      item.timeoutS = this.#chance(70) ? 1 + this.below(4) : 0;
      this.#ofRound.pending.push([institution, item]);
    } else if (kind < 6) return this.#ending(institution, item) ?? item;
    return item;
  }

  /** @param debit whose hold it ends; anybody's when it is left out */
  #ending(institution: number, blank: ModelTransfer, debit?: bigint): ModelTransfer | undefined {
    const holds = this.#pending.filter(([, { debitAccountId }]) => debit === undefined || debitAccountId === debit);
    const target = this.#unused(holds, ([, { id }]) => id)?.[1];
    if (target === undefined || (institution !== 1 && this.#chance(90) && !this.#owns(institution, target))) return;
    const item = { ...blank, pendingId: target.id, debitAccountId: target.debitAccountId };
    item.flags = this.#pick([F.post, F.post, F.post | F.keep, F.post | F.keep, F.void]);
    item.creditAccountId = this.#chance(70) ? 0n : target.creditAccountId;
    item.ledger = this.#chance(70) ? 0 : target.ledger;
    item.code = this.#chance(70) ? 0 : target.code;
    if (this.#chance(3)) item.code += 1;
    const part = 1n + (BigInt(this.#random()) % target.amount);
    item.amount = item.flags === F.void ? 0n : this.#pick([0n, target.amount, part, part, target.amount + 1n]);
    if (item.amount > MAX) item.amount = 0n;
    return item;
  }

  #owns(institution: number, { debitAccountId }: ModelTransfer): boolean {
    return TOWN.find(({ id }) => id === debitAccountId)?.owner === institution;
  }

  #balancing(): Command {
    const debit = this.#account();
    const item = transferOf(this.#next++, debit.id, this.#partner(debit), this.#amount());
    item.ledger = debit.ledger;
    item.flags = this.#pick([F.balancingDebit, F.balancingCredit, F.balancingDebit | F.balancingCredit]);
    const command: Command = { type: 'transfers', institution: this.#institutionFor(debit), items: [item] };
    this.#ofRound.sent.push(command);
    return command;
  }

  #change(): Command {
    const account = this.#account();
    const setsLimit = this.#chance(40);
    const tier = setsLimit ? this.#pick([0, 0, 1, 3]) : 0;
    const change: ModelChange = {
      id: this.#next++,
      accountId: account.id,
      fields: setsLimit ? C.creditLimit | C.tier : C.state,
      state: setsLimit
        ? S.open
        : this.#pick([S.open, S.open, S.open, S.open, S.open, S.frozenForDebits, S.frozen, S.closing, S.closed]),
      creditLimit: setsLimit ? this.#pick([0n, 100n, 5000n]) : 0n,
      tier,
    };
    const command: Command = { type: 'change', institution: this.#institutionFor(account), change };
    this.#ofRound.sent.push(command);
    return command;
  }

  /** Of a payment that was asked for in a round before, or that comes in one after this. */
  #cancellation(): Command {
    const target = this.#chance(70) ? this.#unused(this.#payments, ([, { id }]) => id) : undefined;
    const payer = this.#account();
    const before = { id: this.#next++, payerAccountId: payer.id, amount: 0n };
    const { id: paymentId, payerAccountId, amount: whole } = target?.[1] ?? before;
    const institution = target === undefined ? this.#institutionFor(payer) : this.#chance(90) ? target[0] : 2;
    if (target === undefined) this.#ofRound.cancelled.push([institution, paymentId, payer]);
    const part = whole === 0n ? 0n : 1n + (BigInt(this.#random()) % whole);
    const amount = this.#pick([0n, 0n, part, whole]);
    const cancellation = { id: this.#next++, paymentId, payerAccountId, amount, flags: 0 };
    const command: Command = { type: 'cancelPayment', institution, cancellation };
    this.#ofRound.sent.push(command);
    return command;
  }

  #payment(): Command {
    const type = this.#chance(45) ? 'sale' : 'authorise';
    const late = this.#chance(10) ? this.#unused(this.#cancelled, ([, id]) => id) : undefined;
    const payer = late?.[2] ?? this.#account();
    const payment: ModelPayment = {
      id: late?.[1] ?? this.#next++,
      payerAccountId: payer.id,
      payeeAccountId: this.#partner(payer),
      amount: this.#amount(),
      campaignId: 0n,
      userData64: 0n,
      expiresAfterS: type === 'authorise' && this.#chance(70) ? 1 + this.below(6) : 0,
      ledger: payer.ledger,
      code: 7,
      reference: '',
    };
    const institution = late?.[0] ?? this.#institutionFor(payer);
    const command: Command = { type, institution, payment };
    this.#ofRound.payments.push([institution, payment]);
    this.#ofRound.sent.push(command);
    return command;
  }

  #operation(): Command | undefined {
    const target = this.#unused(this.#payments, ([, { id }]) => id);
    if (target === undefined) return undefined;
    const type = this.#pick(['capture', 'capture', 'void', 'refund', 'refund'] as const);
    const { id: paymentId, amount: whole } = target[1];
    const part = 1n + (BigInt(this.#random()) % whole);
    const amount = type === 'void' ? 0n : this.#pick([0n, 1n, part, whole]);
    const flags = type === 'capture' && this.#chance(25) ? 1 : 0;
    const operation: ModelOperation = { id: this.#next++, paymentId, amount, flags };
    const command: Command = { type, institution: this.#chance(90) ? target[0] : 2, operation };
    this.#ofRound.sent.push(command);
    return command;
  }
}
