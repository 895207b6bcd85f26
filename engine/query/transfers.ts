/** Reading transfers: every one as a transfer event (TRANSFER_OUTCOME, TRANSFER), also the legs of payments. */

import { PaymentOperationFlags, PaymentOperations, TransferFlags } from '../../protocol/records.ts';
import { feeAccountIdAt } from '../entity/entities.ts';
import {
  ENGINE_ID_WORD3,
  EVENT_PREFIX_BYTES,
  type EventLog,
  EventTypes,
  TRANSFER_EVENT_BYTES,
} from '../ledger/events.ts';
import { TransferEventWord } from '../ledger/ledger.ts';
import { LEG_EVENT_BYTES, LegEventWord, LegRoles, legFlags, originDistance } from '../ledger/leg-event.ts';
import { AccountWord, TransferWord, writeU64 } from '../ledger/words.ts';
import { LinkField, OperationField, PaymentField, StateField } from '../payment/event.ts';
import { Versions } from '../payment/versions.ts';

const RECORD = TransferEventWord.record;
const ID_WORDS = 4;
const ENDS = TransferFlags.postPending | TransferFlags.voidPending;
/** First word of the ACCOUNT record in an account event. */
const ACCOUNT_RECORD = EVENT_PREFIX_BYTES >> 2;

/** Words of a version where the ids of a leg's debit and credit party are. `flags`: the leg's TransferFlags. */
function partiesOf(role: number, version: DataView, flags: number): readonly [number, number] {
  const { payerAccountId, payeeAccountId, campaignId } = PaymentField;
  const operation = version.getUint8(StateField.state * 4 + 1);
  const tookRest = (version.getUint16(OperationField.flags * 4, true) & PaymentOperationFlags.tookRest) !== 0;
  const undoes = operation === PaymentOperations.revert || (operation === PaymentOperations.cancel && !tookRest);
  // What a revert releases was held: it goes on in the direction of the payment.
  const isRefund = operation === PaymentOperations.refund || (undoes && (flags & ENDS) === 0);
  const from = role === LegRoles.campaign ? campaignId : payerAccountId;
  if (role === LegRoles.fee) return isRefund ? [LinkField.tariff, payeeAccountId] : [payeeAccountId, LinkField.tariff];
  return isRefund ? [payeeAccountId, from] : [from, payeeAccountId];
}

export class Transfers {
  readonly #events: EventLog;
  readonly #partition: number;
  readonly #versions: Versions;
  /** A leg as the transfer that it is. */
  readonly #words = new Uint32Array(TRANSFER_EVENT_BYTES >> 2);
  readonly #view = new DataView(this.#words.buffer);

  constructor(events: EventLog, partition: number) {
    this.#events = events;
    this.#partition = partition;
    this.#versions = new Versions(events);
  }

  /** The transfer at a position, as a view that is valid until the next read. */
  read(lsn: number): DataView {
    return this.#asTransfer(this.#events.read(lsn), lsn);
  }

  /** The transfer at a position that came from outside; undefined when there is none. */
  readUntrusted(lsn: number): DataView | undefined {
    const events = this.#events;
    const event =
      events.readUntrusted(lsn, EventTypes.transfer, TRANSFER_EVENT_BYTES) ??
      events.readUntrusted(lsn, EventTypes.leg, LEG_EVENT_BYTES);
    return event === undefined ? undefined : this.#asTransfer(event, lsn);
  }

  #asTransfer(event: DataView, lsn: number): DataView {
    if (event.getUint8(0) !== EventTypes.leg) return event;
    const words = this.#words;
    const word = (index: number): number => event.getUint32(index * 4, true);
    const pair = (index: number): number => word(index) + word(index + 1) * 0x1_0000_0000;
    words.fill(0);
    const packed = word(LegEventWord.originAndFlags);
    words[0] = EventTypes.transfer;
    words[1] = TRANSFER_EVENT_BYTES;
    words[2] = word(2);
    for (let index = TransferEventWord.previousOfDebit; index < RECORD; index++) words[index] = word(index);
    writeU64(words, RECORD, lsn);
    words[RECORD + 2] = this.#partition;
    words[RECORD + 3] = ENGINE_ID_WORD3;
    writeU64(words, RECORD + TransferWord.amount, pair(LegEventWord.amount));
    words[RECORD + TransferWord.userData32] = event.getUint8(1);
    const flags = legFlags(packed);
    const hold = pair(LegEventWord.hold);
    if ((flags & TransferFlags.pending) !== 0) {
      words[RECORD + TransferWord.timeoutS] = hold;
    } else if (hold !== 0) {
      writeU64(words, RECORD + TransferWord.pendingId, hold);
      words[RECORD + TransferWord.pendingId + 2] = this.#partition;
      words[RECORD + TransferWord.pendingId + 3] = ENGINE_ID_WORD3;
    }
    const creditAccount = pair(LegEventWord.creditAccount);
    this.#readAccount(pair(LegEventWord.debitAccount), TransferWord.debitAccountId);
    this.#readAccount(creditAccount, TransferWord.creditAccountId);
    const version = lsn - originDistance(packed);
    this.#readPayment(version, flags);
    this.#nameParties(version);
    return this.#view;
  }

  /** A party in another partition has a clearing account here: what is shown is the party. */
  #nameParties(lsn: number): void {
    const words = this.#words;
    const sides = [RECORD + TransferWord.debitAccountId, RECORD + TransferWord.creditAccountId] as const;
    if (sides.every((at) => words[at + 3] !== ENGINE_ID_WORD3)) return;
    const version = this.#versions.read(lsn);
    const flags = (words[RECORD + TransferWord.code] as number) >>> 16;
    const parties = partiesOf(words[RECORD + TransferWord.userData32] as number, version, flags);
    for (const [side, at] of sides.entries()) {
      if (words[at + 3] === ENGINE_ID_WORD3) words.set(this.#partyId(version, parties[side] as number), at);
    }
  }

  /** @param field word of the version with the party's id; that of the fee account is the tariff's */
  #partyId(version: DataView, field: number): Uint32Array {
    if (field !== LinkField.tariff) {
      return Uint32Array.from([0, 1, 2, 3], (word) => version.getUint32((field + word) * 4, true));
    }
    const lsn = version.getUint32(field * 4, true) + version.getUint32(field * 4 + 4, true) * 0x1_0000_0000;
    return feeAccountIdAt(this.#events, lsn);
  }

  #readAccount(lsn: number, field: number): void {
    const event = this.#events.read(lsn);
    for (let word = 0; word < ID_WORDS; word++) {
      this.#words[RECORD + field + word] = event.getUint32((ACCOUNT_RECORD + AccountWord.id + word) * 4, true);
    }
    this.#words[RECORD + TransferWord.ledger] = event.getUint32((ACCOUNT_RECORD + AccountWord.ledger) * 4, true);
  }

  #readPayment(lsn: number, flags: number): void {
    const version = this.#versions.read(lsn);
    const words = this.#words;
    for (let word = 0; word < ID_WORDS; word++) {
      words[RECORD + TransferWord.userData128 + word] = version.getUint32((PaymentField.id + word) * 4, true);
    }
    words[RECORD + TransferWord.code] = version.getUint16(PaymentField.code * 4, true) | (flags << 16);
    for (let word = 0; word < 2; word++) {
      words[RECORD + TransferWord.timestamp + word] = version.getUint32((StateField.updatedAt + word) * 4, true);
    }
  }
}
