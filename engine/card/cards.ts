/**
 * Cards of a partition: registered, looked up, used. A card lives in the partition of its token, and is nothing but its newest event in
 * the journal: it takes no memory. A use is decided by the card alone (judge.ts); the payment that it is for is made of it afterwards.
 */
import { CARD, CARD_USE, CardFlags } from '../../protocol/cards.ts';
import { ResultFlags } from '../../protocol/records.ts';
import { Code } from '../../protocol/results.ts';
import { OPERATOR_INSTITUTION } from '../gateway.ts';
import { EVENT_PREFIX_BYTES, EventTypes } from '../ledger/events.ts';
import type { Ledger } from '../ledger/ledger.ts';
import type { ReplyArea } from '../query/reply-area.ts';
import { CARD_EVENT_BYTES, CARD_USE_EVENT_BYTES, type CardTables, enterCard, PREFIX_WORDS } from './event.ts';
import { applyUse, judgeUse, seenOf } from './judge.ts';
import { validateCard, validateUse } from './validate.ts';

const C = CARD.at;
const U = CARD_USE.at;
const ID_BYTES = 16;
const NOTHING = new Uint8Array(CARD.size);

/** Records of one message, in the batch's shared buffer. */
export interface CardMessage {
  readonly words: Uint32Array;
  /** First word of the first record. */
  readonly start: number;
  readonly count: number;
  readonly institution: number;
}

export class Cards {
  readonly #ledger: Ledger;
  readonly #tables: CardTables;
  /** The card at hand, as it is to be kept. */
  readonly #bytes = new Uint8Array(CARD.size);
  readonly #card = new DataView(this.#bytes.buffer);

  constructor(ledger: Ledger, tables: CardTables) {
    this.#ledger = ledger;
    this.#tables = tables;
  }

