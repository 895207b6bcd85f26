/** The text of a code, whatever its kind. */
import type { QrCode } from './decode.ts';

export function textOf(code: QrCode): string {
  return code.kind === 'barcode' ? code.digits : code.text;
}
