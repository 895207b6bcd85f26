/**
 * One partition: state, journal, indexes. Decides batches one after another and lets their flushes overlap.
 *
 *   run:  1 room?  → wait until a checkpoint has emptied the memtables
 *         2 expire what is due at the batch's timestamp
 *         3 decide every command in order; events and reply frames are written as it goes
 *         4 append to the journal
 *         5 copy a part of the state, when that is due; begin a checkpoint, when one is due
 *         6 resolve when durable
 *
 * A batch that writes nothing waits for the flush of those before it: what it read is durable when it is answered.
 */
import { FRAME_FLAGS_MASK } from '../gateway.ts';
import type { Journal } from '../journal/journal.ts';
import { CLEARING_ACCOUNTS_PER_BATCH, type ClearingPosition } from '../ledger/clearing.ts';
import { ACCOUNT_EVENT_BYTES, ENGINE_ID_WORD3 } from '../ledger/events.ts';
import { NO_HOLD } from '../ledger/holds.ts';
import { lockUnfinished } from '../ledger/chain-members.ts';
import { expireHold } from '../ledger/legs.ts';
import type { OutboxFigures } from '../outbox/outbox.ts';
import { expireChallenges, expirePayment } from '../payment/release.ts';
import { ReplyArea } from '../query/reply-area.ts';
import type { RiskFigures } from '../risk/risk.ts';
import type { CheckpointRequest, CheckpointWritten } from '../storage/checkpoint/checkpoint-store.ts';
import { stateOf } from '../storage/checkpoint/manifest.ts';
import type { Batch } from './batch.ts';
import { EntryWord, entryWord } from './batch.ts';
import { takeMessages } from './clearing-commands.ts';
import { type Command, dispatch } from './dispatch.ts';
import type { Enquiry } from './enquiry.ts';
import type { PartitionIndexes } from './indexes.ts';
import { takeParts } from './joint-commands.ts';
import { Outcomes } from './outcomes.ts';
import type { PartitionState } from './state.ts';
import { StateCopies, type StateCopyBounds } from './state-copies.ts';

/** Expiries of one batch; the rest is left to the next. */
const EXPIRIES_MAX = 1000;

/** Entries that one batch can put into one index, when it holds this many records. A memtable holds at least these. */
export function batchEntriesMax(recordsMax: number): number {
  return recordsMax + EXPIRIES_MAX;
}

/** Most that one expiry writes: a version of a payment with the longest reference, two legs, and an order to other partitions. */
const EXPIRY_BYTES_MAX = 1536;

export interface BatchResult {
  /** Thread time of deciding, and from append to durable. */
  readonly decisionMs: number;
  readonly flushMs: number;
  readonly journalBytes: number;
  /** [command kind, result code, how many] */
  readonly outcomes: readonly (readonly [number, number, number])[];
  readonly figures: PartitionFigures;
  /** To be written in the background now; its answer goes to `install`. */
  readonly checkpoint?: CheckpointRequest;
  /** For other partitions: see clearing-commands.ts, and joint-commands.ts. */
  readonly messages?: Uint8Array;
  readonly parts?: Uint8Array;
  /** What was counted for other partitions: see count-commands.ts. */
  readonly counts?: Uint8Array;
  /** What its dry runs ask of other partitions, by the numbers in their replies: see enquiry.ts. */
  readonly enquiries?: readonly (readonly Enquiry[])[];
}

export interface PartitionFigures {
  readonly accounts: number;
  readonly holds: number;
  /** Transfers to other partitions that these have not confirmed. */
  readonly crossings: number;
  /** What each clearing account stands at: credits less debits posted, minor units. */
  readonly clearing: readonly ClearingPosition[];
  /** Position after the last batch; × 16 = bytes of the whole journal. */
  readonly nextLsn: number;
  /** µs; when an idle partition must be woken. Infinity = never. */
  readonly nextDeadline: number;
  readonly indexEntries: Readonly<Record<string, number>>;
  /** Pages of segments read by look-ups since the partition was opened. */
  readonly indexPageReads: number;
  /** By which keys risk features are kept in other partitions too: FeatureStore.sharedBy. */
  readonly sharedBy: number;
  readonly riskFeatures: RiskFigures;
  readonly outbox: OutboxFigures;
}

export interface PartitionBounds extends StateCopyBounds {
  /** Most that the commands of one batch write. */
  readonly journalBytesMax: number;
  readonly recordsMax: number;
  /** Journal bytes from one checkpoint to the next. */
  readonly checkpointEveryBytes: number;
}

