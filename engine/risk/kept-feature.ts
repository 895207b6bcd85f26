/** A feature as it is kept: its counter, the table of its keys, and which payments pass its filters. */
import { partitionOfAccount } from '../hash-id.ts';
import type { TableCopy } from '../ledger/table-copy.ts';
import type { CounterKind, CounterNamed } from './counters.ts';
import { type Facts, type SubjectName, Subjects } from './facts.ts';
import type { FeatureDefinition } from './feature.ts';
import type { KeyTable } from './key-table.ts';
import type { FeatureHash } from './readings.ts';
import type { Surroundings } from './window-lists.ts';

/** One feature, and where it is kept. */
interface FeatureOf<K extends CounterKind> {
  /** That of the counter, here for all in one place: see readFeature. */
  readonly kind: K;
  readonly definition: FeatureDefinition;
  readonly counter: CounterNamed<K>;
  readonly counted: number;
  /** What it says when it does not apply: -1 for `last`. */
  readonly nothing: number;
  readonly table: Table;
  readonly channels: number;
  readonly amounts: FeatureDefinition['amounts'];
  /** By what it is known in other partitions. */
  readonly hash: FeatureHash;
}

export type Feature = { [K in CounterKind]: FeatureOf<K> }[CounterKind];

/** The features of one key. */
export interface Table {
  readonly name: string;
  readonly keys: KeyTable;
  /** What the features keep, `stride` numbers to a row. */
  rows: Float64Array;
  stride: number;
  readonly copy: TableCopy;
  readonly features: Feature[];
  /** Those that count a thing, by Counted value. */
  byCounted: readonly (readonly Feature[])[];
  /** Those in which one of the features may be asked for or counted: a bit each. In others the key is not looked up. */
  channels: number;
  /** First word, in Facts.subjects, of the subject whose partition keeps the keys; LOCAL = each is kept where its payer lives. */
  readonly homeAt: number;
  /** Row of the payment's key, when it was looked up last; ELSEWHERE, then `home` is the partition that keeps it. */
  row: number;
  home: number;
}

/** The key of the payment is kept in another partition. */
export const ELSEWHERE = -3;
export const LOCAL = -1;
const WHOLE_CURRENCY: readonly SubjectName[] = ['payer', 'payee', 'merchant'];

/** Amounts by device, address or card may be of several currencies; an account has one. */
export function isPerCurrency({ measure, by }: FeatureDefinition): boolean {
  const addsAmounts = measure === 'sum' || measure === 'max';
  return addsAmounts && !by.some((subject) => WHOLE_CURRENCY.includes(subject));
}

/** Features with one name share their keys. */
export function tableName(definition: FeatureDefinition): string {
  return definition.by.join('+') + (isPerCurrency(definition) ? '+currency' : '');
}

/** Whether the feature counts such payments. */
export function passes({ channels, amounts }: Feature, { channel, ledger, amount }: Facts): boolean {
  if ((channels & (1 << channel)) === 0) return false;
  if (amounts === undefined) return true;
  for (let index = 0; index < amounts.length; index++) {
    const range = amounts[index] as NonNullable<FeatureDefinition['amounts']>[number];
    if (range.ledger === ledger) return amount >= range.from && amount < range.below;
  }
  return false;
}

/** See Table.homeAt. All payments of a payer are decided in one partition, so what is counted by payer is kept there. */
export function homeSubjectAt({ by }: FeatureDefinition): number {
  const [first] = by;
  return by.includes('payer') || first === undefined ? LOCAL : Subjects[first] * 4;
}

/**
 * Writes what a feature says to `out[at]`. One call for each kind of counter: the compiler then knows what it calls, and puts it in
 * place, where one call for all would look up the method each time.
 *
 * @param counts whether the payment of the facts is counted in it
 */
export function readFeature(feature: Feature, facts: Facts, counts: boolean, out: Float64Array, at: number): void {
  const { row } = feature.table;
  switch (feature.kind) {
    case 'totals':
      return feature.counter.read(row, facts, counts, out, at);
    case 'distinct':
      return feature.counter.read(row, facts, counts, out, at);
    case 'period':
      return feature.counter.read(row, facts, counts, out, at);
    case 'last':
      return feature.counter.read(row, facts, counts, out, at);
    case 'speed':
      return feature.counter.read(row, facts, counts, out, at);
    case 'maximum':
      return feature.counter.read(row, facts, counts, out, at);
  }
}

/** Counts the facts under the key that was looked up, in the same way. */
export function countFeature(feature: Feature, facts: Facts, around: Surroundings): void {
  const { row } = feature.table;
  switch (feature.kind) {
    case 'totals':
      return feature.counter.add(row, facts, around);
    case 'distinct':
      return feature.counter.add(row, facts, around);
    case 'period':
      return feature.counter.add(row, facts);
    case 'last':
      return feature.counter.add(row, facts);
    case 'speed':
      return feature.counter.add(row, facts);
    case 'maximum':
      return feature.counter.add(row, facts, around);
  }
}

/** See FeatureStore.sharedBy. */
export const EXACT_SHIFT = 8;

/** See FeatureStore.sharedBy. */
export function sharedBy(features: readonly Feature[]): number {
  let bits = 0;
  for (const { table, definition } of features) {
    if (table.homeAt === LOCAL) continue;
    const subject = table.homeAt >> 2;
    bits |= (1 << subject) | (definition.exact === true ? 1 << (subject + EXACT_SHIFT) : 0);
  }
  return bits;
}

/** Partition of the id at a word. */
export function partitionAtWord(words: Uint32Array, at: number, partitions: number): number {
  const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = words.subarray(at, at + 4);
  return partitionOfAccount(w0, w1, w2, w3, partitions);
}
