/**
 * Transfers whose accounts live in two partitions, by clearing accounts, as banks do it between branches.
 *
 *   partition A (debit side)                           partition B (credit side)
 *   crossing: debit → clearing(A→B) held
 *        └── the transfer as a message ───────────────▶ transfer: clearing(B→A) → credit, or refused
 *   settled: held no more                    ◀───────── the result
 *   transfer: debit → clearing(A→B), or refused
 *
 * Both run the same TRANSFER record, each with its clearing account in place of the side that is elsewhere. Every step is an
 * event of its own and idempotent by the transfer's id, so what was not settled is sent again after a crash. The debit side
 * decides, and its timers are the only ones: what it posts, voids or lets expire, B has to follow, in the same order.
 *
 * What takes as much as the credit account owes is held as far as the debit side may give it; B says in its answer what it moved, and
 * A gives back the rest. An imported record has its time in the message.
 *
 * Invariant per pair and ledger: posted on clearing(B→A) − posted on clearing(A→B) = what B has taken and A has not settled.
 */
import { ACCOUNT, TRANSFER } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { partitionOfAccount } from '../hash-id.ts';
import type { Accounts } from './accounts.ts';
import { NO_ACCOUNT } from './accounts.ts';
import { addAccount } from './create-accounts.ts';
import { ACCOUNT_EVENT_BYTES, ENGINE_ID_WORD3, EVENT_PREFIX_BYTES, EventTypes } from './events.ts';
import type { Progress } from './joint.ts';
import type { Ledger, PartitionPlace } from './ledger.ts';
import { Locks } from './locks.ts';
import { AccountWord, TransferWord, writeU64 } from './words.ts';

/** Set in word 1 of a clearing account's id; the rest of that word is the other partition, word 0 the ledger. */
const CLEARING_BIT = 0x8000_0000;
/** Kind of account, in `code`: the largest number, that charts of accounts hardly use. */
const CLEARING_CODE = 0xffff;
/** Clearing accounts that one batch may open, for as many pairs of partition and ledger; its buffer has room for them. */
export const CLEARING_ACCOUNTS_PER_BATCH = 1024;
/** Transfers between partitions that may be under way at once. */
export const CROSSINGS_MAX = 65_536;

const RECORD_WORDS = ACCOUNT.size >> 2;

/** How a clearing account stands. */
export interface ClearingPosition {
  readonly peer: number;
  readonly ledger: number;
  /** Credits less debits posted: what this partition owes the other, minor units. */
  readonly posted: number;
}

export interface ClearingStanding extends ClearingPosition {
  /** Sums of what is unfinished: what the other may have credited already, and what it may not have, or has debited. */
  readonly offered: number;
  readonly unconfirmed: number;
}

/** A step that the other partition has to confirm. */
export interface Unfinished {
  /** The clearing account; NO_ACCOUNT for a joint event, whose records say it. */
  readonly account: number;
  /** Held here for the other side, which may have taken it already. */
  readonly offered: number;
  /** Posted here, which the other side has to follow. */
  readonly posted: number;
}

/** A joint event that is not settled: see joint.ts. */
export interface JointUnderWay {
  /** JointKinds. */
  readonly kind: number;
  /** Of a conclusion the position of its request; 0 for others. */
  readonly about: number;
  /** Records that may hold something here, under position + 1 + place. */
  readonly places: number;
  readonly effects: readonly JointEffect[];
}

/** What a joint event changes between this partition and another, minor units. */
export interface JointEffect {
  readonly peer: number;
  readonly ledger: number;
  /** Credited there, debited there. */
  readonly credited: number;
  readonly debited: number;
}

export interface ClearingMark {
  readonly accounts: number;
  readonly outbox: number;
  readonly joints: number;
  readonly unfinished: number;
  readonly openedInBatch: number;
}

export interface PreparedPart {
  /** Position of the part event. */
  readonly lsn: number;
  readonly count: number;
}

export function partKey(peer: number, lsn: number): string {
  return `${peer}:${lsn}`;
}

