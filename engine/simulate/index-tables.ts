/** The index environment of a simulated disk: tables in memory, with transactions that a crash can prevent. */
import type { IndexEnvironment, IndexTable } from '../storage/checkpoint/environment.ts';

/** The process ended in the middle of something. */
export class SimulatedCrash extends Error {
  override readonly name = 'SimulatedCrash';
}

type Key = number | number[];

export class SimulatedTable<K extends Key> implements IndexTable<K> {
  #values = new Map<string, { readonly key: K; readonly bytes: Buffer }>();
  /** In order; undefined when keys came or went. */
  #sorted: readonly K[] | undefined;

  get size(): number {
    return this.#values.size;
  }

  getBinary(key: K): Buffer | undefined {
    return this.#values.get(String(key))?.bytes;
  }

  getBinaryFast(key: K): Buffer | undefined {
    return this.getBinary(key);
  }

  putSync(key: K, bytes: Uint8Array): void {
    const name = String(key);
    if (!this.#values.has(name)) this.#sorted = undefined;
    this.#values.set(name, { key, bytes: Buffer.from(bytes) });
  }

  removeSync(key: K): void {
    if (this.#values.delete(String(key))) this.#sorted = undefined;
  }

  getKeys(range: { readonly start?: K; readonly end?: K; readonly limit?: number } = {}): readonly K[] {
    this.#sorted ??= [...this.#values.values()].map(({ key }) => key).sort(compareKeys);
    const { start, end, limit } = range;
    const from = start === undefined ? 0 : this.#sorted.findIndex((key) => compareKeys(key, start) >= 0);
    if (from < 0) return [];
    const found = this.#sorted.slice(from, limit === undefined ? undefined : from + limit);
    return end === undefined ? found : found.filter((key) => compareKeys(key, end) < 0);
  }

  copyFrom(other: SimulatedTable<K>): void {
    this.#values = new Map(other.#values);
    this.#sorted = undefined;
  }
}

export class SimulatedIndex implements IndexEnvironment {
  readonly pages = new SimulatedTable<number>();
  readonly sections = new SimulatedTable<number[]>();
  readonly manifests = new SimulatedTable<number[]>();
  /** Transactions until the process ends; Infinity = it does not. */
  transactionsLeft = Number.POSITIVE_INFINITY;

  transaction(write: () => void): void {
    if (this.transactionsLeft-- <= 0) throw new SimulatedCrash();
    write();
  }

  refresh(): void {
    // Reads see the disk as it is.
  }

  close(): Promise<void> {
    return Promise.resolve();
  }

  copyFrom(other: SimulatedIndex): void {
    this.pages.copyFrom(other.pages);
    this.sections.copyFrom(other.sections);
    this.manifests.copyFrom(other.manifests);
  }
}

function compareKeys(a: Key, b: Key): number {
  if (typeof a === 'number' || typeof b === 'number') return Number(a) - Number(b);
  for (const [index, value] of a.entries()) {
    const other = b[index];
    if (other === undefined) return 1;
    if (value !== other) return value - other;
  }
  return a.length - b.length;
}
