/**
 * Which transaction counters of a card were seen. A bit for each of the 64 newest; what is older counts as seen. So a
 * counter is accepted once, also out of order, and a card costs twelve bytes for ever:
 *
 *     0 … floor … highest − 64 │ one bit each │ highest │ never seen … highest + jumpMax │ a jump
 *       too old                  fresh or replayed        fresh
 *
 * A pure value: whoever keeps cards keeps it and puts `next` in its place.
 */

export interface AtcWindow {
  /** The largest counter that was accepted; the floor when there was none. */
  readonly highest: number;
  /** Counters up to here are never accepted: those from before the card was taken over, or from before a reissue. */
  readonly floor: number;
  /** Bit n of the two words together: `highest − n` was accepted. */
  readonly seenLow: number;
  readonly seenHigh: number;
}

/** `jump`: far above what was seen, so that a check by other means is in order; the window moves only when `next` is kept. */
export type AtcState = 'fresh' | 'replayed' | 'outOfRange' | 'jump';

export interface AtcCheck {
  readonly state: AtcState;
  /** The window after this counter: the same one when it is not accepted. */
  readonly next: AtcWindow;
}

export const ATC_MAX = 0xffff;
const WINDOW = 64;
const JUMP_MAX = 1000;

/** A card of which nothing was seen yet. `floor`: the last counter that is known to be used. */
export function newAtcWindow(floor = 0): AtcWindow {
  return { highest: floor, floor, seenLow: 0, seenHigh: 0 };
}

/** What a counter is to a window. `jumpMax`: how far above the highest it may be. */
export function checkAtc(window: AtcWindow, atc: number, jumpMax = JUMP_MAX): AtcCheck {
  const { highest, floor } = window;
  const age = highest - atc;
  if (!Number.isInteger(atc) || atc > ATC_MAX || atc <= floor || age >= WINDOW) {
    // A floor above the window is not known to be replayed either: it is only too old to tell.
    return { state: 'outOfRange', next: window };
  }
  if (age < 0) {
    const next = { floor, highest: atc, ...turned(window, -age) };
    return { state: -age > jumpMax && !isNew(window) ? 'jump' : 'fresh', next };
  }
  const isLow = age < 32;
  const bit = (1 << (age % 32)) >>> 0;
  const word = isLow ? window.seenLow : window.seenHigh;
  if ((word & bit) !== 0) return { state: 'replayed', next: window };
  const marked = (word | bit) >>> 0;
  return { state: 'fresh', next: { ...window, ...(isLow ? { seenLow: marked } : { seenHigh: marked }) } };
}

function isNew({ seenLow, seenHigh }: AtcWindow): boolean {
  return seenLow === 0 && seenHigh === 0;
}

/** The bits after the window moved up by `by` ≥ 1, with that of the new highest set. */
function turned({ seenLow, seenHigh }: AtcWindow, by: number): Pick<AtcWindow, 'seenLow' | 'seenHigh'> {
  if (by >= WINDOW) return { seenLow: 1, seenHigh: 0 };
  if (by > 32) return { seenLow: 1, seenHigh: (seenLow << (by - 32)) >>> 0 };
  if (by === 32) return { seenLow: 1, seenHigh: seenLow };
  return { seenLow: ((seenLow << by) | 1) >>> 0, seenHigh: ((seenHigh << by) | (seenLow >>> (32 - by))) >>> 0 };
}
