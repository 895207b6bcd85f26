/**
 * The features of the rule set in force: what came before, by key, in bounded memory.
 *
 *   table of keys ─┬─ row ─┬─ columns of the first feature  ─ lists of cells
 *   (one by-list)  │       └─ columns of the next …
 *                  └─ …
 *
 * With several partitions, a key that is not a payer's is kept in one of them, which the others tell and ask (shared-counts.ts, readings.ts).
 * What is kept is a function of the events that were counted and of their order: reading changes nothing, and is done when a rule asks. A table exists as long as
 * a feature uses it.
 */
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import { TableCopy } from '../ledger/table-copy.ts';
import { counterOf } from './counters.ts';
import { FEATURES_MAX } from './decision.ts';
import type { FeatureValues } from './evaluate.ts';
import { withReserved } from './exact.ts';
import { Counted, type Facts, newFacts, Subjects } from './facts.ts';
import type { FeatureDefinition } from './feature.ts';
import {
  countFeature,
  ELSEWHERE,
  type Feature,
  homeSubjectAt,
  isPerCurrency,
  LOCAL,
  partitionAtWord,
  passes,
  readFeature,
  sharedBy,
  type Table,
  tableName,
} from './kept-feature.ts';
import { KeyTable, NO_KEY, NO_ROW } from './key-table.ts';
import { addReading, featureHash, findReading, type Readings } from './readings.ts';
import { Reservations } from './reservations.ts';
import { clearRow, INDEX_SECTION, restoreTable, type SavedIndex, saveIndex, tableColumns } from './saved-features.ts';
import type { Surroundings } from './window-lists.ts';

export interface FeatureBounds {
  readonly hashSeed: number;
  /** Keys of one table. */
  readonly subjectsMax: number;
  /** Non-empty buckets (or members) of one feature. */
  readonly cellsMax: number;
  /** Which partition this is, of how many. Absent = the only one. */
  readonly place?: { readonly partition: number; readonly partitions: number };
}

const ALL_CHANNELS = 0xffff_ffff;
const NONE: readonly Feature[] = [];
/** No payment's key in the reservations. */
const NOBODY = '';
export class FeatureStore implements FeatureValues {
  /** What was asked for since the last look: places, and by place the values. */
  readonly taken = new Uint8Array(FEATURES_MAX);
  takenCount = 0;
  readonly values = new Float64Array(FEATURES_MAX);
  readonly #isTaken = new Uint8Array(FEATURES_MAX);
  #facts = newFacts();
  #readings: Readings | undefined;
  /** Counts that found no room, and buckets that went to make room for others. */
  dropped = 0;
  readonly #bounds: FeatureBounds;
  #features: readonly Feature[] = [];
  #tables: readonly Table[] = [];
  /** Those that the copy under way, or the last one, is of. */
  #copied: readonly Table[] = [];
  /** The index section of the copy under way. */
  #index: Uint8Array = new Uint8Array(0);
  /** What others have read exactly and not decided. */
  readonly reserved = new Reservations();
  /** Other partitions that keep a key of what was counted last, and a feature that counts it. */
  readonly elsewhere: number[] = [];
  /** Subjects by which keys are kept in other partitions too: a bit each, by Subjects; EXACT_SHIFT higher those that are read exactly. */
  sharedBy = 0;
  readonly #partition: number;
  readonly #partitions: number;
  readonly #answer = new Float64Array(1);
  readonly #around: Surroundings & { rows: number; table: Table | undefined };

