/**
 * Which transaction counters of a card were seen: the highest, and a bit for each of the 64 up to it, the lowest for itself. So a
 * counter is accepted once, also out of order; what is further below counts as seen.
 */
import { Code } from '../../protocol/results.ts';

export interface SeenCounters {
  highest: number;
  /** The bits, lower and upper word. */
  low: number;
  high: number;
}

const WINDOW = 64;

/**
 * Why a counter is not accepted; `ok` when it is.
 *
 * @param jumpMax how far above the highest it may be; 0 = anywhere
 */
export function whyNotCounted(seen: SeenCounters, counter: number, floor: number, jumpMax: number): number {
  if (counter <= floor) return Code.cardCounterTooOld;
  const { highest } = seen;
  if (counter > highest) {
    return highest > 0 && jumpMax > 0 && counter - highest > jumpMax ? Code.cardCounterJump : Code.ok;
  }
  const distance = highest - counter;
  if (distance >= WINDOW) return Code.cardCounterTooOld;
  const word = distance < 32 ? seen.low : seen.high;
  return ((word >>> (distance & 31)) & 1) === 1 ? Code.cardCounterReplayed : Code.ok;
}

/** Takes note of a counter that is accepted. */
export function noteCounter(seen: SeenCounters, counter: number): void {
  const { highest, low, high } = seen;
  if (counter <= highest) {
    const distance = highest - counter;
    if (distance < 32) seen.low = (low | (1 << distance)) >>> 0;
    else seen.high = (high | (1 << (distance - 32))) >>> 0;
    return;
  }
  const shift = highest === 0 ? WINDOW : counter - highest;
  if (shift >= WINDOW) {
    seen.low = 0;
    seen.high = 0;
  } else if (shift >= 32) {
    seen.high = (low << (shift - 32)) >>> 0;
    seen.low = 0;
  } else {
    seen.high = ((high << shift) | (low >>> (32 - shift))) >>> 0;
    seen.low = (low << shift) >>> 0;
  }
  seen.low = (seen.low | 1) >>> 0;
  seen.highest = counter;
}
