/** The server's half of the protocol for tests: requests in, replies out, written straight from the layouts. */

import type { CodeDeviceLookup, PayerCodeLookup } from '../../../protocol/codecs/payer-code-codec.ts';
import { CODE_DEVICE, PAYER_CODE } from '../../../protocol/payer-codes.ts';
import { readContext } from './risk-inputs.ts';
import { codeDeviceBytes, codeDeviceInput, payerCodeBytes } from './payer-code-side.ts';
import { CARD, CARD_USE, CardStates } from '../../../protocol/cards.ts';
import type { Card, CardLookup } from '../../../protocol/codecs/card-codec.ts';
import { cardInput, nonZero, useInput } from './card-inputs.ts';
import { PAYMENT_CANCELLATION } from '../../../protocol/cancellation.ts';
import type { AccountLookup } from '../../../protocol/codecs/account-codec.ts';
import { type FrameOptions, type Refusal, readText } from '../../../protocol/codecs/frame-codec.ts';
import type { HistoryPage } from '../../../protocol/codecs/history-codec.ts';
import type { PaymentResult, PaymentStatus } from '../../../protocol/codecs/payment-codec.ts';
import type { PaymentLookup, PaymentPage, PaymentView } from '../../../protocol/codecs/payment-query-codec.ts';
import type { AggregatePage, BalanceAt, TrialPage } from '../../../protocol/codecs/reading-codec.ts';
import { readRecord, type Visible } from '../../../protocol/codecs/record-codec.ts';
import type { RegistryResult } from '../../../protocol/codecs/registry-codec.ts';
import type { Result } from '../../../protocol/codecs/result-codec.ts';
import type { ChangesResult, RichResult } from '../../../protocol/codecs/rich-codec.ts';
import type {
  ChainEnded,
  TransferEntry,
  TransferLookup,
  TransferResult,
} from '../../../protocol/codecs/transfer-codec.ts';
import { COMMANDS, type CommandName, commandOfKind } from '../../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags, REFUSAL, REFUSED_KIND, REPLY_BIT } from '../../../protocol/frame.ts';
import {
  bodyEndOf,
  countOf,
  flagsOf,
  kindOf,
  requestIdHighOf,
  requestIdLowOf,
  writeChecksum,
  writeHeader,
} from '../../../protocol/frame-header.ts';
import { encodeRecord, type FieldTable, type Layout, type RecordOf, readU128 } from '../../../protocol/layout.ts';
import { decodeMessagePack, encodeMessagePack } from '../../../protocol/message-pack.ts';
import * as reading from '../../../protocol/reading-records.ts';
import { isRegistryCommand } from '../../../protocol/registry-bodies.ts';
import * as records from '../../../protocol/records.ts';
import { RISK_CONTEXT, RISK_SIGNAL, Signals } from '../../../protocol/risk.ts';
import { toHex } from './golden-file.ts';

export interface ServerRequest {
  readonly command: CommandName;
  readonly flags: number;
  readonly requestId: number;
  /** As the client's encoder takes it. */
  readonly input: unknown;
}

/** Reads a request frame that `checkFrame` accepts. Fields that are zero are left out of the input. */
export function readRequest(frame: Uint8Array): ServerRequest {
  const command = commandOfKind(kindOf(frame))!;
  const body = new DataView(frame.buffer, frame.byteOffset + FRAME_HEADER.size, bodyEndOf(frame) - FRAME_HEADER.size);
  const requestId = requestIdHighOf(frame) * 2 ** 32 + requestIdLowOf(frame);
  return { command, flags: flagsOf(frame), requestId, input: readInput(command, countOf(frame), body) };
}

