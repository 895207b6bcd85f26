// Every kind of rule, from its form in a file over the features to its hit: crossed by one minor unit, one event and one millisecond.
import { describe, expect, it } from 'vitest';
import { RuleTrial, type TrialPayment } from './rule-trial.ts';

const SECOND = 1000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** The beginning of a bucket of every window here. */
const START = Math.ceil(Date.UTC(2026, 5, 1) / (30 * DAY)) * 30 * DAY;
const above = { CNY: '10.00' };

/** Whether payments that differ in one thing hit. */
const each = (trial: RuleTrial, payments: readonly TrialPayment[]) => payments.map((payment) => trial.hits(payment));

describe('limit', () => {
  it('per payment, by the tier of the payer', () => {
    const trial = new RuleTrial({ kind: 'limit', per: 'payment', tiers: { 1: { CNY: '10.00', JPY: '10' }, 3: above } });
    expect(
      each(trial, [
        { tier: 1, amount: 1000 },
        { tier: 1, amount: 1001 },
        { tier: 3, amount: 1001 },
      ]),
    ).toEqual([...[false, true, true]]);
    expect(each(trial, [{ amount: 1001 }, { tier: 2, amount: 1001 }])).toEqual([false, false]);
    const others = [10, 11].map((amount) => ({ tier: 1, amount, currency: 'JPY' }));
    expect(each(trial, [...others, { tier: 1, amount: 1001, currency: 'USD' }])).toEqual([false, true, false]);
  });

  it('per payment, by the tier of the barcode', () => {
    const trial = new RuleTrial({
      kind: 'limit',
      per: 'payment',
      codeTiers: { B: { CNY: '50.00' }, D: { CNY: '5.00' } },
    });
    const payments = [
      ...[
        { codeTier: 4, amount: 500 },
        { codeTier: 4, amount: 501 },
        { codeTier: 2, amount: 5000 },
      ],
      ...[
        { codeTier: 2, amount: 5001 },
        { codeTier: 1, amount: 5001 },
        { codeTier: 0, amount: 5001 },
      ],
    ];
    expect(each(trial, payments)).toEqual([false, true, false, true, false, false]);
  });

  it.each([
    ['day', '2026-06-15T23:59:59.999+08:00', '2026-06-16T00:00:00.000+08:00'],
    ['month', '2026-06-30T23:59:59.999+08:00', '2026-07-01T00:00:00.000+08:00'],
    ['year', '2026-12-31T23:59:59.999+08:00', '2027-01-01T00:00:00.000+08:00'],
  ])('per %s, up to local midnight', (per, last, first) => {
    const trial = new RuleTrial({ kind: 'limit', per, tiers: { 1: above } });
    const at = Date.parse(last);
    expect(trial.pay({ at: at - HOUR, tier: 1, amount: 600 })).toBe('approve');
    expect(
      each(
        trial,
        [400, 401].map((amount) => ({ at, tier: 1, amount })),
      ),
    ).toEqual([false, true]);
    expect(trial.hits({ at, tier: 1, amount: 401, payer: 5 })).toBe(false);
    expect(trial.hits({ at: Date.parse(first), tier: 1, amount: 1000 })).toBe(false);
    // What was declined has not been paid.
    expect(trial.pay({ at, tier: 1, amount: 401 })).toBe('decline');
    expect(trial.pay({ at, tier: 1, amount: 400 })).toBe('approve');
    expect(trial.hits({ at, tier: 1, amount: 1 })).toBe(true);
  });

  it('per day by barcode counts what comes by barcode', () => {
    const trial = new RuleTrial({ kind: 'limit', per: 'day', codeTiers: { C: { CNY: '10.00' }, D: { CNY: '5.00' } } });
    trial.pay({ at: START, amount: 99_999, channel: 'wallet' });
    trial.pay({ at: START, amount: 300, channel: 'qr', codeTier: 4 });
    const next = (codeTier: number, amount: number) => trial.hits({ at: START + 1, channel: 'qr', codeTier, amount });
    expect([next(4, 200), next(4, 201), next(3, 700), next(3, 701), next(2, 701)]).toEqual([
      ...[false, true, false, true, false],
    ]);
  });
});

