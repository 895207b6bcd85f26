// Rules that could never do what somebody wanted of them are mistakes, and so is all that the partition could not count.
import { describe, expect, it } from 'vitest';
import { checkRuleSet } from '../../../engine/risk/check-rule-set.ts';
import { compile } from '../../../engine/risk/compile.ts';
import { newFacts } from '../../../engine/risk/facts.ts';
import { readRuleFile } from '../../../engine/risk/read-rule-file.ts';

const common = { id: 'it', outcome: 'hold', reason: { en: 'Because.', zh: '因为。' } };
const of = (rule: object, features: object = {}) => ({ version: '1', features, rules: [{ ...common, ...rule }] });
const told = (value: unknown) => {
  const checked = checkRuleSet(value);
  return 'errors' in checked ? checked.errors.map(({ path, message }) => `${path.join('.')}: ${message}`) : [];
};
const velocity = { kind: 'velocity', measure: 'count', by: 'payer', window: '1h', above: 3 };
const night = { kind: 'night', above: { CNY: '1.00' } };
const empty = 'rules.0.amounts: must name from or below, from being lower';

describe('a rule that could never hit', () => {
  it.each([
    ['no tier', { kind: 'limit', per: 'day', tiers: {} }, 'rules.0: needs a tier'],
    ['no code tier', { kind: 'limit', per: 'day', codeTiers: {} }, 'rules.0: needs a tier'],
    ['neither', { kind: 'limit', per: 'day' }, 'rules.0: needs either tiers or codeTiers'],
    [
      'a range of nothing',
      { kind: 'mcc', block: ['5969-5960'] },
      'rules.0.block.0: must have the lower category first',
    ],
    ['a night of no length', { ...night, from: '23:00', to: '23:00' }, 'rules.0.to: must be another time than from'],
    ['no amounts', { ...velocity, amounts: {} }, empty],
    [
      'amounts from what they are below',
      { ...velocity, amounts: { from: { CNY: '5.00' }, below: { CNY: '5.00' } } },
      empty,
    ],
    ['amounts below zero', { ...velocity, amounts: { below: { CNY: '0.00' } } }, empty],
    [
      'different payers of a payer',
      { ...velocity, measure: 'distinct', of: 'payer' },
      'rules.0.of: must be another than by: of each there is only one',
    ],
  ])('%s', (_name, rule, message) => {
    expect(told(of(rule))).toEqual([message]);
  });

  it('and those next to them that can', () => {
    expect(told(of({ kind: 'mcc', block: ['5960-5960', '0000-9999'] }))).toEqual([]);
    expect(told(of({ ...night, from: '23:00', to: '22:59' }))).toEqual([]);
    expect(told(of({ ...velocity, amounts: { from: { CNY: '4.99' }, below: { CNY: '5.00' } } }))).toEqual([]);
    expect(told(of({ ...velocity, amounts: { from: { CNY: '9.00' }, below: { USD: '5.00' } } }))).toEqual([]);
  });
});

describe('a feature of conditions', () => {
  const when = { kind: 'cel', when: 'tier > 1' };
  const onlyDistinct = 'features.it.of: goes with the measure distinct, and only with it';

  it.each([
    ['distinct of nothing', { measure: 'distinct', by: 'device' }, onlyDistinct],
    ['a count of members', { measure: 'count', by: 'device', of: 'payer' }, onlyDistinct],
    [
      'distinct of one of its own keys',
      { measure: 'distinct', by: ['payer', 'device'], of: 'device' },
      'features.it.of: must be another than by: of each there is only one',
    ],
    [
      'a bound of a count',
      { measure: 'count', by: 'device', upTo: 3 },
      'features.it.upTo: goes with the measure distinct',
    ],
  ])('%s', (_name, feature, message) => {
    expect(told(of(when, { it: { ...feature, window: '1h' } }))).toEqual([message]);
  });
});

it('a band of large amounts begins at the minor unit that the percentage says', () => {
  const rule = { kind: 'structuring', below: { CNY: '9999999999999.99' }, percent: 1, window: '24h', atLeast: 2 };
  const checked = checkRuleSet(of(rule));
  if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
  const { features, rules } = compile(checked.ruleSet);
  // 999999999999999 × 0.99 = 989999999999999.01; a hundred times it is beyond what a number holds exactly.
  expect(features[0]?.amounts).toEqual([{ ledger: 156, from: 990_000_000_000_000, below: 999_999_999_999_999 }]);
  const hits = (amount: number) =>
    rules[0]!.hits(Object.assign(newFacts(), { amount, ledger: 156 }), { get: () => 2 }, { has: () => false });
  const edges = [989_999_999_999_999, 990_000_000_000_000, 999_999_999_999_998, 999_999_999_999_999];
  expect(edges.map(hits)).toEqual([false, true, true, false]);
});

describe('a rule file', () => {
  const head = 'version: "1"\nrules:\n  - id: it\n    kind: cel\n    outcome: hold\n    reason: { en: a, zh: b }\n';
  const places = (text: string) => {
    const read = readRuleFile(text);
    return 'mistakes' in read ? read.mistakes.map(({ line, column, message }) => `${line}:${column} ${message}`) : [];
  };

  it.each([
    ['plain', '    when: tier > 1 && bogus\n', '7:23'],
    ['in quotes', '    when: "tier > 1 && bogus"\n', '7:24'],
    ['in single quotes', "    when: 'tier > 1 && bogus'\n", '7:24'],
    ['a block', '    when: |\n      tier > 1 &&\n\n        bogus\n', '10:9'],
    ['a block with an end', '    when: |-\n      bogus\n', '8:7'],
    ['a block in which lines end as on Windows', '    when: |\r\n      tier > 1 &&\r\n      bogus\r\n', '9:7'],
    ['folded: where it begins', '    when: >\n      tier > 1 &&\n      bogus\n', '7:11'],
  ])('tells the place inside a condition: %s', (_name, when, place) => {
    expect(places(head + when)).toEqual([`${place} Unknown variable: bogus`]);
  });

  it('has no aliases, and tells where they are', () => {
    const message = '*a is an alias: write out what it stands for';
    expect(places('version: &a "1"\ndescription: *a\nrules: []\n')).toEqual([`2:14 ${message}`]);
    expect(places('version: "1"\nrules:\n  - &a { id: it }\n  - { <<: *a }\n')).toEqual([`4:11 ${message}`]);
  });

  it.each([
    ['two documents', 'version: "1"\nrules: []\n---\nversion: "2"\n', '3:1'],
    ['a key twice', 'version: "1"\nversion: "2"\nrules: []\n', '2:1'],
    ['a key that is no text', '? { a: 1 }\n: 2\n', '1:3'],
    ['nothing', '', '1:1'],
  ])('%s', (_name, text, place) => {
    expect(places(text)).toEqual([expect.stringMatching(new RegExp(`^${place} `))]);
  });

  it('may be JSON, with a mark of its encoding and lines as on Windows', () => {
    expect(places('\ufeff{\r\n  "version": "1",\r\n  "rules": []\r\n}\r\n')).toEqual([]);
    expect(places('{\r\n  "version": "1",\r\n  "rules": 3\r\n}\r\n')).toEqual([expect.stringMatching(/^3:12 /)]);
  });
});