/** What a partition asks of its indexes; the lists themselves are in its state. */
export type IndexKeeper = Pick<
  PartitionIndexes,
  'hasRoom' | 'filling' | 'freeze' | 'install' | 'close' | 'entries' | 'checkpointId' | 'pageReads'
>;

export class Partition {
  readonly #state: PartitionState;
  readonly #journal: Journal;
  readonly #indexes: IndexKeeper;
  readonly #bounds: PartitionBounds;
  readonly #reply = new ReplyArea();
  readonly #outcomes = new Outcomes();
  readonly #current: Command = {
    kind: 0,
    flags: 0,
    count: 0,
    institution: 0,
    words: new Uint32Array(0),
    bytes: new Uint8Array(0),
    start: 0,
    bodyBytes: 0,
  };
  readonly #free: ArrayBuffer[] = [];
  #checkpointLsn: number;
  #checkpointing = false;
  readonly #copies: StateCopies;
  #room: Promise<void> = Promise.resolve();
  #roomMade: () => void = () => undefined;

  constructor(parts: {
    readonly state: PartitionState;
    readonly journal: Journal;
    readonly indexes: IndexKeeper;
    readonly bounds: PartitionBounds;
    /** Position of the newest checkpoint, and of the state that it has. */
    readonly checkpointLsn: number;
    readonly stateLsn: number;
  }) {
    this.#state = parts.state;
    this.#copies = new StateCopies(parts.state, parts.bounds, parts.stateLsn);
    this.#journal = parts.journal;
    this.#indexes = parts.indexes;
    this.#bounds = parts.bounds;
    this.#checkpointLsn = parts.checkpointLsn;
    lockUnfinished(parts.state.ledger);
  }

  get figures(): PartitionFigures {
    const { payments, outbox } = this.#state;
    const { accounts, holds, tables, clearing } = this.#state.ledger;
    return {
      accounts: accounts.count,
      holds: holds.count,
      crossings: clearing.unfinished.size,
      clearing: clearing.positions(),
      nextLsn: this.#journal.nextLsn,
      nextDeadline: Math.min(tables.timers.next, payments.challenges.next, outbox.nextExpiry),
      indexEntries: this.#indexes.entries,
      indexPageReads: this.#indexes.pageReads,
      sharedBy: this.#state.risk.features.sharedBy,
      riskFeatures: this.#state.risk.figures,
      outbox: outbox.figures,
    };
  }

  /**
   * Decides a batch at `timestamp` (µs; never taken as earlier than that of the batch before) and resolves when its outcome is
   * durable. Rejects when the journal has failed: then nothing more may be answered.
   */
  async run(batch: Batch, timestamp: number): Promise<BatchResult> {
    while (!this.#hasRoom) {
      if (!this.#checkpointing) throw new Error('an index is full, and no checkpoint is under way that would empty it');
      await this.#room;
    }
    const started = performance.now();
    const buffer = this.#free.pop() ?? new ArrayBuffer(this.#bufferBytes());
    this.#decide(batch, timestamp, buffer);
    const { events } = this.#state;
    const journalBytes = events.empty ? 0 : events.end;
    const info = { timestamp: this.#state.ledger.now, eventCount: events.count };
    const messages = takeMessages(this.#state.ledger);
    const parts = takeParts(this.#state.ledger);
    const counts = this.#state.risk.shared.take();
    const enquiries = this.#state.rehearsal.takeEnquiries();
    const durable = events.empty
      ? this.#journal.durable()
      : this.#journal.append(new Uint8Array(buffer), events.end, info);
    this.#copies.afterBatch(this.#journal.nextLsn, batch.records);
    const checkpoint = !this.#checkpointing && this.#isDue ? this.#beginCheckpoint() : undefined;
    const decided = performance.now();
    const outcomes = this.#outcomes.take();
    await durable;
    this.#free.push(buffer);
    return {
      decisionMs: decided - started,
      flushMs: performance.now() - decided,
      journalBytes,
      outcomes,
      figures: this.figures,
      ...(checkpoint === undefined ? {} : { checkpoint }),
      ...(messages === undefined ? {} : { messages }),
      ...(parts === undefined ? {} : { parts }),
      ...(counts === undefined ? {} : { counts }),
      ...(enquiries.length === 0 ? {} : { enquiries }),
    };
  }

  /**
   * Takes the segments of a checkpoint that the background has written. When the memtables are full again already, the next
   * checkpoint begins here, which makes room; this answers with it.
   */
  async install(written: CheckpointWritten): Promise<CheckpointRequest | undefined> {
    this.#indexes.install(written);
    this.#copies.written(stateOf(written.manifest).lsn);
    this.#checkpointing = false;
    const roomMade = this.#roomMade;
    const next = this.#hasRoom ? undefined : this.#beginCheckpoint();
    roomMade();
    // No checkpoint may be on disk before the batches that it rests on.
    if (next !== undefined) await this.#journal.durable();
    return next;
  }

  /** Waits for the flushes under way and closes the storage. */
  async close(): Promise<void> {
    await this.#journal.durable();
    await this.#journal.close();
    await this.#indexes.close();
  }

  get #hasRoom(): boolean {
    return this.#indexes.hasRoom(batchEntriesMax(this.#bounds.recordsMax));
  }

  #bufferBytes(): number {
    const expiries = EXPIRIES_MAX * EXPIRY_BYTES_MAX;
    return this.#bounds.journalBytesMax + expiries + CLEARING_ACCOUNTS_PER_BATCH * ACCOUNT_EVENT_BYTES + 4096;
  }

  #decide(batch: Batch, timestamp: number, buffer: ArrayBuffer): void {
    const state = this.#state;
    state.ledger.clearing.openedInBatch = 0;
    state.ledger.now = Math.max(timestamp, this.#journal.lastTimestamp);
    state.events.start(buffer, this.#journal.nextLsn);
    this.#reply.target(batch.buffer, batch.replyStart, batch.bounds.replyBytesMax);
    this.#expire();
    const { words } = batch;
    const count = batch.count;
    for (let index = 0; index < count; index++) this.#command(batch, words, entryWord(index));
  }

  #command(batch: Batch, words: Uint32Array, at: number): void {
    const reply = this.#reply;
    const command = this.#current;
    const kindAndFlags = words[at + EntryWord.kindAndFlags] as number;
    command.kind = kindAndFlags & 0xff;
    command.flags = kindAndFlags >>> 16;
    command.count = words[at + EntryWord.count] as number;
    command.institution = words[at + EntryWord.institution] as number;
    command.words = words;
    command.bytes = batch.bytes;
    command.start = (words[at + EntryWord.bodyOffset] as number) >> 2;
    command.bodyBytes = words[at + EntryWord.bodyLength] as number;
    const requestIdLow = words[at + EntryWord.requestIdLow] as number;
    reply.open(
      command.kind,
      command.flags & FRAME_FLAGS_MASK,
      requestIdLow,
      words[at + EntryWord.requestIdHigh] as number,
    );
    const { results } = this.#state;
    results.awaiting = 0;
    dispatch(this.#state, command, reply);
    words[at + EntryWord.awaiting] = results.awaiting;
    words[at + EntryWord.replyOffset] = reply.frameStart;
    words[at + EntryWord.replyLength] = reply.frameLength;
    this.#outcomes.count(command.kind, reply);
  }

  /** Ends what is up: challenges, entries of queues, and holds (a client's pending transfer, or a payment with all that it holds). */
  #expire(): void {
    const { ledger, payments, outbox } = this.#state;
    const { timers, holds } = ledger.tables;
    let expired = expireChallenges(payments, EXPIRIES_MAX);
    expired += outbox.expire(EXPIRIES_MAX - expired);
    while (expired < EXPIRIES_MAX && timers.next <= ledger.now) {
      const [w0 = 0, w1 = 0, w2 = 0, w3 = 0] = timers.keys;
      timers.pop();
      // A reminder of what has ended by other means costs nothing, so it does not count.
      if (holds.find(w0, w1, w2, w3) === NO_HOLD) continue;
      expired++;
      if (w3 === ENGINE_ID_WORD3) expirePayment(payments, w0, w1);
      else expireHold(ledger, w0, w1, w2, w3);
    }
  }

  get #isDue(): boolean {
    const bytes = (this.#journal.nextLsn - this.#checkpointLsn) * 16;
    return bytes >= this.#bounds.checkpointEveryBytes || this.#indexes.filling || !this.#hasRoom;
  }

  /** Begins a checkpoint at the end of the journal. */
  #beginCheckpoint(): CheckpointRequest {
    const lsn = this.#journal.nextLsn;
    this.#checkpointing = true;
    this.#checkpointLsn = lsn;
    this.#room = new Promise((resolve) => {
      this.#roomMade = resolve;
    });
    return {
      base: this.#indexes.checkpointId,
      lsn,
      sequence: this.#journal.nextSequence,
      previousHash: this.#journal.lastHash,
      timestamp: this.#state.ledger.now,
      frozen: this.#indexes.freeze(),
      ...this.#copies.take(lsn),
    };
  }
}
