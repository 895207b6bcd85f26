/** The segments that are open for look-ups, of all indexes of a partition, and their shares of memory. */
import { PageCache, type PageReader } from './page-cache.ts';
import { Segment } from './segment.ts';
import type { BuiltSegment, SegmentMeta } from './segment-writer.ts';

export class SegmentCatalogue {
  readonly #cache: PageCache;
  readonly #filterBytesMax: number;
  #open = new Map<number, Segment>();

  constructor(reader: PageReader, options: { readonly filterBytesMax: number; readonly cachePages: number }) {
    this.#cache = new PageCache(reader, options.cachePages);
    this.#filterBytesMax = options.filterBytesMax;
  }

  /** Pages read from LMDB so far. */
  get pageReads(): number {
    return this.#cache.pageReads;
  }

  /** Bytes of filters in memory. */
  get filterBytes(): number {
    let sum = 0;
    for (const segment of this.#open.values()) if (segment.filterLoaded) sum += segment.filterBytes;
    return sum;
  }

  /**
   * Opens the segments listed, keeping those already open, and closes all others.
   *
   * @param built new segments whose fences and filters are in memory already
   * @returns per index the segments, newest first, as listed
   * @throws StorageDamageError when the fences of a segment are damaged
   */
  open(
    indexes: Readonly<Record<string, readonly SegmentMeta[]>>,
    built: readonly BuiltSegment[] = [],
  ): Map<string, readonly Segment[]> {
    const ready = new Map(built.map((segment) => [segment.meta.id, segment]));
    const open = new Map<number, Segment>();
    const lists = new Map<string, readonly Segment[]>();
    for (const [index, metas] of Object.entries(indexes)) {
      const segments = metas.map((meta) => {
        return this.#open.get(meta.id) ?? new Segment(meta, this.#cache, ready.get(meta.id));
      });
      for (const segment of segments) open.set(segment.meta.id, segment);
      lists.set(index, segments);
    }
    const isFirst = this.#open.size === 0;
    this.#open = open;
    this.#shareFilters(isFirst);
    return lists;
  }

  /**
   * Newest first, while the budget lasts: a filter saves the same read per look-up whatever its size, and new segments
   * are the small ones. Filters are read when the partition opens only: later a batch would wait for it.
   */
  #shareFilters(mayRead: boolean): void {
    const newestFirst = [...this.#open.values()].sort((a, b) => b.meta.id - a.meta.id);
    const kept = new Set<Segment>();
    let left = this.#filterBytesMax;
    for (const segment of newestFirst) {
      if (segment.filterBytes > left) continue;
      left -= segment.filterBytes;
      kept.add(segment);
    }
    for (const segment of newestFirst) if (!kept.has(segment)) segment.dropFilter();
    if (mayRead) for (const segment of kept) segment.loadFilter();
  }
}
