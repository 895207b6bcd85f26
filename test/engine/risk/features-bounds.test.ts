// What the features do at their bounds: too many keys, too many buckets, amounts that no sum holds, another rule set every while.
import { describe, expect, it } from 'vitest';
import { Counted, type Facts, newFacts, Subjects } from '../../../engine/risk/facts.ts';
import type { FeatureDefinition } from '../../../engine/risk/feature.ts';
import { FeatureStore } from '../../../engine/risk/features.ts';
import { randomWords, runSeed } from '../storage/support.ts';
import { NaiveFeatures } from './naive-features.ts';

const MINUTE = 60_000_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const START = Math.ceil(1_760_000_000_000_000 / (30 * DAY)) * 30 * DAY;
const AMPLE = { hashSeed: 7, subjectsMax: 100, cellsMax: 5000 };
const SCARCE = { hashSeed: 7, subjectsMax: 6, cellsMax: 12 };

type Id = readonly [number, number, number, number];

function feature(definition: Partial<FeatureDefinition> & Pick<FeatureDefinition, 'measure'>): FeatureDefinition {
  const rest = { by: ['payer'], counts: 'payments', window: { kind: 'sliding', micros: HOUR }, ...definition };
  return { name: JSON.stringify(rest), ...rest } as FeatureDefinition;
}

function payment(now: number, amount: number, payer: number, payee: Id = [2, 0, 0, 0]): Facts {
  const facts = Object.assign(newFacts(), { now, amount, ledger: 156, channel: 1 });
  facts.subjects.set([payer, 0, 0, 9], Subjects.payer * 4);
  facts.subjects.set(payee, Subjects.payee * 4);
  return facts;
}

function values(store: FeatureStore, definitions: readonly FeatureDefinition[], facts: Facts): number[] {
  store.look(facts);
  return definitions.map((_, place) => store.get(place));
}

function using(bounds: typeof AMPLE, definitions: readonly FeatureDefinition[]): FeatureStore {
  const store = new FeatureStore(bounds);
  store.use(definitions);
  return store;
}

/** A store that was made of a copy of another, as after a restart. */
function restarted(store: FeatureStore, bounds: typeof AMPLE, definitions: readonly FeatureDefinition[]): FeatureStore {
  store.beginCopy();
  store.advance(Number.POSITIVE_INFINITY);
  const copy = using(bounds, definitions);
  copy.restore(new Map(Object.entries(store.takeCopy()).map(([name, bytes]) => [name, bytes.slice()])));
  return copy;
}

const SETS: readonly FeatureDefinition[] = [
  feature({ measure: 'count' }),
  feature({ measure: 'sum', window: { kind: 'sliding', micros: DAY } }),
  feature({ measure: 'max', by: ['payee'] }),
  feature({ measure: 'distinct', of: 'payee', upTo: 3 }),
  feature({ measure: 'count', by: ['payer', 'payee'], window: { kind: 'sliding', micros: 30 * DAY } }),
  feature({ measure: 'sum', window: { kind: 'calendar', period: 'day', utcOffsetMinutes: 480 } }),
  feature({ measure: 'last', window: { kind: 'always' } }),
];

/** Random payments, most within minutes, some after days. */
function traffic(random: () => number): () => Facts {
  let now = START;
  return () => {
    now += random() % 20 === 0 ? random() % (2 * DAY) : random() % (10 * MINUTE);
    return payment(now, 1 + (random() % 900), 1 + (random() % 9), [random() % 4, 0, random() % 2, 0]);
  };
}

