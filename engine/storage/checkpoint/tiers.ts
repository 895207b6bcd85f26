/** Which segments of an index are to be merged. */
import type { SegmentMeta } from '../index/segment-writer.ts';

export interface TierLimits {
  /** Segments of one level that are merged into one of the next. */
  readonly fanIn: number;
  /** Entries of the largest segment: bounds the time and memory of a merge. */
  readonly segmentEntriesMax: number;
}

/**
 * The next merge, as a range of the list. The segments of a level are neighbours and stay so: their merged segment
 * takes their place and is the newest of its level.
 *
 * @param segments newest first, levels ascending
 * @param spared segments that are not to be touched: one that cannot be read
 */
export function nextMerge(
  segments: readonly SegmentMeta[],
  limits: TierLimits,
  spared: ReadonlySet<number>,
): { readonly from: number; readonly to: number } | undefined {
  let from = 0;
  while (from < segments.length) {
    const { level } = segments[from] as SegmentMeta;
    let to = from;
    let entries = 0;
    for (; to < segments.length; to++) {
      const segment = segments[to] as SegmentMeta;
      entries += segment.entries;
      if (segment.level !== level || entries > limits.segmentEntriesMax || spared.has(segment.id)) break;
    }
    if (to - from >= limits.fanIn) return { from, to };
    do from++;
    while (segments[from]?.level === level);
  }
  return undefined;
}
