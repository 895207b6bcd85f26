/**
 * One connection under load: a ring of prepared request frames, of which up to `inFlight` are unanswered. The request id
 * is the place in the ring, where the moment at which the request was due is kept.
 *
 * The ring has at least twice as many places as requests in flight, so a frame is written anew only after a later one was
 * answered: the socket is done with its bytes, and nothing is copied on the way out.
 */
import { FRAME_HEADER, REFUSED_KIND } from '../../protocol/frame.ts';
import { RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import type { Meter, Schedule } from './latency.ts';
import type { Tally } from './tally.ts';
import type { Traffic } from './traffic.ts';
import { clientHeaderBytes, Opcodes, writeClientHeader } from './websocket-frames.ts';
import type { WebSocketWire } from './websocket-wire.ts';

const FREE = -1;
const FIRST_CODE = FRAME_HEADER.size + RESULT.at.code;

/** What all connections of a process share. */
export interface LoadContext {
  readonly traffic: Traffic;
  readonly inFlight: number;
  readonly meter: Meter;
  readonly tally: Tally;
  /** Adds to performance.now() to make milliseconds since 1970. */
  readonly timeOriginMs: number;
}

export class LoadConnection {
  readonly #context: LoadContext;
  readonly #schedule: Schedule | undefined;
  readonly #places: number;
  /** Bytes from one frame of the ring to the next; equal to `#frameBytes` when several can be written with one call. */
  readonly #stride: number;
  readonly #frameBytes: number;
  readonly #frameStart: number;
  readonly #payloadStart: number;
  readonly #ring: Buffer;
  readonly #words: Uint32Array;
  /** By place: when its request was due, or FREE. */
  readonly #due: Float64Array;
  #next = 0;
  #unanswered = 0;
  #stopped = false;
  readonly #wire: WebSocketWire;

  /** @param schedule when to send, for an open loop; undefined = whenever there is room */
  constructor(wire: WebSocketWire, context: LoadContext, schedule: Schedule | undefined) {
    const { traffic, inFlight } = context;
    this.#wire = wire;
    this.#context = context;
    this.#schedule = schedule;
    const header = clientHeaderBytes(traffic.payloadBytes);
    this.#frameBytes = header + traffic.payloadBytes;
    // Payloads begin on a word, so that they can be patched as words.
    this.#frameStart = (4 - (header & 3)) & 3;
    this.#payloadStart = this.#frameStart + header;
    this.#stride = (this.#frameStart + this.#frameBytes + 3) & ~3;
    this.#places = inFlight * 2;
    const bytes = new ArrayBuffer(this.#stride * this.#places);
    this.#ring = Buffer.from(bytes);
    this.#words = new Uint32Array(bytes);
    this.#due = new Float64Array(this.#places).fill(FREE);
    for (let place = 0; place < this.#places; place++) {
      const at = place * this.#stride;
      writeClientHeader(this.#ring, at + this.#frameStart, traffic.payloadBytes, Opcodes.binary);
      traffic.prepare(this.#ring, at + this.#payloadStart);
      this.#words[(at + this.#payloadStart + FRAME_HEADER.at.requestId) >> 2] = place;
    }
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  /** Sends nothing more. */
  stop(): void {
    this.#stopped = true;
  }

  /** Sends what is due and fits in flight. Returns when the next request is due; Infinity when a reply must come first. */
  send(nowMs: number): number {
    if (this.#stopped) return Number.POSITIVE_INFINITY;
    const { inFlight } = this.#context;
    let nextMs = Number.POSITIVE_INFINITY;
    let first = this.#next;
    let place = first;
    while (this.#unanswered < inFlight && this.#due[place] === FREE) {
      const due = this.#schedule === undefined ? nowMs : this.#schedule.dueMs;
      if (due > nowMs) {
        nextMs = due;
        break;
      }
      this.#schedule?.advance();
      this.#renew(place, due, nowMs);
      place++;
      if (place === this.#places) {
        this.#write(first, place);
        first = 0;
        place = 0;
      }
    }
    if (place !== first) this.#write(first, place);
    this.#next = place;
    return nextMs;
  }

  /** Cuts the connection. */
  close(): void {
    this.#wire.close();
  }

  /** Takes a reply. */
  receive(bytes: Uint8Array, start: number, end: number, nowMs: number): void {
    const { traffic, meter, tally } = this.#context;
    const place = readU32(bytes, start + FRAME_HEADER.at.requestId);
    const due = this.#due[place];
    if (due === undefined || due === FREE) {
      tally.lost++;
      return;
    }
    this.#due[place] = FREE;
    this.#unanswered--;
    meter.answered(traffic.records, due, nowMs);
    const kind = bytes[start + FRAME_HEADER.at.kind] as number;
    if (kind === traffic.replyKind) this.#countResults(bytes, start, end);
    else if (kind === REFUSED_KIND) tally.add(readU16(bytes, start + FRAME_HEADER.size), traffic.records);
    else tally.lost += traffic.records;
  }

  /** Counts what has no answer and never will. */
  abandon(nowMs: number): void {
    const { traffic, meter, tally } = this.#context;
    for (const due of this.#due) {
      if (due === FREE) continue;
      tally.lost += traffic.records;
      meter.unanswered(due, nowMs);
    }
    this.#unanswered = 0;
    this.#due.fill(FREE);
    this.#stopped = true;
  }

  /** Requests that were due before the end and could not even be sent count with the time that they have waited. */
  countUnsent(endMs: number, nowMs: number): void {
    const schedule = this.#schedule;
    if (schedule === undefined) return;
    for (; schedule.dueMs < endMs; schedule.advance()) this.#context.meter.unanswered(schedule.dueMs, nowMs);
  }

  #renew(place: number, dueMs: number, nowMs: number): void {
    const { traffic, timeOriginMs } = this.#context;
    const payload = (place * this.#stride + this.#payloadStart) >> 2;
    traffic.renew(this.#words, payload, Math.floor(timeOriginMs + nowMs));
    this.#due[place] = dueMs;
    this.#unanswered++;
  }

  /** Writes the frames of the places from `first` up to, not including, `end`. */
  #write(first: number, end: number): void {
    const stride = this.#stride;
    if (stride === this.#frameBytes) {
      this.#wire.write(this.#ring.subarray(first * stride, end * stride));
      return;
    }
    for (let place = first; place < end; place++) {
      const at = place * stride + this.#frameStart;
      this.#wire.write(this.#ring.subarray(at, at + this.#frameBytes));
    }
  }

  #countResults(bytes: Uint8Array, start: number, end: number): void {
    const { traffic, tally } = this.#context;
    const { records, resultStride } = traffic;
    if (resultStride === 0) return tally.add(Code.ok, records);
    if (start + FIRST_CODE + (records - 1) * resultStride + 2 > end) {
      tally.lost += records;
      return;
    }
    let ok = 0;
    for (let record = 0, at = start + FIRST_CODE; record < records; record++, at += resultStride) {
      const code = readU16(bytes, at);
      if (code === Code.ok) ok++;
      else tally.add(code, 1);
    }
    tally.add(Code.ok, ok);
  }
}

function readU16(bytes: Uint8Array, at: number): number {
  return (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
}

function readU32(bytes: Uint8Array, at: number): number {
  return (readU16(bytes, at) | (readU16(bytes, at + 2) << 16)) >>> 0;
}
