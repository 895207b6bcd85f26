/**
 * All accounts of a partition, as a structure of arrays: an account is an index into typed arrays, and never an object.
 * What a decision needs is here (95 bytes an account and 8 of hash table); the rest of the ACCOUNT record stays in the
 * journal at `createdLsn`.
 */
import { hashId } from '../hash-id.ts';

/** Columns that a checkpoint saves: each is one section of the checkpoint. */
export const ACCOUNT_COLUMNS = [
  'ids',
  'debitsPending',
  'debitsPosted',
  'creditsPending',
  'creditsPosted',
  'creditLimit',
  'createdLsn',
  'headLsn',
  'ledger',
  'owner',
  'code',
  'flags',
  'tariff',
  'state',
] as const;
export type AccountColumn = (typeof ACCOUNT_COLUMNS)[number];

const INITIAL_CAPACITY = 1024;
export const NO_ACCOUNT = -1;

export class Accounts {
  readonly capacityMax: number;
  count = 0;

  ids = new Uint32Array(INITIAL_CAPACITY * 4);
  debitsPending = new Float64Array(INITIAL_CAPACITY);
  debitsPosted = new Float64Array(INITIAL_CAPACITY);
  creditsPending = new Float64Array(INITIAL_CAPACITY);
  creditsPosted = new Float64Array(INITIAL_CAPACITY);
  creditLimit = new Float64Array(INITIAL_CAPACITY);
  /** Position of the event that opened the account. */
  createdLsn = new Float64Array(INITIAL_CAPACITY);
  /** Position of the newest entry in its history; 0 = none. */
  headLsn = new Float64Array(INITIAL_CAPACITY);
  ledger = new Uint32Array(INITIAL_CAPACITY);
  owner = new Uint32Array(INITIAL_CAPACITY);
  code = new Uint16Array(INITIAL_CAPACITY);
  flags = new Uint16Array(INITIAL_CAPACITY);
  tariff = new Uint16Array(INITIAL_CAPACITY);
  /** AccountStates. */
  state = new Uint8Array(INITIAL_CAPACITY);

  readonly #seed: number;
  /** Open addressing with linear probing; holds index + 1, 0 = free; at most half full. */
  #slots = new Uint32Array(INITIAL_CAPACITY * 2);

  constructor(options: { readonly capacityMax: number; readonly hashSeed: number }) {
    this.capacityMax = options.capacityMax;
    this.#seed = options.hashSeed;
  }

  get full(): boolean {
    return this.count >= this.capacityMax;
  }

  /** Index of the account with this id, or NO_ACCOUNT. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    const slots = this.#slots;
    const ids = this.ids;
    const mask = slots.length - 1;
    let slot = hashId(w0, w1, w2, w3, this.#seed) & mask;
    for (;;) {
      const entry = slots[slot] as number;
      if (entry === 0) return NO_ACCOUNT;
      const at = (entry - 1) << 2;
      if (ids[at] === w0 && ids[at + 1] === w1 && ids[at + 2] === w2 && ids[at + 3] === w3) return entry - 1;
      slot = (slot + 1) & mask;
    }
  }

  /** Adds an account with zero balances. The caller has checked that the id is new and that there is room. */
  add(w0: number, w1: number, w2: number, w3: number): number {
    if (this.count === this.ledger.length) this.#grow();
    const index = this.count++;
    this.ids.set([w0, w1, w2, w3], index << 2);
    this.#link(index);
    return index;
  }

  /** Restores saved columns: `count` accounts. */
  restore(count: number, columns: Readonly<Record<AccountColumn, Uint8Array>>): void {
    while (this.ledger.length < count) this.#grow();
    this.count = count;
    for (const column of ACCOUNT_COLUMNS) {
      const array = this[column];
      new Uint8Array(array.buffer).set(columns[column]);
    }
    this.#rebuild();
  }

  #link(index: number): void {
    const mask = this.#slots.length - 1;
    const ids = this.ids;
    const at = index << 2;
    let slot =
      hashId(ids[at] as number, ids[at + 1] as number, ids[at + 2] as number, ids[at + 3] as number, this.#seed) & mask;
    while (this.#slots[slot] !== 0) slot = (slot + 1) & mask;
    this.#slots[slot] = index + 1;
  }

  #rebuild(): void {
    this.#slots = new Uint32Array(this.ledger.length * 2);
    for (let index = 0; index < this.count; index++) this.#link(index);
  }

  #grow(): void {
    const capacity = this.ledger.length * 2;
    this.ids = grown(this.ids, new Uint32Array(capacity * 4));
    this.debitsPending = grown(this.debitsPending, new Float64Array(capacity));
    this.debitsPosted = grown(this.debitsPosted, new Float64Array(capacity));
    this.creditsPending = grown(this.creditsPending, new Float64Array(capacity));
    this.creditsPosted = grown(this.creditsPosted, new Float64Array(capacity));
    this.creditLimit = grown(this.creditLimit, new Float64Array(capacity));
    this.createdLsn = grown(this.createdLsn, new Float64Array(capacity));
    this.headLsn = grown(this.headLsn, new Float64Array(capacity));
    this.ledger = grown(this.ledger, new Uint32Array(capacity));
    this.owner = grown(this.owner, new Uint32Array(capacity));
    this.code = grown(this.code, new Uint16Array(capacity));
    this.flags = grown(this.flags, new Uint16Array(capacity));
    this.tariff = grown(this.tariff, new Uint16Array(capacity));
    this.state = grown(this.state, new Uint8Array(capacity));
    this.#rebuild();
  }
}

function grown<T extends Uint32Array | Float64Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
