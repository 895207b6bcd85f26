/** From events of the journal to the documents of the change stream (protocol/changes.ts). */
import type {
  AccountChange,
  AccountTermsChange,
  Change,
  ChangeType,
  PaymentChange,
  TransferChange,
} from '../../protocol/changes.ts';
import { ENGINE_ID_PREFIX, formatId } from '../../protocol/ids.ts';
import { decodeRecord, type RecordOf } from '../../protocol/layout.ts';
import { decodeMessagePack } from '../../protocol/message-pack.ts';
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  AccountChangeFields,
  AccountFlags,
  AccountStates,
  PAYMENT,
  PAYMENT_OPERATION,
  PAYMENT_STATE,
  PaymentOperations,
  PaymentStates,
  TRANSFER,
  TRANSFER_OUTCOME,
  TransferFlags,
} from '../../protocol/records.ts';
import { Code, resultName } from '../../protocol/results.ts';
import { ENTITY, ENTITY_BODY_AT, EntityTables } from '../entity/event.ts';
import { LSN_UNIT_BYTES } from '../journal/header.ts';
import { EVENT_PREFIX_BYTES, EventLog, type EventSource, EventTypes } from '../ledger/events.ts';
import { PaymentEventByte, PaymentEventFlags } from '../payment/event.ts';
import { Versions } from '../payment/versions.ts';
import { formatCurrency, formatTime } from '../query/text-forms.ts';
import { Transfers } from '../query/transfers.ts';

/** Whose eyes a document is made for. */
export interface Reader {
  readonly institution: number;
  /** Whether it is the operator, who sees every change. */
  readonly seesAll: boolean;
  /** Whether an account is the reader's to see, and of this partition: of another it has no balance here. */
  maySee(account: bigint, lsn: number): boolean;
}

const ENTITY_TYPES: Readonly<Record<number, ChangeType>> = {
  [EntityTables.party]: 'party',
  [EntityTables.tariff]: 'tariff',
  [EntityTables.campaign]: 'campaign',
  [EntityTables.order]: 'order',
  [EntityTables.counters]: 'counters',
};

const TABLE_AT = EVENT_PREFIX_BYTES + ENTITY.at.table;

/** The type of the document that an event becomes; undefined for steps that nothing is decided by. */
export function changeTypeOf(event: DataView): ChangeType | undefined {
  switch (event.getUint8(0)) {
    case EventTypes.crossing:
    case EventTypes.settled:
    case EventTypes.joint:
    case EventTypes.part:
      // On its way to another partition, or answered from there: what came of it is an event of its own.
      return undefined;
    case EventTypes.transfer:
    case EventTypes.leg:
      return 'transfer';
    case EventTypes.account:
      return 'account';
    case EventTypes.accountChange:
      return 'accountChange';
    case EventTypes.payment:
    case EventTypes.newPayment:
      return 'payment';
    case EventTypes.entity:
      return ENTITY_TYPES[event.getUint16(TABLE_AT, true)] ?? 'other';
    default:
      return 'other';
  }
}

export class Documents {
  readonly #partition: number;
  readonly #versions: Versions;
  readonly #transfers: Transfers;

  /** @param source the journal of `partition` */
  constructor(source: EventSource, partition: number) {
    const events = new EventLog(source);
    // Nothing is being written here: every position is the source's.
    events.start(new ArrayBuffer(0), Number.MAX_SAFE_INTEGER);
    this.#partition = partition;
    this.#versions = new Versions(events);
    this.#transfers = new Transfers(events, partition);
  }

  /** The document of an event, or undefined when it is not the reader's to see. `timestamp`: µs, of its batch. */
  read(event: DataView, lsn: number, timestamp: number, reader: Reader): Change | undefined {
    const type = changeTypeOf(event);
    return type === undefined ? undefined : this.#document(type, event, lsn, timestamp, reader);
  }

