/** The requests of a workload, written word by word into frames that were laid out once. */
import { COMMANDS } from '../../protocol/commands.ts';
import { FRAME_HEADER, REPLY_BIT } from '../../protocol/frame.ts';
import { writeHeader } from '../../protocol/frame-header.ts';
import { PAYMENT, RESULT, TRANSFER } from '../../protocol/records.ts';
import type { Group, IdWords, TrafficSpec } from './jobs.ts';
import { PairPicker, type Random } from './random.ts';
import { TimeOrderedIds } from './time-ordered-ids.ts';

export interface Traffic {
  /** Bytes of a request: a multiple of 4. */
  readonly payloadBytes: number;
  /** Transfers or payments in one request. */
  readonly records: number;
  /** Kind byte of the expected reply. */
  readonly replyKind: number;
  /** Bytes from one RESULT of a reply to the next; 0 when the reply has none. */
  readonly resultStride: number;
  /** Writes what all requests share at byte `at`. */
  prepare(bytes: Uint8Array, at: number): void;
  /** Writes what is new in a request whose payload begins at word `at`; all but its request id. */
  renew(words: Uint32Array, at: number, nowMs: number): void;
}

const HEADER_WORDS = FRAME_HEADER.size >> 2;
const RECORD_WORDS = TRANSFER.size >> 2;
const AMOUNT_MIN = 100;
const AMOUNT_SPREAD = 900;
const CODE = 1;

/** @param seed of everything that is chosen at random */
export function makeTraffic(spec: Exclude<TrafficSpec, { type: 'qr' }>, random: Random): Traffic {
  switch (spec.type) {
    case 'echo':
      return new EchoTraffic(spec.bytes);
    case 'transfers':
      return new TransferTraffic(spec, random);
    case 'sales':
      return new SaleTraffic(spec, random);
  }
}

/** Messages that come back as they are. */
class EchoTraffic implements Traffic {
  readonly payloadBytes: number;
  readonly records = 1;
  readonly replyKind = COMMANDS.ping.kind | REPLY_BIT;
  readonly resultStride = 0;

  constructor(bytes: number) {
    this.payloadBytes = bytes;
  }

  prepare(bytes: Uint8Array, at: number): void {
    // The reply is the request itself, so the request looks like a reply.
    writeHeader(bytes.subarray(at), this.replyKind, 0, 0, 0, 0);
  }

  renew(): void {}
}

/** Single-phase transfers between accounts without limits. */
class TransferTraffic implements Traffic {
  readonly payloadBytes: number;
  readonly records: number;
  readonly replyKind = COMMANDS.createTransfers.kind | REPLY_BIT;
  readonly resultStride = RESULT.size;
  readonly #ledger: number;
  readonly #ids: TimeOrderedIds;
  readonly #random: Random;
  readonly #groups: readonly AccountGroup[];
  /** A u32 below this makes a transfer cross. */
  readonly #crossingBelow: number;

  constructor(spec: TrafficSpec & { type: 'transfers' }, random: Random) {
    this.records = spec.records;
    this.payloadBytes = FRAME_HEADER.size + spec.records * TRANSFER.size;
    this.#ledger = spec.ledger;
    this.#random = random;
    this.#ids = new TimeOrderedIds(random);
    this.#groups = spec.groups.map((group) => new AccountGroup(group, spec.distribution, random));
    this.#crossingBelow = spec.groups.length === 1 ? 0 : spec.crossing * 2 ** 32;
  }

  prepare(bytes: Uint8Array, at: number): void {
    writeHeader(bytes.subarray(at), COMMANDS.createTransfers.kind, 0, this.records, 0, 0);
    const view = new DataView(bytes.buffer, bytes.byteOffset + at + FRAME_HEADER.size);
    for (let record = 0; record < this.records; record++) {
      view.setUint32(record * TRANSFER.size + TRANSFER.at.ledger, this.#ledger, true);
      view.setUint16(record * TRANSFER.size + TRANSFER.at.code, CODE, true);
    }
  }

  renew(words: Uint32Array, at: number, nowMs: number): void {
    const ids = this.#ids;
    const random = this.#random;
    ids.at(nowMs);
    for (let record = 0, word = at + HEADER_WORDS; record < this.records; record++, word += RECORD_WORDS) {
      const from = pickGroup(this.#groups, random);
      from.pair.next();
      const to = random.next() < this.#crossingBelow ? this.#otherThan(from) : from;
      if (to !== from) to.pair.next();
      ids.write(words, word);
      from.payers.copy(from.pair.debit, words, word + (TRANSFER.at.debitAccountId >> 2));
      to.payers.copy(to.pair.credit, words, word + (TRANSFER.at.creditAccountId >> 2));
      words[word + (TRANSFER.at.amount >> 2)] = AMOUNT_MIN + random.below(AMOUNT_SPREAD);
    }
  }

  #otherThan(group: AccountGroup): AccountGroup {
    const groups = this.#groups;
    const step = 1 + this.#random.below(groups.length - 1);
    return groups[(groups.indexOf(group) + step) % groups.length] as AccountGroup;
  }
}

/** Sales from a payer to a merchant with a tariff, each with its own reference of 16 bytes. */
class SaleTraffic implements Traffic {
  readonly payloadBytes = FRAME_HEADER.size + PAYMENT.size + REFERENCE_BYTES;
  readonly records = 1;
  readonly replyKind = COMMANDS.sale.kind | REPLY_BIT;
  readonly resultStride = RESULT.size;
  readonly #ledger: number;
  readonly #ids: TimeOrderedIds;
  readonly #random: Random;
  readonly #groups: readonly AccountGroup[];
  #sales = 0;

