/**
 * The features of the rule set in force: what came before, by key, in bounded memory.
 *
 *   table of keys ─┬─ row ─┬─ columns of the first feature  ─ lists of cells
 *   (one by-list)  │       └─ columns of the next …
 *                  └─ …
 *
 * What is kept is a function of the events that were counted and of their order: reading changes nothing. A table exists as long as
 * a feature uses it.
 */
import { decodeMessagePack, encodeMessagePack } from '../../protocol/message-pack.ts';
import { type Column, TableCopy } from '../ledger/table-copy.ts';
import { type Counter, counterOf } from './counters.ts';
import { Counted, type Facts, Subjects, type SubjectName } from './facts.ts';
import type { FeatureDefinition } from './feature.ts';
import { KeyTable, NO_KEY, NO_ROW } from './key-table.ts';
import type { Surroundings } from './window-lists.ts';

export interface FeatureBounds {
  readonly hashSeed: number;
  /** Keys of one table. */
  readonly subjectsMax: number;
  /** Non-empty buckets (or members) of one feature. */
  readonly cellsMax: number;
}

/** One feature, and where it is kept. */
interface Feature {
  readonly definition: FeatureDefinition;
  readonly counter: Counter;
  readonly counted: number;
  /** What it says when it does not apply: -1 for `last`. */
  readonly nothing: number;
  readonly table: Table;
  readonly channels: number;
  readonly amounts: FeatureDefinition['amounts'];
}

/** The features of one key. */
interface Table {
  readonly name: string;
  readonly keys: KeyTable;
  /** What the features keep, `stride` numbers to a row. */
  rows: Float64Array;
  stride: number;
  readonly copy: TableCopy;
  readonly features: Feature[];
  /** Row of the payment's key, when it was looked up last. */
  row: number;
}

const ALL_CHANNELS = 0xffff_ffff;
const NONE: readonly Feature[] = [];
const WHOLE_CURRENCY: readonly SubjectName[] = ['payer', 'payee', 'merchant'];
/** In a checkpoint: what there is, and where. */
const INDEX_SECTION = 'risk.index';

interface SavedTable {
  readonly name: string;
  readonly used: number;
  readonly hand: number;
  readonly evicted: number;
  readonly features: readonly { readonly name: string; readonly hand: number }[];
}

interface SavedIndex {
  readonly definitions: readonly FeatureDefinition[];
  readonly tables: readonly SavedTable[];
  readonly dropped: number;
}

export class FeatureStore {
  /** Counts that found no room, and buckets that went to make room for others. */
  dropped = 0;
  readonly #bounds: FeatureBounds;
  #features: readonly Feature[] = [];
  /** Those that count a thing, by Counted value. */
  #byCounted: readonly (readonly Feature[])[] = [];
  #tables: readonly Table[] = [];
  /** Those that the copy under way, or the last one, is of. */
  #copied: readonly Table[] = [];
  /** The index section of the copy under way. */
  #index: Uint8Array = new Uint8Array(0);
  readonly #around: Surroundings & { rows: number; table: Table | undefined };

