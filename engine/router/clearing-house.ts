/**
 * Carries what partitions say to each other, and keeps the replies that wait for it.
 *
 *   batch of A durable ─ messages ─▶ lane of B: receive ─ answers ─▶ lane of A: settle ─ results ─▶ the replies that wait
 *
 * Nothing is kept here that would have to survive: after a start each partition sends again what was not settled. What goes to one
 * partition goes in the order in which it came, also when that partition is busy for a while.
 */
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { BALANCES, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION, type ReplySink } from '../gateway.ts';
import { AWAITS_CLEARING } from '../ledger/results.ts';
import {
  ANSWER_BYTES,
  ClearingKinds,
  CROSSING_BYTES,
  originOf,
  SETTLEMENT_BYTES,
  targetOf,
} from '../worker/clearing-commands.ts';
import { deliverOne } from './gather.ts';
import type { ClearingPort, Lane } from './lane.ts';

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
  readonly withBalances: boolean;
}

export class ClearingHouse {
  readonly #partitions: number;
  /** For each partition what could not be handed over yet, in order. */
  readonly #queues: Parcel[][];
  /** By crossing (position × partitions + partition): who waits for it. */
  readonly #places = new Map<number, Place[]>();
  #lanes: readonly Lane[] = [];

  constructor(partitions: number) {
    this.#partitions = partitions;
    this.#queues = Array.from({ length: partitions }, () => []);
  }

  /** What the lane of a partition needs; it exists before the lanes do. */
  port(partition: number): ClearingPort {
    return {
      send: (messages) => this.#sort(messages, CROSSING_BYTES, targetOf, ClearingKinds.receiveCrossings),
      defer: (sink, frame) => this.#defer(partition, sink, frame),
    };
  }

  /** Connects the partitions, and lets each send what it had not settled when it stopped. */
  connect(lanes: readonly Lane[]): void {
    this.#lanes = lanes;
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

  #submit(lane: Lane, partition: number, { kind, count, body }: Parcel): number {
    const envelope = { kind, flags: 0, count, requestIdLow: 0, requestIdHigh: 0, institution: OPERATOR_INSTITUTION };
    return lane.submit(envelope, body, {
      deliver: (replies) => {
        const frame = replies.take();
        if (frame === undefined) return;
        const answer = frame.subarray(HEADER);
        if (kind === ClearingKinds.receiveCrossings) {
          this.#sort(answer, ANSWER_BYTES, originOf, ClearingKinds.settleCrossings);
        } else if (kind === ClearingKinds.settleCrossings) this.#settle(partition, answer);
      },
    });
  }

  #defer(partition: number, sink: ReplySink, shared: Uint8Array): void {
    const frame = shared.slice();
    const view = new DataView(frame.buffer);
    const count = view.getUint32(FRAME_HEADER.at.count, true);
    const stride = (frame.length - HEADER) / count;
    const reply: Waiting = { sink, frame, missing: 0 };
    for (let at = HEADER; at < frame.length; at += stride) {
      if (view.getUint16(at + RESULT.at.code, true) !== AWAITS_CLEARING) continue;
      const key = this.#key(partition, Number(view.getBigUint64(at + RESULT.at.timestamp, true)));
      const place = { reply, at, withBalances: stride === RESULT.size + BALANCES.size };
      const known = this.#places.get(key);
      if (known === undefined) this.#places.set(key, [place]);
      else known.push(place);
      reply.missing++;
    }
  }

  #settle(partition: number, settlements: Uint8Array): void {
    const view = new DataView(settlements.buffer, settlements.byteOffset, settlements.byteLength);
    for (let at = 0; at < settlements.length; at += SETTLEMENT_BYTES) {
      const key = this.#key(partition, Number(view.getBigUint64(at, true)));
      const places = this.#places.get(key);
      if (places === undefined) continue;
      this.#places.delete(key);
      const from = at + SETTLEMENT_RESULT;
      for (const { reply, at: place, withBalances } of places) {
        const length = withBalances ? RESULT.size + BALANCES.size : RESULT.size;
        reply.frame.set(settlements.subarray(from, from + length), place);
        if (--reply.missing === 0) deliverOne(reply.sink, reply.frame);
      }
    }
  }

  #key(partition: number, lsn: number): number {
    return lsn * this.#partitions + partition;
  }
}
