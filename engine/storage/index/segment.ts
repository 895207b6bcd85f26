/** Looking a key up in one immutable sorted segment. */
import { BLOCK_WORDS, blockOf, hasBits } from './filter.ts';
import { ENTRY_WORDS } from './memtable.ts';
import {
  ITEM_WORDS,
  ITEMS_PER_PAGE,
  itemsOfPage,
  PAGE_HEADER_WORDS,
  PageKind,
  pagesFor,
  StorageDamageError,
} from './page.ts';
import type { PageCache } from './page-cache.ts';
import type { BuiltSegment, SegmentMeta } from './segment-writer.ts';

const TWO_32 = 0x1_0000_0000;
const BLOCKS_PER_PAGE = ITEMS_PER_PAGE[PageKind.filter];

export class Segment {
  readonly meta: SegmentMeta;
  readonly #cache: PageCache;
  readonly #fences: Uint32Array;
  readonly #min3: number;
  readonly #max3: number;
  #filter: Uint32Array | undefined;

  /** @throws StorageDamageError when `built` is not given and the stored fences are damaged */
  constructor(meta: SegmentMeta, cache: PageCache, built?: BuiltSegment) {
    this.meta = meta;
    this.#cache = cache;
    this.#min3 = meta.min[3];
    this.#max3 = meta.max[3];
    this.#fences = built?.fences ?? readAll(meta, PageKind.fences, cache);
    this.#filter = built?.filter;
  }

  /** Bytes of the filter, in memory or not. */
  get filterBytes(): number {
    return this.meta.filterBlocks * BLOCK_WORDS * 4;
  }

  get filterLoaded(): boolean {
    return this.#filter !== undefined;
  }

  /** Brings the filter into memory. A damaged one is left out: the segment is then searched without it. */
  loadFilter(): void {
    if (this.#filter !== undefined) return;
    try {
      this.#filter = readAll(this.meta, PageKind.filter, this.#cache);
    } catch (error) {
      if (!(error instanceof StorageDamageError)) throw error;
    }
  }

  /** Gives the filter's memory back: single pages of it are then read when needed. */
  dropFilter(): void {
    this.#filter = undefined;
  }

  /** Whether the key lies between the smallest and the largest. Ids of another time stop here, without a read. */
  covers(w0: number, w1: number, w2: number, w3: number): boolean {
    if (w3 < this.#min3 || w3 > this.#max3) return false;
    const { min, max } = this.meta;
    return compareTo(w0, w1, w2, w3, min) >= 0 && compareTo(w0, w1, w2, w3, max) <= 0;
  }

  /** 0 = the key was never put, else 1. `a` and `b` are its hashes, `hashId` and `hashKeyAgain`. */
  mayHold(a: number, b: number): number {
    const block = blockOf(a, this.meta.filterBlocks);
    if (this.#filter !== undefined) return hasBits(this.#filter, block * BLOCK_WORDS, a, b);
    const page = Math.floor(block / BLOCKS_PER_PAGE);
    try {
      const at = this.#cache.load(this.meta.id, PageKind.filter, page);
      const inPage = block - page * BLOCKS_PER_PAGE;
      return hasBits(this.#cache.words, at + PAGE_HEADER_WORDS + inPage * BLOCK_WORDS, a, b);
    } catch (error) {
      if (error instanceof StorageDamageError) return 1;
      throw error;
    }
  }

  /**
   * The LSN of the key by one page and a binary search; 0 = absent. The segment covers the key.
   *
   * @throws StorageDamageError
   */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const fences = this.#fences;
    const page = lastNotAbove(fences, 0, 4, fences.length >> 2, w0, w1, w2, w3);
    if (page < 0) return 0;
    const start = this.#cache.load(this.meta.id, PageKind.entries, page);
    const words = this.#cache.words;
    const first = start + PAGE_HEADER_WORDS;
    const entry = lastNotAbove(words, first, ENTRY_WORDS, words[start + 3] as number, w0, w1, w2, w3);
    if (entry < 0) return 0;
    const at = first + entry * ENTRY_WORDS;
    if (words[at] !== w0 || words[at + 1] !== w1 || words[at + 2] !== w2 || words[at + 3] !== w3) return 0;
    return (words[at + 5] as number) * TWO_32 + (words[at + 4] as number);
  }
}

/** Of `count` ascending keys, `stride` words apart from word `from`, the last that is ≤ the key; −1 = none. */
function lastNotAbove(
  words: Uint32Array,
  from: number,
  stride: number,
  count: number,
  w0: number,
  w1: number,
  w2: number,
  w3: number,
): number {
  let low = 0;
  let high = count;
  while (low < high) {
    const middle = (low + high) >>> 1;
    const at = from + middle * stride;
    const difference =
      (words[at + 3] as number) - w3 ||
      (words[at + 2] as number) - w2 ||
      (words[at + 1] as number) - w1 ||
      (words[at] as number) - w0;
    if (difference <= 0) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

function compareTo(w0: number, w1: number, w2: number, w3: number, key: SegmentMeta['min']): number {
  return w3 - key[3] || w2 - key[2] || w1 - key[1] || w0 - key[0];
}

/** All fences or the whole filter of a segment, from its pages. */
function readAll(
  meta: SegmentMeta,
  kind: typeof PageKind.fences | typeof PageKind.filter,
  cache: PageCache,
): Uint32Array {
  const items = kind === PageKind.filter ? meta.filterBlocks : pagesFor(PageKind.entries, meta.entries);
  const itemWords = ITEM_WORDS[kind];
  const all = new Uint32Array(items * itemWords);
  for (let page = 0; page < pagesFor(kind, items); page++) {
    const start = cache.load(meta.id, kind, page);
    const count = cache.words[start + 3] as number;
    if (count !== itemsOfPage(kind, items, page)) {
      throw new StorageDamageError(meta.id, kind, page, `holds ${count} items`);
    }
    const first = start + PAGE_HEADER_WORDS;
    all.set(cache.words.subarray(first, first + count * itemWords), page * ITEMS_PER_PAGE[kind] * itemWords);
  }
  return all;
}
