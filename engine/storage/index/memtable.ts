/**
 * The newest entries of a key index: an open-addressing hash table in memory, of a fixed bound.
 *
 *     tags     [ 0 | 93 | 0 | … ]              1 byte a slot: 0 = free, or 7 upper bits of the hash + 1
 *     slots    [ - | index | - | … ]           4 bytes a slot, at most 75 % used, position = lower bits of the hash
 *                      │
 *     entries  [ key 16 | LSN 8 ][ … ]         24 bytes each, in order of insertion
 *
 * A look-up of a key that is absent (every new id is one) reads tags only, which stay in the processor's cache where
 * slots and entries do not: half the time at a million entries. Time-ordered ids lie next to each other in the
 * entries. The entries are on a SharedArrayBuffer, so a frozen table goes to the background thread without a copy. At
 * most 24 + 5 ÷ 0.375 < 38 bytes an entry at full.
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
    return this.#words.byteLength + this.#slots.byteLength + this.#tags.byteLength;
  }

  /** The LSN of the key; 0 = absent. */
  get(w0: number, w1: number, w2: number, w3: number): number {
    const hash = hashId(w0, w1, w2, w3, this.#seed);
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    const tags = this.#tags;
    const words = this.#words;
    const tag = (hash >>> TAG_SHIFT) + 1;
    const a = w0 | 0;
    const b = w1 | 0;
    for (let slot = hash & slotMask; ; slot = (slot + 1) & slotMask) {
      const found = tags[slot] as number;
      if (found === 0) return 0;
      if (found !== tag) continue;
      const at = (slots[slot] as number) * ENTRY_WORDS;
      if (words[at] !== a || words[at + 1] !== b || words[at + 2] !== (w2 | 0) || words[at + 3] !== (w3 | 0)) continue;
      return ((words[at + 5] as number) >>> 0) * TWO_32 + ((words[at + 4] as number) >>> 0);
    }
  }

  /**
   * Puts the key, or gives it a new LSN.
   *
   * @param lsn 1 … 2^53 − 1
   * @throws RangeError when the key is new and the table full: the owner freezes it before that
   */
  put(w0: number, w1: number, w2: number, w3: number, lsn: number): void {
    if (!(lsn > 0 && lsn <= LSN_MAX)) throw new RangeError(`no LSN: ${lsn}`);
    const hash = hashId(w0, w1, w2, w3, this.#seed);
    const slots = this.#slots;
    const slotMask = this.#slotMask;
    const tags = this.#tags;
    const words = this.#words;
    const tag = (hash >>> TAG_SHIFT) + 1;
    const a = w0 | 0;
    const b = w1 | 0;
    let slot = hash & slotMask;
    for (; ; slot = (slot + 1) & slotMask) {
      const found = tags[slot] as number;
      if (found === 0) break;
      if (found !== tag) continue;
      const at = (slots[slot] as number) * ENTRY_WORDS;
      if (words[at] !== a || words[at + 1] !== b || words[at + 2] !== (w2 | 0) || words[at + 3] !== (w3 | 0)) continue;
      this.#writeLsn(at, lsn);
      return;
    }
    const index = this.#count;
    if (index === this.bound) throw new RangeError(`the memtable is full: ${this.bound} entries`);
    const at = index * ENTRY_WORDS;
    words[at] = a;
    words[at + 1] = b;
    words[at + 2] = w2;
    words[at + 3] = w3;
    this.#writeLsn(at, lsn);
    tags[slot] = tag;
    slots[slot] = index;
    this.#count = index + 1;
    if (index + 1 > this.#growAt) this.#grow();
  }

  /** The entries so far. The caller writes no more to this table while anyone reads them. */
  freeze(): FrozenMemtable {
    const words = new Uint32Array(this.#words.buffer, 0, this.#count * ENTRY_WORDS);
    return { words, count: this.#count };
  }

  /** Makes the table empty, keeping its memory. */
  clear(): void {
    this.#tags.fill(0);
    this.#count = 0;
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
    for (let index = 0, at = 0; index < this.#count; index++, at += ENTRY_WORDS) {
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
