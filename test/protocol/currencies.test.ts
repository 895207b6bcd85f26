import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { CURRENCIES, currencyOfAlphabetic, currencyOfNumeric } from '../../protocol/currencies.ts';
import { readList, renderCurrencies } from './currencies-source.ts';

const LIST = new URL('../golden/iso4217-list-one-2024-06-25.xml', import.meta.url);

// A second source: the minor units that differ from 2, as payment texts list them.
const MINOR_UNITS: Readonly<Record<number, string>> = {
  0: 'BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF',
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

describe('currencies', () => {
  it('are what list one says', async () => {
    await expect(renderCurrencies(readFileSync(LIST, 'utf8'))).toMatchFileSnapshot('../../protocol/currencies.ts');
    expect(CURRENCIES.length).toBe(readList(readFileSync(LIST, 'utf8')).length);
    expect(CURRENCIES.length).toBeGreaterThan(170);
  });

  it('have the minor units of the second source', () => {
    for (const digits of [0, 3, 4]) {
      const codes = CURRENCIES.filter((currency) => currency.minorUnits === digits).map(({ alphabetic }) => alphabetic);
      expect(codes.join(' ')).toBe(MINOR_UNITS[digits]);
    }
  });

  it('are found by either code, are distinct and frozen', () => {
    for (const currency of CURRENCIES) {
      expect(currencyOfAlphabetic(currency.alphabetic)).toBe(currency);
      expect(currencyOfNumeric(currency.numeric)).toBe(currency);
      expect(Object.isFrozen(currency)).toBe(true);
    }
    expect(Object.isFrozen(CURRENCIES)).toBe(true);
    expect(currencyOfAlphabetic('cny')).toBeUndefined();
    expect(currencyOfNumeric(0)).toBeUndefined();
    expect(currencyOfAlphabetic('CNY')).toEqual({
      alphabetic: 'CNY',
      numeric: 156,
      minorUnits: 2,
      name: 'Yuan Renminbi',
    });
  });
});
