/** Lists that come in pages, as one. */
import type { Page } from '../codecs/history-codec.ts';
import type { Aggregate } from '../codecs/reading-codec.ts';
import { ResultError } from './client-error.ts';

/** The rows of all pages from a cursor on; the next page is asked for when the one before is used up. @throws ResultError */
export async function* allPages<P extends Page, T>(
  start: bigint | undefined,
  ask: (cursor: bigint) => Promise<P>,
  rowsOf: (page: P) => readonly T[],
): AsyncGenerator<T, void, undefined> {
  let cursor = start ?? 0n;
  do {
    const page = await ask(cursor);
    if (page.code !== 0) throw new ResultError(page);
    yield* rowsOf(page);
    cursor = page.nextCursor;
  } while (cursor !== 0n);
}

/** Adds up the parts of a day that came in different pages. Holds the sums of one day. */
export async function* wholeDays(sums: AsyncIterable<Aggregate>): AsyncGenerator<Aggregate, void, undefined> {
  let day = -1;
  let codes = new Map<number, Aggregate>();
  for await (const sum of sums) {
    if (sum.day !== day) {
      yield* inOrder(codes);
      codes = new Map();
      day = sum.day;
    }
    const known = codes.get(sum.code);
    codes.set(sum.code, known === undefined ? sum : added(known, sum));
  }
  yield* inOrder(codes);
}

function inOrder(codes: ReadonlyMap<number, Aggregate>): Aggregate[] {
  return [...codes.values()].sort((a, b) => a.code - b.code);
}

function added(a: Aggregate, b: Aggregate): Aggregate {
  return {
    day: a.day,
    code: a.code,
    debitCount: a.debitCount + b.debitCount,
    creditCount: a.creditCount + b.creditCount,
    debits: a.debits + b.debits,
    credits: a.credits + b.credits,
  };
}