  constructor(bounds: FeatureBounds) {
    this.#bounds = bounds;
    this.#partition = bounds.place?.partition ?? 0;
    this.#partitions = bounds.place?.partitions ?? 1;
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
      const kept = { ...feature, definition, table };
      table.features.push(kept);
      return kept;
    });
    this.#tables = [...tables.values()];
    for (const table of this.#tables) this.#layOut(table);
    this.sharedBy = this.#partitions === 1 ? 0 : sharedBy(this.#features);
  }

  /**
   * Looks at a payment: `get` then says what the features say of it, at its time, itself included.
   *
   * @param facts must stay as they are until the next look
   * @param readings what other partitions say of features whose keys they keep; what they did not tell was never counted
   */
  look(facts: Facts, readings?: Readings): void {
    for (let index = 0; index < this.takenCount; index++) this.#isTaken[this.taken[index] as number] = 0;
    this.takenCount = 0;
    this.#facts = facts;
    this.#readings = readings;
    this.#locate(facts);
  }

  /** What the feature at a place of the definitions says: a whole number. Of other channels than its own it says 0. */
  get(place: number): number {
    if (this.#isTaken[place] === 0) this.#take(place);
    return this.values[place] as number;
  }

  #take(place: number): void {
    this.#isTaken[place] = 1;
    this.taken[this.takenCount++] = place;
    const { values } = this;
    const facts = this.#facts;
    const feature = this.#features[place] as Feature;
    const { row } = feature.table;
    if (row === NO_KEY || (feature.channels & (1 << facts.channel)) === 0) values[place] = feature.nothing;
    else this.#read(feature, facts, NOBODY, values, place);
    if (row !== ELSEWHERE || this.#readings === undefined) return;
    values[place] = findReading(this.#readings, feature.hash) ?? (values[place] as number);
  }

  /**
   * Answers another partition: adds what the features say whose keys are kept here to the readings at word `at`.
   *
   * @param own the payment's key in the reservations
   */
  answer(facts: Facts, words: Uint32Array, at: number, own: string): void {
    this.#locate(facts);
    for (const feature of this.#features) {
      const { row, homeAt } = feature.table;
      if (homeAt === LOCAL || row === NO_KEY || row === ELSEWHERE) continue;
      this.#read(feature, facts, own, this.#answer, 0);
      addReading(words, at, feature.hash, this.#answer[0] as number);
    }
  }

  /**
   * Counts a payment, or what a signal says, for every feature that counts such things and whose filters it passes.
   *
   * @param wasRead whether these facts were the last that were looked at: their keys need not be looked up again
   */
  count(facts: Facts, counted: number, wasRead = false): void {
    if (!wasRead) this.#locate(facts);
    this.#count(facts, counted, false);
    if (this.sharedBy !== 0) this.#findElsewhere(facts, counted);
  }

  /** Counts what another partition has decided, by the keys that are kept here. */
  countOfOthers(facts: Facts, counted: number): void {
    this.#locate(facts);
    this.#count(facts, counted, true);
  }

  #count(facts: Facts, counted: number, onlyShared: boolean): void {
    const tables = this.#tables;
    for (let index = 0; index < tables.length; index++) {
      const table = tables[index] as Table;
      if (table.row === NO_KEY || table.row === ELSEWHERE) continue;
      if (onlyShared && table.homeAt === LOCAL) continue;
      this.#countIn(table, facts, table.byCounted[counted] ?? NONE);
    }
  }

  #countIn(table: Table, facts: Facts, features: readonly Feature[]): void {
    let isReady = false;
    for (let index = 0; index < features.length; index++) {
      const feature = features[index] as Feature;
      if (!passes(feature, facts)) continue;
      if (!isReady) this.#prepareRow(table, facts.now);
      isReady = true;
      countFeature(feature, facts, this.#around);
    }
  }

  /** Makes the row of the key that was looked up ready to change. */
  #prepareRow(table: Table, now: number): void {
    const { keys, copy } = table;
    if (table.row === NO_ROW) table.row = keys.add((row) => clearRow(table, row));
    copy.before(table.row);
    keys.touched[table.row] = now;
    this.#around.rows = keys.used;
    this.#around.table = table;
  }

  /** Takes note of everything as it is now, for a copy that `advance` makes. */
  beginCopy(): void {
    this.#copied = this.#tables;
    for (const table of this.#copied) {
      const { copy, keys, features } = table;
      copy.begin(tableColumns(table), keys.used);
      for (const { counter } of features) counter.lists?.cells.beginCopy();
    }
    this.#index = saveIndex(this.#features, this.#tables, this.dropped);
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
    const channel = 1 << facts.channel;
    for (let index = 0; index < tables.length; index++) {
      const table = tables[index] as Table;
      table.row = (table.channels & channel) === 0 ? NO_KEY : table.keys.find(facts);
    }
    if (this.sharedBy !== 0) this.#locateHomes(facts);
  }

  #locateHomes({ subjects }: Facts): void {
    for (const table of this.#tables) {
      const { homeAt } = table;
      if (homeAt === LOCAL || table.row === NO_KEY) continue;
      table.home = partitionAtWord(subjects, homeAt, this.#partitions);
      if (table.home !== this.#partition) table.row = ELSEWHERE;
    }
  }

  /** Who has to be told: where a key is kept by which something is counted, or was read exactly. */
  #findElsewhere(facts: Facts, counted: number): void {
    const { elsewhere } = this;
    elsewhere.length = 0;
    for (const feature of this.#features) {
      const { row, home } = feature.table;
      if (row !== ELSEWHERE || elsewhere.includes(home)) continue;
      const isCounted = feature.counted === counted && passes(feature, facts);
      if (isCounted || feature.definition.exact === true) elsewhere.push(home);
    }
  }

  #read(feature: Feature, facts: Facts, own: string, out: Float64Array, at: number): void {
    const counts = feature.counted === Counted.payments && passes(feature, facts);
    readFeature(feature, facts, counts, out, at);
    if (feature.definition.exact !== true || this.reserved.size === 0) return;
    out[at] = withReserved(feature, facts, out[at] as number, counts, this.reserved.others(facts.now, own));
  }

  #copies(): TableCopy[] {
    return this.#copied.flatMap(({ copy, features }) => [
      copy,
      ...features.flatMap(({ counter }) => (counter.lists === undefined ? [] : [counter.lists.cells.copy])),
    ]);
  }

  #table(name: string, definition: FeatureDefinition): Table {
    const { hashSeed, subjectsMax } = this.#bounds;
    const keys = new KeyTable({
      capacity: subjectsMax,
      hashSeed,
      subjects: definition.by.map((subject) => Subjects[subject]),
      perCurrency: isPerCurrency(definition),
    });
    return {
      name,
      keys,
      rows: new Float64Array(0),
      stride: 0,
      copy: new TableCopy(),
      features: [],
      byCounted: [],
      channels: 0,
      homeAt: homeSubjectAt(definition),
      row: NO_KEY,
      home: 0,
    };
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
    table.byCounted = Object.values(Counted).map((thing) => features.filter(({ counted }) => counted === thing));
    table.channels = features.reduce((bits, feature) => bits | feature.channels, 0);
  }

  #feature(definition: FeatureDefinition, table: Table): Feature {
    const { cellsMax } = this.#bounds;
    const counter = counterOf(definition, cellsMax);
    return {
      kind: counter.kind,
      definition,
      counter,
      counted: Counted[definition.counts],
      nothing: definition.measure === 'last' ? -1 : 0,
      table,
      channels: definition.channels ?? ALL_CHANNELS,
      amounts: definition.amounts,
      hash: featureHash(definition.name),
    } as Feature;
  }
}

/** The same keys, for other features. The old table stays as it is: a copy of it may be under way. */
function renewed(table: Table | undefined): Table | undefined {
  return table === undefined ? undefined : { ...table, features: [] };
}
