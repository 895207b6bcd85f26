/** Commands as request frames, and replies as objects: the client's side of a partition, for the simulator and for tests. */
import { openReply } from '../../../protocol/codecs/frame-codec.ts';
import {
  type CancellationInput,
  decodePayment,
  encodeCancellation,
  encodePayment,
  encodePaymentOperation,
  type PaymentCommand,
  type AccountPaymentInput,
  type CodePaymentInput,
  type PaymentInput,
  type PaymentOperationCommand,
  type PaymentOperationInput,
  type PaymentResult,
} from '../../../protocol/codecs/payment-codec.ts';
import { type Result, readResult } from '../../../protocol/codecs/result-codec.ts';
import {
  type ChainEnded,
  decodeCreateTransfers,
  decodeEndChain,
  type TransferResult,
} from '../../../protocol/codecs/transfer-codec.ts';
import { COMMANDS, type CommandName } from '../../../protocol/commands.ts';
import { FRAME_HEADER, FrameFlags } from '../../../protocol/frame.ts';
import { countOf, flagsOf, kindOf } from '../../../protocol/frame-header.ts';
import { encodeRecord, type FieldTable, type Layout, type RecordOf } from '../../../protocol/layout.ts';
import { ACCOUNT, ACCOUNT_CHANGE, END_CHAIN, TRANSFER } from '../../../protocol/records.ts';

/** Any field of the record, reserved ones included. */
export type RawAccount = Partial<RecordOf<(typeof ACCOUNT)['fields']>>;
export type RawChange = Partial<RecordOf<(typeof ACCOUNT_CHANGE)['fields']>>;
export type RawChainEnd = Partial<RecordOf<(typeof END_CHAIN)['fields']>>;
export type RawTransfer = Partial<RecordOf<(typeof TRANSFER)['fields']>>;

/** One request of a batch. */
export interface Request {
  readonly institution: number;
  readonly name: CommandName;
  readonly flags: number;
  readonly count: number;
  readonly body: Uint8Array;
}

const ID = { requestId: 7 };
const { size: HEADER } = FRAME_HEADER;

/** 1 January 2026, in microseconds. */
export const START = 1_767_225_600_000_000;
export const SECOND = 1_000_000;

export function records<F extends FieldTable>(
  institution: number,
  name: CommandName,
  layout: Layout<F>,
  items: readonly Partial<RecordOf<F>>[],
  flags = 0,
): Request {
  const body = new Uint8Array(items.length * layout.size);
  const view = new DataView(body.buffer);
  for (const [index, item] of items.entries()) encodeRecord(layout, view, index * layout.size, item);
  return { institution, name, flags, count: items.length, body };
}

export function transfersRequest(institution: number, items: readonly RawTransfer[], flags = 0): Request {
  return records(institution, 'createTransfers', TRANSFER, items, flags);
}

export function accountsRequest(institution: number, items: readonly RawAccount[]): Request {
  return records(institution, 'createAccounts', ACCOUNT, items);
}

export function changesRequest(institution: number, items: readonly RawChange[]): Request {
  return records(institution, 'changeAccounts', ACCOUNT_CHANGE, items);
}

export function endChainRequest(institution: number, item: RawChainEnd): Request {
  return records(institution, 'endChain', END_CHAIN, [item]);
}

/** From a whole request frame. */
export function framed(institution: number, frame: Uint8Array): Request {
  const name = (Object.keys(COMMANDS) as CommandName[]).find((key) => COMMANDS[key].kind === kindOf(frame));
  if (name === undefined) throw new Error('no such command');
  return { institution, name, flags: flagsOf(frame), count: countOf(frame), body: frame.subarray(HEADER) };
}

/** A payment whose business code is 7 unless it says otherwise. */
export type CodelessPayment = Codeless<AccountPaymentInput>;
export type CodelessByCode = Codeless<CodePaymentInput>;
type Codeless<P extends PaymentInput> = Omit<P, 'code'> & Partial<Pick<P, 'code'>>;

export function paymentRequest(
  institution: number,
  name: PaymentCommand,
  payment: CodelessPayment | CodelessByCode,
): Request {
  return framed(institution, encodePayment(name, { code: 7, ...payment }, ID));
}

export function operationRequest(
  institution: number,
  name: PaymentOperationCommand,
  operation: PaymentOperationInput,
): Request {
  return framed(institution, encodePaymentOperation(name, operation, ID));
}

export function cancellationRequest(institution: number, cancellation: CancellationInput): Request {
  return framed(institution, encodeCancellation(cancellation, ID));
}

export const reply = {
  accounts: (frame: Uint8Array): Result[] => {
    const { body, count } = openReply(frame);
    return Array.from({ length: count }, (_, index) => readResult(body, index * 16));
  },
  transfers: (frame: Uint8Array): TransferResult[] =>
    decodeCreateTransfers(openReply(frame), (flagsOf(frame) & FrameFlags.balances) !== 0),
  chain: (frame: Uint8Array): ChainEnded => decodeEndChain(openReply(frame)),
  payment: (frame: Uint8Array, name: PaymentCommand | PaymentOperationCommand | 'cancelPayment'): PaymentResult =>
    decodePayment(openReply(frame), name),
};
