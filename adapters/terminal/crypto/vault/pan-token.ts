/** What is kept in place of a card number: a keyed token that finds the card again, and the digits that may be shown. */
import { createHmac } from 'node:crypto';

export interface PanToken {
  /** HMAC-SHA-256 of the digits, its first 128 bits, as 32 lower-case hex digits: the form of an id. */
  readonly token: string;
  /** PCI DSS 3.4.1: at most these may be shown. Empty for numbers so short that they would show too much. */
  readonly first6: string;
  readonly last4: string;
}

const TOKEN_BYTES = 16;
const KEY_BYTES_MIN = 16;
/** Below this, first six and last four leave fewer than three digits to guess. */
const SHOWN_FROM = 13;

/** The token of a card number under a key of at least 16 bytes. The same number always has the same token. */
export function panToken(key: Uint8Array, pan: string): PanToken {
  if (key.length < KEY_BYTES_MIN) throw new RangeError(`a token key has at least ${KEY_BYTES_MIN} bytes`);
  const token = createHmac('sha256', key).update(pan, 'latin1').digest().subarray(0, TOKEN_BYTES).toString('hex');
  const isShown = pan.length >= SHOWN_FROM;
  return { token, first6: isShown ? pan.slice(0, 6) : '', last4: isShown ? pan.slice(-4) : '' };
}
