/** How a simulated issuer behaves, told by the last four digits of the amount: a test, or a person at a terminal, chooses. */

export type Behaviour =
  | { readonly kind: 'answer'; readonly code: string; readonly delayMs: number; readonly times: 1 | 2 }
  /** The answer has a MAC that is wrong; a link without MACs gets no answer. */
  | { readonly kind: 'wrongMac' }
  /** Nothing is booked and nothing answered, as if the request had been lost. */
  | { readonly kind: 'drop' }
  /** The request is booked, and its answer lost. */
  | { readonly kind: 'loseAnswer' }
  /** Half of the amount is approved, with code 10. */
  | { readonly kind: 'partly' }
  /** Goes down before or after booking, and comes back. */
  | { readonly kind: 'die'; readonly books: boolean };

export interface IssuerDelays {
  /** Of an answer that is slow and still in time. */
  readonly slowMs: number;
  /** Of an answer that comes after the timeout of whoever asked. */
  readonly lateMs: number;
}

/**
 *     …9005 to …9099   declined with the last two digits
 *     …9100 slow   …9101 late   …9102 twice   …9103 wrong MAC
 *     …9104 lost request   …9105 lost answer   …9106 dies before booking   …9107 dies after it
 *     …9108 half of it is approved
 *
 * Everything else is approved, and repeats are answered at once.
 */
export function behaviourOf(amountMinor: number, { slowMs, lateMs }: IssuerDelays): Behaviour {
  const rule = amountMinor % 10_000;
  if (rule >= 9005 && rule <= 9099) return answer(String(rule).slice(2));
  switch (rule) {
    case 9100:
      return { ...answer('00'), delayMs: slowMs };
    case 9101:
      return { ...answer('00'), delayMs: lateMs };
    case 9102:
      return { ...answer('00'), times: 2 };
    case 9103:
      return { kind: 'wrongMac' };
    case 9104:
      return { kind: 'drop' };
    case 9105:
      return { kind: 'loseAnswer' };
    case 9106:
    case 9107:
      return { kind: 'die', books: rule === 9107 };
    case 9108:
      return { kind: 'partly' };
    default:
      return answer('00');
  }
}

function answer(code: string): Behaviour & { kind: 'answer' } {
  return { kind: 'answer', code, delayMs: 0, times: 1 };
}

export const WELL = answer('00');
