/** QR symbols as text for a terminal: two rows of squares in a line of half blocks. */
import { type QrMatrix, QUIET_ZONE } from './matrix.ts';

const BLACK_ON_WHITE = '\u001b[30;107m';
const PLAIN = '\u001b[0m';

/**
 * With colours, black on white whatever the terminal's are. Without, the light squares are drawn: right on a dark
 * background, and most readers take the reverse too.
 */
export function toTerminal({ size, isDark }: QrMatrix, hasColours: boolean): string {
  const dark = (row: number, column: number): boolean =>
    row >= 0 && row < size && column >= 0 && column < size && isDark(row, column);
  let text = '';
  for (let row = -QUIET_ZONE; row < size + QUIET_ZONE; row += 2) {
    let line = '';
    for (let column = -QUIET_ZONE; column < size + QUIET_ZONE; column++) {
      line += block(dark(row, column) === hasColours, dark(row + 1, column) === hasColours);
    }
    text += hasColours ? `${BLACK_ON_WHITE}${line}${PLAIN}\n` : `${line}\n`;
  }
  return text;
}

function block(isUpper: boolean, isLower: boolean): string {
  if (isUpper) return isLower ? '█' : '▀';
  return isLower ? '▄' : ' ';
}
