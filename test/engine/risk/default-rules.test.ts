// The rule set that ships: it lets ordinary traffic between few accounts through, and stops what it says.
import { describe, expect, it } from 'vitest';
import { defaultRuleSet } from '../../../engine/risk/read-rule-file.ts';
import { RuleTrial } from './rule-trial.ts';

const START = Date.UTC(2026, 5, 15, 4);
const trial = () => new RuleTrial(defaultRuleSet());

describe('the default rules', () => {
  it('are at least 20 that are live, of nearly every kind', () => {
    const { rules } = defaultRuleSet();
    expect(rules.filter(({ mode }) => mode === 'live').length).toBeGreaterThanOrEqual(20);
    expect(new Set(rules.map(({ kind }) => kind)).size).toBe(16);
  });

  it.each([0, 3])('approve thousands of payments a second between few accounts of tier %i', (tier) => {
    const rules = trial();
    const outcomes = new Set<string>();
    for (let number = 0; number < 5000; number++) {
      const [payer, payee] = [1 + (number % 7), 10 + (number % 11)];
      // 1.00 to 500.00, within the daily limit of the seven.
      const amount = tier === 0 ? 100 + ((number * 7919) % 49_901) : 100 + ((number * 7919) % 3000);
      outcomes.add(rules.pay({ at: START + number / 5, amount, payer, payee, tier }));
    }
    expect([...outcomes]).toEqual(['approve']);
  });

  it('decline, challenge, hold and have looked at what they say', () => {
    const day = { at: START, tier: 2 };
    expect(trial().pay({ ...day, mcc: 7995 })).toBe('decline');
    expect(trial().pay({ ...day, country: 'KP' })).toBe('decline');
    expect(trial().pay({ ...day, amount: 1_000_001 })).toBe('decline');
    expect(trial().pay({ ...day, channel: 'qr', codeTier: 4, amount: 50_001 })).toBe('decline');
    expect(trial().pay({ ...day, channel: 'qr', codeTier: 4, amount: 50_000 })).toBe('approve');
    expect(trial().pay({ ...day, amount: 500_001 })).toBe('step_up');
    expect(trial().pay({ ...day, channel: 'crossBorder', amount: 300_001 })).toBe('hold');
    const structuring = trial();
    const outcomes = [4_600_000, 4_700_000, 4_800_000].map((amount) => structuring.pay({ at: START, amount }));
    expect(outcomes.at(-1)).toBe('review');
  });

  it('let a trusted payer do what can be overridden', () => {
    const rules = trial();
    rules.lists.set('trusted-payers', [1]);
    expect(rules.pay({ at: START, tier: 2, amount: 500_001 })).toBe('approve');
    expect(rules.pay({ at: START, tier: 2, amount: 1_000_001 })).toBe('decline');
  });
});
