/** Merging sorted segments into one, a page of each at a time. */
import { ENTRY_WORDS } from './memtable.ts';
import {
  PAGE_BYTES_MAX,
  PAGE_HEADER_WORDS,
  PageKind,
  pageKey,
  pageProblem,
  pagesFor,
  StorageDamageError,
} from './page.ts';
import type { PageReader } from './page-cache.ts';
import { type BuiltSegment, type PageSink, type SegmentMeta, SegmentWriter } from './segment-writer.ts';
import { compareKeys } from './sort-entries.ts';

/**
 * Writes the entries of all inputs as one segment. Of equal keys the entry of the newest input stays.
 *
 * @param inputs newest first; all of one index
 * @param output id and hash seed of the new segment, of the level above that of the inputs
 * @throws StorageDamageError when a page of an input is damaged; what was written is then an orphan
 */
export function mergeSegments(
  inputs: readonly SegmentMeta[],
  output: { readonly id: number; readonly level: number; readonly hashSeed: number },
  reader: PageReader,
  sink: PageSink,
): BuiltSegment {
  const merge = new SegmentMerge(inputs, output, reader, sink);
  while (!merge.step(Number.POSITIVE_INFINITY));
  return merge.finish();
}

/** The same, a part at a time. */
export class SegmentMerge {
  readonly #writer: SegmentWriter;
  #cursors: readonly SegmentCursor[];
  #left = 0;

  /** See `mergeSegments`. */
  constructor(
    inputs: readonly SegmentMeta[],
    output: { readonly id: number; readonly level: number; readonly hashSeed: number },
    reader: PageReader,
    sink: PageSink,
  ) {
    const [newest] = inputs;
    if (newest === undefined) throw new RangeError('nothing to merge');
    const entriesMax = inputs.reduce((sum, input) => sum + input.entries, 0);
    this.#writer = new SegmentWriter({ ...output, index: newest.index, entriesMax }, sink);
    this.#cursors = inputs.map((input) => new SegmentCursor(input, reader)).filter((cursor) => cursor.open());
  }

  /** Moves up to `entries` entries. True when there are no more: then comes `finish`. */
  step(entries: number): boolean {
    this.#left = entries;
    while (this.#left > 0 && this.#cursors.length > 0) {
      if (this.#moveRun()) this.#cursors = this.#cursors.filter((cursor) => !cursor.done);
    }
    return this.#cursors.length === 0;
  }

  finish(): BuiltSegment {
    return this.#writer.finish();
  }

  /** Moves the entries that come before every other cursor's. True when a cursor has reached its end. */
  #moveRun(): boolean {
    const cursors = this.#cursors;
    let least = cursors[0] as SegmentCursor;
    let second: SegmentCursor | undefined;
    for (let i = 1; i < cursors.length; i++) {
      const cursor = cursors[i] as SegmentCursor;
      const order = compareKeys(cursor.words, cursor.at, least.words, least.at);
      if (order === 0) {
        // An older entry of the same key: dropped.
        if (!cursor.next()) return true;
        i--;
      } else if (order < 0) {
        second = least;
        least = cursor;
      } else if (second === undefined || compareKeys(cursor.words, cursor.at, second.words, second.at) < 0) {
        second = cursor;
      }
    }
    let ended = false;
    do {
      this.#writer.add(least.words, least.at);
      this.#left--;
      ended = !least.next();
    } while (
      !ended &&
      this.#left > 0 &&
      (second === undefined || compareKeys(least.words, least.at, second.words, second.at) < 0)
    );
    return ended;
  }
}

/** Walks the entries of a segment in order, with one page in memory. */
class SegmentCursor {
  /** The current page; the current entry begins at word `at`. */
  readonly words = new Uint32Array(PAGE_BYTES_MAX >> 2);
  at = 0;
  done = false;
  readonly #meta: SegmentMeta;
  readonly #reader: PageReader;
  readonly #bytes = new Uint8Array(this.words.buffer);
  readonly #pages: number;
  #page = 0;
  #end = 0;

  constructor(meta: SegmentMeta, reader: PageReader) {
    this.#meta = meta;
    this.#reader = reader;
    this.#pages = pagesFor(PageKind.entries, meta.entries);
  }

  /** Goes to the first entry; false when there is none. */
  open(): boolean {
    return this.#readPage(0);
  }

  /** Goes to the next entry; false at the end. */
  next(): boolean {
    this.at += ENTRY_WORDS;
    return this.at < this.#end || this.#readPage(this.#page + 1);
  }

  #readPage(page: number): boolean {
    if (page >= this.#pages) {
      this.done = true;
      return false;
    }
    const { id } = this.#meta;
    const stored = this.#reader.getBinaryFast(pageKey(id, PageKind.entries, page));
    if (stored === undefined) throw new StorageDamageError(id, PageKind.entries, page, 'is missing');
    const { length } = stored;
    if (length > PAGE_BYTES_MAX) throw new StorageDamageError(id, PageKind.entries, page, `is ${length} bytes long`);
    this.#bytes.set(stored.subarray(0, length));
    const problem = pageProblem(this.#bytes.subarray(0, length), id, PageKind.entries, page);
    if (problem !== undefined) throw new StorageDamageError(id, PageKind.entries, page, problem);
    this.#page = page;
    this.at = PAGE_HEADER_WORDS;
    this.#end = length >> 2;
    return true;
  }
}