describe('features at their bounds', () => {
  it('say no more than a list of everything, whatever had to go, and the same after a restart', () => {
    const seed = runSeed();
    const random = randomWords(seed);
    for (let run = 0; run < 20; run++) {
      const next = traffic(random);
      let store = using(SCARCE, SETS);
      const unbroken = using(SCARCE, SETS);
      const naive = new NaiveFeatures();
      for (let step = 0; step < 200; step++) {
        const at = `SEED=${seed} run ${run} step ${step}`;
        const facts = next();
        const read = values(store, SETS, facts);
        expect(read, at).toEqual(values(unbroken, SETS, facts));
        SETS.forEach((definition, index) => {
          if (definition.measure !== 'last')
            expect(read[index], at).toBeLessThanOrEqual(naive.value(definition, facts));
        });
        for (const one of [store, unbroken]) one.count(facts, Counted.payments);
        naive.count(facts, 'payments');
        if (random() % 30 === 0) store = restarted(store, SCARCE, SETS);
      }
      expect(store.describe(), `SEED=${seed} run ${run}`).toEqual(unbroken.describe());
      expect([store.evicted, store.dropped]).toEqual([unbroken.evicted, unbroken.dropped]);
      expect(store.evicted).toBeGreaterThan(0);
      expect(store.dropped).toBeGreaterThan(0);
    }
  });

  it('count from when a rule set began to ask for them without a break', () => {
    const seed = runSeed();
    const random = randomWords(seed);
    for (let run = 0; run < 10; run++) {
      const next = traffic(random);
      let store = new FeatureStore(AMPLE);
      let used: readonly FeatureDefinition[] = [];
      let lists = new Map<string, NaiveFeatures>();
      for (let step = 0; step < 200; step++) {
        if (step % 20 === 0) {
          used = SETS.filter(() => random() % 3 > 0);
          if (random() % 2 === 0) used = used.toReversed();
          lists = new Map(used.map(({ name }) => [name, lists.get(name) ?? new NaiveFeatures()]));
          store.use(used);
        }
        if (step % 35 === 0) store = restarted(store, AMPLE, used);
        const facts = next();
        const expected = used.map((definition) => lists.get(definition.name)!.value(definition, facts));
        expect(values(store, used, facts), `SEED=${seed} run ${run} step ${step}`).toEqual(expected);
        store.count(facts, Counted.payments);
        for (const list of lists.values()) list.count(facts, 'payments');
      }
    }
  });

  it('when no bucket is free and none is over, the payer forgets its own oldest and sees what it does now', () => {
    const definition = feature({ measure: 'count', window: { kind: 'sliding', micros: 30 * DAY } });
    const store = using({ hashSeed: 3, subjectsMax: 10, cellsMax: 101 }, [definition]);
    for (let day = 0; day < 10; day++) {
      for (let payer = 1; payer <= 10; payer++) store.count(payment(START + day * DAY, 1, payer), Counted.payments);
    }
    expect(store.dropped).toBe(0);
    const today = START + 11 * DAY;
    for (let time = 0; time < 50; time++) store.count(payment(today + time, 1, 3), Counted.payments);
    expect(values(store, [definition], payment(today + 50, 1, 3))).toEqual([60]);
    expect(values(store, [definition], payment(today + 50, 1, 4))).toEqual([11]);
    expect(store.dropped).toBe(1);
  });

  it('members are told apart by all of their id', () => {
    const definition = feature({ measure: 'distinct', of: 'payee', upTo: 10 });
    const store = using(AMPLE, [definition]);
    for (let word = 0; word < 4; word++) {
      const payee = [0, 1, 2, 3].map((place) => (place === word ? 1 : 0));
      store.count(payment(START, 1, 1, payee as unknown as Id), Counted.payments);
    }
    expect(values(store, [definition], payment(START, 1, 1, [0, 0, 1, 0]))).toEqual([4]);
    expect(values(store, [definition], payment(START, 1, 1, [0, 0, 2, 0]))).toEqual([5]);
  });

  it('a sum that no number holds leaves nothing behind when its window is over', () => {
    const definition = feature({ measure: 'sum', counts: 'declines' });
    const store = using(AMPLE, [definition]);
    const most = Number.MAX_SAFE_INTEGER;
    const amounts = [most, most, most, 1, most, 3, 10];
    amounts.forEach((amount, minute) => {
      store.count(payment(START + minute * MINUTE, amount, 1), Counted.declines);
    });
    expect(values(store, [definition], payment(START + 63 * MINUTE, 1, 1))).toEqual([most + 13]);
    expect(values(store, [definition], payment(START + 64 * MINUTE, 1, 1))).toEqual([13]);
    expect(values(store, [definition], payment(START + 65 * MINUTE, 1, 1))).toEqual([10]);
    store.count(payment(START + 65 * MINUTE, 5, 1), Counted.declines);
    expect(values(store, [definition], payment(START + 65 * MINUTE, 1, 1))).toEqual([15]);
  });

  it('windows of less than a minute are refused', () => {
    const short = feature({ measure: 'count', window: { kind: 'sliding', micros: MINUTE - 1 } });
    expect(() => using(AMPLE, [short])).toThrow('too short');
  });
});
