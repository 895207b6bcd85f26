/**
 * The newest entries of a key index, in memory, of a fixed bound.
 *
 *     entries  [ key 16 | LSN 8 ][ … ]         24 bytes each, in order of insertion
 *     run      [ index | index | … ]           4 bytes each: entries that were greater than all before them, ascending
 *     tags     [ 0 | 93 | 0 | … ]              1 byte a slot: 0 = free, or 7 upper bits of the hash + 1
 *     slots    [ - | index | - | … ]           4 bytes a slot, at most 75 % used: all other entries, by their hash
 *
 * A time-ordered key costs an append: no hash, no random access to memory. It is found by galloping back from the end of the
 * run. A key that comes out of order goes into the hash table; looking for one that is absent reads tags only, which stay in
 * the processor's cache where slots and entries do not. The entries are on a SharedArrayBuffer, so a frozen table goes to the
 * background thread without a copy. At most 24 + 5 ÷ 0.375 < 38 bytes an entry at full.
 */
import { hashId } from '../../hash-id.ts';

/** u32 words of an entry: w0, w1, w2, w3, lower and upper half of the LSN. */
export const ENTRY_WORDS = 6;
/** Keeps the entries below 2^32 words. */
const BOUND_MAX = 2 ** 28;

const TWO_32 = 0x1_0000_0000;
const LSN_MAX = Number.MAX_SAFE_INTEGER;
const TAG_SHIFT = 25;
const SLOTS_MIN = 2 ** 10;
/**
 * Slots double up to this many and then take their final size at once. Rehashing what they hold, under 100,000 entries,
 * is the longest pause of a put: 3 to 9 ms as a rule (23 ms seen on a busy machine), once in the life of a table.
 */
const SLOTS_DOUBLED_MAX = 2 ** 17;

/** The entries of a table that is no longer written, as they travel to another thread. */
export interface FrozenMemtable {
  /** `count` × ENTRY_WORDS u32 words on a SharedArrayBuffer, no key twice, in order of insertion. */
  readonly words: Uint32Array;
  readonly count: number;
}

/**
 * The entries of a frozen table at positions before `lsn`. Further on are those that a chain which failed has put: its events were
 * taken back, and what came in their place may have been shorter.
 */
export function entriesBefore(table: FrozenMemtable, lsn: number): FrozenMemtable {
  const { words } = table;
  const isBefore = (entry: number): boolean => {
    const at = entry * ENTRY_WORDS;
    return (words[at + 5] as number) * TWO_32 + (words[at + 4] as number) < lsn;
  };
  let count = 0;
  while (count < table.count && isBefore(count)) count++;
  if (count === table.count) return table;
  const kept = words.slice(0, table.count * ENTRY_WORDS);
  for (let entry = count + 1; entry < table.count; entry++) {
    if (!isBefore(entry)) continue;
    kept.set(words.subarray(entry * ENTRY_WORDS, (entry + 1) * ENTRY_WORDS), count * ENTRY_WORDS);
    count++;
  }
  return { words: kept, count };
}

export class Memtable {
  /** Entries that fit. */
  readonly bound: number;
  readonly #seed: number;
  /** Reserved at full size; the system gives memory as the entries are written. */
  readonly #words: Int32Array;
  readonly #slotsMax: number;
  #tags: Uint8Array;
  #slots: Uint32Array;
  #slotMask: number;
  #growAt: number;
  /** Entries in the hash table. */
  #hashed = 0;
  readonly #run: Uint32Array;
  #runLength = 0;
  #count = 0;

