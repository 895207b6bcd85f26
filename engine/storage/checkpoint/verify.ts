/** Reading everything that the kept checkpoints consist of, and naming what is damaged. */

import { hashId } from '../../hash-id.ts';
import { BLOCK_WORDS, blockOf, hasBits } from '../index/filter.ts';
import { hashKeyAgain } from '../index/key-hash.ts';
import { ENTRY_WORDS } from '../index/memtable.ts';
import {
  ITEM_WORDS,
  ITEMS_PER_PAGE,
  itemsOfPage,
  PAGE_BYTES_MAX,
  PAGE_HEADER_WORDS,
  PageKind,
  pageKey,
  pageProblem,
  pagesFor,
  StorageDamageError,
} from '../index/page.ts';
import type { SegmentMeta } from '../index/segment-writer.ts';
import { compareKeys } from '../index/sort-entries.ts';
import type { IndexEnvironment } from './environment.ts';
import { type Finding, indexFinding } from './findings.ts';
import { type Manifest, stateOf } from './manifest.ts';
import { walkSection } from './sections.ts';

const TWO_32 = 0x1_0000_0000;

export interface VerifyReport {
  /** Checkpoints whose manifest could be read. */
  readonly checkpoints: number;
  readonly segments: number;
  readonly entries: number;
  readonly findings: readonly Finding[];
}

/**
 * @param found the findings of reading the manifests
 * @param onProgress told the entries that were checked, and all that there are
 */
export function verifyAll(
  environment: IndexEnvironment,
  manifests: readonly Manifest[],
  found: readonly Finding[],
  onProgress: (done: number, total: number) => void = () => undefined,
): VerifyReport {
  // The two checkpoints list most segments both.
  const listed = manifests.flatMap(({ indexes }) => Object.values(indexes).flat());
  const sizes = new Map(listed.map((meta) => [meta.id, meta.entries]));
  const total = [...sizes.values()].reduce((sum, size) => sum + size, 0);
  const findings = [...found];
  const seen = new Set<number>();
  const states = new Set<number>();
  let entries = 0;
  for (const manifest of manifests) {
    const { id } = stateOf(manifest);
    if (!states.has(id)) {
      states.add(id);
      for (const number of manifest.sections.keys()) walkSection(environment, manifest, number, findings);
    }
    for (const [index, metas] of Object.entries(manifest.indexes)) {
      for (const meta of metas) {
        if (seen.has(meta.id)) continue;
        seen.add(meta.id);
        entries += meta.entries;
        new SegmentCheck(environment, manifest, index, meta, findings).run();
        onProgress(entries, total);
      }
    }
  }
  return { checkpoints: manifests.length, segments: seen.size, entries, findings };
}

/** One segment: every page, their order, and that fences, filter, counts and range say the same as the entries. */
class SegmentCheck {
  readonly #environment: IndexEnvironment;
  readonly #manifest: Manifest;
  readonly #index: string;
  readonly #meta: SegmentMeta;
  readonly #findings: Finding[];
  readonly #page = new Uint32Array(PAGE_BYTES_MAX >> 2);
  readonly #bytes = new Uint8Array(this.#page.buffer);
  readonly #last = new Uint32Array(ENTRY_WORDS);

  constructor(
    environment: IndexEnvironment,
    manifest: Manifest,
    index: string,
    meta: SegmentMeta,
    findings: Finding[],
  ) {
    this.#environment = environment;
    this.#manifest = manifest;
    this.#index = index;
    this.#meta = meta;
    this.#findings = findings;
  }

  run(): void {
    const { entries, filterBlocks } = this.#meta;
    const pages = pagesFor(PageKind.entries, entries);
    const filter = this.#collect(PageKind.filter, filterBlocks);
    const fences = this.#collect(PageKind.fences, pages);
    let follows = false;
    for (let page = 0; page < pages; page++) {
      if (!this.#read(PageKind.entries, page, entries)) {
        follows = false;
        continue;
      }
      const count = itemsOfPage(PageKind.entries, entries, page);
      if (fences !== undefined && this.#differs(PAGE_HEADER_WORDS, fences, page * 4)) {
        this.#report(PageKind.entries, page, 'does not begin with the key of its fence');
      }
      this.#checkEntries(page, count, follows, filter);
      this.#checkRange(page, count, pages);
      follows = true;
    }
  }

