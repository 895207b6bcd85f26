/**
 * Finds entries of an account by their place in its history, counted from 0, and by time. Nothing here walks more than 64 steps
 * of the chain to find an entry; see ledger/histories.ts.
 */
import { EventTypes } from '../ledger/events.ts';
import { HISTORY_STRIDE, indexedEntry } from '../ledger/histories.ts';
import { type Ledger, TransferEventWord } from '../ledger/ledger.ts';
import { LegEventWord } from '../ledger/leg-event.ts';
import { TransferWord } from '../ledger/words.ts';
import { readView64 } from '../payment/version.ts';
import { isDebitOf } from './accounts.ts';
import type { Transfers } from './transfers.ts';

const RECORD = TransferEventWord.record;

/** Looks at one entry; the view is good until it returns. False ends the visit before the next entry. */
export type Visitor = (entry: DataView, ordinal: number) => boolean;

export class Histories {
  readonly #ledger: Ledger;
  readonly #transfers: Transfers;
  /** Positions of a stretch of entries, oldest first. */
  readonly #stretch = new Float64Array(HISTORY_STRIDE + 1);

  constructor(ledger: Ledger, transfers: Transfers) {
    this.#ledger = ledger;
    this.#transfers = transfers;
  }

  count(account: number): number {
    return this.#ledger.accounts.entries[account] as number;
  }

  /** The transfer of an entry that the account has. */
  entry(account: number, ordinal: number): DataView {
    return this.#transfers.read(this.#find(account, ordinal));
  }

  /** Ordinal of the first entry that was decided at `time` (µs) or later; the account's count when there is none. */
  firstFrom(account: number, time: number): number {
    const count = this.count(account);
    if (time === 0 || count === 0) return 0;
    // The indexed entries: the first of them that is late enough.
    let low = 1;
    let high = Math.ceil(count / HISTORY_STRIDE);
    const { histories } = this.#ledger.tables;
    while (low < high) {
      const middle = Math.floor((low + high) / 2);
      const entry = this.#transfers.read(indexedEntry(histories, account, middle));
      if (decidedAt(entry) < time) low = middle + 1;
      else high = middle;
    }
    // From there back: entries that are late enough, too, at most down to the indexed one before.
    let ordinal = Math.min(low * HISTORY_STRIDE, count - 1);
    let lsn = this.#find(account, ordinal);
    for (; ordinal >= 0; ordinal--) {
      if (decidedAt(this.#transfers.read(lsn)) < time) return ordinal + 1;
      if (ordinal > 0) lsn = this.#previous(account, lsn);
    }
    return 0;
  }

  /** Visits the entries `first` … `end` − 1, oldest first, until the visitor has enough. */
  forward(account: number, first: number, end: number, visit: Visitor): void {
    const stretch = this.#stretch;
    for (let from = first; from < end; ) {
      const indexed = (Math.floor(from / HISTORY_STRIDE) + 1) * HISTORY_STRIDE;
      const last = Math.min(indexed, end - 1);
      let lsn = this.#find(account, last);
      for (let ordinal = last; ordinal > from; ordinal--) {
        stretch[ordinal - from] = lsn;
        lsn = this.#previous(account, lsn);
      }
      stretch[0] = lsn;
      for (let ordinal = from; ordinal <= last; ordinal++) {
        if (!visit(this.#transfers.read(stretch[ordinal - from] as number), ordinal)) return;
      }
      from = last + 1;
    }
  }

  /** Visits the entries `first` … `end` + 1, newest first, until the visitor has enough. */
  backward(account: number, first: number, end: number, visit: Visitor): void {
    if (first <= end) return;
    let lsn = this.#find(account, first);
    for (let ordinal = first; ordinal > end; ordinal--) {
      if (!visit(this.#transfers.read(lsn), ordinal)) return;
      if (ordinal > end + 1) lsn = this.#previous(account, lsn);
    }
  }

  /** Position of an entry: from the indexed one after it, or from the newest, back. */
  #find(account: number, ordinal: number): number {
    const { accounts, tables } = this.#ledger;
    const count = accounts.entries[account] as number;
    if (!(ordinal >= 0 && ordinal < count)) throw new RangeError(`entry ${ordinal} of an account with ${count}`);
    // The first entry is not indexed itself.
    const block = Math.max(1, Math.ceil(ordinal / HISTORY_STRIDE));
    const isIndexed = block * HISTORY_STRIDE < count;
    let at = isIndexed ? block * HISTORY_STRIDE : count - 1;
    let lsn = isIndexed ? indexedEntry(tables.histories, account, block) : (accounts.headLsn[account] as number);
    for (; at > ordinal; at--) lsn = this.#previous(account, lsn);
    return lsn;
  }

  /** Position of the entry before the one at `lsn`. Reads the event as it is stored: that is all a walk needs. */
  #previous(account: number, lsn: number): number {
    const { accounts, events } = this.#ledger;
    const event = events.read(lsn);
    const isDebit =
      event.getUint8(0) === EventTypes.leg
        ? readView64(event, LegEventWord.debitAccount) === accounts.createdLsn[account]
        : isDebitOf(this.#ledger, event, account);
    return readView64(event, isDebit ? TransferEventWord.previousOfDebit : TransferEventWord.previousOfCredit);
  }
}

/** When the transfer was decided, µs. */
export function decidedAt(entry: DataView): number {
  return readView64(entry, RECORD + TransferWord.timestamp);
}
