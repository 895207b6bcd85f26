// The order of precedence: block that cannot be overridden > rule that approves, or exemption > block that can; the most severe of each.
import { describe, expect, it } from 'vitest';
import { type CompiledRules, rulesByChannel } from '../../../engine/risk/compile.ts';
import { SHADOW_HIT } from '../../../engine/risk/decision.ts';
import { evaluate, newDecision } from '../../../engine/risk/evaluate.ts';
import { newFacts } from '../../../engine/risk/facts.ts';
import { OUTCOME_NAMES } from '../../../engine/risk/rule-set.ts';
import { Channels } from '../../../protocol/risk.ts';

type Rule = CompiledRules['rules'][number];
const NOWHERE = { has: () => false };

/** Rules as words: an outcome, `!` = cannot be overridden, `~` = shadow, `-` = does not hit, `*` = the payer is exempt. */
function decide(words: string, channel = 0, change: Partial<Rule> = {}) {
  const texts = words === '' ? [] : words.split(' ');
  const rules = texts.map((text, index): Rule => {
    const outcome = OUTCOME_NAMES.findIndex((name) => text.includes(name));
    const hits = () => !text.includes('-');
    const is = { isShadow: text.includes('~'), overridable: !text.includes('!') };
    return { id: `rule-${index}`, channels: ~0, outcome, hits, ...is, ...change };
  });
  const decision = newDecision(4);
  // What the payment before has left.
  Object.assign(decision, { outcome: 3, hitCount: 2 });
  const facts = Object.assign(newFacts(), { channel });
  const isExempt = (rule: number) => texts[rule]!.includes('*');
  evaluate(
    { features: [], mistakes: [], rules, byChannel: rulesByChannel(rules) },
    facts,
    { get: () => 0 },
    NOWHERE,
    isExempt,
    decision,
  );
  return { outcome: OUTCOME_NAMES[decision.outcome], hits: [...decision.hits.subarray(0, decision.hitCount)] };
}

describe('the outcome', () => {
  it.each([
    ['', 'approve'],
    ['-decline', 'approve'],
    // The most severe, wherever it stands.
    ['step_up', 'step_up'],
    ['step_up hold', 'hold'],
    ['review hold step_up', 'review'],
    ['decline review', 'decline'],
    ['hold decline step_up', 'decline'],
    // A rule that approves overrules those that can be overridden, before and behind it.
    ['approve', 'approve'],
    ['approve decline', 'approve'],
    ['decline approve', 'approve'],
    ['decline -approve', 'decline'],
    // And not the others.
    ['!decline', 'decline'],
    ['approve !decline', 'decline'],
    ['!step_up approve decline', 'step_up'],
    ['!step_up decline', 'decline'],
    ['!decline step_up', 'decline'],
    ['!hold !review approve', 'review'],
    // An exemption is of one rule.
    ['*decline', 'approve'],
    ['*decline hold', 'hold'],
    ['!*decline', 'decline'],
    // Shadow rules change nothing.
    ['~decline', 'approve'],
    ['~decline hold', 'hold'],
    ['!~decline', 'approve'],
    ['~approve decline', 'decline'],
  ])('of "%s" is %s', (words, outcome) => {
    expect(decide(words).outcome).toBe(outcome);
  });
});

describe('the hits', () => {
  it('are all rules that hit, also those that were overruled, exempt or only watch', () => {
    const places = decide('-hold decline *review ~hold approve').hits;
    expect(places).toEqual([1, 2, 3 | SHADOW_HIT, 4]);
  });

  it('are kept as far as there is room; the outcome is that of all', () => {
    expect(decide('hold hold hold hold hold decline')).toEqual({ outcome: 'decline', hits: [0, 1, 2, 3] });
  });

  it('are of rules for the channel of the payment, which else are not asked', () => {
    const channels = (1 << Channels.qr) | (1 << Channels.cash);
    expect(decide('decline', Channels.cash, { channels }).outcome).toBe('decline');
    const asked = () => {
      throw new Error('was asked');
    };
    expect(decide('decline', Channels.wallet, { channels, hits: asked })).toEqual({ outcome: 'approve', hits: [] });
    expect(decide('decline', Channels.unknown, { channels, hits: asked })).toEqual({ outcome: 'approve', hits: [] });
  });
});