  constructor(bounds: FeatureBounds) {
    this.#bounds = bounds;
    this.#around = {
      rows: 0,
      table: undefined,
      change(row) {
        this.table?.copy.before(row);
      },
      drop: () => {
        this.dropped++;
      },
    };
  }

  /** Keys that had to make room for others. */
  get evicted(): number {
    return this.#tables.reduce((sum, { keys }) => sum + keys.evicted, 0);
  }

  /** Rows of all tables: what a copy costs. */
  get rows(): number {
    return this.#tables.reduce((sum, { keys }) => sum + keys.used, 0);
  }

  /** Keeps exactly these features from now on; one that there was before goes on with what it has counted. */
  use(definitions: readonly FeatureDefinition[]): void {
    const known = new Map(this.#features.map((feature) => [feature.definition.name, feature]));
    const before = new Map(this.#tables.map((table) => [table.name, table]));
    const tables = new Map<string, Table>();
    this.#features = definitions.map((definition) => {
      const name = tableName(definition);
      const table = tables.get(name) ?? renewed(before.get(name)) ?? this.#table(name, definition);
      tables.set(name, table);
      const feature = known.get(definition.name) ?? this.#feature(definition, table);
      const kept = feature.table === table ? feature : { ...feature, table };
      table.features.push(kept);
      return kept;
    });
    this.#byCounted = Object.values(Counted).map((thing) => this.#features.filter(({ counted }) => counted === thing));
    this.#tables = [...tables.values()];
    for (const table of this.#tables) this.#layOut(table);
  }

  /**
   * Writes what every feature says at the time of a payment, that payment included. Values are whole numbers, in the order of
   * the definitions. A feature of other channels says nothing: 0.
   */
  read(facts: Facts, values: Float64Array): void {
    this.#locate(facts);
    const features = this.#features;
    const channel = 1 << facts.channel;
    for (let index = 0; index < features.length; index++) {
      const feature = features[index] as Feature;
      const { row } = feature.table;
      if (row === NO_KEY || (feature.channels & channel) === 0) values[index] = feature.nothing;
      else
        values[index] = feature.counter.value(
          row,
          facts,
          feature.counted === Counted.payments && passes(feature, facts),
        );
    }
  }

  /**
   * Counts a payment, or what a signal says, for every feature that counts such things and whose filters it passes.
   *
   * @param wasRead whether these facts were the last that `read` was given: their keys need not be looked up again
   */
  count(facts: Facts, counted: number, wasRead = false): void {
    if (!wasRead) this.#locate(facts);
    const features = this.#byCounted[counted] ?? NONE;
    for (let index = 0; index < features.length; index++) {
      const feature = features[index] as Feature;
      const { table } = feature;
      if (table.row === NO_KEY || !passes(feature, facts)) continue;
      if (table.row === NO_ROW) table.row = table.keys.add((row) => clearRow(table, row));
      table.copy.before(table.row);
      table.keys.touched[table.row] = facts.now;
      this.#around.rows = table.keys.used;
      this.#around.table = table;
      feature.counter.add(table.row, facts, this.#around);
    }
  }

  /** Takes note of everything as it is now, for a copy that `advance` makes. */
  beginCopy(): void {
    this.#copied = this.#tables;
    for (const table of this.#copied) {
      const { copy, keys, features } = table;
      copy.begin(tableColumns(table), keys.used);
      for (const { counter } of features) counter.lists?.cells.beginCopy();
    }
    this.#index = this.#saveIndex();
  }

  /** Copies some rows and cells; returns how many. */
  advance(rows: number): number {
    let done = 0;
    for (const copy of this.#copies()) {
      if (done >= rows) break;
      done += copy.advance(rows - done);
    }
    return done;
  }

  get isCopied(): boolean {
    return this.#copies().every((copy) => copy.isDone);
  }

  /** The sections of a checkpoint, once all is copied; none when nothing is counted. */
  takeCopy(): Record<string, Uint8Array> {
    if (this.#copied.length === 0) return {};
    const sections: Record<string, Uint8Array> = { [INDEX_SECTION]: this.#index };
    this.#copied.forEach(({ copy, features }, table) => {
      copy.take().forEach((bytes, column) => {
        sections[`risk.${table}.${column}`] = bytes;
      });
      features.forEach(({ counter }, feature) => {
        counter.lists?.cells.copy.take().forEach((bytes, column) => {
          sections[`risk.${table}.cells.${feature}.${column}`] = bytes;
        });
      });
    });
    return sections;
  }

  /** Fills the features in use from the sections of a checkpoint; nothing was counted yet. */
  restore(sections: ReadonlyMap<string, Uint8Array>): void {
    const index = sections.get(INDEX_SECTION);
    if (index === undefined) return;
    const { definitions, tables, dropped } = decodeMessagePack(index) as object as SavedIndex;
    const inForce = this.#features.map(({ definition }) => definition);
    // As it was laid out when it was saved; what the rules ask for now goes on with what of it has the same name.
    this.use(definitions);
    this.dropped = dropped;
    tables.forEach((saved, number) => {
      const table = this.#tables.find(({ name }) => name === saved.name);
      if (table === undefined) throw new Error(`the checkpoint has no features by ${saved.name}`);
      restoreTable(table, saved, number, sections);
    });
    this.use(inForce);
  }

  /** All that is kept, one text a key: equal for equal histories, however the store came about. */
  describe(): string[] {
    return this.#tables
      .flatMap(({ name, keys, features }) =>
        Array.from({ length: keys.used }, (_, row) => {
          const values = features.map(
            ({ definition, counter }) => `${definition.name}=${counter.describe(row).join()}`,
          );
          return `${name} ${keys.ids.subarray(row * 4, row * 4 + 4).join()} ${values.sort().join(' ')}`;
        }),
      )
      .sort();
  }

  #locate(facts: Facts): void {
    const tables = this.#tables;
    for (let index = 0; index < tables.length; index++) {
      const table = tables[index] as Table;
      table.row = table.keys.find(facts);
    }
  }

  #copies(): TableCopy[] {
    return this.#copied.flatMap(({ copy, features }) => [
      copy,
      ...features.flatMap(({ counter }) => (counter.lists === undefined ? [] : [counter.lists.cells.copy])),
    ]);
  }

  #saveIndex(): Uint8Array {
    const tables = this.#tables.map(({ name, keys, features }) => ({
      name,
      used: keys.used,
      hand: keys.hand,
      evicted: keys.evicted,
      features: features.map(({ definition, counter }) => ({
        name: definition.name,
        hand: counter.lists?.hand ?? 0,
      })),
    }));
    const definitions = this.#features.map(({ definition }) => definition);
    return encodeMessagePack({ definitions, tables, dropped: this.dropped } satisfies SavedIndex);
  }

  #table(name: string, definition: FeatureDefinition): Table {
    const { hashSeed, subjectsMax } = this.#bounds;
    const keys = new KeyTable({
      capacity: subjectsMax,
      hashSeed,
      subjects: definition.by.map((subject) => Subjects[subject]),
      perCurrency: isPerCurrency(definition),
    });
    return { name, keys, rows: new Float64Array(0), stride: 0, copy: new TableCopy(), features: [], row: NO_KEY };
  }

  /** Gives each feature of the table its place in the rows. Those that were there before take along what they keep. */
  #layOut(table: Table): void {
    const { keys, features } = table;
    const stride = features.reduce((sum, { counter }) => sum + counter.slots.count, 0);
    const rows = new Float64Array(this.#bounds.subjectsMax * stride);
    let offset = 0;
    for (const { counter } of features) {
      counter.slots.move(keys.used, rows, stride, offset);
      offset += counter.slots.count;
    }
    table.rows = rows;
    table.stride = stride;
  }

  #feature(definition: FeatureDefinition, table: Table): Feature {
    const { cellsMax } = this.#bounds;
    return {
      definition,
      counter: counterOf(definition, cellsMax),
      counted: Counted[definition.counts],
      nothing: definition.measure === 'last' ? -1 : 0,
      table,
      channels: definition.channels ?? ALL_CHANNELS,
      amounts: definition.amounts,
    };
  }
}

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

