/** The events of the journal as people and programs read them. */
import { CARD, CARD_USE } from '../../protocol/cards.ts';
import { CARD_USE_EVENT_BYTES } from '../card/event.ts';
import { CURRENCIES } from '../../protocol/currencies.ts';
import { formatId } from '../../protocol/ids.ts';
import { decodeRecord } from '../../protocol/layout.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../protocol/payer-codes.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  PAYMENT,
  PAYMENT_STATE,
  PaymentOperations,
  PaymentStates,
  TRANSFER,
} from '../../protocol/records.ts';
import { resultName } from '../../protocol/results.ts';
import { RISK_SIGNAL, Signals } from '../../protocol/risk.ts';
import { ENTITY, ENTITY_BODY_AT, EntityTables } from '../entity/event.ts';
import { SettledWord } from '../ledger/crossings.ts';
import {
  EVENT_PREFIX_BYTES,
  EventLog,
  type EventSource,
  EventTypes,
  eventView,
  TRANSFER_EVENT_BYTES,
} from '../ledger/events.ts';
import { JointKinds, PartPhases, PartWord, readJoint, readPart } from '../ledger/joint-event.ts';
import { isDeviceEvent, isUseEvent, PAYER_CODE_USE } from '../payer-code/event.ts';
import { PaymentEventByte } from '../payment/event.ts';
import { Versions } from '../payment/versions.ts';
import { Transfers } from '../query/transfers.ts';
import { COUNTS_HEAD } from '../risk/shared-counts.ts';
import { formatMoney } from './arguments.ts';

/** One event: where it is, what it says, how it was decided. Amounts are minor units. */
export interface JournalEntry {
  readonly lsn: number;
  readonly event: string;
  readonly result: string;
  readonly institution: number;
  readonly summary: string;
  readonly details: Readonly<Record<string, unknown>>;
}

/** Reads the events of one journal. */
export class JournalView {
  readonly #versions: Versions;
  readonly #transfers: Transfers;

  /** @param source the journal of `partition`, which ends at `nextLsn` */
  constructor(source: EventSource, partition: number, nextLsn: number) {
    const events = new EventLog(source);
    events.start(new ArrayBuffer(0), nextLsn);
    this.#versions = new Versions(events);
    this.#transfers = new Transfers(events, partition);
  }

  /** The event at byte `offset` of a batch, and its length. */
  read(bytes: Uint8Array, offset: number, lsn: number): { readonly entry: JournalEntry; readonly length: number } {
    const event = eventView(bytes, offset);
    const { name, summary, details } = this.#describe(event, lsn);
    const code = event.getUint16(2, true);
    return {
      entry: {
        lsn,
        event: name,
        result: resultName(code) ?? String(code),
        institution: event.getUint32(8, true),
        summary,
        details,
      },
      length: event.byteLength,
    };
  }