function readInput(command: CommandName, count: number, body: DataView): unknown {
  switch (command) {
    case 'ping':
      return {};
    case 'createAccounts':
      return many(count, (index) => nonZero(readRecord(records.ACCOUNT, body, index * records.ACCOUNT.size)));
    case 'changeAccounts':
      return many(count, (index) =>
        accountChange(readRecord(records.ACCOUNT_CHANGE, body, index * records.ACCOUNT_CHANGE.size)),
      );
    case 'createTransfers':
      return many(count, (index) => nonZero(readRecord(records.TRANSFER, body, index * records.TRANSFER.size)));
    case 'endChain': {
      const { id, pendingId, debitAccountId, flags } = readRecord(records.END_CHAIN, body, 0);
      return { id, pendingId, debitAccountId, action: flags === records.TransferFlags.postPending ? 'post' : 'void' };
    }
    case 'putCards':
      return many(count, (index) => cardInput(readRecord(CARD, body, index * CARD.size)));
    case 'useCards':
      return many(count, (index) => useInput(readRecord(CARD_USE, body, index * CARD_USE.size)));
    case 'issueCodes':
      return many(count, (index) => nonZero(readRecord(PAYER_CODE, body, index * PAYER_CODE.size)));
    case 'putCodeDevice':
      return codeDeviceInput(readRecord(CODE_DEVICE, body, 0));
    case 'lookupCodes':
    case 'lookupCodeDevices':
    case 'lookupCards':
    case 'lookupAccounts':
    case 'lookupTransfers':
    case 'lookupPayments':
      return many(count, (index) => readU128(body, index * 16));
    case 'accountHistory':
      return nonZero(readRecord(records.HISTORY_QUERY, body, 0));
    case 'queryHistory': {
      const { flags = 0, ...filter } = nonZero(readRecord(reading.HISTORY_FILTER, body, 0));
      const { debits, credits, oldestFirst } = reading.HistoryFlags;
      const has = (flag: number): boolean => (Number(flags) & flag) !== 0;
      return {
        ...filter,
        ...(has(oldestFirst) ? { order: 'oldestFirst' } : {}),
        ...(has(debits) ? { side: 'debit' } : has(credits) ? { side: 'credit' } : {}),
      };
    }
    case 'balancesAt':
      return nonZero(readRecord(reading.BALANCE_QUERY, body, 0));
    case 'trialBalance':
      return nonZero(readRecord(reading.TRIAL_QUERY, body, 0));
    case 'aggregate':
      return nonZero(readRecord(reading.AGGREGATE_QUERY, body, 0));
    case 'sale':
    case 'authorise':
      return withContext(body);
    case 'queryPayments': {
      const query = withReference(records.PAYMENT_QUERY, body);
      const state = Object.entries(records.PaymentStates).find(([, number]) => number === query.state)?.[0];
      return state === undefined ? query : { ...query, state };
    }
    case 'capture':
    case 'void':
    case 'refund':
    case 'revert':
    case 'release':
      return nonZero(readRecord(records.PAYMENT_OPERATION, body, 0));
    case 'cancelPayment':
      return nonZero(readRecord(PAYMENT_CANCELLATION, body, 0));
    case 'confirm': {
      const { proofLength, ...operation } = nonZero(readRecord(records.PAYMENT_OPERATION, body, 0));
      const from = body.byteOffset + records.PAYMENT_OPERATION.size;
      return { ...operation, proof: toHex(new Uint8Array(body.buffer, from, Number(proofLength ?? 0))) };
    }
    case 'reportSignals':
      return many(count, (index) => {
        const signal = nonZero(readRecord(RISK_SIGNAL, body, index * RISK_SIGNAL.size));
        return { ...signal, kind: Object.entries(Signals).find(([, number]) => number === signal.kind)?.[0] };
      });
    default:
      return decodeMessagePack(new Uint8Array(body.buffer, body.byteOffset, body.byteLength));
  }
}

/** A payment with its circumstances, as the client's encoder takes them. */
function withContext(body: DataView): Record<string, unknown> {
  const { flags = 0, referenceLength, ...payment } = nonZero(readRecord(records.PAYMENT, body, 0));
  const hasContext = (Number(flags) & records.PaymentFlags.riskContext) !== 0;
  const textAt = records.PAYMENT.size + (hasContext ? RISK_CONTEXT.size : 0);
  const risk = hasContext ? { risk: readContext(readRecord(RISK_CONTEXT, body, records.PAYMENT.size)) } : {};
  const reference = referenceLength === undefined ? {} : { reference: readText(body, textAt, Number(referenceLength)) };
  return { ...payment, ...risk, ...reference };
}

function withReference<F extends FieldTable>(shape: Layout<F>, body: DataView): Record<string, unknown> {
  const { referenceLength, ...fields } = nonZero(readRecord(shape, body, 0));
  return referenceLength === undefined
    ? fields
    : { ...fields, reference: readText(body, shape.size, Number(referenceLength)) };
}

/** As the client's encoder takes it. */
function accountChange(change: Visible<(typeof records.ACCOUNT_CHANGE)['fields']>): Record<string, unknown> {
  const { id, accountId, fields, creditLimit, tier } = change;
  const state = Object.entries(records.AccountStates).find(([, number]) => number === change.state)?.[0];
  return {
    id,
    accountId,
    ...((fields & records.AccountChangeFields.state) === 0 ? {} : { state }),
    ...((fields & records.AccountChangeFields.creditLimit) === 0 ? {} : { creditLimit }),
    ...((fields & records.AccountChangeFields.tier) === 0 ? {} : { tier }),
  };
}

