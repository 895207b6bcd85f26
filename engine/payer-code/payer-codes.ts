/**
 * Codes that payers show, in the partition of the account that they pay from: given, looked up, and used up by the payment that they are
 * shown for, in the same batch. A code is nothing but its newest event in the journal: it takes no memory.
 *
 *   one-time code   given ──▶ used (by one payment, whatever becomes of that)
 *                     └──▶ replaced by the next of its account and device, or too old after its lifetime
 *   device          active ── right code ──▶ its counter is used up   ── wrong codes ──▶ blocked ── putCodeDevice ──▶ active
 *
 * Whether the code of a device is right is found out where its key is (admission/code-gate.ts); here its counter is judged.
 */
import { CODE_DEVICE, CodeDeviceStates, PAYER_CODE, PAYER_CODE_LIMITS } from '../../protocol/payer-codes.ts';
import { PaymentFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { NO_ACCOUNT } from '../ledger/accounts.ts';
import { EVENT_PREFIX_BYTES, EventTypes } from '../ledger/events.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { ContextWord, isZeroId, PaymentWord, readU64, sameId, writeU64 } from '../ledger/words.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import {
  CODE_DEVICE_EVENT_BYTES,
  CodeDeviceWord,
  enterPayerCode,
  findPayerCode,
  isDeviceEvent,
  isUseEvent,
  newestOf,
  PAYER_CODE_EVENT_BYTES,
  PAYER_CODE_USE_EVENT_BYTES,
  PayerCodeUseByte,
  PayerCodeUseWord,
  PayerCodeWord,
  PREFIX_WORDS,
} from './event.ts';
import { validateCodeDevice, validatePayerCode } from './validate.ts';

const P = PAYER_CODE.at;
const D = CODE_DEVICE.at;
const ID_WORDS = 4;
const ID_BYTES = 16;
const PAYER_CODE_WORDS = PAYER_CODE.size >> 2;
const CODE_DEVICE_WORDS = CODE_DEVICE.size >> 2;
const TWO_32 = 0x1_0000_0000;
const MICROS_PER_SECOND = 1_000_000;

/** What a payment does to the code that was shown for it. */
const Marks = { none: 0, used: 1, counted: 2, failed: 3 } as const;

/** Records of one message, in the batch's shared buffer. */
export interface PayerCodeMessage {
  readonly words: Uint32Array;
  /** First word of the first record. */
  readonly start: number;
  readonly count: number;
  readonly institution: number;
}

export class PayerCodes {
  readonly #ledger: Ledger;
  /** The code or device at hand. A PAYER_CODE fits as well. */
  readonly #bytes = new Uint8Array(CODE_DEVICE.size);
  readonly #words = new Uint32Array(this.#bytes.buffer);
  readonly #record = new DataView(this.#bytes.buffer);
  #isDevice = false;
  #mark: number = Marks.none;
  /** Of what was shown last: account and device, where it was given, who may take the money, and from where on it is confirmed. */
  readonly #holder = new Uint32Array(2 * ID_WORDS);
  #given = 0;
  #owner = 0;
  #unconfirmedMax = 0;

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** count × PAYER_CODE → count × (RESULT, PAYER_CODE). */
  issue({ words, start, count, institution }: PayerCodeMessage, reply: ReplyArea): void {
    for (let index = 0; index < count; index++) {
      this.#issue(words, start + index * PAYER_CODE_WORDS, institution, reply);
    }
    reply.close(count);
  }

  /** CODE_DEVICE → RESULT, CODE_DEVICE. */
  putDevice({ words, start, institution }: PayerCodeMessage, reply: ReplyArea): void {
    this.#answer(reply, this.#putDevice(words, start, institution), CODE_DEVICE.size);
    reply.close(1);
  }

  /** count × token → count × (RESULT, record); zeros when it is not known, or another institution's. */
  lookup({ words, start, count, institution }: PayerCodeMessage, reply: ReplyArea, devices: boolean): void {
    for (let index = 0; index < count; index++) {
      const at = start + index * ID_WORDS;
      const isFound = (devices ? this.#readDevice(words, at) : this.#readCode(words, at)) !== 0;
      const owner = this.#record.getUint32(devices ? D.owner : P.owner, true);
      const mayKnow = isFound && (institution === OPERATOR_INSTITUTION || owner === institution);
      const unknown = devices ? Code.codeDeviceNotFound : Code.payerCodeNotFound;
      this.#answer(reply, mayKnow ? Code.ok : unknown, devices ? CODE_DEVICE.size : PAYER_CODE.size);
    }
    reply.close(count);
  }

  /**
   * Looks at the code that was shown for the payment at word `at`, and fills in what it stands for: payer, device and how the payer was
   * verified. `ok` for a payment without one. What the payment does to the code is kept by `keep`.
   *
   * @param contextAt word of the RISK_CONTEXT
   */
  present(words: Uint32Array, at: number, contextAt: number): number {
    this.#mark = Marks.none;
    if (isZeroId(words, at + PaymentWord.payerCode)) return Code.ok;
    const lsn = findPayerCode(this.#index, words, at + PaymentWord.payerCode);
    const event = lsn === 0 ? undefined : this.#ledger.events.read(lsn);
    if (event === undefined) return Code.payerCodeNotFound;
    if (event.getUint8(0) !== EventTypes.payerCode) return Code.payerCodeNotFound;
    if (isUseEvent(event)) return this.#refuseUsed(event, words, at);
    this.#isDevice = isDeviceEvent(event);
    this.#given = lsn;
    copyFrom(event, P.accountId, words, at + PaymentWord.payerAccountId);
    copyFrom(event, P.accountId, this.#holder, 0);
    copyFrom(event, P.device, this.#holder, ID_WORDS);
    const refused = this.#isDevice ? this.#judgeDevice(event, words, at) : this.#judgeCode(event);
    if (refused !== Code.ok) return refused;
    // What follows reads the index, and no event: the view stays what it is.
    if (newestOf(this.#index, this.#holder, 0, this.#isDevice) !== lsn) {
      this.#mark = Marks.none;
      return Code.payerCodeReplaced;
    }
    const deviceAt = contextAt + ContextWord.device;
    if (!isZeroId(words, deviceAt) && !sameId(words, deviceAt, this.#holder, ID_WORDS))
      return Code.payerCodeDeviceDiffers;
    for (let word = 0; word < ID_WORDS; word++) words[deviceAt + word] = this.#holder[ID_WORDS + word] as number;
    words[contextAt + ContextWord.kinds] =
      (words[contextAt + ContextWord.kinds] as number) |
      (event.getUint8(EVENT_PREFIX_BYTES + (this.#isDevice ? D.codeTier : P.codeTier)) << 8);
    return Code.ok;
  }

  /** Institution that may have the money taken, by the code that was shown last. */
  get owner(): number {
    return this.#owner;
  }

  /** Whether a payment of this amount waits for the payer's confirmation, by the code that was shown last. */
  needsConfirmation(amount: number): boolean {
    return amount > this.#unconfirmedMax;
  }

  /** Journals what the payment at word `at` does to the code that was shown for it: before the payment itself, in the same batch. */
  keep(words: Uint32Array, at: number): void {
    const mark = this.#mark;
    if (mark === Marks.none) return;
    this.#mark = Marks.none;
    if (mark === Marks.used) return this.#use(words, at);
    const record = this.#record;
    if (mark === Marks.counted) {
      copyPair(words, at + PaymentWord.payerCounter, this.#words, CodeDeviceWord.counter);
      record.setUint8(D.failures, 0);
    } else {
      const failures = record.getUint8(D.failures) + 1;
      record.setUint8(D.failures, failures);
      if (failures >= PAYER_CODE_LIMITS.failuresMax) record.setUint8(D.state, CodeDeviceStates.blocked);
    }
    this.#writeDevice();
  }

  /** Applies the event whose first word is `at`: for recovery. */
  replay(words: Uint32Array, at: number, lsn: number): void {
    enterPayerCode(this.#index, words, at, lsn);
  }

  get #index(): Ledger['tables']['changes'] {
    return this.#ledger.tables.changes;
  }

  /** The one-time code of an event, as it is given. */
  #judgeCode(event: DataView): number {
    const end =
      readView64(event, P.timestamp) + event.getUint16(EVENT_PREFIX_BYTES + P.lifetimeS, true) * MICROS_PER_SECOND;
    if (this.#ledger.now >= end) return Code.payerCodeExpired;
    this.#owner = event.getUint32(EVENT_PREFIX_BYTES + P.owner, true);
    this.#unconfirmedMax = readView64(event, P.unconfirmedMax);
    this.#mark = Marks.used;
    return Code.ok;
  }

  /** Whose it was is told by the event that gave it. */
  #refuseUsed(use: DataView, words: Uint32Array, at: number): number {
    const given = Number(use.getBigUint64(PayerCodeUseByte.given, true));
    copyFrom(this.#ledger.events.read(given), P.accountId, words, at + PaymentWord.payerAccountId);
    return Code.payerCodeUsed;
  }

  #judgeDevice(event: DataView, words: Uint32Array, at: number): number {
    this.#bytes.set(new Uint8Array(event.buffer, event.byteOffset + EVENT_PREFIX_BYTES, CODE_DEVICE.size));
    const record = this.#record;
    this.#owner = record.getUint32(D.owner, true);
    this.#unconfirmedMax = readU64(this.#words, CodeDeviceWord.unconfirmedMax);
    if (record.getUint8(D.state) !== CodeDeviceStates.active) return Code.payerCodeBlocked;
    const counter = readU64(words, at + PaymentWord.payerCounter);
    const highest = readU64(this.#words, CodeDeviceWord.counter);
    const isWrong = ((words[at + PaymentWord.flags] as number) >>> 16) & PaymentFlags.wrongCode;
    if (isWrong !== 0 || counter > highest + PAYER_CODE_LIMITS.counterWindow) {
      this.#mark = Marks.failed;
      return Code.payerCodeWrong;
    }
    if (counter <= highest) return Code.payerCodeUsed;
    this.#mark = Marks.counted;
    const amountMax = readU64(this.#words, CodeDeviceWord.amountMax);
    if (amountMax !== 0 && readU64(words, at + PaymentWord.amount) > amountMax) return Code.payerCodeAmountTooHigh;
    return Code.ok;
  }

  /** Journals the code that is asked for at word `at`, and answers with it. */
  #issue(words: Uint32Array, at: number, institution: number, reply: ReplyArea): void {
    const code = this.#whyNotIssued(words, at, institution);
    const { events, now } = this.#ledger;
    reply.result(now, code);
    if (code !== Code.ok) return reply.zeros(PAYER_CODE.size);
    const event = events.append(EventTypes.payerCode, 0, Code.ok, PAYER_CODE_EVENT_BYTES, institution);
    const out = events.words;
    const record = event + PREFIX_WORDS;
    for (let word = 0; word < PAYER_CODE_WORDS; word++) out[record + word] = words[at + word] as number;
    writeU64(out, record + PayerCodeWord.timestamp, now);
    out[record + PayerCodeWord.owner] = institution;
    enterPayerCode(this.#index, out, event, events.lsnOf(event));
    const to = reply.take(PAYER_CODE.size) >> 2;
    for (let word = 0; word < PAYER_CODE_WORDS; word++) reply.words[to + word] = out[record + word] as number;
  }

  #whyNotIssued(words: Uint32Array, at: number, institution: number): number {
    const malformed = validatePayerCode(words, at);
    if (malformed !== Code.ok) return malformed;
    const refused = this.#whyNotOf(words, at + PayerCodeWord.accountId, institution);
    if (refused !== Code.ok) return refused;
    // One that is still good has this number by chance: another one is drawn when the same is sent again.
    return this.#isGood(words, at) ? Code.busy : Code.ok;
  }

  #putDevice(words: Uint32Array, at: number, institution: number): number {
    this.#take(words, at);
    const malformed = validateCodeDevice(this.#record);
    if (malformed !== Code.ok) return malformed;
    const enrols = this.#record.getUint8(D.enrols) !== 0;
    const refused = this.#whyNotOf(words, at + CodeDeviceWord.accountId, institution);
    if (refused !== Code.ok) return refused;
    const lsn = this.#readDevice(words, at);
    if (enrols && findPayerCode(this.#index, words, at) !== 0) return Code.busy;
    if (!enrols) {
      const owner = this.#record.getUint32(D.owner, true);
      if (lsn === 0 || (institution !== OPERATOR_INSTITUTION && owner !== institution)) return Code.codeDeviceNotFound;
      const isSame =
        sameId(this.#words, CodeDeviceWord.accountId, words, at + CodeDeviceWord.accountId) &&
        sameId(this.#words, CodeDeviceWord.device, words, at + CodeDeviceWord.device);
      if (!isSame) return Code.codeDeviceAccountMustNotChange;
      if (newestOf(this.#index, words, at + CodeDeviceWord.accountId, true) !== lsn) return Code.payerCodeReplaced;
    }
    const counter = enrols ? 0n : this.#record.getBigUint64(D.counter, true);
    const owner = enrols ? institution : this.#record.getUint32(D.owner, true);
    this.#take(words, at);
    this.#record.setBigUint64(D.counter, counter, true);
    this.#record.setUint32(D.owner, owner, true);
    this.#record.setUint8(D.enrols, 0);
    this.#record.setBigUint64(D.timestamp, BigInt(this.#ledger.now), true);
    this.#writeDevice();
    return Code.ok;
  }

  /** Whether the account at word `at` is one that the institution may have pay by code. */
  #whyNotOf(words: Uint32Array, at: number, institution: number): number {
    const account = this.#ledger.findAccount(words, at);
    if (account === NO_ACCOUNT) return Code.payerAccountNotFound;
    return this.#ledger.mayDebit(account, institution) ? Code.ok : Code.payerAccountForbidden;
  }

  /** Whether what has the token at word `at` could still be used. */
  #isGood(words: Uint32Array, at: number): boolean {
    const lsn = findPayerCode(this.#index, words, at);
    if (lsn === 0) return false;
    const event = this.#ledger.events.read(lsn);
    if (event.getUint8(0) !== EventTypes.payerCode || isUseEvent(event)) return false;
    const isGood = isDeviceEvent(event) || this.#judgeCode(event) === Code.ok;
    this.#mark = Marks.none;
    return isGood;
  }

  /** Takes a device out of a message into the hand. */
  #take(words: Uint32Array, at: number): void {
    this.#words.set(words.subarray(at, at + CODE_DEVICE_WORDS));
  }

  /** Takes the device with the token at word `at` into the hand; returns its position, 0 = there is none. */
  #readDevice(words: Uint32Array, at: number): number {
    const lsn = findPayerCode(this.#index, words, at);
    const event = lsn === 0 ? undefined : this.#ledger.events.read(lsn);
    if (event?.getUint8(0) !== EventTypes.payerCode || !isDeviceEvent(event)) return 0;
    this.#bytes.set(new Uint8Array(event.buffer, event.byteOffset + EVENT_PREFIX_BYTES, CODE_DEVICE.size));
    return lsn;
  }

  /** Takes the one-time code with the token at word `at` into the hand, with the payment that it was used for. */
  #readCode(words: Uint32Array, at: number): number {
    const lsn = findPayerCode(this.#index, words, at);
    const { events } = this.#ledger;
    const newest = lsn === 0 ? undefined : events.read(lsn);
    if (newest?.getUint8(0) !== EventTypes.payerCode || isDeviceEvent(newest)) return 0;
    const isUsed = isUseEvent(newest);
    const payment = isUsed ? copyOf(newest, PayerCodeUseByte.paymentId, ID_BYTES) : undefined;
    const given = isUsed ? events.read(Number(newest.getBigUint64(PayerCodeUseByte.given, true))) : newest;
    this.#bytes.set(copyOf(given, EVENT_PREFIX_BYTES, PAYER_CODE.size));
    if (payment !== undefined) this.#bytes.set(payment, P.paymentId);
    return lsn;
  }

  #use(words: Uint32Array, at: number): void {
    const { events } = this.#ledger;
    const event = events.append(EventTypes.payerCode, 0, Code.ok, PAYER_CODE_USE_EVENT_BYTES, this.#owner);
    const out = events.words;
    const use = event + PREFIX_WORDS;
    for (let word = 0; word < ID_WORDS; word++) {
      out[use + PayerCodeUseWord.token + word] = words[at + PaymentWord.payerCode + word] as number;
      out[use + PayerCodeUseWord.paymentId + word] = words[at + word] as number;
    }
    writeU64(out, use + PayerCodeUseWord.given, this.#given);
    writeU64(out, use + PayerCodeUseWord.reserved, 0);
    enterPayerCode(this.#index, out, event, events.lsnOf(event));
  }

  /** Journals the device at hand. */
  #writeDevice(): void {
    const { events } = this.#ledger;
    const owner = this.#record.getUint32(D.owner, true);
    const at = events.append(EventTypes.payerCode, 0, Code.ok, CODE_DEVICE_EVENT_BYTES, owner);
    events.words.set(this.#words, at + PREFIX_WORDS);
    enterPayerCode(this.#index, events.words, at, events.lsnOf(at));
  }

  /** Answers with what is at hand, or with zeros. */
  #answer(reply: ReplyArea, code: number, size: number): void {
    reply.result(this.#ledger.now, code);
    if (code !== Code.ok) return reply.zeros(size);
    const at = reply.take(size);
    reply.bytes.set(this.#bytes.subarray(0, size), at);
  }
}

function copyOf(event: DataView, from: number, length: number): Uint8Array {
  return new Uint8Array(event.buffer, event.byteOffset + from, length).slice();
}

/** A u64 of the record in an event, as a number. */
function readView64(event: DataView, field: number): number {
  const at = EVENT_PREFIX_BYTES + field;
  return event.getUint32(at + 4, true) * TWO_32 + event.getUint32(at, true);
}

/** Copies an id of the record in an event. */
function copyFrom(event: DataView, field: number, to: Uint32Array, word: number): void {
  for (let index = 0; index < ID_WORDS; index++)
    to[word + index] = event.getUint32(EVENT_PREFIX_BYTES + field + index * 4, true);
}

function copyPair(from: Uint32Array, at: number, to: Uint32Array, word: number): void {
  to[word] = from[at] as number;
  to[word + 1] = from[at + 1] as number;
}
