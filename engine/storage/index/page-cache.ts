/** A bounded cache of checked pages, for look-ups on the partition's thread. */
import { PAGES_MAX, type PageKind, pageKey, pageProblem, StorageDamageError } from './page.ts';

/** Reads a stored value. The view is valid until the next read; only its first `length` bytes count. */
export interface PageReader {
  getBinaryFast(key: number): Uint8Array | undefined;
}

const SLOT_WORDS = 2048;
const SLOT_BYTES = SLOT_WORDS * 4;
const EMPTY = -1;

/**
 * Direct-mapped: a page has one slot, by its key, and takes it from whoever was there. Neighbouring pages have
 * neighbouring slots, so that a scan does not put itself out. No allocation per page kept.
 */
export class PageCache {
  /** All pages kept; `load` says where. */
  readonly words: Uint32Array;
  /** Pages that were read from LMDB. */
  pageReads = 0;
  readonly #reader: PageReader;
  readonly #bytes: Uint8Array;
  readonly #keys: Float64Array;

  /** @param pages slots of 8 KiB; rounded up to a power of two */
  constructor(reader: PageReader, pages: number) {
    const slots = 2 ** Math.ceil(Math.log2(Math.max(1, pages)));
    this.#reader = reader;
    this.words = new Uint32Array(slots * SLOT_WORDS);
    this.#bytes = new Uint8Array(this.words.buffer);
    this.#keys = new Float64Array(slots).fill(EMPTY);
  }

  /**
   * The word position of a page in `words`, its header first; valid until the next `load`.
   *
   * @throws StorageDamageError when the page is missing or damaged
   */
  load(segment: number, kind: PageKind, page: number): number {
    const key = pageKey(segment, kind, page);
    const slot = (page + Math.imul(segment * 4 + kind, 0x9e3779b1)) & (this.#keys.length - 1);
    if (this.#keys[slot] === key) return slot * SLOT_WORDS;
    this.#keys[slot] = EMPTY;
    this.pageReads++;
    const problem = this.#read(key, slot, segment, kind, page);
    if (problem !== undefined) throw new StorageDamageError(segment, kind, page, problem);
    this.#keys[slot] = key;
    return slot * SLOT_WORDS;
  }

  #read(key: number, slot: number, segment: number, kind: PageKind, page: number): string | undefined {
    const stored = this.#reader.getBinaryFast(key);
    if (stored === undefined) return 'is missing';
    if (stored.length > SLOT_BYTES || page >= PAGES_MAX) return `is ${stored.length} bytes long`;
    const at = slot * SLOT_BYTES;
    this.#bytes.set(stored.subarray(0, stored.length), at);
    return pageProblem(this.#bytes.subarray(at, at + stored.length), segment, kind, page);
  }
}
