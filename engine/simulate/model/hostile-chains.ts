/** Random chains of holds, and their endings: mostly of something that is pending, some again, with other content or of nonsense. */
import { CAST, PARTNERS } from './cast.ts';
import type { Command } from './command.ts';
import type { ModelChainEnd } from './reference-endings.ts';
import { A, F } from './reference-ledger.ts';
import type { ModelTransfer } from './reference-shapes.ts';

const LIMITS = A.debitLimited | A.creditLimited;
const UNLIMITED = CAST.filter(({ flags }) => (flags & LIMITS) === 0);

interface Source {
  readonly below: (limit: number) => number;
  /** A new one. */
  readonly id: () => bigint;
  /** Mostly one that may debit the account. */
  readonly institutionFor: (debit: bigint) => number;
  /** What was sent, by whom, and of it what was asked to be held; newest last. */
  readonly transfers: [number, ModelTransfer][];
  readonly pending: ModelTransfer[];
}

export class HostileChains {
  readonly #source: Source;
  readonly #perBatch: number;
  #left: number;
  readonly #sent: [number, ModelChainEnd][] = [];
  readonly #made: ModelTransfer[] = [];

  /** @param perBatch endings in one batch: each takes as much of it as the longest chain */
  constructor(source: Source, perBatch: number) {
    this.#source = source;
    this.#perBatch = perBatch;
    this.#left = perBatch;
  }

  nextBatch(): void {
    this.#left = this.#perBatch;
  }

  get isPossible(): boolean {
    return this.#left > 0;
  }

  /** A chain that has good chances: holds of accounts that have no limit, and here and there what moves at once. */
  make(institution: number): Command {
    const user = { userData128: 0n, userData64: 0n, userData32: 0 };
    const count = 1 + this.#below(5);
    // Two accounts in all: each more may be frozen.
    const one = this.#pick(UNLIMITED);
    const other = this.#pick((PARTNERS.get(one.id) ?? CAST).filter(({ flags }) => (flags & LIMITS) === 0));
    const items = Array.from({ length: count }, (_, index): ModelTransfer => {
      const [debit, credit] = this.#below(4) === 0 ? [other, one] : [one, other];
      const isHold = this.#below(5) > 0;
      return {
        id: this.#source.id(),
        debitAccountId: debit.id,
        creditAccountId: credit.id,
        amount: BigInt(1 + this.#below(50)),
        pendingId: 0n,
        ...user,
        timeoutS: isHold && this.#below(4) === 0 ? 1 + this.#below(4) : 0,
        ledger: debit.ledger,
        code: 1 + this.#below(2),
        flags: (isHold ? F.pending : 0) | (index < count - 1 ? F.linked : 0),
      };
    });
    const holds = items.filter(({ flags }) => (flags & F.pending) !== 0);
    this.#made.push(...holds);
    this.#source.pending.push(...holds);
    this.#source.transfers.push(...items.map((item): [number, ModelTransfer] => [institution, item]));
    return { type: 'transfers', institution, items };
  }

  next(): Extract<Command, { type: 'endChain' }> {
    this.#left--;
    const again = this.#below(100) < 15 ? this.#recent(this.#sent) : undefined;
    const target = this.#recent(this.#below(4) > 0 ? this.#made : this.#source.pending);
    const fresh = (): ModelChainEnd => ({
      id: this.#source.id(),
      pendingId: target?.id ?? 5n,
      debitAccountId: target?.debitAccountId ?? 2n,
      flags: this.#below(2) === 0 ? F.post : F.void,
    });
    const end = again === undefined ? fresh() : { ...again[1] };
    const differences: (() => void)[] = [
      () => (end.debitAccountId = BigInt(this.#below(14))),
      () => (end.pendingId = BigInt(this.#below(3000))),
      () => (end.pendingId = this.#below(2) === 0 ? end.id : (this.#recent(this.#source.pending)?.id ?? 7n)),
      () => (end.flags ^= F.post | F.void),
      () => (end.flags ^= this.#below(2) === 0 ? F.post : F.linked),
      () => (end.id = target?.id ?? 0n),
    ];
    if (this.#below(100) < (again === undefined ? 8 : 50)) differences[this.#below(differences.length)]?.();
    const isBy = again !== undefined && this.#below(100) < 90;
    const institution = isBy ? again[0] : this.#source.institutionFor(end.debitAccountId);
    this.#sent.push([institution, end]);
    return { type: 'endChain', institution, end };
  }

  #below(limit: number): number {
    return this.#source.below(limit);
  }

  #pick<T>(items: readonly T[]): T {
    return items[this.#below(items.length)] as T;
  }

  #recent<T>(items: readonly T[]): T | undefined {
    return items[items.length - 1 - this.#below(Math.min(items.length, 12) || 1)];
  }
}
