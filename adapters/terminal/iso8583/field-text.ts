/** From the bytes of a field to its text. */
import { ASCII_CHARACTERS, BCD_PAIRS, EBCDIC_CHARACTERS } from './charset.ts';
import type { WireField } from './message.ts';

/** Up to this length, putting characters together is faster than a call into the runtime. */
const SHORT = 16;

/** Digits or characters as they are; binary data as upper-case hex. */
export function textOf({ field, bytes, start, end, units }: WireField): string {
  switch (field.encoding) {
    case 'ascii':
      return end - start > SHORT
        ? bytes.toString('latin1', start, end)
        : characters(ASCII_CHARACTERS, bytes, start, end);
    case 'ebcdic':
      return characters(EBCDIC_CHARACTERS, bytes, start, end);
    case 'bcd':
      if (field.type !== 'x+n') return digits(bytes, start, end, units, field.padsLeft);
      return ASCII_CHARACTERS[bytes[start] as number] + digits(bytes, start + 1, end, units - 1, field.padsLeft);
    case 'raw':
      return bytes.toString('hex', start, end).toUpperCase();
    case 'hex':
      return bytes.toString('latin1', start, end).toUpperCase();
  }
}

function characters(table: readonly string[], bytes: Buffer, start: number, end: number): string {
  let text = '';
  for (let at = start; at < end; at++) text += table[bytes[at] as number];
  return text;
}

function digits(bytes: Buffer, start: number, end: number, count: number, padsLeft: boolean): string {
  let text = '';
  for (let at = start; at < end; at++) text += BCD_PAIRS[bytes[at] as number];
  if (text.length === count) return text;
  return padsLeft ? text.slice(text.length - count) : text.slice(0, count);
}
