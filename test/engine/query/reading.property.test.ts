/**
 * What the queries of a history say is what a naive reader of the whole history says: filters, both orders, pages while writes go
 * on, balances at every instant, aggregates. The whole history is read through the plain chain, newest first.
 */
import { describe, expect, it } from 'vitest';
import type { HistoryFilter } from '../../../protocol/codecs/reading-codec.ts';
import type { TransferEntry } from '../../../protocol/codecs/transfer-codec.ts';
import { TransferFlags } from '../../../protocol/records.ts';
import { cast } from '../../support/cast.ts';
import { Desk, type RawTransfer, SECOND, START } from '../../support/desk.ts';
import { memoryPartition, replayed } from '../../support/memory-partition.ts';

const SEEDS = process.env.SEED === undefined ? [1, 2, 3, 4] : [Number(process.env.SEED)];
const { linked, pending, postPending, voidPending } = TransferFlags;
const DAY = 86_400_000_000n;

/** mulberry32. */
function randomOf(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return Math.floor((((t ^ (t >>> 14)) >>> 0) / 2 ** 32) * below);
  };
}

class World {
  readonly random: (below: number) => number;
  readonly memory = memoryPartition();
  readonly desk = new Desk(this.memory.partition);
  #next = 1000n;
  readonly #holds: bigint[] = [];
  readonly #sales: bigint[] = [];

  constructor(seed: number) {
    this.random = randomOf(seed);
  }

  async batches(count: number): Promise<void> {
    for (let batch = 0; batch < count; batch++) await this.batch();
  }