describe('velocity', () => {
  const velocity = { kind: 'velocity', by: 'payer', window: '1h' };

  it('count: the fourth within the window, and until the bucket of the first is over', () => {
    const trial = new RuleTrial({ ...velocity, measure: 'count', above: 3 });
    expect([0, 1, 2].map((ms) => trial.pay({ at: START + ms }))).toEqual(['approve', 'approve', 'approve']);
    const times = [START + 3, START + HOUR - 1, START + HOUR];
    expect(
      each(
        trial,
        times.map((at) => ({ at })),
      ),
    ).toEqual([true, true, false]);
    expect(trial.hits({ at: START + 3, payer: 9 })).toBe(false);
  });

  it('sum and max, by a currency that is named', () => {
    const sum = new RuleTrial({ ...velocity, measure: 'sum', above });
    const max = new RuleTrial({ ...velocity, measure: 'max', above });
    for (const trial of [sum, max]) trial.pay({ at: START, amount: 999 });
    expect(
      each(
        sum,
        [1, 2].map((amount) => ({ at: START + 1, amount })),
      ),
    ).toEqual([false, true]);
    expect(
      each(
        max,
        [1000, 1001].map((amount) => ({ at: START + 1, amount })),
      ),
    ).toEqual([false, true]);
    expect(sum.hits({ at: START + 1, amount: 5000, currency: 'USD', payer: 3 })).toBe(false);
    expect(sum.hits({ at: START + HOUR, amount: 1000 })).toBe(false);
  });

  it('distinct: different payees from a device', () => {
    const trial = new RuleTrial({ ...velocity, measure: 'distinct', by: 'device', of: 'payee', above: 2 });
    for (const payee of [2, 3, 3])
      expect(trial.pay({ at: START, device: 8, payee, payer: payee + 10 })).toBe('approve');
    const now = { at: START + HOUR - 1, device: 8 };
    const later = { ...now, at: START + HOUR };
    expect(
      each(trial, [
        { ...now, payee: 3 },
        { ...now, payee: 4 },
        { ...later, payee: 4 },
        { ...now, device: 0 },
      ]),
    ).toEqual([...[false, true, false, false]]);
  });

  it('declines, and amounts in a range', () => {
    const declines = { ...velocity, measure: 'count', counts: 'declines', above: 1, outcome: 'step_up' };
    const trial = new RuleTrial(declines, { kind: 'limit', per: 'payment', tiers: { 1: above } });
    for (let count = 0; count < 2; count++) expect(trial.pay({ at: START, tier: 1, amount: 1001 })).toBe('decline');
    expect(trial.pay({ at: START + 1, amount: 1 })).toBe('step_up');
    const range = { from: { CNY: '5.00' }, below: { CNY: '10.00' } };
    const inRange = new RuleTrial({ ...velocity, measure: 'count', amounts: range, above: 1 });
    for (const amount of [499, 500, 1000]) inRange.pay({ at: START, amount });
    expect(inRange.hits({ at: START, amount: 999 })).toBe(true);
    expect(
      each(
        inRange,
        [499, 1000].map((amount) => ({ at: START, amount })),
      ),
    ).toEqual([false, false]);
  });

  it('only of its channels', () => {
    const trial = new RuleTrial({ ...velocity, measure: 'count', above: 1, channels: ['wallet', 'qr'] });
    for (const channel of ['wallet', 'cash', 'cash'] as const) trial.pay({ at: START, channel });
    const channels = ['wallet', 'qr', 'cash', 'unknown'] as const;
    expect(
      each(
        trial,
        channels.map((channel) => ({ at: START, channel })),
      ),
    ).toEqual([true, true, false, false]);
  });
});

