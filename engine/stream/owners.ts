/**
 * Who owns which account of a partition, for readers beside the partition's thread: taken from the newest checkpoint, then
 * from the account events after it. Owners never change. 28 bytes an account, and 8 of hash table.
 */
import { Code } from '../../protocol/results.ts';
import { hashId } from '../hash-id.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES } from '../journal/header.ts';
import type { Journal } from '../journal/journal.ts';
import { EVENT_PREFIX_BYTES, EventTypes, eventView } from '../ledger/events.ts';
import { AccountWord } from '../ledger/words.ts';
import { CheckpointStore } from '../storage/checkpoint/checkpoint-store.ts';
import { stateOf } from '../storage/checkpoint/manifest.ts';

const INITIAL_CAPACITY = 1024;
const ID_WORDS = 4;

export class Owners {
  readonly #seed: number;
  #count = 0;
  #ids = new Uint32Array(INITIAL_CAPACITY * ID_WORDS);
  #owners = new Uint32Array(INITIAL_CAPACITY);
  #openedAt = new Float64Array(INITIAL_CAPACITY);
  /** Open addressing; holds index + 1, 0 = free; at most half full. */
  #slots = new Uint32Array(INITIAL_CAPACITY * 2);
  /** Everything before this position was looked at. */
  #next = 0;

  constructor(hashSeed: number) {
    this.#seed = hashSeed;
  }

  get count(): number {
    return this.#count;
  }

  /** Owner of an account that was open at `lsn`. */
  ownerOf(id: bigint, lsn: number): number | undefined {
    const word = (shift: bigint): number => Number((id >> shift) & 0xffff_ffffn);
    const index = this.#find(word(0n), word(32n), word(64n), word(96n));
    return index < 0 || (this.#openedAt[index] as number) > lsn ? undefined : this.#owners[index];
  }

  /** Takes what a checkpoint has, so that a long journal is not read from its start. A damaged one is passed over. */
  async load(indexPath: string): Promise<void> {
    const store = new CheckpointStore({ path: indexPath, hashSeed: this.#seed, cachePages: 1, readOnly: true });
    try {
      for (const manifest of store.all().manifests) {
        const parts = ['accounts.ids', 'accounts.owner', 'accounts.createdLsn'].map((name) =>
          store.section(manifest, name),
        );
        const [ids, owners, openedAt] = parts;
        if (ids === undefined || owners === undefined || openedAt === undefined) continue;
        this.#take(new Uint32Array(ids.buffer), new Uint32Array(owners.buffer), new Float64Array(openedAt.buffer));
        this.#next = stateOf(manifest).lsn;
        return;
      }
    } finally {
      await store.close();
    }
  }

  /** Takes in the accounts that were opened up to the journal's end as it is known. */
  follow(journal: Pick<Journal, 'batches' | 'nextLsn'>): void {
    for (const { lsn, bytes } of journal.batches(this.#next)) {
      for (let at = BATCH_HEADER_BYTES; at < bytes.length; ) {
        const event = eventView(bytes, at);
        if (bytes[at] === EventTypes.account && event.getUint16(2, true) === Code.ok) {
          this.#opened(event, lsn + at / LSN_UNIT_BYTES);
        }
        at += event.byteLength;
      }
      this.#next = lsn + bytes.length / LSN_UNIT_BYTES;
    }
  }

  #opened(event: DataView, lsn: number): void {
    const word = (index: number): number => event.getUint32(EVENT_PREFIX_BYTES + index * 4, true);
    const id = AccountWord.id;
    this.#add(word(id), word(id + 1), word(id + 2), word(id + 3), word(AccountWord.owner), lsn);
  }

  #take(ids: Uint32Array, owners: Uint32Array, openedAt: Float64Array): void {
    for (let index = 0; index < owners.length; index++) {
      const at = index * ID_WORDS;
      const word = (offset: number): number => ids[at + offset] as number;
      this.#add(word(0), word(1), word(2), word(3), owners[index] as number, openedAt[index] as number);
    }
  }

  #find(w0: number, w1: number, w2: number, w3: number): number {
    const mask = this.#slots.length - 1;
    const ids = this.#ids;
    for (let slot = hashId(w0, w1, w2, w3, this.#seed) & mask; ; slot = (slot + 1) & mask) {
      const index = (this.#slots[slot] as number) - 1;
      const at = index * ID_WORDS;
      if (index < 0) return -1;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return index;
    }
  }

  #add(w0: number, w1: number, w2: number, w3: number, owner: number, lsn: number): void {
    if (this.#find(w0, w1, w2, w3) >= 0) return;
    if (this.#count === this.#owners.length) this.#grow();
    const index = this.#count++;
    this.#ids.set([w0, w1, w2, w3], index * ID_WORDS);
    this.#owners[index] = owner;
    this.#openedAt[index] = lsn;
    this.#link(index);
  }

  #link(index: number): void {
    const mask = this.#slots.length - 1;
    const word = (offset: number): number => this.#ids[index * ID_WORDS + offset] as number;
    let slot = hashId(word(0), word(1), word(2), word(3), this.#seed) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
  }

  #grow(): void {
    const capacity = this.#owners.length * 2;
    const [ids, owners, openedAt] = [this.#ids, this.#owners, this.#openedAt];
    this.#ids = new Uint32Array(capacity * ID_WORDS);
    this.#owners = new Uint32Array(capacity);
    this.#openedAt = new Float64Array(capacity);
    this.#ids.set(ids);
    this.#owners.set(owners);
    this.#openedAt.set(openedAt);
    this.#slots = new Uint32Array(capacity * 2);
    for (let index = 0; index < this.#count; index++) this.#link(index);
  }
}
