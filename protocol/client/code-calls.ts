/** The part of the client that is about codes that payers show. */
import type { Reply } from '../codecs/frame-codec.ts';
import {
  type CodeDeviceInput,
  type CodeDeviceLookup,
  decodeIssueCodes,
  decodeLookupCodeDevices,
  decodeLookupCodes,
  decodePutCodeDevice,
  encodeIssueCodes,
  encodeLookupCodeDevices,
  encodeLookupCodes,
  encodePutCodeDevice,
  type PayerCodeInput,
  type PayerCodeLookup,
} from '../codecs/payer-code-codec.ts';
import type { Encode } from './card-calls.ts';

type Ask = <T>(encode: Encode, decode: (reply: Reply) => T) => Promise<T>;

export class CodeCalls {
  readonly #ask: Ask;

  constructor(ask: Ask) {
    this.#ask = ask;
  }

  /** Gives payers one-time codes to show. A payment names one by its token: `payerCode`. */
  issue(codes: readonly PayerCodeInput[]): Promise<PayerCodeLookup[]> {
    return this.#ask((options) => encodeIssueCodes(codes, options), decodeIssueCodes);
  }

  lookup(tokens: readonly bigint[]): Promise<PayerCodeLookup[]> {
    return this.#ask((options) => encodeLookupCodes(tokens, options), decodeLookupCodes);
  }

  /** Enrols a device that makes codes by itself, or changes one. */
  putDevice(device: CodeDeviceInput): Promise<CodeDeviceLookup> {
    return this.#ask((options) => encodePutCodeDevice(device, options), decodePutCodeDevice);
  }

  lookupDevices(tokens: readonly bigint[]): Promise<CodeDeviceLookup[]> {
    return this.#ask((options) => encodeLookupCodeDevices(tokens, options), decodeLookupCodeDevices);
  }
}