describe('what a payment is', () => {
  it('mcc: blocked, or not allowed; none is neither', () => {
    const mccs = [7994, 7995, 7996, 5959, 5960, 5969, 5970, 0].map((mcc) => ({ mcc }));
    const listed = [false, true, false, false, true, true, false];
    expect(each(new RuleTrial({ kind: 'mcc', block: ['7995', '5960-5969'] }), mccs)).toEqual([...listed, false]);
    const unlisted = listed.map((is) => !is);
    expect(each(new RuleTrial({ kind: 'mcc', allow: ['7995', '5960-5969'] }), mccs)).toEqual([...unlisted, false]);
  });

  it('country: blocked, or not allowed; not known is neither', () => {
    const countries = ['KP', 'CN', ''].map((country) => ({ country }));
    expect(each(new RuleTrial({ kind: 'country', block: ['KP'] }), countries)).toEqual([true, false, false]);
    expect(each(new RuleTrial({ kind: 'country', allow: ['CN', 'SG'] }), countries)).toEqual([true, false, false]);
  });

  it.each(['payer', 'payee', 'merchant', 'device', 'ip', 'card'] as const)('list: of the %s, and only of it', (of) => {
    const trial = new RuleTrial({ kind: 'list', list: 'named', of });
    const all = { payer: 21, payee: 22, merchant: 23, device: 24, ip: 25, card: 26 };
    expect(trial.hits(all)).toBe(false);
    trial.lists.set('other', Object.values(all));
    trial.lists.set('named', [all[of]]);
    expect(each(trial, [all, { ...all, [of]: 99 }])).toEqual([true, false]);
  });

  it('night: from its first minute to before its last, where the rules are', () => {
    const at = (time: string) => ({ at: Date.parse(`2026-06-15T${time}+08:00`), amount: 1001 });
    const night = new RuleTrial({ kind: 'night', from: '23:00', to: '06:00', above });
    const edges = ['22:59:59.999', '23:00:00.000', '00:00:00.000', '05:59:59.999', '06:00:00.000'].map(at);
    expect(each(night, edges)).toEqual([false, true, true, true, false]);
    expect(night.hits({ ...at('23:00:00.000'), amount: 1000 })).toBe(false);
    const evening = new RuleTrial({ kind: 'night', from: '18:00', to: '23:00', above });
    const later = ['17:59:59.999', '18:00:00.000', '22:59:59.999', '23:00:00.000'].map(at);
    expect(each(evening, later)).toEqual([false, true, true, false]);
  });

  it('cel: whatever is asked', () => {
    const trial = new RuleTrial({ kind: 'cel', when: 'amount > 1000 && channel == "cash"' });
    const payments = [{ amount: 1000 }, { amount: 1001 }].map((payment) => ({ ...payment, channel: 'cash' as const }));
    expect(each(trial, [...payments, { amount: 1001 }])).toEqual([false, true, false]);
  });
});

