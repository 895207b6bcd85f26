/** Writing one immutable sorted segment, page by page. */

import { hashId } from '../../hash-id.ts';
import { BLOCK_WORDS, blockOf, blocksFor, setBits } from './filter.ts';
import { hashKeyAgain, type KeyWords } from './key-hash.ts';
import { ENTRY_WORDS, type FrozenMemtable } from './memtable.ts';
import {
  ITEM_WORDS,
  ITEMS_PER_PAGE,
  itemsOfPage,
  PAGE_BYTES_MAX,
  PAGE_HEADER_WORDS,
  PAGES_MAX,
  PageKind,
  pageKey,
  pagesFor,
  SEGMENT_ID_MAX,
  sealPage,
} from './page.ts';
import { sortedOrder } from './sort-entries.ts';

const ENTRIES_PER_PAGE = ITEMS_PER_PAGE[PageKind.entries];
/** Entries of the largest segment that its page numbers can count. */
export const SEGMENT_ENTRIES_MAX = PAGES_MAX * ENTRIES_PER_PAGE;

/** What a checkpoint's manifest says about a segment. */
export interface SegmentMeta {
  readonly id: number;
  /** Name of the index. */
  readonly index: string;
  /** 0 = written from a memtable; n + 1 = merged from segments of level n. */
  readonly level: number;
  readonly entries: number;
  /** Smallest and largest key. */
  readonly min: KeyWords;
  readonly max: KeyWords;
  /** Blocks of the filter, 64 bytes each. */
  readonly filterBlocks: number;
}

/** A new segment with what a reader keeps of it in memory (on SharedArrayBuffers): it need not be read again. */
export interface BuiltSegment {
  readonly meta: SegmentMeta;
  /** First key of each page, 4 words each. */
  readonly fences: Uint32Array;
  readonly filter: Uint32Array;
}

/** Takes the pages of a segment. The bytes are valid during the call only. */
export interface PageSink {
  put(key: number, bytes: Uint8Array): void;
}

export interface SegmentPlan {
  readonly id: number;
  readonly index: string;
  readonly level: number;
  /** At least as many as will be added: sizes the filter. */
  readonly entriesMax: number;
  readonly hashSeed: number;
}

export class SegmentWriter {
  readonly #plan: SegmentPlan;
  readonly #sink: PageSink;
  readonly #page = new Uint32Array(PAGE_BYTES_MAX >> 2);
  readonly #fences: Uint32Array;
  readonly #filter: Uint32Array;
  readonly #filterBlocks: number;
  #entries = 0;
  #inPage = 0;
  #pages = 0;

  constructor(plan: SegmentPlan, sink: PageSink) {
    if (plan.id > SEGMENT_ID_MAX || plan.entriesMax > SEGMENT_ENTRIES_MAX) {
      throw new RangeError(`segment ${plan.id} of ${plan.entriesMax} entries is beyond the page keys`);
    }
    this.#plan = plan;
    this.#sink = sink;
    this.#fences = sharedWords(pagesFor(PageKind.entries, plan.entriesMax) * 4);
    this.#filterBlocks = blocksFor(plan.entriesMax);
    this.#filter = sharedWords(this.#filterBlocks * BLOCK_WORDS);
  }

  /** Adds the entry at word `at`. Keys come in strictly ascending order. */
  add(words: Uint32Array, at: number): void {
    const page = this.#page;
    const to = PAGE_HEADER_WORDS + this.#inPage * ENTRY_WORDS;
    const w0 = words[at] as number;
    const w1 = words[at + 1] as number;
    const w2 = words[at + 2] as number;
    const w3 = words[at + 3] as number;
    page[to] = w0;
    page[to + 1] = w1;
    page[to + 2] = w2;
    page[to + 3] = w3;
    page[to + 4] = words[at + 4] as number;
    page[to + 5] = words[at + 5] as number;

    const a = hashId(w0, w1, w2, w3, this.#plan.hashSeed);
    const b = hashKeyAgain(w0, w1, w2, w3, this.#plan.hashSeed);
    setBits(this.#filter, blockOf(a, this.#filterBlocks) * BLOCK_WORDS, a, b);

    this.#entries++;
    if (++this.#inPage === ENTRIES_PER_PAGE) this.#flushPage();
  }

  /** Writes what is left, the fences and the filter. At least one entry was added. */
  finish(): BuiltSegment {
    const max = this.#inPage > 0 ? this.#keyInPage(this.#inPage - 1) : this.#keyInPage(ENTRIES_PER_PAGE - 1);
    if (this.#inPage > 0) this.#flushPage();
    const { id, index, level } = this.#plan;
    const fences = this.#fences.subarray(0, this.#pages * 4);
    this.#putAll(PageKind.fences, fences);
    this.#putAll(PageKind.filter, this.#filter);
    const meta: SegmentMeta = {
      id,
      index,
      level,
      entries: this.#entries,
      min: keyAt(fences, 0),
      max,
      filterBlocks: this.#filterBlocks,
    };
    return { meta, fences, filter: this.#filter };
  }

  #keyInPage(entry: number): KeyWords {
    return keyAt(this.#page, PAGE_HEADER_WORDS + entry * ENTRY_WORDS);
  }

  #flushPage(): void {
    const { id } = this.#plan;
    const number = this.#pages++;
    for (let word = 0; word < 4; word++) {
      this.#fences[number * 4 + word] = this.#page[PAGE_HEADER_WORDS + word] as number;
    }
    const bytes = sealPage(this.#page, id, PageKind.entries, number, this.#inPage);
    this.#sink.put(pageKey(id, PageKind.entries, number), bytes);
    this.#inPage = 0;
  }

  #putAll(kind: PageKind, words: Uint32Array): void {
    const { id } = this.#plan;
    const itemWords = ITEM_WORDS[kind];
    const items = words.length / itemWords;
    for (let page = 0; page < pagesFor(kind, items); page++) {
      const first = page * ITEMS_PER_PAGE[kind];
      const count = itemsOfPage(kind, items, page);
      this.#page.set(words.subarray(first * itemWords, (first + count) * itemWords), PAGE_HEADER_WORDS);
      this.#sink.put(pageKey(id, kind, page), sealPage(this.#page, id, kind, page, count));
    }
  }
}

/** Writes a frozen memtable as a segment of level 0. */
export function writeFrozen(plan: Omit<SegmentPlan, 'level' | 'entriesMax'>, table: FrozenMemtable, sink: PageSink) {
  const writer = new SegmentWriter({ ...plan, level: 0, entriesMax: table.count }, sink);
  for (const entry of sortedOrder(table)) writer.add(table.words, entry * ENTRY_WORDS);
  return writer.finish();
}

function keyAt(words: Uint32Array, at: number): KeyWords {
  return [words[at] as number, words[at + 1] as number, words[at + 2] as number, words[at + 3] as number];
}

function sharedWords(length: number): Uint32Array {
  return new Uint32Array(new SharedArrayBuffer(length * 4));
}
