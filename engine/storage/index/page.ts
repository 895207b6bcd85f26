/**
 * The pages of a segment, as they lie in LMDB (little-endian):
 *
 *     0 crc u32 · 4 segment id u32 · 8 kind and page number u32 · 12 count u32 · 16 items
 *
 * The CRC-32C covers all bytes after itself. A full page with LMDB's own header of 24 bytes takes two
 * pages of the file.
 */
import { crc32c } from '@node-rs/crc32';
import { ENTRY_WORDS } from './memtable.ts';

export const PAGE_BYTES_MAX = 8168;
export const PAGE_HEADER_WORDS = 4;

/** What a page holds. Numbers are on disk: never reuse one. */
export const PageKind = {
  /** Sorted entries: key 16, LSN 8. */
  entries: 0,
  /** Blocks of the filter, 64 bytes each. */
  filter: 1,
  /** The first key of each page of entries, 16 bytes each. */
  fences: 2,
} as const;
export type PageKind = (typeof PageKind)[keyof typeof PageKind];

/** Words of an item and items of a full page, per kind. */
export const ITEM_WORDS: Readonly<Record<PageKind, number>> = { 0: ENTRY_WORDS, 1: 16, 2: 4 };
export const ITEMS_PER_PAGE: Readonly<Record<PageKind, number>> = { 0: 339, 1: 127, 2: 509 };

export const PAGES_MAX = 2 ** 20;
const KEYS_PER_SEGMENT = PAGES_MAX * 4;
/** Keys stay below 2^53. At three segments a second these ids last 22 years. */
export const SEGMENT_ID_MAX = 2 ** 31 - 1;

/** The LMDB key of a page: a number, ordered by segment, kind, page. */
export function pageKey(segment: number, kind: PageKind, page: number): number {
  return segment * KEYS_PER_SEGMENT + kind * PAGES_MAX + page;
}

/** The segment that an LMDB key belongs to. */
export function segmentOfKey(key: number): number {
  return Math.floor(key / KEYS_PER_SEGMENT);
}

/** Pages that `items` of this kind take. */
export function pagesFor(kind: PageKind, items: number): number {
  return Math.ceil(items / ITEMS_PER_PAGE[kind]);
}

/** Items of page `page` out of `items` in all. */
export function itemsOfPage(kind: PageKind, items: number, page: number): number {
  return Math.min(ITEMS_PER_PAGE[kind], items - page * ITEMS_PER_PAGE[kind]);
}

/** Fills in the header of a page whose items are in place. Returns its bytes: a view of `words`. */
export function sealPage(words: Uint32Array, segment: number, kind: PageKind, page: number, count: number): Uint8Array {
  words[1] = segment;
  words[2] = kind * PAGES_MAX + page;
  words[3] = count;
  const length = (PAGE_HEADER_WORDS + count * ITEM_WORDS[kind]) * 4;
  const bytes = new Uint8Array(words.buffer, words.byteOffset, length);
  words[0] = crc32c(bytes.subarray(4));
  return bytes;
}

/** What is wrong with a page; undefined when it is whole and the one asked for. `bytes` begins on a word. */
export function pageProblem(bytes: Uint8Array, segment: number, kind: PageKind, page: number): string | undefined {
  const length = bytes.length;
  if (length < PAGE_HEADER_WORDS * 4 || length > PAGE_BYTES_MAX || length % 4 !== 0) return `is ${length} bytes long`;
  const words = new Uint32Array(bytes.buffer, bytes.byteOffset, length >> 2);
  if (words[0] !== crc32c(bytes.subarray(4))) return 'checksum does not match';
  if (words[1] !== segment || words[2] !== kind * PAGES_MAX + page) return 'is another page';
  const items = (words[3] as number) * ITEM_WORDS[kind] + PAGE_HEADER_WORDS;
  return items * 4 === length ? undefined : `counts ${words[3]} items in ${length} bytes`;
}

/** A stored value that is missing or not what was written. To answer "absent" instead could post a payment twice. */
export class StorageDamageError extends Error {
  override readonly name = 'StorageDamageError';
  readonly segment: number;
  readonly kind: PageKind;
  readonly page: number;
  readonly problem: string;

  constructor(segment: number, kind: PageKind, page: number, problem: string) {
    const part = kind === PageKind.entries ? 'entries' : kind === PageKind.filter ? 'filter' : 'fences';
    super(`index segment ${segment}, ${part} page ${page}: ${problem}`);
    this.segment = segment;
    this.kind = kind;
    this.page = page;
    this.problem = problem;
  }
}
