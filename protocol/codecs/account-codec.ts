/**
 * createAccounts: count × ACCOUNT      → count × RESULT
 * lookupAccounts: count × id (u128)    → count × (RESULT, ACCOUNT); zeros when the code is not `ok`
 */
import { ACCOUNT, RESULT } from '../records.ts';
import { Code } from '../results.ts';
import { buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, type Visible, writeId, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

export type Account = Visible<(typeof ACCOUNT)['fields']>;

/** What the client says about a new account; the rest is zero. */
export type AccountInput = Pick<Account, 'id' | 'ledger' | 'code'> &
  Partial<Pick<Account, 'creditLimit' | 'userData128' | 'userData64' | 'userData32' | 'flags' | 'tariff'>>;

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
