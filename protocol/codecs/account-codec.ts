/**
 * createAccounts: count × ACCOUNT      → count × RESULT
 * changeAccounts: count × ACCOUNT_CHANGE → count × RESULT
 * lookupAccounts: count × id (u128)    → count × (RESULT, ACCOUNT); zeros when the code is not `ok`
 */
import {
  ACCOUNT,
  ACCOUNT_CHANGE,
  AccountChangeFields,
  type AccountStateName,
  AccountStates,
  RESULT,
} from '../records.ts';
import { Code } from '../results.ts';
import { buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, type Visible, writeId, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

export type Account = Visible<(typeof ACCOUNT)['fields']>;

/** What the client says about a new account; the rest is zero. `timestamp` (µs) goes with the flag `imported`. */
export type AccountInput = Pick<Account, 'id' | 'ledger' | 'code'> &
  Partial<
    Pick<
      Account,
      'creditLimit' | 'userData128' | 'userData64' | 'userData32' | 'flags' | 'tariff' | 'tier' | 'timestamp'
    >
  >;

/** What is to be changed of an account; what is left out stays as it is. */
export interface AccountChangeInput {
  readonly id: bigint;
  readonly accountId: bigint;
  readonly state?: AccountStateName;
  readonly creditLimit?: bigint;
  /** How well the holder is known: 0 … ACCOUNT_TIER_MAX. */
  readonly tier?: number;
}

export interface AccountLookup extends Result {
  /** There when the code is `ok`. */
  readonly account: Account | undefined;
}

const LOOKUP_BYTES = RESULT.size + ACCOUNT.size;

/** @throws EncodeError */
export function encodeCreateAccounts(
  accounts: readonly AccountInput[],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('createAccounts', options, accounts, (body, offset, account, index) => {
    writeRecord(ACCOUNT, body, offset, account, `accounts[${index}]`);
  });
}

/** @throws DecodeError */
export function decodeCreateAccounts(reply: Reply): Result[] {
  expectReply(reply, 'createAccounts');
  expectEnd(reply, reply.count * RESULT.size);
  return Array.from({ length: reply.count }, (_, index) => readResult(reply.body, index * RESULT.size));
}

/** @throws EncodeError */
export function encodeChangeAccounts(
  changes: readonly AccountChangeInput[],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('changeAccounts', options, changes, (body, offset, change, index) => {
    const { id, accountId, creditLimit = 0n, tier = 0 } = change;
    const fields =
      (change.state === undefined ? 0 : AccountChangeFields.state) |
      (change.creditLimit === undefined ? 0 : AccountChangeFields.creditLimit) |
      (change.tier === undefined ? 0 : AccountChangeFields.tier);
    const record = { id, accountId, fields, creditLimit, state: AccountStates[change.state ?? 'open'], tier };
    writeRecord(ACCOUNT_CHANGE, body, offset, record, `changes[${index}]`);
  });
}

/** @throws DecodeError */
export function decodeChangeAccounts(reply: Reply): Result[] {
  expectReply(reply, 'changeAccounts');
  expectEnd(reply, reply.count * RESULT.size);
  return Array.from({ length: reply.count }, (_, index) => readResult(reply.body, index * RESULT.size));
}

/** @throws EncodeError */
export function encodeLookupAccounts(ids: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('lookupAccounts', options, ids, (body, offset, id, index) => {
    writeId(body, offset, id, `ids[${index}]`);
  });
}

/** In the order of the ids. @throws DecodeError */
export function decodeLookupAccounts(reply: Reply): AccountLookup[] {
  expectReply(reply, 'lookupAccounts');
  expectEnd(reply, reply.count * LOOKUP_BYTES);
  return Array.from({ length: reply.count }, (_, index) => {
    const offset = index * LOOKUP_BYTES;
    const result = readResult(reply.body, offset);
    const account = result.code === Code.ok ? readRecord(ACCOUNT, reply.body, offset + RESULT.size) : undefined;
    return { ...result, account };
  });
}
