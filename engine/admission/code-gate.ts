/**
 * What is done about codes of payers before they reach a partition: one-time codes and numbers of devices are drawn, and what a device
 * has made is checked with its key.
 *
 *   issueCodes, putCodeDevice   the token is drawn at random, until it lives where its account does
 *   sale, authorise, cancel     with the code of a device: the device is looked up, the code checked; the payment goes on with the
 *                               device's token and the counter, or with the mark that the code is wrong
 */
import { randomBytes, randomInt } from 'node:crypto';
import { PAYMENT_CANCELLATION } from '../../protocol/cancellation.ts';
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER } from '../../protocol/frame.ts';
import { readU128, writeU128 } from '../../protocol/layout.ts';
import {
  CODE_DEVICE,
  codeDeviceToken,
  DEVICE_NUMBERS,
  DEVICE_PREFIX,
  deviceOfCode,
  PAYER_CODE,
  payerCodeDigits,
  payerCodeKindAt,
  writeOneTimeCode,
} from '../../protocol/payer-codes.ts';
import { PAYMENT, PaymentFlags, RESULT } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { type CommandEnvelope, call, type Gateway, OPERATOR_INSTITUTION, type ReplySink } from '../gateway.ts';
import { deliverOne, refusalFrame } from '../router/gather.ts';
import { partitionAt, partitionOfId } from '../router/split.ts';
import { counterOfCode, deviceKey } from './device-codes.ts';

const { sale, authorise, cancelPayment, issueCodes, putCodeDevice, lookupCodeDevices } = COMMANDS;
/** How often the number of a device is drawn anew because it was taken. */
const DRAWS_MAX = 8;
/** Digits of a one-time code between its prefix and its check digit are two numbers below these. */
const HIGH_DRAWS = 1_000_000;
const LOW_DRAWS = 1_000_000_000;
const ID_BYTES = 16;
const COUNTER_BYTES = 8;
const POOL_BYTES = 4096;

export class CodeGate implements Gateway {
  readonly #next: Gateway;
  readonly #partitions: number;
  /** Of which the keys of devices are made; undefined = devices make no codes here. */
  readonly #master: Uint8Array | undefined;
  readonly #random = new RandomNumbers();
  /** A message with the codes that were drawn for it: whoever takes a body copies it. */
  #drawn = new DataView(new ArrayBuffer(PAYER_CODE.size));

  constructor(next: Gateway, partitions: number, master: Uint8Array | undefined) {
    this.#next = next;
    this.#partitions = partitions;
    this.#master = master;
  }

  submit(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    switch (envelope.kind) {
      case sale.kind:
      case authorise.kind:
        return this.#pay(envelope, body, sink);
      case cancelPayment.kind:
        return this.#next.submit(envelope, withDevice(body, PAYMENT_CANCELLATION.at.payerAccountId), sink);
      case issueCodes.kind:
        return this.#issue(envelope, body, sink);
      case putCodeDevice.kind:
        return this.#putDevice(envelope, body, sink);
      default:
        return this.#next.submit(envelope, body, sink);
    }
  }

