/** Random commands meant to hurt: ids used again, contents changed, amounts at the limits, foreign accounts, jumps in time. */
import { CAST, type CastAccount, PARTNERS, usd } from './cast.ts';
import type { Command } from './command.ts';
import { HostileCancellations } from './hostile-cancellations.ts';
import { HostileChains } from './hostile-chains.ts';
import { randomTerms } from './hostile-terms.ts';
import type { Read } from './reading.ts';
import { C, type ModelChange, S } from './reference-changes.ts';
import { F, MAX } from './reference-ledger.ts';
import type { ModelOperation, ModelPayment } from './reference-payment-records.ts';
import type { ModelTransfer } from './reference-shapes.ts';
import { START } from './requests.ts';

export class HostileCommands {
  readonly #random: () => number;
  #next = 1_000n;
  /** µs of all jumps. */
  #elapsed = 0n;
  readonly #transfers: [number, ModelTransfer][] = [];
  readonly #pending: ModelTransfer[] = [];
  readonly #changes: [number, ModelChange][] = [];
  readonly #payments: [number, 'sale' | 'authorise', ModelPayment][] = [];
  readonly #operations: [number, 'capture' | 'void' | 'refund' | 'revert', ModelOperation][] = [];
  readonly #chains: HostileChains;
  readonly #cancellations: HostileCancellations;

