// What the rules count, against a list of everything; boundaries to the microsecond; copies; keys that make room.
import { describe, expect, it } from 'vitest';
import { Counted, type CountedName, type Facts, newFacts, Subjects } from '../../../engine/risk/facts.ts';
import type { FeatureDefinition } from '../../../engine/risk/feature.ts';
import { FeatureStore } from '../../../engine/risk/features.ts';
import { randomWords, runSeed } from '../storage/support.ts';
import { NaiveFeatures } from './naive-features.ts';

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** Of a whole number of buckets of every window that is used here. */
const START = Math.ceil(1_760_000_000_000_000 / (30 * DAY)) * 30 * DAY;
const BOUNDS = { hashSeed: 7, subjectsMax: 1000, cellsMax: 20_000 };

function feature(definition: Partial<FeatureDefinition> & Pick<FeatureDefinition, 'measure'>): FeatureDefinition {
  const { name: _, ...rest } = {
    by: ['payer'],
    counts: 'payments',
    window: sliding(HOUR),
    ...definition,
  } as const;
  return { name: JSON.stringify(rest), ...rest } as FeatureDefinition;
}

function sliding(micros: number): FeatureDefinition['window'] {
  return { kind: 'sliding', micros };
}

function calendar(period: 'day' | 'month' | 'year'): FeatureDefinition['window'] {
  return { kind: 'calendar', period, utcOffsetMinutes: 480 };
}

const ALL: readonly FeatureDefinition[] = [
  feature({ measure: 'count' }),
  feature({ measure: 'count', window: sliding(MINUTE) }),
  feature({ measure: 'sum', window: sliding(DAY) }),
  feature({ measure: 'max', window: sliding(30 * DAY), by: ['payee'] }),
  feature({ measure: 'sum', by: ['device'] }),
  feature({ measure: 'max', by: ['ip'] }),
  feature({ measure: 'count', by: ['payer', 'payee'], window: sliding(DAY) }),
  feature({ measure: 'distinct', by: ['payer'], of: 'payee', upTo: 2 }),
  feature({ measure: 'distinct', by: ['device'], of: 'payer', upTo: 5, window: sliding(DAY) }),
  feature({ measure: 'count', by: ['merchant'], channels: 0b110 }),
  feature({ measure: 'count', amounts: [{ ledger: 156, from: 400, below: 500 }] }),
  feature({ measure: 'count', counts: 'declines' }),
  feature({ measure: 'count', counts: 'authenticationFailed', by: ['device'] }),
  feature({ measure: 'sum', window: calendar('day') }),
  feature({ measure: 'count', window: calendar('month'), by: ['card'] }),
  feature({ measure: 'max', window: calendar('year') }),
  feature({ measure: 'last', window: { kind: 'always' }, by: ['payer', 'device'] }),
  feature({ measure: 'last', window: { kind: 'always' }, counts: 'rebound' }),
  feature({ measure: 'speed', window: { kind: 'always' } }),
];

function setSubject(facts: Facts, name: keyof typeof Subjects, value: number): void {
  facts.subjects.fill(0, Subjects[name] * 4, Subjects[name] * 4 + 4);
  if (value !== 0) facts.subjects.set([value, value * 3, 0, 9], Subjects[name] * 4);
}

function payment(now: number, amount: number, subjects: Partial<Record<keyof typeof Subjects, number>> = {}): Facts {
  const facts = Object.assign(newFacts(), { now, amount, ledger: 156, channel: 1 });
  for (const [name, value] of Object.entries({ payer: 1, ...subjects })) setSubject(facts, name as 'payer', value);
  return facts;
}

function values(store: FeatureStore, definitions: readonly FeatureDefinition[], facts: Facts): number[] {
  store.look(facts);
  return definitions.map((_, place) => store.get(place));
}

/** Random payments with time going on by all kinds of steps. */
class Traffic {
  now = START;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  below(n: number): number {
    return this.#random() % n;
  }

