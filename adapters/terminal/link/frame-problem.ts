/** Why a stream could not be cut into messages, said so that both sides can find which of them is set up otherwise. */
import type { Framing } from './framing.ts';

export interface FrameProblem {
  readonly framing: Framing;
  readonly code: 'noLength' | 'tooShort' | 'tooLong' | 'noTpdu';
  readonly expected: string;
  readonly found: string;
  /** What the peer may be speaking instead. */
  readonly guess: string | undefined;
}

/** `framing length2: expected a length from 10 to 8192, found a length of 12338 (looks like 4 ASCII digits)`. */
export function describeFrameProblem({ framing, expected, found, guess }: FrameProblem): string {
  return `framing ${framing}: expected ${expected}, found ${found}${guess === undefined ? '' : ` (${guess})`}`;
}

const REQUESTS = ['GE', 'PO', 'PU', 'HE', 'OP'];

/** From the first bytes of a frame whose length cannot be. */
export function guessOf(framing: Framing, head: Buffer): string | undefined {
  const [first = 0, second = 0] = head;
  if (first === 0x16 && second === 0x03) return 'looks like TLS';
  if (REQUESTS.includes(head.toString('latin1', 0, 2))) return 'looks like HTTP';
  if (framing === 'ascii4') return first < 0x20 ? 'looks like a 2-byte binary length' : undefined;
  if (isDigit(first) && isDigit(second)) return 'looks like 4 ASCII digits';
  return undefined;
}

function isDigit(byte: number): boolean {
  return byte >= 0x30 && byte <= 0x39;
}
