import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Gauge, RateLimiter } from '../../../engine/admission/limits.ts';

describe('RateLimiter', () => {
  it('is off unless configured', () => {
    const limiter = new RateLimiter({}, () => 0);
    for (let i = 0; i < 10_000; i++) expect(limiter.take(7)).toBe(0);
  });

  it('gives the burst, then the rate, and says how long to wait', () => {
    let now = 1000;
    const limiter = new RateLimiter({ default: { perSecond: 10, burst: 3 } }, () => now);
    expect([limiter.take(1), limiter.take(1), limiter.take(1)]).toEqual([0, 0, 0]);
    expect(limiter.take(1)).toBe(100);
    now += 60;
    expect(limiter.take(1)).toBe(40);
    now += 40;
    expect(limiter.take(1)).toBe(0);
    expect(limiter.take(1)).toBe(100);
    expect(limiter.take(2)).toBe(0);
  });

  it('takes the limit of an institution before the default', () => {
    const institutions = new Map([[5, { perSecond: 1, burst: 1 }]]);
    const limiter = new RateLimiter({ institutions }, () => 0);
    expect([limiter.take(5), limiter.take(5), limiter.take(6), limiter.take(6)]).toEqual([0, 1000, 0, 0]);
  });

  it('gives nothing for a clock that goes back', () => {
    let now = 10_000;
    const limiter = new RateLimiter({ default: { perSecond: 1, burst: 1 } }, () => now);
    expect(limiter.take(1)).toBe(0);
    now = 0;
    expect(limiter.take(1)).toBe(1000);
  });

  it('refuses limits that would let nothing through', () => {
    for (const limit of [
      { perSecond: 0, burst: 1 },
      { perSecond: 1, burst: 0 },
      { perSecond: Number.NaN, burst: 1 },
    ]) {
      expect(() => new RateLimiter({ default: limit }, () => 0)).toThrow(RangeError);
    }
  });

  it('invariant: never more than burst + rate × time, and a caller who waits as told is let through', () => {
    const steps = fc.array(fc.integer({ min: 0, max: 500 }), { maxLength: 200 });
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 1000 }),
        fc.integer({ min: 1, max: 50 }),
        steps,
        (perSecond, burst, waits) => {
          let now = 0;
          let taken = 0;
          const limiter = new RateLimiter({ default: { perSecond, burst } }, () => now);
          for (const wait of waits) {
            now += wait;
            if (limiter.take(1) === 0) taken++;
            expect(taken).toBeLessThanOrEqual(burst + (now * perSecond) / 1000 + 1e-6);
          }
          const pause = limiter.take(1);
          now += pause + 1e-6;
          if (pause > 0) expect(limiter.take(1)).toBe(0);
        },
      ),
    );
  });
});

describe('Gauge', () => {
  it('holds up to its bound', () => {
    const gauge = new Gauge(3);
    expect([gauge.enter(), gauge.enter(2), gauge.enter(), gauge.held]).toEqual([true, true, false, 3]);
    gauge.leave(2);
    expect([gauge.enter(3), gauge.enter(2), gauge.held]).toEqual([false, true, 3]);
  });

  it('notices a bound given back twice, and a bound that is none', () => {
    const gauge = new Gauge(1);
    expect(() => gauge.leave()).toThrow();
    for (const max of [0, -1, 1.5, Number.NaN]) expect(() => new Gauge(max)).toThrow(RangeError);
  });
});
