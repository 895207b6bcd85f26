/**
 * Payments of a partition: the room that creation, capture, void, refund, revert and expiry share. A payment has no state in memory
 * but its holds and its timer; how it stands is its newest version in the journal.
 *
 *                    ┌── sale ──────────────────────────▶ captured ◀─┐
 *   (new) ── authorise ──▶ authorised ── capture (partial: stays) ───┤   refund: stays, until refunded = captured
 *      │                      ├── void / expiry, something captured ─┘
 *      │                      ├── void, or revert with nothing captured ──▶ voided
 *      ├──▶ declined          └── expiry ──▶ expired
 *      │
 *      │   where a risk rule steps in:
 *      ├──▶ held (the money is pending) ── release ──▶ captured (sale), authorised
 *      └──▶ challenged (nothing is held) ── confirm ──▶ the same;     both: void ──▶ voided, expiry ──▶ expired
 */

import { PAYMENT_OPERATION, PAYMENT_STATE, RESULT, ResultFlags } from '../../protocol/records.ts';
import type { Entities } from '../entity/entities.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { hashId } from '../hash-id.ts';
import type { KeyIndex } from '../ledger/key-index.ts';
import { enter, find } from '../ledger/key-index.ts';
import type { Ledger } from '../ledger/ledger.ts';
import { writeU64 } from '../ledger/words.ts';
import { PayerCodes } from '../payer-code/payer-codes.ts';
import type { Risk } from '../risk/risk.ts';
import { Challenges } from './challenges.ts';
import {
  LinkField,
  NewPaymentField,
  OperationField,
  PaymentEventByte,
  PaymentEventFlags,
  PaymentField,
  StateField,
} from './event.ts';
import { Locks } from '../ledger/locks.ts';
import { readView64 } from './version.ts';
import { Versions, writeFirstState } from './versions.ts';

export interface PaymentTables {
  /** By payment id: the newest version. */
  readonly payments: KeyIndex;
  /** By operation id: the version that the operation made. */
  readonly operations: KeyIndex;
  /** By institution and client reference: the newest payment that was created with it. */
  readonly references: KeyIndex;
}

/** Words of the reply to a payment command: RESULT, PAYMENT_STATE. */
export interface ReplyTarget {
  readonly words: Uint32Array;
  /** First word of the reply's body. */
  readonly at: number;
}

const STATE_WORDS = PAYMENT_STATE.size >> 2;

export class Payments {
  readonly ledger: Ledger;
  readonly entities: Entities;
  readonly tables: PaymentTables;
  readonly versions: Versions;
  /** Position of the newest payment that each institution created. */
  readonly heads = new Map<number, number>();
  /** What waits for other partitions. */
  readonly locks: Locks;
  /** Payments that wait for the payer's proof. */
  readonly challenges: Challenges;
  readonly risk: Risk;
  /** Codes that payers show. */
  readonly codes: PayerCodes;
  /** Key of a reference, made by `referenceKey`: four words. */
  readonly key = new Uint32Array(4);

  /** @param locks those of the payments that these stand for: for a dry run, as `risk` is */
  constructor(ledger: Ledger, entities: Entities, tables: PaymentTables, risk: Risk, locks: Locks = new Locks()) {
    this.risk = risk;
    this.challenges = new Challenges(risk.isDry);
    this.ledger = ledger;
    this.entities = entities;
    this.tables = tables;
    this.locks = locks;
    this.versions = new Versions(ledger.events);
    this.codes = new PayerCodes(ledger);
  }

  /** Position of the newest version of the payment whose id is at word `at`; 0 = there is none. */
  find(words: Uint32Array, at: number): number {
    return find(this.tables.payments, words, at);
  }

  /** Whether there is room for the holds of a payment: the payer's part and a campaign's. */
  get hasRoomToHold(): boolean {
    const { holds } = this.ledger;
    return holds.capacityMax - holds.count >= 2;
  }

  /** Counts the challenged payment whose first version is at `lsn`, which goes on. */
  countConfirmed(lsn: number): void {
    const payment = this.challenges.payment(lsn);
    if (payment !== undefined) this.risk.countConfirmed(payment);
  }

  /** Whether an institution made the payment: it, and the operator, may go on with it. */
  mayOperate(version: DataView, institution: number): boolean {
    return version.getUint32(8, true) === institution || institution === OPERATOR_INSTITUTION;
  }

  /** Whether an institution may answer for the payer of a payment that was made with a code of his: confirm it, or decline to. */
  mayAnswerFor(version: DataView, institution: number): boolean {
    return this.#owns(version, PaymentField.payerAccountId, institution);
  }

  /** Whether an institution may see the payment: its maker, the owners of its two accounts, the operator. */
  maySee(version: DataView, institution: number): boolean {
    return (
      this.mayOperate(version, institution) ||
      this.#owns(version, PaymentField.payerAccountId, institution) ||
      this.#owns(version, PaymentField.payeeAccountId, institution) ||
      readView64(version, LinkField.payeeInstitution) === institution
    );
  }