  #pay(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const { payerCode, payerCounter, flags } = PAYMENT.at;
    // Only the switch itself says what it has found out of a code.
    if (!isZero(body, payerCounter, COUNTER_BYTES)) return Code.reservedField;
    if (((body[flags] as number) & PaymentFlags.wrongCode) !== 0) return Code.flagsReserved;
    if (isZero(body, payerCode, ID_BYTES)) return this.#next.submit(envelope, body, sink);
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    const kind = payerCodeKindAt(view, payerCode);
    if (kind === undefined) return Code.payerCodeWrong;
    if (kind !== DEVICE_PREFIX) return this.#next.submit(envelope, body, sink);
    if (this.#master === undefined) return Code.codeDevicesOff;
    // Both are used again when this has returned.
    const kept = { ...envelope };
    void this.#checked(body.slice(), readU128(view, payerCode), this.#master).then((checked) => {
      const code = typeof checked === 'number' ? checked : this.#next.submit(kept, checked, sink);
      if (code !== Code.ok) deliverOne(sink, refusalFrame(kept, code));
    });
    return Code.ok;
  }

  /** The payment with what was found out of its code, or why nothing could be. */
  async #checked(payment: Uint8Array, token: bigint, master: Uint8Array): Promise<Uint8Array | number> {
    const device = deviceOfCode(token);
    const ids = new Uint8Array(16);
    writeU128(new DataView(ids.buffer), 0, device);
    const question = { kind: lookupCodeDevices.kind, flags: 0, count: 1, institution: OPERATOR_INSTITUTION };
    const frame = await call(this.#next, question, ids);
    if (typeof frame === 'number') return frame;
    const found = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size);
    if (found.byteLength < RESULT.size + CODE_DEVICE.size) return Code.busy;
    const view = new DataView(payment.buffer, payment.byteOffset);
    const { payerCode, payerCounter, flags } = PAYMENT.at;
    writeU128(view, payerCode, device);
    // One that is not enrolled is declined by its partition.
    if (found.getUint16(RESULT.at.code, true) !== Code.ok) return payment;
    const highest = Number(found.getBigUint64(RESULT.size + CODE_DEVICE.at.counter, true));
    const counter = counterOfCode(deviceKey(master, device), payerCodeDigits(token), highest);
    if (counter === undefined) view.setUint16(flags, view.getUint16(flags, true) | PaymentFlags.wrongCode, true);
    else view.setBigUint64(payerCounter, BigInt(counter), true);
    return payment;
  }

  #issue(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    const { count } = envelope;
    if (body.length > this.#drawn.byteLength) this.#drawn = new DataView(new ArrayBuffer(body.length));
    const view = this.#drawn;
    const drawn = new Uint8Array(view.buffer, 0, body.length);
    drawn.set(body);
    for (let index = 0; index < count; index++) {
      const at = index * PAYER_CODE.size + PAYER_CODE.at.token;
      if (!isZero(drawn, at, ID_BYTES)) return Code.reservedField;
      const home = this.#partitions === 1 ? 0 : partitionAt(drawn, at + PAYER_CODE.at.accountId, this.#partitions);
      do writeOneTimeCode(view, at, this.#random.below(HIGH_DRAWS), this.#random.below(LOW_DRAWS));
      while (this.#partitions > 1 && partitionAt(drawn, at, this.#partitions) !== home);
    }
    return this.#next.submit(envelope, drawn, sink);
  }

  #putDevice(envelope: CommandEnvelope, body: Uint8Array, sink: ReplySink): number {
    if (this.#master === undefined) return Code.codeDevicesOff;
    const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
    if (view.getUint8(CODE_DEVICE.at.enrols) !== 0) return Code.reservedField;
    if (!isZero(body, CODE_DEVICE.at.token, ID_BYTES)) return this.#next.submit(envelope, body, sink);
    const kept = { ...envelope };
    void this.#enrol(kept, body.slice(), this.#master).then((reply) =>
      deliverOne(sink, typeof reply === 'number' ? refusalFrame(kept, reply) : reply),
    );
    return Code.ok;
  }

  /** The reply to an enrolment, with the device's key. */
  async #enrol(envelope: CommandEnvelope, device: Uint8Array, master: Uint8Array): Promise<Uint8Array | number> {
    const view = new DataView(device.buffer, device.byteOffset);
    const home = partitionAt(device, CODE_DEVICE.at.accountId, this.#partitions);
    view.setUint8(CODE_DEVICE.at.enrols, 1);
    for (let draw = 0; draw < DRAWS_MAX; draw++) {
      const token = drawDevice(home, this.#partitions);
      writeU128(view, CODE_DEVICE.at.token, token);
      const frame = await this.#ask(envelope, device);
      if (typeof frame === 'number') return frame;
      const code = new DataView(frame.buffer, frame.byteOffset).getUint16(FRAME_HEADER.size + RESULT.at.code, true);
      if (code === Code.busy) continue;
      const keyAt = FRAME_HEADER.size + RESULT.size + CODE_DEVICE.at.keyA;
      if (code === Code.ok) frame.set(deviceKey(master, token), keyAt);
      return frame;
    }
    return Code.busy;
  }

  /** As `call`, with the request's own id in the reply. */
  #ask(envelope: CommandEnvelope, body: Uint8Array): Promise<Uint8Array | number> {
    return new Promise((resolve) => {
      const deliver: ReplySink['deliver'] = (replies) => {
        const frame = replies.take();
        if (frame !== undefined) resolve(frame.slice());
      };
      const code = this.#next.submit(envelope, body, { deliver });
      if (code !== Code.ok) resolve(code);
    });
  }
}

/** The number of a device that lives in this partition. */
function drawDevice(home: number, partitions: number): bigint {
  for (;;) {
    const token = codeDeviceToken(randomInt(DEVICE_NUMBERS));
    if (partitionOfId(token, partitions) === home) return token;
  }
}

/** A cancellation names the device where its code was shown: the body, or a copy of it. */
function withDevice(body: Uint8Array, at: number): Uint8Array {
  const view = new DataView(body.buffer, body.byteOffset, body.byteLength);
  if (payerCodeKindAt(view, at) !== DEVICE_PREFIX) return body;
  const token = readU128(view, at);
  const copy = body.slice();
  writeU128(new DataView(copy.buffer, copy.byteOffset), at, deviceOfCode(token));
  return copy;
}

function isZero(bytes: Uint8Array, at: number, length: number): boolean {
  let any = 0;
  for (let index = 0; index < length; index++) any |= bytes[at + index] as number;
  return any === 0;
}

/** Random numbers of up to 32 bits, from a pool: the generator costs 2 µs a call, whatever it is asked for. */
class RandomNumbers {
  #pool = Buffer.alloc(0);
  #at = 0;

  /** A number from 0 to `bound` − 1, each as likely as the others. */
  below(bound: number): number {
    const limit = Math.floor(2 ** 32 / bound) * bound;
    for (;;) {
      if (this.#at === this.#pool.length) {
        this.#pool = randomBytes(POOL_BYTES);
        this.#at = 0;
      }
      const drawn = this.#pool.readUInt32LE(this.#at);
      this.#at += 4;
      if (drawn < limit) return drawn % bound;
    }
  }
}