  async batch(): Promise<void> {
    const { desk, random } = this;
    // Often no time passes at all: entries of one instant belong together.
    desk.now += [0, 1, SECOND, 3600 * SECOND, 10 * 3600 * SECOND][random(5)] ?? 0;
    switch (random(6)) {
      case 0: {
        const id = this.#id();
        this.#sales.push(id);
        await desk.pay(2, 'sale', {
          id,
          payerAccountId: 4n,
          payeeAccountId: 3n,
          amount: 5n,
          ledger: 156,
          code: this.#code(),
        });
        return;
      }
      case 1: {
        const paymentId = this.#sales[random(this.#sales.length)];
        if (paymentId !== undefined) await desk.operate(2, 'refund', { id: this.#id(), paymentId, amount: 1n });
        return;
      }
      case 2: {
        const pendingId = this.#holds.pop();
        const flags = random(2) === 0 ? postPending : voidPending;
        if (pendingId !== undefined) await desk.transfers(2, { id: this.#id(), debitAccountId: 4n, pendingId, flags });
        return;
      }
      default:
        await desk.transfers(2, ...this.#transfers());
    }
  }

  /** Single ones, holds, chains that succeed, and chains that fail at their end after entries were made. */
  #transfers(): RawTransfer[] {
    const { random } = this;
    const isChain = random(3) === 0;
    const items = Array.from({ length: 1 + random(12) }, (): RawTransfer => {
      const [debitAccountId, creditAccountId] = random(3) === 0 ? [2n, 4n] : [4n, [1n, 2n, 3n][random(3)] ?? 1n];
      const isHold = random(6) === 0;
      const id = this.#id();
      if (isHold && !isChain && debitAccountId === 4n) this.#holds.push(id);
      const userData = { userData128: BigInt(random(3)), userData64: BigInt(random(3)), userData32: random(3) };
      const flags = isHold ? pending : 0;
      return {
        id,
        debitAccountId,
        creditAccountId,
        amount: BigInt(1 + random(9)),
        ledger: 156,
        code: this.#code(),
        flags,
        ...userData,
      };
    });
    if (!isChain) return items;
    const last: RawTransfer = {
      ...items[0],
      id: this.#id(),
      debitAccountId: random(2) === 0 ? 4n : 99n,
      creditAccountId: 1n,
    };
    return [...items.map((item) => ({ ...item, flags: (item.flags ?? 0) | linked })), { ...last, flags: 0 }];
  }

  #id(): bigint {
    return this.#next++;
  }

  #code(): number {
    return 1 + this.random(4);
  }

  /** The whole history of an account, oldest first. */
  async history(accountId: bigint): Promise<TransferEntry[]> {
    const entries: TransferEntry[] = [];
    let cursor = 0n;
    do {
      const page = await this.desk.history(1, { accountId, cursor, limit: 1000 });
      entries.push(...page.entries);
      cursor = page.nextCursor;
    } while (cursor !== 0n);
    return entries.reverse();
  }

  async paged(filter: HistoryFilter, between: () => Promise<void> = async () => {}): Promise<TransferEntry[]> {
    const entries: TransferEntry[] = [];
    let cursor = 0n;
    do {
      const page = await this.desk.queryHistory(1, { ...filter, cursor });
      expect(page.name).toBe('ok');
      entries.push(...page.entries);
      cursor = page.nextCursor;
      await between();
    } while (cursor !== 0n);
    return entries;
  }
}

function naive(all: readonly TransferEntry[], filter: HistoryFilter): TransferEntry[] {
  const matching = all.filter(({ transfer }) => {
    const isDebit = transfer.debitAccountId === filter.accountId;
    const other = isDebit ? transfer.creditAccountId : transfer.debitAccountId;
    return (
      (filter.side === undefined || isDebit === (filter.side === 'debit')) &&
      (!filter.code || transfer.code === filter.code) &&
      (!filter.counterpartId || other === filter.counterpartId) &&
      (!filter.userData128 || transfer.userData128 === filter.userData128) &&
      (!filter.userData64 || transfer.userData64 === filter.userData64) &&
      (!filter.userData32 || transfer.userData32 === filter.userData32) &&
      transfer.timestamp >= (filter.from ?? 0n) &&
      (!filter.to || transfer.timestamp < filter.to)
    );
  });
  return filter.order === 'oldestFirst' ? matching : matching.reverse();
}

const inOrder = (a: bigint, b: bigint): number => Number(a - b);

const isPosted = ({ transfer }: TransferEntry): boolean => (transfer.flags & (pending | voidPending)) === 0;

describe.each(SEEDS)('seed %i', (seed) => {
  const again = `SEED=${seed} npx vitest run --project property test/engine/query`;

  it('filters and pages as a naive reader does', async () => {
    const world = new World(seed);
    await cast(world.desk);
    await world.batches(400);
    const accounts = [1n, 2n, 3n, 4n, 6n];
    for (const accountId of accounts) {
      const all = await world.history(accountId);
      const { random } = world;
      for (let round = 0; round < 25; round++) {
        const instant = (): bigint => {
          const at = all[random(all.length)]?.transfer.timestamp ?? BigInt(START);
          return at + BigInt(random(3) - 1);
        };
        const [a, b] = [instant(), instant()];
        const some = <T>(value: T): T | undefined => (random(4) === 0 ? value : undefined);
        const filter: HistoryFilter = {
          accountId,
          limit: [1, 7, 64, 1000][random(4)] ?? 1,
          order: random(2) === 0 ? 'oldestFirst' : 'newestFirst',
          ...(random(2) === 0 ? { from: [a, b].toSorted(inOrder)[0] ?? a } : {}),
          ...(random(2) === 0 ? { to: ([a, b].toSorted(inOrder)[1] ?? b) + 1n } : {}),
          ...definedOf({
            side: some(random(2) === 0 ? ('debit' as const) : ('credit' as const)),
            code: some(1 + random(4)),
            counterpartId: some(accounts[random(4)]),
            userData128: some(1n + BigInt(random(2))),
            userData64: some(1n),
            userData32: some(1 + random(2)),
          }),
        };
        expect(await world.paged(filter), `${again} ${String(round)}`).toEqual(naive(all, filter));
      }
    }
  });

  it('pages both ways while writes go on', async () => {
    const world = new World(seed);
    await cast(world.desk);
    await world.batches(150);
    for (const limit of [1, 13, 64, 65]) {
      const before = await world.history(4n);
      const down = await world.paged({ accountId: 4n, limit }, () => world.batch());
      expect(down, again).toEqual(before.toReversed());
      let writes = 0;
      const up = await world.paged({ accountId: 4n, limit, order: 'oldestFirst' }, async () => {
        if (writes++ < 20) await world.batch();
      });
      expect(up, again).toEqual(await world.history(4n));
    }
  });

  it('says the balance of every instant, and sums by day and code', async () => {
    const world = new World(seed);
    await cast(world.desk);
    await world.batches(200);
    for (const accountId of [2n, 3n, 4n]) {
      const all = await world.history(accountId);
      const instants = new Set(all.flatMap(({ transfer: { timestamp: t } }) => [t - 1n, t, t + 1n]));
      for (const at of instants) {
        const until = all.filter(({ transfer }) => transfer.timestamp <= at);
        const balance = until.filter(isPosted).reduce((sum, { transfer: { amount, creditAccountId } }) => {
          return sum + (creditAccountId === accountId ? amount : -amount);
        }, 0n);
        const found = await world.desk.balancesAt(1, { accountId, at });
        expect(found, again).toMatchObject({ name: 'ok', balance, entries: BigInt(until.length), ledger: 156 });
        expect(found.entry, again).toEqual(until.at(-1));
      }
      const posted = all.filter(isPosted);
      const sums = new Map<string, object>();
      for (const { transfer } of posted) {
        const day = Number(transfer.timestamp / DAY);
        const same = posted.filter(
          (other) => Number(other.transfer.timestamp / DAY) === day && other.transfer.code === transfer.code,
        );
        const debits = same.filter((other) => other.transfer.debitAccountId === accountId);
        const credits = same.filter((other) => other.transfer.creditAccountId === accountId);
        const total = (list: TransferEntry[]): bigint => list.reduce((sum, other) => sum + other.transfer.amount, 0n);
        const counts = { debitCount: debits.length, creditCount: credits.length };
        sums.set(`${day}/${transfer.code}`, {
          day,
          code: transfer.code,
          ...counts,
          debits: total(debits),
          credits: total(credits),
        });
      }
      const page = await world.desk.aggregate(1, { accountId, limit: 1000 });
      expect(new Set(page.sums), again).toEqual(new Set(sums.values()));
      expect(page.nextCursor).toBe(0n);
    }
  });

  it('replays to the same counts and the same index, however many chains failed', async () => {
    const world = new World(seed);
    await cast(world.desk);
    await world.batches(300);
    const { accounts } = world.memory.state.ledger;
    const other = replayed(world.memory);
    expect(other.ledger.accounts.entries, again).toEqual(accounts.entries);
    for (let account = 0; account < accounts.count; account++) {
      const read = (state: typeof other): number[] => {
        const seen: number[] = [];
        const count = state.histories.count(account);
        state.histories.forward(account, 0, count, (entry) => seen.push(entry.getUint32(48, true)) > 0);
        return seen;
      };
      expect(read(other), again).toEqual(read(world.memory.state));
    }
  });
});

function definedOf<T extends object>(fields: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as never;
}