function many<T>(count: number, make: (index: number) => T): T[] {
  return Array.from({ length: count }, (_, index) => make(index));
}

/** A reply frame from what the client's decoder gives for it. */
export function writeReply(command: CommandName, options: FrameOptions, value: unknown): Uint8Array<ArrayBuffer> {
  const parts = replyParts(command, value);
  const body = concat(parts.bytes);
  return frameOf(COMMANDS[command].kind | REPLY_BIT, options, parts.count ?? body.length, body);
}

export function writeRefusal(
  options: FrameOptions,
  refusal: Pick<Refusal, 'code' | 'index' | 'detail'>,
): Uint8Array<ArrayBuffer> {
  const detail = new TextEncoder().encode(refusal.detail);
  const head = record(REFUSAL, { code: refusal.code, index: refusal.index, detailLength: detail.length });
  return frameOf(REFUSED_KIND, options, 1, concat([head, detail]));
}

function frameOf(
  kind: number,
  { requestId, checksum }: FrameOptions,
  count: number,
  body: Uint8Array,
): Uint8Array<ArrayBuffer> {
  const frame = new Uint8Array(FRAME_HEADER.size + body.length + (checksum ? 4 : 0));
  writeHeader(frame, kind, checksum ? FrameFlags.checksum : 0, count, requestId >>> 0, Math.floor(requestId / 2 ** 32));
  frame.set(body, FRAME_HEADER.size);
  if (checksum) writeChecksum(frame);
  return frame;
}

function replyParts(command: CommandName, value: unknown): { count?: number; bytes: Uint8Array[] } {
  switch (command) {
    case 'ping':
      return { count: 0, bytes: [] };
    case 'createAccounts':
    case 'reportSignals':
    case 'putCards':
    case 'changeAccounts': {
      const results = value as Result[];
      return { count: results.length, bytes: results.map(result) };
    }
    case 'createTransfers': {
      const results = value as TransferResult[];
      const bytes = results.flatMap((item) =>
        item.balances === undefined ? [result(item)] : [result(item), record(records.BALANCES, item.balances)],
      );
      return { count: results.length, bytes };
    }
    case 'endChain': {
      const ended = value as ChainEnded;
      const { members, refusedById = 0n } = ended;
      return { count: 1, bytes: [result(ended), record(records.CHAIN_ENDED, { members, refusedById })] };
    }
    case 'issueCodes':
    case 'lookupCodes': {
      const lookups = value as PayerCodeLookup[];
      return { count: lookups.length, bytes: lookups.flatMap((item) => [result(item), payerCodeBytes(item)]) };
    }
    case 'putCodeDevice':
    case 'lookupCodeDevices': {
      const lookups = [value].flat() as CodeDeviceLookup[];
      return { count: lookups.length, bytes: lookups.flatMap((item) => [result(item), codeDeviceBytes(item)]) };
    }
    case 'lookupCards':
    case 'useCards': {
      const lookups = value as CardLookup[];
      const stateOf = ({ state = 'active' }: Card): number => CardStates[state];
      const bytes = lookups.flatMap((item) => [
        result(item),
        record(CARD, item.card === undefined ? {} : { ...item.card, state: stateOf(item.card) }),
      ]);
      return { count: lookups.length, bytes };
    }
    case 'lookupAccounts': {
      const lookups = value as AccountLookup[];
      return {
        count: lookups.length,
        bytes: lookups.flatMap((item) => [result(item), record(records.ACCOUNT, item.account ?? {})]),
      };
    }
    case 'lookupTransfers': {
      const lookups = value as TransferLookup[];
      return { count: lookups.length, bytes: lookups.flatMap((item) => [result(item), ...entry(item.entry)]) };
    }
    case 'accountHistory':
    case 'queryHistory': {
      const page = value as HistoryPage;
      const head = [result(page), pageRecord(page.nextCursor, page.entries.length)];
      return { count: page.entries.length, bytes: [...head, ...page.entries.flatMap(entry)] };
    }
    case 'balancesAt': {
      const { balance, entries, ledger, entry: last, ...head } = value as BalanceAt;
      const timestamp = last?.transfer.timestamp ?? 0n;
      const bytes = [result(head), record(reading.BALANCE_AT, { balance, entries, ledger, timestamp }), ...entry(last)];
      return { count: 1, bytes };
    }
    case 'trialBalance': {
      const { ledgers, ...page } = value as TrialPage;
      const rows = ledgers.map((row) => record(reading.TRIAL_BALANCE, row));
      return { count: rows.length, bytes: [result(page), pageRecord(page.nextCursor, rows.length), ...rows] };
    }
    case 'aggregate': {
      const { sums, ...page } = value as AggregatePage;
      const rows = sums.map((row) => record(reading.AGGREGATE, row));
      return { count: rows.length, bytes: [result(page), pageRecord(page.nextCursor, rows.length), ...rows] };
    }
    case 'sale':
    case 'authorise':
    case 'capture':
    case 'void':
    case 'refund':
    case 'revert':
    case 'release':
    case 'confirm':
    case 'cancelPayment': {
      const payment = value as PaymentResult;
      return { count: 1, bytes: [result(payment), status(payment.payment)] };
    }
    case 'lookupPayments': {
      const lookups = value as PaymentLookup[];
      const bytes = lookups.flatMap((item) => (item.view ? [result(item), ...view(item.view)] : [result(item)]));
      return { count: lookups.length, bytes };
    }
    case 'queryPayments': {
      const page = value as PaymentPage;
      const head = [result(page), pageRecord(page.nextCursor, page.payments.length)];
      return { count: page.payments.length, bytes: [...head, ...page.payments.flatMap(view)] };
    }
    case 'hello':
      return { bytes: [encodeMessagePack(value as object)] };
    case 'readChanges': {
      const { code, changes, nextCursor, atEnd } = value as ChangesResult;
      const page = changes === undefined ? {} : { changes, nextCursor, atEnd };
      return { bytes: [encodeMessagePack({ code, ...page })] };
    }
    default: {
      if (isRegistryCommand(command)) return { bytes: [registryBytes(value as RegistryResult)] };
      const { code, party, parties, nextCursor, explanation, mistakes } = value as RichResult;
      const list = parties.length > 0 ? { parties, nextCursor } : {};
      const risk = {
        ...(explanation === undefined ? {} : { explanation }),
        ...(mistakes.length === 0 ? {} : { mistakes }),
      };
      return { bytes: [encodeMessagePack({ code, ...(party === undefined ? {} : { party }), ...list, ...risk })] };
    }
  }
}

