/** The features of a store in a checkpoint. */
import { encodeMessagePack } from '../../protocol/message-pack.ts';
import type { Column } from '../ledger/table-copy.ts';
import type { FeatureDefinition } from './feature.ts';
import type { Feature, Table } from './kept-feature.ts';

/** In a checkpoint: what there is, and where. */
export const INDEX_SECTION = 'risk.index';

export interface SavedTable {
  readonly name: string;
  readonly used: number;
  readonly hand: number;
  readonly evicted: number;
  readonly features: readonly { readonly name: string; readonly hand: number }[];
}

export interface SavedIndex {
  readonly definitions: readonly FeatureDefinition[];
  readonly tables: readonly SavedTable[];
  readonly dropped: number;
}

/** Forgets what is kept of a row. */
export function clearRow({ features, copy }: Table, row: number): void {
  copy.before(row);
  for (const { counter } of features) counter.clear(row);
}

/** What there is to copy. */
export function tableColumns({ keys, rows, stride }: Table): Column[] {
  return [
    { array: keys.ids, width: 4 },
    { array: keys.touched, width: 1 },
    { array: rows, width: stride },
  ];
}

/** The index section of a checkpoint. */
export function saveIndex(features: readonly Feature[], tables: readonly Table[], dropped: number): Uint8Array {
  const saved = tables.map(({ name, keys, features }) => ({
    name,
    used: keys.used,
    hand: keys.hand,
    evicted: keys.evicted,
    features: features.map(({ definition, counter }) => ({ name: definition.name, hand: counter.lists?.hand ?? 0 })),
  }));
  const definitions = features.map(({ definition }) => definition);
  return encodeMessagePack({ definitions, tables: saved, dropped } satisfies SavedIndex);
}

/** Fills an empty table from the sections of a checkpoint. */
export function restoreTable(
  table: Table,
  saved: SavedTable,
  number: number,
  sections: ReadonlyMap<string, Uint8Array>,
): void {
  const { keys, features } = table;
  tableColumns(table).forEach(({ array }, column) => {
    const name = `risk.${number}.${column}`;
    const bytes = sections.get(name);
    if (bytes === undefined) throw new Error(`the checkpoint has no section ${name}`);
    new Uint8Array(array.buffer, 0, bytes.length).set(bytes);
  });
  keys.restore(saved.used, saved.hand);
  keys.evicted = saved.evicted;
  saved.features.forEach(({ name, hand }, place) => {
    const feature = features[place];
    if (feature?.definition.name !== name) throw new Error(`the rule set in force does not keep ${name} there`);
    const { lists } = feature.counter;
    if (lists === undefined) return;
    lists.hand = hand;
    const prefix = `risk.${number}.cells.${place}.`;
    lists.cells.restore(sections.get(`${prefix}0`) ?? new Uint8Array(0));
    lists.cells.freeAllBut(saved.used, (row) => lists.head(row));
  });
}
