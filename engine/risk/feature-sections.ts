/** Features as they stand in a checkpoint, for whoever compares two. */
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import { FeatureStore } from './features.ts';
import { INDEX_SECTION, type SavedIndex } from './saved-features.ts';

/** What the sections of a checkpoint say in the form of `describe`; undefined when nothing was counted. */
export function describeSections(sections: ReadonlyMap<string, Uint8Array>): string[] | undefined {
  const index = sections.get(INDEX_SECTION);
  if (index === undefined) return undefined;
  const { definitions, tables } = decodeMessagePack(index) as object as SavedIndex;
  const subjectsMax = Math.max(1, ...tables.map(({ used }) => used));
  const largest = Math.max(0, ...[...sections].map(([name, bytes]) => (isCells(name) ? bytes.length : 0)));
  const store = new FeatureStore({ hashSeed: 0, subjectsMax, cellsMax: largest / 4 + 1 });
  store.use(definitions);
  store.restore(sections);
  return store.describe();
}

/** Whether a section is one of those that `describeSections` puts together. */
export function isFeatureSection(name: string): boolean {
  return name === INDEX_SECTION || /^risk\.[0-9]+\./.test(name);
}

function isCells(name: string): boolean {
  return /^risk\.[0-9]+\.cells\./.test(name);
}
