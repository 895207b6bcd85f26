/** Reminders come up in order of their deadlines, and never outnumber the holds by much. */
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Timers } from '../../../engine/ledger/timers.ts';

/** Takes everything out, as [deadline, lowest word of the key]. */
function drain(timers: Timers): [number, number][] {
  const out: [number, number][] = [];
  while (timers.count > 0) {
    out.push([timers.next, timers.keys[0]!]);
    timers.pop();
  }
  return out;
}

describe('timers', () => {
  it('come up earliest first, whatever the order in which they were set', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 50 }), { maxLength: 3000 }), (deadlines) => {
        const timers = new Timers();
        deadlines.forEach((deadline, key) => {
          timers.schedule(deadline, key, 0, 0, 0);
        });
        const drained = drain(timers);
        expect(drained.map(([deadline]) => deadline)).toEqual([...deadlines].sort((a, b) => a - b));
        for (const [deadline, key] of drained) expect(deadlines[key]).toBe(deadline);
      }),
    );
  });

  it('are never while there is none', () => {
    expect(new Timers().next).toBe(Number.POSITIVE_INFINITY);
  });

  it('keeps what is held, in order, when it throws out the rest', () => {
    const timers = new Timers();
    for (let key = 0; key < 5000; key++) timers.schedule(10_000 - key, key, 0, 0, 0);
    timers.prune(1000, (key) => key % 5 === 0);
    expect(timers.count).toBe(1000);
    const drained = drain(timers);
    expect(drained.map(([, key]) => key)).toEqual(Array.from({ length: 1000 }, (_, i) => 4995 - i * 5));
  });

  it('is left alone while the stale ones are few', () => {
    const timers = new Timers();
    for (let key = 0; key < 3024; key++) timers.schedule(key, key, 0, 0, 0);
    timers.prune(1000, () => false);
    expect(timers.count).toBe(3024);
    timers.schedule(1, 1, 0, 0, 0);
    timers.prune(1000, () => false);
    expect(timers.count).toBe(0);
  });
});