describe('what came before', () => {
  it.each(['payee', 'device'] as const)('new_%s: not paid, or not within the time', (other) => {
    const trial = new RuleTrial({ kind: `new_${other}`, within: '180d', above });
    const first = { at: START, amount: 1001, [other]: 6 };
    expect(each(trial, [{ ...first, amount: 1000 }, first, { ...first, [other]: 0 }])).toEqual([false, true, false]);
    trial.pay({ ...first, amount: 1 });
    const ages = [1, 180 * DAY, 180 * DAY + 1].map((age) => ({ ...first, at: START + age }));
    expect(each(trial, ages)).toEqual([false, false, true]);
    expect(
      each(trial, [
        { ...first, [other]: 7 },
        { ...first, payer: 5 },
      ]),
    ).toEqual([true, true]);
    const ever = new RuleTrial({ kind: `new_${other}`, above });
    ever.pay({ ...first, amount: 1 });
    expect(ever.hits({ ...first, at: START + 4000 * DAY })).toBe(false);
  });

  it('travel: faster than so many km/h', () => {
    const trial = new RuleTrial({ kind: 'travel', aboveKmh: 111 });
    trial.pay({ at: START, place: [0, 0] });
    // One degree along the equator is 111.19 km. Whole kilometres and km/h count: 112 km/h take 111 / 112 hours, 3,567,857.14 ms.
    const there = [3_567_858, 3_567_857].map((ms) => ({ at: START + ms, place: [0, 1] as const }));
    expect(each(trial, there)).toEqual([false, true]);
    expect(each(trial, [{ at: START + 1 }, { at: START + 1, place: [0, 1], payer: 5 }])).toEqual([false, false]);
  });

  it('structuring: so many just below an amount', () => {
    const trial = new RuleTrial({ kind: 'structuring', below: above, percent: 10, window: '24h', atLeast: 3 });
    for (const amount of [899, 900, 999, 1000]) expect(trial.pay({ at: START, amount })).toBe('approve');
    const amounts = [899, 900, 999, 1000].map((amount) => ({ at: START + DAY - 1, amount }));
    expect(each(trial, amounts)).toEqual([false, true, true, false]);
    expect(trial.hits({ at: START + DAY, amount: 900 })).toBe(false);
  });

  it('dormant: not paid for longer than so long, and paid before', () => {
    const trial = new RuleTrial({ kind: 'dormant', after: '180d', above });
    expect(trial.hits({ at: START, amount: 1001 })).toBe(false);
    trial.pay({ at: START });
    const late = { at: START + 180 * DAY + 1, amount: 1001 };
    expect(each(trial, [{ ...late, at: late.at - 1 }, late, { ...late, amount: 1000 }])).toEqual([false, true, false]);
  });

  it('fan_in, fan_out: more than so many on the other side', () => {
    const fanIn = new RuleTrial({ kind: 'fan_in', window: '1h', above: 2 });
    const fanOut = new RuleTrial({ kind: 'fan_out', window: '1h', above: 2 });
    for (const other of [11, 12]) {
      expect(fanIn.pay({ at: START, payer: other })).toBe('approve');
      expect(fanOut.pay({ at: START, payee: other })).toBe('approve');
    }
    const times = [START, START + HOUR - 1, START + HOUR];
    expect(
      each(
        fanIn,
        times.map((at) => ({ at, payer: 13 })),
      ),
    ).toEqual([true, true, false]);
    expect(
      each(
        fanOut,
        times.map((at) => ({ at, payee: 13 })),
      ),
    ).toEqual([true, true, false]);
    expect([fanIn.hits({ at: START, payer: 12 }), fanOut.hits({ at: START, payee: 12 })]).toEqual([false, false]);
  });

  it.each(['payer', 'device'] as const)('failed_authentication: more than so many checks, by %s', (by) => {
    const trial = new RuleTrial({ kind: 'failed_authentication', by, window: '1h', above: 2 });
    const who = { device: 6 };
    for (let count = 0; count < 2; count++) trial.signal('authenticationFailed', { ...who, at: START });
    trial.signal('rebound', { ...who, at: START });
    expect(trial.hits({ ...who, at: START })).toBe(false);
    trial.signal('authenticationFailed', { ...who, at: START });
    const times = [START, START + HOUR - 1, START + HOUR].map((at) => ({ ...who, at }));
    expect(each(trial, times)).toEqual([true, true, false]);
    expect(
      each(trial, [
        { ...who, at: START, payer: 5 },
        { at: START, device: 7 },
      ]),
    ).toEqual(by === 'payer' ? [false, true] : [true, false]);
  });

  it.each(['bound', 'rebound'] as const)('cool_down: for a time after a device was %s', (after) => {
    const trial = new RuleTrial({ kind: 'cool_down', after, for: '24h', above });
    const other = after === 'bound' ? 'rebound' : 'bound';
    trial.signal(other, { at: START });
    expect(trial.hits({ at: START, amount: 1001 })).toBe(false);
    trial.signal(after, { at: START });
    const payment = { at: START + DAY - 1, amount: 1001 };
    const payments = [payment, { ...payment, at: START + DAY }, { ...payment, amount: 1000 }, { ...payment, payer: 5 }];
    expect(each(trial, payments)).toEqual([true, false, false, false]);
  });
});
