/** Sorting the entries of a frozen memtable by key. */
import type { FrozenMemtable } from './memtable.ts';
import { ENTRY_WORDS } from './memtable.ts';

/** Groups up to this size are sorted by insertion. */
const SMALL = 12;

/**
 * The order of the entries by key (w3, w2, w1, w0, unsigned): entry `order[0]` is the smallest.
 *
 * Sorts 64-bit numbers natively: the bits of the key that follow what all keys have in common, with the position in the
 * lower bits. Keys that agree in those bits (36 at the least) are sorted again by what follows; so the depth is at most
 * four, whatever keys a client chooses. Keys that came in order are not sorted at all. Memory: 16 bytes an entry.
 */
export function sortedOrder(table: FrozenMemtable): Uint32Array {
  const order = new Uint32Array(table.count);
  for (let i = 0; i < table.count; i++) order[i] = i;
  if (!isSorted(table)) sortRange(table.words, order);
  return order;
}

function sortRange(words: Uint32Array, order: Uint32Array): void {
  const count = order.length;
  if (count <= SMALL) {
    sortSmall(words, order);
    return;
  }
  const skip = commonBits(words, order);
  const top = 3 - (skip >>> 5);
  const shift = skip & 31;
  const positionMask = count > 1 ? (2 ** (32 - Math.clz32(count - 1)) - 1) | 0 : 0;

  const sortable = new BigUint64Array(count);
  const halves = new Uint32Array(sortable.buffer);
  for (let i = 0; i < count; i++) {
    const at = (order[i] as number) * ENTRY_WORDS;
    halves[i * 2 + 1] = bitsAt(words, at, top, shift);
    halves[i * 2] = (bitsAt(words, at, top - 1, shift) & ~positionMask) | i;
  }
  sortable.sort();

  const before = order.slice();
  for (let i = 0; i < count; i++) order[i] = before[(halves[i * 2] as number) & positionMask] as number;
  for (let from = 0, i = 1; i <= count; i++) {
    const same =
      i < count &&
      halves[i * 2 + 1] === halves[from * 2 + 1] &&
      (((halves[i * 2] as number) ^ (halves[from * 2] as number)) & ~positionMask) === 0;
    if (same) continue;
    if (i - from > 1) sortRange(words, order.subarray(from, i));
    from = i;
  }
}

/** 32 bits of a key from `shift` bits below the top of word `word` on; zeros below word 0. */
function bitsAt(words: Uint32Array, at: number, word: number, shift: number): number {
  if (word < 0) return 0;
  const upper = words[at + word] as number;
  if (shift === 0) return upper;
  const lower = word > 0 ? (words[at + word - 1] as number) : 0;
  return (upper << shift) | (lower >>> (32 - shift));
}

/** How many upper bits the keys have in common. */
function commonBits(words: Uint32Array, order: Uint32Array): number {
  const first = (order[0] as number) * ENTRY_WORDS;
  for (let word = 3; word >= 0; word--) {
    const bits = words[first + word] as number;
    let differs = 0;
    for (let i = 1; i < order.length; i++)
      differs |= (words[(order[i] as number) * ENTRY_WORDS + word] as number) ^ bits;
    if (differs !== 0) return (3 - word) * 32 + Math.clz32(differs);
  }
  throw new RangeError('a key is there twice');
}

function sortSmall(words: Uint32Array, order: Uint32Array): void {
  for (let i = 1; i < order.length; i++) {
    const entry = order[i] as number;
    let to = i;
    for (; to > 0; to--) {
      const other = order[to - 1] as number;
      if (compareKeys(words, other * ENTRY_WORDS, words, entry * ENTRY_WORDS) <= 0) break;
      order[to] = other;
    }
    order[to] = entry;
  }
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