  constructor(spec: TrafficSpec & { type: 'sales' }, random: Random) {
    this.#ledger = spec.ledger;
    this.#random = random;
    this.#ids = new TimeOrderedIds(random);
    this.#groups = spec.groups.map((group) => new AccountGroup(group, spec.distribution, random));
  }

  prepare(bytes: Uint8Array, at: number): void {
    writeHeader(bytes.subarray(at), COMMANDS.sale.kind, 0, 1, 0, 0);
    const body = at + FRAME_HEADER.size;
    const view = new DataView(bytes.buffer, bytes.byteOffset + body);
    view.setUint32(PAYMENT.at.ledger, this.#ledger, true);
    view.setUint16(PAYMENT.at.code, CODE, true);
    view.setUint16(PAYMENT.at.referenceLength, REFERENCE_BYTES, true);
    bytes.set(Buffer.from('order-00'), body + PAYMENT.size);
  }

  renew(words: Uint32Array, at: number, nowMs: number): void {
    const word = at + HEADER_WORDS;
    const group = pickGroup(this.#groups, this.#random);
    this.#ids.at(nowMs);
    this.#ids.write(words, word);
    group.payers.copy(group.pair.one(), words, word + (PAYMENT.at.payerAccountId >> 2));
    group.payees.copy(this.#random.below(group.payees.count), words, word + (PAYMENT.at.payeeAccountId >> 2));
    words[word + (PAYMENT.at.amount >> 2)] = AMOUNT_MIN + this.#random.below(AMOUNT_SPREAD);
    const serial = this.#sales++;
    const reference = word + ((PAYMENT.size + REFERENCE_BYTES) >> 2) - 2;
    words[reference] = fourHexDigits(serial >>> 16);
    words[reference + 1] = fourHexDigits(serial & 0xffff);
  }
}

const REFERENCE_BYTES = 16;

/** ASCII of a u16 as a little-endian word that reads from left to right. */
function fourHexDigits(value: number): number {
  return (
    hexDigit(value >>> 12) |
    (hexDigit((value >>> 8) & 15) << 8) |
    (hexDigit((value >>> 4) & 15) << 16) |
    (hexDigit(value & 15) << 24)
  );
}

function hexDigit(value: number): number {
  return value < 10 ? 0x30 + value : 0x57 + value;
}

export function pickGroup(groups: readonly AccountGroup[], random: Random): AccountGroup {
  return groups[groups.length === 1 ? 0 : random.below(groups.length)] as AccountGroup;
}

export class AccountGroup {
  readonly payers: IdTable;
  readonly payees: IdTable;
  readonly pair: PairPicker;

  constructor(group: Group, distribution: TransferDistribution, random: Random) {
    this.payers = new IdTable(group.payers);
    this.payees = new IdTable(group.payees);
    this.pair = new PairPicker(distribution, group.payers.length, random);
  }
}

type TransferDistribution = Extract<TrafficSpec, { type: 'transfers' }>['distribution'];

/** Account ids as words, ready to be copied. */
class IdTable {
  readonly #words: Uint32Array;
  readonly #bytes: Uint8Array;

  constructor(ids: readonly IdWords[]) {
    this.#words = Uint32Array.from(ids.flat());
    this.#bytes = new Uint8Array(this.#words.buffer);
  }

  get count(): number {
    return this.#words.length >> 2;
  }

  copyBytes(index: number, out: Uint8Array, at: number): void {
    out.set(this.#bytes.subarray(index << 4, (index + 1) << 4), at);
  }

  copy(index: number, out: Uint32Array, at: number): void {
    const from = index << 2;
    out[at] = this.#words[from] as number;
    out[at + 1] = this.#words[from + 1] as number;
    out[at + 2] = this.#words[from + 2] as number;
    out[at + 3] = this.#words[from + 3] as number;
  }
}
