/** Replay of journal batches into a partition's state: one place for recovery and for verify. */
import { EntityTables, tableOf } from '../entity/event.ts';
import { BATCH_HEADER_BYTES, LSN_UNIT_BYTES, readBatchHeader } from '../journal/header.ts';
import { SettledWord } from '../ledger/crossings.ts';
import { EventTypes, eventView } from '../ledger/events.ts';
import { replayJoint } from '../ledger/joint.ts';
import { readJoint } from '../ledger/joint-event.ts';
import { replayPart } from '../ledger/parts.ts';
import {
  ReplayError,
  replayAccount,
  replayAccountChange,
  replayCrossing,
  replayLeg,
  replaySettled,
  replayTransfer,
} from '../ledger/replay.ts';
import { readU64 } from '../ledger/words.ts';
import { replayDraft, replayNewPayment, replayVersion } from '../payment/replay.ts';
import { replaySignal } from '../risk/signals.ts';
import type { PartitionState } from './state.ts';

export class Replayer {
  readonly #state: PartitionState;
  #words = new Uint32Array(0);
  #bytes = new Uint8Array(0);

  constructor(state: PartitionState) {
    this.#state = state;
  }

  /** Applies one whole batch, whose checksum was checked; returns how many events it held. Throws ReplayError. */
  apply(batch: Uint8Array): number {
    const header = readBatchHeader(batch);
    // Views of the journal need not be aligned to words; a copy is.
    if (this.#bytes.length < batch.length) {
      this.#words = new Uint32Array(((batch.length * 2) >> 4) << 2);
      this.#bytes = new Uint8Array(this.#words.buffer);
    }
    this.#bytes.set(batch);
    this.#state.ledger.now = header.timestamp;
    let offset = BATCH_HEADER_BYTES;
    let events = 0;
    while (offset < batch.length) {
      const lsn = header.lsn + offset / LSN_UNIT_BYTES;
      const length = this.#words[(offset >> 2) + 1] as number;
      if (length < LSN_UNIT_BYTES || offset + length > batch.length) throw new ReplayError(lsn, 'an event has no end');
      this.#event(offset, lsn);
      offset += length;
      events++;
    }
    return events;
  }

  #event(offset: number, lsn: number): void {
    const { ledger, payments } = this.#state;
    const at = offset >> 2;
    switch (this.#bytes[offset]) {
      case EventTypes.transfer:
        return replayTransfer(ledger, this.#words, at, lsn);
      case EventTypes.leg:
        return replayLeg(ledger, this.#words, at, lsn);
      case EventTypes.crossing:
        return replayCrossing(ledger, this.#words, at, lsn);
      case EventTypes.settled:
        replaySettled(ledger, this.#words, at, lsn);
        return payments.locks.release(readU64(this.#words, at + SettledWord.lsn));
      case EventTypes.joint:
        replayJoint(ledger, this.#words, at, lsn);
        return replayDraft(payments, readJoint(eventView(this.#bytes, offset)).draft, lsn);
      case EventTypes.part:
        return replayPart(ledger, this.#words, at, lsn);
      case EventTypes.account:
        return replayAccount(ledger, this.#words, at, lsn);
      case EventTypes.accountChange:
        return replayAccountChange(ledger, this.#words, at, lsn);
      case EventTypes.signal:
        return replaySignal(ledger, payments.risk, this.#words, at, lsn);
      case EventTypes.counts:
        return payments.risk.countOfOthers(this.#words, at);
      case EventTypes.payment:
        return replayVersion(payments, this.#words, at, lsn);
      case EventTypes.newPayment:
        return replayNewPayment(payments, this.#words, at, lsn);
      case EventTypes.card:
        return this.#state.cards.replay(this.#words, at, lsn);
      case EventTypes.payerCode:
        return payments.codes.replay(this.#words, at, lsn);
      case EventTypes.entity:
        return this.#entity(eventView(this.#bytes, offset), lsn);
      default:
        throw new ReplayError(lsn, `events of type ${this.#bytes[offset]} are not known to this version`);
    }
  }

  #entity(event: DataView, lsn: number): void {
    const { entities, outbox, registry, ruleSets } = this.#state;
    entities.replay(event, lsn);
    outbox.replay(event, lsn);
    registry.replay(event, lsn);
    if (tableOf(event) === EntityTables.ruleSet) ruleSets.replay(event, lsn);
  }
}
