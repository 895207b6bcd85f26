/**
 * Carries what partitions say to each other, and keeps the replies that wait for it.
 *
 *   batch of A durable ─ messages ─▶ lane of B: receive ─ answers ─▶ lane of A: settle ─ results ─▶ the replies that wait
 *
 * Nothing is kept here that would have to survive: after a start each partition sends again what was not settled. What goes to one
 * partition goes in the order in which it came, also when that partition is busy for a while.
 */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION, type ReplySink } from '../gateway.ts';
import { AWAITS_ANSWERS, AWAITS_TURN, isUndecided } from '../ledger/results.ts';
import { countsBytes, countsRoute } from '../risk/shared-counts.ts';
import {
  ANSWER_BYTES,
  ClearingKinds,
  CROSSING_BYTES,
  originOf,
  SETTLEMENT_BYTES,
  targetOf,
} from '../worker/clearing-commands.ts';
import { confirmedTo } from '../worker/count-commands.ts';
import { type Travel, travelBack, travelOf } from '../worker/joint-commands.ts';
import type { WaitingCommand } from './batch-replies.ts';
import { deliverOne, refusalFrame } from './gather.ts';
import type { ClearingPort, ParcelTaker } from './lane.ts';
import { Rehearsals, withoutAnswers } from './rehearsals.ts';

/** Records of one command: bounds what it takes of a batch. */
const RECORDS_MAX = 2048;
const HEADER = FRAME_HEADER.size;
const SETTLEMENT_RESULT = 16;

/** A command that waits for room in its lane. */
interface Parcel {
  readonly kind: number;
  readonly count: number;
  readonly body: Uint8Array;
}

/** A reply frame with results that are not there yet. */
interface Waiting {
  readonly sink: ReplySink;
  readonly frame: Uint8Array;
  missing: number;
}

/** Where in a waiting reply a result goes. */
interface Place {
  readonly reply: Waiting;
  readonly at: number;
  /** Bytes of it. */
  readonly length: number;
}

/** A command that is decided again when what goes before it is settled. */
interface Parked extends WaitingCommand {
  readonly sink: ReplySink;
}

export class ClearingHouse {
  readonly #partitions: number;
  /** For each partition what could not be handed over yet, in order. */
  readonly #queues: Parcel[][];
  /** By crossing (position × partitions + partition): who waits for it. */
  readonly #places = new Map<number, Place[]>();
  /** By the same key: what waits its turn. */
  readonly #parked = new Map<number, Parked[]>();
  readonly #rehearsals = new Rehearsals();
  #lanes: readonly ParcelTaker[] = [];

  constructor(partitions: number) {
    this.#partitions = partitions;
    this.#queues = Array.from({ length: partitions }, () => []);
  }

  /** What the lane of a partition needs; it exists before the lanes do. */
  port(partition: number): ClearingPort {
    return {
      send: (messages) => this.#sort(messages, CROSSING_BYTES, targetOf, ClearingKinds.receiveCrossings),
      sendParts: (messages) => this.#sendParts(messages),
      sendCounts: (messages) => this.#sendCounts(messages),
      enquire: (enquiries) => this.#rehearsals.ask(partition, enquiries),
      defer: (sink, frame, command) => this.#defer(partition, sink, frame, command),
    };
  }

  /** Connects the partitions, and lets each send what it had not settled when it stopped. */
  connect(lanes: readonly ParcelTaker[]): void {
    this.#lanes = lanes;
    this.#rehearsals.connect(lanes);
    if (lanes.length === 1) return;
    for (const partition of lanes.keys()) {
      this.#post(partition, { kind: ClearingKinds.resendCrossings, count: 0, body: new Uint8Array(0) });
    }
  }

  get isIdle(): boolean {
    return this.#queues.every((queue) => queue.length === 0);
  }

  /** Tries again to hand over what lanes had no room for. */
  tick(): void {
    for (const partition of this.#queues.keys()) this.#pump(partition);
  }

  /** Posts records to the partitions that they name, each in order. */
  #sort(
    records: Uint8Array,
    recordBytes: number,
    partitionOf: (view: DataView, at: number) => number,
    kind: number,
  ): void {
    const view = new DataView(records.buffer, records.byteOffset, records.byteLength);
    const offsets: number[][] = this.#queues.map(() => []);
    for (let at = 0; at < records.length; at += recordBytes) offsets[partitionOf(view, at)]?.push(at);
    for (const [partition, places] of offsets.entries()) {
      for (let from = 0; from < places.length; from += RECORDS_MAX) {
        const chosen = places.slice(from, from + RECORDS_MAX);
        const body = new Uint8Array(chosen.length * recordBytes);
        for (const [index, at] of chosen.entries())
          body.set(records.subarray(at, at + recordBytes), index * recordBytes);
        this.#post(partition, { kind, count: chosen.length, body });
      }
    }
  }

