/**
 * One connection under the load of payment codes: each place issues a code for a payer, then pays a merchant with it, in two messages that
 * follow each other. What is counted, and how long it took, is the pair.
 */
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER, REPLY_BIT } from '../../protocol/frame.ts';
import { writeHeader } from '../../protocol/frame-header.ts';
import { PAYER_CODE, PAYER_CODE_LIMITS } from '../../protocol/payer-codes.ts';
import { PAYMENT, PaymentFlags, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { Channels, RISK_CONTEXT } from '../../protocol/risk.ts';
import type { Loaded } from './drive.ts';
import type { TrafficSpec } from './jobs.ts';
import type { Meter } from './latency.ts';
import type { Random } from './random.ts';
import type { Tally } from './tally.ts';
import { TimeOrderedIds } from './time-ordered-ids.ts';
import { AccountGroup, pickGroup } from './traffic.ts';
import { clientHeaderBytes, Opcodes, writeClientHeader } from './websocket-frames.ts';
import type { WebSocketWire } from './websocket-wire.ts';

const ISSUE_BYTES = FRAME_HEADER.size + PAYER_CODE.size;
const PAY_BYTES = FRAME_HEADER.size + PAYMENT.size + RISK_CONTEXT.size;
const ISSUED = COMMANDS.issueCodes.kind | REPLY_BIT;
const PAID = COMMANDS.sale.kind | REPLY_BIT;
const AMOUNT_MIN = 100;
const AMOUNT_SPREAD = 900;
const CODE_TIER = 3;
const RESULT_AT = FRAME_HEADER.size;
const TOKEN_AT = RESULT_AT + RESULT.size + PAYER_CODE.at.token;
const TOKEN_BYTES = 16;

export interface QrContext {
  readonly spec: TrafficSpec & { type: 'qr' };
  readonly random: Random;
  readonly inFlight: number;
  readonly meter: Meter;
  readonly tally: Tally;
  readonly timeOriginMs: number;
}

export class QrConnection implements Loaded {
  readonly #wire: WebSocketWire;
  readonly #context: QrContext;
  readonly #groups: readonly AccountGroup[];
  readonly #ids: TimeOrderedIds;
  readonly #issue: Frame;
  readonly #pay: Frame;
  /** By place: when its pair began. */
  readonly #begun: Float64Array;
  /** Places whose code has come, and places that are free. */
  #coded: number[] = [];
  #free: number[];
  #unanswered = 0;
  #stopped = false;
  readonly #firstDevice: number;
  /** By place: the token of its code. */
  readonly #tokens: Uint8Array;
  readonly #id = new Uint32Array(4);
  readonly #idBytes = new Uint8Array(this.#id.buffer);

  /** @param device of which this connection's devices are the following ones */
  constructor(wire: WebSocketWire, context: QrContext, device: number) {
    const { spec, random, inFlight } = context;
    this.#wire = wire;
    this.#context = context;
    this.#groups = spec.groups.map((group) => new AccountGroup(group, spec.distribution, random));
    this.#ids = new TimeOrderedIds(random);
    this.#issue = new Frame(ISSUE_BYTES, (bytes) => prepareIssue(bytes));
    this.#pay = new Frame(PAY_BYTES, (bytes) => preparePay(bytes, spec.ledger));
    this.#begun = new Float64Array(inFlight);
    this.#free = Array.from({ length: inFlight }, (_, place) => place);
    this.#firstDevice = device;
    this.#tokens = new Uint8Array(inFlight * TOKEN_BYTES);
  }

  get unanswered(): number {
    return this.#unanswered;
  }

  /** Pays with the codes that have come, and issues as many as places are free. */
  send(nowMs: number): number {
    const coded = this.#coded.splice(0);
    const begins = this.#stopped ? [] : this.#free.splice(0);
    const { length: payBytes } = this.#pay.bytes;
    const out = Buffer.allocUnsafe(coded.length * payBytes + begins.length * this.#issue.bytes.length);
    let at = 0;
    // Everything of one moment goes out with one call, a copy of some hundred bytes each.
    for (const place of coded) {
      this.#renewPay(out, at, place, nowMs);
      at += payBytes;
    }
    for (const place of begins) {
      this.#renewIssue(out, at, place);
      this.#begun[place] = nowMs;
      this.#unanswered++;
      at += this.#issue.bytes.length;
    }
    if (at > 0) this.#wire.write(out);
    return Number.POSITIVE_INFINITY;
  }

  /** Takes a reply. */
  receive(bytes: Uint8Array, start: number, _end: number, nowMs: number): void {
    const { meter, tally } = this.#context;
    const view = new DataView(bytes.buffer, bytes.byteOffset + start);
    const place = view.getUint32(FRAME_HEADER.at.requestId, true);
    const kind = view.getUint8(FRAME_HEADER.at.kind);
    const code = view.getUint16(kind === ISSUED || kind === PAID ? RESULT_AT + RESULT.at.code : RESULT_AT, true);
    if (kind === ISSUED && code === Code.ok) {
      this.#tokens.set(bytes.subarray(start + TOKEN_AT, start + TOKEN_AT + TOKEN_BYTES), place * TOKEN_BYTES);
      this.#coded.push(place);
      return;
    }
    meter.answered(1, this.#begun[place] as number, nowMs);
    tally.add(code, 1);
    this.#unanswered--;
    this.#free.push(place);
  }

  stop(): void {
    this.#stopped = true;
  }

  countUnsent(): void {}

  abandon(): void {
    this.#context.tally.lost += this.#unanswered;
    this.#unanswered = 0;
    this.#stopped = true;
  }

  close(): void {
    this.#wire.close();
  }

  #renewIssue(out: Buffer, at: number, place: number): void {
    out.set(this.#issue.bytes, at);
    const payload = at + this.#issue.header;
    out.writeUInt32LE(place, payload + FRAME_HEADER.at.requestId);
    const body = payload + FRAME_HEADER.size;
    const group = pickGroup(this.#groups, this.#context.random);
    group.payers.copyBytes(group.pair.one(), out, body + PAYER_CODE.at.accountId);
    // Each place is a device of its own, so that none takes another's code away.
    out.writeUInt32LE(this.#firstDevice + place + 1, body + PAYER_CODE.at.device);
  }

  #renewPay(out: Buffer, at: number, place: number, nowMs: number): void {
    const { random, timeOriginMs } = this.#context;
    out.set(this.#pay.bytes, at);
    const payload = at + this.#pay.header;
    out.writeUInt32LE(place, payload + FRAME_HEADER.at.requestId);
    const body = payload + FRAME_HEADER.size;
    this.#ids.at(Math.floor(timeOriginMs + nowMs));
    this.#ids.write(this.#id, 0);
    out.set(this.#idBytes, body + PAYMENT.at.id);
    const group = pickGroup(this.#groups, random);
    group.payees.copyBytes(random.below(group.payees.count), out, body + PAYMENT.at.payeeAccountId);
    out.writeUInt32LE(AMOUNT_MIN + random.below(AMOUNT_SPREAD), body + PAYMENT.at.amount);
    const token = this.#tokens.subarray(place * TOKEN_BYTES, (place + 1) * TOKEN_BYTES);
    out.set(token, body + PAYMENT.at.payerCode);
  }
}

/** A frame that was laid out once. */
class Frame {
  readonly bytes: Uint8Array;
  /** Bytes before the payload. */
  readonly header: number;

  constructor(payloadBytes: number, prepare: (payload: Uint8Array) => void) {
    this.header = clientHeaderBytes(payloadBytes);
    const whole = Buffer.alloc(this.header + payloadBytes);
    writeClientHeader(whole, 0, payloadBytes, Opcodes.binary);
    prepare(whole.subarray(this.header));
    this.bytes = whole;
  }
}

function prepareIssue(bytes: Uint8Array): void {
  writeHeader(bytes, COMMANDS.issueCodes.kind, 0, 1, 0, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset + FRAME_HEADER.size);
  view.setBigUint64(PAYER_CODE.at.unconfirmedMax, BigInt(AMOUNT_MIN + AMOUNT_SPREAD), true);
  view.setUint16(PAYER_CODE.at.lifetimeS, PAYER_CODE_LIMITS.lifetimeMax, true);
  view.setUint8(PAYER_CODE.at.codeTier, CODE_TIER);
}

function preparePay(bytes: Uint8Array, ledger: number): void {
  writeHeader(bytes, COMMANDS.sale.kind, 0, 1, 0, 0);
  const view = new DataView(bytes.buffer, bytes.byteOffset + FRAME_HEADER.size);
  view.setUint32(PAYMENT.at.ledger, ledger, true);
  view.setUint16(PAYMENT.at.code, 1, true);
  view.setUint16(PAYMENT.at.flags, PaymentFlags.riskContext, true);
  view.setUint8(PAYMENT.size + RISK_CONTEXT.at.channel, Channels.qr);
}
