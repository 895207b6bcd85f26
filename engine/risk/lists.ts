/**
 * Lists that rules name and people fill at run time: blocked merchants, trusted devices. The same in every partition. A list is a
 * table of subject keys (facts.ts); each change is an entity event, and a checkpoint has the members as they stand.
 *
 * Members are in the order of their arrival, except that the last takes the place of one that is removed: equal histories make
 * equal lists, so that a replay can be compared with a checkpoint.
 */

import { deriveId, parseId } from '../../protocol/ids.ts';
import { type PutRiskListBody, REGISTRY_LIMITS } from '../../protocol/registry-bodies.ts';
import { Code } from '../../protocol/results.ts';
import type { Entities } from '../entity/entities.ts';
import { wordsOf } from '../entity/entities.ts';
import { EntityTables } from '../entity/event.ts';
import { IdTable, NO_ROW } from '../ledger/id-table.ts';

const INITIAL_MEMBERS = 64;

class RiskList {
  count = 0;
  #ids = new Uint32Array(INITIAL_MEMBERS * 4);
  readonly #table: IdTable;
  /** The members as a checkpoint saves them, until they change. */
  #saved: Uint8Array | undefined;

  constructor(hashSeed: number) {
    this.#table = new IdTable(hashSeed);
  }

  /** Whether the key at word `at` is a member. */
  has(words: Uint32Array, at: number): boolean {
    return this.#find(words, at) !== NO_ROW;
  }

  add(key: Uint32Array): void {
    if (this.has(key, 0)) return;
    if ((this.count + 1) * 4 > this.#ids.length) {
      const larger = new Uint32Array(this.#ids.length * 2);
      larger.set(this.#ids);
      this.#ids = larger;
    }
    this.#ids.set(key, this.count * 4);
    this.#table.add(this.#ids, this.count++);
    this.#saved = undefined;
  }

  remove(key: Uint32Array): void {
    const row = this.#find(key, 0);
    if (row === NO_ROW) return;
    const last = this.count - 1;
    this.#table.remove(this.#ids, row);
    if (row !== last) {
      this.#table.remove(this.#ids, last);
      this.#ids.copyWithin(row * 4, last * 4, last * 4 + 4);
      this.#table.add(this.#ids, row);
    }
    this.count = last;
    this.#saved = undefined;
  }

  /** Keys from member `start` on, as 32 hex digits. */
  page(start: number, limit: number): string[] {
    const end = Math.min(this.count, start + limit);
    const keys: string[] = [];
    for (let row = start; row < end; row++) {
      const words = [...this.#ids.subarray(row * 4, row * 4 + 4)].reverse();
      keys.push(words.map((word) => word.toString(16).padStart(8, '0')).join(''));
    }
    return keys;
  }

  /** In shared memory; the same as long as nothing changes. */
  save(): Uint8Array {
    if (this.#saved === undefined) {
      const bytes = this.count * 16;
      this.#saved = new Uint8Array(new SharedArrayBuffer(bytes));
      this.#saved.set(new Uint8Array(this.#ids.buffer, 0, bytes));
    }
    return this.#saved;
  }

  restore(saved: Uint8Array): void {
    const ids = new Uint32Array(saved.slice().buffer);
    this.#table.reserve(ids.length / 4);
    for (let at = 0; at < ids.length; at += 4) this.add(ids.subarray(at, at + 4));
  }

  #find(words: Uint32Array, at: number): number {
    const [w0, w1, w2, w3] = [words[at], words[at + 1], words[at + 2], words[at + 3]] as [
      number,
      number,
      number,
      number,
    ];
    return this.#table.find(this.#ids, w0, w1, w2, w3);
  }
}

/** The lists as they stand after the changes that were applied. */
export class ListMembers {
  readonly #hashSeed: number;
  readonly #lists = new Map<string, RiskList>();

  constructor(hashSeed: number) {
    this.#hashSeed = hashSeed;
  }

  /** How many lists there are. */
  get size(): number {
    return this.#lists.size;
  }

  /** Whether the key at word `at` of `subjects` is in a list. Zeros are in none. */
  has(name: string, subjects: Uint32Array, at: number): boolean {
    return this.#lists.get(name)?.has(subjects, at) ?? false;
  }

  /** Carries out a change; for decisions and for replay. */
  apply({ name, add, remove }: PutRiskListBody): void {
    const list = this.#list(name);
    for (const key of remove) list.remove(keyOf(key));
    for (const key of add) list.add(keyOf(key));
  }

  /** Members of a list; undefined when there is none of this name. */
  countOf(name: string): number | undefined {
    return this.#lists.get(name)?.count;
  }

  /** Lists that were put, in the order of their names. */
  summaries(): { readonly name: string; readonly size: number }[] {
    return this.#names().map((name) => ({ name, size: this.#list(name).count }));
  }

  /** Keys from a place on; undefined when there is no such list. What is removed meanwhile can move a member out of a page. */
  page(
    name: string,
    start: number,
    limit: number,
  ): { readonly members: string[]; readonly nextCursor: number } | undefined {
    const list = this.#lists.get(name);
    if (list === undefined) return undefined;
    const members = list.page(start, limit);
    const next = start + members.length;
    return { members, nextCursor: members.length > 0 && next < list.count ? next : 0 };
  }

  /** Names of all lists, and the members of those that have some. */
  save(): { readonly names: readonly string[]; readonly sections: Readonly<Record<string, Uint8Array>> } {
    const names = this.#names();
    const filled = names.filter((name) => this.#list(name).count > 0);
    return { names, sections: Object.fromEntries(filled.map((name) => [sectionOf(name), this.#list(name).save()])) };
  }

  restore(names: readonly string[], sections: ReadonlyMap<string, Uint8Array>): void {
    for (const name of names) this.#list(name).restore(sections.get(sectionOf(name)) ?? new Uint8Array(0));
  }

  #names(): string[] {
    return [...this.#lists.keys()].sort();
  }

  #list(name: string): RiskList {
    const known = this.#lists.get(name);
    if (known !== undefined) return known;
    const list = new RiskList(this.#hashSeed);
    this.#lists.set(name, list);
    return list;
  }
}

/** The lists of a partition, and the command that changes them. */
export class RiskLists extends ListMembers {
  readonly #entities: Entities;

  constructor(entities: Entities, hashSeed: number) {
    super(hashSeed);
    this.#entities = entities;
  }

  put(institution: number, body: PutRiskListBody): number {
    const { name } = body;
    const before = this.countOf(name);
    const isNew = before === undefined;
    if (isNew && this.size >= REGISTRY_LIMITS.lists) return Code.riskListFull;
    const has = (key: string): boolean => this.has(name, keyOf(key), 0);
    const added = new Set(body.add);
    const removed = [...new Set(body.remove)].filter((key) => !added.has(key) && has(key));
    const missing = [...added].filter((key) => !has(key));
    if ((before ?? 0) + missing.length - removed.length > REGISTRY_LIMITS.membersPerList) return Code.riskListFull;
    if (!isNew && missing.length + removed.length === 0) return Code.ok;
    const change = { name, add: missing, remove: removed };
    this.#entities.write(EntityTables.listChange, wordsOf(deriveId('riskList', name)), institution, change);
    this.apply(change);
    return Code.ok;
  }
}

function sectionOf(name: string): string {
  return `list.${name}`;
}

function keyOf(text: string): Uint32Array {
  return wordsOf(parseId(text) ?? 0n);
}
