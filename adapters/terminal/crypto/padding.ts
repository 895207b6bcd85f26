/**
 * Padding of messages to whole blocks (ISO/IEC 9797-1): 1 fills with zeros (an empty message is a block of zeros); 2 adds a one bit, then
 * zeros.
 */
export type Padding = 1 | 2;

/** Bytes of a block of (triple) DES. */
export const TDES_BLOCK = 8;

/** The message as whole blocks, in a new array. */
export function pad(message: Uint8Array, padding: Padding, blockBytes = TDES_BLOCK): Uint8Array {
  const least = padding === 2 ? message.length + 1 : Math.max(message.length, 1);
  const padded = new Uint8Array(Math.ceil(least / blockBytes) * blockBytes);
  padded.set(message);
  if (padding === 2) padded[message.length] = 0x80;
  return padded;
}