  /**
   * Starts a new version as a copy of the newest one, at `lsn`, made by `operation`; returns its first word. State fields are
   * the caller's to change. The OPERATION record is zero.
   */
  startVersion(lsn: number, operation: number, code: number, isCurrent: boolean): number {
    const { events, now } = this.ledger;
    const version = this.versions.read(lsn);
    const source = new Uint8Array(version.buffer, version.byteOffset, version.byteLength);
    const first = readView64(version, LinkField.firstVersion) || lsn;
    const flags = isCurrent ? PaymentEventFlags.current : 0;
    const at = events.append(source[0] as number, flags, code, source.length, version.getUint32(8, true));
    events.bytes.set(source.subarray(PaymentEventByte.payment), at * 4 + PaymentEventByte.payment);
    const { words } = events;
    words.fill(0, at + OperationField.id, at + OperationField.id + (PAYMENT_OPERATION.size >> 2));
    writeU64(words, at + LinkField.firstVersion, first);
    const state = (words[at + StateField.state] as number) & 0xff;
    words[at + StateField.state] = state | (operation << 8) | (code << 16);
    if (isCurrent) words[at + StateField.version] = (words[at + StateField.version] as number) + 1;
    writeU64(words, at + StateField.updatedAt, now);
    return at;
  }

  setState(at: number, state: number): void {
    const { words } = this.ledger.events;
    words[at + StateField.state] = ((words[at + StateField.state] as number) & ~0xff) | state;
  }

  /** Makes the version whose first word is `at` the newest of its payment. */
  makeCurrent(at: number): void {
    const { words } = this.ledger.events;
    const id = at + PaymentField.id;
    enter(this.tables.payments, words, id, this.ledger.events.lsnOf(at));
  }

  /** Remembers the operation whose id is in the version at word `at`. */
  rememberOperation(at: number): void {
    const { words } = this.ledger.events;
    const id = at + OperationField.id;
    enter(this.tables.operations, words, id, this.ledger.events.lsnOf(at));
  }

  /** Key of a reference of an institution, into `key`. `words` holds the reference, zero-padded, from word `at`. */
  referenceKey(words: Uint32Array, at: number, bytes: number, institution: number): void {
    const { key } = this;
    for (let lane = 0; lane < 4; lane++) {
      let hash = hashId(institution, bytes, lane, 0x5eed, 0);
      for (let word = 0; word < bytes; word += 16) {
        const from = at + (word >> 2);
        hash = hashId(
          words[from] as number,
          words[from + 1] as number,
          words[from + 2] as number,
          words[from + 3] as number,
          hash,
        );
      }
      key[lane] = hash;
    }
  }

  /** Other partitions have to answer first: the router waits for what is at `lsn`. `code`: AWAITS_CLEARING, or AWAITS_TURN. */
  postpone(reply: ReplyTarget, lsn: number, code: number): void {
    this.#result(reply, lsn, code, 0);
    reply.words.fill(0, reply.at + (RESULT.size >> 2), reply.at + (RESULT.size >> 2) + STATE_WORDS);
  }

  /** Answers with a refusal and no payment. */
  refuse(reply: ReplyTarget, code: number): void {
    this.#result(reply, this.ledger.now, code, 0);
    reply.words.fill(0, reply.at + (RESULT.size >> 2), reply.at + (RESULT.size >> 2) + STATE_WORDS);
  }

  /** Answers with the version of this batch whose first word is `at`; an operation without a payment has zeros for its state. */
  answer(reply: ReplyTarget, at: number, code: number): void {
    this.#result(reply, this.ledger.now, code, 0);
    const { words } = this.ledger.events;
    const from = at + StateField.state;
    const to = reply.at + (RESULT.size >> 2);
    const exists = ((words[from] as number) & 0xff) !== 0;
    for (let word = 0; word < STATE_WORDS; word++) reply.words[to + word] = exists ? (words[from + word] as number) : 0;
  }

  /** Answers with the first version of this batch whose first word is `at`. */
  answerFirst(reply: ReplyTarget, at: number): void {
    const { words } = this.ledger.events;
    this.#result(reply, this.ledger.now, (words[at + NewPaymentField.state] as number) >>> 16, 0);
    writeFirstState(words, at, reply.words, reply.at + (RESULT.size >> 2));
  }

  /** Answers with a version stored before: the first answer again. */
  answerAgain(reply: ReplyTarget, version: DataView): void {
    this.answerStored(reply, version, ResultFlags.replayed);
  }

  /** Answers with a version stored before, and with its code. `flags`: ResultFlags. */
  answerStored(reply: ReplyTarget, version: DataView, flags: number, code = version.getUint16(2, true)): void {
    this.#result(reply, readView64(version, StateField.updatedAt), code, flags);
    const to = reply.at + (RESULT.size >> 2);
    const exists = version.getUint8(StateField.state * 4) !== 0;
    for (let word = 0; word < STATE_WORDS; word++) {
      reply.words[to + word] = exists ? version.getUint32((StateField.state + word) * 4, true) : 0;
    }
  }

  #result(reply: ReplyTarget, timestamp: number, code: number, flags: number): void {
    writeU64(reply.words, reply.at, timestamp);
    reply.words[reply.at + 2] = code | (flags << 16);
    reply.words[reply.at + 3] = 0;
  }

  #owns(version: DataView, field: number, institution: number): boolean {
    const word = (index: number): number => version.getUint32((field + index) * 4, true);
    const account = this.ledger.accounts.find(word(0), word(1), word(2), word(3));
    return account >= 0 && this.ledger.accounts.owner[account] === institution;
  }
}
