/** Sorting the entries of a frozen memtable by key. */
import type { FrozenMemtable } from './memtable.ts';
import { ENTRY_WORDS } from './memtable.ts';

const DIGITS = 8;
const DIGIT_VALUES = 2 ** 16;

/**
 * The order of the entries by key (w3, w2, w1, w0, unsigned): entry `order[0]` is the smallest.
 *
 * A radix sort, least significant digit first, over eight digits of 16 bits: linear whatever keys a client chooses,
 * and digits that all keys share (the time of ordered ids) cost nothing. Keys that came in order are not sorted at
 * all. Memory beside the entries: 8 bytes an entry and 2 MB.
 */
export function sortedOrder(table: FrozenMemtable): Uint32Array {
  const { words, count } = table;
  let order = new Uint32Array(count);
  for (let i = 0; i < count; i++) order[i] = i;
  if (isSorted(table)) return order;

  const counts = countDigits(table);
  let next = new Uint32Array(count);
  for (let digit = 0; digit < DIGITS; digit++) {
    const starts = counts.subarray(digit * DIGIT_VALUES, (digit + 1) * DIGIT_VALUES);
    if (!sumUp(starts, count)) continue;
    const word = digit >> 1;
    const shift = (digit & 1) << 4;
    for (let i = 0; i < count; i++) {
      const entry = order[i] as number;
      const value = ((words[entry * ENTRY_WORDS + word] as number) >>> shift) & 0xffff;
      const at = starts[value] as number;
      starts[value] = at + 1;
      next[at] = entry;
    }
    [order, next] = [next, order];
  }
  return order;
}

function countDigits({ words, count }: FrozenMemtable): Uint32Array {
  const counts = new Uint32Array(DIGITS * DIGIT_VALUES);
  for (let entry = 0, at = 0; entry < count; entry++, at += ENTRY_WORDS) {
    for (let digit = 0; digit < DIGITS; digit += 2) {
      const word = words[at + (digit >> 1)] as number;
      const low = digit * DIGIT_VALUES + (word & 0xffff);
      const high = (digit + 1) * DIGIT_VALUES + (word >>> 16);
      counts[low] = (counts[low] as number) + 1;
      counts[high] = (counts[high] as number) + 1;
    }
  }
  return counts;
}

/** Turns counts into starting positions; false when one value has all, so that the digit orders nothing. */
function sumUp(counts: Uint32Array, total: number): boolean {
  let sum = 0;
  for (let value = 0; value < counts.length; value++) {
    const count = counts[value] as number;
    if (count === total) return false;
    counts[value] = sum;
    sum += count;
  }
  return true;
}

function isSorted({ words, count }: FrozenMemtable): boolean {
  for (let entry = 1; entry < count; entry++) {
    if (compareKeys(words, (entry - 1) * ENTRY_WORDS, words, entry * ENTRY_WORDS) > 0) return false;
  }
  return true;
}

/** Order of the keys at two word positions: negative, 0 or positive. */
export function compareKeys(a: Uint32Array, at: number, b: Uint32Array, bt: number): number {
  return (
    (a[at + 3] as number) - (b[bt + 3] as number) ||
    (a[at + 2] as number) - (b[bt + 2] as number) ||
    (a[at + 1] as number) - (b[bt + 1] as number) ||
    (a[at] as number) - (b[bt] as number)
  );
}