  /** @param options.hashSeed u32 of the data directory */
  constructor(options: { readonly bound: number; readonly hashSeed: number }) {
    const { bound } = options;
    if (!Number.isInteger(bound) || bound < 1 || bound > BOUND_MAX) {
      throw new RangeError(`a memtable holds 1 to ${BOUND_MAX} entries, not ${bound}`);
    }
    this.bound = bound;
    this.#seed = options.hashSeed;
    this.#words = new Int32Array(new SharedArrayBuffer(bound * ENTRY_WORDS * 4));
    this.#run = new Uint32Array(bound);
    this.#slotsMax = Math.max(SLOTS_MIN, powerOfTwoAtLeast(Math.ceil(bound / 0.75)));
    this.#tags = new Uint8Array(SLOTS_MIN);
    this.#slots = new Uint32Array(SLOTS_MIN);
    this.#slotMask = SLOTS_MIN - 1;
    this.#growAt = this.#growthPoint();
  }

  get count(): number {
    return this.#count;
  }

  /** Bytes reserved for entries and slots. */
  get bytes(): number {
    return this.#words.byteLength + this.#run.byteLength + this.#slots.byteLength + this.#tags.byteLength;
  }

  /** The LSN of the key; 0 = absent. */
  get(w0: number, w1: number, w2: number, w3: number): number {
    const inRun = this.#findInRun(w0, w1, w2, w3);
    if (inRun >= 0) return this.#readLsn(inRun);
    if (this.#hashed === 0) return 0;
    const slot = this.#findSlot(w0, w1, w2, w3, hashId(w0, w1, w2, w3, this.#seed));
    return this.#tags[slot] === 0 ? 0 : this.#readLsn((this.#slots[slot] as number) * ENTRY_WORDS);
  }

  /**
   * Puts the key, or gives it a new LSN.
   *
   * @param lsn 1 … 2^53 − 1
   * @throws RangeError when the key is new and the table full: the owner freezes it before that
   */
  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    if (!(lsn > 0 && lsn <= LSN_MAX)) throw new RangeError(`no LSN: ${lsn}`);
    if (this.#runLength === 0 || this.#compare(this.#lastOfRun(), w0, w1, w2, w3) < 0) {
      // What is in the hash table was below the end of the run when it came, so this key is new.
      this.#run[this.#runLength] = this.#append(w0, w1, w2, w3, lsn);
      this.#runLength++;
      return;
    }
    const inRun = this.#findInRun(w0, w1, w2, w3);
    if (inRun >= 0) this.#writeLsn(inRun, lsn);
    else this.#putHashed(w0, w1, w2, w3, lsn);
  }

