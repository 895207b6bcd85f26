/**
 * createTransfers: count × TRANSFER    → count × RESULT, or count × (RESULT, BALANCES) with FrameFlags.balances
 * lookupTransfers: count × id (u128)   → count × (RESULT, TRANSFER_OUTCOME, TRANSFER); zeros when it is not there
 * endChain: END_CHAIN                  → RESULT, CHAIN_ENDED
 */
import { FrameFlags } from '../frame.ts';
import { BALANCES, CHAIN_ENDED, END_CHAIN, RESULT, TRANSFER, TRANSFER_OUTCOME, TransferFlags } from '../records.ts';
import { Code, type ResultName } from '../results.ts';
import { buildFrame, buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, type Visible, writeId, writeRecord } from './record-codec.ts';
import { nameOfCode, type Result, readResult } from './result-codec.ts';

export type Transfer = Visible<(typeof TRANSFER)['fields']>;

/**
 * What the client says about a new transfer; the rest is zero. A post or a void may leave out accounts and amount. With the flag
 * `imported`, `timestamp` says when it was decided (µs); else it is left out.
 */
export type TransferInput = Pick<Transfer, 'id'> & Partial<Omit<Transfer, 'id'>>;

/** Both accounts after the transfer. */
export type Balances = Visible<(typeof BALANCES)['fields']>;

export interface TransferResult extends Result {
  /** There when they were asked for. */
  readonly balances: Balances | undefined;
}

/** A transfer as it was decided. */
export interface TransferEntry {
  readonly transfer: Transfer;
  /** How it was decided. */
  readonly code: number;
  readonly name: ResultName;
  /** Who asked for it. */
  readonly institution: number;
  /** Posted credits minus posted debits after this transfer. */
  readonly debitBalanceAfter: bigint;
  readonly creditBalanceAfter: bigint;
}

export interface TransferLookup extends Result {
  /** There when the code is `ok`: then `entry.code` says how the transfer was decided. */
  readonly entry: TransferEntry | undefined;
}

/** Ends a chain: `pendingId` is any pending transfer of it, and `debitAccountId` that transfer's. */
export interface EndChainInput {
  readonly id: bigint;
  readonly pendingId: bigint;
  readonly debitAccountId: bigint;
  readonly action: 'post' | 'void';
}

export interface ChainEnded extends Result {
  /** Pending transfers that were posted or voided; 0 when it was refused. */
  readonly members: number;
  /** Another transfer of the chain than the one that was named, because of which it was refused. */
  readonly refusedById: bigint | undefined;
}

/** Bytes of one entry of a look-up (after its RESULT) and of a history page. */
export const ENTRY_BYTES = TRANSFER_OUTCOME.size + TRANSFER.size;
const LOOKUP_BYTES = RESULT.size + ENTRY_BYTES;

/** @throws EncodeError */
export function encodeCreateTransfers(
  transfers: readonly TransferInput[],
  options: FrameOptions & { readonly balances?: boolean },
): Uint8Array<ArrayBuffer> {
  const write = (body: DataView, offset: number, transfer: TransferInput, index: number): void => {
    writeRecord(TRANSFER, body, offset, transfer, `transfers[${index}]`);
  };
  return buildRecordsFrame('createTransfers', options, transfers, write, options.balances ? FrameFlags.balances : 0);
}

/** `withBalances` as in the request. @throws DecodeError */
export function decodeCreateTransfers(reply: Reply, withBalances: boolean): TransferResult[] {
  expectReply(reply, 'createTransfers');
  const stride = RESULT.size + (withBalances ? BALANCES.size : 0);
  expectEnd(reply, reply.count * stride);
  return Array.from({ length: reply.count }, (_, index) => {
    const offset = index * stride;
    const balances = withBalances ? readRecord(BALANCES, reply.body, offset + RESULT.size) : undefined;
    return { ...readResult(reply.body, offset), balances };
  });
}

/** @throws EncodeError */
export function encodeLookupTransfers(ids: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('lookupTransfers', options, ids, (body, offset, id, index) => {
    writeId(body, offset, id, `ids[${index}]`);
  });
}

/** In the order of the ids. @throws DecodeError */
export function decodeLookupTransfers(reply: Reply): TransferLookup[] {
  expectReply(reply, 'lookupTransfers');
  expectEnd(reply, reply.count * LOOKUP_BYTES);
  return Array.from({ length: reply.count }, (_, index) => {
    const offset = index * LOOKUP_BYTES;
    const result = readResult(reply.body, offset);
    const entry = result.code === Code.ok ? readEntry(reply.body, offset + RESULT.size) : undefined;
    return { ...result, entry };
  });
}

/** @throws EncodeError */
export function encodeEndChain({ action, ...request }: EndChainInput, options: FrameOptions): Uint8Array<ArrayBuffer> {
  const flags = action === 'post' ? TransferFlags.postPending : TransferFlags.voidPending;
  return buildFrame('endChain', options, { count: 1, bodyBytes: END_CHAIN.size }, (body) => {
    writeRecord(END_CHAIN, body, 0, { ...request, flags }, 'chain');
  });
}

/** @throws DecodeError */
export function decodeEndChain(reply: Reply): ChainEnded {
  expectReply(reply, 'endChain');
  expectEnd(reply, RESULT.size + CHAIN_ENDED.size);
  const { members, refusedById } = readRecord(CHAIN_ENDED, reply.body, RESULT.size);
  return { ...readResult(reply.body, 0), members, refusedById: refusedById === 0n ? undefined : refusedById };
}

/** Reads TRANSFER_OUTCOME and TRANSFER at `offset`. @throws DecodeError when they are cut off. */
export function readEntry(view: DataView, offset: number): TransferEntry {
  const { code, institution, debitBalanceAfter, creditBalanceAfter } = readRecord(TRANSFER_OUTCOME, view, offset);
  const transfer = readRecord(TRANSFER, view, offset + TRANSFER_OUTCOME.size);
  return { transfer, code, name: nameOfCode(code), institution, debitBalanceAfter, creditBalanceAfter };
}
