/**
 * Compares somebody else's statement of an account with its own entries.
 *
 *   1  reference, direction and amount   an entry's references are its transfer id, its userData128 (of a payment: its id) and the
 *                                        reference of its payment; the first row in the file that fits is taken
 *   2  reference and direction           the amount differs
 *   3  the same again                    a row, or an entry, like one that was matched under the same reference: a duplicate
 *   4  direction and amount              within a window of days, the nearest day first
 *   5  what is left                      missing on the other side
 *
 * Deterministic: the same file and entries give the same report. Time: the number of rows and entries, for step 4 by the window. Memory: the rows (ROWS_MAX) and the entries (ENTRIES_MAX).
 */
import type { Direction, ExternalRow } from './external-statement.ts';

export interface OwnEntry {
  /** Transfer id: 32 hex digits. */
  readonly id: string;
  /** What it may be called, in lower case, ids as 32 hex digits. */
  readonly references: readonly string[];
  readonly day: number;
  readonly direction: Direction;
  readonly amount: bigint;
}

export interface Pair {
  readonly row: ExternalRow;
  readonly entry: OwnEntry;
}

export interface Report {
  readonly matched: readonly (Pair & { readonly by: 'reference' | 'amountAndDate' })[];
  readonly differentAmount: readonly Pair[];
  /** In the statement again, though it was matched once. */
  readonly duplicateThere: readonly ExternalRow[];
  /** In the account again. */
  readonly duplicateHere: readonly OwnEntry[];
  /** In the statement, not in the account. */
  readonly missingHere: readonly ExternalRow[];
  /** In the account, not in the statement. */
  readonly missingThere: readonly OwnEntry[];
}

/** Entries that are compared at most. */
export const ENTRIES_MAX = 1_000_000;

/** @param windowDays how far apart a row and an entry may be that only their amount brings together */
export function reconcile(rows: readonly ExternalRow[], entries: readonly OwnEntry[], windowDays: number): Report {
  const work = new Work(rows, entries);
  work.byReference(true);
  work.byReference(false);
  work.duplicates();
  work.byAmount(windowDays);
  return work.report();
}

/** A reference in the form in which it is compared: ids without the hyphens of a UUID, all else in lower case. */
export function normalReference(text: string): string {
  const word = text.trim().toLowerCase();
  const digits = word.replaceAll('-', '');
  return /^[0-9a-f]{32}$/.test(digits) ? digits : word;
}

class Work {
  readonly #rows: Set<ExternalRow>;
  readonly #entries: Set<OwnEntry>;
  readonly #rowsOf: ReadonlyMap<string, readonly ExternalRow[]>;
  /** What was matched, as reference, direction and amount. */
  readonly #known = new Set<string>();
  readonly #matched: (Pair & { by: 'reference' | 'amountAndDate' })[] = [];
  readonly #different: Pair[] = [];
  readonly #duplicateThere: ExternalRow[] = [];
  readonly #duplicateHere: OwnEntry[] = [];

  constructor(rows: readonly ExternalRow[], entries: readonly OwnEntry[]) {
    this.#rows = new Set(rows);
    this.#entries = new Set(entries);
    const named = rows.filter(({ reference }) => reference !== '');
    this.#rowsOf = groupBy(named, ({ reference }) => normalReference(reference));
  }

  byReference(sameAmount: boolean): void {
    // Queues are read from their start: a reference that all rows share must not cost a look at each for each.
    const keyOf = ({ direction, amount }: { direction: Direction; amount: bigint }): string =>
      sameAmount ? `${direction} ${amount}` : direction;
    const queues = new Map<string, ExternalRow[]>();
    for (const [reference, rows] of this.#rowsOf) {
      for (const row of rows) {
        // The same again as one that fits is a duplicate, and no other amount.
        const isOpen = this.#rows.has(row) && (sameAmount || !this.#isKnown(row));
        if (isOpen) push(queues, `${reference} ${keyOf(row)}`, row);
      }
    }
    for (const queue of queues.values()) queue.reverse();
    for (const entry of this.#entries) {
      if (!sameAmount && this.#isKnownEntry(entry)) continue;
      const row = this.#takeFirst(entry.references.map((reference) => queues.get(`${reference} ${keyOf(entry)}`)));
      if (row === undefined) continue;
      this.#take({ row, entry });
      if (sameAmount) this.#matched.push({ row, entry, by: 'reference' });
      else this.#different.push({ row, entry });
    }
  }

  duplicates(): void {
    for (const row of this.#rows) {
      if (!this.#isKnown(row)) continue;
      this.#rows.delete(row);
      this.#duplicateThere.push(row);
    }
    for (const entry of this.#entries) {
      if (!this.#isKnownEntry(entry)) continue;
      this.#entries.delete(entry);
      this.#duplicateHere.push(entry);
    }
  }

  /** Day by day away from each other, so that what is nearer comes together first. */
  byAmount(windowDays: number): void {
    const keyOf = (direction: Direction, amount: bigint, day: number): string => `${direction} ${amount} ${day}`;
    const queues = groupBy([...this.#entries], ({ direction, amount, day }) => keyOf(direction, amount, day));
    for (const queue of queues.values()) queue.reverse();
    for (let distance = 0; distance <= windowDays; distance++) {
      for (const row of this.#rows) {
        const { direction, amount, day } = row;
        const before = queues.get(keyOf(direction, amount, day - distance))?.pop();
        const entry = before ?? queues.get(keyOf(direction, amount, day + distance))?.pop();
        if (entry === undefined) continue;
        this.#take({ row, entry });
        this.#matched.push({ row, entry, by: 'amountAndDate' });
      }
    }
  }

  report(): Report {
    return {
      matched: this.#matched,
      differentAmount: this.#different,
      duplicateThere: this.#duplicateThere,
      duplicateHere: this.#duplicateHere,
      missingHere: [...this.#rows],
      missingThere: [...this.#entries],
    };
  }

  #takeFirst(queues: readonly (ExternalRow[] | undefined)[]): ExternalRow | undefined {
    for (const queue of queues) {
      while (queue !== undefined && queue.length > 0) {
        const row = queue.pop();
        if (row !== undefined && this.#rows.has(row)) return row;
      }
    }
    return undefined;
  }

  #take({ row, entry }: Pair): void {
    this.#rows.delete(row);
    this.#entries.delete(entry);
    for (const reference of entry.references) {
      this.#known.add(`${reference} ${entry.direction} ${entry.amount}`);
      this.#known.add(`${reference} ${row.direction} ${row.amount}`);
    }
  }

  #isKnown({ reference, direction, amount }: ExternalRow): boolean {
    return reference !== '' && this.#known.has(`${normalReference(reference)} ${direction} ${amount}`);
  }

  #isKnownEntry({ references, direction, amount }: OwnEntry): boolean {
    return references.some((reference) => this.#known.has(`${reference} ${direction} ${amount}`));
  }
}

function groupBy<T>(items: readonly T[], keyOf: (item: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const item of items) push(groups, keyOf(item), item);
  return groups;
}

function push<T>(groups: Map<string, T[]>, key: string, item: T): void {
  const known = groups.get(key);
  if (known === undefined) groups.set(key, [item]);
  else known.push(item);
}