export class Clearing {
  /** Indexes of the clearing accounts: at most one for each other partition and ledger. */
  readonly accounts: number[] = [];
  /** What the other partition has not confirmed, in order: by the position of a crossing, or of what ends a hold there. */
  readonly unfinished = new Map<number, Unfinished>();
  /** Of these, what the batch that is being decided has to send: single transfers, and what is carried out together. */
  readonly outbox: number[] = [];
  readonly joints: number[] = [];
  /** Of what is unfinished, the joint events. */
  readonly requests = new Map<number, JointUnderWay>();
  /** What this partition has prepared for others, by `partKey`. */
  readonly prepared = new Map<string, PreparedPart>();
  /** Transfers that chains under way post, void or revert: by the position of the first member that does. */
  readonly locks = new Locks();
  /** Where the record of a single transfer is put together when it is settled. */
  readonly record = new Uint32Array(TRANSFER.size >> 2);
  /** Clearing accounts that the batch has opened. */
  openedInBatch = 0;
  /** Answers to what is carried out together, by its position. */
  readonly progress = new Map<number, Progress>();
  readonly #table: Accounts;
  readonly #place: PartitionPlace;

  constructor(accounts: Accounts, place: PartitionPlace) {
    this.#table = accounts;
    this.#place = place;
  }

  get full(): boolean {
    return this.unfinished.size >= CROSSINGS_MAX;
  }

  /** Notes that the event at `lsn` has to be confirmed by the other partition. */
  begin(lsn: number, account: number, offered: number, posted: number): void {
    this.unfinished.set(lsn, { account, offered, posted });
    this.outbox.push(lsn);
  }

  /** Notes a joint event that other partitions have to answer. */
  joint(lsn: number, underWay: JointUnderWay): void {
    this.unfinished.set(lsn, { account: NO_ACCOUNT, offered: 0, posted: 0 });
    this.requests.set(lsn, underWay);
  }

  /** Whether the others are being told what became of the request at `lsn`. */
  isConcluded(lsn: number): boolean {
    for (const { about } of this.requests.values()) if (about === lsn) return true;
    return false;
  }

  /** Notes that what is at `lsn` was confirmed; false when it was before. Gives back nothing. */
  finish(lsn: number): boolean {
    this.requests.delete(lsn);
    return this.unfinished.delete(lsn);
  }

  /** Forgets what was begun since the outbox had this length: for a chain that failed. */
  rewind(outboxLength: number): void {
    for (const lsn of this.outbox.splice(outboxLength)) this.unfinished.delete(lsn);
  }

  /** How long the lists are: what a dry run goes back to. */
  mark(): ClearingMark {
    const { accounts, outbox, joints, unfinished, openedInBatch } = this;
    return {
      accounts: accounts.length,
      outbox: outbox.length,
      joints: joints.length,
      unfinished: unfinished.size,
      openedInBatch,
    };
  }

  /** Forgets what was begun from `lsn` on, since the mark. */
  backTo(mark: ClearingMark, lsn: number): void {
    const { accounts, outbox, joints, unfinished } = this;
    accounts.length = mark.accounts;
    this.openedInBatch = mark.openedInBatch;
    outbox.length = mark.outbox;
    joints.length = mark.joints;
    this.locks.rewind(lsn);
    // What was there before is not settled by a dry run.
    if (unfinished.size === mark.unfinished) return;
    for (const begun of unfinished.keys()) {
      if (begun < lsn) continue;
      this.finish(begun);
      this.progress.delete(begun);
    }
  }

  /** Home of the account whose id is at word `at`. */
  homeOf(words: Uint32Array, at: number): number {
    return partitionOfAccount(
      words[at] as number,
      words[at + 1] as number,
      words[at + 2] as number,
      words[at + 3] as number,
      this.#place.partitions,
    );
  }

  /** Index of the clearing account for a partition and a ledger, or NO_ACCOUNT. */
  find(peer: number, ledger: number): number {
    return this.#table.find(ledger, (CLEARING_BIT | peer) >>> 0, this.#place.partition, ENGINE_ID_WORD3);
  }

