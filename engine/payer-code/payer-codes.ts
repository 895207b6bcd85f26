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
import { ContextWord, isZeroId, PaymentWord, readU64, sameId } from '../ledger/words.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import {
  CODE_DEVICE_EVENT_BYTES,
  CodeDeviceWord,
  enterPayerCode,
  findPayerCode,
  isDeviceEvent,
  newestOf,
  PAYER_CODE_EVENT_BYTES,
  PayerCodeWord,
  PREFIX_WORDS,
} from './event.ts';
import { validateCodeDevice, validatePayerCode } from './validate.ts';

const P = PAYER_CODE.at;
const D = CODE_DEVICE.at;
const ID_WORDS = 4;
const ID_BYTES = 16;
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

  constructor(ledger: Ledger) {
    this.#ledger = ledger;
  }

  /** count × PAYER_CODE → count × (RESULT, PAYER_CODE). */
  issue({ words, start, count, institution }: PayerCodeMessage, reply: ReplyArea): void {
    for (let index = 0; index < count; index++) {
      const code = this.#issue(words, start + (index * PAYER_CODE.size) / 4, institution);
      this.#answer(reply, code, PAYER_CODE.size);
    }
    reply.close(count);
  }

  /** CODE_DEVICE → RESULT, CODE_DEVICE. */
  putDevice({ words, start, institution }: PayerCodeMessage, reply: ReplyArea): void {
    this.#answer(reply, this.#putDevice(words, start, institution), CODE_DEVICE.size);
    reply.close(1);
  }

  /** count × token → count × (RESULT, record); zeros when it is not known, or another institution's. */
  lookup(message: PayerCodeMessage, reply: ReplyArea, devices: boolean): void {
    const { words, start, count, institution } = message;
    for (let index = 0; index < count; index++) {
      const isFound = this.#read(words, start + index * (ID_BYTES >> 2)) !== 0 && this.#isDevice === devices;
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
    const lsn = this.#read(words, at + PaymentWord.payerCode);
    if (lsn === 0) return Code.payerCodeNotFound;
    const record = this.#words;
    copyId(record, PayerCodeWord.accountId, words, at + PaymentWord.payerAccountId);
    const isNewest = newestOf(this.#index, record, PayerCodeWord.accountId, this.#isDevice) === lsn;
    const refused = this.#isDevice ? this.#judgeDevice(words, at, isNewest) : this.#judgeCode(isNewest);
    if (refused !== Code.ok) return refused;
    if (!isZeroId(words, contextAt + ContextWord.device)) {
      if (!sameId(words, contextAt + ContextWord.device, record, PayerCodeWord.device))
        return Code.payerCodeDeviceDiffers;
    }
    copyId(record, PayerCodeWord.device, words, contextAt + ContextWord.device);
    const tier = this.#record.getUint8(this.#isDevice ? D.codeTier : P.codeTier);
    words[contextAt + ContextWord.kinds] = (words[contextAt + ContextWord.kinds] as number) | (tier << 8);
    return Code.ok;
  }

  /** Institution that may have the money taken, by the code that was shown last. */
  get owner(): number {
    return this.#record.getUint32(this.#isDevice ? D.owner : P.owner, true);
  }

  /** Whether a payment of this amount waits for the payer's confirmation, by the code that was shown last. */
  needsConfirmation(amount: number): boolean {
    const word = this.#isDevice ? CodeDeviceWord.unconfirmedMax : PayerCodeWord.unconfirmedMax;
    return amount > readU64(this.#words, word);
  }

  /** Journals what the payment at word `at` does to the code that was shown for it: before the payment itself, in the same batch. */
  keep(words: Uint32Array, at: number): void {
    if (this.#mark === Marks.none) return;
    const record = this.#record;
    if (this.#mark === Marks.used) {
      copyId(words, at, this.#words, PayerCodeWord.paymentId);
    } else if (this.#mark === Marks.counted) {
      copyPair(words, at + PaymentWord.payerCounter, this.#words, CodeDeviceWord.counter);
      record.setUint8(D.failures, 0);
    } else {
      const failures = record.getUint8(D.failures) + 1;
      record.setUint8(D.failures, failures);
      if (failures >= PAYER_CODE_LIMITS.failuresMax) record.setUint8(D.state, CodeDeviceStates.blocked);
    }
    this.#mark = Marks.none;
    this.#write(Code.ok);
  }

  /** Applies the event whose first word is `at`: for recovery. */
  replay(words: Uint32Array, at: number, lsn: number): void {
    enterPayerCode(this.#index, words, at, lsn);
  }

  get #index(): Ledger['tables']['changes'] {
    return this.#ledger.tables.changes;
  }

  #judgeCode(isNewest: boolean): number {
    const record = this.#record;
    if (!isZeroId(this.#words, PayerCodeWord.paymentId)) return Code.payerCodeUsed;
    const end = readU64(this.#words, PayerCodeWord.timestamp) + record.getUint16(P.lifetimeS, true) * MICROS_PER_SECOND;
    if (this.#ledger.now >= end) return Code.payerCodeExpired;
    if (!isNewest) return Code.payerCodeReplaced;
    this.#mark = Marks.used;
    return Code.ok;
  }

  #judgeDevice(words: Uint32Array, at: number, isNewest: boolean): number {
    const record = this.#record;
    if (!isNewest) return Code.payerCodeReplaced;
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

  #issue(words: Uint32Array, at: number, institution: number): number {
    this.#take(words, at, PAYER_CODE.size);
    const malformed = validatePayerCode(this.#record);
    if (malformed !== Code.ok) return malformed;
    const refused = this.#whyNotOf(words, at + PayerCodeWord.accountId, institution);
    if (refused !== Code.ok) return refused;
    // One that is still good has this number by chance: another one is drawn when the same is sent again.
    if (this.#isGood(words, at)) return Code.busy;
    this.#take(words, at, PAYER_CODE.size);
    this.#record.setUint32(P.owner, institution, true);
    this.#record.setBigUint64(P.timestamp, BigInt(this.#ledger.now), true);
    this.#write(Code.ok);
    return Code.ok;
  }

  #putDevice(words: Uint32Array, at: number, institution: number): number {
    this.#take(words, at, CODE_DEVICE.size);
    const malformed = validateCodeDevice(this.#record);
    if (malformed !== Code.ok) return malformed;
    const enrols = this.#record.getUint8(D.enrols) !== 0;
    const refused = this.#whyNotOf(words, at + CodeDeviceWord.accountId, institution);
    if (refused !== Code.ok) return refused;
    const isKnown = this.#read(words, at) !== 0;
    if (enrols && isKnown) return Code.busy;
    if (!enrols) {
      const owner = this.#record.getUint32(D.owner, true);
      const isOwn = institution === OPERATOR_INSTITUTION || owner === institution;
      if (!isKnown || !this.#isDevice || !isOwn) return Code.codeDeviceNotFound;
      const isSame =
        sameId(this.#words, CodeDeviceWord.accountId, words, at + CodeDeviceWord.accountId) &&
        sameId(this.#words, CodeDeviceWord.device, words, at + CodeDeviceWord.device);
      if (!isSame) return Code.codeDeviceAccountMustNotChange;
      if (newestOf(this.#index, words, at + CodeDeviceWord.accountId, true) !== findPayerCode(this.#index, words, at)) {
        return Code.payerCodeReplaced;
      }
    }
    const counter = enrols ? 0n : this.#record.getBigUint64(D.counter, true);
    const owner = enrols ? institution : this.#record.getUint32(D.owner, true);
    this.#take(words, at, CODE_DEVICE.size);
    this.#record.setBigUint64(D.counter, counter, true);
    this.#record.setUint32(D.owner, owner, true);
    this.#record.setUint8(D.enrols, 0);
    this.#record.setBigUint64(D.timestamp, BigInt(this.#ledger.now), true);
    this.#write(Code.ok);
    return Code.ok;
  }

  /** Whether the account at word `at` is one that the institution may have pay by code. */
  #whyNotOf(words: Uint32Array, at: number, institution: number): number {
    const account = this.#ledger.findAccount(words, at);
    if (account === NO_ACCOUNT) return Code.payerAccountNotFound;
    return this.#ledger.mayDebit(account, institution) ? Code.ok : Code.payerAccountForbidden;
  }

  /** Whether the one-time code whose token is at word `at` could still be used. */
  #isGood(words: Uint32Array, at: number): boolean {
    if (this.#read(words, at) === 0) return false;
    const isGood = this.#isDevice || this.#judgeCode(true) === Code.ok;
    this.#mark = Marks.none;
    return isGood;
  }

  /** Takes a record of a message into the hand. */
  #take(words: Uint32Array, at: number, size: number): void {
    this.#isDevice = size === CODE_DEVICE.size;
    this.#words.set(words.subarray(at, at + (size >> 2)));
  }

  /** Takes what has the token at word `at` into the hand; returns its position, 0 = there is none. */
  #read(words: Uint32Array, at: number): number {
    const lsn = findPayerCode(this.#index, words, at);
    if (lsn === 0) return 0;
    const event = this.#ledger.events.read(lsn);
    if (event.getUint8(0) !== EventTypes.payerCode) return 0;
    this.#isDevice = isDeviceEvent(event);
    const size = this.#isDevice ? CODE_DEVICE.size : PAYER_CODE.size;
    this.#bytes.set(new Uint8Array(event.buffer, event.byteOffset + EVENT_PREFIX_BYTES, size));
    return lsn;
  }

  /** Journals what is at hand. */
  #write(code: number): void {
    const { events } = this.#ledger;
    const length = this.#isDevice ? CODE_DEVICE_EVENT_BYTES : PAYER_CODE_EVENT_BYTES;
    const at = events.append(EventTypes.payerCode, 0, code, length, this.owner);
    events.bytes.set(this.#bytes.subarray(0, length - EVENT_PREFIX_BYTES), (at + PREFIX_WORDS) * 4);
    enterPayerCode(this.#index, events.words, at, events.lsnOf(at));
  }

  #answer(reply: ReplyArea, code: number, size: number): void {
    reply.result(this.#ledger.now, code);
    if (code !== Code.ok) return reply.zeros(size);
    const at = reply.take(size);
    reply.bytes.set(this.#bytes.subarray(0, size), at);
  }
}

function copyId(from: Uint32Array, at: number, to: Uint32Array, word: number): void {
  for (let index = 0; index < ID_WORDS; index++) to[word + index] = from[at + index] as number;
}

function copyPair(from: Uint32Array, at: number, to: Uint32Array, word: number): void {
  to[word] = from[at] as number;
  to[word + 1] = from[at + 1] as number;
}
