// Each kind of rule at its boundary: one minor unit or one event more, one millisecond later, on the real features.
import { describe, expect, it } from 'vitest';
import { checkRuleSet } from '../../../engine/risk/check-rule-set.ts';
import { compile } from '../../../engine/risk/compile.ts';
import { evaluate, newDecision } from '../../../engine/risk/evaluate.ts';
import {
  Counted,
  type CountedName,
  type Facts,
  newFacts,
  type SubjectName,
  Subjects,
} from '../../../engine/risk/facts.ts';
import { FeatureStore } from '../../../engine/risk/features.ts';
import { OUTCOME_NAMES, type RuleSet } from '../../../engine/risk/rule-set.ts';
import { type ChannelName, Channels, countryNumber } from '../../../protocol/risk.ts';

const MS = 1000;
const SECOND = 1000 * MS;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Midnight in China, on the first of January 2026; the edge of a bucket of every window that is used here. */
const START = Date.UTC(2025, 11, 31, 16) * 1000;
const CNY = { CNY: '100.00' };

interface Paid {
  readonly at?: number;
  readonly amount?: number;
  readonly channel?: ChannelName;
  readonly ledger?: number;
  readonly mcc?: number;
  readonly country?: string;
  readonly tier?: number;
  readonly codeTier?: number;
  readonly place?: readonly [number, number];
  readonly subjects?: Partial<Record<SubjectName, number>>;
}

/** One rule, and what it makes of payments; what is not said of a payment is ordinary. */
class Trial {
  readonly listed = new Set<string>();
  readonly #compiled;
  readonly #store = new FeatureStore({ hashSeed: 1, subjectsMax: 1000, cellsMax: 10_000 });
  readonly #values = new Float64Array(48);
  readonly #decision = newDecision(32);

  constructor(rule: object) {
    const reason = { en: 'Because.', zh: '因为。' };
    const value = { version: 'trial', utcOffset: '+08:00', rules: [{ id: 'it', outcome: 'decline', reason, ...rule }] };
    const checked = checkRuleSet(value);
    if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
    this.#compiled = compile(checked.ruleSet as RuleSet);
    this.#store.use(this.#compiled.features);
  }

