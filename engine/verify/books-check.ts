/** Checks, batch by batch, that every book balances and that no account is beyond its limits. */
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  AccountChangeFields,
  AccountFlags,
  AccountStates,
  TRANSFER,
  TransferFlags,
} from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { ExactSum } from '../exact-sum.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { type Accounts, NO_ACCOUNT } from '../ledger/accounts.ts';
import { sideOf } from '../ledger/clearing.ts';
import { SettledWord } from '../ledger/crossings.ts';
import { EVENT_PREFIX_BYTES, EventTypes } from '../ledger/events.ts';
import { JointWord, PartWord } from '../ledger/joint-event.ts';
import { TransferEventWord } from '../ledger/ledger.ts';
import { accountOpenedAt, LegEventWord } from '../ledger/leg-event.ts';
import { TransferWord } from '../ledger/words.ts';
import type { PartitionState } from '../worker/state.ts';

const SIDES = ['debitsPending', 'debitsPosted', 'creditsPending', 'creditsPosted'] as const;
type Side = (typeof SIDES)[number];

const RECORD_AT = TransferEventWord.record * 4;

/** Debits less credits of one ledger: what moved since the batch before, or all. */
class LedgerSums {
  readonly posted = new ExactSum();
  readonly pending = new ExactSum();

  add(debitsPosted: number, creditsPosted: number, debitsPending: number, creditsPending: number): void {
    this.posted.add(debitsPosted);
    this.posted.add(-creditsPosted);
    this.pending.add(debitsPending);
    this.pending.add(-creditsPending);
  }
}

interface Reserved {
  readonly accounts: readonly number[];
  /** Of a chain or a payment, several of whose movements may be on one account. */
  readonly isJoint: boolean;
}

export class BooksCheck {
  readonly #state: PartitionState;
  readonly #report: (problem: string) => void;
  readonly #record = new Uint32Array(TRANSFER.size >> 2);
  /** The balances as they were after the batch before. */
  readonly #before: Record<Side, Float64Array>;
  /** Accounts of what is reserved for other partitions, by its position, or by whose part it is. */
  readonly #reserved = new Map<number | string, Reserved>();
  /** Credit limits as they were after the batch before. */
  #limits: Float64Array = new Float64Array(0);

  /** @param report told what is wrong, one sentence each */
  constructor(state: PartitionState, report: (problem: string) => void) {
    this.#state = state;
    this.#report = report;
    const none = (): Float64Array => new Float64Array(0);
    this.#before = { debitsPending: none(), debitsPosted: none(), creditsPending: none(), creditsPosted: none() };
  }