  #describe(event: DataView, lsn: number): Described {
    switch (event.getUint8(0)) {
      case EventTypes.transfer:
      case EventTypes.leg:
        return describeTransfer(this.#transfers.read(lsn), 'transfer');
      case EventTypes.crossing:
        return describeTransfer(event, 'crossing');
      case EventTypes.settled:
        return { name: 'settled', summary: String(event.getBigUint64(SettledWord.lsn * 4, true)), details: {} };
      case EventTypes.joint:
        return describeJoint(event);
      case EventTypes.part:
        return describePart(event);
      case EventTypes.account:
        return describeAccount(event);
      case EventTypes.accountChange:
        return describeAccountChange(event);
      case EventTypes.signal:
        return describeSignal(event);
      case EventTypes.card:
        return describeCard(event);
      case EventTypes.payerCode:
        return describePayerCode(event);
      case EventTypes.counts:
        return describeCounts(event);
      case EventTypes.payment:
      case EventTypes.newPayment:
        return describePayment(this.#versions.read(lsn));
      case EventTypes.entity:
        return describeEntity(event);
      default:
        return { name: `type ${event.getUint8(0)}`, summary: '', details: {} };
    }
  }
}

interface Described {
  readonly name: string;
  readonly summary: string;
  readonly details: Readonly<Record<string, unknown>>;
}

function describeTransfer(event: DataView, name: string): Described {
  const transfer = decodeRecord(TRANSFER, event, TRANSFER_EVENT_BYTES - TRANSFER.size);
  const { id, debitAccountId, creditAccountId, amount, ledger } = transfer;
  return {
    name,
    summary: `${formatMoney(amount, ledger)}  ${formatId(debitAccountId)} → ${formatId(creditAccountId)}  ${formatId(id)}`,
    details: texts(transfer),
  };
}

function describeJoint(event: DataView): Described {
  const { kind, about, count } = readJoint(event);
  const name = nameOf(JointKinds, kind);
  return { name: `joint ${name}`, summary: `${count} records${about === 0 ? '' : `, about ${about}`}`, details: {} };
}

function describePart(event: DataView): Described {
  const { phase, count } = readPart(event);
  const lsn = event.getBigUint64(PartWord.lsn * 4, true);
  const peer = event.getUint32(PartWord.peer * 4, true);
  const kept = count === 0 ? '' : `, ${count} records`;
  return { name: `part ${nameOf(PartPhases, phase)}`, summary: `of ${lsn} in partition ${peer}${kept}`, details: {} };
}

function describeAccount(event: DataView): Described {
  const account = decodeRecord(ACCOUNT, event, EVENT_PREFIX_BYTES);
  const currency = CURRENCIES.find(({ numeric }) => numeric === account.ledger)?.alphabetic ?? account.ledger;
  return { name: 'account', summary: `${formatId(account.id)} in ${currency}`, details: texts(account) };
}

function describeAccountChange(event: DataView): Described {
  const change = decodeRecord(ACCOUNT_CHANGE, event, EVENT_PREFIX_BYTES);
  return { name: 'account change', summary: formatId(change.accountId), details: texts(change) };
}

function describeSignal(event: DataView): Described {
  const signal = decodeRecord(RISK_SIGNAL, event, EVENT_PREFIX_BYTES);
  const kind = nameOf(Signals, signal.kind);
  return { name: 'signal', summary: `${kind}  ${formatId(signal.accountId)}`, details: { ...texts(signal), kind } };
}

function describeCard(event: DataView): Described {
  const card = decodeRecord(CARD, event, EVENT_PREFIX_BYTES);
  const isUse = event.byteLength === CARD_USE_EVENT_BYTES;
  const use = isUse ? decodeRecord(CARD_USE, event, EVENT_PREFIX_BYTES + CARD.size) : undefined;
  const details = { ...texts(card), ...(use === undefined ? {} : { use: texts(use) }) };
  return { name: isUse ? 'card use' : 'card', summary: formatId(use?.token ?? card.token), details };
}

function describePayerCode(event: DataView): Described {
  if (isDeviceEvent(event)) {
    const device = decodeRecord(CODE_DEVICE, event, EVENT_PREFIX_BYTES);
    return { name: 'code device', summary: formatId(device.accountId), details: texts(device) };
  }
  if (isUseEvent(event)) {
    const use = decodeRecord(PAYER_CODE_USE, event, EVENT_PREFIX_BYTES);
    return { name: 'payer code use', summary: formatId(use.paymentId), details: texts(use) };
  }
  const code = decodeRecord(PAYER_CODE, event, EVENT_PREFIX_BYTES);
  return { name: 'payer code', summary: formatId(code.accountId), details: texts(code) };
}

function describeCounts(event: DataView): Described {
  const { from, first, count } = decodeRecord(COUNTS_HEAD, event, EVENT_PREFIX_BYTES);
  return { name: 'counts', summary: `${count} of partition ${from}`, details: { from, first: String(first), count } };
}

function describePayment(event: DataView): Described {
  const payment = decodeRecord(PAYMENT, event, PaymentEventByte.payment);
  const state = decodeRecord(PAYMENT_STATE, event, PaymentEventByte.state);
  const operation = nameOf(PaymentOperations, state.operation);
  const standing = nameOf(PaymentStates, state.state);
  return {
    name: `payment ${operation}`,
    summary: `${formatMoney(payment.amount, payment.ledger)}  ${standing}  ${formatId(payment.id)}`,
    details: { ...texts(payment), ...texts(state), operation, state: standing },
  };
}

function describeEntity(event: DataView): Described {
  const { table, bodyLength } = decodeRecord(ENTITY, event, EVENT_PREFIX_BYTES);
  const body = decodeMessagePack(new Uint8Array(event.buffer, event.byteOffset + ENTITY_BODY_AT, bodyLength)) ?? {};
  const name = nameOf(EntityTables, table);
  const title = body.handle ?? body.number ?? body.accountId;
  return { name, summary: String(title ?? ''), details: body };
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? String(value);
}

/** Ids as hex, wide integers as text, reserved fields left out. */
function texts(record: Readonly<Record<string, number | bigint>>): Readonly<Record<string, unknown>> {
  return Object.fromEntries(
    Object.entries(record)
      .filter(([field]) => !field.startsWith('reserved'))
      .map(([field, value]) => [
        field,
        /id$/i.test(field) && typeof value === 'bigint' ? formatId(value) : String(value),
      ]),
  );
}