  /** Whether the rule hits a payment. */
  hits(paid: Paid = {}): boolean {
    const facts = factsOf(paid);
    this.#store.read(facts, this.#values);
    const lists = {
      has: (name: string, subjects: Uint32Array, at: number) => this.listed.has(`${name}/${subjects[at]}`),
    };
    evaluate(this.#compiled, facts, this.#values, lists, () => false, this.#decision);
    return OUTCOME_NAMES[this.#decision.outcome] === 'decline';
  }

  count(paid: Paid = {}, counted: CountedName = 'payments'): void {
    this.#store.count(factsOf(paid), Counted[counted]);
  }
}

function factsOf(paid: Paid): Facts {
  const { at = START, amount = 100, channel = 'wallet', country = '', place, subjects = {} } = paid;
  const facts = Object.assign(newFacts(), {
    now: at,
    amount,
    ledger: paid.ledger ?? 156,
    channel: Channels[channel],
    mcc: paid.mcc ?? 0,
    country: countryNumber(country) ?? 0,
    tier: paid.tier ?? 0,
    codeTier: paid.codeTier ?? 0,
    hasLocation: place !== undefined,
    latitude: (place?.[0] ?? 0) * 1e6,
    longitude: (place?.[1] ?? 0) * 1e6,
  });
  for (const [name, value] of Object.entries({ payer: 1, payee: 2, ...subjects })) {
    facts.subjects.set([value, 0, 0, value === 0 ? 0 : 1], Subjects[name as SubjectName] * 4);
  }
  return facts;
}

describe('a limit', () => {
  it('of a payment, by tier and currency', () => {
    const trial = new Trial({ kind: 'limit', per: 'payment', tiers: { 1: CNY, 2: { CNY: '200.00' } } });
    expect([10_000, 10_001].map((amount) => trial.hits({ amount, tier: 1 }))).toEqual([false, true]);
    expect([20_000, 20_001].map((amount) => trial.hits({ amount, tier: 2 }))).toEqual([false, true]);
    expect(trial.hits({ amount: 99_999, tier: 3 })).toBe(false);
    expect(trial.hits({ amount: 99_999, tier: 1, ledger: 840 })).toBe(false);
  });

  it.each([
    ['day', DAY],
    ['month', 31 * DAY],
    ['year', 365 * DAY],
  ] as const)('of a %s, which ends at midnight', (per, length) => {
    const trial = new Trial({ kind: 'limit', per, tiers: { 1: CNY } });
    trial.count({ amount: 9_000 });
    const last = START + length - MS;
    expect([1_000, 1_001].map((amount) => trial.hits({ at: last, amount, tier: 1 }))).toEqual([false, true]);
    expect(trial.hits({ at: last + MS, amount: 10_000, tier: 1 })).toBe(false);
    expect(trial.hits({ at: last + MS, amount: 10_001, tier: 1 })).toBe(true);
  });

  it('of payments by barcode, by PBoC tier', () => {
    const trial = new Trial({ kind: 'limit', per: 'day', codeTiers: { C: { CNY: '1000.00' }, D: { CNY: '500.00' } } });
    trial.count({ amount: 40_000, channel: 'qr', codeTier: 4 });
    trial.count({ amount: 90_000, channel: 'wallet' });
    const pay = (amount: number, codeTier: number) => trial.hits({ amount, codeTier, channel: 'qr' });
    expect([pay(10_000, 4), pay(10_001, 4), pay(60_000, 3), pay(60_001, 3), pay(900_000, 2)]).toEqual([
      ...[false, true, false, true, false],
    ]);
  });
});

describe('velocity', () => {
  it.each([
    ['count', { above: 2 }, [{}, {}]],
    ['sum', { above: CNY }, [{ amount: 4_000 }, { amount: 5_901 }]],
    ['distinct', { of: 'payee', above: 2 }, [{ subjects: { payee: 7 } }, { subjects: { payee: 8 } }]],
  ])('%s: one more hits, until the window has passed', (measure, more, before) => {
    const trial = new Trial({ kind: 'velocity', measure, by: 'payer', window: '1h', ...more });
    const [first, second] = before as [Paid, Paid];
    trial.count(first);
    expect(trial.hits({ amount: 100 })).toBe(false);
    trial.count(second);
    expect(trial.hits({ at: START + HOUR - MS })).toBe(true);
    expect(trial.hits({ at: START + HOUR })).toBe(false);
    expect(trial.hits({ subjects: { payer: 9 } })).toBe(false);
  });

  it('max is the largest amount, this one among them', () => {
    const trial = new Trial({ kind: 'velocity', measure: 'max', by: 'payee', window: '24h', above: CNY });
    expect([10_000, 10_001].map((amount) => trial.hits({ amount }))).toEqual([false, true]);
    trial.count({ amount: 10_001 });
    expect([START + DAY - MS, START + DAY].map((at) => trial.hits({ at }))).toEqual([true, false]);
  });

  it('counts declines, and only amounts in a range, and only its channels', () => {
    const declines = new Trial({
      kind: 'velocity',
      measure: 'count',
      by: 'payer',
      counts: 'declines',
      window: '1h',
      above: 1,
    });
    declines.count({}, 'declines');
    declines.count({});
    expect(declines.hits()).toBe(false);
    declines.count({}, 'declines');
    expect(declines.hits()).toBe(true);
    const range = { from: { CNY: '10.00' }, below: { CNY: '20.00' } };
    const ranged = new Trial({
      kind: 'velocity',
      measure: 'count',
      by: 'payer',
      window: '1h',
      above: 1,
      amounts: range,
    });
    for (const amount of [999, 2000]) ranged.count({ amount });
    expect(ranged.hits({ amount: 1000 })).toBe(false);
    ranged.count({ amount: 1999 });
    expect([999, 1000, 1999, 2000].map((amount) => ranged.hits({ amount }))).toEqual([false, true, true, false]);
    const channelled = new Trial({
      kind: 'velocity',
      measure: 'count',
      by: 'payer',
      window: '1h',
      above: 1,
      channels: ['qr'],
    });
    channelled.count({ channel: 'wallet' });
    expect(channelled.hits({ channel: 'qr' })).toBe(false);
    channelled.count({ channel: 'qr' });
    expect([channelled.hits({ channel: 'qr' }), channelled.hits({ channel: 'wallet' })]).toEqual([true, false]);
  });
});

describe('what is known of a payment', () => {
  it('mcc: blocked ones and ranges, or all but the allowed', () => {
    const block = new Trial({ kind: 'mcc', block: ['7995', '5960-5969'] });
    const hit = [7994, 7995, 7996, 5959, 5960, 5969, 5970, 0].map((mcc) => block.hits({ mcc }));
    expect(hit).toEqual([false, true, false, false, true, true, false, false]);
    const allow = new Trial({ kind: 'mcc', allow: ['5411'] });
    expect([5411, 5412, 0].map((mcc) => allow.hits({ mcc }))).toEqual([false, true, false]);
  });

  it('country: blocked, or all but the allowed; one that is not known is neither', () => {
    const block = new Trial({ kind: 'country', block: ['KP'] });
    expect(['KP', 'KR', ''].map((country) => block.hits({ country }))).toEqual([true, false, false]);
    const allow = new Trial({ kind: 'country', allow: ['CN', 'SG'] });
    expect(['CN', 'SG', 'US', ''].map((country) => allow.hits({ country }))).toEqual([false, false, true, false]);
  });

  it('list: who is in it', () => {
    const trial = new Trial({ kind: 'list', list: 'stolen', of: 'device' });
    trial.listed.add('stolen/5');
    expect([5, 6, 0].map((device) => trial.hits({ subjects: { device } }))).toEqual([true, false, false]);
    expect(trial.hits({ subjects: { payer: 5 } })).toBe(false);
  });

  it('night: from its first minute to its last, above an amount', () => {
    const trial = new Trial({ kind: 'night', from: '23:00', to: '06:00', above: CNY });
    const at = (time: number) => trial.hits({ at: time, amount: 10_001 });
    const times = [23 * HOUR - MS, 23 * HOUR, 30 * HOUR - MS, 30 * HOUR];
    expect(times.map((time) => at(START + time))).toEqual([false, true, true, false]);
    expect(trial.hits({ at: START, amount: 10_000 })).toBe(false);
  });

  it('cel: with the features that the set names', () => {
    const trial = new Trial({ kind: 'cel', when: 'amount > 500 && channel == "wallet" && hour >= 1' });
    const at = START + HOUR;
    expect([500, 501].map((amount) => trial.hits({ at, amount }))).toEqual([false, true]);
    expect(trial.hits({ at: at - MS, amount: 501 })).toBe(false);
    expect(trial.hits({ at, amount: 501, channel: 'qr' })).toBe(false);
  });
});

describe('what came before', () => {
  it.each(['payee', 'device'] as const)(
    'new_%s: above an amount, until it was paid once, and again when that is long ago',
    (subject) => {
      const trial = new Trial({ kind: `new_${subject}`, above: CNY, within: '30d' });
      const subjects = { device: 4 };
      expect([10_000, 10_001].map((amount) => trial.hits({ amount, subjects }))).toEqual([false, true]);
      trial.count({ amount: 1, subjects });
      const at = START + 30 * DAY;
      expect(trial.hits({ at, amount: 10_001, subjects })).toBe(false);
      expect(trial.hits({ at: at + MS, amount: 10_001, subjects })).toBe(true);
      expect(trial.hits({ amount: 10_001, subjects: { [subject]: 77 } })).toBe(true);
      if (subject === 'device') expect(trial.hits({ amount: 10_001 })).toBe(false);
    },
  );

  it('travel: faster than anybody can', () => {
    const trial = new Trial({ kind: 'travel', aboveKmh: 900 });
    const [shanghai, beijing] = [
      [31.23, 121.47],
      [39.9, 116.4],
    ] as const;
    trial.count({ place: shanghai });
    // 1,067 km.
    const whole = Math.ceil((1067 / 901) * 3600 * 1000) * MS;
    expect(trial.hits({ at: START + whole - 10 * MS, place: beijing })).toBe(true);
    expect(trial.hits({ at: START + whole + 10 * MS, place: beijing })).toBe(false);
    expect(trial.hits({ place: shanghai })).toBe(false);
    expect(trial.hits({})).toBe(false);
  });

  it('structuring: several just below an amount', () => {
    const trial = new Trial({ kind: 'structuring', below: CNY, percent: 10, window: '24h', atLeast: 3 });
    for (const amount of [9_000, 8_999, 10_000]) trial.count({ amount });
    expect(trial.hits({ amount: 9_500 })).toBe(false);
    trial.count({ amount: 9_999 });
    expect([8_999, 9_000, 9_999, 10_000].map((amount) => trial.hits({ amount }))).toEqual([false, true, true, false]);
    expect([START + DAY - MS, START + DAY].map((at) => trial.hits({ at, amount: 9_500 }))).toEqual([true, false]);
  });

  it('dormant: not used for longer than that', () => {
    const trial = new Trial({ kind: 'dormant', after: '180d', above: CNY });
    expect(trial.hits({ amount: 10_001 })).toBe(false);
    trial.count();
    const at = START + 180 * DAY;
    expect([at, at + MS].map((time) => trial.hits({ at: time, amount: 10_001 }))).toEqual([false, true]);
    expect(trial.hits({ at: at + MS, amount: 10_000 })).toBe(false);
  });

  it.each([
    ['fan_in', 'payer', 'payee'],
    ['fan_out', 'payee', 'payer'],
  ] as const)('%s: too many others within the window', (kind, others, same) => {
    const trial = new Trial({ kind, window: '1h', above: 2 });
    for (const other of [11, 12, 11]) trial.count({ subjects: { [others]: other } });
    expect(trial.hits({ subjects: { [others]: 12 } })).toBe(false);
    const third = { [others]: 13 };
    expect(trial.hits({ at: START + HOUR - MS, subjects: third })).toBe(true);
    expect(trial.hits({ at: START + HOUR, subjects: third })).toBe(false);
    expect(trial.hits({ subjects: { ...third, [same]: 99 } })).toBe(false);
  });

  it.each(['payer', 'device'] as const)(
    'failed_authentication of a %s: one too many, for as long as the window',
    (by) => {
      const trial = new Trial({ kind: 'failed_authentication', by, window: '15m', above: 1 });
      const subjects = { device: 4 };
      trial.count({ subjects }, 'authenticationFailed');
      expect(trial.hits({ subjects })).toBe(false);
      trial.count({ subjects }, 'authenticationFailed');
      expect([15 * MINUTE - MS, 15 * MINUTE].map((time) => trial.hits({ at: START + time, subjects }))).toEqual([
        true,
        false,
      ]);
    },
  );

  it.each(['bound', 'rebound'] as const)('cool_down after %s: for so long, above an amount', (after) => {
    const trial = new Trial({ kind: 'cool_down', after, for: '24h', above: CNY });
    expect(trial.hits({ amount: 10_001 })).toBe(false);
    trial.count({}, after);
    expect([10_000, 10_001].map((amount) => trial.hits({ amount }))).toEqual([false, true]);
    expect([DAY - MS, DAY].map((time) => trial.hits({ at: START + time, amount: 10_001 }))).toEqual([true, false]);
  });
});
