/**
 * All accounts of a partition, as a structure of arrays: an account is an index into typed arrays, and never an object.
 * What a decision needs is here (104 bytes an account and 8 to 16 of hash table); the rest of the ACCOUNT record stays in
 * the journal at `createdLsn`.
 *
 * The columns are reserved at full size: that is address space, and the system gives memory as accounts come. Doubling them
 * instead stopped the partition for up to 0.8 s.
 *
 * Who changes a column of an account that exists calls `copy.before` with its index first: a checkpoint may be copying the table.
 */
import { IdTable } from './id-table.ts';
import type { Column } from './table-copy.ts';
import { TableCopy } from './table-copy.ts';

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
  'entries',
  'ledger',
  'owner',
  'code',
  'flags',
  'tariff',
  'state',
  'tier',
] as const;
export type AccountColumn = (typeof ACCOUNT_COLUMNS)[number];

/** What an account keeps as long as it is there. */
const FIXED: ReadonlySet<AccountColumn> = new Set(['ids', 'createdLsn', 'ledger', 'owner', 'code', 'flags', 'tariff']);

const INITIAL_CAPACITY = 1024;
/** Tables up to this size are reserved; larger ones (verify, which knows no bound) grow by doubling. */
const RESERVED_MAX = 2 ** 27;
export const NO_ACCOUNT = -1;

export class Accounts {
  readonly capacityMax: number;
  /** Of what a checkpoint saves. */
  readonly copy = new TableCopy();
  count = 0;

  ids: Uint32Array;
  debitsPending: Float64Array;
  debitsPosted: Float64Array;
  creditsPending: Float64Array;
  creditsPosted: Float64Array;
  creditLimit: Float64Array;
  /** Position of the event that opened the account. */
  createdLsn: Float64Array;
  /** Position of the newest entry in its history; 0 = none. */
  headLsn: Float64Array;
  /** How many entries its history has. */
  entries: Float64Array;
  ledger: Uint32Array;
  owner: Uint32Array;
  code: Uint16Array;
  flags: Uint16Array;
  tariff: Uint16Array;
  /** AccountStates. */
  state: Uint8Array;
  /** How well the holder is known, 0 … ACCOUNT_TIER_MAX. */
  tier: Uint8Array;

  readonly #table: IdTable;

  constructor(options: { readonly capacityMax: number; readonly hashSeed: number }) {
    const { capacityMax, hashSeed } = options;
    const capacity = capacityMax <= RESERVED_MAX ? capacityMax : INITIAL_CAPACITY;
    this.capacityMax = capacityMax;
    this.#table = new IdTable(hashSeed);
    this.ids = new Uint32Array(capacity * 4);
    this.debitsPending = new Float64Array(capacity);
    this.debitsPosted = new Float64Array(capacity);
    this.creditsPending = new Float64Array(capacity);
    this.creditsPosted = new Float64Array(capacity);
    this.creditLimit = new Float64Array(capacity);
    this.createdLsn = new Float64Array(capacity);
    this.headLsn = new Float64Array(capacity);
    this.entries = new Float64Array(capacity);
    this.ledger = new Uint32Array(capacity);
    this.owner = new Uint32Array(capacity);
    this.code = new Uint16Array(capacity);
    this.flags = new Uint16Array(capacity);
    this.tariff = new Uint16Array(capacity);
    this.state = new Uint8Array(capacity);
    this.tier = new Uint8Array(capacity);
  }

  get full(): boolean {
    return this.count >= this.capacityMax;
  }

  /** Index of the account with this id, or NO_ACCOUNT. */
  find(w0: number, w1: number, w2: number, w3: number): number {
    return this.#table.find(this.ids, w0, w1, w2, w3);
  }

  /** Adds an account with zero balances. The caller has checked that the id is new and that there is room. */
  add(w0: number, w1: number, w2: number, w3: number): number {
    if (this.count === this.ledger.length) this.#grow();
    const index = this.count++;
    const at = index << 2;
    this.ids[at] = w0;
    this.ids[at + 1] = w1;
    this.ids[at + 2] = w2;
    this.ids[at + 3] = w3;
    this.#table.add(this.ids, index);
    return index;
  }

  /** Takes back the accounts from `count` on. Their balances are zero again: a dry run has rolled them back. */
  truncate(count: number): void {
    while (this.count > count) this.#table.remove(this.ids, --this.count);
  }

  /** Begins the copy that a checkpoint saves. Who changes an account from now on calls `copy.before` first. */
  beginCopy(): void {
    const columns: Column[] = ACCOUNT_COLUMNS.map((name) => {
      return { array: this[name], width: name === 'ids' ? 4 : 1, isFixed: FIXED.has(name) };
    });
    this.copy.begin(columns, this.count);
  }

  /** Restores saved columns: `count` accounts. */
  restore(count: number, columns: Readonly<Record<AccountColumn, Uint8Array>>): void {
    while (this.ledger.length < count) this.#grow();
    this.count = count;
    for (const column of ACCOUNT_COLUMNS) {
      const array = this[column];
      new Uint8Array(array.buffer).set(columns[column]);
    }
    this.#table.reserve(count);
    for (let index = 0; index < count; index++) this.#table.add(this.ids, index);
  }

  #grow(): void {
    if (!this.copy.isDone) throw new Error('a table that grows by doubling cannot be copied meanwhile');
    const capacity = this.ledger.length * 2;
    this.ids = grown(this.ids, new Uint32Array(capacity * 4));
    this.debitsPending = grown(this.debitsPending, new Float64Array(capacity));
    this.debitsPosted = grown(this.debitsPosted, new Float64Array(capacity));
    this.creditsPending = grown(this.creditsPending, new Float64Array(capacity));
    this.creditsPosted = grown(this.creditsPosted, new Float64Array(capacity));
    this.creditLimit = grown(this.creditLimit, new Float64Array(capacity));
    this.createdLsn = grown(this.createdLsn, new Float64Array(capacity));
    this.headLsn = grown(this.headLsn, new Float64Array(capacity));
    this.entries = grown(this.entries, new Float64Array(capacity));
    this.ledger = grown(this.ledger, new Uint32Array(capacity));
    this.owner = grown(this.owner, new Uint32Array(capacity));
    this.code = grown(this.code, new Uint16Array(capacity));
    this.flags = grown(this.flags, new Uint16Array(capacity));
    this.tariff = grown(this.tariff, new Uint16Array(capacity));
    this.state = grown(this.state, new Uint8Array(capacity));
    this.tier = grown(this.tier, new Uint8Array(capacity));
  }
}

function grown<T extends Uint32Array | Float64Array | Uint16Array | Uint8Array>(from: T, to: T): T {
  to.set(from as never);
  return to;
}