  /** count × CARD → count × RESULT. A card that is there already gets the new terms; what was seen of it stays. */
  put(message: CardMessage, reply: ReplyArea): void {
    for (let index = 0; index < message.count; index++) {
      const record = recordAt(message, index, CARD.size);
      reply.result(this.#ledger.now, this.#put(record, message.institution));
    }
    reply.close(message.count);
  }

  /** count × token → count × (RESULT, CARD). */
  lookup(message: CardMessage, reply: ReplyArea): void {
    for (let index = 0; index < message.count; index++) {
      const found = this.#read(recordAt(message, index, ID_BYTES), 0, message.institution);
      this.#answer(reply, this.#ledger.now, found ? Code.ok : Code.cardNotFound, 0, found);
    }
    reply.close(message.count);
  }

  /** count × CARD_USE → count × (RESULT, CARD): the card as the use has left it. */
  use(message: CardMessage, reply: ReplyArea): void {
    for (let index = 0; index < message.count; index++) {
      this.#use(recordAt(message, index, CARD_USE.size), message.institution, reply);
    }
    reply.close(message.count);
  }

  /** Applies the event whose first word is `at`: for recovery. */
  replay(words: Uint32Array, at: number, lsn: number): void {
    enterCard(this.#tables, words, at, lsn);
  }

  #put(record: DataView, institution: number): number {
    const malformed = validateCard(record);
    if (malformed !== Code.ok) return malformed;
    const card = this.#card;
    const isKnown = this.#find(record, C.token);
    if (isKnown && !isOwner(card, institution)) return Code.cardAccountMustNotChange;
    if (isKnown && !sameId(card, C.accountId, record, C.accountId)) return Code.cardAccountMustNotChange;
    const kept = seenOf(card);
    const owner = isKnown ? card.getUint32(C.owner, true) : institution;
    const sum = isKnown ? card.getBigUint64(C.unverifiedSum, true) : 0n;
    const count = isKnown ? card.getUint8(C.unverifiedCount) : 0;
    const resetsPin = (record.getUint8(C.flags) & CardFlags.resetPin) !== 0;
    const failures = isKnown && !resetsPin ? card.getUint8(C.pinFailures) : 0;
    this.#bytes.set(new Uint8Array(record.buffer, record.byteOffset, CARD.size));
    if (isKnown) {
      card.setUint16(C.counter, kept.highest, true);
      card.setUint32(C.countersSeen, kept.low, true);
      card.setUint32(C.countersSeen + 4, kept.high, true);
    }
    card.setUint32(C.owner, owner, true);
    card.setBigUint64(C.unverifiedSum, sum, true);
    card.setUint8(C.unverifiedCount, count);
    card.setUint8(C.pinFailures, failures);
    card.setUint8(C.flags, 0);
    this.#write(Code.ok, institution, undefined);
    return Code.ok;
  }

  #use(use: DataView, institution: number, reply: ReplyArea): void {
    const { now } = this.#ledger;
    const malformed = validateUse(use);
    if (malformed !== Code.ok) return this.#answer(reply, now, malformed, 0, false);
    if (this.#replayUse(use, institution, reply)) return;
    const isFound = this.#read(use, U.token, institution);
    if (!isFound) this.#bytes.set(NOTHING);
    const seen = seenOf(this.#card);
    const code = isFound ? judgeUse(this.#card, use, now, seen) : Code.cardNotFound;
    if (isFound) applyUse(this.#card, use, code, seen);
    this.#write(code, institution, use);
    this.#answer(reply, now, code, 0, isFound);
  }

  /** Answers a use whose id was there before; false when it was not. */
  #replayUse(use: DataView, institution: number, reply: ReplyArea): boolean {
    const { now, events } = this.#ledger;
    const lsn = lookUp(this.#tables.uses, use, U.id);
    if (lsn === 0) return false;
    const stored = events.read(lsn);
    const difference = compareUse(use, stored, institution);
    if (difference !== Code.ok) {
      this.#answer(reply, now, difference, 0, false);
      return true;
    }
    const timestamp = Number(stored.getBigUint64(CARD_EVENT_BYTES + U.timestamp, true));
    const code = stored.getUint16(2, true);
    this.#bytes.set(new Uint8Array(stored.buffer, stored.byteOffset + EVENT_PREFIX_BYTES, CARD.size));
    this.#answer(reply, timestamp, code, ResultFlags.replayed, code !== Code.cardNotFound);
    return true;
  }

  /** Takes the newest version of a card into the hand, if the institution may see it. */
  #read(token: DataView, at: number, institution: number): boolean {
    return this.#find(token, at) && isOwner(this.#card, institution);
  }

  #find(token: DataView, at: number): boolean {
    const lsn = lookUp(this.#tables.cards, token, at);
    if (lsn === 0) return false;
    const event = this.#ledger.events.read(lsn);
    if (event.getUint8(0) !== EventTypes.card) return false;
    this.#bytes.set(new Uint8Array(event.buffer, event.byteOffset + EVENT_PREFIX_BYTES, CARD.size));
    return true;
  }

  /** Journals the card at hand, with its use. */
  #write(code: number, institution: number, use: DataView | undefined): void {
    const { events, now } = this.#ledger;
    const time = BigInt(now);
    const length = use === undefined ? CARD_EVENT_BYTES : CARD_USE_EVENT_BYTES;
    const at = events.append(EventTypes.card, 0, code, length, institution);
    const start = (at + PREFIX_WORDS) * 4;
    if (code !== Code.cardNotFound) this.#card.setBigUint64(C.timestamp, time, true);
    events.bytes.set(this.#bytes, start);
    if (use !== undefined) {
      events.bytes.set(new Uint8Array(use.buffer, use.byteOffset, CARD_USE.size), start + CARD.size);
      new DataView(events.bytes.buffer).setBigUint64(start + CARD.size + U.timestamp, time, true);
    }
    enterCard(this.#tables, events.words, at, events.lsnOf(at));
  }

  #answer(reply: ReplyArea, timestamp: number, code: number, flags: number, hasCard: boolean): void {
    reply.result(timestamp, code, flags);
    if (!hasCard) return reply.zeros(CARD.size);
    const at = reply.take(CARD.size);
    reply.bytes.set(this.#bytes, at);
  }
}

function recordAt({ words, start }: CardMessage, index: number, bytes: number): DataView {
  return new DataView(words.buffer, words.byteOffset + start * 4 + index * bytes, bytes);
}

function isOwner(card: DataView, institution: number): boolean {
  return institution === OPERATOR_INSTITUTION || card.getUint32(C.owner, true) === institution;
}

function sameId(a: DataView, at: number, b: DataView, bt: number): boolean {
  return (
    a.getBigUint64(at, true) === b.getBigUint64(bt, true) &&
    a.getBigUint64(at + 8, true) === b.getBigUint64(bt + 8, true)
  );
}

function lookUp(index: CardTables['cards'], id: DataView, at: number): number {
  const word = (offset: number): number => id.getUint32(at + offset, true);
  return index.get(word(0), word(4), word(8), word(12));
}

/** Which field of a use differs from what was sent with the same id before. */
function compareUse(use: DataView, stored: DataView, institution: number): number {
  if (stored.getUint32(8, true) !== institution) return Code.existsWithDifferentOwner;
  if (stored.getUint8(0) !== EventTypes.card) return Code.existsWithDifferentOperation;
  const kept = new DataView(stored.buffer, stored.byteOffset + CARD_EVENT_BYTES, CARD_USE.size);
  if (!sameId(use, U.token, kept, U.token)) return Code.existsWithDifferentCard;
  if (use.getBigUint64(U.amount, true) !== kept.getBigUint64(U.amount, true)) return Code.existsWithDifferentAmount;
  for (let at = U.device; at < CARD_USE.size; at++) {
    if (at >= U.timestamp && at < U.timestamp + 8) continue;
    if (use.getUint8(at) !== kept.getUint8(at)) return Code.existsWithDifferentCard;
  }
  return Code.ok;
}
