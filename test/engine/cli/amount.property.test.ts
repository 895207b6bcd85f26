// Invariant: text → minor units → text and minor units → text → minor units lose nothing, in every currency.
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAmount, parseAmount } from '../../../engine/cli/amount.ts';
import { CURRENCIES } from '../../../protocol/currencies.ts';
import { LIMITS } from '../../../protocol/limits.ts';

const currencies = CURRENCIES.flatMap(({ minorUnits }) => (minorUnits === undefined ? [] : [minorUnits]));
const minorUnits = fc.constantFrom(...new Set(currencies));
const amount = fc.bigInt({ min: 0n, max: BigInt(LIMITS.amountMax) });

describe('amounts', () => {
  it('come back from their text', () => {
    fc.assert(
      fc.property(amount, minorUnits, (minor, digits) => {
        expect(parseAmount(formatAmount(minor, digits), digits)).toEqual({ ok: true, minor });
      }),
    );
  });

  it('are what exact decimal arithmetic says', () => {
    fc.assert(
      fc.property(fc.nat(1_000_000), fc.nat(99), (whole, cents) => {
        const text = `${whole}.${String(cents).padStart(2, '0')}`;
        expect(parseAmount(text, 2)).toEqual({ ok: true, minor: BigInt(whole) * 100n + BigInt(cents) });
      }),
    );
  });

  it('are never read from text of another form, and reading never throws', () => {
    fc.assert(
      fc.property(fc.string(), minorUnits, (text, digits) => {
        const parsed = parseAmount(text, digits);
        if (parsed.ok) expect(text.trim()).toMatch(/^\d+(\.\d+)?$/);
        else expect(parsed.problem).not.toBe('');
      }),
    );
  });

  it.each([
    ['12.50', 2, 1250n],
    ['12.5', 2, 1250n],
    ['0.01', 2, 1n],
    ['007', 0, 7n],
    ['1.234', 3, 1234n],
    ['0.0001', 4, 1n],
    ['90071992547409.91', 2, 9_007_199_254_740_991n],
  ])('reads %s with %i decimals as %i', (text, digits, minor) => {
    expect(parseAmount(text, digits)).toEqual({ ok: true, minor });
  });

  it.each(['', '-1', '+1', '1,50', '1 000', '1e3', '0x10', '.5', '5.', '1.2.3', 'NaN', '１２'])(
    'refuses %j',
    (text) => {
      expect(parseAmount(text, 2)).toMatchObject({ ok: false, problem: expect.stringContaining('for example 12.50') });
    },
  );

  it('refuses more decimals than the currency has, and more than an account can hold', () => {
    expect(parseAmount('1.5', 0)).toMatchObject({ problem: expect.stringContaining('no decimals') });
    expect(parseAmount('1.005', 2)).toMatchObject({ problem: expect.stringContaining('at most 2 decimals') });
    expect(parseAmount('90071992547409.92', 2)).toMatchObject({ problem: expect.stringContaining('too large') });
  });

  it('shows negative balances with their sign', () => {
    expect([formatAmount(-5n, 2), formatAmount(-1250n, 2), formatAmount(-7n, 0)]).toEqual(['-0.05', '-12.50', '-7']);
  });
});