function registryBytes(value: RegistryResult): Uint8Array {
  const { replayed: _r, timestamp: _t, name: _n, message: _m, retry: _l, dryRun: _d, ...reply } = value;
  return encodeMessagePack(reply);
}

function result({ code, replayed, timestamp }: Result): Uint8Array {
  return record(records.RESULT, { code, timestamp, flags: replayed ? records.ResultFlags.replayed : 0 });
}

function pageRecord(nextCursor: bigint, count: number): Uint8Array {
  return record(records.PAGE, { nextCursor, count });
}

/** `event`, `length` and the positions are the server's own; clients do not look at them. */
function entry(item: TransferEntry | undefined): Uint8Array[] {
  if (item === undefined) return [record(records.TRANSFER_OUTCOME, {}), record(records.TRANSFER, {})];
  const { transfer, name: _, ...outcome } = item;
  const own = { event: 1, length: 176, previousOfDebit: 0x1234n, previousOfCredit: 0x5678n };
  return [record(records.TRANSFER_OUTCOME, { ...outcome, ...own }), record(records.TRANSFER, transfer)];
}

function status(item: PaymentStatus | undefined): Uint8Array {
  if (item === undefined) return record(records.PAYMENT_STATE, {});
  const { name: _, state, operation, ...fields } = item;
  const numbers = { state: records.PaymentStates[state], operation: records.PaymentOperations[operation] };
  return record(records.PAYMENT_STATE, { ...fields, ...numbers });
}

function view({ payment, status: state, lastOperation }: PaymentView): Uint8Array[] {
  const { reference, ...fields } = payment;
  const text = new TextEncoder().encode(reference);
  const padded = new Uint8Array((text.length + 15) & ~15);
  padded.set(text);
  const head = record(records.PAYMENT, { ...fields, referenceLength: text.length });
  return [head, status(state), record(records.PAYMENT_OPERATION, lastOperation ?? {}), padded];
}

function record<F extends FieldTable>(shape: Layout<F>, fields: Partial<RecordOf<F>>): Uint8Array {
  const bytes = new Uint8Array(shape.size);
  encodeRecord(shape, new DataView(bytes.buffer), 0, fields);
  return bytes;
}

function concat(parts: readonly Uint8Array[]): Uint8Array {
  const out = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    out.set(part, at);
    at += part.length;
  }
  return out;
}