  next(): { readonly facts: Facts; readonly counted: CountedName } {
    const step = [0, 1, 1000, MINUTE / 60, MINUTE, 7 * MINUTE, HOUR / 60, HOUR, DAY / 60, 3 * DAY][this.below(10)]!;
    this.now += this.below(3) === 0 ? step : this.below(step + 1);
    const facts = payment(this.now, 1 + this.below(900), {
      payer: 1 + this.below(3),
      payee: this.below(5),
      merchant: this.below(4),
      device: this.below(4),
      ip: this.below(3),
      card: this.below(3),
    });
    facts.ledger = this.below(2) === 0 ? 156 : 840;
    facts.channel = this.below(4);
    facts.hasLocation = this.below(3) > 0;
    facts.latitude = facts.hasLocation ? (this.below(181) - 90) * 1_000_000 : 0;
    facts.longitude = facts.hasLocation ? (this.below(361) - 180) * 999_983 : 0;
    const kinds = Object.keys(Counted) as CountedName[];
    return { facts, counted: this.below(3) > 0 ? 'payments' : kinds[this.below(kinds.length)]! };
  }
}

describe('the features', () => {
  it('say what a list of everything says', () => {
    const seed = runSeed();
    const traffic = new Traffic(randomWords(seed));
    for (let run = 0; run < 30; run++) {
      const store = new FeatureStore(BOUNDS);
      const naive = new NaiveFeatures();
      store.use(ALL);
      for (let step = 0; step < 120; step++) {
        const { facts, counted } = traffic.next();
        const expected = ALL.map((definition) => naive.value(definition, facts));
        expect(values(store, ALL, facts), `SEED=${seed} run ${run} step ${step}`).toEqual(expected);
        if (traffic.below(5) === 0) continue;
        store.count(facts, Counted[counted]);
        naive.count(facts, counted);
      }
      expect([store.evicted, store.dropped]).toEqual([0, 0]);
    }
  });

  it.each([
    ['a minute', MINUTE],
    ['an hour', HOUR],
    ['a day', DAY],
    ['30 days', 30 * DAY],
  ])('a window of %s lets go at the edge of its bucket, not a microsecond sooner', (_, micros) => {
    const definitions = ['count', 'sum', 'max'].map((measure) =>
      feature({ measure: measure as 'count', window: sliding(micros) }),
    );
    const store = new FeatureStore(BOUNDS);
    store.use(definitions);
    store.count(payment(START, 70), Counted.payments);
    expect(values(store, definitions, payment(START + micros - 1, 5))).toEqual([2, 75, 70]);
    expect(values(store, definitions, payment(START + micros, 5))).toEqual([1, 5, 5]);
    // Counted at the end of its bucket, it stays for 59 more.
    const late = START + micros / 60 - 1;
    store.count(payment(late, 60), Counted.payments);
    expect(values(store, definitions, payment(START + micros - 1, 5))).toEqual([3, 135, 70]);
    expect(values(store, definitions, payment(START + micros, 5))).toEqual([1, 5, 5]);
  });

  it('a day, a month and a year end at midnight where the rules say', () => {
    const definitions = (['day', 'month', 'year'] as const).map((period) =>
      feature({ measure: 'sum', window: calendar(period) }),
    );
    const store = new FeatureStore(BOUNDS);
    store.use(definitions);
    // The last microsecond of 2025 in China.
    const silvester = Date.UTC(2025, 11, 31, 16) * 1000 - 1;
    store.count(payment(silvester, 100), Counted.payments);
    expect(values(store, definitions, payment(silvester, 1))).toEqual([101, 101, 101]);
    expect(values(store, definitions, payment(silvester + 1, 1))).toEqual([1, 1, 1]);
  });

  it('different members are counted up to one more than is asked for, the newest of them', () => {
    const definition = feature({ measure: 'distinct', of: 'payee', upTo: 2 });
    const store = new FeatureStore(BOUNDS);
    store.use([definition]);
    const at = (minutes: number, payee: number): Facts => payment(START + minutes * MINUTE, 1, { payee });
    for (const [minutes, payee] of [
      [0, 1],
      [1, 2],
      [2, 3],
      [3, 4],
    ] as const)
      store.count(at(minutes, payee), Counted.payments);
    expect(values(store, [definition], at(4, 1))).toEqual([3]);
    // Payees 3 and 4 are still in the window, and this one.
    expect(values(store, [definition], at(61, 9))).toEqual([3]);
    expect(values(store, [definition], at(62, 9))).toEqual([2]);
    expect(values(store, [definition], at(62, 4))).toEqual([1]);
  });

  it('go on when a rule set keeps them, and start anew when it does not', () => {
    const [count, sum] = [feature({ measure: 'count' }), feature({ measure: 'sum' })];
    const store = new FeatureStore(BOUNDS);
    store.use([count]);
    store.count(payment(START, 10), Counted.payments);
    store.use([sum, count]);
    expect(values(store, [sum, count], payment(START, 10))).toEqual([10, 2]);
    store.use([sum]);
    store.use([sum, count]);
    expect(values(store, [sum, count], payment(START, 10))).toEqual([10, 1]);
    store.use([]);
    expect(store.rows).toBe(0);
  });

  it('a full table makes room by forgetting a key that was not used for long', () => {
    const definitions = [
      feature({ measure: 'count', window: sliding(30 * DAY) }),
      feature({ measure: 'distinct', of: 'payee', upTo: 3 }),
    ];
    const store = new FeatureStore({ hashSeed: 3, subjectsMax: 32, cellsMax: 1000 });
    store.use(definitions);
    for (let payer = 1; payer <= 33; payer++)
      store.count(payment(START + payer, 1, { payer, payee: 5 }), Counted.payments);
    expect(store.rows).toBe(32);
    expect(store.evicted).toBe(1);
    expect(values(store, definitions, payment(START + 40, 1, { payer: 1, payee: 5 }))).toEqual([1, 1]);
    expect(values(store, definitions, payment(START + 40, 1, { payer: 33, payee: 5 }))).toEqual([2, 1]);
  });

  it('when all buckets are in use, those that are over are found, and else a count is dropped and told', () => {
    const definition = feature({ measure: 'count' });
    const store = new FeatureStore({ hashSeed: 3, subjectsMax: 100, cellsMax: 11 });
    store.use([definition]);
    for (let payer = 1; payer <= 12; payer++) store.count(payment(START, 1, { payer }), Counted.payments);
    expect(store.dropped).toBe(2);
    store.count(payment(START + 2 * HOUR, 1, { payer: 50 }), Counted.payments);
    expect(store.dropped).toBe(2);
    expect(values(store, [definition], payment(START + 2 * HOUR, 1, { payer: 50 }))).toEqual([2]);
  });
});

