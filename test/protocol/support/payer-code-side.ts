/** Codes of payers on the server's side: requests as the client's encoders take them, and the bytes of replies. */
import type { CodeDeviceLookup, PayerCodeLookup } from '../../../protocol/codecs/payer-code-codec.ts';
import type { Visible } from '../../../protocol/codecs/record-codec.ts';
import { encodeRecord } from '../../../protocol/layout.ts';
import { CODE_DEVICE, CodeDeviceStates, PAYER_CODE } from '../../../protocol/payer-codes.ts';
import { nonZero } from './card-inputs.ts';

export function codeDeviceInput(device: Visible<(typeof CODE_DEVICE)['fields']>): Record<string, unknown> {
  const state = Object.entries(CodeDeviceStates).find(([, value]) => value === device.state)?.[0];
  return { ...nonZero(device), state };
}

export function payerCodeBytes({ payerCode }: PayerCodeLookup): Uint8Array {
  if (payerCode === undefined) return new Uint8Array(PAYER_CODE.size);
  const { digits: _digits, ...code } = payerCode;
  const bytes = new Uint8Array(PAYER_CODE.size);
  encodeRecord(PAYER_CODE, new DataView(bytes.buffer), 0, code);
  return bytes;
}

export function codeDeviceBytes({ codeDevice }: CodeDeviceLookup): Uint8Array {
  if (codeDevice === undefined) return new Uint8Array(CODE_DEVICE.size);
  const { key: _key, state = 'active', ...device } = codeDevice;
  const bytes = new Uint8Array(CODE_DEVICE.size);
  encodeRecord(CODE_DEVICE, new DataView(bytes.buffer), 0, { ...device, state: CodeDeviceStates[state] });
  return bytes;
}
