// The window of counters against a set of all that were ever accepted. Invariant: no counter is fresh twice.
import { describe, expect, it } from 'vitest';
import {
  ATC_MAX,
  type AtcWindow,
  checkAtc,
  newAtcWindow,
} from '../../../../../adapters/terminal/crypto/emv/atc-window.ts';
import { SeededBytes } from '../../../../support/seeded-bytes.ts';

const SEED = 64;

function windowAfter(...counters: readonly number[]): AtcWindow {
  return counters.reduce((window, atc) => checkAtc(window, atc).next, newAtcWindow());
}

describe('a counter', () => {
  it.each([
    ['the first of a card', newAtcWindow(), 1, 'fresh'],
    ['the first, however large', newAtcWindow(), ATC_MAX, 'fresh'],
    ['zero', newAtcWindow(), 0, 'outOfRange'],
    ['at the floor', newAtcWindow(7), 7, 'outOfRange'],
    ['above the floor', newAtcWindow(7), 8, 'fresh'],
    ['the highest again', windowAfter(5), 5, 'replayed'],
    ['one that was left out', windowAfter(5, 9), 7, 'fresh'],
    ['one that was left out and came', windowAfter(5, 9, 7), 7, 'replayed'],
    ['an old one, still in the window', windowAfter(5, 68), 5, 'replayed'],
    ['an old one, out of the window', windowAfter(5, 69), 5, 'outOfRange'],
    ['the largest step', windowAfter(5), 1005, 'fresh'],
    ['a jump', windowAfter(5), 1006, 'jump'],
    ['more than two bytes', windowAfter(5), ATC_MAX + 1, 'outOfRange'],
    ['no whole number', windowAfter(5), 6.5, 'outOfRange'],
  ] as const)('%s', (_, window, atc, state) => {
    expect(checkAtc(window, atc).state).toBe(state);
  });

  it('that is not accepted leaves the window as it is', () => {
    const window = windowAfter(5, 69);
    for (const atc of [5, 69, 0, ATC_MAX + 1]) expect(checkAtc(window, atc).next).toBe(window);
  });

  it(`is fresh once, as by a set of all of them, seed ${SEED}`, () => {
    const random = new SeededBytes(SEED);
    for (let card = 0; card < 50; card++) {
      const floor = random.between(0, 20);
      let window = newAtcWindow(floor);
      const accepted = new Set<number>();
      for (let run = 0; run < 300; run++) {
        const atc = Math.max(0, window.highest + random.between(-80, random.pick([1, 3, 40, 90])));
        const { state, next } = checkAtc(window, atc);
        const expected =
          atc <= floor || window.highest - atc >= 64 ? 'outOfRange' : accepted.has(atc) ? 'replayed' : 'fresh';
        expect([atc, state]).toEqual([atc, expected]);
        if (state === 'fresh') accepted.add(atc);
        window = next;
      }
    }
  });
});
