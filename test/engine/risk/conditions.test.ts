// Conditions of rules: what they may ask, what is told of those that ask for more, and where; none takes long or stops a partition.
import { describe, expect, it } from 'vitest';
import { checkRuleSet } from '../../../engine/risk/check-rule-set.ts';
import { compile } from '../../../engine/risk/compile.ts';
import { type Facts, newFacts } from '../../../engine/risk/facts.ts';
import { Channels, countryNumber } from '../../../protocol/risk.ts';

const HOUR = 3_600_000_000;
const reason = { en: 'Because.', zh: '因为。' };
const payments = { measure: 'count', by: 'payer', window: '1h' };
const ruleSet = (when: string, features: object = { payments }) => ({
  version: 'conditions',
  utcOffset: '+08:00',
  features,
  rules: [{ id: 'asked', kind: 'cel', when, outcome: 'hold', reason }],
});

/** Whether a condition hits a payment of 12.50 CNY by a wallet in China, at 23:59:59.999999 there, the third within the hour. */
function hits(when: string, change: Partial<Facts> = {}, payment = 3): boolean {
  const checked = checkRuleSet(ruleSet(when));
  if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
  const facts = Object.assign(newFacts(), {
    ...{ now: 16 * HOUR - 1, amount: 1250, ledger: 156, code: 7, channel: Channels.wallet, mcc: 5411, tier: 2 },
    ...{ codeTier: 3, country: countryNumber('CN') ?? 0, hasLocation: true, ...change },
  });
  return compile(checked.ruleSet).rules[0]!.hits(facts, { get: () => payment }, { has: () => false });
}

function errors(when: string, features?: object) {
  const checked = checkRuleSet(ruleSet(when, features));
  return 'errors' in checked ? checked.errors : [];
}

describe('a condition', () => {
  it.each([
    ['amount == 1250', 'amount == 1251'],
    ['currency == "CNY"', 'currency == "USD"'],
    ['channel == "wallet"', 'channel == "qr"'],
    ['mcc == 5411', 'mcc > 5411'],
    ['country in ["CN", "SG"]', 'country in ["SG"]'],
    ['tier == 2', 'tier < 2'],
    ['codeTier == 3', 'codeTier == 4'],
    ['code == 7', 'code == 8'],
    ['hasLocation', '!hasLocation'],
    ['hour == 23', 'hour == 0'],
    ['payments > 2', 'payments > 3'],
    ['amount / payments > 416 - 1', 'amount / payments > 416'],
    ['tier == 2 ? payments > 2 : false', 'tier == 1 ? payments > 2 : false'],
    ['currency.startsWith("C") && currency.endsWith("Y")', 'channel.contains("card")'],
    ['size(country) == 2 && string(mcc) == "5411"', 'double(amount) * 0.5 > 625.0'],
    ['int("1250") == amount', 'country == ""'],
  ])('%s hits, and %s does not', (yes, no) => {
    expect([hits(yes), hits(no)]).toEqual([true, false]);
  });

  it('knows the hour where the rules are, to the microsecond', () => {
    expect(hits('hour == 0', { now: 16 * HOUR - 1 })).toBe(false);
    expect(hits('hour == 0', { now: 16 * HOUR })).toBe(true);
  });

  it.each([
    '100 / (amount - 1250) > 0',
    '100 % (amount - 1250) == 0',
    'amount * 9223372036854775807 > 0',
    'int(country) > 0',
  ])('%s cannot be evaluated for this payment, so it does not hit', (when) => {
    expect(hits(when)).toBe(false);
    expect(hits(`!(${when})`)).toBe(false);
  });
});

describe('what is told of a condition', () => {
  it.each([
    ['amount >', 8, 'Unexpected token: EOF'],
    ['amount > bogus', 9, 'Unknown variable: bogus'],
    ['tier > 1 && amount > "5"', 12, 'no such overload: int > string'],
    ['amount + 1', 0, 'gives int, and must give bool'],
    ['amount > 1 && now() > 2', 14, "found no matching overload for 'now()'"],
    // Takes 9 seconds for a text of 28 characters.
    [`tier > 1 && "${'a'.repeat(27)}b".matches("^(a+)+$")`, 12, 'cannot call matches'],
    ['tier > 1 && [1, 2].all(a, [3, 4].all(b, a < b))', 12, 'cannot call all'],
    ['cel.bind(twice, amount * 2, twice > 100)', 0, 'cannot call bind'],
    ['!(timestamp("2026-01-01T00:00:00Z").getHours("Asia/Shanghai") > 3)', 2, 'cannot call getHours'],
  ])('%s', (when, offset, message) => {
    const begun = performance.now();
    expect(errors(when)).toEqual([{ path: ['rules', 0, 'when'], offset, message: expect.stringContaining(message) }]);
    expect(performance.now() - begun).toBeLessThan(2000);
  });

  it('too long, too deep, too many in a list', () => {
    expect(errors(`amount > 1${' && amount > 1'.repeat(60)}`)).toHaveLength(1);
    expect(errors(`${'!('.repeat(40)}hasLocation${')'.repeat(40)}`)).toHaveLength(1);
    expect(errors(`mcc in [${Array.from({ length: 101 }, (_, index) => index)}]`)).toHaveLength(1);
  });

  it.each(['amount', 'hour', 'in', 'true', 'null', 'int', 'string', 'map', 'as', 'for', 'package', 'cel'])(
    'a feature cannot be called %s, whether a condition asks for it or not',
    (name) => {
      const mistake = { path: ['features', name], message: `${name} is the name of something else in conditions` };
      expect(errors('tier > 1', { [name]: payments })).toEqual([mistake]);
    },
  );

  it('a feature may be called as what every object has', () => {
    for (const name of ['constructor', 'toString', 'size']) {
      const checked = checkRuleSet(ruleSet(`${name} > 2`, { [name]: payments }));
      if ('errors' in checked) throw new Error(JSON.stringify(checked.errors));
      const test = (value: number) =>
        compile(checked.ruleSet).rules[0]!.hits(newFacts(), { get: () => value }, { has: () => false });
      expect([test(2), test(3)]).toEqual([false, true]);
    }
  });
});
