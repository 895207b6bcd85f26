/** Reading codes in tests. */
import { decodeQr, type QrCode } from '../../../../adapters/qr/codec/decode.ts';
import type { QrError, QrWarning } from '../../../../adapters/qr/codec/findings.ts';

/** A code that may have warnings. */
export type Decoded = Extract<QrCode, { readonly warnings: unknown }>;

export function decodeOk(text: string, profile?: string): QrCode {
  const result = decodeQr(text, profile);
  if (!result.ok) throw new Error(`${result.error.code} ${result.error.path}: ${result.error.message}`);
  return result.value;
}

export function errorOf(text: string, profile?: string): QrError {
  const result = decodeQr(text, profile);
  if (result.ok) throw new Error(`"${text}" was taken for ${result.value.profile}`);
  return result.error;
}

export function warningsOf(text: string, profile?: string): readonly QrWarning[] {
  const code = decodeOk(text, profile);
  return code.kind === 'barcode' ? [] : code.warnings;
}
