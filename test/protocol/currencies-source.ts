/**
 * Writes protocol/currencies.ts from ISO 4217 list one (SIX, XML). To take a newer list, put it under test/golden/,
 * name it in currencies.test.ts and run `npx vitest run test/protocol/currencies.test.ts -u`.
 */

interface Entry {
  readonly alphabetic: string;
  readonly numeric: number;
  /** Undefined where the list says N.A. */
  readonly minorUnits: number | undefined;
  readonly name: string;
}

const HEAD = `/**
 * ISO 4217 currencies. Made from list one of 2024-06-25 (test/golden/) by test/protocol/currencies-source.ts:
 * do not edit; \`Intl\` is no substitute, it is wrong on the minor units of some fifteen currencies.
 */

export interface Currency {
  readonly alphabetic: string;
  readonly numeric: number;
  /** Digits after the decimal point; undefined where the standard names none (gold, test codes). */
  readonly minorUnits: number | undefined;
  readonly name: string;
}

const row = (alphabetic: string, numeric: number, minorUnits: number | undefined, name: string): Currency =>
  Object.freeze({ alphabetic, numeric, minorUnits, name });

export const CURRENCIES: readonly Currency[] = Object.freeze([
`;

const TAIL = `]);

const BY_ALPHABETIC: ReadonlyMap<string, Currency> = new Map(
  CURRENCIES.map((currency) => [currency.alphabetic, currency]),
);
const BY_NUMERIC: ReadonlyMap<number, Currency> = new Map(CURRENCIES.map((currency) => [currency.numeric, currency]));

/** The currency of a three-letter code (upper case). */
export function currencyOfAlphabetic(alphabetic: string): Currency | undefined {
  return BY_ALPHABETIC.get(alphabetic);
}

/** The currency of a numeric code: what the ledger calls \`ledger\`. */
export function currencyOfNumeric(numeric: number): Currency | undefined {
  return BY_NUMERIC.get(numeric);
}
`;

/** Distinct currencies of the list, by alphabetic code. */
export function readList(xml: string): Entry[] {
  const found = new Map<string, Entry>();
  for (const [, body = ''] of xml.matchAll(/<CcyNtry>(.*?)<\/CcyNtry>/gs)) {
    const text = (tag: string) => new RegExp(`<${tag}[^>]*>([^<]*)</${tag}>`).exec(body)?.[1]?.trim();
    const alphabetic = text('Ccy');
    if (alphabetic === undefined) continue;
    const units = text('CcyMnrUnts') ?? '';
    found.set(alphabetic, {
      alphabetic,
      numeric: Number(text('CcyNbr')),
      minorUnits: /^\d$/.test(units) ? Number(units) : undefined,
      name: (text('CcyNm') ?? '').replaceAll('&amp;', '&').replaceAll(/\s+/g, ' '),
    });
  }
  return [...found.values()].sort((a, b) => (a.alphabetic < b.alphabetic ? -1 : 1));
}

const quoted = (text: string) => (text.includes("'") ? `"${text}"` : `'${text}'`);

/** The source text of protocol/currencies.ts. */
export function renderCurrencies(xml: string): string {
  const rows = readList(xml).map((entry) => {
    return `  row('${entry.alphabetic}', ${entry.numeric}, ${entry.minorUnits}, ${quoted(entry.name)}),`;
  });
  return `${HEAD}${rows.join('\n')}\n${TAIL}`;
}