  #document(type: ChangeType, event: DataView, lsn: number, timestamp: number, reader: Reader): Change | undefined {
    const institution = event.getUint32(8, true);
    const code = event.getUint16(2, true);
    const head: Change = {
      id: `${this.#partition}-${lsn}`,
      type,
      partition: this.#partition,
      position: lsn,
      cursor: lsn + event.byteLength / LSN_UNIT_BYTES,
      decidedAt: formatTime(timestamp),
      institution,
      result: resultName(code) ?? String(code),
    };
    const isMine = reader.seesAll || institution === reader.institution;
    switch (type) {
      case 'transfer':
        return this.#transfer(head, lsn, code, reader, isMine);
      case 'payment':
        return this.#payment(head, lsn, reader, isMine);
      case 'account': {
        const record = decodeRecord(ACCOUNT, event, EVENT_PREFIX_BYTES);
        return isMine || reader.maySee(record.id, lsn) ? { ...head, account: accountChange(record) } : undefined;
      }
      case 'accountChange': {
        const record = decodeRecord(ACCOUNT_CHANGE, event, EVENT_PREFIX_BYTES);
        const isVisible = isMine || reader.maySee(record.accountId, lsn);
        return isVisible ? { ...head, accountChange: termsChange(record) } : undefined;
      }
      case 'party':
      case 'tariff':
      case 'campaign':
      case 'order':
      case 'counters':
        return isMine ? { ...head, body: entityBody(event) } : undefined;
      case 'other':
        return isMine ? head : undefined;
    }
  }

  #transfer(head: Change, lsn: number, code: number, reader: Reader, isMine: boolean): Change | undefined {
    const view = this.#transfers.read(lsn);
    const record = decodeRecord(TRANSFER, view, TRANSFER_OUTCOME.size);
    const outcome = decodeRecord(TRANSFER_OUTCOME, view, 0);
    const seesDebit = reader.maySee(record.debitAccountId, lsn);
    const seesCredit = reader.maySee(record.creditAccountId, lsn);
    if (!isMine && !seesDebit && !seesCredit) return undefined;
    const isLeg = record.id >> 96n === BigInt(ENGINE_ID_PREFIX) && record.userData128 !== 0n;
    const transfer: TransferChange = {
      id: formatId(record.id),
      debitAccount: idText(record.debitAccountId),
      creditAccount: idText(record.creditAccountId),
      amount: String(record.amount),
      currency: formatCurrency(record.ledger),
      code: record.code,
      flags: namesOf(TransferFlags, record.flags),
      pendingId: idText(record.pendingId),
      timeoutSeconds: record.timeoutS,
      userData128: idText(record.userData128),
      userData64: String(record.userData64),
      userData32: record.userData32,
      payment: isLeg ? formatId(record.userData128) : null,
      debitBalanceAfter: code === Code.ok && seesDebit ? String(outcome.debitBalanceAfter) : null,
      creditBalanceAfter: code === Code.ok && seesCredit ? String(outcome.creditBalanceAfter) : null,
    };
    return { ...head, transfer };
  }

  #payment(head: Change, lsn: number, reader: Reader, isMine: boolean): Change | undefined {
    const version = this.#versions.read(lsn);
    const payment = decodeRecord(PAYMENT, version, PaymentEventByte.payment);
    const isVisible =
      isMine || reader.maySee(payment.payerAccountId, lsn) || reader.maySee(payment.payeeAccountId, lsn);
    return isVisible ? { ...head, payment: paymentChange(version, payment) } : undefined;
  }
}

function accountChange(record: ReturnType<typeof decodeRecord<(typeof ACCOUNT)['fields']>>): AccountChange {
  return {
    id: formatId(record.id),
    currency: formatCurrency(record.ledger),
    code: record.code,
    flags: namesOf(AccountFlags, record.flags),
    creditLimit: String(record.creditLimit),
    tariff: record.tariff,
    tier: record.tier,
    owner: record.owner,
    userData128: idText(record.userData128),
    userData64: String(record.userData64),
    userData32: record.userData32,
  };
}

function termsChange(record: RecordOf<(typeof ACCOUNT_CHANGE)['fields']>): AccountTermsChange {
  const has = (field: number): boolean => (record.fields & field) !== 0;
  return {
    id: formatId(record.id),
    account: formatId(record.accountId),
    creditLimit: has(AccountChangeFields.creditLimit) ? String(record.creditLimit) : null,
    state: has(AccountChangeFields.state) ? nameOf(AccountStates, record.state) : null,
    tier: has(AccountChangeFields.tier) ? record.tier : null,
  };
}

function paymentChange(
  version: DataView,
  payment: ReturnType<typeof decodeRecord<(typeof PAYMENT)['fields']>>,
): PaymentChange {
  const state = decodeRecord(PAYMENT_STATE, version, PaymentEventByte.state);
  const operation = decodeRecord(PAYMENT_OPERATION, version, PaymentEventByte.operation);
  const reference = new Uint8Array(
    version.buffer,
    version.byteOffset + PaymentEventByte.reference,
    payment.referenceLength,
  );
  return {
    id: formatId(payment.id),
    state: nameOf(PaymentStates, state.state),
    operation: nameOf(PaymentOperations, state.operation),
    version: state.version,
    current: (version.getUint8(1) & PaymentEventFlags.current) !== 0,
    from: idText(payment.payerAccountId),
    to: idText(payment.payeeAccountId),
    amount: String(payment.amount),
    currency: formatCurrency(payment.ledger),
    captured: String(state.captured),
    refunded: String(state.refunded),
    released: String(state.released),
    discount: String(state.discount),
    discountCaptured: String(state.discountCaptured),
    discountRefunded: String(state.discountRefunded),
    feeCharged: String(state.feeCharged),
    feeRefunded: String(state.feeRefunded),
    reference: new TextDecoder().decode(reference),
    campaign: idText(payment.campaignId),
    code: payment.code,
    userData64: String(payment.userData64),
    createdAt: timeText(state.createdAt),
    updatedAt: timeText(state.updatedAt),
    expiresAt: timeText(state.expiresAt),
    lastOperation: operation.id === 0n ? null : { id: formatId(operation.id), amount: String(operation.amount) },
  };
}

function entityBody(event: DataView): Readonly<Record<string, unknown>> {
  const { bodyLength } = decodeRecord(ENTITY, event, EVENT_PREFIX_BYTES);
  return decodeMessagePack(new Uint8Array(event.buffer, event.byteOffset + ENTITY_BODY_AT, bodyLength)) ?? {};
}

function idText(id: bigint): string | null {
  return id === 0n ? null : formatId(id);
}

function timeText(us: bigint): string | null {
  return us === 0n ? null : formatTime(Number(us));
}

function nameOf(table: Readonly<Record<string, number>>, value: number): string {
  return Object.keys(table).find((name) => table[name] === value) ?? String(value);
}

function namesOf(flags: Readonly<Record<string, number>>, value: number): string[] {
  return Object.keys(flags).filter((name) => (value & (flags[name] ?? 0)) !== 0);
}