  #checkEntries(page: number, count: number, follows: boolean, filter: Uint32Array | undefined): void {
    const words = this.#page;
    let compare = follows;
    for (let entry = 0; entry < count; entry++) {
      const at = PAGE_HEADER_WORDS + entry * ENTRY_WORDS;
      const problem =
        compare && compareKeys(this.#last, 0, words, at) >= 0
          ? 'is not above the one before'
          : this.#entryProblem(at, filter);
      if (problem !== undefined) {
        this.#report(PageKind.entries, page, `entry ${entry} ${problem}`);
        compare = false;
        return;
      }
      this.#last.set(words.subarray(at, at + ENTRY_WORDS));
      compare = true;
    }
  }

  #entryProblem(at: number, filter: Uint32Array | undefined): string | undefined {
    const [w0 = 0, w1 = 0, w2 = 0, w3 = 0, low = 0, high = 0] = this.#page.subarray(at, at + ENTRY_WORDS);
    const lsn = high * TWO_32 + low;
    if (lsn === 0 || lsn >= this.#manifest.lsn) return `has position ${lsn}, not one before the checkpoint`;
    if (filter === undefined) return undefined;
    const { hashSeed } = this.#manifest;
    const a = hashId(w0, w1, w2, w3, hashSeed);
    const b = hashKeyAgain(w0, w1, w2, w3, hashSeed);
    return hasBits(filter, blockOf(a, this.#meta.filterBlocks) * BLOCK_WORDS, a, b) === 1
      ? undefined
      : 'is not in the filter';
  }

  #checkRange(page: number, count: number, pages: number): void {
    const { min, max } = this.#meta;
    if (page === 0 && this.#differs(PAGE_HEADER_WORDS, Uint32Array.from(min), 0)) {
      this.#report(PageKind.entries, page, 'does not begin with the smallest key of the manifest');
    }
    const last = PAGE_HEADER_WORDS + (count - 1) * ENTRY_WORDS;
    if (page === pages - 1 && this.#differs(last, Uint32Array.from(max), 0)) {
      this.#report(PageKind.entries, page, 'does not end with the largest key of the manifest');
    }
  }

  #differs(at: number, key: Uint32Array, keyAt: number): boolean {
    return compareKeys(this.#page, at, key, keyAt) !== 0;
  }

  /** All items of a kind; undefined when a page of them is damaged. */
  #collect(kind: PageKind, items: number): Uint32Array | undefined {
    const itemWords = ITEM_WORDS[kind];
    const all = new Uint32Array(items * itemWords);
    let whole = true;
    for (let page = 0; page < pagesFor(kind, items); page++) {
      if (!this.#read(kind, page, items)) {
        whole = false;
        continue;
      }
      const words = itemsOfPage(kind, items, page) * itemWords;
      all.set(
        this.#page.subarray(PAGE_HEADER_WORDS, PAGE_HEADER_WORDS + words),
        page * ITEMS_PER_PAGE[kind] * itemWords,
      );
    }
    return whole ? all : undefined;
  }

  /** Brings a page into `#page`; false when it is damaged. */
  #read(kind: PageKind, page: number, items: number): boolean {
    const stored = this.#environment.pages.getBinaryFast(pageKey(this.#meta.id, kind, page));
    const problem = this.#copyProblem(stored, kind, page) ?? this.#countProblem(kind, page, items);
    if (problem !== undefined) this.#report(kind, page, problem);
    return problem === undefined;
  }

  #copyProblem(stored: Uint8Array | undefined, kind: PageKind, page: number): string | undefined {
    if (stored === undefined) return 'is missing';
    const { length } = stored;
    if (length > PAGE_BYTES_MAX) return `is ${length} bytes long`;
    this.#bytes.set(stored.subarray(0, length));
    return pageProblem(this.#bytes.subarray(0, length), this.#meta.id, kind, page);
  }

  #countProblem(kind: PageKind, page: number, items: number): string | undefined {
    const expected = itemsOfPage(kind, items, page);
    return this.#page[3] === expected ? undefined : `holds ${this.#page[3]} items, not ${expected}`;
  }

  #report(kind: PageKind, page: number, problem: string): void {
    const error = new StorageDamageError(this.#meta.id, kind, page, problem);
    this.#findings.push(indexFinding(error, this.#manifest.lsn, this.#index));
  }
}