  /** After a batch was applied: only the accounts that its transfers name can have changed. */
  afterBatch(batch: Uint8Array): void {
    const { accounts } = this.#state.ledger;
    for (const side of SIDES) this.#before[side] = grown(this.#before[side], accounts.ledger.length);
    this.#limits = grown(this.#limits, accounts.ledger.length);
    const moved = new Map<number, LedgerSums>();
    /** The highest limit that an account got in this batch. */
    const limits = new Map<number, number>();
    const touched = new Set<number>();
    const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength);
    const { lsn } = readBatchHeader(batch);
    let isChained = false;
    for (let at = BATCH_HEADER_BYTES; at < batch.length; at += view.getUint32(at + 4, true)) {
      const type = view.getUint8(at);
      // A part that is refused has reserved nothing.
      if (view.getUint16(at + 2, true) !== Code.ok) continue;
      this.#noteLimit(view, at, limits);
      if (type === EventTypes.transfer || type === EventTypes.crossing) {
        const sides = [TransferWord.debitAccountId, TransferWord.creditAccountId].map((field) =>
          this.#side(view, at + RECORD_AT, field),
        );
        for (const account of sides) touched.add(account);
        if (type !== EventTypes.crossing) continue;
        const isLinked = (view.getUint16(at + RECORD_AT + TRANSFER.at.flags, true) & TransferFlags.linked) !== 0;
        this.#reserved.set(lsn + at / LSN_UNIT_BYTES, { accounts: sides, isJoint: isLinked || isChained });
        isChained = isLinked;
      } else if (type === EventTypes.joint || type === EventTypes.part) {
        this.#touchReserved(view, at, lsn + at / LSN_UNIT_BYTES, touched);
      } else if (type === EventTypes.settled) {
        this.#touchSettled(view, at, touched);
      } else if (type === EventTypes.leg) {
        touched.add(openedAt(accounts, view, at + LegEventWord.debitAccount * 4));
        touched.add(openedAt(accounts, view, at + LegEventWord.creditAccount * 4));
      }
    }
    const joint = new Set([...this.#reserved.values()].flatMap(({ accounts: some, isJoint }) => (isJoint ? some : [])));
    for (const index of touched) this.#moved(index, moved, limits.get(index) ?? 0, joint.has(index));
    for (const index of limits.keys()) this.#limits[index] = accounts.creditLimit[index] as number;
    this.#judge(moved);
  }

  /** After the last batch: all accounts from the start, and what they reserve against the holds that are open. */
  finish(): void {
    const { accounts, holds } = this.#state.ledger;
    const reservedDebits = new Float64Array(accounts.count);
    const reservedCredits = new Float64Array(accounts.count);
    for (let slot = 0; slot < holds.extent; slot++) {
      const remaining = holds.remaining[slot] as number;
      if (remaining === 0) continue;
      const debit = holds.debit[slot] as number;
      const credit = holds.credit[slot] as number;
      reservedDebits[debit] = (reservedDebits[debit] as number) + remaining;
      reservedCredits[credit] = (reservedCredits[credit] as number) + remaining;
    }
    const all = new Map<number, LedgerSums>();
    for (let index = 0; index < accounts.count; index++) {
      const now = (side: Side): number => accounts[side][index] as number;
      const ledger = accounts.ledger[index] as number;
      sumsOf(all, ledger).add(now('debitsPosted'), now('creditsPosted'), now('debitsPending'), now('creditsPending'));
      const isReserved =
        now('debitsPending') === reservedDebits[index] && now('creditsPending') === reservedCredits[index];
      if (!isReserved) this.#report(`account ${idOf(accounts, index)}: pending amounts are not those of its holds`);
    }
    this.#judge(all);
  }

  /** The accounts of the records that a joint request, or a part, reserves; of a part that ends, those that it had reserved. */
  #touchReserved(view: DataView, at: number, lsn: number, touched: Set<number>): void {
    const isPart = view.getUint8(at) === EventTypes.part;
    const count = view.getUint16(at + (isPart ? PartWord.countAndCulprit : JointWord.countAndFlags) * 4, true);
    const key = isPart
      ? `${view.getUint32(at + PartWord.peer * 4, true)}:${readU64At(view, at + PartWord.lsn * 4)}`
      : lsn;
    for (const account of this.#reserved.get(key)?.accounts ?? []) touched.add(account);
    this.#reserved.delete(key);
    if (count === 0) return;
    const accounts: number[] = [];
    for (let index = 0; index < count; index++) {
      const record = at + JointWord.records * 4 + index * TRANSFER.size;
      const peer = isPart ? view.getUint32(at + PartWord.peer * 4, true) : undefined;
      accounts.push(this.#side(view, record, TransferWord.debitAccountId, peer));
      accounts.push(this.#side(view, record, TransferWord.creditAccountId, peer));
    }
    for (const account of accounts) touched.add(account);
    this.#reserved.set(key, { accounts, isJoint: true });
  }

  /** What a settled request had reserved. */
  #touchSettled(view: DataView, at: number, touched: Set<number>): void {
    const lsn = readU64At(view, at + SettledWord.lsn * 4);
    for (const account of this.#reserved.get(lsn)?.accounts ?? []) touched.add(account);
    this.#reserved.delete(lsn);
  }

  /** Account on one side of the TRANSFER record at byte `at`. `peer`: the partition that decides about it, if not this one. */
  #side(view: DataView, at: number, field: number, peer?: number): number {
    for (let word = 0; word < this.#record.length; word++) this.#record[word] = view.getUint32(at + word * 4, true);
    const { ledger } = this.#state;
    if (peer !== undefined && ledger.isElsewhere(this.#record, field)) {
      return ledger.clearing.find(peer, this.#record[TransferWord.ledger] as number);
    }
    return sideOf(ledger, this.#record, 0, field);
  }

  /** Remembers the credit limit that the event at byte `at` gives an account. */
  #noteLimit(view: DataView, at: number, limits: Map<number, number>): void {
    const type = view.getUint8(at);
    const record = at + EVENT_PREFIX_BYTES;
    if (type === EventTypes.account) {
      this.#keepHigher(view, record + ACCOUNT.at.id, record + ACCOUNT.at.creditLimit, limits);
    } else if (type === EventTypes.accountChange) {
      const fields = view.getUint16(record + ACCOUNT_CHANGE.at.fields, true);
      if ((fields & AccountChangeFields.creditLimit) === 0) return;
      this.#keepHigher(view, record + ACCOUNT_CHANGE.at.accountId, record + ACCOUNT_CHANGE.at.creditLimit, limits);
    }
  }

  #keepHigher(view: DataView, idAt: number, limitAt: number, limits: Map<number, number>): void {
    const word = (index: number): number => view.getUint32(idAt + index * 4, true);
    const account = this.#state.ledger.accounts.find(word(0), word(1), word(2), word(3));
    const limit = Number(view.getBigUint64(limitAt, true));
    if (account !== NO_ACCOUNT) limits.set(account, Math.max(limit, limits.get(account) ?? 0));
  }

  /**
   * @param limitMax the highest credit limit that the account got in this batch
   * @param isJoint whether several partitions carry out something together on the account: they judged each movement after those
   *   before it, but all of them are pending until the last partition has answered
   */
  #moved(index: number, moved: Map<number, LedgerSums>, limitMax: number, isJoint: boolean): void {
    // The replay has refused the batch already if there is no such account.
    if (index === NO_ACCOUNT) return;
    const { accounts } = this.#state.ledger;
    const change = (side: Side): number => {
      const now = accounts[side][index] as number;
      const before = this.#before[side];
      const by = now - (before[index] as number);
      before[index] = now;
      return by;
    };
    const debitsBefore = this.#debitsBefore(index);
    const ledger = accounts.ledger[index] as number;
    sumsOf(moved, ledger).add(
      change('debitsPosted'),
      change('creditsPosted'),
      change('debitsPending'),
      change('creditsPending'),
    );
    const limit = Math.max(limitMax, this.#limits[index] as number);
    const problem =
      rangeProblem(accounts, index) ?? (isJoint ? undefined : limitProblem(accounts, index, limit, debitsBefore));
    if (problem !== undefined) this.#report(`account ${idOf(accounts, index)}: ${problem}`);
  }

  #debitsBefore(index: number): number {
    return (this.#before.debitsPending[index] as number) + (this.#before.debitsPosted[index] as number);
  }

  #judge(sums: ReadonlyMap<number, LedgerSums>): void {
    for (const [ledger, { posted, pending }] of sums) {
      if (!posted.isZero) this.#report(`ledger ${ledger}: posted debits and credits differ by ${posted.text}`);
      if (!pending.isZero) this.#report(`ledger ${ledger}: pending debits and credits differ by ${pending.text}`);
    }
  }
}

function rangeProblem(accounts: Accounts, index: number): string | undefined {
  const side = (name: Side): number => accounts[name][index] as number;
  if (SIDES.some((name) => side(name) < 0)) return 'a balance is negative';
  const isInRange = (sum: number): boolean => sum <= Number.MAX_SAFE_INTEGER;
  if (isInRange(side('debitsPending') + side('debitsPosted'))) {
    if (isInRange(side('creditsPending') + side('creditsPosted'))) return undefined;
  }
  return 'a balance is out of range';
}

/**
 * Which limit an account is beyond. Every side is below 2^53, and rounding a larger sum cannot make it look smaller.
 * `limit` is the highest credit limit of the batch. One that was lowered below what is used is no problem as long as the
 * debits have not grown since: `debitsBefore`.
 */
function limitProblem(accounts: Accounts, index: number, limit: number, debitsBefore: number): string | undefined {
  const side = (name: Side): number => accounts[name][index] as number;
  const flags = accounts.flags[index] as number;
  const debits = side('debitsPending') + side('debitsPosted');
  const credits = side('creditsPending') + side('creditsPosted');
  if ((flags & AccountFlags.debitsMustNotExceedCredits) !== 0) {
    if (debits > debitsBefore && debits > side('creditsPosted') + limit) return 'debits exceed credits';
  }
  if ((flags & AccountFlags.creditsMustNotExceedDebits) !== 0) {
    if (credits > side('debitsPosted')) return 'credits exceed debits';
  }
  if (accounts.state[index] === AccountStates.closed) {
    const isEmpty = side('debitsPending') + side('creditsPending') === 0;
    if (!isEmpty || side('debitsPosted') !== side('creditsPosted')) return 'it is closed, but not empty';
  }
  return undefined;
}

function readU64At(view: DataView, at: number): number {
  return view.getUint32(at, true) + view.getUint32(at + 4, true) * 0x1_0000_0000;
}

function openedAt(accounts: Accounts, view: DataView, at: number): number {
  return accountOpenedAt(accounts, Number(view.getBigUint64(at, true)));
}

/** 32 hex digits. */
export function idOf(accounts: Accounts, index: number): string {
  return [3, 2, 1, 0].map((word) => (accounts.ids[index * 4 + word] as number).toString(16).padStart(8, '0')).join('');
}

function sumsOf(sums: Map<number, LedgerSums>, ledger: number): LedgerSums {
  const known = sums.get(ledger);
  if (known !== undefined) return known;
  const made = new LedgerSums();
  sums.set(ledger, made);
  return made;
}

function grown(column: Float64Array, length: number): Float64Array {
  if (column.length >= length) return column;
  const larger = new Float64Array(length);
  larger.set(column);
  return larger;
}