  /** The entries so far. The caller writes no more to this table while anyone reads them. */
  freeze(): FrozenMemtable {
    const words = new Uint32Array(this.#words.buffer, 0, this.#count * ENTRY_WORDS);
    return { words, count: this.#count };
  }

  /** Makes the table empty, keeping its memory. */
  clear(): void {
    this.#tags.fill(0);
    this.#hashed = 0;
    this.#runLength = 0;
    this.#count = 0;
  }

  #putHashed(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    const hash = hashId(w0, w1, w2, w3, this.#seed);
    const slot = this.#findSlot(w0, w1, w2, w3, hash);
    if (this.#tags[slot] !== 0) {
      this.#writeLsn((this.#slots[slot] as number) * ENTRY_WORDS, lsn);
      return;
    }
    this.#slots[slot] = this.#append(w0, w1, w2, w3, lsn);
    this.#tags[slot] = (hash >>> TAG_SHIFT) + 1;
    this.#hashed++;
    if (this.#hashed > this.#growAt) this.#grow();
  }

  /** The slot that holds the key, or the free one where it would go. */
  #findSlot(w0: number, w1: number, w2: number, w3: number, hash: number): number {
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    const tags = this.#tags;
    const words = this.#words;
    const tag = (hash >>> TAG_SHIFT) + 1;
    for (let slot = hash & slotMask; ; slot = (slot + 1) & slotMask) {
      const found = tags[slot] as number;
      if (found === 0) return slot;
      if (found !== tag) continue;
      const at = (slots[slot] as number) * ENTRY_WORDS;
      if (
        words[at] === (w0 | 0) &&
        words[at + 1] === (w1 | 0) &&
        words[at + 2] === (w2 | 0) &&
        words[at + 3] === (w3 | 0)
      ) {
        return slot;
      }
    }
  }

  #lastOfRun(): number {
    return (this.#run[this.#runLength - 1] as number) * ENTRY_WORDS;
  }

  /** Word of the key's entry in the run, or −1: gallops back from the end, where keys of the same moment are. */
  #findInRun(w0: number, w1: number, w2: number, w3: number): number {
    const run = this.#run;
    let high = this.#runLength;
    if (high === 0 || this.#compare(this.#lastOfRun(), w0, w1, w2, w3) < 0) return -1;
    let low = high - 1;
    for (let step = 1; low >= 0; step *= 2) {
      if (this.#compare((run[low] as number) * ENTRY_WORDS, w0, w1, w2, w3) <= 0) break;
      high = low;
      low -= step;
    }
    // The key, if it is there, is at low … high − 1.
    low = Math.max(low, 0);
    while (low < high) {
      const middle = (low + high) >>> 1;
      const at = (run[middle] as number) * ENTRY_WORDS;
      const order = this.#compare(at, w0, w1, w2, w3);
      if (order === 0) return at;
      if (order < 0) low = middle + 1;
      else high = middle;
    }
    return -1;
  }

  /** Sign of (key of the entry at word `at`) − (the key given). */
  #compare(at: number, w0: number, w1: number, w2: number, w3: number): number {
    const words = this.#words;
    const d3 = ((words[at + 3] as number) >>> 0) - w3;
    if (d3 !== 0) return d3;
    const d2 = ((words[at + 2] as number) >>> 0) - w2;
    if (d2 !== 0) return d2;
    const d1 = ((words[at + 1] as number) >>> 0) - w1;
    return d1 !== 0 ? d1 : ((words[at] as number) >>> 0) - w0;
  }

  /** Adds an entry and returns its index. */
  #append(w0: number, w1: number, w2: number, w3: number, lsn: number): number {
    const index = this.#count;
    if (index === this.bound) throw new RangeError(`the memtable is full: ${this.bound} entries`);
    const at = index * ENTRY_WORDS;
    const words = this.#words;
    words[at] = w0;
    words[at + 1] = w1;
    words[at + 2] = w2;
    words[at + 3] = w3;
    this.#writeLsn(at, lsn);
    this.#count = index + 1;
    return index;
  }

  #readLsn(at: number): number {
    return ((this.#words[at + 5] as number) >>> 0) * TWO_32 + ((this.#words[at + 4] as number) >>> 0);
  }

  #writeLsn(at: number, lsn: number): void {
    const low = lsn >>> 0;
    this.#words[at + 4] = low;
    this.#words[at + 5] = (lsn - low) / TWO_32;
  }

  #growthPoint(): number {
    return this.#slots.length === this.#slotsMax ? this.bound : this.#slots.length * 0.75 - 1;
  }

  #grow(): void {
    const length = this.#slots.length;
    if (length === this.#slotsMax) return;
    const slots = new Uint32Array(length < SLOTS_DOUBLED_MAX ? Math.min(length * 2, this.#slotsMax) : this.#slotsMax);
    const tags = new Uint8Array(slots.length);
    const slotMask = slots.length - 1;
    const words = this.#words;
    for (let old = 0; old < length; old++) {
      if (this.#tags[old] === 0) continue;
      const index = this.#slots[old] as number;
      const at = index * ENTRY_WORDS;
      const hash = hashId(
        words[at] as number,
        words[at + 1] as number,
        words[at + 2] as number,
        words[at + 3] as number,
        this.#seed,
      );
      let slot = hash & slotMask;
      while (tags[slot] !== 0) slot = (slot + 1) & slotMask;
      tags[slot] = (hash >>> TAG_SHIFT) + 1;
      slots[slot] = index;
    }
    this.#tags = tags;
    this.#slots = slots;
    this.#slotMask = slotMask;
    this.#growAt = this.#growthPoint();
  }
}

function powerOfTwoAtLeast(value: number): number {
  return value <= 1 ? 1 : 2 ** (32 - Math.clz32(value - 1));
}