/** The same keys, for other features. The old table stays as it is: a copy of it may be under way. */
function renewed(table: Table | undefined): Table | undefined {
  return table === undefined ? undefined : { ...table, features: [] };
}

/** Amounts by device, address or card may be of several currencies; an account has one. */
function isPerCurrency({ measure, by }: FeatureDefinition): boolean {
  const addsAmounts = measure === 'sum' || measure === 'max';
  return addsAmounts && !by.some((subject) => WHOLE_CURRENCY.includes(subject));
}

function tableName(definition: FeatureDefinition): string {
  return definition.by.join('+') + (isPerCurrency(definition) ? '+currency' : '');
}

function passes({ channels, amounts }: Feature, { channel, ledger, amount }: Facts): boolean {
  if ((channels & (1 << channel)) === 0) return false;
  if (amounts === undefined) return true;
  for (let index = 0; index < amounts.length; index++) {
    const range = amounts[index] as NonNullable<FeatureDefinition['amounts']>[number];
    if (range.ledger === ledger) return amount >= range.from && amount < range.below;
  }
  return false;
}

function clearRow({ features, copy }: Table, row: number): void {
  copy.before(row);
  for (const { counter } of features) counter.clear(row);
}

function tableColumns({ keys, rows, stride }: Table): Column[] {
  return [
    { array: keys.ids, width: 4 },
    { array: keys.touched, width: 1 },
    { array: rows, width: stride },
  ];
}

function restoreTable(
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
    lists.cells.restore([0, 1, 2].map((index) => sections.get(`${prefix}${index}`) ?? new Uint8Array(0)));
    lists.cells.freeAllBut(saved.used, (row) => lists.head(row));
  });
}
