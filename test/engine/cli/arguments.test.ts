import { describe, expect, it } from 'vitest';
import {
  formatMoney,
  readAccount,
  readAmount,
  readCurrency,
  readCursor,
  readNewId,
  readWhole,
} from '../../../engine/cli/arguments.ts';
import { UsageError } from '../../../engine/cli/errors.ts';
import { deriveId, formatId, partyAccountId } from '../../../protocol/ids.ts';

const EUR = readCurrency('EUR');
const HEX = '0198c0de0000700080000000000000aa';

describe('readCurrency', () => {
  it('takes the code in either case, and the number', () => {
    expect([readCurrency('jpy'), readCurrency('392')].map(({ alphabetic }) => alphabetic)).toEqual(['JPY', 'JPY']);
    expect(readCurrency('008').alphabetic).toBe('ALL');
  });

  it.each([
    ['EUX', /did you mean EUR|is not a currency/],
    ['euros', /is not a currency: use its ISO 4217 code/],
    ['XAU', /has no minor units/],
    ['', /is not a currency/],
  ])('refuses %j', (text, problem) => {
    expect(() => readCurrency(text)).toThrow(UsageError);
    expect(() => readCurrency(text)).toThrow(problem);
  });
});

describe('readAccount', () => {
  it('takes an id as it is and turns a name into the account of that party', () => {
    expect(formatId(readAccount(HEX, EUR, 2))).toBe(HEX);
    expect(readAccount('alice', EUR, 2)).toBe(partyAccountId(2, 'alice', 978));
  });

  it.each(['Alice', '', 'a b', '-x', 'x'.repeat(65)])('refuses %j', (text) => {
    expect(() => readAccount(text, EUR, 2)).toThrow(UsageError);
  });
});

describe('readNewId', () => {
  it('gives a new id every time when there is none, and always the same one for the same text', () => {
    expect(readNewId(undefined, 2)).not.toBe(readNewId(undefined, 2));
    expect(readNewId('order-17', 2)).toBe(deriveId('idempotency-key', '2', 'order-17'));
    expect(readNewId('order-17', 2)).not.toBe(readNewId('order-17', 3));
    expect(formatId(readNewId(HEX, 2))).toBe(HEX);
  });

  it('refuses the ids of the engine', () => {
    expect(() => readNewId('f'.repeat(32), 2)).toThrow(/belong to the engine/);
  });
});

describe('numbers', () => {
  it('refuses an amount of zero', () => {
    expect(() => readAmount('0.00', EUR)).toThrow(/more than zero/);
  });

  it.each(['0', '1001', '1.5', '', 'x'])('refuses a limit of %j', (text) => {
    expect(() => readWhole(text, 'the limit', 1, 1000)).toThrow(/the limit must be a whole number from 1 to 1000/);
  });

  it('reads cursors exactly', () => {
    expect([readCursor(undefined), readCursor('9007199254740993')]).toEqual([0n, 9_007_199_254_740_993n]);
    expect(() => readCursor('-1')).toThrow(UsageError);
  });

  it('shows money with the decimals of its currency, and other ledgers plainly', () => {
    expect([formatMoney(1250n, 978), formatMoney(1250n, 392), formatMoney(5n, 4242)]).toEqual([
      '12.50 EUR',
      '1250 JPY',
      '5 4242',
    ]);
  });
});
