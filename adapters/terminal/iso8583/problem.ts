/** Why a message could not be read or written. */

export interface Iso8583Problem {
  /** `mti`, `bitmap`, `end`, or the path to a field: `2`, `127.25`, `55.9F26`. */
  readonly field: string;
  /** Byte of the message where what was found begins; of a message that is written, where it would be. */
  readonly offset: number;
  readonly expected: string;
  /** Never more of the content than one byte, and nothing of a field that is masked. */
  readonly found: string;
}

/** `field 4 at byte 38: expected 12 digits, found byte 41 ("A")`. */
export function describeProblem({ field, offset, expected, found }: Iso8583Problem): string {
  const place = /^[0-9]/.test(field) ? `field ${field}` : field === 'end' ? 'end of the message' : field;
  return `${place} at byte ${offset}: expected ${expected}, found ${found}`;
}

/** `byte 41 ("A")`. */
export function describeByte(byte: number): string {
  const hex = byte.toString(16).toUpperCase().padStart(2, '0');
  return byte > 0x20 && byte < 0x7f ? `byte ${hex} ("${String.fromCharCode(byte)}")` : `byte ${hex}`;
}

/** `1 byte`, `3 bytes`. */
export function count(amount: number, what: string): string {
  return `${amount} ${what}${amount === 1 ? '' : 's'}`;
}
