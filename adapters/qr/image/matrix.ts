/** The black and white squares of a QR symbol (ISO/IEC 18004), error-correction level M: 15 % of it may be damaged. */
import qrcode from 'qrcode-generator';
import { type QrResult, refuse } from '../codec/findings.ts';

/** White squares around a symbol that a reader needs (ISO/IEC 18004, 5.3.8). */
export const QUIET_ZONE = 4;

/** Bytes in the largest symbol, version 40, at level M. */
export const SYMBOL_BYTES_MAX = 2331;

export interface QrMatrix {
  /** Squares in a row and in a column, without the quiet zone. */
  readonly size: number;
  isDark(row: number, column: number): boolean;
}

/** A symbol of the UTF-8 bytes of a text. */
export function makeMatrix(text: string): QrResult<QrMatrix> {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length > SYMBOL_BYTES_MAX) {
    const message = `a QR symbol holds ${SYMBOL_BYTES_MAX} bytes at most, not ${bytes.length}`;
    return refuse('tooLong', '', 0, message);
  }
  // Version 0: the smallest that fits. One character per byte, which the library takes as it is.
  const symbol = qrcode(0, 'M');
  symbol.addData(bytes.toString('latin1'), 'Byte');
  symbol.make();
  const size = symbol.getModuleCount();
  return { ok: true, value: { size, isDark: (row, column) => symbol.isDark(row, column) } };
}
