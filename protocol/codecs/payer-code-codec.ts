/**
 * issueCodes:        count × PAYER_CODE    → count × (RESULT, PAYER_CODE); zeros when the code is not `ok`
 * lookupCodes:       count × token (u128)  → the same
 * putCodeDevice:     CODE_DEVICE           → RESULT, CODE_DEVICE: with its key when it was enrolled
 * lookupCodeDevices: count × token (u128)  → count × (RESULT, CODE_DEVICE)
 */
import type { FieldTable, Layout } from '../layout.ts';
import {
  CODE_DEVICE,
  CodeDeviceStates,
  type CodeDeviceStateName,
  PAYER_CODE,
  PAYER_CODE_LIMITS,
  payerCodeDigits,
} from '../payer-codes.ts';
import { RESULT } from '../records.ts';
import { buildRecordsFrame, expectEnd, expectReply, type FrameOptions, type Reply } from './frame-codec.ts';
import { readRecord, type Visible, writeId, writeRecord } from './record-codec.ts';
import { type Result, readResult } from './result-codec.ts';

type PayerCodeFields = Visible<(typeof PAYER_CODE)['fields']>;
type CodeDeviceFields = Visible<(typeof CODE_DEVICE)['fields']>;

/** A one-time code. */
export type PayerCode = PayerCodeFields & {
  /** What the payer shows: 18 digits. */
  readonly digits: string;
};

/** `unconfirmedMax`: 0 when left out, so every payment is confirmed. `lifetimeS`: 60. `codeTier`: 4, a code without any check. */
export type PayerCodeInput = Pick<PayerCodeFields, 'accountId' | 'device'> &
  Partial<Pick<PayerCodeFields, 'unconfirmedMax' | 'lifetimeS' | 'codeTier'>>;

export interface PayerCodeLookup extends Result {
  /** There when the code is `ok`. */
  readonly payerCode: PayerCode | undefined;
}

/** A device that makes codes by itself. */
export type CodeDevice = Omit<CodeDeviceFields, 'state' | 'enrols' | 'keyA' | 'keyB'> & {
  /** Undefined for a state that this version does not know. */
  readonly state: CodeDeviceStateName | undefined;
  /** 32 bytes, in the reply to an enrolment only. */
  readonly key: Uint8Array | undefined;
};

/** `token`: the device to change; left out, one is enrolled. The rest as in PayerCodeInput; `amountMax`: no limit. */
export type CodeDeviceInput = Pick<CodeDeviceFields, 'accountId' | 'device'> &
  Partial<Pick<CodeDeviceFields, 'token' | 'unconfirmedMax' | 'amountMax' | 'codeTier'>> & {
    /** `active` when left out. */
    readonly state?: CodeDeviceStateName;
  };

export interface CodeDeviceLookup extends Result {
  /** There when the code is `ok`. */
  readonly codeDevice: CodeDevice | undefined;
}

/** No check of the payer, the lowest of PBoC's tiers. */
const LOWEST_TIER = 4;
const KEY_BYTES = 32;

/** @throws EncodeError */
export function encodeIssueCodes(codes: readonly PayerCodeInput[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('issueCodes', options, codes, (body, offset, code, index) => {
    writeRecord(PAYER_CODE, body, offset, code, `codes[${index}]`);
    if (code.lifetimeS === undefined)
      body.setUint16(offset + PAYER_CODE.at.lifetimeS, PAYER_CODE_LIMITS.lifetimeMax, true);
    if (code.codeTier === undefined) body.setUint8(offset + PAYER_CODE.at.codeTier, LOWEST_TIER);
  });
}

/** In the order of the request. @throws DecodeError */
export function decodeIssueCodes(reply: Reply): PayerCodeLookup[] {
  return readEntries(reply, 'issueCodes', PAYER_CODE, readPayerCode);
}

/** @throws EncodeError */
export function encodeLookupCodes(tokens: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return encodeTokens('lookupCodes', tokens, options);
}

/** In the order of the tokens. @throws DecodeError */
export function decodeLookupCodes(reply: Reply): PayerCodeLookup[] {
  return readEntries(reply, 'lookupCodes', PAYER_CODE, readPayerCode);
}

/** @throws EncodeError */
export function encodePutCodeDevice(
  { state = 'active', ...device }: CodeDeviceInput,
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame('putCodeDevice', options, [device], (body, offset) => {
    const record = { codeTier: LOWEST_TIER, ...device, state: CodeDeviceStates[state] };
    writeRecord(CODE_DEVICE, body, offset, record, 'device');
  });
}

/** @throws DecodeError */
export function decodePutCodeDevice(reply: Reply): CodeDeviceLookup {
  const [entry] = readEntries(reply, 'putCodeDevice', CODE_DEVICE, readCodeDevice);
  return entry as CodeDeviceLookup;
}

/** @throws EncodeError */
export function encodeLookupCodeDevices(tokens: readonly bigint[], options: FrameOptions): Uint8Array<ArrayBuffer> {
  return encodeTokens('lookupCodeDevices', tokens, options);
}

/** In the order of the tokens. @throws DecodeError */
export function decodeLookupCodeDevices(reply: Reply): CodeDeviceLookup[] {
  return readEntries(reply, 'lookupCodeDevices', CODE_DEVICE, readCodeDevice);
}

function encodeTokens(
  command: 'lookupCodes' | 'lookupCodeDevices',
  tokens: readonly bigint[],
  options: FrameOptions,
): Uint8Array<ArrayBuffer> {
  return buildRecordsFrame(command, options, tokens, (body, offset, token, index) => {
    writeId(body, offset, token, `tokens[${index}]`);
  });
}

function readEntries<T extends object>(
  reply: Reply,
  command: 'issueCodes' | 'lookupCodes' | 'putCodeDevice' | 'lookupCodeDevices',
  { size }: Layout<FieldTable>,
  read: (view: DataView, offset: number) => T,
): (Result & T)[] {
  expectReply(reply, command);
  const stride = RESULT.size + size;
  expectEnd(reply, reply.count * stride);
  return Array.from({ length: reply.count }, (_, index) => {
    const offset = index * stride;
    return { ...readResult(reply.body, offset), ...read(reply.body, offset + RESULT.size) };
  });
}

function readPayerCode(view: DataView, offset: number): { readonly payerCode: PayerCode | undefined } {
  const code = readRecord(PAYER_CODE, view, offset);
  if (code.token === 0n) return { payerCode: undefined };
  return { payerCode: { ...code, digits: payerCodeDigits(code.token) } };
}

function readCodeDevice(view: DataView, offset: number): { readonly codeDevice: CodeDevice | undefined } {
  const { state, enrols: _enrols, keyA, keyB, ...device } = readRecord(CODE_DEVICE, view, offset);
  if (device.token === 0n) return { codeDevice: undefined };
  const at = view.byteOffset + offset + CODE_DEVICE.at.keyA;
  const key = keyA === 0n && keyB === 0n ? undefined : new Uint8Array(view.buffer.slice(at, at + KEY_BYTES));
  return { codeDevice: { ...device, state: STATE_NAMES.find((name) => CodeDeviceStates[name] === state), key } };
}

const STATE_NAMES = Object.keys(CodeDeviceStates) as readonly CodeDeviceStateName[];