describe('a copy of the features', () => {
  it('made in steps shows them as they were when it began, and goes on alike', () => {
    const seed = runSeed();
    const traffic = new Traffic(randomWords(seed));
    const store = new FeatureStore(BOUNDS);
    store.use(ALL);
    const play = (target: FeatureStore[], steps: number): void => {
      for (let step = 0; step < steps; step++) {
        const { facts, counted } = traffic.next();
        for (const one of target) one.count(facts, Counted[counted]);
      }
    };
    play([store], 400);
    const then = store.describe();
    store.beginCopy();
    for (let step = 0; !store.isCopied; step++) {
      play([store], 3);
      // Another rule set in between keeps some features, in another order, and lets others go.
      if (step === 1) store.use(ALL.filter((_, place) => place % 3 !== 0).reverse());
      store.advance(1);
    }
    const copy = new FeatureStore(BOUNDS);
    copy.use(ALL);
    copy.restore(new Map(Object.entries(store.takeCopy()).map(([name, bytes]) => [name, bytes.slice()])));
    expect(copy.describe(), `SEED=${seed}`).toEqual(then);

    store.use(ALL);
    store.beginCopy();
    store.advance(Number.POSITIVE_INFINITY);
    const twin = new FeatureStore(BOUNDS);
    twin.use(ALL);
    twin.restore(new Map(Object.entries(store.takeCopy()).map(([name, bytes]) => [name, bytes.slice()])));
    play([store, twin], 500);
    expect(twin.describe(), `SEED=${seed}`).toEqual(store.describe());
  });

  it('is taken over by another rule set as far as that asks for the same', () => {
    const [count, sum, last] = [
      feature({ measure: 'count' }),
      feature({ measure: 'sum' }),
      feature({ measure: 'last', window: { kind: 'always' }, by: ['payee'] }),
    ];
    const store = new FeatureStore(BOUNDS);
    store.use([count, sum]);
    store.count(payment(START, 70), Counted.payments);
    store.beginCopy();
    store.advance(Number.POSITIVE_INFINITY);
    const other = new FeatureStore(BOUNDS);
    other.use([last, sum]);
    other.restore(new Map(Object.entries(store.takeCopy())));
    expect(values(other, [last, sum], payment(START, 5, { payee: 3 }))).toEqual([-1, 75]);
  });
});