  /** Posts messages of different lengths, each as a command. */
  #sendParts(messages: Uint8Array): void {
    const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
    for (let at = 0; at < messages.length; ) {
      const travel = travelOf(view, at);
      this.#postPart(ClearingKinds.carryOutPart, travel, messages.slice(at, at + travel.bytes));
      at += travel.bytes;
    }
  }

  /** Posts what was counted, each message as a command. */
  #sendCounts(messages: Uint8Array): void {
    const view = new DataView(messages.buffer, messages.byteOffset, messages.byteLength);
    for (let at = 0; at < messages.length; ) {
      const { to, count } = countsRoute(view, at);
      const bytes = countsBytes(count);
      this.#post(to, { kind: ClearingKinds.receiveCounts, count, body: messages.slice(at, at + bytes) });
      at += bytes;
    }
  }

  #postPart(kind: number, { to, weight }: Travel, body: Uint8Array): void {
    this.#post(to, { kind, count: weight, body });
  }

  #post(partition: number, parcel: Parcel): void {
    this.#queues[partition]?.push(parcel);
    this.#pump(partition);
  }

  #pump(partition: number): void {
    const queue = this.#queues[partition];
    const lane = this.#lanes[partition];
    while (queue !== undefined && lane !== undefined) {
      const [parcel] = queue;
      if (parcel === undefined || this.#submit(lane, partition, parcel) !== Code.ok) return;
      queue.shift();
    }
  }

  #submit(lane: ParcelTaker, partition: number, { kind, count, body }: Parcel): number {
    const envelope = { kind, flags: 0, count, requestIdLow: 0, requestIdHigh: 0, institution: OPERATOR_INSTITUTION };
    return lane.submit(envelope, body, {
      deliver: (replies) => {
        const frame = replies.take();
        if (frame === undefined) return;
        const answer = frame.subarray(HEADER);
        if (kind === ClearingKinds.receiveCrossings) {
          this.#sort(answer, ANSWER_BYTES, originOf, ClearingKinds.settleCrossings);
        } else if (kind === ClearingKinds.carryOutPart) {
          const view = new DataView(answer.buffer, answer.byteOffset, answer.byteLength);
          this.#postPart(ClearingKinds.collectPart, travelBack(view), answer.slice());
        } else if (kind === ClearingKinds.receiveCounts) {
          const body = answer.slice();
          this.#post(confirmedTo(body), { kind: ClearingKinds.confirmCounts, count: 1, body });
        } else if (kind === ClearingKinds.settleCrossings || kind === ClearingKinds.collectPart) {
          this.#settle(partition, answer);
        }
      },
    });
  }

  #defer(partition: number, sink: ReplySink, shared: Uint8Array, command: () => WaitingCommand): void {
    const first = new DataView(shared.buffer, shared.byteOffset + HEADER);
    const code = first.getUint16(RESULT.at.code, true);
    if (code === AWAITS_ANSWERS) {
      return this.#rehearsals.add(Number(first.getBigUint64(RESULT.at.timestamp, true)), sink, command());
    }
    if (code === AWAITS_TURN) {
      const key = this.#key(partition, Number(first.getBigUint64(RESULT.at.timestamp, true)));
      addTo(this.#parked, key, { sink, ...withoutAnswers(command()).command });
      return;
    }
    const frame = shared.slice();
    const view = new DataView(frame.buffer);
    const count = view.getUint32(FRAME_HEADER.at.count, true);
    const stride = (frame.length - HEADER) / count;
    const reply: Waiting = { sink, frame, missing: 0 };
    for (let at = HEADER; at < frame.length; at += stride) {
      if (!isUndecided(view.getUint16(at + RESULT.at.code, true))) continue;
      const key = this.#key(partition, Number(view.getBigUint64(at + RESULT.at.timestamp, true)));
      addTo(this.#places, key, { reply, at, length: stride });
      reply.missing++;
    }
  }

  #settle(partition: number, settlements: Uint8Array): void {
    const view = new DataView(settlements.buffer, settlements.byteOffset, settlements.byteLength);
    for (let at = 0; at < settlements.length; at += SETTLEMENT_BYTES) {
      const key = this.#key(partition, Number(view.getBigUint64(at, true)));
      const places = this.#places.get(key) ?? [];
      this.#places.delete(key);
      const from = at + SETTLEMENT_RESULT;
      for (const { reply, at: place, length } of places) {
        reply.frame.set(settlements.subarray(from, from + length), place);
        if (--reply.missing === 0) deliverOne(reply.sink, reply.frame);
      }
      this.#goOn(partition, key);
    }
  }

  /** Has what was parked decided again, in the order in which it came. */
  #goOn(partition: number, key: number): void {
    const parked = this.#parked.get(key) ?? [];
    this.#parked.delete(key);
    for (const { sink, envelope, body } of parked) {
      const code = this.#lanes[partition]?.submit(envelope, body, sink) ?? Code.shuttingDown;
      if (code !== Code.ok) deliverOne(sink, refusalFrame(envelope, code));
    }
  }

  #key(partition: number, lsn: number): number {
    return lsn * this.#partitions + partition;
  }
}

function addTo<T>(lists: Map<number, T[]>, key: number, item: T): void {
  const known = lists.get(key);
  if (known === undefined) lists.set(key, [item]);
  else known.push(item);
}
