// What is told of a condition without the language says what the language says: random conditions, with and without it.
import { Environment } from '@marcbachmann/cel-js';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { newFacts } from '../../../engine/risk/facts.ts';
import { guardsOf } from '../../../engine/risk/guards.ts';

const NAMES = ['a', 'b'] as const;
const environment = new Environment({ unlistedVariablesAreDyn: false });
for (const name of NAMES) environment.registerVariable(name, 'int');

/** What the guards of a condition say: false, or that it is for the language; true only when nothing is left for it. */
function told(text: string, numbers: Readonly<Record<string, number>>): boolean | 'ask' {
  const { guards, isWhole } = guardsOf(environment.parse(text).ast, (name) =>
    name in numbers ? () => numbers[name] ?? 0 : undefined,
  );
  const facts = newFacts();
  if (!guards.every((guard) => guard(facts, { get: () => 0 }))) return false;
  return isWhole ? true : 'ask';
}

function asked(text: string, numbers: Readonly<Record<string, number>>): boolean {
  const context = Object.fromEntries(Object.entries(numbers).map(([name, value]) => [name, BigInt(value)]));
  try {
    return environment.evaluate(text, context) === true;
  } catch {
    return false;
  }
}

const number = fc.integer({ min: -3, max: 3 });
const side = fc.oneof(fc.constantFrom(...NAMES), number.map(String), fc.constant('9223372036854775807'));
const comparison = fc
  .tuple(side, fc.constantFrom('<', '<=', '>', '>=', '==', '!='), side)
  .map(([left, operator, right]) => `${left} ${operator} ${right}`);
const other = fc.constantFrom('1 / a == 1', '(a < b || b > 1)', '!(a == b)', 'true', 'a + 1 > b');
const condition = fc
  .array(fc.oneof(comparison, other), { minLength: 1, maxLength: 4 })
  .map((parts) => parts.join(' && '));

describe('guards', () => {
  it('never say other than the language', () => {
    fc.assert(
      fc.property(condition, number, number, (text, a, b) => {
        const guess = told(text, { a, b });
        if (guess !== 'ask') expect(guess).toBe(asked(text, { a, b }));
      }),
    );
  });

  it.each([
    ['a > 1', true],
    ['1 < a && b == -2', true],
    ['a > 2', false],
    ['b >= 0 && 1 / 0 == a', false],
    ['a > 1 && 1 / 0 == a', 'ask'],
    ['a > b', 'ask'],
    ['a > 1 || b > 1', 'ask'],
  ])('say of %s with a = 2 and b = -2: %s', (text, answer) => {
    expect(told(text, { a: 2, b: -2 })).toBe(answer);
  });
});
