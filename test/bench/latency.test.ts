import { describe, expect, it } from 'vitest';
import { Latencies, Meter, Schedule } from '../../bench/load/latency.ts';

describe('a summary of latencies', () => {
  it('has the percentiles, to three digits', () => {
    const latencies = new Latencies();
    for (let ms = 1; ms <= 1000; ms++) latencies.record(ms);
    const { p50, p99, p999, max } = latencies.summary();
    expect(p50).toBeCloseTo(500, -1);
    expect(p99).toBeCloseTo(990, -1);
    expect(p999).toBeCloseTo(999, -1);
    expect(max).toBeCloseTo(1000, -1);
  });

  it('is all zeros for nothing, and takes what is too small or too large', () => {
    expect(new Latencies().summary()).toEqual({ p50: 0, p99: 0, p999: 0, max: 0 });
    const latencies = new Latencies();
    latencies.record(-1);
    latencies.record(1e12);
    expect(latencies.count).toBe(2);
    expect(latencies.summary().max).toBeCloseTo(120_000, -3);
  });
});

describe('a schedule', () => {
  it('makes the rate of all senders together, evenly spread', () => {
    const schedules = [0, 1, 2, 3].map((sender) => new Schedule({ startMs: 100, perSecond: 1000, sender, senders: 4 }));
    const due: number[] = [];
    for (const schedule of schedules) {
      for (let n = 0; n < 3; n++, schedule.advance()) due.push(schedule.dueMs);
    }
    expect(due.sort((a, b) => a - b)).toEqual(Array.from({ length: 12 }, (_, n) => 100 + n));
  });
});

describe('an open loop', () => {
  // The server stands still from 1000 to 1500 ms; before and after, each answer takes 1 ms.
  it('charges a stall to every request that was due in it', () => {
    const meter = new Meter({ startMs: 0, endMs: 2000, isOpenLoop: true });
    const schedule = new Schedule({ startMs: 0, perSecond: 1000, sender: 0, senders: 1 });
    for (; schedule.dueMs < 2000; schedule.advance()) {
      const due = schedule.dueMs;
      meter.answered(1, due, (due >= 1000 && due < 1500 ? 1500 : due) + 1);
    }
    const { p50, p99, max } = meter.latencies.summary();
    expect(meter.latencies.count).toBe(2000);
    expect(p50).toBeCloseTo(1, 1);
    // A quarter of all requests was due in the stall, 1 to 501 ms before its end: the 99th percentile is 481 ms.
    expect(p99).toBeGreaterThan(475);
    expect(p99).toBeLessThan(486);
    expect(max).toBeGreaterThan(500);
  });

  it('counts the answers in the time, and the latencies of what was due in it', () => {
    const meter = new Meter({ startMs: 1000, endMs: 2000, isOpenLoop: true });
    meter.answered(1, 990, 1010);
    meter.answered(1, 1990, 2500);
    meter.unanswered(1995, 3000);
    meter.unanswered(2000, 3000);
    expect(meter.records).toBe(1);
    expect(meter.latencies.count).toBe(2);
    expect(meter.latencies.summary().max).toBeCloseTo(1005, -1);
  });
});

describe('a closed loop', () => {
  it('counts records and latencies of the answers in the time', () => {
    const meter = new Meter({ startMs: 1000, endMs: 2000, isOpenLoop: false });
    meter.answered(8190, 900, 999.9);
    meter.answered(8190, 990, 1000);
    meter.answered(8190, 1900, 2000);
    meter.unanswered(1990, 3000);
    expect(meter.records).toBe(8190);
    expect(meter.latencies.summary().max).toBeCloseTo(10, 0);
  });
});
