/** Removing what no kept checkpoint lists: leftovers of a crash, and what checkpoints before had. */
import { PageKind, pageKey, segmentOfKey } from '../index/page.ts';
import type { IndexEnvironment } from './environment.ts';
import { type Manifest, stateOf } from './manifest.ts';

/** Keys removed in one transaction. */
const REMOVALS_PER_TRANSACTION = 1024;

/** Removes the pages and section chunks that none of these checkpoints lists. */
export function removeOrphans(environment: IndexEnvironment, kept: readonly Manifest[]): void {
  for (const _ of orphanRemovals(environment, kept, { segments: [], states: [] }));
}

/**
 * The same, a transaction at a time.
 *
 * @param spared what is being written, or not listed yet
 */
export function* orphanRemovals(
  environment: IndexEnvironment,
  kept: readonly Manifest[],
  spared: { readonly segments: readonly number[]; readonly states: readonly number[] },
): Generator<void> {
  const segments = new Set(kept.flatMap((manifest) => Object.values(manifest.indexes).flat()).map((meta) => meta.id));
  for (const id of spared.segments) segments.add(id);
  for (const id of storedSegments(environment)) {
    if (!segments.has(id)) yield* removeSegment(environment, id);
  }
  const states = new Set([...kept.map((manifest) => stateOf(manifest).id), ...spared.states]);
  for (const id of storedSectionOwners(environment)) {
    if (!states.has(id)) yield* removeSections(environment, id);
  }
}

/** Ids of the segments that have pages, ascending. One seek each. */
export function storedSegments(environment: IndexEnvironment): number[] {
  const ids: number[] = [];
  let start = 0;
  for (;;) {
    const [next] = environment.pages.getKeys({ start, limit: 1 });
    if (next === undefined) return ids;
    const id = segmentOfKey(next);
    ids.push(id);
    start = pageKey(id + 1, PageKind.entries, 0);
  }
}

function storedSectionOwners(environment: IndexEnvironment): number[] {
  const ids: number[] = [];
  let start = 0;
  for (;;) {
    const [next] = environment.sections.getKeys({ start: [start], limit: 1 });
    const id = next?.[0];
    if (id === undefined) return ids;
    ids.push(id);
    start = id + 1;
  }
}

function* removeSegment(environment: IndexEnvironment, id: number): Generator<void> {
  const range = { start: pageKey(id, 0, 0), end: pageKey(id + 1, 0, 0), limit: REMOVALS_PER_TRANSACTION };
  for (;;) {
    const keys = [...environment.pages.getKeys(range)];
    if (keys.length === 0) return;
    environment.transaction(() => {
      for (const key of keys) environment.pages.removeSync(key);
    });
    environment.refresh();
    yield;
  }
}

function* removeSections(environment: IndexEnvironment, id: number): Generator<void> {
  const range = { start: [id], end: [id + 1], limit: REMOVALS_PER_TRANSACTION };
  for (;;) {
    const keys = [...environment.sections.getKeys(range)];
    if (keys.length === 0) return;
    environment.transaction(() => {
      for (const key of keys) environment.sections.removeSync(key);
    });
    environment.refresh();
    yield;
  }
}