  /** Whether an account of this partition is a clearing account. */
  isClearing(account: number): boolean {
    const { ids } = this.#table;
    return ids[(account << 2) + 3] === ENGINE_ID_WORD3;
  }

  /** Notes a new account of the table, if it is a clearing account. */
  opened(account: number): void {
    if (this.isClearing(account)) this.accounts.push(account);
  }

  positions(): ClearingPosition[] {
    const { creditsPosted, debitsPosted, ledger } = this.#table;
    return this.accounts.map((account) => ({
      peer: this.peerOf(account),
      ledger: ledger[account] as number,
      posted: (creditsPosted[account] as number) - (debitsPosted[account] as number),
    }));
  }

  /** As `positions`, with what is under way: for verify. */
  standing(): ClearingStanding[] {
    const standing = this.positions().map((position) => ({ ...position, offered: 0, unconfirmed: 0 }));
    for (const { account, offered, posted } of this.unfinished.values()) {
      const at = standing[this.accounts.indexOf(account)];
      if (at === undefined) continue;
      at.offered += offered;
      at.unconfirmed += posted;
    }
    for (const { peer, ledger, credited, debited } of [...this.requests.values()].flatMap(({ effects }) => effects)) {
      const at = standing.find((position) => position.peer === peer && position.ledger === ledger);
      if (at === undefined) continue;
      at.offered += credited;
      at.unconfirmed += debited;
    }
    return standing;
  }

  /** The other partition of a clearing account. */
  peerOf(account: number): number {
    return ((this.#table.ids[(account << 2) + 1] as number) & ~CLEARING_BIT) >>> 0;
  }
}

/** The clearing account for a partition and a ledger, opened when it is needed first; NO_ACCOUNT when there is no room. */
export function clearingAccount(ledger: Ledger, peer: number, currency: number): number {
  const { accounts, clearing, events, place } = ledger;
  const known = clearing.find(peer, currency);
  if (known !== NO_ACCOUNT || accounts.full || clearing.openedInBatch === CLEARING_ACCOUNTS_PER_BATCH) return known;
  clearing.openedInBatch++;
  const event = events.append(EventTypes.account, 0, Code.ok, ACCOUNT_EVENT_BYTES, OPERATOR_INSTITUTION);
  const { words } = events;
  const record = event + (EVENT_PREFIX_BYTES >> 2);
  words.fill(0, record, record + RECORD_WORDS);
  words[record] = currency;
  words[record + 1] = (CLEARING_BIT | peer) >>> 0;
  words[record + 2] = place.partition;
  words[record + 3] = ENGINE_ID_WORD3;
  words[record + AccountWord.ledger] = currency;
  words[record + AccountWord.code] = CLEARING_CODE;
  words[record + AccountWord.owner] = OPERATOR_INSTITUTION;
  writeU64(words, record + AccountWord.timestamp, ledger.now);
  addAccount(ledger, words, record, events.lsnOf(event));
  return accounts.count - 1;
}

/**
 * Index of the account on one side of the TRANSFER record at word `record`: itself, or the clearing account when it lives
 * elsewhere. NO_ACCOUNT when there is neither.
 *
 * @param field TransferWord.debitAccountId or creditAccountId
 */
export function sideOf(ledger: Ledger, words: Uint32Array, record: number, field: number): number {
  const account = ledger.findAccount(words, record + field);
  if (account !== NO_ACCOUNT || !ledger.isElsewhere(words, record + field)) return account;
  const { clearing, place } = ledger;
  // What another partition decides goes through the clearing account with that one.
  const peer = isForeignId(words, record, place.partition)
    ? (words[record + 2] as number)
    : clearing.homeOf(words, record + field);
  return clearing.find(peer, words[record + TransferWord.ledger] as number);
}

/** Whether the id at a word was given by another partition's engine: that one decides about its transfer. */
export function isForeignId(words: Uint32Array, at: number, partition: number): boolean {
  return words[at + 3] === ENGINE_ID_WORD3 && words[at + 2] !== partition;
}