  /** @param chainEnds how many there are in a batch at most, from one jump to the next */
  constructor(random: () => number, chainEnds: number) {
    this.#random = random;
    this.#chains = new HostileChains(
      {
        below: (limit) => this.below(limit),
        id: () => this.#id(),
        institutionFor: (debit) => this.#institutionFor(debit),
        transfers: this.#transfers,
        pending: this.#pending,
      },
      chainEnds,
    );
    this.#cancellations = new HostileCancellations({
      below: (limit) => this.below(limit),
      id: () => this.#id(),
      account: () => this.#account(),
      institution: () => this.#institution(),
      payments: this.#payments,
    });
  }

  below(limit: number): number {
    return this.#random() % limit;
  }

  #chance(percent: number): boolean {
    return this.below(100) < percent;
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.below(items.length)] as T;
  }

  /** Mostly one of the last: what is long gone is seldom interesting. */
  #recent<T>(items: readonly T[]): T {
    const reach = this.#chance(80) ? Math.min(items.length, 12) : items.length;
    return items[items.length - 1 - this.below(reach)] as T;
  }

  #id(): bigint {
    return this.#next++;
  }

  #amount(): bigint {
    const kind = this.below(200);
    if (kind === 0) return MAX;
    if (kind === 1) return MAX - BigInt(this.below(3));
    if (kind === 2) return MAX / 2n + BigInt(this.below(2));
    if (kind === 3) return 0n;
    if (kind === 4) return MAX + 1n;
    if (kind < 40) return BigInt(this.below(3)) + 1n;
    return BigInt(this.below(3000)) + 1n;
  }

  #account(): bigint {
    const kind = this.below(60);
    if (kind === 0) return 99n;
    return this.#pick(CAST).id;
  }

  /** µs until the next batch. */
  jump(): bigint {
    const jump = this.#jump();
    this.#chains.nextBatch();
    this.#elapsed += jump;
    return jump;
  }

  #jump(): bigint {
    const kind = this.below(10);
    if (kind < 4) return BigInt(this.below(3));
    // Onto deadlines, just before them and just behind.
    if (kind === 4) return BigInt(1 + this.below(4)) * 1_000_000n + BigInt(this.below(3)) - 1n;
    if (kind < 9) return BigInt(this.below(1_500_000));
    return BigInt(this.below(this.#chance(5) ? 700_000 : 20)) * 1_000_000n;
  }

  #institution(): number {
    return this.#pick([1, 2, 3]);
  }

  /** Mostly one that may debit the account. */
  #institutionFor(debit: bigint): number {
    if (this.#chance(8)) return this.#institution();
    return this.#chance(30) ? 1 : (CAST.find(({ id }) => id === debit)?.owner ?? 1);
  }

  /** Another account of the same ledger, mostly. */
  #partner(account: CastAccount): CastAccount {
    if (this.#chance(1)) return account;
    return this.#pick(PARTNERS.get(account.id) ?? CAST);
  }

  command(): Command {
    if (this.#chance(8)) return this.#changeCommand();
    if (this.#chance(4)) return { type: 'read', institution: 1, read: this.#read() };
    const kind = this.below(100);
    if (kind < 4) return this.#chains.make(this.#chance(85) ? 1 : this.#institution());
    if (kind < 9 && this.#chains.isPossible) return this.#chains.next();
    if (kind < 50) return this.#transfersCommand();
    if (kind < 72) return this.#paymentCommand();
    if (kind < 91) return this.#operationCommand();
    if (kind < 97) return this.#cancellations.next();
    return randomTerms(kind === 97 ? 'tariff' : 'campaign', this.#random, () => this.#account());
  }

  #read(): Read {
    const accountId = this.#pick(CAST).id;
    switch (this.below(5)) {
      case 0:
        return { what: 'accounts', ids: [accountId, this.#account()] };
      case 1: {
        const known = this.#transfers.length === 0 ? [] : [this.#recent(this.#transfers)[1].id];
        return { what: 'transfers', ids: [...known, BigInt(1_000 + this.below(3_000))] };
      }
      case 2:
        return { what: 'history', accountId, order: this.#pick(['newestFirst', 'oldestFirst']) };
      case 3: {
        const ago = this.#chance(50) ? BigInt(this.below(3)) : BigInt(this.#random()) % (this.#elapsed + 1n);
        return { what: 'balanceAt', accountId, at: BigInt(START) + this.#elapsed - ago };
      }
      default:
        return { what: 'trial' };
    }
  }

  /** Freezes, closes, limits; mostly opens again, so that the rest still has something to do. */
  #changeCommand(): Command {
    const old = this.#chance(15) && this.#changes.length > 0 ? this.#recent(this.#changes) : undefined;
    if (old !== undefined) {
      const change = { ...old[1] };
      const differences: (() => void)[] = [
        () => (change.accountId = this.#account()),
        () => (change.state = (change.state + 1) % 6),
        () => (change.creditLimit += 1n),
        () => (change.tier = (change.tier + 1) % 5),
        () => (change.fields = this.below(9)),
      ];
      if (this.#chance(50)) this.#pick(differences)();
      return { type: 'change', institution: this.#chance(85) ? old[0] : this.#institution(), change };
    }
    const accountId = this.#account();
    const setsLimit = this.#chance(40);
    const setsTier = this.#chance(20);
    const setsState = !(setsLimit || setsTier) || this.#chance(20);
    const states = [S.open, S.open, S.open, S.frozenForDebits, S.frozen, S.closing, S.closed];
    const change: ModelChange = {
      id: this.#id(),
      accountId,
      fields: (setsLimit ? C.creditLimit : 0) | (setsState ? C.state : 0) | (setsTier ? C.tier : 0),
      state: setsState ? this.#pick(states) : S.open,
      creditLimit: setsLimit ? this.#pick([0n, 100n, 5000n, this.#amount()]) : 0n,
      tier: setsTier ? this.below(4) : 0,
    };
    const institution = this.#institutionFor(accountId);
    this.#changes.push([institution, change]);
    return { type: 'change', institution, change };
  }

  #transfersCommand(): Command {
    if (this.#transfers.length > 0 && this.#chance(10)) return this.#again();
    const count = this.#chance(60) ? 1 : 1 + this.below(6);
    const debit = this.#pick(CAST);
    const institution = count > 1 && this.#chance(80) ? 1 : this.#institutionFor(debit.id);
    const items = Array.from({ length: count }, () =>
      this.#transfer(institution, count > 1 ? this.#pick(CAST) : debit),
    );
    const linking = this.below(3);
    for (const [index, item] of items.entries()) {
      const isLast = index === count - 1;
      if (isLast ? this.#chance(2) : linking === 1 || (linking === 2 && this.#chance(50))) item.flags |= F.linked;
    }
    return { type: 'transfers', institution, items };
  }

  #again(): Command {
    const [by, one] = this.#recent(this.#transfers);
    const institution = this.#chance(85) ? by : this.#institution();
    if (this.#chance(30)) {
      const end = 1 + this.below(this.#transfers.length);
      const items = this.#transfers.slice(Math.max(0, end - 1 - this.below(5)), end).map(([, item]) => ({ ...item }));
      return { type: 'transfers', institution, items };
    }
    const item = { ...one };
    if (this.#chance(60)) {
      const changes: (() => void)[] = [
        () => (item.amount += 1n),
        () => (item.debitAccountId = this.#account()),
        () => (item.creditAccountId = this.#account()),
        () => (item.userData128 += 1n),
        () => (item.userData64 += 1n),
        () => (item.userData32 += 1),
        () => (item.code += 1),
        () => (item.ledger += 1),
        () => (item.timeoutS += 1),
        () => (item.flags ^= F.pending),
        () => (item.flags ^= F.balancingDebit),
        () => (item.amount = 0n),
        () => (item.pendingId = this.#pending.length === 0 ? 1n : this.#recent(this.#pending).id),
      ];
      this.#pick(changes)();
    }
    return { type: 'transfers', institution, items: [item] };
  }

  #transfer(institution: number, debit: CastAccount): ModelTransfer {
    const credit = this.#partner(debit);
    let item: ModelTransfer = {
      id: this.#id(),
      debitAccountId: debit.id,
      creditAccountId: this.#chance(97) ? credit.id : this.#account(),
      amount: this.#amount(),
      pendingId: 0n,
      userData128: 0n,
      userData64: 0n,
      userData32: 0,
      timeoutS: 0,
      ledger: this.#chance(98) ? debit.ledger : usd,
      code: 1 + this.below(2),
      flags: 0,
    };
    if (this.#chance(5)) item.userData128 = 5n;
    const kind = this.below(10);
    if (kind < 3) {
      item.flags = F.pending;
      item.timeoutS = this.#chance(75) ? 1 + this.below(4) : 0;
      if (this.#chance(1)) item.timeoutS = 0xffff_ffff;
    } else if (kind < 7 && this.#pending.length > 0) {
      item = this.#ending(item);
    }
    if (this.#chance(8) && this.#transfers.length > 0) item = this.#revert(institution, item);
    if ((item.flags & (F.post | F.void | F.revert)) === 0 && this.#chance(25)) {
      item.flags |= this.#pick([F.balancingDebit, F.balancingCredit, F.balancingDebit | F.balancingCredit]);
    }
    if (this.#chance(2) && this.#transfers.length > 0) item.id = this.#recent(this.#transfers)[1].id;
    if (this.#chance(1)) item.flags |= this.#pick([...Object.values(F).filter((flag) => flag !== F.linked), 1 << 14]);
    this.#transfers.push([institution, item]);
    if ((item.flags & F.pending) !== 0) this.#pending.push(item);
    return item;
  }

  /** Mostly of something that moved, by who may debit its credit account. */
  #revert(institution: number, blank: ModelTransfer): ModelTransfer {
    const last = this.#transfers.slice(-40).map(([, item]) => item);
    const likely = last.filter(
      ({ flags, creditAccountId }) =>
        (flags & (F.pending | F.void | F.revert)) === 0 &&
        (institution === 1 || CAST.find(({ id }) => id === creditAccountId)?.owner === institution),
    );
    const target = this.#pick(likely.length > 0 && this.#chance(90) ? likely : last);
    const item = { ...blank, flags: F.revert, timeoutS: this.#chance(2) ? 1 : 0, pendingId: target.id };
    item.debitAccountId = this.#chance(50) ? 0n : target.creditAccountId;
    item.creditAccountId = this.#chance(50) ? 0n : target.debitAccountId;
    item.amount = this.#chance(60) ? 0n : target.amount;
    item.ledger = this.#chance(60) ? 0 : target.ledger;
    item.code = this.#chance(60) ? 0 : target.code;
    const differences: (() => void)[] = [
      () => (item.debitAccountId = this.#account()),
      () => (item.creditAccountId = this.#account()),
      () => (item.amount += 1n),
      () => (item.ledger = usd),
      () => (item.code += 1),
      () => (item.pendingId = this.#chance(50) ? 0n : item.id),
    ];
    if (this.#chance(12)) this.#pick(differences)();
    return item;
  }

  #ending(blank: ModelTransfer): ModelTransfer {
    const target = this.#chance(95) ? this.#recent(this.#pending) : this.#recent(this.#transfers)[1];
    const item = { ...blank, pendingId: target.id, debitAccountId: target.debitAccountId };
    item.flags = this.#pick([F.post, F.post, F.post | F.keep, F.post | F.keep, F.void]);
    item.creditAccountId = this.#chance(60) ? 0n : this.#chance(90) ? target.creditAccountId : this.#account();
    item.ledger = this.#chance(60) ? 0 : target.ledger;
    item.code = this.#chance(60) ? 0 : target.code;
    if (this.#chance(3)) item.code += 1;
    if (this.#chance(3)) item.ledger = usd;
    if (this.#chance(3)) item.debitAccountId = this.#account();
    const part = target.amount === 0n ? 1n : 1n + (BigInt(this.#random()) % target.amount);
    item.amount = item.flags === F.void ? 0n : this.#pick([0n, target.amount, part, part, target.amount + 1n]);
    return item;
  }

  #paymentCommand(): Command {
    if (this.#payments.length > 0 && this.#chance(12)) return this.#paymentAgain();
    const type = this.#chance(45) ? 'sale' : 'authorise';
    const payer = this.#pick(CAST);
    const late = this.#chance(6) ? this.#cancellations.late() : undefined;
    const institution = late === undefined || this.#chance(5) ? this.#institutionFor(payer.id) : late[0];
    const payee = this.#chance(97) ? this.#partner(payer) : this.#pick(CAST);
    const payment: ModelPayment = {
      id: late?.[1] ?? this.#id(),
      payerAccountId: this.#chance(98) ? payer.id : 99n,
      payeeAccountId: this.#chance(98) ? payee.id : 99n,
      amount: this.#amount(),
      campaignId: this.#chance(40) ? this.#pick(payer.ledger === usd ? [13n] : [6n, 12n]) : this.#chance(3) ? 99n : 0n,
      userData64: 0n,
      expiresAfterS: type === 'authorise' && this.#chance(70) ? 1 + this.below(6) : 0,
      ledger: payer.ledger,
      code: 7,
      reference: this.#chance(30) ? `order-${this.below(5)}` : '',
    };
    this.#payments.push([institution, type, payment]);
    return { type, institution, payment };
  }

  #paymentAgain(): Command {
    const [by, type, first] = this.#recent(this.#payments);
    const payment = { ...first };
    const changes: (() => void)[] = [
      () => (payment.amount += 1n),
      () => (payment.payerAccountId = this.#account()),
      () => (payment.payeeAccountId = this.#account()),
      () => (payment.campaignId += 1n),
      () => (payment.userData64 += 1n),
      () => (payment.ledger += 1),
      () => (payment.code += 1),
      () => (payment.reference += 'x'),
    ];
    if (this.#chance(50)) this.#pick(changes)();
    const other = type === 'sale' ? 'authorise' : 'sale';
    const institution = this.#chance(85) ? by : this.#institution();
    return { type: this.#chance(95) ? type : other, institution, payment };
  }

  #operationCommand(): Command {
    if (this.#operations.length > 0 && this.#chance(10)) {
      const [by, type, first] = this.#recent(this.#operations);
      const operation = { ...first };
      const changes: (() => void)[] = [
        () => (operation.amount += 1n),
        () => (operation.paymentId += 1n),
        () => (operation.flags ^= 1),
      ];
      if (this.#chance(40)) {
        if (type === 'capture') this.#pick(changes)();
        else operation.paymentId += 1n;
      }
      const institution = this.#chance(85) ? by : this.#institution();
      return { type: this.#chance(95) || operation.flags !== 0 ? type : 'refund', institution, operation };
    }
    const target = this.#payments.length > 0 && this.#chance(98) ? this.#recent(this.#payments) : undefined;
    const type = this.#pick(['capture', 'capture', 'capture', 'void', 'refund', 'refund', 'refund', 'revert'] as const);
    const whole = target?.[2].amount ?? 10n;
    const part = whole <= 1n ? 1n : 1n + (BigInt(this.#random()) % whole);
    const amount = type === 'void' || type === 'revert' ? 0n : this.#pick([0n, 1n, part, part / 3n, whole]);
    const operation: ModelOperation = {
      id: this.#id(),
      paymentId: target?.[2].id ?? 5n,
      amount: amount > MAX ? 1n : amount,
      flags: type === 'capture' && this.#chance(25) ? 1 : 0,
    };
    const institution = this.#chance(80) ? (target?.[0] ?? 2) : this.#institution();
    this.#operations.push([institution, type, operation]);
    return { type, institution, operation };
  }
}
